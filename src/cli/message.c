/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

enum { LINE_ROOM = 4096 };

struct line {
	char text[LINE_ROOM];
	size_t used;
};

__attribute__((format(printf, 2, 0))) static void line_add(
	struct line *l, const char *format, va_list args)
{
	size_t room = sizeof(l->text) - l->used;
	int n = vsnprintf(l->text + l->used, room, format, args);

	if (n > 0)
		l->used += (size_t)n < room ? (size_t)n : room - 1;
}

__attribute__((format(printf, 2, 3))) static void line_addf(
	struct line *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_add(l, format, args);
	va_end(args);
}

/* A name with a newline in it must not make a second line. */
static void line_flatten(struct line *l)
{
	for (size_t i = 0; i < l->used; i++)
		if ((unsigned char)l->text[i] < ' ' || l->text[i] == 0x7f)
			l->text[i] = '?';
}

static void line_write(struct line *l)
{
	ssize_t ignored;

	line_flatten(l);
	if (l->used == sizeof(l->text) - 1)
		l->used--;
	l->text[l->used++] = '\n';
	ignored = write(STDERR_FILENO, l->text, l->used);
	(void)ignored;
}

void message(const char *format, ...)
{
	struct line l = {.used = 0};
	va_list args;

	line_addf(&l, "wsd: ");
	va_start(args, format);
	line_add(&l, format, args);
	va_end(args);
	line_write(&l);
}

int usage_error(const char *command, const char *format, ...)
{
	struct line l = {.used = 0};
	va_list args;

	line_addf(&l, "wsd %s: ", command);
	va_start(args, format);
	line_add(&l, format, args);
	va_end(args);
	line_addf(&l, "; see 'wsd %s --help'", command);
	line_write(&l);
	return EXIT_USAGE;
}
