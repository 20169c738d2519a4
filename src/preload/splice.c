/* SPDX-License-Identifier: MIT */
/*
 * splice.c - between a pipe and a connection, through a buffer.
 *
 * What has been taken out of a pipe or a stream cannot be put back, so nothing
 * is taken before it has found its place: from a pipe by tee, from a
 * connection by MSG_PEEK.
 */
#include "memory.h"
#include "real.h"
#include "scratch.h"
#include "sys.h"
#include "transfer.h"

static bool is_pipe(int fd)
{
	struct stat st;

	return sys_fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* ---- from a pipe ----------------------------------------------------- */

/* Copies what is in the pipe, without taking it. */
static ssize_t peek_pipe(int pipe, const int copy[2], char *buf, size_t len,
	unsigned flags)
{
	ssize_t n = SYS4(SYS_tee, pipe, copy[1], len, flags);

	return n > 0 ? sys_read(copy[0], buf, (size_t)n) : n;
}

static ssize_t send_piece(struct sock *s, int pipe, const int copy[2],
	char *buf, size_t len, unsigned flags)
{
	ssize_t n = peek_pipe(pipe, copy, buf, len, flags);

	if (n > 0)
		n = transfer_send(s, buf, (size_t)n, 0);
	if (n > 0)
		sys_read(pipe, buf, (size_t)n);
	return n;
}

/* Until the pipe is empty. */
static ssize_t send_pieces(struct sock *s, int pipe, const int copy[2],
	char *buf, size_t len, unsigned flags)
{
	size_t sent = 0;
	ssize_t n = 1;

	while (sent < len && n > 0) {
		size_t left = len - sent;

		n = send_piece(s, pipe, copy, buf,
			left < SCRATCH_BYTES ? left : SCRATCH_BYTES, flags);
		if (n > 0)
			sent += (size_t)n;
		flags |= SPLICE_F_NONBLOCK;
	}
	return sent > 0 ? (ssize_t)sent : n;
}

static ssize_t splice_in(struct sock *s, int pipe, size_t len, unsigned flags)
{
	char *buf = scratch_take(SCRATCH_BYTES);
	int copy[2];
	ssize_t r = buf ? SYS2(SYS_pipe2, copy, O_CLOEXEC) : -ENOMEM;

	if (r == 0) {
		r = send_pieces(s, pipe, copy, buf, len,
			flags & SPLICE_F_NONBLOCK);
		sys_close(copy[0]);
		sys_close(copy[1]);
	}
	scratch_give(buf, SCRATCH_BYTES);
	return r;
}

/* ---- to a pipe ------------------------------------------------------- */

/* A pipe that polls writable takes a page without blocking. */
#define PIPE_PIECE 4096

static int await_room(int pipe, bool block)
{
	struct pollfd p = {.fd = pipe, .events = POLLOUT};
	struct timespec none = {0, 0};
	int r = sys_ppoll(&p, 1, block ? NULL : &none);

	/* A look does not wait, so no signal ends it. */
	return r == 0 || (r == -EINTR && !block) ? -EAGAIN : r;
}

static ssize_t receive_piece(struct sock *s, int pipe, char *buf, size_t len,
	bool block)
{
	int flags = block ? MSG_PEEK : MSG_PEEK | MSG_DONTWAIT;
	ssize_t n = await_room(pipe, block), w;

	if (n > 0)
		n = transfer_receive(s, buf, len, flags);
	if (n <= 0)
		return n;
	w = sys_write(pipe, buf, (size_t)n);
	if (w > 0)
		transfer_receive(s, NULL, (size_t)w, MSG_TRUNC | MSG_DONTWAIT);
	return w;
}

/* As much as is there and the pipe takes. */
static ssize_t splice_out(struct sock *s, int pipe, size_t len, unsigned flags)
{
	bool block = !(flags & SPLICE_F_NONBLOCK);
	size_t got = 0;
	ssize_t n = 1;
	char buf[PIPE_PIECE];

	while (got < len && n > 0) {
		size_t left = len - got;

		n = receive_piece(s, pipe, buf,
			left < PIPE_PIECE ? left : PIPE_PIECE, block);
		if (n > 0)
			got += (size_t)n;
		block = false;
	}
	return got > 0 ? (ssize_t)got : n;
}

/* ---- splice ---------------------------------------------------------- */

static ssize_t splice_san(struct sock *s, bool to_san, int other,
	const off_t *at, unsigned flags, size_t len)
{
	if (at)
		return -ESPIPE;
	if (!is_pipe(other))
		return -EINVAL;
	if (len == 0)
		return 0;
	return to_san ? splice_in(s, other, len, flags)
		      : splice_out(s, other, len, flags);
}

INTERPOSED ssize_t splice(int in, off_t *in_at, int out, off_t *out_at,
	size_t len, unsigned flags)
{
	bool to_san = fdtable_is(out, FILE_SAN);
	struct sock *s = san_enter(to_san ? out : in);
	ssize_t r;

	if (!s)
		return real.splice(in, in_at, out, out_at, len, flags);
	if (to_san)
		r = splice_san(s, true, in, out_at, flags, len);
	else
		r = splice_san(s, false, out, in_at, flags, len);
	return transfer_sent(s, r, 0);
}
