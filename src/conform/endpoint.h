/* SPDX-License-Identifier: MIT */
/*
 * endpoint.h - sockets, pairs of them, and requests, for the cases. What goes
 * wrong in here fails the case.
 */
#ifndef WSD_CONFORM_ENDPOINT_H
#define WSD_CONFORM_ENDPOINT_H

#include "base/sockaddr.h"
#include "cases.h"
#include "os/os.h"
#include "children.h"
#include "codes.h"
#include "spi_driver.h"

/* Nothing that works takes longer than this. */
#define PATIENCE (case_seconds() * UINT64_C(400000000))
/* What must not happen is waited for so long. */
#define QUIET (case_seconds() * UINT64_C(1200000))
/* A request that was sent has come, wherever it goes through. */
#define ARRIVES (20 * QUIET)

/* ---- calls that must succeed, or fail with one code ---------------- */

/* Each evaluates a call that stores its code in `err`, which is in scope. */
#define OK(call) check_call(call, &err, 0, #call, __FILE__, __LINE__)
#define FAILS(call, code)                                                     \
	check_call(call, &err, code, #call, __FILE__, __LINE__)
void check_call(int result, int *err, int code, const char *text,
	const char *file, int line);

/* ---- memory -------------------------------------------------------- */

/* Zeroed; what a case leaves behind is no leak of the provider's. */
void *test_alloc(size_t len);
void test_free(void *p);

/* ---- sockets ------------------------------------------------------- */

/* The provider's address, with a port that is hard to guess. */
struct addr test_addr(void);
SOCKET socket_new(void);
/* INVALID_SOCKET with *err. */
SOCKET socket_try_new(int *err);
SOCKET socket_bound(const struct addr *a);
SOCKET socket_listening(const struct addr *at, int backlog);
int socket_bind(SOCKET s, const struct addr *a);
void socket_close(SOCKET s);

/* WSPConnect: its code, 0 or WSAEWOULDBLOCK for success. */
int socket_connect_to(SOCKET s, const struct addr *to);
/* The same of a new, bound socket. */
int socket_connect(const struct addr *to, SOCKET *out);
/* The same, and it must not have failed yet; *code may be left out. */
SOCKET socket_connecting(const struct addr *to, int *code);
/* FD_CONNECT's error, by polling. */
int socket_connect_result(SOCKET s);
/* What a connect comes to, at once or later. */
int socket_connect_outcome(SOCKET s, const struct addr *to);
/* A connect that returned `code` comes to success. */
void socket_expect_connected(SOCKET s, int code);
/* Waits until FD_ACCEPT is recorded, or sees that it is not; takes it. */
void listener_expect(SOCKET listener, bool request);
/* Connects and gives the request time to arrive: FD_ACCEPT tells that of the
 * first in the queue only. */
void request_queued(SOCKET listener, SOCKET client, const struct addr *at);
/* The same of a new, bound socket. */
SOCKET socket_queued(SOCKET listener, const struct addr *at);
/* WSPAccept without condition, waiting; INVALID_SOCKET never comes back. */
SOCKET socket_accept(SOCKET listener);
/* The same once; its code. */
int socket_try_accept(SOCKET listener, SOCKET *out);
/* WSPAccept, again for at most ns while there is no request: it may still be on
 * its way. Its code; *len in: room. */
int socket_accept_within(uint64_t ns, SOCKET listener,
	union sockaddr_any *name, int *len, LPCONDITIONPROC condition,
	DWORD_PTR data, SOCKET *out);

/* ---- pairs of connected sockets ------------------------------------ */

enum { POOL_SLOTS = 80, SLOT_BYTES = 2048 };

/* A connected socket with a pool to send from and one to receive into. */
struct end {
	SOCKET s;
	HANDLE send_handle, receive_handle;
	char *sends, *receives; /* POOL_SLOTS of SLOT_BYTES */
	unsigned texts;         /* that send_text has sent */
};

struct pair {
	struct addr at;
	SOCKET listener;
	struct end client, server;
};

void pair_open(struct pair *p);
void pair_close(struct pair *p);
/* Registers pools for a connected socket. */
void end_open(struct end *e, SOCKET s);
/* Closes the socket, and frees the pools once its handle is closed. */
void end_close(struct end *e);
char *end_send_slot(struct end *e, unsigned slot);
char *end_receive_slot(struct end *e, unsigned slot);

/* `wanted`, or less if the provider's limit is less (R39, R40). */
DWORD message_limit(SOCKET s, DWORD wanted);
DWORD rdma_limit(SOCKET s, DWORD wanted);

/* ---- requests ------------------------------------------------------ */

enum { POLLED = 1, NOTIFIED = 0 };

struct request {
	WSAOVERLAPPED ov;
	DWORD bytes, flags;
	int error;
};

void request_init(struct request *r, int how);
/* Has it been posted and not been completed? No look at the socket. */
bool is_pending(const struct request *r);
/* Post; return the code, WSA_IO_PENDING when started. */
int post_send(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how);
int post_receive(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how);
int post_send_text(struct end *e, unsigned slot, const char *text,
	struct request *r, int how);
/* One look: true when it is done; error, bytes, flags are stored. */
bool request_done(SOCKET s, struct request *r);
/* The same, where nothing but a start is right. */
void must_send(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how);
void must_send_text(struct end *e, unsigned slot, const char *text,
	struct request *r, int how);
void must_receive(struct end *e, unsigned slot, unsigned len,
	struct request *r, int how);
/* Polls until it is done. */
void request_wait(SOCKET s, struct request *r);
/* ... and must have ended so. */
void request_expect(SOCKET s, struct request *r, int error, DWORD bytes);

/* ... and must have ended with the loss of the connection: the code. */
int request_expect_loss(SOCKET s, struct request *r);
/* Receives until the loss of the connection is told: the code. */
int end_await_loss(struct end *e);

/* One message in either direction, by polled requests. A send may still be
 * pending when send_text returns, if nobody receives. */
void send_text(struct end *e, const char *text);
void expect_text(struct end *e, const char *text);
/* Both directions. */
void pair_talk(struct end *a, struct end *b);

/* ---- RDMA ---------------------------------------------------------- */

enum { EXPOSED_MAX = 512 };

struct exposed {
	char descriptor[EXPOSED_MAX];
	DWORD len;
};

int expose(SOCKET s, void *base, DWORD len, DWORD rights, struct exposed *out);
int conceal(SOCKET s, struct exposed *e);
enum rdma_op { RDMA_WRITE, RDMA_READ };
/* Posts; the code. */
int post_rdma(enum rdma_op op, SOCKET s, WSABUFEX *buffers, DWORD count,
	const struct exposed *e, DWORD offset, struct request *r, int how);

/* A descriptor as a line between processes. */
void parent_tell_descriptor(const struct exposed *e);
void child_hear_descriptor(struct child c, struct exposed *e);

/* Bytes that can be told from others. */
void pattern(void *to, size_t len, uint32_t seed);
void check_pattern(const void *got, size_t len, uint32_t seed);

/* ---- events -------------------------------------------------------- */

WSAEVENT event_new(void);
void event_free(WSAEVENT e);
bool event_is_set(WSAEVENT e);
bool event_wait(WSAEVENT e, uint64_t ns);
WSANETWORKEVENTS enum_events(SOCKET s, WSAEVENT e);

/* Threads that run fn at the same time, n of them, joined. */
void threads_run(unsigned n, void (*fn)(void *arg), void *arg);
/* Another thread runs fn to its end in a few seconds, or the case fails: who
 * calls this is inside the provider, which must hold no lock now. */
void thread_must_finish(const char *what, void (*fn)(void *arg), void *arg);

#endif
