/* SPDX-License-Identifier: MIT */
/*
 * fault_life.h - all that a socket goes through, from the first start-up to the
 * last clean-up, by calls of which each may say no.
 *
 * Both ends are in this process. Nothing in here allocates memory or handles of
 * its own while a life runs, so what runs out runs out in the provider.
 */
#ifndef PROVIDER_FAULT_LIFE_H
#define PROVIDER_FAULT_LIFE_H

#include <stdbool.h>

struct fate {
	const char *step; /* the call that failed */
	int code;         /* 0: none did */
};

/*
 * Lives once, short of something between arm and disarm. Where a call fails,
 * everything that has been made is closed. What must hold then in any case is
 * checked: each switch handle closed, each request completed, no thread and no
 * handle left.
 */
struct fate life(void (*arm)(void), void (*disarm)(void));

#endif
