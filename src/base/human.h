/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human: bytes, rates, times and counts as a person reads them. */
#ifndef BASE_HUMAN_H
#define BASE_HUMAN_H

#include <stdint.h>

enum {
	HUMAN_SIZE = 32, /* room for any text made here */
};

/* "0 B", "512 B", "1.4 MiB", "3.0 GiB": three digits at most, binary units. */
const char *human_bytes(char out[HUMAN_SIZE], uint64_t bytes);

/* As human_bytes with "/s"; "-" for a rate below one byte a second. */
const char *human_rate(char out[HUMAN_SIZE], double bytes_per_second);

/* "now", "12 s", "2 min", "3 h", "5 d": the largest unit only; negative counts as 0. */
const char *human_age(char out[HUMAN_SIZE], double seconds);

/* "85 us", "1.2 ms", "3.4 s". */
const char *human_duration(char out[HUMAN_SIZE], double seconds);

/* "1 slot", "3 slots": the noun gets its s. */
const char *human_count(char out[HUMAN_SIZE], uint64_t count, const char *noun);

#endif
