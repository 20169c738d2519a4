/* SPDX-License-Identifier: MIT */
/*
 * wsa_status.h - the switch's one table from Winsock codes to status.
 */
#ifndef WSD_SWITCH_WSA_STATUS_H
#define WSD_SWITCH_WSA_STATUS_H

#include <openwsd/winsock2.h>

#include "base/status.h"

/* Never ST_OK for a code other than 0; unknown codes give ST_SYSTEM. */
enum status status_from_wsa(int code);

#endif
