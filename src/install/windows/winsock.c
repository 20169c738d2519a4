/* SPDX-License-Identifier: MIT */
/*
 * winsock.c - the calls that change the Winsock catalog. They are looked up,
 * because some systems lack some: those with the suffixes belong to 64-bit
 * programs of 64-bit systems, and Wine has none of the latter.
 */
#include "install/windows/calls.h"

/* Through a pointer without a type: that of the symbol is known here only. */
static void *symbol(HMODULE library, const char *name)
{
	return (void *)(UINT_PTR)GetProcAddress(library, name);
}

static int WSPAPI no_path(LPGUID id, WCHAR *path, LPINT len, LPINT lpErrno)
{
	*lpErrno = WSAEOPNOTSUPP;
	return SOCKET_ERROR;
}

bool winsock_calls(struct san_catalog_calls *out)
{
	HMODULE library = LoadLibraryA("ws2_32.dll");

	if (!library)
		return false;
	out->install = symbol(library, "WSCInstallProvider");
	out->install_both = symbol(library, "WSCInstallProvider64_32");
	out->deinstall = symbol(library, "WSCDeinstallProvider");
	out->deinstall_32 = symbol(library, "WSCDeinstallProvider32");
	out->path = symbol(library, "WSCGetProviderPath");
	if (!out->path)
		out->path = no_path;
	return out->install && out->deinstall;
}
