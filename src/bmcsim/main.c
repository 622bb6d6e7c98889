/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main: iusb-bmcsim, the simulated BMC. */
#include "base/log.h"
#include "bmcsim/options.h"
#include "bmcsim/sim.h"

int
main(int argc, char **argv)
{
	struct options options;
	int status = 2;

	log_init("iusb-bmcsim");
	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_RUN:
		log_set_level(options.log_level);
		status = sim_run(&options);
		options_fini(&options);
		break;
	case OPTIONS_DONE:
		status = 0;
		break;
	case OPTIONS_BAD:
		break;
	}
	return status;
}
