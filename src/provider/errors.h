/* SPDX-License-Identifier: MIT */
/*
 * errors.h - from status to Winsock codes, the only place where it happens.
 */
#ifndef WSD_PROVIDER_ERRORS_H
#define WSD_PROVIDER_ERRORS_H

#include "base/status.h"

/* The code for any function but WSPConnect; 0 for ST_OK. */
int prov_error(enum status st);

/*
 * The code of a connect. WSAECONNREFUSED and WSAEHOSTUNREACH, which forbid the
 * fallback to TCP, come from ST_REFUSED and ST_UNREACHABLE only; WSAECONNRESET
 * never comes, since a transport does not know whether TCP listens (R80-R85).
 */
int prov_connect_error(enum status st);

#endif
