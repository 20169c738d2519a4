/* SPDX-License-Identifier: MIT */
/*
 * memory.h - providers that keep the program's memory registered.
 *
 * They must be told before mappings change. Either the front end sees every
 * change and says so (sw_memory_changes), or nothing may be kept at all: then
 * each deregistration is followed by the cache callback for its range.
 */
#ifndef WSD_SWITCH_MEMORY_H
#define WSD_SWITCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct sw_provider;

/*
 * Does it keep registrations? As it says itself; who cannot say it does when
 * it has the cache callback, which is there for nothing else.
 */
bool memory_is_kept_by(const struct sw_provider *p);

/*
 * A provider from which there will be connections. Once for each, before the
 * first of them; the first that keeps memory starts the watch. Not from two
 * threads at a time.
 */
void memory_add(struct sw_provider *p);

/* After a deregistration, in the gate: nothing of it stays when nobody sees
 * mappings change. */
void memory_deregistered(const struct sw_provider *p, void *base, size_t len);

#endif
