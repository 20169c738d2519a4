/* SPDX-License-Identifier: MIT */
#include "builtin.h"

#include "install/install.h"
#include "switch/catalog.h"

void builtin_tell_switch(void)
{
	struct install_entry e;

	if (install_builtin(0, &e))
		sw_catalog_builtin(e.library);
}
