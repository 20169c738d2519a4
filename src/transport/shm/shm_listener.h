/* SPDX-License-Identifier: MIT */
/* shm_listener.h - a listener and a request, inside this transport. */
#ifndef WSD_TRANSPORT_SHM_LISTENER_H
#define WSD_TRANSPORT_SHM_LISTENER_H

#include "transport/shm/shm_segment.h"
#include "transport/transport.h"

struct transport_conn;

/*
 * How long a client that has connected is waited for. Who sends its request
 * within the shorter time of connecting is sure to be heard.
 */
#define SHM_PATIENCE_NS (1000 * 1000)
#define SHM_HASTE_NS (200 * 1000)

/* A request on its way from the link to the core. */
struct shm_taken {
	struct transport_request pub; /* first: what the core sees */
	struct transport_conn *conn;  /* made in advance */
	struct shm_request message;
	os_handle link;
	os_handle segment;
	bool mapped; /* conn is made already */
};

struct transport_listener {
	struct addr local;
	bool only_v6;
	bool handed_off; /* packed: what is queued is another's now */
	/*
	 * The last client that was waited for did not speak in time; the next
	 * ones are waited for very shortly until one has spoken. So clients
	 * that connect and keep silent cost a server next to nothing. An honest
	 * one that is too slow at such a time is dropped, and tries again.
	 */
	bool impatient;
	bool closing; /* nobody is waited for */
	os_handle handle; /* none: another listener has the name */
	struct shm_taken *held; /* received, but there was no memory */
};

/* Before its segment is mapped. */
void shm_taken_drop(struct shm_taken *t);

#endif
