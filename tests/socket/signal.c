/* SPDX-License-Identifier: MIT */
/* Signals in blocked calls. */
#include "pair.h"
#include "stream.h"
#include "task.h"
#include "watch.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/select.h>
#include <unistd.h>

enum call {
	RECV,
	READ,
	RECVMSG,
	PEEK,
	SEND,
	WRITE,
	ACCEPT,
	POLL,
	SELECT,
	EPOLL
};

static int make_call(enum call call, int fd)
{
	struct pollfd look = {fd, POLLIN, 0};
	struct epoll_event event;
	char byte = 'x';
	struct iovec part = {&byte, 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	fd_set in;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	switch (call) {
	case RECV:
		return recv(fd, &byte, 1, 0);
	case READ:
		return read(fd, &byte, 1);
	case RECVMSG:
		return recvmsg(fd, &header, 0);
	case PEEK:
		return recv(fd, &byte, 1, MSG_PEEK);
	case SEND:
		return send(fd, &byte, 1, 0);
	case WRITE:
		return write(fd, &byte, 1);
	case ACCEPT:
		return accept(fd, NULL, NULL);
	case POLL:
		return poll(&look, 1, -1);
	case SELECT:
		return select(fd + 1, &in, NULL, NULL, NULL);
	default:
		return epoll_wait(fd, &event, 1, -1);
	}
}

/* A descriptor on which the call blocks. */
static int idle_descriptor(enum call call)
{
	struct pair pair;
	int epoll;

	if (call == ACCEPT)
		return listener_open(IPV4);
	pair = pair_open();
	if (call == SEND || call == WRITE)
		fill_until_full(pair.client);
	if (call != EPOLL)
		return pair.client;
	epoll = watch_open();
	watch_add(epoll, pair.client, EPOLLIN, 1);
	return epoll;
}

static void interrupted(enum call call, int flags)
{
	int fd = idle_descriptor(call);
	struct pester pester;

	signal_catch(SIGUSR1, flags);
	pester_start(&pester);
	for (int i = 0; i < 5; i++)
		CHECK_ERRNO(make_call(call, fd), EINTR);
	pester_stop(&pester);
	CHECK_GE(signal_count(), 5);
}
CASE_CALL(a_signal_interrupts_recv, interrupted(RECV, 0));
CASE_CALL(a_signal_interrupts_read, interrupted(READ, 0));
CASE_CALL(a_signal_interrupts_recvmsg, interrupted(RECVMSG, 0));
CASE_CALL(a_signal_interrupts_recv_with_PEEK, interrupted(PEEK, 0));
CASE_CALL(a_signal_interrupts_send, interrupted(SEND, 0));
CASE_CALL(a_signal_interrupts_write, interrupted(WRITE, 0));
CASE_CALL(a_signal_interrupts_accept, interrupted(ACCEPT, 0));
CASE_CALL(a_signal_interrupts_poll, interrupted(POLL, 0));
CASE_CALL(a_signal_interrupts_select, interrupted(SELECT, 0));
CASE_CALL(a_signal_interrupts_epoll_wait, interrupted(EPOLL, 0));
CASE_CALL(a_signal_interrupts_poll_despite_SA_RESTART,
        interrupted(POLL, SA_RESTART));
CASE_CALL(a_signal_interrupts_select_despite_SA_RESTART,
        interrupted(SELECT, SA_RESTART));
CASE_CALL(a_signal_interrupts_epoll_wait_despite_SA_RESTART,
        interrupted(EPOLL, SA_RESTART));

static atomic_bool finished;

struct restarted {
	enum call call;
	int fd;
};

static void *call_once(void *argument)
{
	struct restarted *restarted = argument;

	CHECK_OK(make_call(restarted->call, restarted->fd));
	atomic_store(&finished, true);
	return NULL;
}

/* Twenty signals, each of which arrives, and the call is still blocked. */
static pthread_t start_and_pester(struct restarted *restarted)
{
	pthread_t thread;

	signal_catch(SIGUSR1, SA_RESTART);
	thread = thread_start(call_once, restarted);
	pause_ms(20);
	for (int i = 0; i < 20; i++) {
		pthread_kill(thread, SIGUSR1);
		while (signal_count() == i)
			pause_ms(1);
	}
	CHECK(!atomic_load(&finished));
	return thread;
}

static void recv_restarts(enum call call)
{
	struct pair pair = pair_open();
	struct restarted restarted = {call, pair.server};
	pthread_t thread = start_and_pester(&restarted);

	send_text(pair.client, "x");
	thread_join(thread);
}
CASE_CALL(recv_continues_after_a_signal_with_SA_RESTART, recv_restarts(RECV));
CASE_CALL(read_continues_after_a_signal_with_SA_RESTART, recv_restarts(READ));
CASE_CALL(recvmsg_continues_after_a_signal_with_SA_RESTART,
        recv_restarts(RECVMSG));

CASE(accept_continues_after_a_signal_with_SA_RESTART)
{
	int listener = listener_open(IPV4);
	struct restarted restarted = {ACCEPT, listener};
	pthread_t thread = start_and_pester(&restarted);

	client_of(listener);
	thread_join(thread);
}

/* While a thread is being made, all signals are blocked in its maker. */
static atomic_bool all_made;

static void *ignore_signals(void *argument)
{
	while (!atomic_load(&finished)) {
		if (!atomic_load(&all_made))
			continue;
		CHECK_OK(kill(getpid(), SIGWINCH));
		pause_ms(1);
	}
	return NULL;
}

static void *wait_undisturbed(void *listener)
{
	int epoll = watch_open();
	struct epoll_event event;

	for (int i = 0; i < 10; i++)
		CHECK_EQ(epoll_wait(epoll, &event, 1, 20), 0);
	atomic_store(&finished, true);
	client_of(*(int *)listener);
	return NULL;
}

/* The first thread, to which the kernel looks first, is in accept. */
CASE(a_signal_without_a_handler_ends_no_wait_beside_an_accept)
{
	int listener = listener_open(IPV4);
	pthread_t waits, sends;

	signal_catch(SIGUSR1, SA_RESTART);
	signal_catch(SIGUSR2, 0);
	waits = thread_start(wait_undisturbed, &listener);
	sends = thread_start(ignore_signals, NULL);
	atomic_store(&all_made, true);
	CHECK_OK(accept(listener, NULL, NULL));
	thread_join(waits);
	thread_join(sends);
}

CASE(send_continues_after_a_signal_with_SA_RESTART)
{
	struct pair pair = pair_open();
	uint64_t filled = fill_until_full(pair.client);
	struct restarted restarted = {SEND, pair.client};
	pthread_t thread = start_and_pester(&restarted);

	recv_pattern(pair.server, 0, filled);
	thread_join(thread);
	recv_text(pair.server, "x");
}

static void trickle(void *argument)
{
	for (int i = 0; i < 100; i++) {
		send_pattern(*(int *)argument, i * 1000, 1000);
		pause_ms(1);
	}
}

/* Interrupted in the middle, WAITALL gives what it has. */
CASE(signals_lose_no_data)
{
	struct pair pair = pair_open();
	struct pester pester;
	uint64_t at = 0;
	char bytes[5000];
	pid_t child;

	child = child_start(trickle, &pair.client);
	signal_catch(SIGUSR1, 0);
	pester_start(&pester);
	while (at < 100000) {
		ssize_t n =
		        recv(pair.server, bytes, sizeof(bytes), MSG_WAITALL);

		if (n < 0)
			CHECK_EQ(errno, EINTR);
		if (n > 0)
			pattern_check(bytes, n, at);
		CHECK(n != 0);
		at += n > 0 ? n : 0;
	}
	pester_stop(&pester);
	child_join(child);
}

static void consume(void *argument)
{
	recv_pattern(*(int *)argument, 0, 20000000);
}

CASE(signals_during_a_large_send_lose_no_data)
{
	static char bytes[1000000];
	struct pair pair = pair_open();
	struct pester pester;
	uint64_t at = 0;
	pid_t child = child_start(consume, &pair.server);

	signal_catch(SIGUSR1, 0);
	pester_start(&pester);
	while (at < 20000000) {
		size_t left = 20000000 - at;
		ssize_t n;

		left = left < sizeof(bytes) ? left : sizeof(bytes);
		pattern_fill(bytes, left, at);
		n = send(pair.client, bytes, left, 0);
		if (n < 0)
			CHECK_EQ(errno, EINTR);
		at += n > 0 ? n : 0;
	}
	pester_stop(&pester);
	child_join(child);
}

static sigjmp_buf out;
static atomic_bool armed;

static void jump_out(int signal)
{
	siglongjmp(out, 1);
}

static void *raise_later(void *argument)
{
	while (!atomic_load(&armed))
		pause_ms(1);
	pause_ms(50);
	pthread_kill(*(pthread_t *)argument, SIGUSR2);
	return NULL;
}

/* Whether the handler jumped.  No checks here that a jump could clobber. */
static int recv_until_jump(int fd)
{
	char byte;

	if (sigsetjmp(out, 1) != 0)
		return 1;
	atomic_store(&armed, true);
	recv(fd, &byte, 1, 0);
	return 0;
}

CASE(a_handler_may_jump_out_of_a_blocked_recv)
{
	struct pair pair = pair_open();
	pthread_t self = pthread_self();

	signal(SIGUSR2, jump_out);
	thread_start(raise_later, &self);
	CHECK(recv_until_jump(pair.server));
	roundtrip(pair.client, pair.server);
	CHECK_OK(close(pair.client));
	expect_eof(pair.server);
}

static int handler_fd;

static void send_in_handler(int signal)
{
	send(handler_fd, "from the handler", 16, MSG_NOSIGNAL);
}

/* send and recv are async-signal-safe. */
CASE(a_handler_may_send_while_its_thread_is_blocked_in_recv)
{
	struct sigaction action = {
	        .sa_handler = send_in_handler,
	        .sa_flags = SA_RESTART,
	};
	struct restarted restarted;
	struct pair pair = pair_open();
	pthread_t thread;

	handler_fd = pair.server;
	CHECK_OK(sigaction(SIGUSR2, &action, NULL));
	restarted = (struct restarted){RECV, pair.server};
	thread = thread_start(call_once, &restarted);
	pause_ms(20);
	pthread_kill(thread, SIGUSR2);
	recv_text(pair.client, "from the handler");
	send_text(pair.client, "x");
	thread_join(thread);
}
