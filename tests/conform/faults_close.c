/* SPDX-License-Identifier: MIT */
/* Close, loss, robustness: R188 to R198, R211, R215. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

static int done(SOCKET h, LPWSAOVERLAPPED ov, DWORD error, DWORD bytes)
{
	int ignored;

	return up->lpWPUCompleteOverlappedRequest(h, ov, error, bytes,
		&ignored);
}

/* ---- WSPCloseSocket ------------------------------------------------ */

static SOCKET listening = INVALID_SOCKET;

static intptr_t note_listening(struct call *c)
{
	listening = c->s;
	return real[LISTEN](c);
}

static intptr_t close_no_listener(struct call *c)
{
	intptr_t result = real[CLOSE](c);

	if (result == 0 && c->s == listening)
		return fail(c, WSAENOTCONN);
	return result;
}

static void close_state(void)
{
	entry[LISTEN] = note_listening;
	entry[CLOSE] = close_no_listener;
}

static intptr_t close_would_block(struct call *c)
{
	intptr_t result = real[CLOSE](c);

	return result == 0 ? fail(c, WSAEWOULDBLOCK) : result;
}

static void would_block(void)
{
	entry[CLOSE] = close_would_block;
}

static int WSPAPI complete_well(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	if (error == WSA_OPERATION_ABORTED)
		ov->OffsetHigh = error = 0;
	return done(h, ov, error, bytes);
}

static void abort_succeeds(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_well;
}

static int WSPAPI complete_aborted_twice(SOCKET h, LPWSAOVERLAPPED ov,
	DWORD error, DWORD bytes, LPINT e)
{
	if (error == WSA_OPERATION_ABORTED)
		done(h, ov, error, bytes);
	return done(h, ov, error, bytes);
}

static void abort_twice(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_aborted_twice;
}

static _Thread_local bool completing;

static int WSPAPI complete_holding(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	int result;

	completing = true;
	result = done(h, ov, error, bytes);
	completing = false;
	return result;
}

static intptr_t deregister_held(struct call *c)
{
	return completing ? fail(c, WSAEINVAL) : real[DEREGISTER](c);
}

static void released_late(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_holding;
	entry[DEREGISTER] = deregister_held;
}

/* ---- the switch's handle ------------------------------------------- */

static int WSPAPI close_handle_twice(SOCKET h, LPINT e)
{
	up->lpWPUCloseSocketHandle(h, e);
	return up->lpWPUCloseSocketHandle(h, e);
}

static void handle_twice(void)
{
	ours.lpWPUCloseSocketHandle = close_handle_twice;
}

static int WSPAPI close_no_handle(SOCKET h, LPINT e)
{
	return 0;
}

static void handle_never(void)
{
	ours.lpWPUCloseSocketHandle = close_no_handle;
}

/* One completion that comes after the handle was closed. */
static struct {
	SOCKET h;
	LPWSAOVERLAPPED ov;
	DWORD error, bytes;
} late;

static int WSPAPI complete_late(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	if (error != WSA_OPERATION_ABORTED || late.ov)
		return done(h, ov, error, bytes);
	late.h = h;
	late.ov = ov;
	late.error = error;
	late.bytes = bytes;
	return 0;
}

static int WSPAPI close_handle_early(SOCKET h, LPINT e)
{
	int result = up->lpWPUCloseSocketHandle(h, e);

	if (late.ov && late.h == h) {
		done(h, late.ov, late.error, late.bytes);
		late.ov = NULL;
	}
	return result;
}

static void upcall_after_close(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_late;
	ours.lpWPUCloseSocketHandle = close_handle_early;
}

/* ---- loss ---------------------------------------------------------- */

static intptr_t result_well(struct call *c)
{
	intptr_t result = real[RESULT](c);

	if (c->error != WSAECONNRESET)
		return result;
	c->error = 0;
	*c->moved = 0;
	return TRUE;
}

static void loss_succeeds(void)
{
	entry[RESULT] = result_well;
}

static _Atomic unsigned closed;

static intptr_t note_close(struct call *c)
{
	atomic_fetch_add(&closed, 1);
	return real[CLOSE](c);
}

/* Both ends are in this process. */
static intptr_t receive_until_close(struct call *c)
{
	return atomic_load(&closed) ? fail(c, WSAECONNRESET) : real[RECV](c);
}

static void close_overtakes(void)
{
	entry[CLOSE] = note_close;
	entry[RECV] = receive_until_close;
}

static intptr_t receive_for_ever(struct call *c)
{
	intptr_t result = real[RECV](c);

	if (c->error == WSAECONNRESET) {
		c->error = WSA_IO_PENDING;
		c->ov->Internal = WSS_OPERATION_IN_PROGRESS;
	}
	return result;
}

static void loss_pends(void)
{
	entry[RECV] = receive_for_ever;
}

static intptr_t close_alone(struct call *c)
{
	static _Atomic unsigned inside;
	intptr_t result;
	bool alone = atomic_fetch_add(&inside, 1) == 0;

	os_sleep(100000);
	result = real[CLOSE](c);
	atomic_fetch_sub(&inside, 1);
	return alone ? result : fail(c, WSAECONNRESET);
}

static void close_exclusive(void)
{
	entry[CLOSE] = close_alone;
}

static bool died(const struct call *c)
{
	return c->error == WSAECONNRESET && atomic_load(&closed) == 0;
}

static intptr_t result_unknowing(struct call *c)
{
	intptr_t result = real[RESULT](c);

	if (died(c))
		c->error = WSA_IO_INCOMPLETE;
	return result;
}

static intptr_t receive_unknowing(struct call *c)
{
	intptr_t result = real[RECV](c);

	if (died(c)) {
		c->error = WSA_IO_PENDING;
		c->ov->Internal = WSS_OPERATION_IN_PROGRESS;
	}
	return result;
}

static int WSPAPI complete_unknowing(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	if (error == WSAECONNRESET && atomic_load(&closed) == 0)
		return 0;
	return done(h, ov, error, bytes);
}

/* Only what WSPCloseSocket tells is known. */
static void death_unnoticed(void)
{
	entry[CLOSE] = note_close;
	entry[RESULT] = result_unknowing;
	entry[RECV] = receive_unknowing;
	ours.lpWPUCompleteOverlappedRequest = complete_unknowing;
}

/* ---- threads, time ------------------------------------------------- */

static intptr_t socket_unlocked(struct call *c)
{
	static _Atomic intptr_t last = NO_SOCKET;
	static _Atomic unsigned inside;
	intptr_t s = atomic_load(&last);

	if (atomic_fetch_add(&inside, 1) == 0 || s == NO_SOCKET) {
		s = real[SOCKET_](c);
		atomic_store(&last, s);
		os_yield();
	}
	atomic_fetch_sub(&inside, 1);
	return s;
}

static void threads_collide(void)
{
	entry[SOCKET_] = socket_unlocked;
}

static intptr_t close_leaking(struct call *c)
{
	static _Atomic unsigned n;
	void *lost;

	if (atomic_fetch_add(&n, 1) % 50 == 0)
		os_event_create(&lost);
	return real[CLOSE](c);
}

static void handles_leak(void)
{
	entry[CLOSE] = close_leaking;
}

const struct fault faults_close[] = {
	{"close-state", "R188", "a listener cannot be closed", close_state},
	{"close-would-block", "R190", "WSPCloseSocket gives WSAEWOULDBLOCK",
		would_block},
	{"abort-succeeds", "R191", "close completes requests with success",
		abort_succeeds},
	{"abort-twice", "R191", "close completes requests twice",
		abort_twice},
	{"released-late", "R192", "memory is in use until after the upcall",
		released_late},
	{"handle-twice", "R193", "the switch's handle is closed twice",
		handle_twice},
	{"handle-never", "R193", "the switch's handle is never closed",
		handle_never},
	{"upcall-after-close", "R193", "a completion after the handle's close",
		upcall_after_close},
	{"loss-succeeds", "R194", "a remote close is a success of 0 bytes",
		loss_succeeds},
	{"close-overtakes", "R195", "a remote close overtakes messages",
		close_overtakes},
	{"loss-pends", "R196", "receives after the loss pend", loss_pends},
	{"close-exclusive", "R197", "a close disturbs another one",
		close_exclusive},
	{"death-unnoticed", "R198", "a peer's death is not noticed",
		death_unnoticed},
	{"threads-collide", "R211", "two threads get one descriptor",
		threads_collide},
	{"handles-leak", "R215", "every 50th close leaks a handle",
		handles_leak},
	{NULL, NULL, NULL, NULL},
};
