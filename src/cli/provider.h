/* SPDX-License-Identifier: MIT */
/* provider.h - the parts of `wsd provider`; each returns an exit status. */
#ifndef WSD_CLI_PROVIDER_H
#define WSD_CLI_PROVIDER_H

#include <stdbool.h>

#include "install/install.h"

int provider_install(int argc, char **argv);
int provider_remove(int argc, char **argv);
int provider_list(int argc, char **argv);
int provider_check(int argc, char **argv);

/* --user or --system; neither is INSTALL_ANY. False after a usage error. */
bool provider_scope(const char *what, bool user, bool system,
	enum install_scope *out);

#endif
