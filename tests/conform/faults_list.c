/* SPDX-License-Identifier: MIT */
/* Prints each fault: name, rule, what it does, separated by tabs. */
#include <stdio.h>

#include "wrap.h"

int main(void)
{
	for (unsigned i = 0; fault_lists[i]; i++)
		for (const struct fault *f = fault_lists[i]; f->name; f++)
			printf("%s\t%s\t%s\n", f->name, f->rule, f->text);
	return 0;
}
