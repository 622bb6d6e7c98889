/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scout_ports: which ports of a BMC there are to look at (iusb-protocol 7.1). */
#include "bmc/scout_private.h"

enum {
	HTTP_PORT = 80,
	HTTPS_PORT = 443,
	HID_PORT = 5121,
	CONSOLE_PORT = 7578,
	CONSOLE_TLS_PORT = 7582,
};

struct list {
	struct scout_door *doors;
	size_t count;
};

static struct scout_door *
find(const struct list *list, uint16_t port)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->doors[i].port == port)
			return &list->doors[i];
	return NULL;
}

/* A port that is there already stays what it is. */
static void
add(struct list *list, const struct scout_door *door)
{
	if (door->port != 0 && list->count < SCOUT_DOORS && !find(list, door->port))
		list->doors[list->count++] = *door;
}

static void
add_web(struct list *list, const struct session_conf *way)
{
	bool is_plain = way->tls_mode == TLS_OFF;

	if (way->web_port != 0) {
		add(list, &(struct scout_door){ .port = way->web_port, .is_tls = !is_plain });
		return;
	}
	add(list, &(struct scout_door){ .port = HTTP_PORT, .is_default = true });
	add(list, &(struct scout_door){ .port = HTTPS_PORT, .is_tls = true, .is_default = true });
}

static void
add_media(struct list *list, const struct session_conf *way, enum device device, uint16_t port)
{
	const struct dialect *dialect = way->dialect;
	/* Until it is known which dialect it is, TLS may be there. */
	const struct dialect *secure = dialect->is_auto ? dialect_find("rest") : dialect;
	struct scout_door door = { .port = port, .use = SCOUT_MEDIA, .device = device };

	if (port != 0) {
		door.is_tls = way->tls_mode == TLS_ON;
		add(list, &door);
		return;
	}
	door.is_default = true;
	if (way->tls_mode != TLS_ON) {
		door.port = dialect->port[device];
		add(list, &door);
	}
	if (way->tls_mode != TLS_OFF) {
		door.port = secure->secure_port[device];
		door.is_tls = true;
		add(list, &door);
	}
}

size_t
scout_doors(struct scout_door out[SCOUT_DOORS], const struct session_conf *way,
	const uint16_t port[DEVICE_COUNT])
{
	struct list list = { .doors = out };

	add_web(&list, way);
	for (int d = 0; d < DEVICE_COUNT; d++)
		add_media(&list, way, (enum device)d, port[d]);
	if (way->dialect->bmc_speaks_first)
		add(&list, &(struct scout_door){
				   .port = HID_PORT, .use = SCOUT_HID, .is_default = true });
	add(&list, &(struct scout_door){
			   .port = CONSOLE_PORT, .use = SCOUT_CONSOLE, .is_default = true });
	add(&list, &(struct scout_door){ .port = CONSOLE_TLS_PORT,
			   .use = SCOUT_CONSOLE,
			   .is_tls = true,
			   .is_default = true });
	return list.count;
}

void
scout_add_granted(struct scout *scout)
{
	struct scout_report *report = &scout->report;
	struct list list = { .doors = report->doors, .count = report->door_count };
	const struct grant *grant = &report->grant;

	for (int d = 0; d < DEVICE_COUNT; d++) {
		struct scout_door *door = find(&list, grant->port[d]);

		if (door && door->use == SCOUT_MEDIA && !door->is_default &&
			scout->conf.way.tls_mode == TLS_AUTO)
			door->is_tls = grant->is_secure == 1;
		add(&list, &(struct scout_door){
				   .port = grant->port[d],
				   .use = SCOUT_MEDIA,
				   .device = (enum device)d,
				   .is_tls = grant->is_secure == 1,
			   });
	}
	report->door_count = list.count;
}

static void
name_door(struct scout_door *door, const struct dialect *dialect)
{
	for (int d = 0; d < DEVICE_COUNT; d++)
		if (door->use == SCOUT_MEDIA && door->is_default && !door->is_tls &&
			door->port == dialect->port[d])
			door->device = (enum device)d;
}

/* A port that the dialect has by itself, where the BMC says that it uses another one, or none. */
static bool
is_needless(const struct scout_report *report, const struct scout_door *door)
{
	uint16_t port = report->is_granted ? report->grant.port[door->device] : 0;
	bool is_elsewhere = port != 0 && port != door->port;
	bool is_nowhere = report->is_granted && door->device == DEVICE_FD && !report->grant.has_fd;

	return door->use == SCOUT_MEDIA && door->is_default && (is_elsewhere || is_nowhere) &&
	       (door->state == SCOUT_CLOSED || door->state == SCOUT_SILENT);
}

void
scout_tidy_doors(struct scout_report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < report->door_count; i++) {
		struct scout_door *door = &report->doors[i];

		if (report->dialect)
			name_door(door, report->dialect);
		if (!is_needless(report, door))
			report->doors[kept++] = *door;
	}
	report->door_count = kept;
}
