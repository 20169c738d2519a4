/* SPDX-License-Identifier: MIT */
/* guid_text.h - "{8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294}", as the registry
 * and people write a GUID. */
#ifndef WSD_INSTALL_GUID_TEXT_H
#define WSD_INSTALL_GUID_TEXT_H

#include <stdbool.h>

#include <openwsd/winsock2.h>

#define GUID_TEXT_MAX 39 /* with the final NUL */

const char *guid_text(const GUID *id, char text[GUID_TEXT_MAX]);

/* With or without braces, in either case; nothing else around it. */
bool guid_parse(const char *text, GUID *out);

#endif
