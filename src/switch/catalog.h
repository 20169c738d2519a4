/* SPDX-License-Identifier: MIT */
/*
 * catalog.h - which provider libraries there are.
 *
 * The catalog is a directory of small files NAME.provider with lines
 * `library = PATH`. The setting "catalog" names it; otherwise the user's own
 * (~/.config/openwsd/providers.d) and the system's (/etc/openwsd/providers.d)
 * are read, in this order; when there is neither, the provider that was
 * installed beside this library is used.
 */
#ifndef WSD_SWITCH_CATALOG_H
#define WSD_SWITCH_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "switch/reason.h"

#define SW_PATH_MAX 1024

/*
 * Calls fn with the path of each library until it returns false. Entries that
 * cannot be understood are reported on standard error, one line each.
 * False when the catalog that the user named cannot be read.
 */
bool sw_catalog_each(bool (*fn)(void *ctx, const char *library), void *ctx);

#endif
