/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what has happened lately, for the text of a failure: the upcalls
 * in their order, and the calls that are under way.
 */
#ifndef WSD_CONFORM_TRACE_H
#define WSD_CONFORM_TRACE_H

#include <openwsd/winsock2.h>

/* An upcall: WPU..., the handle, and what else there is to say. */
__attribute__((format(printf, 3, 4))) void trace_upcall(const char *name,
	SOCKET handle, const char *format, ...);

/* This thread enters and leaves a function of the provider. */
void trace_enter(const char *function);
void trace_leave(int code);

/* Say (cases.h) the last upcalls; this thread's last call; all threads'
 * calls that have not come back. */
void trace_upcalls(void);
void trace_last_call(void);
void trace_calls(void);

#endif
