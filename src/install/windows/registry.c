/* SPDX-License-Identifier: MIT */
/*
 * registry.c - the values under "TCP on SAN". The 64-bit view of the registry,
 * from 32-bit programs too: the switch of both reads the one key.
 */
#include <openwsd/winsock2.h>

#include <stdio.h>
#include <string.h>

#include "install/utf16.h"
#include "install/windows/calls.h"

enum { VALUE_NAME_MAX = 16384, VALUE_DATA_MAX = 64 };

static LSTATUS open_key(REGSAM rights, HKEY *out)
{
	return RegOpenKeyExA(HKEY_LOCAL_MACHINE, SAN_REGISTRY_KEY, 0,
		rights | KEY_WOW64_64KEY, out);
}

/* A value that is longer than any GUID is told with its length only. */
static LSTATUS read_value(HKEY key, DWORD index, WCHAR *name, BYTE *data,
	DWORD *len, DWORD *type)
{
	DWORD name_len = VALUE_NAME_MAX;
	LSTATUS error = RegEnumValueW(key, index, name, &name_len, NULL, type,
		data, len);

	if (error != ERROR_MORE_DATA)
		return error;
	name_len = VALUE_NAME_MAX;
	return RegEnumValueW(key, index, name, &name_len, NULL, type, NULL,
		len);
}

int registry_value_each(bool (*fn)(void *ctx, const char *name,
				const void *data, unsigned len, bool binary),
	void *ctx)
{
	static WCHAR name[VALUE_NAME_MAX];
	char text[INSTALL_NAME_MAX];
	BYTE data[VALUE_DATA_MAX];
	LSTATUS error;
	HKEY key;

	error = open_key(KEY_QUERY_VALUE, &key);
	if (error)
		return error == ERROR_FILE_NOT_FOUND ? 0 : (int)error;
	for (DWORD i = 0;; i++) {
		DWORD len = sizeof data, type = 0;

		error = read_value(key, i, name, data, &len, &type);
		if (error)
			break;
		utf16_to_utf8(name, VALUE_NAME_MAX, text, sizeof text);
		if (!fn(ctx, text, data, len, type == REG_BINARY))
			break;
	}
	RegCloseKey(key);
	return error == ERROR_NO_MORE_ITEMS ? 0 : (int)error;
}

int registry_value_write(const char *name, const void *data, unsigned len)
{
	WCHAR wide[INSTALL_NAME_MAX];
	LSTATUS error;
	HKEY key;

	utf16_from_utf8(name, wide, INSTALL_NAME_MAX);
	error = RegCreateKeyExA(HKEY_LOCAL_MACHINE, SAN_REGISTRY_KEY, 0, NULL,
		0, KEY_SET_VALUE | KEY_WOW64_64KEY, NULL, &key, NULL);
	if (error)
		return (int)error;
	error = RegSetValueExW(key, wide, 0, REG_BINARY, data, len);
	RegCloseKey(key);
	return (int)error;
}

int registry_value_delete(const char *name)
{
	WCHAR wide[INSTALL_NAME_MAX];
	LSTATUS error;
	HKEY key;

	utf16_from_utf8(name, wide, INSTALL_NAME_MAX);
	error = open_key(KEY_SET_VALUE, &key);
	if (error)
		return (int)error;
	error = RegDeleteValueW(key, wide);
	RegCloseKey(key);
	return (int)error;
}
