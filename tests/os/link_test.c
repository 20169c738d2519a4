/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define BELL 0xB3

static const char *test_name(void)
{
	static char name[OS_NAME_MAX];

	snprintf(name, sizeof name, "wsd-os-test-%d", (int)getpid());
	return name;
}

static os_handle listen_on(const char *name, unsigned backlog)
{
	os_handle l;

	CHECK_ST(os_listen(name, backlog, &l), ST_OK);
	return l;
}

static os_handle connect_to(const char *name)
{
	os_handle h;

	CHECK_ST(os_link_connect(name, &h, NULL), ST_OK);
	return h;
}

static void pair(os_handle ends[2])
{
	CHECK_ST(os_link_pair(ends), ST_OK);
}

static bool readable(os_handle h)
{
	return os_handle_wait(h, 0) == ST_OK;
}

/* ---- rendezvous ------------------------------------------------------- */

static void connect_and_accept_tell_who_is_there(void)
{
	const char *name = test_name();
	os_handle l = listen_on(name, 1), a, b;
	struct os_peer pa, pb;

	CHECK_ST(os_link_accept(l, &b, &pb), ST_AGAIN);
	CHECK_ST(os_link_connect(name, &a, &pa), ST_OK);
	CHECK_ST(os_link_accept(l, &b, &pb), ST_OK);
	CHECK(pa.pid == os_process_id() && pb.pid == os_process_id());
	CHECK(pa.uid == os_user_id() && pb.uid == os_user_id());
	CHECK(pa.same_user && pb.same_user);
	CHECK(fcntl((int)a, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl((int)b, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl((int)l, F_GETFD) & FD_CLOEXEC);
	CHECK(!(fcntl((int)a, F_GETFL) & O_NONBLOCK));
	CHECK(!(fcntl((int)b, F_GETFL) & O_NONBLOCK));
	CHECK_ST(os_link_ring(a), ST_OK);
	CHECK_ST(os_link_drain(b, false), ST_OK);
	CHECK(errno == 4242);
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

static void a_name_of_another_kind_counts_as_nobody(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	os_handle h;

	strcpy(sa.sun_path + 1, test_name());
	CHECK(bind(s, (void *)&sa, (socklen_t)(offsetof(struct sockaddr_un,
		sun_path) + 1 + strlen(test_name()))) == 0);
	CHECK(listen(s, 1) == 0);
	CHECK_ST(os_link_connect(test_name(), &h, NULL), ST_REFUSED);
}

static void expect_backlog(os_handle l, const char *name, unsigned backlog)
{
	os_handle h[16], extra;

	for (unsigned i = 0; i < backlog; i++)
		h[i] = connect_to(name);
	CHECK_ST(os_link_connect(name, &extra, NULL), ST_FULL);
	CHECK_ST(os_link_accept(l, &extra, NULL), ST_OK);
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
	CHECK_ST(os_link_accept(l, &in, NULL), ST_OK);
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

static void accept_without_descriptors_leaves_it_queued(void)
{
	os_handle l = listen_on(test_name(), 3), h, got;
	struct rlimit old, none;

	h = connect_to(test_name());
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	CHECK_ST(os_link_accept(l, &got, NULL), ST_NOHANDLES);
	CHECK_ST(os_link_connect(test_name(), &got, NULL), ST_NOHANDLES);
	CHECK_ST(os_handle_duplicate(h, &got), ST_NOHANDLES);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_ST(os_link_accept(l, &got, NULL), ST_OK);
	CHECK_ST(os_link_alive(got), ST_OK);
}

static void no_handle_takes_the_place_of_a_standard_stream(void)
{
	os_handle h[10];
	void *event;
	size_t len = 0;

	close(0);
	close(2);
	CHECK_ST(os_listen(test_name(), 1, &h[0]), ST_OK);
	CHECK_ST(os_link_connect(test_name(), &h[1], NULL), ST_OK);
	CHECK_ST(os_link_accept(h[0], &h[2], NULL), ST_OK);
	pair(h + 3);
	CHECK_ST(os_segment_create(4096, &h[5]), ST_OK);
	CHECK_ST(os_poller_create(&h[6]), ST_OK);
	CHECK_ST(os_handle_duplicate(h[6], &h[7]), ST_OK);
	CHECK_ST(os_event_create(&event), ST_OK);
	h[8] = os_event_handle(event);
	CHECK_ST(os_link_send(h[3], "", 0, &h[5], 1), ST_OK);
	unsigned one = 1;
	CHECK_ST(os_link_receive(h[4], NULL, &len, &h[9], &one, 0), ST_OK);
	for (int i = 0; i < 10; i++) {
		CHECK(h[i] > 2);
		CHECK(fcntl((int)h[i], F_GETFD) & FD_CLOEXEC);
	}
	CHECK(fcntl(0, F_GETFD) == -1 && fcntl(2, F_GETFD) == -1);
}

/* ---- the message ------------------------------------------------------ */

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

static void surplus_handles_are_closed(void)
{
	os_handle ends[2], sent[4], got[1];
	unsigned count = 1, before;
	char byte;
	size_t len = 1;

	pair(ends);
	for (int i = 0; i < 4; i++)
		sent[i] = ends[0];
	before = count_handles();
	CHECK_ST(os_link_send(ends[0], "x", 1, sent, 4), ST_OK);
	CHECK_ST(os_link_receive(ends[1], &byte, &len, got, &count, 0), ST_OK);
	CHECK(count == 1 && len == 1);
	CHECK(count_handles() == before + 1);
}

/* Sends bytes as they are, with n copies of fd attached. */
static void send_raw(os_handle link, const void *data, size_t len, int fd,
	unsigned n)
{
	struct iovec iov = {(void *)(uintptr_t)data, len};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} box = {0};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n > 0) {
		m.msg_control = &box;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		box.head.cmsg_level = SOL_SOCKET;
		box.head.cmsg_type = SCM_RIGHTS;
		box.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		for (unsigned i = 0; i < n; i++)
			memcpy(CMSG_DATA(&box.head) + i * sizeof fd, &fd,
				sizeof fd);
	}
	CHECK(sendmsg((int)link, &m, MSG_NOSIGNAL) == (ssize_t)len);
}

static void many_more_handles_than_allowed_do_no_harm(void)
{
	os_handle ends[2], got[4];
	unsigned count = 4, before;
	char byte;
	size_t len = 1;

	pair(ends);
	before = count_handles();
	send_raw(ends[0], "M\1\0x", 4, 1, 60);
	CHECK_ST(os_link_receive(ends[1], &byte, &len, got, &count, 0), ST_OK);
	CHECK(count == 4 && count_handles() == before + 4);
}

static void a_receiver_out_of_descriptors_says_so_and_leaks_none(void)
{
	os_handle ends[2], sent[4], got[4];
	unsigned count = 4, before;
	struct rlimit old, lim;
	char byte;
	size_t len = 1;

	pair(ends);
	before = count_handles();
	for (int i = 0; i < 4; i++)
		sent[i] = ends[0];
	CHECK_ST(os_link_send(ends[0], "x", 1, sent, 4), ST_OK);
	getrlimit(RLIMIT_NOFILE, &old);
	lim = old;
	lim.rlim_cur = (rlim_t)(ends[0] > ends[1] ? ends[0] : ends[1]) + 3;
	setrlimit(RLIMIT_NOFILE, &lim);
	CHECK_ST(os_link_receive(ends[1], &byte, &len, got, &count, 0),
		ST_NOHANDLES);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK(count_handles() == before);
}

static enum status receive_byte(os_handle link, uint64_t ns)
{
	char byte;
	size_t len = 1;
	unsigned count = 0;

	return os_link_receive(link, &byte, &len, NULL, &count, ns);
}

static void receive_reports_silence_end_and_garbage(void)
{
	os_handle ends[2];
	uint64_t start = os_now();

	pair(ends);
	CHECK_ST(receive_byte(ends[1], 0), ST_TIMEDOUT);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_TIMEDOUT);
	CHECK(os_now() - start >= MS(20));
	send_raw(ends[0], "GET / HTTP/1.1", 14, -1, 0);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_PROTOCOL);
	os_handle_close(ends[0]);
	pair(ends);
	send_raw(ends[0], "M\1", 2, -1, 0);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_PROTOCOL);
	pair(ends);
	send_raw(ends[0], "M\1\0", 3, -1, 0);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_PROTOCOL);
	pair(ends);
	send_raw(ends[0], "M\xff\xff", 3, -1, 0);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_PROTOCOL);
	pair(ends);
	os_handle_close(ends[0]);
	CHECK_ST(receive_byte(ends[1], MS(20)), ST_CLOSED);
	CHECK_ST(os_link_send(ends[1], "x", 1, NULL, 0), ST_CLOSED);
	CHECK(errno == 4242);
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

/* ---- doorbells -------------------------------------------------------- */

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

static void drain_with_keep_leaves_some_but_not_too_many(void)
{
	os_handle ends[2];
	char buf[128];

	pair(ends);
	for (int i = 0; i < 1000; i++) {
		CHECK_ST(os_link_ring(ends[0]), ST_OK);
		CHECK_ST(os_link_drain(ends[1], true), ST_OK);
		CHECK(readable(ends[1]));
	}
	CHECK(recv((int)ends[1], buf, sizeof buf, MSG_DONTWAIT) <= 20);
	for (int i = 0; i < 1000; i++)
		CHECK_ST(os_link_ring(ends[0]), ST_OK);
	for (int i = 0; i < 1000; i++)
		CHECK_ST(os_link_drain(ends[1], true), ST_OK);
	CHECK(readable(ends[1]));
}

static void drain_reports_what_is_not_a_doorbell(void)
{
	os_handle ends[2];

	pair(ends);
	CHECK_ST(os_link_ring(ends[0]), ST_OK);
	send_raw(ends[0], "x", 1, -1, 0);
	CHECK_ST(os_link_drain(ends[1], false), ST_PROTOCOL);
}

static void drain_swallows_handles_that_a_hostile_peer_attaches(void)
{
	uint8_t bell = BELL;
	os_handle ends[2];
	unsigned before;

	pair(ends);
	before = count_handles();
	send_raw(ends[0], &bell, 1, 1, 60);
	send_raw(ends[0], &bell, 1, 1, 60);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_OK);
	CHECK_ST(os_link_drain(ends[1], true), ST_OK);
	while (os_link_drain(ends[1], false) == ST_OK)
		;
	CHECK(count_handles() == before && !readable(ends[1]));
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

static void a_killed_peer_is_noticed_at_once(void)
{
	os_handle ends[2];
	pid_t pid;

	pair(ends);
	pid = spawn(hang, NULL);
	os_handle_close(ends[0]); /* the child holds the last one */
	CHECK_ST(os_link_alive(ends[1]), ST_OK);
	CHECK_ST(os_link_sleep(ends[1], MS(10)), ST_TIMEDOUT);
	kill(pid, SIGKILL);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_CLOSED);
	CHECK_ST(os_link_alive(ends[1]), ST_CLOSED);
	waitpid(pid, NULL, 0);
}

/* ---- sleep ------------------------------------------------------------ */

static void on_signal(int sig)
{
}

static void handle_usr1(int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};

	sigaction(SIGUSR1, &sa, NULL);
}

struct poke {
	pid_t whom;
	os_handle ring;
};

/* Signals for 200 ms, then a doorbell. */
static void poke(void *arg)
{
	struct poke *p = arg;

	for (int i = 0; i < 10; i++) {
		os_sleep(MS(20));
		kill(p->whom, SIGUSR1);
	}
	CHECK_ST(os_link_ring(p->ring), ST_OK);
}

static void ignore_usr1(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void allow_usr1(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static void expect_sleep(int sa_flags, int file_flags, uint64_t ns,
	enum status want)
{
	struct poke p = {.whom = getpid()};
	os_handle ends[2];
	uint64_t start = os_now();
	pid_t pid;

	handle_usr1(sa_flags);
	pair(ends);
	p.ring = ends[0];
	fcntl((int)ends[1], F_SETFL, file_flags);
	pid = spawn(poke, &p);
	CHECK_ST(os_link_sleep(ends[1], ns), want);
	CHECK(want == ST_INTR || os_now() - start >= MS(200));
	ignore_usr1();
	reap(pid);
	CHECK_ST(os_link_sleep(ends[1], ns), ST_OK);
	CHECK(readable(ends[1])); /* sleeping takes nothing away */
	CHECK_ST(os_link_drain(ends[1], false), ST_OK);
	CHECK_ST(os_link_sleep(ends[1], MS(1)), ST_TIMEDOUT);
	CHECK(errno == 4242);
	allow_usr1();
}

static void a_restarting_handler_does_not_end_an_endless_sleep(void)
{
	expect_sleep(SA_RESTART, 0, OS_FOREVER, ST_OK);
}

static void any_other_handler_ends_an_endless_sleep(void)
{
	expect_sleep(0, 0, OS_FOREVER, ST_INTR);
}

static void every_handler_ends_a_limited_sleep(void)
{
	expect_sleep(SA_RESTART, 0, MS(5000), ST_INTR);
	expect_sleep(0, 0, MS(5000), ST_INTR);
}

static void sleep_copes_with_a_nonblocking_file(void)
{
	expect_sleep(0, O_NONBLOCK, OS_FOREVER, ST_INTR);
	expect_sleep(0, O_NONBLOCK, MS(5000), ST_INTR);
}

static bool answer(void *yes)
{
	return *(bool *)yes;
}

static void an_edge_sleep_waits_for_one_more_doorbell(void)
{
	struct poke p = {.whom = getpid()};
	bool yes = true, no = false;
	os_handle ends[2];
	pid_t pid;

	pair(ends);
	p.ring = ends[0];
	CHECK_ST(os_link_ring(ends[0]), ST_OK);
	CHECK_ST(os_link_sleep_edge(ends[1], MS(10), answer, &yes, NULL),
		ST_TIMEDOUT);
	CHECK_ST(os_link_sleep_edge(ends[1], OS_FOREVER, answer, &no, NULL), ST_OK);
	ignore_usr1();
	pid = spawn(poke, &p);
	CHECK_ST(os_link_sleep_edge(ends[1], OS_FOREVER, answer, &yes, NULL), ST_OK);
	reap(pid);
	CHECK(readable(ends[1]));
	os_handle_close(ends[0]);
	CHECK_ST(os_link_sleep_edge(ends[1], OS_FOREVER, answer, &yes, NULL),
		ST_CLOSED);
	CHECK(errno == 4242);
}

#define TEST(name) {#name, name}

const struct test link_tests[] = {
	TEST(connect_and_accept_tell_who_is_there),
	TEST(a_name_is_taken_until_its_owner_closes_it),
	TEST(bad_names_are_refused),
	TEST(a_name_of_another_kind_counts_as_nobody),
	TEST(exactly_the_backlog_can_queue),
	TEST(the_queue_can_be_counted),
	TEST(what_is_queued_dies_with_the_listener),
	TEST(accept_without_descriptors_leaves_it_queued),
	TEST(no_handle_takes_the_place_of_a_standard_stream),
	TEST(a_message_carries_handles),
	TEST(doorbells_rung_after_a_message_are_not_part_of_it),
	TEST(a_message_longer_than_the_room_is_an_error),
	TEST(surplus_handles_are_closed),
	TEST(many_more_handles_than_allowed_do_no_harm),
	TEST(a_receiver_out_of_descriptors_says_so_and_leaks_none),
	TEST(receive_reports_silence_end_and_garbage),
	TEST(a_bad_handle_is_told_from_a_dead_link),
	TEST(send_to_a_full_link_says_so),
	TEST(drain_takes_all_doorbells),
	TEST(ringing_never_fails_for_want_of_room),
	TEST(drain_with_keep_leaves_some_but_not_too_many),
	TEST(drain_reports_what_is_not_a_doorbell),
	TEST(drain_swallows_handles_that_a_hostile_peer_attaches),
	TEST(the_end_is_seen_behind_doorbells),
	TEST(unread_doorbells_on_the_far_side_do_not_hide_the_end),
	TEST(closed_handles_count_as_the_end),
	TEST(a_killed_peer_is_noticed_at_once),
	TEST(a_restarting_handler_does_not_end_an_endless_sleep),
	TEST(any_other_handler_ends_an_endless_sleep),
	TEST(every_handler_ends_a_limited_sleep),
	TEST(sleep_copes_with_a_nonblocking_file),
	TEST(an_edge_sleep_waits_for_one_more_doorbell),
	{0},
};
