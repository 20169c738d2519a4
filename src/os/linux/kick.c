/* SPDX-License-Identifier: MIT */
/*
 * kick.c - waking one thread that sleeps, from another of this process.
 *
 * Each thread that needs it has an event of its own, made at first use and
 * closed when the thread ends. A forked child makes new ones: what it inherited
 * wakes its parent.
 *
 * The threads that have one are in a list, so that a thread can be interrupted
 * by its identity; one that was interrupted before it first slept is remembered.
 */
#include <sys/single_threaded.h>

#include "defer.h"
#include "internal.h"
#include "interrupt.h"

#define EARLY_MAX 16

struct kick {
	void *event;
	uint64_t made_in; /* epoch */
	pthread_t thread;
	_Atomic bool interrupted;
	bool was_interrupted; /* the last sleep ended so */
	struct kick *next;
};

static _Thread_local struct kick mine __attribute__((tls_model("initial-exec")));
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;

/*
 * The list belongs to the process whose epoch is `listed_in`, the lock to the
 * process whose epoch it holds: what a child inherits of either is void.
 */
static _Atomic uint64_t lock;
static uint64_t listed_in;
static struct kick *list;
static pthread_t early[EARLY_MAX];
static unsigned early_count;

static void list_lock(void)
{
	uint64_t self = os_process_epoch(), seen = 0;

	defer_begin();
	while (!atomic_compare_exchange_strong(&lock, &seen, self)) {
		if (seen == self) {
			os_yield();
			seen = 0;
		}
	}
	if (listed_in != self) {
		listed_in = self;
		list = NULL;
		early_count = 0;
	}
}

static void list_unlock(void)
{
	atomic_store(&lock, 0);
	defer_end();
}

/* Was the calling thread interrupted before it was known? */
static bool was_early(void)
{
	for (unsigned i = 0; i < early_count; i++) {
		if (pthread_equal(early[i], pthread_self())) {
			early[i] = early[--early_count];
			return true;
		}
	}
	return false;
}

static void enlist(struct kick *k)
{
	list_lock();
	k->thread = pthread_self();
	k->next = list;
	list = k;
	atomic_store(&k->interrupted, was_early());
	list_unlock();
}

static void delist(struct kick *k)
{
	list_lock();
	for (struct kick **p = &list; *p; p = &(*p)->next) {
		if (*p == k) {
			*p = k->next;
			break;
		}
	}
	list_unlock();
}

static void thread_ends(void *kick)
{
	struct kick *k = kick;

	delist(k);
	os_event_destroy(k->event);
	k->event = NULL;
}

static void make_key(void)
{
	have_key = pthread_key_create(&at_exit, thread_ends) == 0;
}

bool os_has_threads(void)
{
	return !__libc_single_threaded;
}

void *os_thread_kick(void)
{
	void *event;

	if (mine.event && mine.made_in == os_process_epoch()) {
		os_event_reset(mine.event);
		return mine.event;
	}
	pthread_once(&once, make_key);
	if (!have_key)
		return NULL;
	if (mine.event)
		os_event_destroy(mine.event);
	mine.event = NULL;
	if (os_event_create(&event) != ST_OK)
		return NULL;
	if (pthread_setspecific(at_exit, &mine)) {
		os_event_destroy(event);
		return NULL;
	}
	mine.event = event;
	mine.made_in = os_process_epoch();
	enlist(&mine);
	return event;
}

/* ---- interrupting ----------------------------------------------------- */

/* When too many come early the oldest is forgotten. */
static void note_early(pthread_t thread)
{
	if (early_count == EARLY_MAX) {
		for (unsigned i = 1; i < EARLY_MAX; i++)
			early[i - 1] = early[i];
		early_count--;
	}
	early[early_count++] = thread;
}

void os_thread_interrupt(pthread_t thread)
{
	struct kick *k;

	list_lock();
	for (k = list; k && !pthread_equal(k->thread, thread); k = k->next)
		continue;
	if (k) {
		atomic_store(&k->interrupted, true);
		os_event_set(k->event);
	} else {
		note_early(thread);
	}
	list_unlock();
}

bool os_kick_interrupts(void)
{
	mine.was_interrupted = atomic_exchange(&mine.interrupted, false);
	return mine.was_interrupted;
}

bool os_thread_interrupted(void)
{
	return mine.was_interrupted;
}
