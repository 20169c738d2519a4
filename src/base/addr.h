/* SPDX-License-Identifier: MIT */
/*
 * addr.h - an internet address and port, independent of the host's sockaddr.
 *
 * IPv4 addresses are kept in their v4-mapped form (::ffff:a.b.c.d) with family
 * 4, so that two addresses are equal exactly when the bytes are. A v4-mapped
 * IPv6 address is stored as family 4: on the wire it is IPv4.
 */
#ifndef WSD_BASE_ADDR_H
#define WSD_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
	uint8_t ip[16];  /* network order; v4-mapped for family 4 */
	uint16_t port;   /* host order */
	uint8_t family;  /* 4, 6, or 0 for "none" */
	uint8_t pad;     /* 0 */
	uint32_t scope;  /* IPv6 scope id, else 0 */
};

/* Longest text of addr_text, with brackets, scope, port and the final NUL. */
#define ADDR_TEXT_MAX 72

struct addr addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);
struct addr addr_any(uint8_t family, uint16_t port);

bool addr_is_any(const struct addr *a);
bool addr_is_loopback(const struct addr *a);  /* 127/8 or ::1 */
bool addr_same_ip(const struct addr *a, const struct addr *b);
bool addr_equal(const struct addr *a, const struct addr *b); /* ip and port */
/*
 * Do both begin with the same `prefix` bits (of 32 or 128, by the family of
 * net)? A net without scope is in every scope.
 */
bool addr_in_subnet(const struct addr *a, const struct addr *net,
	unsigned prefix);

/* "127.0.0.1:80" or "[::1]:80" into text[ADDR_TEXT_MAX]; returns text. */
const char *addr_text(const struct addr *a, char text[ADDR_TEXT_MAX]);

#endif
