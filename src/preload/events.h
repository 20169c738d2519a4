/* SPDX-License-Identifier: MIT */
/* events.h - readiness in the words of poll and epoll, which share them. */
#ifndef WSD_PRELOAD_EVENTS_H
#define WSD_PRELOAD_EVENTS_H

#include <stdint.h>
#include <sys/epoll.h>

#include "switch/switch.h"

#define EVENTS_IN (EPOLLIN | EPOLLRDNORM)
#define EVENTS_OUT (EPOLLOUT | EPOLLWRNORM)
/* Reported whether asked for or not. */
#define EVENTS_ALWAYS (EPOLLERR | EPOLLHUP)

/* A sleep that nothing may end, though something else could be wanted, is cut
 * into pieces of this many nanoseconds. */
#define EVENTS_SLICE UINT64_C(20000000)

static inline uint32_t events_of(unsigned ready)
{
	return (ready & SW_IN ? EVENTS_IN : 0) |
		(ready & SW_OUT ? EVENTS_OUT : 0) |
		(ready & SW_PRI ? EPOLLPRI : 0) |
		(ready & SW_RDHUP ? EPOLLRDHUP : 0) |
		(ready & SW_HUP ? EPOLLHUP : 0) |
		(ready & SW_ERR ? EPOLLERR : 0);
}

static inline unsigned events_interest(uint32_t events)
{
	return (events & EVENTS_IN ? SW_IN : 0) |
		(events & EVENTS_OUT ? SW_OUT : 0) |
		(events & EPOLLPRI ? SW_PRI : 0) |
		(events & EPOLLRDHUP ? SW_RDHUP : 0);
}

#endif
