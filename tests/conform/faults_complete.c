/* SPDX-License-Identifier: MIT */
/* Completion: R126 to R139, R150, R159. */
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

/* ---- who is notified ----------------------------------------------- */

/* The real provider is shown another bit 0 than the switch has set. */
static intptr_t receive_with(struct call *c, HANDLE shown)
{
	HANDLE theirs = c->ov->hEvent;
	intptr_t result;

	c->ov->hEvent = shown;
	result = real[RECV](c);
	c->ov->hEvent = theirs;
	return result;
}

static intptr_t receive_notified(struct call *c)
{
	if (!c->ov)
		return real[RECV](c);
	return receive_with(c, (HANDLE)((ULONG_PTR)c->ov->hEvent &
		~(ULONG_PTR)1));
}

static void polled_notified(void)
{
	entry[RECV] = receive_notified;
}

static intptr_t receive_polled(struct call *c)
{
	if (!c->ov || c->ov->hEvent)
		return real[RECV](c);
	return receive_with(c, (HANDLE)(uintptr_t)1);
}

static void null_event_polled(void)
{
	entry[RECV] = receive_polled;
}

static int WSPAPI complete_twice(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	done(h, ov, error, bytes);
	return done(h, ov, error, bytes);
}

static void notified_twice(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_twice;
}

static int WSPAPI complete_one_twice(SOCKET h, LPWSAOVERLAPPED ov,
	DWORD error, DWORD bytes, LPINT e)
{
	static _Atomic unsigned n;

	if (++n == 30)
		done(h, ov, error, bytes);
	return done(h, ov, error, bytes);
}

static void one_twice(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_one_twice;
}

static int WSPAPI complete_none(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	return 0;
}

static void notified_never(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_none;
}

static int WSPAPI complete_one_more(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	bytes += error == 0;
	ov->InternalHigh = bytes;
	return done(h, ov, error, bytes);
}

static void bytes_wrong(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_one_more;
}

static int WSPAPI complete_wrong_handle(SOCKET h, LPWSAOVERLAPPED ov,
	DWORD error, DWORD bytes, LPINT e)
{
	return done(h - 1, ov, error, bytes);
}

static void handle_of_other(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_wrong_handle;
}

/* ---- the OVERLAPPED ------------------------------------------------ */

static intptr_t receive_marked(struct call *c)
{
	intptr_t result = real[RECV](c);

	if (c->error == WSA_IO_PENDING && is_pending(c->ov))
		c->ov->Internal = 0x104;
	return result;
}

static void internal_other(void)
{
	entry[RECV] = receive_marked;
}

/* Results go to a shadow, and from there to the caller, Internal first. */
static WSAOVERLAPPED shadow;
static WSAOVERLAPPED *shadowed;

static intptr_t receive_shadowed(struct call *c)
{
	intptr_t result;

	if (shadowed || !c->ov || !((ULONG_PTR)c->ov->hEvent & 1))
		return real[RECV](c);
	shadow = *c->ov;
	shadowed = c->ov;
	shadowed->Internal = WSS_OPERATION_IN_PROGRESS;
	c->ov = &shadow;
	result = real[RECV](c);
	if (c->error != WSA_IO_PENDING)
		shadowed = NULL;
	return result;
}

static void show_shadow(void)
{
	WSAOVERLAPPED *ov = shadowed;

	__atomic_store_n(&ov->Internal, 0, __ATOMIC_RELEASE);
	os_sleep(1000000);
	ov->InternalHigh = shadow.InternalHigh;
	ov->Offset = shadow.Offset;
	ov->OffsetHigh = shadow.OffsetHigh;
	shadowed = NULL;
}

static intptr_t result_of_shadow(struct call *c)
{
	struct call look = *c;

	if (!shadowed)
		return real[RESULT](c);
	look.ov = &shadow;
	real[RESULT](&look);
	if (!is_pending(&shadow))
		show_shadow();
	if (is_pending(c->ov))
		return fail_null(c, WSA_IO_INCOMPLETE);
	return real[RESULT](c);
}

static void internal_first(void)
{
	entry[RECV] = receive_shadowed;
	entry[RESULT] = result_of_shadow;
}

static int WSPAPI complete_bare(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	ov->OffsetHigh = 0x5a5a;
	return done(h, ov, error, bytes);
}

static void fields_wrong(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_bare;
}

static WSAOVERLAPPED *touched;

static intptr_t receive_and_note(struct call *c)
{
	intptr_t result = real[RECV](c);

	touched = c->ov;
	return result;
}

static intptr_t result_and_touch(struct call *c)
{
	intptr_t result = real[RESULT](c);

	if (touched && !is_pending(touched))
		touched->InternalHigh = 5;
	return result;
}

static void touched_after(void)
{
	entry[RECV] = receive_and_note;
	entry[RESULT] = result_and_touch;
}

/* ---- WSPGetOverlappedResult ---------------------------------------- */

static void incomplete_code(void)
{
	break_code(RESULT, WSA_IO_INCOMPLETE, WSAEWOULDBLOCK);
}

static intptr_t result_waiting(struct call *c)
{
	c->wait = TRUE;
	return real[RESULT](c);
}

static void always_waits(void)
{
	entry[RESULT] = result_waiting;
}

static intptr_t result_at_once(struct call *c)
{
	c->wait = FALSE;
	return real[RESULT](c);
}

static void never_waits(void)
{
	entry[RESULT] = result_at_once;
}

static intptr_t result_no_flags(struct call *c)
{
	c->flags_out = NULL;
	return real[RESULT](c);
}

static void flags_not_set(void)
{
	entry[RESULT] = result_no_flags;
}

static intptr_t result_zeroed(struct call *c)
{
	intptr_t result = real[RESULT](c);

	if (!result && c->moved)
		*c->moved = 0;
	return result;
}

static void bytes_zeroed(void)
{
	entry[RESULT] = result_zeroed;
}

static intptr_t result_minus_one(struct call *c)
{
	intptr_t result = real[RESULT](c);

	return c->error == WSAENOTSOCK ? SOCKET_ERROR : result;
}

static void minus_one(void)
{
	entry[RESULT] = result_minus_one;
}

/* Somebody else would have to do the work, and nobody does. */
static intptr_t result_idle(struct call *c)
{
	if (c->ov && is_pending(c->ov) && !c->wait)
		return fail_null(c, WSA_IO_INCOMPLETE);
	return real[RESULT](c);
}

static void poll_idle(void)
{
	entry[RESULT] = result_idle;
}

static LPWSAOVERLAPPED notified;

static int WSPAPI complete_and_note(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	notified = ov;
	return done(h, ov, error, bytes);
}

static intptr_t result_other(struct call *c)
{
	intptr_t result = real[RESULT](c);

	if (result && c->ov == notified && c->moved)
		*c->moved = 0;
	return result;
}

static void result_differs(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_and_note;
	entry[RESULT] = result_other;
}

/* ---- order, locks -------------------------------------------------- */

struct completion {
	SOCKET h;
	LPWSAOVERLAPPED ov;
	DWORD error, bytes;
};

/* The 10th comes after the 11th. */
static int WSPAPI complete_swapped(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	static struct completion held;
	static unsigned n;
	int result;

	if (++n == 10) {
		held = (struct completion){h, ov, error, bytes};
		return 0;
	}
	result = done(h, ov, error, bytes);
	if (n == 11)
		done(held.h, held.ov, held.error, held.bytes);
	return result;
}

static void order_swapped(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_swapped;
}

static struct os_mutex one_lock = OS_MUTEX_INIT;

static int WSPAPI complete_locked(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	int result;

	os_mutex_lock(&one_lock);
	result = done(h, ov, error, bytes);
	os_mutex_unlock(&one_lock);
	return result;
}

static intptr_t receive_locked(struct call *c)
{
	intptr_t result;

	os_mutex_lock(&one_lock);
	result = real[RECV](c);
	os_mutex_unlock(&one_lock);
	return result;
}

static void upcall_locked(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_locked;
	entry[RECV] = receive_locked;
}

const struct fault faults_complete[] = {
	{"polled-notified", "R126", "a polled request makes an upcall",
		polled_notified},
	{"notified-twice", "R127", "each upcall comes twice", notified_twice},
	{"one-twice", "R127", "one upcall in many comes twice", one_twice},
	{"notified-never", "R127", "no upcall comes", notified_never},
	{"bytes-wrong", "R127", "the upcall tells one byte too many",
		bytes_wrong},
	{"handle-of-other", "R30", "the upcall is for another socket's handle",
		handle_of_other},
	{"null-event-polled", "R128", "hEvent 0 makes no upcall",
		null_event_polled},
	{"internal-other", "R129", "Internal is 0x104 while pending",
		internal_other},
	{"internal-first", "R130", "Internal changes before the result",
		internal_first},
	{"fields-wrong", "R131", "OffsetHigh is not the error", fields_wrong},
	{"touched-after", "R132", "the OVERLAPPED is written to afterwards",
		touched_after},
	{"incomplete-code", "R133", "pending gives WSAEWOULDBLOCK",
		incomplete_code},
	{"always-waits", "R133", "waits though fWait is FALSE", always_waits},
	{"never-waits", "R134", "does not wait though fWait is TRUE",
		never_waits},
	{"flags-not-set", "R135", "the flags are not stored", flags_not_set},
	{"bytes-zeroed", "R136", "an error sets the byte count to 0",
		bytes_zeroed},
	{"minus-one", "R137", "WSPGetOverlappedResult fails with -1",
		minus_one},
	{"poll-idle", "R138", "polling does none of the work", poll_idle},
	{"result-differs", "R139", "after the upcall the byte count is 0",
		result_differs},
	{"order-swapped", "R150", "two upcalls come in reverse",
		order_swapped},
	{"upcall-locked", "R159", "a lock is held over the upcall",
		upcall_locked},
	{NULL, NULL, NULL, NULL},
};
