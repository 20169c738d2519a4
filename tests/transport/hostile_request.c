/* SPDX-License-Identifier: MIT */
/* Strangers at the rendezvous of the shm transport. */
#include <string.h>

#include "pair.h"
#include "process.h"
#include "transport/shm/shm_conn.h"
#include "transport/shm/shm_name.h"

/* ---- a client made by hand ------------------------------------------- */

struct stranger {
	struct shm_request message;
	size_t len;
	os_handle handles[2];
	unsigned count;
};

static struct shm_wire_addr wire(const struct addr *a)
{
	struct shm_wire_addr w = {.port = a->port, .family = a->family,
		.scope = a->scope};

	memcpy(w.ip, a->ip, sizeof w.ip);
	return w;
}

static os_handle good_segment(void)
{
	size_t size = SHM_SEGMENT_SIZE(SHM_RING_SIZE);
	os_handle h;
	void *base;

	CHECK_OK(os_segment_create(size, &h));
	CHECK_OK(os_segment_map(h, size, &size, &base));
	shm_segment_init(base, size);
	os_segment_unmap(base, size);
	return h;
}

/* What an honest client would say. */
static struct stranger honest(const struct addr *to)
{
	struct addr from = client_addr(to->family);
	struct stranger s = {
		.message = {
			.magic = SHM_MAGIC,
			.version = SHM_VERSION,
			.len = sizeof s.message,
			.segment_size = SHM_SEGMENT_SIZE(SHM_RING_SIZE),
			.from = wire(&from),
			.to = wire(to),
		},
		.len = sizeof s.message,
		.handles = {good_segment(), OS_NO_HANDLE},
		.count = 1,
	};

	return s;
}

static os_handle knock(const struct addr *to)
{
	struct shm_name names[SHM_NAME_TRIES];
	os_handle link;

	shm_names_wanted(to, names);
	CHECK_OK(os_link_connect(names[0].text, &link, NULL));
	return link;
}

/* True when the listener takes it. */
static bool passes(struct transport_listener *l, const struct addr *at,
	const struct stranger *s)
{
	os_handle link = knock(at);
	struct transport_request *r;
	enum status st;

	CHECK_OK(os_link_send(link, &s->message, s->len, s->handles,
		s->count));
	st = ops->take(l, &r);
	if (st == ST_OK)
		ops->refuse(r, REFUSE_REJECTED);
	else
		CHECK_ST(st, ST_AGAIN);
	os_handle_close(link);
	return st == ST_OK;
}

static void still_serves(struct transport_listener *l, const struct addr *at)
{
	struct transport_conn *client = connect_to(at), *server;

	CHECK_OK(ops->accept(take_next(l), &server));
	send_text(client, "honest");
	expect_text(server, "honest");
	ops->close(client, false);
	ops->close(server, false);
}

static void serves_to_the_end(struct transport_listener *l,
	const struct addr *at)
{
	still_serves(l, at);
	ops->close_listener(l);
}

static struct transport_listener *victim(struct addr *at)
{
	*at = addr_v4(127, 0, 0, 1, 0);
	return listen_free(at, false, 64);
}

/* ---- messages -------------------------------------------------------- */

CASE(hostile_the_hand_made_request_is_taken_when_it_is_right)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	CHECK(passes(l, &at, &s));
	serves_to_the_end(l, &at);
}

CASE(hostile_requests_of_another_length_are_dropped)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	for (size_t len = 0; len < sizeof s.message; len += 5) {
		s.len = len;
		CHECK(!passes(l, &at, &s));
	}
	serves_to_the_end(l, &at);
}

/* Fields that must be right: flip each of their bits. */
static void flipping_is_noticed(struct transport_listener *l,
	const struct addr *at, size_t offset, size_t len)
{
	struct stranger s = honest(at);
	uint8_t *bytes = (uint8_t *)&s.message;

	for (size_t bit = 8 * offset; bit < 8 * (offset + len); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (passes(l, at, &s))
			FAIL("bit %zu does not matter", bit);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	os_handle_close(s.handles[0]);
}

#define FIELD(f) offsetof(struct shm_request, f), \
	sizeof((struct shm_request *)0)->f

CASE(hostile_requests_with_a_wrong_bit_are_dropped)
{
	struct addr at;
	struct transport_listener *l = victim(&at);

	flipping_is_noticed(l, &at, FIELD(magic));
	flipping_is_noticed(l, &at, FIELD(version));
	flipping_is_noticed(l, &at, FIELD(len));
	flipping_is_noticed(l, &at, FIELD(segment_size));
	flipping_is_noticed(l, &at, FIELD(to));
	flipping_is_noticed(l, &at, FIELD(pad));
	flipping_is_noticed(l, &at, FIELD(from.ip[12]));
	flipping_is_noticed(l, &at, FIELD(from.family));
	flipping_is_noticed(l, &at, FIELD(from.pad));
	flipping_is_noticed(l, &at, FIELD(from.scope));
	serves_to_the_end(l, &at);
}

CASE(hostile_requests_for_another_port_of_a_wildcard_are_dropped)
{
	struct addr any = addr_any(4, 0), at;
	struct transport_listener *l = listen_free(&any, false, 4);
	struct shm_name name;
	struct stranger s;
	os_handle link;

	at = addr_v4(127, 0, 0, 1, any.port);
	s = honest(&at);
	s.message.to.port++;
	shm_name_offered(&any, false, &name);
	CHECK_OK(os_link_connect(name.text, &link, NULL));
	CHECK_OK(os_link_send(link, &s.message, s.len, s.handles, 1));
	CHECK(take_gives_nothing(l));
	os_handle_close(link);
	serves_to_the_end(l, &at);
}

CASE(hostile_requests_with_too_much_private_data_are_dropped)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	s.message.private_len = SHM_PRIVATE_MAX;
	CHECK(passes(l, &at, &s));
	s.message.private_len = SHM_PRIVATE_MAX + 1;
	CHECK(!passes(l, &at, &s));
	s.message.private_len = UINT32_MAX;
	CHECK(!passes(l, &at, &s));
	serves_to_the_end(l, &at);
}

CASE(hostile_requests_from_port_0_or_another_host_are_dropped)
{
	struct addr at, far = addr_v4(192, 0, 2, 1, 5000);
	struct addr any = addr_any(4, 5000), none = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	s.message.from = wire(&far);
	CHECK(!passes(l, &at, &s));
	s.message.from = wire(&any);
	CHECK(!passes(l, &at, &s));
	s.message.from = wire(&none);
	CHECK(!passes(l, &at, &s));
	serves_to_the_end(l, &at);
}

CASE(hostile_requests_from_a_port_of_root_are_taken_from_root_only)
{
	struct addr at, root = addr_v4(127, 0, 0, 1, 1);
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	if (os_first_user_port() < 2)
		case_skip("every port is free for all here");
	s.message.from = wire(&root);
	CHECK(passes(l, &at, &s) == (os_user_id() == 0));
	serves_to_the_end(l, &at);
}

CASE(hostile_random_requests_are_dropped)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	uint8_t noise[OS_LINK_MESSAGE_MAX];

	for (unsigned i = 0; i < case_rounds(2000); i++) {
		os_handle link = knock(&at);
		uint16_t len;

		CHECK_OK(os_random(noise, sizeof noise));
		CHECK_OK(os_random(&len, sizeof len));
		CHECK_OK(os_link_send(link, noise, len % sizeof noise, NULL,
			0));
		CHECK(take_gives_nothing(l));
		os_handle_close(link);
	}
	serves_to_the_end(l, &at);
}

CASE(hostile_doorbells_instead_of_a_request_are_dropped)
{
	struct addr at;
	struct transport_listener *l = victim(&at);

	for (int i = 0; i < 50; i++) {
		os_handle link = knock(&at);

		for (int n = 0; n < 400; n++)
			os_link_ring(link);
		CHECK(take_gives_nothing(l));
		CHECK_ST(os_link_alive(link), ST_CLOSED);
		os_handle_close(link);
	}
	serves_to_the_end(l, &at);
}

/* ---- handles --------------------------------------------------------- */

CASE(hostile_requests_without_their_one_handle_are_dropped)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	s.count = 0;
	CHECK(!passes(l, &at, &s));
	s.count = 1;
	s.handles[0] = ops->listener_handle(l); /* not memory at all */
	CHECK(!passes(l, &at, &s));
	serves_to_the_end(l, &at);
}

CASE(hostile_surplus_handles_are_not_kept)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	s.handles[1] = s.handles[0];
	s.count = 2;
	process_limit_handles(8);
	for (int i = 0; i < 100; i++)
		passes(l, &at, &s);
	serves_to_the_end(l, &at);
}

CASE(hostile_segments_that_could_shrink_are_dropped)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	s.handles[0] = process_unsealed_segment(s.message.segment_size);
	CHECK(!passes(l, &at, &s));
	serves_to_the_end(l, &at);
}

CASE(hostile_segments_of_another_size_than_told_are_dropped)
{
	static const size_t sizes[] = {4096, SHM_SEGMENT_SIZE(0),
		SHM_SEGMENT_SIZE(SHM_RING_SIZE) - 4096,
		SHM_SEGMENT_SIZE(SHM_RING_SIZE) + 4096,
		SHM_SEGMENT_SIZE(2 * SHM_RING_SIZE)};
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);

	for (int i = 0; i < 5; i++) {
		CHECK_OK(os_segment_create(sizes[i], &s.handles[0]));
		CHECK(!passes(l, &at, &s));
		s.message.segment_size = sizes[i]; /* but nothing in it */
		CHECK(!passes(l, &at, &s));
		s.message.segment_size = SHM_SEGMENT_SIZE(SHM_RING_SIZE);
		os_handle_close(s.handles[0]);
	}
	serves_to_the_end(l, &at);
}

CASE(hostile_segments_that_say_something_else_are_dropped)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct stranger s = honest(&at);
	size_t size = s.message.segment_size;
	struct shm_segment *seg;
	void *base;

	CHECK_OK(os_segment_map(s.handles[0], size, &size, &base));
	seg = base;
	atomic_store(&seg->magic, 1);
	CHECK(!passes(l, &at, &s));
	shm_segment_init(seg, size);
	atomic_store(&seg->version, SHM_VERSION + 1);
	CHECK(!passes(l, &at, &s));
	shm_segment_init(seg, size);
	atomic_store(&seg->ring_size, 2 * SHM_RING_SIZE);
	CHECK(!passes(l, &at, &s));
	shm_segment_init(seg, size);
	CHECK(passes(l, &at, &s));
	os_segment_unmap(base, size);
	serves_to_the_end(l, &at);
}

/* ---- silence --------------------------------------------------------- */

CASE(hostile_silent_clients_cost_a_server_next_to_nothing)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	os_handle links[60];
	uint64_t before, best = UINT64_MAX;

	for (int i = 0; i < 60; i++)
		links[i] = knock(&at);
	before = os_now();
	/* The quickest of some rounds, as this machine may be busy. */
	for (int i = 0; i < 5; i++) {
		uint64_t start = os_now(), took;

		CHECK(take_gives_nothing(l));
		took = os_now() - start;
		best = took < best ? took : best;
	}
	CHECK(best < case_seconds() * UINT64_C(1000000));
	/* Some systems let them be silent a little longer. */
	for (int i = 0; i < 60; i++) {
		while (os_link_alive(links[i]) == ST_OK &&
			os_now() - before < PATIENCE) {
			CHECK(take_gives_nothing(l));
			os_sleep(1000 * 1000);
		}
		CHECK_ST(os_link_alive(links[i]), ST_CLOSED);
		os_handle_close(links[i]);
	}
	serves_to_the_end(l, &at);
}

CASE(hostile_silence_does_not_keep_a_listener_from_closing)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	os_handle link = knock(&at);

	ops->close_listener(l);
	CHECK_ST(os_link_alive(link), ST_CLOSED);
	os_handle_close(link);
}

/* A listener that hangs up on the first `rude` callers. */
struct rude {
	os_handle listener;
	unsigned rude;
	_Atomic bool stop;
};

static void run_rude(void *arg)
{
	struct rude *r = arg;
	os_handle link;

	while (!atomic_load(&r->stop))
		if (r->rude > 0 && os_link_accept(r->listener, &link, NULL) ==
			ST_OK) {
			os_handle_close(link);
			r->rude--;
		}
}

/* Whether our request came before it hung up cannot be known. */
static void calls_a_rude_listener(unsigned rude, enum status otherwise)
{
	struct addr at = addr_v4(127, 0, 0, 1, random_port());
	struct addr from = client_addr(4);
	struct rude r = {.rude = rude};
	struct transport_conn *c;
	struct shm_name name;
	struct os_thread t;
	enum status st;

	shm_name_offered(&at, false, &name);
	CHECK_OK(os_listen(name.text, 8, &r.listener));
	CHECK_OK(os_thread_start(&t, "rude", run_rude, &r));
	for (int i = 0; i < 20; i++) {
		st = ops->connect(&from, &at, "", 0, &c);
		if (st == ST_OK)
			ops->close(c, false);
		else
			CHECK(st == otherwise || st == ST_REFUSED);
	}
	atomic_store(&r.stop, true);
	os_thread_join(&t);
	os_handle_close(r.listener);
}

CASE(a_listener_that_hangs_up_is_called_again_but_not_for_ever)
{
	calls_a_rude_listener(1, ST_REFUSED);
	calls_a_rude_listener(3, ST_REFUSED);
	calls_a_rude_listener(UINT32_MAX, ST_NOTFOUND);
}

/* ---- not hostile, but poor ------------------------------------------- */

CASE(without_a_free_handle_a_request_stays_queued)
{
	struct addr at;
	struct transport_listener *l = victim(&at);
	struct transport_conn *client = connect_to(&at), *server;
	struct transport_request *r;
	os_handle taken;

	process_limit_handles(1);
	CHECK_OK(os_handle_duplicate(ops->handle(client), &taken));
	CHECK_ST(ops->take(l, &r), ST_NOHANDLES);
	os_handle_close(taken);
	/* Room for one is enough: of the segment only the mapping is needed. */
	CHECK_OK(ops->take(l, &r));
	CHECK_OK(ops->accept(r, &server));
	CHECK_ST(os_handle_duplicate(ops->handle(client), &taken),
		ST_NOHANDLES);
	send_text(client, "patience");
	expect_text(server, "patience");
	ops->close(client, false);
	ops->close(server, false);
	ops->close_listener(l);
}

CASE(without_free_handles_connecting_says_so_and_leaks_nothing)
{
	struct addr at, from = client_addr(4);
	struct transport_listener *l = victim(&at);
	struct transport_conn *c;

	process_limit_handles(1);
	for (int i = 0; i < 10; i++)
		CHECK_ST(ops->connect(&from, &at, "", 0, &c), ST_NOHANDLES);
	process_limit_handles(2);
	c = connect_to(&at);
	ops->close(c, false);
	ops->close_listener(l);
}
