/* SPDX-License-Identifier: MIT */
/*
 * fab_net.h - the networks that libfabric reaches, one for each own address.
 *
 * Which of libfabric's providers are used is the setting WSD_FABRIC:
 *
 *   auto      verbs, when this host has RDMA hardware (the default)
 *   verbs     RDMA hardware
 *   tcp       libfabric over the kernel's TCP: any network, slower than a socket
 *   off       none
 *
 * All of it is guarded by fab_lock (fab_helper.h). A net is never freed, so that
 * who has one may keep it; one whose address has gone is marked.
 */
#ifndef WSD_TRANSPORT_FAB_NET_H
#define WSD_TRANSPORT_FAB_NET_H

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_eq.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "os/os.h"

struct fab_net {
	struct fab_net *next;
	struct addr own;      /* port 0 */
	struct fi_info *info; /* its source address is `own` */
	bool gone;            /* the address is no longer there */
	bool manual;          /* moves only inside calls (FI_PROGRESS_MANUAL) */
	/* NULL until the first use: */
	struct fid_fabric *fabric;
	struct fid_eq *eq;
	os_handle eq_handle; /* the event queue's, in the helper's poller */
};

/* Reads the setting. Says what is wrong with it, or that libfabric is missing;
 * then, and without hardware, there is nothing to serve, which is ST_OK. */
enum status fab_nets_start(void);
/* Closes all. */
void fab_nets_stop(void);
/* In a forked child: forgets them; what they held stays with the parent. */
void fab_nets_forget(void);

/* The setting's value, whether it is one or not. */
const char *fab_nets_setting(void);
/* libfabric's provider that follows from it; NULL: none is used. */
const char *fab_nets_wanted(void);
/* Is that one for hardware? The same from the start on. */
bool fab_nets_hardware(void);
/* Does the system know RDMA hardware? */
bool fab_has_hardware(void);

/* Looks again if this host's addresses have changed. */
void fab_nets_refresh(void);
struct fab_net *fab_nets_first(void);
/* The one with this own address, or NULL. Does not look again. */
struct fab_net *fab_net_of(const struct addr *own);
/* Fabric and event queue are open. */
enum status fab_net_open(struct fab_net *n);

#endif
