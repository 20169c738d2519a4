/* SPDX-License-Identifier: MIT */
/*
 * libc_watch.c - free() unmaps large blocks, and gives back the top of the
 * heap, by calls inside the C library that no preloaded function sees. But all
 * of them end in a handful of short functions around one system call each.
 *
 * What is done to such a function: where it enters the kernel, one instruction
 * becomes a jump to code of ours (libc_site.h). That does the system call and
 * jumps back behind it, with the registers as the kernel would have left them.
 * Arguments, errno, the library's own notes (where brk stands) stay the
 * function's business. Two names may share an address (munmap and __munmap);
 * both are met.
 *
 * What is required, else nothing is believed to be watched: each function is
 * the C library's own, with a known size, and each of its ways into the kernel
 * has exactly this shape. How the code is changed while others run it: see
 * text.c. What has been changed stays so, also when a later step fails: it
 * does no harm, and another thread may be in it.
 */
#include "libc_watch.h"

#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "libc_site.h"
#include "mapping.h"
#include "os/os.h"
#include "sys.h"
#include "text.h"

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

enum need { MUST_BE_THERE, IF_THERE };

static const struct {
	const char *name;
	long nr;
	enum need need;
} functions[] = {
	{"munmap", SYS_munmap, MUST_BE_THERE},
	{"mremap", SYS_mremap, MUST_BE_THERE},
	{"mmap", SYS_mmap, MUST_BE_THERE},
	{"mmap64", SYS_mmap, MUST_BE_THERE},
	{"madvise", SYS_madvise, MUST_BE_THERE},
	{"brk", SYS_brk, MUST_BE_THERE},
	{"shmat", SYS_shmat, MUST_BE_THERE},
	{"shmdt", SYS_shmdt, MUST_BE_THERE},
	{"remap_file_pages", SYS_remap_file_pages, IF_THERE},
	{"process_madvise", SYS_process_madvise, IF_THERE},
};

static unsigned site_count;
/* Which sites have been passed; written down only while that is of interest. */
static _Atomic bool proving;
static _Atomic uint32_t passed;

long site_call(unsigned index, long *registers)
{
	if (atomic_load_explicit(&proving, memory_order_relaxed))
		atomic_fetch_or(&passed, UINT32_C(1) << index);
	return mapping_call(atomic_load(&site_number[index]), registers);
}

/* ---- where the code is --------------------------------------------- */

struct piece {
	const uint8_t *code;
	size_t size;
};

/* A part of a loaded object that may be read and executed. */
struct search {
	struct piece wanted;
	const char *name;   /* or: the object of this name */
	struct piece found; /* what holds it */
};

static bool holds(const struct piece *all, const struct piece *part)
{
	return part->code >= all->code && part->size <= all->size &&
		part->code - all->code <= (ptrdiff_t)(all->size - part->size);
}

static bool has_name(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, name) == 0;
}

static int look_at_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;

	if (s->name && !has_name(info->dlpi_name, s->name))
		return 0;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		struct piece text = {
			(const uint8_t *)(info->dlpi_addr + h->p_vaddr),
			h->p_memsz};

		if (h->p_type != PT_LOAD ||
			(h->p_flags & (PF_R | PF_W | PF_X)) != (PF_R | PF_X))
			continue;
		if (!s->name && !holds(&text, &s->wanted))
			continue;
		s->found = text;
		return 1;
	}
	return 0;
}

static bool is_text(const struct piece *p)
{
	struct search s = {.wanted = *p};

	return dl_iterate_phdr(look_at_object, &s) == 1;
}

static void *c_library(void)
{
	static void *library;

	if (!library)
		library = dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);
	return library;
}

/* Another library's function of that name, if dlsym finds one, will not do. */
static bool is_of_c_library(const Dl_info *found)
{
	void *known = dlsym(c_library(), "gnu_get_libc_version");
	Dl_info libc;

	return known && dladdr(known, &libc) &&
		libc.dli_fbase == found->dli_fbase;
}

static bool find_function(const char *name, struct piece *out)
{
	void *at = dlsym(c_library(), name);
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!at || !dladdr1(at, &info, (void **)&symbol, RTLD_DL_SYMENT))
		return false;
	if (!symbol || info.dli_saddr != at || !is_of_c_library(&info))
		return false;
	*out = (struct piece){at, symbol->st_size};
	return is_text(out);
}

/* ---- changing it --------------------------------------------------- */

static bool lead(const uint8_t *at, long nr)
{
	uint8_t jump[SITE_JUMP];
	unsigned i = site_count;

	if (i == SITES || !site_encode(i, at, jump))
		return false;
	site_back[i] = at + SITE_LENGTH;
	atomic_store(&site_number[i], nr);
	site_count++;
	return text_replace(at, jump, sizeof jump);
}

/* At least one. */
static bool lead_all(const struct piece *p, long nr)
{
	const uint8_t *end = p->code + p->size, *at = p->code;
	bool found = false;

	while ((at = site_next(at, (size_t)(end - at), nr))) {
		if (!lead(at, nr))
			return false;
		found = true;
	}
	return found;
}

/* A second name for what has been led already has no way in of the old shape
 * any more. */
static bool is_second_name(const struct piece *p, long nr)
{
	for (unsigned i = 0; i < site_count; i++)
		if (atomic_load(&site_number[i]) == nr && site_back[i] > p->code &&
			site_back[i] <= p->code + p->size)
			return true;
	return false;
}

static bool watch_function(const char *name, long nr, enum need need)
{
	struct piece p;

	if (!dlsym(c_library(), name))
		return need == IF_THERE;
	if (!find_function(name, &p))
		return false;
	if (is_second_name(&p, nr))
		return true;
	return site_count_entries(p.code, p.size) ==
		site_count_shaped(p.code, p.size, nr) &&
		lead_all(&p, nr);
}

/*
 * dlclose unmaps with a function of the dynamic linker's own, which has no name
 * outside. Its shape is the same, and long enough to stand for nothing else.
 */
static bool watch_linker(void)
{
	struct search s = {.name = LD_SO};

	return dl_iterate_phdr(look_at_object, &s) == 1 &&
		lead_all(&s.found, SYS_munmap);
}

/* ---- is it so? ----------------------------------------------------- */

static bool has_passed(long nr)
{
	for (unsigned i = 0; i < site_count; i++)
		if (atomic_load(&site_number[i]) == nr && atomic_load(&passed) >> i & 1)
			return true;
	return false;
}

/*
 * As a program calls them: one that has functions of its own under these names,
 * which enter the kernel by themselves, cannot be watched. The rest would touch
 * what is not ours.
 */
static bool prove(void)
{
	size_t page = os_page_size();
	int saved = errno;
	void *p;

	atomic_store(&proving, true);
	p = mmap(NULL, page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED) {
		madvise(p, page, MADV_DONTNEED);
		mremap(p, page, page, 0);
		munmap(p, page);
	}
	shmdt(NULL);
	atomic_store(&proving, false);
	errno = saved;
	return has_passed(SYS_mmap) && has_passed(SYS_madvise) &&
		has_passed(SYS_mremap) && has_passed(SYS_munmap) &&
		has_passed(SYS_shmdt);
}

bool libc_watch(void)
{
	if (!c_library())
		return false;
	for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (!watch_function(functions[i].name, functions[i].nr,
			    functions[i].need))
			return false;
	return watch_linker() && prove();
}
