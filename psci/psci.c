/* SPDX-License-Identifier: MIT */
#include "psci/psci.h"

#include <errno.h>

#include "machine/base/bits.h"
#include "machine/base/compiler.h"
#include "psci/psci_private.h"

#define MPIDR_AFFINITY 0xff00ffffffull /* Aff3, Aff2, Aff1, Aff0; all else must be zero, 5.1.4 */
#define SMCCC_VERSION  0x80000000u /* DEN0028 */

#define MODE_OS_INITIATED (1u << 0) /* struct psci's suspend_mode */
#define MODE_USED         (1u << 1)

#define VENDOR_RESET      (1u << 31) /* SYSTEM_RESET2's reset_type, 5.13.1 */
#define SYSTEM_WARM_RESET 0u

#define HIBERNATE_OFF (1u << 0) /* SYSTEM_OFF2's type, and its bit in the feature flags */

static struct psci_result returns(s64 value)
{
	return (struct psci_result){ .then = PSCI_RETURN, .value = (u64)value };
}

/* The CPU is the host's from now on, unless the host has refused. */
static struct psci_result hands_over(int err)
{
	return err ? returns(psci_code_of(err)) : (struct psci_result){ .then = PSCI_TAKEN };
}

/* One place where the machine's errors become PSCI's. */
s64 psci_code_of(int err)
{
	switch (err) {
	case 0:
		return PSCI_SUCCESS;
	case -ENOENT:
		return PSCI_INVALID_PARAMETERS;
	case -EALREADY:
		return PSCI_ALREADY_ON;
	case -EINPROGRESS:
		return PSCI_ON_PENDING;
	case -EBUSY:
	case -EPERM:
		return PSCI_DENIED;
	case -EOPNOTSUPP:
		return PSCI_NOT_SUPPORTED;
	default:
		return PSCI_INTERNAL_FAILURE;
	}
}

static bool is_affinity(u64 mpidr)
{
	return !(mpidr & ~MPIDR_AFFINITY);
}

/* Entry point and context ID, which stand next to each other in every call that has them. */
static struct psci_entry entry_at(const struct psci_request *r, u32 n)
{
	return (struct psci_entry){
		.pc = r->arg[n],
		.context_id = r->arg[n + 1],
		.big_endian = r->big_endian,
	};
}

/*
 * An instruction has to fit there. 5.4.5, 5.6.2, 5.18.3 and 5.20.2 name addresses
 * that are not the caller's to use; what is not aligned cannot be executed either.
 */
static bool is_valid_entry(const struct psci *p, const struct psci_entry *entry)
{
	return is_aligned(entry->pc, 4) && p->ops->is_ram(p->host, entry->pc, 4);
}

/* INVALID_ADDRESS came with 1.0: notes in 5.4.5 and 5.6.2. */
s64 psci_check_entry(const struct psci *p, const struct psci_entry *entry)
{
	if (is_valid_entry(p, entry))
		return PSCI_SUCCESS;
	return p->cfg.version >= PSCI_1_0 ? PSCI_INVALID_ADDRESS : PSCI_INVALID_PARAMETERS;
}

static struct psci_result refuses_entry(const struct psci *p, const struct psci_entry *entry)
{
	return returns(psci_check_entry(p, entry));
}

u32 psci_power_state(const struct psci_config *cfg, enum psci_cpu_state state)
{
	static const u32 original[PSCI_NR_CPU_STATES] = {
		[PSCI_STANDBY] = PSCI_POWER_STATE_STANDBY,
		[PSCI_POWER_DOWN] = PSCI_POWER_STATE_POWER_DOWN,
	};
	static const u32 extended[PSCI_NR_CPU_STATES] = {
		[PSCI_STANDBY] = PSCI_POWER_STATE_EXTENDED_STANDBY,
		[PSCI_POWER_DOWN] = PSCI_POWER_STATE_EXTENDED_POWER_DOWN,
	};

	/* 5.4.2.1: before 1.0 there is only the original format. */
	return cfg->extended_state_id && cfg->version >= PSCI_1_0 ? extended[state]
	                                                          : original[state];
}

static bool find_state(const struct psci_config *cfg, u64 power_state, enum psci_cpu_state *out)
{
	for (enum psci_cpu_state s = 0; s < PSCI_NR_CPU_STATES; s++) {
		if (power_state == psci_power_state(cfg, s)) {
			*out = s;
			return true;
		}
	}
	return false;
}

static struct psci_result version(const struct psci_request *r)
{
	return returns(r->p->cfg.version);
}

static struct psci_result cpu_suspend(const struct psci_request *r)
{
	const struct psci_entry entry = entry_at(r, 1);
	enum psci_cpu_state state;
	struct psci *p = r->p;

	if (!find_state(&p->cfg, r->arg[0], &state))
		return returns(PSCI_INVALID_PARAMETERS);
	if (state == PSCI_POWER_DOWN && !is_valid_entry(p, &entry))
		return refuses_entry(p, &entry);

	/* Before the CPU sleeps, so that no change of mode slips in between: 5.21.2. */
	(void)atomic_fetch_or(&p->suspend_mode, MODE_USED);
	return hands_over(p->ops->cpu_suspend(p->host, r->cpu, state,
	                                      state == PSCI_POWER_DOWN ? &entry : NULL));
}

static struct psci_result cpu_default_suspend(const struct psci_request *r)
{
	const struct psci_entry entry = entry_at(r, 0);
	const struct psci *p = r->p;

	if (!is_valid_entry(p, &entry))
		return refuses_entry(p, &entry);
	return hands_over(p->ops->cpu_suspend(p->host, r->cpu, PSCI_POWER_DOWN, &entry));
}

static struct psci_result cpu_off(const struct psci_request *r)
{
	return hands_over(r->p->ops->cpu_off(r->p->host, r->cpu));
}

/* Of several errors the target's come first, then the entry's, then the state's. */
static struct psci_result cpu_on(const struct psci_request *r)
{
	const struct psci_entry entry = entry_at(r, 1);
	const struct psci *p = r->p;
	u64 target = r->arg[0];

	if (!is_affinity(target))
		return returns(PSCI_INVALID_PARAMETERS);

	if (!is_valid_entry(p, &entry)) {
		/* Nobody else needs to know beforehand whether the target exists. */
		if (p->ops->affinity_info(p->host, target, MPIDR_AFFINITY) == -ENOENT)
			return returns(PSCI_INVALID_PARAMETERS);
		return refuses_entry(p, &entry);
	}
	return returns(psci_code_of(p->ops->cpu_on(p->host, r->cpu, target, &entry)));
}

static struct psci_result affinity_info(const struct psci_request *r)
{
	/* By lowest_affinity_level: the fields below it are ignored, 5.1.5. */
	static const u64 masks[] = { 0xff00ffffff, 0xff00ffff00, 0xff00ff0000, 0xff00000000 };
	const struct psci *p = r->p;
	u64 target = r->arg[0], level = r->arg[1];
	int state;

	if (!is_affinity(target) || level >= ARRAY_SIZE(masks))
		return returns(PSCI_INVALID_PARAMETERS);

	state = p->ops->affinity_info(p->host, target, masks[level]);
	return returns(state < 0 ? psci_code_of(state) : state);
}

static struct psci_result migrate_info_type(const struct psci_request *r)
{
	return returns(2); /* no trusted OS that would need to be migrated, 5.1.7 */
}

static struct psci_result ask_system(const struct psci_request *r, const struct psci_system *what)
{
	return hands_over(r->p->ops->system(r->p->host, r->cpu, what));
}

static struct psci_result system_off(const struct psci_request *r)
{
	return ask_system(r, &(struct psci_system){ .kind = PSCI_SYSTEM_OFF });
}

static struct psci_result system_off2(const struct psci_request *r)
{
	u64 type = r->arg[0], cookie = r->arg[1];

	/* Type 0 is HIBERNATE_OFF as well, 5.1.10. */
	if ((type != 0 && type != HIBERNATE_OFF) || cookie != 0)
		return returns(PSCI_INVALID_PARAMETERS);
	return ask_system(r, &(struct psci_system){ .kind = PSCI_SYSTEM_HIBERNATE });
}

static struct psci_result system_reset(const struct psci_request *r)
{
	return ask_system(r, &(struct psci_system){ .kind = PSCI_SYSTEM_RESET });
}

static struct psci_result system_reset2(const struct psci_request *r)
{
	const struct psci_system what = {
		.kind = PSCI_SYSTEM_RESET2,
		.reset_type = (u32)r->arg[0],
		.cookie = r->arg[1],
	};

	if (!(what.reset_type & VENDOR_RESET) && what.reset_type != SYSTEM_WARM_RESET)
		return returns(PSCI_INVALID_PARAMETERS);
	return ask_system(r, &what);
}

static struct psci_result system_suspend(const struct psci_request *r)
{
	const struct psci_system what = { .kind = PSCI_SYSTEM_SUSPEND, .entry = entry_at(r, 0) };

	if (!is_valid_entry(r->p, &what.entry))
		return refuses_entry(r->p, &what.entry);
	return ask_system(r, &what);
}

/* Feature flags, Table 11 in 5.16.2. */
static s64 flags_of(const struct psci_config *cfg, u32 fn)
{
	s64 flags = 0;

	switch (fn) {
	case PSCI_FN_CPU_SUSPEND:
		if (psci_offers(cfg, PSCI_FID_32 | PSCI_FN_SET_SUSPEND_MODE))
			flags |= 1 << 0; /* OS-initiated mode; 5.21.3 ties the two together */
		if (cfg->extended_state_id)
			flags |= 1 << 1;
		return flags;
	case PSCI_FN_SYSTEM_OFF2:
		return HIBERNATE_OFF;
	default:
		return 0;
	}
}

static struct psci_result features(const struct psci_request *r)
{
	const struct psci_config *cfg = &r->p->cfg;
	u32 fid = (u32)r->arg[0];

	if (fid == SMCCC_VERSION)
		return returns(PSCI_SUCCESS);
	if (!psci_offers(cfg, fid))
		return returns(PSCI_NOT_SUPPORTED);
	return returns(flags_of(cfg, fid % PSCI_FN_MAX));
}

static struct psci_result node_hw_state(const struct psci_request *r)
{
	const struct psci *p = r->p;
	u64 target = r->arg[0], power_level = r->arg[1];
	int state;

	if (!is_affinity(target) || power_level != 0)
		return returns(PSCI_INVALID_PARAMETERS);

	state = p->ops->hw_state(p->host, target);
	return returns(state < 0 ? psci_code_of(state) : state);
}

/*
 * 5.21.2: into OS-initiated mode only if nobody has called CPU_SUSPEND in the other
 * one; back only if nobody else is on. The mode that is set already is no change.
 */
static struct psci_result set_mode(const struct psci_request *r)
{
	struct psci *p = r->p;
	u32 was = atomic_load(&p->suspend_mode), mode = (u32)r->arg[0];

	if (mode > MODE_OS_INITIATED)
		return returns(PSCI_INVALID_PARAMETERS);

	do {
		if ((was & MODE_OS_INITIATED) == mode)
			return returns(PSCI_SUCCESS);
		if (mode == MODE_OS_INITIATED ? (was & MODE_USED) : p->ops->nr_on(p->host) > 1)
			return returns(PSCI_DENIED);
	} while (!atomic_compare_exchange_weak(&p->suspend_mode, &was, mode));

	return returns(PSCI_SUCCESS);
}

/* No error codes: 0 for a CPU or a state that there is not, 5.22.1. */
static bool find_stat(const struct psci_request *r, u64 *residency_us, u64 *count)
{
	const struct psci *p = r->p;
	enum psci_cpu_state state;

	return is_affinity(r->arg[0]) && find_state(&p->cfg, r->arg[1], &state) &&
	       p->ops->stat(p->host, r->arg[0], state, residency_us, count) == 0;
}

static struct psci_result stat_residency(const struct psci_request *r)
{
	u64 residency_us, count;

	return returns(find_stat(r, &residency_us, &count) ? (s64)residency_us : 0);
}

static struct psci_result stat_count(const struct psci_request *r)
{
	u64 residency_us, count;

	return returns(find_stat(r, &residency_us, &count) ? (s64)count : 0);
}

/* 5.14.2: the state before. No more to do: every reset of ours starts with fresh RAM. */
static struct psci_result mem_protect(const struct psci_request *r)
{
	return returns(atomic_exchange(&r->p->mem_protect, r->arg[0] != 0));
}

static struct psci_result check_range(const struct psci_request *r)
{
	const struct psci *p = r->p;
	u64 base = r->arg[0], length = r->arg[1];

	/* 5.15.1: from base to base + length - 1, so there is no range without a length. */
	if (length == 0 || !p->ops->is_ram(p->host, base, length))
		return returns(PSCI_DENIED);
	return returns(PSCI_SUCCESS);
}

/* Which arguments are a uint32 in the 64-bit form as well. */
#define FIRST  (1u << 0)
#define SECOND (1u << 1)

/*
 * The functions there are. Dispatch, PSCI_FEATURES, names and options all read this:
 * name, section, first version, arguments, uint32s, 64-bit form, entry point, answer.
 */
/* clang-format off */
static const struct psci_row rows[PSCI_FN_MAX] = {
	[PSCI_FN_VERSION] =
		{ "PSCI_VERSION", "5.3", PSCI_0_2, 0, 0, false, false, version },
	[PSCI_FN_CPU_SUSPEND] =
		{ "CPU_SUSPEND", "5.4", PSCI_0_2, 3, FIRST, true, true, cpu_suspend },
	[PSCI_FN_CPU_OFF] =
		{ "CPU_OFF", "5.5", PSCI_0_2, 0, 0, false, false, cpu_off },
	[PSCI_FN_CPU_ON] =
		{ "CPU_ON", "5.6", PSCI_0_2, 3, 0, true, true, cpu_on },
	[PSCI_FN_AFFINITY_INFO] =
		{ "AFFINITY_INFO", "5.7", PSCI_0_2, 2, SECOND, true, false, affinity_info },
	[PSCI_FN_MIGRATE] =
		{ "MIGRATE", "5.8", PSCI_0_2, 0, 0, true, false, NULL },
	[PSCI_FN_MIGRATE_INFO_TYPE] =
		{ "MIGRATE_INFO_TYPE", "5.9", PSCI_0_2, 0, 0, false, false, migrate_info_type },
	[PSCI_FN_MIGRATE_INFO_UP_CPU] =
		{ "MIGRATE_INFO_UP_CPU", "5.9", PSCI_0_2, 0, 0, true, false, NULL },
	[PSCI_FN_SYSTEM_OFF] =
		{ "SYSTEM_OFF", "5.10", PSCI_0_2, 0, 0, false, false, system_off },
	[PSCI_FN_SYSTEM_RESET] =
		{ "SYSTEM_RESET", "5.12", PSCI_0_2, 0, 0, false, false, system_reset },
	[PSCI_FN_FEATURES] =
		{ "PSCI_FEATURES", "5.16", PSCI_1_0, 1, FIRST, false, false, features },
	[PSCI_FN_CPU_FREEZE] =
		{ "CPU_FREEZE", "5.17", PSCI_1_0, 0, 0, false, false, NULL },
	[PSCI_FN_CPU_DEFAULT_SUSPEND] =
		{ "CPU_DEFAULT_SUSPEND", "5.18", PSCI_1_0, 2, 0, true, true, cpu_default_suspend },
	[PSCI_FN_NODE_HW_STATE] =
		{ "NODE_HW_STATE", "5.19", PSCI_1_0, 2, SECOND, true, false, node_hw_state },
	[PSCI_FN_SYSTEM_SUSPEND] =
		{ "SYSTEM_SUSPEND", "5.20", PSCI_1_0, 2, 0, true, true, system_suspend },
	[PSCI_FN_SET_SUSPEND_MODE] =
		{ "PSCI_SET_SUSPEND_MODE", "5.21", PSCI_1_0, 1, FIRST, false, false, set_mode },
	[PSCI_FN_STAT_RESIDENCY] =
		{ "PSCI_STAT_RESIDENCY", "5.22", PSCI_1_0, 2, SECOND, true, false, stat_residency },
	[PSCI_FN_STAT_COUNT] =
		{ "PSCI_STAT_COUNT", "5.22", PSCI_1_0, 2, SECOND, true, false, stat_count },
	[PSCI_FN_SYSTEM_RESET2] =
		{ "SYSTEM_RESET2", "5.13", PSCI_1_1, 2, FIRST, true, false, system_reset2 },
	[PSCI_FN_MEM_PROTECT] =
		{ "MEM_PROTECT", "5.14", PSCI_1_1, 1, FIRST, false, false, mem_protect },
	[PSCI_FN_MEM_PROTECT_CHECK_RANGE] =
		{ "MEM_PROTECT_CHECK_RANGE", "5.15", PSCI_1_1, 2, 0, true, false, check_range },
	[PSCI_FN_SYSTEM_OFF2] =
		{ "SYSTEM_OFF2", "5.11", PSCI_1_3, 2, FIRST, true, false, system_off2 },
};
/* clang-format on */

const struct psci_row *psci_row(u32 fn)
{
	return fn < ARRAY_SIZE(rows) && rows[fn].name ? &rows[fn] : NULL;
}

static bool is_64bit(u32 fid)
{
	return (fid & (PSCI_FID_32 ^ PSCI_FID_64)) != 0;
}

const struct psci_row *psci_row_of(u32 fid)
{
	const struct psci_row *row = psci_row(fid & ~PSCI_FID_64);

	if ((fid & PSCI_FID_32) != PSCI_FID_32 || !row || (is_64bit(fid) && !row->has64))
		return NULL;
	return row;
}

/* The function, if it is offered. */
static const struct psci_row *offered(const struct psci_config *cfg, u32 fid)
{
	const struct psci_row *row = psci_row_of(fid);

	if (!row || !row->answer || cfg->version < row->since)
		return NULL;
	if (cfg->denied & (1u << (fid % PSCI_FN_MAX)))
		return NULL;
	return row;
}

bool psci_offers(const struct psci_config *cfg, u32 fid)
{
	return offered(cfg, fid) != NULL;
}

u32 psci_nr_args(u32 fid)
{
	const struct psci_row *row = psci_row_of(fid);

	return row ? row->nr_args : 0;
}

bool psci_takes_entry(u32 fid)
{
	const struct psci_row *row = psci_row_of(fid);

	return row && row->takes_entry;
}

/* 5.22.3: a 32-bit call's residency and count wrap. Nothing else is that large. */
static struct psci_result to_width(struct psci_result result, u32 fid)
{
	if (!is_64bit(fid))
		result.value = (u64)(s64)(s32)result.value;
	return result;
}

struct psci_result psci_call(struct psci *p, u32 cpu, u32 fid, const u64 args[PSCI_ARGS_MAX],
                             bool big_endian)
{
	struct psci_request r = { .p = p, .cpu = cpu, .big_endian = big_endian };
	const struct psci_row *row = offered(&p->cfg, fid);

	if (!row)
		return returns(PSCI_NOT_SUPPORTED);

	for (u32 i = 0; i < row->nr_args; i++) {
		bool word = !is_64bit(fid) || (row->words & (1u << i));

		r.arg[i] = word ? lo32(args[i]) : args[i];
	}
	return to_width(row->answer(&r), fid);
}

void psci_reset(struct psci *p)
{
	atomic_store(&p->suspend_mode, 0);
	atomic_store(&p->mem_protect, 0);
}
