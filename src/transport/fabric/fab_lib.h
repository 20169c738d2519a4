/* SPDX-License-Identifier: MIT */
/*
 * fab_lib.h - libfabric, looked for when it is needed.
 *
 * The library is opened at the first start that has a use for it and not linked
 * with, so that a host without it can load this provider and be told what is
 * missing, and a program that never leaves its host does not pay for loading
 * it. Everything else of libfabric's interface is reached through the objects
 * these functions make.
 */
#ifndef WSD_TRANSPORT_FAB_LIB_H
#define WSD_TRANSPORT_FAB_LIB_H

#include <rdma/fabric.h>

#include "base/status.h"

/* The interface that this transport is written for. */
#define FAB_API FI_VERSION(1, 17)

struct fab_lib {
	int (*getinfo)(uint32_t version, const char *node, const char *service,
		uint64_t flags, const struct fi_info *hints,
		struct fi_info **info);
	void (*freeinfo)(struct fi_info *info);
	struct fi_info *(*dupinfo)(const struct fi_info *info);
	int (*fabric)(struct fi_fabric_attr *attr, struct fid_fabric **fabric,
		void *context);
	int (*open)(uint32_t version, const char *name, void *attr,
		size_t attr_len, uint64_t flags, struct fid **fid,
		void *context);
	uint32_t (*version)(void);
};

/* Good after fab_lib_open has said ST_OK. */
extern struct fab_lib fab_lib;

/* Once per process; says the same each time. ST_NOTFOUND not installed, or it
 * cannot be loaded, ST_VERSION too old; then fab_lib_problem has one line about
 * it. */
enum status fab_lib_open(void);
const char *fab_lib_problem(void);

/* What an error of libfabric (a positive number) is here. */
enum status fab_status(int error);

#endif
