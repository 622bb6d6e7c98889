/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_way: how a target is reached: what its dialect, transport, login and TLS have to do with one
 * another, and what is left to the dialect. */
#include "daemon/conf_read.h"

static bool
is_login_with_user(enum conf_login login)
{
	return login == CONF_LOGIN_ASP || login == CONF_LOGIN_REST || login == CONF_LOGIN_AUTO;
}

static enum conf_login
default_login(const struct conf_target *target)
{
	if (target->dialect->login == WEB_LOGIN_ASP)
		return CONF_LOGIN_ASP;
	if (target->dialect->login == WEB_LOGIN_REST)
		return CONF_LOGIN_REST;
	return target->dialect->is_auto && target->login_user ? CONF_LOGIN_AUTO : CONF_LOGIN_NONE;
}

/* Complains of a setting that is missing, and not of one that has an error already. */
static void
complain_login(const struct conf_reader *reader, const struct conf_origin *origin,
	const struct conf_target *target, const char *key)
{
	struct conf_origin login = conf_origin_member(origin, "login");

	if (login.setting != origin->setting && config_setting_get_member(login.setting, key))
		return;
	conf_complain(reader, &login, "%s needs \"%s\"; without a login: method = \"none\"",
		target->login == CONF_LOGIN_TOKEN ? "a ready-made token" : "the web login", key);
}

static void
check_login(const struct conf_reader *reader, const struct conf_origin *origin,
	const struct conf_target *target)
{
	if (is_login_with_user(target->login) && !target->login_user)
		complain_login(reader, origin, target, "user");
	else if (target->login != CONF_LOGIN_NONE && !target->login_secret)
		complain_login(reader, origin, target, "password_file");
}

/* What the dialect does not have. */
static void
check_dialect(const struct conf_reader *reader, const struct conf_origin *origin,
	const struct conf_target *target)
{
	const struct dialect *dialect = target->dialect;
	struct conf_origin transport = conf_origin_member(origin, "transport");
	struct conf_origin login = conf_origin_member(origin, "login");
	struct conf_origin tls = conf_origin_member(origin, "tls");

	if ((target->transport == CHOOSE_TUNNEL && !dialect->has_tunnel) ||
		(target->transport == CHOOSE_WEBSOCKET && !dialect->has_websocket))
		conf_complain(reader, &transport, "dialect %s has no %s", dialect->name,
			transport_name((enum transport)target->transport));
	if (!dialect->bmc_speaks_first || dialect->is_auto)
		return;
	if (target->login != CONF_LOGIN_NONE)
		conf_complain(reader, &login, "dialect %s has no login", dialect->name);
	if (target->tls_mode == TLS_ON)
		conf_complain(reader, &tls, "dialect %s has no TLS", dialect->name);
}

void
conf_way_finish(const struct conf_reader *reader, const struct conf_origin *origin,
	struct conf_target *target)
{
	const struct dialect *dialect = target->dialect;

	if (target->login == CONF_LOGIN_DEFAULT)
		target->login = default_login(target);
	if (target->transport == CHOOSE_TRANSPORT && !dialect->has_tunnel &&
		!dialect->has_websocket)
		target->transport = CHOOSE_DIRECT;
	/* Others may say their ports in their web pages. */
	for (int d = 0; d < DEVICE_COUNT; d++)
		if (target->port[d] == 0 && dialect->login == WEB_LOGIN_NONE && !dialect->is_auto)
			target->port[d] = dialect->port[d];
	check_login(reader, origin, target);
	check_dialect(reader, origin, target);
}
