/* SPDX-License-Identifier: MIT */
#include "carry.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "real.h"
#include "relay.h"
#include "sys.h"

#define STREAMS 3

struct carried {
	struct sock *sock; /* held */
	struct relay *relay;
	int given;
};

static uint32_t own_pid;

void carry_note_process(void)
{
	own_pid = sys_getpid();
}

static bool is_kept(int fd)
{
	int flags = sys_fcntl(fd, F_GETFD, 0);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

static bool is_among(const struct carried *list, unsigned n,
	const struct sock *s)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i].sock == s)
			return true;
	return false;
}

static unsigned collect(struct carried *list)
{
	unsigned n = 0;

	for (int fd = 0; fd < STREAMS; fd++) {
		struct file *f = is_kept(fd) ? fdtable_hold(fd) : NULL;

		if (!f)
			continue;
		if (file_kind(f) == FILE_SAN &&
			!is_among(list, n, sock_of(f)) &&
			relay_create(sock_of(f), fd, &list[n].relay,
				&list[n].given) == 0)
			list[n++].sock = sock_of(f);
		else
			file_release(f);
	}
	return n;
}

/* ---- the process that stays ------------------------------------------- */

static bool must_stay(const struct carried *list, unsigned n, int fd)
{
	for (unsigned i = 0; i < n; i++)
		if (relay_uses(list[i].relay, fd))
			return true;
	return false;
}

/* So that the peers of this process's other connections see their end. */
static void close_tracked(const struct carried *list, unsigned n)
{
	for (int fd = 0; fd < (int)fdtable_top(); fd++)
		if (fdtable_peek(fd) && !must_stay(list, n, fd))
			close(fd);
}

/* And those of its pipes. */
static void close_others(const struct carried *list, unsigned n)
{
	int kick = (int)os_event_handle(os_thread_kick());
	unsigned first = 0;

	for (unsigned fd = 0; fd < fdtable.size; fd++) {
		if ((int)fd != kick && !must_stay(list, n, (int)fd))
			continue;
		if (fd > first)
			SYS3(SYS_close_range, first, fd - 1, 0);
		first = fd + 1;
	}
	SYS3(SYS_close_range, first, ~0u, 0);
}

static _Noreturn void stay(const struct carried *list, unsigned n)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "wsd-relay");
	close_tracked(list, n);
	for (unsigned i = 0; i < n; i++)
		relay_enlist(list[i].relay);
	close_others(list, n);
	relays_serve();
	SYS1(SYS_exit_group, 0);
	__builtin_unreachable();
}

/* Not a child of the program, which might wait for it. */
static bool leave_behind(const struct carried *list, unsigned n)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return false;
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			stay(list, n);
		close_tracked(NULL, 0);
		SYS1(SYS_exit_group, pid < 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status == 0;
}

/* ---- the process that executes ---------------------------------------- */

static void put_given(int fd, void *arg)
{
	struct carried *c = arg;
	int flags = sys_fcntl(fd, F_GETFD, 0);

	if (!relay_uses(c->relay, fd))
		sys_dup3(c->given, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
}

static void become_plain(struct carried *c)
{
	fdtable_each(&c->sock->file, put_given, c);
	relay_destroy(c->relay);
	c->sock->lost = true;
	fdtable_forget(&c->sock->file);
}

void carry_standard_streams(void)
{
	struct carried list[STREAMS];
	unsigned n;
	bool left;

	/* Between vfork and exec the memory is the parent's. */
	if (sys_getpid() != own_pid)
		return;
	n = collect(list);
	if (n == 0)
		return;
	left = leave_behind(list, n);
	for (unsigned i = 0; i < n; i++) {
		if (left)
			become_plain(&list[i]);
		else
			relay_destroy(list[i].relay);
		sys_close(list[i].given);
		file_release(&list[i].sock->file);
	}
}

/* ---- listeners -------------------------------------------------------- */

/* The kernel object behind it is the same in all processes that have it. */
static void end_offers(struct sock *s)
{
	os_handle handles[SW_LISTENER_HANDLES];
	struct sw_listener *l = listener_get(s);
	unsigned n;

	if (!l)
		return;
	n = sw_listener_handles(l, handles, SW_LISTENER_HANDLES);
	for (unsigned i = 0; i < n; i++)
		SYS2(SYS_shutdown, handles[i], SHUT_RDWR);
	listener_put(s);
}

void carry_listeners(void)
{
	for (int fd = 0; fd < (int)fdtable_top(); fd++) {
		struct file *f;

		if (!fdtable_is(fd, FILE_LISTENER) || !is_kept(fd))
			continue;
		f = fdtable_hold(fd);
		if (!f)
			continue;
		if (file_kind(f) == FILE_LISTENER &&
			(sock_of(f)->heritage || fd < STREAMS))
			end_offers(sock_of(f));
		file_release(f);
	}
}
