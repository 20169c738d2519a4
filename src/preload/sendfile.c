/* SPDX-License-Identifier: MIT */
/* sendfile.c - from a file to a connection, through a buffer. */
#include <sys/sendfile.h>
#include <unistd.h>

#include "memory.h"
#include "real.h"
#include "scratch.h"
#include "sys.h"
#include "transfer.h"

/* Sends up to len bytes from *at on, which follows what was sent. */
static ssize_t copy(struct sock *s, int in, off_t *at, size_t len, char *buf)
{
	size_t sent = 0;
	ssize_t got, r;

	while (sent < len) {
		size_t want = len - sent < SCRATCH_BYTES ? len - sent
							 : SCRATCH_BYTES;

		got = SYS4(SYS_pread64, in, buf, want, *at);
		r = got > 0 ? transfer_send(s, buf, (size_t)got, 0) : got;
		if (r < 0)
			return sent > 0 ? (ssize_t)sent : r;
		sent += (size_t)r;
		*at += r;
		if (r == 0 || r < got)
			break;
	}
	return (ssize_t)sent;
}

static ssize_t copy_with_buffer(struct sock *s, int in, off_t *at, size_t len)
{
	char *buf = scratch_take(SCRATCH_BYTES);
	ssize_t r;

	if (!buf)
		return -ENOMEM;
	if (len > TRANSFER_MAX)
		len = TRANSFER_MAX;
	r = copy(s, in, at, len, buf);
	scratch_give(buf, SCRATCH_BYTES);
	return r;
}

/* The program gives the place; the file's own stays. */
static ssize_t send_at(struct sock *s, int in, off_t *at, size_t len)
{
	off_t place;
	ssize_t r;

	if (!memory_writable(at, sizeof *at))
		return -EFAULT;
	place = *at;
	if (place < 0)
		return -EINVAL;
	r = copy_with_buffer(s, in, &place, len);
	*at = place;
	return r;
}

/* From the file's place, which moves on by what was sent. */
static ssize_t send_on(struct sock *s, int in, size_t len)
{
	off_t place = SYS3(SYS_lseek, in, 0, SEEK_CUR);
	ssize_t r;

	if (place == -ESPIPE)
		return -EINVAL;
	if (place < 0)
		return place;
	r = copy_with_buffer(s, in, &place, len);
	if (r > 0)
		SYS3(SYS_lseek, in, place, SEEK_SET);
	return r;
}

INTERPOSED ssize_t sendfile(int out, int in, off_t *at, size_t len)
{
	struct sock *s;
	ssize_t r;

	if (fdtable_is(in, FILE_SAN))
		return result(at ? -ESPIPE : -EINVAL);
	s = san_enter(out);
	if (!s)
		return real.sendfile(out, in, at, len);
	r = at ? send_at(s, in, at, len) : send_on(s, in, len);
	return transfer_sent(s, r, 0);
}

INTERPOSED ssize_t sendfile64(int out, int in, off_t *at, size_t len)
	__attribute__((alias("sendfile")));
