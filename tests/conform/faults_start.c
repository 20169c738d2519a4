/* SPDX-License-Identifier: MIT */
/* Start and stop: R8 to R22. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

/* ---- WSPStartupEx -------------------------------------------------- */

static intptr_t any_version(struct call *c)
{
	if (c->version == MAKEWORD(2, 1))
		c->version = MAKEWORD(2, 2);
	return real[START](c);
}

static void version_unchecked(void)
{
	entry[START] = any_version;
}

static intptr_t echo_version(struct call *c)
{
	intptr_t code = real[START](c);

	if (code == 0)
		c->data->wVersion = c->version;
	return code;
}

static void version_echoed(void)
{
	entry[START] = echo_version;
}

static intptr_t wrong_result(struct call *c)
{
	return real[START](c) ? SOCKET_ERROR : 0;
}

static void start_result(void)
{
	entry[START] = wrong_result;
}

static intptr_t invalid_for_null(struct call *c)
{
	return c->data ? real[START](c) : WSAEINVAL;
}

static void start_null(void)
{
	entry[START] = invalid_for_null;
}

/* Without handles nothing works, which it says in a way of its own. */
static intptr_t start_with_handles(struct call *c)
{
	void *probe;

	if (os_event_create(&probe) != ST_OK)
		return WSAEMFILE;
	os_event_destroy(probe);
	return real[START](c);
}

static void start_code(void)
{
	entry[START] = start_with_handles;
}

static intptr_t leave_one_out(struct call *c)
{
	intptr_t code = real[START](c);

	if (code == 0)
		c->table->lpWSPGetQOSByName = NULL;
	return code;
}

static void entry_missing(void)
{
	entry[START] = leave_one_out;
}

static intptr_t only_tcpip(struct call *c)
{
	static const GUID tcpip = {0xe70f1aa0, 0xab8b, 0x11cf,
		{0x8c, 0xa3, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92}};

	if (c->info && memcmp(&c->info->ProviderId, &tcpip, sizeof tcpip))
		return WSAEPROVIDERFAILEDINIT;
	return real[START](c);
}

static void other_id_refused(void)
{
	entry[START] = only_tcpip;
}

/* A direct caller gets what the switch gets. */
static intptr_t any_id(struct call *c)
{
	intptr_t code = real[START](c);
	WSAPROTOCOL_INFOW info;

	if (code != WSAEPROVIDERFAILEDINIT)
		return code;
	info = *c->info;
	info.ProviderId.Data1 ^= 1;
	c->info = &info;
	return real[START](c);
}

static void own_id_accepted(void)
{
	entry[START] = any_id;
}

static intptr_t keep_pointer(struct call *c)
{
	intptr_t code = real[START](c);

	if (code == 0)
		up = c->upcalls;
	return code;
}

static void upcalls_not_copied(void)
{
	entry[START] = keep_pointer;
}

/* What Ws2_32's own function of that name does. */
static int WSPAPI complete_alone(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	end_request(ov, (int)error, bytes);
	return 0;
}

static void complete_elsewhere(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_alone;
}

static intptr_t lock_and_start(struct call *c)
{
	static struct os_mutex lock = OS_MUTEX_INIT;
	intptr_t code;

	os_mutex_lock(&lock);
	code = real[START](c);
	if (code)
		return code; /* without the unlock */
	os_mutex_unlock(&lock);
	return 0;
}

static void lock_kept(void)
{
	entry[START] = lock_and_start;
}

/* ---- WSPCleanup ---------------------------------------------------- */

static _Atomic unsigned starts;

static intptr_t count_start(struct call *c)
{
	intptr_t code = real[START](c);

	if (code == 0)
		atomic_fetch_add(&starts, 1);
	return code;
}

static intptr_t clean_up_all(struct call *c)
{
	intptr_t result = real[CLEANUP](c);

	while (atomic_exchange(&starts, 0) > 1)
		result = real[CLEANUP](c);
	return result;
}

static void count_ignored(void)
{
	entry[START] = count_start;
	entry[CLEANUP] = clean_up_all;
}

static void cleanup_unchecked(void)
{
	break_check(CLEANUP, WSANOTINITIALISED);
}

static _Atomic bool cleaning;

static int WSPAPI complete_unless_cleaning(SOCKET h, LPWSAOVERLAPPED ov,
	DWORD error, DWORD bytes, LPINT e)
{
	if (atomic_load(&cleaning))
		return 0;
	return up->lpWPUCompleteOverlappedRequest(h, ov, error, bytes, e);
}

static intptr_t clean_up_silently(struct call *c)
{
	intptr_t result;

	atomic_store(&cleaning, true);
	result = real[CLEANUP](c);
	atomic_store(&cleaning, false);
	return result;
}

static void cleanup_forgets(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_unless_cleaning;
	entry[CLEANUP] = clean_up_silently;
}

static void sleep_on(void *arg)
{
	for (;;)
		os_sleep(1000000000);
}

static intptr_t clean_up_but_a_thread(struct call *c)
{
	static struct os_thread left;
	intptr_t result = real[CLEANUP](c);

	if (result == 0)
		os_thread_start(&left, "left", sleep_on, NULL);
	return result;
}

static void thread_left(void)
{
	entry[CLEANUP] = clean_up_but_a_thread;
}

static intptr_t clean_up_but_an_event(struct call *c)
{
	intptr_t result = real[CLEANUP](c);
	void *left;

	if (result == 0)
		os_event_create(&left);
	return result;
}

static void handle_left(void)
{
	entry[CLEANUP] = clean_up_but_an_event;
}

static bool was_down;

static intptr_t note_down(struct call *c)
{
	intptr_t result = real[CLEANUP](c);

	was_down = was_down || result == 0;
	return result;
}

static intptr_t start_once(struct call *c)
{
	return was_down ? WSASYSNOTREADY : real[START](c);
}

static void starts_once(void)
{
	entry[CLEANUP] = note_down;
	entry[START] = start_once;
}

/* R212: a listener on the wildcard made late. */
static intptr_t bind_no_wildcard(struct call *c)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)c->name;

	if (in && c->name_len >= (int)sizeof *in && in->sin_addr.s_addr == 0 &&
		in->sin_family == AF_INET)
		return fail(c, WSAEADDRNOTAVAIL);
	return real[BIND](c);
}

static void late_wildcard(void)
{
	entry[BIND] = bind_no_wildcard;
}

const struct fault faults_start[] = {
	{"start-result", "R8", "the error is not the function's result",
		start_result},
	{"version-unchecked", "R9", "version 2.1 is good enough",
		version_unchecked},
	{"version-echoed", "R9", "answers the version that was asked for",
		version_echoed},
	{"start-null", "R10", "a NULL lpWSPData gives WSAEINVAL", start_null},
	{"start-code", "R11", "without handles a start-up gives WSAEMFILE",
		start_code},
	{"entry-missing", "R12", "WSPGetQOSByName is not in the table",
		entry_missing},
	{"other-id-refused", "R13", "only TCP/IP's id is the switch's",
		other_id_refused},
	{"own-id-accepted", "R14", "a direct caller is taken for the switch",
		own_id_accepted},
	{"upcalls-not-copied", "R15", "keeps a pointer to the upcall table",
		upcalls_not_copied},
	{"complete-elsewhere", "R16", "completes without the switch's upcall",
		complete_elsewhere},
	{"count-ignored", "R17", "the first clean-up ends everything",
		count_ignored},
	{"cleanup-unchecked", "R18", "a clean-up too many succeeds",
		cleanup_unchecked},
	{"cleanup-forgets", "R19", "the last clean-up completes nothing",
		cleanup_forgets},
	{"thread-left", "R20", "a thread survives the last clean-up",
		thread_left},
	{"handle-left", "R20", "a handle survives the last clean-up",
		handle_left},
	{"starts-once", "R21", "cannot be started again", starts_once},
	{"lock-kept", "R22", "a failed start-up keeps a lock", lock_kept},
	{"late-wildcard", "R212", "no listener on the wildcard address",
		late_wildcard},
	{NULL, NULL, NULL, NULL},
};
