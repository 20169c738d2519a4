/* SPDX-License-Identifier: MIT */
/*
 * carry.h - connections as standard streams of a program that is executed.
 *
 * A program that replaces this one knows nothing of our memory. A server that
 * hands a connection to a program as its standard input (inetd, sshd) means it
 * to be used: so before the exec a process of our own takes the connection, and
 * the program gets a kernel socket (relay.h). Other descriptors may just have
 * been forgotten, while the parent goes on using them; they are left alone.
 */
#ifndef WSD_PRELOAD_CARRY_H
#define WSD_PRELOAD_CARRY_H

/* Before an exec. When that fails, the program goes on with kernel sockets. */
void carry_standard_streams(void);

/*
 * Before an exec. A listener that the program is meant to serve (it was made
 * inheritable, or is a standard stream) is offered on no SAN any more, in no
 * process: those who came that way might wait for ever. May be called between
 * vfork and exec.
 */
void carry_listeners(void);

/* This process is the one whose memory this is. Once, and after each fork. */
void carry_note_process(void);

#endif
