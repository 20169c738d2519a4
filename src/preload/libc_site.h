/* SPDX-License-Identifier: MIT */
/*
 * libc_site.h - the place in a function where it enters the kernel, and how a
 * jump leads from there to a function in C and back. What depends on the
 * processor is in libc_site.c.
 */
#ifndef WSD_PRELOAD_LIBC_SITE_H
#define WSD_PRELOAD_LIBC_SITE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* There is code for so many. */
#define SITES 16

/*
 * A site is where the jump goes: on x86-64 the instruction that loads the
 * number, right before the one that enters the kernel, which is too short; on
 * aarch64 the one that enters, with the number loaded shortly before. From the
 * site to where it goes on are SITE_LENGTH bytes.
 */
#if defined(__x86_64__)
#define SITE_LENGTH 7
#define SITE_JUMP 5
#elif defined(__aarch64__)
#define SITE_LENGTH 4
#define SITE_JUMP 4
#endif

/* Of each site that is in use: where to go on, which call it was. */
extern const uint8_t *site_back[SITES];
extern _Atomic long site_number[SITES];

/* The first site of this call in `size` bytes of code; NULL: none. */
const uint8_t *site_next(const uint8_t *code, size_t size, long nr);
/* How many of them there are, and how many ways into the kernel at all. */
unsigned site_count_shaped(const uint8_t *code, size_t size, long nr);
unsigned site_count_entries(const uint8_t *code, size_t size);

/* The jump from `at` to the code of a site; false: that is too far away. */
bool site_encode(unsigned index, const uint8_t *at, uint8_t out[SITE_JUMP]);

/*
 * Defined by the user of this: called in the place of the system call, with
 * the registers that hold its arguments; its result is the kernel's.
 */
long site_call(unsigned index, long *registers);

#endif
