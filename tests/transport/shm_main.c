/* SPDX-License-Identifier: MIT */
#include "cases.h"
#include "transport/shm/shm_rdma.h"

static void serve_all(void)
{
	shm_rdma_forbid_direct(true);
}

int main(int argc, char **argv)
{
	static const struct variant variants[] = {
		{"", "", NULL},
		{"served", "rdma", serve_all},
		{"served", "hostile", serve_all},
	};

	return cases_main(argc, argv, variants, 3);
}
