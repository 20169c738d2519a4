/* SPDX-License-Identifier: MIT */
/*
 * option_note.c - what a program has set on a socket, and what follows from it.
 */
#include "option.h"

#include <limits.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "sys.h"

#define VALUE_MAX 64
#define NOTES_MAX 24

struct note {
	int level, name;
	socklen_t len;
	uint8_t value[VALUE_MAX];
};

struct option_set {
	struct pooled pooled;
	_Atomic uint32_t refs;
	unsigned count;
	struct note notes[NOTES_MAX];
};

static struct pool sets = POOL_INIT(struct option_set);

struct option_set *option_hold(struct option_set *set)
{
	if (set)
		atomic_fetch_add(&set->refs, 1);
	return set;
}

void option_release(struct option_set *set)
{
	if (set && atomic_fetch_sub(&set->refs, 1) == 1)
		pool_give(&sets, set);
}

/* A set of the socket's own, with what it had. NULL: no memory. */
static struct option_set *own_set(struct sock *s)
{
	struct option_set *old = s->options, *set;

	if (old && atomic_load(&old->refs) == 1)
		return old;
	set = pool_take(&sets);
	if (!set)
		return NULL;
	set->count = old ? old->count : 0;
	if (old)
		memcpy(set->notes, old->notes, sizeof set->notes);
	atomic_store(&set->refs, 1);
	s->options = set;
	option_release(old);
	return set;
}

static struct note *find(struct option_set *set, int level, int name)
{
	for (unsigned i = 0; set && i < set->count; i++)
		if (set->notes[i].level == level && set->notes[i].name == name)
			return &set->notes[i];
	return NULL;
}

static void remember(struct sock *s, int level, int name, const void *value,
	socklen_t len)
{
	struct option_set *set = len <= VALUE_MAX ? own_set(s) : NULL;
	struct note *n = find(set, level, name);

	if (!set)
		return;
	if (!n && set->count < NOTES_MAX)
		n = &set->notes[set->count++];
	if (!n)
		return;
	n->level = level;
	n->name = name;
	n->len = len;
	memcpy(n->value, value, len);
}

bool option_noted(struct sock *s, int level, int name, void *out, size_t len)
{
	struct note *n = find(s->options, level, name);

	if (!n || n->len < len)
		return false;
	memcpy(out, n->value, len);
	return true;
}

void option_replay(struct sock *s, int fd)
{
	for (unsigned i = 0; s->options && i < s->options->count; i++) {
		struct note *n = &s->options->notes[i];

		sys_setsockopt(fd, n->level, n->name, n->value, n->len);
	}
}

/* ---- options that no SAN has ----------------------------------------- */

/* They change what a stream carries, where it goes, or give messages about
 * segments: the program wants TCP itself. */
static const struct {
	int level, name;
} tcp_alone[] = {
	{SOL_SOCKET, SO_BINDTODEVICE}, {SOL_SOCKET, SO_ATTACH_FILTER},
	{SOL_SOCKET, SO_ATTACH_BPF}, {SOL_SOCKET, SO_ZEROCOPY},
	{SOL_SOCKET, SO_TIMESTAMP}, {SOL_SOCKET, SO_TIMESTAMPNS},
	{SOL_SOCKET, SO_TIMESTAMPING}, {SOL_SOCKET, SO_MARK},
	{SOL_SOCKET, SO_PEEK_OFF}, {SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */},
	{SOL_SOCKET, 63 /* SO_TIMESTAMP_NEW */},
	{SOL_SOCKET, 64 /* SO_TIMESTAMPNS_NEW */},
	{SOL_SOCKET, 65 /* SO_TIMESTAMPING_NEW */},
	{IPPROTO_TCP, TCP_FASTOPEN_CONNECT}, {IPPROTO_TCP, TCP_ULP},
	{IPPROTO_TCP, TCP_MD5SIG}, {IPPROTO_TCP, TCP_MD5SIG_EXT},
	{IPPROTO_TCP, TCP_REPAIR}, {IPPROTO_TCP, TCP_INQ},
	{IPPROTO_IP, IP_TRANSPARENT}, {IPPROTO_IP, IP_OPTIONS},
	{IPPROTO_IPV6, 75 /* IPV6_TRANSPARENT */},
};

static bool is_tcp_alone(int level, int name)
{
	for (unsigned i = 0; i < sizeof tcp_alone / sizeof tcp_alone[0]; i++)
		if (tcp_alone[i].level == level && tcp_alone[i].name == name)
			return true;
	return false;
}

/* ---- options that the switch carries out ----------------------------- */

static uint64_t nanoseconds(int64_t sec, int64_t usec)
{
	if (sec == 0 && usec == 0)
		return OS_FOREVER;
	if (sec < 0)
		return 0;
	if ((uint64_t)sec > OS_FOREVER / 2 / 1000000000u)
		return OS_FOREVER;
	return (uint64_t)sec * 1000000000u + (uint64_t)usec * 1000;
}

/* The old names take the C library's timeval, the new ones 64-bit fields. */
static uint64_t timeout_of(const void *value, bool is_new)
{
	struct timeval tv;
	int64_t wide[2];

	if (is_new) {
		memcpy(wide, value, sizeof wide);
		return nanoseconds(wide[0], wide[1]);
	}
	memcpy(&tv, value, sizeof tv);
	return nanoseconds(tv.tv_sec, tv.tv_usec);
}

static void set_linger(struct sw_options *o, const void *value)
{
	struct linger l;

	memcpy(&l, value, sizeof l);
	o->linger_on = l.l_onoff != 0;
	o->linger_seconds = l.l_linger > 0 ? (uint32_t)l.l_linger : 0;
}

static uint32_t low_water(int value)
{
	if (value < 0)
		return INT_MAX;
	return value == 0 ? 1 : (uint32_t)value;
}

static void carry_out(struct sw_options *o, int name, const void *value,
	int number)
{
	switch (name) {
	case 20: /* SO_RCVTIMEO_OLD */
	case 66: /* SO_RCVTIMEO_NEW */
		o->receive_timeout = timeout_of(value, name == 66);
		break;
	case 21: /* SO_SNDTIMEO_OLD */
	case 67: /* SO_SNDTIMEO_NEW */
		o->send_timeout = timeout_of(value, name == 67);
		break;
	case SO_LINGER:
		set_linger(o, value);
		break;
	case SO_RCVLOWAT:
		o->receive_low_water = low_water(number);
		break;
	case SO_OOBINLINE:
		o->urgent_inline = number != 0;
		break;
	default:
		break;
	}
}

void option_note(struct sock *s, int level, int name, const void *value,
	socklen_t len)
{
	int number = 1;

	if (len >= sizeof number)
		memcpy(&number, value, sizeof number);
	if (is_tcp_alone(level, name) && number != 0)
		s->only_tcp = true;
	if (level == SOL_SOCKET && name == SO_REUSEPORT)
		s->reuseport = number != 0;
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		s->only_v6 = number != 0;
	if (level == SOL_SOCKET)
		carry_out(sock_values(s), name, value, number);
	remember(s, level, name, value, len);
}
