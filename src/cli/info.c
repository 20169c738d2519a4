/* SPDX-License-Identifier: MIT */
/* info.c - `wsd info`: what there is, what of it is used, and why not. */
#include "info.h"

#include <stdlib.h>

#include "command.h"
#include "message.h"
#include "options.h"

static const char usage[] =
	"usage: wsd info [--json]\n"
	"\n"
	"Tells what this host has and what of it connections use: the SAN\n"
	"service providers in the order in which they are tried, the networks\n"
	"that each has found (RDMA adapters, libfabric's providers, memory)\n"
	"with the reason where one is not used, and which way a connection\n"
	"goes, by where it goes to.\n"
	"\n"
	"  --json  for programs\n"
	"  --help, --version\n"
	"\n"
	"The exit status is 0, 1 when a provider in the catalog cannot be used\n"
	"or the catalog cannot be read, 2 when wsd was used wrongly.\n";

static int run(int argc, char **argv)
{
	bool json = false;
	const struct option_spec specs[] = {{"--json", NULL, &json}, {0}};
	int n = options_take(&command_info, "info", specs, argc, argv, NULL, 0);
	struct info *in;
	int status = 1;

	if (n < 0)
		return options_status(n);
	in = calloc(1, sizeof *in);
	if (!in) {
		message("not enough memory");
		return 1;
	}
	if (info_find(in)) {
		info_find_routes(in);
		(json ? info_print_json : info_print)(in);
		status = in->broken ? 1 : 0;
	}
	info_free(in);
	free(in);
	return status;
}

const struct command command_info = {
	.name = "info",
	.summary = "tell what networks there are, and which are used",
	.usage = usage,
	.run = run,
};
