/* SPDX-License-Identifier: MIT */
/*
 * shm_segment.h - what two processes share: the segment of one connection and
 * the bytes that travel at the rendezvous. Nothing but fixed-size words and
 * offsets: the two sides may be compiled for different systems.
 *
 *     0          header (struct shm_segment)
 *     12288      ring from client to server
 *     + ring     ring from server to client
 *
 * The peer may store anything anywhere in here at any time. Every word is read
 * once, with an atomic load, and checked before it is used; see shm_ring.h.
 * Fields that different CPUs write lie in different cache lines; two lines that
 * are used together lie side by side, because some CPUs fetch lines in pairs.
 */
#ifndef WSD_TRANSPORT_SHM_SEGMENT_H
#define WSD_TRANSPORT_SHM_SEGMENT_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SHM_MAGIC UINT64_C(0x314d48534453574f) /* "OWSDSHM1" */
#define SHM_VERSION 1u
#define SHM_LINE 64

/* Bytes of one ring. A segment of another build may have other rings, within
 * these bounds; always a power of two. */
#define SHM_RING_SIZE (256u << 10)
#define SHM_RING_MIN (256u << 10)
#define SHM_RING_MAX (4u << 20)

#define SHM_MESSAGE_MAX (64u << 10) /* payload of one record */
#define SHM_SLOTS 64                /* RDMA exposures of one side */

static_assert((SHM_RING_SIZE & (SHM_RING_SIZE - 1)) == 0, "power of two");
static_assert(SHM_RING_SIZE >= SHM_RING_MIN, "own rings are acceptable");
static_assert(SHM_RING_SIZE <= SHM_RING_MAX, "own rings are acceptable");
static_assert(SHM_RING_MIN >= 4 * SHM_MESSAGE_MAX,
	"an empty ring takes any message at any position");
static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
	"a lock hidden in an atomic would not be shared");

enum shm_side { SHM_CLIENT = 0, SHM_SERVER = 1 };

/* shm_segment.state: written by the server, once. */
enum shm_state { SHM_REQUESTED = 1, SHM_ACCEPTED = 2, SHM_REFUSED = 3 };

/* shm_segment.notice: bits, only ever set. */
#define SHM_CLOSED(side) (UINT32_C(1) << (side)) /* side has closed */
#define SHM_BROKEN(side) (UINT32_C(4) << (side)) /* side met nonsense */

/* ---- rings ----------------------------------------------------------- */
/*
 * A byte ring for one direction. Cursors count bytes from the beginning of the
 * connection and never wrap; position in the ring = cursor modulo ring size.
 * A record is 8 bytes of header, payload, padding to 8. Records never wrap
 * around the end of the ring: a record of kind SHM_SKIP fills the rest.
 * How records become visible: see shm_ring.h.
 */
struct shm_ring_words {
	/* The producer's line: end of the last record; end of the record that
	 * is being written; the head as the producer saw it last. */
	alignas(SHM_LINE) _Atomic uint64_t tail;
	_Atomic uint64_t intent;
	_Atomic uint64_t head_cache;
	/* 1: the consumer sleeps and wants a doorbell. */
	alignas(SHM_LINE) _Atomic uint32_t reader_asleep;
	/* The consumer's line: end of the last released record. */
	alignas(SHM_LINE) _Atomic uint64_t head;
	/* 1: the producer sleeps and wants a doorbell when there is room. */
	alignas(SHM_LINE) _Atomic uint32_t writer_asleep;
};

/* A record's header is one word, never 0: payload length, kind. Where the next
 * record will begin there is 0, the end mark. */
#define SHM_RECORD_HEADER 8u
#define SHM_END_MARK 8u
#define SHM_HEADER(kind, len) ((uint64_t)(kind) << 32 | (uint32_t)(len))

enum shm_kind {
	SHM_DATA = 1,
	SHM_SKIP = 2, /* go on at the start of the ring */
	/* Served RDMA: struct shm_served_head, then bytes for *_BYTES. */
	SHM_ASK_READ = 3,    /* please send me ... */
	SHM_WRITE_BYTES = 4, /* please store ... */
	SHM_READ_BYTES = 5,  /* part of what you asked for */
	SHM_REPLY = 6,       /* how the transfer ended */
	SHM_KINDS
};

/*
 * Before the bytes of a served transfer. `id` is the asking side's name for the
 * transfer. `offset` is relative to the exposure (ASK_READ, WRITE_BYTES) or to
 * the transfer (READ_BYTES). `code`: REPLY: enum shm_reply; WRITE_BYTES: 1 in
 * the last part.
 */
struct shm_served_head {
	uint64_t id;
	uint64_t key;
	uint64_t offset;
	uint64_t len;
	uint32_t slot;
	uint32_t code;
};
static_assert(sizeof(struct shm_served_head) == 40, "layout");

enum shm_reply { SHM_DONE = 0, SHM_BAD_RANGE = 1, SHM_NO_RIGHT = 2 };

#define SHM_SERVED_CHUNK (32u << 10)
static_assert(SHM_SERVED_CHUNK + sizeof(struct shm_served_head) <=
	SHM_MESSAGE_MAX, "a chunk is a message");

/* ---- exposures ------------------------------------------------------- */
/*
 * One piece of memory that a side exposes. The owner fills it and sets state to
 * SHM_EXPOSED; each user of the other side counts itself in and out of state.
 */
struct shm_slot {
	alignas(SHM_LINE) _Atomic uint64_t key;
	_Atomic uint64_t base;
	_Atomic uint64_t len;
	_Atomic uint32_t rights;
	_Atomic uint32_t pid;   /* process whose memory it is */
	_Atomic uint32_t state;
};

#define SHM_FREE 0u
#define SHM_EXPOSED 1u              /* + number of users */
#define SHM_FILLING UINT32_MAX      /* taken by the owner, not yet exposed */

/* ---- the header ------------------------------------------------------ */

/* What a side says of itself, before its request or with its answer. */
struct shm_self {
	alignas(SHM_LINE) _Atomic uint32_t pid;
	uint32_t pad;
	_Atomic uint64_t cookie_addr; /* see os_process_read */
	_Atomic uint64_t cookie[2];
};

struct shm_segment {
	/* Identity: written by the client before the request, then constant. */
	alignas(SHM_LINE) _Atomic uint64_t magic;
	_Atomic uint32_t version;
	_Atomic uint32_t header_size;
	_Atomic uint64_t segment_size;
	_Atomic uint32_t ring_size;

	/* How the connection stands: rarely written, looked at all the time. */
	alignas(SHM_LINE) _Atomic uint32_t notice;
	_Atomic uint32_t state;
	_Atomic uint32_t refusal; /* enum transport_refusal */
	_Atomic uint32_t heard;   /* 1: the server has received the request */

	struct shm_self self[2];        /* by enum shm_side */
	struct shm_ring_words rings[2]; /* by the side that sends */
	alignas(4096) struct shm_slot slots[2][SHM_SLOTS]; /* by owner */
};

static_assert(sizeof(_Atomic uint64_t) == 8, "layout");
static_assert(sizeof(_Atomic uint32_t) == 4, "layout");
static_assert(sizeof(struct shm_ring_words) == 256, "layout");
static_assert(sizeof(struct shm_slot) == 64, "layout");
static_assert(sizeof(struct shm_self) == 64, "layout");
static_assert(offsetof(struct shm_ring_words, reader_asleep) == 64, "layout");
static_assert(offsetof(struct shm_ring_words, head) == 128, "layout");
static_assert(offsetof(struct shm_ring_words, writer_asleep) == 192, "layout");
static_assert(offsetof(struct shm_segment, notice) == 64, "layout");
static_assert(offsetof(struct shm_segment, self) == 128, "layout");
static_assert(offsetof(struct shm_segment, rings) == 256, "layout");
static_assert(offsetof(struct shm_segment, slots) == 4096, "layout");
static_assert(sizeof(struct shm_segment) == 12288, "layout");

#define SHM_SEGMENT_SIZE(ring) (sizeof(struct shm_segment) + 2 * (size_t)(ring))

/* ---- the request ----------------------------------------------------- */

#define SHM_PRIVATE_MAX 256

struct shm_wire_addr {
	uint8_t ip[16]; /* as struct addr */
	uint16_t port;
	uint8_t family;
	uint8_t pad;
	uint32_t scope;
};
static_assert(sizeof(struct shm_wire_addr) == 24, "layout");

/* The one message of a link, with the segment's handle. */
struct shm_request {
	uint64_t magic;
	uint32_t version;
	uint32_t len; /* of this message */
	uint64_t segment_size;
	struct shm_wire_addr from; /* the client's address */
	struct shm_wire_addr to;   /* where it wants to go */
	uint32_t private_len;
	uint32_t pad;
	uint8_t private_data[SHM_PRIVATE_MAX];
};
static_assert(sizeof(struct shm_request) == 336, "layout");

#endif
