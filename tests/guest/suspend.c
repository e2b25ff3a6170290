/* SPDX-License-Identifier: MIT */
/*
 * SYSTEM_SUSPEND, DEN0022F.b 5.20: refused while another CPU is on, else the machine sleeps;
 * what wakes it, and what it finds then.
 *
 * Says "sleeping N" and "awake N", for whoever has to wake it.
 *
 * Arguments: wake=timer|rtc|console|signal times=N (3) expect.mode=user|kernel.
 */
#include "guest.h"

#define RTC_DR   0x00
#define RTC_MR   0x04
#define RTC_IMSC 0x10
#define RTC_ICR  0x1c

#define PATTERN_WORDS 8192

static bool kernel;
static u64 rtc; /* wake=rtc */
static bool by_timer;
static volatile u32 alarms;
static volatile bool leave;
static u64 pattern[PATTERN_WORDS];

static void on_alarm(u32 intid)
{
	w32(rtc + RTC_ICR, 1);
	alarms++;
}

static s64 suspend(u32 fid, u64 entry, struct sleep *s)
{
	*s = (struct sleep){ .arg = { fid, entry, (u64)(unsigned long)s } };
	return sleep_call(s);
}

static u64 entry(void)
{
	return (u64)(unsigned long)sleep_entry;
}

static void fill(u64 seed)
{
	for (u32 i = 0; i < PATTERN_WORDS; i++)
		pattern[i] = (seed + i) * 0x9e3779b97f4a7c15ull;
}

static bool is_filled(u64 seed)
{
	for (u32 i = 0; i < PATTERN_WORDS; i++) {
		if (pattern[i] != (seed + i) * 0x9e3779b97f4a7c15ull)
			return false;
	}
	return true;
}

static void stays_on(u32 cpu)
{
	while (!leave)
		relax();
	(void)cpu_off();
}

/* Turns CPU @cpu on and off again around a call that must be refused meanwhile. */
static void check_denied(u32 cpu, const char *when)
{
	struct sleep s;
	u32 starts = cpu_record(cpu)->starts;

	leave = false;
	check(cpu_on(cpu, stays_on) == PSCI_SUCCESS &&
	              wait_value(&cpu_record(cpu)->starts, starts + 1),
	      "CPU %u comes up %s", cpu, when);
	timer_arm(0);
	check(suspend(PSCI_SYSTEM_SUSPEND, entry(), &s) == PSCI_DENIED && !s.woke,
	      "SYSTEM_SUSPEND is DENIED while it is on");
	check(suspend(PSCI_32(PSCI_SYSTEM_SUSPEND), entry(), &s) == PSCI_DENIED && !s.woke,
	      "32-bit too");
	timer_stop();
	check(cpu_affinity_info(cpu) == AFFINITY_ON, "which it stays");
	leave = true;
	check(cpu_wait_off(cpu), "until it turns itself off");
}

static void check_entries(void)
{
	static const u64 bad[] = { 0, 2, RAM_BASE - 4, RAM_BASE + 1, UART0_BASE, ~3ull };
	struct sleep s;
	u32 wrong = 0;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		wrong += suspend(PSCI_SYSTEM_SUSPEND, bad[i], &s) != PSCI_INVALID_ADDRESS;
	check(!wrong, "entry points without RAM or unaligned are INVALID_ADDRESS (%u are not)",
	      wrong);
}

static void set_alarm(void)
{
	if (by_timer)
		timer_arm(100);
	if (rtc) {
		w32(rtc + RTC_IMSC, 1);
		w32(rtc + RTC_MR, r32(rtc + RTC_DR) + 2);
	}
}

static u32 wakes(void)
{
	return by_timer ? timer_fired(0) : alarms;
}

static const char *sleep_once(u32 i)
{
	u32 fid = i % 2 ? PSCI_SYSTEM_SUSPEND : PSCI_32(PSCI_SYSTEM_SUSPEND);
	u64 config = gic_config();
	u64 cpu = gic_cpu();
	u32 before = wakes();
	struct sleep s;
	s64 code;

	fill(i);
	print("sleeping %u\n", i);
	set_alarm();
	code = suspend(fid, entry(), &s);
	print("awake %u\n", i);
	if (code != PSCI_SUCCESS)
		return "is refused";
	if (!s.woke)
		return "returns, instead of waking at the entry point";
	if (!sleep_state_is_right(&s))
		return "wakes in another state than a CPU starts in";
	if (!is_filled(i))
		return "loses memory";
	if (gic_config() != config || gic_cpu() != cpu)
		return "loses registers of the GIC";
	irq_on();
	isb();
	irq_off();
	if ((by_timer || rtc) && wakes() != before + 1)
		return "wakes without the interrupt";
	return NULL;
}

static void check_pending(void)
{
	struct sleep s;
	u64 start = ticks();
	s64 code;

	timer_arm(0);
	code = suspend(PSCI_SYSTEM_SUSPEND, entry(), &s);
	check(code == PSCI_SUCCESS && s.woke && !passed_ms(start, 3000),
	      "an interrupt that is pending already wakes at once (%lld)", code);
	timer_stop();
}

static bool find_rtc(void)
{
	struct fdt_node n;
	struct fdt_irq irq;
	u64 size;

	if (!fdt_find("arm,pl031", 0, &n) || !fdt_reg(&n, 0, &rtc, &size) || !fdt_irq(&n, 0, &irq))
		return false;
	w32(rtc + RTC_ICR, 1);
	gic_enable(&irq, on_alarm);
	return true;
}

void guest_main(void)
{
	u32 times = (u32)bootarg_u64("times", 3);
	const char *wrong = NULL;
	u32 n = cpu_count();

	kernel = bootarg_is("expect.mode", "kernel");
	by_timer = bootarg_is("wake", "timer");
	if (!check(gic_init() && timer_init(), "there are a GIC and a timer"))
		tap_done();
	if (bootarg_is("wake", "rtc"))
		check(find_rtc(), "there is an RTC");
	check(psci_call(PSCI_FEATURES, PSCI_SYSTEM_SUSPEND, 0, 0) == 0 &&
	              psci_call(PSCI_FEATURES, PSCI_32(PSCI_SYSTEM_SUSPEND), 0, 0) == 0,
	      "SYSTEM_SUSPEND is a feature");
	/* KVM hands it over unseen, and its CPU_ON takes any entry point as well. */
	if (!kernel)
		check_entries();
	if (n > 1) {
		check_denied(1, "before");
		check_denied(n - 1, "too");
	}
	for (u32 i = 1; i <= times && !wrong; i++)
		wrong = sleep_once(i);
	check(!wrong, "SYSTEM_SUSPEND, %u times%s%s", times, wrong ? ", but it " : "",
	      wrong ? wrong : "");
	check_pending();
	if (n > 1)
		check_denied(1, "afterwards");
	tap_done();
}
