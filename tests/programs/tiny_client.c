/* SPDX-License-Identifier: MIT */
/* tiny_client PORT: has five bytes echoed; what the tests build in odd ways. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef LIKE_GO
/* As the Go linker's build id. */
__attribute__((section(".note.go.buildid"), used, aligned(4)))
static const struct {
	unsigned name_len, content_len, type;
	char name[4], content[4];
} build_id = {4, 4, 4, "Go", "abc"};
#endif

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int s = socket(AF_INET, SOCK_STREAM, 0);
	char back[5];

	if (argc != 2)
		return 3;
	to.sin_port = htons((unsigned short)atoi(argv[1]));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) != 0)
		return 4;
	if (write(s, "hello", 5) != 5 ||
		recv(s, back, 5, MSG_WAITALL) != 5 || memcmp(back, "hello", 5))
		return 5;
	puts("echoed");
	return 42;
}
