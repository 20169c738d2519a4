/* SPDX-License-Identifier: MIT */
/* Mappings run out as well; linked with --wrap=os_segment_map. */
#include "alloc.h"
#include "os/os.h"

enum status __real_os_segment_map(os_handle h, size_t max, size_t *len,
	void **base);
enum status __wrap_os_segment_map(os_handle h, size_t max, size_t *len,
	void **base);

enum status __wrap_os_segment_map(os_handle h, size_t max, size_t *len,
	void **base)
{
	return alloc_fails() ? ST_NOMEM
			     : __real_os_segment_map(h, max, len, base);
}
