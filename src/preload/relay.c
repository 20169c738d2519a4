/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sockaddr.h"
#include "option.h"
#include "real.h"
#include "sys.h"

#define BUFFER_BYTES 65536

enum { SAN, TCP };

/* What came from one side and goes to the other. */
struct way {
	int from, to;
	uint32_t at, end; /* of what is in the buffer */
	bool over;        /* nothing more comes */
	bool shut;        /* and the other side knows */
	uint8_t *buffer;
};

struct relay {
	struct relay *next, **link; /* lock */
	int fd[2];
	uint32_t watched[2]; /* epoll events that are asked for */
	struct way ways[2];  /* by the side they come from */
};

static struct guard lock;
static struct relay *relays;
static int set = -1; /* epoll */
static struct os_thread thread;

/* ---- two connected kernel sockets ------------------------------------- */

/* The family of the program's socket, this host's address, any port. */
static int bind_near(struct sock *s, int fd, struct addr a)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	sock_put_name(s, &a, (struct sockaddr *)&sa, &len);
	return real.bind(fd, (struct sockaddr *)&sa, len);
}

static struct addr without_port(struct addr a)
{
	a.port = 0;
	return a;
}

/* The receiver sees the connection's peer as its own, if that is possible. */
static void bind_as_peer(struct sock *s, int fd)
{
	struct addr peer;
	int on = 1;

	sw_conn_peer(s->conn, &peer);
	real.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind_near(s, fd, peer) < 0)
		bind_near(s, fd, without_port(peer));
}

static bool same_name(const struct sockaddr_storage *a,
	const struct sockaddr_storage *b)
{
	struct addr x, y;

	return addr_from_sockaddr((const void *)a, sizeof *a, &x) &&
		addr_from_sockaddr((const void *)b, sizeof *b, &y) &&
		addr_same_ip(&x, &y) && x.port == y.port;
}

/* Whoever else finds the port is not let in. */
static int accept_own(int listener, int client)
{
	struct sockaddr_storage own, peer;
	socklen_t len = sizeof own;

	memset(&own, 0, sizeof own);
	if (real.getsockname(client, (struct sockaddr *)&own, &len) < 0)
		return -1;
	for (int tries = 0; tries < 16; tries++) {
		int fd;

		len = sizeof peer;
		memset(&peer, 0, sizeof peer);
		fd = real.accept4(listener, (struct sockaddr *)&peer, &len,
			SOCK_CLOEXEC);
		fdtable_fresh(fd);
		if (fd < 0 || same_name(&own, &peer))
			return fd;
		sys_close(fd);
	}
	return -1;
}

static int connect_pair(struct sock *s, int listener, int client)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct addr local;

	sw_conn_local(s->conn, &local);
	bind_as_peer(s, client);
	if (bind_near(s, listener, without_port(local)) < 0 ||
		real.listen(listener, 1) < 0 ||
		real.getsockname(listener, (struct sockaddr *)&sa, &len) < 0 ||
		real.connect(client, (struct sockaddr *)&sa, len) < 0)
		return -1;
	return accept_own(listener, client);
}

bool relay_pair(struct sock *s, int ends[2])
{
	int type = SOCK_STREAM | SOCK_CLOEXEC, on = 1;
	int listener = real.socket(s->family, type, 0);
	int client = real.socket(s->family, type, 0), server = -1;

	fdtable_fresh(listener);
	fdtable_fresh(client);
	if (listener >= 0 && client >= 0)
		server = connect_pair(s, listener, client);
	if (listener >= 0)
		sys_close(listener);
	if (server < 0) {
		if (client >= 0)
			sys_close(client);
		return false;
	}
	real.setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	sys_fcntl(client, F_SETFL, O_RDWR | O_NONBLOCK);
	option_replay(s, server);
	if (s->nonblock)
		sys_fcntl(server, F_SETFL, O_RDWR | O_NONBLOCK);
	ends[0] = client;
	ends[1] = server;
	return true;
}

/* ---- moving ----------------------------------------------------------- */

/* False: the connection is broken. */
static bool fill(struct way *w)
{
	ssize_t n;

	if (w->at < w->end || w->over)
		return true;
	n = recv(w->from, w->buffer, BUFFER_BYTES, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	w->at = 0;
	w->end = (uint32_t)n;
	w->over = n == 0;
	return true;
}

static bool flush(struct way *w)
{
	while (w->at < w->end) {
		ssize_t n = send(w->to, w->buffer + w->at, w->end - w->at,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		w->at += (uint32_t)n;
	}
	if (w->over && !w->shut) {
		w->shut = true;
		shutdown(w->to, SHUT_WR);
	}
	return true;
}

/* A little at a time, for the sake of the others. */
static bool move(struct way *w)
{
	for (int i = 0; i < 4; i++) {
		if (!fill(w) || !flush(w))
			return false;
		if (w->over || w->at < w->end)
			break;
	}
	return true;
}

static void watch(struct relay *r, int side)
{
	const struct way *in = &r->ways[side], *out = &r->ways[!side];
	struct epoll_event ev = {.data.ptr = r};
	int op = EPOLL_CTL_MOD;

	if (!in->over && in->at == in->end)
		ev.events |= EPOLLIN;
	if (out->at < out->end)
		ev.events |= EPOLLOUT;
	if (ev.events == r->watched[side])
		return;
	/* Without it a side that has ended would be reported for ever. */
	if (r->watched[side] == 0)
		op = EPOLL_CTL_ADD;
	else if (ev.events == 0)
		op = EPOLL_CTL_DEL;
	r->watched[side] = ev.events;
	epoll_ctl(set, op, r->fd[side], &ev);
}

static void enlist(struct relay *r)
{
	r->next = relays;
	r->link = &relays;
	if (relays)
		relays->link = &r->next;
	relays = r;
}

static void delist(struct relay *r)
{
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
}

static void free_relay(struct relay *r)
{
	close(r->fd[SAN]);
	if (r->fd[TCP] >= 0)
		sys_close(r->fd[TCP]);
	free(r->ways[SAN].buffer);
	free(r->ways[TCP].buffer);
	free(r);
}

void relay_destroy(struct relay *r)
{
	free_relay(r);
}

/* As a broken connection looks from both sides. */
static void reset_both(struct relay *r)
{
	struct linger now = {1, 0};

	setsockopt(r->fd[SAN], SOL_SOCKET, SO_LINGER, &now, sizeof now);
	real.setsockopt(r->fd[TCP], SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void end(struct relay *r)
{
	bool entered;

	for (int side = SAN; side <= TCP; side++)
		if (r->watched[side])
			epoll_ctl(set, EPOLL_CTL_DEL, r->fd[side], NULL);
	entered = guard_enter(&lock);
	delist(r);
	guard_leave(&lock, entered);
	free_relay(r);
}

static void serve(struct relay *r)
{
	if (!move(&r->ways[SAN]) || !move(&r->ways[TCP])) {
		reset_both(r);
		end(r);
	} else if (r->ways[SAN].shut && r->ways[TCP].shut) {
		end(r);
	} else {
		watch(r, SAN);
		watch(r, TCP);
	}
}

/* One event at a time, since a relay has two numbers and may end. */
static void run(void *ignored)
{
	struct epoll_event ev;

	for (;;)
		if (epoll_wait(set, &ev, 1, -1) == 1)
			serve(ev.data.ptr);
}

/* ---- making ----------------------------------------------------------- */

/* Guarded. */
static bool started(void)
{
	if (set >= 0)
		return true;
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0)
		return false;
	if (os_thread_start(&thread, "wsd-relay", run, NULL) == ST_OK)
		return true;
	close(set);
	set = -1;
	return false;
}

static struct relay *relay_alloc(void)
{
	struct relay *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->ways[SAN].buffer = malloc(BUFFER_BYTES);
	r->ways[TCP].buffer = malloc(BUFFER_BYTES);
	if (r->ways[SAN].buffer && r->ways[TCP].buffer)
		return r;
	free(r->ways[SAN].buffer);
	free(r->ways[TCP].buffer);
	free(r);
	return NULL;
}

static void set_sides(struct relay *r, int san, int tcp)
{
	r->fd[SAN] = san;
	r->fd[TCP] = tcp;
	for (int side = SAN; side <= TCP; side++) {
		r->ways[side].from = r->fd[side];
		r->ways[side].to = r->fd[!side];
	}
}

int relay_create(struct sock *s, int fd, struct relay **out, int *given)
{
	struct relay *r = relay_alloc();
	int ends[2];

	if (!r)
		return -ENOMEM;
	r->fd[SAN] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	r->fd[TCP] = -1;
	if (r->fd[SAN] < 0 || !relay_pair(s, ends)) {
		free_relay(r);
		return -EMFILE;
	}
	*given = ends[1];
	set_sides(r, r->fd[SAN], ends[0]);
	*out = r;
	return 0;
}

/* The thread serves it as soon as one side is watched: so under the lock. */
void relay_start(struct relay *r)
{
	bool entered = guard_enter(&lock), ok = started();

	if (ok) {
		struct epoll_event ev = {EPOLLIN, {.ptr = r}};

		enlist(r);
		r->watched[SAN] = r->watched[TCP] = EPOLLIN;
		epoll_ctl(set, EPOLL_CTL_ADD, r->fd[TCP], &ev);
		epoll_ctl(set, EPOLL_CTL_ADD, r->fd[SAN], &ev);
	}
	guard_leave(&lock, entered);
	if (!ok) {
		reset_both(r);
		free_relay(r);
	}
}

void relay_join(int fd, int tcp)
{
	struct relay *r = relay_alloc();

	if (!r) {
		close(fd);
		sys_close(tcp);
		return;
	}
	set_sides(r, fd, tcp);
	relay_start(r);
}

/* ---- alone ------------------------------------------------------------ */

bool relay_uses(const struct relay *r, int fd)
{
	return r->fd[SAN] == fd || r->fd[TCP] == fd;
}

void relay_enlist(struct relay *r)
{
	enlist(r);
}

void relays_serve(void)
{
	struct epoll_event ev;

	set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0)
		return;
	for (struct relay *r = relays; r; r = r->next) {
		watch(r, SAN);
		watch(r, TCP);
	}
	while (relays)
		if (epoll_wait(set, &ev, 1, -1) == 1)
			serve(ev.data.ptr);
}

/* ---- fork ------------------------------------------------------------- */

void relays_fork_prepare(void)
{
	guard_enter(&lock);
}

void relays_fork_parent(void)
{
	guard_leave(&lock, true);
}

/* The thread is not here; what it was doing is not finished here. */
void relays_fork_child(void)
{
	guard_reset(&lock);
	while (relays) {
		struct relay *r = relays;

		relays = r->next;
		free_relay(r);
	}
	if (set >= 0)
		close(set);
	set = -1;
}
