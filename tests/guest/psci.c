/* SPDX-License-Identifier: MIT */
/*
 * Arm's Power State Coordination Interface, DEN0022F.b: which functions there are, what
 * they answer to good and bad arguments, and what a call leaves alone.
 *
 * Arguments: expect.psci=1.1 expect.mode=user|kernel expect.cpus=N expect.extended=0|1
 * expect.deny=MASK (bit n: function n is taken away).
 */
#include "guest.h"

/* KVM's own PSCI does not always as roost does; these are all the differences. */
enum difference {
	D_X1_TO_X3,
	D_FUNCTIONS,
	D_SUSPEND_STATES,
	D_ENTRY,
	D_LEVEL,
	D_COUNT,
};

static const char *const differences[D_COUNT] = {
	[D_X1_TO_X3] = "it returns zeros in X1 to X3, as SMCCC 1.0 had it",
	[D_FUNCTIONS] = "it serves PSCI 1.1 at most, without what is optional but SYSTEM_SUSPEND",
	[D_SUSPEND_STATES] = "its CPU_SUSPEND does not look at the power state: all are a WFI",
	[D_ENTRY] = "its CPU_ON takes any entry point, whether there is RAM or not",
	[D_LEVEL] = "its AFFINITY_INFO takes the upper half of a 32-bit argument's register too",
};

struct function {
	const char *name;
	u32 since; /* PSCI version */
	u32 kernel_since; /* the same with KVM, 0: never */
	bool only32;
	bool harmless; /* with these arguments */
	u64 arg[2];
};

#define V0_2 0x00002u
#define V1_0 0x10000u
#define V1_1 0x10001u
#define V1_3 0x10003u

#define NO_CPU 0xff00ffff00ull /* no machine of ours has it */

/* clang-format off */
static const struct function functions[0x20] = {
	[0x00] = { "PSCI_VERSION",            V0_2, V0_2, true,  true,  { 0 } },
	[0x01] = { "CPU_SUSPEND",             V0_2, V0_2, false, true,  { 0xffffffff } },
	[0x02] = { "CPU_OFF",                 V0_2, V0_2, true,  false, { 0 } },
	[0x03] = { "CPU_ON",                  V0_2, V0_2, false, true,  { 0xffffffff } },
	[0x04] = { "AFFINITY_INFO",           V0_2, V0_2, false, true,  { 0xffffffff } },
	[0x06] = { "MIGRATE_INFO_TYPE",       V0_2, V0_2, true,  true,  { 0 } },
	[0x08] = { "SYSTEM_OFF",              V0_2, V0_2, true,  false, { 0 } },
	[0x09] = { "SYSTEM_RESET",            V0_2, V0_2, true,  false, { 0 } },
	[0x0a] = { "PSCI_FEATURES",           V1_0, V1_0, true,  true,  { PSCI_VERSION } },
	[0x0c] = { "CPU_DEFAULT_SUSPEND",     V1_0, 0,    false, true,  { 1 } },
	[0x0d] = { "NODE_HW_STATE",           V1_0, 0,    false, true,  { 0xffffffff } },
	[0x0e] = { "SYSTEM_SUSPEND",          V1_0, V1_0, false, true,  { 1 } },
	[0x0f] = { "PSCI_SET_SUSPEND_MODE",   V1_0, 0,    true,  true,  { 2 } },
	[0x10] = { "PSCI_STAT_RESIDENCY",     V1_0, 0,    false, true,  { 0xffffffff } },
	[0x11] = { "PSCI_STAT_COUNT",         V1_0, 0,    false, true,  { 0xffffffff } },
	[0x12] = { "SYSTEM_RESET2",           V1_1, V1_1, false, true,  { 1 } },
	[0x13] = { "MEM_PROTECT",             V1_1, 0,    true,  true,  { 0 } },
	[0x14] = { "MEM_PROTECT_CHECK_RANGE", V1_1, 0,    false, true,  { 0 } },
	[0x15] = { "SYSTEM_OFF2",             V1_3, 0,    false, true,  { 2 } },
};
/* clang-format on */

static bool kernel;
static u32 version;
static u32 denied;
static u64 ram_end;
static bool told[D_COUNT];
static volatile u32 bad_high; /* calls that changed X4 and up */
static volatile u32 bad_low; /* ... or X1 to X3, otherwise than they may */
static volatile u32 bad_fid;

/* What is right here, of what is right in user mode and in kernel mode. */
static s64 by_mode(enum difference d, s64 user, s64 with_kvm)
{
	told[d] = true;
	return kernel ? with_kvm : user;
}

static bool only_low_half(u32 fid)
{
	return !(fid & 0x40000000);
}

static void look_at_registers(u32 fid, const struct smccc *before, const struct smccc *after)
{
	u32 low = 0;
	u32 high = 0;

	for (u32 i = 1; i < 4; i++) {
		u64 same = before->x[i];

		low += after->x[i] != (u64)by_mode(D_X1_TO_X3, (s64)same, 0);
	}
	for (u32 i = 4; i < ARRAY_SIZE(before->x); i++)
		high += after->x[i] != before->x[i];
	if (low || high)
		bad_fid = fid;
	bad_low += low != 0;
	bad_high += high != 0;
}

/* Any call, with garbage in all registers that it must not look at. */
static s64 call_by(void (*conduit)(struct smccc *r), u32 fid, u64 a1, u64 a2, u64 a3)
{
	const u64 garbage = 0xdeadbeef00000000ull;
	struct smccc before = { .x = { garbage | fid, a1, a2, a3 } };
	struct smccc after;

	if (only_low_half(fid)) {
		for (u32 i = 1; i < 4; i++)
			before.x[i] = (u32)before.x[i] | garbage;
	}
	for (u32 i = 4; i < ARRAY_SIZE(before.x); i++)
		before.x[i] = garbage + i * 0x01010101u;
	after = before;
	conduit(&after);
	look_at_registers(fid, &before, &after);
	return only_low_half(fid) ? (s32)after.x[0] : (s64)after.x[0];
}

static s64 call(u32 fid, u64 a1, u64 a2, u64 a3)
{
	return call_by(smccc_hvc, fid, a1, a2, a3);
}

/* One line, and what came instead when it is wrong. */
static void answers(s64 got, s64 want, const char *sentence)
{
	if (got == want)
		check(true, "%s: %lld", sentence, want);
	else
		check(false, "%s: %lld, not %lld", sentence, want, got);
}

static bool offered(u32 fid)
{
	const struct function *f = &functions[fid & 0x1f];
	bool user = f->since && version >= f->since;
	bool with_kvm = f->kernel_since && version >= f->kernel_since;

	if ((f->only32 && !only_low_half(fid)) || denied >> (fid & 0x1f) & 1)
		return false;
	return by_mode(D_FUNCTIONS, user, with_kvm);
}

/* What PSCI_FEATURES has to say about it: flags, for two. */
static s64 feature(u32 fid)
{
	bool extended = bootarg_u64("expect.extended", 0);

	if (!offered(fid))
		return PSCI_NOT_SUPPORTED;
	switch (fid & 0x1f) {
	case 0x01:
		return (extended ? 2 : 0) | offered(PSCI_SET_SUSPEND_MODE);
	case 0x15:
		return 1; /* HIBERNATE_OFF */
	default:
		return 0;
	}
}

/* Whether calling it can do no harm: what is not offered does nothing at all. */
static bool can_be_called(u32 fid)
{
	/* With KVM it might be granted, and wake at once, at an address where nothing is. */
	if (kernel && (fid & 0x1f) == 0x0e)
		return !offered(fid);
	return functions[fid & 0x1f].harmless || !offered(fid);
}

static const char *wrong_with(u32 fid)
{
	const struct function *f = &functions[fid & 0x1f];
	bool asked = offered(PSCI_FEATURES);

	if (asked && call(PSCI_FEATURES, fid, 0, 0) != feature(fid))
		return "PSCI_FEATURES is wrong";
	if (!can_be_called(fid))
		return NULL;
	if ((call(fid, f->arg[0], f->arg[1], 0) == PSCI_NOT_SUPPORTED) == offered(fid))
		return offered(fid) ? "it is not answered" : "it is answered";
	return NULL;
}

static void check_functions(void)
{
	const char *nameless = NULL;

	for (u32 n = 0; n < ARRAY_SIZE(functions); n++) {
		const struct function *f = &functions[n];
		const char *wrong = wrong_with(0x84000000 | n);

		if (!wrong)
			wrong = wrong_with(0xc4000000 | n);
		if (f->name)
			check(!wrong, "%s is %soffered, and PSCI_FEATURES agrees%s%s", f->name,
			      offered(0x84000000 | n) ? "" : "not ", wrong ? ": " : "",
			      wrong ? wrong : "");
		else if (wrong)
			nameless = wrong;
	}
	check(!nameless, "all other numbers are NOT_SUPPORTED%s", nameless ? nameless : "");
	if (offered(PSCI_FEATURES)) {
		answers(call(PSCI_FEATURES, SMCCC_VERSION, 0, 0), 0,
		        "PSCI_FEATURES has SMCCC_VERSION");
		answers(call(PSCI_FEATURES, 0x84000020, 0, 0), PSCI_NOT_SUPPORTED,
		        "PSCI_FEATURES of what is no PSCI function");
		answers(call(PSCI_FEATURES, 0x03, 0, 0), PSCI_NOT_SUPPORTED,
		        "PSCI_FEATURES of a number without its owner");
	}
	answers(call(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0),
	        offered(PSCI_MIGRATE_INFO_TYPE) ? 2 : PSCI_NOT_SUPPORTED, "MIGRATE_INFO_TYPE");
	answers(call(PSCI_VERSION, 0, 0, 0), version, "PSCI_VERSION");
}

static void started(u32 cpu)
{
	(void)cpu_off();
}

/* Calls of CPU_ON that must be refused: the code, and that nothing has changed. */
static s64 refused_on(u32 fid, u32 target, u64 mpidr, u64 entry)
{
	u32 starts = cpu_record(target)->starts;
	u64 context = (u64)(unsigned long)cpu_record(target);
	s64 code = call(fid, mpidr, entry, context);

	if (call(PSCI_AFFINITY_INFO, cpu_mpidr(target), 0, 0) != (target ? AFFINITY_OFF : 0))
		return 100; /* no PSCI code */
	return cpu_record(target)->starts == starts ? code : 101;
}

static void check_mpidrs(u32 target)
{
	u64 entry = (u64)(unsigned long)secondary_start;
	u32 wrong = 0;

	for (u32 bit = 24; bit < 64; bit++) {
		u64 mpidr = cpu_mpidr(target) | BIT(bit);

		if (bit >= 32 && bit < 40)
			continue;
		wrong += refused_on(PSCI_CPU_ON, target, mpidr, entry) != PSCI_INVALID_PARAMS;
		wrong += call(PSCI_AFFINITY_INFO, mpidr, 0, 0) != PSCI_INVALID_PARAMS;
		if (bit < 32)
			wrong += refused_on(PSCI_32(PSCI_CPU_ON), target, mpidr, entry) !=
			         PSCI_INVALID_PARAMS;
	}
	check(!wrong, "MPIDR bits 63:40 and 31:24 are INVALID_PARAMETERS each (%u are not)", wrong);
	answers(refused_on(PSCI_CPU_ON, target, NO_CPU, entry), PSCI_INVALID_PARAMS,
	        "CPU_ON of no CPU");
	answers(refused_on(PSCI_CPU_ON, target, cpu_mpidr(cpu_count() - 1) + 1, entry),
	        PSCI_INVALID_PARAMS, "CPU_ON of the one behind the last");
	answers(refused_on(PSCI_CPU_ON, target, cpu_mpidr(0) | BIT(32), entry), PSCI_INVALID_PARAMS,
	        "CPU_ON of a CPU with an Aff3");
	answers(refused_on(PSCI_CPU_ON, target, cpu_mpidr(0), entry), PSCI_ALREADY_ON,
	        "CPU_ON of the caller");
	answers(call(PSCI_32(PSCI_CPU_ON), cpu_mpidr(0), entry, 0), PSCI_ALREADY_ON,
	        "CPU_ON of the caller, 32-bit");
	answers(refused_on(PSCI_CPU_ON, target, NO_CPU, 1), PSCI_INVALID_PARAMS,
	        "CPU_ON of no CPU and at no place");
}

static void check_entries(u32 target)
{
	const u64 bad[] = { 0,
		            1,
		            4,
		            RAM_BASE - 4,
		            RAM_BASE + 1,
		            RAM_BASE + 2,
		            UART0_BASE,
		            ram_end,
		            ram_end - 1,
		            ~0ull,
		            ~3ull,
		            BIT(63) | RAM_BASE,
		            BIT(40) | RAM_BASE };
	s64 code = version >= V1_0 ? PSCI_INVALID_ADDRESS : PSCI_INVALID_PARAMS;
	u32 wrong = 0;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		wrong += refused_on(PSCI_CPU_ON, target, cpu_mpidr(target), bad[i]) != code;
		if (bad[i] <= 0xffffffff)
			wrong += refused_on(PSCI_32(PSCI_CPU_ON), target, cpu_mpidr(target),
			                    bad[i]) != code;
	}
	check(!wrong, "entry points without RAM or unaligned are %lld (%u are not)", code, wrong);
}

static void check_starts(u32 target)
{
	u64 entry = (u64)(unsigned long)secondary_start;
	u64 context = (u64)(unsigned long)cpu_record(target);
	const volatile struct cpu_start *r = cpu_record(target);
	u32 starts = r->starts;

	cpu_prepare(target, started);
	answers(call(PSCI_32(PSCI_CPU_ON), cpu_mpidr(target), entry, context), PSCI_SUCCESS,
	        "CPU_ON, 32-bit, with garbage above 32 bits");
	check(wait_value(&r->starts, starts + 1), "starts it with the lower 32 of its context");
	check(r->current_el >> 2 == 1 && r->spsel == 1 && (r->daif & 0x3c0) == 0x3c0 &&
	              !(r->sctlr & 0x1005),
	      "at EL1h, with all masked, MMU and caches off");
	check(cpu_wait_off(target), "CPU_OFF turns it off");
	answers(call(PSCI_CPU_ON, cpu_mpidr(target), entry, context), PSCI_SUCCESS,
	        "CPU_ON, 64-bit");
	check(wait_value(&r->starts, starts + 2), "starts it");
	check(cpu_wait_off(target) && r->starts == starts + 2, "once");
}

/* AFFINITY_INFO of a group of CPUs, from what is known of each. */
static s64 group_state(u64 mpidr, u32 level)
{
	const u64 masks[] = { 0xff00ffffff, 0xff00ffff00, 0xff00ff0000, 0xff00000000 };
	s64 state = PSCI_INVALID_PARAMS;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		if ((cpu_mpidr(cpu) ^ mpidr) & masks[level])
			continue;
		if (cpu == 0)
			return AFFINITY_ON;
		state = AFFINITY_OFF;
	}
	return state;
}

static void check_affinity(void)
{
	u64 last = cpu_mpidr(cpu_count() - 1);
	const u64 mpidr[] = { 0,      last,    0x7f,     last | 0xff, 0x1000,
		              0x3412, 0x10000, 0xffff00, BIT(32),     0xff00ffffff };
	u32 wrong = 0;

	for (u32 level = 0; level < 4; level++) {
		for (u32 i = 0; i < ARRAY_SIZE(mpidr); i++) {
			s64 want = group_state(mpidr[i], level);

			wrong += call(PSCI_AFFINITY_INFO, mpidr[i], level, 0) != want;
			if (mpidr[i] <= 0xffffffff)
				wrong += call(PSCI_32(PSCI_AFFINITY_INFO), mpidr[i], level, 0) !=
				         want;
		}
	}
	check(!wrong, "AFFINITY_INFO at levels 0 to 3 (%u are wrong)", wrong);
	answers(call(PSCI_AFFINITY_INFO, cpu_mpidr(0), 4, 0), PSCI_INVALID_PARAMS,
	        "AFFINITY_INFO at level 4");
	answers(call(PSCI_AFFINITY_INFO, cpu_mpidr(0), 0xffffffff, 0), PSCI_INVALID_PARAMS,
	        "AFFINITY_INFO at the largest level");
	answers(call(PSCI_AFFINITY_INFO, cpu_mpidr(0), BIT(32), 0),
	        by_mode(D_LEVEL, AFFINITY_ON, PSCI_INVALID_PARAMS),
	        "AFFINITY_INFO, 64-bit, with garbage above its level's 32 bits");
}

/* Optional functions, where offered; SYSTEM_SUSPEND and CPU_SUSPEND have guests of their own. */
static void check_system(void)
{
	if (offered(PSCI_SYSTEM_RESET2)) {
		answers(call(PSCI_SYSTEM_RESET2, 1, 0, 0), PSCI_INVALID_PARAMS,
		        "SYSTEM_RESET2 with a reserved type");
		answers(call(PSCI_32(PSCI_SYSTEM_RESET2), 0x7fffffff, 0, 0), PSCI_INVALID_PARAMS,
		        "SYSTEM_RESET2, 32-bit, with another");
	}
	if (offered(PSCI_SYSTEM_OFF2)) {
		answers(call(PSCI_SYSTEM_OFF2, 2, 0, 0), PSCI_INVALID_PARAMS,
		        "SYSTEM_OFF2 with a reserved type");
		answers(call(PSCI_32(PSCI_SYSTEM_OFF2), BIT(31) | 1, 0, 0), PSCI_INVALID_PARAMS,
		        "SYSTEM_OFF2, 32-bit, with another");
		answers(call(PSCI_SYSTEM_OFF2, 1, 1, 0), PSCI_INVALID_PARAMS,
		        "SYSTEM_OFF2 with a cookie");
	}
	if (offered(PSCI_MEM_PROTECT)) {
		answers(call(PSCI_MEM_PROTECT, 1, 0, 0), 0, "MEM_PROTECT on: it was off");
		answers(call(PSCI_MEM_PROTECT, 0, 0, 0), 1, "MEM_PROTECT off: it was on");
		answers(call(PSCI_MEM_PROTECT_CHECK_RANGE, RAM_BASE, ram_end - RAM_BASE, 0), 0,
		        "MEM_PROTECT_CHECK_RANGE of RAM");
		answers(call(PSCI_MEM_PROTECT_CHECK_RANGE, RAM_BASE, ram_end - RAM_BASE + 1, 0),
		        PSCI_DENIED, "of one byte more");
		answers(call(PSCI_MEM_PROTECT_CHECK_RANGE, RAM_BASE, ~0ull, 0), PSCI_DENIED,
		        "of a range that wraps");
		answers(call(PSCI_32(PSCI_MEM_PROTECT_CHECK_RANGE), UART0_BASE, 1, 0), PSCI_DENIED,
		        "of a device");
	}
	if (offered(PSCI_NODE_HW_STATE)) {
		answers(call(PSCI_NODE_HW_STATE, cpu_mpidr(0), 0, 0), 0, "NODE_HW_STATE: it is on");
		answers(call(PSCI_NODE_HW_STATE, NO_CPU, 0, 0), PSCI_INVALID_PARAMS,
		        "NODE_HW_STATE of no CPU");
		answers(call(PSCI_NODE_HW_STATE, cpu_mpidr(0), 1, 0), PSCI_INVALID_PARAMS,
		        "NODE_HW_STATE of a level that there is not");
		if (cpu_count() > 1)
			answers(call(PSCI_32(PSCI_NODE_HW_STATE), cpu_mpidr(1), 0, 0), 1,
			        "NODE_HW_STATE of a CPU that is off");
	}
}

static void check_modes(void)
{
	if (!offered(PSCI_SET_SUSPEND_MODE))
		return;
	answers(call(PSCI_SET_SUSPEND_MODE, 2, 0, 0), PSCI_INVALID_PARAMS,
	        "PSCI_SET_SUSPEND_MODE of no mode");
	answers(call(PSCI_SET_SUSPEND_MODE, 0, 0, 0), 0, "of the mode it is in");
	answers(call(PSCI_SET_SUSPEND_MODE, 1, 0, 0), 0, "OS-initiated, before any CPU_SUSPEND");
	answers(call(PSCI_SET_SUSPEND_MODE, 0, 0, 0), 0, "and back, with one CPU on");
}

/* What is KVM's to answer in either mode. */
static void check_smccc(void)
{
	static const u32 unknown[] = { 0x84000020, 0xc4000020, 0x8400ffff, 0xc400003f,
		                       0x82000000, 0xc6000001, 0x8500ff00, 0xbfffffff,
		                       0xffffffff, 0x00000000, 0x04000000, 0x44000003 };
	static const u32 workarounds[] = { SMCCC_WORKAROUND_1, SMCCC_WORKAROUND_2,
		                           SMCCC_WORKAROUND_3 };
	u32 wrong = 0;

	for (u32 i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct smccc r = { .x = { unknown[i] } };

		smccc_hvc(&r);
		wrong += (s32)r.x[0] != PSCI_NOT_SUPPORTED;
	}
	check(!wrong, "calls that nobody knows are answered -1 (%u are not)", wrong);
	answers(psci_call(SMCCC_VERSION, 0, 0, 0), 0x10001, "SMCCC_VERSION");
	wrong = 0;
	for (u32 i = 0; i < ARRAY_SIZE(workarounds); i++) {
		s32 has = psci_call(SMCCC_ARCH_FEATURES, workarounds[i], 0, 0);

		/* -2: NOT_REQUIRED; 1: implemented, and this CPU does not need it. */
		wrong += has < -2 || has > 1;
		if (has >= 0)
			(void)psci_call(workarounds[i], 1, 0, 0);
	}
	check(!wrong, "ARCH_FEATURES knows the workarounds (%u not)", wrong);
	answers(psci_call(SMCCC_ARCH_FEATURES, 0x8000ffff, 0, 0), PSCI_NOT_SUPPORTED,
	        "ARCH_FEATURES of no function");
	answers(psci_call(TRNG_VERSION, 0, 0, 0), 0x10000, "TRNG_VERSION");
	answers(psci_call(TRNG_RND64, 64, 0, 0), 0, "TRNG_RND64");
	answers(psci_call(SMCCC_ARCH_FEATURES, PV_TIME_FEATURES, 0, 0), 0,
	        "ARCH_FEATURES has PV_TIME_FEATURES");
	answers(psci_call(PV_TIME_FEATURES, PV_TIME_ST, 0, 0), 0,
	        "PV_TIME_FEATURES has PV_TIME_ST");
}

/* SMC is HVC's twin where the host forwards it; where EL3 is not there it is undefined. */
static void check_smc(void)
{
	struct fault f;
	s64 got;

	fault_guard();
	got = call_by(smccc_smc, PSCI_VERSION, 0, 0, 0);
	f = fault_end();
	if (f.taken) {
		check(f.ec == EC_UNKNOWN, "SMC is undefined here");
		return;
	}
	answers(got, version, "PSCI_VERSION by SMC");
	answers(call_by(smccc_smc, PSCI_CPU_ON, cpu_mpidr(0), RAM_BASE, 0), PSCI_ALREADY_ON,
	        "CPU_ON of the caller by SMC");
	answers(call_by(smccc_smc, 0x8400001f, 0, 0, 0), PSCI_NOT_SUPPORTED, "no function by SMC");
}

static volatile u32 heard;
static const char *volatile wrong_there[SMP_MAX_CPUS];

/* The same from a CPU that is not the first. */
static const char *calls_from(u32 cpu)
{
	u64 entry = (u64)(unsigned long)secondary_start;

	if (call(PSCI_VERSION, 0, 0, 0) != version)
		return "PSCI_VERSION";
	if (call(PSCI_AFFINITY_INFO, cpu_mpidr(cpu), 0, 0) != AFFINITY_ON)
		return "AFFINITY_INFO of itself";
	if (call(PSCI_CPU_ON, cpu_mpidr(cpu), entry, 0) != PSCI_ALREADY_ON)
		return "CPU_ON of itself";
	if (call(PSCI_CPU_ON, cpu_mpidr(0), entry, 0) != PSCI_ALREADY_ON)
		return "CPU_ON of the first";
	if (call(PSCI_CPU_ON, NO_CPU, entry, 0) != PSCI_INVALID_PARAMS)
		return "CPU_ON of none";
	if (call(0xc400001f, 0, 0, 0) != PSCI_NOT_SUPPORTED)
		return "no function";
	return NULL;
}

static void caller(u32 cpu)
{
	wrong_there[cpu] = calls_from(cpu);
	__atomic_add_fetch(&heard, 1, __ATOMIC_SEQ_CST);
	(void)cpu_off();
}

static void check_secondaries(void)
{
	u32 n = cpu_count();

	for (u32 cpu = 1; cpu < n; cpu++)
		(void)cpu_on(cpu, caller);
	check(wait_value(&heard, n - 1), "%u more CPUs call (%u)", n - 1, heard);
	for (u32 cpu = 1; cpu < n; cpu++) {
		const char *wrong = wrong_there[cpu];

		check(!wrong, "CPU %u gets the answers that the first gets%s%s", cpu,
		      wrong ? ", not from " : "", wrong ? wrong : "");
		check(cpu_wait_off(cpu), "and is off");
	}
}

static void check_differences(void)
{
	for (u32 d = 0; d < D_COUNT; d++) {
		if (kernel && told[d])
			print("# as KVM has it: %s\n", differences[d]);
	}
}

/* 1.1 as PSCI_VERSION has it. */
static u32 wanted_version(void)
{
	const char *s = bootarg("expect.psci");

	return s && s[0] && s[1] ? (u32)(s[0] - '0') << 16 | (u32)(s[2] - '0') : V1_1;
}

static void check_last(u32 target)
{
	/* With KVM it starts there, and takes one exception after the other for good. */
	by_mode(D_ENTRY, 0, 0);
	if (kernel)
		answers(call(PSCI_CPU_ON, cpu_mpidr(target), UART0_BASE, 0), PSCI_SUCCESS,
		        "CPU_ON at an entry point without RAM");
}

void guest_main(void)
{
	u32 n = cpu_count();
	u64 base;

	kernel = bootarg_is("expect.mode", "kernel");
	version = wanted_version();
	denied = (u32)bootarg_u64("expect.deny", 0);
	ram_end = fdt_memory(&base) + base;
	check(n == bootarg_u64("expect.cpus", n), "there are %u CPUs", n);
	/* A CPU_SUSPEND that is a WFI after all must end. */
	if (!check(gic_init() && timer_init(), "there are a GIC and a timer"))
		tap_done();
	timer_arm(0);
	check_modes();
	check_functions();
	check_affinity();
	check_system();
	check_smccc();
	check_smc();
	check_mpidrs(n - 1);
	if (n > 1) {
		check_secondaries();
		if (!kernel)
			check_entries(n - 1);
		check_starts(n - 1);
		check_last(n - 1);
	}
	check(!bad_high, "no call changes X4 to X29 (%u, the last 0x%x)", bad_high, bad_fid);
	check(!bad_low, "all leave X1 to X3 as they have to (%u, the last 0x%x)", bad_low, bad_fid);
	check_differences();
	tap_done();
}
