/* SPDX-License-Identifier: MIT */
/* All faults there are. */
#include "wrap.h"

#include <string.h>

const struct fault *const fault_lists[] = {faults_start, faults_socket,
	faults_option, faults_event, faults_connect, faults_accept,
	faults_condition, faults_data, faults_complete, faults_rdma,
	faults_memory, faults_exposed, faults_cache, faults_close,
	faults_handoff, NULL};

const struct fault *fault_find(const char *name)
{
	for (unsigned i = 0; fault_lists[i]; i++)
		for (const struct fault *f = fault_lists[i]; f->name; f++)
			if (strcmp(f->name, name) == 0)
				return f;
	return NULL;
}
