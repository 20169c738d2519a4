/* SPDX-License-Identifier: MIT */
/* commands_linux.c - the commands of wsd on Linux. */
#include "command.h"

const struct command *const commands[] = {
	&command_run,
	&command_ping,
	&command_perf,
	&command_info,
	&command_provider,
	&command_policy,
	&command_conform,
	&command_settings,
	&command_help,
	&command_version,
};

const unsigned command_count = sizeof(commands) / sizeof(commands[0]);
