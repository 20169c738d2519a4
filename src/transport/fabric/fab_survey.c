/* SPDX-License-Identifier: MIT */
/*
 * fab_survey.c - all that libfabric finds, and why it is used or not.
 *
 * The setting may have chosen nothing, and then nobody has loaded libfabric so
 * far: it is loaded here. What it finds is asked of it without fab_lock, which
 * nobody shall have to wait for meanwhile.
 */
#include <stdio.h>
#include <string.h>

#include "base/sockaddr.h"
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_net.h"
#include "transport/fabric/fab_ops.h"

/* What has been found so far: `count` may be more than there is room for. */
struct survey {
	struct transport_network *list;
	unsigned room, count;
};

static void copy(char *out, size_t room, const char *text)
{
	snprintf(out, room, "%s", text ? text : "");
}

static void add(struct survey *s, const struct transport_network *n)
{
	if (s->count < s->room)
		s->list[s->count] = *n;
	s->count++;
}

static void add_missing(struct survey *s, const char *network,
	const char *reason)
{
	struct transport_network n = {.usable = false};

	copy(n.network, sizeof n.network, network);
	copy(n.reason, sizeof n.reason, reason);
	add(s, &n);
}

/* ---- why -------------------------------------------------------------- */

static bool is(const char *text, const char *other)
{
	return strcmp(text, other) == 0;
}

/* It could be used: what is in the way is the setting, or nothing. */
static void judge_setting(struct transport_network *n)
{
	const char *value = fab_nets_setting(), *wanted = fab_nets_wanted();
	bool chosen = wanted && is(wanted, n->network);

	n->in_use = chosen && fab_net_of(&n->address);
	if (n->in_use)
		return;
	if (chosen)
		copy(n->reason, sizeof n->reason, "libfabric does not offer "
			"the kind of RDMA here that is needed");
	else if (is(value, "off"))
		copy(n->reason, sizeof n->reason,
			"switched off: WSD_FABRIC is off");
	else if (is(value, "auto"))
		copy(n->reason, sizeof n->reason, "WSD_FABRIC is auto, and "
			"this is no RDMA hardware; WSD_FABRIC=tcp uses it");
	else
		snprintf(n->reason, sizeof n->reason, "WSD_FABRIC is %.40s; "
			"WSD_FABRIC=%.20s uses it", value, n->network);
	n->usable = !chosen;
}

static void judge(struct transport_network *n, const struct fi_info *i)
{
	const char *why = NULL;

	if (n->address.family == 0)
		why = "its address is no IP address";
	else if (!(i->caps & FI_RMA))
		why = "lacks RDMA (FI_RMA)";
	else if (!is(n->network, "verbs") && !is(n->network, "tcp"))
		why = "not made for this one; WSD_FABRIC knows verbs and tcp";
	else if (addr_is_loopback(&n->address))
		why = "loopback: reaches this host only";
	if (why) {
		copy(n->reason, sizeof n->reason, why);
		return;
	}
	n->usable = true;
	judge_setting(n);
}

/* ---- what libfabric has ----------------------------------------------- */

static const char *name_of(const struct fi_info *i)
{
	const char *name = i->fabric_attr ? i->fabric_attr->prov_name : NULL;

	return name ? name : "";
}

/* Not one of libfabric's that lies over another: "tcp;ofi_rxm". */
static bool has_connections(const struct fi_info *i)
{
	return i->ep_attr && i->ep_attr->type == FI_EP_MSG &&
		!strchr(name_of(i), ';');
}

static void describe(const struct fi_info *i, struct transport_network *n)
{
	memset(n, 0, sizeof *n);
	copy(n->network, sizeof n->network, name_of(i));
	if (i->domain_attr)
		copy(n->device, sizeof n->device, i->domain_attr->name);
	if (i->src_addr && addr_from_sockaddr(i->src_addr,
				   (int)i->src_addrlen, &n->address))
		n->address.port = 0;
	else
		memset(&n->address, 0, sizeof n->address);
}

static bool is_same(const struct fi_info *a, const struct fi_info *b)
{
	struct transport_network one, other;

	describe(a, &one);
	describe(b, &other);
	return is(one.network, other.network) &&
		is(one.device, other.device) &&
		addr_same_ip(&one.address, &other.address);
}

/* libfabric tells some several times, with this and that attribute. */
static bool told_before(const struct fi_info *all, const struct fi_info *i)
{
	for (; all != i; all = all->next)
		if (has_connections(all) && is_same(all, i))
			return true;
	return false;
}

static void add_connected(struct survey *s, const struct fi_info *all)
{
	struct transport_network n;

	for (const struct fi_info *i = all; i; i = i->next) {
		if (!has_connections(i) || told_before(all, i))
			continue;
		describe(i, &n);
		judge(&n, i);
		add(s, &n);
	}
}

/* Is this the first that is told of a provider, and has it no connections? */
static bool lacks_connections(const struct fi_info *all,
	const struct fi_info *i)
{
	const char *name = name_of(i);

	if (!*name || strchr(name, ';'))
		return false;
	for (const struct fi_info *j = all; j != i; j = j->next)
		if (is(name_of(j), name))
			return false;
	for (; i; i = i->next)
		if (is(name_of(i), name) && has_connections(i))
			return false;
	return true;
}

static void add_others(struct survey *s, const struct fi_info *all)
{
	for (const struct fi_info *i = all; i; i = i->next)
		if (lacks_connections(all, i))
			add_missing(s, name_of(i),
				"has no connections (FI_EP_MSG)");
}

static bool has_verbs(const struct fi_info *all)
{
	for (; all; all = all->next)
		if (has_connections(all) && is(name_of(all), "verbs"))
			return true;
	return false;
}

static void add_hardware(struct survey *s, const struct fi_info *all)
{
	if (has_verbs(all))
		return;
	add_missing(s, "verbs", fab_has_hardware()
		? "libfabric finds no adapter with an IP address: see 'rdma "
		  "link'; its driver is in the package ibverbs-providers"
		: "no RDMA hardware (no /sys/class/infiniband_verbs)");
}

/* Everything, however it wants its memory registered. */
static struct fi_info *ask(void)
{
	struct fi_info *hints = fab_lib.dupinfo(NULL), *all = NULL;

	if (!hints)
		return NULL;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_RAW |
		FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY |
		FI_MR_MMU_NOTIFY | FI_MR_RMA_EVENT | FI_MR_ENDPOINT |
		FI_MR_HMEM | FI_MR_COLLECTIVE;
	if (fab_lib.getinfo(FAB_API, NULL, NULL, 0, hints, &all) != 0)
		all = NULL;
	fab_lib.freeinfo(hints);
	return all;
}

enum status fab_survey(struct transport_network *list, unsigned *count)
{
	struct survey s = {list, *count, 0};
	bool there = fab_lib_open() == ST_OK;
	struct fi_info *all = there ? ask() : NULL;

	if (!there)
		add_missing(&s, "libfabric", fab_lib_problem());
	fab_lock();
	fab_nets_refresh();
	if (there || !fab_has_hardware())
		add_hardware(&s, all);
	add_connected(&s, all);
	add_others(&s, all);
	fab_unlock();
	if (all)
		fab_lib.freeinfo(all);
	*count = s.count;
	return s.count > s.room ? ST_FULL : ST_OK;
}
