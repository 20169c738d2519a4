/* SPDX-License-Identifier: MIT */
/* interrupt.h - Ctrl-C ends a command in good order: with its summary. */
#ifndef WSD_CLI_INTERRUPT_H
#define WSD_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on Ctrl-C, and being asked to end, only sets what is asked below.
 * The second time ends the program. */
void interrupt_catch(void);

bool interrupted(void);

#endif
