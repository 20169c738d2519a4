/* SPDX-License-Identifier: MIT */
/* handoff.h - sockets that go from process to process (spec 12). */
#ifndef WSD_CONFORM_HANDOFF_H
#define WSD_CONFORM_HANDOFF_H

#include "endpoint.h"

/* WSPDuplicateSocket for that process: its code, and the token. */
int hand_off(SOCKET s, uint32_t pid, DWORD *token);
/* WSPSocket with that token: its code, and the socket. */
int take_over(DWORD token, SOCKET *out);
/* Not applicable without it. */
void need_hand_off(void);

/* What the servant exposes: pattern 77. */
enum { EXPOSED_BYTES = 200000 };

/*
 * The role "servant", a process that does what it is told:
 *
 *   take TOKEN       -> ok | refused
 *   send TEXT        -> ok
 *   expect TEXT      -> ok
 *   accept           -> ok          (from the listener it took)
 *   give PID         -> token N
 *   debug            -> 1 | 0       (SO_DEBUG of the socket)
 *   expose           -> descriptor in hexadecimal
 *   serve            -> ok          (polls until a message has come)
 *   lost             -> ok          (waits for the loss of the connection)
 *   close            -> ok
 */
extern struct end held; /* its socket */

/* Orders it, with a number behind unless that is 0, and wants this answer. */
void order(struct child c, const char *want, const char *text,
	unsigned number);
/* Has it hand its socket to this process: the token. */
DWORD take_back(struct child c);

#endif
