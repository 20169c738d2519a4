/* SPDX-License-Identifier: MIT */
/* main.c - finds the subcommand and runs it. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "message.h"

static int help(int argc, char **argv);
static int version(int argc, char **argv);

const struct command command_help = {
	.name = "help",
	.summary = "tell how to use wsd, or one of its commands",
	.usage = "usage: wsd help [COMMAND]\n",
	.run = help,
};

const struct command command_version = {
	.name = "version",
	.summary = "print the version",
	.usage = "usage: wsd version\n",
	.run = version,
};

static const struct command *find(const char *name)
{
	for (unsigned i = 0; i < command_count; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_overview(FILE *out)
{
	fputs("usage: wsd COMMAND [ARGUMENTS]\n"
	      "\n"
	      "Runs unmodified sockets programs over a system area network.\n"
	      "\n",
		out);
	for (unsigned i = 0; i < command_count; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name,
			commands[i]->summary);
	fputs("\n'wsd help COMMAND' tells more.\n", out);
}

static void print_version(void)
{
	puts("wsd " WSD_VERSION);
}

/* Standard output may be a full disk or a closed pipe. */
static int finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	message("cannot write to standard output");
	return 1;
}

bool command_answers(const struct command *c, const char *arg)
{
	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
		fputs(c->usage, stdout);
	else if (strcmp(arg, "--version") == 0)
		print_version();
	else
		return false;
	return true;
}

static int unknown(const char *name)
{
	message("no command named %s; see 'wsd --help'", name);
	return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
	const struct command *c;

	if (argc > 2)
		return usage_error("help", "too many arguments");
	if (argc < 2) {
		print_overview(stdout);
		return 0;
	}
	if (command_answers(&command_help, argv[1]))
		return 0;
	c = find(argv[1]);
	if (!c)
		return unknown(argv[1]);
	fputs(c->usage, stdout);
	return 0;
}

static int version(int argc, char **argv)
{
	if (argc == 2 && command_answers(&command_version, argv[1]))
		return 0;
	if (argc > 1)
		return usage_error("version", "unexpected %s", argv[1]);
	print_version();
	return 0;
}

static int dispatch(int argc, char **argv)
{
	const char *name = argv[0];
	const struct command *c = find(name);

	if (c)
		return c->run(argc, argv);
	if (strcmp(name, "-h") == 0)
		name = "--help";
	if (name[0] == '-' && name[1] == '-')
		c = find(name + 2);
	if (c == &command_help || c == &command_version)
		return c->run(1, argv);
	return unknown(name);
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	status = dispatch(argc - 1, argv + 1);
	return finish_output() && status == 0 ? 1 : status;
}
