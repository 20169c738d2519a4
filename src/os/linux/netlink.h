/* SPDX-License-Identifier: MIT */
/* netlink.h - one question to the kernel, its answers one by one. */
#ifndef WSD_OS_LINUX_NETLINK_H
#define WSD_OS_LINUX_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>

/* Called with each answer; false ends the conversation. */
typedef bool (*netlink_fn)(void *ctx, const struct nlmsghdr *h);

/*
 * Sends `request` (nlmsg_len, type and flags set) and reads answers until the
 * last one. 0, or -errno: the kernel's if it refused, -EIO if it went silent.
 */
int os_netlink_ask(int protocol, struct nlmsghdr *request, netlink_fn fn,
	void *ctx);

/* The attribute's payload of at least `len` bytes, or NULL. */
const void *os_netlink_attribute(const struct nlmsghdr *h, size_t fixed,
	unsigned type, size_t len);

#endif
