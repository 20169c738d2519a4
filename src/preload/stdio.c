/* SPDX-License-Identifier: MIT */
/*
 * stdio.c - streams on sockets.
 *
 * The C library reads and writes for its streams without calling read and
 * write, so a stream on a socket of ours gets functions that do. Streams on
 * anything else are not touched.
 */
#include <stdlib.h>
#include <unistd.h>

#include "checked.h"
#include "real.h"
#include "sock.h"

/* ---- fdopen ---------------------------------------------------------- */

static int fd_of(void *cookie)
{
	return (int)(intptr_t)cookie;
}

static ssize_t stream_read(void *cookie, char *buf, size_t len)
{
	return read(fd_of(cookie), buf, len);
}

/* All of it, as the C library does; less means an error. */
static ssize_t stream_write(void *cookie, const char *buf, size_t len)
{
	size_t done = 0;
	ssize_t r;

	while (done < len) {
		r = write(fd_of(cookie), buf + done, len - done);
		if (r < 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

static int stream_seek(void *cookie, off64_t *offset, int whence)
{
	errno = ESPIPE;
	return -1;
}

static int stream_close(void *cookie)
{
	return close(fd_of(cookie));
}

static FILE *open_stream(int fd, const char *mode)
{
	const cookie_io_functions_t functions = {
		.read = stream_read,
		.write = stream_write,
		.seek = stream_seek,
		.close = stream_close,
	};
	FILE *stream = fopencookie((void *)(intptr_t)fd, mode, functions);

	if (stream)
		stream->_fileno = fd;
	return stream;
}

INTERPOSED FILE *fdopen(int fd, const char *mode)
{
	struct file *f = fdtable_peek(fd);

	if (!f || (file_kind(f) != FILE_FRESH && file_kind(f) != FILE_SAN))
		return real.fdopen(fd, mode);
	return open_stream(fd, mode);
}

/* ---- dprintf --------------------------------------------------------- */

static int write_all(int fd, const char *text, int len)
{
	int done = 0;

	while (done < len) {
		ssize_t r = write(fd, text + done, (size_t)(len - done));

		if (r < 0)
			return -1;
		done += (int)r;
	}
	return len;
}

static int print(int fd, const char *format, va_list ap)
{
	char *text = NULL;
	int len = vasprintf(&text, format, ap), r;

	if (len < 0)
		return -1;
	r = write_all(fd, text, len);
	free(text);
	return r;
}

INTERPOSED int vdprintf(int fd, const char *format, va_list ap)
{
	if (!fdtable_is(fd, FILE_SAN))
		return real.vdprintf(fd, format, ap);
	return print(fd, format, ap);
}

INTERPOSED int __vdprintf_chk(int fd, int flag, const char *format, va_list ap)
{
	if (!fdtable_is(fd, FILE_SAN))
		return real.__vdprintf_chk(fd, flag, format, ap);
	return print(fd, format, ap);
}

INTERPOSED int dprintf(int fd, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = vdprintf(fd, format, ap);
	va_end(ap);
	return r;
}

INTERPOSED int __dprintf_chk(int fd, int flag, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = __vdprintf_chk(fd, flag, format, ap);
	va_end(ap);
	return r;
}
