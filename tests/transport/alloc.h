/* SPDX-License-Identifier: MIT */
/* alloc.h - for whatever allocates: is it its turn to fail? */
#ifndef TRANSPORT_ALLOC_H
#define TRANSPORT_ALLOC_H

#include <stdbool.h>

bool alloc_fails(void);

#endif
