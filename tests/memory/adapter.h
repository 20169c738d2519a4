/* SPDX-License-Identifier: MIT */
/*
 * adapter.h - something that keeps the pages of registered memory, as an
 * adapter does: buffers registered with io_uring. What is stored through a
 * registration goes to the pages that were there when it was made, wherever
 * the program has others by now.
 */
#ifndef MEMORY_ADAPTER_H
#define MEMORY_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>

struct adapter_memory;

/* Does the system have it, and let us? */
bool adapter_is_there(void);

/* NULL: it cannot. Uses the heap, maps and unmaps. */
struct adapter_memory *adapter_register(void *base, size_t len);
void adapter_unregister(struct adapter_memory *m);
/* Puts bytes where `to`, inside the registered range, was then. */
bool adapter_store(struct adapter_memory *m, void *to, const void *bytes,
	size_t len);

#endif
