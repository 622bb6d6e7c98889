/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_methods: what a client of org.iusbd gets, from the socket to a simulated BMC. */
#include "methods_fixture.h"

static const char *reload_text; /* NULL: the configuration has errors */

static const char configuration[] =
	"image_dirs = [ \"@D\" ];\n"
	"images = ( { name = \"named\"; path = \"@D/dos.img\"; },\n"
	"           { name = \"broken\"; path = \"@D/gone.img\"; } );\n"
	"targets = ( { name = \"node1\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P\n"
	"              labels = { rack = \"r1\"; }; },\n"
	"            { name = \"node2\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P },\n"
	"            { name = \"node3\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P } );\n";

static int
reload(void *arg, struct strlist *added, struct strlist *changed, struct strlist *removed,
	struct strlist *errors)
{
	ck_assert_ptr_eq(arg, &world);
	if (reload_text == NULL) {
		strlist_add(errors, "iusbd.conf:3: what is that");
		strlist_add(errors, "iusbd.conf:4: and that");
		return -1;
	}
	registry_apply(world.registry, world_conf(&world, reload_text), added, changed, removed);
	return 0;
}

static void
setup(void)
{
	world_init(&world);
	reload_text = configuration;
	open_server(configuration, reload);
}

static json_t *
call(const char *verb, const char *parameters)
{
	char method[64];

	snprintf(method, sizeof(method), "org.iusbd.%s", verb);
	return test_client_call(&client, method, parameters);
}

/* Asks without waiting for the answer. */
static void
say(struct varlink_test_client *from, const char *verb, const char *parameters)
{
	char message[256];

	snprintf(message, sizeof(message), "{\"method\":\"org.iusbd.%s\",\"parameters\":%s}", verb,
		parameters);
	test_client_say(from, message);
}

static void
open_other(struct varlink_test_client *other)
{
	test_client_open(other, world.base, world_path(&world, "socket"));
}

/* Attaches, and waits for a BMC that says nothing. */
static void
wait_for_silence(struct varlink_test_client *from, const char *target)
{
	char parameters[128], slot[64];

	world.bmc.status = 0;
	snprintf(parameters, sizeof(parameters),
		"{\"selectors\":[\"%s\"],\"image\":\"dos.img\",\"timeout\":1000}", target);
	say(from, "Attach", parameters);
	snprintf(slot, sizeof(slot), "%s/fd", target);
	UNTIL(world_slot(&world, slot) != NULL);
}

/* An answer that is an error: its name without "org.iusbd.", "" for a good answer. */
static const char *
error_of(const json_t *answer)
{
	const char *error = test_error(answer);

	return strncmp(error, "org.iusbd.", 10) == 0 ? error + 10 : error;
}

static const char *
text_of(const json_t *answer, const char *parameter)
{
	const char *text = json_string_value(test_parameter(answer, parameter));

	return text != NULL ? text : "(none)";
}

/* Rows of an answer, or the only one, as "1 x;2 y;": only the named fields. */
static const char *
rows(const json_t *answer, const char *parameter, const char *fields)
{
	static char text[4096];
	char copy[256], *save;
	json_t *row, *array;
	size_t i;

	ck_assert_str_eq(error_of(answer), "");
	array = json_is_array(test_parameter(answer, parameter))
			? json_incref(test_parameter(answer, parameter))
			: json_pack("[O]", test_parameter(answer, parameter));
	ck_assert_ptr_nonnull(array);
	text[0] = '\0';
	json_array_foreach (array, i, row) {
		snprintf(copy, sizeof(copy), "%s", fields);
		for (char *f = strtok_r(copy, " ", &save); f; f = strtok_r(NULL, " ", &save)) {
			json_t *value = json_object_get(row, f);
			char *dump;

			ck_assert_msg(value != NULL, "no field %s", f);
			dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
			if (json_is_string(value))
				strcat(text, json_string_value(value));
			else
				strcat(text, dump);
			strcat(text, " ");
			free(dump);
		}
		text[strlen(text) - 1] = ';';
	}
	json_decref(array);
	return text;
}

static const char *
outcomes(const json_t *answer)
{
	return rows(answer, "outcomes", "slot outcome");
}

static void
attach(const char *selector, const char *image)
{
	char parameters[256];

	snprintf(parameters, sizeof(parameters),
		"{\"selectors\":[\"%s\"],\"image\":\"%s\",\"timeout\":1000}", selector, image);
	ck_assert_str_eq(error_of(call("Attach", parameters)), "");
}

/* --- the interface --- */

/* Every method of the text is in the table, and the other way round. */
START_TEST(has_what_the_interface_says)
{
	const char *text = methods_interface.description;
	size_t count = 0;

	for (const char *p = text; (p = strstr(p, "\nmethod ")) != NULL; p++) {
		char name[64];

		ck_assert_int_eq(sscanf(p, "\nmethod %30[A-Za-z]", name), 1);
		ck_assert_uint_lt(count, methods_interface.method_count);
		ck_assert_int_eq(
			strncmp(methods_interface.methods[count].name, "org.iusbd.", 10), 0);
		ck_assert_str_eq(methods_interface.methods[count].name + 10, name);
		ck_assert_ptr_nonnull(methods_interface.methods[count].run);
		count++;
	}
	ck_assert_uint_eq(count, methods_interface.method_count);
	ck_assert_ptr_nonnull(strstr(text, "interface org.iusbd\n"));
	for (int error = REGISTRY_NO_TARGET; error <= REGISTRY_STOPPING; error++) {
		char line[64];

		snprintf(line, sizeof(line), "\nerror %s (",
			methods_error_name((enum registry_error)error) + 10);
		ck_assert_msg(strstr(text, line) != NULL, "%s", line);
	}
}
END_TEST

/* Looking is for viewers, changing is not. */
START_TEST(asks_for_roles)
{
	for (size_t i = 0; i < methods_interface.method_count; i++) {
		const struct varlink_method *method = &methods_interface.methods[i];
		bool is_change = strstr(method->name, "Attach") || strstr(method->name, "Detach") ||
				 strstr(method->name, "Swap") || strstr(method->name, "Reload") ||
				 strstr(method->name, "Probe");

		ck_assert_int_eq(method->role, is_change ? VARLINK_ROLE_CHANGE : VARLINK_ROLE_VIEW);
	}
}
END_TEST

static const struct {
	const char *verb, *parameters, *parameter;
} invalid[] = {
	{ "Status", "{\"selectors\":\"node1\"}", "selectors" },
	{ "Status", "{\"selectors\":[1]}", "selectors" },
	{ "Status", "{\"selector\":[]}", "selector" },
	{ "Show", "{}", "slot" },
	{ "Show", "{\"slot\":null}", "slot" },
	{ "Show", "{\"slot\":7}", "slot" },
	{ "Images", "{\"x\":1}", "x" },
	{ "Version", "{\"x\":1}", "x" },
	{ "Reload", "{\"x\":1}", "x" },
	{ "Attach", "{}", "selectors" },
	{ "Attach", "{\"selectors\":[\"node1\"]}", "image" },
	{ "Attach", "{\"selectors\":[],\"image\":\"dos.img\"}", "selectors" },
	{ "Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"mode\":\"xx\"}", "mode" },
	{ "Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"wait\":\"xx\"}", "wait" },
	{ "Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"timeout\":-1}", "timeout" },
	{ "Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"timeout\":1e300}",
		"timeout" },
	{ "Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"timeout\":\"1\"}",
		"timeout" },
	{ "Swap", "{}", "slot" },
	{ "Swap", "{\"slot\":\"node1/fd\"}", "image" },
	{ "Swap", "{\"slot\":[],\"image\":\"dos.img\"}", "slot" },
	{ "Swap", "{\"slot\":\"node1/fd\",\"image\":\"dos.img\",\"mode\":\"xx\"}", "mode" },
	{ "Detach", "{\"selectors\":[]}", "selectors" },
	{ "Detach", "{}", "selectors" },
};

START_TEST(refuses_invalid_parameters)
{
	json_t *answer = call(invalid[_i].verb, invalid[_i].parameters);

	ck_assert_str_eq(test_error(answer), "org.varlink.service.InvalidParameter");
	ck_assert_str_eq(text_of(answer, "parameter"), invalid[_i].parameter);
	ck_assert_uint_eq(registry_count(world.registry), 0);
}
END_TEST

/* --- Attach --- */

START_TEST(attaches_until_accepted)
{
	json_t *answer = call(
		"Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"timeout\":1000}");

	ck_assert_str_eq(
		rows(answer, "outcomes", "slot outcome error reason image mode state size"),
		"node1/fd accepted null null dos.img ro serving 1474560;");
	ck_assert_str_eq(world_stored(&world), "node1/fd=dos.img(ro) ");
}
END_TEST

START_TEST(chooses_the_device)
{
	char *iso = mem_new(1, 64 * 2048);
	FILE *file = fopen(world_path(&world, "disc.iso"), "w");

	memcpy(iso + 16 * 2048, "\1CD001\1", 7);
	memcpy(iso + 17 * 2048, "\377CD001\1", 7);
	ck_assert_uint_eq(fwrite(iso, 2048, 64, file), 64);
	fclose(file);
	free(iso);
	attach("node1", "dos.img");
	attach("node1", "stick.img");
	attach("node1", "disc.iso");
	ck_assert_str_eq(rows(call("Status", "{}"), "slots", "slot image"),
		"node1/cd disc.iso;node1/fd dos.img;node1/hd stick.img;");
	/* The selector or the parameter say otherwise. */
	attach("node2/hd1", "dos.img");
	ck_assert_str_eq(outcomes(call("Attach", "{\"selectors\":[\"node2\"],\"image\":\"named\","
						 "\"device\":\"cd\",\"timeout\":1000}")),
		"node2/cd accepted;");
	ck_assert_str_eq(
		outcomes(call("Attach", "{\"selectors\":[\"node2/fd2\"],\"image\":\"named\","
					"\"device\":\"fd2\",\"timeout\":1000}")),
		"node2/fd2 accepted;");
}
END_TEST

START_TEST(does_not_wait_if_told_so)
{
	world.bmc.status = 0;
	ck_assert_str_eq(outcomes(call("Attach", "{\"selectors\":[\"node1\"],"
						 "\"image\":\"dos.img\",\"wait\":\"none\"}")),
		"node1/fd none;");
}
END_TEST

START_TEST(waits_for_a_read)
{
	say(&client, "Attach",
		"{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"wait\":\"read\","
		"\"timeout\":1000}");
	UNTIL(world_state(&world, "node1/fd") == SESSION_SERVING &&
		world.bmc.ports[DEVICE_FD].client != NULL);
	ck_assert_uint_eq(test_client_count(&client), 0);
	media_port_read(&world.bmc.ports[DEVICE_FD]);
	UNTIL(test_client_count(&client) == 1);
	ck_assert_str_eq(outcomes(test_client_answer(&client, 0)), "node1/fd read;");
	/* It has read already. */
	ck_assert_str_eq(outcomes(call("Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\","
						 "\"wait\":\"read\",\"timeout\":1000}")),
		"node1/fd read;");
}
END_TEST

START_TEST(tells_of_a_refusal_at_once)
{
	json_t *answer;

	world.bmc.status = ACK_IN_USE;
	answer = call(
		"Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"timeout\":1000}");
	ck_assert_str_eq(
		rows(answer, "outcomes", "slot outcome state"), "node1/fd refused backoff;");
	ck_assert_ptr_nonnull(strstr(rows(answer, "outcomes", "reason"), "10.0.0.7"));
	/* It stays, and is tried again. */
	ck_assert_str_eq(world_stored(&world), "node1/fd=dos.img(ro) ");
	world.bmc.status = ACK_ACCEPTED;
	attach("node1", "dos.img");
	ck_assert_str_eq(rows(call("Status", "{}"), "slots", "slot state"), "node1/fd serving;");
}
END_TEST

START_TEST(gives_up_waiting)
{
	world.bmc.status = 0;
	ck_assert_str_eq(rows(call("Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\","
					     "\"timeout\":0.1}"),
				 "outcomes", "slot outcome image"),
		"node1/fd timeout dos.img;");
	ck_assert_ptr_nonnull(world_slot(&world, "node1/fd"));
	ck_assert_str_eq(outcomes(call("Attach", "{\"selectors\":[\"node2\"],"
						 "\"image\":\"dos.img\",\"timeout\":0}")),
		"node2/fd timeout;");
}
END_TEST

/* Two clients: the second one takes away what the first one waits for. */
START_TEST(tells_that_it_was_detached)
{
	struct varlink_test_client other;

	open_other(&other);
	wait_for_silence(&other, "node1");
	ck_assert_str_eq(
		outcomes(call("Detach", "{\"selectors\":[\"node1\"]}")), "node1/fd detached;");
	UNTIL(test_client_count(&other) == 1);
	ck_assert_str_eq(outcomes(test_client_answer(&other, 0)), "node1/fd detached;");
	test_client_close(&other);
	ck_assert_uint_eq(registry_count(world.registry), 0);
}
END_TEST

/* The client goes: the attachment stays. */
START_TEST(outlives_its_client)
{
	struct varlink_test_client other;

	open_other(&other);
	wait_for_silence(&other, "node1");
	ck_assert(!TAILQ_EMPTY(&methods->waits));
	test_client_close(&other);
	UNTIL(TAILQ_EMPTY(&methods->waits));
	ck_assert_str_eq(rows(call("Status", "{}"), "slots", "slot image"), "node1/fd dos.img;");
}
END_TEST

START_TEST(attaches_to_many)
{
	ck_assert_str_eq(outcomes(call("Attach", "{\"selectors\":[\"node*\"],"
						 "\"image\":\"dos.img\",\"timeout\":1000}")),
		"node1/fd accepted;node2/fd accepted;node3/fd accepted;");
	ck_assert_str_eq(world_stored(&world),
		"node1/fd=dos.img(ro) node2/fd=dos.img(ro) node3/fd=dos.img(ro) ");
}
END_TEST

/* One of them cannot: the others go on, and it says why. */
START_TEST(goes_on_without_one)
{
	json_t *answer;

	attach("node2", "other.img");
	answer = call(
		"Attach", "{\"selectors\":[\"node*\"],\"image\":\"dos.img\",\"timeout\":1000}");
	ck_assert_str_eq(rows(answer, "outcomes", "slot outcome error reason"),
		"node1/fd accepted null null;"
		"node2/fd failed org.iusbd.InUse node2/fd already has other.img (ro); detach it "
		"first;"
		"node3/fd accepted null null;");
}
END_TEST

START_TEST(tells_more_if_asked)
{
	json_t *last;

	attach("node2", "other.img");
	test_client_say(&client, "{\"method\":\"org.iusbd.Attach\",\"more\":true,\"parameters\":{"
				 "\"selectors\":[\"node*\"],\"image\":\"dos.img\","
				 "\"timeout\":1000}}");
	UNTIL(test_client_count(&client) == 4);
	for (size_t i = 1; i < 3; i++) {
		json_t *answer = test_client_answer(&client, i);

		ck_assert(json_is_true(json_object_get(answer, "continues")));
		ck_assert_uint_eq(json_array_size(test_parameter(answer, "outcomes")), 1);
	}
	ck_assert_str_eq(outcomes(test_client_answer(&client, 1)), "node2/fd failed;");
	last = test_client_answer(&client, 3);
	ck_assert_ptr_null(json_object_get(last, "continues"));
	ck_assert_str_eq(outcomes(last), "node1/fd accepted;node2/fd failed;node3/fd accepted;");
}
END_TEST

START_TEST(means_a_slot_once)
{
	ck_assert_str_eq(
		outcomes(call("Attach", "{\"selectors\":[\"node1/fd\",\"node1\",\"node1/cd\"],"
					"\"image\":\"dos.img\",\"timeout\":1000}")),
		"node1/fd accepted;node1/cd accepted;");
}
END_TEST

static const struct {
	const char *parameters, *error, *subject, *value, *reason;
} refusals[] = {
	{ "{\"selectors\":[\"nod1\"],\"image\":\"dos.img\"}", "NoSuchTarget", "selector", "nod1",
		"did you mean node1?" },
	{ "{\"selectors\":[\"node1\",\"zzz*\"],\"image\":\"dos.img\"}", "NoSuchTarget", "selector",
		"zzz*", "no target matches" },
	{ "{\"selectors\":[\"node1/usb\"],\"image\":\"dos.img\"}", "NoSuchDevice", "device", "usb",
		"usb" },
	{ "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"device\":\"usb\"}", "NoSuchDevice",
		"device", "usb", "usb" },
	{ "{\"selectors\":[\"node1/cd\"],\"image\":\"dos.img\",\"device\":\"fd\"}", "NoSuchDevice",
		"device", "fd", "node1/cd" },
	{ "{\"selectors\":[\"node1\"],\"image\":\"no.img\"}", "NoSuchImage", "image", "no.img",
		"no.img" },
	{ "{\"selectors\":[\"node1/cd\"],\"image\":\"no.img\"}", "NoSuchImage", "image", "no.img",
		"no.img" },
	{ "{\"selectors\":[\"node*\"],\"image\":\"no.img\"}", "NoSuchImage", "image", "no.img",
		"no.img" },
	{ "{\"selectors\":[\"node1\"],\"image\":\"broken\"}", "NoSuchImage", "image", "broken",
		"broken" },
	{ "{\"selectors\":[\"node1/hd\"],\"image\":\"broken\"}", "NoSuchImage", "image", "broken",
		"gone.img" },
	{ "{\"selectors\":[\"node1\"],\"image\":\"/etc/passwd\"}", "NoSuchImage", "image",
		"/etc/passwd", "/etc/passwd" },
	{ "{\"selectors\":[\"node1\"],\"image\":\"../../etc/passwd\"}", "NoSuchImage", "image",
		"../../etc/passwd", "" },
	{ "{\"selectors\":[\"node1\"],\"image\":\"\"}", "NoSuchImage", "image", "", "" },
	{ "{\"selectors\":[\"node1\"],\"image\":\"dos.img\",\"mode\":\"cow\"}", "NotSupported",
		"reason", "mode cow is not supported yet", "" },
	{ "{\"selectors\":[\"node3\"],\"image\":\"dos.img\"}", "InUse", "slot", "node3/fd",
		"detach it first" },
	{ "{\"selectors\":[\"node2/cd\"],\"image\":\"other.img\",\"mode\":\"rw\"}", "InUse", "slot",
		"node2/cd", "other.img is in use by node3/fd (ro)" },
};

START_TEST(says_why_not)
{
	json_t *answer;

	attach("node3", "other.img");
	answer = call("Attach", refusals[_i].parameters);
	ck_assert_str_eq(error_of(answer), refusals[_i].error);
	ck_assert_str_eq(text_of(answer, refusals[_i].subject), refusals[_i].value);
	ck_assert_str_ne(text_of(answer, "reason"), "(none)");
	ck_assert_msg(strstr(text_of(answer, "reason"), refusals[_i].reason) != NULL, "%s",
		text_of(answer, "reason"));
	ck_assert_uint_eq(registry_count(world.registry), 1);
}
END_TEST

/* --- Detach --- */

START_TEST(detaches)
{
	attach("node1", "dos.img");
	attach("node1", "stick.img");
	attach("node2", "dos.img");
	ck_assert_str_eq(rows(call("Detach", "{\"selectors\":[\"node1\",\"node1/fd\"]}"),
				 "outcomes", "slot outcome error image mode state"),
		"node1/fd detached null dos.img ro idle;node1/hd detached null stick.img ro idle;");
	ck_assert_str_eq(world_stored(&world), "node2/fd=dos.img(ro) ");
	/* Of many, those that have something. */
	ck_assert_str_eq(
		outcomes(call("Detach", "{\"selectors\":[\"node*\"]}")), "node2/fd detached;");
	ck_assert_uint_eq(registry_count(world.registry), 0);
}
END_TEST

START_TEST(detaches_nothing)
{
	json_t *answer = call("Detach", "{\"selectors\":[\"node1/cd\"]}");

	ck_assert_str_eq(error_of(answer), "NotAttached");
	ck_assert_str_eq(text_of(answer, "slot"), "node1/cd");
	ck_assert_str_eq(text_of(answer, "reason"), "nothing is attached to node1/cd");
	ck_assert_str_eq(
		error_of(call("Detach", "{\"selectors\":[\"node1\",\"node2\"]}")), "NotAttached");
	ck_assert_str_eq(error_of(call("Detach", "{\"selectors\":[\"node9\"]}")), "NoSuchTarget");
	/* One has something, and the one that was named has not. */
	attach("node1", "dos.img");
	ck_assert_str_eq(rows(call("Detach", "{\"selectors\":[\"node1\",\"node2/cd\",\"node3\"]}"),
				 "outcomes", "slot outcome error"),
		"node1/fd detached null;node2/cd failed org.iusbd.NotAttached;");
}
END_TEST

/* Two clients detach the same: both are told when it is gone. */
START_TEST(detaches_for_two)
{
	struct varlink_test_client other;

	attach("node1", "dos.img");
	open_other(&other);
	say(&other, "Detach", "{\"selectors\":[\"node1\"]}");
	say(&client, "Detach", "{\"selectors\":[\"node1\"]}");
	UNTIL(test_client_count(&other) == 1 && test_client_count(&client) == 2);
	ck_assert_str_eq(outcomes(test_client_answer(&other, 0)), "node1/fd detached;");
	test_client_close(&other);
}
END_TEST

/* --- Swap --- */

START_TEST(swaps)
{
	attach("node1", "dos.img");
	ck_assert_str_eq(rows(call("Swap", "{\"slot\":\"node1/fd\",\"image\":\"stick.img\"}"),
				 "outcome", "slot outcome error reason image mode state size"),
		"node1/fd swapped null null stick.img ro serving 8388608;");
	ck_assert_str_eq(world_stored(&world), "node1/fd=stick.img(ro) ");
	/* The target is enough if it has one slot; another mode. */
	ck_assert_str_eq(rows(call("Swap", "{\"slot\":\"node1\",\"image\":\"other.img\","
					   "\"mode\":\"rw\"}"),
				 "outcome", "slot image mode"),
		"node1/fd other.img rw;");
	ck_assert_uint_eq(world.bmc.ports[DEVICE_FD].connects, 1);
}
END_TEST

static const struct {
	const char *parameters, *error, *parameter, *value, *words;
} bad_swaps[] = {
	{ "{\"slot\":\"node9/fd\",\"image\":\"dos.img\"}", "NoSuchTarget", "selector", "node9/fd",
		"node9" },
	{ "{\"slot\":\"node1/xx\",\"image\":\"dos.img\"}", "NoSuchDevice", "device", "xx", "xx" },
	{ "{\"slot\":\"node*\",\"image\":\"dos.img\"}", "NoSuchTarget", "selector", "node*",
		"one is needed" },
	{ "{\"slot\":\"node2/fd\",\"image\":\"dos.img\"}", "NotAttached", "slot", "node2/fd",
		"nothing is attached to node2/fd" },
	{ "{\"slot\":\"node1/fd\",\"image\":\"none.img\"}", "NoSuchImage", "image", "none.img",
		"none.img" },
	{ "{\"slot\":\"node1/fd\",\"image\":\"empty.img\"}", "NoSuchImage", "image", "empty.img",
		"the file is empty" },
	{ "{\"slot\":\"node1/fd\",\"image\":\"dos.img\",\"mode\":\"rw\"}", "InUse", "slot",
		"node1/fd", "dos.img is ro in node1/fd now" },
	{ "{\"slot\":\"node1/fd\",\"image\":\"dos.img\",\"mode\":\"cow\"}", "NotSupported", NULL,
		NULL, "cow" },
};

START_TEST(does_not_swap)
{
	json_t *answer;

	world_image(&world, "empty.img", 0);
	attach("node1", "dos.img");
	answer = call("Swap", bad_swaps[_i].parameters);
	ck_assert_str_eq(error_of(answer), bad_swaps[_i].error);
	if (bad_swaps[_i].parameter != NULL)
		ck_assert_str_eq(text_of(answer, bad_swaps[_i].parameter), bad_swaps[_i].value);
	ck_assert_ptr_nonnull(strstr(text_of(answer, "reason"), bad_swaps[_i].words));
	ck_assert_str_eq(world_stored(&world), "node1/fd=dos.img(ro) ");
	ck_assert_str_eq(world_slot(&world, "node1/fd")->image, "dos.img");
}
END_TEST

/* The client goes without waiting for its answer: the swap is done all the same. */
START_TEST(swaps_for_nobody)
{
	struct varlink_test_client other;
	struct session_status status;

	ck_assert_str_eq(error_of(call("Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\","
						 "\"mode\":\"rw\",\"timeout\":1000}")),
		"");
	UNTIL(world.bmc.ports[DEVICE_FD].client != NULL);
	media_port_write(&world.bmc.ports[DEVICE_FD]);
	UNTIL((registry_status(world_slot(&world, "node1/fd"), &status),
		status.counters->written == 512));
	open_other(&other);
	say(&other, "Swap", "{\"slot\":\"node1/fd\",\"image\":\"other.img\"}");
	UNTIL(world_slot(&world, "node1/fd")->swap != NULL ||
		strcmp(world_slot(&world, "node1/fd")->image, "other.img") == 0);
	test_client_close(&other);
	UNTIL(strcmp(world_slot(&world, "node1/fd")->image, "other.img") == 0);
	UNTIL(world_slot(&world, "node1/fd")->swap == NULL);
	ck_assert_str_eq(world_stored(&world), "node1/fd=other.img(rw) ");
}
END_TEST

/* --- Status, Show, Targets, Images --- */

START_TEST(shows_the_status)
{
	ck_assert_str_eq(rows(call("Status", "{}"), "slots", "slot"), "");
	ck_assert_str_eq(rows(call("Status", "{\"selectors\":[\"node2\",\"node1/cd1\"]}"), "slots",
				 "slot target device instance image mode state reason read written "
				 "rate since"),
		"node1/cd1 node1 cd 1 null null idle null 0 0 0.0 0.0;"
		"node2 node2  0 null null idle null 0 0 0.0 0.0;");
	attach("node2", "dos.img");
	attach("node2/hd", "stick.img");
	ck_assert_str_eq(
		rows(call("Status", "{}"), "slots",
			"slot target device instance image mode state reason read written"),
		"node2/fd node2 fd 0 dos.img ro serving null 0 0;"
		"node2/hd node2 hd 0 stick.img ro serving null 0 0;");
	ck_assert_str_eq(
		rows(call("Status", "{\"selectors\":[\"node2\",\"node2/fd\"]}"), "slots", "slot"),
		"node2/fd;node2/hd;");
	ck_assert_str_eq(rows(call("Status", "{\"selectors\":[\"node2/fd\",\"node2/cd\"]}"),
				 "slots", "slot state"),
		"node2/cd idle;node2/fd serving;");
	ck_assert_str_eq(
		error_of(call("Status", "{\"selectors\":[\"@rack=r7\"]}")), "NoSuchTarget");
}
END_TEST

START_TEST(shows_one_slot)
{
	json_t *answer, *detail;

	attach("node1", "stick.img");
	media_port_read(&world.bmc.ports[DEVICE_HD]);
	UNTIL(world.bmc.ports[DEVICE_HD].received >= PACKET_SCSI_LEN + 512);
	answer = call("Show", "{\"slot\":\"node1\"}");
	detail = test_parameter(answer, "detail");
	ck_assert_str_eq(
		json_string_value(json_object_get(json_object_get(detail, "slot"), "slot")),
		"node1/hd");
	ck_assert_str_eq(json_string_value(json_object_get(detail, "address")), "127.0.0.1");
	ck_assert_int_eq(json_integer_value(json_object_get(detail, "port")),
		world.bmc.ports[DEVICE_HD].port);
	ck_assert_str_eq(json_string_value(json_object_get(detail, "path")),
		world_path(&world, "stick.img"));
	ck_assert_int_eq(json_integer_value(json_object_get(detail, "size")), 8 << 20);
	ck_assert_int_eq(json_integer_value(json_object_get(detail, "sessions")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(detail, "commands")), 1);
	ck_assert(json_is_false(json_object_get(detail, "standing")));
	ck_assert(json_is_null(json_object_get(detail, "failure")));
	ck_assert(json_is_null(json_object_get(detail, "retry_at")));
	ck_assert(json_number_value(json_object_get(detail, "last_command")) > 0);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(json_object_get(detail, "by_command"), 0), "name")),
		"READ(10)");
	ck_assert_uint_gt(json_array_size(json_object_get(detail, "service_times")), 0);
}
END_TEST

START_TEST(shows_no_other_slot)
{
	json_t *answer = call("Show", "{\"slot\":\"node1\"}");

	ck_assert_str_eq(error_of(answer), "NotAttached");
	attach("node1", "dos.img");
	attach("node1", "stick.img");
	answer = call("Show", "{\"slot\":\"node1\"}");
	ck_assert_str_eq(error_of(answer), "NoSuchDevice");
	ck_assert_ptr_nonnull(strstr(text_of(answer, "reason"), "node1/fd"));
	ck_assert_str_eq(error_of(call("Show", "{\"slot\":\"node1/cd\"}")), "NotAttached");
	ck_assert_str_eq(error_of(call("Show", "{\"slot\":\"node*\"}")), "NoSuchTarget");
	ck_assert_str_eq(error_of(call("Show", "{\"slot\":\"node1/hd\"}")), "");
}
END_TEST

START_TEST(lists_targets)
{
	attach("node2", "dos.img");
	ck_assert_str_eq(rows(call("Targets", "{}"), "targets", "target address transport slots"),
		"node1 127.0.0.1 direct [];node2 127.0.0.1 direct [\"node2/fd\"];"
		"node3 127.0.0.1 direct [];");
	ck_assert_str_eq(rows(call("Targets", "{\"selectors\":[\"@rack=r1\",\"node1/fd\"]}"),
				 "targets", "target dialect labels"),
		"node1 legacy [{\"key\":\"rack\",\"value\":\"r1\"}];");
}
END_TEST

START_TEST(lists_images)
{
	const char *text;

	ck_assert_int_eq(mkdir(world_path(&world, "sub"), 0700), 0);
	world_image(&world, "sub/inner.img", 4 << 20);
	world_image(&world, "empty.img", 0);
	world_image(&world, ".hidden", 512);
	world_image(&world, "red\033[31m.img", 512);
	ck_assert_int_eq(symlink("dos.img", world_path(&world, "link.img")), 0);
	ck_assert_int_eq(symlink("/etc/passwd", world_path(&world, "way-out")), 0);
	attach("node2", "dos.img");
	text = rows(call("Images", "{}"), "images", "image size device users error");
	ck_assert_ptr_nonnull(strstr(text, "named 1474560 fd [\"node2/fd\"] null;"));
	ck_assert_ptr_nonnull(strstr(text, "broken 0 null [] "));
	ck_assert_ptr_nonnull(strstr(text, ";dos.img 1474560 fd [\"node2/fd\"] null;"));
	ck_assert_ptr_nonnull(strstr(text, ";link.img 1474560 fd [\"node2/fd\"] null;"));
	ck_assert_ptr_nonnull(strstr(text, ";empty.img 0 null [] the file is empty;"));
	ck_assert_ptr_nonnull(strstr(text, ";sub/inner.img 4194304 hd [] null;"));
	ck_assert_ptr_null(strstr(text, "hidden"));
	ck_assert_ptr_null(strstr(text, "way-out"));
	ck_assert_ptr_nonnull(
		strstr(text, "red\033[31m.img 0 null [] its name has control characters"));
	text = rows(call("Images", "{}"), "images", "image boot");
	ck_assert_ptr_nonnull(strstr(text, ";dos.img null;"));
	/* What is listed can be attached by that name. */
	attach("node1", "sub/inner.img");
	attach("node3", "link.img");
}
END_TEST

/* It goes before the answer is ready. */
START_TEST(lists_images_for_nobody)
{
	struct varlink_test_client other;

	open_other(&other);
	test_client_say(&other, "{\"method\":\"org.iusbd.Images\"}");
	UNTIL(evbuffer_get_length(bufferevent_get_output(other.bev)) == 0);
	test_client_close(&other);
	call("Images", "{}");
	open_other(&other);
	test_client_say(&other, "{\"method\":\"org.iusbd.Images\"}");
	UNTIL(evbuffer_get_length(bufferevent_get_output(other.bev)) == 0);
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	test_client_close(&other); /* and the server goes in the middle */
}
END_TEST

/* --- Reload, Version, the end --- */

START_TEST(reloads)
{
	json_t *answer;

	reload_text = "targets = ( { name = \"node1\"; address = \"127.0.0.1\"; dialect = "
		      "\"legacy\"; @P }, { name = \"new\"; address = \"127.0.0.2\"; dialect = "
		      "\"legacy\"; @P } );";
	answer = call("Reload", "{}");
	ck_assert_str_eq(error_of(answer), "");
	ck_assert_str_eq(
		json_string_value(json_array_get(test_parameter(answer, "added"), 0)), "new");
	ck_assert_str_eq(
		json_string_value(json_array_get(test_parameter(answer, "changed"), 0)), "node1");
	ck_assert_uint_eq(json_array_size(test_parameter(answer, "removed")), 2);
	reload_text = NULL;
	answer = call("Reload", "{}");
	ck_assert_str_eq(error_of(answer), "BadConfig");
	ck_assert_str_eq(json_string_value(json_array_get(test_parameter(answer, "errors"), 1)),
		"iusbd.conf:4: and that");
	ck_assert_str_eq(
		text_of(answer, "reason"), "the configuration has 2 errors, nothing has changed");
}
END_TEST

/* The target goes while somebody waits for it. */
START_TEST(tells_that_the_target_has_gone)
{
	wait_for_silence(&client, "node2");
	reload_text = "targets = ();";
	{
		struct strlist lists[3] = { 0 };

		registry_apply(world.registry, world_conf(&world, reload_text), &lists[0],
			&lists[1], &lists[2]);
		for (int i = 0; i < 3; i++)
			strlist_fini(&lists[i]);
	}
	UNTIL(test_client_count(&client) == 1);
	ck_assert_str_eq(outcomes(test_client_answer(&client, 0)), "node2/fd detached;");
}
END_TEST

START_TEST(tells_its_version)
{
	json_t *answer = call("Version", "{}");

	ck_assert_str_ne(text_of(answer, "version"), "(none)");
	ck_assert_int_eq(json_integer_value(test_parameter(answer, "pid")), getpid());
	ck_assert_str_eq(text_of(answer, "config"), world_path(&world, "iusbd.conf"));
	ck_assert_uint_eq(json_array_size(test_parameter(answer, "features")), 2);
}
END_TEST

static void
stopped_cb(void *arg)
{
	*(bool *)arg = true;
}

START_TEST(stops)
{
	bool is_stopped = false;

	wait_for_silence(&client, "node1");
	methods_stop(methods);
	registry_stop(world.registry, stopped_cb, &is_stopped);
	UNTIL(test_client_count(&client) == 1 && is_stopped);
	ck_assert_str_eq(error_of(test_client_answer(&client, 0)), "Stopping");
	ck_assert_str_eq(
		error_of(call("Attach", "{\"selectors\":[\"node1\"],\"image\":\"dos.img\"}")),
		"Stopping");
	ck_assert_str_eq(error_of(call("Detach", "{\"selectors\":[\"node1\"]}")), "Stopping");
	ck_assert_str_eq(error_of(call("Swap", "{\"slot\":\"node1/fd\",\"image\":\"dos.img\"}")),
		"Stopping");
	ck_assert_str_eq(error_of(call("Reload", "{}")), "Stopping");
	ck_assert_str_eq(rows(call("Status", "{}"), "slots", "slot state"), "node1/fd idle;");
}
END_TEST

static Suite *
methods_suite(void)
{
	Suite *suite = suite_create("methods");
	TCase *tc = tcase_create("methods");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, close_server);
	tcase_add_test(tc, has_what_the_interface_says);
	tcase_add_test(tc, asks_for_roles);
	tcase_add_loop_test(tc, refuses_invalid_parameters, 0, (int)ARRAY_SIZE(invalid));
	tcase_add_test(tc, attaches_until_accepted);
	tcase_add_test(tc, chooses_the_device);
	tcase_add_test(tc, does_not_wait_if_told_so);
	tcase_add_test(tc, waits_for_a_read);
	tcase_add_test(tc, tells_of_a_refusal_at_once);
	tcase_add_test(tc, gives_up_waiting);
	tcase_add_test(tc, tells_that_it_was_detached);
	tcase_add_test(tc, outlives_its_client);
	tcase_add_test(tc, attaches_to_many);
	tcase_add_test(tc, goes_on_without_one);
	tcase_add_test(tc, tells_more_if_asked);
	tcase_add_test(tc, means_a_slot_once);
	tcase_add_loop_test(tc, says_why_not, 0, (int)ARRAY_SIZE(refusals));
	tcase_add_test(tc, swaps);
	tcase_add_loop_test(tc, does_not_swap, 0, (int)ARRAY_SIZE(bad_swaps));
	tcase_add_test(tc, swaps_for_nobody);
	tcase_add_test(tc, detaches);
	tcase_add_test(tc, detaches_nothing);
	tcase_add_test(tc, detaches_for_two);
	tcase_add_test(tc, shows_the_status);
	tcase_add_test(tc, shows_one_slot);
	tcase_add_test(tc, shows_no_other_slot);
	tcase_add_test(tc, lists_targets);
	tcase_add_test(tc, lists_images);
	tcase_add_test(tc, lists_images_for_nobody);
	tcase_add_test(tc, reloads);
	tcase_add_test(tc, tells_that_the_target_has_gone);
	tcase_add_test(tc, tells_its_version);
	tcase_add_test(tc, stops);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(methods_suite());
}
