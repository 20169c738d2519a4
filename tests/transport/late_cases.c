/* SPDX-License-Identifier: MIT */
/*
 * A request of the shm transport that comes just when its listener gives the
 * link up: it can be sent, and nobody hears it. Linked with
 * --wrap=os_link_send.
 */
#include "pair.h"
#include "transport/shm/shm_listener.h"
#include "transport/shm/shm_name.h"

enum status __real_os_link_send(os_handle link, const void *data, size_t len,
	const os_handle *handles, unsigned count);
enum status __wrap_os_link_send(os_handle link, const void *data, size_t len,
	const os_handle *handles, unsigned count);

/* The listener that hangs up on the next `deaf` clients, which are slow. */
static os_handle listener;
static unsigned deaf;

static enum status send_late(os_handle link, const void *data, size_t len,
	const os_handle *handles, unsigned count)
{
	os_handle other;
	enum status st;

	os_sleep(2 * SHM_HASTE_NS);
	os_link_sleep(link, 0); /* one that is silent may be passed over */
	CHECK_OK(os_link_accept(listener, &other, NULL));
	CHECK_OK(os_link_ring(other)); /* it waits */
	st = __real_os_link_send(link, data, len, handles, count);
	os_handle_close(other);
	return st;
}

enum status __wrap_os_link_send(os_handle link, const void *data, size_t len,
	const os_handle *handles, unsigned count)
{
	if (deaf == 0)
		return __real_os_link_send(link, data, len, handles, count);
	deaf--;
	return send_late(link, data, len, handles, count);
}

static struct addr offer(void)
{
	struct addr at = client_addr(4);
	struct shm_name names[SHM_NAME_TRIES];

	shm_names_wanted(&at, names);
	CHECK_OK(os_listen(names[0].text, 8, &listener));
	return at;
}

CASE(late_request_that_nobody_has_heard_is_made_again)
{
	struct shm_request message;
	size_t len = sizeof message;
	os_handle link, segment;
	unsigned count = 1;
	struct addr at = offer();
	struct transport_conn *c;

	deaf = 2;
	c = connect_to(&at);
	CHECK(deaf == 0);
	CHECK_OK(os_link_accept(listener, &link, NULL));
	CHECK_OK(os_link_receive(link, &message, &len, &segment, &count,
		PATIENCE));
	CHECK(count == 1 && message.magic == SHM_MAGIC);
	CHECK_ST(ops->status(c, true), ST_PENDING);
	ops->close(c, false);
}

CASE(late_requests_that_nobody_ever_hears_are_an_error)
{
	struct addr from = client_addr(4), at = offer();
	struct transport_conn *c;

	deaf = 100;
	CHECK_ST(try_connect(&from, &at, &c), ST_NOTFOUND);
	CHECK(deaf < 100);
}
