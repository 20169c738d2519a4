/* SPDX-License-Identifier: MIT */
#include "transport/fabric/fab_nocache.h"

#include <rdma/fi_errno.h>
#include <rdma/fi_ext.h>
#include <stdbool.h>

#include "transport/fabric/fab_lib.h"

static int refuse_start(struct fid_mem_monitor *monitor)
{
	(void)monitor;
	return -FI_ENOSYS;
}

/* The rest is never called: what has not started is not asked. */
static void nothing(struct fid_mem_monitor *monitor)
{
	(void)monitor;
}

static int refuse(struct fid_mem_monitor *monitor, const void *addr, size_t len)
{
	(void)monitor, (void)addr, (void)len;
	return -FI_ENOSYS;
}

static void ignore(struct fid_mem_monitor *monitor, const void *addr,
	size_t len)
{
	(void)monitor, (void)addr, (void)len;
}

static bool stale(struct fid_mem_monitor *monitor, const void *addr, size_t len)
{
	(void)monitor, (void)addr, (void)len;
	return false;
}

static struct fi_ops_mem_monitor ops = {
	.size = sizeof ops,
	.start = refuse_start,
	.stop = nothing,
	.subscribe = refuse,
	.unsubscribe = ignore,
	.valid = stale,
};

static struct fid_mem_monitor monitor = {
	.fid.fclass = FI_CLASS_MEM_MONITOR,
	.export_ops = &ops,
};

/* A forked child has it from its parent. */
static bool started;

enum status fab_nocache_start(void)
{
	struct fid *cache;
	int r;

	if (started)
		return ST_OK;
	r = fab_lib.open(FAB_API, "mr_cache", NULL, 0, 0, &cache, NULL);
	if (r)
		return fab_status(-r);
	r = fi_import_fid(cache, &monitor.fid, 0);
	fi_close(cache);
	if (r)
		return r == -FI_EBUSY ? ST_BUSY : fab_status(-r);
	started = true;
	return ST_OK;
}

void fab_nocache_stop(void)
{
	if (started)
		fi_close(&monitor.fid);
	started = false;
}
