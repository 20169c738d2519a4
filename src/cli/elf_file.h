/* SPDX-License-Identifier: MIT */
/*
 * elf_file.h - what a program file tells about itself.
 *
 * The file is anybody's: every offset, size and count in it is checked before
 * use, and it may change while it is being read.
 */
#ifndef WSD_CLI_ELF_FILE_H
#define WSD_CLI_ELF_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct elf_facts {
	uint8_t class; /* e_ident[EI_CLASS] */
	uint8_t order; /* e_ident[EI_DATA] */
	uint16_t machine;
	/* Same class and byte order as this program; only then is known: */
	bool native;
	bool go;                    /* made by the Go compiler */
	char interpreter[PATH_MAX]; /* dynamic loader, "" when static */
};

/* False when fd is no ELF file, or one that makes no sense. */
bool elf_read(int fd, struct elf_facts *out);

#endif
