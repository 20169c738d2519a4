/* SPDX-License-Identifier: MIT */
/*
 * Children: fork and exec of /proc/self/exe. A socket pair, at a fixed number
 * in the child, carries the lines. Each child leads a process group, in which
 * all that it starts stays, unless that is a child in this sense again: those
 * end with the thread that started them.
 */
#include "os/os_child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sockaddr.h"
#include "os/os.h"

#define SECOND UINT64_C(1000000000)

/* Where a child finds its parent. */
enum { PARENT_FD = 3, ARGUMENTS_MAX = 16 };

/* ---- starting ------------------------------------------------------ */

static _Noreturn void become(char *const *argv, int talk, unsigned seconds,
	pid_t parent)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	alarm(seconds);
	signal(SIGALRM, SIG_DFL);
	if (talk == PARENT_FD)
		fcntl(talk, F_SETFD, 0);
	else
		dup2(talk, PARENT_FD);
	execv("/proc/self/exe", argv);
	_exit(127);
}

enum status os_child_start(const char *const *arguments, unsigned seconds,
	struct os_child *out)
{
	char *argv[ARGUMENTS_MAX + 1] = {program_invocation_short_name};
	pid_t pid, self = getpid();
	unsigned n = 1;
	int ends[2];

	for (; *arguments; arguments++) {
		if (n == ARGUMENTS_MAX)
			return ST_INVAL;
		argv[n++] = (char *)(uintptr_t)*arguments;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return errno == EMFILE || errno == ENFILE ? ST_NOHANDLES
							  : ST_NOMEM;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(argv, ends[1], seconds, self);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return ST_NOMEM;
	}
	setpgid(pid, pid); /* whoever is first */
	*out = (struct os_child){.pid = (uint32_t)pid, .process = pid,
		.talk = ends[0], .hear = ends[0], .group = pid};
	return ST_OK;
}

/* ---- ending -------------------------------------------------------- */

static int status_of(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? info->si_status
					   : -info->si_status;
}

enum status os_child_wait(struct os_child *c, uint64_t ns, int *status)
{
	uint64_t start = os_now();
	unsigned step = 100; /* microseconds */
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		/* Left as it is, so that its number stays taken. */
		if (waitid(P_PID, (id_t)c->process, &info,
			    WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
			break;
		if (os_now() - start >= ns)
			return ST_TIMEDOUT;
		os_sleep(step * UINT64_C(1000));
		step = step < 10000 ? step * 2 : step;
	}
	*status = status_of(&info);
	return ST_OK;
}

void os_child_end(struct os_child *c, bool all)
{
	kill(all ? (pid_t)-c->group : (pid_t)c->process, SIGKILL);
	while (waitpid((pid_t)c->process, NULL, 0) < 0 && errno == EINTR)
		;
	close((int)c->talk);
}

void os_child_fate(int status, char *text, size_t len)
{
	if (status >= 0)
		snprintf(text, len, "exit status %d", status);
	else
		snprintf(text, len, "signal %d (%s)", -status,
			strsignal(-status));
}

/* ---- lines --------------------------------------------------------- */

static enum status tell(int fd, const char *text)
{
	char line[OS_LINE_MAX];
	size_t len = strnlen(text, sizeof line - 1), done = 0;

	memcpy(line, text, len);
	line[len++] = '\n';
	while (done < len) {
		ssize_t n = send(fd, line + done, len - done, MSG_NOSIGNAL);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return ST_CLOSED;
	}
	return ST_OK;
}

static enum status await(int fd, uint64_t until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint64_t now = os_now();
		uint64_t left = now < until ? (until - now) / 1000000 + 1 : 0;
		int n = poll(&p, 1, left > 100000 ? 100000 : (int)left);

		if (n > 0)
			return ST_OK;
		if (n == 0 && left == 0)
			return ST_TIMEDOUT;
		if (n < 0 && errno != EINTR)
			return ST_CLOSED;
	}
}

static enum status hear(int fd, char line[OS_LINE_MAX], uint64_t ns)
{
	uint64_t now = os_now();
	uint64_t until = ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
	size_t len = 0;

	for (;;) {
		enum status st = await(fd, until);
		ssize_t n;
		char c;

		if (st != ST_OK)
			return st;
		n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ST_CLOSED;
		if (c == '\n')
			break;
		if (len < OS_LINE_MAX - 1)
			line[len++] = c;
	}
	line[len] = 0;
	return ST_OK;
}

enum status os_child_tell(struct os_child *c, const char *line)
{
	return tell((int)c->talk, line);
}

enum status os_child_hear(struct os_child *c, char line[OS_LINE_MAX],
	uint64_t ns)
{
	return hear((int)c->hear, line, ns);
}

enum status os_parent_tell(const char *line)
{
	return tell(PARENT_FD, line);
}

enum status os_parent_hear(char line[OS_LINE_MAX], uint64_t ns)
{
	return hear(PARENT_FD, line, ns);
}

/* ---- this process -------------------------------------------------- */

void os_exit_now(int status)
{
	_exit(status);
}

/* The thread sanitizer wants no threads in a child. */
#ifdef __SANITIZE_THREAD__
#define CAN_FORK 0
#else
#define CAN_FORK 1
#endif

intptr_t os_fork(unsigned seconds)
{
	pid_t pid = CAN_FORK ? fork() : -1;

	if (pid == 0)
		alarm(seconds);
	return pid;
}

int os_fork_wait(intptr_t number)
{
	int status;

	while (waitpid((pid_t)number, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

enum status os_environment_set(const char *name, const char *value)
{
	return setenv(name, value, 1) < 0 ? ST_NOMEM : ST_OK;
}

/* How many entries a folder has; 0 when it cannot be read. */
static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

unsigned os_thread_count(void)
{
	return entries("/proc/self/task");
}

unsigned os_handle_count(void)
{
	unsigned n = entries("/proc/self/fd");

	return n ? n - 1 : 0; /* of the folder itself */
}

uint64_t os_memory_used(void)
{
	unsigned long size, resident, shared;
	FILE *f = fopen("/proc/self/statm", "re");
	int n;

	if (!f)
		return 0;
	n = fscanf(f, "%lu %lu %lu", &size, &resident, &shared);
	fclose(f);
	return n == 3 ? (uint64_t)(resident - shared) * os_page_size() : 0;
}

enum status os_handle_limit(unsigned more)
{
	struct rlimit limit;
	int lowest;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return ST_SYSTEM;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	lowest = dup(0);
	if (lowest < 0)
		return ST_NOHANDLES;
	close(lowest);
	limit.rlim_cur = (rlim_t)lowest + more;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? ST_SYSTEM : ST_OK;
}

enum status os_tcp_listen(const struct addr *at, intptr_t *out)
{
	union sockaddr_any name;
	socklen_t len = (socklen_t)addr_to_sockaddr(at, &name);
	int fd = socket(name.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ST_SYSTEM;
	if (bind(fd, &name.sa, len) < 0 || listen(fd, 1) < 0) {
		enum status st = errno == EADDRINUSE ? ST_EXISTS
			: errno == EADDRNOTAVAIL ? ST_NOTLOCAL : ST_SYSTEM;

		close(fd);
		return st;
	}
	*out = fd;
	return ST_OK;
}

void os_tcp_unlisten(intptr_t listener)
{
	close((int)listener);
}

/* ---- pages --------------------------------------------------------- */

static int protection(enum os_pages_kind kind)
{
	switch (kind) {
	case OS_PAGES_NONE:
		return PROT_NONE;
	case OS_PAGES_READ:
		return PROT_READ;
	case OS_PAGES_WRITE:
		break;
	}
	return PROT_READ | PROT_WRITE;
}

enum status os_pages_alloc(void **at, size_t len, enum os_pages_kind kind)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *p;

	if (*at)
		flags |= MAP_FIXED_NOREPLACE;
	p = mmap(*at, len, protection(kind), flags, -1, 0);
	if (p == MAP_FAILED)
		return errno == EEXIST ? ST_EXISTS : ST_NOMEM;
	if (*at && p != *at) { /* an older kernel took it as a hint */
		munmap(p, len);
		return ST_EXISTS;
	}
	*at = p;
	return ST_OK;
}

void os_pages_free(void *at, size_t len)
{
	munmap(at, len);
}
