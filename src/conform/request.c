/* SPDX-License-Identifier: MIT */
/* Requests and transfers of endpoint.h. */
#include "endpoint.h"

#include <stdio.h>
#include <string.h>

/* ---- requests ------------------------------------------------------ */

void request_init(struct request *r, int how)
{
	memset(r, 0, sizeof *r);
	r->ov.hEvent = (HANDLE)(uintptr_t)how;
	r->ov.Internal = 7; /* anything but pending */
	r->bytes = 0x5a5a;
}

bool is_pending(const struct request *r)
{
	return __atomic_load_n(&r->ov.Internal, __ATOMIC_ACQUIRE) ==
		WSS_OPERATION_IN_PROGRESS;
}

int post_send(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how)
{
	WSABUF b = {len, end_send_slot(e, slot)};
	DWORD sent = 0;
	int err = 0;

	request_init(r, how);
	if (spi.t.lpWSPSend(e->s, &b, 1, &sent, 0, &r->ov, NULL, NULL, &err) ==
		0)
		err = WSA_IO_PENDING; /* R123 is broken, and noted */
	b.buf = NULL; /* R143: the array was captured */
	return err;
}

int post_receive(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how)
{
	WSABUF b = {len, end_receive_slot(e, slot)};
	DWORD got = 0, flags = 0;
	int err = 0;

	request_init(r, how);
	if (spi.t.lpWSPRecv(e->s, &b, 1, &got, &flags, &r->ov, NULL, NULL,
		    &err) == 0)
		err = WSA_IO_PENDING;
	b.buf = NULL;
	return err;
}

int post_send_text(struct end *e, unsigned slot, const char *text,
	struct request *r, int how)
{
	strcpy(end_send_slot(e, slot), text);
	return post_send(e, slot, (unsigned)strlen(text), r, how);
}

bool request_done(SOCKET s, struct request *r)
{
	DWORD bytes = 0x1234, flags = 0;
	int err = 0;

	if (spi.t.lpWSPGetOverlappedResult(s, &r->ov, &bytes, FALSE, &flags,
			&err)) {
		r->bytes = bytes;
		r->flags = flags;
		r->error = 0;
		return true;
	}
	if (bytes != 0x1234) /* R136 */
		case_violation(136, "WSPGetOverlappedResult fails with %s and "
			"has changed *lpcbTransfer", code_name(err));
	if (err == WSA_IO_INCOMPLETE)
		return false;
	r->error = err;
	r->bytes = 0;
	return true;
}

void request_wait(SOCKET s, struct request *r)
{
	uint64_t until = os_now() + PATIENCE;

	while (!request_done(s, r))
		if (os_now() > until)
			FAIL("the request does not end");
}

void request_expect(SOCKET s, struct request *r, int error, DWORD bytes)
{
	request_wait(s, r);
	CHECK_CODE(r->error, error);
	CHECK_EQ(r->bytes, bytes);
}

int request_expect_loss(SOCKET s, struct request *r)
{
	request_wait(s, r);
	if (!code_tells_loss(r->error))
		FAIL("the request ends with %s (%d), expected an error that "
			"tells that the connection is lost",
			code_name(r->error), r->error);
	return r->error;
}

static void must_start(const char *what, int code)
{
	if (code != WSA_IO_PENDING)
		FAIL("%s: got %s (%d), expected WSA_IO_PENDING", what,
			code_name(code), code);
}

void must_send(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how)
{
	must_start("WSPSend", post_send(e, slot, len, r, how));
}

void must_send_text(struct end *e, unsigned slot, const char *text,
	struct request *r, int how)
{
	must_start("WSPSend", post_send_text(e, slot, text, r, how));
}

void must_receive(struct end *e, unsigned slot, unsigned len,
	struct request *r, int how)
{
	must_start("WSPRecv", post_receive(e, slot, len, r, how));
}

/* Of the upper half of the pool, one after the other. */
static unsigned text_slot(struct end *e)
{
	unsigned half = POOL_SLOTS / 2;

	return half + e->texts++ % half;
}

/* A transport without buffers may keep it until the peer receives. */
void send_text(struct end *e, const char *text)
{
	struct request *r = test_alloc(sizeof *r);
	uint64_t until = os_now() + QUIET;

	must_send_text(e, text_slot(e), text, r, POLLED);
	while (!request_done(e->s, r))
		if (os_now() > until)
			return;
	CHECK_CODE(r->error, 0);
	CHECK_EQ(r->bytes, strlen(text));
	test_free(r);
}

void expect_text(struct end *e, const char *text)
{
	struct request r;

	must_receive(e, POOL_SLOTS - 1, SLOT_BYTES, &r, POLLED);
	request_expect(e->s, &r, 0, (DWORD)strlen(text));
	CHECK_BYTES(end_receive_slot(e, POOL_SLOTS - 1), text, strlen(text));
}

int end_await_loss(struct end *e)
{
	uint64_t until = os_now() + PATIENCE;

	for (;;) {
		struct request *r = test_alloc(sizeof *r);
		int code = post_receive(e, POOL_SLOTS - 1, 64, r, POLLED);

		if (code == WSA_IO_PENDING) {
			request_wait(e->s, r);
			code = r->error;
		}
		if (code_tells_loss(code))
			return code;
		if (code != 0 || os_now() > until)
			FAIL("WSPRecv after the loss of the connection: got "
				"%s (%d)", code_name(code), code);
	}
}

void pair_talk(struct end *a, struct end *b)
{
	send_text(a, "one way");
	expect_text(b, "one way");
	send_text(b, "and the other");
	expect_text(a, "and the other");
}

/* ---- RDMA ---------------------------------------------------------- */

int expose(SOCKET s, void *base, DWORD len, DWORD rights, struct exposed *out)
{
	int err = 0;

	out->len = sizeof out->descriptor;
	return spi.register_rdma(s, base, len, rights, out->descriptor,
		&out->len, &err) ? err : 0;
}

int conceal(SOCKET s, struct exposed *e)
{
	int err = 0;

	return spi.deregister_rdma(s, e->descriptor, e->len, &err) ? err : 0;
}

int post_rdma(enum rdma_op op, SOCKET s, WSABUFEX *buffers, DWORD count,
	const struct exposed *e, DWORD offset, struct request *r, int how)
{
	LPFN_WSPRDMAWRITE f = op == RDMA_WRITE
		? spi.rdma_write
		: (LPFN_WSPRDMAWRITE)spi.rdma_read;
	DWORD moved = 0;
	int err = 0;

	request_init(r, how);
	if (f(s, buffers, count, (LPVOID)(uintptr_t)e->descriptor, e->len,
		    offset, &moved, 0, &r->ov, NULL, NULL, &err) == 0)
		err = WSA_IO_PENDING; /* R123 is broken, and noted */
	return err;
}

void parent_tell_descriptor(const struct exposed *e)
{
	char text[2 * EXPOSED_MAX + 1] = "";

	for (DWORD i = 0; i < e->len; i++)
		snprintf(text + 2 * i, 3, "%02x", (uint8_t)e->descriptor[i]);
	parent_tell("%s", text);
}

void child_hear_descriptor(struct child c, struct exposed *e)
{
	char line[LINE_MAX_LEN];
	unsigned byte;

	child_hear(c, line);
	e->len = (DWORD)strlen(line) / 2;
	CHECK(e->len <= EXPOSED_MAX);
	for (DWORD i = 0; i < e->len; i++) {
		CHECK(sscanf(line + 2 * i, "%2x", &byte) == 1);
		e->descriptor[i] = (char)byte;
	}
}

static uint8_t pattern_at(size_t i, uint32_t seed)
{
	uint32_t x = (uint32_t)i * 2654435761u + seed * 40503u;

	return (uint8_t)(x >> 13 ^ x);
}

void pattern(void *to, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = pattern_at(i, seed);
}

void check_pattern(const void *got, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		if (((const uint8_t *)got)[i] != pattern_at(i, seed))
			FAIL("byte %u of %u is wrong", (unsigned)i,
				(unsigned)len);
}
