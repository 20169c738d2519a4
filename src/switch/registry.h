/* SPDX-License-Identifier: MIT */
/*
 * registry.h - all connections of this process, for fork.
 */
#ifndef WSD_SWITCH_REGISTRY_H
#define WSD_SWITCH_REGISTRY_H

struct sw_conn;

void registry_add(struct sw_conn *c);
void registry_remove(struct sw_conn *c);

/* How often this process and those it comes from have forked, about. */
unsigned registry_forks(void);

#endif
