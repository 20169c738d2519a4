/* SPDX-License-Identifier: MIT */
/* info.h - the parts of `wsd info`: what is found out, and how it is told. */
#ifndef WSD_CLI_INFO_H
#define WSD_CLI_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "install/install.h"
#include "spi_client.h"
#include "switch/catalog.h"

enum { INFO_PROVIDERS_MAX = 32, INFO_ROUTES_MAX = 64, INFO_TO_MAX = 80 };

struct info_provider {
	struct install_entry entry;
	char problem[INSTALL_WHY_MAX]; /* why it cannot be used; "": it can */
	bool survived; /* loading it is no danger */
	bool started;  /* what `c` says is true, though it is stopped again */
	struct spi_client c;
	bool tells; /* it has WSDQueryNetworks, and that worked */
	WSDNETWORK *networks;
	unsigned network_count;
};

/* What connections to some addresses use. */
struct info_route {
	char to[INFO_TO_MAX]; /* "this host", "192.0.2.0/24", "elsewhere" */
	char provider[32];    /* "": TCP */
	char network[32];     /* "" when it is not told */
	const char *reason;   /* TCP: why */
};

struct info {
	unsigned count;
	struct info_provider *providers; /* in the order of the catalog */
	unsigned broken;
	bool routes_known; /* not when a provider would crash the switch */
	unsigned route_count;
	struct info_route routes[INFO_ROUTES_MAX];
	char policy[SW_PATH_MAX]; /* its rules come first; "": none */
	uint64_t memlock;         /* bytes; UINT64_MAX: no limit */
};

/* All but the routes. False after a message. */
bool info_find(struct info *in);
void info_free(struct info *in);

/* Asks the switch, which loads the providers again. */
void info_find_routes(struct info *in);

/* What a provider is called: in the catalog, by itself, or its library. */
const char *info_name(const struct info_provider *p);
/* What it can do, bit by bit of its capabilities, in words; NULL: no more. */
const char *info_ability(const struct info_provider *p, unsigned *bit);
/* Is there a provider whose services have to pass firewalls? */
bool info_has_services(const struct info *in);

void info_print(const struct info *in);
void info_print_json(const struct info *in);

#endif
