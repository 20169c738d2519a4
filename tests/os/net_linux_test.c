/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "test_linux.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct addr v6(uint8_t first, uint8_t second, uint8_t last)
{
	struct addr a = addr_any(6, 0);

	a.ip[0] = first;
	a.ip[1] = second;
	a.ip[15] = last;
	return a;
}

/* ---- who listens ------------------------------------------------------ */

#define USER 54321

static struct addr at(struct addr a, uint16_t port)
{
	a.port = port;
	return a;
}

static socklen_t to_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *six = (void *)ss;
	struct sockaddr_in *four = (void *)ss;

	memset(ss, 0, sizeof *ss);
	if (a->family == 4) {
		four->sin_family = AF_INET;
		four->sin_port = htons(a->port);
		memcpy(&four->sin_addr, a->ip + 12, 4);
		return sizeof *four;
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(a->port);
	memcpy(&six->sin6_addr, a->ip, 16);
	return sizeof *six;
}

/* Listens as the given user; returns the port. -1: not possible here. */
static int listen_as(uint32_t uid, struct addr a, int v6only)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(&a, &ss);
	int on = 1, s, ok;

	if (seteuid(uid) != 0)
		return -1;
	s = socket(ss.ss_family, SOCK_STREAM, 0);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (a.family == 6)
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &v6only,
			sizeof v6only);
	ok = s >= 0 && bind(s, (void *)&ss, len) == 0;
	CHECK(seteuid(getuid()) == 0);
	if (!ok)
		return -1;
	CHECK(listen(s, 1) == 0);
	CHECK(getsockname(s, (void *)&ss, &len) == 0);
	return ntohs(((struct sockaddr_in *)&ss)->sin_port);
}

static int must_listen_as(uint32_t uid, struct addr a, int v6only)
{
	int port = listen_as(uid, a, v6only);

	if (port < 0)
		SKIP("needs root, or an address family that is not here");
	errno = 4242;
	return port;
}

static void expect_owner(struct addr a, int port, uint32_t want)
{
	struct addr it = at(a, (uint16_t)port);
	uint32_t uid = 0;
	enum status st = os_tcp_listener_owner(&it, &uid);

	if (st == ST_UNSUPPORTED)
		SKIP("the kernel does not list sockets here");
	CHECK_ST(st, ST_OK);
	CHECK(uid == want);
	CHECK(errno == 4242);
}

static void expect_nobody(struct addr a, int port)
{
	struct addr it = at(a, (uint16_t)port);
	uint32_t uid = 0;
	enum status st = os_tcp_listener_owner(&it, &uid);

	if (st == ST_UNSUPPORTED)
		SKIP("the kernel does not list sockets here");
	CHECK_ST(st, ST_NOTFOUND);
}

static const struct addr *loopback(int family)
{
	static struct addr a;

	a = family == 4 ? addr_v4(127, 0, 0, 1, 0) : v6(0, 0, 1);
	return &a;
}

static void a_listener_of_our_own_is_found(void)
{
	int port = must_listen_as(getuid(), *loopback(4), 0);

	expect_owner(*loopback(4), port, getuid());
	expect_nobody(addr_v4(127, 0, 0, 2, 0), port);
	expect_nobody(addr_any(4, 0), port);
	expect_nobody(*loopback(6), port);
}

static void an_exact_address_goes_before_a_wildcard(void)
{
	int port = must_listen_as(USER, *loopback(4), 0);

	must_listen_as(0, at(addr_v4(127, 0, 0, 3, 0), (uint16_t)port), 0);
	expect_owner(*loopback(4), port, USER);
	expect_owner(addr_v4(127, 0, 0, 3, 0), port, 0);
}

static void a_wildcard_covers_its_family(void)
{
	int port = must_listen_as(USER, addr_any(4, 0), 0);

	expect_owner(*loopback(4), port, USER);
	expect_owner(addr_v4(192, 0, 2, 1, 0), port, USER);
	expect_owner(addr_any(4, 0), port, USER);
	expect_nobody(*loopback(6), port);
}

static void a_dual_stack_wildcard_covers_both_families(void)
{
	int port = must_listen_as(USER, addr_any(6, 0), 0);

	expect_owner(*loopback(6), port, USER);
	expect_owner(*loopback(4), port, USER);
}

static void an_ipv6_only_wildcard_covers_no_ipv4(void)
{
	int port = must_listen_as(USER, addr_any(6, 0), 1);

	expect_owner(*loopback(6), port, USER);
	expect_nobody(*loopback(4), port);
	must_listen_as(0, at(addr_any(4, 0), (uint16_t)port), 0);
	expect_owner(*loopback(4), port, 0);
	expect_owner(*loopback(6), port, USER);
}

static void a_bound_socket_that_does_not_listen_is_nobody(void)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(loopback(4), &ss);
	int s = socket(AF_INET, SOCK_STREAM, 0), port;

	CHECK(bind(s, (void *)&ss, len) == 0);
	CHECK(getsockname(s, (void *)&ss, &len) == 0);
	port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	expect_nobody(*loopback(4), port);
	CHECK_ST(os_tcp_listener_owner(loopback(4), &(uint32_t){0}), ST_INVAL);
}

#define TEST(name) {#name, name}

/* ---- changes ---------------------------------------------------------- */

static void lo_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(ioctl(s, SIOCSIFFLAGS, &r) == 0);
	close(s);
}

static void a_new_address_is_noticed(void)
{
	os_handle watch;

	if (unshare(CLONE_NEWNET) != 0)
		SKIP("no network namespace of one's own");
	CHECK_ST(os_network_watch(&watch), ST_OK);
	CHECK_ST(os_handle_wait(watch, 0), ST_TIMEDOUT);
	lo_up();
	CHECK_ST(os_handle_wait(watch, MS(5000)), ST_OK);
	os_sleep(MS(50)); /* the card, then its addresses */
	os_network_seen(watch);
	CHECK_ST(os_handle_wait(watch, 0), ST_TIMEDOUT);
	os_handle_close(watch);
}

extern const struct test net_tests[];

const struct test net_tests[] = {
	TEST(a_listener_of_our_own_is_found),
	TEST(an_exact_address_goes_before_a_wildcard),
	TEST(a_wildcard_covers_its_family),
	TEST(a_dual_stack_wildcard_covers_both_families),
	TEST(an_ipv6_only_wildcard_covers_no_ipv4),
	TEST(a_bound_socket_that_does_not_listen_is_nobody),
	TEST(a_new_address_is_noticed),
	{0},
};
