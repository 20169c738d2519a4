/* SPDX-License-Identifier: MIT */
/*
 * provider_id.h - who each provider library is.
 *
 * One core, one library per SAN: the identity is found by the name of the
 * transport that the core was linked with. The identifiers are random and mean
 * nothing; they are for ever. An installer writes the same value to the
 * registry and to the catalog entry (R3), and a start-up with a catalog entry
 * that carries it does not come from the switch (R14).
 *
 *   shm   {8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294}
 *   fabric {3fb0d6a1-27ce-4d88-93e5-c4196b5e8a07}
 *   mock  {e5d97a3c-410b-4c2f-8a66-17f2c09b3d5e}  tests only
 */
#ifndef WSD_PROVIDER_PROVIDER_ID_H
#define WSD_PROVIDER_PROVIDER_ID_H

#include <string.h>

#include <openwsd/winsock2.h>

#define PROV_ID_SHM                                                           \
	{0x8c2e4b57, 0x9d13, 0x4f6a,                                          \
		{0xb1, 0xc8, 0x5e, 0x0a, 0x7d, 0x36, 0xf2, 0x94}}
#define PROV_ID_FABRIC                                                        \
	{0x3fb0d6a1, 0x27ce, 0x4d88,                                          \
		{0x93, 0xe5, 0xc4, 0x19, 0x6b, 0x5e, 0x8a, 0x07}}
#define PROV_ID_MOCK                                                          \
	{0xe5d97a3c, 0x410b, 0x4c2f,                                          \
		{0x8a, 0x66, 0x17, 0xf2, 0xc0, 0x9b, 0x3d, 0x5e}}

struct prov_identity {
	const char *transport;
	GUID id;
	const char *description; /* szDescription; below 256 characters */
	int same_host;           /* reaches peers on this host only */
};

/* The identity for a transport's name; an unknown one counts as a mock. */
static inline const struct prov_identity *prov_identity_of(const char *name)
{
	static const struct prov_identity list[] = {
		{"mock", PROV_ID_MOCK, "OpenWSD test provider", 1},
		{"shm", PROV_ID_SHM, "OpenWSD shared memory", 1},
		{"fabric", PROV_ID_FABRIC, "OpenWSD fabric", 0},
	};

	for (size_t i = 1; i < sizeof list / sizeof list[0]; i++)
		if (strcmp(list[i].transport, name) == 0)
			return &list[i];
	return &list[0];
}

#endif
