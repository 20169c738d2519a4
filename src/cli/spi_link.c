/* SPDX-License-Identifier: MIT */
#include "spi_link.h"

#include <stdio.h>
#include <string.h>

#include "base/sockaddr.h"
#include "interrupt.h"
#include "os/os.h"
#include "spi_source.h"
#include "wsa_text.h"

#define MS UINT64_C(1000000)

enum {
	LOOKS = 4000,    /* before a wait sleeps */
	LOOKS_A_GO = 16, /* before another process may have the CPU */
	BACKLOG = 16,
	PORT_FIRST = 32768,
	PORTS = 28000,
};

/* How soon Ctrl-C is seen, and how long a nap is without a wait handle. */
#define NAP_MAX (50 * MS)
#define PAUSE_MIN (50 * UINT64_C(1000))
#define PAUSE_MAX (1 * MS)

const char *link_text(int code, char text[LINK_TEXT_MAX])
{
	if (code != LINK_INTERRUPTED)
		return wsa_text(code, text);
	snprintf(text, LINK_TEXT_MAX, "interrupted");
	return text;
}

/* What is left until then, but not more than the longest nap. */
static uint64_t nap(uint64_t until)
{
	uint64_t now = os_now();
	uint64_t left = now < until ? until - now : 0;

	return left < NAP_MAX ? left : NAP_MAX;
}

static uint64_t after(uint64_t ns)
{
	uint64_t now = os_now();

	return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

static int family_of(const struct addr *a)
{
	return a->family == 6 ? AF_INET6 : AF_INET;
}

static void ask_wait_handle(struct link *l)
{
	INT err = 0;

	if (!l->c->wait_handle || !l->c->arm ||
		l->c->wait_handle(l->s, &l->wait, &err))
		l->wait = WSD_NO_WAIT_HANDLE;
}

static void close_socket(struct spi_client *c, SOCKET s)
{
	INT err = 0;

	c->t.lpWSPCloseSocket(s, &err);
}

/* A new socket that is bound. */
static int open_bound(struct spi_client *c, const struct addr *at, SOCKET *out)
{
	union sockaddr_any name;
	int len = addr_to_sockaddr(at, &name), err = 0;

	*out = spi_client_socket(c, family_of(at), &err);
	if (*out == INVALID_SOCKET)
		return err;
	if (c->t.lpWSPBind(*out, &name.sa, len, &err) == 0)
		return 0;
	close_socket(c, *out);
	return err;
}

/* An event that tells of `what`. */
static int select_event(struct spi_client *c, SOCKET s, LONG what,
	WSAEVENT *out)
{
	void *event = NULL;
	INT err = 0;

	if (os_event_create(&event) != ST_OK)
		return WSAENOBUFS;
	*out = event;
	if (c->t.lpWSPEventSelect(s, event, what, &err) == 0)
		return 0;
	os_event_destroy(event);
	return err;
}

/* ---- listening -------------------------------------------------------- */

/* One whose address another process has got first is never asked. */
static bool is_shadowed(struct spi_client *c, SOCKET listener)
{
	WSDWAITHANDLE h;
	INT err = 0;

	return c->wait_handle && c->wait_handle(listener, &h, &err) &&
		err == WSAEOPNOTSUPP;
}

static int start_listening(struct link_listener *l)
{
	int err = 0;

	if (l->c->t.lpWSPListen(l->s, BACKLOG, &err))
		return err;
	if (is_shadowed(l->c, l->s))
		return WSAEADDRINUSE;
	return select_event(l->c, l->s, FD_ACCEPT, &l->event);
}

int link_listen(struct spi_client *c, const struct addr *at,
	struct link_listener *out)
{
	int code;

	out->c = c;
	code = open_bound(c, at, &out->s);
	if (code)
		return code;
	code = start_listening(out);
	if (code)
		close_socket(c, out->s);
	return code;
}

static int accept_once(struct link_listener *l, struct link *out)
{
	int err = 0;

	out->c = l->c;
	out->s = l->c->t.lpWSPAccept(l->s, NULL, NULL, NULL, 0, &err);
	if (out->s == INVALID_SOCKET)
		return err;
	ask_wait_handle(out);
	return 0;
}

/* Peers that have gone again while they were queued are no error. */
static bool is_theirs(int code)
{
	return code == WSAEWOULDBLOCK || code == WSAECONNRESET ||
		code == WSAEACCES || code == WSAECONNABORTED;
}

int link_accept(struct link_listener *l, uint64_t ns, struct link *out)
{
	uint64_t until = after(ns);
	int code;

	for (;;) {
		code = accept_once(l, out);
		if (!is_theirs(code))
			return code;
		if (interrupted())
			return LINK_INTERRUPTED;
		if (os_now() >= until)
			return WSAETIMEDOUT;
		if (code == WSAEWOULDBLOCK)
			os_event_wait(l->event, nap(until));
	}
}

void link_listener_close(struct link_listener *l)
{
	close_socket(l->c, l->s);
	os_event_destroy(l->event);
}

/* ---- connecting ------------------------------------------------------- */

/* A port of the range that clients have. */
static bool choose_source(const struct spi_client *c, const struct addr *to,
	struct addr *out)
{
	uint16_t chance = 0;

	if (!spi_source(c, to, out))
		return false;
	os_random(&chance, sizeof chance);
	out->port = (uint16_t)(PORT_FIRST + chance % PORTS);
	return true;
}

/* FD_CONNECT's result. */
static int await_answer(struct link *l, uint64_t ns)
{
	uint64_t until = after(ns);
	WSANETWORKEVENTS events;
	WSAEVENT event;
	INT ignored = 0;
	int code = select_event(l->c, l->s, FD_CONNECT, &event);
	bool answered = false;

	if (code)
		return code;
	while (!code && !answered) {
		os_event_wait(event, nap(until));
		if (l->c->t.lpWSPEnumNetworkEvents(l->s, event, &events, &code))
			break;
		answered = events.lNetworkEvents & FD_CONNECT;
		if (answered)
			code = events.iErrorCode[FD_CONNECT_BIT];
		else if (interrupted())
			code = LINK_INTERRUPTED;
		else if (os_now() >= until)
			code = WSAETIMEDOUT;
	}
	l->c->t.lpWSPEventSelect(l->s, NULL, 0, &ignored);
	os_event_destroy(event);
	return code;
}

int link_connect(struct spi_client *c, const struct addr *to, uint64_t ns,
	struct link *out)
{
	union sockaddr_any name;
	struct addr from;
	int len = addr_to_sockaddr(to, &name), code, err = 0;

	if (!choose_source(c, to, &from))
		return WSAEADDRNOTAVAIL;
	out->c = c;
	code = open_bound(c, &from, &out->s);
	if (code)
		return code;
	if (c->t.lpWSPConnect(out->s, &name.sa, len, NULL, NULL, NULL, NULL,
		    &err))
		code = err == WSAEWOULDBLOCK ? await_answer(out, ns) : err;
	if (code)
		close_socket(c, out->s);
	else
		ask_wait_handle(out);
	return code;
}

void link_close(struct link *l)
{
	close_socket(l->c, l->s);
}

/* ---- memory ----------------------------------------------------------- */

int link_register(struct link *l, void *base, size_t len, HANDLE *out)
{
	INT err = 0;

	*out = l->c->register_memory(l->s, base, (DWORD)len, MEM_READWRITE,
		&err);
	return *out ? 0 : err;
}

int link_expose(struct link *l, void *base, size_t len,
	struct link_exposed *out)
{
	INT err = 0;

	out->len = sizeof out->descriptor;
	return l->c->register_rdma(l->s, base, (DWORD)len, MEM_READWRITE,
		out->descriptor, &out->len, &err) ? err : 0;
}

/* ---- requests --------------------------------------------------------- */

static void begin(struct link_request *r, DWORD wake)
{
	memset(r, 0, sizeof *r);
	r->overlapped.hEvent = (HANDLE)(uintptr_t)1; /* R126: we look */
	r->wake = wake;
}

/* Started, or over at once: either way there is a result to wait for. */
static int begun(struct link_request *r, int result, int err)
{
	r->pending = result == 0 || err == WSA_IO_PENDING;
	return r->pending ? 0 : err;
}

int link_send(struct link *l, struct link_request *r, void *base, DWORD len)
{
	WSABUF b = {len, base};
	DWORD sent = 0;
	INT err = 0;
	int result;

	begin(r, WSD_OUT);
	result = l->c->t.lpWSPSend(l->s, &b, 1, &sent, 0, &r->overlapped, NULL,
		NULL, &err);
	return begun(r, result, err);
}

int link_receive(struct link *l, struct link_request *r, void *base,
	DWORD room)
{
	WSABUF b = {room, base};
	DWORD got = 0, flags = 0;
	INT err = 0;
	int result;

	begin(r, WSD_IN);
	result = l->c->t.lpWSPRecv(l->s, &b, 1, &got, &flags, &r->overlapped,
		NULL, NULL, &err);
	return begun(r, result, err);
}

int link_write(struct link *l, struct link_request *r, HANDLE handle,
	void *base, DWORD len, const struct link_exposed *to)
{
	WSABUFEX b = {len, base, handle};
	DWORD moved = 0;
	INT err = 0;
	int result;

	begin(r, WSD_OUT);
	result = l->c->rdma_write(l->s, &b, 1,
		(LPVOID)(uintptr_t)to->descriptor, to->len, 0, &moved, 0,
		&r->overlapped, NULL, NULL, &err);
	return begun(r, result, err);
}

int link_read(struct link *l, struct link_request *r, HANDLE handle,
	void *base, DWORD len, const struct link_exposed *from)
{
	WSABUFEX b = {len, base, handle};
	DWORD moved = 0;
	INT err = 0;
	int result;

	begin(r, WSD_IN);
	result = l->c->rdma_read(l->s, &b, 1,
		(LPVOID)(uintptr_t)from->descriptor, from->len, 0, &moved, 0,
		&r->overlapped, NULL, NULL, &err);
	return begun(r, result, err);
}

/* R129: the status changes last. */
bool link_request_over(const struct link_request *r)
{
	return !r->pending || __atomic_load_n(&r->overlapped.Internal,
		__ATOMIC_ACQUIRE) != WSS_OPERATION_IN_PROGRESS;
}

/* WSA_IO_INCOMPLETE, or its result. */
static int look(struct link *l, struct link_request *r, DWORD *bytes)
{
	DWORD moved = 0, flags = 0;
	INT err = 0;

	if (l->c->t.lpWSPGetOverlappedResult(l->s, &r->overlapped, &moved,
		    FALSE, &flags, &err)) {
		err = 0;
		if (bytes)
			*bytes = moved;
	} else if (err == 0) {
		err = WSAEINVAL; /* a provider that fails and says success */
	}
	if (err != WSA_IO_INCOMPLETE)
		r->pending = false;
	return err;
}

static void sleep_a_little(struct link *l, struct link_request *r,
	uint64_t until, uint64_t *pause)
{
	uint64_t ns = nap(until);
	INT err = 0;

	if (l->wait == WSD_NO_WAIT_HANDLE) {
		os_sleep(ns < *pause ? ns : *pause);
		if (*pause < PAUSE_MAX)
			*pause *= 2;
	} else if (l->c->arm(l->s, r->wake, &err) == 0) {
		os_handle_wait((os_handle)l->wait, ns);
	} else if (err != WSAEALREADY) {
		l->wait = WSD_NO_WAIT_HANDLE;
	} else {
		os_yield();
	}
}

/*
 * Looks for a while. The other side may have to wait for our CPU, so it can
 * have it between looks; that costs little where it has one of its own.
 */
static int look_for(struct link *l, struct link_request *r, unsigned looks,
	DWORD *bytes)
{
	int code = look(l, r, bytes);

	for (unsigned i = 1; i < looks && code == WSA_IO_INCOMPLETE; i++) {
		if (i % LOOKS_A_GO == 0)
			os_yield();
		else
			os_spin_hint();
		code = look(l, r, bytes);
	}
	return code;
}

int link_wait(struct link *l, struct link_request *r, uint64_t ns,
	DWORD *bytes)
{
	unsigned looks = os_cpu_count() > 1 ? LOOKS : LOOKS_A_GO;
	uint64_t until = 0, pause = PAUSE_MIN;
	int code;

	for (;;) {
		/* Also of those who never have to wait for long. */
		if (interrupted())
			return LINK_INTERRUPTED;
		code = look_for(l, r, looks, bytes);
		if (code != WSA_IO_INCOMPLETE)
			return code;
		if (until == 0)
			until = after(ns);
		if (os_now() >= until)
			return WSAETIMEDOUT;
		sleep_a_little(l, r, until, &pause);
		looks = 1; /* it takes long: spin no more */
	}
}
