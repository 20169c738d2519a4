/* SPDX-License-Identifier: MIT */
/*
 * errors.c - the table behind errors.h.
 *
 * R37: WSAEINPROGRESS is not in it.
 *
 * The second column keeps the promise behind the three codes that forbid TCP:
 * refused only by the peer's word (R78, R79: ST_REFUSED), unreachable only when
 * that is proven (R81), reset never (R80). What fails here (R83) or there (R84)
 * for want of something, a peer that has no listener of ours (R82, R85), and
 * one that does not answer (R86) leave TCP its chance.
 */
#include "provider/errors.h"

#include <openwsd/winsock2.h>

struct row {
	int any;     /* every function but WSPConnect */
	int connect; /* the result of a connect */
};

static const struct row table[ST_COUNT] = {
	[ST_OK] = {0, 0},
	[ST_AGAIN] = {WSAEWOULDBLOCK, WSAEWOULDBLOCK},
	[ST_PENDING] = {WSA_IO_PENDING, WSAEWOULDBLOCK},
	[ST_INTR] = {WSAENETDOWN, WSAENETDOWN},
	[ST_TIMEDOUT] = {WSAETIMEDOUT, WSAETIMEDOUT},
	[ST_NOMEM] = {WSAENOBUFS, WSAENOBUFS},
	[ST_NOHANDLES] = {WSAEMFILE, WSAENOBUFS},
	[ST_INVAL] = {WSAEINVAL, WSAENETDOWN},
	[ST_FAULT] = {WSAEFAULT, WSAENETDOWN},
	[ST_ACCESS] = {WSAEACCES, WSAENETDOWN},
	[ST_EXISTS] = {WSAEINVAL, WSAENETDOWN},
	[ST_NOTFOUND] = {WSAEINVAL, WSAETIMEDOUT},
	[ST_BUSY] = {WSAEINVAL, WSAENETDOWN},
	[ST_FULL] = {WSAENOBUFS, WSAENOBUFS},
	[ST_MSGSIZE] = {WSAEMSGSIZE, WSAENETDOWN},
	[ST_REFUSED] = {WSAECONNREFUSED, WSAECONNREFUSED},
	[ST_UNREACHABLE] = {WSAEHOSTUNREACH, WSAEHOSTUNREACH},
	[ST_NOTLOCAL] = {WSAEADDRNOTAVAIL, WSAEADDRNOTAVAIL},
	[ST_RESET] = {WSAECONNRESET, WSAETIMEDOUT},
	[ST_ABORTED] = {WSAECONNABORTED, WSAETIMEDOUT},
	[ST_CLOSED] = {WSAECONNRESET, WSAETIMEDOUT},
	[ST_PROTOCOL] = {WSAECONNABORTED, WSAENETDOWN},
	[ST_NOTCONN] = {WSAENOTCONN, WSAENETDOWN},
	[ST_ISCONN] = {WSAEISCONN, WSAENETDOWN},
	[ST_UNSUPPORTED] = {WSAEOPNOTSUPP, WSAENETDOWN},
	[ST_VERSION] = {WSAENETDOWN, WSAENETDOWN},
	[ST_OWNERDIED] = {WSAENETDOWN, WSAENETDOWN},
	[ST_SYSTEM] = {WSAENETDOWN, WSAENETDOWN},
};

static const struct row *row_of(enum status st)
{
	return &table[(unsigned)st < ST_COUNT ? st : ST_SYSTEM];
}

int prov_error(enum status st)
{
	return row_of(st)->any;
}

int prov_connect_error(enum status st)
{
	return row_of(st)->connect;
}
