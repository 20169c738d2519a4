/* SPDX-License-Identifier: MIT */
#include "switch/wsa_status.h"

enum status status_from_wsa(int code)
{
	switch (code) {
	case 0:
		return ST_OK;
	case WSAEWOULDBLOCK:
	case WSAENOBUFS:
		return ST_AGAIN;
	case WSA_IO_PENDING:
		return ST_PENDING;
	case WSAETIMEDOUT:
		return ST_TIMEDOUT;
	case WSAEMFILE:
		return ST_NOHANDLES;
	case WSAEINVAL:
		return ST_INVAL;
	case WSAEFAULT:
		return ST_FAULT;
	case WSAEACCES:
		return ST_ACCESS;
	case WSAEMSGSIZE:
		return ST_MSGSIZE;
	case WSAECONNREFUSED:
		return ST_REFUSED;
	case WSAECONNABORTED:
		return ST_ABORTED;
	case WSAECONNRESET:
	case WSAENETRESET:
	case WSAENETDOWN:
	case WSAENOTSOCK:
		return ST_RESET;
	case WSAEHOSTUNREACH:
	case WSAENETUNREACH:
		return ST_UNREACHABLE;
	case WSAEADDRNOTAVAIL:
		return ST_NOTLOCAL;
	case WSAENOTCONN:
		return ST_NOTCONN;
	case WSAEISCONN:
		return ST_ISCONN;
	case WSAEOPNOTSUPP:
	case WSAEAFNOSUPPORT:
		return ST_UNSUPPORTED;
	case WSA_OPERATION_ABORTED:
		return ST_ABORTED;
	default:
		return ST_SYSTEM;
	}
}
