/* SPDX-License-Identifier: MIT */
/* extensions.h - our own extension functions (<openwsd/wsdext.h>), for cases. */
#ifndef PROVIDER_TEST_EXTENSIONS_H
#define PROVIDER_TEST_EXTENSIONS_H

#include <openwsd/wsdext.h>

#include "conform/endpoint.h"

struct extensions {
	LPFN_WSDQUERYCAPABILITIES capabilities;
	LPFN_WSDGETWAITHANDLE wait_handle;
	LPFN_WSDARM arm;
	LPFN_WSDPEERIDENTITY peer_identity;
	LPFN_WSDABANDON abandon;
	LPFN_WSDSTOPLISTENING stop_listening;
	LPFN_WSDQUERYNETWORKS networks;
	LPFN_WSDOPENCHANNEL open_channel;
};
extern struct extensions ext;

/* spi_start, and asks for ours; all must be there. */
void ext_start(void);

/* WSDArm; its error code, or 0. */
int ext_arm(SOCKET s, DWORD interest);
/* Is the wait handle readable now? */
bool ext_rings(WSDWAITHANDLE h);
/* The listener's condition function says no to whoever is next. */
void ext_reject_next(SOCKET listener);

#endif
