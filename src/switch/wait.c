/* SPDX-License-Identifier: MIT */
/*
 * wait.c - looking, then sleeping.
 *
 * One kernel handle serves every sleeper of a connection, for data and for
 * room, so a doorbell must not be taken away by one sleeper while another needs
 * it. As long as there is one sleeper, and no epoll set and no other process,
 * it may: it drains, arms, looks again and sleeps level-triggered, with the
 * signal behaviour of a kernel socket. In any other case doorbells are left
 * (but for a few when they pile up) and sleepers wait for edges.
 *
 * sleep_lock orders "am I alone?" and draining against newcomers: one who comes
 * later arms later, so a doorbell meant for it cannot be drained here.
 */
#include "switch/conn.h"

uint64_t conn_deadline(uint64_t timeout)
{
	return timeout == OS_FOREVER ? OS_FOREVER : os_now() + timeout;
}

static unsigned lane_interest(unsigned interest)
{
	const unsigned incoming = SW_IN | SW_PRI | SW_RDHUP | CONN_ARRIVAL;

	return (interest & incoming ? LANE_IN : 0) |
		(interest & SW_OUT ? LANE_OUT : 0);
}

static bool holds(struct sw_conn *c, unsigned interest)
{
	return sw_ready(c) & (interest | SW_HUP | SW_ERR);
}

/*
 * Armed and nothing of interest holds? What is there already prevents arming
 * but need not be of interest: control messages, which `holds` obeys, or unread
 * data, which is put aside, since an end or an answer may come behind it. A
 * message may arrive in each round, so there are a few.
 */
static bool armed(struct sw_conn *c, unsigned interest)
{
	for (int i = 0; i < 8; i++) {
		if (holds(c, interest))
			return false;
		if (c->lane->arm(c, lane_interest(interest)) == ST_OK)
			return !holds(c, interest);
		if (!head_see_behind(c))
			break;
	}
	/* No room aside: nothing more can be seen before the program reads. */
	return !holds(c, interest) &&
		c->lane->arm(c, lane_interest(interest) & LANE_OUT) == ST_OK;
}

/* The link has ended; the provider knows why. */
static void is_gone(struct sw_conn *c)
{
	conn_peer_gone(c);
	conn_set_fact(c, FACT_GONE);
}

enum sw_sleep sw_sleep_begin(struct sw_conn *c, unsigned interest)
{
	enum sw_sleep mode;

	os_mutex_lock(&c->sleep_lock);
	c->sleepers++;
	mode = c->sleepers == 1 && c->watchers == 0 && !conn_is_shared(c)
		? SW_SLEEP_LEVEL
		: SW_SLEEP_EDGE;
	if (c->lane->drain(c, mode == SW_SLEEP_EDGE) == ST_RESET)
		is_gone(c);
	os_mutex_unlock(&c->sleep_lock);
	if (mode == SW_SLEEP_EDGE)
		conn_peer_gone(c); /* an edge that is over would not come */
	if (armed(c, interest))
		return mode;
	sw_sleep_end(c);
	return SW_READY;
}

void sw_sleep_end(struct sw_conn *c)
{
	os_mutex_lock(&c->sleep_lock);
	if (c->sleepers > 0)
		c->sleepers--;
	os_mutex_unlock(&c->sleep_lock);
}

void sw_watch(struct sw_conn *c, int delta)
{
	os_mutex_lock(&c->sleep_lock);
	c->watchers += (unsigned)delta;
	os_mutex_unlock(&c->sleep_lock);
}

bool sw_watch_arm(struct sw_conn *c, unsigned interest)
{
	os_mutex_lock(&c->sleep_lock);
	if (c->lane->drain(c, c->sleepers > 0 || c->watchers > 1 ||
				      conn_is_shared(c)) == ST_RESET)
		is_gone(c);
	os_mutex_unlock(&c->sleep_lock);
	return armed(c, interest);
}

static bool spin(struct sw_conn *c, unsigned interest, uint64_t seen)
{
	unsigned budget = sw_spin_budget();

	for (unsigned i = 0; i < budget; i++) {
		if ((interest & (SW_IN | SW_PRI | CONN_ARRIVAL)) &&
			c->lane->arrivals(c) != seen) {
			sw_spin_result(true);
			return true;
		}
		if ((interest & SW_OUT) && i % 16 == 0 &&
			c->lane->writable(c)) {
			sw_spin_result(true);
			return true;
		}
	}
	if (budget)
		sw_spin_result(false);
	return false;
}

static bool still_nothing(void *ctx)
{
	struct sw_conn *c = ctx;

	return !(sw_ready(c) & (SW_IN | SW_HUP | SW_ERR));
}

static bool still_no_room(void *ctx)
{
	struct sw_conn *c = ctx;

	return !(sw_ready(c) & (SW_OUT | SW_HUP | SW_ERR));
}

static uint64_t time_left(uint64_t deadline)
{
	uint64_t now;

	if (deadline == OS_FOREVER)
		return OS_FOREVER;
	now = os_now();
	return now < deadline ? deadline - now : 0;
}

/* A blocked call that another thread can wake; on its stack. */
struct kickable {
	void *kick;
	struct kickable *next;
};

static void list_kickable(struct sw_conn *c, struct kickable *k)
{
	os_mutex_lock(&c->sleep_lock);
	k->next = c->kickable;
	c->kickable = k;
	os_mutex_unlock(&c->sleep_lock);
}

static void unlist_kickable(struct sw_conn *c, struct kickable *k)
{
	struct kickable **p;

	os_mutex_lock(&c->sleep_lock);
	for (p = &c->kickable; *p; p = &(*p)->next) {
		if (*p == k) {
			*p = k->next;
			break;
		}
	}
	os_mutex_unlock(&c->sleep_lock);
}

void conn_kick(struct sw_conn *c)
{
	os_mutex_lock(&c->sleep_lock);
	for (struct kickable *k = c->kickable; k; k = k->next)
		os_event_set(k->kick);
	os_mutex_unlock(&c->sleep_lock);
}

static enum status sleep_in(struct sw_conn *c, enum sw_sleep mode,
	unsigned interest, uint64_t ns, void *kick)
{
	if (mode == SW_SLEEP_EDGE)
		return os_link_sleep_edge(c->handle, ns,
			interest & SW_OUT ? still_no_room : still_nothing, c,
			kick);
	return kick ? os_link_sleep_kick(c->handle, ns, kick)
		    : os_link_sleep(c->handle, ns);
}

/*
 * With more than one thread, one may shut down what another is blocked in. So
 * the sleep also waits for a kick, and what may have changed before it could
 * be kicked is looked at once more.
 */
static enum status sleep_kickable(struct sw_conn *c, enum sw_sleep mode,
	unsigned interest, uint64_t ns)
{
	struct kickable k = {.kick = os_thread_kick()};
	uint32_t before = conn_facts(c);
	enum status st = ST_OK;

	if (!k.kick)
		return sleep_in(c, mode, interest, ns, NULL);
	list_kickable(c, &k);
	if (conn_facts(c) == before && !holds(c, interest))
		st = sleep_in(c, mode, interest, ns, k.kick);
	unlist_kickable(c, &k);
	return st;
}

enum status conn_wait(struct sw_conn *c, unsigned interest, uint64_t seen,
	uint64_t deadline)
{
	enum sw_sleep mode;
	enum status st;

	if (spin(c, interest, seen))
		return ST_OK;
	mode = sw_sleep_begin(c, interest);
	if (mode == SW_READY)
		return ST_OK;
	/* A control message that came since may have been obeyed just now, and
	 * its doorbell drained. */
	if ((interest & CONN_ARRIVAL) && c->lane->arrivals(c) != seen) {
		sw_sleep_end(c);
		return ST_OK;
	}
	if (os_has_threads())
		st = sleep_kickable(c, mode, interest, time_left(deadline));
	else
		st = sleep_in(c, mode, interest, time_left(deadline), NULL);
	sw_sleep_end(c);
	if (st == ST_CLOSED) {
		conn_peer_gone(c);
		return ST_OK;
	}
	return st;
}
