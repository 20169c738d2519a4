/* SPDX-License-Identifier: MIT */
/*
 * trial.h - loads and starts a library in a process of its own first, because
 * one that crashes or hangs would take this one with it.
 */
#ifndef WSD_CLI_TRIAL_H
#define WSD_CLI_TRIAL_H

#include <stdbool.h>

#include "spi_client.h"

/*
 * False when the library does not survive, and why. True also when it is no
 * provider, or will not start: this process can ask it that itself.
 */
bool trial_survived(const char *library, char why[SPI_WHY_MAX]);

/* `wsd provider trial LIBRARY`, what that process does. */
int trial_run(int argc, char **argv);

#endif
