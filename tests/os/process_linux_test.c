/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "test_linux.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define DATA_LEN (256 * 1024)

/* A child with memory to reach into, and what it tells about itself. */
struct victim {
	pid_t pid;
	uint8_t cookie[16];
	uint64_t cookie_addr;
	uint8_t *data; /* same address there; own copy after fork */
	int to, from;
};

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void child_life(int in, int out, uint8_t *data)
{
	uint64_t addr = (uintptr_t)os_process_cookie();
	char order;

	for (size_t i = 0; i < DATA_LEN; i++)
		data[i] = pattern(i);
	CHECK(write(out, os_process_cookie(), 16) == 16);
	CHECK(write(out, &addr, 8) == 8);
	while (read(in, &order, 1) == 1) {
		if (order == 'x')
			execl("/bin/sleep", "sleep", "60", (char *)NULL);
		/* Show the byte at a place that the parent has written. */
		CHECK(write(out, data + 1000, 1) == 1);
	}
	_exit(0);
}

static struct victim start_victim(void)
{
	struct victim v;
	int down[2], up[2];

	v.data = mmap(NULL, DATA_LEN, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(v.data != MAP_FAILED && pipe(down) == 0 && pipe(up) == 0);
	os_process_cookie();
	v.pid = fork();
	CHECK(v.pid >= 0);
	if (v.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(down[1]);
		child_life(down[0], up[1], v.data);
	}
	close(down[0]);
	v.to = down[1];
	v.from = up[0];
	CHECK(read(v.from, v.cookie, 16) == 16);
	CHECK(read(v.from, &v.cookie_addr, 8) == 8);
	return v;
}

static void end_victim(struct victim *v)
{
	kill(v->pid, SIGKILL);
	waitpid(v->pid, NULL, 0);
}

static enum status read_from(const struct victim *v, void *buf, size_t len,
	const void *remote)
{
	struct os_span s = {buf, len};

	return os_process_read((uint32_t)v->pid, v->cookie_addr, v->cookie,
		&s, 1, (uintptr_t)remote, len);
}

static enum status write_to(const struct victim *v, const void *buf,
	size_t len, const void *remote)
{
	struct os_span s = {(void *)(uintptr_t)buf, len};

	return os_process_write((uint32_t)v->pid, v->cookie_addr, v->cookie,
		&s, 1, (uintptr_t)remote, len);
}

static void probe(const struct victim *v)
{
	uint8_t byte;

	if (read_from(v, &byte, 1, v->data) == ST_UNSUPPORTED)
		SKIP("no process_vm_readv here");
}

static uint8_t peek_child(const struct victim *v)
{
	uint8_t byte;

	CHECK(write(v->to, "p", 1) == 1 && read(v->from, &byte, 1) == 1);
	return byte;
}

static void a_child_has_a_cookie_of_its_own(void)
{
	struct victim v;
	uint8_t mine[16];

	memcpy(mine, os_process_cookie(), 16);
	v = start_victim();
	CHECK(memcmp(mine, v.cookie, 16) != 0);
	CHECK(memcmp(mine, os_process_cookie(), 16) == 0);
	end_victim(&v);
	CHECK(errno == 4242);
}

static void read_copies_from_another_process(void)
{
	static uint8_t buf[DATA_LEN];
	struct victim v = start_victim();

	probe(&v);
	CHECK_ST(read_from(&v, buf, DATA_LEN, v.data), ST_OK);
	for (size_t i = 0; i < DATA_LEN; i++)
		CHECK(buf[i] == pattern(i));
	CHECK_ST(read_from(&v, buf, 0, v.data), ST_OK);
	CHECK(v.data[1] == 0); /* ours, not the child's */
	end_victim(&v);
	CHECK(errno == 4242);
}

static void write_copies_to_another_process(void)
{
	struct victim v = start_victim();

	probe(&v);
	CHECK(peek_child(&v) == pattern(1000));
	CHECK_ST(write_to(&v, "Q", 1, v.data + 1000), ST_OK);
	CHECK(peek_child(&v) == 'Q');
	CHECK_ST(write_to(&v, "R", 0, v.data + 1000), ST_OK);
	CHECK(peek_child(&v) == 'Q');
	end_victim(&v);
}

static void any_number_of_spans_is_gathered_in_order(void)
{
	enum { SPANS = 1000, STEP = 3 };
	static uint8_t buf[SPANS * STEP];
	struct os_span s[SPANS];
	struct victim v = start_victim();

	probe(&v);
	for (unsigned i = 0; i < SPANS; i++)
		s[i] = (struct os_span){buf + i * STEP, STEP};
	CHECK_ST(os_process_read((uint32_t)v.pid, v.cookie_addr, v.cookie, s,
		SPANS, (uintptr_t)v.data + 5, sizeof buf), ST_OK);
	for (size_t i = 0; i < sizeof buf; i++)
		CHECK(buf[i] == pattern(i + 5));
	memset(buf, 'S', sizeof buf);
	CHECK_ST(os_process_write((uint32_t)v.pid, v.cookie_addr, v.cookie, s,
		SPANS, (uintptr_t)v.data + 5, sizeof buf), ST_OK);
	CHECK(peek_child(&v) == 'S');
	memset(buf, 0, sizeof buf);
	CHECK_ST(read_from(&v, buf, sizeof buf, v.data + 5), ST_OK);
	CHECK(buf[0] == 'S' && buf[sizeof buf - 1] == 'S');
	end_victim(&v);
}

static void lengths_that_disagree_are_refused(void)
{
	struct victim v = start_victim();
	struct os_span s[2] = {{&s, 4}, {&s, SIZE_MAX}};
	uint32_t pid = (uint32_t)v.pid;

	CHECK_ST(os_process_read(pid, v.cookie_addr, v.cookie, s, 1,
		(uintptr_t)v.data, 5), ST_INVAL);
	CHECK_ST(os_process_read(pid, v.cookie_addr, v.cookie, s, 2,
		(uintptr_t)v.data, 3), ST_INVAL);
	s[0].len = ((size_t)1 << 30) + 1;
	CHECK_ST(os_process_write(pid, v.cookie_addr, v.cookie, s, 1,
		(uintptr_t)v.data, s[0].len), ST_INVAL);
	CHECK_ST(os_process_write(0, v.cookie_addr, v.cookie, s, 0,
		(uintptr_t)v.data, 0), ST_INVAL);
	end_victim(&v);
}

static void the_wrong_cookie_opens_nothing(void)
{
	struct victim v = start_victim(), wrong = v;
	uint8_t byte;

	probe(&v);
	wrong.cookie[15] ^= 1;
	CHECK_ST(read_from(&wrong, &byte, 1, v.data), ST_NOTFOUND);
	CHECK_ST(write_to(&wrong, "Q", 1, v.data + 1000), ST_NOTFOUND);
	wrong = v;
	wrong.cookie_addr = 16; /* not mapped */
	CHECK_ST(read_from(&wrong, &byte, 1, v.data), ST_NOTFOUND);
	CHECK_ST(write_to(&wrong, "Q", 1, v.data + 1000), ST_NOTFOUND);
	CHECK(peek_child(&v) == pattern(1000));
	end_victim(&v);
}

static void unmapped_ranges_fault(void)
{
	struct victim v = start_victim();
	uint8_t buf[64];

	probe(&v);
	CHECK_ST(read_from(&v, buf, sizeof buf, (void *)4096), ST_FAULT);
	CHECK_ST(write_to(&v, buf, sizeof buf, (void *)4096), ST_FAULT);
	CHECK_ST(read_from(&v, (void *)4096, 64, v.data), ST_FAULT);
	CHECK_ST(write_to(&v, (void *)4096, 64, v.data), ST_FAULT);
	/* A partial transfer is a fault too. */
	munmap(v.data + 4096, 4096);
	CHECK_ST(write_to(&v, v.data, 8192, v.data), ST_FAULT);
	end_victim(&v);
	CHECK(errno == 4242);
}

static void another_program_under_the_same_pid_is_noticed(void)
{
	struct victim v = start_victim();
	enum status st = ST_OK;
	uint8_t byte;

	probe(&v);
	CHECK(write(v.to, "x", 1) == 1);
	for (int i = 0; i < 1000 && st == ST_OK; i++) {
		st = read_from(&v, &byte, 1, v.data);
		os_sleep(MS(5));
	}
	CHECK_ST(st, ST_NOTFOUND);
	CHECK_ST(write_to(&v, "Q", 1, v.data), ST_NOTFOUND);
	CHECK(os_process_alive((uint32_t)v.pid));
	end_victim(&v);
}

static void the_dead_are_not_found(void)
{
	struct victim v = start_victim();
	uint8_t byte;

	probe(&v);
	CHECK(os_process_alive((uint32_t)v.pid));
	kill(v.pid, SIGKILL);
	/* A zombie is as dead as one that was reaped. */
	CHECK(waitid(P_PID, (id_t)v.pid, &(siginfo_t){0}, WEXITED | WNOWAIT)
		== 0);
	CHECK(!os_process_alive((uint32_t)v.pid));
	CHECK_ST(read_from(&v, &byte, 1, v.data), ST_NOTFOUND);
	waitpid(v.pid, NULL, 0);
	CHECK(!os_process_alive((uint32_t)v.pid));
	CHECK_ST(read_from(&v, &byte, 1, v.data), ST_NOTFOUND);
	CHECK_ST(write_to(&v, "Q", 1, v.data), ST_NOTFOUND);
	CHECK(os_process_alive(os_process_id()) && !os_process_alive(0));
	CHECK(errno == 4242);
}

static void another_user_is_denied(void)
{
	struct victim v = start_victim();
	uint8_t byte;

	probe(&v);
	if (getuid() != 0 || setresuid(65534, 65534, 65534) != 0)
		SKIP("needs root");
	errno = 4242;
	CHECK_ST(read_from(&v, &byte, 1, v.data), ST_ACCESS);
	CHECK_ST(write_to(&v, "Q", 1, v.data), ST_ACCESS);
	CHECK(os_process_alive((uint32_t)v.pid));
	CHECK(errno == 4242);
}

static void note_id(void *id)
{
	*(uint32_t *)id = os_thread_id();
}

static void note_id_in_child(void *id)
{
	CHECK(os_thread_id() != *(uint32_t *)id);
	CHECK(os_thread_id() == os_process_id());
}

static void thread_ids_are_unique_and_new_after_fork(void)
{
	uint32_t mine = os_thread_id(), other = 0;
	struct os_thread t;

	CHECK(mine != 0 && mine == os_thread_id());
	CHECK_ST(os_thread_start(&t, "a name longer than fifteen", note_id,
		&other), ST_OK);
	os_thread_join(&t);
	CHECK(other != 0 && other != mine);
	reap(spawn(note_id_in_child, &mine));
	CHECK(errno == 4242);
}

static void note_signal_mask(void *blocked)
{
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	*(int *)blocked = sigismember(&now, SIGTERM);
}

static void our_threads_take_no_signals(void)
{
	struct os_thread t;
	int blocked = 0;

	CHECK_ST(os_thread_start(&t, "x", note_signal_mask, &blocked), ST_OK);
	os_thread_join(&t);
	CHECK(blocked == 1);
	note_signal_mask(&blocked);
	CHECK(blocked == 0);
}

#define TEST(name) {#name, name}

extern const struct test process_tests[];

const struct test process_tests[] = {
	TEST(a_child_has_a_cookie_of_its_own),
	TEST(read_copies_from_another_process),
	TEST(write_copies_to_another_process),
	TEST(any_number_of_spans_is_gathered_in_order),
	TEST(lengths_that_disagree_are_refused),
	TEST(the_wrong_cookie_opens_nothing),
	TEST(unmapped_ranges_fault),
	TEST(another_program_under_the_same_pid_is_noticed),
	TEST(the_dead_are_not_found),
	TEST(another_user_is_denied),
	TEST(thread_ids_are_unique_and_new_after_fork),
	TEST(our_threads_take_no_signals),
	{0},
};
