/* SPDX-License-Identifier: MIT */
/*
 * There is no fork: another process is this program again, told which function
 * to run (by its distance from another one) and the bytes it gets, in digits.
 */
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <winsock2.h>
#include <windows.h>

#include "cases.h"
#include "os/os_child.h"

enum { DIGITS = 2 * PROCESS_TASK_MAX + 1 };

LONG NTAPI NtSuspendProcess(HANDLE process);
LONG NTAPI NtResumeProcess(HANDLE process);

static struct process start(void (*fn)(void *arg), const void *arg, size_t len,
	int variant, unsigned seconds, struct os_child *child)
{
	char which[32], how[16], bytes[DIGITS] = "";
	const char *arguments[] = {"--task", which, how, bytes, NULL};
	const uint8_t *p = arg;

	CHECK(len <= PROCESS_TASK_MAX);
	snprintf(which, sizeof which, "%lld",
		(long long)((intptr_t)fn - (intptr_t)process_do_task));
	snprintf(how, sizeof how, "%d", variant);
	for (size_t i = 0; i < len; i++)
		snprintf(bytes + 2 * i, 3, "%02x", p[i]);
	CHECK_OK(os_child_start(arguments, seconds, child));
	return (struct process){child->process, child->group};
}

bool process_has_task(int argc, char **argv, int *variant)
{
	if (argc < 4 || strcmp(argv[1], "--task") != 0)
		return false;
	*variant = atoi(argv[3]);
	return true;
}

void process_do_task(char **argv)
{
	static uint64_t bytes[PROCESS_TASK_MAX / 8];
	const char *digits = argv[4] ? argv[4] : "";
	uint8_t *p = (uint8_t *)bytes;
	void (*fn)(void *arg);
	unsigned byte;

	fn = (void (*)(void *))((intptr_t)process_do_task +
		(intptr_t)strtoll(argv[2], NULL, 10));
	for (; sscanf(digits, "%2x", &byte) == 1; digits += 2)
		*p++ = (uint8_t)byte;
	fn(bytes);
}

int process_run(void (*fn)(void *arg), const void *arg, size_t len,
	unsigned seconds)
{
	struct os_child c;
	int status = -1;

	fflush(NULL);
	start(fn, arg, len, -1, seconds, &c);
	os_child_wait(&c, OS_FOREVER, &status);
	os_child_end(&c, true);
	return status;
}

/* ---- beside this one ------------------------------------------------- */

/* The line that a child has is of no use here. */
struct process process_start(void (*fn)(void *arg), const void *arg,
	size_t len)
{
	struct os_child c;
	struct process p = start(fn, arg, len, case_variant,
		case_seconds(), &c);

	CloseHandle((HANDLE)c.talk);
	return p;
}

static void give_back(struct process p)
{
	CloseHandle((HANDLE)p.group);
	CloseHandle((HANDLE)p.id);
}

void process_kill(struct process p)
{
	TerminateProcess((HANDLE)p.id, 1);
	WaitForSingleObject((HANDLE)p.id, INFINITE);
	give_back(p);
}

void process_freeze(struct process p)
{
	NtSuspendProcess((HANDLE)p.id);
}

void process_thaw(struct process p)
{
	NtResumeProcess((HANDLE)p.id);
}

int process_wait(struct process p)
{
	DWORD status = 0;

	WaitForSingleObject((HANDLE)p.id, INFINITE);
	GetExitCodeProcess((HANDLE)p.id, &status);
	give_back(p);
	return (int)status;
}

void process_exit(int status)
{
	os_exit_now(status);
}

bool process_change_user(void)
{
	return false;
}

void process_limit_handles(unsigned more)
{
	case_skip("this system has no limit of handles to set");
}

/* Its pages are reserved, and come and go as their maker likes. */
os_handle process_unsealed_segment(size_t len)
{
	HANDLE h = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL,
		PAGE_READWRITE | SEC_RESERVE, 0, (DWORD)len, NULL);

	CHECK(h);
	return (os_handle)h;
}
