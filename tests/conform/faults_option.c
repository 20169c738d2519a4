/* SPDX-License-Identifier: MIT */
/* Options and control codes: R38 to R60. */
#include <stddef.h>
#include <string.h>

#include "wrap.h"

/* ---- options ------------------------------------------------------- */

static intptr_t option_if_connected(struct call *c)
{
	struct call probe = {.s = c->s, .base = &probe, .len = 4,
		.flags = MEM_READ};
	HANDLE h = (HANDLE)real[REGISTER](&probe);

	if (!h && probe.error == WSAENOTCONN)
		return fail(c, WSAENOTCONN);
	probe.handle = h;
	real[DEREGISTER](&probe);
	return real[GET_OPTION](c);
}

static void option_state(void)
{
	entry[GET_OPTION] = option_if_connected;
}

static struct {
	int option;
	uint32_t (*change)(uint32_t value);
} changed;

static intptr_t option_changed(struct call *c)
{
	intptr_t result = real[GET_OPTION](c);
	uint32_t value;

	if (result == 0 && c->option == changed.option) {
		memcpy(&value, c->value, sizeof value);
		value = changed.change(value);
		memcpy(c->value, &value, sizeof value);
	}
	return result;
}

static void change(int option, uint32_t (*fn)(uint32_t value))
{
	changed.option = option;
	changed.change = fn;
	entry[GET_OPTION] = option_changed;
}

static uint32_t more(uint32_t value)
{
	return value + 1;
}

static uint32_t hundred(uint32_t value)
{
	return 100;
}

static uint32_t huge(uint32_t value)
{
	return 0xfffffffe;
}

static uint32_t nothing(uint32_t value)
{
	return 0;
}

static void message_limit_small(void)
{
	change(SO_MAX_MSG_SIZE, hundred);
}

static void message_limit_lies(void)
{
	change(SO_MAX_MSG_SIZE, more);
}

/* Tells the threshold as the limit; larger transfers are done as well. */
static intptr_t option_threshold(struct call *c)
{
	if (c->level == SOL_SOCKET && c->option == SO_MAX_RDMA_SIZE)
		c->option = SO_RDMA_THRESHOLD_SIZE;
	return real[GET_OPTION](c);
}

static void rdma_limit_lies(void)
{
	entry[GET_OPTION] = option_threshold;
}

static void threshold_huge(void)
{
	change(SO_RDMA_THRESHOLD_SIZE, huge);
}

static void debug_forgotten(void)
{
	change(SO_DEBUG, nothing);
}

static intptr_t option_no_size(struct call *c)
{
	int room = c->value_room ? *c->value_room : 0;
	intptr_t result = real[GET_OPTION](c);

	if (c->error == WSAEFAULT && c->value_room)
		*c->value_room = room;
	return result;
}

static void needed_size(void)
{
	entry[GET_OPTION] = option_no_size;
}

static void unknown_option(void)
{
	break_check(SET_OPTION, WSAENOPROTOOPT);
}

static void unknown_level(void)
{
	break_code(GET_OPTION, WSAEINVAL, WSAENOPROTOOPT);
}

static intptr_t option_unlooked(struct call *c)
{
	if (!c->value && c->value_room)
		*(volatile char *)c->value = 0;
	return real[GET_OPTION](c);
}

static void null_value(void)
{
	entry[GET_OPTION] = option_unlooked;
}

static intptr_t option_group(struct call *c)
{
	if (c->level == SOL_SOCKET && c->option == SO_GROUP_ID)
		return 0;
	return real[SET_OPTION](c);
}

static void group_option(void)
{
	entry[SET_OPTION] = option_group;
}

/* ---- extension functions ------------------------------------------- */

static bool asks_extension(const struct call *c)
{
	return c->code == (DWORD)SIO_GET_EXTENSION_FUNCTION_POINTER;
}

static intptr_t extension_of_4(struct call *c)
{
	intptr_t result = real[IOCTL](c);

	if (result == 0 && asks_extension(c))
		*c->returned = 4;
	return result;
}

static void extension_size(void)
{
	entry[IOCTL] = extension_of_4;
}

static intptr_t extension_of_socket(struct call *c)
{
	if (asks_extension(c) && c->s == INVALID_SOCKET)
		return fail(c, WSAENOTSOCK);
	return real[IOCTL](c);
}

static void extension_socket(void)
{
	entry[IOCTL] = extension_of_socket;
}

static bool asks_for(const struct call *c, GUID id)
{
	return asks_extension(c) && c->in && c->in_len >= sizeof id &&
		memcmp(c->in, &id, sizeof id) == 0;
}

static intptr_t extension_no_read(struct call *c)
{
	if (asks_for(c, (GUID)WSAID_RDMAREAD))
		return fail(c, WSAEINVAL);
	return real[IOCTL](c);
}

static void read_code(void)
{
	entry[IOCTL] = extension_no_read;
}

static intptr_t extension_no_callback(struct call *c)
{
	if (asks_for(c, (GUID)WSAID_MEMORYREGISTRATIONCACHECALLBACK))
		return fail(c, WSAEINVAL);
	return real[IOCTL](c);
}

static void callback_code(void)
{
	entry[IOCTL] = extension_no_callback;
}

static intptr_t extension_writes(struct call *c)
{
	intptr_t result = real[IOCTL](c);

	if (result && asks_extension(c) && c->out &&
		c->out_len >= sizeof(void *))
		memset(c->out, 0, sizeof(void *));
	return result;
}

static void unknown_writes(void)
{
	entry[IOCTL] = extension_writes;
}

static intptr_t extension_short(struct call *c)
{
	if (asks_extension(c) && c->in && c->in_len == 15)
		c->in_len = 16;
	return real[IOCTL](c);
}

static void short_id(void)
{
	entry[IOCTL] = extension_short;
}

/* ---- addresses ----------------------------------------------------- */

static bool asks_addresses(const struct call *c)
{
	return c->code == (DWORD)SIO_ADDRESS_LIST_QUERY;
}

static intptr_t list_short(struct call *c)
{
	intptr_t result = real[IOCTL](c);

	if (c->error == WSAEFAULT && asks_addresses(c) && c->returned)
		*c->returned -= 4;
	return result;
}

static void list_size(void)
{
	entry[IOCTL] = list_short;
}

static intptr_t list_elsewhere(struct call *c)
{
	static SOCKADDR_STORAGE other;
	SOCKET_ADDRESS_LIST *list = c->out;
	intptr_t result = real[IOCTL](c);

	if (result == 0 && asks_addresses(c) && list->iAddressCount > 0) {
		memcpy(&other, list->Address[0].lpSockaddr,
			(size_t)list->Address[0].iSockaddrLength);
		list->Address[0].lpSockaddr = (LPSOCKADDR)&other;
	}
	return result;
}

static void list_outside(void)
{
	entry[IOCTL] = list_elsewhere;
}

static intptr_t list_not_ours(struct call *c)
{
	SOCKET_ADDRESS_LIST *list = c->out;
	intptr_t result = real[IOCTL](c);
	struct sockaddr_in *in;

	if (result == 0 && asks_addresses(c) && list->iAddressCount > 0) {
		in = (struct sockaddr_in *)list->Address[0].lpSockaddr;
		in->sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	}
	return result;
}

static void list_foreign(void)
{
	entry[IOCTL] = list_not_ours;
}

static SOCKET bound_last;

static intptr_t note_bound(struct call *c)
{
	bound_last = c->s;
	return real[BIND](c);
}

static intptr_t list_of_bound(struct call *c)
{
	if (asks_addresses(c) && c->s != bound_last)
		return fail(c, WSAEINVAL);
	return real[IOCTL](c);
}

static void list_bound(void)
{
	entry[BIND] = note_bound;
	entry[IOCTL] = list_of_bound;
}

/* ---- quality of service -------------------------------------------- */

static intptr_t control_anything(struct call *c)
{
	intptr_t result = real[IOCTL](c);

	if (c->error != WSAEOPNOTSUPP || asks_extension(c))
		return result;
	c->error = 0;
	return 0;
}

static void qos_code(void)
{
	entry[IOCTL] = control_anything;
}

static intptr_t minus_one(struct call *c)
{
	real[QOS_BY_NAME](c);
	return SOCKET_ERROR; /* which is not FALSE */
}

static void qos_result(void)
{
	entry[QOS_BY_NAME] = minus_one;
}

const struct fault faults_option[] = {
	{"option-state", "R38", "options of connected sockets only",
		option_state},
	{"message-limit-small", "R39", "SO_MAX_MSG_SIZE is 100",
		message_limit_small},
	{"message-limit-lies", "R39", "a message of SO_MAX_MSG_SIZE fails",
		message_limit_lies},
	{"rdma-limit-lies", "R40", "transfers above SO_MAX_RDMA_SIZE work",
		rdma_limit_lies},
	{"threshold-huge", "R41", "the threshold is above SO_MAX_RDMA_SIZE",
		threshold_huge},
	{"needed-size", "R42", "the needed size is not stored", needed_size},
	{"unknown-option", "R43", "setting an unknown option succeeds",
		unknown_option},
	{"unknown-level", "R44", "an unknown level gives WSAENOPROTOOPT",
		unknown_level},
	{"null-value", "R45", "a NULL value is written to", null_value},
	{"debug-forgotten", "R46", "SO_DEBUG stays 0", debug_forgotten},
	{"group-option", "R47", "SO_GROUP_ID can be set", group_option},
	{"extension-size", "R48", "a pointer is said to have 4 bytes",
		extension_size},
	{"extension-socket", "R49", "an extension is asked of a socket",
		extension_socket},
	{"read-code", "R50", "WSPRdmaRead, missing, gives WSAEINVAL",
		read_code},
	{"callback-code", "R51", "the cache callback, missing, gives WSAEINVAL",
		callback_code},
	{"unknown-writes", "R52", "an unknown id overwrites the output",
		unknown_writes},
	{"short-id", "R53", "15 bytes of an id are enough", short_id},
	{"list-size", "R54", "the size needed for the list is 4 too small",
		list_size},
	{"list-outside", "R55", "an address lies outside the buffer",
		list_outside},
	{"list-foreign", "R56", "a foreign address is listed", list_foreign},
	{"list-bound", "R58", "the list is for bound sockets only",
		list_bound},
	{"qos-code", "R59", "any control code succeeds", qos_code},
	{"qos-result", "R60", "WSPGetQOSByName fails with -1", qos_result},
	{NULL, NULL, NULL, NULL},
};
