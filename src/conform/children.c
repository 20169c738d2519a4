/* SPDX-License-Identifier: MIT */
#include "children.h"

#include <stdarg.h>
#include <stdio.h>

#include "cases.h"
#include "os/os.h"
#include "runner.h"

#define PATIENCE (case_seconds() * UINT64_C(1000000000))

struct child child_start(const char *role)
{
	const char *arguments[RUNNER_PREFIX_MAX + 3];
	struct child c;

	runner_arguments("--role", role, arguments);
	if (os_child_start(arguments, case_seconds() + CASE_SECONDS_MORE,
		    &c.os) != ST_OK)
		FAIL("a child process cannot be started");
	return c;
}

uint32_t child_pid(struct child c)
{
	return c.os.pid;
}

/* What it had to say and nobody has heard. */
static void hear_the_rest(struct child *c)
{
	char line[LINE_MAX_LEN];

	while (os_child_hear(&c->os, line, 0) == ST_OK)
		case_said(line);
}

void child_kill(struct child c)
{
	hear_the_rest(&c);
	os_child_end(&c.os, true);
}

int child_wait(struct child c)
{
	int status;

	if (os_child_wait(&c.os, PATIENCE, &status) != ST_OK)
		FAIL("the child process does not end");
	hear_the_rest(&c);
	os_child_end(&c.os, true);
	return status;
}

void child_tell(struct child c, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (os_child_tell(&c.os, line) != ST_OK)
		FAIL("the child process has ended");
}

void child_hear(struct child c, char line[LINE_MAX_LEN])
{
	enum status st;
	char fate[128];
	int status;

	do
		st = os_child_hear(&c.os, line, PATIENCE);
	while (st == ST_OK && case_said(line));
	if (st == ST_OK)
		return;
	if (st == ST_TIMEDOUT)
		FAIL("the child process does not answer");
	if (os_child_wait(&c.os, PATIENCE, &status) != ST_OK)
		FAIL("the child process is silent");
	os_child_fate(status, fate, sizeof fate);
	FAIL("the child process has ended: %s", fate);
}

void parent_tell(const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (os_parent_tell(line) != ST_OK)
		FAIL("the parent process has ended");
}

bool parent_hear(char line[LINE_MAX_LEN])
{
	return os_parent_hear(line, OS_FOREVER) == ST_OK;
}

void process_set(const char *name, const char *value)
{
	if (os_environment_set(name, value) != ST_OK)
		FAIL("the environment cannot be changed");
}

void process_limit_handles(unsigned more)
{
	enum status st = os_handle_limit(more);

	if (st == ST_UNSUPPORTED)
		case_skip("this system has no limit of handles to set");
	if (st != ST_OK)
		FAIL("the limit of handles cannot be set");
}

void *process_pages(unsigned count, enum os_pages_kind kind)
{
	void *p = NULL;

	if (os_pages_alloc(&p, count * os_page_size(), kind) != ST_OK)
		FAIL("no memory");
	return p;
}
