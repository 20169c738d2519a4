/* SPDX-License-Identifier: MIT */
/* protocol_info.h - the catalog entry of a SAN service provider. */
#ifndef WSD_INSTALL_PROTOCOL_INFO_H
#define WSD_INSTALL_PROTOCOL_INFO_H

#include <openwsd/winsock2.h>

/*
 * What an installer gives to WSCInstallProvider for a provider of this
 * identifier (R3 to R5, section 3). `description` is UTF-8 and becomes the
 * display name, cut at 255 units.
 */
WSAPROTOCOL_INFOW protocol_info_of(const GUID *id, const char *description);

#endif
