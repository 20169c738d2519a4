/* SPDX-License-Identifier: MIT */
/*
 * gate.h - keeps a fork away while a thread is inside a provider.
 *
 * A provider takes locks of its own in the calls that make, end or register
 * things. A child forked meanwhile would inherit them locked, with nobody to
 * release them. So such calls pass this gate, and a fork closes it. The calls
 * never block, so neither does the gate for long. Channel functions take no
 * locks and do not pass it.
 */
#ifndef WSD_SWITCH_GATE_H
#define WSD_SWITCH_GATE_H

/* Around one SPI or extension call. Not recursive. */
void gate_enter(void);
void gate_leave(void);

/* In a forked child: open, whoever held it in the parent. */
void gate_forked(void);

#endif
