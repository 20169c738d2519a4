/* SPDX-License-Identifier: MIT */
/* rules.h - the rules of a SAN service provider, by number. */
#ifndef WSD_CONFORM_RULES_H
#define WSD_CONFORM_RULES_H

/* What R<rule> asks, in one line. rule is 1 to RULE_COUNT. */
const char *rule_title(unsigned rule);
/* Why the kit cannot check it, and who does; NULL when it can. */
const char *rule_elsewhere(unsigned rule);

#endif
