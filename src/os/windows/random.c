/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <bcrypt.h>

enum status os_random(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		ULONG n = len > 1u << 30 ? 1u << 30 : (ULONG)len;

		if (BCryptGenRandom(NULL, p, n,
			    BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0)
			return ST_SYSTEM;
		p += n;
		len -= n;
	}
	return ST_OK;
}
