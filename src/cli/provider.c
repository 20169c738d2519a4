/* SPDX-License-Identifier: MIT */
/* provider.c - `wsd provider`: which SAN service providers there are. */
#include "provider.h"

#include <string.h>

#include "command.h"
#include "message.h"
#include "trial.h"

static const char usage[] =
	"usage: wsd provider install PATH [--user | --system] [--name NAME]\n"
	"                            [--guid GUID]\n"
	"       wsd provider remove NAME [--user | --system]\n"
	"       wsd provider list [--user | --system] [--json]\n"
	"       wsd provider check [NAME | PATH] [--json]\n"
	"\n"
	"Installs and removes SAN service providers, and tells what is there.\n"
	"\n"
	"  install  put the library into the catalog, after a look at it\n"
	"  remove   take it out again; the library itself stays\n"
	"  list     what is in the catalog, and whether it can be loaded\n"
	"  check    start each, or the one, and print what it offers, and\n"
	"           what is wrong with it\n"
	"\n"
	"  --user       the catalog of this user (not on Windows; default)\n"
	"  --system     the catalog of all users\n"
	"  --name NAME  in the catalog; default: what it calls itself\n"
	"  --guid GUID  of a provider that does not tell its own\n"
	"  --json       for programs\n"
	"  --help, --version\n"
	"\n"
	"The exit status is 0 when all is well (also when it was installed\n"
	"already), 1 when not, 2 when wsd was used wrongly.\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"install", provider_install},
	{"remove", provider_remove},
	{"list", provider_list},
	{"check", provider_check},
	{"trial", trial_run}, /* for wsd itself */
};

bool provider_scope(const char *what, bool user, bool system,
	enum install_scope *out)
{
	*out = user ? INSTALL_USER : system ? INSTALL_SYSTEM : INSTALL_ANY;
	if (!user || !system)
		return true;
	usage_error(what, "--user and --system exclude each other");
	return false;
}

static int run(int argc, char **argv)
{
	if (argc < 2)
		return usage_error("provider",
			"install, remove, list or check?");
	if (command_answers(&command_provider, argv[1]))
		return 0;
	for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return usage_error("provider", "unknown %s", argv[1]);
}

const struct command command_provider = {
	.name = "provider",
	.summary = "install, remove, list and check SAN service providers",
	.usage = usage,
	.run = run,
};
