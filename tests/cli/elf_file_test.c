/* SPDX-License-Identifier: MIT */
/*
 * elf_file_test.c - elf_read on good files, and on files made to hurt it.
 *
 * The hostile ones are real programs with bytes changed, or cut short. What
 * elf_read says of them does not matter; that it comes back, soon and without
 * touching memory that is not its own, does (run it with sanitizers).
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf_file.h"

enum { IMAGE_MAX = 1 << 22, MUTANTS = 20000 };

/* A file as it is in memory. */
struct image {
	char *bytes;
	size_t len;
};

static int number, failures;

static void report(bool good, const char *sentence)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, sentence);
	failures += !good;
}

static struct image load(const char *path)
{
	struct image image = {.bytes = malloc(IMAGE_MAX)};
	int fd = open(path, O_RDONLY);
	ssize_t n = image.bytes && fd >= 0 ? read(fd, image.bytes, IMAGE_MAX)
					   : -1;

	if (n <= 0) {
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	image.len = (size_t)n;
	close(fd);
	return image;
}

/* The file's content from now on. */
static void put(int fd, const void *bytes, size_t len)
{
	if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
		exit(1);
}

static bool reads(int fd, const void *bytes, size_t len,
	struct elf_facts *facts)
{
	put(fd, bytes, len);
	return elf_read(fd, facts);
}

/* Deterministic, so that a failure can be seen again. */
static uint32_t chance(void)
{
	static uint32_t state = 2463534242u;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* ---- good files ------------------------------------------------------- */

static void own_program(int fd, const struct image *own)
{
	struct elf_facts f;

	report(reads(fd, own->bytes, own->len, &f) && f.native && !f.go &&
			strstr(f.interpreter, "ld-") != NULL,
		"a dynamic program has its loader");
}

static void other_class(int fd, const struct image *own)
{
	struct elf_facts f;
	char *bytes = malloc(own->len);

	memcpy(bytes, own->bytes, own->len);
	bytes[EI_CLASS] = bytes[EI_CLASS] == ELFCLASS64 ? ELFCLASS32
							: ELFCLASS64;
	report(reads(fd, bytes, own->len, &f) && !f.native,
		"the other class is not native");
	free(bytes);
}

static void not_elf(int fd)
{
	struct elf_facts f;

	report(!reads(fd, "#!/bin/sh\n", 10, &f), "a script is no ELF file");
	report(!reads(fd, "", 0, &f), "an empty file is no ELF file");
	report(!reads(fd, ELFMAG, SELFMAG, &f), "nor is the magic alone");
}

/* A program of one note segment, of `name` and type 4. */
static bool note_says_go(int fd, const char *name)
{
	struct {
		ElfW(Ehdr) h;
		ElfW(Phdr) p;
		ElfW(Nhdr) n;
		char text[16];
	} f = {.n = {.n_namesz = (uint32_t)strlen(name) + 1, .n_descsz = 4,
		       .n_type = 4}};
	struct elf_facts facts;

	memcpy(f.h.e_ident, ELFMAG, SELFMAG);
	f.h.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	f.h.e_ident[EI_DATA] = ELFDATA2LSB;
	f.h.e_phoff = sizeof(f.h);
	f.h.e_phentsize = sizeof(f.p);
	f.h.e_phnum = 1;
	f.p.p_type = PT_NOTE;
	f.p.p_offset = (size_t)((char *)&f.n - (char *)&f);
	f.p.p_filesz = sizeof(f.n) + sizeof(f.text);
	strcpy(f.text, name);
	return reads(fd, &f, sizeof(f), &facts) && facts.go;
}

/* ---- hostile files ---------------------------------------------------- */

static void cut_short(int fd, const struct image *own)
{
	struct elf_facts f;

	for (size_t len = 0; len < 2048 && len < own->len; len++)
		reads(fd, own->bytes, len, &f);
	report(true, "files cut short are survived");
}

/* Fields of the headers become extreme or random. */
static void mutate(char *bytes, size_t len)
{
	static const uint64_t extremes[] = {0, 1, INT64_MAX, UINT64_MAX,
		UINT32_MAX, 1ull << 63, 4096, 65535};
	size_t reach = chance() % 2 ? 64 : 1024;
	uint64_t value;

	for (unsigned i = 0; i < 1 + chance() % 4; i++) {
		value = chance() % 2 ? extremes[chance() % 8] : chance();
		memcpy(bytes + 4 + chance() % (reach - 12), &value,
			1u << chance() % 4);
	}
	(void)len;
}

static void mutants(int fd, const struct image *own)
{
	struct elf_facts f;
	char head[2048];

	put(fd, own->bytes, own->len);
	for (unsigned i = 0; i < MUTANTS; i++) {
		memcpy(head, own->bytes, sizeof(head));
		mutate(head, sizeof(head));
		if (pwrite(fd, head, sizeof(head), 0) != sizeof(head))
			exit(1);
		elf_read(fd, &f);
		if (memchr(f.interpreter, 0, sizeof(f.interpreter)) == NULL) {
			report(false, "an interpreter always ends");
			return;
		}
	}
	report(true, "20000 damaged headers are survived");
}

static void section_names_at_the_edge(int fd, const struct image *own)
{
	struct elf_facts f;
	ElfW(Ehdr) h;
	ElfW(Shdr) names;
	size_t at;

	memcpy(&h, own->bytes, sizeof(h));
	at = h.e_shoff + h.e_shstrndx * sizeof(names);
	put(fd, own->bytes, own->len);
	memcpy(&names, own->bytes + at, sizeof(names));
	names.sh_offset = UINT64_MAX - 4;
	names.sh_size = UINT64_MAX;
	if (pwrite(fd, &names, sizeof(names), (off_t)at) < 0)
		exit(1);
	report(elf_read(fd, &f) && !f.go,
		"a section name table beyond the end is no table");
}

int main(void)
{
	int fd = memfd_create("program", MFD_CLOEXEC);
	struct image own = load("/proc/self/exe");

	own_program(fd, &own);
	other_class(fd, &own);
	not_elf(fd);
	report(note_says_go(fd, "Go"), "a Go build id is found in the notes");
	report(!note_says_go(fd, "GNU"), "a GNU note is not taken for it");
	cut_short(fd, &own);
	mutants(fd, &own);
	section_names_at_the_edge(fd, &own);
	printf("1..%d\n", number);
	free(own.bytes);
	close(fd);
	return failures != 0;
}
