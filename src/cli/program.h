/* SPDX-License-Identifier: MIT */
/* program.h - finds the program to run, and tells what hinders acceleration. */
#ifndef WSD_CLI_PROGRAM_H
#define WSD_CLI_PROGRAM_H

#include <limits.h>
#include <stddef.h>

/* The codes are stable, scripts of users read them. name, code, text */
#define OBSTACLE_LIST(X)                                                      \
	X(OBSTACLE_NONE, "none", "nothing")                                   \
	X(OBSTACLE_STATIC, "static-program", "statically linked")             \
	X(OBSTACLE_GO, "go-program", "made by the Go compiler, which goes "   \
		"past the C library")                                         \
	X(OBSTACLE_SETUID, "setuid-program", "gains privileges when started") \
	X(OBSTACLE_FOREIGN, "foreign-program",                                \
		"built for another kind of machine or C library")             \
	X(OBSTACLE_LIBRARY, "no-preload-library",                             \
		"wsd's own preload library cannot be used")

enum obstacle {
#define OBSTACLE_ENUM(name, code, text) name,
	OBSTACLE_LIST(OBSTACLE_ENUM)
#undef OBSTACLE_ENUM
};

const char *obstacle_code(enum obstacle o);
const char *obstacle_text(enum obstacle o);

/*
 * Finds the file that execvp would run. 0, or the errno value that says why
 * there is none.
 */
int program_find(const char *name, char path[PATH_MAX]);

/* Looks into the program, through the interpreters of scripts. */
enum obstacle program_obstacle(const char *path);

#endif
