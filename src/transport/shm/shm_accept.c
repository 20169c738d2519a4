/* SPDX-License-Identifier: MIT */
/*
 * shm_accept.c - from a link in a listener's queue to a connection.
 *
 * The client is a stranger until all it says has been checked: the message's
 * length and numbers, the segment (fixed in size for ever, as large as said),
 * the address it claims to come from, and that it asks for something that this
 * listener offers. Who fails is dropped and sees a reset.
 */
#include <stdlib.h>
#include <string.h>

#include "transport/shm/shm_conn.h"
#include "transport/shm/shm_listener.h"
#include "transport/shm/shm_name.h"
#include "transport/shm/shm_ops.h"

/* Queue entries looked at in one call. */
#define TAKE_TRIES 16

/* ---- a request's memory ---------------------------------------------- */

static struct shm_taken *taken_alloc(void)
{
	struct shm_taken *t = calloc(1, sizeof *t);
	struct transport_conn *c = shm_conn_alloc();

	if (!t || !c) {
		free(t);
		free(c);
		return NULL;
	}
	t->conn = c;
	t->link = OS_NO_HANDLE;
	t->segment = OS_NO_HANDLE;
	return t;
}

void shm_taken_drop(struct shm_taken *t)
{
	os_handle_close(t->link);
	os_handle_close(t->segment);
	free(t->conn);
	free(t);
}

/* ---- checking -------------------------------------------------------- */

static bool addr_read(const struct shm_wire_addr *w, struct addr *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	memcpy(out->ip, w->ip, sizeof out->ip);
	out->port = w->port;
	out->family = w->family;
	out->pad = 0;
	out->scope = w->scope;
	if (w->pad != 0 || w->port == 0)
		return false;
	if (w->family == 4)
		return w->scope == 0 &&
			memcmp(w->ip, mapped, sizeof mapped) == 0;
	return w->family == 6 && memcmp(w->ip, mapped, sizeof mapped) != 0;
}

/* May this peer say it comes from there? */
static bool may_speak_for(const struct os_peer *who, const struct addr *from)
{
	if (addr_is_any(from) || !os_address_is_local(from))
		return false;
	return from->port >= os_first_user_port() || who->uid == 0;
}

static bool request_valid(const struct transport_listener *l,
	const struct shm_request *m, size_t len, struct transport_request *out)
{
	if (len != sizeof *m || m->magic != SHM_MAGIC ||
	    m->version != SHM_VERSION || m->len != sizeof *m)
		return false;
	if (m->private_len > SHM_PRIVATE_MAX || m->pad != 0 ||
	    shm_ring_size_for(m->segment_size) == 0)
		return false;
	if (!addr_read(&m->from, &out->peer) || !addr_read(&m->to, &out->local))
		return false;
	if (addr_is_any(&out->local) || !os_address_is_local(&out->local) ||
	    !shm_name_serves(&l->local, l->only_v6, &out->local))
		return false;
	if (!may_speak_for(&out->who, &out->peer))
		return false;
	out->private_len = m->private_len;
	memcpy(out->private_data, m->private_data, m->private_len);
	return true;
}

/* ---- taking ---------------------------------------------------------- */

/* Is there room for one more handle? */
static bool has_room(struct transport_listener *l)
{
	os_handle probe;

	if (os_handle_duplicate(l->handle, &probe) != ST_OK)
		return false;
	os_handle_close(probe);
	return true;
}

static uint64_t patience(const struct transport_listener *l)
{
	if (l->closing)
		return 0;
	return l->impatient ? SHM_HASTE_NS : SHM_PATIENCE_NS;
}

static enum status listen_for(struct shm_taken *t, size_t *len,
	unsigned *count, uint64_t ns)
{
	*len = sizeof t->message;
	*count = 1;
	return os_link_receive(t->link, &t->message, len, &t->segment, count,
		ns);
}

/* ST_OK received and plausible; ST_PROTOCOL drop it. */
static enum status hear(struct transport_listener *l, struct shm_taken *t)
{
	unsigned count;
	size_t len;
	enum status st = listen_for(t, &len, &count, 0);

	if (st == ST_TIMEDOUT) {
		/* A client that speaks from now on knows that it may be late
		 * (shm_connect.c). */
		os_link_ring(t->link);
		st = listen_for(t, &len, &count, patience(l));
	}
	if (st == ST_TIMEDOUT)
		l->impatient = true;
	if (st != ST_OK)
		return ST_PROTOCOL;
	l->impatient = false;
	if (count != 1) {
		t->segment = OS_NO_HANDLE;
		return ST_PROTOCOL;
	}
	return request_valid(l, &t->message, len, &t->pub) ? ST_OK :
		ST_PROTOCOL;
}

/* ST_OK, ST_NOMEM (t stays as it is), ST_PROTOCOL. */
static enum status map_request(struct shm_taken *t)
{
	size_t size = t->message.segment_size;
	void *base;
	enum status st = os_segment_map(t->segment, size, &size, &base);

	if (st != ST_OK)
		return st == ST_NOMEM ? ST_NOMEM : ST_PROTOCOL;
	if (shm_segment_check(base, size) != ST_OK) {
		os_segment_unmap(base, size);
		return ST_PROTOCOL;
	}
	shm_conn_init(t->conn, SHM_SERVER, base, size, t->link, t->segment,
		&t->pub.who);
	atomic_store(&t->conn->segment->heard, 1);
	return ST_OK;
}

/*
 * With no room for the segment's handle: what is needed of it is the mapping.
 */
struct apart {
	struct transport_listener *l;
	struct shm_taken *t;
	enum status st;
};

static void hear_and_map(void *arg)
{
	struct apart *a = arg;
	os_handle segment;

	a->st = hear(a->l, a->t);
	if (a->st != ST_OK)
		return;
	a->st = map_request(a->t);
	segment = a->t->segment;
	a->t->segment = OS_NO_HANDLE;
	if (a->st == ST_OK) {
		shm_conn_forget_segment(a->t->conn);
		a->t->mapped = true;
	}
	os_handle_close(segment);
}

static enum status hear_apart(struct transport_listener *l, struct shm_taken *t)
{
	struct apart a = {l, t, ST_PROTOCOL};
	enum status st = os_run_apart(t->link, hear_and_map, &a);

	/* The link has left the queue, so this request is lost. */
	return st == ST_OK && a.st == ST_OK ? ST_OK : ST_PROTOCOL;
}

/* The next of the queue: ST_OK; ST_AGAIN none; ST_PROTOCOL one was dropped;
 * ST_NOMEM, ST_NOHANDLES: none was taken. */
static enum status next_heard(struct transport_listener *l,
	struct shm_taken **out)
{
	struct shm_taken *t = taken_alloc();
	enum status st;

	if (!t)
		return ST_NOMEM;
	st = os_link_accept(l->handle, &t->link, &t->pub.who);
	if (st != ST_OK) {
		t->link = OS_NO_HANDLE;
		shm_taken_drop(t);
		return st;
	}
	st = has_room(l) ? hear(l, t) : hear_apart(l, t);
	if (st != ST_OK) {
		shm_taken_drop(t);
		return st;
	}
	*out = t;
	return ST_OK;
}

static enum status take_one(struct transport_listener *l,
	struct transport_request **out)
{
	struct shm_taken *t = l->held;
	enum status st = t ? ST_OK : next_heard(l, &t);

	l->held = NULL;
	if (st != ST_OK)
		return st;
	st = t->mapped ? ST_OK : map_request(t);
	if (st == ST_OK)
		*out = &t->pub;
	else if (st == ST_NOMEM)
		l->held = t;
	else
		shm_taken_drop(t);
	return st;
}

enum status shm_take(struct transport_listener *l,
	struct transport_request **out)
{
	if (l->handle == OS_NO_HANDLE)
		return ST_AGAIN;
	for (int i = 0; i < TAKE_TRIES; i++) {
		enum status st = take_one(l, out);

		if (st != ST_PROTOCOL)
			return st;
	}
	return ST_AGAIN;
}

/* ---- answering ------------------------------------------------------- */

enum status shm_accept(struct transport_request *r,
	struct transport_conn **out)
{
	struct shm_taken *t = (struct shm_taken *)r;
	struct transport_conn *c = t->conn;

	free(t);
	/* A peer that has gone again without a word has withdrawn its request
	 * (R112); one that has sent something early shall be heard. */
	if (!shm_going_on(shm_conn_look_closely(c, true)) &&
	    !ring_readable(&c->rx)) {
		shm_conn_free(c);
		return ST_RESET;
	}
	shm_self_publish(c);
	atomic_store(&c->segment->state, SHM_ACCEPTED);
	shm_conn_ring(c);
	*out = c;
	return ST_OK;
}

void shm_refuse(struct transport_request *r, enum transport_refusal why)
{
	struct shm_taken *t = (struct shm_taken *)r;
	struct shm_segment *s = t->conn->segment;

	atomic_store(&s->refusal, (uint32_t)why);
	atomic_store(&s->state, SHM_REFUSED);
	shm_conn_free(t->conn);
	free(t);
}
