/* SPDX-License-Identifier: GPL-2.0-or-later */
/* channel_private: the object of a channel. channel.c is its life on the event loop, channel_io.c
 * the reads and writes of a socket and through OpenSSL. */
#ifndef BMC_CHANNEL_PRIVATE_H
#define BMC_CHANNEL_PRIVATE_H

#include "bmc/channel.h"

struct event;

enum ending { /* of the input */
	ENDING_NONE,
	ENDING_CLOSED,
	ENDING_FAILED,
};

/* What a read or write of 0 or more bytes can also come to. */
enum { IO_LATER = -1, IO_CLOSED = -2, IO_FAILED = -3 };

struct channel {
	int fd;
	struct ssl_st *ssl;      /* owned; NULL: plain */
	struct tls_check *check; /* not owned */
	channel_cb *cb;
	void *arg;
	struct evbuffer *in, *out;
	struct event *reading, *writing; /* the socket */
	struct event *again;             /* what has to be done with no news from the socket */
	short again_what;                /* EV_READ | EV_WRITE */
	size_t max;                      /* the input is read up to here */

	short handshake; /* EV_READ or EV_WRITE: what the TLS handshake waits for; 0: it is done */
	bool is_ready;
	bool is_sending;                               /* CHANNEL_DRAINED is due */
	bool is_full;                                  /* the kernel took no more output */
	bool read_waits_to_write, write_waits_to_read; /* TLS may want to, inside */
	enum ending ending;                            /* seen ... */
	bool is_ending_told;                           /* ... and told */
	bool is_dead;                                  /* CHANNEL_FAILED is or will be told */
	enum failure failure;
	struct reason why;
};

/* ---- channel_io.c ---- */

/* Bytes that were read (above 0), or IO_LATER, IO_CLOSED, IO_FAILED with failure and why set. */
int channel_read(struct channel *ch, void *buf, size_t len) MUST_CHECK;

/* Sends until nothing is left: 0; or the kernel takes no more: IO_LATER; or IO_FAILED as above. */
int channel_write(struct channel *ch) MUST_CHECK;

/* One step of the TLS handshake: 0 if it is done. IO_LATER sets ch->handshake to what is waited
 * for. */
int channel_handshake(struct channel *ch) MUST_CHECK;

#endif
