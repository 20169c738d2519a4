/* SPDX-License-Identifier: MIT */
/*
 * engine.c - the thread of engine.h.
 *
 * Two ways lead to a socket: the list of those somebody wants looked at, each
 * with a reference and the time from which on; and the poller, which knows it
 * by descriptor. What is done with a socket is in service.c.
 */
#include "provider/engine.h"

#include <stdatomic.h>

#include "provider/descriptor.h"
#include "provider/duplicate.h"
#include "provider/socket.h"

#define MS UINT64_C(1000000)
#define HANDOFF_LOOK_NS (500 * MS)
#define HANDOFF_COOKIE (UINT64_C(1) << 63)

enum {
	ROUND = 64,    /* sockets of the list, before the poller is asked */
	COOKIES = 16,
	BELL = 0,      /* cookie; no descriptor and no hand-off has it */
};

/* Being set up after a fork. */
#define OWNER_BUSY UINT32_MAX

static struct {
	struct os_mutex lock;   /* role: engine; a leaf */
	_Atomic uint32_t owner; /* process whose thread runs; 0: none */
	struct os_thread thread;
	_Atomic uint32_t thread_id;
	bool stop;
	bool unjoined; /* it was told to stop by itself */
	os_handle poller;
	void *bell;
	struct prov_socket *listed;
	struct prov_handoff *handoffs;
} engine = {.lock = OS_MUTEX_INIT};

static bool running_here(void)
{
	uint32_t owner = atomic_load_explicit(&engine.owner,
		memory_order_acquire);

	return owner != 0 && owner == os_process_id();
}

static bool inside_engine(void)
{
	return os_thread_id() == atomic_load(&engine.thread_id);
}

/* ---- the list: engine.lock held ------------------------------------ */

static void unlink_socket(struct prov_socket *s)
{
	struct prov_service *v = &s->service;

	*v->link = v->next;
	if (v->next)
		v->next->service.link = v->link;
	v->listed_by = 0;
}

/* The reference goes with it. */
static void link_socket(struct prov_socket *s, uint64_t due)
{
	struct prov_service *v = &s->service;

	v->due = due;
	v->next = engine.listed;
	if (v->next)
		v->next->service.link = &v->next;
	v->link = &engine.listed;
	engine.listed = s;
	v->listed_by = os_process_id();
}

static void list_socket(struct prov_socket *s, uint64_t due)
{
	if (s->service.listed_by == os_process_id()) {
		if (due < s->service.due)
			s->service.due = due;
		return;
	}
	/* A parent's entry means nothing here, but for its reference. */
	if (s->service.listed_by == 0)
		prov_descriptor_hold_again(s->descriptor);
	link_socket(s, due);
}

/* The next that is due, with the list's reference; NULL and when to look. */
static struct prov_socket *take_due(uint64_t now, uint64_t *next)
{
	struct prov_socket *s;

	*next = OS_FOREVER;
	for (s = engine.listed; s; s = s->service.next) {
		if (s->service.due <= now)
			break;
		if (s->service.due < *next)
			*next = s->service.due;
	}
	if (s)
		unlink_socket(s);
	return s;
}

/* ---- the poller ---------------------------------------------------- */

static void after_fork(uint32_t parent);

/* Before the lock: one that our parent's thread held is nobody's here. */
static void heed_fork(void)
{
	uint32_t owner = atomic_load_explicit(&engine.owner,
		memory_order_acquire);

	if (owner != 0 && owner != OWNER_BUSY && owner != os_process_id())
		after_fork(owner);
}

/* engine.lock held. A poller of our parent is not ours to change. */
static void unwatch(struct prov_socket *s)
{
	struct prov_service *v = &s->service;

	if (v->watched == OS_NO_HANDLE)
		return;
	if (v->watched_by == os_process_id() && running_here())
		os_poller_remove(engine.poller, v->watched);
	v->watched = OS_NO_HANDLE;
}

void prov_engine_unwatch(struct prov_socket *s)
{
	heed_fork();
	os_mutex_lock(&engine.lock);
	unwatch(s);
	os_mutex_unlock(&engine.lock);
}

void prov_engine_watch(struct prov_socket *s, os_handle h)
{
	struct prov_service *v = &s->service;
	enum status st = ST_OK;

	os_mutex_lock(&engine.lock);
	if (v->watched != h || v->watched_by != os_process_id()) {
		unwatch(s);
		st = os_poller_add(engine.poller, h, s->descriptor);
		if (st == ST_OK || st == ST_EXISTS) {
			v->watched = h;
			v->watched_by = os_process_id();
		} else {
			list_socket(s, os_now() + PROV_RETRY_NS);
		}
	}
	os_mutex_unlock(&engine.lock);
}

void prov_engine_come_back(struct prov_socket *s, uint64_t when)
{
	os_mutex_lock(&engine.lock);
	list_socket(s, when);
	os_mutex_unlock(&engine.lock);
}

/* ---- serving ---------------------------------------------------------- */

/* Returns when to look at the list again. */
static uint64_t serve_listed(void)
{
	struct prov_socket *s;
	uint64_t next;

	for (int n = 0; n < ROUND; n++) {
		os_mutex_lock(&engine.lock);
		s = take_due(os_now(), &next);
		os_mutex_unlock(&engine.lock);
		if (!s)
			return next;
		prov_service(s);
		prov_socket_release(s);
	}
	return 0;
}

static void serve_descriptor(SOCKET d)
{
	struct prov_socket *s = prov_socket_hold(d);

	if (!s)
		return;
	prov_service(s);
	prov_socket_release(s);
}

/* ---- hand-offs: engine.lock held ----------------------------------- */

static void end_handoff(struct prov_handoff **at, bool fetched)
{
	struct prov_handoff *h = *at;

	*at = h->next;
	os_poller_remove(engine.poller, h->door);
	prov_handoff_end(h, fetched);
}

static void answer_door(uint32_t token)
{
	struct prov_handoff **at = &engine.handoffs;

	while (*at && (*at)->token != token)
		at = &(*at)->next;
	if (*at && prov_handoff_answer(*at))
		end_handoff(at, true);
}

/* Returns when to look again. */
static uint64_t tend_handoffs(void)
{
	struct prov_handoff **at = &engine.handoffs;
	uint64_t now = os_now();

	while (*at) {
		if ((*at)->open && prov_handoff_expired(*at, now))
			end_handoff(at, false);
		else
			at = &(*at)->next;
	}
	return engine.handoffs ? now + HANDOFF_LOOK_NS : OS_FOREVER;
}

/* ---- the thread ---------------------------------------------------- */

static void answer(uint64_t cookie)
{
	if (cookie == BELL) {
		os_event_reset(engine.bell);
	} else if (cookie & HANDOFF_COOKIE) {
		os_mutex_lock(&engine.lock);
		answer_door((uint32_t)cookie);
		os_mutex_unlock(&engine.lock);
	} else {
		serve_descriptor((SOCKET)cookie);
	}
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void run(void *arg)
{
	uint64_t cookies[COOKIES];
	uint64_t when, now;
	bool stop;

	atomic_store(&engine.thread_id, os_thread_id());
	for (;;) {
		when = serve_listed();
		os_mutex_lock(&engine.lock);
		when = sooner(when, tend_handoffs());
		stop = engine.stop;
		os_mutex_unlock(&engine.lock);
		if (stop)
			break;
		now = os_now();
		when = when == OS_FOREVER ? when : when > now ? when - now : 0;
		for (unsigned n = os_poller_wait(engine.poller, cookies,
				COOKIES, when); n > 0; n--)
			answer(cookies[n - 1]);
	}
	atomic_store(&engine.thread_id, 0); /* another thread may get it */
}

/* ---- start and stop ------------------------------------------------ */

/* What a stopped thread leaves. The thread has been joined, or never ran. */
static void clear(void)
{
	struct prov_socket *s;
	uint64_t next;

	os_mutex_lock(&engine.lock);
	while (engine.handoffs)
		end_handoff(&engine.handoffs, false);
	while ((s = take_due(OS_FOREVER, &next))) {
		os_mutex_unlock(&engine.lock);
		prov_socket_release(s);
		os_mutex_lock(&engine.lock);
	}
	os_mutex_unlock(&engine.lock);
	os_handle_close(engine.poller);
	os_event_destroy(engine.bell);
}

/* engine.lock held. */
static bool make_poller(void)
{
	if (os_poller_create(&engine.poller) != ST_OK)
		return false;
	if (os_event_create(&engine.bell) != ST_OK)
		goto close_poller;
	if (os_poller_add(engine.poller, os_event_handle(engine.bell), BELL) ==
		ST_OK)
		return true;
	os_event_destroy(engine.bell);
close_poller:
	os_handle_close(engine.poller);
	return false;
}

/* engine.lock held. */
static bool start(void)
{
	if (!make_poller())
		return false;
	engine.stop = false;
	if (os_thread_start(&engine.thread, "wsd-engine", run, NULL) !=
		ST_OK) {
		os_event_destroy(engine.bell);
		os_handle_close(engine.poller);
		return false;
	}
	atomic_store_explicit(&engine.owner, os_process_id(),
		memory_order_release);
	return true;
}

/* We are a forked child: the thread, and maybe the lock's holder, are not
 * here. What the parent serves stays the parent's. */
static void after_fork(uint32_t parent)
{
	if (!atomic_compare_exchange_strong(&engine.owner, &parent,
			OWNER_BUSY))
		return;
	os_mutex_init(&engine.lock);
	engine.listed = NULL;
	while (engine.handoffs) {
		struct prov_handoff *h = engine.handoffs;

		engine.handoffs = h->next;
		prov_handoff_end(h, true);
	}
	os_handle_close(engine.poller);
	os_event_destroy(engine.bell);
	engine.unjoined = false;
	atomic_store(&engine.thread_id, 0);
	atomic_store(&engine.owner, 0);
}

static void join_former(void)
{
	bool join;

	os_mutex_lock(&engine.lock);
	join = engine.unjoined;
	engine.unjoined = false;
	os_mutex_unlock(&engine.lock);
	if (!join)
		return;
	os_thread_join(&engine.thread);
	clear();
}

bool prov_engine_ready(void)
{
	uint32_t me = os_process_id();
	uint32_t owner;
	bool ready;

	while ((owner = atomic_load_explicit(&engine.owner,
			memory_order_acquire)) != 0) {
		if (owner == me)
			return true;
		if (owner != OWNER_BUSY)
			after_fork(owner);
		os_yield();
	}
	if (inside_engine()) /* which has been told to stop */
		return false;
	join_former();
	os_mutex_lock(&engine.lock);
	ready = atomic_load(&engine.owner) == me || start();
	os_mutex_unlock(&engine.lock);
	return ready;
}

void prov_engine_stop(void)
{
	if (inside_engine() && !running_here())
		return;
	if (!running_here()) {
		join_former();
		return;
	}
	os_mutex_lock(&engine.lock);
	engine.stop = true;
	engine.unjoined = true;
	atomic_store(&engine.owner, 0);
	os_event_set(engine.bell);
	os_mutex_unlock(&engine.lock);
	if (!inside_engine())
		join_former();
}

/* ---- what others ask for ------------------------------------------- */

void prov_engine_want(struct prov_socket *s)
{
	if (!running_here())
		return;
	os_mutex_lock(&engine.lock);
	if (running_here()) {
		list_socket(s, 0);
		if (!inside_engine())
			os_event_set(engine.bell);
	}
	os_mutex_unlock(&engine.lock);
}

void prov_engine_forget(struct prov_socket *s)
{
	bool listed;

	heed_fork();
	os_mutex_lock(&engine.lock);
	listed = s->service.listed_by != 0;
	if (s->service.listed_by == os_process_id())
		unlink_socket(s);
	s->service.listed_by = 0;
	os_mutex_unlock(&engine.lock);
	if (listed)
		prov_socket_release(s);
}

enum status prov_engine_serve(struct prov_handoff *h)
{
	enum status st;

	os_mutex_lock(&engine.lock);
	st = os_poller_add(engine.poller, h->door, HANDOFF_COOKIE | h->token);
	if (st == ST_OK) {
		h->next = engine.handoffs;
		engine.handoffs = h;
	}
	os_mutex_unlock(&engine.lock);
	return st;
}

void prov_engine_open(struct prov_handoff *h)
{
	os_mutex_lock(&engine.lock);
	h->open = true;
	os_event_set(engine.bell); /* its time runs from now on */
	os_mutex_unlock(&engine.lock);
}

void prov_engine_unserve(struct prov_handoff *h)
{
	struct prov_handoff **at = &engine.handoffs;

	os_mutex_lock(&engine.lock);
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	os_poller_remove(engine.poller, h->door);
	os_mutex_unlock(&engine.lock);
}
