/* SPDX-License-Identifier: MIT */
/* What an epoll watches: registration, descriptors that come and go, nests. */
#include "pair.h"
#include "stream.h"
#include "task.h"
#include "watch.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>

static int control(int epoll, int what, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};

	return epoll_ctl(epoll, what, fd, &event);
}

CASE(epoll_ctl_refuses_what_makes_no_sense)
{
	struct pair pair = pair_open();
	int epoll = watch_open(), fd = pair.client, ends[2];
	int file = CHECK_OK(memfd_create("file", 0));
	struct epoll_event event;
	volatile int negative = -1;

	CHECK_OK(pipe(ends));
	CHECK_ERRNO(control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN), ENOENT);
	CHECK_ERRNO(control(epoll, EPOLL_CTL_DEL, fd, EPOLLIN), ENOENT);
	CHECK_OK(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN));
	CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN), EEXIST);
	CHECK_ERRNO(control(epoll, 4711, fd, EPOLLIN), EINVAL);
	CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN), EINVAL);
	CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, -1, EPOLLIN), EBADF);
	CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, file, EPOLLIN), EPERM);
	CHECK_ERRNO(control(-1, EPOLL_CTL_ADD, fd, EPOLLIN), EBADF);
	CHECK_ERRNO(control(ends[0], EPOLL_CTL_ADD, fd, EPOLLIN), EINVAL);
	CHECK_ERRNO(control(fd, EPOLL_CTL_ADD, pair.server, EPOLLIN), EINVAL);
	CHECK_ERRNO(epoll_wait(epoll, &event, 0, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(epoll, &event, negative, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(fd, &event, 1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(-1, &event, 1, 0), EBADF);
}

CASE(EXCLUSIVE_can_be_added_but_not_modified)
{
	int listener = listener_open(IPV4), epoll = watch_open();
	uint32_t exclusive = EPOLLIN | EPOLLEXCLUSIVE;

	CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, listener,
	                    exclusive | EPOLLONESHOT),
	        EINVAL);
	watch_add(epoll, listener, exclusive, 1);
	CHECK_ERRNO(control(epoll, EPOLL_CTL_MOD, listener, exclusive), EINVAL);
	client_of(listener);
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	server_of(listener);
	watch_none(epoll, 20);
}

static atomic_int woken;

static void *wait_for_connection(void *argument)
{
	int listener = *(int *)argument, epoll = watch_open();

	watch_add(epoll, listener, EPOLLIN | EPOLLEXCLUSIVE, 1);
	watch_one(epoll, 1);
	atomic_fetch_add(&woken, 1);
	return NULL;
}

/* One connection may wake one waiter only, so there is one after another. */
CASE(EXCLUSIVE_waiters_are_woken_by_a_connection)
{
	int listener = listener_open(IPV4);
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		threads[i] = thread_start(wait_for_connection, &listener);
	while (atomic_load(&woken) < 2) {
		pause_ms(5);
		client_of(listener);
	}
	for (int i = 0; i < 2; i++)
		thread_join(threads[i]);
}

CASE(closing_a_descriptor_removes_it_from_epoll)
{
	struct pair pair = pair_open(), other;
	int epoll = watch_open();

	watch_add(epoll, pair.server, EPOLLIN, 1);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	CHECK_OK(close(pair.server));
	watch_none(epoll, 20);
	CHECK_ERRNO(control(epoll, EPOLL_CTL_DEL, pair.server, 0), EBADF);
	other = pair_open();
	CHECK(other.client != pair.server && other.server != pair.server);
	CHECK_OK(dup2(other.server, pair.server));
	CHECK_ERRNO(
	        control(epoll, EPOLL_CTL_MOD, pair.server, EPOLLIN), ENOENT);
	watch_add(epoll, pair.server, EPOLLIN, 2);
	watch_none(epoll, 0);
	send_text(other.client, "hello");
	CHECK_EQ(watch_one(epoll, 2), EPOLLIN);
}

CASE(epoll_watches_as_long_as_a_duplicate_is_open)
{
	struct pair pair = pair_open();
	int epoll = watch_open(), copy = CHECK_OK(dup(pair.server));

	watch_add(epoll, pair.server, EPOLLIN, 1);
	CHECK_OK(close(pair.server));
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	recv_text(copy, "hello");
	watch_none(epoll, 0);
	send_text(pair.client, "again");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	CHECK_OK(close(copy));
	watch_none(epoll, 20);
}

CASE(epoll_watches_a_duplicate_on_its_own)
{
	struct pair pair = pair_open();
	int epoll = watch_open(), copy = CHECK_OK(dup(pair.server));

	watch_add(epoll, pair.server, EPOLLIN, 1);
	watch_add(epoll, copy, EPOLLOUT, 2);
	CHECK_EQ(watch_one(epoll, 2), EPOLLOUT);
	watch_del(epoll, copy);
	watch_none(epoll, 0);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
}

/* The event that matters comes when connected; a HUP may come before. */
static void connect_watched(uint32_t events, int flags)
{
	int listener = listener_open(IPV4), epoll = watch_open(), server;
	struct address target = listener_target(listener, IPV4);
	int fd = client_socket(IPV4, flags);

	watch_add(epoll, fd, events, 7);
	if (connect(fd, ADDRESS(target)) < 0)
		CHECK_EQ(errno, EINPROGRESS);
	while (watch_one(epoll, 7) & EPOLLHUP)
		;
	watch_mod(epoll, fd, EPOLLIN | (events & EPOLLET), 8);
	server = server_of(listener);
	watch_none(epoll, 0);
	send_text(server, "hello");
	CHECK_EQ(watch_one(epoll, 8), EPOLLIN);
	recv_text(fd, "hello");
}
CASE_CALL(epoll_keeps_a_socket_over_connect, connect_watched(EPOLLOUT, 0));
CASE_CALL(epoll_keeps_a_socket_over_nonblocking_connect,
        connect_watched(EPOLLIN | EPOLLOUT, SOCK_NONBLOCK));
CASE_CALL(epoll_keeps_an_edge_over_nonblocking_connect,
        connect_watched(EPOLLIN | EPOLLOUT | EPOLLET, SOCK_NONBLOCK));

CASE(epoll_added_during_connect_says_writable)
{
	int listener = listener_open(IPV4), epoll = watch_open();
	struct address target = listener_target(listener, IPV4);
	int fd = client_socket(IPV4, SOCK_NONBLOCK);

	if (connect(fd, ADDRESS(target)) < 0)
		CHECK_EQ(errno, EINPROGRESS);
	watch_add(epoll, fd, EPOLLOUT | EPOLLET, 1);
	CHECK_EQ(watch_one(epoll, 1), EPOLLOUT);
	roundtrip(fd, server_of(listener));
}

CASE(epoll_reports_a_refused_connect)
{
	struct address nobody = address_refused(IPV4);
	int fd = client_socket(IPV4, SOCK_NONBLOCK), epoll = watch_open();

	CHECK_ERRNO2(connect(fd, ADDRESS(nobody)), EINPROGRESS, ECONNREFUSED);
	watch_add(epoll, fd, EPOLLOUT, 1);
	CHECK(watch_one(epoll, 1) & EPOLLHUP);
}

CASE(two_epolls_watch_one_connection)
{
	struct pair pair = pair_open();
	int one = watch_open(), two = watch_open();

	watch_add(one, pair.server, EPOLLIN | EPOLLET, 1);
	watch_add(two, pair.server, EPOLLIN, 2);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(one, 1), EPOLLIN);
	CHECK_EQ(watch_one(two, 2), EPOLLIN);
	watch_none(one, 20);
	CHECK_EQ(watch_one(two, 2), EPOLLIN);
	watch_del(one, pair.server);
	send_text(pair.client, "again");
	CHECK_EQ(watch_one(two, 2), EPOLLIN);
	watch_none(one, 20);
}

CASE(an_epoll_in_an_epoll_passes_readiness_on)
{
	struct pair pair = pair_open();
	int inner = watch_open(), outer = watch_open();

	watch_add(inner, pair.server, EPOLLIN, 1);
	watch_add(outer, inner, EPOLLIN, 2);
	watch_none(outer, 0);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(outer, 2), EPOLLIN);
	CHECK_EQ(watch_one(inner, 1), EPOLLIN);
	recv_text(pair.server, "hello");
	watch_none(outer, 20);
	send_text(pair.client, "again");
	CHECK_EQ(watch_one(outer, 2), EPOLLIN);
}

CASE(an_epoll_can_be_polled_and_selected)
{
	struct pair pair = pair_open();
	struct timeval none = {0, 0};
	int epoll = watch_open();
	fd_set in;

	watch_add(epoll, pair.server, EPOLLIN, 1);
	CHECK_EQ(events_now(epoll, POLLIN), 0);
	FD_ZERO(&in);
	FD_SET(epoll, &in);
	CHECK_EQ(select(epoll + 1, &in, NULL, NULL, &none), 0);
	send_text(pair.client, "hello");
	CHECK_EQ(wait_for(epoll, POLLIN), POLLIN);
	FD_SET(epoll, &in);
	CHECK_EQ(select(epoll + 1, &in, NULL, NULL, NULL), 1);
	recv_text(pair.server, "hello");
	CHECK_EQ(events_now(epoll, POLLIN), 0);
}

struct addition {
	int epoll;
	int fd;
};

static void *add_later(void *argument)
{
	struct addition *addition = argument;

	pause_ms(50);
	watch_add(addition->epoll, addition->fd, EPOLLIN, 1);
	return NULL;
}

CASE(epoll_wait_sees_what_another_thread_adds)
{
	struct pair pair = pair_open();
	struct addition addition = {watch_open(), pair.server};
	pthread_t thread;

	send_text(pair.client, "hello");
	thread = thread_start(add_later, &addition);
	CHECK_EQ(watch_one(addition.epoll, 1), EPOLLIN);
	thread_join(thread);
}

CASE(epoll_wait_sees_data_of_what_another_thread_adds)
{
	struct pair pair = pair_open();
	struct addition addition = {watch_open(), pair.server};
	pthread_t thread = thread_start(add_later, &addition);
	struct epoll_event event;

	watch_none(addition.epoll, 0);
	thread_join(thread);
	CHECK_EQ(epoll_wait(addition.epoll, &event, 1, 0), 0);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(addition.epoll, 1), EPOLLIN);
}

static void epoll_in_child(void *argument)
{
	struct pair *pair = argument;
	int epoll = watch_open();

	watch_add(epoll, pair->server, EPOLLIN, 1);
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	recv_text(pair->server, "hello");
	send_text(pair->server, "reply");
}

CASE(a_child_watches_an_inherited_connection)
{
	struct pair pair = pair_open();
	int epoll = watch_open();
	pid_t child;

	watch_add(epoll, pair.client, EPOLLIN, 1);
	child = child_start(epoll_in_child, &pair);
	CHECK_OK(close(pair.server));
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	recv_text(pair.client, "reply");
	child_join(child);
	CHECK(watch_one(epoll, 1) & EPOLLIN);
	expect_eof(pair.client);
}

static void wait_on_inherited(void *argument)
{
	CHECK_EQ(watch_one(*(int *)argument, 1), EPOLLIN);
}

CASE(a_child_waits_on_an_inherited_epoll)
{
	struct pair pair = pair_open();
	int epoll = watch_open();
	pid_t child;

	watch_add(epoll, pair.server, EPOLLIN, 1);
	child = child_start(wait_on_inherited, &epoll);
	send_text(pair.client, "hello");
	child_join(child);
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
}
