/* SPDX-License-Identifier: MIT */
/* Events: R61 to R69. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

/* ---- WSPEventSelect ------------------------------------------------ */

/* The choice made last; faults that need it know of one. */
static SOCKET selected_on;
static WSAEVENT selected;

static intptr_t note_selected(struct call *c)
{
	selected_on = c->s;
	selected = c->event;
	return real[SELECT](c);
}

static intptr_t select_known_bits(struct call *c)
{
	c->mask &= FD_ACCEPT | FD_CONNECT;
	return real[SELECT](c);
}

static void select_unchecked(void)
{
	entry[SELECT] = select_known_bits;
}

static LONG forgotten;

/* What was before is no reason to signal. */
static intptr_t select_from_now(struct call *c)
{
	intptr_t result = real[SELECT](c);

	if (result == 0 && (c->mask & forgotten) && c->event)
		os_event_reset(c->event);
	return result;
}

static void select_forgets_connect(void)
{
	forgotten = FD_CONNECT;
	entry[SELECT] = select_from_now;
}

static void select_forgets_accept(void)
{
	forgotten = FD_ACCEPT;
	entry[SELECT] = select_from_now;
}

static intptr_t select_for_good(struct call *c)
{
	return c->mask == 0 ? 0 : real[SELECT](c);
}

static void select_never_ends(void)
{
	entry[SELECT] = select_for_good;
}

/* ---- WSPEnumNetworkEvents ------------------------------------------ */

static intptr_t enum_and_keep(struct call *c)
{
	static SOCKET of = INVALID_SOCKET;
	static LONG kept;
	intptr_t result = real[ENUM](c);

	if (result != 0)
		return result;
	if (of != c->s)
		kept = 0;
	of = c->s;
	c->events->lNetworkEvents |= kept;
	kept = c->events->lNetworkEvents;
	return 0;
}

static void record_kept(void)
{
	entry[ENUM] = enum_and_keep;
}

static intptr_t enum_and_reset(struct call *c)
{
	if (!c->event && c->s == selected_on && selected)
		os_event_reset(selected);
	return real[ENUM](c);
}

static void null_resets(void)
{
	entry[SELECT] = note_selected;
	entry[ENUM] = enum_and_reset;
}

static intptr_t enum_slot_3(struct call *c)
{
	intptr_t result = real[ENUM](c);

	if (result == 0 && (c->events->lNetworkEvents & FD_ACCEPT))
		c->events->iErrorCode[FD_ACCEPT_BIT] = WSAECONNRESET;
	return result;
}

static void accept_slot(void)
{
	entry[ENUM] = enum_slot_3;
}

static intptr_t enum_slot_0(struct call *c)
{
	intptr_t result = real[ENUM](c);

	if (result == 0 && (c->events->lNetworkEvents & FD_CONNECT)) {
		c->events->iErrorCode[0] =
			c->events->iErrorCode[FD_CONNECT_BIT];
		c->events->iErrorCode[FD_CONNECT_BIT] = 0;
	}
	return result;
}

static void connect_slot(void)
{
	entry[ENUM] = enum_slot_0;
}

/* The event is set before the record is stored. */
static intptr_t enum_one_late(struct call *c)
{
	static WSANETWORKEVENTS late;
	static SOCKET of = INVALID_SOCKET;
	intptr_t result = real[ENUM](c);
	WSANETWORKEVENTS now;

	if (result != 0)
		return result;
	now = *c->events;
	memset(c->events, 0, sizeof *c->events);
	if (of == c->s)
		*c->events = late;
	of = c->s;
	late = now;
	return 0;
}

static void record_late(void)
{
	entry[ENUM] = enum_one_late;
}

/* What comes between the look and the reset is lost. */
static intptr_t enum_in_two_steps(struct call *c)
{
	intptr_t result = real[ENUM](c);

	if (result == 0 && c->event) {
		os_sleep(2000000);
		os_event_reset(c->event);
	}
	return result;
}

static void enum_not_atomic(void)
{
	entry[ENUM] = enum_in_two_steps;
}

static intptr_t enum_losing(struct call *c)
{
	static unsigned arrivals;
	intptr_t result = real[ENUM](c);

	if (result == 0 && (c->events->lNetworkEvents & FD_ACCEPT) &&
		++arrivals % 10 == 0)
		c->events->lNetworkEvents &= ~FD_ACCEPT;
	return result;
}

static void arrival_lost(void)
{
	entry[ENUM] = enum_losing;
}

const struct fault faults_event[] = {
	{"select-unchecked", "R61", "FD_READ can be selected",
		select_unchecked},
	{"select-forgets-connect", "R62",
		"an outcome before WSPEventSelect does not signal",
		select_forgets_connect},
	{"select-forgets-accept", "R63",
		"a request before WSPEventSelect does not signal",
		select_forgets_accept},
	{"select-never-ends", "R64", "selecting nothing changes nothing",
		select_never_ends},
	{"record-kept", "R65", "the record of events is not cleared",
		record_kept},
	{"null-resets", "R66", "the selected event is reset though not named",
		null_resets},
	{"accept-slot", "R67", "iErrorCode[3] is not 0", accept_slot},
	{"connect-slot", "R67", "the outcome is in iErrorCode[0]",
		connect_slot},
	{"record-late", "R68", "the event is set before the record",
		record_late},
	{"enum-not-atomic", "R69", "an arrival during the enumeration is lost",
		enum_not_atomic},
	{"arrival-lost", "R69", "each tenth arrival is not recorded",
		arrival_lost},
	{NULL, NULL, NULL, NULL},
};
