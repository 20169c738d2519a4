/* SPDX-License-Identifier: MIT */
/*
 * sleep.h - sleeping on connections, in whichever way the switch asks for.
 */
#ifndef WSD_PRELOAD_SLEEP_H
#define WSD_PRELOAD_SLEEP_H

#include <poll.h>
#include <signal.h>

#include "switch/switch.h"

/* One connection of a sleeper. */
struct sleep_item {
	struct sw_conn *conn;
	int fd;            /* the program's number for it */
	unsigned interest; /* SW_... */
	enum sw_sleep mode;
	bool begun;
	bool gone;         /* the peer is: the kernel has no more news of it */
	struct pollfd *slot; /* what the kernel is asked for it */
};

/* The edge-triggered part of a sleep: a private epoll instance. */
struct sleep_edges {
	int epfd;     /* -1: none */
	bool uncertain; /* there is no instance, or no doorbell for all news */
};

/*
 * Begins the sleep of all items and fills their slots. False: one of them is
 * ready already; nothing is begun.
 */
bool sleep_begin(struct sleep_item *items, unsigned count,
	struct sleep_edges *edges, struct pollfd *edges_slot);
/* After the kernel's poll: peers that are gone are noticed. */
void sleep_end(struct sleep_item *items, unsigned count,
	struct sleep_edges *edges);

#endif
