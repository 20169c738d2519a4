/* SPDX-License-Identifier: MIT */
/*
 * table.c - the procedure table, in its order; 17 entries that work and 13
 * that say WSAEOPNOTSUPP (R12).
 */
#include "provider/spi.h"

void prov_fill_table(LPWSPPROC_TABLE table)
{
	*table = (WSPPROC_TABLE){
		.lpWSPAccept = WSPAccept,
		.lpWSPAddressToString = WSPAddressToString,
		.lpWSPAsyncSelect = WSPAsyncSelect,
		.lpWSPBind = WSPBind,
		.lpWSPCancelBlockingCall = WSPCancelBlockingCall,
		.lpWSPCleanup = WSPCleanup,
		.lpWSPCloseSocket = WSPCloseSocket,
		.lpWSPConnect = WSPConnect,
		.lpWSPDuplicateSocket = WSPDuplicateSocket,
		.lpWSPEnumNetworkEvents = WSPEnumNetworkEvents,
		.lpWSPEventSelect = WSPEventSelect,
		.lpWSPGetOverlappedResult = WSPGetOverlappedResult,
		.lpWSPGetPeerName = WSPGetPeerName,
		.lpWSPGetSockName = WSPGetSockName,
		.lpWSPGetSockOpt = WSPGetSockOpt,
		.lpWSPGetQOSByName = WSPGetQOSByName,
		.lpWSPIoctl = WSPIoctl,
		.lpWSPJoinLeaf = WSPJoinLeaf,
		.lpWSPListen = WSPListen,
		.lpWSPRecv = WSPRecv,
		.lpWSPRecvDisconnect = WSPRecvDisconnect,
		.lpWSPRecvFrom = WSPRecvFrom,
		.lpWSPSelect = WSPSelect,
		.lpWSPSend = WSPSend,
		.lpWSPSendDisconnect = WSPSendDisconnect,
		.lpWSPSendTo = WSPSendTo,
		.lpWSPSetSockOpt = WSPSetSockOpt,
		.lpWSPShutdown = WSPShutdown,
		.lpWSPSocket = WSPSocket,
		.lpWSPStringToAddress = WSPStringToAddress,
	};
}
