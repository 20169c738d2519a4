/* SPDX-License-Identifier: MIT */
#include "links.h"

#include <errno.h>
#include <string.h>

#define BELL 0xB3

static void both_sides_are_told_who_is_there(void)
{
	const char *name = test_name();
	os_handle l = listen_on(name, 1), a, b;
	struct os_peer pa, pb;

	CHECK_ST(os_link_accept(l, &b, &pb), ST_AGAIN);
	CHECK(!readable(l));
	CHECK_ST(os_link_connect(name, &a, &pa), ST_OK);
	CHECK_ST(os_link_ring(a), ST_OK);
	CHECK(readable(l));
	CHECK_ST(os_link_accept(l, &b, &pb), ST_OK);
	CHECK(!readable(l));
	CHECK(pa.pid == os_process_id() && pb.pid == os_process_id());
	CHECK(pa.uid == os_user_id() && pb.uid == os_user_id());
	CHECK(pa.same_user && pb.same_user);
	CHECK_ST(os_link_drain(b, false), ST_OK);
	CHECK_ST(os_link_drain(b, false), ST_AGAIN);
	CHECK_ST(os_link_ring(b), ST_OK);
	CHECK(readable(a) && !readable(b));
	CHECK(errno == 4242);
}

static void a_name_is_free_again_while_old_links_live(void)
{
	const char *name = test_name();
	os_handle l = listen_on(name, 2), a, b, other;

	a = connect_to(name);
	CHECK_ST(accept_soon(l, &b, NULL), ST_OK);
	os_handle_close(l);
	CHECK_ST(os_link_connect(name, &other, NULL), ST_REFUSED);
	l = listen_on(name, 2);
	CHECK_ST(os_link_alive(a), ST_OK);
	CHECK_ST(os_link_ring(b), ST_OK);
	CHECK(readable(a));
	os_handle_close(b);
	CHECK_ST(os_link_alive(a), ST_CLOSED);
	os_handle_close(l);
}

static void handles_of_a_message_that_nobody_reads_are_closed(void)
{
	os_handle ends[2], sent[2];
	unsigned before;
	void *event;

	CHECK_ST(os_event_create(&event), ST_OK);
	sent[0] = sent[1] = os_event_handle(event);
	before = os_handle_count();
	pair(ends);
	CHECK_ST(os_link_send(ends[0], "x", 1, sent, 2), ST_OK);
	os_handle_close(ends[0]);
	os_handle_close(ends[1]);
	CHECK(os_handle_count() == before);
}

static void handles_that_find_no_room_are_closed(void)
{
	os_handle ends[2], sent[4], got[1];
	unsigned count = 1, before;
	char byte;
	size_t len = 1;

	pair(ends);
	for (int i = 0; i < 4; i++)
		sent[i] = ends[0];
	before = os_handle_count();
	CHECK_ST(os_link_send(ends[0], "x", 1, sent, 4), ST_OK);
	CHECK_ST(os_link_receive(ends[1], &byte, &len, got, &count, 0), ST_OK);
	CHECK(count == 1 && len == 1);
	CHECK(os_handle_count() == before + 1);
}

static void silence_and_the_end_are_told(void)
{
	uint64_t start = os_now();
	os_handle ends[2];

	pair(ends);
	CHECK_ST(receive_byte(ends[1], 0), ST_TIMEDOUT);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_TIMEDOUT);
	CHECK_ST(os_link_sleep(ends[1], MS(20)), ST_TIMEDOUT);
	CHECK(os_now() - start >= MS(40));
	CHECK_ST(os_link_ring(ends[0]), ST_OK);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_PROTOCOL);
	os_handle_close(ends[0]);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_OK);
	CHECK_ST(os_link_drain(ends[1], false), ST_OK);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_CLOSED);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_CLOSED);
}

static void ring_after_a_moment(void *link)
{
	os_sleep(MS(30));
	CHECK_ST(os_link_ring(*(os_handle *)link), ST_OK);
}

static void kick_after_a_moment(void *event)
{
	os_sleep(MS(30));
	CHECK_ST(os_event_set(event), ST_OK);
}

static void a_sleeper_is_woken_by_a_doorbell_or_a_kick(void)
{
	void *kick = os_thread_kick();
	struct os_thread t;
	os_handle ends[2];

	CHECK(kick);
	pair(ends);
	CHECK_ST(os_thread_start(&t, "ring", ring_after_a_moment, &ends[0]),
		ST_OK);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_OK);
	os_thread_join(&t);
	CHECK_ST(os_link_drain(ends[1], false), ST_OK);
	CHECK_ST(os_thread_start(&t, "kick", kick_after_a_moment, kick),
		ST_OK);
	CHECK_ST(os_link_sleep_kick(ends[1], OS_FOREVER, kick), ST_OK);
	os_thread_join(&t);
	CHECK_ST(os_link_drain(ends[1], false), ST_AGAIN);
}

static void a_name_is_taken_until_its_owner_closes_it(void)
{
	const char *name = test_name();
	os_handle l, other;

	CHECK_ST(os_link_connect(name, &other, NULL), ST_REFUSED);
	l = listen_on(name, 1);
	CHECK_ST(os_listen(name, 1, &other), ST_EXISTS);
	os_handle_close(l);
	CHECK_ST(os_link_connect(name, &other, NULL), ST_REFUSED);
	os_handle_close(listen_on(name, 1));
	CHECK(errno == 4242);
}

static void bad_names_are_refused(void)
{
	char longest[OS_NAME_MAX + 2];
	os_handle h;

	memset(longest, 'x', sizeof longest);
	longest[OS_NAME_MAX + 1] = '\0';
	CHECK_ST(os_listen("", 1, &h), ST_INVAL);
	CHECK_ST(os_listen("a\nb", 1, &h), ST_INVAL);
	CHECK_ST(os_listen("\xc3\xa4", 1, &h), ST_INVAL);
	CHECK_ST(os_listen(longest, 1, &h), ST_INVAL);
	CHECK_ST(os_link_connect(longest, &h, NULL), ST_INVAL);
	CHECK_ST(os_listen("x", 0, &h), ST_INVAL);
	longest[OS_NAME_MAX] = '\0';
	os_handle_close(listen_on(longest, 1));
}

static void expect_backlog(os_handle l, const char *name, unsigned backlog)
{
	os_handle h[16], extra;

	for (unsigned i = 0; i < backlog; i++)
		h[i] = connect_to(name);
	CHECK_ST(os_link_connect(name, &extra, NULL), ST_FULL);
	CHECK_ST(accept_soon(l, &extra, NULL), ST_OK);
	os_handle_close(extra);
	extra = connect_to(name);
	os_handle_close(extra);
	while (os_link_accept(l, &extra, NULL) == ST_OK)
		os_handle_close(extra);
	for (unsigned i = 0; i < backlog; i++)
		os_handle_close(h[i]);
}

static void exactly_the_backlog_can_queue(void)
{
	const char *name = test_name();
	os_handle l = listen_on(name, 1);

	expect_backlog(l, name, 1);
	CHECK_ST(os_listen_backlog(l, 5), ST_OK);
	expect_backlog(l, name, 5);
	CHECK_ST(os_listen_backlog(l, 2), ST_OK);
	expect_backlog(l, name, 2);
	CHECK_ST(os_listen_backlog(l, 0), ST_INVAL);
	CHECK_ST(os_listen_backlog(l, 1000000), ST_OK);
}

static void the_queue_can_be_counted(void)
{
	os_handle l = listen_on(test_name(), 3), in, h[3];
	unsigned n = 99;

	if (os_listen_queued(l, &n) == ST_UNSUPPORTED)
		return; /* a kernel without it */
	CHECK(n == 0);
	for (unsigned i = 0; i < 3; i++) {
		h[i] = connect_to(test_name());
		CHECK_ST(os_listen_queued(l, &n), ST_OK);
		CHECK(n == i + 1);
	}
	CHECK_ST(accept_soon(l, &in, NULL), ST_OK);
	CHECK_ST(os_listen_queued(l, &n), ST_OK);
	CHECK(n == 2);
	for (unsigned i = 0; i < 3; i++)
		os_handle_close(h[i]);
	os_handle_close(in);
	os_handle_close(l);
}

static void what_is_queued_dies_with_the_listener(void)
{
	os_handle l = listen_on(test_name(), 3);
	os_handle h = connect_to(test_name());

	CHECK_ST(os_link_ring(h), ST_OK);
	CHECK_ST(os_link_alive(h), ST_OK);
	os_handle_close(l);
	CHECK_ST(os_link_alive(h), ST_CLOSED);
	CHECK_ST(os_link_ring(h), ST_CLOSED);
}

static void a_message_carries_handles(void)
{
	os_handle ends[2], sent[2], got[4];
	char text[64];
	size_t len = sizeof text;
	unsigned count = 4;
	void *event;

	pair(ends);
	CHECK_ST(os_event_create(&event), ST_OK);
	sent[0] = os_event_handle(event);
	CHECK_ST(os_segment_create(8192, &sent[1]), ST_OK);
	CHECK_ST(os_link_send(ends[0], "hello", 5, sent, 2), ST_OK);
	CHECK_ST(os_link_receive(ends[1], text, &len, got, &count, MS(1000)),
		ST_OK);
	CHECK(len == 5 && memcmp(text, "hello", 5) == 0 && count == 2);
	CHECK(!readable(got[0]));
	CHECK_ST(os_event_set(event), ST_OK);
	CHECK(readable(got[0]));
	CHECK(errno == 4242);
}

static void doorbells_rung_after_a_message_are_not_part_of_it(void)
{
	char text[OS_LINK_MESSAGE_MAX], back[OS_LINK_MESSAGE_MAX];
	size_t len = sizeof back;
	os_handle ends[2];
	unsigned count = 0;

	pair(ends);
	memset(text, BELL, sizeof text);
	CHECK_ST(os_link_send(ends[0], text, sizeof text, NULL, 0), ST_OK);
	CHECK_ST(os_link_ring(ends[0]), ST_OK);
	CHECK_ST(os_link_ring(ends[0]), ST_OK);
	CHECK_ST(os_link_receive(ends[1], back, &len, NULL, &count, 0), ST_OK);
	CHECK(len == sizeof back && memcmp(text, back, len) == 0);
	CHECK_ST(os_link_drain(ends[1], false), ST_OK);
	CHECK_ST(os_link_drain(ends[1], false), ST_AGAIN);
}

static void a_message_longer_than_the_room_is_an_error(void)
{
	os_handle ends[2];
	char small[4];
	size_t len = sizeof small;
	unsigned count = 0;

	pair(ends);
	CHECK_ST(os_link_send(ends[0], "12345", 5, NULL, 0), ST_OK);
	CHECK_ST(os_link_receive(ends[1], small, &len, NULL, &count, 0),
		ST_PROTOCOL);
	CHECK(len == sizeof small);
	CHECK_ST(os_link_send(ends[0], small, OS_LINK_MESSAGE_MAX + 1, NULL, 0),
		ST_INVAL);
	CHECK_ST(os_link_send(ends[0], small, 1, ends, OS_LINK_HANDLES_MAX + 1),
		ST_INVAL);
}

static void a_bad_handle_is_told_from_a_dead_link(void)
{
	os_handle ends[2], bad = 999;

	pair(ends);
	CHECK_ST(os_link_send(ends[0], "x", 1, &bad, 1), ST_INVAL);
	CHECK_ST(os_link_send(bad, "x", 1, ends, 1), ST_CLOSED);
}

static void send_to_a_full_link_says_so(void)
{
	char text[OS_LINK_MESSAGE_MAX] = {0};
	enum status st = ST_OK;
	os_handle ends[2];

	pair(ends);
	for (int i = 0; i < 100000 && st == ST_OK; i++)
		st = os_link_send(ends[0], text, sizeof text, NULL, 0);
	CHECK_ST(st, ST_FULL);
}

static void drain_takes_all_doorbells(void)
{
	os_handle ends[2];

	pair(ends);
	CHECK_ST(os_link_drain(ends[1], false), ST_AGAIN);
	CHECK_ST(os_link_drain(ends[1], true), ST_AGAIN);
	for (int i = 0; i < 150; i++)
		CHECK_ST(os_link_ring(ends[0]), ST_OK);
	CHECK(readable(ends[1]));
	CHECK_ST(os_link_drain(ends[1], false), ST_OK);
	CHECK(!readable(ends[1]));
	CHECK_ST(os_link_drain(ends[1], false), ST_AGAIN);
	CHECK(!readable(ends[0]));
	CHECK(errno == 4242);
}

static void ringing_never_fails_for_want_of_room(void)
{
	os_handle ends[2];

	pair(ends);
	for (int i = 0; i < 10000; i++)
		CHECK_ST(os_link_ring(ends[0]), ST_OK);
	CHECK_ST(os_link_drain(ends[1], false), ST_OK);
	CHECK(!readable(ends[1]));
}

static void the_end_is_seen_behind_doorbells(void)
{
	os_handle ends[2];

	pair(ends);
	CHECK_ST(os_link_alive(ends[1]), ST_OK);
	CHECK_ST(os_link_ring(ends[0]), ST_OK);
	CHECK_ST(os_link_alive(ends[1]), ST_OK);
	os_handle_close(ends[0]);
	CHECK_ST(os_link_alive(ends[1]), ST_CLOSED);
	CHECK_ST(os_link_ring(ends[1]), ST_CLOSED);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_OK);
	CHECK_ST(os_link_sleep(ends[1], MS(1000)), ST_OK);
	CHECK_ST(os_link_drain(ends[1], true), ST_OK);
	CHECK_ST(os_link_drain(ends[1], false), ST_OK);
	CHECK_ST(os_link_drain(ends[1], false), ST_CLOSED);
	CHECK_ST(os_link_drain(ends[1], true), ST_CLOSED);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_CLOSED);
	CHECK_ST(os_link_sleep(ends[1], MS(1000)), ST_CLOSED);
	CHECK(errno == 4242);
}

static void unread_doorbells_on_the_far_side_do_not_hide_the_end(void)
{
	os_handle ends[2];

	pair(ends);
	CHECK_ST(os_link_ring(ends[1]), ST_OK);
	os_handle_close(ends[0]); /* with our doorbell unread: a reset */
	CHECK_ST(os_link_drain(ends[1], false), ST_CLOSED);
	CHECK_ST(os_link_drain(ends[1], false), ST_CLOSED);
	CHECK_ST(os_link_alive(ends[1]), ST_CLOSED);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_CLOSED);
}

static void closed_handles_count_as_the_end(void)
{
	CHECK_ST(os_link_alive(999), ST_CLOSED);
	CHECK_ST(os_link_ring(999), ST_CLOSED);
	CHECK_ST(os_link_drain(999, false), ST_CLOSED);
	CHECK_ST(os_link_drain(999, true), ST_CLOSED);
	CHECK_ST(os_link_sleep(999, OS_FOREVER), ST_CLOSED);
	CHECK_ST(os_link_sleep(999, MS(10)), ST_CLOSED);
	CHECK(errno == 4242);
}

#define TEST(name) {#name, name}

const struct test rendezvous_tests[] = {
	TEST(both_sides_are_told_who_is_there),
	TEST(a_name_is_free_again_while_old_links_live),
	TEST(handles_of_a_message_that_nobody_reads_are_closed),
	TEST(handles_that_find_no_room_are_closed),
	TEST(silence_and_the_end_are_told),
	TEST(a_sleeper_is_woken_by_a_doorbell_or_a_kick),
	TEST(a_name_is_taken_until_its_owner_closes_it),
	TEST(bad_names_are_refused),
	TEST(exactly_the_backlog_can_queue),
	TEST(the_queue_can_be_counted),
	TEST(what_is_queued_dies_with_the_listener),
	TEST(a_message_carries_handles),
	TEST(doorbells_rung_after_a_message_are_not_part_of_it),
	TEST(a_message_longer_than_the_room_is_an_error),
	TEST(a_bad_handle_is_told_from_a_dead_link),
	TEST(send_to_a_full_link_says_so),
	TEST(drain_takes_all_doorbells),
	TEST(ringing_never_fails_for_want_of_room),
	TEST(the_end_is_seen_behind_doorbells),
	TEST(unread_doorbells_on_the_far_side_do_not_hide_the_end),
	TEST(closed_handles_count_as_the_end),
	{0},
};
