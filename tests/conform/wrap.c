/* SPDX-License-Identifier: MIT */
/* Loading the real provider, starting it, choosing the fault. */
#include "wrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "wrap_real.h"

/* The build says how this toolchain exports a symbol. */
#ifndef WRAP_EXPORT
#define WRAP_EXPORT
#endif
#ifndef REAL_PROVIDER
#define REAL_PROVIDER ""
#endif

struct provider provider;

/* ---- upcalls ------------------------------------------------------- */

static WSPUPCALLTABLEEX copied;
const WSPUPCALLTABLEEX *up = &copied;

static SOCKET WSPAPI create_handle(DWORD id, DWORD_PTR context, LPINT e)
{
	return up->lpWPUCreateSocketHandle(id, context, e);
}

static int WSPAPI close_handle(SOCKET h, LPINT e)
{
	return up->lpWPUCloseSocketHandle(h, e);
}

static int WSPAPI query_context(SOCKET h, PDWORD_PTR context, LPINT e)
{
	return up->lpWPUQuerySocketHandleContext(h, context, e);
}

static int WSPAPI complete(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	return up->lpWPUCompleteOverlappedRequest(h, ov, error, bytes, e);
}

/* Those of a SAN; the real provider gets the switch's own for the others. */
WSPUPCALLTABLEEX ours = {
	.lpWPUCreateSocketHandle = create_handle,
	.lpWPUCloseSocketHandle = close_handle,
	.lpWPUQuerySocketHandleContext = query_context,
	.lpWPUCompleteOverlappedRequest = complete,
};

/* What the switch lacks, the real provider must find lacking. */
#define BETWEEN(member)                                                       \
	do {                                                                  \
		if (t.member)                                                 \
			t.member = ours.member;                               \
	} while (0)

static WSPUPCALLTABLEEX between(const WSPUPCALLTABLEEX *theirs)
{
	WSPUPCALLTABLEEX t = *theirs;

	BETWEEN(lpWPUCreateSocketHandle);
	BETWEEN(lpWPUCloseSocketHandle);
	BETWEEN(lpWPUQuerySocketHandleContext);
	BETWEEN(lpWPUCompleteOverlappedRequest);
	return t;
}

/* ---- loading ------------------------------------------------------- */

/* True when there is a real provider. */
static bool load(void)
{
	const char *path = getenv("WSD_REAL_PROVIDER");
	char why[256];
	void *lib;

	if (!path || !*path)
		path = REAL_PROVIDER;
	if (os_library_open(path, &lib, why, sizeof why) != ST_OK) {
		os_log_line(why);
		return false;
	}
	provider.start = (LPWSPSTARTUPEX)os_library_symbol(lib,
		"WSPStartupEx");
	return provider.start != NULL;
}

/* A start-up that finds no room to load may be tried again. */
static bool load_once(void)
{
	static struct os_mutex lock = OS_MUTEX_INIT;
	bool good;

	os_mutex_lock(&lock);
	good = provider.start || load();
	os_mutex_unlock(&lock);
	return good;
}

/* ---- start-up ------------------------------------------------------ */

static struct os_mutex starts_lock = OS_MUTEX_INIT;
static unsigned starts;

void wrap_count_out(void)
{
	os_mutex_lock(&starts_lock);
	starts--;
	os_mutex_unlock(&starts_lock);
}

/* Before the first start-up, since upcalls may come before it returns. */
static void remember(const WSPUPCALLTABLEEX *theirs)
{
	os_mutex_lock(&starts_lock);
	if (starts == 0 && memcmp(&copied, theirs, sizeof copied) != 0)
		copied = *theirs;
	os_mutex_unlock(&starts_lock);
}

static void ask(GUID id, void *member)
{
	DWORD bytes = 0;
	int error;

	provider.t.lpWSPIoctl(INVALID_SOCKET,
		(DWORD)SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id,
		member, sizeof(void *), &bytes, NULL, NULL, NULL, &error);
}

static void ask_all(void)
{
	ask((GUID)WSAID_REGISTERMEMORY, &provider.register_memory);
	ask((GUID)WSAID_DEREGISTERMEMORY, &provider.deregister_memory);
	ask((GUID)WSAID_REGISTERRDMAMEMORY, &provider.register_rdma);
	ask((GUID)WSAID_DEREGISTERRDMAMEMORY, &provider.deregister_rdma);
	ask((GUID)WSAID_RDMAWRITE, &provider.rdma_write);
	ask((GUID)WSAID_RDMAREAD, &provider.rdma_read);
	ask((GUID)WSAID_MEMORYREGISTRATIONCACHECALLBACK,
		&provider.cache_callback);
}

/* The same again for each start-up after the first. */
static void started(const WSPPROC_TABLE *t)
{
	os_mutex_lock(&starts_lock);
	if (memcmp(&provider.t, t, sizeof *t) != 0) {
		provider.t = *t;
		ask_all();
	}
	starts++;
	os_mutex_unlock(&starts_lock);
}

intptr_t wrap_start(struct call *c)
{
	WSPUPCALLTABLEEX upcalls;
	WSPPROC_TABLE t;
	int code;

	if (!load_once())
		return WSAEPROVIDERFAILEDINIT;
	if (c->upcalls) {
		remember(c->upcalls);
		upcalls = between(c->upcalls);
	}
	code = provider.start(c->version, c->data, c->info,
		c->upcalls ? &upcalls : NULL, c->table ? &t : NULL);
	if (code)
		return code;
	started(&t);
	wrap_table(c->table);
	return 0;
}

/* ---- WSPStartupEx -------------------------------------------------- */

static bool armed;

static void arm(void)
{
	const char *name = getenv("WSD_FAULT");
	const struct fault *f;
	char line[256];

	armed = !name || !*name;
	if (armed)
		return;
	f = fault_find(name);
	if (f) {
		f->arm();
		armed = true;
		return;
	}
	snprintf(line, sizeof line, "no such fault: %.100s", name);
	os_log_line(line);
}

WRAP_EXPORT int WSPAPI WSPStartupEx(WORD wVersionRequested,
	LPWSPDATA lpWSPData, LPWSAPROTOCOL_INFOW lpProtocolInfo,
	LPWSPUPCALLTABLEEX lpUpcallTable, LPWSPPROC_TABLE lpProcTable)
{
	static struct os_once once = OS_ONCE_INIT;
	struct call c = {.version = wVersionRequested, .data = lpWSPData,
		.info = lpProtocolInfo, .upcalls = lpUpcallTable,
		.table = lpProcTable};

	os_once(&once, arm);
	return armed ? (int)entry[START](&c) : WSAEPROVIDERFAILEDINIT;
}

/* ---- for faults ---------------------------------------------------- */

intptr_t fail(struct call *c, int code)
{
	c->error = code;
	return SOCKET_ERROR;
}

intptr_t fail_null(struct call *c, int code)
{
	c->error = code;
	return 0;
}

bool is_pending(const WSAOVERLAPPED *ov)
{
	return __atomic_load_n(&ov->Internal, __ATOMIC_ACQUIRE) ==
		WSS_OPERATION_IN_PROGRESS;
}

void end_request(WSAOVERLAPPED *ov, int error, DWORD bytes)
{
	ov->InternalHigh = bytes;
	ov->Offset = 0;
	ov->OffsetHigh = (DWORD)error;
	__atomic_store_n(&ov->Internal, 0, __ATOMIC_RELEASE);
}

void *for_ever(size_t len)
{
	void *p = calloc(1, len);

	if (!p)
		abort();
	return p;
}

DWORD total_len(const WSABUF *buffers, DWORD count)
{
	DWORD len = 0;

	for (DWORD i = 0; i < count; i++)
		len += buffers[i].len;
	return len;
}

static struct {
	enum entry entry;
	int from, to;
} changed;

static intptr_t with_other_code(struct call *c)
{
	intptr_t result = real[changed.entry](c);

	if (c->error == changed.from)
		c->error = changed.to;
	return result;
}

void break_code(enum entry e, int from, int to)
{
	changed.entry = e;
	changed.from = from;
	changed.to = to;
	entry[e] = with_other_code;
}

static intptr_t without_check(struct call *c)
{
	intptr_t result = real[changed.entry](c);

	if (c->error != changed.from)
		return result;
	c->error = 0;
	return 0;
}

void break_check(enum entry e, int code)
{
	changed.entry = e;
	changed.from = code;
	entry[e] = without_check;
}
