/* SPDX-License-Identifier: MIT */
/*
 * provider_mock_test [PART]: the cases over the core linked with the mock
 * transport, and those that need its faults.
 */
#include "cases.h"
#include "provider/provider_id.h"
#include "spi_driver.h"

LPWSPSTARTUPEX spi_entry(void)
{
	return WSPStartupEx;
}

GUID spi_own_id(void)
{
	return prov_identity_of("mock")->id;
}

bool spi_crosses_processes(void)
{
	return false;
}

int main(int argc, char **argv)
{
	return cases_main(argc, argv);
}
