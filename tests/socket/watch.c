/* SPDX-License-Identifier: MIT */
#define CASE_HELPER
#include "watch.h"

enum { WAIT_MS = 10000 };

int watch_open(void)
{
	return CHECK_OK(epoll_create1(EPOLL_CLOEXEC));
}

static void control(int epoll, int what, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	CHECK_OK(epoll_ctl(epoll, what, fd, &event));
}

void watch_add(int epoll, int fd, uint32_t events, uint64_t data)
{
	control(epoll, EPOLL_CTL_ADD, fd, events, data);
}

void watch_mod(int epoll, int fd, uint32_t events, uint64_t data)
{
	control(epoll, EPOLL_CTL_MOD, fd, events, data);
}

void watch_del(int epoll, int fd)
{
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL));
}

uint32_t watch_one(int epoll, uint64_t data)
{
	struct epoll_event events[4];
	int n;

	do
		n = epoll_wait(epoll, events, 4, WAIT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		FAIL("waited %d ms in vain for event %llu", WAIT_MS,
		        (unsigned long long)data);
	CHECK_EQ(n, 1);
	CHECK_EQ(events[0].data.u64, data);
	return events[0].events;
}

void watch_none(int epoll, int ms)
{
	struct epoll_event event;
	int n = CHECK_OK(epoll_wait(epoll, &event, 1, ms));

	if (n > 0)
		FAIL("unexpected event 0x%x of %llu", event.events,
		        (unsigned long long)event.data.u64);
}
