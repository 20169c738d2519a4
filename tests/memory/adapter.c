/* SPDX-License-Identifier: MIT */
#include "adapter.h"

#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "sys.h"

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#define SYS_io_uring_register 427
#endif

struct adapter_memory {
	int ring, file;
	struct io_uring_params params;
	uint8_t *rings; /* both in one mapping */
	size_t rings_len;
	struct io_uring_sqe *entries;
	size_t entries_len;
};

/* Signals end it, too. */
static long control(int ring, unsigned what, void *arg, unsigned count)
{
	long r;

	do
		r = SYS4(SYS_io_uring_register, ring, what, arg, count);
	while (r == -EINTR);
	return r;
}

static void *map(int ring, size_t len, off_t what)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, ring, what);

	return p == MAP_FAILED ? NULL : p;
}

static bool set_up(struct adapter_memory *m)
{
	const struct io_uring_params *p = &m->params;
	size_t requests = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	size_t results = p->cq_off.cqes +
		p->cq_entries * sizeof(struct io_uring_cqe);

	if (!(p->features & IORING_FEAT_SINGLE_MMAP))
		return false;
	m->rings_len = requests > results ? requests : results;
	m->entries_len = p->sq_entries * sizeof(struct io_uring_sqe);
	m->rings = map(m->ring, m->rings_len, IORING_OFF_SQ_RING);
	m->entries = map(m->ring, m->entries_len, IORING_OFF_SQES);
	m->file = sys_memfd_create("adapter", 1 /* MFD_CLOEXEC */);
	return m->rings && m->entries && m->file >= 0;
}

struct adapter_memory *adapter_register(void *base, size_t len)
{
	struct adapter_memory *m = calloc(1, sizeof *m);
	struct iovec range = {base, len};

	if (!m)
		return NULL;
	m->file = -1;
	m->ring = (int)SYS2(SYS_io_uring_setup, 1, &m->params);
	if (m->ring >= 0 && set_up(m) &&
		control(m->ring, IORING_REGISTER_BUFFERS, &range, 1) == 0)
		return m;
	adapter_unregister(m);
	return NULL;
}

void adapter_unregister(struct adapter_memory *m)
{
	if (m->ring >= 0)
		control(m->ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	if (m->rings)
		munmap(m->rings, m->rings_len);
	if (m->entries)
		munmap(m->entries, m->entries_len);
	if (m->file >= 0)
		sys_close(m->file);
	if (m->ring >= 0)
		sys_close(m->ring);
	free(m);
}

static uint32_t *word(struct adapter_memory *m, uint32_t offset)
{
	return (uint32_t *)(m->rings + offset);
}

static void submit(struct adapter_memory *m, void *to, size_t len)
{
	const struct io_sqring_offsets *o = &m->params.sq_off;
	_Atomic uint32_t *tail = (_Atomic uint32_t *)word(m, o->tail);

	m->entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_READ_FIXED,
		.fd = m->file, .addr = (uintptr_t)to, .len = (uint32_t)len};
	word(m, o->array)[0] = 0;
	atomic_fetch_add(tail, 1);
}

static int32_t result(struct adapter_memory *m)
{
	const struct io_cqring_offsets *o = &m->params.cq_off;
	_Atomic uint32_t *head = (_Atomic uint32_t *)word(m, o->head);
	uint32_t at = atomic_load(head) & *word(m, o->ring_mask);
	struct io_uring_cqe *results =
		(struct io_uring_cqe *)(m->rings + o->cqes);
	int32_t r = results[at].res;

	atomic_fetch_add(head, 1);
	return r;
}

static bool fill_file(int file, const char *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		long n = SYS4(SYS_pwrite64, file, bytes + done, len - done,
			done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

bool adapter_store(struct adapter_memory *m, void *to, const void *bytes,
	size_t len)
{
	long n;

	if (!fill_file(m->file, bytes, len))
		return false;
	submit(m, to, len);
	do
		n = SYS6(SYS_io_uring_enter, m->ring, 1, 1,
			IORING_ENTER_GETEVENTS, NULL, 0);
	while (n == -EINTR);
	return n == 1 && result(m) == (int32_t)len;
}

bool adapter_is_there(void)
{
	static char page[4096] __attribute__((aligned(4096)));
	struct adapter_memory *m = adapter_register(page, sizeof page);
	bool works = m && adapter_store(m, page, "adapter", 8);

	if (m)
		adapter_unregister(m);
	return works;
}
