/* SPDX-License-Identifier: MIT */
/* host.h - HOST[:PORT] on a command line. */
#ifndef WSD_CLI_HOST_H
#define WSD_CLI_HOST_H

#include <stdbool.h>

#include "base/addr.h"

/* What a server of perf and ping listens on unless it is told. */
#define PERF_PORT 7470

/*
 * "127.0.0.1", "10.1.2.3:99", "::1", "[::1]:99", "localhost". Names are not
 * looked up: a SAN is reached by address. Without a port: PERF_PORT. False when
 * it is none of these.
 */
bool host_parse(const char *text, struct addr *out);

/* An address alone: "127.0.0.1", "::1", "localhost"; port 0. */
bool host_parse_ip(const char *text, struct addr *out);

#endif
