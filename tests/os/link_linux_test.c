/* SPDX-License-Identifier: MIT */
#include "links.h"
#include "test_linux.h"

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

static void surplus_handles_are_closed(void)
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
	before = os_handle_count();
	send_raw(ends[0], "M\1\0x", 4, 1, 60);
	CHECK_ST(os_link_receive(ends[1], &byte, &len, got, &count, 0), ST_OK);
	CHECK(count == 4 && os_handle_count() == before + 4);
}

static void a_receiver_out_of_descriptors_says_so_and_leaks_none(void)
{
	os_handle ends[2], sent[4], got[4];
	unsigned count = 4, before;
	struct rlimit old, lim;
	char byte;
	size_t len = 1;

	pair(ends);
	before = os_handle_count();
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
	CHECK(os_handle_count() == before);
}

struct apart {
	os_handle link;
	os_handle got;
	enum status st;
};

static void receive_one(void *arg)
{
	struct apart *a = arg;
	unsigned count = 1;
	char byte;
	size_t len = 1;

	a->st = os_link_receive(a->link, &byte, &len, &a->got, &count, 0);
	if (a->st == ST_OK)
		CHECK_ST(os_link_ring(a->got), ST_OK);
}

/* What it receives there is not here, and the limit still holds. */
static void apart_there_is_room_for_handles(void)
{
	os_handle ends[2];
	struct rlimit old, lim;
	struct apart a = {0};
	unsigned before;

	pair(ends);
	before = os_handle_count();
	CHECK_ST(os_link_send(ends[0], "x", 1, ends, 1), ST_OK);
	getrlimit(RLIMIT_NOFILE, &old);
	lim = old;
	lim.rlim_cur = (rlim_t)(ends[0] > ends[1] ? ends[0] : ends[1]) + 1;
	setrlimit(RLIMIT_NOFILE, &lim);
	while (dup(ends[0]) >= 0)
		continue;
	a.link = ends[1];
	CHECK_ST(os_run_apart(a.link, receive_one, &a), ST_OK);
	CHECK_ST(a.st, ST_OK);
	CHECK(fcntl((int)ends[0], F_GETFD) >= 0);
	CHECK(dup(ends[0]) < 0);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK(os_handle_count() >= before);
	CHECK_ST(os_link_drain(ends[1], false), ST_OK);
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

/* ---- doorbells -------------------------------------------------------- */

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
	before = os_handle_count();
	send_raw(ends[0], &bell, 1, 1, 60);
	send_raw(ends[0], &bell, 1, 1, 60);
	CHECK_ST(os_link_sleep(ends[1], OS_FOREVER), ST_OK);
	CHECK_ST(os_link_drain(ends[1], true), ST_OK);
	while (os_link_drain(ends[1], false) == ST_OK)
		;
	CHECK(os_handle_count() == before && !readable(ends[1]));
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
	CHECK_ST(os_link_sleep_edge(ends[1], OS_FOREVER, answer, &no, NULL),
		ST_OK);
	ignore_usr1();
	pid = spawn(poke, &p);
	CHECK_ST(os_link_sleep_edge(ends[1], OS_FOREVER, answer, &yes, NULL),
		ST_OK);
	reap(pid);
	CHECK(readable(ends[1]));
	os_handle_close(ends[0]);
	CHECK_ST(os_link_sleep_edge(ends[1], OS_FOREVER, answer, &yes, NULL),
		ST_CLOSED);
	CHECK(errno == 4242);
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

#define TEST(name) {#name, name}

extern const struct test link_tests[];

const struct test link_tests[] = {
	TEST(drain_with_keep_leaves_some_but_not_too_many),
	TEST(connect_and_accept_tell_who_is_there),
	TEST(a_name_of_another_kind_counts_as_nobody),
	TEST(accept_without_descriptors_leaves_it_queued),
	TEST(no_handle_takes_the_place_of_a_standard_stream),
	TEST(surplus_handles_are_closed),
	TEST(many_more_handles_than_allowed_do_no_harm),
	TEST(a_receiver_out_of_descriptors_says_so_and_leaks_none),
	TEST(apart_there_is_room_for_handles),
	TEST(receive_reports_silence_end_and_garbage),
	TEST(drain_reports_what_is_not_a_doorbell),
	TEST(drain_swallows_handles_that_a_hostile_peer_attaches),
	TEST(a_killed_peer_is_noticed_at_once),
	TEST(a_restarting_handler_does_not_end_an_endless_sleep),
	TEST(any_other_handler_ends_an_endless_sleep),
	TEST(every_handler_ends_a_limited_sleep),
	TEST(sleep_copes_with_a_nonblocking_file),
	TEST(an_edge_sleep_waits_for_one_more_doorbell),
	{0},
};
