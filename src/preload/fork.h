/* SPDX-License-Identifier: MIT */
#ifndef WSD_PRELOAD_FORK_H
#define WSD_PRELOAD_FORK_H

/* Has the library told of every fork. Once, at the start. */
void fork_start(void);

#endif
