/* SPDX-License-Identifier: MIT */
/*
 * os.h - everything OpenWSD asks of an operating system.
 *
 * Written for the porter: a new system is one more folder beside linux/ that
 * implements every function below and supplies os_types.h (the structs behind
 * mutex, condition, thread and once). Nothing above this header knows which
 * system it runs on.
 *
 * Conventions
 *   - All functions are thread-safe unless they say otherwise.
 *   - "Does not block" means: no wait for another thread, process or peer.
 *   - Results are an `enum status`; outputs are written last, on ST_OK only.
 *   - An os_handle is owned by whoever received it; os_handle_close gives it
 *     back. Handles are never inherited by a program that this process
 *     executes, and stay valid in a forked child where the system has fork.
 *   - The library may live inside any program: functions here never touch
 *     signal dispositions, never leave errno changed (the caller's errno is
 *     preserved), and never call functions that an interposer replaces.
 */
#ifndef WSD_OS_OS_H
#define WSD_OS_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
/*
 * src/os/<system>/os_types.h: struct os_thread, os_mutex, os_cond, os_once, and
 * the static initialisers OS_MUTEX_INIT and OS_ONCE_INIT.
 */
#include "os_types.h"

/* A kernel object: a descriptor on Linux, a HANDLE on Windows. */
typedef intptr_t os_handle;
#define OS_NO_HANDLE ((os_handle)-1)

/* Waits that have no end. */
#define OS_FOREVER UINT64_MAX

/* One piece of memory. Same layout as nothing else; convert explicitly. */
struct os_span {
	void *base;
	size_t len;
};

/* Who is on the other side, as the kernel vouches for it. */
struct os_peer {
	uint32_t pid;  /* in our pid namespace; 0 when the kernel does not say */
	uint32_t uid;  /* effective user at connect or listen time */
	bool same_user; /* uid equals our own effective user */
};

/* ---- time, chance, machine -------------------------------------------- */

/* Monotonic clock in nanoseconds. */
uint64_t os_now(void);

/* Fills buf from the system's secure source. ST_SYSTEM when there is none. */
enum status os_random(void *buf, size_t len);

/* CPUs this process may use, at least 1. Cached after the first call. */
unsigned os_cpu_count(void);

/* CPUs of the machine that run, whatever this process may use; at least 1. */
unsigned os_machine_cpus(void);

/* A hint to the CPU inside a spin loop. */
static inline void os_spin_hint(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

/* Gives the CPU to any other runnable thread. */
void os_yield(void);

/* Blocks for at least ns nanoseconds. */
void os_sleep(uint64_t ns);

/* ---- processes -------------------------------------------------------- */

uint32_t os_process_id(void);
uint32_t os_user_id(void);

/* False only when no such process exists any more (a zombie does not count). */
bool os_process_alive(uint32_t pid);

/*
 * Copies between this process and another in one step, without its help.
 * `cookie_addr`/`cookie` (16 bytes) are compared with the other process's
 * memory inside the same step, so that a recycled pid or a process that has
 * executed another program is noticed: ST_NOTFOUND, and nothing is stored
 * there (a read may have stored into local).
 * Total of local must equal remote.len; not more than 1 GiB.
 * ST_ACCESS not allowed by the kernel, ST_FAULT a range is not mapped (some
 * local bytes may have been written), ST_UNSUPPORTED no such facility.
 */
enum status os_process_read(uint32_t pid, uint64_t cookie_addr,
	const uint8_t cookie[16], const struct os_span *local, unsigned count,
	uint64_t remote, size_t len);
enum status os_process_write(uint32_t pid, uint64_t cookie_addr,
	const uint8_t cookie[16], const struct os_span *local, unsigned count,
	uint64_t remote, size_t len);

/* This process's cookie: 16 random bytes at a fixed place, new after fork. */
const uint8_t *os_process_cookie(void);

/* ---- threads ---------------------------------------------------------- */

enum status os_thread_start(struct os_thread *t, const char *name,
	void (*run)(void *arg), void *arg);
/* Blocks until the thread has returned. Not from the thread itself. */
void os_thread_join(struct os_thread *t);
/*
 * Runs fn, and returns when it has, with a table of handles of its own, in which
 * there is `keep` and little else. What it opens and closes there does not count
 * here, so it has room when this process has none left.
 * ST_NOMEM, ST_UNSUPPORTED: fn was not run.
 */
enum status os_run_apart(os_handle keep, void (*fn)(void *arg), void *arg);
/* A number that no other living thread of the system has; never 0. */
uint32_t os_thread_id(void);
/* May there be other threads than the calling one? Cheap. */
bool os_has_threads(void);
/* The calling thread's own event, not set: another thread wakes it by setting
 * it. Lives as long as the thread. NULL: no descriptor to be had. */
void *os_thread_kick(void);

void os_mutex_init(struct os_mutex *m);
void os_mutex_fini(struct os_mutex *m);
void os_mutex_lock(struct os_mutex *m);
void os_mutex_unlock(struct os_mutex *m);

void os_cond_init(struct os_cond *c);
void os_cond_fini(struct os_cond *c);
/* ST_OK or ST_TIMEDOUT; timeout in ns or OS_FOREVER; may wake spuriously. */
enum status os_cond_wait(struct os_cond *c, struct os_mutex *m, uint64_t ns);
void os_cond_broadcast(struct os_cond *c);

/* Runs fn exactly once; others wait until it has finished. */
void os_once(struct os_once *once, void (*fn)(void));

/*
 * A lock in memory that several processes share (a forked child and its
 * parent). Zero-initialised memory is an unlocked lock. Not recursive.
 * ST_OK, or ST_OWNERDIED: acquired, but the former owner died inside, so what
 * the lock guards may be half done. Never waits for a dead owner for long.
 */
struct os_shared_lock {
	_Atomic uint32_t word; /* 0 free, else owner thread id, top bit: waiters */
};
enum status os_shared_lock_acquire(struct os_shared_lock *l);
bool os_shared_lock_try(struct os_shared_lock *l);
void os_shared_lock_release(struct os_shared_lock *l);
/* True when the calling thread holds it (a signal handler inside a call). */
bool os_shared_lock_mine(struct os_shared_lock *l);

/* ---- handles, events, waiting ---------------------------------------- */

/* Closes any handle made here. OS_NO_HANDLE is ignored. */
void os_handle_close(os_handle h);

/* Another handle for the same object. ST_NOHANDLES. */
enum status os_handle_duplicate(os_handle h, os_handle *out);

/*
 * Event objects are what the SPI calls WSAEVENT (manual reset). `event` is a
 * WSAEVENT value as in <openwsd/winsock2.h>; low two bits are ignored.
 */
enum status os_event_create(void **event);
void os_event_destroy(void *event);
/* ST_OK, or ST_INVAL when it is no event object. Do not block. */
enum status os_event_set(void *event);
enum status os_event_reset(void *event);
/* ST_OK signalled (left as it is), ST_TIMEDOUT, ST_INVAL. */
enum status os_event_wait(void *event, uint64_t ns);
/* The handle that becomes readable while the event is set. */
os_handle os_event_handle(void *event);

/* Waits until h is readable (or at end). ST_OK, ST_TIMEDOUT, ST_INTR. */
enum status os_handle_wait(os_handle h, uint64_t ns);

/*
 * A set of handles to wait on, for threads of the provider. Level-triggered.
 * add: ST_EXISTS, ST_NOMEM, ST_NOHANDLES. The cookie comes back from wait.
 * wait: number of cookies stored (0 on timeout or interruption).
 */
enum status os_poller_create(os_handle *out);
enum status os_poller_add(os_handle poller, os_handle h, uint64_t cookie);
void os_poller_remove(os_handle poller, os_handle h);
unsigned os_poller_wait(os_handle poller, uint64_t *cookies, unsigned max,
	uint64_t ns);

/* ---- memory ----------------------------------------------------------- */

size_t os_page_size(void);

/*
 * Zeroed memory that a forked child shares with its parent. Where there is no
 * fork, ordinary memory. NULL when there is none.
 */
void *os_shared_alloc(size_t len);
void os_shared_free(void *p, size_t len);

/*
 * A segment: shared memory of fixed size that no holder can shrink or grow.
 * Pages cost nothing until touched. ST_NOMEM (also for any resource limit that
 * would later bite: file size, address space), ST_NOHANDLES.
 */
enum status os_segment_create(size_t len, os_handle *out);
/*
 * Maps a segment made by anyone. Verifies that its size is fixed for ever and
 * is exactly *len (or, when *len is 0, at most `max`, and stores it): else
 * ST_PROTOCOL. The mapping stays when the handle is closed. ST_NOMEM.
 */
enum status os_segment_map(os_handle h, size_t max, size_t *len, void **base);
void os_segment_unmap(void *base, size_t len);

/* True when the whole range is mapped (and writable, if asked) right now. */
bool os_memory_valid(const void *p, size_t len, bool writable);

/* ---- links: rendezvous and companion ---------------------------------- */
/*
 * A link is a connected pair of kernel objects between two processes. It does
 * three things: carries one small message with handles at set-up, rings
 * doorbells, and tells when the other side is gone, however it went (the last
 * holder closed it or died). A listener is found by name; names live where
 * ports live (the network namespace), vanish with their owner, and take at
 * most OS_NAME_MAX bytes of printable ASCII.
 *
 * A link's handle is what sleepers wait on: it is readable while a doorbell
 * has not been drained or the other side is gone.
 */
#define OS_NAME_MAX 96
#define OS_LINK_MESSAGE_MAX 1024
#define OS_LINK_HANDLES_MAX 4

/*
 * Offers `name`; exactly `backlog` (>= 1) connections can queue.
 * ST_EXISTS the name is taken, ST_NOHANDLES, ST_NOMEM, ST_INVAL.
 */
enum status os_listen(const char *name, unsigned backlog, os_handle *out);
enum status os_listen_backlog(os_handle listener, unsigned backlog);
/* How many are queued now. ST_UNSUPPORTED the system does not tell. */
enum status os_listen_queued(os_handle listener, unsigned *count);
/*
 * Does not block. ST_AGAIN nothing queued, ST_NOHANDLES (stays queued), ST_INVAL
 * nobody can connect any more. One that
 * has come, but has neither sent, rung or waited nor gone, may be passed over
 * for some milliseconds, and the listener's handle may not be readable for it.
 */
enum status os_link_accept(os_handle listener, os_handle *out,
	struct os_peer *peer);
/*
 * Does not block. ST_REFUSED nobody offers the name, ST_FULL backlog full,
 * ST_NOHANDLES, ST_NOMEM, ST_SYSTEM. *peer is the listener's owner.
 */
enum status os_link_connect(const char *name, os_handle *out,
	struct os_peer *peer);
/* Both ends in this process. */
enum status os_link_pair(os_handle ends[2]);
/*
 * The one message. Sends all or nothing, does not block; handles are
 * duplicated into the message, the caller keeps its own.
 * ST_CLOSED other side gone, ST_FULL, ST_NOMEM.
 */
enum status os_link_send(os_handle link, const void *data, size_t len,
	const os_handle *handles, unsigned count);
/*
 * Receives it, waiting at most ns. *len in: room, out: bytes; *count in: room,
 * out: handles received (owned by the caller). Surplus handles are closed.
 * ST_TIMEDOUT, ST_CLOSED, ST_PROTOCOL (longer than room), ST_NOHANDLES.
 */
enum status os_link_receive(os_handle link, void *data, size_t *len,
	os_handle *handles, unsigned *count, uint64_t ns);

/* Wakes sleepers on the other side. Does not block. ST_OK, ST_CLOSED. */
enum status os_link_ring(os_handle link);
/*
 * Takes away doorbells so that the handle is no longer readable. With `keep`
 * at least one is left (several sleepers that must all see it).
 * ST_OK, ST_AGAIN there was none, ST_CLOSED the other side is gone,
 * ST_PROTOCOL something that is not a doorbell was there.
 */
enum status os_link_drain(os_handle link, bool keep);
/* One look, no side effect: ST_OK alive, ST_CLOSED other side gone. */
enum status os_link_alive(os_handle link);
/*
 * Sleeps until the handle is readable. Signals behave as for a blocking
 * receive on a kernel socket: with ns == OS_FOREVER a handler installed with
 * "restart" does not end the wait, any other does (ST_INTR); with a limit
 * every handler does. ST_OK, ST_TIMEDOUT, ST_INTR, ST_CLOSED.
 */
enum status os_link_sleep(os_handle link, uint64_t ns);
/* The same, and also until the event `kick` is set. Every handler ends it. */
enum status os_link_sleep_kick(os_handle link, uint64_t ns, void *kick);
/*
 * The same for a link whose doorbells others need too: sleeps until one more
 * arrives, whether old ones are there or not. Asks `still` once, after new
 * doorbells can no longer be missed, and returns ST_OK at once if it says
 * false. Every signal handler ends the wait (ST_INTR), and so does `kick` (an
 * event, or NULL; ST_OK). Without the means for
 * it (descriptors) sleeps in short steps and returns ST_OK after each.
 */
enum status os_link_sleep_edge(os_handle link, uint64_t ns,
	bool (*still)(void *ctx), void *ctx, void *kick);

/* ---- network ---------------------------------------------------------- */

/*
 * The addresses of this host (network namespace), port 0, no duplicates.
 * Stores up to *count, sets *count to the number there are; ST_FULL when that
 * is more. Fresh on every call.
 */
enum status os_local_addresses(struct addr *list, unsigned *count);
/* An address of this host (port 0) and how many of its leading bits its subnet
 * has: at most 32, or 128. */
struct os_subnet {
	struct addr address;
	unsigned prefix;
};
/* The same with the subnet of each; an address that several interfaces have
 * comes several times. */
enum status os_local_subnets(struct os_subnet *list, unsigned *count);
/*
 * A handle that is readable once addresses or network cards of this host have
 * come or gone since os_network_seen. It is this process's: a forked child makes
 * one of its own. ST_NOHANDLES, ST_NOMEM, ST_UNSUPPORTED the system does not
 * tell. The caller closes it.
 */
enum status os_network_watch(os_handle *out);
/* What has changed until now is known. */
void os_network_seen(os_handle watch);
/* True for any address that reaches this host: loopback nets, interfaces. */
bool os_address_is_local(const struct addr *a);
/* Lowest port that an ordinary user may bind. */
unsigned os_first_user_port(void);
/* The range that the system takes client ports from. */
void os_client_ports(unsigned *first, unsigned *last);
/*
 * Which user listens with TCP on this port at an address that covers `a`?
 * ST_OK, ST_NOTFOUND nobody, ST_UNSUPPORTED the system does not tell.
 */
enum status os_tcp_listener_owner(const struct addr *a, uint32_t *uid);

/* ---- TCP connections that a library of this process has made ----------- */

/* Finds it by its two names, ports included; the handle stays its maker's.
 * Cheap when it has just been made, else it costs a look at every descriptor.
 * ST_NOTFOUND, ST_NOHANDLES, ST_UNSUPPORTED the system does not tell. */
enum status os_tcp_find(const struct addr *local, const struct addr *peer,
	os_handle *out);
/* The kernel asks the other host for a sign of life after so many seconds of
 * silence, and again each time. Never ends the connection for it soon. */
enum status os_tcp_probe(os_handle h, unsigned seconds);
/* How long the other host, not its program, has not been heard of. */
enum status os_tcp_silence(os_handle h, uint64_t *ns);

/* ---- libraries, files, program ---------------------------------------- */

/* On failure a one-line reason goes to err[errlen]. ST_NOTFOUND, ST_SYSTEM. What
 * the library does to signals is undone. */
enum status os_library_open(const char *path, void **lib, char *err,
	size_t errlen);
void *os_library_symbol(void *lib, const char *name);
void os_library_close(void *lib);

/*
 * Calls fn with each regular file's full path, in name order, until it returns
 * false. ST_NOTFOUND no such directory, ST_ACCESS.
 */
enum status os_directory_each(const char *dir, const char *suffix,
	bool (*fn)(void *ctx, const char *path), void *ctx);
/*
 * Reads a small file whole; *len in: room, out: bytes.
 * ST_NOTFOUND, ST_ACCESS, ST_MSGSIZE too large, ST_SYSTEM.
 */
enum status os_file_read(const char *path, char *buf, size_t *len);

/* The path of the library or program that contains this code. */
enum status os_module_path(char *buf, size_t len);

/*
 * The name by which the running program was executed, without folders.
 * ST_MSGSIZE it is longer, ST_SYSTEM the system does not tell.
 */
enum status os_program_name(char *buf, size_t len);

/*
 * One line to the standard error stream, in one write; adds the newline. Goes
 * nowhere when the program has put something else in the place of the stream
 * that it was started with.
 */
void os_log_line(const char *text);
/* The same to the end of a file, which is made if it is not there. */
enum status os_file_append_line(const char *path, const char *text);

#endif
