/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct addr addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	struct addr r = {.family = 4, .port = port};

	memcpy(r.ip, mapped_prefix, sizeof mapped_prefix);
	r.ip[12] = a;
	r.ip[13] = b;
	r.ip[14] = c;
	r.ip[15] = d;
	return r;
}

struct addr addr_any(uint8_t family, uint16_t port)
{
	struct addr six = {.family = 6, .port = port};

	return family == 4 ? addr_v4(0, 0, 0, 0, port) : six;
}

bool addr_is_any(const struct addr *a)
{
	struct addr any = addr_any(a->family, 0);

	return memcmp(a->ip, any.ip, sizeof any.ip) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == 4)
		return a->ip[12] == 127;
	return memcmp(a->ip, one, sizeof one) == 0;
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->scope == b->scope &&
		memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_same_ip(a, b) && a->port == b->port;
}

bool addr_in_subnet(const struct addr *a, const struct addr *net,
	unsigned prefix)
{
	unsigned bits = net->family == 4 ? 96 + prefix : prefix;
	unsigned whole = bits / 8, rest = bits % 8;

	if (a->family != net->family || bits > 128 ||
		(net->scope && net->scope != a->scope))
		return false;
	if (memcmp(a->ip, net->ip, whole) != 0)
		return false;
	return rest == 0 || (a->ip[whole] ^ net->ip[whole]) >> (8 - rest) == 0;
}

/* The longest run of zero groups (at least two), for "::". */
static void longest_zero_run(const uint16_t g[8], int *start, int *len)
{
	*start = -1;
	*len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && g[i + n] == 0)
			n++;
		if (n > *len) {
			*start = i;
			*len = n;
		}
	}
}

static int text_v6(const uint8_t ip[16], char *out, size_t room)
{
	uint16_t g[8];
	int start, run, n = 0;

	for (int i = 0; i < 8; i++)
		g[i] = (uint16_t)(ip[2 * i] << 8 | ip[2 * i + 1]);
	longest_zero_run(g, &start, &run);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			n += snprintf(out + n, room - (size_t)n, "::");
			i += run - 1;
			continue;
		}
		n += snprintf(out + n, room - (size_t)n, "%s%x",
			i > 0 && i != start + run ? ":" : "", g[i]);
	}
	return n;
}

const char *addr_text(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	char ip[48];

	if (a->family == 4) {
		snprintf(text, ADDR_TEXT_MAX, "%u.%u.%u.%u:%u", a->ip[12],
			a->ip[13], a->ip[14], a->ip[15], a->port);
	} else if (a->family == 6) {
		text_v6(a->ip, ip, sizeof ip);
		if (a->scope)
			snprintf(text, ADDR_TEXT_MAX, "[%s%%%u]:%u", ip,
				(unsigned)a->scope, a->port);
		else
			snprintf(text, ADDR_TEXT_MAX, "[%s]:%u", ip, a->port);
	} else {
		snprintf(text, ADDR_TEXT_MAX, "none");
	}
	return text;
}
