/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cases.h"

const struct keeping *keeper;

void fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	_exit(1);
}

void skip(const char *why)
{
	fprintf(stderr, "%s\n", why);
	_exit(77);
}

static const struct keeping *find_keeper(void)
{
	const char *path = getenv("WSD_PROVIDER");
	void *lib = path ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;

	return lib ? dlsym(lib, KEEPING_SYMBOL) : NULL;
}

void connect_to_self(int ends[2])
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof at;
	int l = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(l, (struct sockaddr *)&at, len) == 0 && listen(l, 1) == 0);
	CHECK(getsockname(l, (struct sockaddr *)&at, &len) == 0);
	CHECK(connect(ends[0], (struct sockaddr *)&at, len) == 0);
	ends[1] = accept(l, NULL, NULL);
	CHECK(ends[1] >= 0);
	close(l);
	keeper = find_keeper();
}

void *fill(void *p, size_t len)
{
	return memset(p, MARK, len);
}

char *fresh(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return fill(p, len);
}

void expect(void *p, size_t len)
{
	int ends[2];

	if (!keeper)
		connect_to_self(ends);
	CHECK(keeper != NULL);
	keeper->expect(p, len, MARK);
}

void check_told(void)
{
	CHECK(keeper->told_before() > 0);
	CHECK(keeper->told_before() + keeper->told_after() > 1);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t len);
void *__libc_realloc(void *p, size_t len);
void __libc_free(void *p);
#define malloc __libc_malloc
#define realloc __libc_realloc
#define free __libc_free
#endif

void *heap_get(size_t len)
{
	void *p = malloc(len);

	CHECK(p != NULL);
	return p;
}

void *heap_resize(void *p, size_t len)
{
	void *q = realloc(p, len);

	CHECK(q != NULL);
	return q;
}

void heap_give(void *p)
{
	free(p);
}

void heap_tune(int parameter, int value)
{
	int (*tune)(int, int) = (int (*)(int, int))dlsym(
		dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD), "mallopt");

	CHECK(tune && tune(parameter, value) == 1);
}

static const struct memory_case *const lists[] = {loss_cases, heap_cases,
	round_cases, watch_cases};

int main(int argc, char **argv)
{
	bool list = argc == 2 && strcmp(argv[1], "--list") == 0;

	alarm(300);
	for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		for (const struct memory_case *c = lists[i]; c->name; c++) {
			if (list) {
				puts(c->name);
			} else if (argc == 2 && strcmp(argv[1], c->name) == 0) {
				c->run();
				return 0;
			}
		}
	}
	return list ? 0 : 2;
}
