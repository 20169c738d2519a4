/* SPDX-License-Identifier: MIT */
/* Which address an end has, and which listener an address leads to. */
#include "pair.h"
#include "stream.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static void names_cross(enum family family)
{
	struct pair pair = pair_open_over(family);

	address_match(address_local(pair.client), address_peer(pair.server));
	address_match(address_peer(pair.client), address_local(pair.server));
}
CASE_PER_FAMILY(names_of_both_ends_agree_crosswise, names_cross);

static void name_families(enum family family)
{
	struct pair pair = pair_open_over(family);
	int client = family == IPV6 || family == MAPPED ? AF_INET6 : AF_INET;
	int server = family == IPV6 || family == DUAL ? AF_INET6 : AF_INET;

	CHECK_EQ(address_local(pair.client).storage.ss_family, client);
	CHECK_EQ(address_peer(pair.client).storage.ss_family, client);
	CHECK_EQ(address_local(pair.server).storage.ss_family, server);
	CHECK_EQ(address_peer(pair.server).storage.ss_family, server);
}
CASE_PER_FAMILY(names_have_the_family_of_the_socket, name_families);

CASE(the_server_end_has_the_address_of_the_listener)
{
	int listener = listener_open(IPV4);
	int client = client_of(listener), server = server_of(listener);

	address_match(address_local(server), address_local(listener));
	address_match(address_peer(client), address_local(listener));
}

CASE(getpeername_without_a_connection_gives_ENOTCONN)
{
	struct address got = {.length = sizeof(got.storage)};
	struct sockaddr *at = (struct sockaddr *)&got.storage;

	CHECK_ERRNO(
	        getpeername(client_socket(IPV4, 0), at, &got.length), ENOTCONN);
	CHECK_ERRNO(
	        getpeername(listener_open(IPV4), at, &got.length), ENOTCONN);
}

CASE(getsockname_and_getpeername_cut_to_the_room_given)
{
	struct pair pair = pair_open();
	struct address got, want = address_local(pair.client);
	socklen_t length = 6;

	memset(&got, 0xa5, sizeof(got));
	CHECK_OK(getsockname(
	        pair.client, (struct sockaddr *)&got.storage, &length));
	CHECK_EQ(length, sizeof(struct sockaddr_in));
	CHECK_BYTES(&got.storage, &want.storage, 6);
	CHECK_EQ(((unsigned char *)&got.storage)[6], 0xa5);
	length = 0;
	CHECK_OK(getpeername(
	        pair.client, (struct sockaddr *)&got.storage, &length));
	CHECK_EQ(length, sizeof(struct sockaddr_in));
}

CASE(a_fresh_socket_has_no_name)
{
	struct address name = address_local(client_socket(IPV4, 0));

	CHECK_EQ(name.storage.ss_family, AF_INET);
	CHECK_EQ(address_port(&name), 0);
}

CASE(a_client_keeps_the_port_it_was_bound_to)
{
	struct address own = address_ipv4(INADDR_LOOPBACK, 0);
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);
	int client = client_socket(IPV4, 0), server;

	CHECK_OK(bind(client, ADDRESS(own)));
	own = address_local(client);
	CHECK_OK(connect(client, ADDRESS(target)));
	server = server_of(listener);
	address_match(address_local(client), own);
	address_match(address_peer(server), own);
	roundtrip(client, server);
}

CASE(a_client_keeps_the_host_it_was_bound_to)
{
	struct address own = address_ipv4(INADDR_LOOPBACK + 8, 0);
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);
	int client = client_socket(IPV4, 0), server;

	CHECK_OK(bind(client, ADDRESS(own)));
	own = address_local(client);
	CHECK_OK(connect(client, ADDRESS(target)));
	server = server_of(listener);
	address_match(address_peer(server), own);
	roundtrip(client, server);
}

/* Connects to host at the port of the listener, expects these names. */
static void reach(int listener, uint32_t host, uint32_t seen)
{
	struct address bound = address_local(listener);
	int port = address_port(&bound);
	struct address target = address_ipv4(host, port);
	struct address want = address_ipv4(seen, port);
	int client = client_socket(IPV4, 0), server;

	CHECK_OK(connect(client, ADDRESS(target)));
	server = server_of(listener);
	address_match(address_peer(client), want);
	address_match(address_local(server), want);
	roundtrip(client, server);
}

CASE(a_wildcard_listener_is_reached_at_every_loopback_address)
{
	int listener = listener_open_at(address_ipv4(INADDR_ANY, 0));

	reach(listener, INADDR_LOOPBACK, INADDR_LOOPBACK);
	reach(listener, INADDR_LOOPBACK + 1, INADDR_LOOPBACK + 1);
	reach(listener, 0x7fabcdef, 0x7fabcdef);
}

CASE(connect_to_the_wildcard_address_means_loopback)
{
	int any = listener_open_at(address_ipv4(INADDR_ANY, 0));
	int loopback = listener_open(IPV4);

	reach(any, INADDR_ANY, INADDR_LOOPBACK);
	reach(loopback, INADDR_ANY, INADDR_LOOPBACK);
}

CASE(a_listener_at_one_loopback_address_is_not_at_another)
{
	struct address bound = address_local(listener_open(IPV4));
	struct address other =
	        address_ipv4(INADDR_LOOPBACK + 1, address_port(&bound));

	CHECK_ERRNO(
	        connect(client_socket(IPV4, 0), ADDRESS(other)), ECONNREFUSED);
}

CASE(two_listeners_on_one_port_are_told_apart_by_address)
{
	int one = listener_open(IPV4), two;
	struct address at = address_local(one);
	int port = address_port(&at);

	two = listener_open_at(address_ipv4(INADDR_LOOPBACK + 1, port));
	reach(two, INADDR_LOOPBACK + 1, INADDR_LOOPBACK + 1);
	reach(one, INADDR_LOOPBACK, INADDR_LOOPBACK);
	reach(two, INADDR_LOOPBACK + 1, INADDR_LOOPBACK + 1);
}

CASE(an_ipv6_only_listener_is_not_reached_over_ipv4)
{
	int one = 1, fd = client_socket(IPV6, 0);
	struct address at = address_ipv6("::", 0);

	CHECK_OK(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	CHECK_OK(bind(fd, ADDRESS(at)));
	CHECK_OK(listen(fd, 1));
	at = listener_target(fd, IPV4);
	CHECK_ERRNO(connect(client_socket(IPV4, 0), ADDRESS(at)), ECONNREFUSED);
	listener_serves_family(fd, IPV6);
}

CASE(a_dual_stack_listener_serves_both_families)
{
	int listener = listener_open(DUAL);

	listener_serves_family(listener, IPV6);
	listener_serves_family(listener, IPV4);
	listener_serves_family(listener, MAPPED);
}
