/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chance: repeatable random numbers; the same seed plays the same quirks again. */
#ifndef BMCSIM_CHANCE_H
#define BMCSIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline void
chance_init(struct chance *chance, uint32_t seed)
{
	chance->state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

/* Any 32 bits (the splitmix64 generator). */
static inline uint32_t
chance_next(struct chance *chance)
{
	uint64_t z = chance->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return (uint32_t)(z >> 32);
}

/* 0 to limit - 1; limit is above 0. */
static inline uint32_t
chance_below(struct chance *chance, uint32_t limit)
{
	return chance_next(chance) % limit;
}

static inline bool
chance_one_in(struct chance *chance, uint32_t n)
{
	return chance_below(chance, n) == 0;
}

static inline void
chance_fill(struct chance *chance, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)chance_next(chance);
}

#endif
