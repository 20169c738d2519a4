/* SPDX-License-Identifier: MIT */
/* tcp.c - the system does not lead from names to a process's sockets. */
#include "internal.h"

enum status os_tcp_find(const struct addr *local, const struct addr *peer,
	os_handle *out)
{
	return ST_UNSUPPORTED;
}

enum status os_tcp_probe(os_handle h, unsigned seconds)
{
	return ST_UNSUPPORTED;
}

enum status os_tcp_silence(os_handle h, uint64_t *ns)
{
	return ST_UNSUPPORTED;
}
