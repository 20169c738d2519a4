/* SPDX-License-Identifier: MIT */
#include "pair.h"

#include <string.h>

/* ---- chance ---------------------------------------------------------- */

uint32_t random_next(uint32_t *state)
{
	uint32_t x = *state ? *state : 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

void pattern(void *to, size_t len, uint32_t seed)
{
	uint32_t state = seed * 2654435761u + 12345;
	uint8_t *p = to;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(random_next(&state) >> 7);
}

void check_pattern(const void *got, size_t len, uint32_t seed)
{
	uint32_t state = seed * 2654435761u + 12345;
	const uint8_t *p = got;

	for (size_t i = 0; i < len; i++) {
		uint8_t want = (uint8_t)(random_next(&state) >> 7);

		if (p[i] != want)
			FAIL("byte %zu of %zu is wrong", i, len);
	}
}

uint16_t random_port(void)
{
	uint16_t r;

	CHECK_OK(os_random(&r, sizeof r));
	return (uint16_t)(20000 + r % 40000);
}

/* ---- patience -------------------------------------------------------- */

/* What has not happened after this long does not happen. */
#define WHILE UINT64_C(20000000)

static bool before(uint64_t *limit, uint64_t how_long)
{
	if (has_trait(TRAIT_PROMPT))
		return false;
	if (*limit == 0)
		*limit = os_now() + how_long;
	else
		os_sleep(100 * 1000);
	return os_now() < *limit;
}

bool look_again(uint64_t *limit)
{
	return before(limit, PATIENCE);
}

bool keep_looking(uint64_t *limit)
{
	return before(limit, WHILE);
}

/* ---- setting up ------------------------------------------------------ */

struct addr client_addr(uint8_t family)
{
	struct addr a = addr_any(6, random_port());

	if (family == 4)
		return addr_v4(127, 0, 0, 1, a.port);
	a.ip[15] = 1;
	return a;
}

struct transport_listener *listen_free(struct addr *at, bool only_v6,
	unsigned backlog)
{
	for (;;) {
		struct transport_listener *l;

		at->port = random_port();
		CHECK_OK(ops->listen(at, only_v6, backlog, &l));
		if (ops->listener_handle(l) != OS_NO_HANDLE)
			return l;
		ops->close_listener(l);
	}
}

enum status try_connect(const struct addr *from, const struct addr *to,
	struct transport_conn **out)
{
	enum status st = ops->connect(from, to, "", 0, out);
	uint64_t limit = 0;

	if (st != ST_OK || has_trait(TRAIT_PROMPT))
		return st;
	while ((st = ops->early(*out)) == ST_AGAIN && look_again(&limit))
		;
	if (st == ST_OK)
		return ST_OK;
	ops->close(*out, false);
	return st == ST_TIMEDOUT ? ST_NOTFOUND : st;
}

struct transport_conn *connect_to(const struct addr *to)
{
	struct addr from = client_addr(to->family);
	struct transport_conn *c;

	CHECK_OK(try_connect(&from, to, &c));
	return c;
}

struct transport_conn *connect_patiently(const struct addr *to)
{
	struct addr from = client_addr(to->family);
	uint64_t limit = os_now() + PATIENCE;
	struct transport_conn *c;
	enum status st;

	while ((st = try_connect(&from, to, &c)) == ST_NOTFOUND &&
	       os_now() < limit)
		os_sleep(1000 * 1000);
	CHECK_OK(st);
	return c;
}

struct transport_request *take_next(struct transport_listener *l)
{
	struct transport_request *r;
	enum status st;

	while ((st = ops->take(l, &r)) == ST_AGAIN)
		CHECK_OK(os_handle_wait(ops->listener_handle(l), PATIENCE));
	CHECK_OK(st);
	return r;
}

bool take_gives_nothing(struct transport_listener *l)
{
	struct transport_request *r;

	return ops->take(l, &r) == ST_AGAIN;
}

void pair_open(struct pair *p)
{
	p->at = addr_v4(127, 0, 0, 1, 0);
	p->listener = listen_free(&p->at, false, 8);
	p->client = connect_to(&p->at);
	CHECK_OK(ops->accept(take_next(p->listener), &p->server));
	CHECK_SOON_OK(ops->status(p->client, true));
	CHECK_OK(ops->status(p->server, true));
	ops->drain(p->client, false); /* the doorbell of the answer */
}

void pair_close(struct pair *p)
{
	ops->close(p->client, false);
	ops->close(p->server, false);
	ops->close_listener(p->listener);
}

/* ---- sleeping -------------------------------------------------------- */

bool handle_rings(struct transport_conn *c)
{
	return os_handle_wait(ops->handle(c), 0) == ST_OK;
}

void sleep_on(struct transport_conn *c)
{
	enum status st = os_handle_wait(ops->handle(c), PATIENCE);

	if (st != ST_OK)
		FAIL("nobody rings: %s", status_name(st));
	ops->drain(c, false);
}

/* Lets the transport do what it has to on the side. */
static void serve(struct transport_conn *c)
{
	enum status result;
	uint64_t cookie;

	if (ops->reap(c, &cookie, &result) == ST_OK)
		FAIL("a transfer %llu that nobody waits for has ended",
			(unsigned long long)cookie);
}

enum status next_message(struct transport_conn *c, const void **data,
	uint32_t *len)
{
	enum status st;

	while ((st = ops->peek(c, data, len)) == ST_AGAIN) {
		serve(c);
		if (ops->arm(c, TRANSPORT_IN) == ST_OK)
			sleep_on(c);
	}
	return st;
}

/* ---- messages -------------------------------------------------------- */

void send_waiting(struct transport_conn *c, const void *data, size_t len)
{
	struct os_span span = {(void *)(uintptr_t)data, len};
	enum status st;

	while ((st = ops->send(c, &span, 1, 0)) == ST_AGAIN)
		if (ops->arm(c, TRANSPORT_OUT) == ST_OK)
			sleep_on(c);
	CHECK_OK(st);
}

void send_text(struct transport_conn *c, const char *text)
{
	send_waiting(c, text, strlen(text));
}

void expect_text(struct transport_conn *c, const char *text)
{
	const void *data;
	uint32_t len;

	CHECK_OK(next_message(c, &data, &len));
	CHECK_EQ(len, strlen(text));
	CHECK_BYTES(data, text, len);
	ops->release(c);
}

void expect_status(struct transport_conn *c, enum status want)
{
	uint64_t limit = os_now() + PATIENCE;
	enum status st;

	while ((st = ops->status(c, true)) != want && os_now() < limit)
		os_sleep(1000 * 1000);
	CHECK_ST(st, want);
}

unsigned fill(struct transport_conn *c, size_t len, unsigned flags)
{
	static uint8_t bytes[1 << 17];
	struct os_span span = {bytes, len};
	uint64_t limit = 0;
	unsigned sent = 0;
	enum status st;

	CHECK(len <= sizeof bytes);
	do {
		while ((st = ops->send(c, &span, 1, flags)) == ST_OK) {
			sent++;
			limit = 0;
		}
		CHECK_ST(st, ST_AGAIN);
	} while (keep_looking(&limit));
	return sent;
}

void read_until_it_rings(struct pair *p)
{
	uint64_t limit = 0;
	const void *data;
	uint32_t len;

	while (!handle_rings(p->client)) {
		if (ops->peek(p->server, &data, &len) == ST_OK)
			ops->release(p->server);
		else if (!look_again(&limit))
			FAIL("all is read, and nobody rings");
	}
}

enum status transfer_result(struct transport_conn *c)
{
	enum status result;
	const void *data;
	uint64_t cookie;
	uint32_t len;

	while (ops->reap(c, &cookie, &result) != ST_OK) {
		CHECK_ST(ops->peek(c, &data, &len), ST_AGAIN);
		if (ops->arm(c, TRANSPORT_IN) == ST_OK)
			sleep_on(c);
	}
	return result;
}
