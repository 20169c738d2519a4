/* SPDX-License-Identifier: MIT */
#include "perf_peer.h"

#include <stdlib.h>
#include <string.h>

#include "os/os.h"

#define CLOSE_PATIENCE (2 * UINT64_C(1000000000))
#define CLOSE_STEP (100 * UINT64_C(1000))

/* ---- opening ---------------------------------------------------------- */

static uint32_t slot_size(const struct spi_client *c)
{
	return c->max_message < PERF_PIECE_MAX ? c->max_message
					       : PERF_PIECE_MAX;
}

static int get_memory(struct perf_peer *p)
{
	size_t pool = (size_t)PERF_WINDOW * p->slot;
	size_t len = 2 * pool + PERF_SIZE_MAX;

	p->requests = calloc(1, sizeof *p->requests);
	p->receives = calloc(1, len);
	if (!p->requests || !p->receives)
		return WSAENOBUFS;
	p->sends = p->receives + pool;
	p->rdma = p->sends + pool;
	return link_register(&p->link, p->receives, len, &p->handle);
}

static int post_receive(struct perf_peer *p, unsigned n)
{
	return link_receive(&p->link, &p->requests->receive[n],
		p->receives + (size_t)n * p->slot, p->slot);
}

int perf_peer_open(struct perf_peer *p, const struct link *l)
{
	int code;

	memset(p, 0, sizeof *p);
	p->link = *l;
	p->slot = slot_size(l->c);
	p->longest = p->slot;
	code = p->slot < PERF_PIECE_MIN ? WSAEMSGSIZE : get_memory(p);
	for (unsigned i = 0; i < PERF_WINDOW && !code; i++)
		code = post_receive(p, i);
	if (code)
		perf_peer_close(p);
	return code;
}

static bool all_over(const struct perf_requests *r)
{
	bool over = true;

	for (unsigned i = 0; i < PERF_WINDOW; i++)
		over = over && link_request_over(&r->receive[i]) &&
			link_request_over(&r->send[i]);
	for (unsigned i = 0; i < PERF_RDMA_DEPTH; i++)
		over = over && link_request_over(&r->rdma[i]);
	return over;
}

/* What a provider does not give back is lost: better than a wild write. */
void perf_peer_close(struct perf_peer *p)
{
	uint64_t until = os_now() + CLOSE_PATIENCE;

	link_close(&p->link);
	while (p->requests && !all_over(p->requests)) {
		if (os_now() > until)
			return;
		os_sleep(CLOSE_STEP);
	}
	free(p->requests);
	free(p->receives);
}

/* ---- sending ---------------------------------------------------------- */

static char *slot_at(struct perf_peer *p)
{
	return p->sends + (size_t)p->next_send * p->slot;
}

int perf_peer_slot(struct perf_peer *p, char **out)
{
	struct link_request *r = &p->requests->send[p->next_send];

	*out = slot_at(p);
	return r->pending ? link_wait(&p->link, r, PERF_PATIENCE, NULL) : 0;
}

int perf_peer_send(struct perf_peer *p, uint32_t len)
{
	struct link_request *r = &p->requests->send[p->next_send];
	int code = link_send(&p->link, r, slot_at(p), len);

	if (!code)
		p->next_send = (p->next_send + 1) % PERF_WINDOW;
	return code;
}

int perf_peer_command(struct perf_peer *p, const struct perf_command *c)
{
	char *slot;
	int code = perf_peer_slot(p, &slot);

	return code ? code
		    : perf_peer_send(p, (uint32_t)perf_encode(c, slot));
}

/* ---- receiving -------------------------------------------------------- */

int perf_peer_receive(struct perf_peer *p, uint64_t ns, char **data,
	uint32_t *len)
{
	struct link_request *r = &p->requests->receive[p->next_receive];
	DWORD bytes = 0;
	int code = link_wait(&p->link, r, ns, &bytes);

	*data = p->receives + (size_t)p->next_receive * p->slot;
	*len = bytes;
	return code;
}

int perf_peer_taken(struct perf_peer *p)
{
	unsigned n = p->next_receive;

	p->next_receive = (n + 1) % PERF_WINDOW;
	return post_receive(p, n);
}

int perf_peer_receive_command(struct perf_peer *p, uint64_t ns,
	struct perf_command *out)
{
	char *data;
	uint32_t len;
	int code = perf_peer_receive(p, ns, &data, &len);

	if (code)
		return code;
	if (!perf_decode(data, len, out))
		return WSAEPROTOTYPE;
	return perf_peer_taken(p);
}

/* ---- hello ------------------------------------------------------------ */

static int take_hello(struct perf_peer *p, struct perf_command *theirs)
{
	int code = perf_peer_receive_command(p, PERF_PATIENCE, theirs);

	if (code)
		return code;
	if (theirs->operation != PERF_HELLO)
		return WSAEPROTOTYPE;
	if (theirs->longest < p->longest)
		p->longest = theirs->longest;
	p->their_memory = theirs->exposed;
	return 0;
}

int perf_peer_greet(struct perf_peer *p)
{
	struct perf_command ours = {.operation = PERF_HELLO,
		.longest = p->slot}, theirs;
	int code = perf_peer_command(p, &ours);

	return code ? code : take_hello(p, &theirs);
}

int perf_peer_welcome(struct perf_peer *p)
{
	struct perf_command ours = {.operation = PERF_HELLO,
		.longest = p->slot}, theirs;
	int code = take_hello(p, &theirs);

	if (code)
		return code;
	/* Without RDMA the messages can be measured all the same. */
	if (link_expose(&p->link, p->rdma, PERF_SIZE_MAX, &ours.exposed))
		ours.exposed.len = 0;
	return perf_peer_command(p, &ours);
}
