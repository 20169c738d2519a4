/* SPDX-License-Identifier: MIT */
#include "spi_driver.h"

#include <string.h>

#include "cases.h"
#include "codes.h"
#include "ledger.h"
#include "os/os.h"
#include "os/os_child.h"
#include "trace.h"
#include "watch.h"

enum { HANDLES = 1 << 17, COMPLETIONS = 1 << 16 };
/* Unlike any number that a provider would choose for a descriptor (R30). */
#define HANDLE_BASE ((SOCKET)0x5a170000)
#define PATIENCE (case_seconds() * UINT64_C(400000000))

struct spi_target spi_target;
struct spi spi;

static struct {
	struct os_mutex lock;
	unsigned created, closed, completed;
	_Atomic unsigned close_calls, complete_calls;
	int create_error;
	DWORD_PTR context[HANDLES];
	bool open[HANDLES];
	struct spi_completion completion[COMPLETIONS];
} up = {.lock = OS_MUTEX_INIT};

static void (*_Atomic hook)(const struct spi_completion *c);
static void (*_Atomic handle_hook)(SOCKET handle, bool created);

void up_hook(void (*fn)(const struct spi_completion *c))
{
	atomic_store(&hook, fn);
}

void up_handle_hook(void (*fn)(SOCKET handle, bool created))
{
	atomic_store(&handle_hook, fn);
}

/* ---- upcalls ------------------------------------------------------- */

enum handle_state { HANDLE_UNKNOWN, HANDLE_OPEN, HANDLE_CLOSED };

static enum handle_state state_of(SOCKET h)
{
	SOCKET i = h - HANDLE_BASE;

	if (h < HANDLE_BASE || i >= up.created)
		return HANDLE_UNKNOWN;
	return up.open[i % HANDLES] ? HANDLE_OPEN : HANDLE_CLOSED;
}

/* False: the upcall must not use this handle. Not with the lock held. */
static bool handle_is_good(const char *upcall, SOCKET h)
{
	enum handle_state state;

	os_mutex_lock(&up.lock);
	state = state_of(h);
	os_mutex_unlock(&up.lock);
	if (state == HANDLE_CLOSED)
		case_violation(193, "%s for a handle that "
			"WPUCloseSocketHandle has closed", upcall);
	else if (state == HANDLE_UNKNOWN && ledger_is_descriptor(h))
		case_violation(30, "%s with the provider's descriptor instead "
			"of the switch handle", upcall);
	else if (state == HANDLE_UNKNOWN)
		case_violation(30, "%s with 0x%llx, which is no switch handle",
			upcall, (unsigned long long)h);
	return state == HANDLE_OPEN;
}

static SOCKET WSPAPI create_socket_handle(DWORD entry, DWORD_PTR context,
	LPINT error)
{
	void (*fn)(SOCKET, bool) = atomic_load(&handle_hook);
	SOCKET h = INVALID_SOCKET;
	int code;

	os_mutex_lock(&up.lock);
	code = up.create_error;
	if (!code) {
		h = HANDLE_BASE + up.created;
		up.open[up.created % HANDLES] = true;
		up.context[up.created % HANDLES] = context;
		up.created++;
	}
	os_mutex_unlock(&up.lock);
	trace_upcall("WPUCreateSocketHandle", h, "): %s", code_name(code));
	if (code) {
		if (error)
			*error = code;
		return INVALID_SOCKET;
	}
	watch_handle_made(h);
	if (fn)
		fn(h, true);
	return h;
}

static int WSPAPI close_socket_handle(SOCKET h, LPINT error)
{
	void (*fn)(SOCKET, bool) = atomic_load(&handle_hook);

	atomic_fetch_add(&up.close_calls, 1);
	trace_upcall("WPUCloseSocketHandle", h, ")");
	if (!handle_is_good("WPUCloseSocketHandle", h)) {
		if (error)
			*error = WSAENOTSOCK;
		return SOCKET_ERROR;
	}
	if (fn)
		fn(h, false);
	os_mutex_lock(&up.lock);
	up.open[(h - HANDLE_BASE) % HANDLES] = false;
	up.closed++;
	os_mutex_unlock(&up.lock);
	return 0;
}

/* What the fields must be when the upcall comes (spec 10, rules 4 to 7). */
static void look_at(const struct spi_completion *c)
{
	LPWSAOVERLAPPED ov = c->overlapped;

	if (ov->Internal != WSS_OPERATION_IN_PROGRESS)
		case_violation(129, "Internal is 0x%llx when the upcall comes, "
			"expected 0x103", (unsigned long long)ov->Internal);
	if (ov->OffsetHigh != c->error)
		case_violation(131, "OffsetHigh is %u when the upcall comes "
			"with error %s (%u)", (unsigned)ov->OffsetHigh,
			code_name((int)c->error), (unsigned)c->error);
	if (c->error && c->bytes)
		case_violation(127, "completion with %s and %u bytes, "
			"expected 0 bytes", code_name((int)c->error),
			(unsigned)c->bytes);
}

static int WSPAPI complete(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT err)
{
	struct spi_completion c = {h, ov, error, bytes, os_thread_id()};
	void (*fn)(const struct spi_completion *) = atomic_load(&hook);

	atomic_fetch_add(&up.complete_calls, 1);
	trace_upcall("WPUCompleteOverlappedRequest", h,
		", overlapped %p, %s, %u bytes)", (void *)ov,
		code_name((int)error), (unsigned)bytes);
	if (!handle_is_good("WPUCompleteOverlappedRequest", h) ||
		!ledger_complete(ov, h)) {
		if (err)
			*err = WSAEINVAL;
		return SOCKET_ERROR;
	}
	look_at(&c);
	os_mutex_lock(&up.lock);
	up.completion[up.completed++ % COMPLETIONS] = c;
	os_mutex_unlock(&up.lock);
	ov->InternalHigh = bytes;
	__atomic_store_n(&ov->Internal, 0, __ATOMIC_RELEASE);
	if (fn)
		fn(&c);
	return 0;
}

static int WSPAPI query_context(SOCKET h, PDWORD_PTR context, LPINT error)
{
	if (!handle_is_good("WPUQuerySocketHandleContext", h)) {
		if (error)
			*error = WSAENOTSOCK;
		return SOCKET_ERROR;
	}
	os_mutex_lock(&up.lock);
	*context = up.context[(h - HANDLE_BASE) % HANDLES];
	os_mutex_unlock(&up.lock);
	return 0;
}

WSPUPCALLTABLEEX spi_upcall_table(void)
{
	WSPUPCALLTABLEEX t;

	memset(&t, 0, sizeof t);
	t.lpWPUCreateSocketHandle = create_socket_handle;
	t.lpWPUCloseSocketHandle = close_socket_handle;
	t.lpWPUQuerySocketHandleContext = query_context;
	t.lpWPUCompleteOverlappedRequest = complete;
	return t;
}

static unsigned counted(const unsigned *n)
{
	unsigned now;

	os_mutex_lock(&up.lock);
	now = *n;
	os_mutex_unlock(&up.lock);
	return now;
}

unsigned up_created(void)
{
	return counted(&up.created);
}

unsigned up_closed(void)
{
	return counted(&up.closed);
}

unsigned up_completed(void)
{
	return counted(&up.completed);
}

unsigned up_close_calls(void)
{
	return atomic_load(&up.close_calls);
}

unsigned up_complete_calls(void)
{
	return atomic_load(&up.complete_calls);
}

struct spi_completion up_completion(unsigned n)
{
	struct spi_completion c;

	CHECK(n < up_completed());
	os_mutex_lock(&up.lock);
	c = up.completion[n % COMPLETIONS];
	os_mutex_unlock(&up.lock);
	return c;
}

unsigned up_completions_of(LPWSAOVERLAPPED ov)
{
	unsigned n = 0;

	for (unsigned i = 0; i < up_completed(); i++)
		n += up_completion(i).overlapped == ov;
	return n;
}

static void wait_until(const unsigned *count, unsigned n, const char *what)
{
	uint64_t until = os_now() + PATIENCE;

	while (counted(count) < n) {
		if (os_now() > until)
			FAIL("%u %s after %u seconds, expected %u",
				counted(count), what,
				(unsigned)(PATIENCE / 1000000000), n);
		os_sleep(100000);
	}
}

void up_wait_completed(unsigned n)
{
	wait_until(&up.completed, n, "completions by upcall");
}

void up_wait_closed_by(unsigned n)
{
	wait_until(&up.closed, n, "calls of WPUCloseSocketHandle");
}

void up_wait_closed(void)
{
	up_wait_closed_by(up_created());
}

bool up_handle_closed(SOCKET s)
{
	uint64_t until = os_now() + PATIENCE / 10;
	SOCKET h = ledger_handle_of(s);
	enum handle_state state;

	for (;;) {
		os_mutex_lock(&up.lock);
		state = state_of(h);
		os_mutex_unlock(&up.lock);
		if (state == HANDLE_CLOSED)
			return true;
		if (state == HANDLE_UNKNOWN || os_now() > until)
			return false;
		os_sleep(20000);
	}
}

SOCKET up_last_handle(void)
{
	return HANDLE_BASE + up_created() - 1;
}

DWORD_PTR up_last_context(void)
{
	return up.context[(up_created() - 1) % HANDLES];
}

void up_fail_create(int error)
{
	os_mutex_lock(&up.lock);
	up.create_error = error;
	os_mutex_unlock(&up.lock);
}

/* ---- start and stop ------------------------------------------------ */

WSAPROTOCOL_INFOW spi_tcpip_info(void)
{
	static const GUID tcpip = {0xe70f1aa0, 0xab8b, 0x11cf,
		{0x8c, 0xa3, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92}};
	WSAPROTOCOL_INFOW info;

	memset(&info, 0, sizeof info);
	info.ProviderId = tcpip;
	info.ProtocolChain.ChainLen = BASE_PROTOCOL;
	info.iVersion = 2;
	info.iAddressFamily = AF_INET;
	info.iSocketType = SOCK_STREAM;
	info.iProtocol = IPPROTO_TCP;
	info.iMaxSockAddr = info.iMinSockAddr = 16;
	return info;
}

void *spi_extension(const GUID *id, int *error)
{
	GUID copy = *id;
	DWORD bytes = 0;
	void *f = NULL;

	/* R49: the socket must not matter. */
	if (spi.t.lpWSPIoctl(INVALID_SOCKET, SIO_GET_EXTENSION_FUNCTION_POINTER,
			&copy, sizeof copy, &f, sizeof f, &bytes, NULL, NULL,
			NULL, error) == 0 && bytes != sizeof f)
		case_violation(48, "an extension pointer has %u bytes, "
			"expected %u", (unsigned)bytes, (unsigned)sizeof f);
	return f;
}

#define ASK(member, type, id)                                                 \
	do {                                                                  \
		static const GUID wanted = id;                                \
		spi.member = (type)spi_extension(&wanted, &error);            \
	} while (0)

static void ask_extensions(void)
{
	int error = 0;

	ASK(register_memory, LPFN_WSPREGISTERMEMORY, WSAID_REGISTERMEMORY);
	ASK(deregister_memory, LPFN_WSPDEREGISTERMEMORY,
		WSAID_DEREGISTERMEMORY);
	ASK(register_rdma, LPFN_WSPREGISTERRDMAMEMORY,
		WSAID_REGISTERRDMAMEMORY);
	ASK(deregister_rdma, LPFN_WSPDEREGISTERRDMAMEMORY,
		WSAID_DEREGISTERRDMAMEMORY);
	ASK(rdma_write, LPFN_WSPRDMAWRITE, WSAID_RDMAWRITE);
	ASK(rdma_read, LPFN_WSPRDMAREAD, WSAID_RDMAREAD);
	ASK(cache_callback, LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK,
		WSAID_MEMORYREGISTRATIONCACHECALLBACK);
	watch_extensions();
}

static unsigned threads_before;

static void no_work(void *arg)
{
}

/* A sanitizer may have a thread of its own, from our first thread on. */
static void count_threads(void)
{
	struct os_thread t;

	CHECK(os_thread_start(&t, "dummy", no_work, NULL) == ST_OK);
	os_thread_join(&t);
	os_sleep(1000000);
	threads_before = os_thread_count();
}

unsigned spi_threads(void)
{
	unsigned now = os_thread_count();

	return now > threads_before ? now - threads_before : 0;
}

int spi_startup(WORD version, const GUID *id)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX upcalls = spi_upcall_table();
	int code;

	if (!threads_before)
		count_threads();
	if (id)
		info.ProviderId = *id;
	trace_enter("WSPStartupEx");
	code = spi_target.entry(version, &spi.data, &info, &upcalls, &spi.raw);
	trace_leave(code);
	if (code == 0)
		spi.t = watch_table(&spi.raw);
	return code;
}

void spi_start(void)
{
	CHECK_CODE(spi_startup(MAKEWORD(2, 2), NULL), 0);
	ask_extensions();
	if (!spi.register_memory || !spi.deregister_memory ||
		!spi.register_rdma || !spi.deregister_rdma || !spi.rdma_write)
		FAIL("an extension function that is not optional is missing");
}

/* A provider may still be about it when WSPCleanup has returned. */
static bool settled(void)
{
	return up_closed() == up_created() && spi_threads() == 0 &&
		ledger_owed() == 0;
}

void spi_stop(void)
{
	uint64_t until = os_now() + PATIENCE / 5;
	unsigned open, owed, threads;
	int error = 0;

	if (spi.t.lpWSPCleanup(&error) != 0)
		FAIL("WSPCleanup: got %s (%d), expected success",
			code_name(error), error);
	while (!settled() && os_now() < until)
		os_sleep(1000000);
	open = up_created() - up_closed();
	owed = ledger_owed();
	threads = spi_threads();
	if (owed) /* R19 */
		case_violation(19, "%u requests were never completed by "
			"upcall", owed);
	if (open || threads) /* R20 */
		case_violation(20, "after the last WSPCleanup %u switch "
			"handles are open and %u threads are left", open,
			threads);
	ledger_clear();
}
