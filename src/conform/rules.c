/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include <stddef.h>

#include "cases.h"

#define INSTALLATION                                                          \
	"the installer's matter: see wsd provider check"

/* At R<n> - 1. */
static const struct {
	const char *title;
	const char *elsewhere;
} rules[RULE_COUNT] = {
	/* R1 */
	{"exports WSPStartupEx by that name", NULL},
	{"installing writes the GUID, 16 bytes, under \"TCP on SAN\"",
		INSTALLATION},
	{"the GUID in the registry is the ProviderId of the catalog entry",
		INSTALLATION},
	{"the catalog entry is hidden from applications", INSTALLATION},
	{"the catalog entry is a base provider's and claims nothing it has not",
		INSTALLATION},
	/* R6 */
	{"removing deletes the registry value and both catalog entries",
		INSTALLATION},
	{"installing twice changes nothing and says so", INSTALLATION},
	{"WSPStartupEx returns its error as result, 0 on success", NULL},
	{"version below 2.2 is refused, 2.2 and above answered with 2.2", NULL},
	{"NULL lpWSPData or lpProcTable gives WSAEFAULT", NULL},
	/* R11 */
	{"a network that is not ready has its code and is not counted", NULL},
	{"the 17 entries are there; others give WSAEOPNOTSUPP or are NULL",
		NULL},
	{"a caller with another provider's ProviderId is the switch", NULL},
	{"a caller with the provider's own ProviderId is a direct one", NULL},
	{"the upcall table is copied", NULL},
	/* R16 */
	{"WPUCompleteOverlappedRequest is taken from the upcall table", NULL},
	{"two start-ups need two clean-ups", NULL},
	{"clean-up without start-up gives WSANOTINITIALISED", NULL},
	{"the last clean-up aborts each pending request once", NULL},
	{"the last clean-up leaves no thread, handle or socket", NULL},
	/* R21 */
	{"start-up works again after the last clean-up", NULL},
	{"a failed start-up locks nothing: the next one works", NULL},
	{"WSPSocket succeeds and calls WPUCreateSocketHandle once", NULL},
	{"descriptors of open sockets differ", NULL},
	{"a wrong family gives WSAEAFNOSUPPORT", NULL},
	/* R26 */
	{"a wrong type gives WSAESOCKTNOSUPPORT or WSAEPROTOTYPE", NULL},
	{"a wrong protocol gives WSAEPROTONOSUPPORT", NULL},
	{"failing WPUCreateSocketHandle is passed on, nothing leaks", NULL},
	{"lack of memory gives WSAENOBUFS", NULL},
	{"upcalls pass the switch handle, never the descriptor", NULL},
	/* R31 */
	{"WSPBind takes an own address with a port", NULL},
	{"WSPBind takes 0.0.0.0 with a port", NULL},
	{"WSPBind to a foreign address gives WSAEADDRNOTAVAIL", NULL},
	{"a second WSPBind gives WSAEINVAL", NULL},
	{"WSPBind with a bad name gives WSAEFAULT", NULL},
	/* R36 */
	{"WSAEADDRINUSE never comes from WSPBind or WSPListen", NULL},
	{"WSAEINPROGRESS never comes from any function", NULL},
	{"WSPGetSockOpt works in every state", NULL},
	{"SO_MAX_MSG_SIZE is at least 256, and WSPSend honours it", NULL},
	{"SO_MAX_RDMA_SIZE is there, and RDMA honours it", NULL},
	/* R41 */
	{"SO_RDMA_THRESHOLD_SIZE is not above SO_MAX_RDMA_SIZE", NULL},
	{"too small *optlen gives WSAEFAULT and the size", NULL},
	{"an unknown option gives WSAENOPROTOOPT", NULL},
	{"an unknown level gives WSAEINVAL", NULL},
	{"NULL optval gives WSAEFAULT", NULL},
	/* R46 */
	{"SO_DEBUG reads back what was set", NULL},
	{"group options without QoS give WSAENOPROTOOPT", NULL},
	{"each extension has a pointer, and its size is told", NULL},
	{"extensions can be asked for with an invalid socket", NULL},
	{"without WSPRdmaRead its GUID gives WSAEOPNOTSUPP", NULL},
	/* R51 */
	{"without the cache callback its GUID gives WSAEOPNOTSUPP", NULL},
	{"an unknown GUID is refused, the output left alone", NULL},
	{"too small buffers for an extension give WSAEFAULT", NULL},
	{"too little room for the address list gives WSAEFAULT and the size",
		NULL},
	{"the address list fits exactly and lies in the caller's buffer", NULL},
	/* R56 */
	{"the address list has each own IPv4 address once", NULL},
	{"the address list is fresh after an address has come or gone",
		"needs addresses that come and go; of ours: tests/provider"},
	{"the address list can be had on an unbound socket", NULL},
	{"QoS control codes without QoS give WSAEOPNOTSUPP", NULL},
	{"WSPGetQOSByName without QoS: FALSE and WSAEOPNOTSUPP", NULL},
	/* R61 */
	{"WSPEventSelect takes FD_ACCEPT and FD_CONNECT only", NULL},
	{"an event before WSPEventSelect signals at once", NULL},
	{"a request between WSPListen and WSPEventSelect is signalled", NULL},
	{"WSPEventSelect without event stops signalling", NULL},
	{"WSPEnumNetworkEvents takes the record, resets the event", NULL},
	/* R66 */
	{"WSPEnumNetworkEvents without event clears the record only", NULL},
	{"iErrorCode has the result of the connect, 0 for accept", NULL},
	{"the record is stored before the event is set", NULL},
	{"no event is lost or told twice", NULL},
	{"WSPConnect returns WSAEWOULDBLOCK and does not block", NULL},
	/* R71 */
	{"success is FD_CONNECT with 0; the socket is usable then", NULL},
	{"what is known at once may be returned at once", NULL},
	{"a second WSPConnect while connecting gives WSAEALREADY", NULL},
	{"WSPConnect when connected gives WSAEISCONN, listening WSAEINVAL",
		NULL},
	{"WSPConnect of an unbound socket gives WSAEINVAL", NULL},
	/* R76 */
	{"no address or no port gives WSAEADDRNOTAVAIL", NULL},
	{"a short name gives WSAEFAULT", NULL},
	{"the peer's CF_REJECT gives WSAECONNREFUSED", NULL},
	{"the peer's full backlog gives WSAECONNREFUSED", NULL},
	{"nobody listening gives WSAECONNRESET, or allows TCP", NULL},
	/* R81 */
	{"WSAEHOSTUNREACH only when there is surely no such host", NULL},
	{"a peer without WSD gives WSAETIMEDOUT, or allows TCP", NULL},
	{"lack of resources here allows TCP", NULL},
	{"lack of resources there allows TCP", NULL},
	{"a listener of TCP only allows TCP", NULL},
	/* R86 */
	{"no answer gives WSAETIMEDOUT in bounded time", NULL},
	{"after a failed connect the socket closes without completion", NULL},
	{"close while connecting is prompt and never signals", NULL},
	{"connect data is refused or sent", NULL},
	{"WSPListen on an unbound socket gives WSAEINVAL", NULL},
	/* R91 */
	{"WSPListen on a connected socket gives WSAEISCONN", NULL},
	{"SOMAXCONN gives a bounded, reasonable backlog", NULL},
	{"backlog n keeps n requests and refuses the next at once", NULL},
	{"a backlog refusal does not signal FD_ACCEPT", NULL},
	{"a second WSPListen changes the backlog", NULL},
	/* R96 */
	{"an arriving request signals FD_ACCEPT", NULL},
	{"WSPAccept with an empty queue gives WSAEWOULDBLOCK", NULL},
	{"WSPAccept on what does not listen gives WSAEINVAL", NULL},
	{"too little room for the address gives WSAEFAULT, the request stays",
		NULL},
	{"the condition function runs in the thread of WSPAccept", NULL},
	/* R101 */
	{"the peer hears nothing before the condition function returns", NULL},
	{"the condition function gets both addresses and its data", NULL},
	{"the condition function may call the provider", NULL},
	{"CF_REJECT gives WSAECONNREFUSED and no switch handle", NULL},
	{"CF_ACCEPT makes one switch handle and a connected socket", NULL},
	/* R106 */
	{"WSPAccept tells the peer's address, 16 bytes", NULL},
	{"WSPAccept resets the event before it returns", NULL},
	{"with requests left the event is signalled again", NULL},
	{"an undefined answer of the condition function refuses", NULL},
	{"CF_DEFER keeps the request first, gives WSATRY_AGAIN", NULL},
	/* R111 */
	{"no descriptors left gives WSAEMFILE, the request stays", NULL},
	{"a withdrawn request never becomes a live socket", NULL},
	{"failure after CF_ACCEPT leaves no handle, and allows TCP", NULL},
	{"a wildcard listener accepts on every own address", NULL},
	{"an accepted socket inherits the listener's options", NULL},
	/* R116 */
	{"closing a listener refuses what is queued", NULL},
	{"a message of 256 bytes before any WSPRecv is kept", NULL},
	{"the connection survives that no receive was posted", NULL},
	{"early messages go one to one to receives, in order", NULL},
	{"later messages go to later receives", NULL},
	/* R121 */
	{"early messages also go to the process that took over", NULL},
	{"WSPRecv may come before the handshake is finished", NULL},
	{"data functions return SOCKET_ERROR and WSA_IO_PENDING", NULL},
	{"an error other than that is never followed by a completion", NULL},
	{"nonblocking mode changes nothing for data functions", NULL},
	/* R126 */
	{"hEvent bit 0 set: never a completion by upcall", NULL},
	{"hEvent bit 0 clear: exactly one, with handle, error, bytes", NULL},
	{"hEvent 0 counts as bit 0 clear", NULL},
	{"Internal is 0x103 from posting until completion", NULL},
	{"other fields are visible before Internal changes", NULL},
	/* R131 */
	{"OffsetHigh has the error, Offset flags, InternalHigh bytes", NULL},
	{"the OVERLAPPED is not touched after its completion", NULL},
	{"pending, fWait FALSE: FALSE and WSA_IO_INCOMPLETE", NULL},
	{"pending, fWait TRUE: waits, then gives the result", NULL},
	{"done without error: TRUE, bytes and flags", NULL},
	/* R136 */
	{"done with error: FALSE, the error, *lpcbTransfer unchanged", NULL},
	{"result of an invalid socket: FALSE and WSAENOTSOCK", NULL},
	{"polling alone makes progress", NULL},
	{"after a notification the result is the same", NULL},
	{"one WSPSend is exactly one WSPRecv, same bytes", NULL},
	/* R141 */
	{"messages arrive in order, none lost or doubled", NULL},
	{"gather and scatter keep the order of bytes", NULL},
	{"the WSABUF array may be overwritten after the call", NULL},
	{"buffers that are not registered here give WSAEFAULT", NULL},
	{"a message above SO_MAX_MSG_SIZE gives WSAEMSGSIZE", NULL},
	/* R146 */
	{"a message too long for its receive is never cut", NULL},
	{"data calls before a connection give WSAENOTCONN", NULL},
	{"full queues give WSAENOBUFS or wait; nothing is lost", NULL},
	{"at least 16 sends and 16 receives can be pending", NULL},
	{"completions of one direction come in posting order", NULL},
	/* R151 */
	{"a WSPSend behind a WSPRdmaWrite comes after its bytes", NULL},
	{"a WSPSend behind a WSPRdmaRead leaves after it", NULL},
	{"WSPRdmaWrite writes at base and offset, nowhere else", NULL},
	{"WSPRdmaRead brings the bytes at base and offset", NULL},
	{"a range beyond the registration fails and touches nothing", NULL},
	/* R156 */
	{"wrong and garbage descriptors fail without a crash", NULL},
	{"RDMA takes 4 local buffers", NULL},
	{"RDMA completes no receive of the peer", NULL},
	{"upcalls run without locks", NULL},
	{"WSPRegisterMemory takes each of the three rights", NULL},
	/* R161 */
	{"other flags give WSAEINVAL", NULL},
	{"memory that is not mapped gives WSAEFAULT", NULL},
	{"registering on an unconnected socket gives WSAENOTCONN", NULL},
	{"no resources gives WSAENOBUFS", NULL},
	{"n registrations need n deregistrations", NULL},
	/* R166 */
	{"one buffer can be registered on several sockets", NULL},
	{"an unknown or ended handle gives WSAEINVAL", NULL},
	{"memory in use by a transfer cannot be deregistered", NULL},
	{"a handle of another socket is refused", NULL},
	{"too small a descriptor length gives WSAEFAULT and the size", NULL},
	/* R171 */
	{"the size can be asked for with length 0", NULL},
	{"success stores the size of the descriptor", NULL},
	{"a descriptor is bytes that mean the same anywhere", NULL},
	{"a descriptor holds no pointer that is trusted", NULL},
	{"an unknown descriptor, or one in use, gives WSAEINVAL", NULL},
	/* R176 */
	{"after the last deregistration the peer has no access", NULL},
	{"RDMA against the rights fails", NULL},
	{"the peer of another socket cannot use a descriptor", NULL},
	{"WSPRegisterMemory's memory is not reachable for peers", NULL},
	{"after the connection no remote access remains", NULL},
	/* R181 */
	{"a registration found in the cache costs nothing new", NULL},
	{"a cached registration gives no more rights than asked for", NULL},
	{"the cache callback drops all that overlaps", NULL},
	{"the cache callback: WSAEINVAL never cached, WSAEFAULT in use", NULL},
	{"memory freed and allocated again: new bytes are transferred", NULL},
	/* R186 */
	{"cached registrations go before the connection", NULL},
	{"the cache is bounded", NULL},
	{"WSPCloseSocket returns 0 in each state", NULL},
	{"calls on what is no socket give WSAENOTSOCK", NULL},
	{"WSPCloseSocket never gives WSAEWOULDBLOCK", NULL},
	/* R191 */
	{"close aborts each pending request once, with 0 bytes", NULL},
	{"memory of a request is released before its completion", NULL},
	{"WPUCloseSocketHandle once per handle, after all else", NULL},
	{"remote close ends pending receives with an error", NULL},
	{"messages sent before a remote close come first", NULL},
	/* R196 */
	{"after the loss data calls fail, nothing is freed", NULL},
	{"closing on both sides at once is clean", NULL},
	{"death of the peer ends receives in bounded time", NULL},
	{"WSPDuplicateSocket completes receives: success, 0 bytes", NULL},
	{"the hand-off token is not 0 and differs each time", NULL},
	/* R201 */
	{"a token works in its process only, and once", NULL},
	{"WSPSocket with the token gives the old state and options", NULL},
	{"taking over makes one switch handle, reactivating none", NULL},
	{"a bad token fails at once", NULL},
	{"the peer notices nothing of a swap", NULL},
	/* R206 */
	{"closing the old descriptor does not disturb", NULL},
	{"there and back works again and again, with data", NULL},
	{"listeners can be handed off with their queue", NULL},
	{"hand-off without a connection fails", NULL},
	{"a dead target gives an error in bounded time", NULL},
	/* R211 */
	{"all functions may be called at the same time", NULL},
	{"a late start-up with a wildcard listener works", NULL},
	{"a lost NIC ends its connections and leaves the list",
		"needs a NIC that is lost; of ours: tests/provider"},
	{"without WSPRdmaRead, writes alone carry bulk data", NULL},
	{"many rounds leave handles, memory, threads constant", NULL},
};

const char *rule_title(unsigned rule)
{
	return rules[rule - 1].title;
}

const char *rule_elsewhere(unsigned rule)
{
	return rules[rule - 1].elsewhere;
}
