/* SPDX-License-Identifier: MIT */
/*
 * fab_conn.h - a connection of the fabric transport: one connected endpoint
 * (FI_EP_MSG) in a domain of its own, so that what is registered for its peer
 * is reachable for nobody else (R178).
 *
 * Locks, in order: fab_lock (fab_helper.h), then the connection's own, which
 * guards all of it but the atomics and is held across calls of libfabric.
 *
 * Life. A client's goes CONNECTING -> QUEUED (the other side's transport has it
 * in a listener's queue, and takes messages) -> OPEN (its application has
 * accepted). A server's begins CONNECTING while the handshake is not finished.
 * `over` says that it has ended, and why; what had arrived can still be read.
 *
 * The program sleeps on one end of a link (os.h) whose other end is here; the
 * helper rings. So the handle can be duplicated, watched in any way and put in
 * place of a socket, which a wait descriptor of libfabric cannot.
 */
#ifndef WSD_TRANSPORT_FAB_CONN_H
#define WSD_TRANSPORT_FAB_CONN_H

#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_rma.h>
#include <stdatomic.h>

#include "transport/fabric/fab_net.h"
#include "transport/fabric/fab_wire.h"
#include "transport/transport.h"

enum fab_stage { FAB_CONNECTING, FAB_QUEUED, FAB_OPEN };
enum fab_side { FAB_CLIENT, FAB_SERVER };

/* What a completion brings back: the first member of what it is about. */
enum fab_use { FAB_USE_RX, FAB_USE_TX, FAB_USE_PART, FAB_USE_PING };
struct fab_work {
	struct fi_context2 context;
	enum fab_use use;
};

struct fab_slot {
	struct fab_work work;
	struct fab_slot *next; /* free list */
	uint8_t *bytes;        /* FAB_SLOT_BYTES */
	uint32_t len;          /* of the message, without its head */
};

enum {
	FAB_RX_SLOTS = FAB_SLOTS + FAB_EXTRA,
	FAB_TX_SLOTS = 20,
	FAB_KEPT = 2, /* credits and slots for short control messages */
};

/* 64 receives can be pending, and who sends need not know that nobody looks at
 * them (R149); likewise 16 sends. */
_Static_assert(FAB_SLOTS - FAB_KEPT >= 64, "so many credits");
_Static_assert(FAB_TX_SLOTS - FAB_KEPT >= 16, "so many buffers");

struct fab_op;
struct fab_part;
struct fab_exposure;
struct fab_pin;

struct fab_rdma {
	struct fab_op *first, **tail; /* in the order they were started */
	struct fab_op *lost;          /* told, but libfabric still has parts */
	struct fab_part *pool, *free_part;
	unsigned count; /* outstanding */
	struct fab_exposure *exposures;
	unsigned exposed;
	struct fab_pin *pins;
};

struct transport_conn {
	struct transport_conn *next, **link; /* all of the process */
	uint64_t id;                         /* never used again */
	uint32_t process;                    /* that made it */
	struct os_mutex lock;                /* role: fabric connection */
	struct fab_net *net;
	struct fid_domain *domain;
	struct fid_cq *cq;    /* of receives: the helper waits on it */
	struct fid_cq *tx_cq; /* of sends and transfers: looked at when there
				 are some, and not a wake-up for each */
	struct fid_ep *ep;
	os_handle cq_handle;
	enum fab_side side;
	struct addr from, to; /* client's address, destination */
	_Atomic int stage;    /* enum fab_stage */
	_Atomic int over;     /* enum status */
	_Atomic int reported; /* what status and arm have told */

	/* buffers: FAB_RX_SLOTS, then FAB_TX_SLOTS */
	uint8_t *slab;
	struct fid_mr *slab_mr; /* NULL where none is needed */
	struct fab_slot slots[FAB_RX_SLOTS + FAB_TX_SLOTS];

	/* sending */
	struct fab_slot *tx_free;
	unsigned tx_free_count, tx_out;
	unsigned credits, granted; /* now, and with nothing on its way */
	unsigned sends;
	bool counted; /* in fab_unsent */

	/* receiving: arrived and not released, oldest at head */
	_Atomic uint32_t head, tail;
	struct fab_slot *ready[FAB_RX_SLOTS];
	unsigned owed; /* credits to give back */
	unsigned idle_looks;

	struct fab_rdma rdma;

	/* sleeping */
	os_handle handle;
	bool owns_handle;
	os_handle bell; /* our end; OS_NO_HANDLE when over */
	unsigned armed;
	bool watched; /* in the helper's poller */
	bool attended;      /* somebody looks at it: WSDOpenChannel */
	_Atomic bool poked; /* the helper is to serve it now */

	/* is the other host there? see fab_alive.h */
	os_handle socket; /* libfabric's, or OS_NO_HANDLE */
	struct fab_work ping;
	bool pinging;
	uint64_t heard; /* while pinging: the last sign of life */
	unsigned completed, completed_then; /* operations; at the last look */

	/* setting up and ending: fab_lock */
	unsigned attempt;
	uint64_t due; /* the helper does something then; 0: nothing */
	bool lingers;  /* closed, and the peer has not got everything yet */
	bool said_bye;
	bool left;     /* the peer has said it: no message counts any more */
	struct transport_listener *listener; /* a server's, until it is taken */
	struct transport_conn *queue_next;
};

/* ---- fab_conn.c ------------------------------------------------------ */

/* With domain, queue, buffers and link, no endpoint; in no list. */
enum status fab_conn_create(struct fab_net *n, struct fi_info *info,
	enum fab_side side, struct transport_conn **out);
/* A new endpoint with its receives posted. Lock held, or not yet known. */
enum status fab_conn_endpoint(struct transport_conn *c, struct fi_info *info);
void fab_conn_drop_endpoint(struct transport_conn *c);
/* Frees all. In no list, nobody else has it. */
void fab_conn_destroy(struct transport_conn *c);
/* Lock held, or nobody else has it. If the handle is its own. */
void fab_conn_close_handle(struct transport_conn *c);
/* fab_lock held: ends it, when the peer has got what it shall still get. */
void fab_close_locked(struct transport_conn *c);

/* Lists; fab_lock held. */
void fab_conn_add(struct transport_conn *c);
void fab_conn_remove(struct transport_conn *c);
struct transport_conn *fab_conn_find(uint64_t id);
struct transport_conn *fab_conn_of(const struct fid *endpoint);
struct transport_conn *fab_conn_first(void);
void fab_conns_forget(void);

/* Lock held. The first cause counts. Wakes who sleeps. */
void fab_conn_end(struct transport_conn *c, enum status why);
/* Lock held. Takes what has completed, sends what waits, wakes who sleeps. */
void fab_conn_progress(struct transport_conn *c);
/* Lock held. The part about what has been sent. */
void fab_conn_finish_sends(struct transport_conn *c);
/*
 * Lock held. True: libfabric's descriptor tells of what comes from now on, also
 * that there is room for what has not left. False: progress first.
 */
bool fab_conn_may_sleep(struct transport_conn *c);
/* Lock held. Ends because its link has been cut or a message made no sense. */
static inline bool fab_conn_going_on(struct transport_conn *c)
{
	return atomic_load_explicit(&c->over, memory_order_acquire) == ST_OK;
}

/* Made by a process that this one was forked from: not to be touched. */
bool fab_conn_is_foreign(const struct transport_conn *c);

/* ---- fab_sleep.c: lock held ------------------------------------------ */

/* Rings if what was armed for is there. */
void fab_conn_notify(struct transport_conn *c);
/* Must the helper look after it? */
bool fab_conn_needs_help(const struct transport_conn *c);

/* ---- fab_message.c: lock held ---------------------------------------- */

void fab_slots_init(struct transport_conn *c);
enum status fab_slots_post(struct transport_conn *c);
void fab_rx_done(struct transport_conn *c, struct fab_slot *s, size_t len);
void fab_tx_done(struct transport_conn *c, struct fab_slot *s);
bool fab_can_send(const struct transport_conn *c, unsigned keep);
bool fab_has_message(struct transport_conn *c);
/* A message without bytes. ST_AGAIN no room. */
enum status fab_send_note(struct transport_conn *c, enum fab_kind kind,
	unsigned detail);
/* Gives credits back when there are many. */
void fab_give_credits(struct transport_conn *c);

/* ---- fab_rdma.c: lock held ------------------------------------------- */

void fab_rdma_init(struct transport_conn *c);
void fab_part_done(struct transport_conn *c, struct fab_work *w,
	enum status result);
/* Starts what could not be started before. */
void fab_rdma_push(struct transport_conn *c);
/* All that has not finished ends with this. */
void fab_rdma_end(struct transport_conn *c, enum status why);
bool fab_rdma_finished(const struct transport_conn *c);
/* The peer has no access any more; all is freed. */
void fab_rdma_fini(struct transport_conn *c);

/* Memory that a local access at base needs; NULL where none is needed. */
void *fab_pin_descriptor(struct transport_conn *c, const void *base,
	size_t len);

#endif
