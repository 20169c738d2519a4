/* SPDX-License-Identifier: MIT */
/* message.h - what wsd says on standard error: one line, one form. */
#ifndef WSD_CLI_MESSAGE_H
#define WSD_CLI_MESSAGE_H

/* "wsd: ..." and a newline, in one write. */
__attribute__((format(printf, 1, 2))) void message(const char *format, ...);

/* "wsd COMMAND: ...; see 'wsd COMMAND --help'". Returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int usage_error(
	const char *command, const char *format, ...);

#endif
