/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "machine/config_private.h"
#include "machine/config_values.h"
#include "psci/psci.h"

/* A function's 32-bit ID; every function has one (DEN0022F.b, table of function IDs). */
#define PSCI_ID(fn) (PSCI_FID_32 | (u32)(fn))

int config_set_psci(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	unsigned int i = 0;
	int err = config_choose(o->name, value, o->arg, &i);

	if (err == 0)
		cfg->psci = (enum config_psci)i;
	return err;
}

int config_set_psci_version(struct machine_config *cfg, const struct config_option *o,
                            const char *value)
{
	/* In the order of the words in o->arg. */
	static const u32 versions[] = { PSCI_0_2, PSCI_1_0, PSCI_1_1, PSCI_1_2, PSCI_1_3 };
	unsigned int i = 0;
	int err = config_choose(o->name, value, o->arg, &i);

	if (err < 0)
		return err;
	cfg->psci_version = versions[i];
	cfg->has_psci_version = true;
	return 0;
}

/* All names, for a person who got one wrong. */
static void list_functions(char *to, size_t room)
{
	size_t n = 0;

	to[0] = '\0';
	for (u32 fn = 0; fn < PSCI_FN_MAX && n < room; fn++) {
		const char *name = psci_fn_name(PSCI_ID(fn));

		if (name)
			n += (size_t)snprintf(to + n, room - n, "%s%s", n ? ", " : "", name);
	}
}

int config_add_psci_deny(struct machine_config *cfg, const struct config_option *o,
                         const char *value)
{
	int fn = psci_fn_by_name(value, strlen(value));
	char names[480];

	if (fn < 0) {
		list_functions(names, sizeof(names));
		return config_refuse(o->name, value, "not one of %s", names);
	}
	cfg->psci_denied |= 1u << fn;
	return 0;
}

int config_add_psci_inject(struct machine_config *cfg, const struct config_option *o,
                           const char *value)
{
	const char *why = NULL;

	if (cfg->nr_psci_injects == PSCI_INJECT_MAX)
		return config_refuse(o->name, value, "more than %d injections", PSCI_INJECT_MAX);
	if (psci_inject_parse(value, &cfg->psci_inject[cfg->nr_psci_injects], &why) < 0)
		return config_refuse(o->name, value, "%s", why);
	cfg->nr_psci_injects++;
	return 0;
}

int config_set_idle_states(struct machine_config *cfg, const struct config_option *o,
                           const char *value)
{
	/* The words in o->arg are in such an order that their numbers have a bit a state. */
	enum { STANDBY = 1, POWER_DOWN = 2 };
	unsigned int i = 0;
	int err = config_choose(o->name, value, o->arg, &i);

	if (err < 0)
		return err;
	cfg->idle_standby = i & STANDBY;
	cfg->idle_power_down = i & POWER_DOWN;
	return 0;
}

int config_set_reset(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	static const char limited[] = "reboot:";
	u64 max = 0;

	if (strncmp(value, limited, sizeof(limited) - 1) == 0) {
		if (config_number(value + sizeof(limited) - 1, 1, UINT32_MAX, &max) < 0)
			return config_refuse(o->name, value, "N is not a number from 1 to %u",
			                     UINT32_MAX);
		cfg->reset = CONFIG_RESET_REBOOT;
	} else if (strcmp(value, "reboot") == 0) {
		cfg->reset = CONFIG_RESET_REBOOT;
	} else if (strcmp(value, "exit") == 0) {
		cfg->reset = CONFIG_RESET_EXIT;
	} else if (strcmp(value, "pause") == 0) {
		cfg->reset = CONFIG_RESET_PAUSE;
	} else {
		return config_refuse(o->name, value, "not %s", o->arg);
	}
	cfg->max_reboots = (u32)max;
	return 0;
}

int config_set_wake(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	unsigned int i = 0;
	int err = config_choose(o->name, value, o->arg, &i);

	if (err == 0)
		cfg->wake_on_console = true;
	return err;
}

static bool offers(const struct machine_config *cfg, u32 fn)
{
	const struct psci_config c = {
		.version = cfg->psci_version,
		.extended_state_id = cfg->psci_extended_state_id,
		.denied = cfg->psci_denied,
	};

	return psci_offers(&c, PSCI_ID(fn));
}

const char *config_needs_user_psci(const struct machine_config *cfg)
{
	const struct {
		bool asked;
		const char *option;
	} ours[] = {
		{ cfg->psci_denied, "psci-deny" },
		{ cfg->nr_psci_injects, "psci-inject" },
		{ cfg->psci_extended_state_id, "psci-extended-stateid" },
		{ cfg->idle_power_down, "idle-states power-down" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (ours[i].asked)
			return ours[i].option;
	return NULL;
}

static int check_kernel(const struct machine_config *cfg)
{
	const char *option = config_needs_user_psci(cfg);

	if (!option)
		return 0;
	return config_refuse("psci", "kernel", "--%s needs --psci user: here KVM answers the calls",
	                     option);
}

static int check_injects(const struct machine_config *cfg)
{
	for (u32 i = 0; i < cfg->nr_psci_injects; i++) {
		const struct psci_inject_rule *r = &cfg->psci_inject[i];
		const char *name = psci_fn_name(PSCI_ID(r->fn));

		if (!r->any_cpu && r->cpu >= cfg->nr_cpus)
			return config_refuse("psci-inject", name, "there is no CPU %u of %u",
			                     r->cpu, cfg->nr_cpus);
		if (!offers(cfg, r->fn))
			return config_refuse("psci-inject", name,
			                     "not offered (--psci-version, --psci-deny)");
	}
	return 0;
}

int config_check_power(const struct machine_config *cfg)
{
	int err = cfg->psci == CONFIG_PSCI_KERNEL ? check_kernel(cfg) : 0;

	if (err < 0)
		return err;
	/* PSCI_FEATURES is what tells the format, and came with 1.0 (DEN0022F.b PSCI_FEATURES). */
	if (cfg->psci_extended_state_id && !offers(cfg, PSCI_FN_FEATURES))
		return config_refuse("psci-extended-stateid", NULL,
		                     "without PSCI_FEATURES (--psci-version, --psci-deny) "
		                     "the guest cannot know");
	if ((cfg->idle_standby || cfg->idle_power_down) && !offers(cfg, PSCI_FN_CPU_SUSPEND))
		return config_refuse("idle-states", NULL,
		                     "CPU_SUSPEND is not offered (--psci-deny)");
	if (cfg->wake_on_console && !offers(cfg, PSCI_FN_SYSTEM_SUSPEND))
		return config_refuse("wake", NULL,
		                     "SYSTEM_SUSPEND is not offered (--psci-version, --psci-deny)");
	return check_injects(cfg);
}
