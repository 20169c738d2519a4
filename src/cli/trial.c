/* SPDX-License-Identifier: MIT */
#include "trial.h"

#include <stdio.h>

#include "command.h"
#include "message.h"
#include "os/os_child.h"

#define SECOND UINT64_C(1000000000)

enum { TRIAL_SECONDS = 10 };

bool trial_survived(const char *library, char why[SPI_WHY_MAX])
{
	const char *arguments[] = {"provider", "trial", library, NULL};
	struct os_child child;
	char fate[200];
	int status = 0;
	enum status st;

	if (os_child_start(arguments, 2 * TRIAL_SECONDS, &child) != ST_OK)
		return true; /* it can still be tried here */
	st = os_child_wait(&child, TRIAL_SECONDS * SECOND, &status);
	os_child_end(&child, true);
	if (st != ST_OK) {
		snprintf(why, SPI_WHY_MAX, "it does not come back within %d "
			"seconds when it is loaded and started", TRIAL_SECONDS);
		return false;
	}
	if (status == 0)
		return true;
	os_child_fate(status, fate, sizeof fate);
	snprintf(why, SPI_WHY_MAX, "it crashes when it is loaded and started: "
		"%s", fate);
	return false;
}

int trial_run(int argc, char **argv)
{
	char why[SPI_WHY_MAX];
	struct spi_client c;

	if (argc != 2)
		return usage_error("provider", "unknown trial");
	if (!spi_client_load(&c, argv[1], why))
		return 0;
	if (spi_client_start(&c, why))
		spi_client_stop(&c);
	spi_client_unload(&c);
	return 0;
}
