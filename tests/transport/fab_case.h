/* SPDX-License-Identifier: MIT */
/* fab_case.h - what the fabric's own cases share. */
#ifndef TRANSPORT_FAB_CASE_H
#define TRANSPORT_FAB_CASE_H

#include "pair.h"

/* Of this process, as the kernel counts. */
unsigned count_descriptors(void);
unsigned count_threads(void);

/* Lines about the fabric that this process has logged. */
unsigned fabric_lines(void);

#endif
