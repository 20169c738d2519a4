/* SPDX-License-Identifier: MIT */
/*
 * settings.h - the one table of settings and the values in force.
 *
 * Environment over file over default. The file (one `name = value` a line, `#`
 * comments) is /etc/openwsd/wsd.conf, or what WSD_SETTINGS names.
 */
#ifndef WSD_SWITCH_SETTINGS_H
#define WSD_SWITCH_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum sw_setting_type { SW_SETTING_BOOL, SW_SETTING_INT, SW_SETTING_TEXT };

struct sw_setting {
	const char *name; /* in the file: "spin" */
	const char *env;  /* in the environment: "WSD_SPIN" */
	enum sw_setting_type type;
	long long min, max; /* of an INT; longest TEXT in max */
	const char *def;    /* default, as text */
	const char *help;   /* one sentence */
};

#define SW_TEXT_MAX 1024

struct sw_settings {
	bool enable;
	bool channel;
	bool rdma;
	bool watch_memory;
	long long spin;           /* looks; -1: choose */
	long long rdma_threshold; /* bytes; 0: ask the provider */
	long long patience;       /* ms */
	long long retry;          /* s */
	char explain[SW_TEXT_MAX];
	char catalog[SW_TEXT_MAX];
	char provider[SW_TEXT_MAX];
	char policy[SW_TEXT_MAX];
};

const struct sw_setting *sw_settings_table(unsigned *count);

/* Would `value` be accepted? Otherwise one line in err says what is expected.
 * ST_NOTFOUND unknown name, ST_INVAL bad value. `name` is either form. */
enum status sw_settings_check(const char *name, const char *value, char *err,
	size_t errlen);

/* The values in force; read at the first call, the same for ever after. A bad
 * value is reported once on standard error and the default taken. */
const struct sw_settings *sw_settings(void);

#endif
