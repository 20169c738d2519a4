/* SPDX-License-Identifier: MIT */
#include "install/protocol_info.h"

#include <string.h>

#include "install/utf16.h"

/* Not the host's number: the entry is read by Windows. */
enum { WINDOWS_AF_INET = 2 };

WSAPROTOCOL_INFOW protocol_info_of(const GUID *id, const char *description)
{
	WSAPROTOCOL_INFOW info;

	memset(&info, 0, sizeof info);
	/*
	 * R5: not connectionless, no quality of service, and the handles are
	 * the switch's, not the kernel's.
	 */
	info.dwServiceFlags1 = XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER |
		XP1_MESSAGE_ORIENTED | XP1_GRACEFUL_CLOSE;
	info.dwProviderFlags = PFL_HIDDEN; /* R4 */
	info.ProviderId = *id;             /* R3 */
	info.ProtocolChain.ChainLen = BASE_PROTOCOL;
	info.iVersion = 2;
	info.iAddressFamily = WINDOWS_AF_INET;
	info.iMaxSockAddr = sizeof(struct sockaddr_in);
	info.iMinSockAddr = sizeof(struct sockaddr_in);
	info.iSocketType = SOCK_STREAM;
	info.iProtocol = IPPROTO_TCP;
	info.iNetworkByteOrder = BIGENDIAN;
	info.iSecurityScheme = SECURITY_PROTOCOL_NONE;
	info.dwMessageSize = 0xFFFFFFFF;
	utf16_from_utf8(description, info.szProtocol, WSAPROTOCOL_LEN + 1);
	return info;
}
