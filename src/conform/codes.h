/* SPDX-License-Identifier: MIT */
/* codes.h - Winsock codes by name, and what they permit. */
#ifndef WSD_CONFORM_CODES_H
#define WSD_CONFORM_CODES_H

#include <stdbool.h>

/* "WSAEINVAL", "success", or "an unknown code"; never NULL. */
const char *code_name(int code);

/* An error of WSPConnect after which the switch may try TCP (spec 7.6). */
bool code_allows_tcp(int code);
/* An error that says that a connection is lost (R194, R198). */
bool code_tells_loss(int code);

#endif
