/* SPDX-License-Identifier: MIT */
/* preload.h - where the preload library is, and how a program gets it. */
#ifndef WSD_CLI_PRELOAD_H
#define WSD_CLI_PRELOAD_H

#include <limits.h>
#include <stdbool.h>

/*
 * Finds libwsd-preload.so: where WSD_PRELOAD_LIBRARY says, else at its place
 * relative to this program. On failure `path` is the last place looked at.
 */
bool preload_find(char path[PATH_MAX]);

/* The user named the library himself. */
bool preload_is_chosen(void);

/*
 * Puts it in front of LD_PRELOAD, unless it is there already. False when the
 * dynamic loader could not read such a list (a blank or colon in the path), or
 * there is no memory.
 */
bool preload_enter(const char *path);

#endif
