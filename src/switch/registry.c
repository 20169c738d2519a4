/* SPDX-License-Identifier: MIT */
/*
 * A fork makes one more process share every connection. The count goes up
 * before the fork, so that neither process can see it too low; when the fork
 * fails it goes down again.
 */
#include "switch/registry.h"

#include "switch/avoid.h"
#include "switch/conn.h"
#include "switch/gate.h"
#include "switch/reach.h"

static struct sw_conn *first;
static struct os_mutex lock = OS_MUTEX_INIT;
static _Atomic unsigned forks;

void registry_add(struct sw_conn *c)
{
	os_mutex_lock(&lock);
	c->next = first;
	c->link = &first;
	if (first)
		first->link = &c->next;
	first = c;
	os_mutex_unlock(&lock);
}

void registry_remove(struct sw_conn *c)
{
	os_mutex_lock(&lock);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	os_mutex_unlock(&lock);
}

unsigned registry_forks(void)
{
	return atomic_load(&forks);
}

void sw_fork_prepare(void)
{
	gate_enter();
	/* Pages may be copied away from the parent at its next store; and what it
	 * has registered is not the child's. */
	sw_memory_changes(NULL, SIZE_MAX);
	atomic_fetch_add(&forks, 1);
	avoid_fork_prepare();
	reach_fork_prepare();
	os_mutex_lock(&lock);
	for (struct sw_conn *c = first; c; c = c->next) {
		if (sw_conn_is_private(c))
			continue;
		head_make_aside(c); /* both shall see the same */
		atomic_fetch_add(&c->shared->sharers, 1);
		conn_set_fact(c, FACT_EVER_SHARED);
	}
}

void sw_fork_parent(bool forked)
{
	for (struct sw_conn *c = first; c && !forked; c = c->next)
		if (!sw_conn_is_private(c))
			atomic_fetch_sub(&c->shared->sharers, 1);
	os_mutex_unlock(&lock);
	reach_fork_parent();
	avoid_fork_parent();
	gate_leave();
}

/* Threads that slept in the parent do not exist here. */
void sw_fork_child(void)
{
	os_mutex_init(&lock);
	reach_fork_child();
	avoid_fork_child();
	gate_forked();
	slab_forked();
	for (struct sw_conn *c = first; c; c = c->next) {
		os_mutex_init(&c->sleep_lock);
		c->sleepers = 0;
		c->kickable = NULL;
	}
}
