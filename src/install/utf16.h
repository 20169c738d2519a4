/* SPDX-License-Identifier: MIT */
/* utf16.h - text between UTF-8, which we use, and UTF-16, which the SPI has. */
#ifndef WSD_INSTALL_UTF16_H
#define WSD_INSTALL_UTF16_H

#include <stddef.h>

#include <openwsd/winsock2.h>

/*
 * Both end with 0 and are cut between characters where the room (in units, the
 * 0 included, at least 1) is too small. What is not well formed becomes U+FFFD.
 * They return the units stored, without the 0.
 */
size_t utf16_from_utf8(const char *text, WCHAR *out, size_t room);
size_t utf16_to_utf8(const WCHAR *text, size_t max, char *out, size_t room);

#endif
