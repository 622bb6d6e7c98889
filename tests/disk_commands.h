/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disk_commands: what the host of a test asks a disk or a floppy for. */
#ifndef TESTS_DISK_COMMANDS_H
#define TESTS_DISK_COMMANDS_H

enum {
	BLOCK = 512, /* bytes */
	TUR = 0x00,
	FORMAT_UNIT = 0x04,
	START_STOP = 0x1B,
	READ_CAPACITY = 0x25,
	READ_10 = 0x28,
	WRITE_10 = 0x2A,
	WRITE_AND_VERIFY_10 = 0x2E,
	VERIFY_10 = 0x2F,
	SYNC_CACHE = 0x35,
	WRITE_SAME_10 = 0x41,
};

#endif
