#!/bin/sh
# SPDX-License-Identifier: MIT
# The library must not call what the preload library replaces, except by
# syscall(2). Usage: symbols.sh libwsd-os.a
set -eu
forbidden='socket|socketpair|bind|listen|accept|accept4|connect|shutdown
close|dup|dup2|dup3|fcntl|fcntl64|ioctl|pipe|pipe2|open|open64|openat|openat64
read|readv|pread|pread64|preadv|write|writev|pwrite|pwrite64|pwritev
send|sendto|sendmsg|sendmmsg|recv|recvfrom|recvmsg|recvmmsg|sendfile|sendfile64
poll|ppoll|select|pselect|epoll_create|epoll_create1|epoll_ctl|epoll_wait
epoll_pwait|epoll_pwait2|eventfd|memfd_create|getsockopt|setsockopt
getsockname|getpeername|fork|vfork|execve|sigaction|signal|fopen|fopen64|fclose'
pattern=$(echo "$forbidden" | tr '\n' '|' | sed 's/|$//')
symbols=$(nm -u "$1")
echo "1..1"
if found=$(echo "$symbols" | awk '$1 == "U" {print $2}' |
	grep -Ex "(__)?($pattern)(_chk)?"); then
	echo "# replaced by the preload library:" $found
	echo "not ok 1 - the_library_enters_the_kernel_directly"
	exit 1
fi
echo "ok 1 - the_library_enters_the_kernel_directly"
