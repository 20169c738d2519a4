/* SPDX-License-Identifier: MIT */
/*
 * rendezvous.h - how a listener is found.
 *
 * A listener's name is a small section in the session's namespace, which
 * vanishes with its last holder. It says nothing but a random id; the pipe and
 * the listener's event have names made of that. So the name is free again as
 * soon as the listener is closed, however long the links live that came out of
 * it, and nobody can take the place of a pipe whose id he does not know.
 */
#ifndef WSD_OS_WINDOWS_RENDEZVOUS_H
#define WSD_OS_WINDOWS_RENDEZVOUS_H

#include "internal.h"

#define WIN_ID_LEN 16
/* A million instances of a pipe would be a million kernel objects. */
#define WIN_BACKLOG_MAX 256

#define WIN_OFFER_MAGIC UINT32_C(0x4f445357) /* "WSDO" */

/* In the section that is the name. */
struct win_offer {
	uint32_t magic; /* written last */
	uint32_t pid;   /* who has made it; the kernel has the last word */
	uint8_t id[WIN_ID_LEN];
};

/*
 * A client's end, until its listener has been told. That is done when the
 * client has said something, waits for something, or leaves: told sooner, the
 * listener would have to wait for it.
 */
struct win_visitor {
	struct win_object o; /* key: the link */
	HANDLE event;
};

/*
 * A listener. Each request that waits, or may come, is an instance of the pipe,
 * in the order in which they were made, which is that in which clients get
 * them.
 */
struct win_instance {
	HANDLE h;
	uint64_t silent_since; /* 0: not seen silent */
};

struct win_listener {
	struct win_object o; /* key: the event that clients set */
	HANDLE name;
	uint8_t id[WIN_ID_LEN];
	unsigned backlog;
	unsigned count;
	struct win_instance instance[WIN_BACKLOG_MAX];
	bool passed;   /* to another process */
	bool received; /* from another: some instances were made by it */
};

void win_pipe_name(const uint8_t id[WIN_ID_LEN], WCHAR out[WIN_NAME_MAX]);
void win_event_name(const uint8_t id[WIN_ID_LEN], WCHAR out[WIN_NAME_MAX]);
/* False: no listener can have that name. */
bool win_section_name(const char *text, WCHAR out[WIN_NAME_MAX]);
/* What a name's section says: ST_OK, ST_REFUSED nobody offers it. */
enum status win_offer_read(const WCHAR *name, struct win_offer *out);
/* Is the listener of that id still there? */
bool win_offer_stands(const uint8_t id[WIN_ID_LEN]);

#endif
