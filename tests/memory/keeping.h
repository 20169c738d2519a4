/* SPDX-License-Identifier: MIT */
/*
 * keeping.h - what libwsd-keeping.so, a provider that keeps memory registered,
 * tells the program that it lives in. Found with dlsym.
 */
#ifndef MEMORY_KEEPING_H
#define MEMORY_KEEPING_H

#include <stdbool.h>
#include <stddef.h>

struct keeping {
	/*
	 * From now on the cache callback is looked at for [base, base+len), in
	 * whose middle is a byte of this value.
	 */
	void (*expect)(void *base, size_t len, unsigned char mark);
	/* Callbacks for all of it: while the byte was there, and when not. */
	unsigned (*told_before)(void);
	unsigned (*told_after)(void);

	/* Callbacks at all; pulls into registered memory; registrations made,
	 * and that there are. */
	unsigned (*callbacks)(void);
	unsigned (*pulls)(void);
	unsigned (*pins_made)(void);
	unsigned (*pinned)(void);
	/* Memory is stored to as an adapter does it. False: not possible. */
	bool (*use_adapter)(void);
	/* The callback does nothing any more: for tests of the tests. */
	void (*be_deaf)(void);
};

#define KEEPING_SYMBOL "keeping"

#endif
