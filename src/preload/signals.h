/* SPDX-License-Identifier: MIT */
/* signals.h - would the kernel have gone on after this signal? */
#ifndef WSD_PRELOAD_SIGNALS_H
#define WSD_PRELOAD_SIGNALS_H

#include <stdbool.h>

/*
 * A wait that the kernel never restarts (poll) stands in for a call that it
 * restarts after handlers with SA_RESTART. Which handler has run, nobody tells;
 * so: true when every handler of the process has that flag. Asked only after
 * an interruption, so it costs nothing otherwise.
 */
bool signals_all_restart(void);

#endif
