/* SPDX-License-Identifier: MIT */
/* Memory pinned for the adapter; the mock has none, so it only counts. */
#include "mock_internal.h"

static _Atomic unsigned pinned, made;

enum status mock_pin(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, void **registration)
{
	void (*during)(void *, uint64_t) = atomic_load(&mock_faults.during_pin);
	void *r;

	os_mutex_lock(&mock_lock);
	r = mock_alloc(1);
	os_mutex_unlock(&mock_lock);
	if (!r)
		return ST_NOMEM;
	if (during)
		during(base, len);
	atomic_fetch_add(&pinned, 1);
	atomic_fetch_add(&made, 1);
	*registration = r;
	return ST_OK;
}

void mock_unpin(struct transport_conn *c, void *registration)
{
	atomic_fetch_sub(&pinned, 1);
	os_mutex_lock(&mock_lock);
	mock_free(registration);
	os_mutex_unlock(&mock_lock);
}

unsigned mock_pinned(void)
{
	return atomic_load(&pinned);
}

unsigned mock_pins_made(void)
{
	return atomic_load(&made);
}
