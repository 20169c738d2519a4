/* SPDX-License-Identifier: MIT */
/*
 * process.h - what start-up gave us, and settings.
 */
#ifndef WSD_PROVIDER_PROCESS_H
#define WSD_PROVIDER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include <openwsd/ws2san.h>

#include "provider/provider_id.h"

struct prov_settings {
	uint64_t connect_timeout; /* ns */
	uint64_t handoff_timeout; /* ns */
};

/* Set by the first start-up, the same until the last clean-up (R15). */
struct prov_process {
	WSPUPCALLTABLEEX upcalls;
	WSAPROTOCOL_INFOW protocol; /* the base provider's */
	struct prov_settings settings;
};

/* More start-ups than clean-ups. */
bool prov_started(void);
/* Good while started, and for what the last clean-up ends. */
const struct prov_process *prov_process(void);
const struct prov_identity *prov_identity(void);

/* From the environment, checked. */
void prov_settings_read(struct prov_settings *out);

#endif
