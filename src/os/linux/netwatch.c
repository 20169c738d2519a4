/* SPDX-License-Identifier: MIT */
/* netwatch.c - noticing that addresses and network cards come and go. */
#include "internal.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

enum status os_network_watch(os_handle *out)
{
	const struct sockaddr_nl changes = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
			RTMGRP_IPV6_IFADDR,
	};
	int fd = sys_above_stdio(sys_socket(AF_NETLINK,
		SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE));
	int r;

	if (fd < 0)
		return sys_status(fd);
	r = sys_bind(fd, &changes, sizeof changes);
	if (r < 0) {
		sys_close(fd);
		return sys_status(r);
	}
	*out = fd;
	return ST_OK;
}

/* What is lost when too much has come (ENOBUFS) has been seen, too. */
void os_network_seen(os_handle watch)
{
	char start;
	long n;

	do
		n = sys_recv((int)watch, &start, sizeof start, MSG_DONTWAIT);
	while (n >= 0 || n == -EINTR || n == -ENOBUFS);
}
