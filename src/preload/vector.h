/* SPDX-License-Identifier: MIT */
/* vector.h - the program's iovec, checked, as spans of the switch. */
#ifndef WSD_PRELOAD_VECTOR_H
#define WSD_PRELOAD_VECTOR_H

#include <sys/uio.h>

#include "os/os.h"

/* On the stack of a call, which may be a small one. */
#define VECTOR_PIECES 32

/* Where a call stands in the vector. */
struct vector {
	const struct iovec *iov;
	size_t count;
	size_t left; /* bytes not yet given out */
};

/* 0; -EINVAL a length beyond all reason, -EFAULT (the memory must be there for
 * reading, or for writing). At most TRANSFER_MAX bytes
 * will be given out, as in the kernel. */
int vector_start(struct vector *v, const struct iovec *iov, size_t count,
	bool to_write);
/* The next pieces, at most VECTOR_PIECES; returns how many. */
unsigned vector_next(struct vector *v, struct os_span *spans, size_t *bytes);

#endif
