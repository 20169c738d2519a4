/* SPDX-License-Identifier: MIT */
/*
 * Programs at the services of the fabric transport that speak something else.
 * What libfabric says before our greeting is not written down here: a request
 * is recorded from the transport itself, and changed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fab_case.h"
#include "transport/fabric/fab_port.h"
#include "transport/fabric/fab_wire.h"

enum { REQUEST_MAX = 512 };

/* ---- plain TCP ------------------------------------------------------- */

static struct sockaddr_in loopback_at(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int plain_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	return fd;
}

/* Takes the first service of a free port. */
static int plain_listen(uint16_t *port)
{
	for (;;) {
		int fd = plain_socket();
		struct sockaddr_in at;

		*port = random_port();
		at = loopback_at(fab_service(*port, 0));
		if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0) {
			CHECK(listen(fd, 8) == 0);
			return fd;
		}
		close(fd);
	}
}

static int plain_connect(uint16_t service)
{
	struct sockaddr_in at = loopback_at(service);
	int fd = plain_socket();

	CHECK(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
	return fd;
}

static bool is_readable(int fd, uint64_t ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, (int)(ns / 1000000)) == 1;
}

static void plain_send(int fd, const void *bytes, size_t len)
{
	CHECK_EQ(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* The other side closes, whatever it says before. */
static void expect_plain_end(int fd)
{
	uint8_t bytes[512];

	do
		CHECK(is_readable(fd, PATIENCE));
	while (recv(fd, bytes, sizeof bytes, 0) > 0);
}

/* ---- a request to send again ----------------------------------------- */

struct request {
	uint8_t bytes[REQUEST_MAX]; /* the greeting at the end */
	size_t len;
};

static uint8_t *greeting_of(struct request *r)
{
	return r->bytes + r->len - FAB_GREETING_LEN;
}

static bool is_whole(const struct request *r, const uint8_t *greeting)
{
	return r->len > FAB_GREETING_LEN &&
		memcmp(r->bytes + r->len - FAB_GREETING_LEN, greeting,
			FAB_GREETING_LEN) == 0;
}

static void record(struct request *r)
{
	struct fab_greeting g = {.slots = FAB_SLOTS, .from = client_addr(4)};
	uint8_t greeting[FAB_GREETING_LEN];
	struct transport_conn *c;
	uint16_t port;
	int l = plain_listen(&port), fd;

	g.to = addr_v4(127, 0, 0, 1, port);
	CHECK_OK(ops->connect(&g.from, &g.to, "", 0, &c));
	CHECK(is_readable(l, PATIENCE));
	fd = accept(l, NULL, NULL);
	CHECK(fd >= 0);
	fab_greeting_put(&g, greeting);
	for (r->len = 0; !is_whole(r, greeting);) {
		ssize_t got;

		CHECK(is_readable(fd, PATIENCE));
		got = recv(fd, r->bytes + r->len, REQUEST_MAX - r->len, 0);
		CHECK(got > 0);
		r->len += (size_t)got;
	}
	ops->close(c, false);
	close(fd);
	close(l);
}

/* To this destination, from this address. */
static void address(struct request *r, const struct addr *to,
	const struct addr *from)
{
	struct fab_greeting g = {.slots = FAB_SLOTS, .from = *from, .to = *to};

	fab_greeting_put(&g, greeting_of(r));
}

/* A listener that strangers come to, and a request that it would take. */
struct house {
	struct addr at, from;
	struct transport_listener *l;
	struct request request;
	uint16_t service;
};

/* Of the service that the listener has found, its port's first is one that was
 * free. */
static void house_open(struct house *h)
{
	record(&h->request);
	for (;;) {
		int fd;

		h->at = addr_v4(127, 0, 0, 1, 0);
		fd = plain_listen(&h->at.port);
		close(fd);
		if (ops->listen(&h->at, false, 8, &h->l) == ST_OK)
			break;
	}
	h->service = fab_service(h->at.port, 0);
	h->from = client_addr(4);
	address(&h->request, &h->at, &h->from);
}

/* Who is no stranger is served as ever. */
static void house_is_open(struct house *h)
{
	struct transport_conn *client = connect_to(&h->at), *server;

	CHECK_OK(ops->accept(take_next(h->l), &server));
	send_text(client, "knock");
	expect_text(server, "knock");
	ops->close(client, false);
	ops->close(server, false);
}

static int house_knock(struct house *h, const struct request *r)
{
	int fd = plain_connect(h->service);

	plain_send(fd, r->bytes, r->len);
	return fd;
}

static void house_close(struct house *h)
{
	ops->close_listener(h->l);
}

/* ---- at the door ----------------------------------------------------- */

CASE(fabric_strangers_that_say_nothing_keep_nobody_waiting)
{
	struct house h;
	unsigned before;
	int fd[20];

	house_open(&h);
	house_is_open(&h);
	before = count_descriptors();
	for (int i = 0; i < 20; i++)
		fd[i] = plain_connect(h.service);
	for (int i = 0; i < 3; i++)
		house_is_open(&h);
	CHECK(take_gives_nothing(h.l));
	for (int i = 0; i < 20; i++)
		close(fd[i]);
	CHECK_SOON(count_descriptors() <= before);
	house_close(&h);
}

CASE(fabric_strangers_that_leave_half_a_request_leave_nothing_else)
{
	struct house h;
	unsigned before;

	house_open(&h);
	house_is_open(&h);
	before = count_descriptors();
	for (size_t len = 0; len < h.request.len; len += 3) {
		int fd = plain_connect(h.service);

		plain_send(fd, h.request.bytes, len);
		close(fd);
	}
	house_is_open(&h);
	CHECK_SOON(count_descriptors() <= before);
	CHECK(take_gives_nothing(h.l));
	house_close(&h);
}

CASE(fabric_strangers_with_random_bytes_are_sent_away)
{
	uint32_t state = 4;
	unsigned before;
	struct house h;

	house_open(&h);
	house_is_open(&h);
	before = count_descriptors();
	for (uint32_t i = 0; i < 50; i++) {
		int fd = plain_connect(h.service);
		uint8_t bytes[2000];

		pattern(bytes, sizeof bytes, i);
		plain_send(fd, bytes,
			500 + random_next(&state) % (sizeof bytes - 500));
		expect_plain_end(fd);
		close(fd);
	}
	house_is_open(&h);
	CHECK_SOON(count_descriptors() <= before);
	CHECK(take_gives_nothing(h.l));
	house_close(&h);
}

CASE(fabric_a_request_that_was_recorded_is_taken)
{
	struct transport_request *r;
	struct house h;
	int fd;

	house_open(&h);
	fd = house_knock(&h, &h.request);
	r = take_next(h.l);
	CHECK(addr_equal(&r->local, &h.at));
	CHECK(addr_equal(&r->peer, &h.from));
	ops->refuse(r, REFUSE_REJECTED);
	expect_plain_end(fd);
	close(fd);
	house_close(&h);
}

CASE(fabric_strangers_with_a_bad_greeting_are_refused_and_told_of_once)
{
	unsigned before;
	struct house h;

	house_open(&h);
	house_is_open(&h);
	before = count_descriptors();
	for (unsigned i = 0; i < FAB_GREETING_LEN; i++) {
		struct request r = h.request;
		int fd;

		if (i >= 10 && i < 14) /* another port is no bad greeting */
			continue;
		if (i == 6 || i == 7) /* nor are other credits */
			continue;
		greeting_of(&r)[i] ^= 0x41;
		fd = house_knock(&h, &r);
		expect_plain_end(fd);
		close(fd);
	}
	CHECK(take_gives_nothing(h.l));
	CHECK_EQ(fabric_lines(), 1);
	house_is_open(&h);
	CHECK_SOON(count_descriptors() <= before);
	house_close(&h);
}

CASE(fabric_strangers_may_not_speak_for_another_address)
{
	struct addr other = addr_v4(192, 0, 2, 7, 1234);
	struct house h;
	int fd;

	house_open(&h);
	address(&h.request, &h.at, &other);
	fd = house_knock(&h, &h.request);
	expect_plain_end(fd);
	CHECK(take_gives_nothing(h.l));
	CHECK_EQ(fabric_lines(), 1);
	close(fd);
	house_close(&h);
}

CASE(fabric_requests_for_another_port_are_refused_without_a_word)
{
	struct addr other;
	struct house h;
	int fd;

	house_open(&h);
	other = h.at;
	other.port ^= 1;
	address(&h.request, &other, &h.from);
	fd = house_knock(&h, &h.request);
	expect_plain_end(fd);
	CHECK(take_gives_nothing(h.l));
	CHECK_EQ(fabric_lines(), 0);
	close(fd);
	house_close(&h);
}

/* ---- inside ---------------------------------------------------------- */

CASE(fabric_strangers_that_were_let_in_end_only_themselves)
{
	uint32_t state = 5;
	unsigned before;
	struct house h;

	house_open(&h);
	house_is_open(&h);
	before = count_descriptors();
	for (uint32_t i = 0; i < 30; i++) {
		int fd = house_knock(&h, &h.request);
		struct transport_conn *c;
		uint8_t bytes[4000];
		const void *data;
		uint32_t len;
		enum status st;

		CHECK_OK(ops->accept(take_next(h.l), &c));
		pattern(bytes, sizeof bytes, i);
		plain_send(fd, bytes,
			100 + random_next(&state) % (sizeof bytes - 100));
		shutdown(fd, SHUT_WR);
		while ((st = next_message(c, &data, &len)) == ST_OK)
			ops->release(c);
		CHECK(st == ST_RESET || st == ST_PROTOCOL);
		ops->close(c, false);
		close(fd);
	}
	house_is_open(&h);
	CHECK_SOON(count_descriptors() <= before);
	house_close(&h);
}

/* ---- strangers that are connected to --------------------------------- */

static uint64_t ends_with(int fd, const void *bytes, size_t len)
{
	plain_send(fd, bytes, len);
	shutdown(fd, SHUT_WR);
	return os_now() + PATIENCE;
}

/* A client asks a program that answers with these bytes, and closes. */
static void answered_with(const void *bytes, size_t len)
{
	struct addr from = client_addr(4), to = addr_v4(127, 0, 0, 1, 0);
	struct transport_conn *c;
	int l = plain_listen(&to.port), fd;
	uint64_t limit;

	CHECK_OK(ops->connect(&from, &to, "", 0, &c));
	CHECK(is_readable(l, PATIENCE));
	fd = accept(l, NULL, NULL);
	CHECK(fd >= 0);
	limit = ends_with(fd, bytes, len);
	while (ops->status(c, true) == ST_PENDING && os_now() < limit)
		os_sleep(1000 * 1000);
	CHECK_ST(ops->status(c, true), ST_TIMEDOUT);
	ops->close(c, false);
	close(fd);
	close(l);
}

CASE(fabric_connecting_to_a_stranger_is_like_connecting_to_nobody)
{
	uint8_t bytes[400];

	answered_with("", 0);
	answered_with("HTTP/1.0 400 Bad Request\r\n\r\n", 28);
	for (uint32_t i = 0; i < 10; i++) {
		pattern(bytes, sizeof bytes, i);
		answered_with(bytes, sizeof bytes);
	}
}

static void run_stranger(void *arg)
{
	int l = *(int *)arg, fd;

	fd = accept(l, NULL, NULL);
	CHECK(fd >= 0);
	close(fd);
}

CASE(fabric_a_stranger_at_the_first_service_does_not_hide_the_listener)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	int l = plain_listen(&at.port);
	struct transport_listener *listener;
	struct transport_conn *c;
	struct os_thread t;

	CHECK_OK(ops->listen(&at, false, 1, &listener));
	CHECK_OK(os_thread_start(&t, "stranger", run_stranger, &l));
	c = connect_to(&at);
	os_thread_join(&t);
	ops->refuse(take_next(listener), REFUSE_REJECTED);
	ops->close(c, false);
	ops->close_listener(listener);
	close(l);
}

CASE(fabric_a_request_that_nobody_answers_can_be_given_up)
{
	struct addr from = client_addr(4), to = addr_v4(127, 0, 0, 1, 0);
	int l = plain_listen(&to.port);
	struct transport_conn *c;
	unsigned before;

	CHECK_OK(ops->connect(&from, &to, "", 0, &c));
	CHECK(is_readable(l, PATIENCE));
	before = count_descriptors();
	CHECK_ST(ops->status(c, true), ST_PENDING);
	CHECK_OK(ops->arm(c, TRANSPORT_IN));
	ops->close(c, false);
	CHECK_SOON(count_descriptors() < before);
	close(l);
}
