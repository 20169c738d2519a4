/* SPDX-License-Identifier: MIT */
/*
 * epoll_set.h - an epoll instance of the program.
 *
 * The kernel's instance stays what sleepers sleep on and what ordinary
 * descriptors are reported by. Beside it we keep the members that need more:
 * connections over a SAN, listeners with SANs, other sets, and sockets that
 * may still become one of the first two.
 *
 * Guards, in order: set_links (which file is in which set), a set's guard (an
 * outer set's before an inner one's), fdtable's.
 */
#ifndef WSD_PRELOAD_EPOLL_SET_H
#define WSD_PRELOAD_EPOLL_SET_H

#include <signal.h>
#include <sys/epoll.h>

#include "fdtable.h"
#include "member.h"

#define SET_STASH 32

struct epoll_set {
	struct file file;
	struct guard guard;
	unsigned generation; /* of the process that made it */
	_Atomic unsigned watched; /* members that have a cookie */
	/* Threads in the kernel; each takes back what it added, so this stays
	 * right even when the memory has become another set's. */
	_Atomic unsigned sleepers;

	struct member *members;
	struct member *hot; /* ring; where the next look begins */
	unsigned hot_count;
	unsigned uneasy; /* members that rest uneasily */
	unsigned round;  /* counts waits */
	unsigned batch;  /* counts translations */

	/* ordinary descriptors: when the kernel is asked in passing */
	unsigned waits;     /* since the last time */
	bool kernel_gave;   /* it had something then */

	/* Ordinary events taken from the kernel while finding out whether this
	 * set, inside another or polled, is ready. The next wait's first. */
	struct epoll_event stash[SET_STASH];
	unsigned stashed;
};

struct epoll_set *set_create(void);
void set_fini(struct epoll_set *set);
void set_free(struct epoll_set *set);
struct file *set_at(uint32_t index);
void set_forked(struct epoll_set *set);
/* In a forked child, once. */
void set_child(void);
/* Made by this process? Otherwise a parent may be using the kernel's part. */
bool set_is_own(struct epoll_set *set);

/* Which members there are; changes take it first. */
bool set_links_enter(void);
void set_links_leave(bool entered);
void set_links_reset(void); /* in a forked child */

static inline bool set_is_watching(struct epoll_set *set)
{
	return atomic_load(&set->watched) > 0;
}

/* ---- epoll_set.c: what a wait does, guard held ----------------------- */

void set_heat(struct epoll_set *set, struct member *m);
void set_cool(struct epoll_set *set, struct member *m);
/* Neither: it is leaving. */
void set_drop(struct epoll_set *set, struct member *m);
/* What is ready among the hot members; at most max. `round` is the wait's
 * number: what it has reported already it does not report again. */
int set_scan(struct epoll_set *set, unsigned round, struct epoll_event *ev,
	int max);
/* The kernel's events become the program's, in place; returns how many. */
int set_translate(struct epoll_set *set, struct epoll_event *ev, int n);
/* Lets all hot members rest. False when one has something to report. */
bool set_rest(struct epoll_set *set, int depth);
/* A thread returns while others sleep: they take over. */
void set_hand_over(struct epoll_set *set, unsigned round);

/* ---- epoll_set.c: as part of something else, guard not held ---------- */

/* Would a wait report something? Takes the kernel's events into the stash when
 * `kernel` says that there are some. */
bool set_ready(struct epoll_set *set, bool kernel, int depth);
bool set_rest_inside(struct epoll_set *set, int depth);

/* ---- set_member.c: links held ---------------------------------------- */

/* With the set's guard: into the kernel's set by what the file is now, and out
 * again (`quietly`: the kernel's part is left as it is). 0 or -errno. */
int set_admit(struct member *m);
void set_expel(struct member *m, bool quietly);
/* The program has added or changed it: everything is news. */
void set_wake_member(struct member *m);
void set_link_member(struct member *m);
void set_unlink_member(struct member *m);
/* Takes the set's guard itself; frees the member. */
void set_remove_member(struct member *m, bool quietly);

/* ---- set_file.c: something happens to a file ------------------------- */

/* Out of the kernel's sets and, with its new kind, in again. */
void set_file_detach(struct file *f);
void set_file_attach(struct file *f);
/* Its last descriptor is gone. */
void set_file_gone(struct file *f);
/* Its SAN handles are going. */
void set_file_unlisten(struct file *f);
/* A send found no room: whoever waits for some must look again. */
void set_file_blocked(struct file *f);
/* It may be ready for something by an act of this process. */
void set_file_changed(struct file *f);

/* ---- set_control.c, epoll_wait.c ------------------------------------- */

/* epoll_ctl for a tracked descriptor. 0 or -errno. */
int set_control(int epfd, int op, int fd, struct epoll_event *ev);
/* epoll_wait; timeout in ns, OS_FOREVER none. Events or -errno. */
int set_wait(int epfd, struct epoll_event *ev, int max, uint64_t timeout,
	const sigset_t *mask);

#endif
