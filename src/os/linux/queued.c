/* SPDX-License-Identifier: MIT */
/* How many wait in the queue of a listening Unix-domain socket? */
#include "internal.h"
#include "netlink.h"

#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct answer {
	bool known;
	uint32_t queued;
};

static bool note_queue(void *ctx, const struct nlmsghdr *h)
{
	const struct unix_diag_rqlen *q;
	struct answer *a = ctx;

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return true;
	q = os_netlink_attribute(h, sizeof(struct unix_diag_msg),
		UNIX_DIAG_RQLEN, sizeof *q);
	if (q) {
		a->known = true;
		a->queued = q->udiag_rqueue;
	}
	return false;
}

enum status os_listen_queued(os_handle listener, unsigned *count)
{
	struct {
		struct nlmsghdr h;
		struct unix_diag_req r;
	} q = {
		.h = {.nlmsg_len = sizeof q,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY},
		.r = {.sdiag_family = AF_UNIX,
			.udiag_states = UINT32_MAX,
			.udiag_show = UDIAG_SHOW_RQLEN,
			.udiag_cookie = {UINT32_MAX, UINT32_MAX}}, /* any */
	};
	struct answer a = {.known = false};
	struct stat file;
	int r;

	if (sys_fstat((int)listener, &file) < 0)
		return ST_INVAL;
	q.r.udiag_ino = (uint32_t)file.st_ino;
	r = os_netlink_ask(NETLINK_SOCK_DIAG, &q.h, note_queue, &a);
	if (r < 0 || !a.known)
		return sys_status(r) == ST_NOHANDLES ? ST_NOHANDLES :
			ST_UNSUPPORTED;
	*count = a.queued;
	return ST_OK;
}
