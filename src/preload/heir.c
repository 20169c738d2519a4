/* SPDX-License-Identifier: MIT */
#include "heir.h"

#include <stdlib.h>

#include "epoll_set.h"
#include "real.h"
#include "relay.h"
#include "sock.h"
#include "sys.h"

/* Our end of what a child has instead of a connection. */
struct heir {
	struct heir *next;
	int kept;
};

/* A connection at the time of a fork. */
struct birth {
	struct birth *next;
	struct sock *sock; /* held */
	int kept, given;
};

static struct birth *births;

/* ---- children come and go --------------------------------------------- */

/* Has it closed its end, with nothing left to read? */
static bool is_gone(const struct heir *h)
{
	char byte;

	return real.recv(h->kept, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void drop_gone(struct sock *s)
{
	struct heir **at = &s->heirs;

	while (*at) {
		struct heir *h = *at;

		if (!is_gone(h)) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		sys_close(h->kept);
		free(h);
	}
}

static void drop_all(struct sock *s)
{
	while (s->heirs) {
		struct heir *h = s->heirs;

		s->heirs = h->next;
		sys_close(h->kept);
		free(h);
	}
}

/* ---- fork ------------------------------------------------------------- */

/* Without memory or descriptors the child has nothing. */
static void conceive(struct sock *s)
{
	struct birth *b = calloc(1, sizeof *b);
	int ends[2] = {-1, -1};

	drop_gone(s);
	if (!b) {
		file_release(&s->file);
		return;
	}
	if (!s->relayed)
		relay_pair(s, ends);
	*b = (struct birth){births, s, ends[0], ends[1]};
	births = b;
}

void heirs_fork_prepare(void)
{
	int saved = errno;

	for (int fd = 0; fd < (int)fdtable_top(); fd++) {
		struct file *f;

		if (!fdtable_is(fd, FILE_SAN))
			continue;
		f = fdtable_hold(fd);
		if (f && f->fd == fd && file_kind(f) == FILE_SAN &&
			sw_conn_is_private(sock_of(f)->conn))
			conceive(sock_of(f));
		else if (f)
			file_release(f);
	}
	errno = saved;
}

static void close_number(int fd)
{
	if (fd >= 0)
		sys_close(fd);
}

void heirs_fork_parent(bool forked)
{
	while (births) {
		struct birth *b = births;
		struct heir *h = forked && b->kept >= 0
			? calloc(1, sizeof *h)
			: NULL;

		births = b->next;
		close_number(b->given);
		if (h) {
			*h = (struct heir){b->sock->heirs, b->kept};
			b->sock->heirs = h;
		} else {
			close_number(b->kept);
		}
		file_release(&b->sock->file);
		free(b);
	}
}

static void replace(int fd, void *arg)
{
	const int *given = arg;
	int flags = sys_fcntl(fd, F_GETFD, 0);

	if (*given >= 0)
		sys_dup3(*given, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
}

/* The socket becomes plain TCP; of the connection nothing stays here. */
static void take_place(struct birth *b)
{
	struct sock *s = b->sock;

	atomic_fetch_add(&s->file.refs, 1); /* our hold; the count was reset */
	fdtable_each(&s->file, replace, &b->given);
	fdtable_forget(&s->file);
	sw_abandon(s->conn);
	s->conn = NULL;
	file_set_kind(&s->file, FILE_FRESH);
	file_release(&s->file);
}

void heirs_fork_child(void)
{
	while (births) {
		struct birth *b = births;

		births = b->next;
		close_number(b->kept);
		drop_all(b->sock);
		take_place(b);
		close_number(b->given);
		free(b);
	}
}

/* ---- the parent lets go ----------------------------------------------- */

/* The connection under a number of its own, for the relay. */
static int rebind(struct sock *s)
{
	int fd = sys_fcntl((int)sw_conn_handle(s->conn), F_DUPFD_CLOEXEC, 3);
	struct sock *own = fd >= 0 ? sock_create(s->family) : NULL;

	if (!own) {
		close_number(fd);
		return -1;
	}
	sw_conn_set_handle(s->conn, fd);
	own->conn = s->conn;
	own->nonblock = own->relayed = true;
	file_set_kind(&own->file, FILE_SAN);
	if (fdtable_insert(fd, &own->file))
		return fd;
	own->conn = NULL;
	file_set_kind(&own->file, FILE_FRESH);
	file_release(&own->file);
	return -1;
}

/* A server that does this once does it for each connection. */
static void withdraw(const struct addr *local)
{
	for (int fd = 0; fd < (int)fdtable_top(); fd++) {
		struct file *f;
		struct sw_listener *l;

		if (!fdtable_is(fd, FILE_LISTENER))
			continue;
		f = fdtable_hold(fd);
		if (!f)
			continue;
		l = file_kind(f) == FILE_LISTENER ? listener_get(sock_of(f))
						  : NULL;
		if (l) {
			sw_listener_withdraw(l, local);
			listener_put(sock_of(f));
		}
		file_release(f);
	}
}

bool heirs_inherit(struct sock *s)
{
	struct addr local;
	struct heir *h;
	int fd = -1, kept;

	if (!s->heirs)
		return false;
	drop_gone(s);
	h = s->heirs;
	if (h)
		fd = rebind(s);
	if (fd < 0) {
		drop_all(s);
		return false;
	}
	s->heirs = h->next;
	kept = h->kept;
	free(h);
	drop_all(s);
	sw_conn_local(s->conn, &local);
	withdraw(&local);
	s->conn = NULL;
	relay_join(fd, kept);
	return true;
}
