/* SPDX-License-Identifier: MIT */
#include "wsa_text.h"

#include <stdio.h>

#include <openwsd/wsdext.h>

/* Those that a SAN service provider may answer with. code, text */
#define WSA_LIST(X)                                                           \
	X(WSA_INVALID_HANDLE, "bad handle")                                   \
	X(WSA_IO_INCOMPLETE, "not done yet")                                  \
	X(WSA_IO_PENDING, "started")                                          \
	X(WSA_OPERATION_ABORTED, "ended on this side")                        \
	X(WSAEACCES, "permission denied")                                     \
	X(WSAEFAULT, "bad address")                                           \
	X(WSAEINVAL, "not valid, or not in this state")                       \
	X(WSAEMFILE, "out of descriptors")                                    \
	X(WSAEWOULDBLOCK, "would block")                                      \
	X(WSAEALREADY, "already under way")                                   \
	X(WSAENOTSOCK, "no such socket")                                      \
	X(WSAEMSGSIZE, "message too long")                                    \
	X(WSAEPROTOTYPE, "wrong type of socket")                              \
	X(WSAENOPROTOOPT, "no such option")                                   \
	X(WSAEPROTONOSUPPORT, "protocol not supported")                       \
	X(WSAESOCKTNOSUPPORT, "type of socket not supported")                 \
	X(WSAEOPNOTSUPP, "not supported")                                     \
	X(WSAEAFNOSUPPORT, "address family not supported")                    \
	X(WSAEADDRINUSE, "address in use")                                    \
	X(WSAEADDRNOTAVAIL, "address is not one of the SAN")                  \
	X(WSAENETDOWN, "network is down")                                     \
	X(WSAENETUNREACH, "network cannot be reached")                        \
	X(WSAENETRESET, "connection lost")                                    \
	X(WSAECONNABORTED, "connection aborted")                              \
	X(WSAECONNRESET, "connection reset by the other side")                \
	X(WSAENOBUFS, "out of memory")                                        \
	X(WSAEISCONN, "already connected")                                    \
	X(WSAENOTCONN, "not connected")                                       \
	X(WSAETIMEDOUT, "no answer, or nobody listens")                       \
	X(WSAECONNREFUSED, "refused")                                         \
	X(WSAEHOSTUNREACH, "host cannot be reached")                          \
	X(WSAEPROCLIM, "too many clients")                                    \
	X(WSASYSNOTREADY, "network is not ready")                             \
	X(WSAVERNOTSUPPORTED, "version not supported")                        \
	X(WSANOTINITIALISED, "not started")                                   \
	X(WSAEDISCON, "closed by the other side")                             \
	X(WSAEPROVIDERFAILEDINIT, "provider cannot start")

static const struct {
	int code;
	const char *name, *text;
} list[] = {
#define WSA_ROW(code, text) {code, #code, text},
	WSA_LIST(WSA_ROW)
#undef WSA_ROW
};

const char *wsa_text(int code, char text[WSA_TEXT_MAX])
{
	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (list[i].code != code)
			continue;
		snprintf(text, WSA_TEXT_MAX, "%s (%s)", list[i].text,
			list[i].name);
		return text;
	}
	snprintf(text, WSA_TEXT_MAX, "code %d", code);
	return text;
}
