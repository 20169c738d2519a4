/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the system says, with the path before it: it does not say that. */
static void explain(const char *path, DWORD error, char *out, size_t room)
{
	WCHAR text[512] = L"";
	char reason[512] = "unknown reason";

	if (room == 0)
		return;
	FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM |
			FORMAT_MESSAGE_IGNORE_INSERTS |
			FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL, error, 0, text,
		sizeof text / sizeof text[0], NULL);
	win_utf8(text, reason, sizeof reason);
	snprintf(out, room, "%s: %s (error %lu)", path, reason,
		(unsigned long)error);
	out[strcspn(out, "\r\n")] = '\0';
}

static bool is_missing(const char *path, const WCHAR *wide)
{
	return strpbrk(path, "/\\") &&
		GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES;
}

/* With a folder in the path, what it needs is looked for there too, not in the
 * current folder. */
static HMODULE load(const char *path, const WCHAR *wide)
{
	WCHAR *full;
	HMODULE lib;
	DWORD n;

	if (!strpbrk(path, "/\\"))
		return LoadLibraryExW(wide, NULL,
			LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
	n = GetFullPathNameW(wide, 0, NULL, NULL);
	full = n ? malloc(n * sizeof *full) : NULL;
	if (!full || !GetFullPathNameW(wide, n, full, NULL)) {
		free(full);
		return NULL;
	}
	lib = LoadLibraryExW(full, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR |
		LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
	n = GetLastError();
	free(full);
	SetLastError(n);
	return lib;
}

enum status os_library_open(const char *path, void **lib, char *err,
	size_t errlen)
{
	WCHAR *wide = win_wide_new(path);
	HMODULE handle;
	DWORD error;
	bool missing;

	if (!wide) {
		explain(path, ERROR_INVALID_NAME, err, errlen);
		return ST_NOTFOUND;
	}
	handle = load(path, wide);
	error = GetLastError();
	missing = !handle && is_missing(path, wide);
	free(wide);
	if (!handle) {
		explain(path, error, err, errlen);
		return missing ? ST_NOTFOUND : ST_SYSTEM;
	}
	*lib = handle;
	return ST_OK;
}

void *os_library_symbol(void *lib, const char *name)
{
	FARPROC p = GetProcAddress(lib, name);
	void *out;

	memcpy(&out, &p, sizeof out);
	return out;
}

void os_library_close(void *lib)
{
	FreeLibrary(lib);
}

enum status os_module_path(char *buf, size_t len)
{
	static const char here;
	WCHAR *path = malloc(WIN_PATH_MAX * sizeof *path);
	enum status st = ST_SYSTEM;
	HMODULE module;
	DWORD n;

	if (!path)
		return ST_NOMEM;
	if (GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
			GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
		    (const WCHAR *)&here, &module)) {
		n = GetModuleFileNameW(module, path, WIN_PATH_MAX);
		if (n > 0 && n < WIN_PATH_MAX)
			st = win_utf8(path, buf, len) ? ST_OK : ST_MSGSIZE;
	}
	free(path);
	return st;
}

enum status os_program_name(char *buf, size_t len)
{
	WCHAR *path = malloc(WIN_PATH_MAX * sizeof *path);
	enum status st = ST_SYSTEM;
	WCHAR *slash;
	DWORD n;

	if (!path)
		return ST_NOMEM;
	n = GetModuleFileNameW(NULL, path, WIN_PATH_MAX);
	if (n > 0 && n < WIN_PATH_MAX) {
		slash = wcsrchr(path, L'\\');
		st = win_utf8(slash ? slash + 1 : path, buf, len) ? ST_OK
								   : ST_MSGSIZE;
	}
	free(path);
	return st;
}
