/* SPDX-License-Identifier: MIT */
/* settings.h - the switch's table of settings, as the user meets it. */
#ifndef WSD_CLI_SETTINGS_H
#define WSD_CLI_SETTINGS_H

#include <stdbool.h>

/*
 * Puts "NAME=VALUE" into the environment of the program to come. False after
 * a message that says what is wrong.
 */
bool settings_assign(const char *assignment);

/* Checks what the user has put into the environment. False after a message. */
bool settings_check_environment(void);

/* The table, for people, on standard output. */
void settings_print(void);

#endif
