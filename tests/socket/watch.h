/* SPDX-License-Identifier: MIT */
/* epoll, one event at a time. */
#ifndef SOCKET_WATCH_H
#define SOCKET_WATCH_H

#include "cases.h"

#include <stdint.h>
#include <sys/epoll.h>

int watch_open(void);
void watch_add(int epoll, int fd, uint32_t events, uint64_t data);
void watch_mod(int epoll, int fd, uint32_t events, uint64_t data);
void watch_del(int epoll, int fd);
/* Waits (10 s at most) for one event, of this data; returns what it says. */
uint32_t watch_one(int epoll, uint64_t data);
/* No event comes for so many milliseconds. */
void watch_none(int epoll, int ms);

#ifndef CASE_HELPER
#define watch_open()                (CASE_HERE, watch_open())
#define watch_add(ep, fd, ev, data) (CASE_HERE, watch_add(ep, fd, ev, data))
#define watch_mod(ep, fd, ev, data) (CASE_HERE, watch_mod(ep, fd, ev, data))
#define watch_del(ep, fd)           (CASE_HERE, watch_del(ep, fd))
#define watch_one(ep, data)         (CASE_HERE, watch_one(ep, data))
#define watch_none(ep, ms)          (CASE_HERE, watch_none(ep, ms))
#endif

#endif
