/* SPDX-License-Identifier: MIT */
/*
 * WSAEVENT: an eventfd, its number in the value itself, as <openwsd/winsock2.h>
 * says, so that a switch with nothing of ours can make them too.
 *
 * Writing to a descriptor that is not an event, because the event was destroyed
 * long ago and the number belongs to a file now, would invent bytes. So every
 * operation first asks the kernel what the descriptor is.
 */
#include "internal.h"

#include <string.h>
#include <sys/eventfd.h>

/* The descriptor, or -1 when this is no event. */
static int event_fd(void *event)
{
	static const char want[] = "anon_inode:[eventfd]";
	uint64_t n = (uint64_t)(uintptr_t)event >> 2;
	char name[sizeof want], path[32] = "/proc/self/fd/", digits[12];
	unsigned at = 14, k = 0;

	if (n == 0 || n > INT32_MAX)
		return -1;
	for (uint64_t v = n - 1; k == 0 || v; v /= 10)
		digits[k++] = (char)('0' + v % 10);
	while (k)
		path[at++] = digits[--k];
	path[at] = 0;
	if (sys_readlink(path, name, sizeof name) != sizeof want - 1 ||
		memcmp(name, want, sizeof want - 1) != 0)
		return -1;
	return (int)(n - 1);
}

enum status os_event_create(void **event)
{
	int fd = sys_above_stdio(
		sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

	if (fd < 0)
		return sys_status(fd);
	*event = (void *)(((uintptr_t)fd + 1) << 2);
	return ST_OK;
}

void os_event_destroy(void *event)
{
	int fd = event_fd(event);

	if (fd >= 0)
		sys_close(fd);
}

enum status os_event_set(void *event)
{
	uint64_t one = 1;
	int fd = event_fd(event);

	if (fd < 0)
		return ST_INVAL;
	sys_write(fd, &one, sizeof one); /* EAGAIN: set more than enough */
	return ST_OK;
}

enum status os_event_reset(void *event)
{
	uint64_t count;
	int fd = event_fd(event);

	if (fd < 0)
		return ST_INVAL;
	/* EAGAIN: was not set. One that a switch made may block. */
	if (os_poll_one_through(fd, POLLIN, 0) > 0)
		sys_read(fd, &count, sizeof count);
	return ST_OK;
}

enum status os_event_wait(void *event, uint64_t ns)
{
	int fd = event_fd(event);

	if (fd < 0)
		return ST_INVAL;
	return os_poll_one_through(fd, POLLIN, ns) > 0 ? ST_OK : ST_TIMEDOUT;
}

os_handle os_event_handle(void *event)
{
	return event_fd(event);
}
