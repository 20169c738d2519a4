/* SPDX-License-Identifier: MIT */
/*
 * fab_port.h - the rule from a TCP port to a fabric service.
 *
 * A listener on TCP port p is offered at one of four services of the same
 * address: 61000 + (p + 1125 * i) mod 4500, for i = 0, 1, 2, 3; the first that
 * is free. Who connects tries them in this order until a listener says that p
 * is its own. So several processes of a host need no daemon, and an
 * administrator opens 61000 to 65499. The range lies above the ports that Linux
 * takes for clients. For libfabric's "tcp" provider a service is a TCP port,
 * for "verbs" a port of the RDMA connection manager (RDMA_PS_TCP).
 */
#ifndef WSD_TRANSPORT_FAB_PORT_H
#define WSD_TRANSPORT_FAB_PORT_H

#include <stdint.h>

enum {
	FAB_SERVICE_FIRST = 61000,
	FAB_SERVICE_COUNT = 4500,
	FAB_SERVICE_CHOICES = 4,
};

static inline uint16_t fab_service(uint16_t port, unsigned choice)
{
	unsigned step = FAB_SERVICE_COUNT / FAB_SERVICE_CHOICES;

	return (uint16_t)(FAB_SERVICE_FIRST +
		(port + choice * step) % FAB_SERVICE_COUNT);
}

#endif
