/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options: getopt_long over one table, and the help that goes with it. */
#include "config.h"

#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf.h"

enum {
	OPTION_SOCKET = 256,
	OPTION_STATE_DIR,
	OPTION_FOREGROUND,
	OPTION_LOG_LEVEL,
	OPTION_CHECK_CONFIG,
	OPTION_PRINT_CONFIG,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option table[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "foreground", no_argument, NULL, OPTION_FOREGROUND },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "check-config", no_argument, NULL, OPTION_CHECK_CONFIG },
	{ "print-config", no_argument, NULL, OPTION_PRINT_CONFIG },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static void
print_help(void)
{
	printf("Usage: iusbd [-c FILE] [--socket PATH] [--state-dir DIR] [--foreground]\n"
	       "             [--log-level LEVEL] [--check-config] [--print-config]\n"
	       "\n"
	       "Serves disk and CD images to the virtual-media ports of AMI MegaRAC BMCs.\n"
	       "\n"
	       "  -c, --config FILE   the configuration file (%s)\n"
	       "  --socket PATH       where iusbctl connects to, instead of \"socket\"\n"
	       "  --state-dir DIR     what survives a restart, instead of \"state_dir\"\n"
	       "  --foreground        stay in the foreground\n"
	       "  --log-level LEVEL   error, warning, info or debug (info)\n"
	       "  --check-config      say whether the configuration is good, and exit\n"
	       "  --print-config      print the configuration in full, and exit\n"
	       "  --version, --help\n",
		conf_default_path);
}

static enum options_result
usage(void)
{
	fprintf(stderr, "Try \"iusbd --help\".\n");
	return OPTIONS_BAD;
}

static enum options_result
bad_value(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "iusbd: %s is \"%s\", and must be %s\n", option, value, wanted);
	return usage();
}

/* One option; OPTIONS_RUN to go on. */
static enum options_result
take(struct options *options, int option)
{
	switch (option) {
	case 'c':
		options->config = optarg;
		return *optarg != '\0' ? OPTIONS_RUN : bad_value("--config", "", "a file");
	case OPTION_SOCKET:
		options->socket = optarg;
		return *optarg != '\0' ? OPTIONS_RUN : bad_value("--socket", "", "a path");
	case OPTION_STATE_DIR:
		options->state_dir = optarg;
		return *optarg != '\0' ? OPTIONS_RUN : bad_value("--state-dir", "", "a directory");
	case OPTION_FOREGROUND:
		options->is_foreground = true;
		return OPTIONS_RUN;
	case OPTION_LOG_LEVEL:
		if (log_level_parse(optarg, &options->log_level))
			return OPTIONS_RUN;
		return bad_value("--log-level", optarg, "error, warning, info or debug");
	case OPTION_CHECK_CONFIG:
		options->check_config = true;
		return OPTIONS_RUN;
	case OPTION_PRINT_CONFIG:
		options->print_config = true;
		return OPTIONS_RUN;
	case OPTION_VERSION:
		printf("iusbd %s\n", PACKAGE_VERSION);
		return OPTIONS_DONE;
	case OPTION_HELP:
		print_help();
		return OPTIONS_DONE;
	default:
		return usage(); /* getopt_long() has said why */
	}
}

enum options_result
options_parse(struct options *options, int argc, char **argv)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->log_level = LOG_LEVEL_INFO;
	while ((option = getopt_long(argc, argv, "c:", table, NULL)) != -1) {
		enum options_result result = take(options, option);

		if (result != OPTIONS_RUN)
			return result;
	}
	if (optind < argc) {
		fprintf(stderr, "iusbd: takes no arguments, and there is \"%s\"\n", argv[optind]);
		return usage();
	}
	return OPTIONS_RUN;
}
