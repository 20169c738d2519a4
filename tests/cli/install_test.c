/* SPDX-License-Identifier: MIT */
/*
 * install_test.c - what an installation on Windows consists of: the catalog
 * entry field by field, and the calls that are made, in order, on a table that
 * records them (R2 to R7, section 3). The registry itself is tested by running
 * wsd.exe.
 */
#include <string.h>

#include "install/protocol_info.h"
#include "install/san_catalog.h"
#include "install/utf16.h"
#include "report.h"

static const GUID some_id = {0x8c2e4b57, 0x9d13, 0x4f6a,
	{0xb1, 0xc8, 0x5e, 0x0a, 0x7d, 0x36, 0xf2, 0x94}};
static const GUID other_id = {0x01234567, 0x89ab, 0xcdef,
	{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}};

/* ---- the catalog entry ------------------------------------------------ */

static bool all_zero(const void *p, size_t len)
{
	const char *c = p;

	for (size_t i = 0; i < len; i++)
		if (c[i])
			return false;
	return true;
}

static void service_flags(const WSAPROTOCOL_INFOW *i)
{
	report(i->dwServiceFlags1 == 0x2e, "dwServiceFlags1 is 0x2E");
	report(!(i->dwServiceFlags1 & XP1_IFS_HANDLES) &&
			!(i->dwServiceFlags1 & XP1_CONNECTIONLESS) &&
			!(i->dwServiceFlags1 & XP1_QOS_SUPPORTED),
		"R5: no IFS handles, not connectionless, no QoS");
	report(!i->dwServiceFlags2 && !i->dwServiceFlags3 &&
			!i->dwServiceFlags4,
		"dwServiceFlags2 to 4 are 0");
}

static void identity(const WSAPROTOCOL_INFOW *i)
{
	report(i->dwProviderFlags == PFL_HIDDEN, "R4: PFL_HIDDEN, only");
	report(wsd_guid_equal(&i->ProviderId, &some_id),
		"R3: ProviderId is the provider's");
	report(i->dwCatalogEntryId == 0 && i->dwProviderReserved == 0,
		"dwCatalogEntryId and dwProviderReserved are 0");
	report(i->ProtocolChain.ChainLen == 1 &&
			all_zero(i->ProtocolChain.ChainEntries,
				sizeof i->ProtocolChain.ChainEntries),
		"R5: a base provider");
}

static void protocol(const WSAPROTOCOL_INFOW *i)
{
	report(i->iVersion == 2, "iVersion is 2");
	report(i->iAddressFamily == 2 && i->iSocketType == 1 &&
			i->iProtocol == 6,
		"AF_INET, SOCK_STREAM, IPPROTO_TCP, as Windows numbers them");
	report(i->iMaxSockAddr == 16 && i->iMinSockAddr == 16,
		"addresses have 16 bytes");
	report(i->iProtocolMaxOffset == 0 && i->iNetworkByteOrder == 0 &&
			i->iSecurityScheme == 0,
		"no offset, big-endian, no security");
	report(i->dwMessageSize == 0xffffffff, "messages have no limit");
}

static bool display_name_is(const WSAPROTOCOL_INFOW *i, const char *text)
{
	char got[1024];

	utf16_to_utf8(i->szProtocol, WSAPROTOCOL_LEN + 1, got, sizeof got);
	return strcmp(got, text) == 0;
}

static void display_name(void)
{
	WSAPROTOCOL_INFOW i = protocol_info_of(&some_id, "A n\xc3\xa4me");
	char longer[400];

	report(display_name_is(&i, "A n\xc3\xa4me"), "szProtocol is the name");
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	i = protocol_info_of(&some_id, longer);
	longer[WSAPROTOCOL_LEN] = '\0';
	report(display_name_is(&i, longer), "... cut at 255 characters");
}

static void entry_fields(void)
{
	WSAPROTOCOL_INFOW i = protocol_info_of(&some_id, "name");

	service_flags(&i);
	identity(&i);
	protocol(&i);
	display_name();
}

/* ---- a system that records -------------------------------------------- */

enum { VALUES = 4, LOG_ROOM = 200 };

static struct {
	struct {
		char name[INSTALL_NAME_MAX];
		char data[32];
		unsigned len;
		bool binary;
	} value[VALUES];
	unsigned values;
	char log[LOG_ROOM]; /* what was called, a word each */
	/* What the catalog has and answers. */
	char library[INSTALL_PATH_MAX]; /* "" : not known */
	int write_error, install_error, deinstall_error, deinstall_32_error;
	WSAPROTOCOL_INFOW info;
	DWORD count;
	GUID asked;
	char path[INSTALL_PATH_MAX];
} sys;

static void note(const char *word)
{
	strcat(sys.log, word);
	strcat(sys.log, " ");
}

static void put_value(const char *name, const void *data, unsigned len,
	bool binary)
{
	strcpy(sys.value[sys.values].name, name);
	memcpy(sys.value[sys.values].data, data, len);
	sys.value[sys.values].len = len;
	sys.value[sys.values++].binary = binary;
}

static int value_each(bool (*fn)(void *ctx, const char *name,
			      const void *data, unsigned len, bool binary),
	void *ctx)
{
	for (unsigned i = 0; i < sys.values; i++)
		if (!fn(ctx, sys.value[i].name, sys.value[i].data,
			    sys.value[i].len, sys.value[i].binary))
			break;
	return 0;
}

static int value_write(const char *name, const void *data, unsigned len)
{
	note("write");
	if (!sys.write_error)
		put_value(name, data, len, true);
	return sys.write_error;
}

static int value_delete(const char *name)
{
	note("delete");
	for (unsigned i = 0; i < sys.values; i++)
		if (strcmp(sys.value[i].name, name) == 0)
			sys.value[i] = sys.value[--sys.values];
	return 0;
}

static void error_text(int error, char *text, unsigned room)
{
	snprintf(text, room, "error %d", error);
}

static int answer(int error, LPINT lpErrno)
{
	*lpErrno = error;
	return error ? SOCKET_ERROR : 0;
}

static int keep(LPGUID id, const WCHAR *path, const LPWSAPROTOCOL_INFOW list,
	DWORD count, LPINT lpErrno)
{
	sys.asked = *id;
	utf16_to_utf8(path, INSTALL_PATH_MAX, sys.path, sizeof sys.path);
	sys.info = list[0];
	sys.count = count;
	return answer(sys.install_error, lpErrno);
}

static int WSPAPI install(LPGUID id, const WCHAR *path,
	const LPWSAPROTOCOL_INFOW list, DWORD count, LPINT lpErrno)
{
	note("install");
	return keep(id, path, list, count, lpErrno);
}

static int WSPAPI install_both(LPGUID id, const WCHAR *path,
	const LPWSAPROTOCOL_INFOW list, DWORD count, LPINT lpErrno)
{
	note("install64_32");
	return keep(id, path, list, count, lpErrno);
}

static int WSPAPI deinstall(LPGUID id, LPINT lpErrno)
{
	note("deinstall");
	sys.asked = *id;
	return answer(sys.deinstall_error, lpErrno);
}

static int WSPAPI deinstall_32(LPGUID id, LPINT lpErrno)
{
	note("deinstall32");
	return answer(sys.deinstall_32_error, lpErrno);
}

static int WSPAPI path(LPGUID id, WCHAR *out, LPINT len, LPINT lpErrno)
{
	if (!sys.library[0])
		return answer(WSAEINVAL, lpErrno);
	utf16_from_utf8(sys.library, out, (size_t)*len);
	return answer(0, lpErrno);
}

static const struct san_catalog_calls calls = {
	.value_each = value_each,
	.value_write = value_write,
	.value_delete = value_delete,
	.error_text = error_text,
	.install = install,
	.install_both = install_both,
	.deinstall = deinstall,
	.deinstall_32 = deinstall_32,
	.path = path,
};

/* ---- installing ------------------------------------------------------- */

#define LIBRARY "C:\\san\\wsdshm.dll"

static struct install_entry entry(void)
{
	struct install_entry e;

	memset(&e, 0, sizeof e);
	strcpy(e.name, "shm");
	strcpy(e.library, LIBRARY);
	strcpy(e.description, "OpenWSD shared memory");
	e.id = some_id;
	e.id_known = true;
	return e;
}

static enum install_outcome add(const struct san_catalog_calls *c,
	struct install_entry *e)
{
	char why[INSTALL_WHY_MAX];

	sys.log[0] = '\0';
	return san_catalog_add(c, e, why);
}

static bool called(const char *words)
{
	return strcmp(sys.log, words) == 0;
}

static bool value_is(unsigned n, const char *name, const GUID *id)
{
	return n < sys.values && strcmp(sys.value[n].name, name) == 0 &&
		sys.value[n].binary && sys.value[n].len == 16 &&
		memcmp(sys.value[n].data, id, 16) == 0;
}

static void fresh(void)
{
	struct install_entry e = entry();
	WSAPROTOCOL_INFOW info = protocol_info_of(&some_id, e.description);

	memset(&sys, 0, sizeof sys);
	report(add(&calls, &e) == INSTALL_DONE &&
			called("write install64_32 "),
		"the value is written before both catalogs");
	report(value_is(0, "shm", &some_id),
		"R2: the value is REG_BINARY and the 16 bytes of the GUID");
	report(wsd_guid_equal(&sys.asked, &some_id) && sys.count == 1 &&
			memcmp(&sys.info, &info, sizeof info) == 0,
		"R3: the catalog gets the same GUID and one entry");
	report(strcmp(sys.path, LIBRARY) == 0, "... and the path");
}

static void one_catalog(void)
{
	struct san_catalog_calls c = calls;
	struct install_entry e = entry();

	memset(&sys, 0, sizeof sys);
	c.install_both = NULL;
	report(add(&c, &e) == INSTALL_DONE && called("write install "),
		"without WSCInstallProvider64_32 there is one catalog");
}

static void twice(void)
{
	struct install_entry e = entry();

	memset(&sys, 0, sizeof sys);
	put_value("shm", &some_id, 16, true);
	sys.install_error = WSANO_RECOVERY;
	strcpy(sys.library, LIBRARY);
	report(add(&calls, &e) == INSTALL_NOTHING && called("install64_32 ") &&
			sys.values == 1,
		"R7: what is there already is told, and nothing is changed");
	put_value("elsewhere", &some_id, 16, true);
	sys.value[0] = sys.value[--sys.values];
	report(add(&calls, &e) == INSTALL_NOTHING && sys.values == 1 &&
			strcmp(e.name, "elsewhere") == 0,
		"R7: ... also under another name");
}

static void half_there(void)
{
	struct install_entry e = entry();

	memset(&sys, 0, sizeof sys);
	sys.install_error = WSANO_RECOVERY;
	strcpy(sys.library, LIBRARY);
	report(add(&calls, &e) == INSTALL_DONE && value_is(0, "shm", &some_id),
		"a missing value beside a catalog entry is added");
	memset(&sys, 0, sizeof sys);
	put_value("shm", &some_id, 16, true);
	report(add(&calls, &e) == INSTALL_DONE && called("install64_32 ") &&
			sys.values == 1,
		"a missing catalog entry beside a value is added");
}

static void refused(void)
{
	struct install_entry e = entry();

	memset(&sys, 0, sizeof sys);
	sys.install_error = WSAEACCES;
	report(add(&calls, &e) == INSTALL_FAILED && sys.values == 0 &&
			called("write install64_32 delete "),
		"when the catalog refuses, the value is taken back");
	memset(&sys, 0, sizeof sys);
	sys.write_error = 5;
	report(add(&calls, &e) == INSTALL_FAILED && called("write "),
		"without the value the catalog is not asked");
	memset(&sys, 0, sizeof sys);
	put_value("shm", &other_id, 16, true);
	report(add(&calls, &e) == INSTALL_FAILED && called("") &&
			value_is(0, "shm", &other_id),
		"the name of another provider is not taken over");
	memset(&sys, 0, sizeof sys);
	sys.install_error = WSANO_RECOVERY;
	strcpy(sys.library, "C:\\other.dll");
	report(add(&calls, &e) == INSTALL_FAILED && sys.values == 0,
		"another library of the same GUID is not taken over");
	memset(&sys, 0, sizeof sys);
	e.id_known = false;
	report(add(&calls, &e) == INSTALL_FAILED && called(""),
		"a provider without a GUID cannot be installed");
}

/* ---- removing --------------------------------------------------------- */

static enum install_outcome remove_from(const struct san_catalog_calls *c,
	const char *name, struct install_entry *out)
{
	char why[INSTALL_WHY_MAX];

	sys.log[0] = '\0';
	return san_catalog_remove(c, name, out, why);
}

static void removing(void)
{
	struct install_entry e;

	memset(&sys, 0, sizeof sys);
	put_value("other", &other_id, 16, true);
	put_value("shm", &some_id, 16, true);
	report(remove_from(&calls, "shm", &e) == INSTALL_DONE &&
			called("delete deinstall deinstall32 ") &&
			wsd_guid_equal(&sys.asked, &some_id),
		"R6: the value goes first, then both catalog entries");
	report(sys.values == 1 && value_is(0, "other", &other_id),
		"R6: ... of this provider, and no other's");
	report(remove_from(&calls, "shm", &e) == INSTALL_NOTHING && called(""),
		"what is not there is not removed");
}

static void removing_the_odd(void)
{
	struct san_catalog_calls c = calls;
	struct install_entry e;

	memset(&sys, 0, sizeof sys);
	c.deinstall_32 = NULL;
	put_value("shm", &some_id, 16, true);
	report(remove_from(&c, "shm", &e) == INSTALL_DONE &&
			called("delete deinstall "),
		"R6: with one catalog there is one entry");
	put_value("shm", "text", 5, false);
	report(remove_from(&calls, "shm", &e) == INSTALL_DONE &&
			called("delete ") && e.problem[0],
		"a value that is no GUID is removed, and nothing else");
	put_value("shm", &some_id, 16, true);
	sys.deinstall_error = WSAEINVAL;
	report(remove_from(&calls, "shm", &e) == INSTALL_DONE,
		"an entry that is gone already is no error");
	put_value("shm", &some_id, 16, true);
	sys.deinstall_error = WSAEACCES;
	report(remove_from(&calls, "shm", &e) == INSTALL_FAILED &&
			called("delete deinstall deinstall32 "),
		"one catalog's refusal does not save the other's entry");
}

/* ---- listing ---------------------------------------------------------- */

static bool count_good(void *ctx, const struct install_entry *e)
{
	unsigned *good = ctx;

	*good += !e->problem[0] && e->id_known;
	return true;
}

static void listing(void)
{
	char why[INSTALL_WHY_MAX];
	unsigned good = 0;

	memset(&sys, 0, sizeof sys);
	put_value("shm", &some_id, 16, true);
	put_value("short", &some_id, 15, true);
	put_value("text", &some_id, 16, false);
	report(san_catalog_each(&calls, count_good, &good, why) && good == 1,
		"R2: only REG_BINARY of 16 bytes is an entry");
}

int main(void)
{
	entry_fields();
	fresh();
	one_catalog();
	twice();
	half_there();
	refused();
	removing();
	removing_the_odd();
	listing();
	return report_end();
}
