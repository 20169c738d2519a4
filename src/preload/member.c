/* SPDX-License-Identifier: MIT */
#include "member.h"

#include "epoll_set.h"
#include "events.h"
#include "sock.h"
#include "sys.h"

#define INDEX_BITS 24

/* What another process of a fork does with a connection is no edge here; so
 * now and then a quiet member is looked at in earnest. */
#define QUIET_LOOKS 16

static struct pool members = POOL_INIT(struct member);
static _Atomic uint64_t prefix;

struct member *member_create(void)
{
	return pool_take(&members);
}

void member_free(struct member *m)
{
	m->set = NULL;
	pool_give(&members, m);
}

/* ---- cookies --------------------------------------------------------- */

/* Random, and never a pointer of user or kernel space or a small number. */
static uint64_t make_prefix(void)
{
	uint64_t p = 0, none = 0;

	os_random(&p, sizeof p);
	p = (p | UINT64_C(1) << 63) & ~(UINT64_C(1) << 62);
	p &= ~((UINT64_C(1) << INDEX_BITS) - 1);
	if (atomic_compare_exchange_strong(&prefix, &none, p))
		return p;
	return none;
}

uint64_t member_cookie(const struct member *m)
{
	uint64_t p = atomic_load(&prefix);

	return (p ? p : make_prefix()) | m->pooled.index;
}

bool member_is_cookie(uint64_t data)
{
	uint64_t p = atomic_load_explicit(&prefix, memory_order_relaxed);

	return p && data >> INDEX_BITS == p >> INDEX_BITS;
}

struct member *member_of_cookie(uint64_t data, struct epoll_set *set)
{
	struct member *m = pool_at(&members,
		(uint32_t)(data & ((1u << INDEX_BITS) - 1)));

	return m && m->set == set ? m : NULL;
}

/* ---- looking --------------------------------------------------------- */

static struct sw_conn *conn_of(struct member *m)
{
	return sock_of(m->file)->conn;
}

/* Edge-triggered: has anything happened that was not reported yet? */
static bool is_news(const struct member *m, uint32_t mask)
{
	if (m->edge)
		return true;
	if ((mask & ~(uint32_t)EVENTS_OUT) && m->looked_in != m->told_in)
		return true;
	return (mask & EVENTS_OUT) && m->looked_out != m->told_out;
}

/*
 * Bytes that were reported and not read hide what has come behind them. Only
 * when something has come, and the program wants to know more than that, they
 * are put aside.
 */
static bool hides_something(struct member *m, unsigned ready)
{
	return (m->events & (EPOLLRDHUP | EPOLLPRI)) && (ready & SW_IN) &&
		!(ready & SW_RDHUP) && m->looked_in != m->told_in &&
		m->told_in != 0 && m->told_reads == sock_of(m->file)->reads;
}

static unsigned ready_of(struct member *m)
{
	unsigned ready = sw_ready(conn_of(m));

	if (!hides_something(m, ready))
		return ready;
	sw_readable_bytes(conn_of(m));
	return sw_ready(conn_of(m));
}

static uint32_t look_san(struct member *m)
{
	uint32_t mask;

	if (m->quiet && m->idle % QUIET_LOOKS != 0 && !member_stirs(m))
		return 0;
	/* Edges first: what comes between is seen again, not missed. */
	sw_edges(conn_of(m), &m->looked_in, &m->looked_out);
	mask = events_of(ready_of(m)) & (m->events | EVENTS_ALWAYS);
	if ((m->events & EPOLLET) && !is_news(m, mask))
		mask = 0;
	/* Room comes without an edge. */
	m->quiet = mask == 0 && !(m->events & EVENTS_OUT);
	return mask;
}

/* Edge-triggered sets in sets are reported once for each event that the kernel
 * has had for them. */
static uint32_t look_set(struct member *m, int depth)
{
	struct epoll_set *inner = (struct epoll_set *)m->file;
	bool news = m->edge || m->signalled;

	if (depth >= MEMBER_DEPTH || !(m->events & EVENTS_IN))
		return 0;
	if (!set_ready(inner, m->signalled, depth + 1)) {
		m->signalled = false;
		return 0;
	}
	if ((m->events & EPOLLET) && !news)
		return 0;
	return m->events & EVENTS_IN;
}

uint32_t member_look(struct member *m, int depth)
{
	if (m->disabled)
		return 0;
	if (m->kind == MEMBER_SAN)
		return look_san(m);
	return m->kind == MEMBER_SET ? look_set(m, depth) : 0;
}

void member_told(struct member *m, uint32_t events)
{
	m->edge = m->signalled = false;
	m->idle = 0;
	if (m->kind == MEMBER_SAN)
		m->told_reads = sock_of(m->file)->reads;
	if (events & ~(uint32_t)EVENTS_OUT)
		m->told_in = m->looked_in;
	if (events & EVENTS_OUT)
		m->told_out = m->looked_out;
	if (m->events & EPOLLONESHOT)
		m->disabled = true;
}

bool member_stirs(struct member *m)
{
	uint64_t in, out;

	if (m->kind != MEMBER_SAN)
		return false;
	sw_edges(conn_of(m), &in, &out);
	return in != m->looked_in || out != m->looked_out;
}

/* ---- resting --------------------------------------------------------- */

/*
 * What to ask a doorbell for: what is wanted and does not hold. Edge-triggered,
 * more bytes behind those that were left unread are news as well; the end of
 * the stream can only come by an arrival, so asking for it asks for all.
 */
static unsigned wake_for(struct member *m, unsigned ready)
{
	unsigned wanted = events_interest(m->events);

	if (wanted & ready & SW_IN)
		wanted |= SW_RDHUP;
	return wanted & ~ready;
}

/* Level-triggered, and the switch says that something holds. If that is not to
 * be reported, it is for reasons that doorbells do not know. */
static bool rest_level(struct member *m)
{
	m->uneasy = true;
	return member_look(m, 0) == 0;
}

static bool rest_san(struct member *m)
{
	struct sw_conn *c = conn_of(m);
	unsigned ready;
	bool armed;

	m->uneasy = false;
	if (!(m->events & EPOLLET))
		return sw_watch_arm(c, events_interest(m->events)) ||
			rest_level(m);
	/* What holds is no reason to stay awake, unless it is new. */
	ready = sw_ready(c);
	armed = sw_watch_arm(c, wake_for(m, ready));
	m->uneasy = !armed && !(ready & (SW_HUP | SW_ERR));
	return member_look(m, 0) == 0;
}

/* The end of the stream can only come by an arrival: that asks for all. */
void member_ask_for_news(struct member *m)
{
	if (m->kind == MEMBER_SAN)
		sw_watch_arm(conn_of(m), SW_RDHUP);
}

bool member_rest(struct member *m, int depth)
{
	if (m->disabled)
		return true;
	if (m->kind == MEMBER_SAN)
		return rest_san(m);
	if (depth >= MEMBER_DEPTH)
		return true;
	return set_rest_inside((struct epoll_set *)m->file, depth + 1) &&
		member_look(m, depth) == 0;
}

/* ---- in the kernel --------------------------------------------------- */

static int control(struct member *m, int op, int fd, uint32_t events,
	uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return sys_epoll_ctl(m->set->file.fd, op, fd, &ev);
}

static int register_handles(struct member *m, int op)
{
	for (unsigned i = 0; i < m->handle_count; i++) {
		int r = control(m, op, (int)m->handles[i], m->events,
			member_cookie(m));

		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

static int register_listener(struct member *m, int op)
{
	int r = control(m, op, m->fd, m->events, member_cookie(m));

	if (r < 0)
		return r;
	r = register_handles(m, op);
	if (r < 0 && op == EPOLL_CTL_ADD)
		member_unregister(m);
	return r;
}

#define DOORBELLS (EPOLLIN | EPOLLRDHUP | EPOLLET)

int member_register(struct member *m, int op)
{
	switch (m->kind) {
	case MEMBER_LISTENER:
		return register_listener(m, op);
	case MEMBER_SAN:
		m->kicked = atomic_load(&m->set->sleepers) > 0;
		return control(m, op, m->fd,
			m->kicked ? DOORBELLS | EPOLLOUT : DOORBELLS,
			member_cookie(m));
	case MEMBER_SET:
		return control(m, op, m->fd,
			m->events & ~(uint32_t)EPOLLONESHOT, member_cookie(m));
	default:
		return control(m, op, m->fd, m->events, m->data);
	}
}

void member_forget_handles(struct member *m)
{
	for (unsigned i = 0; i < m->handle_count; i++)
		control(m, EPOLL_CTL_DEL, (int)m->handles[i], 0, 0);
	m->handle_count = 0;
}

void member_unregister(struct member *m)
{
	control(m, EPOLL_CTL_DEL, m->fd, 0, 0);
	member_forget_handles(m);
}

/* The handle is a Unix socket, which can always be written: with EPOLLOUT the
 * kernel has something to report at once. */
void member_kick(struct member *m)
{
	m->kicked = true;
	control(m, EPOLL_CTL_MOD, m->fd, DOORBELLS | EPOLLOUT,
		member_cookie(m));
}

void member_unkick(struct member *m)
{
	if (!m->kicked)
		return;
	m->kicked = false;
	control(m, EPOLL_CTL_MOD, m->fd, DOORBELLS, member_cookie(m));
}

void member_silence(struct member *m)
{
	control(m, EPOLL_CTL_MOD, m->fd, EPOLLONESHOT, member_cookie(m));
	for (unsigned i = 0; i < m->handle_count; i++)
		control(m, EPOLL_CTL_MOD, (int)m->handles[i], EPOLLONESHOT,
			member_cookie(m));
}
