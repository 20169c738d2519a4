/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <string.h>

#include "base/sockaddr.h"

enum { HOST_MAX = 64 };

static bool parse_port(const char *text, uint16_t *out)
{
	unsigned v = 0;

	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (unsigned)(*text - '0');
	}
	*out = (uint16_t)v;
	return v >= 1 && v <= UINT16_MAX;
}

/* Where the port begins; NULL: there is none. */
static const char *port_of(const char *text, char host[HOST_MAX])
{
	const char *colon = strrchr(text, ':');
	size_t len = strlen(text);

	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		colon = end && end[1] == ':' ? end + 1 : NULL;
		len = end && (end[1] == ':' || !end[1])
			? (size_t)(end - text) - 1 : HOST_MAX;
		text++;
	} else if (colon && strchr(text, ':') != colon) {
		colon = NULL; /* an IPv6 address */
	} else if (colon) {
		len = (size_t)(colon - text);
	}
	if (len >= HOST_MAX)
		len = 0;
	memcpy(host, text, len);
	host[len] = '\0';
	return colon ? colon + 1 : NULL;
}

bool host_parse_ip(const char *host, struct addr *out)
{
	union sockaddr_any any;

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	memset(&any, 0, sizeof any);
	if (inet_pton(AF_INET, host, &any.in.sin_addr) == 1) {
		any.sa.sa_family = AF_INET;
		return addr_from_sockaddr(&any.sa, sizeof any.in, out);
	}
	if (inet_pton(AF_INET6, host, &any.in6.sin6_addr) == 1) {
		any.sa.sa_family = AF_INET6;
		return addr_from_sockaddr(&any.sa, sizeof any.in6, out);
	}
	return false;
}

bool host_parse(const char *text, struct addr *out)
{
	char host[HOST_MAX];
	const char *port = port_of(text, host);

	if (!host_parse_ip(host, out))
		return false;
	out->port = PERF_PORT;
	return !port || parse_port(port, &out->port);
}
