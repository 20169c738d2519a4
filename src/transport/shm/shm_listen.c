/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "transport/shm/shm_listener.h"
#include "transport/shm/shm_name.h"
#include "transport/shm/shm_ops.h"

/* Requests that a closing listener answers; more just see it gone. */
#define REFUSALS_MAX 4096

static enum status offer(struct transport_listener *l, unsigned backlog)
{
	struct shm_name name;
	enum status st;

	shm_name_offered(&l->local, l->only_v6, &name);
	st = os_listen(name.text, backlog, &l->handle);
	if (st != ST_EXISTS)
		return st;
	l->handle = OS_NO_HANDLE;
	return ST_OK;
}

enum status shm_listen(const struct addr *local, bool only_v6,
	unsigned backlog, struct transport_listener **out)
{
	struct transport_listener *l;
	enum status st;

	if ((local->family != 4 && local->family != 6) || local->port == 0)
		return ST_INVAL;
	if (!addr_is_any(local) && !os_address_is_local(local))
		return ST_NOTLOCAL;
	l = calloc(1, sizeof *l);
	if (!l)
		return ST_NOMEM;
	l->local = *local;
	l->only_v6 = only_v6;
	st = offer(l, backlog);
	if (st != ST_OK) {
		free(l);
		return st;
	}
	*out = l;
	return ST_OK;
}

/* R95. The newest could only be reached by way of all others. Counted afresh
 * each time: take may drop some that are no requests. */
static enum status refuse_surplus(struct transport_listener *l,
	unsigned backlog)
{
	struct transport_request *r;
	enum status st = ST_OK;
	unsigned queued;

	while (st == ST_OK && os_listen_queued(l->handle, &queued) == ST_OK &&
	       queued > backlog) {
		st = shm_take(l, &r);
		if (st == ST_OK)
			shm_refuse(r, REFUSE_REJECTED);
	}
	return st == ST_AGAIN ? ST_OK : st;
}

enum status shm_set_backlog(struct transport_listener *l, unsigned backlog)
{
	enum status st;

	if (l->handle == OS_NO_HANDLE)
		return ST_OK;
	st = os_listen_backlog(l->handle, backlog);
	return st == ST_OK ? refuse_surplus(l, backlog) : st;
}

os_handle shm_listener_handle(struct transport_listener *l)
{
	return l->handle;
}

static void refuse_queued(struct transport_listener *l)
{
	struct transport_request *r;

	l->closing = true;
	for (int i = 0; i < REFUSALS_MAX; i++) {
		if (shm_take(l, &r) != ST_OK)
			return;
		shm_refuse(r, REFUSE_CLOSING);
	}
}

void shm_close_listener(struct transport_listener *l)
{
	if (l->handle != OS_NO_HANDLE && !l->handed_off)
		refuse_queued(l);
	shm_leave_listener(l);
}

void shm_leave_listener(struct transport_listener *l)
{
	if (l->held)
		shm_taken_drop(l->held);
	os_handle_close(l->handle);
	free(l);
}
