/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_VCPU_LINES_RIG_H
#define TESTS_UNIT_VCPU_LINES_RIG_H

#include "tests/unit/gic_rig.h"
#include "tests/unit/vcpu_rig.h"

/* The machine of vcpu_rig.h with an interrupt controller of ours (--irqchip=user). */

enum { INTID_PMU = 23, INTID_VTIMER = 27, INTID_PTIMER = 30 };
enum { WIRE_FIQ = 39, WIRE = 40 }; /* SPIs: one of group 0, one of group 1, which comes after it */

static const struct {
	u32 bit; /* by enum vcpu_input */
	u32 intid;
	bool mapped;
} inputs[] = {
	{ 1 << VCPU_INPUT_VTIMER, INTID_VTIMER, true },
	{ 1 << VCPU_INPUT_PTIMER, INTID_PTIMER, true },
	{ 1 << VCPU_INPUT_PMU, INTID_PMU, false },
};

static inline int rig_gic_up(void **state, bool kernel_psci)
{
	const struct gic_user_config cfg = {
		.gic = { .nr_cpus = RIG_CPUS, .nr_irqs = IRQS },
		.gicd = RIG_GICD,
		.gicc = RIG_GICC,
	};
	struct rig *k;

	if (rig_up(state, kernel_psci) < 0)
		return -1;
	k = *state;
	if (gic_user_create(&cfg, &vcpu_gic_ops, &k->env, &k->env.gic) < 0)
		return -1;
	k->env.input_intid[VCPU_INPUT_VTIMER] = INTID_VTIMER;
	k->env.input_intid[VCPU_INPUT_PTIMER] = INTID_PTIMER;
	k->env.input_intid[VCPU_INPUT_PMU] = INTID_PMU;
	for (u32 i = 0; i < RIG_CPUS; i++) {
		vcpu_map_timers(k->v[i]);
		k->cpu[i].lines = k->cpu[i].unknown = GIC_OUT_IRQ | GIC_OUT_FIQ;
	}
	return 0;
}

static inline int rig_setup_gic(void **state)
{
	return rig_gic_up(state, false);
}

static inline int rig_setup_gic_kernel(void **state)
{
	return rig_gic_up(state, true);
}

static inline void rig_gic_again(void **state)
{
	assert_int_equal(rig_teardown(state), 0);
	assert_int_equal(rig_setup_gic(state), 0);
}

/* Registers from outside, as if by @cpu, which does not run: it would not hear of its output. */
static inline u32 rig_gicd(struct rig *k, u32 cpu, u32 offset)
{
	u64 value;

	assert_true(gic_user_read(k->env.gic, cpu, RIG_GICD + offset, 4, &value));
	return (u32)value;
}

static inline void rig_set_gicd(struct rig *k, u32 cpu, u32 offset, u32 width, u32 value)
{
	assert_true(gic_user_write(k->env.gic, cpu, RIG_GICD + offset, width, value));
}

static inline void rig_set_gicc(struct rig *k, u32 cpu, u32 offset, u32 value)
{
	assert_true(gic_user_write(k->env.gic, cpu, RIG_GICC + offset, 4, value));
}

static inline bool rig_is_pending(struct rig *k, u32 cpu, u32 intid)
{
	return rig_gicd(k, cpu, GICD_ISPENDR + intid / 32 * 4) >> intid % 32 & 1;
}

static inline void rig_enable(struct rig *k, u32 cpu, u32 intid)
{
	rig_set_gicd(k, cpu, GICD_ISENABLER + intid / 32 * 4, 4, 1u << intid % 32);
}

/* All interrupts but WIRE_FIQ are group 1, which is IRQ; the wires go to @cpu. None runs yet. */
static inline void rig_gic_on(struct rig *k, u32 cpu)
{
	for (u32 i = 0; i < RIG_CPUS; i++) {
		rig_set_gicc(k, i, GICC_CTLR, ENABLE_GRP0 | ENABLE_GRP1 | ACK_CTL | FIQ_EN);
		rig_set_gicc(k, i, GICC_PMR, 0xf8);
		rig_set_gicd(k, i, GICD_IGROUPR, 4, ~0u);
	}
	rig_set_gicd(k, 0, GICD_IGROUPR + WIRE / 32 * 4, 4, ~(1u << WIRE_FIQ % 32));
	rig_set_gicd(k, 0, GICD_ITARGETSR + WIRE, 1, 1u << cpu);
	rig_set_gicd(k, 0, GICD_ITARGETSR + WIRE_FIQ, 1, 1u << cpu);
	rig_enable(k, 0, WIRE);
	rig_enable(k, 0, WIRE_FIQ);
	rig_set_gicd(k, 0, GICD_CTLR, 4, ENABLE_GRP0 | ENABLE_GRP1);
}

/* A device's doing, on the test's thread. */
static inline void rig_wire(struct rig *k, u32 intid, bool level)
{
	const struct irq_line line = gic_user_line(k->env.gic, intid);

	irq_line_set(&line, level);
}

/* The levels of KVM's own interrupts are these now, whatever the guest does. */
static inline void rig_set_level(struct rig *k, u32 cpu, u32 level)
{
	atomic_store(&k->cpu[cpu].level, level);
	rig_ring(&k->cpu[cpu]);
}

/* The guest on @cpu, which runs, loads; levels of @rise come with it. */
static inline u64 rig_load(struct rig *k, u32 cpu, gpa_t gpa, u32 len, u32 rise)
{
	const u32 n = rig_count(k, cpu, RIG_COMPLETE);

	rig_push(k, cpu,
	         &(struct rig_exit){ .reason = KVM_EXIT_MMIO,
	                             .gpa = gpa,
	                             .len = len,
	                             .value = ~0ull,
	                             .rise = rise });
	return rig_wait(k, cpu, RIG_COMPLETE, n + 1).arg[0];
}

static inline void rig_store(struct rig *k, u32 cpu, gpa_t gpa, u32 len, u64 value, u32 fall)
{
	rig_push(k, cpu,
	         &(struct rig_exit){ .reason = KVM_EXIT_MMIO,
	                             .gpa = gpa,
	                             .len = len,
	                             .write = true,
	                             .value = value,
	                             .fall = fall });
	rig_idle(k, cpu, KVM_MP_STATE_RUNNABLE);
}

/* KVM_RUN comes back because of levels, and for nothing else. */
static inline void rig_tell(struct rig *k, u32 cpu, u32 rise, u32 fall)
{
	rig_push(k, cpu,
	         &(struct rig_exit){
			 .err = -EINTR, .reason = KVM_EXIT_INTR, .rise = rise, .fall = fall });
	rig_idle(k, cpu, KVM_MP_STATE_RUNNABLE);
}

/* What KVM has; it is held meanwhile. */
static inline u32 rig_lines(struct rig *k, u32 cpu)
{
	u32 lines;

	rig_hold(k, cpu, 1);
	lines = k->cpu[cpu].lines;
	rig_release(k, cpu, 1);
	return lines;
}

/* How often each line has been driven since the beginning. */
static inline void rig_check_driven(struct rig *k, u32 cpu, u32 irq, u32 fiq)
{
	const u32 got[] = { rig_count(k, cpu, RIG_IRQ), rig_count(k, cpu, RIG_FIQ) };

	if (got[0] != irq || got[1] != fiq)
		fail_msg("CPU %u: IRQ driven %u times and FIQ %u, not %u and %u", cpu, got[0],
		         got[1], irq, fiq);
}

/* The last of each. */
static inline bool rig_was_before(struct rig *k, u32 cpu, enum rig_what a, enum rig_what b)
{
	return rig_last(k, cpu, a).seq < rig_last(k, cpu, b).seq;
}

#endif /* TESTS_UNIT_VCPU_LINES_RIG_H */
