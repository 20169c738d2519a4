/* SPDX-License-Identifier: MIT */
/*
 * provider_mock_test [PART]: the kit's cases over the core linked with the mock
 * transport, and those that need its faults.
 */
#include "conform/runner.h"
#include "conform/spi_driver.h"
#include "provider/provider_id.h"

int main(int argc, char **argv)
{
	spi_target.entry = WSPStartupEx;
	spi_target.own_id = &prov_identity_of("mock")->id;
	spi_target.one_process = true;
	spi_target.address = addr_v4(127, 0, 0, 1, 0);
	return runner_main(argc, argv);
}
