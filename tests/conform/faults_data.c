/* SPDX-License-Identifier: MIT */
/* Messages: R117 to R125, R140 to R149. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

/* Pretends that a request was started, and has ended well. */
static intptr_t swallow(struct call *c)
{
	end_request(c->ov, 0, total_len(c->buffers, c->count));
	return fail(c, WSA_IO_PENDING);
}

/* A message of the wrapper's own, from registered memory. */
static void send_own(SOCKET s, const char *data, DWORD len)
{
	char *copy = for_ever(len + 1);
	WSAOVERLAPPED *ov = for_ever(sizeof *ov);
	struct call reg = {.s = s, .base = copy, .len = len + 1,
		.flags = MEM_READ};
	WSABUF b = {len, copy};
	struct call send = {.s = s, .buffers = &b, .count = 1, .ov = ov};

	memcpy(copy, data, len);
	ov->hEvent = (HANDLE)(uintptr_t)1;
	real[REGISTER](&reg);
	real[SEND](&send); /* both stay: the request may not have ended */
}

/* ---- before the first receive -------------------------------------- */

/* Both ends are in one process: it is known whether a receive was posted. */
static unsigned received;

static intptr_t note_receive(struct call *c)
{
	received++;
	return real[RECV](c);
}

static unsigned early;

static intptr_t send_but_first(struct call *c)
{
	return received == 0 && early++ == 0 ? swallow(c) : real[SEND](c);
}

static void early_dropped(void)
{
	entry[RECV] = note_receive;
	entry[SEND] = send_but_first;
}

static intptr_t note_early(struct call *c)
{
	early += received == 0;
	return real[SEND](c);
}

static intptr_t receive_reset(struct call *c)
{
	return received++ == 0 && early ? fail(c, WSAECONNRESET)
					: real[RECV](c);
}

static void early_resets(void)
{
	entry[SEND] = note_early;
	entry[RECV] = receive_reset;
}

static struct {
	char data[4096];
	DWORD len;
} first;

static void keep_first(const struct call *c)
{
	first.len = 0;
	for (DWORD i = 0; i < c->count; i++) {
		memcpy(first.data + first.len, c->buffers[i].buf,
			c->buffers[i].len);
		first.len += c->buffers[i].len;
	}
}

static intptr_t send_merged(struct call *c)
{
	if (received > 0 || early++ > 1)
		return real[SEND](c);
	if (early == 1) {
		keep_first(c);
		return swallow(c);
	}
	memcpy(first.data + first.len, c->buffers->buf, c->buffers->len);
	send_own(c->s, first.data, first.len + c->buffers->len);
	return swallow(c);
}

static void early_merged(void)
{
	entry[RECV] = note_receive;
	entry[SEND] = send_merged;
}

/* The first goes behind the second. */
static intptr_t send_swapped(struct call *c)
{
	intptr_t result;

	if (received == 0 && early++ == 0) {
		keep_first(c);
		return swallow(c);
	}
	result = real[SEND](c);
	if (first.len > 0)
		send_own(c->s, first.data, first.len);
	first.len = 0;
	return result;
}

static void early_overtaken(void)
{
	entry[RECV] = note_receive;
	entry[SEND] = send_swapped;
}

/* ---- starting ------------------------------------------------------ */

static intptr_t send_result_0(struct call *c)
{
	DWORD len = total_len(c->buffers, c->count);
	intptr_t result = real[SEND](c);

	if (c->error != WSA_IO_PENDING)
		return result;
	c->error = 0;
	if (c->moved)
		*c->moved = len;
	return 0;
}

static void never_pending(void)
{
	entry[SEND] = send_result_0;
}

static SOCKET last_handle;

static SOCKET WSPAPI create_and_note(DWORD id, DWORD_PTR context, LPINT e)
{
	last_handle = up->lpWPUCreateSocketHandle(id, context, e);
	return last_handle;
}

static intptr_t send_failing_twice(struct call *c)
{
	intptr_t result = real[SEND](c);
	int ignored;

	if (c->error == WSA_IO_PENDING || !c->ov)
		return result;
	c->ov->OffsetHigh = (DWORD)c->error;
	c->ov->InternalHigh = 0;
	c->ov->Internal = WSS_OPERATION_IN_PROGRESS;
	if ((ULONG_PTR)c->ov->hEvent & 1)
		c->ov->Internal = 0;
	else
		up->lpWPUCompleteOverlappedRequest(last_handle, c->ov,
			(DWORD)c->error, 0, &ignored);
	return result;
}

static void error_completes(void)
{
	ours.lpWPUCreateSocketHandle = create_and_note;
	entry[SEND] = send_failing_twice;
}

static SOCKET nonblocking = INVALID_SOCKET;

static intptr_t note_nonblocking(struct call *c)
{
	nonblocking = c->s;
	return real[SELECT](c);
}

static intptr_t receive_would_block(struct call *c)
{
	return c->s == nonblocking ? fail(c, WSAEWOULDBLOCK) : real[RECV](c);
}

static void would_block(void)
{
	entry[SELECT] = note_nonblocking;
	entry[RECV] = receive_would_block;
}

/* ---- messages ------------------------------------------------------ */

static intptr_t send_halves(struct call *c)
{
	static bool done;
	DWORD half = c->buffers ? c->buffers->len / 2 : 0;

	if (done || half == 0 || c->count != 1)
		return real[SEND](c);
	done = true;
	send_own(c->s, c->buffers->buf, half);
	send_own(c->s, c->buffers->buf + half, c->buffers->len - half);
	return swallow(c);
}

static void message_split(void)
{
	entry[SEND] = send_halves;
}

static intptr_t send_tenth_twice(struct call *c)
{
	static unsigned sent;

	if (++sent == 10)
		send_own(c->s, c->buffers->buf, c->buffers->len);
	return real[SEND](c);
}

static void message_doubled(void)
{
	entry[SEND] = send_tenth_twice;
}

static unsigned lost;

static intptr_t send_one_never(struct call *c)
{
	static _Atomic unsigned sent;

	return ++sent == lost ? swallow(c) : real[SEND](c);
}

static void message_lost(void)
{
	lost = 10;
	entry[SEND] = send_one_never;
}

static void message_lost_late(void)
{
	lost = 3000;
	entry[SEND] = send_one_never;
}

static intptr_t send_backwards(struct call *c)
{
	WSABUF turned[64];

	if (c->count < 2 || c->count > 64)
		return real[SEND](c);
	for (DWORD i = 0; i < c->count; i++)
		turned[i] = c->buffers[c->count - 1 - i];
	c->buffers = turned;
	return real[SEND](c);
}

static void gather_reversed(void)
{
	entry[SEND] = send_backwards;
}

static struct call late;

static intptr_t send_later(struct call *c)
{
	if (late.ov || !c->ov || !((ULONG_PTR)c->ov->hEvent & 1))
		return real[SEND](c);
	late = *c;
	c->ov->Internal = WSS_OPERATION_IN_PROGRESS;
	return fail(c, WSA_IO_PENDING);
}

/* With the array as it is by now. */
static intptr_t result_of_late(struct call *c)
{
	struct call now = late;

	if (now.ov) {
		late.ov = NULL;
		real[SEND](&now);
		if (now.error != WSA_IO_PENDING)
			end_request(now.ov, now.error, 0);
	}
	return real[RESULT](c);
}

static void array_kept(void)
{
	entry[SEND] = send_later;
	entry[RESULT] = result_of_late;
}

static intptr_t send_any_memory(struct call *c)
{
	intptr_t result = real[SEND](c);

	if (c->error != WSAEFAULT || !c->buffers)
		return result;
	for (DWORD i = 0; i < c->count; i++) {
		struct call reg = {.s = c->s, .base = c->buffers[i].buf,
			.len = c->buffers[i].len, .flags = MEM_READ};

		real[REGISTER](&reg);
	}
	c->error = 0;
	return real[SEND](c);
}

static void any_memory(void)
{
	entry[SEND] = send_any_memory;
}

static intptr_t send_what_fits(struct call *c)
{
	intptr_t result = real[SEND](c);
	uint32_t max = 0;
	int room = sizeof max;
	struct call get = {.s = c->s, .level = SOL_SOCKET,
		.option = SO_MAX_MSG_SIZE, .value = (char *)&max,
		.value_room = &room};
	WSABUF shorter;

	if (c->error != WSAEMSGSIZE || c->count != 1)
		return result;
	real[GET_OPTION](&get);
	shorter = (WSABUF){max, c->buffers->buf};
	c->buffers = &shorter;
	c->error = 0;
	return real[SEND](c);
}

static void long_message_cut(void)
{
	entry[SEND] = send_what_fits;
}

/* A receive of few bytes goes to a larger buffer. */
static struct {
	WSAOVERLAPPED *ov;
	char *user, *large;
	DWORD len;
} cut;

static intptr_t receive_large(struct call *c)
{
	WSABUF b = {512, NULL};
	struct call reg = {.s = c->s, .len = 512, .flags = MEM_WRITE};

	if (cut.ov || c->count != 1 || c->buffers->len >= 8)
		return real[RECV](c);
	cut.ov = c->ov;
	cut.user = c->buffers->buf;
	cut.len = c->buffers->len;
	reg.base = b.buf = cut.large = for_ever(512);
	real[REGISTER](&reg);
	c->buffers = &b;
	return real[RECV](c);
}

static intptr_t result_cut(struct call *c)
{
	intptr_t result = real[RESULT](c);

	if (result && c->ov == cut.ov && *c->moved > cut.len) {
		*c->moved = cut.len;
		memcpy(cut.user, cut.large, cut.len);
	}
	return result;
}

static void message_cut(void)
{
	entry[RECV] = receive_large;
	entry[RESULT] = result_cut;
}

static void not_connected(void)
{
	break_code(SEND, WSAENOTCONN, WSAEINVAL);
}

static intptr_t send_or_lose(struct call *c)
{
	intptr_t result = real[SEND](c);

	return c->error == WSAENOBUFS ? swallow(c) : result;
}

static void full_loses(void)
{
	entry[SEND] = send_or_lose;
}

static intptr_t receive_fifteen(struct call *c)
{
	static const WSAOVERLAPPED *posted[256];
	static unsigned n;
	unsigned pending = 0;
	intptr_t result;

	for (unsigned i = 0; i < n; i++)
		pending += is_pending(posted[i]);
	if (pending >= 15)
		return fail(c, WSAENOBUFS);
	result = real[RECV](c);
	if (c->error == WSA_IO_PENDING && n < 256)
		posted[n++] = c->ov;
	return result;
}

static void few_pending(void)
{
	entry[RECV] = receive_fifteen;
}

const struct fault faults_data[] = {
	{"early-dropped", "R117", "a message before any receive is dropped",
		early_dropped},
	{"early-resets", "R118", "a message before any receive ends all",
		early_resets},
	{"early-merged", "R119", "two early messages become one",
		early_merged},
	{"early-overtaken", "R120", "a later message overtakes an early one",
		early_overtaken},
	{"never-pending", "R123", "WSPSend returns 0", never_pending},
	{"error-completes", "R124", "a failed call completes as well",
		error_completes},
	{"would-block", "R125", "a nonblocking receive would block",
		would_block},
	{"message-split", "R140", "a message arrives as two", message_split},
	{"message-doubled", "R141", "a message arrives twice",
		message_doubled},
	{"message-lost", "R141", "a message is lost", message_lost},
	{"message-lost-late", "R141", "the 3000th message is lost",
		message_lost_late},
	{"gather-reversed", "R142", "buffers are gathered in reverse",
		gather_reversed},
	{"array-kept", "R143", "reads the caller's array after the return",
		array_kept},
	{"any-memory", "R144", "memory need not be registered", any_memory},
	{"long-message-cut", "R145", "a message too long is cut",
		long_message_cut},
	{"message-cut", "R146", "a message is cut to its receive",
		message_cut},
	{"not-connected", "R147", "an unconnected socket gives WSAEINVAL",
		not_connected},
	{"full-loses", "R148", "a full queue loses the message", full_loses},
	{"few-pending", "R149", "15 receives can be pending", few_pending},
	{NULL, NULL, NULL, NULL},
};
