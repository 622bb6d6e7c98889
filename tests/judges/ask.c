/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask: sends the rows of a table of CDBs to a SCSI device (Linux, SG_IO) and tells what each was
 * answered.
 *
 * Usage: ask DEVICE KIND <TABLE
 *
 * The table is tests/judges/cdbs, which says how it is written; only rows for that kind of drive
 * are sent. One line of output for each: its name, a tab, and "good" and the bytes that were read
 * in hex, or a sense as 05/24/00, or what went wrong on the way.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <scsi/sg.h>

enum {
	DATA_MAX = 131072,
	CDB_MAX = 16,
	SENSE_MAX = 64,
	TIMEOUT = 120000, /* milliseconds */
	STATUS_CHECK_CONDITION = 2,
	DRIVER_SENSE = 8,        /* there is sense data; not an error of the driver */
	SENSE_DESCRIPTOR = 0x72, /* response codes 72 and 73, SPC-3 4.5.2 */
};

static const char pattern[] = "iusbd and its judges\n";
static unsigned char data[DATA_MAX];

struct row {
	const char *kinds;
	int direction; /* SG_DXFER_... */
	unsigned len;
	unsigned char cdb[CDB_MAX];
	unsigned char cdb_len;
	const char *name;
};

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* Without the blanks at both ends; what was there before is changed. */
static char *
trim(char *text)
{
	char *end;

	text += strspn(text, " \t\n");
	end = text + strlen(text);
	while (end > text && strchr(" \t\n", end[-1]) != NULL)
		*--end = '\0';
	return text;
}

/* Takes a line apart, which is changed and lives as long as the row. False if it is not a row. */
static bool
parse(char *line, struct row *row)
{
	char *part[4], way[16];
	int used;

	memset(row, 0, sizeof(*row));
	for (unsigned i = 0; i < 4; i++) {
		part[i] = strsep(&line, "|");
		if (part[i] == NULL || part[0][0] == '#')
			return false;
		part[i] = trim(part[i]);
	}
	row->kinds = part[0];
	row->name = part[3];
	row->direction = SG_DXFER_NONE;
	if (sscanf(part[1], "%15s %u", way, &row->len) == 2) {
		row->direction = strcmp(way, "in") == 0 ? SG_DXFER_FROM_DEV : SG_DXFER_TO_DEV;
		for (unsigned i = 0; strcmp(way, "out") == 0 && i < DATA_MAX; i++)
			data[i] = (unsigned char)pattern[i % (sizeof(pattern) - 1)];
	}
	for (const char *p = part[2]; row->cdb_len < CDB_MAX; p += used) {
		unsigned byte;

		if (sscanf(p, "%x%n", &byte, &used) != 1)
			break;
		row->cdb[row->cdb_len++] = (unsigned char)byte;
	}
	return row->len <= DATA_MAX && row->cdb_len >= 6;
}

static void
tell(const struct row *row, const struct sg_io_hdr *io, const unsigned char *sense)
{
	printf("%s\t", row->name);
	if (io->host_status != 0 || (io->driver_status & ~DRIVER_SENSE) != 0) {
		printf("failed: host %02x, driver %02x", io->host_status, io->driver_status);
	} else if (io->status == STATUS_CHECK_CONDITION && sense[0] >= SENSE_DESCRIPTOR) {
		printf("%02x/%02x/%02x", sense[1] & 0x0F, sense[2], sense[3]);
	} else if (io->status == STATUS_CHECK_CONDITION) {
		printf("%02x/%02x/%02x", sense[2] & 0x0F, sense[12], sense[13]);
	} else if (io->status != 0) {
		printf("status %02x", io->status);
	} else {
		printf("good ");
		for (unsigned i = 0;
			row->direction == SG_DXFER_FROM_DEV && i + io->resid < row->len; i++)
			printf("%02x", data[i]);
	}
	printf("\n");
}

static void
ask(int fd, struct row *row)
{
	unsigned char sense[SENSE_MAX] = { 0 };
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.cmdp = row->cdb,
		.cmd_len = row->cdb_len,
		.dxfer_direction = row->direction,
		.dxferp = data,
		.dxfer_len = row->len,
		.sbp = sense,
		.mx_sb_len = SENSE_MAX,
		.timeout = TIMEOUT,
	};

	if (ioctl(fd, SG_IO, &io) != 0)
		die(row->name);
	tell(row, &io, sense);
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	struct row row;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: ask DEVICE KIND <TABLE\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_NONBLOCK);
	if (fd < 0)
		die(argv[1]);
	while (getline(&line, &size, stdin) > 0) {
		memset(data, 0, sizeof(data));
		if (parse(line, &row) && strstr(row.kinds, argv[2]) != NULL)
			ask(fd, &row);
	}
	free(line);
	close(fd);
	return 0;
}
