/* SPDX-License-Identifier: MIT */
#include "switch/settings.h"
#include "switch/switch.h"

bool sw_enabled(void)
{
	return sw_settings()->enable;
}
