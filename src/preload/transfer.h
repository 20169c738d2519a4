/* SPDX-License-Identifier: MIT */
/*
 * transfer.h - moving bytes over a SAN connection with the flags and the
 * errors of send and recv. All return bytes or -errno.
 */
#ifndef WSD_PRELOAD_TRANSFER_H
#define WSD_PRELOAD_TRANSFER_H

#include <sys/uio.h>

#include "sock.h"

/* The kernel moves no more than this in one call. */
#define TRANSFER_MAX ((size_t)0x7ffff000)

/* san_enter for a call that is a cancellation point. */
static inline __attribute__((always_inline)) struct sock *transfer_enter(int fd)
{
	cancel_point();
	return san_enter(fd);
}

ssize_t transfer_send(struct sock *s, const void *buf, size_t len, int flags);
ssize_t transfer_receive(struct sock *s, void *buf, size_t len, int flags);

/* *msg_flags gets what recvmsg puts into msg_flags. */
ssize_t transfer_send_vector(struct sock *s, const struct iovec *iov,
	size_t count, int flags);
ssize_t transfer_receive_vector(struct sock *s, const struct iovec *iov,
	size_t count, int flags, int *msg_flags);

/* Leaves the socket; a broken pipe raises SIGPIPE unless flags say otherwise.
 * Returns as the C library does. */
ssize_t transfer_sent(struct sock *s, ssize_t r, int flags);

#endif
