/* SPDX-License-Identifier: MIT */
#include "timer.h"
#include "fdt.h"
#include "gic.h"
#include "io.h"
#include "smp.h"

static volatile u32 fired[SMP_MAX_CPUS];
static u64 deadline[SMP_MAX_CPUS];

static void on_timer(u32 intid)
{
	timer_stop();
	fired[cpu_self()]++;
}

bool timer_init(void)
{
	struct fdt_node n;
	struct fdt_irq irq;

	if (!fdt_find("arm,armv8-timer", 0, &n) || !fdt_irq(&n, 2, &irq))
		return false;
	timer_stop();
	gic_enable(&irq, on_timer);
	return true;
}

void timer_arm(u64 ms)
{
	deadline[cpu_self()] = ms ? ticks() + ms_to_ticks(ms) : 0;
	msr(cntv_cval_el0, deadline[cpu_self()]);
	msr(cntv_ctl_el0, 1);
	isb();
}

void timer_stop(void)
{
	msr(cntv_ctl_el0, 0);
	isb();
}

bool timer_is_armed(void)
{
	return (mrs(cntv_ctl_el0) & 3) == 1 && mrs(cntv_cval_el0) == deadline[cpu_self()];
}

u32 timer_fired(u32 cpu)
{
	return fired[cpu];
}
