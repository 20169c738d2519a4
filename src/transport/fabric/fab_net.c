/* SPDX-License-Identifier: MIT */
#include "transport/fabric/fab_net.h"

#include <rdma/fi_cm.h>
#include <rdma/fi_endpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sockaddr.h"
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_nocache.h"

#define HARDWARE "/sys/class/infiniband_verbs/abi_version"

enum { ADDRESSES_MAX = 256 };

static struct {
	const char *wanted; /* libfabric's provider; NULL: none */
	struct fab_net *first;
	struct fab_net *left; /* see fab_nets_forget */
	struct addr seen[ADDRESSES_MAX]; /* the host's, at the last look */
	unsigned seen_count;
} nets;

/* ---- the setting ----------------------------------------------------- */

bool fab_has_hardware(void)
{
	char text[16];
	size_t len = sizeof text;

	return os_file_read(HARDWARE, text, &len) == ST_OK;
}

static void complain(const char *format, const char *what)
{
	char line[400];

	snprintf(line, sizeof line, format, what);
	os_log_line(line);
}

/* False: the value is none of those that there are. */
static bool choose(const char *value)
{
	nets.wanted = NULL;
	if (strcmp(value, "off") == 0)
		return true;
	if (strcmp(value, "auto") == 0)
		nets.wanted = fab_has_hardware() ? "verbs" : NULL;
	else if (strcmp(value, "verbs") == 0)
		nets.wanted = "verbs";
	else if (strcmp(value, "tcp") == 0)
		nets.wanted = "tcp";
	else
		return false;
	return true;
}

const char *fab_nets_setting(void)
{
	const char *value = getenv("WSD_FABRIC");

	return value && *value ? value : "auto";
}

const char *fab_nets_wanted(void)
{
	return nets.wanted;
}

bool fab_nets_hardware(void)
{
	return nets.wanted && strcmp(nets.wanted, "verbs") == 0;
}

enum status fab_nets_start(void)
{
	const char *value = fab_nets_setting();

	if (!choose(value)) {
		complain("wsd: WSD_FABRIC: '%s' is not auto, verbs, tcp or off; "
			"no fabric is used", value);
		return ST_OK;
	}
	if (!nets.wanted)
		return ST_OK;
	if (fab_lib_open() != ST_OK) {
		if (strcmp(value, "auto") != 0)
			complain("wsd: no fabric is used: %s",
				fab_lib_problem());
		nets.wanted = NULL;
		return ST_OK;
	}
	if (fab_nets_hardware() && fab_nocache_start() != ST_OK) {
		os_log_line("wsd: no fabric is used: libfabric's registration "
			"cache cannot be switched off");
		nets.wanted = NULL;
		return ST_OK;
	}
	fab_nets_refresh();
	return ST_OK;
}

/* ---- looking --------------------------------------------------------- */

static struct fi_info *hints_for(const char *provider)
{
	struct fi_info *h = fab_lib.dupinfo(NULL);

	if (!h)
		return NULL;
	h->ep_attr->type = FI_EP_MSG;
	h->caps = FI_MSG | FI_RMA;
	h->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR |
		FI_MR_ALLOCATED | FI_MR_PROV_KEY;
	h->domain_attr->threading = FI_THREAD_SAFE;
	h->domain_attr->control_progress = FI_PROGRESS_MANUAL;
	h->domain_attr->data_progress = FI_PROGRESS_MANUAL;
	h->fabric_attr->prov_name = strdup(provider);
	return h;
}

struct fab_net *fab_net_of(const struct addr *own)
{
	struct fab_net *n = nets.first;

	while (n && (n->gone || !addr_same_ip(&n->own, own)))
		n = n->next;
	return n;
}

struct fab_net *fab_nets_first(void)
{
	return nets.first;
}

/* Takes the info over. */
static void add(const struct addr *own, struct fi_info *info)
{
	struct fab_net *n = calloc(1, sizeof *n);

	if (!n) {
		fab_lib.freeinfo(info);
		return;
	}
	n->own = *own;
	n->own.port = 0;
	n->info = info;
	/* Hardware moves by itself. Of others some say that they do, and do not
	 * unless they are called. */
	n->manual = !fab_nets_hardware();
	n->eq_handle = OS_NO_HANDLE;
	n->next = nets.first;
	nets.first = n;
}

/* An address that means something on one link only names no host. */
static bool is_link_local(const struct addr *a)
{
	return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static bool wants(const struct fi_info *i, struct addr *own)
{
	return i->fabric_attr && i->fabric_attr->prov_name && i->src_addr &&
		strcmp(i->fabric_attr->prov_name, nets.wanted) == 0 &&
		i->ep_attr->type == FI_EP_MSG &&
		addr_from_sockaddr(i->src_addr, (int)i->src_addrlen, own) &&
		!addr_is_any(own) && !is_link_local(own);
}

/* Nets come to life again with their address. */
static void take_list(const struct fi_info *list)
{
	for (struct fab_net *n = nets.first; n; n = n->next)
		n->gone = true;
	for (const struct fi_info *i = list; i; i = i->next) {
		struct fab_net *n = nets.first;
		struct fi_info *copy;
		struct addr own;

		if (!wants(i, &own))
			continue;
		while (n && !addr_same_ip(&n->own, &own))
			n = n->next;
		if (n) {
			n->gone = false;
			continue;
		}
		copy = fab_lib.dupinfo(i);
		if (copy)
			add(&own, copy);
	}
}

static bool addresses_changed(void)
{
	struct addr now[ADDRESSES_MAX];
	unsigned count = ADDRESSES_MAX;

	memset(now, 0, sizeof now);
	if (os_local_addresses(now, &count) != ST_OK)
		return false;
	if (count == nets.seen_count &&
		memcmp(now, nets.seen, count * sizeof *now) == 0)
		return false;
	memcpy(nets.seen, now, sizeof now);
	nets.seen_count = count;
	return true;
}

void fab_nets_refresh(void)
{
	struct fi_info *hints, *list;

	if (!nets.wanted || !addresses_changed())
		return;
	hints = hints_for(nets.wanted);
	if (!hints)
		return;
	if (fab_lib.getinfo(FAB_API, NULL, NULL, 0, hints, &list) == 0) {
		take_list(list);
		fab_lib.freeinfo(list);
	} else {
		take_list(NULL);
	}
	fab_lib.freeinfo(hints);
}

/* ---- opening, closing ------------------------------------------------ */

enum status fab_net_open(struct fab_net *n)
{
	struct fi_eq_attr attr = {.size = 256, .wait_obj = FI_WAIT_FD};
	int fd = -1, r;

	if (n->eq)
		return ST_OK;
	r = fab_lib.fabric(n->info->fabric_attr, &n->fabric, n);
	if (r)
		return fab_status(-r);
	r = fi_eq_open(n->fabric, &attr, &n->eq, n);
	if (r == 0)
		r = fi_control(&n->eq->fid, FI_GETWAIT, &fd);
	n->eq_handle = fd;
	if (r == 0 && fab_helper_watch_net(n) == ST_OK)
		return ST_OK;
	if (n->eq)
		fi_close(&n->eq->fid);
	fi_close(&n->fabric->fid);
	n->eq = NULL;
	n->fabric = NULL;
	return r ? fab_status(-r) : ST_NOHANDLES;
}

void fab_nets_stop(void)
{
	while (nets.first) {
		struct fab_net *n = nets.first;

		nets.first = n->next;
		if (n->eq)
			fi_close(&n->eq->fid);
		if (n->fabric)
			fi_close(&n->fabric->fid);
		fab_lib.freeinfo(n->info);
		free(n);
	}
	nets.seen_count = 0;
	fab_nocache_stop();
}

/* Connections of the parent, which the child still has to close, point to some
 * of them. */
void fab_nets_forget(void)
{
	struct fab_net **end = &nets.left;

	while (*end)
		end = &(*end)->next;
	*end = nets.first;
	nets.first = NULL;
	nets.seen_count = 0;
}
