/* SPDX-License-Identifier: MIT */
/*
 * reason.h - why a connection took the route it took.
 *
 * The codes are stable: they appear in `wsd run --explain`, in logs and in
 * scripts of users. Never rename one; add new ones at the end.
 */
#ifndef WSD_SWITCH_REASON_H
#define WSD_SWITCH_REASON_H

/* name, stable code, text */
#define SW_REASON_LIST(X)                                                     \
	X(SW_SAN, "san", "over the SAN")                                      \
	X(SW_DISABLED, "disabled", "acceleration is switched off")            \
	X(SW_NO_CATALOG, "no-catalog", "the provider catalog cannot be read") \
	X(SW_NO_PROVIDER, "no-provider", "no SAN service provider is usable") \
	X(SW_NOT_ON_SAN, "not-on-san", "the address is not on any SAN")       \
	X(SW_NO_LISTENER, "peer-without-san",                                 \
		"the other side does not offer the SAN on this port")         \
	X(SW_PEER_PLAIN, "plain-client", "the client connected with TCP")     \
	X(SW_BACKLOG, "backlog-full", "the SAN listener's queue is full")     \
	X(SW_OWNER, "foreign-owner",                                          \
		"the SAN port belongs to another user than the TCP port")     \
	X(SW_NO_MEMORY, "no-memory", "not enough memory")                     \
	X(SW_NO_DESCRIPTORS, "no-descriptors", "the descriptor table is full") \
	X(SW_UNTRACKED, "untracked", "the socket was not made in this program") \
	X(SW_NOT_STREAM, "not-a-stream", "only TCP stream sockets qualify")   \
	X(SW_REUSEPORT, "reuseport", "listeners with SO_REUSEPORT stay on TCP") \
	X(SW_NAME_TAKEN, "port-shared",                                       \
		"another listener already offers this port on the SAN")       \
	X(SW_OPTION, "option", "a socket option is set that only TCP has")    \
	X(SW_REJECTED, "refused", "the other side refused the SAN connection") \
	X(SW_TIMEOUT, "no-answer", "the other side did not answer in time")   \
	X(SW_FAILED, "failed", "the SAN service provider failed")             \
	X(SW_VERSION, "version", "the two sides speak different versions")    \
	X(SW_PASSED, "passed",                                                \
		"the listener was given to another process, which accepts TCP") \
	X(SW_POLICY, "policy", "the policy says TCP")                         \
	X(SW_POLICY_ERROR, "policy-error",                                    \
		"the policy cannot be read or has a mistake")                 \
	X(SW_POLICY_SAN, "san-missing",                                       \
		"no provider has the SAN that the policy names")              \
	X(SW_HEIRS, "forked-server",                                          \
		"the server leaves connections to its children: faster by TCP") \
	X(SW_KNOWN_PLAIN, "known-without-san",                                \
		"a connect over the SAN has failed there a moment ago")

enum sw_reason {
#define SW_REASON_ENUM(name, code, text) name,
	SW_REASON_LIST(SW_REASON_ENUM)
#undef SW_REASON_ENUM
	SW_REASON_COUNT
};

const char *sw_reason_code(enum sw_reason r);
const char *sw_reason_text(enum sw_reason r);

#endif
