/* SPDX-License-Identifier: MIT */
/*
 * passing.c - descriptors that travel to other processes.
 *
 * In place of a connection over a SAN a kernel socket goes, with a relay behind
 * it. A listener goes as it is, and is offered on no SAN any more: who accepts
 * from it elsewhere would never see who comes over the SAN.
 */
#include "passing.h"

#include <stdlib.h>
#include <string.h>

#include "real.h"
#include "relay.h"
#include "sys.h"

#define NUMBERS_MAX 253 /* the kernel takes no more in one message */

struct passing {
	unsigned count;
	struct {
		struct relay *relay;
		int given;
	} list[NUMBERS_MAX];
};

static int replace_connection(struct passing *p, int fd)
{
	struct sock *s = sock_enter(fd);
	int given = fd;

	if (!s)
		return fd;
	if (sock_is(s, FILE_SAN) && p->count < NUMBERS_MAX &&
		relay_create(s, fd, &p->list[p->count].relay, &given) == 0)
		p->list[p->count++].given = given;
	sock_leave(s);
	return given;
}

static void withdraw_listener(int fd)
{
	struct sock *s = sock_enter(fd);

	if (!s)
		return;
	if (sock_is(s, FILE_LISTENER))
		listener_leave(s, fd);
	sock_leave(s);
}

static void replace_numbers(struct passing *p, struct cmsghdr *c)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	unsigned char *at = CMSG_DATA(c);

	for (size_t i = 0; i < n; i++, at += sizeof(int)) {
		int fd;

		memcpy(&fd, at, sizeof fd);
		if (fdtable_is(fd, FILE_LISTENER))
			withdraw_listener(fd);
		if (!fdtable_is(fd, FILE_SAN))
			continue;
		fd = replace_connection(p, fd);
		memcpy(at, &fd, sizeof fd);
	}
}

static bool carries_numbers(const struct cmsghdr *c)
{
	return c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len >= CMSG_LEN(sizeof(int));
}

static void settle(struct passing *p, bool sent)
{
	for (unsigned i = 0; i < p->count; i++) {
		sys_close(p->list[i].given);
		if (sent)
			relay_start(p->list[i].relay);
		else
			relay_destroy(p->list[i].relay);
	}
}

static ssize_t send_replaced(int fd, const struct msghdr *m, int flags,
	void *control)
{
	struct msghdr copy = *m;
	struct passing p;
	ssize_t r;

	p.count = 0;
	copy.msg_control = control;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c;
		c = CMSG_NXTHDR(&copy, c))
		if (carries_numbers(c))
			replace_numbers(&p, c);
	r = real.sendmsg(fd, &copy, flags);
	if (p.count > 0) {
		int saved = errno;

		settle(&p, r >= 0);
		errno = saved;
	}
	return r;
}

ssize_t passing_sendmsg(int fd, const struct msghdr *m, int flags)
{
	char small[256];
	void *control = small;
	ssize_t r;

	if (m->msg_controllen > sizeof small)
		control = malloc(m->msg_controllen);
	if (!control)
		return real.sendmsg(fd, m, flags);
	memcpy(control, m->msg_control, m->msg_controllen);
	r = send_replaced(fd, m, flags, control);
	if (control != small)
		free(control);
	return r;
}
