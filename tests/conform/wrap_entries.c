/* SPDX-License-Identifier: MIT */
/* The real provider's functions, as entries. */
#include "wrap.h"

#include "wrap_real.h"

static intptr_t do_cleanup(struct call *c)
{
	int result = provider.t.lpWSPCleanup(&c->error);

	if (result == 0)
		wrap_count_out();
	return result;
}

static intptr_t do_socket(struct call *c)
{
	return (intptr_t)provider.t.lpWSPSocket(c->af, c->type, c->protocol,
		c->info, c->group, c->flags, &c->error);
}

static intptr_t do_bind(struct call *c)
{
	return provider.t.lpWSPBind(c->s, c->name, c->name_len, &c->error);
}

static intptr_t do_listen(struct call *c)
{
	return provider.t.lpWSPListen(c->s, c->backlog, &c->error);
}

static intptr_t do_connect(struct call *c)
{
	return provider.t.lpWSPConnect(c->s, c->name, c->name_len, c->caller,
		c->callee, c->sqos, c->gqos, &c->error);
}

static intptr_t do_accept(struct call *c)
{
	return (intptr_t)provider.t.lpWSPAccept(c->s, c->name, c->name_room,
		c->condition, c->condition_data, &c->error);
}

static intptr_t do_close(struct call *c)
{
	return provider.t.lpWSPCloseSocket(c->s, &c->error);
}

static intptr_t do_get_option(struct call *c)
{
	return provider.t.lpWSPGetSockOpt(c->s, c->level, c->option, c->value,
		c->value_room, &c->error);
}

static intptr_t do_set_option(struct call *c)
{
	return provider.t.lpWSPSetSockOpt(c->s, c->level, c->option, c->value,
		c->value_len, &c->error);
}

static intptr_t do_ioctl(struct call *c)
{
	int result = provider.t.lpWSPIoctl(c->s, c->code, c->in, c->in_len,
		c->out, c->out_len, c->returned, c->ov, c->routine, c->thread,
		&c->error);

	if (result == 0 && c->code == (DWORD)SIO_GET_EXTENSION_FUNCTION_POINTER)
		wrap_extension(c->in, c->out);
	return result;
}

static intptr_t do_qos_by_name(struct call *c)
{
	return provider.t.lpWSPGetQOSByName(c->s, c->qos_name, c->sqos,
		&c->error);
}

static intptr_t do_select(struct call *c)
{
	return provider.t.lpWSPEventSelect(c->s, c->event, c->mask, &c->error);
}

static intptr_t do_enum(struct call *c)
{
	return provider.t.lpWSPEnumNetworkEvents(c->s, c->event, c->events,
		&c->error);
}

static intptr_t do_send(struct call *c)
{
	return provider.t.lpWSPSend(c->s, c->buffers, c->count, c->moved,
		c->flags, c->ov, c->routine, c->thread, &c->error);
}

static intptr_t do_recv(struct call *c)
{
	return provider.t.lpWSPRecv(c->s, c->buffers, c->count, c->moved,
		c->flags_out, c->ov, c->routine, c->thread, &c->error);
}

static intptr_t do_result(struct call *c)
{
	return provider.t.lpWSPGetOverlappedResult(c->s, c->ov, c->moved,
		c->wait, c->flags_out, &c->error);
}

static intptr_t do_duplicate(struct call *c)
{
	return provider.t.lpWSPDuplicateSocket(c->s, c->process, c->info,
		&c->error);
}

static intptr_t do_register(struct call *c)
{
	return (intptr_t)provider.register_memory(c->s, c->base, (DWORD)c->len,
		c->flags, &c->error);
}

static intptr_t do_deregister(struct call *c)
{
	return provider.deregister_memory(c->s, c->handle, &c->error);
}

static intptr_t do_expose(struct call *c)
{
	return provider.register_rdma(c->s, c->base, (DWORD)c->len, c->flags,
		c->descriptor, c->descriptor_room, &c->error);
}

static intptr_t do_conceal(struct call *c)
{
	return provider.deregister_rdma(c->s, c->descriptor, c->descriptor_len,
		&c->error);
}

static intptr_t do_write(struct call *c)
{
	return provider.rdma_write(c->s, c->local, c->count, c->descriptor,
		c->descriptor_len, c->offset, c->moved, c->flags, c->ov,
		c->routine, c->thread, &c->error);
}

static intptr_t do_read(struct call *c)
{
	return provider.rdma_read(c->s, c->local, c->count, c->descriptor,
		c->descriptor_len, c->offset, c->moved, c->flags, c->ov,
		c->routine, c->thread, &c->error);
}

static intptr_t do_uncache(struct call *c)
{
	return provider.cache_callback(c->base, c->len, &c->error);
}

#define ALL                                                                   \
	{                                                                     \
		[START] = wrap_start, [CLEANUP] = do_cleanup,                 \
		[SOCKET_] = do_socket, [BIND] = do_bind,                      \
		[LISTEN] = do_listen, [CONNECT] = do_connect,                 \
		[ACCEPT] = do_accept, [CLOSE] = do_close,                     \
		[GET_OPTION] = do_get_option, [SET_OPTION] = do_set_option,   \
		[IOCTL] = do_ioctl, [QOS_BY_NAME] = do_qos_by_name,           \
		[SELECT] = do_select, [ENUM] = do_enum, [SEND] = do_send,     \
		[RECV] = do_recv, [RESULT] = do_result,                       \
		[DUPLICATE] = do_duplicate, [REGISTER] = do_register,         \
		[DEREGISTER] = do_deregister, [EXPOSE] = do_expose,           \
		[CONCEAL] = do_conceal, [WRITE] = do_write,                   \
		[READ] = do_read, [UNCACHE] = do_uncache,                     \
	}

const entry_fn real[ENTRIES] = ALL;
entry_fn entry[ENTRIES] = ALL;
