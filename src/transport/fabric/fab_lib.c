/* SPDX-License-Identifier: MIT */
#include "transport/fabric/fab_lib.h"

#include <rdma/fi_errno.h>
#include <stdio.h>
#include <string.h>

#include "os/os.h"

#define LIBRARY "libfabric.so.1"

struct fab_lib fab_lib;

static struct os_once once = OS_ONCE_INIT;
static enum status opened = ST_NOTFOUND;
static char problem[300];

static bool find(void *lib, const char *name, void *place)
{
	void *symbol = os_library_symbol(lib, name);

	memcpy(place, &symbol, sizeof symbol);
	return symbol != NULL;
}

static bool find_all(void *lib)
{
	return find(lib, "fi_getinfo", &fab_lib.getinfo) &&
		find(lib, "fi_freeinfo", &fab_lib.freeinfo) &&
		find(lib, "fi_dupinfo", &fab_lib.dupinfo) &&
		find(lib, "fi_fabric", &fab_lib.fabric) &&
		find(lib, "fi_open", &fab_lib.open) &&
		find(lib, "fi_version", &fab_lib.version);
}

/* The system's words for "not installed" help nobody to install it. */
static void explain(void)
{
	static const char missing[] = LIBRARY ": cannot open shared object "
		"file: No such file";

	if (strncmp(problem, missing, sizeof missing - 1) == 0)
		snprintf(problem, sizeof problem, LIBRARY " is not installed: "
			"apt-get install libfabric1");
}

static void open_library(void)
{
	void *lib;

	if (os_library_open(LIBRARY, &lib, problem, sizeof problem) != ST_OK) {
		explain();
		return;
	}
	opened = ST_VERSION;
	if (find_all(lib) && FI_VERSION_GE(fab_lib.version(), FAB_API)) {
		opened = ST_OK;
		return;
	}
	snprintf(problem, sizeof problem, LIBRARY " is older than %d.%d",
		FI_MAJOR(FAB_API), FI_MINOR(FAB_API));
	os_library_close(lib);
}

enum status fab_lib_open(void)
{
	os_once(&once, open_library);
	return opened;
}

const char *fab_lib_problem(void)
{
	return problem;
}

enum status fab_status(int error)
{
	switch (error) {
	case 0:
		return ST_OK;
	case FI_EAGAIN:
		return ST_AGAIN;
	case FI_ENOMEM:
	case FI_ENOSPC:
		return ST_NOMEM;
	case FI_EMFILE:
		return ST_NOHANDLES;
	case FI_EACCES:
	case FI_EPERM:
		return ST_ACCESS;
	case FI_EINVAL:
	case FI_ENOKEY:
		return ST_INVAL;
	case FI_EFAULT:
		return ST_FAULT;
	case FI_EMSGSIZE:
	case FI_ETOOSMALL:
	case FI_ETRUNC:
		return ST_MSGSIZE;
	case FI_EADDRINUSE:
		return ST_EXISTS;
	case FI_EADDRNOTAVAIL:
		return ST_NOTLOCAL;
	case FI_ETIMEDOUT:
		return ST_TIMEDOUT;
	case FI_EHOSTUNREACH:
	case FI_ENETUNREACH:
		return ST_UNREACHABLE;
	case FI_ECONNREFUSED:
		return ST_REFUSED;
	case FI_ECONNRESET:
	case FI_ECONNABORTED:
	case FI_ESHUTDOWN:
	case FI_ENOTCONN:
	case FI_ECANCELED:
		return ST_RESET;
	default:
		return ST_SYSTEM;
	}
}
