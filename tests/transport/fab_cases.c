/* SPDX-License-Identifier: MIT */
/* What only the fabric transport promises. */
#include "fab_case.h"

#include <dirent.h>
#include <stdatomic.h>
#include <string.h>

#include "process.h"
#include "transport/fabric/fab_wire.h"

/* ---- counting -------------------------------------------------------- */

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

unsigned count_descriptors(void)
{
	return count_entries("/proc/self/fd");
}

unsigned count_threads(void)
{
	return count_entries("/proc/self/task");
}

static _Atomic unsigned lines;

unsigned fabric_lines(void)
{
	return atomic_load(&lines);
}

void __real_os_log_line(const char *text);
void __wrap_os_log_line(const char *text);

void __wrap_os_log_line(const char *text)
{
	if (strncmp(text, "wsd: fabric:", 12) == 0)
		atomic_fetch_add(&lines, 1);
	__real_os_log_line(text);
}

/* ---- addresses ------------------------------------------------------- */

CASE(fabric_serves_loopback_and_does_not_offer_it)
{
	struct addr lo = addr_v4(127, 0, 0, 1, 0), list[64];
	struct addr far = addr_v4(192, 0, 2, 1, 0);
	unsigned count = 64;

	CHECK(ops->serves(&lo));
	CHECK(!ops->serves(&far));
	CHECK_OK(ops->addresses(list, &count));
	for (unsigned i = 0; i < count; i++) {
		CHECK(!addr_is_loopback(&list[i]));
		CHECK(ops->serves(&list[i]));
		CHECK(os_address_is_local(&list[i]));
	}
}

CASE(fabric_serves_no_other_address_of_loopback)
{
	struct addr other = addr_v4(127, 9, 9, 9, 0);
	struct transport_listener *l;

	CHECK(!ops->serves(&other));
	other.port = random_port();
	CHECK_ST(ops->listen(&other, false, 1, &l), ST_NOTLOCAL);
}

/* ---- credits --------------------------------------------------------- */

CASE(fabric_a_peer_that_never_reads_blocks_its_own_sender_only)
{
	struct pair p, other;

	pair_open(&p);
	pair_open(&other);
	CHECK_EQ(fill(p.client, 5, 0), FAB_SLOTS - 2);
	CHECK_EQ(fill(p.client, 5, TRANSPORT_RESERVE), 2);
	CHECK_OK(ops->status(p.client, true));
	CHECK(!ops->writable(p.client));
	CHECK_OK(ops->arm(p.client, TRANSPORT_OUT));
	send_text(p.server, "the other way");
	expect_text(p.client, "the other way");
	send_text(other.client, "and others");
	expect_text(other.server, "and others");
	CHECK_OK(ops->status(p.server, true));
	CHECK(!ops->writable(p.client));
	pair_close(&other);
	pair_close(&p);
}

/* ---- closing --------------------------------------------------------- */

/* Reads until the end, and tells how many there were by its exit status. */
static void run_reader(void *arg)
{
	struct transport_conn *c = connect_patiently(arg);
	uint32_t len, n = 0;
	const void *data;

	expect_status(c, ST_OK);
	send_text(c, "ready");
	while (next_message(c, &data, &len) == ST_OK) {
		CHECK_EQ(len, ops->limits.max_message);
		check_pattern(data, len, n++);
		ops->release(c);
	}
	process_exit(100 + (int)n);
}

static unsigned send_patterns(struct transport_conn *c)
{
	static uint8_t bytes[FAB_MESSAGE_MAX];
	struct os_span span = {bytes, sizeof bytes};
	unsigned n = 0;

	CHECK_EQ(ops->limits.max_message, sizeof bytes);
	for (;; n++) {
		enum status st;

		pattern(bytes, sizeof bytes, n);
		st = ops->send(c, &span, 1, 0);
		if (st != ST_OK) {
			CHECK_ST(st, ST_AGAIN);
			return n;
		}
	}
}

/* Two processes; the reader does not run while all is sent. */
static void close_early(bool stop)
{
	struct addr at = addr_v4(127, 0, 0, 1, random_port());
	struct process reader = process_start(run_reader, &at, sizeof at);
	struct transport_listener *l;
	struct transport_conn *c;
	unsigned sent;

	CHECK_OK(ops->listen(&at, false, 1, &l));
	CHECK_OK(ops->accept(take_next(l), &c));
	expect_text(c, "ready");
	process_freeze(reader);
	sent = send_patterns(c);
	CHECK(sent > 8);
	ops->close(c, false);
	process_thaw(reader);
	ops->close_listener(l);
	if (stop)
		ops->stop();
	CHECK_EQ(process_wait(reader), 100 + sent);
	if (!stop)
		ops->stop();
	CHECK_OK(ops->start());
}

CASE(fabric_what_was_not_sent_when_it_was_closed_is_delivered)
{
	for (int i = 0; i < 5; i++)
		close_early(false);
}

CASE(fabric_what_was_not_sent_at_the_last_use_is_delivered)
{
	for (int i = 0; i < 5; i++)
		close_early(true);
}

/* ---- many ------------------------------------------------------------ */

CASE(fabric_two_hundred_connections_leave_nothing_behind)
{
	unsigned descriptors, threads;
	struct pair p;

	pair_open(&p);
	pair_close(&p);
	CHECK_SOON(count_threads() > 0);
	descriptors = count_descriptors();
	threads = count_threads();
	for (int i = 0; i < 200; i++) {
		pair_open(&p);
		send_text(p.client, "x");
		expect_text(p.server, "x");
		pair_close(&p);
		CHECK_EQ(count_threads(), threads);
	}
	CHECK_SOON(count_descriptors() <= descriptors);
}

CASE(fabric_the_last_use_ends_the_thread_and_everything_can_begin_again)
{
	unsigned descriptors = 0, threads = 0;
	struct pair p;

	for (int i = 0; i < 5; i++) {
		pair_open(&p);
		pair_close(&p);
		ops->stop();
		if (i == 0) {
			threads = count_threads();
			descriptors = count_descriptors();
		}
		CHECK_EQ(count_threads(), threads);
		CHECK_EQ(count_descriptors(), descriptors);
		CHECK_OK(ops->start());
	}
}

/* ---- transfers ------------------------------------------------------- */

static void run_owner(void *arg)
{
	static uint8_t memory[4 << 20];
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct transport_conn *c = connect_patiently(arg);

	expect_status(c, ST_OK);
	CHECK_OK(ops->expose(c, memory, sizeof memory, 3, descriptor));
	send_waiting(c, descriptor, ops->limits.descriptor_len);
	for (;;)
		os_sleep(PATIENCE);
}

CASE(fabric_a_transfer_of_a_peer_that_dies_ends_with_RESET)
{
	static uint8_t mine[4 << 20];
	struct addr at = addr_v4(127, 0, 0, 1, random_port());
	struct process owner = process_start(run_owner, &at, sizeof at);
	struct os_span span = {mine, sizeof mine};
	struct transport_listener *l;
	struct transport_conn *c;
	enum status result;
	const void *data;
	uint64_t cookie, limit = 0;
	uint32_t len;

	CHECK_OK(ops->listen(&at, false, 1, &l));
	CHECK_OK(ops->accept(take_next(l), &c));
	CHECK_OK(next_message(c, &data, &len));
	process_freeze(owner);
	CHECK_ST(ops->rdma(c, TRANSPORT_READ, &span, 1, data, len, 0, 42),
		ST_PENDING);
	ops->release(c);
	CHECK_STAYS(ops->reap(c, &cookie, &result) == ST_AGAIN);
	process_kill(owner);
	while (ops->reap(c, &cookie, &result) == ST_AGAIN)
		CHECK(look_again(&limit));
	CHECK_EQ(cookie, 42);
	CHECK_ST(result, ST_RESET);
	ops->close(c, false);
	ops->close_listener(l);
}

/* ---- fork ------------------------------------------------------------ */

/* The transport has a thread by then. */
static void needs_fork(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	case_skip("a sanitizer's own locks do not survive a fork");
#endif
}

static void close_copies(void *arg)
{
	struct pair *p = arg;

	ops->close(p->client, true);
	ops->close(p->server, false);
	ops->close_listener(p->listener);
}

CASE(fabric_a_forked_child_closes_its_copies_and_nobody_notices)
{
	struct pair p;

	needs_fork();
	pair_open(&p);
	CHECK_EQ(process_wait(process_start(close_copies, &p, 0)), 0);
	CHECK_STAYS(ops->status(p.client, true) == ST_OK &&
		ops->status(p.server, true) == ST_OK);
	send_text(p.client, "still here");
	expect_text(p.server, "still here");
	ops->close(p.client, false);
	p.client = connect_to(&p.at); /* the listener, too */
	ops->refuse(take_next(p.listener), REFUSE_REJECTED);
	pair_close(&p);
}

static void begin_afresh(void *arg)
{
	struct pair p;

	pair_open(&p);
	send_text(p.client, "afresh");
	expect_text(p.server, "afresh");
	pair_close(&p);
	ops->stop();
}

CASE(fabric_a_forked_child_can_use_the_transport_afresh)
{
	struct pair p;

	needs_fork();
	pair_open(&p);
	CHECK_EQ(process_wait(process_start(begin_afresh, NULL, 0)), 0);
	send_text(p.client, "as before");
	expect_text(p.server, "as before");
	pair_close(&p);
}

static void sleep_on_end(void *arg)
{
	for (;;)
		os_sleep(PATIENCE);
}

CASE(fabric_a_forked_child_does_not_keep_connections_open)
{
	struct process child;
	struct pair p;

	needs_fork();
	pair_open(&p);
	child = process_start(sleep_on_end, NULL, 0);
	ops->close(p.client, false);
	expect_status(p.server, ST_RESET);
	process_kill(child);
	ops->close(p.server, false);
	ops->close_listener(p.listener);
}
