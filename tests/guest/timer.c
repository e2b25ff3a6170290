/* SPDX-License-Identifier: MIT */
/* The generic timer: both of EL1's, by interrupt, at the PPIs of the device tree. */
#include "guest.h"

#define ROUNDS 10

static volatile u32 count[2]; /* physical, virtual */
static volatile bool early;
static volatile u64 deadline[2];

static void arm(u32 t, u64 ms)
{
	u64 now = t ? ticks() : mrs(cntpct_el0);

	deadline[t] = now + ms_to_ticks(ms);
	if (t) {
		msr(cntv_cval_el0, deadline[t]);
		msr(cntv_ctl_el0, 1);
	} else {
		msr(cntp_cval_el0, deadline[t]);
		msr(cntp_ctl_el0, 1);
	}
	isb();
}

static void physical_fired(u32 intid)
{
	isb();
	early |= mrs(cntpct_el0) < deadline[0];
	count[0]++;
	msr(cntp_ctl_el0, 0);
	isb();
}

static void virtual_fired(u32 intid)
{
	early |= ticks() < deadline[1];
	count[1]++;
	msr(cntv_ctl_el0, 0);
	isb();
}

/* WFI with interrupts masked: it wakes all the same, and nothing is lost before it. */
static bool wait_for(u32 t, u32 n)
{
	u64 start = ticks();

	while (count[t] < n && !passed_ms(start, 2000)) {
		irq_off();
		if (count[t] < n)
			wfi();
		irq_on();
	}
	irq_off();
	return count[t] >= n;
}

static void check_timer(u32 t, const char *name)
{
	u32 done = 0;

	count[t] = 0;
	early = false;
	while (done < ROUNDS) {
		arm(t, 5);
		if (!wait_for(t, done + 1))
			break;
		done++;
	}
	check(done == ROUNDS, "the %s timer interrupts %u times in a row (%u)", name, ROUNDS, done);
	check(count[t] == done, "and not once more");
	check(!early, "and never before its time");
}

static void check_past(u32 t, const char *name)
{
	u32 before = count[t];

	if (t)
		msr(cntv_cval_el0, ticks() - 1);
	else
		msr(cntp_cval_el0, mrs(cntpct_el0) - 1);
	deadline[t] = 0;
	if (t)
		msr(cntv_ctl_el0, 1);
	else
		msr(cntp_ctl_el0, 1);
	isb();
	check(wait_for(t, before + 1), "the %s timer set to the past interrupts at once", name);
}

static void check_masked(void)
{
	u32 before = count[1];
	u64 start = ticks();

	msr(cntv_cval_el0, ticks());
	msr(cntv_ctl_el0, 3);
	isb();
	irq_on();
	while (!passed_ms(start, 20))
		;
	irq_off();
	check(count[1] == before, "a timer with IMASK set does not interrupt");
	check(mrs(cntv_ctl_el0) & 4, "but shows ISTATUS");
	msr(cntv_ctl_el0, 0);
	isb();
}

static void check_counter(void)
{
	u64 last = ticks();
	bool monotonic = true;
	u64 start = last;

	for (u32 i = 0; i < 20000; i++) {
		u64 now = ticks();

		monotonic &= now >= last;
		last = now;
	}
	check(monotonic, "the virtual counter never runs backwards");
	check(last > start, "and it runs");
	last = ticks();
	isb();
	check(mrs(cntpct_el0) >= last, "it is not ahead of the physical counter");
}

void guest_main(void)
{
	struct fdt_irq irq[2];
	struct fdt_node n;

	check_counter();
	if (!check(gic_init(), "there is a GIC") ||
	    !check(fdt_find("arm,armv8-timer", 0, &n) && fdt_irq(&n, 1, &irq[0]) &&
	                   fdt_irq(&n, 2, &irq[1]),
	           "the timer's interrupts are in the device tree"))
		tap_done();
	gic_enable(&irq[0], physical_fired);
	gic_enable(&irq[1], virtual_fired);
	check_timer(1, "virtual");
	check_timer(0, "physical");
	check_past(1, "virtual");
	check_past(0, "physical");
	check_masked();
	tap_done();
}
