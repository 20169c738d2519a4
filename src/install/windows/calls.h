/* SPDX-License-Identifier: MIT */
/* calls.h - the real calls behind san_catalog.h. */
#ifndef WSD_INSTALL_WINDOWS_CALLS_H
#define WSD_INSTALL_WINDOWS_CALLS_H

#include "install/san_catalog.h"

/* registry.c */
int registry_value_each(bool (*fn)(void *ctx, const char *name,
				const void *data, unsigned len, bool binary),
	void *ctx);
int registry_value_write(const char *name, const void *data, unsigned len);
int registry_value_delete(const char *name);

/* winsock.c: stores the calls that this system has. False: no ws2_32.dll. */
bool winsock_calls(struct san_catalog_calls *out);

#endif
