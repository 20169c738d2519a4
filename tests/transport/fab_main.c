/* SPDX-License-Identifier: MIT */
/* The suite over the fabric transport, with libfabric's provider for TCP. */
#include <stdlib.h>

#include "cases.h"

int main(int argc, char **argv)
{
	static const struct variant variants[] = {{"", "", NULL}};

	setenv("WSD_FABRIC", "tcp", 1);
	case_traits = TRAIT_PROCESSES;
	return cases_main(argc, argv, variants, 1);
}
