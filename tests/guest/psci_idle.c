/* SPDX-License-Identifier: MIT */
/*
 * CPU_SUSPEND and its relatives, DEN0022F.b 5.4, 5.18, 5.21, 5.22: what is refused, what
 * wakes a CPU, where it goes on, and what is counted.
 *
 * Arguments: expect.mode=user|kernel expect.extended=0|1 rounds=N.
 */
#include "guest.h"

#define SGI_WAKE 3

/* power_state, in the original and in the extended format (5.4.2). */
#define POWER_DOWN          0x00010000u
#define POWER_DOWN_EXTENDED 0x40000000u

static bool kernel;
static bool extended;
static u32 power_down;
static volatile u32 woken[SMP_MAX_CPUS];
static volatile u32 slept[SMP_MAX_CPUS];
static volatile u32 resumed[SMP_MAX_CPUS]; /* of those, as it should */
static volatile bool leave;

static void on_sgi(u32 intid)
{
	woken[cpu_self()]++;
}

static s64 suspend(u32 fid, u32 state, struct sleep *s)
{
	*s = (struct sleep){ .arg = { fid, state, (u64)(unsigned long)sleep_entry,
		                      (u64)(unsigned long)s } };
	return sleep_call(s);
}

/* As a wake-up from power-down is told apart from standby's. With KVM there is only the latter. */
static bool came_back_right(const struct sleep *s, bool down)
{
	if (kernel || !down)
		return !s->woke;
	return s->woke && sleep_state_is_right(s);
}

static void take_interrupts(void)
{
	irq_on();
	isb();
	irq_off();
}

static void check_sleep(const char *name, u32 fid, u32 state, bool down)
{
	u32 before = timer_fired(0);
	struct sleep s;
	u64 start;
	s64 code;

	timer_arm(10);
	start = ticks();
	code = suspend(fid, state, &s);
	check(code == PSCI_SUCCESS && passed_ms(start, 9), "%s lasts until the timer's time (%lld)",
	      name, code);
	check(came_back_right(&s, down), down && !kernel
	                                         ? "and ends at the entry point, as a start does"
	                                         : "and ends behind the call");
	check(timer_is_armed() && timer_fired(0) == before, "with the timer as it was");
	take_interrupts();
	check(timer_fired(0) == before + 1, "whose interrupt comes when it is let through");

	/* What is pending already wakes at once, whether it is masked in the CPU or not. */
	timer_arm(0);
	start = ticks();
	(void)suspend(fid, state, &s);
	check(!passed_ms(start, 2000), "%s does not begin with an interrupt pending", name);
	timer_stop();
}

/* All power states that are not ours, by the format in use. */
static void check_bad_states(void)
{
	static const u32 original[] = { 1,          0xffff,     0x20000,    0x00800000, 0x01000000,
		                        0x01010000, 0x02010000, 0x03010000, 0x04000000, 0x80000000,
		                        0x40000000, 0xffffffff, 0x00010001 };
	static const u32 other[] = { 1,          0x0fffffff, 0x10000000, 0x20000000, 0x80000000,
		                     0x00010000, 0x40000001, 0x48000000, 0xc0000000, 0xffffffff };
	const u32 *bad = extended ? other : original;
	size_t n = extended ? ARRAY_SIZE(other) : ARRAY_SIZE(original);
	s64 want = kernel ? PSCI_SUCCESS : PSCI_INVALID_PARAMS;
	u32 wrong = 0;
	struct sleep s;

	timer_arm(0);
	for (size_t i = 0; i < n; i++) {
		wrong += suspend(PSCI_CPU_SUSPEND, bad[i], &s) != want || s.woke;
		wrong += suspend(PSCI_32(PSCI_CPU_SUSPEND), bad[i], &s) != want || s.woke;
	}
	timer_stop();
	check(!wrong, "CPU_SUSPEND with power states that there are not: %lld (%u wrong)", want,
	      wrong);
}

static void check_bad_entries(void)
{
	static const u64 bad[] = { 0, 2, RAM_BASE - 4, RAM_BASE + 1, UART0_BASE, ~3ull };
	u32 version = (u32)psci_call(PSCI_VERSION, 0, 0, 0);
	s32 want = version == 2 ? PSCI_INVALID_PARAMS : PSCI_INVALID_ADDRESS;
	u32 wrong = 0;
	u32 standby = 0;
	u32 other = 0;

	timer_arm(0);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		standby += psci_call(PSCI_CPU_SUSPEND, 0, bad[i], 0) != PSCI_SUCCESS;
		if (kernel)
			continue;
		wrong += psci_call(PSCI_CPU_SUSPEND, power_down, bad[i], 0) != want;
		if (version != 2)
			other += psci_call(PSCI_CPU_DEFAULT_SUSPEND, bad[i], 0, 0) != want;
	}
	timer_stop();
	check(!standby, "standby does not look at its entry point (%u wrong)", standby);
	if (kernel)
		return;
	check(!wrong, "power-down at a bad entry point is refused: %d (%u wrong)", want, wrong);
	check(!other, "CPU_DEFAULT_SUSPEND too (%u wrong)", other);
}

static void check_default(void)
{
	struct sleep s = { .arg = { PSCI_CPU_DEFAULT_SUSPEND, (u64)(unsigned long)sleep_entry,
		                    (u64)(unsigned long)&s } };
	s64 code;

	timer_arm(10);
	code = sleep_call(&s);
	check(code == PSCI_SUCCESS && came_back_right(&s, true),
	      "CPU_DEFAULT_SUSPEND comes back at its entry point (%lld)", code);
	take_interrupts();
}

static s32 stat(u32 fid, u32 state)
{
	return psci_call(fid, cpu_mpidr(0), state, 0);
}

static void check_stat(void)
{
	s32 count = stat(PSCI_STAT_COUNT, power_down);
	s32 us = stat(PSCI_STAT_RESIDENCY, power_down);
	s32 standby = stat(PSCI_STAT_COUNT, 0);
	struct sleep s;

	timer_arm(20);
	(void)suspend(PSCI_CPU_SUSPEND, power_down, &s);
	take_interrupts();
	check(stat(PSCI_STAT_COUNT, power_down) == count + 1, "PSCI_STAT_COUNT counts it (%d)",
	      count + 1);
	us = stat(PSCI_STAT_RESIDENCY, power_down) - us;
	check(us > 0 && us < 20000000, "PSCI_STAT_RESIDENCY measures it (%d us)", us);
	check(stat(PSCI_STAT_COUNT, 0) == standby, "and nothing else");
	check(stat(PSCI_STAT_COUNT, 0x12345) == 0 &&
	              psci_call(PSCI_STAT_COUNT, 0xff00ffff00, power_down, 0) == 0,
	      "of no state and of no CPU there is nothing");
}

/* A CPU that goes down until it is told to leave; it never takes an interrupt but then. */
static void sleeper(u32 cpu)
{
	struct sleep s;

	gic_cpu_init();
	slept[cpu] = 0;
	resumed[cpu] = 0;
	while (!leave) {
		(void)suspend(PSCI_CPU_SUSPEND, power_down, &s);
		slept[cpu]++;
		resumed[cpu] += came_back_right(&s, true);
		take_interrupts();
	}
	(void)cpu_off();
}

static bool is_down(u32 cpu)
{
	u64 start = ticks();

	while (psci_call(PSCI_NODE_HW_STATE, cpu_mpidr(cpu), 0, 0) != 1 && !passed_ms(start, 5000))
		relax();
	return psci_call(PSCI_NODE_HW_STATE, cpu_mpidr(cpu), 0, 0) == 1;
}

static const char *wake_round(u32 n, u32 round)
{
	for (u32 cpu = 1; cpu < n; cpu++)
		gic_send_sgi(cpu, SGI_WAKE);
	for (u32 cpu = 1; cpu < n; cpu++) {
		if (!wait_value(&woken[cpu], round))
			return "an SGI did not wake its CPU";
	}
	return NULL;
}

/* CPUs that sleep, and the first, that wakes them: no wake-up is lost. */
static void check_others(u32 n)
{
	u32 rounds = (u32)bootarg_u64("rounds", 50);
	const char *wrong = NULL;
	u32 version = (u32)psci_call(PSCI_VERSION, 0, 0, 0);

	for (u32 cpu = 1; cpu < n; cpu++)
		(void)cpu_on(cpu, sleeper);
	if (kernel || version == 2)
		delay_ms(20);
	else
		check(is_down(1), "NODE_HW_STATE says that a CPU in power-down is off");
	check(cpu_affinity_info(1) == AFFINITY_ON, "AFFINITY_INFO says that it is on");
	check(cpu_on(1, sleeper) == PSCI_ALREADY_ON, "CPU_ON too");
	delay_ms(50);
	check(resumed[1] == 0, "and it sleeps on");
	for (u32 i = 1; i <= rounds && !wrong; i++)
		wrong = wake_round(n, i);
	check(!wrong, "%u CPUs wake by SGIs %u times%s%s", n - 1, rounds, wrong ? ": " : "",
	      wrong ? wrong : "");
	leave = true;
	(void)wake_round(n, rounds + 1);
	/* One that is still ending an SGI's interrupt when the next one comes does not sleep for it. */
	for (u32 cpu = 1; cpu < n; cpu++)
		check(cpu_wait_off(cpu) && resumed[cpu] == slept[cpu] && slept[cpu] >= rounds / 2,
		      "CPU %u came back right each time (%u of %u), and turns itself off", cpu,
		      resumed[cpu], slept[cpu]);
}

static void check_modes(u32 n)
{
	check(psci_call(PSCI_SET_SUSPEND_MODE, 1, 0, 0) == PSCI_DENIED,
	      "OS-initiated mode is DENIED after a CPU_SUSPEND in the other");
	check(psci_call(PSCI_SET_SUSPEND_MODE, 0, 0, 0) == PSCI_SUCCESS,
	      "the mode it is in is not");
}

static void check_user(u32 n)
{
	u32 version = (u32)psci_call(PSCI_VERSION, 0, 0, 0);

	if (version == 2)
		return;
	check(psci_call(PSCI_FEATURES, PSCI_CPU_SUSPEND, 0, 0) == (extended ? 3 : 1),
	      "PSCI_FEATURES tells CPU_SUSPEND's format");
	check_default();
	check_stat();
	check_modes(n);
}

void guest_main(void)
{
	struct fdt_irq sgi = { .intid = SGI_WAKE };
	u32 n = cpu_count();

	kernel = bootarg_is("expect.mode", "kernel");
	extended = bootarg_u64("expect.extended", 0);
	power_down = extended ? POWER_DOWN_EXTENDED : POWER_DOWN;
	if (!check(gic_init() && timer_init(), "there are a GIC and a timer"))
		tap_done();
	gic_enable(&sgi, on_sgi);
	check_sleep("standby", PSCI_CPU_SUSPEND, 0, false);
	check_sleep("standby, 32-bit,", PSCI_32(PSCI_CPU_SUSPEND), 0, false);
	check_sleep("power-down", PSCI_CPU_SUSPEND, power_down, true);
	check_sleep("power-down, 32-bit,", PSCI_32(PSCI_CPU_SUSPEND), power_down, true);
	check_bad_states();
	check_bad_entries();
	if (!kernel)
		check_user(n);
	if (n > 1)
		check_others(n);
	tap_done();
}
