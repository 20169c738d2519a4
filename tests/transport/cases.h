/* SPDX-License-Identifier: MIT */
/*
 * cases.h - the frame of the transport cases.
 *
 * A case is a function that returns when all it checked was right; the first
 * thing that is wrong ends its process. Each case runs in a process of its own,
 * under a deadline. The same cases run over every transport: `ops` is the one
 * under test.
 */
#ifndef TRANSPORT_CASES_H
#define TRANSPORT_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/transport.h"

enum { CASE_PASS = 0, CASE_FAIL = 1, CASE_SKIP = 77 };
/* How long a case may take: 30, with the thread sanitizer 100, or what
 * WSD_TEST_SECONDS says, for systems that are simulated. */
unsigned case_seconds(void);
/* So many, or a tenth of it where WSD_TEST_SECONDS is set: there each wake-up
 * takes a process of the simulation, too. */
unsigned case_rounds(unsigned rounds);
/* So many, or a twentieth of it where each message crosses a network. */
unsigned network_rounds(unsigned rounds);

/*
 * Traits: what the transport under test does and transport.h does not demand.
 * Bits beside the abilities, so that a case can need them; main says which
 * there are. Where one is missing the helpers of pair.h are patient, or the
 * case is skipped.
 */
#define TRAIT_PROMPT 0x10000u /* what one side has done the other sees at once:
				 no network is between them */
#define TRAIT_PROCESSES 0x20000u   /* two processes can be connected */
#define TRAIT_KNOWS_PEER 0x40000u  /* who it is, the kernel vouches for */
#define TRAIT_ALL_LOOPBACK 0x80000u   /* all of 127/8 is served */
#define TRAIT_OFFERS_LOOPBACK 0x100000u /* addresses() has it */
#define TRAIT_SURVIVES_MISUSE 0x200000u /* a transfer that must not be does not
					   end the connection */
#define TRAIT_CONCEAL_BUSY 0x400000u /* conceal notices running transfers */
#define TRAIT_DEEP 0x800000u         /* 500 short messages fit */
#define TRAITS_ALL 0xff0000u

extern unsigned case_traits;

static inline bool has_trait(unsigned trait)
{
	return (case_traits & trait) != 0;
}

struct transport_case {
	const char *name;
	void (*run)(void);
	unsigned needs; /* abilities of the transport, traits */
	struct transport_case *next;
};

/* A way to run the cases, or those whose name contains `only`. */
struct variant {
	const char *name;
	const char *only;
	void (*prepare)(void); /* in the case's process; may be NULL */
};

extern const struct transport_ops *ops;
/* Which variant this process runs in; -1: none. */
extern int case_variant;

/* CASE(name) { body } defines and registers a case; CASE_NEEDS one that is
 * skipped where the transport lacks one of `abilities` or traits. */
#define CASE(title) CASE_NEEDS(title, 0)
#define CASE_NEEDS(title, abilities)                                          \
	static void title(void);                                              \
	__attribute__((constructor)) static void add_##title(void)            \
	{                                                                     \
		static struct transport_case self = {#title, title,           \
			abilities, NULL};                                     \
		case_add(&self);                                              \
	}                                                                     \
	static void title(void)

void case_add(struct transport_case *added);

/* Runs all cases in all variants as TAP, or with an argument those whose name
 * contains it. Returns an exit status. */
int cases_main(int argc, char **argv, const struct variant *variants,
	unsigned count);

__attribute__((format(printf, 3, 4))) _Noreturn void case_fail(
	const char *file, int line, const char *format, ...);
__attribute__((format(printf, 1, 2))) _Noreturn void case_skip(
	const char *format, ...);

#define FAIL(...) case_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition)                                                      \
	((condition) ? (void)0 : FAIL("%s is false", #condition))
#define CHECK_EQ(got, want)                                                   \
	check_equal((uint64_t)(got), (uint64_t)(want), #got, #want, __FILE__, \
		__LINE__)
#define CHECK_ST(got, want) check_status(got, want, #got, __FILE__, __LINE__)
#define CHECK_OK(got) CHECK_ST(got, ST_OK)
#define CHECK_BYTES(got, want, len)                                           \
	check_bytes(got, want, len, #got, __FILE__, __LINE__)

void check_equal(uint64_t got, uint64_t want, const char *got_text,
	const char *want_text, const char *file, int line);
void check_status(enum status got, enum status want, const char *text,
	const char *file, int line);
void check_bytes(const void *got, const void *want, size_t len,
	const char *text, const char *file, int line);

#endif
