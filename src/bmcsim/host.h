/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host: the built-in host behind one device of a simulated BMC: it behaves like a machine with a
 * USB drive, runs a script against it and says what it saw. What it expects is from the SCSI
 * standards (SPC-3, SBC-2, MMC-5).
 */
#ifndef BMCSIM_HOST_H
#define BMCSIM_HOST_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/slot.h"
#include "bmcsim/host_script.h"

struct bmc;
struct event_base;
struct host;

/* A line for the person who watches: "compare dos.img: 1474560 bytes equal", "read: FAIL: ...". */
typedef void host_say_cb(void *arg, struct host *host, const char *line);

/* The script has run once, to its end or to where the client was lost. */
typedef void host_done_cb(void *arg, struct host *host, bool is_good);

/*
 * The script runs each time a client comes. It is not owned and must outlive the host, as must the
 * BMC; nobody else submits commands to that slot. Must not be freed from its callbacks.
 */
struct host *host_new(struct event_base *base, struct bmc *bmc, enum device device, int instance,
	const struct host_script *script, host_say_cb *say, host_done_cb *done,
	void *arg) MUST_CHECK;
void host_free(struct host *host);

/* BMC_CONNECTED or BMC_DISCONNECTED came for the device. */
void host_client_changed(struct host *host, bool is_connected);

/* The machine is reset: what it does is forgotten, and its script starts again. */
void host_reset(struct host *host);

enum device host_device(const struct host *host);
int host_instance(const struct host *host);
bool host_is_running(const struct host *host);

#endif
