/* SPDX-License-Identifier: MIT */
/* Sockets, binding, descriptors: R23 to R37, R189. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

/* ---- WSPSocket ----------------------------------------------------- */

static SOCKET WSPAPI create_two(DWORD id, DWORD_PTR context, LPINT e)
{
	SOCKET extra = up->lpWPUCreateSocketHandle(id, context, e);
	int ignored;

	if (extra != INVALID_SOCKET)
		up->lpWPUCloseSocketHandle(extra, &ignored);
	return up->lpWPUCreateSocketHandle(id, context, e);
}

static void two_handles(void)
{
	ours.lpWPUCreateSocketHandle = create_two;
}

/* The 21st socket gets the descriptor of the 20th. */
static intptr_t socket_twice(struct call *c)
{
	static unsigned made;
	static intptr_t last;

	if (++made != 21)
		last = real[SOCKET_](c);
	return last;
}

static void descriptor_twice(void)
{
	entry[SOCKET_] = socket_twice;
}

static intptr_t socket_any_family(struct call *c)
{
	if (c->af == AF_UNIX)
		c->af = AF_INET;
	return real[SOCKET_](c);
}

static void family_unchecked(void)
{
	entry[SOCKET_] = socket_any_family;
}

static void type_code(void)
{
	break_code(SOCKET_, WSAESOCKTNOSUPPORT, WSAEOPNOTSUPP);
}

static void protocol_code(void)
{
	break_code(SOCKET_, WSAEPROTONOSUPPORT, WSAEINVAL);
}

static SOCKET WSPAPI create_or_enobufs(DWORD id, DWORD_PTR context, LPINT e)
{
	SOCKET h = up->lpWPUCreateSocketHandle(id, context, e);

	if (h == INVALID_SOCKET)
		*e = WSAENOBUFS;
	return h;
}

static void create_code_lost(void)
{
	ours.lpWPUCreateSocketHandle = create_or_enobufs;
}

static intptr_t socket_with_handle(struct call *c)
{
	void *probe;

	if (os_event_create(&probe) != ST_OK) {
		c->error = WSAEACCES;
		return NO_SOCKET;
	}
	os_event_destroy(probe);
	return real[SOCKET_](c);
}

static void lack_code(void)
{
	entry[SOCKET_] = socket_with_handle;
}

/* Gives the switch the value that is its own name for the socket. */
static int WSPAPI complete_by_descriptor(SOCKET h, LPWSAOVERLAPPED ov,
	DWORD error, DWORD bytes, LPINT e)
{
	DWORD_PTR context = 0;

	up->lpWPUQuerySocketHandleContext(h, &context, e);
	return up->lpWPUCompleteOverlappedRequest((SOCKET)context, ov, error,
		bytes, e);
}

static void upcall_by_descriptor(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_by_descriptor;
}

/* ---- WSPBind ------------------------------------------------------- */

static const struct sockaddr_in *inet(const struct call *c)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)c->name;

	return in && c->name_len >= (int)sizeof *in &&
			in->sin_family == AF_INET ? in : NULL;
}

static intptr_t bind_loopback_only(struct call *c)
{
	const struct sockaddr_in *in = inet(c);
	intptr_t result = real[BIND](c);

	if (result == 0 && in && ntohl(in->sin_addr.s_addr) == 0x7f000001)
		return fail(c, WSAEADDRNOTAVAIL);
	return result;
}

static void bind_own_address(void)
{
	entry[BIND] = bind_loopback_only;
}

static intptr_t bind_no_wildcard(struct call *c)
{
	const struct sockaddr_in *in = inet(c);

	if (in && in->sin_addr.s_addr == 0)
		return fail(c, WSAEADDRNOTAVAIL);
	return real[BIND](c);
}

static void bind_wildcard(void)
{
	entry[BIND] = bind_no_wildcard;
}

static intptr_t bind_anywhere(struct call *c)
{
	intptr_t result = real[BIND](c);
	struct sockaddr_in here;

	if (c->error != WSAEADDRNOTAVAIL || !inet(c))
		return result;
	here = *inet(c);
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->name = (struct sockaddr *)&here;
	c->error = 0;
	return real[BIND](c);
}

static void bind_foreign(void)
{
	entry[BIND] = bind_anywhere;
}

static void bind_twice(void)
{
	break_check(BIND, WSAEINVAL);
}

static intptr_t bind_by_family(struct call *c)
{
	if (c->name && c->name_len == (int)sizeof(struct sockaddr_in) - 1)
		c->name_len++;
	return real[BIND](c);
}

static void bind_short(void)
{
	entry[BIND] = bind_by_family;
}

static intptr_t bind_exclusively(struct call *c)
{
	static struct sockaddr_in last;
	const struct sockaddr_in *in = inet(c);

	if (in && last.sin_port == in->sin_port &&
		last.sin_addr.s_addr == in->sin_addr.s_addr)
		return fail(c, WSAEADDRINUSE);
	if (in)
		last = *in;
	return real[BIND](c);
}

static void bind_in_use(void)
{
	entry[BIND] = bind_exclusively;
}

static void in_progress(void)
{
	break_code(CONNECT, WSAEALREADY, WSAEINPROGRESS);
}

/* ---- descriptors --------------------------------------------------- */

/* Takes the descriptor for an address, as it does for those it made. */
static intptr_t close_by_pointer(struct call *c)
{
	intptr_t result = real[CLOSE](c);

	if (c->error == WSAENOTSOCK && c->s != INVALID_SOCKET)
		*(volatile int *)(uintptr_t)(c->s & ~(SOCKET)7) = 0;
	return result;
}

static void garbage_crashes(void)
{
	entry[CLOSE] = close_by_pointer;
}

/* Which error wins: the socket's. */
static intptr_t bind_name_first(struct call *c)
{
	return c->name ? real[BIND](c) : fail(c, WSAEFAULT);
}

static void name_before_socket(void)
{
	entry[BIND] = bind_name_first;
}

static void stale_accepted(void)
{
	break_check(CLOSE, WSAENOTSOCK);
}

const struct fault faults_socket[] = {
	{"two-handles", "R23", "a socket makes two switch handles",
		two_handles},
	{"descriptor-twice", "R24", "two sockets have one descriptor",
		descriptor_twice},
	{"family-unchecked", "R25", "AF_UNIX makes a socket",
		family_unchecked},
	{"type-code", "R26", "a datagram socket gives WSAEOPNOTSUPP",
		type_code},
	{"protocol-code", "R27", "UDP gives WSAEINVAL", protocol_code},
	{"create-code-lost", "R28",
		"the error of WPUCreateSocketHandle is not passed on",
		create_code_lost},
	{"lack-code", "R29", "lack of handles gives WSAEACCES", lack_code},
	{"upcall-by-descriptor", "R30", "upcalls name the provider's socket",
		upcall_by_descriptor},
	{"bind-own-address", "R31", "an own address cannot be bound",
		bind_own_address},
	{"bind-wildcard", "R32", "the wildcard cannot be bound",
		bind_wildcard},
	{"bind-foreign", "R33", "a foreign address can be bound",
		bind_foreign},
	{"bind-twice", "R34", "a second bind succeeds", bind_twice},
	{"bind-short", "R35", "a name one byte short is taken", bind_short},
	{"bind-in-use", "R36", "an address can be bound once only",
		bind_in_use},
	{"in-progress", "R37", "a connect gives WSAEINPROGRESS", in_progress},
	{"garbage-crashes", "R189", "a garbage descriptor is followed",
		garbage_crashes},
	{"name-before-socket", "R189", "a NULL name wins over a bad socket",
		name_before_socket},
	{"stale-accepted", "R189", "closing what is closed succeeds",
		stale_accepted},
	{NULL, NULL, NULL, NULL},
};
