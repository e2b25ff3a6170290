/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_VCPU_FAKE_OPS_H
#define TESTS_UNIT_VCPU_FAKE_OPS_H

#include "tests/unit/vcpu_fake.h"

/* The KVM of vcpu_fake.h as vcpu/ sees it: struct vcpu_kvm_ops. */

/* The first who comes is its thread: nobody else may, from then on. */
static inline void rig_be_own(struct rig_cpu *c)
{
	pthread_t none = 0, self = pthread_self();

	if (!atomic_compare_exchange_strong(&c->thread, &none, self))
		rig_must(c->k, pthread_equal(none, self), "not its own thread drives a vCPU");
}

static inline int rig_op_run(int fd)
{
	struct rig_cpu *c = rig_by_fd(fd);
	int err;

	rig_touch(c);
	rig_be_own(c);
	rig_must(c->k, !c->unknown, "a vCPU enters whose lines were not driven since its reset");
	(void)rig_note(c, RIG_RUN, 0, 0, 0);
	atomic_store(&c->inside, true);
	err = rig_inside(c);
	rig_awake(c);
	atomic_store(&c->inside, false);
	rig_touch(c);
	return err;
}

static inline int rig_op_call(int fd, unsigned long req, void *arg)
{
	struct rig_cpu *c = rig_by_fd(fd);
	struct kvm_mp_state *mp = arg;
	int err;

	rig_must(c->k, !atomic_load(&c->inside), "a vCPU's ioctl waits for its KVM_RUN");
	if (req == KVM_GET_MP_STATE) {
		*mp = c->mp;
		return 0;
	}
	if (req != KVM_SET_MP_STATE)
		return -ENOTTY;
	rig_touch(c);
	err = rig_note(c, RIG_MP, mp->mp_state, 0, 0);
	if (err == 0)
		c->mp = *mp;
	return err;
}

static inline int rig_op_args(struct vcpu *v, u32 nr, u64 *arg)
{
	struct rig_cpu *c = rig_by_vcpu(v);

	rig_touch(c);
	memcpy(arg, c->x, nr * sizeof(*arg));
	return rig_note(c, RIG_ARGS, nr, 0, 0);
}

static inline int rig_op_big_endian(struct vcpu *v)
{
	struct rig_cpu *c = rig_by_vcpu(v);
	int err;

	rig_touch(c);
	err = rig_note(c, RIG_ENDIAN, 0, 0, 0);
	return err < 0 ? err : c->big_endian;
}

static inline int rig_op_answer(struct vcpu *v, u64 value)
{
	struct rig_cpu *c = rig_by_vcpu(v);

	rig_touch(c);
	rig_must(c->k, c->mp.mp_state == KVM_MP_STATE_RUNNABLE, "a CPU that does not run goes on");
	return rig_note(c, RIG_ANSWER, value, 0, 0);
}

static inline int rig_fresh(struct rig_cpu *c, u32 mp_state, bool keep_timers, int err)
{
	rig_touch(c);
	rig_must(c->k, !c->exit_open, "a vCPU was reset with an exit left open");
	if (err < 0)
		return err;
	c->mp.mp_state = mp_state;
	c->step = 0;
	if (!keep_timers && atomic_exchange(&c->level, 0))
		(void)atomic_fetch_add_explicit(&c->k->silenced, 1, memory_order_relaxed);
	return 0;
}

static inline int rig_op_start(struct vcpu *v, const struct psci_entry *entry, bool keep_timers)
{
	struct rig_cpu *c = rig_by_vcpu(v);
	u64 flags = entry->big_endian | (u64)keep_timers << 1;

	if (!keep_timers)
		(void)atomic_fetch_add_explicit(&c->k->starts, 1, memory_order_relaxed);
	return rig_fresh(c, KVM_MP_STATE_RUNNABLE, keep_timers,
	                 rig_note(c, RIG_START, entry->pc, entry->context_id, flags));
}

/* KVM_ARM_VCPU_INIT; what becomes of the lines depends on the kernel: here it is the worst. */
static inline int rig_kvm_init(struct rig_cpu *c, u32 mp_state, int err)
{
	if (err == 0 && c->k->env.gic)
		c->lines = c->unknown = GIC_OUT_IRQ | GIC_OUT_FIQ;
	return rig_fresh(c, mp_state, false, err);
}

static inline int rig_op_boot(struct vcpu *v)
{
	struct rig_cpu *c = rig_by_vcpu(v);

	return rig_kvm_init(c, KVM_MP_STATE_RUNNABLE, rig_note(c, RIG_BOOT, 0, 0, 0));
}

static inline int rig_op_off(struct vcpu *v)
{
	struct rig_cpu *c = rig_by_vcpu(v);

	return rig_kvm_init(c, KVM_MP_STATE_STOPPED, rig_note(c, RIG_OFF, 0, 0, 0));
}

static inline u32 rig_op_inputs(struct vcpu *v)
{
	struct rig_cpu *c = rig_by_vcpu(v);

	rig_touch(c);
	rig_must(c->k, !atomic_load(&c->inside), "levels are looked at inside KVM_RUN");
	return c->told;
}

static inline int rig_op_drive(struct vcpu *v, u32 line, bool level)
{
	struct rig_cpu *c = rig_by_vcpu(v);
	int err;

	rig_touch(c);
	rig_be_own(c);
	rig_must(c->k, line == GIC_OUT_IRQ || line == GIC_OUT_FIQ, "a CPU has no such line");
	rig_must(c->k, !atomic_load(&c->inside), "lines are driven inside KVM_RUN");
	err = rig_note(c, line == GIC_OUT_IRQ ? RIG_IRQ : RIG_FIQ, level, 0, 0);
	if (err < 0)
		return err;
	c->lines = level ? c->lines | line : c->lines & ~line;
	c->unknown &= ~line;
	return 0;
}

static const struct vcpu_kvm_ops rig_kvm = {
	.create = rig_op_create,
	.run = rig_op_run,
	.kick = rig_op_kick,
	.call = rig_op_call,
	.args = rig_op_args,
	.big_endian = rig_op_big_endian,
	.answer = rig_op_answer,
	.start = rig_op_start,
	.boot = rig_op_boot,
	.off = rig_op_off,
	.inputs = rig_op_inputs,
	.drive = rig_op_drive,
};

#endif /* TESTS_UNIT_VCPU_FAKE_OPS_H */
