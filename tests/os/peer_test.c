/* SPDX-License-Identifier: MIT */
/*
 * Two processes: reaching into the other's memory, and what becomes of links,
 * handles and names when it is killed. The other one is this program in the
 * role of a peer; it tells where its memory is, then does as it is told.
 */
#include "links.h"

#include <string.h>

#define SIZE_OF_MEMORY 100000u

/* ---- the other process ------------------------------------------------ */

static uint8_t memory[SIZE_OF_MEMORY];

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void introduce(void)
{
	const uint8_t *cookie = os_process_cookie();
	char line[OS_LINE_MAX], digits[33];

	for (size_t i = 0; i < sizeof memory; i++)
		memory[i] = pattern(i);
	for (int i = 0; i < 16; i++)
		snprintf(digits + 2 * i, 3, "%02x", cookie[i]);
	snprintf(line, sizeof line, "%llu %llu %s",
		(unsigned long long)(uintptr_t)memory,
		(unsigned long long)(uintptr_t)cookie, digits);
	CHECK_ST(os_parent_tell(line), ST_OK);
}

/* Connects to us and does nothing, or sets the event that it gets. */
static void obey(const char *line)
{
	os_handle link, event;
	struct os_peer who;
	unsigned count = 1;
	size_t len = 0;

	CHECK_ST(os_link_connect(line + 1, &link, &who), ST_OK);
	CHECK(who.same_user);
	CHECK_ST(os_link_ring(link), ST_OK);
	if (line[0] != '!')
		return;
	CHECK_ST(os_link_receive(link, NULL, &len, &event, &count, MS(5000)),
		ST_OK);
	CHECK(count == 1);
	CHECK_ST(os_parent_tell("got it"), ST_OK);
	CHECK_ST(os_handle_wait(event, MS(5000)), ST_OK);
	CHECK_ST(os_parent_tell("readable"), ST_OK);
}

static void peer(void)
{
	char line[OS_LINE_MAX];

	introduce();
	while (os_parent_hear(line, OS_FOREVER) == ST_OK) {
		if (line[0] == '?') {
			snprintf(line, sizeof line, "%u", memory[1000]);
			CHECK_ST(os_parent_tell(line), ST_OK);
		} else {
			obey(line);
		}
	}
}

/* ---- this process ----------------------------------------------------- */

struct other {
	struct os_child child;
	uint64_t at, cookie_at;
	uint8_t cookie[16];
};

static void hear(struct other *o, char line[OS_LINE_MAX])
{
	CHECK_ST(os_child_hear(&o->child, line, MS(20000)), ST_OK);
}

static struct other other_start(void)
{
	struct other o = {.child = role_start("peer")};
	unsigned long long at, cookie_at;
	char line[OS_LINE_MAX], digits[33];
	unsigned byte;

	hear(&o, line);
	CHECK(sscanf(line, "%llu %llu %32s", &at, &cookie_at, digits) == 3);
	o.at = at;
	o.cookie_at = cookie_at;
	for (int i = 0; i < 16; i++) {
		CHECK(sscanf(digits + 2 * i, "%2x", &byte) == 1);
		o.cookie[i] = (uint8_t)byte;
	}
	return o;
}

static void other_end(struct other *o)
{
	os_child_end(&o->child, true);
}

static enum status read_from(const struct other *o, void *to, size_t len,
	uint64_t from)
{
	struct os_span s = {to, len};

	return os_process_read(o->child.pid, o->cookie_at, o->cookie, &s, 1,
		from, len);
}

static enum status write_to(const struct other *o, const void *from,
	size_t len, uint64_t to)
{
	struct os_span s = {(void *)(uintptr_t)from, len};

	return os_process_write(o->child.pid, o->cookie_at, o->cookie, &s, 1,
		to, len);
}

/* Some sandboxes forbid it. */
static void probe(const struct other *o)
{
	uint8_t byte;
	enum status st = read_from(o, &byte, 1, o->at);

	if (st == ST_ACCESS || st == ST_UNSUPPORTED)
		SKIP("reading another process is not allowed here");
}

static unsigned byte_seen_by(struct other *o)
{
	char line[OS_LINE_MAX];

	CHECK_ST(os_child_tell(&o->child, "?"), ST_OK);
	hear(o, line);
	return (unsigned)atoi(line);
}

static void memory_of_another_process_is_read(void)
{
	static uint8_t copy[SIZE_OF_MEMORY];
	struct other o = other_start();
	struct os_span s[3] = {{copy, 10}, {copy + 10, 0},
		{copy + 10, sizeof copy - 10}};

	probe(&o);
	CHECK_ST(os_process_read(o.child.pid, o.cookie_at, o.cookie, s, 3,
		o.at, sizeof copy), ST_OK);
	for (size_t i = 0; i < sizeof copy; i++)
		CHECK(copy[i] == pattern(i));
	other_end(&o);
}

static void memory_of_another_process_is_written(void)
{
	struct other o = other_start();
	char mine[3] = "QR";
	struct os_span s[2] = {{mine, 1}, {mine + 1, 1}};

	probe(&o);
	CHECK(byte_seen_by(&o) == pattern(1000));
	CHECK_ST(os_process_write(o.child.pid, o.cookie_at, o.cookie, s, 2,
		o.at + 1000, 2), ST_OK);
	CHECK(byte_seen_by(&o) == 'Q');
	other_end(&o);
}

static void lengths_that_do_not_agree_are_refused(void)
{
	struct other o = other_start();
	struct os_span s[2] = {{&s, 4}, {&s, SIZE_MAX}};
	uint32_t pid = o.child.pid;

	CHECK_ST(os_process_read(pid, o.cookie_at, o.cookie, s, 1, o.at, 5),
		ST_INVAL);
	CHECK_ST(os_process_read(pid, o.cookie_at, o.cookie, s, 2, o.at, 3),
		ST_INVAL);
	CHECK_ST(os_process_write(0, o.cookie_at, o.cookie, s, 0, o.at, 0),
		ST_INVAL);
	other_end(&o);
}

static void a_wrong_cookie_opens_nothing(void)
{
	struct other o = other_start(), wrong = o;
	uint8_t byte;

	probe(&o);
	wrong.cookie[15] ^= 1;
	CHECK_ST(read_from(&wrong, &byte, 1, o.at), ST_NOTFOUND);
	CHECK_ST(write_to(&wrong, "Q", 1, o.at + 1000), ST_NOTFOUND);
	wrong = o;
	wrong.cookie_at = 16; /* not mapped */
	CHECK_ST(read_from(&wrong, &byte, 1, o.at), ST_NOTFOUND);
	CHECK_ST(write_to(&wrong, "Q", 1, o.at + 1000), ST_NOTFOUND);
	CHECK(byte_seen_by(&o) == pattern(1000));
	other_end(&o);
}

static void ranges_that_are_not_mapped_fault(void)
{
	struct other o = other_start();
	void *nowhere = (void *)(uintptr_t)4096;
	uint8_t buf[64];

	probe(&o);
	CHECK_ST(read_from(&o, buf, sizeof buf, 4096), ST_FAULT);
	CHECK_ST(write_to(&o, buf, sizeof buf, 4096), ST_FAULT);
	CHECK_ST(read_from(&o, nowhere, sizeof buf, o.at), ST_FAULT);
	CHECK_ST(write_to(&o, nowhere, sizeof buf, o.at), ST_FAULT);
	other_end(&o);
}

static void a_dead_process_is_not_found(void)
{
	struct other o = other_start();
	struct other dead = o;
	uint8_t byte;

	CHECK(os_process_alive(o.child.pid));
	CHECK(os_process_alive(os_process_id()) && !os_process_alive(0));
	other_end(&o);
	CHECK(!os_process_alive(dead.child.pid));
	CHECK_ST(read_from(&dead, &byte, 1, dead.at), ST_NOTFOUND);
	CHECK_ST(write_to(&dead, "Q", 1, dead.at), ST_NOTFOUND);
}

/* ---- links ------------------------------------------------------------ */

static os_handle link_to(struct other *o, char how, os_handle *listener)
{
	char line[OS_LINE_MAX];
	struct os_peer who;
	os_handle link;

	*listener = listen_on(test_name(), 1);
	snprintf(line, sizeof line, "%c%s", how, test_name());
	CHECK_ST(os_child_tell(&o->child, line), ST_OK);
	CHECK_ST(os_handle_wait(*listener, MS(20000)), ST_OK);
	CHECK_ST(accept_soon(*listener, &link, &who), ST_OK);
	CHECK(who.pid == o->child.pid && who.same_user);
	CHECK(who.uid == os_user_id());
	CHECK_ST(os_handle_wait(link, MS(5000)), ST_OK);
	CHECK_ST(os_link_drain(link, false), ST_OK);
	return link;
}

static void the_death_of_a_peer_wakes_and_is_told(void)
{
	struct other o = other_start();
	os_handle listener, link = link_to(&o, '+', &listener), poller;
	uint64_t got = 0, start;

	CHECK_ST(os_poller_create(&poller), ST_OK);
	CHECK_ST(os_poller_add(poller, link, 5), ST_OK);
	CHECK(os_poller_wait(poller, &got, 1, MS(10)) == 0);
	CHECK_ST(os_link_alive(link), ST_OK);
	other_end(&o);
	start = os_now();
	CHECK(os_poller_wait(poller, &got, 1, MS(20000)) == 1 && got == 5);
	CHECK(os_now() - start < MS(2000));
	CHECK_ST(os_link_sleep(link, OS_FOREVER), ST_CLOSED);
	CHECK_ST(os_link_alive(link), ST_CLOSED);
	CHECK_ST(os_link_ring(link), ST_CLOSED);
	CHECK_ST(os_link_drain(link, false), ST_CLOSED);
	os_poller_remove(poller, link);
	os_handle_close(poller);
	os_handle_close(link);
	os_handle_close(listener);
}

static void an_event_given_to_another_process_works_there(void)
{
	struct other o = other_start();
	os_handle listener, link = link_to(&o, '!', &listener), h;
	char line[OS_LINE_MAX];
	void *event;

	CHECK_ST(os_event_create(&event), ST_OK);
	h = os_event_handle(event);
	CHECK_ST(os_link_send(link, "", 0, &h, 1), ST_OK);
	hear(&o, line);
	CHECK(strcmp(line, "got it") == 0);
	CHECK_ST(os_event_set(event), ST_OK);
	hear(&o, line);
	CHECK(strcmp(line, "readable") == 0);
	other_end(&o);
	os_handle_close(link);
	os_handle_close(listener);
}

static void a_child_is_heard_and_ends(void)
{
	struct os_child c = role_start("no such role");
	char line[OS_LINE_MAX], fate[64];
	int status = 0;

	CHECK_ST(os_child_wait(&c, MS(20000), &status), ST_OK);
	CHECK(status == 2);
	os_child_fate(status, fate, sizeof fate);
	CHECK(strcmp(fate, "exit status 2") == 0);
	CHECK_ST(os_child_hear(&c, line, MS(1000)), ST_CLOSED);
	os_child_end(&c, true);
}

#define TEST(name) {#name, name}

const struct test peer_tests[] = {
	TEST(memory_of_another_process_is_read),
	TEST(memory_of_another_process_is_written),
	TEST(lengths_that_do_not_agree_are_refused),
	TEST(a_wrong_cookie_opens_nothing),
	TEST(ranges_that_are_not_mapped_fault),
	TEST(a_dead_process_is_not_found),
	TEST(the_death_of_a_peer_wakes_and_is_told),
	TEST(an_event_given_to_another_process_works_there),
	TEST(a_child_is_heard_and_ends),
	{0},
};

const struct test peer_roles[] = {
	TEST(peer),
	{0},
};
