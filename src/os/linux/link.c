/* SPDX-License-Identifier: MIT */
/*
 * Links are connected Unix-domain stream sockets, listeners are abstract names.
 *
 * The application holds a link too: its number was put in place of a socket of
 * its own, so it may set O_NONBLOCK, SO_RCVTIMEO and the like on the open file
 * that we share with it. Hence nothing here depends on the file's mode: each
 * call says MSG_DONTWAIT, and the one that wants to block copes with a file
 * that does not.
 *
 * On the stream travel doorbells, single bytes, and before them at most one
 * message in each direction. A message has a head of three bytes (mark,
 * length), so that doorbells rung right after it are not taken for its end. It
 * is one sendmsg and small, which the kernel keeps in one piece.
 */
#include "internal.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#define DOORBELL 0xB3
#define MESSAGE 0x4D
#define HEAD_LEN 3
#define DRAIN_BYTES 64
#define DRAIN_ROUNDS 64
#define KEEP_PENDING 16
#define RING_TRIES 100 /* when the kernel is short of memory */

struct name {
	struct sockaddr_un sa;
	socklen_t len;
};

static bool name_make(struct name *n, const char *text)
{
	size_t len = strnlen(text, OS_NAME_MAX + 1);

	if (len == 0 || len > OS_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	memset(n, 0, sizeof *n);
	n->sa.sun_family = AF_UNIX;
	memcpy(n->sa.sun_path + 1, text, len); /* [0] stays NUL: abstract */
	n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
	return true;
}

static bool is_gone(long r)
{
	return r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN ||
		r == -ENOTSOCK || r == -EBADF;
}

/* ---- rendezvous ------------------------------------------------------- */

/* Linux queues one more than it is told. */
static int listen_exactly(int fd, unsigned backlog)
{
	return sys_listen(fd, backlog > 4096 ? 4095 : (int)backlog - 1);
}

enum status os_listen(const char *name, unsigned backlog, os_handle *out)
{
	struct name n;
	int fd, r;

	if (backlog == 0 || !name_make(&n, name))
		return ST_INVAL;
	fd = sys_out_of_the_way(
		sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	if (fd < 0)
		return sys_status(fd);
	r = sys_bind(fd, &n.sa, n.len);
	if (r == 0)
		r = listen_exactly(fd, backlog);
	if (r < 0) {
		sys_close(fd);
		return r == -EADDRINUSE ? ST_EXISTS : sys_status(r);
	}
	*out = fd;
	return ST_OK;
}

enum status os_listen_backlog(os_handle listener, unsigned backlog)
{
	if (backlog == 0)
		return ST_INVAL;
	return sys_status(listen_exactly((int)listener, backlog));
}

static int read_peer(int fd, struct os_peer *peer)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	int r = sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);

	if (r < 0)
		return r;
	peer->pid = (uint32_t)cred.pid;
	peer->uid = cred.uid;
	peer->same_user = cred.uid == os_user_id();
	return 0;
}

static enum status give_link(int fd, os_handle *out, struct os_peer *peer)
{
	struct os_peer who;
	int r = read_peer(fd, &who);

	if (r < 0) {
		sys_close(fd);
		return sys_status(r);
	}
	if (peer)
		*peer = who;
	*out = fd;
	return ST_OK;
}

/* After a shutdown by any process the kernel only says that there is nothing. */
static bool is_over(int listener)
{
	return os_poll_one(listener, 0, 0) > 0;
}

enum status os_link_accept(os_handle listener, os_handle *out,
	struct os_peer *peer)
{
	int fd;

	do
		fd = sys_above_stdio(sys_accept((int)listener, 0));
	while (fd == -EINTR || fd == -ECONNABORTED);
	if (fd == -EAGAIN && is_over((int)listener))
		return ST_INVAL;
	if (fd < 0)
		return sys_status(fd);
	return give_link(fd, out, peer);
}

static enum status connect_status(int r)
{
	switch (-r) {
	case ECONNREFUSED:
	case EPROTOTYPE: /* the name is taken by something of another kind */
		return ST_REFUSED;
	case EAGAIN:
		return ST_FULL;
	default:
		return sys_status(r);
	}
}

enum status os_link_connect(const char *name, os_handle *out,
	struct os_peer *peer)
{
	struct name n;
	int fd, r;

	if (!name_make(&n, name))
		return ST_INVAL;
	fd = sys_above_stdio(
		sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	if (fd < 0)
		return sys_status(fd);
	r = sys_connect(fd, &n.sa, n.len);
	if (r == 0)
		r = sys_fcntl(fd, F_SETFL, 0);
	if (r < 0) {
		sys_close(fd);
		return connect_status(r);
	}
	return give_link(fd, out, peer);
}

enum status os_link_pair(os_handle ends[2])
{
	int fd[2];
	int r = sys_socketpair(AF_UNIX, SOCK_STREAM, fd);

	if (r < 0)
		return sys_status(r);
	fd[0] = sys_above_stdio(fd[0]);
	fd[1] = sys_above_stdio(fd[1]);
	if (fd[0] < 0 || fd[1] < 0) {
		if (fd[0] >= 0)
			sys_close(fd[0]);
		if (fd[1] >= 0)
			sys_close(fd[1]);
		return ST_NOHANDLES;
	}
	ends[0] = fd[0];
	ends[1] = fd[1];
	return ST_OK;
}

/* ---- the message ------------------------------------------------------ */

union handle_box {
	struct cmsghdr head; /* alignment */
	char bytes[CMSG_SPACE(OS_LINK_HANDLES_MAX * sizeof(int))];
};

static void box_fill(struct msghdr *m, union handle_box *box,
	const os_handle *handles, unsigned count)
{
	struct cmsghdr *c;
	int fds[OS_LINK_HANDLES_MAX];

	if (count == 0)
		return;
	for (unsigned i = 0; i < count; i++)
		fds[i] = (int)handles[i];
	m->msg_control = box;
	m->msg_controllen = CMSG_SPACE(count * sizeof(int));
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
}

enum status os_link_send(os_handle link, const void *data, size_t len,
	const os_handle *handles, unsigned count)
{
	uint8_t head[HEAD_LEN] = {MESSAGE, (uint8_t)len, (uint8_t)(len >> 8)};
	struct iovec iov[2] = {
		{head, HEAD_LEN},
		{(void *)(uintptr_t)data, len},
	};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
	union handle_box box = {0};
	long n;

	if (len > OS_LINK_MESSAGE_MAX || count > OS_LINK_HANDLES_MAX)
		return ST_INVAL;
	box_fill(&m, &box, handles, count);
	n = sys_sendmsg((int)link, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == (long)(HEAD_LEN + len))
		return ST_OK;
	if (n == -EBADF && count > 0)
		return os_link_alive(link) == ST_OK ? ST_INVAL : ST_CLOSED;
	if (n == -EAGAIN)
		return ST_FULL;
	if (n == -ETOOMANYREFS) /* too many descriptors under way */
		return ST_NOMEM;
	if (is_gone(n))
		return ST_CLOSED;
	return n < 0 ? sys_status(n) : ST_SYSTEM;
}

/* Received descriptors: the first `room` to fds[], the rest closed. All: */
static unsigned box_empty(struct msghdr *m, int *fds, unsigned room)
{
	unsigned total = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = 0;

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (total < room)
				fds[total] = fd;
			else
				sys_close(fd);
			total++;
		}
	}
	return total;
}

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (fds[i] >= 0)
			sys_close(fds[i]);
}

/* None of ours is a standard stream; false when there is no number left. */
static bool lift_all(int *fds, unsigned count)
{
	bool all = true;

	for (unsigned i = 0; i < count; i++) {
		fds[i] = sys_above_stdio(fds[i]);
		all = all && fds[i] >= 0;
	}
	return all;
}

/* Looks at the head without taking it. ST_OK: a message of *len bytes. */
static enum status peek_head(int fd, size_t *len)
{
	uint8_t head[HEAD_LEN];
	long n = sys_recv(fd, head, HEAD_LEN, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0 || is_gone(n))
		return ST_CLOSED;
	if (n < 0)
		return sys_status(n);
	if (n != HEAD_LEN || head[0] != MESSAGE)
		return ST_PROTOCOL;
	*len = (size_t)head[1] | (size_t)head[2] << 8;
	return *len <= OS_LINK_MESSAGE_MAX ? ST_OK : ST_PROTOCOL;
}

static enum status wait_head(int fd, size_t *len, uint64_t ns)
{
	uint64_t deadline = os_deadline_after(ns);
	enum status st;

	do {
		int r = os_poll_one_through(fd, POLLIN,
			os_deadline_left(deadline));

		if (r < 0)
			return sys_status(r);
		if (r & POLLNVAL)
			return ST_CLOSED;
		/* Also when time is over: it may have come since. */
		st = peek_head(fd, len);
		if (r == 0 && st == ST_AGAIN)
			return ST_TIMEDOUT;
	} while (st == ST_AGAIN);
	return st;
}

/* Takes head, len bytes and the descriptors; *count in: room, out: stored. */
static enum status take_message(int fd, void *data, size_t len, int *fds,
	unsigned *count)
{
	uint8_t head[HEAD_LEN];
	struct iovec iov[2] = {{head, HEAD_LEN}, {data, len}};
	union handle_box box;
	struct msghdr m = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &box,
		.msg_controllen = sizeof box,
	};
	long n = sys_recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	enum status st = ST_OK;
	unsigned total;

	if (n < 0)
		return is_gone(n) ? ST_CLOSED : sys_status(n);
	total = box_empty(&m, fds, *count);
	if (*count > total)
		*count = total;
	if (n != (long)(HEAD_LEN + len))
		st = ST_PROTOCOL;
	else if (!lift_all(fds, *count))
		st = ST_NOHANDLES;
	else if ((m.msg_flags & MSG_CTRUNC) && total < OS_LINK_HANDLES_MAX)
		/* Not for want of room in the box: no descriptors left. */
		st = ST_NOHANDLES;
	if (st != ST_OK)
		close_all(fds, *count);
	return st;
}

enum status os_link_receive(os_handle link, void *data, size_t *len,
	os_handle *handles, unsigned *count, uint64_t ns)
{
	int fds[OS_LINK_HANDLES_MAX];
	unsigned stored = *count;
	enum status st;
	size_t size;

	if (stored > OS_LINK_HANDLES_MAX)
		stored = OS_LINK_HANDLES_MAX;
	st = wait_head((int)link, &size, ns);
	if (st == ST_OK && size > *len)
		st = ST_PROTOCOL;
	if (st == ST_OK)
		st = take_message((int)link, data, size, fds, &stored);
	if (st != ST_OK)
		return st;
	for (unsigned i = 0; i < stored; i++)
		handles[i] = fds[i];
	*count = stored;
	*len = size;
	return ST_OK;
}

/* ---- doorbells -------------------------------------------------------- */

enum status os_link_ring(os_handle link)
{
	uint8_t bell = DOORBELL;
	int tries = 0;
	long n;

	/* EAGAIN: so many are there already that one more says nothing. */
	do
		n = sys_send((int)link, &bell, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && n != -EAGAIN && !is_gone(n) && ++tries < RING_TRIES);
	return is_gone(n) ? ST_CLOSED : ST_OK;
}

static bool all_doorbells(const uint8_t *buf, long n)
{
	for (long i = 0; i < n; i++)
		if (buf[i] != DOORBELL)
			return false;
	return true;
}

/* Takes up to DRAIN_BYTES; *got how many. ST_AGAIN, ST_CLOSED, ST_PROTOCOL. */
static enum status take_doorbells(int fd, size_t max, size_t *got)
{
	uint8_t buf[DRAIN_BYTES];
	long n;

	do /* no room for descriptors: the kernel closes what a peer attaches */
		n = sys_recv(fd, buf, max, MSG_DONTWAIT);
	while (n == -EINTR);
	*got = n > 0 ? (size_t)n : 0;
	if (n == 0 || is_gone(n))
		return ST_CLOSED;
	if (n < 0)
		return sys_status(n);
	return all_doorbells(buf, n) ? ST_OK : ST_PROTOCOL;
}

/* What is the end of a round that has already taken something is no news. */
static enum status drain_all(int fd)
{
	enum status st = ST_OK;
	size_t got = DRAIN_BYTES;

	for (int i = 0; i < DRAIN_ROUNDS && got == DRAIN_BYTES; i++) {
		st = take_doorbells(fd, DRAIN_BYTES, &got);
		if (st == ST_PROTOCOL || (i == 0 && st != ST_OK))
			return st;
	}
	return ST_OK;
}

/*
 * Leaving all would be enough, but the bytes count against the other side's
 * send buffer, and from a quarter of that on its descriptor polls as not
 * writable. Several may drain at once, each by its own count: an eighth each
 * leaves some unless eight do so in the same instant.
 */
static enum status drain_some(int fd)
{
	int pending = 0;
	size_t got;

	if (sys_ioctl(fd, FIONREAD, &pending) < 0)
		return ST_CLOSED;
	if (pending == 0)
		return os_link_alive(fd) == ST_OK ? ST_AGAIN : ST_CLOSED;
	if (pending <= KEEP_PENDING)
		return ST_OK;
	pending /= 8;
	if (take_doorbells(fd, pending < DRAIN_BYTES ? (size_t)pending :
		DRAIN_BYTES, &got) == ST_PROTOCOL)
		return ST_PROTOCOL;
	return ST_OK;
}

enum status os_link_drain(os_handle link, bool keep)
{
	return keep ? drain_some((int)link) : drain_all((int)link);
}

enum status os_link_alive(os_handle link)
{
	/* Doorbells may still be there: POLLIN says nothing about life. */
	int r = os_poll_one_through((int)link, POLLRDHUP, 0);

	return r > 0 ? ST_CLOSED : ST_OK;
}

/* ---- sleep ------------------------------------------------------------ */

/* One byte, left where it is. ST_OK, ST_CLOSED, ST_INTR, ST_AGAIN. */
static enum status peek(int fd, int flags)
{
	uint8_t byte;
	long n = sys_recv(fd, &byte, 1, MSG_PEEK | flags);

	if (n == 0 || is_gone(n))
		return ST_CLOSED;
	return n > 0 ? ST_OK : sys_status(n);
}

static enum status sleep_in_poll(int fd, uint64_t ns)
{
	int r = os_poll_one(fd, POLLIN, ns);
	enum status st;

	if (r == 0)
		return ST_TIMEDOUT;
	if (r < 0)
		return sys_status(r);
	if (r == POLLIN)
		return ST_OK;
	/* At its end, but doorbells come first. */
	st = peek(fd, MSG_DONTWAIT);
	return st == ST_AGAIN ? ST_OK : st;
}

enum status os_link_sleep(os_handle link, uint64_t ns)
{
	enum status st;

	if (ns != OS_FOREVER)
		return sleep_in_poll((int)link, ns);
	/*
	 * The kernel restarts a receive after a handler that asks for it, and
	 * never a poll: so the sleep is a receive, if the file lets us.
	 */
	st = peek((int)link, 0);
	return st == ST_AGAIN ? sleep_in_poll((int)link, ns) : st;
}

enum status os_link_sleep_kick(os_handle link, uint64_t ns, void *kick)
{
	struct pollfd p[2] = {
		{.fd = (int)link, .events = POLLIN | POLLRDHUP},
		{.fd = (int)os_event_handle(kick), .events = POLLIN},
	};
	struct timespec limit = os_timespec_of(ns);
	int r;

	if (os_kick_interrupts())
		return ST_INTR;
	r = sys_ppoll(p, 2, ns == OS_FOREVER ? NULL : &limit);
	if (r == 0)
		return ST_TIMEDOUT;
	if (r < 0)
		return r == -EINTR ? ST_INTR : ST_SYSTEM;
	if (p[1].revents && os_kick_interrupts())
		return ST_INTR;
	return p[0].revents & (POLLHUP | POLLERR | POLLNVAL) ? ST_CLOSED
							     : ST_OK;
}
