/* SPDX-License-Identifier: MIT */
/* pair.h - listeners, pairs of connections and messages for the cases. */
#ifndef TRANSPORT_PAIR_H
#define TRANSPORT_PAIR_H

#include "cases.h"

/* Nothing that works takes longer than this. */
#define PATIENCE UINT64_C(10000000000)

/* Both ends, in this process. */
struct pair {
	struct addr at;
	struct transport_listener *listener;
	struct transport_conn *client, *server;
};

/*
 * For what must be so now: where effects take time, within PATIENCE. The
 * condition, or the call, is evaluated again and again.
 */
#define CHECK_SOON(condition)                                                 \
	do {                                                                  \
		uint64_t limit_ = 0;                                          \
		while (!(condition))                                          \
			if (!look_again(&limit_))                             \
				FAIL("%s is false", #condition);              \
	} while (0)
#define CHECK_SOON_ST(got, want)                                              \
	do {                                                                  \
		uint64_t limit_ = 0;                                          \
		enum status st_;                                              \
		while ((st_ = (got)) != (want) && look_again(&limit_))        \
			;                                                     \
		check_status(st_, want, #got, __FILE__, __LINE__);            \
	} while (0)
#define CHECK_SOON_OK(got) CHECK_SOON_ST(got, ST_OK)
/* For what must not change: where effects take time, for a while. */
#define CHECK_STAYS(condition)                                                \
	do {                                                                  \
		uint64_t limit_ = 0;                                          \
		do                                                            \
			CHECK(condition);                                     \
		while (keep_looking(&limit_));                                \
	} while (0)

/* *limit begins with 0. False where effects are prompt, and after PATIENCE, or
 * a while. */
bool look_again(uint64_t *limit);
bool keep_looking(uint64_t *limit);

uint16_t random_port(void);
/* An address the client may come from. */
struct addr client_addr(uint8_t family);
/* Listens at `at` with a port that nobody else has. */
struct transport_listener *listen_free(struct addr *at, bool only_v6,
	unsigned backlog);
/*
 * connect, without private data. Where finding out takes time, waits until the
 * request is queued (ST_OK) or what connect would have said is known.
 */
enum status try_connect(const struct addr *from, const struct addr *to,
	struct transport_conn **out);
struct transport_conn *connect_to(const struct addr *to);
/*
 * The same to a listener that another process is about to open. A process is
 * started before the first listener or connection: beside the threads that a
 * transport may have from then on, not every program survives a fork.
 */
struct transport_conn *connect_patiently(const struct addr *to);
/* The next request; fails when none comes. */
struct transport_request *take_next(struct transport_listener *l);
bool take_gives_nothing(struct transport_listener *l);

void pair_open(struct pair *p);
void pair_close(struct pair *p);

/* Waits on the connection's handle, takes doorbells away. */
void sleep_on(struct transport_conn *c);
/* True when the handle is readable now. */
bool handle_rings(struct transport_conn *c);
/* Peeks until there is a message (returns ST_OK) or the connection is over;
 * sleeps while there is nothing. */
enum status next_message(struct transport_conn *c, const void **data,
	uint32_t *len);
/* Sends, sleeping while there is no room. */
void send_waiting(struct transport_conn *c, const void *data, size_t len);
void send_text(struct transport_conn *c, const char *text);
void expect_text(struct transport_conn *c, const char *text);
/* Looks until status is `want`. */
void expect_status(struct transport_conn *c, enum status want);
/* Sends until there is no room; returns how many of len bytes went. */
unsigned fill(struct transport_conn *c, size_t len, unsigned flags);

/* Reads on the server's side until the client, which has armed, is rung. */
void read_until_it_rings(struct pair *p);

/* How the one transfer that runs ends; sleeps meanwhile. */
enum status transfer_result(struct transport_conn *c);

/* Bytes that can be told from others. */
void pattern(void *to, size_t len, uint32_t seed);
void check_pattern(const void *got, size_t len, uint32_t seed);
uint32_t random_next(uint32_t *state);

#endif
