/* SPDX-License-Identifier: MIT */
/*
 * status.h - the one error domain below the edges.
 *
 * Every internal function reports an `enum status`. Winsock codes appear only
 * at the SPI edge (provider, and the switch where it calls the SPI), errno only
 * at the Linux edge (preload); each edge has one table that translates.
 */
#ifndef WSD_BASE_STATUS_H
#define WSD_BASE_STATUS_H

/* name, text */
#define STATUS_LIST(X)                                                        \
	X(ST_OK, "success")                                                   \
	X(ST_AGAIN, "nothing to do yet")                                      \
	X(ST_PENDING, "started, will complete later")                         \
	X(ST_INTR, "interrupted by a signal")                                 \
	X(ST_TIMEDOUT, "timed out")                                           \
	X(ST_NOMEM, "out of memory")                                          \
	X(ST_NOHANDLES, "out of descriptors")                                 \
	X(ST_INVAL, "invalid argument")                                       \
	X(ST_FAULT, "bad address")                                            \
	X(ST_ACCESS, "permission denied")                                     \
	X(ST_EXISTS, "already exists")                                        \
	X(ST_NOTFOUND, "not found")                                           \
	X(ST_BUSY, "in use")                                                  \
	X(ST_FULL, "queue full")                                              \
	X(ST_MSGSIZE, "message too long")                                     \
	X(ST_REFUSED, "refused by the other side")                            \
	X(ST_UNREACHABLE, "no such destination")                              \
	X(ST_NOTLOCAL, "address is not one of ours")                          \
	X(ST_RESET, "connection reset by the other side")                     \
	X(ST_ABORTED, "ended on this side")                                   \
	X(ST_CLOSED, "end of stream")                                         \
	X(ST_PROTOCOL, "the other side broke the protocol")                   \
	X(ST_NOTCONN, "not connected")                                        \
	X(ST_ISCONN, "already connected")                                     \
	X(ST_UNSUPPORTED, "not supported")                                    \
	X(ST_VERSION, "version not supported")                                \
	X(ST_OWNERDIED, "previous lock owner died")                           \
	X(ST_SYSTEM, "operating system failure")

enum status {
#define STATUS_ENUM(name, text) name,
	STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
	ST_COUNT
};

/* Short English text, never NULL. */
const char *status_text(enum status st);

/* Symbolic name ("ST_AGAIN"), never NULL. */
const char *status_name(enum status st);

#endif
