/* SPDX-License-Identifier: MIT */
/*
 * sock.h - a TCP socket of the program, as far as it concerns us.
 *
 * Tracked from socket() until it turns out to be plain TCP or its last
 * descriptor is closed. While FRESH its descriptors are kernel TCP sockets;
 * when it becomes SAN they are replaced by the connection's handle.
 */
#ifndef WSD_PRELOAD_SOCK_H
#define WSD_PRELOAD_SOCK_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "cancel.h"
#include "fdtable.h"
#include "memory.h"
#include "switch/switch.h"

struct option_set;

struct sock {
	struct file file;
	struct guard guard; /* while it changes its kind */
	uint8_t family;     /* AF_INET or AF_INET6 */

	/* Set by the program; plain values, as the kernel's are. */
	_Atomic bool nonblock;
	bool bound;
	bool lost;      /* the connection's number is another's now */
	bool heritage;  /* meant for a program that will be executed */
	bool only_tcp;  /* an option is set that no SAN has */
	bool reuseport;
	bool only_v6;
	struct sw_options values;    /* before there is a connection */
	struct option_set *options;  /* option.h; NULL: none set */

	/* SAN */
	struct sw_conn *conn;
	bool connecting; /* connect() has yet to say that it succeeded */
	bool shut_send;
	bool signals;    /* O_ASYNC: a doorbell is wanted */
	bool relayed;       /* a relay's, not the program's */
	struct heir *heirs; /* heir.h: what forked children have instead */
	_Atomic unsigned reads; /* counts calls that may have taken bytes */
	struct memory_pages pages; /* of buffers used with it */

	/* LISTENER */
	_Atomic(struct sw_listener *) listener; /* NULL: TCP alone */
	_Atomic unsigned listener_users;
	struct os_shared_lock *accept_lock; /* shared by forked processes */
	_Atomic unsigned turn; /* who is asked first when both may have one */
};

/* A FRESH socket with one reference. NULL: no memory. */
struct sock *sock_create(uint8_t family);

static inline struct sock *sock_of(struct file *f)
{
	return (struct sock *)f;
}

static inline bool sock_is(struct sock *s, enum file_kind kind)
{
	return file_kind(&s->file) == kind;
}

/*
 * The socket behind a descriptor, held and noted as in flight; NULL if it is
 * none of ours. Ends with file_leave. The caller's frame must hold no other.
 */
static inline __attribute__((always_inline)) struct sock *sock_enter(int fd)
{
	struct file *f = fdtable_peek(fd);

	if (__builtin_expect(!f || file_kind(f) > FILE_SAN, 1))
		return NULL;
	f = fdtable_hold(fd);
	if (f && file_kind(f) > FILE_SAN) {
		file_release(f);
		f = NULL;
	}
	if (!f)
		return NULL;
	inflight_push(file_undo, f);
	return sock_of(f);
}

/* The same for connections over a SAN only. */
static inline __attribute__((always_inline)) struct sock *san_enter(int fd)
{
	struct file *f = fdtable_peek(fd);

	if (__builtin_expect(!f, 1) || file_kind(f) != FILE_SAN)
		return NULL;
	if (__builtin_expect(!file_try_hold(f), 0))
		return NULL;
	/* Closed, perhaps opened again, in that moment: then it is neither. */
	if (__builtin_expect(fdtable_peek(fd) != f ||
			file_kind(f) != FILE_SAN, 0)) {
		file_release(f);
		return NULL;
	}
	inflight_push(file_undo, f);
	return sock_of(f);
}

static inline void sock_leave(struct sock *s)
{
	file_leave(&s->file);
}

/*
 * Gives an address to the program as a socket of this family tells it: cut to
 * *len bytes, then *len is the true length. 0 or -errno, nothing stored.
 */
int sock_put_name(struct sock *s, const struct addr *a, struct sockaddr *sa,
	socklen_t *len);

/* A result >= 0 or -errno as the C library returns it. */
static inline ssize_t result(ssize_t r)
{
	if (__builtin_expect(r >= 0, 1))
		return r;
	errno = (int)-r;
	return -1;
}

static inline ssize_t sock_finish(struct sock *s, ssize_t r)
{
	sock_leave(s);
	if (__builtin_expect(r == -EINTR, 0))
		cancel_here();
	return result(r);
}

/* The options in force: the connection's, or those for one to come. */
static inline struct sw_options *sock_values(struct sock *s)
{
	return sock_is(s, FILE_SAN) ? sw_conn_options(s->conn) : &s->values;
}

/* The listener, which stays until listener_put; NULL: there is none. */
struct sw_listener *listener_get(struct sock *s);
void listener_put(struct sock *s);
/* This process is about to wait for connections at it (sw_listener_serve). */
void listener_serve(struct sock *s);
/* The program does not know of its numbers. */
void listener_hide_handles(struct sw_listener *l);
/* The SAN listener goes, TCP stays. */
void listener_drop(struct sock *s);
/* The same because its number fd is given to another process. */
void listener_leave(struct sock *s, int fd);

/* The same for the listener that waits on this hidden number. */
void listener_drop_handle(int fd);

/* ---- for fdtable.c --------------------------------------------------- */

/* The connection goes on with another number; was `from` in use? */
bool file_moved(struct file *f, int from, int to);
/* The last descriptor is gone: no epoll set watches it any more. */
void file_abandon(struct file *f);
/* Its last number was closed without our knowing and is another's. */
void file_lost(struct file *f);
void file_fini(struct file *f);
void file_free(struct file *f);
struct file *file_at(uint32_t index, bool is_set);
/* In a forked child. */
void file_forked(struct file *f);

#endif
