/* SPDX-License-Identifier: MIT */
/* tcp.c - TCP connections of this process that somebody else has made. */
#include "internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/sockaddr.h"

/* Until the kernel itself gives up: later than anyone who asks os_tcp_silence. */
enum { PROBES = 60, NEAR = 64 };

static bool name_is(int fd, long call, const struct addr *want)
{
	union sockaddr_any sa;
	socklen_t len = sizeof sa;
	struct addr a;

	memset(&sa, 0, sizeof sa);
	return sys_call(call, fd, (long)&sa, (long)&len, 0, 0, 0) == 0 &&
		addr_from_sockaddr(&sa.sa, (int)len, &a) &&
		a.port == want->port && a.family == want->family &&
		memcmp(a.ip, want->ip, sizeof a.ip) == 0;
}

/* Who asks has just made it: so its number is near the next that is free. */
enum status os_tcp_find(const struct addr *local, const struct addr *peer,
	os_handle *out)
{
	int next = sys_eventfd(0, EFD_CLOEXEC);

	if (next < 0)
		return sys_status(next);
	sys_close(next);
	for (int fd = next + NEAR; fd > 0; fd--) {
		if (!name_is(fd, SYS_getpeername, peer) ||
			!name_is(fd, SYS_getsockname, local))
			continue;
		*out = fd;
		return ST_OK;
	}
	return ST_NOTFOUND;
}

static bool set(int fd, int level, int name, int value)
{
	return SYS5(SYS_setsockopt, fd, level, name, &value, sizeof value) == 0;
}

enum status os_tcp_probe(os_handle h, unsigned seconds)
{
	int fd = (int)h, often = seconds ? (int)seconds : 1;

	if (set(fd, IPPROTO_TCP, TCP_KEEPIDLE, often) &&
		set(fd, IPPROTO_TCP, TCP_KEEPINTVL, often) &&
		set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES) &&
		set(fd, SOL_SOCKET, SO_KEEPALIVE, 1))
		return ST_OK;
	return ST_INVAL;
}

enum status os_tcp_silence(os_handle h, uint64_t *ns)
{
	struct tcp_info info;
	socklen_t len = sizeof info;

	memset(&info, 0, sizeof info);
	if (sys_getsockopt((int)h, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return ST_INVAL;
	*ns = info.tcpi_last_ack_recv < info.tcpi_last_data_recv
		? info.tcpi_last_ack_recv
		: info.tcpi_last_data_recv;
	*ns *= 1000000;
	return ST_OK;
}
