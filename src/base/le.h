/* SPDX-License-Identifier: MIT */
/*
 * le.h - little-endian numbers at any address, in one instruction each.
 */
#ifndef WSD_BASE_LE_H
#define WSD_BASE_LE_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LE_SWAP(bits, v) __builtin_bswap##bits(v)
#else
#define LE_SWAP(bits, v) (v)
#endif

#define LE_PAIR(bits)                                                         \
	static inline uint##bits##_t le_get##bits(const void *p)              \
	{                                                                     \
		uint##bits##_t v;                                             \
									      \
		memcpy(&v, p, sizeof v);                                      \
		return LE_SWAP(bits, v);                                      \
	}                                                                     \
	static inline void le_put##bits(void *p, uint##bits##_t v)            \
	{                                                                     \
		v = LE_SWAP(bits, v);                                         \
		memcpy(p, &v, sizeof v);                                      \
	}

LE_PAIR(16)
LE_PAIR(32)
LE_PAIR(64)
#undef LE_PAIR

#endif
