/* SPDX-License-Identifier: MIT */
/*
 * switch.h - the Windows Sockets switch: what a front end programs against.
 *
 * A front end owns descriptors, the switch owns connections. A connection
 * (struct sw_conn) is a byte stream with exact TCP semantics over a message
 * channel of a SAN service provider; a listener (struct sw_listener) offers the
 * address of a listening TCP socket on every SAN. When anything here fails, the
 * front end goes on with TCP: each function says why with an enum sw_reason.
 *
 * Threads: all functions may be called from any thread, several on one
 * connection, except that sw_close and sw_listener_close must be the last call
 * on their object (front ends hold references). No function of this header
 * blocks unless it says so; none of the data functions allocates or logs.
 *
 * Fork: call sw_fork_* around it; afterwards both processes may use every
 * connection and listener, and each closes its own.
 *
 * Sleeping. Each connection has one kernel handle (on Linux the descriptor that
 * the program holds). It becomes readable when a doorbell arrives or the peer
 * is gone. Doorbells come only after an arm. A front end that sleeps on many
 * connections at once does:
 *
 *     mode = sw_sleep_begin(c, interest)   for each; if any is SW_READY, stop
 *     sleep in the kernel on the handles (and on anything else)
 *     sw_sleep_end(c)                      for each begun
 *     look at sw_ready(c) again
 *
 * SW_SLEEP_LEVEL: nobody else sleeps on this connection and old doorbells have
 * been taken away: a level-triggered wait for readability will do.
 * SW_SLEEP_EDGE: others sleep on it too (threads, epoll sets, processes), so a
 * doorbell may stay undrained: only an edge-triggered wait will do (a private
 * epoll instance with EPOLLET), which must be set up after sw_sleep_begin and
 * whose first report at set-up is to be ignored; then look at sw_ready again
 * before sleeping.
 * A set that watches for long (epoll) registers once with sw_watch, always
 * waits edge-triggered, and calls sw_watch_arm before it sleeps.
 */
#ifndef WSD_SWITCH_SWITCH_H
#define WSD_SWITCH_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "os/os.h"
#include "switch/reason.h"

struct sw_conn;
struct sw_listener;

/* ---- process ---------------------------------------------------------- */

/*
 * Reads settings; reads the policy and loads providers at the first connect or
 * listen only. Idempotent, cheap. False when acceleration is switched off.
 */
bool sw_enabled(void);

/* Around fork(). prepare takes the switch's locks; one of the two others must
 * follow in each process. */
void sw_fork_prepare(void);
void sw_fork_parent(bool forked); /* forked: false when fork() failed */
void sw_fork_child(void);

/*
 * Memory that providers keep registered (R183). `start` is called, in the first
 * connect or listen, when a provider has been loaded that does so; it answers
 * whether from now on every change of a mapping is told. If not, or if no
 * `start` was set, nothing is kept. Set before the first connect or listen.
 */
typedef bool (*sw_memory_watch_fn)(void);
void sw_memory_watch(sw_memory_watch_fn start);
/*
 * The mapping of these addresses is about to change, and (told once more) has
 * changed. From any thread at any time: inside the heap, in a signal handler,
 * inside any call of this header, in a forked child. Takes no lock, allocates
 * and frees nothing. Does nothing when no provider keeps memory.
 */
void sw_memory_changes(void *base, size_t len);

/* ---- listeners -------------------------------------------------------- */

/*
 * Offers `local` (its port is not 0) on every SAN that the policy allows. On
 * failure *why says why this listener stays with TCP alone.
 */
bool sw_listen(const struct addr *local, bool only_v6,
	struct sw_listener **out, enum sw_reason *why);
/*
 * This process is about to wait for connections at it. A SAN whose listeners
 * belong to one process is offered only now, so that in a server which forks
 * first the process that accepts has it. True when there are other handles than
 * before. Again after a fork; otherwise cheap. May take a moment the first time.
 */
bool sw_listener_serve(struct sw_listener *l);
/*
 * The process has given a connection that came to `local` to a child, who can
 * only have it through a relay. If it came to this listener, no more such are
 * taken; what has come can still be accepted.
 */
void sw_listener_withdraw(struct sw_listener *l, const struct addr *local);
/* Why clients come by TCP. */
enum sw_reason sw_listener_reason(const struct sw_listener *l);
/* Handles that become readable when sw_accept may succeed; at most max are
 * stored; returns how many. Owned by the listener. */
#define SW_LISTENER_HANDLES 2
unsigned sw_listener_handles(struct sw_listener *l, os_handle *handles,
	unsigned max);
/* Next connection. ST_AGAIN none; ST_NOHANDLES, ST_NOMEM (it stays queued). */
enum status sw_accept(struct sw_listener *l, struct sw_conn **out);
void sw_listener_close(struct sw_listener *l);

/* ---- connections ------------------------------------------------------ */

/*
 * Connects to `remote` over a SAN if there is one that reaches it, is allowed by
 * the policy, and has not failed there a moment ago. `local` is
 * the address the program has bound (family 0: none; port 0: choose one).
 * Returns false when TCP must be used, with *why. May wait up to `patience` ns
 * for a provider that needs an answer of the other side; with the shared-memory
 * provider it never waits: data may be sent at once.
 */
bool sw_connect(const struct addr *local, const struct addr *remote,
	uint64_t patience, struct sw_conn **out, enum sw_reason *why);

/* What a sleeper waits on. */
os_handle sw_conn_handle(struct sw_conn *c);
/*
 * The connection uses h from now on: its handle itself or a duplicate made by the
 * front end, which owns it and closes it after sw_close. Again at any time with
 * another duplicate, e.g. before the former is closed.
 */
void sw_conn_set_handle(struct sw_conn *c, os_handle h);

void sw_conn_local(struct sw_conn *c, struct addr *out);
void sw_conn_peer(struct sw_conn *c, struct addr *out);
/* Name of the SAN ("shm"). */
const char *sw_conn_san(struct sw_conn *c);

/* Shared by the processes of a fork; set by the front end, plain values. */
struct sw_options {
	uint64_t receive_timeout; /* ns; OS_FOREVER: none */
	uint64_t send_timeout;
	uint32_t receive_low_water; /* bytes before SW_IN (at least 1) */
	uint32_t linger_on;         /* close discards and resets when seconds 0 */
	uint32_t linger_seconds;
	uint32_t urgent_inline;     /* SO_OOBINLINE */
};
struct sw_options *sw_conn_options(struct sw_conn *c);

/* ---- data ------------------------------------------------------------- */

#define SW_DONTWAIT 0x1u /* never block */
#define SW_PEEK     0x2u /* receive: leave the bytes */
#define SW_WAITALL  0x4u /* receive: until all bytes are there */
#define SW_DISCARD  0x8u /* receive: throw the bytes away (spans give length) */

/*
 * Sends. Without SW_DONTWAIT blocks until all is taken, for at most the send
 * timeout. *done bytes were taken; ST_OK when > 0 (or nothing was asked).
 * Otherwise ST_AGAIN would block or timed out; ST_INTR; ST_CLOSED this side has
 * shut down sending or the peer has closed (EPIPE); ST_RESET the connection was
 * reset (reported once, then ST_CLOSED).
 */
enum status sw_send(struct sw_conn *c, const struct os_span *spans,
	unsigned count, unsigned flags, size_t *done);
/*
 * Receives at least one byte (all with SW_WAITALL) unless the stream ends.
 * *done bytes were stored; ST_OK when > 0 (or nothing was asked). Otherwise
 * ST_CLOSED end of stream, ST_AGAIN would block or timed out, ST_INTR,
 * ST_RESET (reported once, then ST_CLOSED).
 */
enum status sw_receive(struct sw_conn *c, const struct os_span *spans,
	unsigned count, unsigned flags, size_t *done);
/* One urgent byte. receive: ST_INVAL none or inline, ST_AGAIN not here yet. */
enum status sw_send_urgent(struct sw_conn *c, uint8_t byte, unsigned flags);
enum status sw_receive_urgent(struct sw_conn *c, uint8_t *byte, bool peek);
bool sw_at_urgent_mark(struct sw_conn *c);

/* Bytes that a receive would get now (a lower bound when much has queued). */
size_t sw_readable_bytes(struct sw_conn *c);

/* Pending error, cleared by the call (SO_ERROR): ST_OK, ST_RESET, ... */
enum status sw_conn_take_error(struct sw_conn *c);

#define SW_SHUT_RECEIVE 0x1u
#define SW_SHUT_SEND    0x2u
/* ST_NOTCONN after the connection is over in both directions. */
enum status sw_shutdown(struct sw_conn *c, unsigned how);
/* It belongs to this process alone; a forked child cannot use it, but must
 * sw_abandon its copy. */
bool sw_conn_is_private(struct sw_conn *c);
void sw_abandon(struct sw_conn *c);
/*
 * Ends this process's use; frees c. When no process of a fork has it any more
 * the peer is told: end of stream after all sent data, or a reset when unread
 * data is thrown away or linger is on with 0 seconds. Does not block.
 */
void sw_close(struct sw_conn *c);
/* The same when the handle was closed by somebody else, and its number may be
 * another's: nothing is done with it. The peer sees the link's end. */
void sw_close_lost(struct sw_conn *c);

/* ---- readiness -------------------------------------------------------- */

#define SW_IN    0x01u /* receive would not block (data or end of stream) */
#define SW_OUT   0x02u /* send would not block */
#define SW_PRI   0x04u /* urgent byte there */
#define SW_RDHUP 0x08u /* peer will send no more */
#define SW_HUP   0x10u /* both directions are over */
#define SW_ERR   0x20u /* an error is pending */

/* What holds now; no system call. */
unsigned sw_ready(struct sw_conn *c);
/*
 * For edge-triggered reporting: *in changes with every arrival (data or end),
 * *out with every time that sending was found blocked.
 */
void sw_edges(struct sw_conn *c, uint64_t *in, uint64_t *out);
/* The handle was reported as hung up or in error by the kernel. */
void sw_peer_gone(struct sw_conn *c);

/*
 * How long (in looks) a receiver should look before it sleeps, by setting,
 * number of CPUs and recent success; 0 on one CPU. sw_spin_result tells the
 * adaptive part whether looking paid.
 */
unsigned sw_spin_budget(void);
void sw_spin_result(bool paid);

enum sw_sleep { SW_READY, SW_SLEEP_LEVEL, SW_SLEEP_EDGE };
/* interest: SW_IN, SW_OUT, SW_PRI; ends, resets and errors always count.
 * With SW_RDHUP also what comes behind unread data is seen.
 * SW_READY: it holds already, nothing was begun. Else sw_sleep_end must come. */
enum sw_sleep sw_sleep_begin(struct sw_conn *c, unsigned interest);
void sw_sleep_end(struct sw_conn *c);

/* A long-lived edge-triggered watcher comes (+1) or goes (-1). */
void sw_watch(struct sw_conn *c, int delta);
/* Before the watcher sleeps: true when armed and nothing of interest holds. */
bool sw_watch_arm(struct sw_conn *c, unsigned interest);

/* ---- explaining ------------------------------------------------------- */

enum sw_direction { SW_CONNECT, SW_ACCEPT, SW_LISTEN };
/*
 * Reports a route taken, if the user asked for it (--explain). `san` is the
 * SAN's name, NULL for TCP. sw_connect, sw_listen and sw_accept report what
 * they succeed in themselves; the front end reports TCP.
 */
void sw_explain(enum sw_direction d, const struct addr *local,
	const struct addr *remote, const char *san, enum sw_reason why);
bool sw_explaining(void);

#endif
