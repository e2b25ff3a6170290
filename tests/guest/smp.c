/* SPDX-License-Identifier: MIT */
/* PSCI and all CPUs: CPU_ON, AFFINITY_INFO, CPU_OFF, SGIs to and fro, one lock for all. */
#include "guest.h"

#define SGI_PING  1
#define SGI_PONG  2
#define ADDITIONS 1000

static volatile u32 up[SMP_MAX_CPUS];
static volatile u32 pings[SMP_MAX_CPUS];
static volatile u32 pongs;
static volatile bool leave[SMP_MAX_CPUS];
static volatile bool add;
static volatile u32 added;
static struct spinlock lock;
static volatile u32 total;
static volatile u32 racers;
static volatile bool go;
static volatile s32 race_result[SMP_MAX_CPUS];

static void ping(u32 intid)
{
	pings[cpu_self()]++;
	gic_send_sgi(0, SGI_PONG);
}

static void pong(u32 intid)
{
	pongs++;
}

static bool wait_u32(const volatile u32 *v, u32 want)
{
	u64 start = ticks();

	while (*v != want && !passed_ms(start, 5000))
		__asm__ volatile("yield");
	return *v == want;
}

static void additions(void)
{
	for (u32 i = 0; i < ADDITIONS; i++) {
		spin_lock(&lock);
		total++;
		spin_unlock(&lock);
	}
	__atomic_add_fetch(&added, 1, __ATOMIC_SEQ_CST);
}

/* A secondary: up, serves pings, joins the addition, goes when told to. */
static void worker(u32 cpu)
{
	bool did_add = false;

	gic_cpu_init();
	irq_on();
	up[cpu] = cpu_record(cpu)->starts;
	while (!leave[cpu]) {
		if (add && !did_add) {
			additions();
			did_add = true;
		}
		__asm__ volatile("yield");
	}
	irq_off();
	(void)cpu_off();
	up[cpu] = ~0u;
}

static s32 affinity_info(u32 cpu)
{
	return psci_call(PSCI_AFFINITY_INFO, cpu_mpidr(cpu), 0, 0);
}

static void check_calls(void)
{
	u32 version = (u32)psci_call(PSCI_VERSION, 0, 0, 0);

	check(version >> 16 == 1 || version == 2, "PSCI_VERSION is 0.2 or 1.x (0x%x)", version);
	if (version >> 16 == 1) {
		check(psci_call(PSCI_FEATURES, PSCI_CPU_ON, 0, 0) == 0, "CPU_ON is a feature");
		check(psci_call(PSCI_FEATURES, 0x8400001f, 0, 0) == PSCI_NOT_SUPPORTED,
		      "an unknown function is not");
	}
	check(psci_call(0x8400001f, 0, 0, 0) == PSCI_NOT_SUPPORTED,
	      "an unknown function is answered NOT_SUPPORTED");
	check(psci_call(PSCI_CPU_ON, 0xff00ffff00ull | 0xfe, RAM_BASE, 0) == PSCI_INVALID_PARAMS,
	      "CPU_ON of no CPU is answered INVALID_PARAMETERS");
	check(psci_call(PSCI_CPU_ON, cpu_mpidr(0), RAM_BASE, 0) == PSCI_ALREADY_ON,
	      "CPU_ON of the boot CPU is answered ALREADY_ON");
	check(affinity_info(0) == 0, "AFFINITY_INFO says that the boot CPU is on");
	check(psci_call(PSCI_AFFINITY_INFO, 0xff00ffff00ull | 0xfe, 0, 0) == PSCI_INVALID_PARAMS,
	      "AFFINITY_INFO of no CPU is answered INVALID_PARAMETERS");
}

/* Many checks for many CPUs would be many lines: one each, with what was wrong. */
static const char *start_one(u32 cpu)
{
	const volatile struct cpu_start *r = cpu_record(cpu);

	if (affinity_info(cpu) != 1)
		return "is not off before";
	if (cpu_on(cpu, worker) != PSCI_SUCCESS)
		return "is refused";
	if (!wait_u32(&up[cpu], r->starts ? r->starts : 1))
		return "does not come up";
	if (r->current_el >> 2 != 1 || r->spsel != 1 || (r->daif & 0x3c0) != 0x3c0 || r->sctlr & 1)
		return "comes up in a wrong state";
	if ((r->mpidr & 0xff00ffffffull) != cpu_mpidr(cpu))
		return "has another MPIDR than its node";
	if (affinity_info(cpu) != 0)
		return "is not on after";
	if (cpu_on(cpu, worker) != PSCI_ALREADY_ON)
		return "can be turned on twice";
	return NULL;
}

static void check_start(u32 n)
{
	for (u32 cpu = 1; cpu < n; cpu++) {
		const char *wrong = start_one(cpu);

		check(!wrong, "CPU %u (0x%llx) comes up%s%s", cpu, cpu_mpidr(cpu),
		      wrong ? " but " : " with its context in X0", wrong ? wrong : "");
	}
}

static void check_sgis(u32 n)
{
	struct fdt_irq ping_irq = { .intid = SGI_PING };
	struct fdt_irq pong_irq = { .intid = SGI_PONG };

	gic_enable(&ping_irq, ping);
	gic_enable(&pong_irq, pong);
	irq_on();
	for (u32 cpu = 0; cpu < n; cpu++) {
		u32 before = pongs;

		gic_send_sgi(cpu, SGI_PING);
		check(wait_u32(&pongs, before + 1) && pings[cpu] == 1,
		      "CPU %u gets an SGI and answers", cpu);
	}
	irq_off();
}

static void check_lock(u32 n)
{
	add = true;
	additions();
	check(wait_u32(&added, n) && total == n * ADDITIONS, "%u CPUs add up under a lock (%u)", n,
	      total);
	add = false;
}

static bool wait_off(u32 cpu)
{
	u64 start = ticks();

	while (affinity_info(cpu) != 1 && !passed_ms(start, 2000))
		;
	return affinity_info(cpu) == 1;
}

static void check_off_and_on(u32 cpu)
{
	u32 starts = cpu_record(cpu)->starts;

	leave[cpu] = true;
	if (!check(wait_off(cpu), "CPU %u turns itself off", cpu))
		return;
	check(up[cpu] != ~0u, "and does not go on");
	leave[cpu] = false;
	check(cpu_on(cpu, worker) == PSCI_SUCCESS && wait_u32(&up[cpu], starts + 1),
	      "CPU %u comes up again", cpu);
}

/* Turns the last CPU on as soon as all are ready to. */
static void racer(u32 cpu)
{
	__atomic_add_fetch(&racers, 1, __ATOMIC_SEQ_CST);
	while (!go)
		__asm__ volatile("yield");
	race_result[cpu] = cpu_on_prepared(cpu_count() - 1);
	__atomic_sub_fetch(&racers, 1, __ATOMIC_SEQ_CST);
}

static void check_race(u32 n)
{
	u32 victim = n - 1;
	u32 starts = cpu_record(victim)->starts;
	u32 won = 0;
	u32 lost = 0;

	for (u32 cpu = 1; cpu < n; cpu++) {
		leave[cpu] = true;
		(void)wait_off(cpu);
	}
	leave[victim] = false;
	cpu_prepare(victim, worker);
	for (u32 cpu = 1; cpu < victim; cpu++)
		(void)cpu_on(cpu, racer);
	if (!check(wait_u32(&racers, n - 2), "%u CPUs are ready to race", n - 2))
		return;
	go = true;
	race_result[0] = cpu_on_prepared(victim);
	(void)wait_u32(&racers, 0);
	for (u32 cpu = 0; cpu < victim; cpu++) {
		won += race_result[cpu] == PSCI_SUCCESS;
		lost += race_result[cpu] == PSCI_ALREADY_ON || race_result[cpu] == PSCI_ON_PENDING;
	}
	check(won == 1 && lost == n - 2, "of %u CPU_ON of one CPU one succeeds (%u, %u)", n - 1,
	      won, lost);
	check(wait_u32(&up[victim], starts + 1), "and the CPU comes up once");
}

void guest_main(void)
{
	u32 n = cpu_count();
	u64 expected = bootarg_u64("expect.cpus", 0);

	if (expected)
		check(n == expected, "the device tree has %llu CPUs", expected);
	check_calls();
	if (!check(gic_init(), "there is a GIC"))
		tap_done();
	check_start(n);
	check_sgis(n);
	check_lock(n);
	for (u32 cpu = 1; cpu<n; cpu += n> 4 ? n - 2 : 1)
		check_off_and_on(cpu);
	if (n > 2)
		check_race(n);
	tap_done();
}
