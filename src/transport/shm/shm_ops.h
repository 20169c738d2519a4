/* SPDX-License-Identifier: MIT */
/* shm_ops.h - the slots of provider_transport, by file; see transport.h. */
#ifndef WSD_TRANSPORT_SHM_OPS_H
#define WSD_TRANSPORT_SHM_OPS_H

#include "transport/transport.h"

#define SHM_RDMA_MAX (16u << 20)
#define SHM_RDMA_THRESHOLD (32u << 10)
#define SHM_DESCRIPTOR_LEN 32

/* shm_listen.c */
enum status shm_listen(const struct addr *local, bool only_v6,
	unsigned backlog, struct transport_listener **out);
enum status shm_set_backlog(struct transport_listener *l, unsigned backlog);
os_handle shm_listener_handle(struct transport_listener *l);
void shm_close_listener(struct transport_listener *l);
void shm_leave_listener(struct transport_listener *l);
enum status shm_pack_listener(struct transport_listener *l, uint8_t *blob,
	uint32_t *len, os_handle *handles, unsigned *count);
enum status shm_unpack_listener(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count,
	struct transport_listener **out);

/* shm_accept.c */
enum status shm_take(struct transport_listener *l,
	struct transport_request **out);
enum status shm_accept(struct transport_request *r,
	struct transport_conn **out);
void shm_refuse(struct transport_request *r, enum transport_refusal why);

/* shm_connect.c */
enum status shm_connect(const struct addr *local, const struct addr *remote,
	const void *private_data, uint32_t private_len,
	struct transport_conn **out);

/* shm_conn.c */
enum status shm_status(struct transport_conn *c, bool thorough);
enum status shm_early(struct transport_conn *c);
void shm_peer(struct transport_conn *c, struct os_peer *out);
os_handle shm_handle(struct transport_conn *c);
void shm_set_handle(struct transport_conn *c, os_handle h);
bool shm_writable(struct transport_conn *c);
enum status shm_arm(struct transport_conn *c, unsigned interest);
enum status shm_drain(struct transport_conn *c, bool keep);
void shm_abort(struct transport_conn *c);
void shm_close(struct transport_conn *c, bool handed_off);

/* shm_message.c */
enum status shm_send(struct transport_conn *c, const struct os_span *spans,
	unsigned count, unsigned flags);
enum status shm_peek(struct transport_conn *c, const void **data,
	uint32_t *len);
void shm_release(struct transport_conn *c);
uint64_t shm_arrivals(struct transport_conn *c);

/* shm_rdma.c */
enum status shm_expose(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, uint8_t *descriptor);
enum status shm_conceal(struct transport_conn *c, const uint8_t *descriptor);
enum status shm_do_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie);

/* shm_served.c */
enum status shm_reap(struct transport_conn *c, uint64_t *cookie,
	enum status *result);

/* shm_handoff.c */
enum status shm_pack(struct transport_conn *c, uint8_t *blob, uint32_t *len,
	os_handle *handles, unsigned *count);
enum status shm_unpack(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count, struct transport_conn **out);

#endif
