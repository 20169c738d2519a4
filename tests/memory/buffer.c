/* SPDX-License-Identifier: MIT */
/* A library that comes and goes, with memory to receive into. */
extern char buffer[1 << 20];
__attribute__((visibility("default"))) char buffer[1 << 20];
