/* SPDX-License-Identifier: MIT */
/*
 * catalog_entry.h - the text of a catalog entry, a file NAME.provider.
 *
 *     # a comment
 *     library = /usr/lib/openwsd/libwsd-shm.so
 *     id = {8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294}
 *     description = OpenWSD shared memory
 *
 * `library` is what a switch needs; the others are for those who list and
 * check. Other names are ignored.
 */
#ifndef WSD_SWITCH_CATALOG_ENTRY_H
#define WSD_SWITCH_CATALOG_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#define SW_ENTRY_MAX 4096 /* bytes of the text */
#define SW_ENTRY_SUFFIX ".provider"

/* Point into the text; NULL: not given. */
struct sw_catalog_entry {
	const char *library;
	const char *id;
	const char *description;
};

struct sw_catalog_mistake {
	unsigned line; /* 0: in none, something is missing */
	const char *expected;
};

/*
 * Takes `text` (len bytes and room for one more) apart in place. False, and
 * *mistake says where and what was expected, when it is none.
 */
bool sw_catalog_entry_parse(char *text, size_t len,
	struct sw_catalog_entry *out, struct sw_catalog_mistake *mistake);

#endif
