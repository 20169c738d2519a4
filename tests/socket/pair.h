/* SPDX-License-Identifier: MIT */
/* Listeners, and connected pairs made through them within one process. */
#ifndef SOCKET_PAIR_H
#define SOCKET_PAIR_H

#include "address.h"

/*
 * How client and listener meet.  DUAL: an IPv4 client of a dual-stack IPv6
 * listener.  MAPPED: an IPv6 client, by a v4-mapped address, of an IPv4
 * listener.
 */
enum family { IPV4, IPV6, DUAL, MAPPED };

struct pair {
	int client;
	int server;
};

/* Four cases, one for each family, from a function that takes the family. */
#define CASE_PER_FAMILY(title, function)                                       \
	CASE_CALL(title##_over_ipv4, function(IPV4));                          \
	CASE_CALL(title##_over_ipv6, function(IPV6));                          \
	CASE_CALL(title##_over_dual_stack, function(DUAL));                    \
	CASE_CALL(title##_over_mapped, function(MAPPED))

/* A socket as a client of this family has it; flags as SOCK_NONBLOCK. */
int client_socket(enum family family, int flags);
/* A listener on an ephemeral port of the loopback address. */
int listener_open(enum family family);
/* A listener at exactly this address, with SO_REUSEADDR. */
int listener_open_at(struct address at);
/* The address by which a client of this family reaches the listener. */
struct address listener_target(int listener, enum family family);
/* An address at which nobody listens and nobody can begin to. */
struct address address_refused(enum family family);

/* Blocking connect and accept. */
int client_of(int listener);
int client_of_family(int listener, enum family family);
int server_of(int listener);

/* A new connection through this listener works, in both directions. */
void listener_serves(int listener);
void listener_serves_family(int listener, enum family family);

struct pair pair_open(void);
struct pair pair_open_over(enum family family);
struct pair pair_through(int listener);
void pair_close(struct pair pair);

#ifndef CASE_HELPER
#define client_socket(family, flags) (CASE_HERE, client_socket(family, flags))
#define listener_open(family)        (CASE_HERE, listener_open(family))
#define listener_open_at(at)         (CASE_HERE, listener_open_at(at))
#define client_of(listener)          (CASE_HERE, client_of(listener))
#define client_of_family(listener, family)                                     \
	(CASE_HERE, client_of_family(listener, family))
#define server_of(listener)       (CASE_HERE, server_of(listener))
#define listener_serves(listener) (CASE_HERE, listener_serves(listener))
#define listener_serves_family(listener, family)                               \
	(CASE_HERE, listener_serves_family(listener, family))
#define pair_through(listener) (CASE_HERE, pair_through(listener))
#define pair_open()            (CASE_HERE, pair_open())
#define pair_open_over(family) (CASE_HERE, pair_open_over(family))
#define pair_close(pair)       (CASE_HERE, pair_close(pair))
#endif

#endif
