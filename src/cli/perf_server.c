/* SPDX-License-Identifier: MIT */
#include "perf_server.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "host.h"
#include "message.h"
#include "os/os.h"
#include "perf_peer.h"

enum { GUESTS = 16 };

/* ---- one client ------------------------------------------------------- */

/* Sends back what came, from where it lies: the slot is free again only when
 * it has left. */
static int echo_one(struct perf_peer *p, uint32_t expected)
{
	char *data, *slot;
	uint32_t len;
	int code = perf_peer_receive(p, PERF_IDLE, &data, &len);

	if (code)
		return code;
	if (len != expected)
		return WSAEPROTOTYPE;
	code = perf_peer_slot(p, &slot);
	if (code)
		return code;
	memcpy(slot, data, len);
	code = perf_peer_taken(p);
	return code ? code : perf_peer_send(p, len);
}

static int echo(struct perf_peer *p, const struct perf_command *c)
{
	uint32_t pieces = perf_pieces(c->size, p->longest);
	int code = 0;

	for (uint32_t i = 0; i < c->count && !code; i++)
		for (uint32_t n = 0; n < pieces && !code; n++)
			code = echo_one(p, perf_piece(c->size, p->longest, n));
	return code;
}

static int ack(struct perf_peer *p, uint64_t messages)
{
	char *slot;
	int code = perf_peer_slot(p, &slot);

	if (code)
		return code;
	le_put64(slot, messages);
	return perf_peer_send(p, PERF_ACK_SIZE);
}

static int sink(struct perf_peer *p, const struct perf_command *c)
{
	uint32_t pieces = perf_pieces(c->size, p->longest);
	uint64_t all = (uint64_t)c->count * pieces;
	int code = 0;

	for (uint64_t n = 0; n < all && !code; n++) {
		uint32_t expected = perf_piece(c->size, p->longest,
			(uint32_t)(n % pieces));
		char *data;
		uint32_t len;

		code = perf_peer_receive(p, PERF_PATIENCE, &data, &len);
		if (!code && len != expected)
			code = WSAEPROTOTYPE;
		if (!code)
			code = perf_peer_taken(p);
		if (!code && ((n + 1) % PERF_ACK_EVERY == 0 || n + 1 == all))
			code = ack(p, n + 1);
	}
	return code;
}

static int obey(struct perf_peer *p, const struct perf_command *c)
{
	if (c->operation == PERF_SYNC)
		return perf_peer_command(p, c);
	if (c->operation == PERF_HELLO ||
		perf_pieces(c->size, p->longest) > PERF_WINDOW)
		return WSAEPROTOTYPE;
	return c->operation == PERF_ECHO ? echo(p, c) : sink(p, c);
}

/* Until the client goes, or does something it should not. */
static void serve_peer(const struct link *l)
{
	struct perf_peer p;
	struct perf_command c;
	int code = perf_peer_open(&p, l);

	if (code)
		return;
	code = perf_peer_welcome(&p);
	while (!code) {
		code = perf_peer_receive_command(&p, PERF_IDLE, &c);
		if (!code)
			code = obey(&p, &c);
	}
	perf_peer_close(&p);
}

/* ---- all of them ------------------------------------------------------ */

struct guest {
	struct os_thread thread;
	struct link link;
	bool there;
	atomic_bool gone;
};

static void host_guest(void *arg)
{
	struct guest *g = arg;

	serve_peer(&g->link);
	atomic_store(&g->gone, true);
}

static void say_goodbye(struct guest *g)
{
	os_thread_join(&g->thread);
	g->there = false;
}

/* A free place, or NULL. */
static struct guest *find_place(struct guest guests[GUESTS])
{
	struct guest *found = NULL;

	for (unsigned i = 0; i < GUESTS; i++) {
		if (guests[i].there && atomic_load(&guests[i].gone))
			say_goodbye(&guests[i]);
		if (!guests[i].there)
			found = &guests[i];
	}
	return found;
}

/* Who finds no place is let go: that is an answer, too. */
static void receive_guest(struct guest guests[GUESTS], const struct link *l)
{
	struct guest *g = find_place(guests);

	if (g) {
		g->link = *l;
		atomic_store(&g->gone, false);
		g->there = os_thread_start(&g->thread, "wsd perf", host_guest,
			g) == ST_OK;
	}
	if (!g || !g->there) {
		message("too many clients at once");
		g = NULL;
	}
	if (!g) {
		struct link refused = *l;

		link_close(&refused);
	}
}

static int receive_guests(struct link_listener *l)
{
	struct guest *guests = calloc(GUESTS, sizeof *guests);
	struct link link;
	int code = guests ? 0 : WSAENOBUFS;

	while (!code) {
		code = link_accept(l, OS_FOREVER, &link);
		if (!code)
			receive_guest(guests, &link);
	}
	for (unsigned i = 0; guests && i < GUESTS; i++)
		if (guests[i].there)
			say_goodbye(&guests[i]);
	free(guests);
	return code;
}

static int serve(struct link_listener *l)
{
	char text[LINK_TEXT_MAX];
	int code = receive_guests(l);

	link_listener_close(l);
	if (code == LINK_INTERRUPTED)
		return 0;
	message("cannot accept connections: %s", link_text(code, text));
	return 1;
}

int perf_serve(struct spi_client *c, const struct addr *at,
	void (*ready)(const struct addr *at))
{
	char text[LINK_TEXT_MAX], where[ADDR_TEXT_MAX];
	struct link_listener l;
	int code = link_listen(c, at, &l);

	if (code) {
		message("cannot listen on %s: %s", addr_text(at, where),
			link_text(code, text));
		return 1;
	}
	ready(at);
	return serve(&l);
}

const char *server_hint(const struct spi_client *c, char text[SERVER_HINT_MAX])
{
	text[0] = '\0';
	if (!(c->can.dwFlags & WSD_CAP_SAME_HOST))
		snprintf(text, SERVER_HINT_MAX, " --provider %.40s",
			spi_client_name(c));
	return text;
}

/* ---- as a child ------------------------------------------------------- */

enum { CHILD_SECONDS = 24 * 3600, PORT_FIRST = 32768, PORTS = 28000 };
enum { CHILD_TRIES = 20 };

/* Where the two ends of one command meet. An address with a scope cannot be
 * told as HOST. */
static bool meeting_place(const struct spi_client *c, struct addr *out)
{
	bool found = false;

	for (unsigned i = 0; i < c->address_count; i++) {
		const struct addr *a = &c->addresses[i];

		if (addr_is_loopback(a) || (!found && !a->scope)) {
			*out = *a;
			found = true;
		}
		if (addr_is_loopback(a))
			break;
	}
	return found;
}

static int listen_somewhere(struct spi_client *c, struct addr *at,
	struct link_listener *l)
{
	int code = WSAEADDRINUSE;

	for (int i = 0; i < CHILD_TRIES && code == WSAEADDRINUSE; i++) {
		uint16_t chance = 0;

		os_random(&chance, sizeof chance);
		at->port = (uint16_t)(PORT_FIRST + chance % PORTS);
		code = link_listen(c, at, l);
	}
	return code;
}

int perf_child_serve(struct spi_client *c)
{
	char text[LINK_TEXT_MAX], line[ADDR_TEXT_MAX + 16];
	struct link_listener l;
	struct addr at;
	int code = meeting_place(c, &at) ? listen_somewhere(c, &at, &l)
					 : WSAEADDRNOTAVAIL;

	if (code) {
		message("the other end cannot listen: %s",
			link_text(code, text));
		return 1;
	}
	addr_text(&at, line);
	if (os_parent_tell(line) != ST_OK) {
		link_listener_close(&l);
		return 1;
	}
	return serve(&l);
}

bool perf_child_start(const char *library, struct os_child *child,
	struct addr *at)
{
	const char *arguments[] = {"perf", "--server", "--child", "--provider",
		library, NULL};
	char line[OS_LINE_MAX];

	if (os_child_start(arguments, CHILD_SECONDS, child) != ST_OK) {
		message("cannot start the other end");
		return false;
	}
	if (os_child_hear(child, line, PERF_PATIENCE) == ST_OK &&
		host_parse(line, at))
		return true;
	message("the other end does not come up");
	os_child_end(child, true);
	return false;
}
