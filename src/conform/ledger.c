/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include <string.h>

#include "cases.h"
#include "codes.h"
#include "os/os.h"

enum { ENTRIES = 1 << 17 };

enum socket_state { NEVER, OPEN, CLOSING };
enum request_state { NONE, POSTING, PENDING, REJECTED, COMPLETED };

struct socket_entry {
	SOCKET s, handle;
	enum socket_state state;
};

struct request_entry {
	LPWSAOVERLAPPED ov;
	SOCKET s;
	enum request_state state;
	bool notify;
	const char *function; /* of a rejected one */
	int code;
};

static struct socket_entry sockets[ENTRIES];
static struct request_entry requests[ENTRIES];
static unsigned socket_count, request_count;
static struct os_mutex lock = OS_MUTEX_INIT;

static unsigned place(uintptr_t key)
{
	uint64_t x = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)(x >> 40) % ENTRIES;
}

/* NULL: not there, and with `make` no room for it. */
static struct socket_entry *socket_of(SOCKET s, bool make)
{
	unsigned i = place((uintptr_t)s);

	for (; sockets[i].state != NEVER; i = (i + 1) % ENTRIES)
		if (sockets[i].s == s)
			return &sockets[i];
	if (!make || socket_count > ENTRIES / 4 * 3)
		return NULL;
	socket_count++;
	sockets[i] = (struct socket_entry){s, INVALID_SOCKET, CLOSING};
	return &sockets[i];
}

static struct request_entry *request_of(LPWSAOVERLAPPED ov, bool make)
{
	unsigned i = place((uintptr_t)ov >> 3);

	for (; requests[i].ov; i = (i + 1) % ENTRIES)
		if (requests[i].ov == ov)
			return &requests[i];
	if (!make || request_count > ENTRIES / 4 * 3)
		return NULL;
	request_count++;
	requests[i].ov = ov;
	return &requests[i];
}

/* ---- descriptors --------------------------------------------------- */

void ledger_opened(SOCKET s, SOCKET handle)
{
	struct socket_entry *e;
	bool twice;

	os_mutex_lock(&lock);
	e = socket_of(s, true);
	twice = e && e->state == OPEN && handle != INVALID_SOCKET;
	if (e) {
		e->state = OPEN;
		if (handle != INVALID_SOCKET)
			e->handle = handle;
	}
	os_mutex_unlock(&lock);
	if (twice)
		case_violation(24, "a new socket has the descriptor of one "
			"that is open");
}

static void set_state(SOCKET s, enum socket_state from, enum socket_state to)
{
	struct socket_entry *e;

	os_mutex_lock(&lock);
	e = socket_of(s, false);
	if (e && e->state == from)
		e->state = to;
	os_mutex_unlock(&lock);
}

void ledger_closing(SOCKET s)
{
	set_state(s, OPEN, CLOSING);
}

void ledger_not_closed(SOCKET s)
{
	set_state(s, CLOSING, OPEN);
}

bool ledger_is_descriptor(SOCKET value)
{
	bool known;

	os_mutex_lock(&lock);
	known = socket_of(value, false) != NULL;
	os_mutex_unlock(&lock);
	return known;
}

SOCKET ledger_handle_of(SOCKET s)
{
	SOCKET handle = INVALID_SOCKET;
	struct socket_entry *e;

	os_mutex_lock(&lock);
	e = socket_of(s, false);
	if (e)
		handle = e->handle;
	os_mutex_unlock(&lock);
	return handle;
}

/* ---- requests ------------------------------------------------------ */

void ledger_post(LPWSAOVERLAPPED ov, SOCKET s)
{
	struct request_entry *r;

	if (!ov)
		return;
	os_mutex_lock(&lock);
	r = request_of(ov, true);
	if (r) {
		r->s = s;
		r->state = POSTING;
		r->notify = ((ULONG_PTR)ov->hEvent & 1) == 0;
	}
	os_mutex_unlock(&lock);
}

void ledger_posted(LPWSAOVERLAPPED ov, const char *function, int code)
{
	struct request_entry *r;
	bool completed = false;

	if (code == 0)
		case_violation(123, "%s returns 0, not SOCKET_ERROR and "
			"WSA_IO_PENDING", function);
	if (!ov)
		return;
	os_mutex_lock(&lock);
	r = request_of(ov, false);
	if (r && code == WSA_IO_PENDING && r->state == POSTING)
		r->state = PENDING;
	if (r && code != WSA_IO_PENDING) {
		completed = code != 0 && r->state == COMPLETED;
		r->state = code ? REJECTED : COMPLETED;
		r->function = function;
		r->code = code;
	}
	os_mutex_unlock(&lock);
	if (completed) /* R124 */
		case_violation(124, "%s returns %s and has completed the "
			"request by upcall", function, code_name(code));
}

/* Called with a copy, without the lock. */
static bool judge(const struct request_entry *r, SOCKET want, SOCKET handle)
{
	switch (r->state) {
	case NONE:
		case_violation(127, "completion of a request that was never "
			"posted");
		return false;
	case REJECTED:
		case_violation(124, "completion of a request for which %s had "
			"returned %s", r->function, code_name(r->code));
		return false;
	case COMPLETED:
		case_violation(127, "a second completion of one request");
		return false;
	case POSTING:
	case PENDING:
		break;
	}
	if (!r->notify)
		case_violation(126, "completion by upcall of a request whose "
			"hEvent has bit 0 set");
	if (want != INVALID_SOCKET && want != handle)
		case_violation(30, "completion with handle 0x%llx, expected "
			"0x%llx, the switch handle of its socket",
			(unsigned long long)handle, (unsigned long long)want);
	return true;
}

bool ledger_complete(LPWSAOVERLAPPED ov, SOCKET handle)
{
	struct request_entry copy = {.state = NONE}, *r;
	SOCKET want = INVALID_SOCKET;
	struct socket_entry *e;

	os_mutex_lock(&lock);
	r = request_of(ov, false);
	if (r) {
		copy = *r;
		e = socket_of(r->s, false);
		if (e)
			want = e->handle;
		if (r->state == POSTING || r->state == PENDING)
			r->state = COMPLETED;
	}
	os_mutex_unlock(&lock);
	return judge(&copy, want, handle);
}

unsigned ledger_owed(void)
{
	unsigned n = 0;

	os_mutex_lock(&lock);
	if (request_count)
		for (unsigned i = 0; i < ENTRIES; i++)
			n += requests[i].notify &&
				requests[i].state == PENDING;
	os_mutex_unlock(&lock);
	return n;
}

void ledger_clear(void)
{
	os_mutex_lock(&lock);
	if (socket_count)
		memset(sockets, 0, sizeof sockets);
	if (request_count)
		memset(requests, 0, sizeof requests);
	socket_count = request_count = 0;
	os_mutex_unlock(&lock);
}
