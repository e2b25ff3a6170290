/* SPDX-License-Identifier: MIT */
/*
 * Calls without sense or end, from all CPUs at once: random functions, MPIDRs, entry points
 * and reserved bits. Each gets the code that DEN0022F.b names.
 *
 * Arguments: seconds=N (5) seed=N expect.mode=user|kernel expect.psci=1.1
 */
#include "guest.h"

enum kind {
	K_CPU_ON,
	K_AFFINITY_INFO,
	K_CPU_SUSPEND,
	K_FEATURES,
	K_SYSTEM_SUSPEND,
	K_SYSTEM_RESET2,
	K_OTHERS,
	K_COUNT,
};

static const char *const names[K_COUNT] = {
	[K_CPU_ON] = "CPU_ON",
	[K_AFFINITY_INFO] = "AFFINITY_INFO",
	[K_CPU_SUSPEND] = "CPU_SUSPEND",
	[K_FEATURES] = "PSCI_FEATURES",
	[K_SYSTEM_SUSPEND] = "SYSTEM_SUSPEND",
	[K_SYSTEM_RESET2] = "SYSTEM_RESET2",
	[K_OTHERS] = "all others",
};

/* The first that was wrong, of each kind. */
struct wrong {
	u32 fid;
	u64 arg[3];
	s32 got;
	s32 want;
};

static u32 n;
static u32 victim; /* the last CPU: comes and goes, the others stay */
static bool kernel;
static bool since_1_0;
static u64 ram_end;
static u64 until;
static u64 random_state[SMP_MAX_CPUS];
static volatile u32 calls[K_COUNT];
static volatile u32 wrongs[K_COUNT];
static struct wrong first[K_COUNT];
static volatile u32 won;
static struct cpu_start entrant;
static volatile u32 ready; /* CPUs that can begin */
static volatile u32 done; /* ... that have stopped: until then all are on */

/* xorshift64: no more is needed, and each CPU has its own. */
static u64 rnd(void)
{
	u64 *s = &random_state[cpu_self()];

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static bool one_in(u32 odds)
{
	return rnd() % odds == 0;
}

static void tally(enum kind k, u32 fid, const u64 arg[3], s32 got, s32 want)
{
	__atomic_add_fetch(&calls[k], 1, __ATOMIC_RELAXED);
	if (got == want)
		return;
	if (__atomic_add_fetch(&wrongs[k], 1, __ATOMIC_RELAXED) == 1)
		first[k] = (struct wrong){ fid, { arg[0], arg[1], arg[2] }, got, want };
}

/* A CPU's, or almost, or anything. */
static u64 random_mpidr(void)
{
	u64 mpidr = cpu_mpidr((u32)(rnd() % n));

	if (one_in(3))
		mpidr ^= BIT(rnd() % 64);
	if (one_in(8))
		mpidr = rnd();
	return mpidr;
}

static u32 cpu_of(u64 mpidr)
{
	u32 cpu = 0;

	while (cpu < n && cpu_mpidr(cpu) != mpidr)
		cpu++;
	return cpu;
}

static u64 random_entry(void)
{
	switch (rnd() % 4) {
	case 0:
		return rnd();
	case 1:
		return RAM_BASE + rnd() % (ram_end - RAM_BASE);
	case 2:
		return rnd() & 0xffffffff;
	default:
		return (u64)(unsigned long)secondary_start;
	}
}

static bool is_entry(u64 pc)
{
	return pc % 4 == 0 && pc >= RAM_BASE && pc <= ram_end - 4;
}

static s32 bad_entry(void)
{
	return since_1_0 ? PSCI_INVALID_ADDRESS : PSCI_INVALID_PARAMS;
}

/* The victim: a call or two, and off again. */
static void visit(u32 cpu)
{
	msr(tpidr_el1, victim);
	(void)cpu_affinity_info(0);
	(void)cpu_off();
}

static void hammer_cpu_on(void)
{
	u32 fid = one_in(2) ? PSCI_CPU_ON : PSCI_32(PSCI_CPU_ON);
	u64 arg[3] = { random_mpidr(), random_entry(), (u64)(unsigned long)&entrant };
	bool narrow = fid != PSCI_CPU_ON;
	u32 cpu = cpu_of(narrow ? (u32)arg[0] : arg[0]);
	u64 pc = narrow ? (u32)arg[1] : arg[1];
	s32 got;

	/* Where nothing sensible is it must not start, and with KVM nothing keeps it from it. */
	if (cpu == victim && (kernel || is_entry(pc)))
		arg[1] = pc = (u64)(unsigned long)secondary_start;
	got = psci_call(fid, arg[0], arg[1], arg[2]);
	if (cpu == n) {
		tally(K_CPU_ON, fid, arg, got, PSCI_INVALID_PARAMS);
	} else if (!kernel && !is_entry(pc)) {
		tally(K_CPU_ON, fid, arg, got, bad_entry());
	} else if (cpu != victim) {
		tally(K_CPU_ON, fid, arg, got, PSCI_ALREADY_ON);
	} else {
		if (got == PSCI_SUCCESS)
			__atomic_add_fetch(&won, 1, __ATOMIC_RELAXED);
		tally(K_CPU_ON, fid, arg, got, got == PSCI_SUCCESS ? got : PSCI_ALREADY_ON);
	}
}

static void hammer_affinity_info(void)
{
	u32 fid = one_in(2) ? PSCI_AFFINITY_INFO : PSCI_32(PSCI_AFFINITY_INFO);
	u64 arg[3] = { random_mpidr(), one_in(2) ? rnd() % 6 : 0, 0 };
	static const u64 masks[] = { 0xff00ffffff, 0xff00ffff00, 0xff00ff0000, 0xff00000000 };
	u64 mpidr = fid == PSCI_AFFINITY_INFO ? arg[0] : (u32)arg[0];
	s32 want = PSCI_INVALID_PARAMS;
	s32 got = psci_call(fid, arg[0], arg[1], 0);

	if (!(mpidr & ~masks[0]) && arg[1] < ARRAY_SIZE(masks)) {
		for (u32 cpu = 0; cpu < n && want; cpu++) {
			if (!((cpu_mpidr(cpu) ^ mpidr) & masks[arg[1]]))
				want = cpu == victim ? (got != 0) : AFFINITY_ON;
		}
	}
	tally(K_AFFINITY_INFO, fid, arg, got, want);
}

/* The timer's interrupt is pending and masked, so that what does sleep wakes at once. */
static void hammer_cpu_suspend(void)
{
	u32 fid = one_in(2) ? PSCI_CPU_SUSPEND : PSCI_32(PSCI_CPU_SUSPEND);
	u64 arg[3] = { (u32)rnd(), random_entry(), rnd() };
	s32 want = PSCI_INVALID_PARAMS;

	if (one_in(2))
		arg[0] = 0;
	else if (one_in(2))
		arg[0] = 0x10000;
	if (kernel || arg[0] == 0)
		want = PSCI_SUCCESS;
	else if (arg[0] == 0x10000) {
		/* It would really start there. */
		if (is_entry(fid == PSCI_CPU_SUSPEND ? arg[1] : (u32)arg[1]))
			arg[1] = 1;
		want = bad_entry();
	}
	tally(K_CPU_SUSPEND, fid, arg, psci_call(fid, arg[0], arg[1], arg[2]), want);
}

static void hammer_features(void)
{
	u64 arg[3] = { one_in(2) ? 0x84000000 | (rnd() & 0x400000ff) : rnd(), 0, 0 };
	u32 fid = (u32)arg[0];
	s32 got = psci_call(PSCI_FEATURES, arg[0], 0, 0);
	s32 want = got;

	/* What guest psci checks one by one is only looked at for what it can be at all. */
	if (!since_1_0 || ((fid & ~0x4000001fu) != 0x84000000 && fid != SMCCC_VERSION))
		want = PSCI_NOT_SUPPORTED;
	else if (got < -1 || got > 3)
		want = 0;
	tally(K_FEATURES, PSCI_FEATURES, arg, got, want);
}

/* The others are on, whatever the entry point. */
static void hammer_system_suspend(void)
{
	u32 fid = one_in(2) ? PSCI_SYSTEM_SUSPEND : PSCI_32(PSCI_SYSTEM_SUSPEND);
	u64 arg[3] = { random_entry(), rnd(), 0 };
	bool ok = is_entry(fid == PSCI_SYSTEM_SUSPEND ? arg[0] : (u32)arg[0]);
	s32 got = psci_call(fid, arg[0], arg[1], 0);
	s32 want = ok ? PSCI_DENIED : bad_entry();

	if (kernel)
		want = got == PSCI_DENIED || got == bad_entry() ? got : PSCI_DENIED;
	tally(K_SYSTEM_SUSPEND, fid, arg, got, since_1_0 ? want : PSCI_NOT_SUPPORTED);
}

static void hammer_system_reset2(void)
{
	u32 fid = one_in(2) ? PSCI_SYSTEM_RESET2 : PSCI_32(PSCI_SYSTEM_RESET2);
	u64 arg[3] = { (rnd() & 0x7fffffff) | 1, rnd(), 0 };
	s32 got = psci_call(fid, arg[0], arg[1], 0);

	tally(K_SYSTEM_RESET2, fid, arg, got,
	      got == PSCI_NOT_SUPPORTED ? got : PSCI_INVALID_PARAMS);
}

/* Numbers that are no function's, by the two conventions and by none; not other services. */
static void hammer_others(void)
{
	u32 fid = 0x84000016 + (u32)(rnd() % 10);
	u64 arg[3] = { rnd(), rnd(), rnd() };

	if (one_in(2))
		fid |= 0x40000000;
	if (one_in(4))
		fid = (u32)rnd() & 0x7fffffff;
	tally(K_OTHERS, fid, arg, psci_call(fid, arg[0], arg[1], arg[2]), PSCI_NOT_SUPPORTED);
}

static void hammer(u32 cpu)
{
	static void (*const all[])(void) = {
		hammer_cpu_on,        hammer_cpu_on,        hammer_cpu_on,
		hammer_affinity_info, hammer_affinity_info, hammer_cpu_suspend,
		hammer_cpu_suspend,   hammer_features,      hammer_system_suspend,
		hammer_system_reset2, hammer_others,
	};

	gic_cpu_init();
	(void)timer_init();
	timer_arm(0);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (ready != victim)
		relax();
	while (ticks() < until)
		all[rnd() % ARRAY_SIZE(all)]();
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	while (done != victim)
		relax();
	timer_stop();
}

static void hammerer(u32 cpu)
{
	hammer(cpu);
	(void)cpu_off();
}

static void report(enum kind k)
{
	const struct wrong *w = &first[k];

	if (check(!wrongs[k], "%s: %u calls, %u wrong", names[k], calls[k], wrongs[k]))
		return;
	print("# 0x%x(0x%llx, 0x%llx, 0x%llx): %d, not %d\n", w->fid, w->arg[0], w->arg[1],
	      w->arg[2], w->got, w->want);
}

void guest_main(void)
{
	u64 seed = bootarg_u64("seed", ticks());
	u64 base;

	n = cpu_count();
	victim = n - 1;
	kernel = bootarg_is("expect.mode", "kernel");
	since_1_0 = !bootarg_is("expect.psci", "0.2");
	ram_end = fdt_memory(&base) + base;
	if (!check(n > 2 && gic_init(), "there are CPUs and a GIC"))
		tap_done();
	print("# seed=%llu\n", seed);
	for (u32 cpu = 0; cpu < n; cpu++)
		random_state[cpu] = (seed + cpu + 1) * 0x9e3779b97f4a7c15ull;
	entrant = (struct cpu_start){ .fn = visit, .stack = cpu_stack(victim) };
	for (u32 cpu = 1; cpu < victim; cpu++)
		check(cpu_on(cpu, hammerer) == PSCI_SUCCESS, "CPU %u begins", cpu);
	print("hammering\n");
	until = ticks() + ms_to_ticks(bootarg_u64("seconds", 5) * 1000);
	hammer(0);
	for (u32 cpu = 1; cpu < n; cpu++)
		check(cpu_wait_off(cpu), "CPU %u is off afterwards", cpu);
	for (enum kind k = 0; k < K_COUNT; k++)
		report(k);
	check(entrant.starts == won,
	      "the one that comes and goes started %u times, as often as "
	      "CPU_ON said so",
	      won);
	tap_done();
}
