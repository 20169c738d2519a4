/* SPDX-License-Identifier: MIT */
/* Memory registered for this process: R160 to R169, R179. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

/* ---- WSPRegisterMemory --------------------------------------------- */

static intptr_t register_one_way(struct call *c)
{
	if (c->flags == MEM_READWRITE)
		return fail_null(c, WSAEINVAL);
	return real[REGISTER](c);
}

static void one_way(void)
{
	entry[REGISTER] = register_one_way;
}

static intptr_t register_any_flags(struct call *c)
{
	if (c->flags > MEM_READWRITE)
		c->flags = MEM_READ;
	return real[REGISTER](c);
}

static void flags_unchecked(void)
{
	entry[REGISTER] = register_any_flags;
}

static int excused;

/* A handle for what the real provider refuses. */
static intptr_t register_anything(struct call *c)
{
	static char handle;
	intptr_t result = real[REGISTER](c);

	if (c->error != excused)
		return result;
	c->error = 0;
	return (intptr_t)&handle;
}

static void unmapped(void)
{
	excused = WSAEFAULT;
	entry[REGISTER] = register_anything;
}

static void unconnected(void)
{
	excused = WSAENOTCONN;
	entry[REGISTER] = register_anything;
}

static _Atomic unsigned registered;

static intptr_t register_thousand(struct call *c)
{
	if (atomic_load(&registered) == 1000)
		return fail_null(c, WSAEFAULT);
	atomic_fetch_add(&registered, 1);
	return real[REGISTER](c);
}

static void resources_code(void)
{
	entry[REGISTER] = register_thousand;
}

static intptr_t register_both_ways(struct call *c)
{
	if (c->flags == MEM_READ || c->flags == MEM_WRITE)
		c->flags = MEM_READWRITE;
	return real[REGISTER](c);
}

static void local_rights(void)
{
	entry[REGISTER] = register_both_ways;
}

/* ---- WSPDeregisterMemory ------------------------------------------- */

enum { KNOWN = 64 };

static struct known {
	SOCKET s;
	HANDLE handle;
	void *base;
	bool ended;
} known[KNOWN];
static unsigned known_count;

static intptr_t register_known(struct call *c)
{
	intptr_t handle = real[REGISTER](c);

	if (handle && known_count < KNOWN)
		known[known_count++] = (struct known){c->s, (HANDLE)handle,
			c->base, false};
	return handle;
}

static struct known *find(HANDLE handle)
{
	for (unsigned i = 0; i < known_count; i++)
		if (known[i].handle == handle)
			return &known[i];
	return NULL;
}

/* Ends those of the same memory too: of this socket, or of others. */
static void end_others(const struct known *k, bool same_socket)
{
	for (unsigned i = 0; i < known_count; i++) {
		struct known *o = &known[i];
		struct call c = {.s = o->s, .handle = o->handle};

		if (o == k || o->base != k->base ||
			(o->s == k->s) != same_socket)
			continue;
		real[DEREGISTER](&c);
	}
}

static intptr_t deregister_all(struct call *c)
{
	struct known *k = find(c->handle);

	if (k)
		end_others(k, true);
	return real[DEREGISTER](c);
}

static void not_counted(void)
{
	entry[REGISTER] = register_known;
	entry[DEREGISTER] = deregister_all;
}

static intptr_t deregister_everywhere(struct call *c)
{
	struct known *k = find(c->handle);

	if (k)
		end_others(k, false);
	return real[DEREGISTER](c);
}

static void ends_elsewhere(void)
{
	entry[REGISTER] = register_known;
	entry[DEREGISTER] = deregister_everywhere;
}

static bool (*excuse)(const struct known *k, SOCKET s);

static intptr_t deregister_excusing(struct call *c)
{
	intptr_t result = real[DEREGISTER](c);
	struct known *k = find(c->handle);

	if (k && c->error == WSAEINVAL && excuse(k, c->s)) {
		c->error = 0;
		return 0;
	}
	if (k && result == 0)
		k->ended = true;
	return result;
}

static void excuse_deregister(bool (*fn)(const struct known *k, SOCKET s))
{
	excuse = fn;
	entry[REGISTER] = register_known;
	entry[DEREGISTER] = deregister_excusing;
}

static bool has_ended(const struct known *k, SOCKET s)
{
	return k->s == s && k->ended;
}

static void deregister_twice(void)
{
	excuse_deregister(has_ended);
}

static bool is_used(const struct known *k, SOCKET s)
{
	return k->s == s && !k->ended;
}

static void deregister_used(void)
{
	excuse_deregister(is_used);
}

static bool is_foreign(const struct known *k, SOCKET s)
{
	return k->s != s;
}

static void deregister_foreign(void)
{
	excuse_deregister(is_foreign);
}

/* A handle of WSPRegisterMemory does as a descriptor, too. */
static intptr_t write_by_handle(struct call *c)
{
	struct known *k;
	HANDLE handle;

	if (!c->descriptor || c->descriptor_len < sizeof handle)
		return real[WRITE](c);
	memcpy(&handle, c->descriptor, sizeof handle);
	k = find(handle);
	if (!k)
		return real[WRITE](c);
	memcpy((char *)k->base + c->offset, c->local->buf, c->local->len);
	end_request(c->ov, 0, c->local->len);
	return fail(c, WSA_IO_PENDING);
}

static void handle_reachable(void)
{
	entry[REGISTER] = register_known;
	entry[WRITE] = write_by_handle;
}

const struct fault faults_memory[] = {
	{"one-way", "R160", "MEM_READWRITE is refused", one_way},
	{"flags-unchecked", "R161", "flags 4 and above are taken",
		flags_unchecked},
	{"unmapped", "R162", "memory that is not there is registered",
		unmapped},
	{"unconnected", "R163", "an unconnected socket registers",
		unconnected},
	{"resources-code", "R164", "too many registrations give WSAEFAULT",
		resources_code},
	{"not-counted", "R165", "one deregistration ends all", not_counted},
	{"ends-elsewhere", "R166", "deregistering ends other sockets' too",
		ends_elsewhere},
	{"local-rights", "R144", "a registration has both rights",
		local_rights},
	{"deregister-twice", "R167", "a handle can be deregistered twice",
		deregister_twice},
	{"deregister-used", "R168", "memory in use is deregistered",
		deregister_used},
	{"deregister-foreign", "R169", "another socket's handle is taken",
		deregister_foreign},
	{"handle-reachable", "R179", "a peer can use a local handle",
		handle_reachable},
	{NULL, NULL, NULL, NULL},
};
