/* SPDX-License-Identifier: MIT */
/* Bad pointers and bad descriptors: an error, never a crash or a loss. */
#include "pair.h"
#include "stream.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <unistd.h>

/* One page that may be used, then one that may not. */
static char *guarded_page(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *made = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(made != MAP_FAILED);
	CHECK_OK(mprotect(made + page, page, PROT_NONE));
	return made;
}

static void *bad_pointer(void)
{
	return guarded_page() + sysconf(_SC_PAGESIZE);
}

CASE(sending_from_a_bad_pointer_gives_EFAULT)
{
	struct pair pair = pair_open();
	struct iovec part = {bad_pointer(), 100};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	int fd = pair.client;

	CHECK_ERRNO(send(fd, part.iov_base, 100, 0), EFAULT);
	CHECK_ERRNO(sendto(fd, part.iov_base, 100, 0, NULL, 0), EFAULT);
	CHECK_ERRNO(write(fd, part.iov_base, 100), EFAULT);
	CHECK_ERRNO(writev(fd, &part, 1), EFAULT);
	CHECK_ERRNO(sendmsg(fd, &header, 0), EFAULT);
	expect_silence(pair.server);
	roundtrip(pair.client, pair.server);
}

CASE(sending_much_from_a_bad_pointer_gives_EFAULT)
{
	struct pair pair = pair_open();
	size_t length = 1024 * 1024;
	void *bad = mmap(
	        NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(bad != MAP_FAILED);
	CHECK_ERRNO(send(pair.client, bad, length, 0), EFAULT);
	expect_silence(pair.server);
	roundtrip(pair.client, pair.server);
}

CASE(receiving_to_a_bad_pointer_gives_EFAULT_and_keeps_the_data)
{
	struct pair pair = pair_open();
	struct iovec part = {bad_pointer(), 5};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	int fd = pair.server;

	send_text(pair.client, "hello");
	wait_queued(fd, 5);
	CHECK_ERRNO(recv(fd, part.iov_base, 5, 0), EFAULT);
	CHECK_ERRNO(recv(fd, part.iov_base, 5, MSG_PEEK), EFAULT);
	CHECK_ERRNO(recvfrom(fd, part.iov_base, 5, 0, NULL, NULL), EFAULT);
	CHECK_ERRNO(read(fd, part.iov_base, 5), EFAULT);
	CHECK_ERRNO(readv(fd, &part, 1), EFAULT);
	CHECK_ERRNO(recvmsg(fd, &header, 0), EFAULT);
	recv_text(fd, "hello");
}

CASE(bad_headers_and_part_lists_give_EFAULT)
{
	struct pair pair = pair_open();
	struct msghdr header = {.msg_iov = bad_pointer(), .msg_iovlen = 1};
	int fd = pair.server;

	send_text(pair.client, "hello");
	wait_for(fd, POLLIN);
	CHECK_ERRNO(writev(fd, bad_pointer(), 1), EFAULT);
	CHECK_ERRNO(readv(fd, bad_pointer(), 1), EFAULT);
	CHECK_ERRNO(sendmsg(fd, bad_pointer(), 0), EFAULT);
	CHECK_ERRNO(recvmsg(fd, bad_pointer(), 0), EFAULT);
	CHECK_ERRNO(sendmsg(fd, &header, 0), EFAULT);
	CHECK_ERRNO(recvmsg(fd, &header, 0), EFAULT);
	CHECK_ERRNO(sendmmsg(fd, bad_pointer(), 1, 0), EFAULT);
	CHECK_ERRNO(recvmmsg(fd, bad_pointer(), 1, 0, NULL), EFAULT);
	recv_text(fd, "hello");
	roundtrip(pair.client, pair.server);
}

/* How much is sent is open; what is sent must arrive, and no more. */
CASE(sending_from_a_buffer_with_a_bad_end_sends_a_good_part_or_none)
{
	struct pair pair = pair_open();
	size_t page = sysconf(_SC_PAGESIZE);
	char *buffer = guarded_page();
	ssize_t n;

	pattern_fill(buffer, page, 0);
	n = send(pair.client, buffer, 2 * page, 0);
	if (n < 0)
		CHECK_EQ(errno, EFAULT);
	CHECK(n <= (ssize_t)page);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	recv_pattern(pair.server, 0, n < 0 ? 0 : n);
	expect_eof(pair.server);
}

CASE(receiving_to_a_buffer_with_a_bad_end_loses_nothing)
{
	struct pair pair = pair_open();
	size_t page = sysconf(_SC_PAGESIZE);
	char *buffer = guarded_page() + page - 10;
	ssize_t n;

	send_pattern(pair.client, 0, 100);
	wait_queued(pair.server, 100);
	n = recv(pair.server, buffer, 100, 0);
	if (n < 0)
		CHECK_EQ(errno, EFAULT);
	CHECK(n <= 10);
	if (n > 0)
		pattern_check(buffer, n, 0);
	recv_pattern(pair.server, n < 0 ? 0 : n, n < 0 ? 100 : 100 - n);
	expect_silence(pair.server);
}

CASE(name_calls_with_bad_pointers_give_EFAULT)
{
	struct pair pair = pair_open();
	socklen_t length = 16;

	CHECK_ERRNO(getsockname(pair.client, bad_pointer(), &length), EFAULT);
	CHECK_ERRNO(getpeername(pair.client, bad_pointer(), &length), EFAULT);
	CHECK_ERRNO(getpeername(pair.client, bad_pointer(), NULL), EFAULT);
	roundtrip(pair.client, pair.server);
}

CASE(option_calls_with_bad_pointers_give_EFAULT)
{
	struct pair pair = pair_open();
	int fd = pair.client;
	socklen_t length = sizeof(int);

	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, bad_pointer(), 4),
	        EFAULT);
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_TYPE, bad_pointer(), &length),
	        EFAULT);
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_TYPE, bad_pointer(), NULL),
	        EFAULT);
	CHECK_ERRNO(ioctl(fd, FIONREAD, bad_pointer()), EFAULT);
	roundtrip(pair.client, pair.server);
}

CASE(connect_and_accept_with_bad_pointers_give_EFAULT)
{
	int listener = listener_open(IPV4);
	socklen_t length = 16;

	CHECK_ERRNO(connect(client_socket(IPV4, 0), bad_pointer(), 16), EFAULT);
	client_of(listener);
	CHECK_ERRNO(accept(listener, bad_pointer(), &length), EFAULT);
	listener_serves(listener);
}

CASE(waiting_calls_with_bad_pointers_give_EFAULT)
{
	struct pair pair = pair_open();
	int epoll = CHECK_OK(epoll_create1(0));
	struct epoll_event event = {.events = EPOLLIN};

	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.server, &event));
	send_text(pair.client, "hello");
	wait_for(pair.server, POLLIN);
	CHECK_ERRNO(poll(bad_pointer(), 1, 0), EFAULT);
	CHECK_ERRNO(select(pair.server + 1, bad_pointer(), NULL, NULL, NULL),
	        EFAULT);
	CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_MOD, pair.server, bad_pointer()),
	        EFAULT);
	CHECK_ERRNO(epoll_wait(epoll, bad_pointer(), 1, 0), EFAULT);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
}

CASE(a_closed_descriptor_gives_EBADF)
{
	struct pair pair = pair_open();
	int fd = pair.client, type;
	socklen_t length = sizeof(type);
	char byte = 'x';

	CHECK_OK(close(fd));
	CHECK_ERRNO(close(fd), EBADF);
	CHECK_ERRNO(send(fd, &byte, 1, 0), EBADF);
	CHECK_ERRNO(recv(fd, &byte, 1, 0), EBADF);
	CHECK_ERRNO(write(fd, &byte, 1), EBADF);
	CHECK_ERRNO(read(fd, &byte, 1), EBADF);
	CHECK_ERRNO(shutdown(fd, SHUT_WR), EBADF);
	CHECK_ERRNO(dup(fd), EBADF);
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length), EBADF);
	CHECK_ERRNO(send(-1, &byte, 1, 0), EBADF);
	CHECK_ERRNO(recv(1 << 30, &byte, 1, 0), EBADF);
}

CASE(socket_calls_on_a_pipe_give_ENOTSOCK)
{
	int ends[2];
	char byte = 'x';

	CHECK_OK(pipe(ends));
	CHECK_ERRNO(send(ends[1], &byte, 1, 0), ENOTSOCK);
	CHECK_ERRNO(recv(ends[0], &byte, 1, 0), ENOTSOCK);
	CHECK_ERRNO(shutdown(ends[0], SHUT_RD), ENOTSOCK);
	CHECK_ERRNO(listen(ends[0], 1), ENOTSOCK);
}

CASE(file_positions_on_a_connection_give_ESPIPE)
{
	struct pair pair = pair_open();
	struct iovec part = {"x", 1};
	char byte = 'x';

	CHECK_ERRNO(lseek(pair.client, 0, SEEK_SET), ESPIPE);
	CHECK_ERRNO(pread(pair.client, &byte, 1, 0), ESPIPE);
	CHECK_ERRNO(pwrite(pair.client, &byte, 1, 0), ESPIPE);
	CHECK_ERRNO(pwritev(pair.client, &part, 1, 0), ESPIPE);
	roundtrip(pair.client, pair.server);
}
