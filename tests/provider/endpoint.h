/* SPDX-License-Identifier: MIT */
/*
 * endpoint.h - sockets, pairs of them, and requests, for the cases. What goes
 * wrong in here fails the case.
 */
#ifndef PROVIDER_TEST_ENDPOINT_H
#define PROVIDER_TEST_ENDPOINT_H

#include "base/sockaddr.h"
#include "cases.h"
#include "os/os.h"
#include "process.h"
#include "spi_driver.h"

/* Nothing that works takes longer than this. */
#define PATIENCE (10 * UINT64_C(1000000000))

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

/* 127.0.0.1 or ::1, with a port that is hard to guess. */
struct addr test_addr(int family);
SOCKET socket_new(int family);
SOCKET socket_bound(const struct addr *a);
/* Listens; at->port changes if somebody else has that name. */
SOCKET socket_listening(struct addr *at, int backlog);
/* Bound and WSPConnect called: its code (0 or WSAEWOULDBLOCK for success). */
int socket_connect(const struct addr *to, SOCKET *out);
void socket_close(SOCKET s);
int socket_bind(SOCKET s, const struct addr *a);
int socket_connect_to(SOCKET s, const struct addr *to);
/* FD_CONNECT's error, by polling. */
int socket_connect_result(SOCKET s);
/* WSPAccept without condition, waiting; INVALID_SOCKET never comes back. */
SOCKET socket_accept(SOCKET listener);
/* The same once; its code. */
int socket_try_accept(SOCKET listener, SOCKET *out);

/* ---- pairs of connected sockets ------------------------------------ */

enum { POOL_SLOTS = 80, SLOT_BYTES = 2048 };

/* A connected socket with a pool to send from and one to receive into. */
struct end {
	SOCKET s;
	HANDLE send_handle, receive_handle;
	char *sends, *receives; /* POOL_SLOTS of SLOT_BYTES */
};

struct pair {
	struct addr at;
	SOCKET listener;
	struct end client, server;
};

void pair_open(struct pair *p);
void pair_open_family(struct pair *p, int family);
void pair_close(struct pair *p);
/* Registers pools for a connected socket. */
void end_open(struct end *e, SOCKET s);
/* Closes the socket and frees the pools. */
void end_close(struct end *e);
char *end_send_slot(struct end *e, unsigned slot);
char *end_receive_slot(struct end *e, unsigned slot);

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
/* Polls until it is done. */
void request_wait(SOCKET s, struct request *r);
/* ... and must have ended so. */
void request_expect(SOCKET s, struct request *r, int error, DWORD bytes);

/* One message in either direction, by polled requests. */
void send_text(struct end *e, const char *text);
void expect_text(struct end *e, const char *text);
/* Both directions. */
void pair_talk(struct end *a, struct end *b);

/* ---- RDMA ---------------------------------------------------------- */

struct exposed {
	char descriptor[64];
	DWORD len;
};

int expose(SOCKET s, void *base, DWORD len, DWORD rights, struct exposed *out);
int conceal(SOCKET s, struct exposed *e);
enum rdma_op { RDMA_WRITE, RDMA_READ };
/* Posts; the code. */
int post_rdma(enum rdma_op op, SOCKET s, WSABUFEX *buffers, DWORD count,
	const struct exposed *e, DWORD offset, struct request *r, int how);

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

#endif
