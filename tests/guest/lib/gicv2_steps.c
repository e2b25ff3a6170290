/* SPDX-License-Identifier: MIT */
#include "gicv2_steps.h"
#include "gicv2.h"
#include "psci.h"
#include "smp.h"

enum { VTIMER = 27 };

struct step {
	step_fn fn;
	u32 arg;
	u32 result;
	volatile u32 asked;
	volatile u32 answered;
};

static struct step steps[8];
static volatile u32 early[8]; /* state of EARLY_SGI when the CPU came up */
static volatile u32 asleep;

void ask(u32 cpu, step_fn fn, u32 arg)
{
	steps[cpu].fn = fn;
	steps[cpu].arg = arg;
	dsb();
	steps[cpu].asked++;
	dsb();
}

u32 answer(u32 cpu)
{
	if (!wait_value(&steps[cpu].answered, steps[cpu].asked))
		return ~0u;
	dmb();
	return steps[cpu].result;
}

u32 on(u32 cpu, step_fn fn, u32 arg)
{
	if (cpu == cpu_self())
		return fn(arg);
	ask(cpu, fn, arg);
	return answer(cpu);
}

static void worker(u32 cpu)
{
	struct step *s = &steps[cpu];

	early[cpu] = state(EARLY_SGI);
	own_side_fresh();
	for (;;) {
		while (s->answered == s->asked)
			relax();
		dmb();
		s->result = s->fn(s->arg);
		dsb();
		s->answered++;
	}
}

u32 do_fresh(u32 arg)
{
	msr(cntv_ctl_el0, 0);
	isb();
	own_side_fresh();
	return 0;
}

u32 do_gicd(u32 reg)
{
	return gicd(reg);
}

u32 do_gicc(u32 reg)
{
	return gicc(reg);
}

u32 do_state(u32 id)
{
	return state(id);
}

u32 do_signalled(u32 arg)
{
	return signalled();
}

u32 do_enable(u32 id)
{
	enable(id);
	return 0;
}

u32 do_pend(u32 id)
{
	pend(id);
	return 0;
}

u32 do_activate(u32 id)
{
	set_id_bit(GICD_ISACTIVER, id);
	return 0;
}

u32 do_urgent(u32 id)
{
	set_priority(id, 0x20);
	return r8(g2.dist + GICD_IPRIORITYR + id);
}

u32 do_group(u32 id)
{
	set_group(id, 1);
	return id_bit(GICD_IGROUPR, id);
}

u32 do_pmr(u32 value)
{
	set_gicc(GICC_PMR, value);
	return gicc(GICC_PMR);
}

u32 do_ctlr(u32 value)
{
	set_gicc(GICC_CTLR, value);
	return gicc(GICC_CTLR);
}

u32 do_end(u32 id)
{
	end(id);
	return 0;
}

u32 do_sgir(u32 value)
{
	dsb();
	set_gicd(GICD_SGIR, value);
	return 0;
}

u32 do_timer(u32 high)
{
	u64 start = ticks();

	msr(cntv_cval_el0, 0);
	msr(cntv_ctl_el0, high);
	isb();
	while (id_bit(GICD_ISPENDR, VTIMER) != high && !passed_ms(start, 1000))
		;
	return state(VTIMER);
}

/* Asleep, PSTATE masking all, until something is signalled. */
u32 do_sleep(u32 arg)
{
	u64 start = ticks();

	asleep = 1;
	while (signalled() == NONE && !passed_ms(start, 4000))
		wfi();
	return signalled();
}

bool start_cpu(u32 cpu)
{
	send_sgi(EARLY_SGI, 0, 1u << cpu);
	return cpu_on(cpu, worker) == PSCI_SUCCESS &&
	       on(cpu, do_gicd, GICD_ITARGETSR) == 0x01010101u << cpu;
}

u32 early_state(u32 cpu)
{
	return early[cpu];
}

void put_to_sleep(u32 cpu)
{
	asleep = 0;
	ask(cpu, do_sleep, 0);
	(void)wait_value(&asleep, 1);
	delay_ms(10);
}

bool is_answered(u32 cpu)
{
	return steps[cpu].answered == steps[cpu].asked;
}
