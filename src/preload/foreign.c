/* SPDX-License-Identifier: MIT */
#include "foreign.h"

#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "os/os.h"
#include "sys.h"

enum { RANGES = 16, WORDS = 1024, BITS = 64 }; /* numbers below 65536 */

/* Code that was asked about, and what it was. Entries are only added. */
struct range {
	uintptr_t first, end;
	bool foreign;
};

static struct range ranges[RANGES];
static _Atomic unsigned range_count;
static struct os_mutex lock = OS_MUTEX_INIT;

static _Atomic uint64_t numbers[WORDS];
static _Atomic unsigned number_count;

/* ---- code ------------------------------------------------------------- */

/* Libraries that providers stand on, by the beginning of their names. */
static bool is_foreign_name(const char *path)
{
	static const char *const names[] = {"libfabric.so", "librdmacm.so",
		"libibverbs.so", "libwsd-fabric.so"};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

struct search {
	uintptr_t at;
	struct range found;
};

static int look_at_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t first = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) ||
			s->at < first || s->at >= first + p->p_memsz)
			continue;
		s->found = (struct range){first, first + p->p_memsz,
			is_foreign_name(info->dlpi_name)};
		return 1;
	}
	return 0;
}

static void remember(const struct range *r)
{
	unsigned n;

	os_mutex_lock(&lock);
	n = atomic_load(&range_count);
	if (n < RANGES) {
		ranges[n] = *r;
		atomic_store_explicit(&range_count, n + 1,
			memory_order_release);
	}
	os_mutex_unlock(&lock);
}

bool foreign_code(const void *caller)
{
	struct search s = {.at = (uintptr_t)caller};
	unsigned n = atomic_load_explicit(&range_count, memory_order_acquire);

	for (unsigned i = 0; i < n; i++)
		if (s.at >= ranges[i].first && s.at < ranges[i].end)
			return ranges[i].foreign;
	/* Code that was made at run time belongs to no object. */
	if (!dl_iterate_phdr(look_at_object, &s))
		return false;
	remember(&s.found);
	return s.found.foreign;
}

/* ---- numbers ---------------------------------------------------------- */

int foreign_take(int fd)
{
	if (fd < 0)
		return fd;
	sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (fd < WORDS * BITS) {
		atomic_fetch_or(&numbers[fd / BITS],
			UINT64_C(1) << (fd % BITS));
		atomic_fetch_add(&number_count, 1);
	}
	return fd;
}

void foreign_drop(int fd)
{
	uint64_t bit;

	if (__builtin_expect(atomic_load_explicit(&number_count,
			memory_order_relaxed) == 0, 1) ||
		fd < 0 || fd >= WORDS * BITS)
		return;
	bit = UINT64_C(1) << (fd % BITS);
	if (atomic_fetch_and(&numbers[fd / BITS], ~bit) & bit)
		atomic_fetch_sub(&number_count, 1);
}

void foreign_fork_child(void)
{
	os_mutex_init(&lock);
	for (int fd = 0; fd < WORDS * BITS && atomic_load(&number_count);
		fd++) {
		uint64_t bit = UINT64_C(1) << (fd % BITS);

		if (!(atomic_load(&numbers[fd / BITS]) & bit))
			continue;
		foreign_drop(fd);
		sys_close(fd);
	}
}
