/* SPDX-License-Identifier: MIT */
/*
 * kick.c - waking one thread that sleeps, from another of this process.
 *
 * Each thread that needs it has an event of its own, made at first use and
 * closed when the thread ends. A forked child makes new ones: what it inherited
 * wakes its parent.
 */
#include <sys/single_threaded.h>

#include "internal.h"

static _Thread_local void *mine __attribute__((tls_model("initial-exec")));
static _Thread_local uint64_t made_in
	__attribute__((tls_model("initial-exec")));
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;

static void thread_ends(void *event)
{
	mine = NULL;
	os_event_destroy(event);
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

	if (mine && made_in == os_process_epoch()) {
		os_event_reset(mine);
		return mine;
	}
	pthread_once(&once, make_key);
	if (!have_key)
		return NULL;
	if (mine)
		os_event_destroy(mine);
	mine = NULL;
	if (os_event_create(&event) != ST_OK)
		return NULL;
	if (pthread_setspecific(at_exit, event)) {
		os_event_destroy(event);
		return NULL;
	}
	made_in = os_process_epoch();
	mine = event;
	return mine;
}
