/* SPDX-License-Identifier: MIT */
#include "spi_driver.h"

#include <string.h>

#include "cases.h"
#include "os/os.h"
#include "process.h"

enum { HANDLES = 1 << 17, COMPLETIONS = 1 << 16 };
#define HANDLE_BASE ((SOCKET)0x7000)
#define PATIENCE (10 * UINT64_C(1000000000))

struct spi spi;
static void (*_Atomic hook)(const struct spi_completion *c);

void up_hook(void (*fn)(const struct spi_completion *c))
{
	atomic_store(&hook, fn);
}

static struct {
	struct os_mutex lock;
	unsigned created, closed, completed;
	int create_error;
	DWORD_PTR context[HANDLES];
	bool open[HANDLES];
	struct spi_completion completion[COMPLETIONS];
} up = {.lock = OS_MUTEX_INIT};

/* ---- upcalls ------------------------------------------------------- */

static bool is_open(SOCKET h)
{
	SOCKET i = h - HANDLE_BASE;

	return h >= HANDLE_BASE && i < up.created && up.open[i % HANDLES];
}

static SOCKET WSPAPI create_socket_handle(DWORD entry, DWORD_PTR context,
	LPINT error)
{
	SOCKET h = INVALID_SOCKET;

	os_mutex_lock(&up.lock);
	if (up.create_error) {
		*error = up.create_error;
	} else {
		h = HANDLE_BASE + up.created;
		up.open[up.created % HANDLES] = true;
		up.context[up.created % HANDLES] = context;
		up.created++;
	}
	os_mutex_unlock(&up.lock);
	return h;
}

static int WSPAPI close_socket_handle(SOCKET h, LPINT error)
{
	os_mutex_lock(&up.lock);
	if (!is_open(h)) /* R193 */
		FAIL("WPUCloseSocketHandle for a handle that is not open");
	up.open[(h - HANDLE_BASE) % HANDLES] = false;
	up.closed++;
	os_mutex_unlock(&up.lock);
	return 0;
}

static int WSPAPI complete(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT err)
{
	struct spi_completion c = {h, ov, error, bytes};
	void (*fn)(const struct spi_completion *) = atomic_load(&hook);

	os_mutex_lock(&up.lock);
	if (!is_open(h)) /* R30, R193 */
		FAIL("completion for a handle that is not open");
	if ((ULONG_PTR)ov->hEvent & 1) /* R126 */
		FAIL("completion of a request that wanted none");
	if (ov->Internal != WSS_OPERATION_IN_PROGRESS) /* R129 */
		FAIL("completion of a request that is not pending");
	if (ov->OffsetHigh != error || ov->InternalHigh != bytes) /* R131 */
		FAIL("the fields of the OVERLAPPED are not set");
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
	os_mutex_lock(&up.lock);
	*context = up.context[(h - HANDLE_BASE) % HANDLES];
	os_mutex_unlock(&up.lock);
	return 0;
}

WSPUPCALLTABLEEX spi_upcalls(void)
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

void up_wait_completed(unsigned n)
{
	uint64_t until = os_now() + PATIENCE;

	while (up_completed() < n) {
		if (os_now() > until)
			FAIL("%u completions, expected %u", up_completed(), n);
		os_sleep(100000);
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
			NULL, error) == 0)
		CHECK_EQ(bytes, sizeof f); /* R48 */
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
	ASK(capabilities, LPFN_WSDQUERYCAPABILITIES, WSDID_QUERYCAPABILITIES);
	ASK(wait_handle, LPFN_WSDGETWAITHANDLE, WSDID_GETWAITHANDLE);
	ASK(arm, LPFN_WSDARM, WSDID_ARM);
	ASK(peer_identity, LPFN_WSDPEERIDENTITY, WSDID_PEERIDENTITY);
	ASK(open_channel, LPFN_WSDOPENCHANNEL, WSDID_OPENCHANNEL);
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
	threads_before = process_threads();
}

unsigned spi_threads(void)
{
	return process_threads() - threads_before;
}

void spi_start(void)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX upcalls = spi_upcalls();

	if (!threads_before)
		count_threads();
	CHECK_EQ(spi_entry()(MAKEWORD(2, 2), &spi.data, &info, &upcalls,
			&spi.t), 0);
	ask_extensions();
	CHECK(spi.register_memory && spi.deregister_memory);
	CHECK(spi.register_rdma && spi.deregister_rdma && spi.rdma_write);
}

void spi_stop(void)
{
	uint64_t until = os_now() + PATIENCE;
	int error = 0;

	CHECK_EQ(spi.t.lpWSPCleanup(&error), 0);
	CHECK_EQ(up_closed(), up_created()); /* R20 */
	while (spi_threads() > 0 && os_now() < until)
		os_sleep(1000000); /* a joined one may still be leaving */
	CHECK_EQ(spi_threads(), 0);
}
