/* SPDX-License-Identifier: MIT */
/*
 * keeping.c - the core over the mock transport, as a provider library that
 * keeps memory registered and can be asked what it was told. Both ends of a
 * connection are in one process.
 */
#include "keeping.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "adapter.h"
#include "mock_internal.h"
#include "provider/spi.h"
#include "sys.h"

/* The linker leads the core's calls of these to us (--wrap). */
int WSPAPI __real_WSPMemoryRegistrationCacheCallback(PVOID at, SIZE_T len,
	LPINT err);
int WSPAPI __wrap_WSPMemoryRegistrationCacheCallback(PVOID at, SIZE_T len,
	LPINT err);
enum status __real_mock_pin(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, void **registration);
enum status __wrap_mock_pin(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, void **registration);
void __real_mock_unpin(struct transport_conn *c, void *registration);
void __wrap_mock_unpin(struct transport_conn *c, void *registration);
enum status __real_mock_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie);
enum status __wrap_mock_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie);

/* ---- the callback --------------------------------------------------- */

static _Atomic uintptr_t from, to;
static _Atomic unsigned char mark;
static _Atomic unsigned before, after, callbacks, pulls;
static _Atomic int scratch = -1; /* a file to have the kernel copy to */
static _Atomic bool deaf, with_adapter;

static void expect(void *base, size_t len, unsigned char m)
{
	if (atomic_load(&scratch) < 0)
		atomic_store(&scratch, sys_memfd_create("scratch", 0));
	atomic_store(&from, (uintptr_t)base);
	atomic_store(&to, (uintptr_t)base + len);
	atomic_store(&mark, m);
	atomic_store(&before, 0);
	atomic_store(&after, 0);
}

/* The memory may be gone: the kernel looks, we do not. */
static bool mark_is_there(void)
{
	uintptr_t at = atomic_load(&from);
	int fd = atomic_load(&scratch);
	unsigned char seen = 0;

	at += (atomic_load(&to) - at) / 2;
	return SYS4(SYS_pwrite64, fd, at, 1, 0) == 1 &&
		SYS4(SYS_pread64, fd, &seen, 1, 0) == 1 &&
		seen == atomic_load(&mark);
}

static void note(uintptr_t at, size_t len)
{
	uintptr_t end = len > UINTPTR_MAX - at ? UINTPTR_MAX : at + len;

	atomic_fetch_add(&callbacks, 1);
	if (atomic_load(&to) == 0 || at > atomic_load(&from) ||
		end < atomic_load(&to))
		return;
	atomic_fetch_add(mark_is_there() ? &before : &after, 1);
}

int WSPAPI __wrap_WSPMemoryRegistrationCacheCallback(PVOID at, SIZE_T len,
	LPINT err)
{
	note((uintptr_t)at, len);
	if (atomic_load(&deaf))
		return prov_result(WSAEINVAL, err);
	return __real_WSPMemoryRegistrationCacheCallback(at, len, err);
}

/* ---- the adapter ---------------------------------------------------- */

struct pin {
	struct pin *next;
	struct transport_conn *conn;
	void *registration; /* the mock's */
	char *base;
	uint64_t len;
	struct adapter_memory *memory;
};

static struct pin *first_pin;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* With the lock held, and the heap used under it: the callback may come here
 * at every step, in this thread and in others. */
enum status __wrap_mock_pin(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, void **registration)
{
	enum status st = __real_mock_pin(c, base, len, rights, registration);
	struct pin *p;

	if (st != ST_OK || !atomic_load(&with_adapter))
		return st;
	pthread_mutex_lock(&lock);
	p = malloc(sizeof *p);
	*p = (struct pin){first_pin, c, *registration, base, len,
		adapter_register(base, len)};
	first_pin = p;
	pthread_mutex_unlock(&lock);
	return ST_OK;
}

void __wrap_mock_unpin(struct transport_conn *c, void *registration)
{
	struct pin **at = &first_pin, *p;

	pthread_mutex_lock(&lock);
	while (*at && (*at)->registration != registration)
		at = &(*at)->next;
	p = *at;
	if (p) {
		*at = p->next;
		if (p->memory)
			adapter_unregister(p->memory);
		free(p);
	}
	pthread_mutex_unlock(&lock);
	__real_mock_unpin(c, registration);
}

/* The newest that covers it, as a transport finds it. */
static bool store(struct transport_conn *c, const struct os_span *span,
	const char *bytes)
{
	struct pin *p;
	bool ok;

	pthread_mutex_lock(&lock);
	p = first_pin;
	while (p && !(p->conn == c && p->base <= (char *)span->base &&
			(char *)span->base + span->len <= p->base + p->len))
		p = p->next;
	ok = p && p->memory &&
		adapter_store(p->memory, span->base, bytes, span->len);
	pthread_mutex_unlock(&lock);
	return ok;
}

static enum status pull(struct transport_conn *c, const struct os_span *spans,
	unsigned count, const uint8_t *descriptor, uint32_t descriptor_len,
	uint64_t offset, uint64_t cookie)
{
	struct os_span flat = {NULL, 0};
	enum status st;
	char *at;

	for (unsigned i = 0; i < count; i++)
		flat.len += spans[i].len;
	at = flat.base = malloc(flat.len);
	st = __real_mock_rdma(c, TRANSPORT_READ, &flat, 1, descriptor,
		descriptor_len, offset, cookie);
	for (unsigned i = 0; i < count && st == ST_OK; i++) {
		if (!store(c, &spans[i], at))
			st = ST_FAULT;
		at += spans[i].len;
	}
	free(flat.base);
	return st;
}

enum status __wrap_mock_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie)
{
	atomic_fetch_add(&pulls, 1);
	if (op == TRANSPORT_READ && atomic_load(&with_adapter))
		return pull(c, spans, count, descriptor, descriptor_len,
			offset, cookie);
	return __real_mock_rdma(c, op, spans, count, descriptor,
		descriptor_len, offset, cookie);
}

/* ---- for the program ------------------------------------------------ */

static unsigned told_before(void)
{
	return atomic_load(&before);
}

static unsigned told_after(void)
{
	return atomic_load(&after);
}

static unsigned count_callbacks(void)
{
	return atomic_load(&callbacks);
}

static unsigned count_pulls(void)
{
	return atomic_load(&pulls);
}

static bool use_adapter(void)
{
	bool there = adapter_is_there();

	atomic_store(&with_adapter, there);
	return there;
}

static void be_deaf(void)
{
	atomic_store(&deaf, true);
}

extern const struct keeping keeping;
__attribute__((visibility("default"))) const struct keeping keeping = {
	.expect = expect,
	.told_before = told_before,
	.told_after = told_after,
	.callbacks = count_callbacks,
	.pulls = count_pulls,
	.pins_made = mock_pins_made,
	.pinned = mock_pinned,
	.use_adapter = use_adapter,
	.be_deaf = be_deaf,
};
