/* SPDX-License-Identifier: MIT */
/*
 * member.h - one descriptor in one epoll set.
 *
 * A member over a SAN is hot or resting. Hot: each wait looks at it, and no
 * doorbell is promised. Resting: a doorbell has been asked for, which comes
 * through the kernel's epoll instance and carries the member's cookie, and
 * nobody looks before. So waiting costs nothing for connections that are idle.
 *
 * All but the links is guarded by the set's guard.
 */
#ifndef WSD_PRELOAD_MEMBER_H
#define WSD_PRELOAD_MEMBER_H

#include <sys/epoll.h>

#include "file.h"
#include "os/os.h"
#include "switch/switch.h"

struct epoll_set;

enum member_kind {
	MEMBER_PLAIN,    /* in the kernel as the program wanted it */
	MEMBER_LISTENER, /* so are its SAN handles, all with a cookie */
	MEMBER_SAN,      /* in the kernel for doorbells only */
	MEMBER_SET,      /* another set: with a cookie */
};

struct member {
	struct pooled pooled;
	struct epoll_set *set; /* NULL: free */
	struct file *file;     /* no reference: it leaves before it goes */
	int fd;
	enum member_kind kind;
	uint32_t events; /* as the program gave them */
	uint64_t data;

	bool hot;
	bool disabled; /* one-shot, and shot */
	bool edge;     /* added or modified: that counts as an edge */
	bool signalled; /* a set: the kernel says that it has something */
	bool kicked;   /* in the kernel with EPOLLOUT, to wake a sleeper */
	bool uneasy;   /* rests, though a doorbell is not certain */
	bool quiet;    /* had nothing; only an edge can change that */
	unsigned idle; /* waits since it last had something */
	unsigned round;        /* the wait that reported it last */
	unsigned batch, place; /* the translation, and where in its array */

	/* edge counts: last reported; at the last look */
	uint64_t told_in, told_out, looked_in, looked_out;
	unsigned told_reads; /* the socket's reads when it was last reported */

	os_handle handles[SW_LISTENER_HANDLES];
	unsigned handle_count;

	struct member *hot_next, *hot_prev;
	struct member *set_next, **set_link; /* all of the set */
	struct member *file_next;            /* all of the file; set_links */
};

/* How deep sets in sets are followed. */
#define MEMBER_DEPTH 5

/* What would be reported now; 0 nothing. Changes nothing but the last look. */
uint32_t member_look(struct member *m, int depth);
/* The look's result has been reported. */
void member_told(struct member *m, uint32_t events);
/* A cheap look between two real ones: could anything have changed? */
bool member_stirs(struct member *m);
/* Asks for a doorbell. True: it may rest, nothing is to be reported. False: it
 * must be looked at. */
bool member_rest(struct member *m, int depth);
/* Asks for a doorbell for whatever arrives, though there is something. */
void member_ask_for_news(struct member *m);

/* ---- in the kernel --------------------------------------------------- */

/* EPOLL_CTL_ADD or MOD, with all that belongs to the member. 0 or -errno. */
int member_register(struct member *m, int op);
void member_unregister(struct member *m);
/* Makes the kernel report it at once, to wake who sleeps on the set. */
void member_kick(struct member *m);
void member_unkick(struct member *m);
/* The SAN handles of a listener are about to be closed. */
void member_forget_handles(struct member *m);
/* A one-shot listener has been reported: all its parts fall silent. */
void member_silence(struct member *m);

/* ---- cookies --------------------------------------------------------- */

/* What the kernel's epoll instance says instead of the program's data. */
uint64_t member_cookie(const struct member *m);
bool member_is_cookie(uint64_t data);
/* The member of this set, or NULL when it is gone. */
struct member *member_of_cookie(uint64_t data, struct epoll_set *set);

struct member *member_create(void);
void member_free(struct member *m);

#endif
