/* SPDX-License-Identifier: MIT */
/*
 * install.h - what it means that a SAN service provider is installed.
 *
 * An installation is an entry of the system's catalog: a name, the provider's
 * identifier, and its library. Linux: a file in a catalog directory, of the
 * user or of the system (catalog.h of the switch reads the same files).
 * Windows: a registry value and an entry of the Winsock catalog, of the system
 * (section 3 of the specification, R2 to R7). The folder of each system
 * implements the functions below; nothing above knows which one it is.
 *
 * Only commands call these. All may block for files; none is for several
 * threads at once. Text is UTF-8. Where a call fails, `why` gets one line that
 * says what to do about it.
 */
#ifndef WSD_INSTALL_INSTALL_H
#define WSD_INSTALL_INSTALL_H

#include <stdbool.h>

#include <openwsd/winsock2.h>

#define INSTALL_NAME_MAX 64
#define INSTALL_PATH_MAX 1024
#define INSTALL_TEXT_MAX 256
#define INSTALL_WHY_MAX 3072

enum install_scope {
	INSTALL_ANY,     /* to look: everywhere. To add: where it is usual */
	INSTALL_USER,    /* for this user */
	INSTALL_SYSTEM,  /* for all users */
	INSTALL_CHOSEN,  /* the catalog that the user's settings name */
	INSTALL_BUILTIN, /* no entry: what is there when there are none */
};

/* "user", "system", "chosen", "built-in". */
const char *install_scope_name(enum install_scope scope);

struct install_entry {
	char name[INSTALL_NAME_MAX];
	char library[INSTALL_PATH_MAX]; /* absolute; "" when not known */
	char description[INSTALL_TEXT_MAX]; /* "" when not known */
	GUID id;
	bool id_known;
	enum install_scope scope;
	/* The file or the registry value, for people. */
	char where[INSTALL_PATH_MAX + INSTALL_NAME_MAX];
	/* Why the entry cannot be used, in one line; "" for a good one. */
	char problem[INSTALL_WHY_MAX];
};

/* Letters, digits, '_', and but for the first '-' and '.'; not too long. */
bool install_name_valid(const char *name);

/*
 * Calls fn with each entry of a scope, broken ones too, in the order in which
 * a switch takes them, until it returns false. A catalog that is not there is
 * empty. False when one cannot be read, or the system has no such scope.
 */
bool install_each(enum install_scope scope,
	bool (*fn)(void *ctx, const struct install_entry *e), void *ctx,
	char why[INSTALL_WHY_MAX]);

/* The first entry of that name; false when there is none. */
bool install_find(enum install_scope scope, const char *name,
	struct install_entry *out);

/* The providers that belong to this program, by number from 0; false: there are
 * no more, or it is not there. */
bool install_builtin(unsigned number, struct install_entry *out);

/* The library that the user's settings name instead of any catalog; false
 * when they do not. */
bool install_preferred(struct install_entry *out);

/*
 * The full path of a library that the user has named; false when there is no
 * such file, or its path cannot be written down in a catalog.
 */
bool install_resolve(const char *path, char full[INSTALL_PATH_MAX],
	char why[INSTALL_WHY_MAX]);

enum install_outcome {
	INSTALL_DONE,
	INSTALL_NOTHING, /* it was so already, and nothing was changed (R7) */
	INSTALL_FAILED,  /* as before the call; *why says why */
};

/*
 * Adds e (name, library, description, id; scope says where), all or nothing,
 * and sets e->scope and e->where. INSTALL_NOTHING when the very same is there.
 * Another provider of that name is a failure.
 */
enum install_outcome install_add(struct install_entry *e,
	char why[INSTALL_WHY_MAX]);

/*
 * Removes the first entry of that name, broken or not, and all that belongs to
 * it (R6); *out is what it was. INSTALL_NOTHING when there is none.
 */
enum install_outcome install_remove(enum install_scope scope, const char *name,
	struct install_entry *out, char why[INSTALL_WHY_MAX]);

#endif
