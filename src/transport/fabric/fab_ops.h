/* SPDX-License-Identifier: MIT */
/* fab_ops.h - the slots of transport.h, as the fabric transport fills them. */
#ifndef WSD_TRANSPORT_FAB_OPS_H
#define WSD_TRANSPORT_FAB_OPS_H

#include "transport/transport.h"

/* fab_listen.c */
enum status fab_listen(const struct addr *local, bool only_v6, unsigned backlog,
	struct transport_listener **out);
void fab_shut_listener(struct transport_listener *l);
enum status fab_set_backlog(struct transport_listener *l, unsigned backlog);
os_handle fab_listener_handle(struct transport_listener *l);
void fab_close_listener(struct transport_listener *l);
void fab_leave_listener(struct transport_listener *l);

/* fab_accept.c */
enum status fab_take(struct transport_listener *l,
	struct transport_request **out);
enum status fab_accept(struct transport_request *r, struct transport_conn **out);
void fab_refuse(struct transport_request *r, enum transport_refusal why);

/* fab_connect.c */
enum status fab_connect(const struct addr *local, const struct addr *remote,
	const void *private_data, uint32_t private_len,
	struct transport_conn **out);

/* fab_conn.c */
enum status fab_conn_status(struct transport_conn *c, bool thorough);
enum status fab_early(struct transport_conn *c);
void fab_attend(struct transport_conn *c);
void fab_peer(struct transport_conn *c, struct os_peer *out);
void fab_abort(struct transport_conn *c);
os_handle fab_handle(struct transport_conn *c);
void fab_set_handle(struct transport_conn *c, os_handle h);
bool fab_writable(struct transport_conn *c);
enum status fab_arm(struct transport_conn *c, unsigned interest);
enum status fab_drain(struct transport_conn *c, bool keep);
void fab_close(struct transport_conn *c, bool handed_off);

/* fab_message.c */
enum status fab_send(struct transport_conn *c, const struct os_span *spans,
	unsigned count, unsigned flags);
enum status fab_peek(struct transport_conn *c, const void **data,
	uint32_t *len);
void fab_release(struct transport_conn *c);
uint64_t fab_arrivals(struct transport_conn *c);

/* fab_rdma.c, fab_memory.c */
enum status fab_expose(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, uint8_t *descriptor);
enum status fab_conceal(struct transport_conn *c, const uint8_t *descriptor);
enum status fab_do_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie);
enum status fab_reap(struct transport_conn *c, uint64_t *cookie,
	enum status *result);
bool fab_pin_costs(void);
enum status fab_do_pin(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, void **registration);
void fab_unpin(struct transport_conn *c, void *registration);

/* fab_survey.c */
enum status fab_survey(struct transport_network *list, unsigned *count);

/* fab_handoff.c */
enum status fab_pack(struct transport_conn *c, uint8_t *blob, uint32_t *len,
	os_handle *handles, unsigned *count);
enum status fab_unpack(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count, struct transport_conn **out);
enum status fab_pack_listener(struct transport_listener *l, uint8_t *blob,
	uint32_t *len, os_handle *handles, unsigned *count);
enum status fab_unpack_listener(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count,
	struct transport_listener **out);

#endif
