/* SPDX-License-Identifier: MIT */
/* Listening, connecting, accepting, refusing. */
#include <string.h>

#include "pair.h"

/* ---- request and answer ---------------------------------------------- */

CASE(a_connection_is_pending_until_it_is_accepted)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *client = connect_to(&at), *server;
	struct transport_request *r;

	CHECK_ST(ops->status(client, false), ST_PENDING);
	r = take_next(l);
	CHECK_ST(ops->status(client, true), ST_PENDING);
	CHECK_OK(ops->accept(r, &server));
	CHECK_OK(ops->status(server, true));
	CHECK_SOON_OK(ops->status(client, true));
	CHECK_OK(ops->status(client, false));
	ops->close(client, false);
	ops->close(server, false);
	ops->close_listener(l);
}

static void private_data_of(uint32_t len)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0), from = client_addr(4);
	struct transport_listener *l = listen_free(&at, false, 1);
	uint8_t sent[TRANSPORT_PRIVATE_MAX];
	struct transport_request *r;
	struct transport_conn *c;

	pattern(sent, sizeof sent, len);
	CHECK_OK(ops->connect(&from, &at, sent, len, &c));
	r = take_next(l);
	CHECK_EQ(r->private_len, len);
	CHECK_BYTES(r->private_data, sent, len);
	ops->refuse(r, REFUSE_REJECTED);
	ops->close(c, false);
	ops->close_listener(l);
}

CASE(private_data_of_any_length_comes_with_the_request)
{
	private_data_of(0);
	if (ops->limits.max_private > 0)
		private_data_of(1);
	private_data_of(ops->limits.max_private);
}

CASE(more_private_data_than_allowed_is_refused)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0), from = client_addr(4);
	struct transport_listener *l = listen_free(&at, false, 1);
	uint8_t sent[TRANSPORT_PRIVATE_MAX + 1] = {0};
	struct transport_conn *c;

	CHECK(ops->limits.max_private <= TRANSPORT_PRIVATE_MAX);
	CHECK_ST(ops->connect(&from, &at, sent, ops->limits.max_private + 1,
		&c), ST_INVAL);
	ops->close_listener(l);
}

/* Whom nobody vouches for is nobody's friend. */
static void check_nobody(const struct os_peer *who)
{
	CHECK(who->pid == 0 && who->uid == 0 && !who->same_user);
}

CASE(the_request_tells_both_addresses_and_the_user)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0), from = client_addr(4);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_request *r;
	struct transport_conn *c;

	CHECK_OK(ops->connect(&from, &at, "", 0, &c));
	r = take_next(l);
	CHECK(addr_equal(&r->local, &at));
	CHECK(addr_equal(&r->peer, &from));
	if (has_trait(TRAIT_KNOWS_PEER)) {
		CHECK_EQ(r->who.uid, os_user_id());
		CHECK(r->who.same_user);
		CHECK_EQ(r->who.pid, os_process_id());
	} else {
		check_nobody(&r->who);
	}
	ops->refuse(r, REFUSE_REJECTED);
	ops->close(c, false);
	ops->close_listener(l);
}

CASE(both_sides_know_who_the_other_is_or_that_nobody_knows)
{
	struct os_peer who;
	struct pair p;

	pair_open(&p);
	ops->peer(p.client, &who);
	if (has_trait(TRAIT_KNOWS_PEER)) {
		CHECK_EQ(who.uid, os_user_id());
		CHECK(who.same_user);
	} else {
		check_nobody(&who);
	}
	ops->peer(p.server, &who);
	if (has_trait(TRAIT_KNOWS_PEER)) {
		CHECK_EQ(who.pid, os_process_id());
		CHECK(who.same_user);
	} else {
		check_nobody(&who);
	}
	pair_close(&p);
}

static void refusal_is_seen_as(enum transport_refusal why, enum status want)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *c = connect_to(&at);
	const void *data;
	uint32_t len;

	ops->refuse(take_next(l), why);
	expect_status(c, want);
	CHECK_ST(ops->status(c, false), want);
	CHECK_ST(ops->send(c, NULL, 0, 0), want);
	CHECK_ST(ops->peek(c, &data, &len), want);
	ops->close(c, false);
	ops->close_listener(l);
}

CASE(a_rejected_request_gives_REFUSED)
{
	refusal_is_seen_as(REFUSE_REJECTED, ST_REFUSED);
}

CASE(a_request_refused_for_lack_of_resources_gives_TIMEDOUT)
{
	refusal_is_seen_as(REFUSE_NO_RESOURCES, ST_TIMEDOUT);
}

CASE(a_request_refused_at_closing_gives_TIMEDOUT)
{
	refusal_is_seen_as(REFUSE_CLOSING, ST_TIMEDOUT);
}

/* What accept says so long after the client has gone. */
static enum status accept_late(struct transport_listener *l,
	const struct addr *at, uint64_t ns)
{
	struct transport_conn *c = connect_to(at), *server;
	struct transport_request *r = take_next(l);
	enum status st;

	ops->close(c, false);
	os_sleep(ns);
	st = ops->accept(r, &server);
	if (st == ST_OK) {
		expect_status(server, ST_RESET);
		ops->close(server, false);
	}
	return st;
}

/* Where the news takes time, how long is not known. */
CASE(accepting_a_client_that_has_gone_gives_RESET)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	uint64_t ns = has_trait(TRAIT_PROMPT) ? 0 : 1000 * 1000;
	enum status st;

	while ((st = accept_late(l, &at, ns)) == ST_OK && ns &&
		ns < PATIENCE)
		ns *= 2;
	CHECK_ST(st, ST_RESET);
	ops->close_listener(l);
}

CASE(refusing_a_client_that_has_gone_does_no_harm)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *c = connect_to(&at);
	struct transport_request *r = take_next(l);

	ops->close(c, false);
	ops->refuse(r, REFUSE_REJECTED);
	CHECK_STAYS(take_gives_nothing(l));
	ops->close_listener(l);
}

/* ---- listeners ------------------------------------------------------- */

CASE(connecting_where_nobody_listens_gives_NOTFOUND)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0), from = client_addr(4);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *c;

	ops->close_listener(l);
	CHECK_ST(try_connect(&from, &at, &c), ST_NOTFOUND);
}

CASE(a_wildcard_listener_does_not_serve_another_hosts_address)
{
	struct addr any = addr_any(4, 0), from = client_addr(4), far;
	struct transport_listener *l = listen_free(&any, false, 1);
	struct transport_conn *c;

	far = addr_v4(192, 0, 2, 1, any.port);
	CHECK_ST(try_connect(&from, &far, &c), ST_NOTFOUND);
	ops->close_listener(l);
}

CASE(listening_at_another_hosts_address_gives_NOTLOCAL)
{
	struct addr far = addr_v4(192, 0, 2, 1, random_port());
	struct transport_listener *l;

	CHECK_ST(ops->listen(&far, false, 1, &l), ST_NOTLOCAL);
}

CASE(connecting_from_another_hosts_address_gives_NOTLOCAL)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct addr far = addr_v4(192, 0, 2, 1, 1234);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *c;

	CHECK_ST(ops->connect(&far, &at, "", 0, &c), ST_NOTLOCAL);
	ops->close_listener(l);
}

static unsigned connects_that_fit(const struct addr *at,
	struct transport_conn **conns, unsigned max)
{
	struct addr from = client_addr(4);
	unsigned n = 0;
	enum status st;

	while (n < max &&
	       (st = try_connect(&from, at, &conns[n])) == ST_OK)
		n++;
	if (n < max)
		CHECK_ST(st, ST_REFUSED);
	return n;
}

static void close_all(struct transport_conn **conns, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ops->close(conns[i], false);
}

static void backlog_of(unsigned backlog)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, backlog);
	struct transport_conn *conns[16], *more;
	struct addr from = client_addr(4);

	CHECK_EQ(connects_that_fit(&at, conns, 16), backlog);
	ops->refuse(take_next(l), REFUSE_REJECTED);
	CHECK_OK(try_connect(&from, &at, &more));
	CHECK_ST(try_connect(&from, &at, &conns[15]), ST_REFUSED);
	ops->close(more, false);
	close_all(conns, backlog);
	ops->close_listener(l);
}

CASE(exactly_the_backlog_of_requests_is_kept)
{
	backlog_of(1);
	backlog_of(2);
	backlog_of(5);
}

CASE(the_backlog_can_be_changed)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *conns[16];

	CHECK_OK(ops->set_backlog(l, 4));
	CHECK_EQ(connects_that_fit(&at, conns, 16), 4);
	close_all(conns, 4);
	ops->close_listener(l);
}

static unsigned count_status(struct transport_conn **conns, unsigned n,
	enum status what)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += ops->status(conns[i], true) == what;
	return count;
}

CASE(a_smaller_backlog_refuses_what_is_queued_beyond_it)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 5);
	struct transport_conn *c[5], *extra;
	struct addr from = client_addr(4);
	struct transport_request *r;

	for (int i = 0; i < 5; i++)
		c[i] = connect_to(&at);
	CHECK_OK(ops->set_backlog(l, 2));
	CHECK_ST(try_connect(&from, &at, &extra), ST_REFUSED);
	CHECK_SOON(count_status(c, 5, ST_REFUSED) == 3);
	CHECK_EQ(count_status(c, 5, ST_PENDING), 2);
	for (int i = 0; i < 2; i++)
		ops->refuse(take_next(l), REFUSE_CLOSING);
	CHECK_ST(ops->take(l, &r), ST_AGAIN);
	for (int i = 0; i < 5; i++)
		ops->close(c[i], false);
	ops->close_listener(l);
}

CASE(a_shut_listener_keeps_what_is_queued_and_takes_no_more)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0), from = client_addr(4);
	struct transport_conn *first, *late, *server;
	struct transport_listener *l;

	if (!ops->shut_listener)
		case_skip("the transport cannot");
	l = listen_free(&at, false, 4);
	first = connect_to(&at);
	ops->shut_listener(l);
	CHECK_ST(try_connect(&from, &at, &late), ST_NOTFOUND);
	CHECK_OK(ops->accept(take_next(l), &server));
	CHECK_SOON_OK(ops->status(first, true));
	ops->close(server, false);
	ops->close(first, false);
	ops->close_listener(l);
}

CASE(requests_are_taken_in_their_order)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0), from = client_addr(4);
	struct transport_listener *l = listen_free(&at, false, 8);
	struct transport_conn *conns[8];

	for (uint16_t i = 0; i < 8; i++) {
		from.port = (uint16_t)(20000 + i);
		CHECK_OK(try_connect(&from, &at, &conns[i]));
	}
	for (uint16_t i = 0; i < 8; i++) {
		struct transport_request *r = take_next(l);

		CHECK_EQ(r->peer.port, 20000 + i);
		ops->refuse(r, REFUSE_REJECTED);
	}
	CHECK_STAYS(take_gives_nothing(l));
	close_all(conns, 8);
	ops->close_listener(l);
}

CASE(closing_a_listener_refuses_what_is_queued)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 4);
	struct transport_conn *a = connect_to(&at), *b = connect_to(&at);

	ops->close_listener(l);
	expect_status(a, ST_TIMEDOUT);
	expect_status(b, ST_TIMEDOUT);
	ops->close(a, false);
	ops->close(b, false);
}

CASE(a_taken_request_outlives_its_listener)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 4);
	struct transport_conn *client = connect_to(&at), *server;
	struct transport_request *r = take_next(l);

	ops->close_listener(l);
	CHECK_OK(ops->accept(r, &server));
	send_text(client, "still here");
	expect_text(server, "still here");
	ops->close(client, false);
	ops->close(server, false);
}

CASE(the_second_listener_of_an_address_gets_nothing)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 4), *second;
	struct transport_conn *c;

	CHECK_OK(ops->listen(&at, false, 4, &second));
	CHECK(ops->listener_handle(second) == OS_NO_HANDLE);
	CHECK_OK(ops->set_backlog(second, 2));
	c = connect_to(&at);
	CHECK_STAYS(take_gives_nothing(second));
	ops->refuse(take_next(l), REFUSE_REJECTED);
	ops->close(c, false);
	ops->close_listener(second);
	ops->close_listener(l);
}

/* ---- which listener -------------------------------------------------- */

static struct addr loopback(uint8_t family, uint16_t port)
{
	struct addr a = addr_any(6, port);

	if (family == 4)
		return addr_v4(127, 0, 0, 1, port);
	a.ip[15] = 1;
	return a;
}

static bool host_has_ipv6(void)
{
	struct addr six = loopback(6, 1);

	return os_address_is_local(&six);
}

/* Not 127.0.0.1. */
static struct addr other_local(uint16_t port)
{
	struct addr list[64];
	unsigned count = 64;

	if (has_trait(TRAIT_ALL_LOOPBACK))
		return addr_v4(127, 9, 9, 9, port);
	CHECK_OK(ops->addresses(list, &count));
	for (unsigned i = 0; i < count; i++) {
		list[i].port = port;
		if (list[i].family == 4 && !addr_is_loopback(&list[i]))
			return list[i];
	}
	case_skip("no other IPv4 address here");
}

/* Who connects to `to` is found by l and sees this destination. */
static void reaches(const struct addr *to, struct transport_listener *l)
{
	struct transport_conn *c = connect_to(to);
	struct transport_request *r = take_next(l);

	CHECK(addr_equal(&r->local, to));
	ops->refuse(r, REFUSE_REJECTED);
	ops->close(c, false);
}

static void reaches_nobody(const struct addr *to)
{
	struct addr from = client_addr(to->family);
	struct transport_conn *c;

	CHECK_ST(try_connect(&from, to, &c), ST_NOTFOUND);
}

CASE(an_ipv4_wildcard_serves_every_local_ipv4_address)
{
	struct addr any = addr_any(4, 0), one, two;
	struct transport_listener *l = listen_free(&any, false, 1);

	one = addr_v4(127, 0, 0, 1, any.port);
	two = other_local(any.port);
	reaches(&one, l);
	reaches(&two, l);
	if (host_has_ipv6()) {
		struct addr six = loopback(6, any.port);

		reaches_nobody(&six);
	}
	ops->close_listener(l);
}

CASE(a_specific_address_serves_no_other)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0), other;
	struct transport_listener *l = listen_free(&at, false, 1);

	other = addr_v4(127, 0, 0, 2, at.port);
	reaches_nobody(&other);
	ops->close_listener(l);
}

CASE(a_specific_address_beats_a_wildcard)
{
	struct addr any = addr_any(4, 0), one, two;
	struct transport_listener *wild = listen_free(&any, false, 1), *l;

	one = addr_v4(127, 0, 0, 1, any.port);
	two = other_local(any.port);
	CHECK_OK(ops->listen(&one, false, 1, &l));
	reaches(&one, l);
	reaches(&two, wild);
	ops->close_listener(l);
	reaches(&one, wild);
	ops->close_listener(wild);
}

CASE(ipv6_loopback_works)
{
	struct addr at = loopback(6, 0);
	struct transport_listener *l;

	if (!host_has_ipv6())
		case_skip("no IPv6 here");
	l = listen_free(&at, false, 1);
	reaches(&at, l);
	ops->close_listener(l);
}

CASE(a_dual_stack_wildcard_serves_both_families)
{
	struct addr any = addr_any(6, 0), four, six;
	struct transport_listener *l = listen_free(&any, false, 1);

	four = loopback(4, any.port);
	six = loopback(6, any.port);
	reaches(&four, l);
	if (host_has_ipv6())
		reaches(&six, l);
	ops->close_listener(l);
}

CASE(an_ipv6_only_wildcard_serves_ipv6_only)
{
	struct addr any = addr_any(6, 0), four, six;
	struct transport_listener *l = listen_free(&any, true, 1);

	four = loopback(4, any.port);
	six = loopback(6, any.port);
	reaches_nobody(&four);
	if (host_has_ipv6())
		reaches(&six, l);
	ops->close_listener(l);
}

CASE(the_family_wildcard_beats_the_dual_stack_one)
{
	struct addr dual = addr_any(6, 0), any, four;
	struct transport_listener *d = listen_free(&dual, false, 1), *l;

	any = addr_any(4, dual.port);
	four = loopback(4, dual.port);
	CHECK_OK(ops->listen(&any, false, 1, &l));
	reaches(&four, l);
	ops->close_listener(l);
	reaches(&four, d);
	ops->close_listener(d);
}

CASE_NEEDS(the_addresses_include_loopback, TRAIT_OFFERS_LOOPBACK)
{
	struct addr list[64], lo = addr_v4(127, 0, 0, 1, 0);
	unsigned count = 64;
	bool found = false;

	CHECK_OK(ops->addresses(list, &count));
	for (unsigned i = 0; i < count; i++)
		found = found || addr_same_ip(&list[i], &lo);
	CHECK(found);
}
