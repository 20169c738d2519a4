/* SPDX-License-Identifier: MIT */
/*
 * commands_windows.c - the commands of wsd on Windows: those that need no
 * preload library.
 */
#include "command.h"

const struct command *const commands[] = {
	&command_ping,
	&command_perf,
	&command_provider,
	&command_conform,
	&command_help,
	&command_version,
};

const unsigned command_count = sizeof(commands) / sizeof(commands[0]);
