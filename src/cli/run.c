/* SPDX-License-Identifier: MIT */
/* run.c - `wsd run`: becomes a program that has the preload library loaded. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "preload.h"
#include "program.h"
#include "settings.h"

static const char usage[] =
	"usage: wsd run [OPTIONS] [--] PROGRAM [ARGUMENTS]\n"
	"\n"
	"Runs PROGRAM with its TCP connections over a system area network\n"
	"where there is one that reaches the peer, and over plain TCP\n"
	"elsewhere.\n"
	"\n"
	"  --explain[=FILE]  tell for each connection which route it takes\n"
	"                    and why: on standard error, or added to FILE\n"
	"  --no-san, --off   plain TCP for everything\n"
	"  --set NAME=VALUE  change a setting for this program\n"
	"  --help-settings   list the settings\n"
	"  --help, --version\n"
	"\n"
	"The exit status is PROGRAM's; 127 when it is not there, 126 when it\n"
	"cannot be run, 2 when wsd was used wrongly.\n";

/* What an option was followed by. */
enum outcome { GO_ON, DONE, WRONG };

/* What the command line asks for. The rest is in the environment already. */
struct request {
	bool off;
	int left;    /* arguments not yet looked at: */
	char **next; /* at the end, the program and its own */
};

/* ---- options ---------------------------------------------------------- */

static int absolute(const char *file, char path[PATH_MAX])
{
	char folder[PATH_MAX] = "";
	int n;

	if (*file != '/' && !getcwd(folder, sizeof(folder)))
		return errno;
	n = snprintf(path, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "",
		file);
	return n < PATH_MAX ? 0 : ENAMETOOLONG;
}

/* Better now than in silence later: can it be written? */
static int writable(const char *path)
{
	int fd = open(path,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static enum outcome explain_to(const char *file)
{
	char path[PATH_MAX];
	int error = *file ? absolute(file, path) : ENOENT;

	if (!error)
		error = writable(path);
	if (error) {
		usage_error("run", "cannot write '%s': %s", file,
			strerror(error));
		return WRONG;
	}
	setenv("WSD_EXPLAIN", path, 1);
	return GO_ON;
}

static enum outcome set(const char *assignment)
{
	if (!assignment) {
		usage_error("run", "--set needs NAME=VALUE");
		return WRONG;
	}
	return settings_assign(assignment) ? GO_ON : WRONG;
}

/* The value of "--name=value"; NULL when arg is another option. */
static const char *value_of(const char *arg, const char *name)
{
	size_t n = strlen(name);

	return strncmp(arg, name, n) == 0 && arg[n] == '=' ? arg + n + 1 : NULL;
}

static enum outcome take_option(const char *arg, struct request *r)
{
	const char *value;

	if (command_answers(&command_run, arg))
		return DONE;
	if (strcmp(arg, "--help-settings") == 0) {
		settings_print();
		return DONE;
	}
	if (strcmp(arg, "--explain") == 0) {
		setenv("WSD_EXPLAIN", "stderr", 1);
		return GO_ON;
	}
	if ((value = value_of(arg, "--explain")))
		return explain_to(value);
	if (strcmp(arg, "--no-san") == 0 || strcmp(arg, "--off") == 0) {
		r->off = true;
		return set("enable=off");
	}
	if (strcmp(arg, "--set") == 0)
		return set(r->left-- > 0 ? *r->next++ : NULL);
	if ((value = value_of(arg, "--set")))
		return set(value);
	usage_error("run", "unknown option %s", arg);
	return WRONG;
}

static enum outcome take_options(struct request *r)
{
	enum outcome outcome = GO_ON;
	const char *arg;

	while (outcome == GO_ON && r->left > 0 && (*r->next)[0] == '-') {
		arg = *r->next++;
		r->left--;
		if (strcmp(arg, "--") == 0)
			break;
		outcome = take_option(arg, r);
	}
	return outcome;
}

/* ---- becoming the program --------------------------------------------- */

static int cannot_run(const char *name, int error)
{
	if (error == ENOENT || error == ENOTDIR) {
		message("%s: no such program", name);
		return EXIT_NOT_FOUND;
	}
	message("%s: cannot be run: %s", name, strerror(error));
	return EXIT_CANNOT_RUN;
}

static bool load_library(void)
{
	char path[PATH_MAX];

	return preload_find(path) && preload_enter(path);
}

/*
 * Never stands in the way of the program: says what hinders, once. (A program
 * that is to stay with TCP has the library too: it explains its connections.)
 */
static void accelerate(const char *name, const char *path, bool quiet)
{
	enum obstacle o = program_obstacle(path);

	if (o == OBSTACLE_NONE && !load_library())
		o = OBSTACLE_LIBRARY;
	if (o != OBSTACLE_NONE && !quiet)
		message("%s: cannot be accelerated (%s); running over TCP [%s]",
			name, obstacle_text(o), obstacle_code(o));
}

/* What execvp does with a file that has no magic number. */
static int run_with_shell(char *path, char **argv, int argc)
{
	static char shell[] = "/bin/sh";
	char **longer = calloc((size_t)argc + 2, sizeof(*longer));

	if (!longer)
		return ENOMEM;
	longer[0] = shell;
	longer[1] = path;
	for (int i = 1; i < argc; i++)
		longer[i + 1] = argv[i];
	execv(longer[0], longer);
	free(longer);
	return errno;
}

static bool is_binary(const char *path)
{
	char start[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, start, sizeof(start));

	if (fd >= 0)
		close(fd);
	return n <= 0 || memchr(start, '\0', (size_t)n) != NULL;
}

static int become(char *path, char **argv, int argc)
{
	int error;

	execv(path, argv);
	error = errno;
	if (error == ENOEXEC && !is_binary(path))
		error = run_with_shell(path, argv, argc);
	/* The program was found: what is missing is its interpreter. */
	if (error == ENOENT) {
		message("%s: its interpreter is missing", argv[0]);
		return EXIT_CANNOT_RUN;
	}
	return cannot_run(argv[0], error);
}

static int check_surroundings(void)
{
	const char *file = getenv("WSD_SETTINGS");
	char path[PATH_MAX];

	if (!settings_check_environment())
		return EXIT_USAGE;
	if (file && access(file, R_OK) != 0)
		return usage_error("run", "WSD_SETTINGS names '%s': %s", file,
			strerror(errno));
	if (preload_is_chosen() && !preload_find(path))
		return usage_error("run",
			"WSD_PRELOAD_LIBRARY names '%s', which cannot be read",
			path);
	return 0;
}

static int run(int argc, char **argv)
{
	struct request r = {.left = argc - 1, .next = argv + 1};
	enum outcome outcome = take_options(&r);
	char path[PATH_MAX];
	int error;

	if (outcome != GO_ON)
		return outcome == DONE ? 0 : EXIT_USAGE;
	if (r.left <= 0)
		return usage_error("run", "no program to run");
	error = check_surroundings();
	if (error)
		return error;
	error = program_find(r.next[0], path);
	if (error)
		return cannot_run(r.next[0], error);
	accelerate(r.next[0], path, r.off);
	return become(path, r.next, r.left);
}

const struct command command_run = {
	.name = "run",
	.summary = "run a program over the SAN",
	.usage = usage,
	.run = run,
};
