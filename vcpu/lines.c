/* SPDX-License-Identifier: MIT */
/*
 * A vCPU and the interrupt controller that is ours: what KVM says of its timers
 * goes there, and what comes out goes to the CPU's IRQ and FIQ inputs. Only the
 * vCPU's own thread drives them, and only outside KVM_RUN: KVM_IRQ_LINE from
 * another thread is lost when KVM loads the vCPU at that moment, and stays lost.
 */
#include "machine/base/bits.h"
#include "vcpu/vcpu_private.h"

void vcpu_sample_inputs(struct vcpu *v)
{
	const struct vcpu_env *env = v->env;
	u32 now = env->kvm->inputs(v);
	u32 differ = now ^ v->inputs;

	/* First: whoever is told may ask for the level (timer ops below). */
	v->inputs = now;
	for (; differ; differ &= differ - 1) {
		u32 i = lowest_bit(differ);

		gic_user_set_private(env->gic, v->index, env->input_intid[i], now >> i & 1);
	}
}

/*
 * While it sleeps in KVM, a line wakes it; and what wakes a CPU from a power state
 * need not be let through by its interface, which firmware turns off on the way.
 */
static u32 wanted(const struct vcpu *v)
{
	u32 out = gic_user_output(v->env->gic, v->index);

	if (v->mode == VCPU_SLEEP && !out && gic_user_wakes(v->env->gic, v->index))
		return GIC_OUT_IRQ;
	return out;
}

int vcpu_drive_lines(struct vcpu *v)
{
	static const u32 line[] = { GIC_OUT_IRQ, GIC_OUT_FIQ };
	const struct vcpu_env *env = v->env;
	u32 out = wanted(v);
	int err = 0;

	if (out == v->driven)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(line) && err == 0; i++)
		if (v->driven == VCPU_LINES_UNKNOWN || ((out ^ v->driven) & line[i]))
			err = env->kvm->drive(v, line[i], out & line[i]);
	v->driven = err < 0 ? VCPU_LINES_UNKNOWN : out;
	return err;
}

bool vcpu_is_interrupted(const struct vcpu *v)
{
	return !v->env->gic || wanted(v);
}

static void output_changed(void *ctx, u32 cpu)
{
	const struct vcpu_env *env = ctx;

	vcpu_post(env->vcpu[cpu], GATE_LINES);
}

const struct gic_user_ops vcpu_gic_ops = { .changed = output_changed };

/*
 * The physical side of a timer's interrupt is in KVM's hands: it keeps the host's
 * timer interrupt active, or masked, for as long as the level is high that it has
 * told us. So there is nothing to do here but to know the level.
 */
static void timer_set_active(void *ctx, bool active)
{
}

static void timer_set_pending(void *ctx, bool pending)
{
}

static bool vtimer_level(void *ctx)
{
	const struct vcpu *v = ctx;

	return v->inputs >> VCPU_INPUT_VTIMER & 1;
}

static bool ptimer_level(void *ctx)
{
	const struct vcpu *v = ctx;

	return v->inputs >> VCPU_INPUT_PTIMER & 1;
}

static const struct hwirq_ops vtimer = { timer_set_active, timer_set_pending, vtimer_level };
static const struct hwirq_ops ptimer = { timer_set_active, timer_set_pending, ptimer_level };

void vcpu_map_timers(struct vcpu *v)
{
	const struct vcpu_env *env = v->env;

	gic_user_map(env->gic, v->index, env->input_intid[VCPU_INPUT_VTIMER], &vtimer, v);
	gic_user_map(env->gic, v->index, env->input_intid[VCPU_INPUT_PTIMER], &ptimer, v);
}
