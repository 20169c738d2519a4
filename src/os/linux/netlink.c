/* SPDX-License-Identifier: MIT */
#include "internal.h"
#include "netlink.h"

#include <string.h>

#define ANSWER_NS (UINT64_C(2) * 1000 * 1000 * 1000)
#define ANSWERS_MAX 4096 /* datagrams of one dump */
#define SEQUENCE 1       /* one question per socket */

const void *os_netlink_attribute(const struct nlmsghdr *h, size_t fixed,
	unsigned type, size_t len)
{
	const char *p = (const char *)h + NLMSG_LENGTH(NLMSG_ALIGN(fixed));
	long left = (long)h->nlmsg_len -
		(long)NLMSG_LENGTH(NLMSG_ALIGN(fixed));

	for (const struct rtattr *a = (const struct rtattr *)p; RTA_OK(a, left);
		a = RTA_NEXT(a, left))
		if (a->rta_type == type && RTA_PAYLOAD(a) >= len)
			return RTA_DATA(a);
	return NULL;
}

/* 1 go on, 0 finished, or -errno. */
static int one_answer(const struct nlmsghdr *h, netlink_fn fn, void *ctx)
{
	/* Both kinds of end begin with the error, or 0. */
	const int *error = NLMSG_DATA(h);

	if (h->nlmsg_seq != SEQUENCE)
		return 1;
	if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
		return h->nlmsg_len < NLMSG_LENGTH(sizeof *error) ||
			*error > 0 ? -EIO : *error;
	if (!fn(ctx, h))
		return 0;
	return h->nlmsg_flags & NLM_F_MULTI ? 1 : 0;
}

static int one_datagram(int fd, netlink_fn fn, void *ctx)
{
	_Alignas(struct nlmsghdr) char buf[16384];
	struct sockaddr_nl from = {0};
	socklen_t fromlen = sizeof from;
	int r = 1;
	long n;

	if (os_poll_one_through(fd, POLLIN, ANSWER_NS) <= 0)
		return -EIO;
	n = sys_recvfrom(fd, buf, sizeof buf, MSG_DONTWAIT, &from, &fromlen);
	if (n == -EINTR || n == -EAGAIN || (n >= 0 && from.nl_pid != 0))
		return 1; /* not from the kernel */
	if (n < 0)
		return (int)n;
	for (const struct nlmsghdr *h = (const void *)buf;
		r == 1 && NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n))
		r = one_answer(h, fn, ctx);
	return r;
}

static int converse(int fd, struct nlmsghdr *request, netlink_fn fn, void *ctx)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct iovec iov = {request, request->nlmsg_len};
	struct msghdr m = {
		.msg_name = &kernel,
		.msg_namelen = sizeof kernel,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	long n = sys_sendmsg(fd, &m, 0);
	int r = 1;

	if (n < 0)
		return (int)n;
	for (int i = 0; i < ANSWERS_MAX && r == 1; i++)
		r = one_datagram(fd, fn, ctx);
	return r == 1 ? -EIO : r;
}

int os_netlink_ask(int protocol, struct nlmsghdr *request, netlink_fn fn,
	void *ctx)
{
	int fd = sys_above_stdio(sys_socket(AF_NETLINK, SOCK_RAW, protocol));
	int r;

	if (fd < 0)
		return fd;
	request->nlmsg_flags |= NLM_F_REQUEST;
	request->nlmsg_seq = SEQUENCE;
	r = converse(fd, request, fn, ctx);
	sys_close(fd);
	return r;
}
