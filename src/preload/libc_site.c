/* SPDX-License-Identifier: MIT */
/*
 * libc_site.c - for each processor: the shape of a system call, a jump, and the
 * code it leads to.
 *
 * That code keeps what the kernel would keep: on x86-64 every register but
 * rax, rcx and r11 (and the 128 bytes below the stack, which a function without
 * calls of its own may use); on aarch64 every general register but x0, and the
 * flags; only x16 is lost, which a call through a linkage table may change at
 * any function's entry, and no compiler has in use at such a place. The
 * vector registers are not saved: the callers of these functions expect them
 * to change. The way back needs no entry on the stack, so a stack that the
 * processor checks (shadow stack) agrees.
 */
#include "libc_site.h"

#include <string.h>

const uint8_t *site_back[SITES];
_Atomic long site_number[SITES];

extern const uint8_t site_code[] __attribute__((visibility("hidden")));
#define SITE_CODE 16 /* bytes of each */

#define EACH_SITE "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"

#if defined(__x86_64__)

__asm__(".pushsection .text\n"
	".hidden site_code, site_back, site_call\n"
	".globl site_code\n"
	".p2align 4\n"
	"site_code:\n"
	".irp i," EACH_SITE "\n"
	"	.p2align 4\n"
	"	lea -128(%rsp), %rsp\n"
	"	push $\\i\n"
	"	jmp 1f\n"
	".endr\n"
	"1:	push %r9\n"
	"	push %r8\n"
	"	push %r10\n"
	"	push %rdx\n"
	"	push %rsi\n"
	"	push %rdi\n"
	"	mov %rsp, %rsi\n"
	"	mov 48(%rsp), %edi\n"
	"	push %rbx\n"
	"	mov %rsp, %rbx\n"
	"	and $-16, %rsp\n"
	"	cld\n"
	"	call site_call\n"
	"	mov %rbx, %rsp\n"
	"	pop %rbx\n"
	"	pop %rdi\n"
	"	pop %rsi\n"
	"	pop %rdx\n"
	"	pop %r10\n"
	"	pop %r8\n"
	"	pop %r9\n"
	"	pop %rcx\n"
	"	lea 128(%rsp), %rsp\n"
	"	lea site_back(%rip), %r11\n"
	"	notrack jmp *(%r11,%rcx,8)\n"
	".popsection\n");

/* mov $nr, %eax; syscall */
static bool is_site(const uint8_t *code, const uint8_t *start, long nr)
{
	const uint8_t pair[SITE_LENGTH] = {0xb8, (uint8_t)nr,
		(uint8_t)(nr >> 8), (uint8_t)(nr >> 16), (uint8_t)(nr >> 24),
		0x0f, 0x05};

	return memcmp(code, pair, sizeof pair) == 0;
}

/* syscall, sysenter, int $0x80: wherever these bytes stand */
static bool is_entry(const uint8_t *code)
{
	return (code[0] == 0x0f && (code[1] == 0x05 || code[1] == 0x34)) ||
		(code[0] == 0xcd && code[1] == 0x80);
}

enum { STEP = 1, ENTRY_LENGTH = 2 };

bool site_encode(unsigned index, const uint8_t *at, uint8_t out[SITE_JUMP])
{
	int64_t way = (site_code + index * SITE_CODE) - (at + SITE_JUMP);
	int32_t near = (int32_t)way;

	if (near != way)
		return false;
	out[0] = 0xe9; /* jmp */
	memcpy(out + 1, &near, sizeof near);
	return true;
}

#elif defined(__aarch64__)

__asm__(".pushsection .text\n"
	".hidden site_code, site_back, site_call\n"
	".globl site_code\n"
	".p2align 4\n"
	"site_code:\n"
	".irp i," EACH_SITE "\n"
	"	.p2align 4\n"
	"	stp x0, x1, [sp, #-192]!\n"
	"	mov x0, #\\i\n"
	"	b 1f\n"
	".endr\n"
	"1:	stp x2, x3, [sp, #16]\n"
	"	stp x4, x5, [sp, #32]\n"
	"	stp x6, x7, [sp, #48]\n"
	"	stp x8, x9, [sp, #64]\n"
	"	stp x10, x11, [sp, #80]\n"
	"	stp x12, x13, [sp, #96]\n"
	"	stp x14, x15, [sp, #112]\n"
	"	stp x17, x18, [sp, #128]\n"
	"	mrs x1, nzcv\n"
	"	stp x1, x30, [sp, #144]\n"
	"	str x0, [sp, #160]\n"
	"	mov x1, sp\n"
	"	bl site_call\n"
	"	ldr x17, [sp, #160]\n"
	"	adrp x16, site_back\n"
	"	add x16, x16, :lo12:site_back\n"
	"	ldr x16, [x16, x17, lsl #3]\n"
	"	ldp x1, x30, [sp, #144]\n"
	"	msr nzcv, x1\n"
	"	ldr x1, [sp, #8]\n"
	"	ldp x2, x3, [sp, #16]\n"
	"	ldp x4, x5, [sp, #32]\n"
	"	ldp x6, x7, [sp, #48]\n"
	"	ldp x8, x9, [sp, #64]\n"
	"	ldp x10, x11, [sp, #80]\n"
	"	ldp x12, x13, [sp, #96]\n"
	"	ldp x14, x15, [sp, #112]\n"
	"	ldp x17, x18, [sp, #128]\n"
	"	add sp, sp, #192\n"
	"	ret x16\n" /* not br: needs no mark where it goes */
	".popsection\n");

static uint32_t word_at(const uint8_t *code)
{
	uint32_t word;

	memcpy(&word, code, sizeof word);
	return word;
}

/* svc, with any immediate */
static bool is_entry(const uint8_t *code)
{
	return (word_at(code) & 0xffe0001f) == 0xd4000001;
}

/* mov x8, #nr: movz of all of it or of the lower half */
static bool loads_number(const uint8_t *code, long nr)
{
	return (word_at(code) & 0x7fffffff) ==
		(0x52800008 | (uint32_t)nr << 5);
}

enum { LOOK_BACK = 8 }; /* instructions; compilers put arguments between */

/* svc #0, and the number before it */
static bool is_site(const uint8_t *code, const uint8_t *start, long nr)
{
	if (word_at(code) != 0xd4000001)
		return false;
	for (int i = 1; i <= LOOK_BACK && code - start >= 4 * i; i++)
		if (loads_number(code - 4 * i, nr))
			return true;
	return false;
}

enum { STEP = 4, ENTRY_LENGTH = 4 };

bool site_encode(unsigned index, const uint8_t *at, uint8_t out[SITE_JUMP])
{
	int64_t way = (site_code + index * SITE_CODE - at) / 4;
	uint32_t word = 0x14000000 | ((uint32_t)way & 0x03ffffff); /* b */

	if (way < -(1 << 25) || way >= 1 << 25)
		return false;
	memcpy(out, &word, sizeof word);
	return true;
}

#endif

const uint8_t *site_next(const uint8_t *code, size_t size, long nr)
{
	for (size_t i = 0; i + SITE_LENGTH <= size; i += STEP)
		if (is_site(code + i, code, nr))
			return code + i;
	return NULL;
}

unsigned site_count_shaped(const uint8_t *code, size_t size, long nr)
{
	unsigned n = 0;

	for (size_t i = 0; i + SITE_LENGTH <= size; i += STEP)
		n += is_site(code + i, code, nr);
	return n;
}

unsigned site_count_entries(const uint8_t *code, size_t size)
{
	unsigned n = 0;

	for (size_t i = 0; i + ENTRY_LENGTH <= size; i += STEP)
		n += is_entry(code + i);
	return n;
}
