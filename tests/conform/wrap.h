/* SPDX-License-Identifier: MIT */
/*
 * wrap.h - a provider that is another one with one thing broken.
 *
 * The library loads a real provider (WSD_REAL_PROVIDER, else the one that was
 * built), hands out a table and extension functions of its own, gives the real
 * provider upcalls of its own, and passes everything through. WSD_FAULT names
 * the one fault of the table of faults that it has; without it there is none.
 *
 * It is written as an outsider would write it: with the public headers, and
 * os.h for threads, events and loading.
 *
 * Each entry of the SPI is an `entry`: a function of one `struct call`, which
 * holds the arguments. A fault replaces entries; what it puts there changes the
 * arguments or the result and calls the real one.
 */
#ifndef WSD_TEST_CONFORM_WRAP_H
#define WSD_TEST_CONFORM_WRAP_H

#include <stdbool.h>
#include <stdint.h>

#include <openwsd/ws2san.h>

/* The arguments of any entry; each uses a few. Outputs are pointers. */
struct call {
	SOCKET s;
	int error; /* for *lpErrno; 0: it is left alone */

	/* WSPStartupEx */
	WORD version;
	WSPDATA *data;
	const WSPUPCALLTABLEEX *upcalls;
	WSPPROC_TABLE *table;
	/* and WSPSocket, WSPDuplicateSocket */
	WSAPROTOCOL_INFOW *info;
	int af, type, protocol;
	GROUP group;
	DWORD process;
	/* WSPBind, WSPConnect, WSPAccept */
	struct sockaddr *name;
	int name_len, *name_room;
	WSABUF *caller, *callee;
	QOS *sqos, *gqos;
	LPCONDITIONPROC condition;
	DWORD_PTR condition_data;
	int backlog;
	/* options */
	int level, option, value_len, *value_room;
	char *value;
	/* events */
	WSAEVENT event;
	LONG mask;
	WSANETWORKEVENTS *events;
	/* requests */
	WSABUF *buffers;
	WSABUFEX *local;
	DWORD count, flags, *moved, *flags_out;
	WSAOVERLAPPED *ov;
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
	WSATHREADID *thread;
	BOOL wait;
	/* memory */
	void *base;
	SIZE_T len;
	HANDLE handle;
	void *descriptor;
	DWORD descriptor_len, *descriptor_room, offset;
	/* WSPIoctl */
	DWORD code, in_len, out_len, *returned;
	void *in, *out;
	WSABUF *qos_name;
};

/* The result as the entry gives it: int, BOOL, SOCKET or HANDLE. */
typedef intptr_t (*entry_fn)(struct call *c);

enum entry {
	START, CLEANUP, SOCKET_, BIND, LISTEN, CONNECT, ACCEPT, CLOSE,
	GET_OPTION, SET_OPTION, IOCTL, QOS_BY_NAME, SELECT, ENUM, SEND, RECV,
	RESULT, DUPLICATE, REGISTER, DEREGISTER, EXPOSE, CONCEAL, WRITE, READ,
	UNCACHE, ENTRIES
};

/* What the switch reaches, and what the real provider does. */
extern entry_fn entry[ENTRIES];
extern const entry_fn real[ENTRIES];

/* The switch's upcalls, and what the real provider has in their place. */
extern const WSPUPCALLTABLEEX *up;
extern WSPUPCALLTABLEEX ours;

/* What WSPSocket-like entries return when they fail. */
#define NO_SOCKET ((intptr_t)INVALID_SOCKET)

/* SOCKET_ERROR with that code, and FALSE or NULL with it. */
intptr_t fail(struct call *c, int code);
intptr_t fail_null(struct call *c, int code);
bool is_pending(const WSAOVERLAPPED *ov);
/* A request that ends now, with these results, without the real provider. */
void end_request(WSAOVERLAPPED *ov, int error, DWORD bytes);
DWORD total_len(const WSABUF *buffers, DWORD count);
/* Zeroed memory that stays; there is always some. */
void *for_ever(size_t len);

/* Faults of one line: that entry gives another code; or, in the place of that
 * code, success. */
void break_code(enum entry e, int from, int to);
void break_check(enum entry e, int code);

/* ---- faults -------------------------------------------------------- */

struct fault {
	const char *name;
	const char *rule; /* the one it breaks: "R93" */
	const char *text; /* what it does */
	void (*arm)(void);
};

/* By chapter of the requirements; each list ends with a NULL name. */
extern const struct fault faults_start[], faults_socket[], faults_option[],
	faults_event[], faults_connect[], faults_accept[], faults_condition[],
	faults_data[], faults_complete[], faults_rdma[], faults_memory[],
	faults_exposed[], faults_cache[], faults_close[], faults_handoff[];
extern const struct fault *const fault_lists[];
const struct fault *fault_find(const char *name);

#endif
