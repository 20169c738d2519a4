/* SPDX-License-Identifier: MIT */
/*
 * cases.h - a program under `wsd run` that loses memory in every way there is.
 *
 *     memory_cases --list
 *     memory_cases NAME
 *
 * Exit status 0, 1 with a line that says what was wrong, or 77 with one that
 * says why it cannot be tried here.
 */
#ifndef MEMORY_CASES_H
#define MEMORY_CASES_H

#include <stdbool.h>
#include <stddef.h>

#include "keeping.h"

struct memory_case {
	const char *name;
	void (*run)(void);
};

/* End with an entry without a name. */
extern const struct memory_case loss_cases[], heap_cases[], round_cases[],
	watch_cases[];

/* The provider that keeps memory; there from connect_to_self on. */
extern const struct keeping *keeper;

/* Both ends of a connection over the SAN. Loads the provider. */
void connect_to_self(int ends[2]);

void fail(const char *file, int line, const char *what)
	__attribute__((noreturn));
void skip(const char *why) __attribute__((noreturn));
#define CHECK(x) ((x) ? (void)0 : fail(__FILE__, __LINE__, #x))

#define PAGE ((size_t)4096 * 16) /* a whole number of any system's pages */
#define MARK 0x5a

/* Pages of its own, full of marks. */
char *fresh(size_t len);
void *fill(void *p, size_t len);
/* From here on it will be lost. */
void expect(void *p, size_t len);
/* It has been, and the provider knew before, and was told once more. */
void check_told(void);

/* The C library's heap, also where a sanitizer has one of its own. */
void *heap_get(size_t len);
void *heap_resize(void *p, size_t len);
void heap_give(void *p);
void heap_tune(int parameter, int value); /* mallopt */

#endif
