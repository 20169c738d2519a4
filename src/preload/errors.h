/* SPDX-License-Identifier: MIT */
/* errors.h - what a status of the switch is to a program. */
#ifndef WSD_PRELOAD_ERRORS_H
#define WSD_PRELOAD_ERRORS_H

#include "base/status.h"

/* 0 for ST_OK, else an errno value. ST_CLOSED is EPIPE; where it means the end
 * of a stream the caller asks first. */
int errno_of(enum status st);

#endif
