/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_CONFIG_PRIVATE_H
#define MACHINE_CONFIG_PRIVATE_H

#include "machine/config.h"

/* For the files that parse the command line: config.c has the table, others what it calls. */

/* One row an option: parsing and the help are both made from it. */
struct config_option {
	const char *name; /* NULL: help is a headline */
	char letter; /* 0: none */
	const char *arg; /* NULL: takes none, and --no-NAME takes it back */
	/* @value: "" for an option without one, NULL for --no-NAME. */
	int (*set)(struct machine_config *cfg, const struct config_option *o, const char *value);
	size_t at; /* where in machine_config, for set_flag and set_string */
	const char *help;
};

/* config_power.c: the options of the section "Power". */
int config_set_psci(struct machine_config *cfg, const struct config_option *o, const char *value);
int config_set_psci_version(struct machine_config *cfg, const struct config_option *o,
                            const char *value);
int config_add_psci_deny(struct machine_config *cfg, const struct config_option *o,
                         const char *value);
int config_add_psci_inject(struct machine_config *cfg, const struct config_option *o,
                           const char *value);
int config_set_idle_states(struct machine_config *cfg, const struct config_option *o,
                           const char *value);
int config_set_reset(struct machine_config *cfg, const struct config_option *o, const char *value);
int config_set_wake(struct machine_config *cfg, const struct config_option *o, const char *value);

/**
 * config_check_power - refuse options of power that cannot go together
 * @cfg: all words have been read
 *
 * Return: 0, or -EINVAL with the reason logged.
 */
must_check int config_check_power(const struct machine_config *cfg);

#endif /* MACHINE_CONFIG_PRIVATE_H */
