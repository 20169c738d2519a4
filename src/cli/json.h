/* SPDX-License-Identifier: MIT */
/* json.h - the few words of JSON that wsd writes on standard output. */
#ifndef WSD_CLI_JSON_H
#define WSD_CLI_JSON_H

/* A string with its quotes. What is not UTF-8 becomes '?'. */
void json_string(const char *text);

/* "key": "text", and what follows: a comma and a blank, or nothing. */
void json_member(const char *key, const char *text, const char *after);

#endif
