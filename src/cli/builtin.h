/* SPDX-License-Identifier: MIT */
/* builtin.h - the built-in providers, for commands that ask the switch. */
#ifndef WSD_CLI_BUILTIN_H
#define WSD_CLI_BUILTIN_H

/* The switch looks for them beside itself, where this program is not: tells it
 * where they are. Before the switch is asked for its providers. */
void builtin_tell_switch(void);

#endif
