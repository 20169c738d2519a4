/* SPDX-License-Identifier: MIT */
/*
 * option.c - WSPGetSockOpt and WSPSetSockOpt: R38 to R47 and section 14.
 *
 * Levels and IPV6_V6ONLY are the host's numbers. TCP_NODELAY has no meaning for
 * messages: the switch goes on without it, as without the group options.
 */
#include <string.h>

#include "provider/socket.h"
#include "provider/spi.h"

static bool level_known(const struct prov_socket *s, int level)
{
	return level == SOL_SOCKET || level == IPPROTO_TCP ||
		(level == IPPROTO_IPV6 && s->family == AF_INET6);
}

/* Every option has 4 bytes. 0, WSAEINVAL (R44), WSAENOPROTOOPT (R43, R47). */
static int get(struct prov_socket *s, int level, int name, uint32_t *value)
{
	const struct transport_limits *limits = &provider_transport.limits;

	if (!level_known(s, level))
		return WSAEINVAL;
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		*value = (uint32_t)s->options.only_v6;
	else if (level == SOL_SOCKET && name == SO_DEBUG)
		*value = (uint32_t)s->options.debug; /* R46 */
	else if (level == SOL_SOCKET && name == SO_MAX_MSG_SIZE)
		*value = limits->max_message; /* R39 */
	else if (level == SOL_SOCKET && name == SO_MAX_RDMA_SIZE)
		*value = limits->max_rdma; /* R40 */
	else if (level == SOL_SOCKET && name == SO_RDMA_THRESHOLD_SIZE)
		*value = limits->rdma_threshold < limits->max_rdma
			? limits->rdma_threshold
			: limits->max_rdma; /* R41 */
	else
		return WSAENOPROTOOPT;
	return 0;
}

/* R38: whatever the state. */
static int get_option(struct prov_socket *s, int level, int name, char *out,
	LPINT len)
{
	uint32_t value = 0;
	int error;

	os_mutex_lock(&s->lock);
	error = get(s, level, name, &value);
	os_mutex_unlock(&s->lock);
	if (error)
		return error;
	if (!out || !len)
		return WSAEFAULT; /* R45 */
	if (*len < (INT)sizeof value) {
		*len = sizeof value; /* R42 */
		return WSAEFAULT;
	}
	memcpy(out, &value, sizeof value);
	*len = sizeof value;
	return 0;
}

int WSPAPI WSPGetSockOpt(SOCKET d, int level, int optname, char *optval,
	LPINT optlen, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	error = get_option(s, level, optname, optval, optlen);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}

/* The option that may be set, NULL if it may not. */
static BOOL *settable(struct prov_socket *s, int level, int name)
{
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		return &s->options.only_v6;
	if (level == SOL_SOCKET && name == SO_DEBUG)
		return &s->options.debug;
	return NULL;
}

static int set_option(struct prov_socket *s, int level, int name,
	const char *in, int len)
{
	BOOL *option;
	BOOL value;
	int error = 0;

	if (!level_known(s, level))
		return WSAEINVAL;
	option = settable(s, level, name);
	if (!option)
		return WSAENOPROTOOPT;
	if (!in || len < (int)sizeof value)
		return WSAEFAULT;
	memcpy(&value, in, sizeof value);
	os_mutex_lock(&s->lock);
	/* What the transport has been told already cannot change. */
	if (option == &s->options.only_v6 &&
		prov_socket_state(s) > PROV_BOUND)
		error = WSAEINVAL;
	else
		*option = option == &s->options.only_v6 ? !!value : value;
	os_mutex_unlock(&s->lock);
	return error;
}

int WSPAPI WSPSetSockOpt(SOCKET d, int level, int optname, const char *optval,
	int optlen, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	error = set_option(s, level, optname, optval, optlen);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
