/* SPDX-License-Identifier: MIT */
/* passing.h - descriptors that travel to other processes. */
#ifndef WSD_PRELOAD_PASSING_H
#define WSD_PRELOAD_PASSING_H

#include <stdbool.h>
#include <sys/socket.h>

#include "memory.h"

/* sendmsg on a kernel socket with control data, which may carry descriptors. */
ssize_t passing_sendmsg(int fd, const struct msghdr *m, int flags);

static inline bool passing_possible(const struct msghdr *m)
{
	return memory_readable(m, sizeof *m) && m->msg_control &&
		m->msg_controllen >= CMSG_LEN(sizeof(int)) &&
		m->msg_controllen <= 65536 &&
		memory_readable(m->msg_control, m->msg_controllen);
}

#endif
