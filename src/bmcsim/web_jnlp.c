/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_jnlp: the start file of the Java console: names and values in turn (iusb-protocol 8.1). */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include <event2/buffer.h>

#include "bmcsim/web_parts.h"

/* The values are ours: nothing in them has to be escaped. */
static void add(struct evbuffer *out, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void
add(struct evbuffer *out, const char *name, const char *fmt, ...)
{
	va_list args;

	evbuffer_add_printf(out, "    <argument>%s</argument>\n    <argument>", name);
	va_start(args, fmt);
	evbuffer_add_vprintf(out, fmt, args);
	va_end(args);
	evbuffer_add_printf(out, "</argument>\n");
}

/* -cdstate, -cdport, -cdnum */
static void
add_device(const struct web *web, enum device device, struct evbuffer *out)
{
	const struct web_conf *conf = &web->conf;
	char name[16];

	snprintf(name, sizeof(name), "-%sstate", device_name(device));
	add(out, name, "%d", conf->is_attached[device]);
	snprintf(name, sizeof(name), "-%sport", device_name(device));
	if (!(conf->quirks & WEB_JNLP_NO_PORTS))
		add(out, name, "%u", web->calls.port(web->arg, device, conf->is_secure_media));
	snprintf(name, sizeof(name), "-%snum", device_name(device));
	add(out, name, "%u", conf->slots[device]);
}

static void
print_jnlp(struct web *web, const struct web_ticket *ticket, struct evbuffer *out)
{
	const struct web_conf *conf = &web->conf;
	bool is_newer = conf->slots[DEVICE_FD] == 0; /* JViewer 2.x has no floppy */
	uint16_t plain = web_port(web, false);
	char address[INET_ADDRSTRLEN] = "";

	inet_ntop(AF_INET, &conf->address, address, sizeof(address));
	evbuffer_add_printf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<!-- made for each request -->\n"
		"<jnlp spec=\"1.0+\" codebase=\"https://%s:%u/Java\">\n"
		"  <information>\n    <title>JViewer</title>\n    <vendor>BMC &amp; Co.</vendor>\n"
		"  </information>\n  <security><all-permissions/></security>\n"
		"  <application-desc>\n",
		address, web_secure_port(web));
	add(out, "-apptype", "JViewer");
	add(out, "-title", "JViewer &lt;%s&gt;", address);
	add(out, "-hostname", "%s", address);
	add(out, "-kvmtoken", "%s", ticket->token);
	add(out, "-kvmtokentype", "0");
	add(out, "-kvmsecure", "1");
	add(out, "-kvmport", "%d", conf->quirks & WEB_JNLP_NO_PORTS ? plain : VIDEO_SECURE_PORT);
	add(out, "-vmsecure", "%d", conf->is_secure_media);
	add_device(web, DEVICE_CD, out);
	if (!is_newer)
		add_device(web, DEVICE_FD, out);
	add_device(web, DEVICE_HD, out);
	add(out, is_newer ? "-lang" : "-localization", "EN");
	add(out, "-webcookie", "%s", ticket->cookie);
	add(out, "-websecure", "%d", web->secure != NULL);
	add(out, "-webport", "%u", plain);
	add(out, "-websecureport", "%u", web_secure_port(web));
	add(out, "-keyboardlayout", "AD");
	add(out, "-videofile", "%s", "");
	add(out, "-u", "%s", "");
	add(out, "-p", "%s", "");
	add(out, "-singleportenabled", "%d", conf->is_single_port);
	add(out, "-extendedpriv", "%d", conf->has_privilege ? 259 : 0);
	add(out, "-oemfeatures", "0");
	if (is_newer) {
		add(out, "-launch", "JViewer");
		add(out, "-retrycount", "3");
		add(out, "-retryinterval", "10");
		add(out, "-kvmcdnum", "%u", conf->slots[DEVICE_CD]);
		add(out, "-kvmhdnum", "%u", conf->slots[DEVICE_HD]);
		add(out, "-powersavemode", "0");
	}
	evbuffer_add_printf(out, "  </application-desc>\n</jnlp>\n");
}

void
web_answer_jnlp(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session, struct web_answer *answer)
{
	session->has_fetched = true;
	answer->type = "application/x-java-jnlp-file";
	print_jnlp(web, web_ticket_fetch(web, session), answer->body);
}
