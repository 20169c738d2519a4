/* SPDX-License-Identifier: MIT */
/*
 * san_catalog.h - how a SAN service provider gets into Windows and out again:
 * the steps of section 3 of the specification, over a table of calls.
 *
 * Two things make an installation: a value of 16 bytes, the provider's GUID,
 * under the registry key "TCP on SAN" (R2), and an entry with the same GUID in
 * the Winsock catalog (R3), in both of them where there is one for 32-bit
 * programs too. A table of calls, because the catalog is not everywhere: Wine's
 * does nothing and reports success. Windows gives the real calls, a test gives
 * calls that record what they were asked.
 */
#ifndef WSD_INSTALL_SAN_CATALOG_H
#define WSD_INSTALL_SAN_CATALOG_H

#include <stdbool.h>

#include <openwsd/winsock2.h>
#include <openwsd/ws2spi.h>

#include "install/install.h"

#define SAN_REGISTRY_KEY                                                      \
	"SYSTEM\\CurrentControlSet\\Services\\Winsock\\Parameters\\TCP on SAN"

/*
 * Registry values: bytes as they are. 0, or the system's error number. The
 * catalog: as WSCInstallProvider and the others are documented; 0, or
 * SOCKET_ERROR with the code at *lpErrno.
 */
struct san_catalog_calls {
	/*
	 * Each value of the key, whatever its type and size, until fn says
	 * false; a key that is not there has none.
	 */
	int (*value_each)(bool (*fn)(void *ctx, const char *name,
				  const void *data, unsigned len, bool binary),
		void *ctx);
	/* Makes the key if need be. */
	int (*value_write)(const char *name, const void *data, unsigned len);
	int (*value_delete)(const char *name);
	/* One line about an error number, with what to do where we know it. */
	void (*error_text)(int error, char *text, unsigned room);

	int (WSPAPI *install)(LPGUID id, const WCHAR *path,
		const LPWSAPROTOCOL_INFOW list, DWORD count, LPINT lpErrno);
	/* WSCInstallProvider64_32; NULL where there is one catalog only. */
	int (WSPAPI *install_both)(LPGUID id, const WCHAR *path,
		const LPWSAPROTOCOL_INFOW list, DWORD count, LPINT lpErrno);
	int (WSPAPI *deinstall)(LPGUID id, LPINT lpErrno);
	/* WSCDeinstallProvider32; NULL where there is one catalog only. */
	int (WSPAPI *deinstall_32)(LPGUID id, LPINT lpErrno);
	/* WSCGetProviderPath. */
	int (WSPAPI *path)(LPGUID id, WCHAR *path, LPINT len, LPINT lpErrno);
};

/* The values, as install_each tells entries. */
bool san_catalog_each(const struct san_catalog_calls *calls,
	bool (*fn)(void *ctx, const struct install_entry *e), void *ctx,
	char why[INSTALL_WHY_MAX]);

/*
 * First the value, then the catalog, so that a switch that is told of the new
 * entry finds both. Takes the value back when the catalog refuses. An entry
 * that is there already (WSANO_RECOVERY) is INSTALL_NOTHING, unless its value
 * was missing.
 */
enum install_outcome san_catalog_add(const struct san_catalog_calls *calls,
	struct install_entry *e, char why[INSTALL_WHY_MAX]);

/*
 * First the value, so that from then on no switch takes the entry for a SAN
 * provider, then both catalogs (R6). Goes on after an error.
 */
enum install_outcome san_catalog_remove(const struct san_catalog_calls *calls,
	const char *name, struct install_entry *out,
	char why[INSTALL_WHY_MAX]);

#endif
