/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_media: the built-in host's verbs that move data: read, compare, write, write-protected. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/human.h"
#include "bmcsim/host_parts.h"

enum {
	CAPACITY_LEN = 8,
	CDB_LEN = 10,
};

static uint32_t
smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The CRC that zip, PNG and crc32(1) use. */
static uint32_t
crc32_add(uint32_t crc, const uint8_t *data, size_t len)
{
	static uint32_t table[256];

	if (table[1] == 0) {
		for (uint32_t i = 0; i < ARRAY_SIZE(table); i++) {
			table[i] = i;
			for (int bit = 0; bit < 8; bit++)
				table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320 : 0);
		}
	}
	crc = ~crc;
	while (len-- > 0)
		crc = table[(crc ^ *data++) & 0xFF] ^ crc >> 8;
	return ~crc;
}

static void
capacity_next(struct host *host, const struct bmc_result *result)
{
	uint32_t expected = bmc_scsi_block_len(host->device);

	if (!result->is_good) {
		host_fail_command(host, "READ CAPACITY");
		return;
	}
	if (result->data_len != CAPACITY_LEN) {
		host_fail(host, "READ CAPACITY: %" PRIu32 " bytes instead of %d", result->data_len,
			CAPACITY_LEN);
		return;
	}
	host->blocks = get_be32(result->data) + 1;
	host->block_len = get_be32(result->data + 4);
	if (host->block_len != expected || host->blocks == 0)
		host_fail(host,
			"READ CAPACITY: %" PRIu32 " blocks of %" PRIu32 " bytes, not %" PRIu32,
			host->blocks, host->block_len, expected);
	else
		host->after_measure(host);
}

void
host_measure(struct host *host, void (*next)(struct host *host))
{
	static const uint8_t cdb[CDB_LEN] = { SCSI_READ_CAPACITY };

	host->after_measure = next;
	host_read_command(host, cdb, sizeof(cdb), CAPACITY_LEN, capacity_next);
}

/* Sends READ(10) or WRITE(10) for the next part of the transfer. */
static void
move_part(struct host *host, uint8_t opcode, host_next *next)
{
	uint8_t cdb[CDB_LEN] = { opcode };

	host->part = smaller(host->end - host->lba, PACKET_DATA_MAX / host->block_len);
	put_be32(cdb + 2, host->lba);
	put_be16(cdb + 7, (uint16_t)host->part);
	if (opcode == SCSI_WRITE_10)
		host_write_command(host, cdb, sizeof(cdb), host->part * host->block_len, next);
	else
		host_read_command(host, cdb, sizeof(cdb), host->part * host->block_len, next);
}

/* The step fails if a part was not moved whole; else true. */
static bool
is_moved(struct host *host, const struct bmc_result *result, const char *name)
{
	uint32_t expected = host->part * host->block_len;
	char what[64];

	if (!result->is_good) {
		snprintf(what, sizeof(what), "%s of %" PRIu32 " blocks at %" PRIu32, name,
			host->part, host->lba);
		host_fail_command(host, what);
		return false;
	}
	if (!host->command.is_write && result->data_len != expected) {
		host_fail(host, "%s at %" PRIu32 ": %" PRIu32 " bytes instead of %" PRIu32, name,
			host->lba, result->data_len, expected);
		return false;
	}
	return true;
}

static uint64_t
medium_size(const struct host *host)
{
	return (uint64_t)host->blocks * host->block_len;
}

/* --- read --- */

static void
read_next(struct host *host, const struct bmc_result *result)
{
	char rate[HUMAN_SIZE];
	struct timespec now;
	double seconds;

	if (result && !is_moved(host, result, "READ(10)"))
		return;
	if (result) {
		host->crc = crc32_add(host->crc, result->data, result->data_len);
		host->lba += host->part;
	}
	if (host->lba < host->end) {
		move_part(host, SCSI_READ_10, read_next);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)(now.tv_sec - host->since.tv_sec) +
		  (double)(now.tv_nsec - host->since.tv_nsec) / 1e9;
	host_pass(host, "%" PRIu64 " bytes, crc32 %08" PRIx32 ", %s", medium_size(host), host->crc,
		human_rate(rate, (double)medium_size(host) / (seconds > 1e-6 ? seconds : 1e-6)));
}

static void
begin_whole(struct host *host)
{
	host->lba = 0;
	host->end = host->blocks;
	host->crc = 0;
	clock_gettime(CLOCK_MONOTONIC, &host->since);
}

static void
read_measured(struct host *host)
{
	begin_whole(host);
	read_next(host, NULL);
}

void
host_start_read(struct host *host)
{
	host_measure(host, read_measured);
}

/* --- compare --- */

/*
 * Fills host->data with len bytes of the step's file from offset; behind the end of the file there
 * are zeros. Fails the step if the file cannot be read.
 */
static bool
load(struct host *host, uint64_t offset, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(host_current(host)->fd, host->data + done, len - done,
			(off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			host_fail(host, "%s: %s", host_current(host)->file, strerror(errno));
			return false;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	memset(host->data + done, 0, len - done);
	return true;
}

/* Compares what was read with host->data; the step fails at the first difference. */
static bool
is_same(struct host *host, const struct bmc_result *result)
{
	uint32_t at = 0;
	uint64_t where;

	if (memcmp(result->data, host->data, result->data_len) == 0)
		return true;
	while (result->data[at] == host->data[at])
		at++;
	where = (uint64_t)host->lba * host->block_len + at;
	host_fail(host,
		"first difference at byte %" PRIu64 " (block %" PRIu64 "): medium %02x, file %02x",
		where, where / host->block_len, result->data[at], host->data[at]);
	return false;
}

static void
compare_next(struct host *host, const struct bmc_result *result)
{
	if (result) {
		if (!is_moved(host, result, "READ(10)") ||
			!load(host, (uint64_t)host->lba * host->block_len, result->data_len) ||
			!is_same(host, result))
			return;
		host->lba += host->part;
	}
	if (host->lba < host->end)
		move_part(host, SCSI_READ_10, compare_next);
	else
		host->after_compare(host);
}

static void
compare_end(struct host *host)
{
	uint64_t size = host_current(host)->size;

	host_pass(host, "%" PRIu64 " bytes equal",
		size < medium_size(host) ? size : medium_size(host));
}

/* Less than a block may be missing at the end, or be zeros on the medium. */
static void
compare_measured(struct host *host)
{
	uint64_t size = host_current(host)->size, medium = medium_size(host);

	if ((size > medium ? size - medium : medium - size) >= host->block_len) {
		host_fail(
			host, "the medium has %" PRIu64 " bytes, the file %" PRIu64, medium, size);
		return;
	}
	begin_whole(host);
	compare_next(host, NULL);
}

void
host_compare(struct host *host, void (*next)(struct host *host))
{
	host->after_compare = next;
	host_measure(host, compare_measured);
}

void
host_start_compare(struct host *host)
{
	host_compare(host, compare_end);
}

/* --- write --- */

/* Where in the step's file the part at host->lba begins. */
static uint64_t
file_offset(const struct host *host)
{
	return (uint64_t)(host->lba - host_current(host)->lba) * host->block_len;
}

static void
read_back_next(struct host *host, const struct bmc_result *result)
{
	if (result) {
		if (!is_moved(host, result, "READ(10)") ||
			!load(host, file_offset(host), result->data_len) || !is_same(host, result))
			return;
		host->lba += host->part;
	}
	if (host->lba < host->end)
		move_part(host, SCSI_READ_10, read_back_next);
	else
		host_pass(host,
			"%" PRIu64 " bytes in %" PRIu32 " blocks at %" PRIu32
			" written, read back equal",
			host_current(host)->size, host->end - host_current(host)->lba,
			host_current(host)->lba);
}

static void
write_next(struct host *host, const struct bmc_result *result)
{
	if (result) {
		if (!is_moved(host, result, "WRITE(10)"))
			return;
		host->lba += host->part;
	}
	if (host->lba == host->end) {
		host->lba = host_current(host)->lba;
		read_back_next(host, NULL);
		return;
	}
	if (load(host, file_offset(host), PACKET_DATA_MAX))
		move_part(host, SCSI_WRITE_10, write_next);
}

static void
write_measured(struct host *host)
{
	const struct host_step *step = host_current(host);
	uint64_t blocks = (step->size + host->block_len - 1) / host->block_len;

	if (step->lba + blocks > host->blocks) {
		host_fail(host,
			"%" PRIu64 " blocks at %" PRIu32 " do not fit on a medium of %" PRIu32,
			blocks, step->lba, host->blocks);
		return;
	}
	host->lba = step->lba;
	host->end = step->lba + (uint32_t)blocks;
	write_next(host, NULL);
}

void
host_start_write(struct host *host)
{
	host_measure(host, write_measured);
}

/* --- write-protected --- */

static void
refused_next(struct host *host, const struct bmc_result *result)
{
	if (result->is_good)
		host_fail(host, "the drive accepted a write");
	else if (host->sense != SENSE_WRITE_PROTECTED)
		host_fail_command(host, "WRITE(10)");
	else
		host_pass(host, "the drive refused a write with 07/27/00");
}

/* Writes block 0 with its own bytes, so that nothing changes if the drive does write. */
static void
block_0_next(struct host *host, const struct bmc_result *result)
{
	if (!is_moved(host, result, "READ(10)"))
		return;
	memcpy(host->data, result->data, result->data_len);
	move_part(host, SCSI_WRITE_10, refused_next);
}

static void
protected_measured(struct host *host)
{
	host->lba = 0;
	host->end = 1;
	move_part(host, SCSI_READ_10, block_0_next);
}

void
host_start_write_protected(struct host *host)
{
	host_measure(host, protected_measured);
}
