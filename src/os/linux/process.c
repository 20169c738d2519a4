/* SPDX-License-Identifier: MIT */
/*
 * Who we are, who lives, and reaching into another process.
 *
 * The cookie lies in a page that the kernel wipes on fork, so a child notices
 * that it is one however it came about (fork, clone, a language runtime), and
 * a peer that still holds the parent's cookie gets nowhere with the child. Its
 * first word doubles as the process epoch. Both words are filled by
 * compare-and-swap: no lock, so a signal handler may come at any moment.
 *
 * Copying. process_vm_readv looks the process up once per call, so the cookie
 * range travels in front of the data and proves that both came from the same
 * address space. For process_vm_writev there is no such proof: we read the
 * cookie, write, and read it again. A process that executes another program
 * exactly between the first two may get bytes into its new memory, if it has
 * any at those (randomised) addresses; the third step makes sure that we do
 * not report success. Only processes of the same user can be hit.
 */
#include "internal.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define COOKIE_LEN 16
#define COPY_MAX (UINT64_C(1) << 30)
#define COPY_SPANS 128 /* per system call */

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

struct identity {
	_Atomic uint64_t word[COOKIE_LEN / 8]; /* 0 until filled */
};

static struct identity fallback_identity;
static struct identity *_Atomic identity;

static void wipe_identity(void)
{
	atomic_store(&fallback_identity.word[0], 0);
	atomic_store(&fallback_identity.word[1], 0);
}

/* Older kernels and some sandboxes cannot wipe: libc's fork must tell us. */
static struct identity *identity_without_wipe(void)
{
	static _Atomic bool registered;

	if (!atomic_exchange(&registered, true))
		pthread_atfork(NULL, NULL, wipe_identity);
	return &fallback_identity;
}

static struct identity *map_identity(void)
{
	size_t len = os_page_size();
	int saved = errno;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED && madvise(p, len, MADV_WIPEONFORK) != 0) {
		munmap(p, len);
		p = MAP_FAILED;
	}
	errno = saved;
	return p == MAP_FAILED ? identity_without_wipe() : p;
}

static uint64_t random_nonzero(void)
{
	uint64_t v = 0;

	/* Without a secure source a guess must do: it detects accidents. */
	while (v == 0)
		if (os_random(&v, sizeof v) != ST_OK)
			v = os_now() * UINT64_C(0x9E3779B97F4A7C15) +
				sys_getpid();
	return v;
}

/*
 * Whoever comes first decides; all return the same. Acquire, as the caller may
 * go on to read the word as plain bytes; pairs with the exchange.
 */
static uint64_t word_fill(_Atomic uint64_t *word)
{
	uint64_t v = atomic_load_explicit(word, memory_order_acquire);
	uint64_t fresh;

	if (v != 0)
		return v;
	fresh = random_nonzero();
	return atomic_compare_exchange_strong(word, &v, fresh) ? fresh : v;
}

static void fill(struct identity *id)
{
	word_fill(&id->word[0]);
	word_fill(&id->word[1]);
}

/* Filled before others can see it: only after a fork is it filled in place. */
static struct identity *find_identity(void)
{
	struct identity *mine, *seen = NULL;

	mine = map_identity();
	fill(mine);
	if (atomic_compare_exchange_strong(&identity, &seen, mine))
		return mine;
	if (mine != &fallback_identity)
		munmap(mine, os_page_size());
	return seen;
}

static struct identity *get_identity(void)
{
	struct identity *id =
		atomic_load_explicit(&identity, memory_order_acquire);

	return id ? id : find_identity();
}

uint64_t os_process_epoch(void)
{
	return word_fill(&get_identity()->word[0]);
}

const uint8_t *os_process_cookie(void)
{
	struct identity *id = get_identity();

	fill(id);
	return (const uint8_t *)id;
}

uint32_t os_process_id(void)
{
	return sys_getpid();
}

uint32_t os_user_id(void)
{
	return (uint32_t)SYS0(SYS_geteuid);
}

/* ---- life ------------------------------------------------------------- */

/* State letter and number of threads of /proc/ID/stat; false: not told. */
static bool read_stat(uint32_t id, char *state, long *threads)
{
	char path[32], text[512];
	int saved = errno, got = 0;
	const char *p;

	snprintf(path, sizeof path, "/proc/%u/stat", id);
	if (os_read_text(path, text, sizeof text) <= 0)
		return false;
	p = strrchr(text, ')'); /* the name before it may contain anything */
	if (p)
		got = sscanf(p + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			"%*s %*s %*s %*s %*s %*s %*s %ld", state, threads);
	errno = saved;
	return got == 2;
}

static bool state_is_gone(char state)
{
	return state == 'Z' || state == 'X' || state == 'x';
}

bool os_process_alive(uint32_t pid)
{
	char state;
	long threads;
	int fd, ready;

	if (pid == 0 || pid > INT_MAX)
		return false;
	if (SYS2(SYS_kill, pid, 0) == -ESRCH)
		return false;
	fd = (int)SYS2(SYS_pidfd_open, pid, 0);
	if (fd == -ESRCH)
		return false;
	if (fd >= 0) {
		ready = os_poll_one_through(fd, POLLIN, 0);
		sys_close(fd);
		return ready == 0;
	}
	/* The first thread may have ended, and others go on. */
	return !read_stat(pid, &state, &threads) || !state_is_gone(state) ||
		threads > 1;
}

/* A thread without memory has ended; asking needs no right to look inside. */
static bool has_no_memory(uint32_t tid)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {NULL, 1};

	return SYS6(SYS_process_vm_readv, tid, &here, 1, &there, 1, 0) ==
		-ESRCH;
}

bool os_thread_is_gone(uint32_t tid)
{
	char state;
	long threads;

	if (SYS2(SYS_tkill, tid, 0) == -ESRCH)
		return true;
	if (read_stat(tid, &state, &threads))
		return state_is_gone(state);
	return has_no_memory(tid);
}

/* ---- copies ----------------------------------------------------------- */

static enum status copy_status(long r)
{
	/* EFAULT with nothing done: the cookie itself is not there. */
	return r == -EFAULT ? ST_NOTFOUND : sys_status(r);
}

static enum status check_cookie(uint32_t pid, uint64_t cookie_addr,
	const uint8_t cookie[COOKIE_LEN])
{
	uint8_t seen[COOKIE_LEN];
	struct iovec here = {seen, sizeof seen};
	struct iovec there = {(void *)(uintptr_t)cookie_addr, sizeof seen};
	long n = SYS6(SYS_process_vm_readv, pid, &here, 1, &there, 1, 0);

	if (n < 0)
		return copy_status(n);
	if (n != COOKIE_LEN || memcmp(seen, cookie, COOKIE_LEN) != 0)
		return ST_NOTFOUND;
	return ST_OK;
}

static enum status read_some(uint32_t pid, uint64_t cookie_addr,
	const uint8_t cookie[COOKIE_LEN], struct iovec *iov, unsigned count,
	uint64_t remote, size_t len)
{
	uint8_t seen[COOKIE_LEN];
	struct iovec there[2] = {
		{(void *)(uintptr_t)cookie_addr, COOKIE_LEN},
		{(void *)(uintptr_t)remote, len},
	};
	long n;

	iov[0] = (struct iovec){seen, COOKIE_LEN};
	n = SYS6(SYS_process_vm_readv, pid, iov, count, there, 2, 0);
	if (n < 0)
		return copy_status(n);
	if (n < COOKIE_LEN || memcmp(seen, cookie, COOKIE_LEN) != 0)
		return ST_NOTFOUND;
	return (size_t)n == COOKIE_LEN + len ? ST_OK : ST_FAULT;
}

static enum status write_some(uint32_t pid, uint64_t cookie_addr,
	const uint8_t cookie[COOKIE_LEN], struct iovec *iov, unsigned count,
	uint64_t remote, size_t len)
{
	struct iovec there = {(void *)(uintptr_t)remote, len};
	enum status st = check_cookie(pid, cookie_addr, cookie);
	long n;

	if (st != ST_OK || len == 0)
		return st;
	n = SYS6(SYS_process_vm_writev, pid, iov + 1, count - 1, &there, 1, 0);
	st = check_cookie(pid, cookie_addr, cookie);
	if (st != ST_OK)
		return st;
	if (n < 0)
		return sys_status(n);
	return (size_t)n == len ? ST_OK : ST_FAULT;
}

typedef enum status (*copy_fn)(uint32_t pid, uint64_t cookie_addr,
	const uint8_t cookie[COOKIE_LEN], struct iovec *iov, unsigned count,
	uint64_t remote, size_t len);

/* The next spans into iov[1..]; returns how many, *len what they hold. */
static unsigned take_spans(struct iovec *iov, const struct os_span *local,
	unsigned count, size_t *len)
{
	unsigned n = count < COPY_SPANS ? count : COPY_SPANS;

	*len = 0;
	for (unsigned i = 0; i < n; i++) {
		iov[i + 1] = (struct iovec){local[i].base, local[i].len};
		*len += local[i].len;
	}
	return n;
}

static bool lengths_agree(const struct os_span *local, unsigned count,
	size_t len)
{
	size_t left = len;

	if (len > COPY_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (local[i].len > left)
			return false;
		left -= local[i].len;
	}
	return left == 0;
}

static enum status copy(copy_fn some, uint32_t pid, uint64_t cookie_addr,
	const uint8_t *cookie, const struct os_span *local, unsigned count,
	uint64_t remote, size_t len)
{
	struct iovec iov[COPY_SPANS + 1];
	enum status st;

	if (pid == 0 || pid > INT_MAX || !lengths_agree(local, count, len))
		return ST_INVAL;
	do {
		size_t part;
		unsigned n = take_spans(iov, local, count, &part);

		st = some(pid, cookie_addr, cookie, iov, n + 1, remote, part);
		local += n;
		count -= n;
		remote += part;
	} while (st == ST_OK && count > 0);
	return st;
}

enum status os_process_read(uint32_t pid, uint64_t cookie_addr,
	const uint8_t cookie[16], const struct os_span *local, unsigned count,
	uint64_t remote, size_t len)
{
	return copy(read_some, pid, cookie_addr, cookie, local, count, remote,
		len);
}

enum status os_process_write(uint32_t pid, uint64_t cookie_addr,
	const uint8_t cookie[16], const struct os_span *local, unsigned count,
	uint64_t remote, size_t len)
{
	return copy(write_some, pid, cookie_addr, cookie, local, count, remote,
		len);
}
