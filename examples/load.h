/* SPDX-License-Identifier: MIT */
/*
 * load.h - a function of a library, by the library's path. The only thing in
 * the examples that differs between systems.
 */
#ifndef EXAMPLES_LOAD_H
#define EXAMPLES_LOAD_H

#include <stdint.h>
#include <stdio.h>

#ifdef _WIN32
#include <winsock2.h>
#include <windows.h>
#else
#include <dlfcn.h>
#endif

/* Any function; to be cast to what it is. */
typedef void (*load_function)(void);

/* The library stays loaded. NULL: not there, and standard error says why. */
static inline load_function load(const char *path, const char *name)
{
	load_function f = NULL;
#ifdef _WIN32
	HMODULE library = LoadLibraryA(path);

	if (library)
		f = (load_function)(uintptr_t)GetProcAddress(library, name);
	if (!f)
		fprintf(stderr, "%s: no %s there (error %lu)\n", path, name,
			(unsigned long)GetLastError());
#else
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (library)
		f = (load_function)(uintptr_t)dlsym(library, name);
	if (!f)
		fprintf(stderr, "%s\n", dlerror());
#endif
	return f;
}

#endif
