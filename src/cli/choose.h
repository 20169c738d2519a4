/* SPDX-License-Identifier: MIT */
/* choose.h - which provider a command is about. */
#ifndef WSD_CLI_CHOOSE_H
#define WSD_CLI_CHOOSE_H

#include <stdbool.h>

#include "install/install.h"
#include "spi_client.h"

/* Is this the path of a library, and not the name of an entry? */
bool choose_is_path(const char *which);

/*
 * The provider of that name or path; with NULL the one that connections use:
 * which the settings name, the catalog's first, or the built-in one. False
 * after a message.
 */
bool choose_provider(const char *which, struct install_entry *out);

/*
 * The same, loaded and started, and found to be complete and to have an
 * address. With neither `which` nor the settings naming one, but `to`: the
 * first that reaches that address; when none does, the first. False after a
 * message.
 */
bool choose_and_start(const char *which, const struct addr *to,
	struct spi_client *c, struct install_entry *out);

#endif
