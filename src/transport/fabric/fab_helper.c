/* SPDX-License-Identifier: MIT */
#include "transport/fabric/fab_helper.h"

#include <rdma/fi_errno.h>
#include <stdatomic.h>

#include "transport/fabric/fab_alive.h"
#include "transport/fabric/fab_connect.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_listener.h"

enum {
	/* Cookies; beyond all of them are the ids of connections. */
	BELL,
	CHANGES,
	NETS, /* and more */
	COOKIES = 32,
	EVENT_BYTES = 1024,
	EVENTS = 64, /* of one queue, before others have their turn */
};

#define MS UINT64_C(1000000)
#define FLUSH_STEP (1 * MS)
#define FLUSH_LIMIT (2000 * MS)

static struct {
	struct os_mutex lock; /* role: fabric */
	_Atomic uint32_t owner; /* process whose things these are; 0: none */
	struct os_thread thread;
	_Atomic bool stop;
	os_handle poller;
	os_handle changes; /* of addresses; none: nobody tells */
	void *bell;
	struct fab_net *nets[64]; /* by cookie - NETS */
	unsigned net_count;
	_Atomic unsigned unsent; /* connections */
	_Atomic bool poked;      /* some connection is to be served */
	uint64_t next_look;      /* at who lives */
} helper = {.lock = OS_MUTEX_INIT, .poller = OS_NO_HANDLE,
	.changes = OS_NO_HANDLE};

/* ---- the lock -------------------------------------------------------- */

static void close_own(void)
{
	os_handle_close(helper.poller);
	os_handle_close(helper.changes);
	if (helper.bell)
		os_event_destroy(helper.bell);
	helper.poller = OS_NO_HANDLE;
	helper.changes = OS_NO_HANDLE;
	helper.bell = NULL;
	helper.net_count = 0;
}

/* A child has neither the thread nor a use for its parent's descriptors. */
static void forget_parent(void)
{
	os_mutex_init(&helper.lock);
	close_own();
	atomic_store(&helper.unsent, 0);
	atomic_store(&helper.owner, 0);
	fab_nets_forget();
	fab_listeners_forget();
	fab_arrivals_forget();
	fab_conns_forget();
}

void fab_lock(void)
{
	uint32_t owner = atomic_load(&helper.owner);

	if (owner != 0 && owner != os_process_id())
		forget_parent();
	os_mutex_lock(&helper.lock);
}

void fab_unlock(void)
{
	os_mutex_unlock(&helper.lock);
}

/* ---- what is watched ------------------------------------------------- */

void fab_helper_wake(void)
{
	if (helper.bell)
		os_event_set(helper.bell);
}

enum status fab_helper_watch_net(struct fab_net *n)
{
	enum status st = fab_helper_start();

	if (st == ST_OK && helper.net_count == 64)
		st = ST_NOMEM;
	if (st == ST_OK)
		st = os_poller_add(helper.poller, n->eq_handle,
			NETS + helper.net_count);
	if (st != ST_OK)
		return st;
	helper.nets[helper.net_count++] = n;
	fab_helper_wake();
	return ST_OK;
}

static void poke(struct transport_conn *c)
{
	c->poked = true;
	atomic_store(&helper.poked, true);
	fab_helper_wake();
}

/* libfabric's descriptor tells only what comes after fi_trywait, and of room
 * only when something was waiting for it then. */
void fab_helper_watch(struct transport_conn *c)
{
	if ((c->watched && !c->tx_out) || !c->id ||
		helper.poller == OS_NO_HANDLE)
		return;
	if (!c->watched)
		c->watched = os_poller_add(helper.poller, c->cq_handle,
			c->id) == ST_OK;
	if (c->watched && c->ep && !fab_conn_may_sleep(c))
		poke(c);
}

void fab_helper_unwatch(struct transport_conn *c)
{
	if (c->watched)
		os_poller_remove(helper.poller, c->cq_handle);
	c->watched = false;
}

void fab_helper_count(struct transport_conn *c)
{
	bool unsent = (c->lingers || (c->net->manual && c->tx_out > 0)) &&
		c->ep && atomic_load(&c->over) == ST_OK;

	if (unsent == c->counted)
		return;
	c->counted = unsent;
	if (unsent)
		atomic_fetch_add(&helper.unsent, 1);
	else
		atomic_fetch_sub(&helper.unsent, 1);
	if (unsent)
		fab_helper_watch(c);
}

/* ---- events of networks: fab_lock held ------------------------------- */

static bool is_arriving(const struct transport_conn *c)
{
	return c->side == FAB_SERVER &&
		atomic_load(&c->stage) == FAB_CONNECTING;
}

static void connected(struct transport_conn *c, const void *data, size_t len)
{
	if (is_arriving(c)) {
		fab_arrival_up(c);
		return;
	}
	os_mutex_lock(&c->lock);
	if (c->side == FAB_CLIENT && fab_conn_going_on(c))
		fab_connect_up(c, data, len);
	os_mutex_unlock(&c->lock);
}

static void shut_down(struct transport_conn *c)
{
	if (is_arriving(c)) {
		fab_arrival_failed(c);
		return;
	}
	os_mutex_lock(&c->lock);
	fab_conn_progress(c); /* what came before it */
	if (atomic_load(&c->stage) == FAB_CONNECTING)
		fab_connect_failed(c, 0, ST_RESET);
	else
		fab_conn_end(c, ST_RESET);
	if (c->lingers)
		poke(c);
	os_mutex_unlock(&c->lock);
}

static void failed(struct transport_conn *c, const struct fi_eq_err_entry *e)
{
	int reason = fab_reason_get(e->err_data, e->err_data_size);

	if (is_arriving(c)) {
		fab_arrival_failed(c);
		return;
	}
	os_mutex_lock(&c->lock);
	if (atomic_load(&c->stage) == FAB_CONNECTING && fab_conn_going_on(c))
		fab_connect_failed(c, reason, fab_status(e->err));
	else
		fab_conn_end(c, ST_RESET);
	fab_conn_notify(c);
	if (c->lingers)
		poke(c);
	os_mutex_unlock(&c->lock);
}

static void take_event(uint32_t kind, struct fi_eq_cm_entry *e, size_t len)
{
	size_t data_len = len > sizeof *e ? len - sizeof *e : 0;
	struct transport_conn *c;
	struct fab_door *door;

	if (kind == FI_CONNREQ) {
		door = fab_door_of(e->fid);
		if (door)
			fab_request_arrived(door, e, data_len);
		else
			fab_lib.freeinfo(e->info);
		return;
	}
	c = fab_conn_of(e->fid);
	if (c && kind == FI_CONNECTED)
		connected(c, e->data, data_len);
	else if (c && kind == FI_SHUTDOWN)
		shut_down(c);
}

static void take_error(struct fab_net *n)
{
	uint8_t data[512];
	struct fi_eq_err_entry e = {.err_data = data,
		.err_data_size = sizeof data};
	struct transport_conn *c;

	if (fi_eq_readerr(n->eq, &e, 0) <= 0)
		return;
	if (!e.err_data)
		e.err_data_size = 0;
	c = fab_conn_of(e.fid);
	if (c)
		failed(c, &e);
}

static void read_events(struct fab_net *n)
{
	_Alignas(struct fi_eq_cm_entry) uint8_t buf[EVENT_BYTES];

	for (int i = 0; i < EVENTS; i++) {
		uint32_t kind;
		ssize_t len = fi_eq_read(n->eq, &kind, buf, sizeof buf, 0);

		if (len == -FI_EAVAIL)
			take_error(n);
		else if (len < 0)
			return;
		else
			take_event(kind, (struct fi_eq_cm_entry *)buf,
				(size_t)len);
	}
}

/* ---- connections: fab_lock held -------------------------------------- */

/* False: it has gone. */
static bool finish_lingering(struct transport_conn *c, uint64_t now)
{
	bool over = !fab_conn_going_on(c) || now >= c->due;

	if (!c->lingers || !over)
		return true;
	fab_conn_remove(c);
	os_mutex_unlock(&c->lock);
	fab_conn_destroy(c);
	return false;
}

/* libfabric's descriptor tells the truth about what comes from now on. */
static void rest(struct transport_conn *c)
{
	for (int i = 0; i < 4 && c->ep; i++) {
		if (fab_conn_may_sleep(c))
			return;
		fab_conn_progress(c);
	}
	if (c->ep)
		poke(c);
}

static void serve(struct transport_conn *c)
{
	os_mutex_lock(&c->lock);
	fab_conn_progress(c);
	if (!finish_lingering(c, 0))
		return;
	if (fab_conn_needs_help(c))
		rest(c);
	else
		fab_helper_unwatch(c);
	os_mutex_unlock(&c->lock);
}

static void serve_poked(void)
{
	struct transport_conn *c = fab_conn_first(), *after;

	if (!atomic_exchange(&helper.poked, false))
		return;
	for (; c; c = after) {
		after = c->next;
		if (atomic_exchange(&c->poked, false))
			serve(c);
	}
}

/* Returns when to look next: while there are connections. */
static uint64_t look_who_lives(uint64_t now)
{
	struct transport_conn *c = fab_conn_first();

	if (!c)
		return OS_FOREVER;
	if (now < helper.next_look)
		return helper.next_look;
	helper.next_look = now + fab_alive_interval();
	for (; c; c = c->next) {
		os_mutex_lock(&c->lock);
		fab_alive_look(c);
		os_mutex_unlock(&c->lock);
	}
	return helper.next_look;
}

/* What has taken too long; returns when the next will have. */
static uint64_t look_at_clock(void)
{
	uint64_t now = os_now(), next = look_who_lives(now);
	struct transport_conn *c = fab_conn_first(), *after;

	for (; c; c = after) {
		after = c->next;
		if (!c->due)
			continue;
		if (c->due > now) {
			next = c->due < next ? c->due : next;
		} else if (is_arriving(c)) {
			fab_arrival_failed(c);
		} else if (c->lingers) {
			os_mutex_lock(&c->lock);
			if (finish_lingering(c, now))
				os_mutex_unlock(&c->lock);
		}
	}
	return next;
}

/* ---- the thread ------------------------------------------------------ */

/* Listeners of all addresses are offered at new ones as well. */
static void look_at_networks(void)
{
	os_network_seen(helper.changes);
	fab_nets_refresh();
	fab_listeners_refresh();
}

static void serve_cookie(uint64_t cookie)
{
	struct transport_conn *c;

	if (cookie == BELL) {
		os_event_reset(helper.bell);
	} else if (cookie == CHANGES) {
		look_at_networks();
	} else if (cookie < NETS + helper.net_count) {
		read_events(helper.nets[cookie - NETS]);
	} else {
		c = fab_conn_find(cookie);
		if (c)
			serve(c);
	}
}

/* False: some queue has more already. */
static bool all_quiet(void)
{
	bool quiet = true;

	for (unsigned i = 0; i < helper.net_count; i++) {
		struct fab_net *n = helper.nets[i];
		struct fid *queue = &n->eq->fid;

		if (fi_trywait(n->fabric, &queue, 1) == 0)
			continue;
		read_events(n);
		quiet = false;
	}
	return quiet;
}

static uint64_t time_until(uint64_t due)
{
	uint64_t now;

	if (due == OS_FOREVER)
		return OS_FOREVER;
	now = os_now();
	return due > now ? due - now : 0;
}

static void run(void *arg)
{
	uint64_t cookies[COOKIES];

	while (!atomic_load(&helper.stop)) {
		uint64_t due;
		unsigned n;

		fab_lock();
		due = look_at_clock();
		if (!all_quiet())
			due = 0;
		fab_unlock();
		n = os_poller_wait(helper.poller, cookies, COOKIES,
			time_until(due));
		fab_lock();
		for (unsigned i = 0; i < n; i++)
			serve_cookie(cookies[i]);
		serve_poked();
		fab_unlock();
	}
}

/* Without it, addresses are looked at when somebody asks for them. */
static void watch_changes(void)
{
	if (os_network_watch(&helper.changes) != ST_OK)
		return;
	if (os_poller_add(helper.poller, helper.changes, CHANGES) == ST_OK)
		return;
	os_handle_close(helper.changes);
	helper.changes = OS_NO_HANDLE;
}

enum status fab_helper_start(void)
{
	enum status st;

	if (atomic_load(&helper.owner) != 0)
		return ST_OK;
	st = os_poller_create(&helper.poller);
	if (st == ST_OK)
		st = os_event_create(&helper.bell);
	if (st == ST_OK)
		st = os_poller_add(helper.poller, os_event_handle(helper.bell),
			BELL);
	atomic_store(&helper.stop, false);
	if (st == ST_OK)
		watch_changes();
	if (st == ST_OK)
		st = os_thread_start(&helper.thread, "wsd-fabric", run, NULL);
	if (st != ST_OK) {
		close_own();
		return st;
	}
	atomic_store(&helper.owner, os_process_id());
	return ST_OK;
}

/* ---- the end --------------------------------------------------------- */

static void flush(void)
{
	uint64_t limit = os_now() + FLUSH_LIMIT;

	while (atomic_load(&helper.unsent) > 0 && os_now() < limit)
		os_sleep(FLUSH_STEP);
}

static void end_lingering(void)
{
	struct transport_conn *c = fab_conn_first(), *after;

	for (; c; c = after) {
		after = c->next;
		if (!c->lingers && !is_arriving(c))
			continue;
		fab_conn_remove(c);
		fab_conn_destroy(c);
	}
}

void fab_helper_stop(void)
{
	if (atomic_load(&helper.owner) != os_process_id())
		return;
	flush();
	atomic_store(&helper.stop, true);
	fab_helper_wake();
	os_thread_join(&helper.thread);
	fab_lock();
	end_lingering();
	close_own();
	atomic_store(&helper.owner, 0);
	fab_unlock();
}

/*
 * What the kernel has of a TCP connection it sends after the process has ended;
 * what libfabric still has, only we can.
 */
__attribute__((destructor)) static void before_exit(void)
{
	if (atomic_load(&helper.owner) == os_process_id())
		flush();
}
