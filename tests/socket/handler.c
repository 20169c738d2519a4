/* SPDX-License-Identifier: MIT */
/* Signal handlers that do what the call does that they interrupt. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { ALARM_US = 200, ALARMS = 2000, DURATION_MS = 3000 };

/* What the handler works on, and how much of it has come about. */
static int handler_fd;
static struct pair handler_pair;
static atomic_int handler_bytes;
static atomic_int alarms;

/* Other threads block SIGALRM: start them before. */
static void alarm_often(void (*handler)(int))
{
	struct sigaction action = {
	        .sa_handler = handler,
	        .sa_flags = SA_RESTART,
	};
	struct itimerval often = {{0, ALARM_US}, {0, ALARM_US}};
	sigset_t set;

	CHECK_OK(sigaction(SIGALRM, &action, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	CHECK_OK(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
}

static void alarm_never(void)
{
	struct itimerval never = {{0, 0}, {0, 0}};

	CHECK_OK(setitimer(ITIMER_REAL, &never, NULL));
}

/* Long enough to have met the handler everywhere. */
static bool going_on(int64_t began)
{
	return atomic_load(&alarms) < ALARMS &&
	       clock_ms() - began < DURATION_MS;
}

static void send_a_byte(int signal)
{
	atomic_fetch_add(&alarms, 1);
	if (send(handler_fd, "h", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		atomic_fetch_add(&handler_bytes, 1);
}

struct count {
	int fd;
	int from_main, from_handler;
};

static void *count_bytes(void *argument)
{
	struct count *count = argument;
	char bytes[4096];
	ssize_t n;

	while ((n = recv(count->fd, bytes, sizeof(bytes), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			count->from_main += bytes[i] == 'm';
			count->from_handler += bytes[i] == 'h';
		}
	}
	CHECK_EQ(n, 0);
	return NULL;
}

CASE(a_handler_may_send_on_the_connection_whose_send_it_interrupts)
{
	struct pair pair = pair_open();
	struct count count = {pair.server, 0, 0};
	int64_t began = clock_ms();
	int sent = 0;
	char bytes[100];
	pthread_t counter;

	memset(bytes, 'm', sizeof(bytes));
	handler_fd = pair.client;
	signal_block(SIGALRM);
	counter = thread_start(count_bytes, &count);
	alarm_often(send_a_byte);
	while (going_on(began)) {
		ssize_t n = send(pair.client, bytes, sizeof(bytes), 0);

		CHECK(n > 0);
		sent += (int)n;
	}
	alarm_never();
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	thread_join(counter);
	CHECK_EQ(count.from_main, sent);
	CHECK_EQ(count.from_handler, atomic_load(&handler_bytes));
	CHECK_GE(count.from_handler, 10);
}

static void receive_some(int signal)
{
	char bytes[10];
	ssize_t n = recv(handler_fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	atomic_fetch_add(&alarms, 1);
	if (n > 0)
		atomic_fetch_add(&handler_bytes, (int)n);
}

static atomic_bool enough;

static void *send_always(void *argument)
{
	static int sent;
	char bytes[50] = "";

	while (!atomic_load(&enough)) {
		send_all(*(int *)argument, bytes, sizeof(bytes));
		sent += sizeof(bytes);
	}
	CHECK_OK(shutdown(*(int *)argument, SHUT_WR));
	return &sent;
}

CASE(a_handler_may_receive_from_the_connection_whose_recv_it_interrupts)
{
	struct pair pair = pair_open();
	int64_t began = clock_ms();
	int received = 0;
	char bytes[60];
	pthread_t sender;
	void *sent;
	ssize_t n;

	handler_fd = pair.server;
	signal_block(SIGALRM);
	sender = thread_start(send_always, &pair.client);
	alarm_often(receive_some);
	do {
		n = recv(pair.server, bytes, sizeof(bytes), 0);
		CHECK(n >= 0);
		received += (int)n;
		if (!going_on(began)) {
			alarm_never();
			atomic_store(&enough, true);
		}
	} while (n > 0);
	CHECK_EQ(pthread_join(sender, &sent), 0);
	CHECK_EQ(received + atomic_load(&handler_bytes), *(int *)sent);
	CHECK_GE(atomic_load(&handler_bytes), 10);
}

static void exchange(int signal)
{
	char byte = 'x';

	atomic_fetch_add(&alarms, 1);
	if (send(handler_pair.client, &byte, 1, MSG_DONTWAIT) == 1 &&
	        recv(handler_pair.server, &byte, 1, 0) == 1)
		atomic_fetch_add(&handler_bytes, 1);
}

/* The program's own calls change what its handler's calls must look up. */
CASE(a_handler_may_use_a_connection_while_its_thread_makes_others)
{
	int listener = listener_open(IPV4);
	int64_t began = clock_ms();

	handler_pair = pair_open();
	alarm_often(exchange);
	while (going_on(began)) {
		struct pair pair = pair_through(listener);

		roundtrip(pair.client, pair.server);
		pair_close(pair);
	}
	alarm_never();
	CHECK_GE(atomic_load(&handler_bytes), 10);
	roundtrip(handler_pair.client, handler_pair.server);
}

/* ---- what a program sees of its handlers ------------------------------ */

static siginfo_t last;

static void note_info(int signal, siginfo_t *info, void *context)
{
	last = *info;
}

static void note_nothing(int signal)
{
}

CASE(a_program_sees_the_handlers_that_it_has_set)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
	struct sigaction seen;

	action.sa_sigaction = note_info;
	sigaddset(&action.sa_mask, SIGUSR2);
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	CHECK_OK(sigaction(SIGUSR1, NULL, &seen));
	CHECK(seen.sa_sigaction == note_info);
	CHECK_EQ(seen.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_RESTART),
	        SA_SIGINFO | SA_NODEFER);
	CHECK(sigismember(&seen.sa_mask, SIGUSR2));
	CHECK(signal(SIGUSR1, note_nothing) == action.sa_handler);
	CHECK_OK(sigaction(SIGUSR1, &action, &seen));
	CHECK(seen.sa_handler == note_nothing);
	CHECK_EQ(seen.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_RESTART),
	        SA_RESTART);
	CHECK(signal(SIGUSR1, SIG_IGN) == action.sa_handler);
	CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	CHECK(signal(SIGUSR1, note_nothing) == SIG_DFL);
	CHECK(signal(SIGKILL, note_nothing) == SIG_ERR);
	CHECK_ERRNO(sigaction(SIGKILL, &action, NULL), EINVAL);
	CHECK_ERRNO(sigaction(1000, &action, NULL), EINVAL);
}

CASE(a_handler_that_is_to_be_called_once_is_called_once)
{
	struct sigaction action = {.sa_handler = note_nothing,
	        .sa_flags = SA_RESETHAND};
	struct sigaction seen;

	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	CHECK_OK(raise(SIGUSR1));
	CHECK_OK(sigaction(SIGUSR1, NULL, &seen));
	CHECK(seen.sa_handler == SIG_DFL);
	CHECK(sysv_signal(SIGUSR1, note_nothing) == SIG_DFL);
	CHECK_OK(raise(SIGUSR1));
	CHECK(sysv_signal(SIGUSR1, SIG_IGN) == SIG_DFL);
}

CASE(a_handler_is_told_who_has_sent_the_signal)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO};

	action.sa_sigaction = note_info;
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	CHECK_OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77}));
	CHECK_EQ(last.si_signo, SIGUSR1);
	CHECK_EQ(last.si_code, SI_QUEUE);
	CHECK_EQ(last.si_value.sival_int, 77);
	CHECK_EQ(last.si_pid, getpid());
}
