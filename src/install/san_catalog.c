/* SPDX-License-Identifier: MIT */
#include "install/san_catalog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "install/guid_text.h"
#include "install/protocol_info.h"
#include "install/utf16.h"

enum { TEXT_ROOM = 300 };

__attribute__((format(printf, 2, 3))) static enum install_outcome fail(
	char why[INSTALL_WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, INSTALL_WHY_MAX, format, args);
	va_end(args);
	return INSTALL_FAILED;
}

/* ---- looking ---------------------------------------------------------- */

static void find_library(const struct san_catalog_calls *calls,
	struct install_entry *e)
{
	WCHAR path[INSTALL_PATH_MAX] = {0};
	INT len = INSTALL_PATH_MAX, err = 0;

	if (calls->path(&e->id, path, &len, &err) == 0)
		utf16_to_utf8(path, INSTALL_PATH_MAX, e->library,
			sizeof e->library);
}

struct each {
	const struct san_catalog_calls *calls;
	bool (*fn)(void *ctx, const struct install_entry *e);
	void *ctx;
};

static bool take_value(void *ctx, const char *name, const void *data,
	unsigned len, bool binary)
{
	struct each *each = ctx;
	struct install_entry e;

	memset(&e, 0, sizeof e);
	e.scope = INSTALL_SYSTEM;
	snprintf(e.name, sizeof e.name, "%s", name);
	snprintf(e.where, sizeof e.where, "HKLM\\" SAN_REGISTRY_KEY "\\%s",
		name);
	e.id_known = binary && len == sizeof e.id; /* R2 */
	if (e.id_known) {
		memcpy(&e.id, data, sizeof e.id);
		find_library(each->calls, &e);
	} else {
		fail(e.problem, "%s: expected REG_BINARY with the %u bytes of "
			"a GUID", e.where, (unsigned)sizeof e.id);
	}
	return each->fn(each->ctx, &e);
}

bool san_catalog_each(const struct san_catalog_calls *calls,
	bool (*fn)(void *ctx, const struct install_entry *e), void *ctx,
	char why[INSTALL_WHY_MAX])
{
	struct each each = {.calls = calls, .fn = fn, .ctx = ctx};
	char text[TEXT_ROOM];
	int error = calls->value_each(take_value, &each);

	if (!error)
		return true;
	calls->error_text(error, text, sizeof text);
	fail(why, "cannot read HKLM\\" SAN_REGISTRY_KEY ": %s", text);
	return false;
}

/* What is there that an entry to be added has to do with. */
struct present {
	const struct install_entry *wanted;
	struct install_entry same_name, same_id;
	bool name_taken, id_there;
};

static bool compare(void *ctx, const struct install_entry *e)
{
	struct present *p = ctx;

	if (!p->name_taken && strcmp(e->name, p->wanted->name) == 0) {
		p->name_taken = true;
		p->same_name = *e;
	}
	if (!p->id_there && e->id_known &&
		wsd_guid_equal(&e->id, &p->wanted->id)) {
		p->id_there = true;
		p->same_id = *e;
	}
	return true;
}

/* ---- adding ----------------------------------------------------------- */

static enum install_outcome registry_failed(
	const struct san_catalog_calls *calls, const char *verb, int error,
	const char *name, char why[INSTALL_WHY_MAX])
{
	char text[TEXT_ROOM];

	calls->error_text(error, text, sizeof text);
	return fail(why, "cannot %s HKLM\\" SAN_REGISTRY_KEY "\\%s: %s", verb,
		name, text);
}

/* 0, or the code of the catalog. */
static int add_to_catalog(const struct san_catalog_calls *calls,
	struct install_entry *e)
{
	WSAPROTOCOL_INFOW info = protocol_info_of(&e->id, e->description);
	WCHAR path[INSTALL_PATH_MAX];
	INT err = 0;

	utf16_from_utf8(e->library, path, INSTALL_PATH_MAX);
	if (calls->install_both)
		return calls->install_both(&e->id, path, &info, 1, &err)
			? err : 0;
	return calls->install(&e->id, path, &info, 1, &err) ? err : 0;
}

/* The catalog has it already: with the library that was asked for? */
static enum install_outcome already(const struct san_catalog_calls *calls,
	const struct install_entry *e, bool wrote, char why[INSTALL_WHY_MAX])
{
	struct install_entry old = *e;

	old.library[0] = '\0';
	find_library(calls, &old);
	if (!old.library[0] || strcmp(old.library, e->library) == 0)
		return wrote ? INSTALL_DONE : INSTALL_NOTHING; /* R7 */
	if (wrote)
		calls->value_delete(e->name);
	return fail(why, "a provider of this GUID is installed already, as %s; "
		"remove it first", old.library);
}

static enum install_outcome add(const struct san_catalog_calls *calls,
	struct install_entry *e, bool write, char why[INSTALL_WHY_MAX])
{
	char text[TEXT_ROOM];
	int error = write ? calls->value_write(e->name, &e->id, sizeof e->id)
			  : 0;

	if (error)
		return registry_failed(calls, "write", error, e->name, why);
	error = add_to_catalog(calls, e);
	if (error == WSANO_RECOVERY)
		return already(calls, e, write, why);
	if (!error)
		return INSTALL_DONE;
	if (write)
		calls->value_delete(e->name);
	calls->error_text(error, text, sizeof text);
	return fail(why, "cannot add %s to the Winsock catalog: %s",
		e->library, text);
}

enum install_outcome san_catalog_add(const struct san_catalog_calls *calls,
	struct install_entry *e, char why[INSTALL_WHY_MAX])
{
	struct present p;

	memset(&p, 0, sizeof p);
	p.wanted = e;
	if (!e->id_known)
		return fail(why, "%s does not tell its GUID; give it with "
			"--guid", e->library);
	if (!san_catalog_each(calls, compare, &p, why))
		return INSTALL_FAILED;
	if (p.id_there)
		snprintf(e->name, sizeof e->name, "%s", p.same_id.name);
	else if (p.name_taken)
		return fail(why, "%s is the name of another provider; remove "
			"it first, or choose another --name", e->name);
	e->scope = INSTALL_SYSTEM;
	snprintf(e->where, sizeof e->where, "HKLM\\" SAN_REGISTRY_KEY "\\%s",
		e->name);
	return add(calls, e, !p.id_there, why);
}

/* ---- removing --------------------------------------------------------- */

static int remove_from(int (WSPAPI *deinstall)(LPGUID id, LPINT lpErrno),
	GUID id)
{
	INT err = 0;

	if (!deinstall || deinstall(&id, &err) == 0)
		return 0;
	return err == WSAEINVAL || err == WSANO_RECOVERY ? 0 : err;
}

static int remove_from_catalogs(const struct san_catalog_calls *calls,
	const GUID *id)
{
	int first = remove_from(calls->deinstall, *id);
	int second = remove_from(calls->deinstall_32, *id);

	return first ? first : second;
}

enum install_outcome san_catalog_remove(const struct san_catalog_calls *calls,
	const char *name, struct install_entry *out, char why[INSTALL_WHY_MAX])
{
	struct install_entry wanted;
	struct present p;
	char text[TEXT_ROOM];
	int error;

	memset(&wanted, 0, sizeof wanted);
	memset(&p, 0, sizeof p);
	snprintf(wanted.name, sizeof wanted.name, "%s", name);
	p.wanted = &wanted;
	p.id_there = true; /* only the name matters */
	if (!san_catalog_each(calls, compare, &p, why))
		return INSTALL_FAILED;
	if (!p.name_taken)
		return INSTALL_NOTHING;
	*out = p.same_name;
	error = calls->value_delete(name);
	if (error)
		return registry_failed(calls, "delete", error, name, why);
	error = out->id_known ? remove_from_catalogs(calls, &out->id) : 0;
	if (!error)
		return INSTALL_DONE;
	calls->error_text(error, text, sizeof text);
	return fail(why, "%s is no SAN provider any more, but cannot be taken "
		"out of the Winsock catalog: %s", name, text);
}
