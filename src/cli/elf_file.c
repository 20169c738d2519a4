/* SPDX-License-Identifier: MIT */
#include "elf_file.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

typedef ElfW(Ehdr) header;
typedef ElfW(Phdr) segment;
typedef ElfW(Shdr) section;

enum {
	NOTES_MAX = 4096, /* bytes of one note segment that are looked at */
	NOTE_GO_BUILD_ID = 4,
	PAGE_OF_SEGMENTS = 65536, /* the kernel takes no more either */
};

static bool read_at(int fd, uint64_t offset, void *buf, size_t len)
{
	size_t got = 0;
	ssize_t n;

	if (offset > INT64_MAX - len)
		return false;
	while (got < len) {
		n = pread(fd, (char *)buf + got, len - got,
			(off_t)(offset + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* Reads entry `index` of a table at `table`. */
static bool read_entry(int fd, uint64_t table, unsigned index, void *buf,
	size_t len)
{
	uint64_t offset;

	if (__builtin_add_overflow(table, (uint64_t)index * len, &offset))
		return false;
	return read_at(fd, offset, buf, len);
}

static uint8_t own_class(void)
{
	return sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
}

static uint8_t own_order(void)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB
							 : ELFDATA2MSB;
}

/* ---- segments --------------------------------------------------------- */

static bool read_interpreter(int fd, const segment *s, struct elf_facts *out)
{
	if (s->p_filesz < 2 || s->p_filesz > sizeof(out->interpreter))
		return false;
	if (!read_at(fd, s->p_offset, out->interpreter, s->p_filesz))
		return false;
	return out->interpreter[s->p_filesz - 1] == '\0' &&
		out->interpreter[0] != '\0';
}

/* Rounds up; false when that leaves the `left` bytes there are. */
static bool padded(uint32_t len, size_t align, size_t left, size_t *out)
{
	size_t sum = (size_t)len + (align - 1);

	*out = sum - sum % align;
	return len <= left && *out <= left;
}

static bool is_go_note(const char *name, uint32_t namesz, uint32_t type)
{
	return type == NOTE_GO_BUILD_ID && namesz == sizeof("Go") &&
		memcmp(name, "Go", sizeof("Go")) == 0;
}

static bool notes_tell_go(const char *notes, size_t left, size_t align)
{
	ElfW(Nhdr) note;
	size_t name, content;

	while (left >= sizeof(note)) {
		memcpy(&note, notes, sizeof(note));
		notes += sizeof(note);
		left -= sizeof(note);
		if (note.n_namesz > left)
			return false;
		if (is_go_note(notes, note.n_namesz, note.n_type))
			return true;
		if (!padded(note.n_namesz, 4, left, &name))
			return false;
		if (!padded(note.n_descsz, align, left - name, &content))
			return false;
		notes += name + content;
		left -= name + content;
	}
	return false;
}

static bool read_notes(int fd, const segment *s)
{
	char notes[NOTES_MAX];
	size_t len = s->p_filesz < NOTES_MAX ? s->p_filesz : NOTES_MAX;

	if (!read_at(fd, s->p_offset, notes, len))
		return false;
	return notes_tell_go(notes, len, s->p_align == 8 ? 8 : 4);
}

static bool read_segments(int fd, const header *h, struct elf_facts *out)
{
	segment s;

	if (h->e_phentsize != sizeof(s) || h->e_phnum == 0 ||
		h->e_phnum > PAGE_OF_SEGMENTS / sizeof(s))
		return false;
	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (!read_entry(fd, h->e_phoff, i, &s, sizeof(s)))
			return false;
		if (s.p_type == PT_INTERP && !read_interpreter(fd, &s, out))
			return false;
		if (s.p_type == PT_NOTE && read_notes(fd, &s))
			out->go = true;
	}
	return true;
}

/* ---- sections --------------------------------------------------------- */

static bool section_is_go(int fd, const section *s, const section *names)
{
	static const char info[] = ".go.buildinfo", id[] = ".note.go.buildid";
	char name[sizeof(id)] = "";
	size_t len = sizeof(name);
	uint64_t offset;

	if (s->sh_name >= names->sh_size)
		return false;
	if (len > names->sh_size - s->sh_name)
		len = names->sh_size - s->sh_name;
	if (__builtin_add_overflow(names->sh_offset, s->sh_name, &offset))
		return false;
	if (!read_at(fd, offset, name, len))
		return false;
	return memcmp(name, info, sizeof(info)) == 0 ||
		memcmp(name, id, sizeof(id)) == 0;
}

/* Stripped and damaged tables are none: a program runs without them. */
static bool sections_tell_go(int fd, const header *h)
{
	section names, s;

	if (h->e_shentsize != sizeof(s) || h->e_shstrndx >= h->e_shnum)
		return false;
	if (!read_entry(fd, h->e_shoff, h->e_shstrndx, &names, sizeof(names)))
		return false;
	for (unsigned i = 0; i < h->e_shnum; i++) {
		if (!read_entry(fd, h->e_shoff, i, &s, sizeof(s)))
			return false;
		if (section_is_go(fd, &s, &names))
			return true;
	}
	return false;
}

/* ---- the file --------------------------------------------------------- */

bool elf_read(int fd, struct elf_facts *out)
{
	/* Both classes begin alike as far as e_machine. */
	struct {
		unsigned char ident[EI_NIDENT];
		uint16_t type, machine;
	} start;
	header h;

	memset(out, 0, sizeof(*out));
	if (!read_at(fd, 0, &start, sizeof(start)) ||
		memcmp(start.ident, ELFMAG, SELFMAG) != 0)
		return false;
	out->class = start.ident[EI_CLASS];
	out->order = start.ident[EI_DATA];
	out->machine = start.machine;
	if (out->class < ELFCLASS32 || out->class > ELFCLASS64)
		return false;
	out->native = out->class == own_class() && out->order == own_order();
	if (!out->native)
		return true;
	if (!read_at(fd, 0, &h, sizeof(h)) || !read_segments(fd, &h, out))
		return false;
	if (!out->go)
		out->go = sections_tell_go(fd, &h);
	return true;
}
