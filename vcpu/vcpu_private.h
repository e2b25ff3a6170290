/* SPDX-License-Identifier: MIT */
#ifndef VCPU_VCPU_PRIVATE_H
#define VCPU_VCPU_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "vcpu/kick.h"
#include "vcpu/vcpu.h"

/*
 * What the thread does next. It follows the power table and the events, and is
 * the thread's own business: nobody decides anything by it.
 */
enum vcpu_mode {
	VCPU_RUN, /* enters the guest */
	VCPU_SLEEP, /* enters KVM, which waits for an interrupt there (MP_STATE_SUSPENDED) */
	VCPU_OFF, /* waits at the gate for GATE_ON */
	VCPU_WAIT, /* waits at the gate for what becomes of its request */
};

#define VCPU_ACCEPTING     (~0u) /* no exit of KVM's: it does what an event wants */
#define VCPU_LINES_UNKNOWN (~0u) /* a reset of KVM's CPU may have changed them, or not */

struct vcpu {
	const struct vcpu_env *env;
	u32 index;
	int fd;
	struct kvm_run *run;

	struct gate gate;
	struct kick *kick; /* with run->immediate_exit: ends its KVM_RUN */
	pthread_t thread;
	bool started;

	/* The thread's own. */
	enum vcpu_mode mode;
	bool exit_open; /* KVM finishes the last exit, or delivers its abort, at the next KVM_RUN */
	u32 inputs; /* levels that env->gic has been told, by enum vcpu_input */
	u32 driven; /* GIC_OUT_* that KVM has been told, or VCPU_LINES_UNKNOWN */
	u32 inject_ms; /* CPU_ON under way: how long its target is to be ON_PENDING */

	/* Arguments, each written before what announces it. */
	struct psci_system request; /* for the machine: ops->requested() */
	atomic_bool requested;
	s64 answer; /* GATE_ANSWER */
	u32 pending_ms; /* GATE_ON */
	atomic_uint exit_reason; /* what it answers, or VCPU_ACCEPTING, for vcpu_whereabouts() */
};

/* KVM_EXIT_HYPERCALL: a call that KVM hands over. Return: 0, or -ECANCELED with @end. */
must_check int vcpu_exit_hypercall(struct vcpu *v, struct vcpu_end *end);
/* KVM_EXIT_SYSTEM_EVENT: KVM's own PSCI asks for what only the machine can do; or a wake-up. */
must_check int vcpu_exit_system_event(struct vcpu *v, struct vcpu_end *end);

/**
 * vcpu_accept - do what the events ask for
 * @v:      own thread, out of the guest
 * @events: from gate_take(), without EXIT
 *
 * Return: 0, or -ECANCELED with @end.
 */
must_check int vcpu_accept(struct vcpu *v, u32 events, struct vcpu_end *end);

/*
 * Where the interrupt controller is ours (vcpu/lines.c), all on the vCPU's own
 * thread. Sample after every return of KVM_RUN, whatever it says, and before the
 * exit is answered: KVM tells a level once; but not when it was told to return at
 * once (vcpu_complete()), which tells none. Drive before every entry.
 */
void vcpu_sample_inputs(struct vcpu *v);
must_check int vcpu_drive_lines(struct vcpu *v);
/* An interrupt waits for it. */
bool vcpu_is_interrupted(const struct vcpu *v);

/* Let KVM finish the last exit: before the registers are anybody else's. */
void vcpu_complete(struct vcpu *v);

#endif /* VCPU_VCPU_PRIVATE_H */
