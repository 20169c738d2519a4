/* SPDX-License-Identifier: MIT */
#include "provider/parcel.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"

#define MAGIC 0x48445357u /* "WSDH" */
#define VERSION 1

enum { NAME_LEN = 16 };

static void put_addr(struct cursor *c, const struct addr *a)
{
	cursor_put_bytes(c, a->ip, sizeof a->ip);
	cursor_put(c, 2, a->port);
	cursor_put(c, 1, a->family);
	cursor_put(c, 4, a->scope);
}

static void get_addr(struct cursor *c, struct addr *a)
{
	memset(a, 0, sizeof *a);
	cursor_get_bytes(c, a->ip, sizeof a->ip);
	a->port = (uint16_t)cursor_get(c, 2);
	a->family = (uint8_t)cursor_get(c, 1);
	a->scope = (uint32_t)cursor_get(c, 4);
}

static void transport_name(char out[NAME_LEN])
{
	memset(out, 0, NAME_LEN);
	snprintf(out, NAME_LEN, "%s", provider_transport.name);
}

/* magic 4, version 2, kind 1, family 1, transport 16, debug 4, only_v6 4,
 * backlog 4, local 23, remote 23, blob length 2, blob. */
size_t prov_parcel_encode(const struct prov_parcel *p, uint8_t *out,
	size_t room)
{
	struct cursor c = cursor_over(out, room);
	char name[NAME_LEN];

	transport_name(name);
	cursor_put(&c, 4, MAGIC);
	cursor_put(&c, 2, VERSION);
	cursor_put(&c, 1, p->kind);
	cursor_put(&c, 1, p->family);
	cursor_put_bytes(&c, name, NAME_LEN);
	cursor_put(&c, 4, p->debug);
	cursor_put(&c, 4, p->only_v6);
	cursor_put(&c, 4, p->backlog);
	put_addr(&c, &p->local);
	put_addr(&c, &p->remote);
	cursor_put(&c, 2, p->blob_len);
	cursor_put_bytes(&c, p->blob, p->blob_len);
	return c.bad ? 0 : (size_t)(c.at - out);
}

enum status prov_parcel_decode(uint8_t *in, size_t len, struct prov_parcel *p)
{
	struct cursor c = cursor_over(in, len);
	char ours[NAME_LEN], theirs[NAME_LEN];
	bool ok;

	transport_name(ours);
	ok = cursor_get(&c, 4) == MAGIC;
	ok = cursor_get(&c, 2) == VERSION && ok;
	p->kind = (unsigned)cursor_get(&c, 1);
	p->family = (unsigned)cursor_get(&c, 1);
	cursor_get_bytes(&c, theirs, NAME_LEN);
	p->debug = (uint32_t)cursor_get(&c, 4);
	p->only_v6 = (uint32_t)cursor_get(&c, 4);
	p->backlog = (uint32_t)cursor_get(&c, 4);
	get_addr(&c, &p->local);
	get_addr(&c, &p->remote);
	p->blob_len = (uint32_t)cursor_get(&c, 2);
	if (p->blob_len > sizeof p->blob)
		return ST_PROTOCOL;
	cursor_get_bytes(&c, p->blob, p->blob_len);
	ok = ok && (p->kind == PROV_PARCEL_CONN ||
			p->kind == PROV_PARCEL_LISTENER) &&
		(p->family == 4 || p->family == 6) &&
		memcmp(ours, theirs, NAME_LEN) == 0;
	return ok && !c.bad && c.at == c.end ? ST_OK : ST_PROTOCOL;
}

void prov_door_name(uint32_t token, char out[OS_NAME_MAX])
{
	snprintf(out, OS_NAME_MAX, "openwsd-handoff-%s-%08x",
		provider_transport.name, (unsigned)token);
}
