/* SPDX-License-Identifier: MIT */
/*
 * provider_test [LIBRARY] [PART]: what is ours alone over a provider library,
 * as the switch loads it. LIBRARY is a path with a slash or backslash in it;
 * else WSD_TEST_PROVIDER names it; else it is the one that was built.
 */
#include <stdlib.h>
#include <string.h>

#include "conform/children.h"
#include "conform/runner.h"
#include "conform/spi_driver.h"
#include "os/os.h"
#include "provider/provider_id.h"

static const char *library(void)
{
	const char *named = getenv("WSD_TEST_PROVIDER");

	return named && *named ? named : TEST_PROVIDER;
}

CASE(R1_the_library_exports_WSPStartupEx_and_nothing_of_its_own)
{
	static const char *const inside[] = {"WSPStartup", "WSPSend",
		"WSPRegisterMemory", "WSDOpenChannel", "prov_fill_table",
		"provider_transport", "os_now", "status_text"};
	char why[256];
	void *lib;

	if (os_library_open(library(), &lib, why, sizeof why) != ST_OK)
		FAIL("%s: %s", library(), why);
	CHECK(os_library_symbol(lib, "WSPStartupEx") != NULL);
	for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
		if (os_library_symbol(lib, inside[i]))
			FAIL("%s is exported", inside[i]);
	os_library_close(lib);
}

static LPWSPSTARTUPEX entry_of(const char *path)
{
	char why[256];
	void *lib;

	if (os_library_open(path, &lib, why, sizeof why) != ST_OK) {
		os_log_line(why);
		exit(CASE_FAIL);
	}
	return (LPWSPSTARTUPEX)os_library_symbol(lib, "WSPStartupEx");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strpbrk(argv[1], "/\\")) {
		process_set("WSD_TEST_PROVIDER", argv[1]);
		argv++;
		argc--;
	}
	if (getenv("WSD_TEST_SECONDS")) /* a system that is simulated */
		case_seconds_set((unsigned)atoi(getenv("WSD_TEST_SECONDS")));
	spi_target.entry = entry_of(library());
	spi_target.own_id = &prov_identity_of("shm")->id;
	spi_target.address = addr_v4(127, 0, 0, 1, 0);
	return runner_main(argc, argv);
}
