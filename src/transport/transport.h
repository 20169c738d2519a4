/* SPDX-License-Identifier: MIT */
/*
 * transport.h - how to put a system area network under the provider core.
 *
 * One provider library is the core linked with exactly one transport, which
 * defines `const struct transport_ops provider_transport`. This file is the
 * manual for writing one; shm/ is the example. The same suite of tests
 * (tests/transport) runs over every transport.
 *
 * What a transport is: connected, ordered, reliable message channels with
 * remote memory access, found by internet address and port, set up by request
 * and answer with a little private data on the request.
 *
 * Threads. The core serialises calls on one listener. On one connection it
 * serialises calls per direction: {send, rdma, reap} on one side and
 * {peek, release} on the other may run at the same time in two threads;
 * arm, drain, status, ring-free queries may run at any time beside them;
 * expose/conceal are serialised among themselves. close is called when no
 * other call on the object runs. No transport calls back into the core, so it
 * may hold its own locks as it likes, but never blocks except where said.
 *
 * Progress. A transport may carry RDMA as messages of its own. It sees those
 * only in peek (and not behind a message that has not been released), and
 * answers them only in reap. So a side that exposes memory calls reap whenever
 * it has called peek; arm says ST_AGAIN as long as reap can do something. A
 * side that waits for a transfer of its own does both as well.
 *
 * Fork. When TRANSPORT_FORK_SHARED is set, a forked child and its parent may
 * both use a connection, serialised per direction by the caller across both:
 * so every cursor that send, peek, release and arm need lives in memory that
 * both halves share.
 *
 * Hostile peers. Whatever a peer stores in shared memory or sends is read once,
 * checked, then used. A broken peer ends its own connection: ST_PROTOCOL.
 *
 * Ownership is told at each slot. Errors: one of the listed, or ST_SYSTEM.
 */
#ifndef WSD_TRANSPORT_TRANSPORT_H
#define WSD_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "os/os.h"

struct transport_listener; /* opaque, defined by the transport */
struct transport_conn;     /* opaque, defined by the transport */

/* Abilities. */
#define TRANSPORT_RDMA_READ 0x1u   /* rdma() can read */
#define TRANSPORT_EARLY_SEND 0x2u  /* send works before the peer has accepted:
				      see early */
#define TRANSPORT_FORK_SHARED 0x4u /* see "Fork" above */
#define TRANSPORT_HANDOFF 0x8u     /* hand_off/take_over work */

/* Bytes of an RDMA descriptor, and of private data on a request, at most. */
#define TRANSPORT_DESCRIPTOR_MAX 64
#define TRANSPORT_PRIVATE_MAX 256
#define TRANSPORT_HANDOFF_MAX 512
#define TRANSPORT_HANDOFF_HANDLES 3

/* What may be waited for. */
#define TRANSPORT_IN 0x1u  /* peek would not say ST_AGAIN, or status changed */
#define TRANSPORT_OUT 0x2u /* send would not say ST_AGAIN, or status changed */

/* Flags of send. */
#define TRANSPORT_RESERVE 0x1u /* may use the space kept back for short control
				  messages (at least 256 bytes) */

/* Why a request is refused; travels to the connecting side. */
enum transport_refusal {
	REFUSE_REJECTED = 1, /* the application said no: peer sees ST_REFUSED */
	REFUSE_NO_RESOURCES, /* peer sees ST_TIMEDOUT (it may fall back) */
	REFUSE_CLOSING,      /* listener goes away: peer sees ST_TIMEDOUT */
};

struct transport_limits {
	uint32_t max_message;    /* bytes of one send */
	uint32_t max_rdma;       /* bytes of one rdma call */
	uint32_t rdma_threshold; /* from here on RDMA is worth it (hint) */
	uint32_t descriptor_len; /* bytes that expose stores */
	uint32_t max_private;    /* bytes of private data that connect takes: at
				    most TRANSPORT_PRIVATE_MAX */
};

/* A connection request that waits for an answer. Owned by the transport until
 * accept or refuse, which end it in every case. */
struct transport_request {
	struct addr local; /* where the peer wants to go; never a wildcard */
	struct addr peer;  /* checked: an address the peer may speak for */
	struct os_peer who;
	uint8_t private_data[TRANSPORT_PRIVATE_MAX];
	uint32_t private_len;
};

/* What survey tells of one network. Text is UTF-8, "" for nothing to tell. */
struct transport_network {
	char network[32]; /* what carries the messages: "memory", "verbs" */
	char device[64];  /* "mlx5_0" */
	char reason[160]; /* not in_use: why, and what would change that */
	struct addr address; /* this host's there, port 0; family 0: none */
	bool usable; /* can be used, though perhaps not with these settings */
	bool in_use; /* is used; then it is usable, too */
};

enum transport_op { TRANSPORT_WRITE, TRANSPORT_READ };

struct transport_ops {
	const char *name; /* "shm" */
	uint32_t abilities;
	struct transport_limits limits;

	/*
	 * First use in the process, last use. start may fail with ST_SYSTEM when
	 * the network is not there; stop is called with nothing open.
	 */
	enum status (*start)(void);
	void (*stop)(void);

	/* As os_local_addresses, for the addresses this transport serves. */
	enum status (*addresses)(struct addr *list, unsigned *count);
	/*
	 * True for the addresses in that list, and for what else reaches the
	 * same place (all of 127/8). Asked for each bind, so cheap for the
	 * common ones.
	 */
	bool (*serves)(const struct addr *a);
	/*
	 * For people who want to know why something is used, or is not: every
	 * network that there is, or that one might expect, once for each of its
	 * addresses. Those in use are the ones that `addresses` lists. Stores up
	 * to *count, sets *count to the number there are; ST_FULL when that is
	 * more. Looks anew on every call, which may take a moment (drivers are
	 * loaded, hardware is asked), and works when start has found nothing to
	 * serve. What cannot be looked at is a record whose reason says so, not
	 * an error. ST_NOMEM.
	 */
	enum status (*survey)(struct transport_network *list, unsigned *count);

	/* ---- passive side ---- */

	/*
	 * Offers `local` (may be a wildcard; family 6 wildcard also serves IPv4
	 * unless only_v6). The same address may be offered many times; ST_OK even
	 * when another listener has it already (which then gets the requests).
	 * A specific address wins over a wildcard. backlog >= 1 requests are kept,
	 * the next one is refused at once (the peer sees ST_REFUSED).
	 * ST_NOMEM, ST_NOHANDLES, ST_NOTLOCAL.
	 */
	enum status (*listen)(const struct addr *local, bool only_v6,
		unsigned backlog, struct transport_listener **out);
	/* Of what is queued beyond it the oldest are refused (ST_REFUSED), where
	 * the system can tell how many those are. ST_NOMEM, ST_NOHANDLES. */
	enum status (*set_backlog)(struct transport_listener *l, unsigned backlog);
	/* Readable when take may succeed. Owned by the listener. OS_NO_HANDLE when
	 * the listener never gets requests. */
	os_handle (*listener_handle)(struct transport_listener *l);
	/*
	 * The oldest request, not yet answered. Does not block (a peer that has
	 * connected but is slow with its request may cost a bounded millisecond).
	 * ST_AGAIN none; ST_NOHANDLES/ST_NOMEM: it stays queued.
	 */
	enum status (*take)(struct transport_listener *l,
		struct transport_request **out);
	/* Tells the peer yes. ST_RESET the peer has gone meanwhile and has sent
	 * nothing early. On failure the request is gone too. */
	enum status (*accept)(struct transport_request *r,
		struct transport_conn **out);
	void (*refuse)(struct transport_request *r, enum transport_refusal why);
	/* Requests that arrive from now on get the answer that nobody offers the
	 * address; what is queued stays. NULL: cannot. */
	void (*shut_listener)(struct transport_listener *l);
	/* Refuses all that is queued; not what has been taken. */
	void (*close_listener)(struct transport_listener *l);
	/* Leaves what is queued to other processes of a fork. */
	void (*leave_listener)(struct transport_listener *l);

	/* ---- active side ---- */

	/*
	 * Sends the request; does not wait for the answer (a listener that is
	 * slow to look at it may cost a bounded five milliseconds).
	 * `local` is the address (and port) the peer will be told.
	 * ST_REFUSED backlog full; ST_NOTFOUND nobody offers that address here
	 * (whether TCP listens is not known); ST_UNREACHABLE proven not to exist;
	 * ST_INVAL more private data than limits.max_private; ST_NOMEM,
	 * ST_NOHANDLES, ST_NOTLOCAL. With ST_OK the connection is CONNECTING.
	 * Where it takes time to find out, connect says ST_OK and status tells
	 * later: ST_REFUSED, or ST_TIMEDOUT for ST_NOTFOUND.
	 */
	enum status (*connect)(const struct addr *local, const struct addr *remote,
		const void *private_data, uint32_t private_len,
		struct transport_conn **out);

	/* ---- a connection, either side ---- */

	/*
	 * Where it stands: ST_PENDING connecting, ST_OK connected; otherwise it is
	 * over: ST_REFUSED, ST_TIMEDOUT (refused, fall back), ST_RESET peer closed
	 * or died, ST_PROTOCOL, ST_SYSTEM. One cheap look; with `thorough` it also
	 * asks the kernel whether the peer lives (one system call). Messages that
	 * arrived before the end can still be peeked.
	 */
	enum status (*status)(struct transport_conn *c, bool thorough);
	/*
	 * While connecting, with TRANSPORT_EARLY_SEND: ST_OK send works already
	 * (it is certain that the request waits at a listener), ST_AGAIN not yet;
	 * arm and the handle tell when that changes. Otherwise as status.
	 */
	enum status (*early)(struct transport_conn *c);
	/*
	 * From now on the caller looks at this connection itself, often or after
	 * an arm (a channel has been opened): a transport that must be called to
	 * make progress need not see to that by other means, but for what the
	 * caller cannot know of: unfinished sends, exposed memory.
	 */
	void (*attend)(struct transport_conn *c);
	void (*peer)(struct transport_conn *c, struct os_peer *out);

	/*
	 * Ends it for both sides without freeing anything: the peer sees what it
	 * sees at close, this side ST_ABORTED from now on; messages that have
	 * arrived can still be peeked. A sleeper here wakes when the peer has
	 * closed. May run beside any other call. Does nothing when it is over.
	 */
	void (*abort)(struct transport_conn *c);

	/* The handle a sleeper waits on, owned by the connection. */
	os_handle (*handle)(struct transport_conn *c);
	/* The connection uses `h` from now on, its handle or a duplicate of it, and
	 * no longer owns any handle: the caller closes it, after close. */
	void (*set_handle)(struct transport_conn *c, os_handle h);

	/*
	 * One message, gathered from the spans, copied before return: all or
	 * nothing. ST_AGAIN no room now; ST_MSGSIZE; ST_RESET (and the codes of
	 * status); ST_NOTCONN while connecting without TRANSPORT_EARLY_SEND.
	 * Wakes the peer when it sleeps. Never blocks.
	 */
	enum status (*send)(struct transport_conn *c, const struct os_span *spans,
		unsigned count, unsigned flags);
	/*
	 * The oldest message, in place: *data stays valid and readable until
	 * release. Its bytes may change under a hostile peer: copy, then check.
	 * ST_AGAIN none yet; when the connection is over and nothing is left, the
	 * code of status.
	 */
	enum status (*peek)(struct transport_conn *c, const void **data,
		uint32_t *len);
	/* Done with the message that peek gave; makes room for the sender. */
	void (*release)(struct transport_conn *c);

	/* A number that is different after each arrival of a message; wraps. */
	uint64_t (*arrivals)(struct transport_conn *c);

	/*
	 * Asks for a wake-up: from now on the first change towards each of
	 * `interest` makes the handle readable, once per arm; what has not changed
	 * stays armed, as another may sleep for it. ST_OK armed and nothing there
	 * yet; ST_AGAIN something is there already (do not sleep). Arming twice is
	 * the same as once. Does not take doorbells away.
	 */
	enum status (*arm)(struct transport_conn *c, unsigned interest);
	/*
	 * Would arm say that there is room (or the end)? Without asking for a
	 * wake-up; for who looks often before it sleeps.
	 */
	bool (*writable)(struct transport_conn *c);
	/* Takes doorbells away, as os_link_drain; ST_OK, ST_AGAIN, ST_RESET,
	 * ST_PROTOCOL (the peer has sent something else than doorbells). */
	enum status (*drain)(struct transport_conn *c, bool keep);

	/*
	 * RDMA. expose makes [base, base+len) reachable for the peer of this
	 * connection with the rights given (1 read, 2 write: what the peer may do)
	 * and stores limits.descriptor_len bytes that mean the same on any host.
	 * Each expose gives a fresh key. ST_NOMEM, ST_NOTCONN.
	 * conceal: from its return on the peer has no access. ST_BUSY a transfer is
	 * using it right now, ST_INVAL unknown.
	 */
	enum status (*expose)(struct transport_conn *c, void *base, uint64_t len,
		unsigned rights, uint8_t *descriptor);
	enum status (*conceal)(struct transport_conn *c, const uint8_t *descriptor);
	/*
	 * Moves bytes between local spans and the peer's exposed memory at offset.
	 * ST_OK done; ST_PENDING started: `cookie` comes back from reap, the memory
	 * that the spans name stays in use until then; the array of spans is
	 * copied. ST_INVAL bad descriptor, or a range outside the exposure or
	 * longer than limits.max_rdma (nothing moved), ST_ACCESS rights, ST_AGAIN
	 * queue full, ST_NOMEM (to start what cannot be done at once), ST_FAULT,
	 * and the codes of status.
	 * A send after a started rdma is held back by the core, not here.
	 */
	enum status (*rdma)(struct transport_conn *c, enum transport_op op,
		const struct os_span *spans, unsigned count,
		const uint8_t *descriptor, uint32_t descriptor_len,
		uint64_t offset, uint64_t cookie);
	/* A finished transfer: ST_OK and *cookie, *result; ST_AGAIN none. Also lets
	 * the transport serve transfers the peer started: see "Progress". */
	enum status (*reap)(struct transport_conn *c, uint64_t *cookie,
		enum status *result);
	/*
	 * Local memory for the adapter. *registration is NULL where nothing is
	 * needed, which unpin ignores. ST_NOMEM, ST_FAULT.
	 *
	 * Where pin_costs says so (the same from start on; NULL: never) the core
	 * keeps a registration for the next use of the same memory, and gives it
	 * back when the memory's mapping changes, when there are too many, or
	 * before close. pin and unpin are serialised per
	 * connection, and never called from the cache callback: they may allocate,
	 * free, unmap and take locks. What has lost its memory is given back
	 * before pin is called again on the connection; only a registration that
	 * is in use at that time may still name the same addresses. unpin is not
	 * called in a forked child for what the parent has pinned.
	 */
	bool (*pin_costs)(void);
	enum status (*pin)(struct transport_conn *c, void *base, uint64_t len,
		unsigned rights, void **registration);
	void (*unpin)(struct transport_conn *c, void *registration);

	/*
	 * Hand-off to another process (TRANSPORT_HANDOFF). pack stores what
	 * unpack needs there: at most TRANSPORT_HANDOFF_MAX bytes at blob, and at
	 * most TRANSPORT_HANDOFF_HANDLES handles to pass along (still owned by the
	 * connection); *len and *count are outputs only. ST_UNSUPPORTED: not this
	 * connection (its handle has been replaced). After pack the connection
	 * here is only closed, which the peer does not notice as long as another
	 * process has unpacked it. After pack_listener closing no longer refuses
	 * what is queued: that is another's now, or ends with the last handle.
	 *
	 * unpack owns the handles from ST_OK on; on failure they stay the
	 * caller's. ST_INVAL and ST_VERSION not from this transport, ST_PROTOCOL
	 * the segment is not what it was, ST_NOMEM.
	 */
	enum status (*pack)(struct transport_conn *c, uint8_t *blob, uint32_t *len,
		os_handle *handles, unsigned *count);
	enum status (*unpack)(const uint8_t *blob, uint32_t len,
		const os_handle *handles, unsigned count,
		struct transport_conn **out);
	enum status (*pack_listener)(struct transport_listener *l, uint8_t *blob,
		uint32_t *len, os_handle *handles, unsigned *count);
	enum status (*unpack_listener)(const uint8_t *blob, uint32_t len,
		const os_handle *handles, unsigned count,
		struct transport_listener **out);

	/*
	 * Ends the connection on this side. With `handed_off` the peer is not told.
	 * What was sent before is still delivered. Frees everything.
	 */
	void (*close)(struct transport_conn *c, bool handed_off);
};

/* The transport this library is linked with. */
extern const struct transport_ops provider_transport;

#endif
