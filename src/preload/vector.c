/* SPDX-License-Identifier: MIT */
#include "vector.h"

#include <errno.h>
#include <limits.h>

#include "memory.h"
#include "transfer.h"

static bool is_usable(const struct iovec *piece, bool to_write)
{
	return to_write ? memory_writable(piece->iov_base, piece->iov_len)
			: memory_readable(piece->iov_base, piece->iov_len);
}

int vector_start(struct vector *v, const struct iovec *iov, size_t count,
	bool to_write)
{
	size_t total = 0;

	if (!memory_readable(iov, count * sizeof *iov))
		return -EFAULT;
	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len > (size_t)SSIZE_MAX)
			return -EINVAL;
		if (!is_usable(&iov[i], to_write))
			return -EFAULT;
		if (iov[i].iov_len > TRANSFER_MAX - total)
			total = TRANSFER_MAX;
		else
			total += iov[i].iov_len;
	}
	v->iov = iov;
	v->count = count;
	v->left = total;
	return 0;
}

unsigned vector_next(struct vector *v, struct os_span *spans, size_t *bytes)
{
	unsigned n = 0;

	*bytes = 0;
	while (n < VECTOR_PIECES && v->count > 0 && v->left > 0) {
		size_t len = v->iov->iov_len < v->left ? v->iov->iov_len
						       : v->left;

		if (len > 0) {
			spans[n].base = v->iov->iov_base;
			spans[n++].len = len;
		}
		*bytes += len;
		v->left -= len;
		v->iov++;
		v->count--;
	}
	return n;
}
