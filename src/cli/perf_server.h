/* SPDX-License-Identifier: MIT */
/* perf_server.h - the end of `wsd perf` and `wsd ping` that answers. */
#ifndef WSD_CLI_PERF_SERVER_H
#define WSD_CLI_PERF_SERVER_H

#include "os/os_child.h"
#include "spi_client.h"

/*
 * Serves whoever connects to `at`, several at once, until the user ends it. An
 * exit status, after a message when it is not 0. `ready` is called once, when
 * peers can connect.
 */
int perf_serve(struct spi_client *c, const struct addr *at,
	void (*ready)(const struct addr *at));

/*
 * The same as a child of this program: starts it with the provider at this
 * path and stores where it listens. False after a message.
 */
bool perf_child_start(const char *library, struct os_child *child,
	struct addr *at);
/*
 * What a client's message adds to "wsd perf --server": " --provider NAME", or
 * "" for a provider that serves this host, the one that a server has anyway.
 */
#define SERVER_HINT_MAX 64
const char *server_hint(const struct spi_client *c, char text[SERVER_HINT_MAX]);

/* What that child does; the exit status. */
int perf_child_serve(struct spi_client *c);

#endif
