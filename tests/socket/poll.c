/* SPDX-License-Identifier: MIT */
/* poll and ppoll: which events, when, and with what else in the set. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const short all = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;

CASE(poll_of_a_new_connection_says_writable_only)
{
	struct pair pair = pair_open();

	CHECK_EQ(wait_for(pair.client, all), POLLOUT);
	CHECK_EQ(wait_for(pair.server, all), POLLOUT);
	CHECK_EQ(events_now(pair.server, POLLIN), 0);
	CHECK_EQ(events_now(pair.server, 0), 0);
}

CASE(poll_says_readable_as_long_as_there_is_data)
{
	struct pair pair = pair_open();

	send_text(pair.client, "hello");
	CHECK_EQ(wait_for(pair.server, POLLIN), POLLIN);
	recv_text(pair.server, "hell");
	CHECK_EQ(events_now(pair.server, all), POLLIN | POLLOUT);
	recv_text(pair.server, "o");
	CHECK_EQ(events_now(pair.server, all), POLLOUT);
}

CASE(poll_knows_the_names_of_normal_data)
{
	struct pair pair = pair_open();
	short normal = POLLRDNORM | POLLWRNORM;

	send_text(pair.client, "hello");
	CHECK_EQ(wait_for(pair.server, POLLRDNORM), POLLRDNORM);
	CHECK_EQ(events_now(pair.server, normal), normal);
}

CASE(poll_after_half_close_says_RDHUP_but_not_HUP)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	CHECK_EQ(wait_for(pair.server, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	CHECK_EQ(events_now(pair.server, all), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(events_now(pair.server, 0), 0);
}

CASE(poll_after_both_have_shut_down_says_HUP)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	wait_for(pair.server, POLLRDHUP);
	CHECK_OK(shutdown(pair.server, SHUT_WR));
	CHECK_EQ(events_now(pair.server, 0), POLLHUP);
	CHECK(events_now(pair.server, POLLIN) & POLLIN);
	while (!(events_now(pair.client, 0) & POLLHUP))
		pause_ms(1);
	CHECK_EQ(events_now(pair.client, POLLIN | POLLRDHUP),
	        POLLIN | POLLRDHUP | POLLHUP);
}

CASE(poll_after_own_shutdown_WR_says_writable)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	CHECK_EQ(events_now(pair.client, POLLIN | POLLOUT), POLLOUT);
}

CASE(poll_after_own_shutdown_RD_says_readable_and_RDHUP)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_RD));
	CHECK_EQ(events_now(pair.client, POLLIN | POLLRDHUP),
	        POLLIN | POLLRDHUP);
}

CASE(poll_after_shutdown_RDWR_says_HUP)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_RDWR));
	CHECK_EQ(events_now(pair.client, POLLIN | POLLRDHUP),
	        POLLIN | POLLRDHUP | POLLHUP);
}

CASE(poll_of_an_unconnected_socket_says_HUP)
{
	CHECK_EQ(events_now(client_socket(IPV4, 0), POLLIN | POLLOUT),
	        POLLOUT | POLLHUP);
}

CASE(poll_of_a_listener_says_readable_upon_connect)
{
	int listener = listener_open(IPV4);

	CHECK_EQ(events_now(listener, all), 0);
	client_of(listener);
	CHECK_EQ(wait_for(listener, all), POLLIN);
	server_of(listener);
	CHECK_EQ(events_now(listener, all), 0);
}

CASE(poll_of_a_closed_descriptor_says_NVAL)
{
	struct pair pair = pair_open();
	struct pollfd looks[] = {
	        {pair.client, POLLIN, 0}, {pair.server, POLLOUT, 0}};

	CHECK_OK(close(pair.client));
	CHECK_EQ(poll(looks, 2, -1), 2);
	CHECK_EQ(looks[0].revents, POLLNVAL);
	CHECK_EQ(looks[1].revents, POLLOUT);
}

CASE(poll_ignores_negative_descriptors)
{
	struct pair pair = pair_open();
	struct pollfd looks[] = {{-1, POLLIN, -1}, {pair.server, POLLIN, -1},
	        {-pair.client, POLLOUT, -1}};

	CHECK_EQ(poll(looks, 3, 0), 0);
	CHECK_EQ(looks[0].revents, 0);
	CHECK_EQ(looks[1].revents, 0);
	CHECK_EQ(looks[2].revents, 0);
	send_text(pair.client, "hello");
	CHECK_EQ(poll(looks, 3, 10000), 1);
	CHECK_EQ(looks[1].revents, POLLIN);
}

CASE(poll_answers_for_the_same_descriptor_twice)
{
	struct pair pair = pair_open();
	struct pollfd looks[] = {{pair.server, POLLIN, 0},
	        {pair.server, POLLOUT, 0}, {pair.server, all, 0}};

	send_text(pair.client, "hello");
	wait_for(pair.server, POLLIN);
	CHECK_EQ(poll(looks, 3, -1), 3);
	CHECK_EQ(looks[0].revents, POLLIN);
	CHECK_EQ(looks[1].revents, POLLOUT);
	CHECK_EQ(looks[2].revents, POLLIN | POLLOUT);
}

CASE(poll_of_both_ends_answers_for_each)
{
	struct pair pair = pair_open();
	struct pollfd looks[] = {
	        {pair.client, POLLIN, 0}, {pair.server, POLLIN, 0}};

	send_text(pair.client, "hello");
	CHECK_EQ(poll(looks, 2, 10000), 1);
	CHECK_EQ(looks[0].revents, 0);
	CHECK_EQ(looks[1].revents, POLLIN);
	send_text(pair.server, "hello");
	wait_for(pair.client, POLLIN);
	CHECK_EQ(poll(looks, 2, 0), 2);
}

CASE(poll_takes_as_long_as_it_was_told)
{
	struct pair pair = pair_open();
	struct pollfd look = {pair.server, POLLIN, 0};
	struct timespec limit = {0, 150 * 1000 * 1000};
	int64_t since = clock_ms();

	CHECK_EQ(poll(&look, 1, 150), 0);
	CHECK_GE(clock_ms() - since, 149);
	since = clock_ms();
	CHECK_EQ(ppoll(&look, 1, &limit, NULL), 0);
	CHECK_GE(clock_ms() - since, 149);
	CHECK_EQ(limit.tv_nsec, 150 * 1000 * 1000);
	CHECK_EQ(poll(&look, 1, 0), 0);
	CHECK_EQ(poll(NULL, 0, 0), 0);
}

CASE(ppoll_with_a_wrong_time_gives_EINVAL)
{
	struct pair pair = pair_open();
	struct pollfd look = {pair.server, POLLIN, 0};
	struct timespec limit = {0, 1000 * 1000 * 1000};

	CHECK_ERRNO(ppoll(&look, 1, &limit, NULL), EINVAL);
	limit = (struct timespec){-1, 0};
	CHECK_ERRNO(ppoll(&look, 1, &limit, NULL), EINVAL);
}

CASE(poll_mixes_connections_with_everything_else)
{
	struct pair pair = pair_open();
	int ends[2], event = CHECK_OK(eventfd(0, 0));
	int udp = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	struct pollfd looks[5];

	CHECK_OK(pipe(ends));
	looks[0] = (struct pollfd){pair.server, POLLIN, 0};
	looks[1] = (struct pollfd){ends[0], POLLIN, 0};
	looks[2] = (struct pollfd){event, POLLIN, 0};
	looks[3] = (struct pollfd){udp, POLLIN, 0};
	looks[4] = (struct pollfd){listener_open(IPV4), POLLIN, 0};
	CHECK_EQ(poll(looks, 5, 0), 0);
	CHECK_OK(eventfd_write(event, 1));
	CHECK_EQ(poll(looks, 5, -1), 1);
	CHECK_EQ(looks[2].revents, POLLIN);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(poll(looks, 5, -1), 2);
	CHECK_EQ(looks[1].revents, POLLIN);
	send_text(pair.client, "hello");
	wait_for(pair.server, POLLIN);
	CHECK_EQ(poll(looks, 5, -1), 3);
	client_of(looks[4].fd);
	wait_for(looks[4].fd, POLLIN);
	CHECK_EQ(poll(looks, 5, -1), 4);
	CHECK_EQ(looks[3].revents, 0);
}

struct late {
	int fd;
	const char *text;
};

static void write_later(void *argument)
{
	struct late *late = argument;

	pause_ms(50);
	CHECK_EQ(write(late->fd, late->text, 1), 1);
}

CASE(poll_is_woken_by_data_from_another_process)
{
	struct pair pair = pair_open();
	struct late late = {pair.client, "x"};
	struct pollfd look = {pair.server, POLLIN, 0};
	pid_t child = child_start(write_later, &late);

	CHECK_EQ(poll(&look, 1, -1), 1);
	CHECK_EQ(look.revents, POLLIN);
	recv_text(pair.server, "x");
	child_join(child);
}

CASE(poll_with_an_idle_connection_is_woken_by_a_pipe)
{
	struct pair pair = pair_open();
	struct pollfd looks[2] = {{pair.server, POLLIN, 0}};
	struct late late;
	int ends[2];
	pid_t child;

	CHECK_OK(pipe(ends));
	late = (struct late){ends[1], "x"};
	looks[1] = (struct pollfd){ends[0], POLLIN, 0};
	child = child_start(write_later, &late);
	CHECK_EQ(poll(looks, 2, -1), 1);
	CHECK_EQ(looks[1].revents, POLLIN);
	child_join(child);
}

CASE(poll_sees_the_end_of_a_pipe_beside_a_connection)
{
	struct pair pair = pair_open();
	struct pollfd looks[2] = {{pair.server, POLLIN, 0}};
	int ends[2];

	CHECK_OK(pipe(ends));
	looks[1] = (struct pollfd){ends[0], POLLIN, 0};
	CHECK_OK(close(ends[1]));
	CHECK_EQ(poll(looks, 2, -1), 1);
	CHECK_EQ(looks[1].revents, POLLHUP);
}

static void read_all_later(void *argument)
{
	struct pair *pair = argument;
	char bytes[65536];

	CHECK_OK(close(pair->client));
	pause_ms(50);
	while (CHECK_OK(recv(pair->server, bytes, sizeof(bytes), 0)) > 0)
		;
}

CASE(poll_for_writing_is_woken_when_another_process_reads)
{
	struct pair pair = pair_open();
	struct pollfd look = {pair.client, POLLOUT, 0};
	pid_t child;

	fill_until_full(pair.client);
	child = child_start(read_all_later, &pair);
	CHECK_EQ(poll(&look, 1, -1), 1);
	CHECK_EQ(look.revents, POLLOUT);
	CHECK_OK(close(pair.client));
	child_join(child);
}

CASE(ppoll_lets_a_blocked_signal_in)
{
	struct pair pair = pair_open();
	struct pollfd look = {pair.server, POLLIN, 0};
	sigset_t none;

	sigemptyset(&none);
	signal_catch(SIGUSR1, SA_RESTART);
	signal_block(SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(signal_count(), 0);
	CHECK_ERRNO(ppoll(&look, 1, NULL, &none), EINTR);
	CHECK_EQ(signal_count(), 1);
	raise(SIGUSR1);
	CHECK_EQ(poll(&look, 1, 20), 0);
	CHECK_EQ(signal_count(), 1);
}

CASE(poll_of_100_connections_finds_the_one_that_is_ready)
{
	enum { MANY = 100 };
	struct pollfd looks[MANY];
	struct pair pairs[MANY];

	for (int i = 0; i < MANY; i++) {
		pairs[i] = pair_open();
		looks[i] = (struct pollfd){pairs[i].server, POLLIN, 0};
	}
	for (int i = 0; i < MANY; i += 17) {
		send_text(pairs[i].client, "x");
		CHECK_EQ(poll(looks, MANY, -1), 1);
		CHECK_EQ(looks[i].revents, POLLIN);
		recv_text(pairs[i].server, "x");
		CHECK_EQ(poll(looks, MANY, 0), 0);
	}
}
