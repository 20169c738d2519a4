/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/sockaddr.h"
#include "errors.h"
#include "memory.h"
#include "sys.h"

/* What TCP has over the loopback interface. */
#define LOOPBACK_MTU 65536
#define LOOPBACK_MSS 65483

#define SO_PEER_NAME 28
#define SO_COOKIE_OF_SOCKET 57

/* Numbers that need no asking: servers set them on every connection. */
struct plain {
	int level, name, min, max;
	bool is_bool;
};

static const struct plain plains[] = {
	{SOL_SOCKET, SO_KEEPALIVE, INT_MIN, INT_MAX, true},
	{SOL_SOCKET, SO_REUSEADDR, INT_MIN, INT_MAX, true},
	{SOL_SOCKET, SO_OOBINLINE, INT_MIN, INT_MAX, true},
	{IPPROTO_TCP, TCP_NODELAY, INT_MIN, INT_MAX, true},
	{IPPROTO_TCP, TCP_CORK, INT_MIN, INT_MAX, true},
	{IPPROTO_TCP, TCP_KEEPIDLE, 1, 32767, false},
	{IPPROTO_TCP, TCP_KEEPINTVL, 1, 32767, false},
	{IPPROTO_TCP, TCP_KEEPCNT, 1, 127, false},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, 0, INT_MAX, false},
};

static const struct plain *find_plain(int level, int name)
{
	for (unsigned i = 0; i < sizeof plains / sizeof plains[0]; i++)
		if (plains[i].level == level && plains[i].name == name)
			return &plains[i];
	return NULL;
}

int option_probe(struct sock *s)
{
	return sys_socket(s->family, SOCK_STREAM, 0);
}

/* ---- setsockopt ------------------------------------------------------ */

static int set_plain(struct sock *s, const struct plain *p, const void *value,
	socklen_t len)
{
	int number;

	if ((int)len < (int)sizeof number)
		return -EINVAL;
	memcpy(&number, value, sizeof number);
	if (number < p->min || number > p->max)
		return -EINVAL;
	if (p->is_bool)
		number = number != 0;
	option_note(s, p->level, p->name, &number, sizeof number);
	return 0;
}

/* What cannot be had on a SAN, in the words of a kernel that lacks it, so that
 * the program takes its other way. 0: no such option. */
static int refusal(int level, int name)
{
	if (level == SOL_SOCKET && name == SO_ZEROCOPY)
		return -EOPNOTSUPP;
	if (level == SOL_SOCKET &&
		(name == SO_ATTACH_FILTER || name == SO_ATTACH_BPF))
		return -ENOPROTOOPT;
	if (level != IPPROTO_TCP)
		return 0;
	if (name == TCP_ULP)
		return -ENOENT;
	if (name == TCP_REPAIR)
		return -EPERM;
	if (name == TCP_FASTOPEN || name == TCP_FASTOPEN_CONNECT)
		return -EINVAL;
	return 0;
}

static int set_by_probe(struct sock *s, int level, int name,
	const void *value, socklen_t len)
{
	int probe = option_probe(s), r;

	if (probe < 0)
		return 0;
	r = sys_setsockopt(probe, level, name, value, len);
	sys_close(probe);
	return r;
}

int option_set(struct sock *s, int level, int name, const void *value,
	socklen_t len)
{
	const struct plain *p = find_plain(level, name);
	int r;

	if ((int)len < 0)
		return -EINVAL;
	if (!memory_readable(value, len))
		return -EFAULT;
	if (p)
		return set_plain(s, p, value, len);
	r = refusal(level, name);
	if (r == 0)
		r = set_by_probe(s, level, name, value, len);
	if (r == 0)
		option_note(s, level, name, value, len);
	return r;
}

/* ---- getsockopt ------------------------------------------------------ */

/* Cut at *len, as the kernel does with numbers. */
static int give(const void *from, size_t size, void *value, socklen_t *len)
{
	if (*len > size)
		*len = (socklen_t)size;
	memcpy(value, from, *len);
	return 0;
}

static int give_int(int number, void *value, socklen_t *len)
{
	return give(&number, sizeof number, value, len);
}

static int give_error(struct sock *s, void *value, socklen_t *len)
{
	return give_int(errno_of(sw_conn_take_error(s->conn)), value, len);
}

static int give_peer(struct sock *s, void *value, socklen_t *len)
{
	struct addr peer;

	sw_conn_peer(s->conn, &peer);
	*len = (socklen_t)addr_put_sockaddr(&peer, s->family, value, *len);
	return 0;
}

/* Without a socket to ask: what is known for certain, else off. */
static int give_by_heart(struct sock *s, int level, int name, void *value,
	socklen_t *len)
{
	int number = 0;

	if (level == SOL_SOCKET && name == SO_TYPE)
		number = SOCK_STREAM;
	else if (level == SOL_SOCKET && name == SO_DOMAIN)
		number = s->family;
	else if (level == SOL_SOCKET && name == SO_PROTOCOL)
		number = IPPROTO_TCP;
	else
		option_noted_int(s, level, name, &number);
	return give_int(number, value, len);
}

static int give_by_probe(struct sock *s, int level, int name, void *value,
	socklen_t *len)
{
	int probe = option_probe(s), r;

	if (probe < 0)
		return give_by_heart(s, level, name, value, len);
	option_replay(s, probe);
	r = sys_getsockopt(probe, level, name, value, len);
	sys_close(probe);
	/* Each socket has its own, which stays. */
	if (r == 0 && level == SOL_SOCKET && name == SO_COOKIE_OF_SOCKET)
		option_note(s, level, name, value, *len);
	return r;
}

static uint8_t tcp_state(struct sock *s)
{
	unsigned r = sw_ready(s->conn);

	if (r & SW_HUP)
		return TCP_CLOSE;
	if (r & SW_RDHUP)
		return TCP_CLOSE_WAIT;
	return s->shut_send ? TCP_FIN_WAIT2 : TCP_ESTABLISHED;
}

static int give_tcp_info(struct sock *s, void *value, socklen_t *len)
{
	_Alignas(struct tcp_info) char bytes[1024] = {0};
	struct tcp_info *info = (struct tcp_info *)bytes;
	socklen_t size = sizeof bytes;
	int probe = option_probe(s);

	if (probe < 0 || sys_getsockopt(probe, IPPROTO_TCP, TCP_INFO, bytes,
				 &size) < 0)
		size = sizeof *info;
	if (probe >= 0)
		sys_close(probe);
	info->tcpi_state = tcp_state(s);
	info->tcpi_pmtu = LOOPBACK_MTU;
	info->tcpi_snd_mss = info->tcpi_rcv_mss = LOOPBACK_MSS;
	info->tcpi_advmss = LOOPBACK_MSS;
	info->tcpi_rtt = 1;
	info->tcpi_rttvar = 1;
	info->tcpi_rcv_space = LOOPBACK_MSS;
	return give(bytes, size, value, len);
}

static int get_socket_level(struct sock *s, int name, void *value,
	socklen_t *len)
{
	_Alignas(8) char cookie[8];
	int number;

	switch (name) {
	case SO_ERROR:
		return give_error(s, value, len);
	case SO_PEER_NAME:
		return give_peer(s, value, len);
	case SO_COOKIE_OF_SOCKET:
		if (!option_noted(s, SOL_SOCKET, name, cookie, sizeof cookie))
			break;
		return *len < 8 ? -EINVAL : give(cookie, 8, value, len);
	default:
		break;
	}
	if (find_plain(SOL_SOCKET, name) &&
		option_noted_int(s, SOL_SOCKET, name, &number))
		return give_int(number, value, len);
	return give_by_probe(s, SOL_SOCKET, name, value, len);
}

static int get_tcp_level(struct sock *s, int name, void *value, socklen_t *len)
{
	int number;

	if (name == TCP_INFO)
		return give_tcp_info(s, value, len);
	if (name == TCP_MAXSEG)
		return give_int(LOOPBACK_MSS, value, len);
	if (find_plain(IPPROTO_TCP, name) &&
		option_noted_int(s, IPPROTO_TCP, name, &number))
		return give_int(number, value, len);
	return give_by_probe(s, IPPROTO_TCP, name, value, len);
}

int option_get(struct sock *s, int level, int name, void *value,
	socklen_t *len)
{
	if (!memory_writable(len, sizeof *len))
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	if (!memory_writable(value, *len))
		return -EFAULT;
	if (level == SOL_SOCKET)
		return get_socket_level(s, name, value, len);
	if (level == IPPROTO_TCP)
		return get_tcp_level(s, name, value, len);
	if ((level == IPPROTO_IP && name == IP_MTU) ||
		(level == IPPROTO_IPV6 && name == IPV6_MTU))
		return give_int(LOOPBACK_MTU, value, len);
	return give_by_probe(s, level, name, value, len);
}
