/* SPDX-License-Identifier: GPL-2.0-or-later */
/* login: no authentication, no digests, error recovery level 0 (RFC 7143, sections 6 and 13). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/bytes.h"
#include "connection.h"

enum {
	BURST_MAX = 262144,
	FIRST_BURST_MAX = 65536,
	TEXT_MAX = 8192, /* bytes of keys in one request */
	STATUS_NOT_FOUND = 0x0203,
	STATUS_MISSING = 0x0207,
	STATUS_SESSION_TYPE = 0x0209,
};

static const char target_prefix[] = "iqn.2024-01.org.iusbd:";

/* The value of a numerical key, brought between two limits. */
static uint32_t
number(const char *value, uint32_t low, uint32_t high)
{
	unsigned long n = strtoul(value, NULL, 0);

	return n < low ? low : n > high ? high : (uint32_t)n;
}

static bool
is_yes(const char *value)
{
	return strcmp(value, "Yes") == 0;
}

static void
add_text(struct evbuffer *out, const char *key, const char *value)
{
	evbuffer_add_printf(out, "%s=%s", key, value);
	evbuffer_add(out, "", 1);
}

static void
add_number(struct evbuffer *out, const char *key, uint32_t value)
{
	evbuffer_add_printf(out, "%s=%u", key, value);
	evbuffer_add(out, "", 1);
}

/* Keys that have one answer, whatever is offered. NULL: none is due. */
static const struct {
	const char *key, *answer;
} fixed[] = {
	{ "AuthMethod", "None" },
	{ "HeaderDigest", "None" },
	{ "DataDigest", "None" },
	{ "MaxConnections", "1" },
	{ "MaxOutstandingR2T", "1" },
	{ "DataPDUInOrder", "Yes" },
	{ "DataSequenceInOrder", "Yes" },
	{ "DefaultTime2Wait", "2" },
	{ "DefaultTime2Retain", "0" },
	{ "ErrorRecoveryLevel", "0" },
	{ "IFMarker", "No" },
	{ "OFMarker", "No" },
	{ "InitiatorName", NULL },
	{ "InitiatorAlias", NULL },
	{ "TargetName", NULL },
	{ "SessionType", NULL },
};

static void
negotiate(struct terms *terms, const char *key, const char *value, struct evbuffer *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (strcmp(key, fixed[i].key) != 0)
			continue;
		if (fixed[i].answer)
			add_text(out, key, fixed[i].answer);
		return;
	}
	if (strcmp(key, "InitialR2T") == 0) {
		terms->is_r2t_first = is_yes(value);
		add_text(out, key, value);
	} else if (strcmp(key, "ImmediateData") == 0) {
		terms->has_immediate = is_yes(value);
		add_text(out, key, value);
	} else if (strcmp(key, "MaxBurstLength") == 0) {
		terms->max_burst = number(value, 512, BURST_MAX);
		add_number(out, key, terms->max_burst);
	} else if (strcmp(key, "FirstBurstLength") == 0) {
		terms->first_burst = number(value, 512, FIRST_BURST_MAX);
		add_number(out, key, terms->first_burst);
	} else if (strcmp(key, "MaxRecvDataSegmentLength") == 0) {
		terms->their_segment = number(value, 512, BURST_MAX);
		add_number(out, key, SEGMENT_MAX);
	} else {
		add_text(out, key, "NotUnderstood");
	}
}

static struct lun *
find_lun(const struct portal *portal, const char *target)
{
	size_t len = strlen(target_prefix);

	for (size_t i = 0; target && i < portal->count; i++)
		if (strncmp(target, target_prefix, len) == 0 &&
			strcmp(target + len, portal->luns[i].name) == 0)
			return &portal->luns[i];
	return NULL;
}

static void
refuse(struct connection *connection, const struct pdu *pdu, uint16_t status)
{
	uint8_t bhs[BHS_SIZE];

	connection_answer(connection, bhs, LOGIN_RESPONSE, pdu->bhs);
	memcpy(bhs + OFF_LUN, pdu->bhs + OFF_LUN, 8);
	put_be16(bhs + OFF_STATUS_CLASS, status);
	connection_send(connection, bhs, NULL, 0);
	connection_finish(connection);
}

/* Reads the keys: "key=value" with a NUL at the end of each. out gets the answers. Returns a
 * status, 0 if all is well. */
static uint16_t
read_keys(struct connection *connection, char *text, size_t len, struct evbuffer *out)
{
	bool is_first = connection->lun == NULL;
	bool has_initiator = false;
	const char *target = NULL, *type = NULL;
	char *end;

	for (char *key = text; key < text + len; key = end + 1) {
		char *value = strchr(key, '=');

		end = key + strlen(key);
		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(key, "InitiatorName") == 0)
			has_initiator = true;
		else if (strcmp(key, "TargetName") == 0)
			target = value;
		else if (strcmp(key, "SessionType") == 0)
			type = value;
		negotiate(&connection->terms, key, value, out);
	}
	if (!is_first)
		return 0;
	if (type && strcmp(type, "Normal") != 0)
		return STATUS_SESSION_TYPE;
	if (!has_initiator || !target)
		return STATUS_MISSING;
	connection->lun = find_lun(connection->portal, target);
	if (!connection->lun)
		return STATUS_NOT_FOUND;
	add_text(out, "TargetPortalGroupTag", "1");
	return 0;
}

bool
login_request(struct connection *connection, const struct pdu *pdu)
{
	uint8_t flags = pdu->bhs[OFF_FLAGS];
	uint8_t bhs[BHS_SIZE];
	char text[TEXT_MAX + 1];
	struct evbuffer *out;
	uint16_t status;

	if (pdu->data_len > TEXT_MAX || (flags & LOGIN_CONTINUE))
		return false;
	memcpy(text, pdu->data, pdu->data_len);
	text[pdu->data_len] = '\0';
	connection->exp_cmd_sn = get_be32(pdu->bhs + OFF_CMD_SN);
	out = evbuffer_new();
	status = read_keys(connection, text, pdu->data_len, out);
	if (status != 0) {
		refuse(connection, pdu, status);
		evbuffer_free(out);
		return true;
	}
	connection_answer(connection, bhs, LOGIN_RESPONSE, pdu->bhs);
	bhs[OFF_FLAGS] = flags & (LOGIN_TRANSIT | LOGIN_STAGES);
	memcpy(bhs + OFF_LUN, pdu->bhs + OFF_LUN, 6); /* ISID */
	put_be16(bhs + OFF_TSIH, 1);
	if ((flags & LOGIN_TRANSIT) && (flags & LOGIN_NEXT) == STAGE_FULL_FEATURE) {
		connection->is_logged_in = true;
		lun_reset(connection->lun);
	}
	connection_send(
		connection, bhs, evbuffer_pullup(out, -1), (uint32_t)evbuffer_get_length(out));
	evbuffer_free(out);
	return true;
}
