/* SPDX-License-Identifier: MIT */
/* registry.c - which of our handles stand for more than one kernel object. */
#include "internal.h"

#define BUCKETS 64

static SRWLOCK lock = SRWLOCK_INIT;
static struct win_object *buckets[BUCKETS];

static struct win_object **bucket_of(HANDLE key)
{
	return &buckets[(uintptr_t)key / 4 % BUCKETS];
}

void win_object_add(struct win_object *o)
{
	struct win_object **at = bucket_of(o->key);

	AcquireSRWLockExclusive(&lock);
	o->next = *at;
	*at = o;
	ReleaseSRWLockExclusive(&lock);
}

struct win_object *win_object_find(HANDLE key, enum win_kind kind)
{
	struct win_object *o;

	AcquireSRWLockShared(&lock);
	for (o = *bucket_of(key); o; o = o->next)
		if (o->key == key && o->kind == kind)
			break;
	ReleaseSRWLockShared(&lock);
	return o;
}

void win_object_remove(struct win_object *o)
{
	struct win_object **at = bucket_of(o->key);

	AcquireSRWLockExclusive(&lock);
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	ReleaseSRWLockExclusive(&lock);
}
