/* SPDX-License-Identifier: MIT */
#ifndef VCPU_VCPU_H
#define VCPU_VCPU_H

#include <sched.h>

#include "devices/bus.h"
#include "irqchip/gic_user.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"
#include "psci/inject.h"
#include "vcpu/gate.h"
#include "vcpu/power.h"

/*
 * One virtual CPU: its KVM descriptor and its thread. Only that thread enters
 * the guest, answers its exits and touches its registers; everybody else posts
 * events (vcpu/gate.h), which the thread accepts before it enters, or holds it.
 *
 *   vcpu_create -> arch_vcpu_init -> vcpu_start -> vcpu_post(EXIT) -> vcpu_join -> vcpu_destroy
 */
struct vcpu;
struct arch_vm;
struct gmem;
struct kvm_run;

/* Why a vCPU stopped for good. */
enum vcpu_end_kind {
	VCPU_END_CRASH, /* it cannot go on: KVM says so, or an exit nobody can answer */
	VCPU_END_HOST, /* the host failed */
};

struct vcpu_end {
	enum vcpu_end_kind kind;
	char reason[128]; /* one line, no newline */
};

/* One PSCI call that roost answered, for the trace. */
struct vcpu_psci_call {
	u32 fid;
	u64 arg[PSCI_ARGS_MAX];
	u32 nr_args;
	struct psci_result result;
	bool injected; /* --psci-inject had a hand in it */
	enum power_state before, after; /* the caller's */
	int target; /* CPU_ON's and AFFINITY_INFO's CPU, -1: none */
	enum power_state target_before, target_after;
};

/* What a vCPU asks of the machine around it. Called on the vCPU's thread. */
struct vcpu_host_ops {
	/*
	 * A system-wide decision is wanted: vcpu_request() has what. The vCPU waits
	 * for GATE_SUSPEND, vcpu_answer(), or the events of a reset.
	 */
	void (*requested)(void *host, struct vcpu *v);
	void (*parked)(void *host, struct vcpu *v); /* it is out of the guest, under a hold */
	void (*woke)(void *host, struct vcpu *v, bool by_interrupt); /* from SYSTEM_SUSPEND */
	void (*called)(void *host, struct vcpu *v,
	               const struct vcpu_psci_call *c); /* env->traced */
	/* The run is over as far as this vCPU is concerned; it enters no more. @end is read here only. */
	void (*ended)(void *host, struct vcpu *v, const struct vcpu_end *end);
	/* The thread's last words: vcpu_join() will not block any more. */
	void (*gone)(void *host, struct vcpu *v);
};

/*
 * Interrupts that KVM raises itself and, where the interrupt controller is ours,
 * tells the level of: struct kvm_run's s.regs.device_irq_level, api.rst 8.3
 * (KVM_CAP_ARM_USER_IRQ).
 */
enum vcpu_input {
	VCPU_INPUT_VTIMER,
	VCPU_INPUT_PTIMER,
	VCPU_INPUT_PMU,
	VCPU_NR_INPUTS,
};

/*
 * The edge to KVM, so that what is around it can be tested without. Below the
 * first four are functions of vcpu/arch.h, which has their contracts.
 */
struct vcpu_kvm_ops {
	int (*create)(int vm_fd, u32 index); /* KVM_CREATE_VCPU: a descriptor or negative errno */
	int (*run)(int fd); /* KVM_RUN: 0 or negative errno; EINTR is an answer here */
	void (*kick)(struct vcpu *v); /* any thread: a run() that goes on returns -EINTR */
	int (*call)(int fd, unsigned long req, void *arg); /* see kvm_call() */

	int (*args)(struct vcpu *v, u32 nr, u64 *arg);
	int (*big_endian)(struct vcpu *v);
	int (*answer)(struct vcpu *v, u64 value);
	int (*start)(struct vcpu *v, const struct psci_entry *entry, bool keep_timers);
	int (*boot)(struct vcpu *v);
	int (*off)(struct vcpu *v);
	u32 (*inputs)(struct vcpu *v);
	int (*drive)(struct vcpu *v, u32 line, bool level);
};

extern const struct vcpu_kvm_ops vcpu_kvm;

/* Whose output has changed is told so: GATE_LINES. The context is the struct vcpu_env. */
extern const struct gic_user_ops vcpu_gic_ops;

/* What psci/ asks for, done to vCPUs and the power table; psci->host is the struct vcpu_env. */
extern const struct psci_host_ops vcpu_psci_ops;

/* What all vCPUs of a machine share; outlives them. */
struct vcpu_env {
	int vm_fd;
	size_t run_size; /* KVM_GET_VCPU_MMAP_SIZE */
	const struct vcpu_kvm_ops *kvm;
	const struct bus *bus; /* frozen before the first vcpu_start() */
	struct gic_user *gic; /* the interrupt controller; NULL: KVM's */
	u32 input_intid[VCPU_NR_INPUTS]; /* with @gic: which private interrupt each is */
	const struct gmem *ram;
	struct power *power; /* the machine's power table */
	struct psci *psci; /* answers the guest's calls; NULL: KVM does */
	struct psci_inject *inject; /* NULL: none */
	bool traced; /* ops->called() wants to hear */
	const struct arch_vm *arch; /* what every vCPU is initialised with */
	gpa_t entry, dtb; /* what the boot CPU starts with, after a reset too */
	struct vcpu *const *vcpu; /* all of them, by index */
	const struct vcpu_host_ops *ops;
	void *host; /* handed to @ops */
};

/**
 * vcpu_create - KVM_CREATE_VCPU
 * @env:   kept
 * @index: 0..; also KVM's vCPU id
 * @out:   owned by the caller, released with vcpu_destroy()
 *
 * Return: 0, or a negative errno with the reason logged.
 */
must_check int vcpu_create(const struct vcpu_env *env, u32 index, struct vcpu **out);
/* The thread is not running: never started, or joined. NULL is fine. */
void vcpu_destroy(struct vcpu *v);

/* Start the thread, on the host CPUs of @on only unless that is NULL. Return: 0 or a negative errno, logged. */
must_check int vcpu_start(struct vcpu *v, const cpu_set_t *on);

/* Any thread, after vcpu_start(). Never blocks; no event is lost. @events: enum gate_event. */
void vcpu_post(struct vcpu *v, u32 events);

/* GATE_ANSWER with what it returns: the system call of power that @v waits in is refused. */
void vcpu_answer(struct vcpu *v, s64 value);

/**
 * vcpu_request - take the request that @v has handed to ops->requested()
 * @out: what it wants
 *
 * One thread, the one that decides. Return: false: none (any more).
 */
bool vcpu_request(struct vcpu *v, struct psci_system *out);

/* How a holder waits: until something may have changed. False: time is over. */
struct vcpu_patience {
	bool (*wait)(void *ctx);
	void *ctx;
};

/**
 * vcpu_hold_all - take vCPUs out of the guest and keep them out
 * @v:    started; not the caller's own
 * @nr:   how many
 * @how:  ops->parked() is called whenever one more is out
 * @late: set on failure: the first that did not come out
 *
 * Holds nest. While it is held a vCPU's registers and its state in KVM stand
 * still, and the holder may read them (ioctls do not block): from when this
 * function has returned, or vcpu_settle_all() has, and not before.
 *
 * Return: 0, or -EBUSY when @how lost patience: then none is held.
 */
must_check int vcpu_hold_all(struct vcpu *const *v, u32 nr, const struct vcpu_patience *how,
                             u32 *late);

/*
 * Events that are accepted under the hold (GATE_UNDER_HOLD) have been posted to
 * vCPUs that are held: wait until they have been, and all are parked again.
 * Likewise, but they stay held when @how loses patience.
 */
must_check int vcpu_settle_all(struct vcpu *const *v, u32 nr, const struct vcpu_patience *how,
                               u32 *late);
void vcpu_release_all(struct vcpu *const *v, u32 nr);

/* Where it is and what it does there, for a message: "in the guest", "answering exit 6". */
const char *vcpu_whereabouts(const struct vcpu *v, char *buf, size_t size);

/* After GATE_EXIT was posted; not on the vCPU's own thread. A vCPU that was not started is fine. */
void vcpu_join(struct vcpu *v);

/* Events that it has not accepted yet, GATE_HOLD included; steady only while it is held. */
u32 vcpu_pending(const struct vcpu *v);

u32 vcpu_index(const struct vcpu *v);
int vcpu_fd(const struct vcpu *v);
const struct vcpu_env *vcpu_env(const struct vcpu *v);

/*
 * With env->gic, before the first vcpu_start(): its timers' interrupts stand for
 * KVM's, see gic_map().
 */
void vcpu_map_timers(struct vcpu *v);

/* The page shared with KVM; the vCPU's own thread only. */
struct kvm_run *vcpu_run_page(struct vcpu *v);

/* For arch_vcpu_exit(): fill in @end. Return: -ECANCELED, "do not enter again". */
int vcpu_end(struct vcpu_end *end, enum vcpu_end_kind kind, const char *fmt, ...) printf_like(3, 4);

#endif /* VCPU_VCPU_H */
