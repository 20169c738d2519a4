/* SPDX-License-Identifier: MIT */
/*
 * tcp_pingpong - round trips through plain sockets, between two hosts: what
 * fi_pingpong does through libfabric.
 *
 *   tcp_pingpong serve PORT             serves one client after the other
 *   tcp_pingpong HOST PORT SIZE ROUNDS  prints half a round trip in us: mean,
 *                                       median, 99th percentile
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What the client asks for, before the first round. */
struct order {
	uint32_t size, rounds; /* network order */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* False at the end of the stream. */
static int get(int fd, char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, buf, len, 0);

		if (n < 0)
			die("recv");
		if (n == 0)
			return 0;
		buf += n;
		len -= (size_t)n;
	}
	return 1;
}

static void put(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		buf += n;
		len -= (size_t)n;
	}
}

static void without_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void serve_client(int fd)
{
	struct order o;
	char *buf;

	without_delay(fd);
	if (!get(fd, (char *)&o, sizeof o))
		return;
	buf = calloc(1, ntohl(o.size));
	if (!buf)
		die("calloc");
	for (uint32_t i = 0; i < ntohl(o.rounds) &&
		get(fd, buf, ntohl(o.size)); i++)
		put(fd, buf, ntohl(o.size));
	free(buf);
}

static int serve(const char *port)
{
	struct sockaddr_in any = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port))};
	int s = socket(AF_INET, SOCK_STREAM, 0), on = 1, fd;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (s < 0 || bind(s, (struct sockaddr *)&any, sizeof any) ||
		listen(s, 8))
		die("listen");
	while ((fd = accept(s, NULL, NULL)) >= 0) {
		serve_client(fd);
		close(fd);
	}
	die("accept");
	return 1;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int connect_to(const char *host, const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
		connect(fd, (struct sockaddr *)&to, sizeof to))
		die("connect");
	without_delay(fd);
	return fd;
}

static int ask(const char *host, const char *port, uint32_t size,
	uint32_t rounds)
{
	struct order o = {htonl(size), htonl(rounds)};
	double *took = calloc(rounds, sizeof *took), sum = 0;
	char *buf = calloc(1, size);
	int fd = connect_to(host, port);

	if (!took || !buf)
		die("calloc");
	put(fd, (char *)&o, sizeof o);
	for (uint32_t i = 0; i < rounds; i++) {
		double start = now_us();

		put(fd, buf, size);
		if (!get(fd, buf, size))
			die("the other side has ended");
		took[i] = (now_us() - start) / 2;
		sum += took[i];
	}
	close(fd);
	qsort(took, rounds, sizeof *took, ascending);
	printf("%u %.3f %.3f %.3f\n", size, sum / rounds, took[rounds / 2],
		took[(size_t)(rounds * 0.99)]);
	free(took);
	free(buf);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 5 && atoi(argv[3]) > 0 && atoi(argv[4]) > 0)
		return ask(argv[1], argv[2], (uint32_t)atoi(argv[3]),
			(uint32_t)atoi(argv[4]));
	fprintf(stderr, "usage: tcp_pingpong serve PORT\n"
			"       tcp_pingpong HOST PORT SIZE ROUNDS\n");
	return 2;
}
