/* SPDX-License-Identifier: MIT */
/*
 * Children: this program again, in a job that ends with the handle we hold of
 * it, so that nothing is left when we are killed. A pipe carries the lines;
 * the child finds the number of its handle, and the time it has, in its
 * environment. That time is kept by a thread in the child, from before main on.
 */
#include "os/os_child.h"

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 16
#define COMMAND_MAX 16384
#define PARENT_VARIABLE L"OPENWSD_PARENT"
#define TELL_PATIENCE_NS (10 * UINT64_C(1000000000))
#define ENDED ((UINT)-9) /* exit status of one that we have ended */

/* Starting a process may fail for a moment, while others end. */
enum { START_TRIES = 5, START_PAUSE_MS = 100 };

/* ---- the child's side ------------------------------------------------- */

static HANDLE parent;

static DWORD WINAPI keep_time(void *seconds)
{
	Sleep((DWORD)(uintptr_t)seconds * 1000);
	TerminateProcess(GetCurrentProcess(), (UINT)-14);
	return 0;
}

/* "HANDLE SECONDS"; not for the children of this one. */
__attribute__((constructor)) static void find_parent(void)
{
	WCHAR text[64];
	DWORD n = GetEnvironmentVariableW(PARENT_VARIABLE, text,
		sizeof text / sizeof text[0]);
	WCHAR *rest;
	HANDLE thread;
	uintptr_t seconds;

	if (n == 0 || n >= sizeof text / sizeof text[0])
		return;
	SetEnvironmentVariableW(PARENT_VARIABLE, NULL);
	parent = (HANDLE)(uintptr_t)wcstoul(text, &rest, 10);
	seconds = wcstoul(rest, NULL, 10);
	SetHandleInformation(parent, HANDLE_FLAG_INHERIT, 0);
	thread = CreateThread(NULL, 0, keep_time, (void *)seconds, 0, NULL);
	if (!thread)
		TerminateProcess(GetCurrentProcess(), ENDED);
	CloseHandle(thread);
}

/* ---- starting ------------------------------------------------------ */

struct command {
	WCHAR text[COMMAND_MAX];
	unsigned len;
	bool bad;
};

static void put(struct command *c, WCHAR letter)
{
	if (c->len + 1 < COMMAND_MAX)
		c->text[c->len++] = letter;
	else
		c->bad = true;
	c->text[c->len] = 0;
}

/* In quotes; a backslash counts as itself unless quotes follow. */
static void put_argument(struct command *c, const WCHAR *text)
{
	unsigned slashes = 0;

	if (c->len > 0)
		put(c, ' ');
	put(c, '"');
	for (; *text; text++) {
		if (*text == '"')
			for (slashes++; slashes > 0; slashes--)
				put(c, '\\');
		slashes = *text == '\\' ? slashes + 1 : 0;
		put(c, *text);
	}
	for (; slashes > 0; slashes--)
		put(c, '\\');
	put(c, '"');
}

static enum status command_line(const char *const *arguments, WCHAR *program,
	struct command *c)
{
	DWORD n = GetModuleFileNameW(NULL, program, WIN_PATH_MAX);

	c->len = 0;
	c->bad = n == 0 || n == WIN_PATH_MAX;
	put_argument(c, program);
	for (n = 1; *arguments; arguments++) {
		WCHAR *wide = win_wide_new(*arguments);

		if (!wide || n++ == ARGUMENTS_MAX) {
			free(wide);
			return ST_INVAL;
		}
		put_argument(c, wide);
		free(wide);
	}
	return c->bad ? ST_INVAL : ST_OK;
}

/* Which handles are inherited, and no others. */
struct inherit {
	LPPROC_THREAD_ATTRIBUTE_LIST list;
	HANDLE handle[4];
	unsigned count;
};

static void inherit_add(struct inherit *in, HANDLE h)
{
	if (!h || h == INVALID_HANDLE_VALUE)
		return;
	for (unsigned i = 0; i < in->count; i++)
		if (in->handle[i] == h)
			return;
	if (SetHandleInformation(h, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT))
		in->handle[in->count++] = h;
}

static bool inherit_init(struct inherit *in, HANDLE line)
{
	SIZE_T size = 0;

	memset(in, 0, sizeof *in);
	inherit_add(in, GetStdHandle(STD_INPUT_HANDLE));
	inherit_add(in, GetStdHandle(STD_OUTPUT_HANDLE));
	inherit_add(in, GetStdHandle(STD_ERROR_HANDLE));
	inherit_add(in, line);
	InitializeProcThreadAttributeList(NULL, 1, 0, &size);
	in->list = malloc(size);
	if (!in->list)
		return false;
	if (!InitializeProcThreadAttributeList(in->list, 1, 0, &size)) {
		free(in->list);
		return false;
	}
	return UpdateProcThreadAttribute(in->list, 0,
		PROC_THREAD_ATTRIBUTE_HANDLE_LIST, in->handle,
		in->count * sizeof in->handle[0], NULL, NULL);
}

static void inherit_fini(struct inherit *in)
{
	DeleteProcThreadAttributeList(in->list);
	free(in->list);
}

static SRWLOCK starting = SRWLOCK_INIT; /* environment, inheritance */

static bool create(const WCHAR *program, WCHAR *command, HANDLE line,
	unsigned seconds, PROCESS_INFORMATION *out)
{
	STARTUPINFOEXW how = {.StartupInfo = {
		.cb = sizeof how,
		.dwFlags = STARTF_USESTDHANDLES,
		.hStdInput = GetStdHandle(STD_INPUT_HANDLE),
		.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE),
		.hStdError = GetStdHandle(STD_ERROR_HANDLE),
	}};
	struct inherit in;
	WCHAR text[64];
	BOOL good;

	if (!inherit_init(&in, line))
		return false;
	how.lpAttributeList = in.list;
	swprintf(text, sizeof text / sizeof text[0], L"%lu %u",
		(unsigned long)(uintptr_t)line, seconds);
	SetEnvironmentVariableW(PARENT_VARIABLE, text);
	good = FALSE;
	for (int i = 0; i < START_TRIES && !good; i++) {
		if (i > 0)
			Sleep(START_PAUSE_MS);
		good = CreateProcessW(program, command, NULL, NULL, TRUE,
			CREATE_SUSPENDED | EXTENDED_STARTUPINFO_PRESENT, NULL,
			NULL, &how.StartupInfo, out);
	}
	SetEnvironmentVariableW(PARENT_VARIABLE, NULL);
	inherit_fini(&in);
	return good;
}

static void job_limits(HANDLE job, DWORD flags)
{
	JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
		.BasicLimitInformation = {.LimitFlags = flags},
	};

	SetInformationJobObject(job, JobObjectExtendedLimitInformation,
		&limits, sizeof limits);
}

static enum status start(const WCHAR *program, WCHAR *command,
	unsigned seconds, struct os_child *out)
{
	HANDLE job = CreateJobObjectW(NULL, NULL);
	PROCESS_INFORMATION p;
	os_handle ends[2];
	enum status st = job ? os_link_pair(ends) : ST_NOMEM;

	if (st != ST_OK) {
		if (job)
			CloseHandle(job);
		return st;
	}
	job_limits(job, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE);
	fflush(NULL);
	AcquireSRWLockExclusive(&starting);
	if (!create(program, command, win_handle(ends[1]), seconds, &p))
		st = win_status(GetLastError());
	ReleaseSRWLockExclusive(&starting);
	CloseHandle(win_handle(ends[1]));
	if (st != ST_OK) {
		CloseHandle(win_handle(ends[0]));
		CloseHandle(job);
		return st;
	}
	if (!AssignProcessToJobObject(job, p.hProcess))
		TerminateProcess(p.hProcess, ENDED); /* and not left behind */
	ResumeThread(p.hThread);
	CloseHandle(p.hThread);
	*out = (struct os_child){.pid = p.dwProcessId,
		.process = (intptr_t)p.hProcess, .talk = ends[0],
		.hear = ends[0], .group = (intptr_t)job};
	return ST_OK;
}

enum status os_child_start(const char *const *arguments, unsigned seconds,
	struct os_child *out)
{
	struct command *c = malloc(sizeof *c);
	WCHAR *program = malloc(WIN_PATH_MAX * sizeof *program);
	enum status st = c && program ? ST_OK : ST_NOMEM;

	if (st == ST_OK)
		st = command_line(arguments, program, c);
	if (st == ST_OK)
		st = start(program, c->text, seconds, out);
	free(program);
	free(c);
	return st;
}

/* ---- ending -------------------------------------------------------- */

enum status os_child_wait(struct os_child *c, uint64_t ns, int *status)
{
	HANDLE process = (HANDLE)c->process;
	DWORD code = 0;

	if (win_wait(&process, 1, win_deadline_after(ns)) < 0)
		return ST_TIMEDOUT;
	GetExitCodeProcess(process, &code);
	*status = (int)code;
	return ST_OK;
}

void os_child_end(struct os_child *c, bool all)
{
	HANDLE process = (HANDLE)c->process, job = (HANDLE)c->group;

	if (all) {
		TerminateJobObject(job, ENDED);
	} else {
		job_limits(job, 0);
		TerminateProcess(process, ENDED);
	}
	WaitForSingleObject(process, INFINITE);
	CloseHandle(job);
	CloseHandle(process);
	CloseHandle((HANDLE)c->talk);
}

void os_child_fate(int status, char *text, size_t len)
{
	if (status >= 0)
		snprintf(text, len, "exit status %d", status);
	else if (status == (int)ENDED)
		snprintf(text, len, "ended from outside");
	else
		snprintf(text, len, "exception 0x%08x", (unsigned)status);
}

/* ---- lines --------------------------------------------------------- */

static enum status tell(HANDLE h, const char *text)
{
	uint64_t until = os_now() + TELL_PATIENCE_NS;
	char line[OS_LINE_MAX];
	size_t len = strnlen(text, sizeof line - 1);
	enum status st;

	memcpy(line, text, len);
	line[len++] = '\n';
	while ((st = win_pipe_write(h, line, len)) == ST_FULL &&
		os_now() < until)
		os_sleep(1000000);
	return st == ST_OK ? ST_OK : ST_CLOSED;
}

/* Takes up to the end of the line, or all there is. */
static enum status take(HANDLE h, char line[OS_LINE_MAX], size_t *len,
	bool *whole)
{
	char buf[OS_LINE_MAX];
	size_t n, i;
	enum status st = win_pipe_peek(h, buf, sizeof buf, &n);
	char *end;

	*whole = false;
	if (st != ST_OK)
		return st;
	end = memchr(buf, '\n', n);
	if (end)
		n = (size_t)(end - buf) + 1;
	st = win_pipe_read(h, buf, n, &n);
	for (i = 0; st == ST_OK && i < n; i++) {
		if (buf[i] == '\n')
			*whole = true;
		else if (*len < OS_LINE_MAX - 1)
			line[(*len)++] = buf[i];
	}
	return st;
}

static enum status hear(HANDLE h, char line[OS_LINE_MAX], uint64_t ns)
{
	uint64_t deadline = win_deadline_after(ns);
	size_t len = 0;
	bool whole = false;

	while (!whole) {
		uint64_t now = os_now();
		enum status st = win_pipe_wait(h, deadline == OS_FOREVER ?
			OS_FOREVER : deadline > now ? deadline - now : 0, NULL);

		if (st == ST_OK)
			st = take(h, line, &len, &whole);
		if (st != ST_OK && st != ST_AGAIN)
			return st;
	}
	line[len] = 0;
	return ST_OK;
}

enum status os_child_tell(struct os_child *c, const char *line)
{
	return tell((HANDLE)c->talk, line);
}

enum status os_child_hear(struct os_child *c, char line[OS_LINE_MAX],
	uint64_t ns)
{
	return hear((HANDLE)c->hear, line, ns);
}

enum status os_parent_tell(const char *line)
{
	return parent ? tell(parent, line) : ST_CLOSED;
}

enum status os_parent_hear(char line[OS_LINE_MAX], uint64_t ns)
{
	return parent ? hear(parent, line, ns) : ST_CLOSED;
}

/* ---- this process -------------------------------------------------- */

void os_exit_now(int status)
{
	TerminateProcess(GetCurrentProcess(), (UINT)status);
	for (;;)
		Sleep(INFINITE);
}

intptr_t os_fork(unsigned seconds)
{
	return -1;
}

int os_fork_wait(intptr_t number)
{
	return -1;
}
