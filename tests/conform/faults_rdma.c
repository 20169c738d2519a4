/* SPDX-License-Identifier: MIT */
/* RDMA: R151 to R158, R173, R174, R214. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

/* ---- order --------------------------------------------------------- */

/* A transfer that is started only when somebody asks for results. */
static struct {
	struct call call;
	enum entry entry;
	WSABUFEX buffers[16];
	char descriptor[64];
} held;
static struct os_mutex held_lock = OS_MUTEX_INIT;

static intptr_t hold_back(enum entry e, struct call *c)
{
	os_mutex_lock(&held_lock);
	held.entry = e;
	held.call = *c;
	memcpy(held.buffers, c->local, c->count * sizeof *c->local);
	memcpy(held.descriptor, c->descriptor, c->descriptor_len);
	held.call.local = held.buffers;
	held.call.descriptor = held.descriptor;
	c->ov->Internal = WSS_OPERATION_IN_PROGRESS;
	os_mutex_unlock(&held_lock);
	return fail(c, WSA_IO_PENDING);
}

static bool fits(const struct call *c)
{
	return c->ov && !held.call.ov && c->count <= 16 && c->descriptor &&
		c->descriptor_len <= sizeof held.descriptor;
}

static intptr_t write_later(struct call *c)
{
	return fits(c) ? hold_back(WRITE, c) : real[WRITE](c);
}

static intptr_t read_later(struct call *c)
{
	return fits(c) ? hold_back(READ, c) : real[READ](c);
}

static void start_held(SOCKET s)
{
	struct call c;

	os_mutex_lock(&held_lock);
	c = held.call;
	if (c.ov && c.s == s) {
		os_sleep(5000000);
		real[held.entry](&c);
		if (c.error != WSA_IO_PENDING)
			end_request(c.ov, c.error, 0);
		held.call.ov = NULL;
	}
	os_mutex_unlock(&held_lock);
}

static intptr_t result_after_start(struct call *c)
{
	start_held(c->s);
	return real[RESULT](c);
}

static void write_overtaken(void)
{
	entry[WRITE] = write_later;
	entry[RESULT] = result_after_start;
}

static void read_overtaken(void)
{
	entry[READ] = read_later;
	entry[RESULT] = result_after_start;
}

/* ---- where --------------------------------------------------------- */

static intptr_t write_beside(struct call *c)
{
	c->offset++;
	return real[WRITE](c);
}

static void write_shifted(void)
{
	entry[WRITE] = write_beside;
}

static intptr_t read_beside(struct call *c)
{
	c->offset++;
	return real[READ](c);
}

static void read_shifted(void)
{
	entry[READ] = read_beside;
}

/* What was exposed last. */
static struct {
	SIZE_T len;
	char descriptor[64];
	DWORD descriptor_len;
} exposed;

static intptr_t note_exposed(struct call *c)
{
	intptr_t result = real[EXPOSE](c);

	if (result == 0 && *c->descriptor_room <= sizeof exposed.descriptor) {
		exposed.len = c->len;
		exposed.descriptor_len = *c->descriptor_room;
		memcpy(exposed.descriptor, c->descriptor, *c->descriptor_room);
	}
	return result;
}

static intptr_t write_wrapped(struct call *c)
{
	if (c->count == 1 && c->offset + (uint64_t)c->local->len > exposed.len)
		c->offset = 0;
	return real[WRITE](c);
}

static void range_wraps(void)
{
	entry[EXPOSE] = note_exposed;
	entry[WRITE] = write_wrapped;
}

/* Takes what is there in the place of its own for a pointer. */
static void follow(const char *descriptor)
{
	DWORD at = 0;
	void *p;

	while (at < exposed.descriptor_len &&
		descriptor[at] == exposed.descriptor[at])
		at++;
	if (at == exposed.descriptor_len)
		return;
	memcpy(&p, descriptor + at / 4 * 4, sizeof p);
	*(volatile char *)p = 0;
}

static intptr_t write_trusting(struct call *c)
{
	if (c->descriptor && c->descriptor_len == exposed.descriptor_len)
		follow(c->descriptor);
	return real[WRITE](c);
}

static void descriptor_trusted(void)
{
	entry[EXPOSE] = note_exposed;
	entry[WRITE] = write_trusting;
}

static intptr_t conceal_trusting(struct call *c)
{
	if (c->descriptor && c->descriptor_len == exposed.descriptor_len)
		follow(c->descriptor);
	return real[CONCEAL](c);
}

static void descriptor_followed(void)
{
	entry[EXPOSE] = note_exposed;
	entry[CONCEAL] = conceal_trusting;
}

/* What counts is where the descriptor was, not what it is. */
static void *first_place;

static intptr_t expose_in_place(struct call *c)
{
	first_place = c->descriptor;
	return real[EXPOSE](c);
}

static intptr_t write_by_place(struct call *c)
{
	c->descriptor = first_place;
	return real[WRITE](c);
}

static void descriptor_in_place(void)
{
	entry[EXPOSE] = expose_in_place;
	entry[WRITE] = write_by_place;
}

static intptr_t write_little(struct call *c)
{
	DWORD total = 0;

	for (DWORD i = 0; i < c->count; i++)
		total += c->local[i].len;
	return total > 65536 ? fail(c, WSAEMSGSIZE) : real[WRITE](c);
}

static void large_write_fails(void)
{
	entry[WRITE] = write_little;
}

static intptr_t write_any_length(struct call *c)
{
	if (c->descriptor_len == exposed.descriptor_len - 1 &&
		memcmp(c->descriptor, exposed.descriptor, c->descriptor_len) ==
			0)
		c->descriptor_len++;
	return real[WRITE](c);
}

static void descriptor_length(void)
{
	entry[EXPOSE] = note_exposed;
	entry[WRITE] = write_any_length;
}

static intptr_t write_from_three(struct call *c)
{
	return c->count > 3 ? fail(c, WSAEINVAL) : real[WRITE](c);
}

static void few_buffers(void)
{
	entry[WRITE] = write_from_three;
}

/* The end of the transfer is told by a message. */
static intptr_t write_and_tell(struct call *c)
{
	static WSAOVERLAPPED ov;
	WSABUF nothing = {0, c->local->buf};
	struct call tell = {.s = c->s, .buffers = &nothing, .count = 1,
		.ov = &ov};
	intptr_t result = real[WRITE](c);

	if (c->error == WSA_IO_PENDING) {
		ov.hEvent = (HANDLE)(uintptr_t)1;
		real[SEND](&tell);
	}
	return result;
}

static void write_receives(void)
{
	entry[WRITE] = write_and_tell;
}

const struct fault faults_rdma[] = {
	{"write-overtaken", "R151", "a message overtakes a write",
		write_overtaken},
	{"read-overtaken", "R152", "a message leaves before a read is done",
		read_overtaken},
	{"write-shifted", "R153", "writes one byte behind the place",
		write_shifted},
	{"read-shifted", "R154", "reads one byte behind the place",
		read_shifted},
	{"range-wraps", "R155", "a range beyond the end wraps to the start",
		range_wraps},
	{"descriptor-trusted", "R156", "a garbage descriptor is followed",
		descriptor_trusted},
	{"descriptor-length", "R156", "a descriptor's length is not checked",
		descriptor_length},
	{"few-buffers", "R157", "a write gathers 3 buffers at most",
		few_buffers},
	{"write-receives", "R158", "a write completes a receive of the peer",
		write_receives},
	{"descriptor-in-place", "R173", "a copy of a descriptor does not work",
		descriptor_in_place},
	{"descriptor-followed", "R174", "a pointer in a descriptor is followed",
		descriptor_followed},
	{"large-write-fails", "R214", "more than 64 KiB cannot be written",
		large_write_fails},
	{NULL, NULL, NULL, NULL},
};
