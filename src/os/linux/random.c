/* SPDX-License-Identifier: MIT */
#include "internal.h"

enum status os_random(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		long n = SYS3(SYS_getrandom, p, len, 0);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return ST_SYSTEM;
		p += n;
		len -= (size_t)n;
	}
	return ST_OK;
}
