/* SPDX-License-Identifier: MIT */
#define CASE_HELPER
#include "pair.h"
#include "stream.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static void skip_without_ipv6(int domain)
{
	struct address loopback;
	int fd;

	if (domain != AF_INET6)
		return;
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	loopback = address_ipv6("::1", 0);
	if (fd < 0 || bind(fd, ADDRESS(loopback)) < 0)
		case_skip("no IPv6 loopback here: %s", strerror(errno));
	close(fd);
}

int client_socket(enum family family, int flags)
{
	int six = family == IPV6 || family == MAPPED;
	int domain = six ? AF_INET6 : AF_INET;

	skip_without_ipv6(domain);
	return CHECK_OK(socket(domain, SOCK_STREAM | flags, 0));
}

static struct address address_listen(enum family family)
{
	if (family == IPV6)
		return address_ipv6("::1", 0);
	if (family == DUAL)
		return address_ipv6("::", 0);
	return address_ipv4(INADDR_LOOPBACK, 0);
}

static int bound_at(struct address at)
{
	int one = 1, zero = 0, fd;
	int domain = at.storage.ss_family;

	skip_without_ipv6(domain);
	fd = CHECK_OK(socket(domain, SOCK_STREAM, 0));
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	if (domain == AF_INET6)
		CHECK_OK(setsockopt(
		        fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)));
	CHECK_OK(bind(fd, ADDRESS(at)));
	return fd;
}

int listener_open_at(struct address at)
{
	int fd = bound_at(at);

	CHECK_OK(listen(fd, BACKLOG));
	return fd;
}

int listener_open(enum family family)
{
	return listener_open_at(address_listen(family));
}

static struct address reach(int port, enum family family)
{
	if (family == IPV6)
		return address_ipv6("::1", port);
	if (family == MAPPED)
		return address_ipv6("::ffff:127.0.0.1", port);
	return address_ipv4(INADDR_LOOPBACK, port);
}

struct address listener_target(int listener, enum family family)
{
	struct address bound = address_local(listener);

	return reach(address_port(&bound), family);
}

/* Bound, never listening: the port is taken and refuses. */
struct address address_refused(enum family family)
{
	struct address bound = address_local(bound_at(address_listen(family)));

	return reach(address_port(&bound), family);
}

int client_of_family(int listener, enum family family)
{
	struct address target = listener_target(listener, family);
	int fd = client_socket(family, 0);

	CHECK_OK(connect(fd, ADDRESS(target)));
	return fd;
}

int client_of(int listener)
{
	return client_of_family(listener, IPV4);
}

int server_of(int listener)
{
	return CHECK_OK(accept(listener, NULL, NULL));
}

static struct pair through(int listener, enum family family)
{
	struct pair made;

	made.client = client_of_family(listener, family);
	made.server = server_of(listener);
	return made;
}

struct pair pair_through(int listener)
{
	return through(listener, IPV4);
}

void listener_serves_family(int listener, enum family family)
{
	struct pair pair = through(listener, family);

	roundtrip(pair.client, pair.server);
	pair_close(pair);
}

void listener_serves(int listener)
{
	listener_serves_family(listener, IPV4);
}

struct pair pair_open_over(enum family family)
{
	int listener = listener_open(family);
	struct pair made = through(listener, family);

	CHECK_OK(close(listener));
	return made;
}

struct pair pair_open(void)
{
	return pair_open_over(IPV4);
}

void pair_close(struct pair pair)
{
	CHECK_OK(close(pair.client));
	CHECK_OK(close(pair.server));
}
