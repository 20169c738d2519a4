/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <stdlib.h>

enum status win_status(DWORD error)
{
	switch (error) {
	case ERROR_SUCCESS:
		return ST_OK;
	case ERROR_NOT_ENOUGH_MEMORY:
	case ERROR_OUTOFMEMORY:
	case ERROR_COMMITMENT_LIMIT:
	case ERROR_NO_SYSTEM_RESOURCES:
	case ERROR_WORKING_SET_QUOTA:
	case ERROR_NOT_ENOUGH_QUOTA:
	case ERROR_PAGEFILE_QUOTA:
		return ST_NOMEM;
	case ERROR_TOO_MANY_OPEN_FILES:
		return ST_NOHANDLES;
	case ERROR_INVALID_HANDLE:
	case ERROR_INVALID_PARAMETER:
		return ST_INVAL;
	case ERROR_ACCESS_DENIED:
	case ERROR_SHARING_VIOLATION:
	case ERROR_PRIVILEGE_NOT_HELD:
		return ST_ACCESS;
	case ERROR_FILE_NOT_FOUND:
	case ERROR_PATH_NOT_FOUND:
	case ERROR_MOD_NOT_FOUND:
	case ERROR_BAD_PATHNAME:
	case ERROR_INVALID_NAME:
	case ERROR_DIRECTORY:
		return ST_NOTFOUND;
	case ERROR_BROKEN_PIPE:
	case ERROR_NO_DATA:
	case ERROR_PIPE_NOT_CONNECTED:
		return ST_CLOSED;
	case WAIT_TIMEOUT:
		return ST_TIMEDOUT;
	default:
		return ST_SYSTEM;
	}
}

bool win_wide(const char *text, WCHAR *out, unsigned room)
{
	return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1,
		out, (int)room) > 0;
}

WCHAR *win_wide_new(const char *text)
{
	int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1,
		NULL, 0);
	WCHAR *out = n > 0 ? malloc((size_t)n * sizeof *out) : NULL;

	if (out && !win_wide(text, out, (unsigned)n)) {
		free(out);
		return NULL;
	}
	return out;
}

size_t win_utf8(const WCHAR *text, char *out, size_t room)
{
	int n = WideCharToMultiByte(CP_UTF8, 0, text, -1, out,
		room > INT32_MAX ? INT32_MAX : (int)room, NULL, NULL);

	return n > 0 ? (size_t)n : 0;
}
