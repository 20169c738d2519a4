/* SPDX-License-Identifier: MIT */
#include "spi_source.h"

#include "os/os.h"

enum { SUBNETS_MAX = 128 };

static bool has(const struct spi_client *c, const struct addr *a)
{
	for (unsigned i = 0; i < c->address_count; i++)
		if (addr_same_ip(&c->addresses[i], a))
			return true;
	return false;
}

/* The one with the longest prefix in common. */
static bool find_near(const struct spi_client *c, const struct addr *to,
	struct addr *out)
{
	struct os_subnet all[SUBNETS_MAX];
	const struct os_subnet *best = NULL;
	unsigned n = SUBNETS_MAX;
	enum status st = os_local_subnets(all, &n);

	if (st != ST_OK && st != ST_FULL)
		return false;
	for (unsigned i = 0; i < n && i < SUBNETS_MAX; i++)
		if (has(c, &all[i].address) &&
			addr_in_subnet(to, &all[i].address, all[i].prefix) &&
			(!best || all[i].prefix > best->prefix))
			best = &all[i];
	if (best)
		*out = best->address;
	return best != NULL;
}

bool spi_source(const struct spi_client *c, const struct addr *to,
	struct addr *out)
{
	*out = *to;
	out->port = 0;
	if (addr_is_loopback(to) || has(c, to)) {
		if (to->family == 4 && addr_is_loopback(to))
			*out = addr_v4(127, 0, 0, 1, 0);
		return true;
	}
	if (find_near(c, to, out))
		return true;
	for (unsigned i = 0; i < c->address_count; i++) {
		*out = c->addresses[i];
		if (out->family == to->family && !addr_is_loopback(out))
			return true;
	}
	return false;
}

bool spi_reaches(const struct spi_client *c, const struct addr *to)
{
	struct addr from;

	if (c->can.dwFlags & WSD_CAP_SAME_HOST)
		return os_address_is_local(to);
	return has(c, to) || find_near(c, to, &from);
}
