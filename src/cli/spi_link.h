/* SPDX-License-Identifier: MIT */
/*
 * spi_link.h - connections of a provider, for commands: polled requests, and
 * waits that spin a little and then sleep.
 *
 * Functions return 0, a Winsock code, or LINK_INTERRUPTED when the user wants
 * the command to end. Waiting ends after `ns` nanoseconds with WSAETIMEDOUT. A
 * link belongs to one thread at a time.
 */
#ifndef WSD_CLI_SPI_LINK_H
#define WSD_CLI_SPI_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spi_client.h"

enum { LINK_INTERRUPTED = -1 };

/* "interrupted", or wsa_text; returns text. */
#define LINK_TEXT_MAX 120
const char *link_text(int code, char text[LINK_TEXT_MAX]);

struct link {
	struct spi_client *c;
	SOCKET s;
	WSDWAITHANDLE wait; /* WSD_NO_WAIT_HANDLE: there is none */
};

/* ---- opening and closing ---------------------------------------------- */

struct link_listener {
	struct spi_client *c;
	SOCKET s;
	WSAEVENT event;
};

/* WSAEADDRINUSE also when another process has the address on this SAN. */
int link_listen(struct spi_client *c, const struct addr *at,
	struct link_listener *out);
/* Waits for a connection. */
int link_accept(struct link_listener *l, uint64_t ns, struct link *out);
void link_listener_close(struct link_listener *l);

/* Connects from an address of this provider that fits. */
int link_connect(struct spi_client *c, const struct addr *to, uint64_t ns,
	struct link *out);
/* At once. Requests still pending end, perhaps a little later: what they use
 * is the provider's until link_request_over says so. */
void link_close(struct link *l);

/* ---- memory ----------------------------------------------------------- */

/* For requests of this process. It is given back with the link. */
int link_register(struct link *l, void *base, size_t len, HANDLE *out);

#define LINK_DESCRIPTOR_MAX 128

/* What the peer can reach, or what it lets us reach. */
struct link_exposed {
	DWORD len;
	char descriptor[LINK_DESCRIPTOR_MAX];
};

/* Lets the peer read and write this memory as long as the link is there. */
int link_expose(struct link *l, void *base, size_t len,
	struct link_exposed *out);

/* ---- requests --------------------------------------------------------- */

struct link_request {
	WSAOVERLAPPED overlapped;
	bool pending;
	DWORD wake; /* WSD_IN or WSD_OUT, for the wait */
};

/* Start one. Memory is registered, and the provider's until the end. */
int link_send(struct link *l, struct link_request *r, void *base, DWORD len);
int link_receive(struct link *l, struct link_request *r, void *base,
	DWORD room);
int link_write(struct link *l, struct link_request *r, HANDLE handle,
	void *base, DWORD len, const struct link_exposed *to);
int link_read(struct link *l, struct link_request *r, HANDLE handle,
	void *base, DWORD len, const struct link_exposed *from);

/* One look, after link_close too: has the provider done with it? */
bool link_request_over(const struct link_request *r);

/* Waits for its end; its result, and bytes (bytes may be NULL). */
int link_wait(struct link *l, struct link_request *r, uint64_t ns,
	DWORD *bytes);

#endif
