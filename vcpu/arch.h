/* SPDX-License-Identifier: MIT */
#ifndef VCPU_ARCH_H
#define VCPU_ARCH_H

#include <stdio.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"
#include "psci/psci.h"
#include "vcpu/vcpu.h"

/*
 * Everything that an architecture must supply, in vcpu/ARCH/. A new port starts
 * as a set of functions that answer -ENOTSUP; nothing is weak, so what is
 * missing does not link. Errors are logged where they are seen.
 */

/* Who answers the guest's power calls. */
enum arch_psci {
	ARCH_PSCI_AUTO, /* roost where KVM hands the calls over, else KVM */
	ARCH_PSCI_USER,
	ARCH_PSCI_KERNEL,
};

/* What is asked of the vCPUs of a machine; the same for all of them. */
struct arch_vcpu_config {
	enum arch_psci psci;
	u32 psci_version; /* PSCI_0_2 ... */
	bool need_psci_version; /* no other will do */
	bool pmu; /* a PMUv3; refused when the host has none */
	bool mte; /* Memory Tagging, when the host has it */
	bool pvtime; /* stolen time, when the host has it */
	u32 sve_max_vl; /* bits; 0: all the host has */
};

/* What came of it. */
struct arch_vm {
	struct arch_vcpu_config cfg;
	u32 init_target, init_features; /* struct kvm_vcpu_init's, the boot CPU's */
	bool psci_user; /* roost answers PSCI calls */
	u32 psci_version; /* PSCI_VERSION's answer, major << 16 | minor; known after arch_vcpu_init() */
	bool pvtime; /* host has it and cfg wants it */
	bool sve;
	u64 reset_sctlr, reset_pmcr; /* arm64 registers of a CPU that comes up */
};

/* Can a machine do without an interrupt controller in KVM? */
bool arch_has_user_irqchip(int kvm_fd);

/*
 * The type argument of KVM_CREATE_VM for guest physical addresses below @limit.
 * Return: 0; -E2BIG, logged, when the host's KVM has no VM of that size.
 */
must_check int arch_vm_type(int kvm_fd, u64 limit, unsigned long *type);

/* Enable what must be enabled before the first vCPU exists; find out what vCPUs can have. */
must_check int arch_vm_setup(int vm_fd, const struct arch_vcpu_config *cfg, struct arch_vm *out);

/**
 * arch_vcpu_init - give a new vCPU its features and its reset state
 * @v:  just created; every vCPU is created before the first is initialised
 * @vm: psci_version is filled in
 *
 * vCPU 0 is to be started at the boot entry, the others wait for PSCI's CPU_ON.
 */
must_check int arch_vcpu_init(struct vcpu *v, struct arch_vm *vm);

/**
 * arch_vcpu_attach - what can only be done when the interrupt controller is up
 * @v:       initialised
 * @vm:      as arch_vcpu_init() left it
 * @pvtime:  guest address of this vCPU's stolen-time record, in RAM
 * @irqchip: an in-kernel interrupt controller exists; the guest is told of no
 *           system registers of a GIC otherwise
 * @pmu_intid: the PMU's interrupt
 */
must_check int arch_vcpu_attach(struct vcpu *v, const struct arch_vm *vm, gpa_t pvtime,
                                bool irqchip, u32 pmu_intid);

/*
 * What follows is called on the vCPU's own thread, or before it is started, and
 * logs nothing. An exit that KVM finishes at the next KVM_RUN (a load from a
 * device) must have been finished: arch_vcpu_init() and its like would leave it open.
 */

/**
 * arch_vcpu_boot - the state of the boot CPU at the machine's first instruction
 *
 * env->entry and env->dtb say where; after a reset as at first.
 */
must_check int arch_vcpu_boot(struct vcpu *v);

/* A CPU that is off: all registers reset, MP_STATE_STOPPED. */
must_check int arch_vcpu_off(struct vcpu *v);

/**
 * arch_vcpu_start - a CPU comes up at an entry point
 * @v:     whatever state it is in
 * @entry: where; X0 is its context id
 * @keep_timers: as for a CPU that wakes: comparators are in an always-on domain
 *
 * The registers that have a defined state then are reset (DEN0022F.b 6.4), all
 * others are left; KVM's state of it is RUNNABLE.
 */
must_check int arch_vcpu_start(struct vcpu *v, const struct psci_entry *entry, bool keep_timers);

/* The levels of KVM's own interrupts as the last KVM_RUN left them: bits by enum vcpu_input. */
u32 arch_vcpu_inputs(struct vcpu *v);
/* Without an interrupt controller in KVM: one of the CPU's own inputs, GIC_OUT_IRQ or GIC_OUT_FIQ. */
must_check int arch_vcpu_drive(struct vcpu *v, u32 line, bool level);

/* X1.. of the call the vCPU has made, @nr of them. */
must_check int arch_vcpu_args(struct vcpu *v, u32 nr, u64 *arg);
/* 1: data accesses of the caller are big-endian, 0: little, or negative errno. */
must_check int arch_vcpu_big_endian(struct vcpu *v);
/* The call returns @value in X0; the PC is behind it already. */
must_check int arch_vcpu_answer(struct vcpu *v, u64 value);

/**
 * arch_vcpu_exit - answer an exit that vcpu.c does not know
 * @v:   on its own thread
 * @end: filled in when the vCPU cannot go on
 *
 * Return: 0 to enter again, -ECANCELED with @end filled in.
 */
must_check int arch_vcpu_exit(struct vcpu *v, struct vcpu_end *end);

/* Registers as text, for a person. The thread is not in KVM_RUN, or is the caller. */
void arch_vcpu_dump(struct vcpu *v, FILE *to);

#endif /* VCPU_ARCH_H */
