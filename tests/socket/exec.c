/* SPDX-License-Identifier: MIT */
/* Connections across exec, vfork and posix_spawn. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/*
 * The other side of the cases below, in the program that they execute.
 * --exec-absent: the descriptor must not exist.  --exec-echo: serve on it.
 * --exec-accept: it is a listener; serve one connection.
 */
void exec_main(const char *what, const char *descriptor)
{
	int fd = atoi(descriptor);

	alarm(CASE_DEADLINE_SECONDS);
	if (strcmp(what, "--exec-absent") == 0)
		CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
	else if (strcmp(what, "--exec-echo") == 0)
		echo_all(fd);
	else if (strcmp(what, "--exec-accept") == 0)
		echo_all(server_of(fd));
	else
		FAIL("unknown %s", what);
	_exit(CASE_PASS);
}

struct program {
	const char *what;
	int fd;
};

static void execute(void *argument)
{
	struct program *program = argument;
	char number[16];

	snprintf(number, sizeof(number), "%d", program->fd);
	execl("/proc/self/exe", "socket_cases", program->what, number, NULL);
	FAIL("exec: %s", strerror(errno));
}

static pid_t program_start(const char *what, int fd)
{
	struct program program = {what, fd};

	return child_start(execute, &program);
}

CASE(CLOEXEC_closes_a_connection_upon_exec)
{
	struct pair pair = pair_open();

	CHECK_OK(fcntl(pair.server, F_SETFD, FD_CLOEXEC));
	child_join(program_start("--exec-absent", pair.server));
	roundtrip(pair.client, pair.server);
}

CASE(a_socket_made_with_CLOEXEC_and_connected_is_closed_upon_exec)
{
	int listener = listener_open(IPV4);
	int fd = client_socket(IPV4, SOCK_CLOEXEC);
	struct address target = listener_target(listener, IPV4);

	CHECK_OK(connect(fd, ADDRESS(target)));
	child_join(program_start("--exec-absent", fd));
	roundtrip(fd, server_of(listener));
}

CASE(a_connection_accepted_with_CLOEXEC_is_closed_upon_exec)
{
	int listener = listener_open(IPV4), client = client_of(listener);
	int server = CHECK_OK(accept4(listener, NULL, NULL, SOCK_CLOEXEC));

	child_join(program_start("--exec-absent", server));
	roundtrip(client, server);
}

CASE(an_executed_program_serves_on_an_inherited_connection)
{
	struct pair pair = pair_open();
	pid_t child;

	CHECK_OK(fcntl(pair.client, F_SETFD, FD_CLOEXEC));
	send_text(pair.client, "before");
	child = program_start("--exec-echo", pair.server);
	CHECK_OK(close(pair.server));
	recv_text(pair.client, "before");
	send_pattern(pair.client, 0, 20000);
	recv_pattern(pair.client, 0, 20000);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	child_join(child);
	expect_eof(pair.client);
}

static void execute_as_input(void *argument)
{
	struct program program = {"--exec-echo", 0};

	CHECK_OK(dup2(*(int *)argument, 0));
	CHECK_OK(close(*(int *)argument));
	execute(&program);
}

/* As inetd does; the test itself keeps no copy. */
CASE(an_executed_program_has_a_connection_as_standard_input)
{
	struct pair pair = pair_open();
	pid_t child;

	CHECK_OK(fcntl(pair.client, F_SETFD, FD_CLOEXEC));
	send_text(pair.client, "before");
	child = child_start(execute_as_input, &pair.server);
	CHECK_OK(close(pair.server));
	recv_text(pair.client, "before");
	send_pattern(pair.client, 0, 300000);
	recv_pattern(pair.client, 0, 300000);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	child_join(child);
	expect_eof(pair.client);
}

static void execute_sleep(void *argument)
{
	(void)argument;
	execl("/bin/sleep", "sleep", "0.2", NULL);
	_exit(CASE_FAIL);
}

CASE(a_program_that_is_executed_with_forgotten_descriptors_does_no_harm)
{
	struct pair pair = pair_open();
	pid_t child = child_start(execute_sleep, NULL);

	for (int i = 0; i < 40; i++) {
		roundtrip(pair.client, pair.server);
		pause_ms(2);
	}
	child_join(child);
	roundtrip(pair.client, pair.server);
}

CASE(an_executed_program_serves_on_a_client_connection)
{
	struct pair pair = pair_open();
	pid_t child;

	CHECK_OK(fcntl(pair.server, F_SETFD, FD_CLOEXEC));
	child = program_start("--exec-echo", pair.client);
	CHECK_OK(close(pair.client));
	send_pattern(pair.server, 0, 20000);
	recv_pattern(pair.server, 0, 20000);
	CHECK_OK(shutdown(pair.server, SHUT_WR));
	child_join(child);
	expect_eof(pair.server);
}

CASE(an_executed_program_accepts_from_an_inherited_listener)
{
	int listener = listener_open(IPV4);
	pid_t child = program_start("--exec-accept", listener);
	int client = client_of(listener);

	CHECK_OK(close(listener));
	send_pattern(client, 0, 20000);
	recv_pattern(client, 0, 20000);
	CHECK_OK(close(client));
	child_join(child);
}

/* As most languages make them. */
static int private_listener(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
	        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	CHECK_OK(bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	CHECK_OK(listen(fd, 5));
	return fd;
}

static void make_inheritable_and_execute(void *argument)
{
	struct program program = {"--exec-accept", *(int *)argument};

	CHECK_OK(fcntl(program.fd, F_SETFD, 0));
	execute(&program);
}

/* Which keeps it open, but does not accept. */
CASE(an_executed_program_accepts_from_the_listener_of_its_parent)
{
	int listener = private_listener();
	int client;
	pid_t child;

	child = child_start(make_inheritable_and_execute, &listener);
	pause_ms(100);
	client = client_of(listener);
	send_pattern(client, 0, 20000);
	recv_pattern(client, 0, 20000);
	CHECK_OK(close(client));
	child_join(child);
}

/* The parent goes on; new clients come by TCP. */
CASE(a_listener_that_was_given_to_a_program_still_accepts)
{
	int listener = private_listener();
	struct pollfd p = {.fd = listener, .events = POLLIN};
	int client;

	CHECK_OK(fcntl(listener, F_SETFD, 0));
	child_join(child_start(execute_sleep, NULL));
	CHECK_EQ(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	if (poll(&p, 1, 10) > 0)
		CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
	CHECK_EQ(poll(&p, 1, 50), 0);
	client = client_of(listener);
	CHECK_EQ(poll(&p, 1, 1000), 1);
	roundtrip(client, CHECK_OK(accept(listener, NULL, NULL)));
}

static void become_true(void)
{
	execl("/bin/true", "true", NULL);
	_exit(CASE_FAIL);
}

/* Functions of their own: nothing here that a vfork could clobber. */
static pid_t vfork_true(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		become_true();
	return pid;
}

static pid_t vfork_exit(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(7);
	return pid;
}

static pid_t fork_true(void)
{
	pid_t pid = fork();

	if (pid == 0)
		become_true();
	return pid;
}

static void run_true(pid_t (*start)(void))
{
	struct pair pair = pair_open();
	int status;
	pid_t pid;

	roundtrip(pair.client, pair.server);
	pid = CHECK_OK(start());
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	roundtrip(pair.client, pair.server);
	CHECK_OK(close(pair.client));
	expect_eof(pair.server);
}
CASE_CALL(fork_and_exec_of_another_program_does_no_harm, run_true(fork_true));
CASE_CALL(vfork_and_exec_of_another_program_does_no_harm, run_true(vfork_true));

CASE(vfork_and_exit_does_no_harm)
{
	struct pair pair = pair_open();
	int status;
	pid_t pid = CHECK_OK(vfork_exit());

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 7);
	roundtrip(pair.client, pair.server);
}

CASE(posix_spawn_with_a_connection_as_standard_input)
{
	struct pair pair = pair_open();
	char *arguments[] = {"cat", NULL};
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pair.server, 0);
	posix_spawn_file_actions_adddup2(&actions, pair.server, 1);
	posix_spawn_file_actions_addclose(&actions, pair.server);
	posix_spawn_file_actions_addclose(&actions, pair.client);
	CHECK_EQ(posix_spawn(
	                 &pid, "/bin/cat", &actions, NULL, arguments, environ),
	        0);
	CHECK_OK(close(pair.server));
	send_text(pair.client, "meow");
	recv_text(pair.client, "meow");
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	expect_eof(pair.client);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

CASE(system_and_popen_do_no_harm)
{
	struct pair pair = pair_open();
	char text[16] = "";
	FILE *output;

	CHECK_EQ(system("exit 3"), 3 << 8);
	output = popen("echo hello", "r");
	CHECK(output != NULL);
	CHECK(fgets(text, sizeof(text), output) != NULL);
	CHECK_BYTES(text, "hello\n", 6);
	CHECK_EQ(pclose(output), 0);
	roundtrip(pair.client, pair.server);
}
