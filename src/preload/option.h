/* SPDX-License-Identifier: MIT */
/*
 * option.h - socket options of a connection over a SAN.
 *
 * The kernel has no TCP socket for it, but it knows best what TCP's options
 * are: an option is tried on a fresh TCP socket of the same family, and
 * remembered; to read one, a fresh socket gets what was remembered and is
 * asked. What the switch carries out itself (time limits, linger and the like)
 * goes to the connection's values besides.
 */
#ifndef WSD_PRELOAD_OPTION_H
#define WSD_PRELOAD_OPTION_H

#include <sys/socket.h>

#include "sock.h"

/* What the program has set on a socket; shared by what inherits it until one
 * of them changes. */
struct option_set;
struct option_set *option_hold(struct option_set *set);
void option_release(struct option_set *set);

/* Remembers an option that has been set with success. */
void option_note(struct sock *s, int level, int name, const void *value,
	socklen_t len);
/* The first bytes of the remembered value; false: none so long. */
bool option_noted(struct sock *s, int level, int name, void *out, size_t len);
static inline bool option_noted_int(struct sock *s, int level, int name,
	int *out)
{
	return option_noted(s, level, name, out, sizeof *out);
}

/* Sets what is remembered on a kernel socket. */
void option_replay(struct sock *s, int fd);

/* setsockopt and getsockopt of a SAN connection: 0 or -errno. */
int option_set(struct sock *s, int level, int name, const void *value,
	socklen_t len);
int option_get(struct sock *s, int level, int name, void *value,
	socklen_t *len);

/* A fresh TCP socket of the same family, or -errno. */
int option_probe(struct sock *s);

#endif
