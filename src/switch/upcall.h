/* SPDX-License-Identifier: MIT */
/*
 * upcall.h - the upcall table that the switch gives to providers.
 */
#ifndef WSD_SWITCH_UPCALL_H
#define WSD_SWITCH_UPCALL_H

#include <openwsd/winsock2.h>
#include <openwsd/ws2spi.h>
#include <openwsd/ws2san.h>

/* The table; constant, shared by all providers. */
LPWSPUPCALLTABLEEX sw_upcalls(void);

/*
 * A request with notification: `overlapped` is its first member, and `done` is
 * called from a provider thread, or from inside an SPI call, when it ends.
 */
struct sw_notified {
	WSAOVERLAPPED overlapped;
	void (*done)(struct sw_notified *n, DWORD error, DWORD bytes);
};

#endif
