/* SPDX-License-Identifier: MIT */
/* text.h - changing code that other threads may be running. */
#ifndef WSD_PRELOAD_TEXT_H
#define WSD_PRELOAD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Puts `bytes` in the place of as many at `at`, which must be a whole
 * instruction, or several that nobody stands between. Other threads run the old
 * code or the new, nothing else. False: the system does not allow it, and
 * nothing has changed.
 */
bool text_replace(const void *at, const void *bytes, size_t len);

#endif
