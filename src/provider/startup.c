/* SPDX-License-Identifier: MIT */
/*
 * startup.c - WSPStartupEx and WSPCleanup: R8 to R22, R212.
 *
 * Nothing depends on when in the life of a process it is started (R212): there
 * is no thread and no state of its own before the first socket.
 *
 * Both are serialised by one lock, which no upcall is made under: the last
 * clean-up leaves the lock before it closes what is still open, and start-ups
 * meanwhile are told to come back (WSASYSNOTREADY).
 */
#include <string.h>

#include "os/os.h"
#include "provider/address.h"
#include "provider/close.h"
#include "provider/descriptor.h"
#include "provider/engine.h"
#include "provider/overlapped.h"
#include "provider/process.h"
#include "provider/spi.h"
#include "transport/transport.h"

/* The build says how this toolchain exports a symbol; tests export nothing. */
#ifndef PROV_EXPORT
#define PROV_EXPORT
#endif

#define VERSION MAKEWORD(2, 2)
/* How long the last clean-up waits for calls still inside the provider: 5 s. */
#define CLEANUP_WAIT_NS (50 * UINT64_C(1000000))
#define CLEANUP_WAITS 100

static struct {
	struct os_mutex lock; /* role: process */
	unsigned count;
	bool stopping;
	bool transport_up;
	_Atomic bool started;
	struct prov_process process;
} state = {.lock = OS_MUTEX_INIT};

bool prov_started(void)
{
	return atomic_load_explicit(&state.started, memory_order_acquire);
}

const struct prov_process *prov_process(void)
{
	return &state.process;
}

const struct prov_identity *prov_identity(void)
{
	return prov_identity_of(provider_transport.name);
}

/* R9: major in the low byte. */
static bool version_reaches(WORD version)
{
	return LOBYTE(version) > 2 ||
		(LOBYTE(version) == 2 && HIBYTE(version) >= 2);
}

static int check(WORD version, const WSPDATA *data,
	const WSAPROTOCOL_INFOW *protocol, const WSPUPCALLTABLEEX *upcalls,
	const WSPPROC_TABLE *table)
{
	if (!data || !table || !protocol || !upcalls)
		return WSAEFAULT; /* R10 */
	if (!upcalls->lpWPUCreateSocketHandle ||
		!upcalls->lpWPUCloseSocketHandle ||
		!upcalls->lpWPUCompleteOverlappedRequest)
		return WSAEFAULT;
	if (!version_reaches(version))
		return WSAVERNOTSUPPORTED;
	/* R13, R14: our own entry means an application, not the switch. */
	if (wsd_guid_equal(&protocol->ProviderId, &prov_identity()->id))
		return WSAEPROVIDERFAILEDINIT;
	return 0;
}

/* state.lock held. */
static int first_start(const WSAPROTOCOL_INFOW *protocol,
	const WSPUPCALLTABLEEX *upcalls)
{
	if (!state.transport_up && provider_transport.start() != ST_OK)
		return WSASYSNOTREADY; /* R11 */
	state.transport_up = true;
	state.process.protocol = *protocol;
	state.process.upcalls = *upcalls; /* R15, R16 */
	prov_settings_read(&state.process.settings);
	atomic_store_explicit(&state.started, true, memory_order_release);
	return 0;
}

static int count_in(const WSAPROTOCOL_INFOW *protocol,
	const WSPUPCALLTABLEEX *upcalls)
{
	int error = 0;

	os_mutex_lock(&state.lock);
	if (state.stopping)
		error = WSASYSNOTREADY;
	else if (state.count == UINT32_MAX)
		error = WSAEPROCLIM;
	else if (state.count == 0)
		error = first_start(protocol, upcalls); /* R21 */
	if (!error)
		state.count++; /* R17 */
	os_mutex_unlock(&state.lock); /* R22 */
	return error;
}

static void describe(LPWSPDATA data)
{
	const char *text = prov_identity()->description;
	size_t i;

	memset(data, 0, sizeof *data);
	data->wVersion = VERSION;
	data->wHighVersion = VERSION;
	for (i = 0; text[i] && i < WSPDESCRIPTION_LEN; i++)
		data->szDescription[i] = (WCHAR)text[i];
}

PROV_EXPORT int WSPAPI WSPStartupEx(WORD wVersionRequested,
	LPWSPDATA lpWSPData, LPWSAPROTOCOL_INFOW lpProtocolInfo,
	LPWSPUPCALLTABLEEX lpUpcallTable, LPWSPPROC_TABLE lpProcTable)
{
	int error = check(wVersionRequested, lpWSPData, lpProtocolInfo,
		lpUpcallTable, lpProcTable);

	if (!error)
		error = count_in(lpProtocolInfo, lpUpcallTable);
	if (error)
		return error; /* R8 */
	describe(lpWSPData);
	prov_fill_table(lpProcTable);
	return 0;
}

/* True when this was the last; then `stopping` is set. */
static int count_out(bool *last)
{
	int error = 0;

	os_mutex_lock(&state.lock);
	*last = state.count == 1;
	if (state.count == 0)
		error = WSANOTINITIALISED; /* R18 */
	else
		state.count--;
	if (*last) {
		state.stopping = true;
		atomic_store_explicit(&state.started, false,
			memory_order_release);
	}
	os_mutex_unlock(&state.lock);
	return error;
}

/*
 * R19, R20. A call of another thread that is inside the provider, in an upcall
 * perhaps, ends its socket when it returns; we wait for that, unless we are
 * inside an upcall ourselves and would wait for ourselves.
 */
static void close_all(void)
{
	struct prov_socket *s;
	unsigned cursor = 0;

	while ((s = prov_descriptor_next(&cursor)))
		prov_close_held(s);
}

static void stop(void)
{
	close_all();
	/* WSPAccept in another thread may just have made one more. */
	for (int i = 0; i < CLEANUP_WAITS && !prov_upcall_inside() &&
		prov_descriptor_wait_none(CLEANUP_WAIT_NS) != ST_OK; i++)
		close_all();
	prov_engine_stop();
	prov_addresses_forget();
	os_mutex_lock(&state.lock);
	if (prov_descriptor_count() == 0) {
		provider_transport.stop();
		state.transport_up = false;
	}
	state.stopping = false;
	os_mutex_unlock(&state.lock);
}

int WSPAPI WSPCleanup(LPINT lpErrno)
{
	bool last;
	int error = count_out(&last);

	if (last)
		stop();
	return prov_result(error, lpErrno);
}
