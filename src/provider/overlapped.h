/* SPDX-License-Identifier: MIT */
/*
 * overlapped.h - what a WSAOVERLAPPED holds and when (section 10).
 */
#ifndef WSD_PROVIDER_OVERLAPPED_H
#define WSD_PROVIDER_OVERLAPPED_H

#include <stdbool.h>

#include <openwsd/winsock2.h>
#include <openwsd/ws2spi.h>

struct prov_socket;

/* Bit 0 of hEvent clear asks for the upcall (R127), set for none (R126); a NULL
 * event has it clear (R128). */
static inline bool prov_overlapped_notifies(const WSAOVERLAPPED *ov)
{
	return !((ULONG_PTR)ov->hEvent & 1);
}

/* Belongs to the provider from now on. */
void prov_overlapped_begin(LPWSAOVERLAPPED ov);

static inline bool prov_overlapped_pending(const WSAOVERLAPPED *ov)
{
	/* Pairs with the release in prov_overlapped_show. */
	return __atomic_load_n(&ov->Internal, __ATOMIC_ACQUIRE) ==
		WSS_OPERATION_IN_PROGRESS;
}

/* Shows the result; the OVERLAPPED must not be touched afterwards (R132). */
void prov_overlapped_show(LPWSAOVERLAPPED ov, int error, DWORD bytes,
	DWORD flags);

/* The same by upcall. No locks held. */
void prov_overlapped_notify(struct prov_socket *s, LPWSAOVERLAPPED ov,
	int error, DWORD bytes, DWORD flags);

/*
 * What the four data functions have in common: 0, or the error of these
 * arguments. WSAEFAULT, WSAEINVAL (no overlapped, bad count), WSAEOPNOTSUPP (a
 * completion routine, flags).
 */
int prov_overlapped_check(const void *buffers, DWORD count, DWORD flags,
	LPWSAOVERLAPPED ov, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/* Counts an upcall of this thread in and out; are we inside one? */
void prov_upcall_enter(void);
void prov_upcall_leave(void);
bool prov_upcall_inside(void);

#endif
