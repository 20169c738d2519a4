/* SPDX-License-Identifier: MIT */
/*
 * catalog.h - which provider libraries there are.
 *
 * The catalog is a directory of small files NAME.provider; catalog_entry.h
 * tells what is in them. The setting "catalog" names it; otherwise the user's
 * own (~/.config/openwsd/providers.d) and the system's
 * (/etc/openwsd/providers.d) are read, in this order; when there is neither, the providers that
 * were installed beside this library are used: shm, then fabric.
 */
#ifndef WSD_SWITCH_CATALOG_H
#define WSD_SWITCH_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "switch/catalog_entry.h"
#include "switch/reason.h"

#define SW_PATH_MAX 1024
#define SW_PROBLEM_MAX 200
#define SW_SYSTEM_CATALOG "/etc/openwsd/providers.d"

/* The user's own catalog; false when the user has no home. */
bool sw_catalog_of_user(char dir[SW_PATH_MAX]);

/*
 * Reads an entry; *out points into text. False when it is none: problem says
 * why, in one line without the path.
 */
bool sw_catalog_read(const char *path, char text[SW_ENTRY_MAX + 1],
	struct sw_catalog_entry *out, char problem[SW_PROBLEM_MAX]);

/* One of the providers that count when there is no catalog, and so the folder of
 * all, for a program that is not beside them. Before the first
 * sw_catalog_each. */
void sw_catalog_builtin(const char *library);

/*
 * Calls fn with the path of each library until it returns false. Entries that
 * cannot be understood are reported on standard error, one line each.
 * False when the catalog that the user named cannot be read.
 */
bool sw_catalog_each(bool (*fn)(void *ctx, const char *library), void *ctx);

#endif
