/* SPDX-License-Identifier: MIT */
/*
 * adopt.c - a connection of the switch becomes a descriptor of the program.
 */
#include <string.h>

#include "connect.h"
#include "epoll_set.h"
#include "option.h"
#include "sys.h"

/* The kernel's flag is what the program sees; the switch does not use it. */
static void set_blocking(int fd, bool nonblock)
{
	sys_fcntl(fd, F_SETFL, O_RDWR | (nonblock ? O_NONBLOCK : 0));
}

/* ---- a connecting socket --------------------------------------------- */

struct replacement {
	os_handle handle;
	int done; /* how many */
	bool failed;
};

static void replace(int fd, void *arg)
{
	struct replacement *r = arg;
	int flags = sys_fcntl(fd, F_GETFD, 0);

	if (r->failed || flags < 0)
		return;
	if (sys_dup3((int)r->handle, fd,
		    flags & FD_CLOEXEC ? O_CLOEXEC : 0) == fd)
		r->done++;
	else
		r->failed = r->done == 0;
}

bool sock_adopt_connected(struct sock *s, struct sw_conn *c)
{
	struct replacement r = {.handle = sw_conn_handle(c)};

	set_file_detach(&s->file);
	fdtable_each(&s->file, replace, &r);
	if (r.done > 0) {
		sw_conn_set_handle(c, s->file.fd);
		set_blocking(s->file.fd, s->nonblock);
		*sw_conn_options(c) = s->values;
		s->conn = c;
		file_set_kind(&s->file, FILE_SAN);
	}
	set_file_attach(&s->file);
	return r.done > 0;
}

/* As TCP does it: the peer sees a reset. */
static void abort_connection(struct sock *s)
{
	struct sw_options *o = sw_conn_options(s->conn);

	s->values = *o;
	o->linger_on = 1;
	o->linger_seconds = 0;
	sw_close(s->conn);
	s->conn = NULL;
}

int sock_disconnect(struct sock *s)
{
	struct replacement r = {.handle = OS_NO_HANDLE};
	int tcp;

	/* One reference is the descriptors', one this call's. */
	if (atomic_load(&s->file.refs) > 2)
		return -EBUSY;
	tcp = option_probe(s);
	if (tcp < 0)
		return tcp;
	option_replay(s, tcp);
	set_blocking(tcp, s->nonblock);
	r.handle = tcp;
	set_file_detach(&s->file);
	abort_connection(s);
	fdtable_each(&s->file, replace, &r);
	s->bound = s->connecting = s->shut_send = false;
	file_set_kind(&s->file, FILE_FRESH);
	set_file_attach(&s->file);
	sys_close(tcp);
	return 0;
}

void sock_stays_tcp(int fd)
{
	struct file *f = fdtable_hold(fd);

	if (!f)
		return;
	if (file_kind(f) == FILE_FRESH)
		fdtable_forget(f);
	file_release(f);
}

/* ---- an accepted connection ------------------------------------------ */

/*
 * The connection's descriptor becomes the program's. It has the lowest free
 * number, as accept promises, unless it was moved out of the way of the standard
 * streams.
 */
static int own_descriptor(struct sw_conn *c, int flags)
{
	int how = flags & SOCK_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD;
	int given = (int)sw_conn_handle(c), lower = sys_fcntl(given, how, 0);

	if (lower >= 0 && lower < given) {
		sw_conn_set_handle(c, lower);
		return lower;
	}
	if (lower >= 0)
		sys_close(lower);
	sw_conn_set_handle(c, given);
	if (!(flags & SOCK_CLOEXEC))
		sys_fcntl(given, F_SETFD, 0);
	return given;
}

static void inherit(struct sock *s, struct sock *from)
{
	bool entered = guard_enter(&from->guard);

	s->values = from->values;
	s->options = option_hold(from->options);
	s->only_v6 = from->only_v6;
	guard_leave(&from->guard, entered);
	*sw_conn_options(s->conn) = s->values;
}

int sock_adopt_accepted(struct sock *listener, struct sw_conn *c, int flags)
{
	struct sock *s = sock_create(listener->family);
	int fd = s ? own_descriptor(c, flags) : -ENOMEM;

	if (fd < 0) {
		sw_close(c);
		if (s)
			file_release(&s->file);
		return fd;
	}
	s->conn = c;
	s->nonblock = flags & SOCK_NONBLOCK;
	set_blocking(fd, s->nonblock);
	inherit(s, listener);
	file_set_kind(&s->file, FILE_SAN);
	if (fdtable_insert(fd, &s->file))
		return fd;
	file_release(&s->file);
	sys_close(fd);
	return -EMFILE;
}
