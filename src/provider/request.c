/* SPDX-License-Identifier: MIT */
/*
 * request.c - lanes: R148 to R150, R126, R127, R132, R159, R192.
 */
#include "provider/request.h"

#include <stdlib.h>
#include <string.h>

#include "provider/engine.h"
#include "provider/memory.h"
#include "provider/overlapped.h"
#include "provider/socket.h"

#define DELIVER_WAIT_NS (5 * UINT64_C(1000000000))

struct prov_request_block {
	struct prov_request_block *next;
	struct prov_request request[PROV_REQUEST_BLOCK];
};

/*
 * The counts are written with the lane's lock held only, so they need no atomic
 * addition; others read them to see whether there is anything to do at all.
 */
static void count(_Atomic unsigned *n, int by)
{
	atomic_store_explicit(n,
		atomic_load_explicit(n, memory_order_relaxed) + (unsigned)by,
		memory_order_release);
}

static void queue_init(struct prov_request_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_put(struct prov_request_queue *q, struct prov_request *r)
{
	r->next = NULL;
	*q->tail = r;
	q->tail = &r->next;
}

static struct prov_request *queue_get(struct prov_request_queue *q)
{
	struct prov_request *r = q->head;

	if (r && !(q->head = r->next))
		q->tail = &q->head;
	return r;
}

void prov_lane_init(struct prov_lane *l)
{
	os_mutex_init(&l->lock);
	os_cond_init(&l->quiet);
	queue_init(&l->posted);
	queue_init(&l->done);
	l->next_cookie = 1;
}

void prov_lane_fini(struct prov_lane *l)
{
	while (l->blocks) {
		struct prov_request_block *b = l->blocks;

		l->blocks = b->next;
		free(b);
	}
	os_cond_fini(&l->quiet);
	os_mutex_fini(&l->lock);
}

static bool add_block(struct prov_lane *l)
{
	struct prov_request_block *b = calloc(1, sizeof *b);

	if (!b)
		return false;
	b->next = l->blocks;
	l->blocks = b;
	for (int i = 0; i < PROV_REQUEST_BLOCK; i++) {
		b->request[i].next = l->free;
		l->free = &b->request[i];
	}
	return true;
}

struct prov_request *prov_request_take(struct prov_lane *l)
{
	struct prov_request *r;

	if (atomic_load_explicit(&l->pending, memory_order_relaxed) >=
		PROV_MAX_PENDING)
		return NULL;
	if (!l->free && !add_block(l))
		return NULL;
	r = l->free;
	l->free = r->next;
	r->next = NULL;
	r->started = r->finished = false;
	r->flags = 0;
	r->count = 0;
	r->spans = r->own_spans;
	r->registrations = r->own_registrations;
	return r;
}

void prov_request_drop(struct prov_lane *l, struct prov_request *r)
{
	if (r->spans != r->own_spans)
		free(r->spans);
	r->next = l->free;
	l->free = r;
}

enum status prov_request_room(struct prov_request *r, unsigned n)
{
	size_t each = sizeof *r->spans + sizeof *r->registrations;
	struct os_span *spans;

	if (n <= PROV_OWN_SPANS)
		return ST_OK;
	spans = malloc(n * each);
	if (!spans)
		return ST_NOMEM;
	r->spans = spans;
	r->registrations = (struct prov_registration **)(spans + n);
	return ST_OK;
}

void prov_lane_post(struct prov_lane *l, struct prov_request *r)
{
	r->notify = prov_overlapped_notifies(r->overlapped);
	prov_overlapped_begin(r->overlapped);
	count(&l->pending, 1);
	if (r->notify)
		count(&l->notify, 1);
	queue_put(&l->posted, r);
}

/* No longer pending, and its memory may be used again. Lane locked. */
static void forget(struct prov_lane *l, struct prov_request *r)
{
	if (r->notify)
		count(&l->notify, -1);
	count(&l->pending, -1);
	prov_request_drop(l, r);
}

/* Shows one that wants no upcall, already out of the queue. Lane locked. */
static void show(struct prov_socket *s, struct prov_lane *l,
	struct prov_request *r)
{
	LPWSAOVERLAPPED ov = r->overlapped;
	DWORD bytes = r->bytes, flags = r->flags;
	int error = r->error;

	forget(l, r);
	prov_overlapped_show(ov, error, bytes, flags);
	prov_socket_happened(s);
}

/* The upcall for one. Lane locked, unlocked meanwhile. */
static void notify(struct prov_socket *s, struct prov_lane *l,
	struct prov_request *r)
{
	LPWSAOVERLAPPED ov = r->overlapped;
	DWORD bytes = r->bytes, flags = r->flags;
	int error = r->error;

	forget(l, r);
	os_mutex_unlock(&l->lock);
	prov_overlapped_notify(s, ov, error, bytes, flags);
	prov_socket_happened(s);
	os_mutex_lock(&l->lock);
}

/*
 * Something older must be seen first: it is queued, or another thread is making
 * the upcall for it. (An upcall that this thread is inside has begun.)
 */
static bool must_wait(const struct prov_lane *l)
{
	if (l->done.head)
		return true;
	return l->deliverer && l->deliverer != os_thread_id();
}

void prov_lane_finish(struct prov_socket *s, struct prov_lane *l,
	struct prov_request *r, int error, DWORD bytes)
{
	if (l->posted.head == r)
		queue_get(&l->posted);
	prov_memory_drop(r->registrations, r->count); /* R192 */
	r->count = 0;
	r->error = error;
	r->bytes = error ? 0 : bytes;
	if (r->notify || must_wait(l)) {
		queue_put(&l->done, r);
		count(&l->waiting, 1);
	} else {
		show(s, l, r);
	}
}

void prov_lane_flush(struct prov_socket *s, struct prov_lane *l, int error)
{
	atomic_store(&l->running, 0);
	while (l->posted.head)
		prov_lane_finish(s, l, l->posted.head, error, 0);
}

static void deliver_one(struct prov_socket *s, struct prov_lane *l)
{
	struct prov_request *r = queue_get(&l->done);

	count(&l->waiting, -1);
	if (r->notify)
		notify(s, l, r);
	else
		show(s, l, r);
}

void prov_lane_show_polled(struct prov_socket *s, struct prov_lane *l)
{
	struct prov_request_queue all = l->done;
	struct prov_request *r;

	if (!all.head)
		return;
	queue_init(&l->done);
	while ((r = queue_get(&all))) {
		if (r->notify) {
			queue_put(&l->done, r);
			continue;
		}
		count(&l->waiting, -1);
		show(s, l, r);
	}
}

void prov_lane_deliver(struct prov_socket *s, struct prov_lane *l, bool nested)
{
	uint32_t before, me;

	if (atomic_load(&l->waiting) == 0)
		return;
	me = os_thread_id();
	os_mutex_lock(&l->lock);
	before = l->deliverer;
	if (before == 0 || (nested && before == me)) {
		l->deliverer = me;
		while (l->done.head)
			deliver_one(s, l);
		l->deliverer = before;
		if (before == 0)
			os_cond_broadcast(&l->quiet);
	}
	os_mutex_unlock(&l->lock);
}

void prov_lane_deliver_later(struct prov_socket *s)
{
	if (atomic_load(&s->tx.waiting) || atomic_load(&s->rx.waiting))
		prov_engine_want(s);
}

void prov_lane_deliver_all(struct prov_socket *s, struct prov_lane *l)
{
	uint64_t now = os_now();
	uint64_t until = now + DELIVER_WAIT_NS;

	prov_lane_deliver(s, l, true);
	os_mutex_lock(&l->lock);
	for (; l->deliverer && l->deliverer != os_thread_id() && now < until;
		now = os_now())
		os_cond_wait(&l->quiet, &l->lock, until - now);
	os_mutex_unlock(&l->lock);
}
