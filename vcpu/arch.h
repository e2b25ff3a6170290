/* SPDX-License-Identifier: MIT */
#ifndef VCPU_ARCH_H
#define VCPU_ARCH_H

#include <stdio.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"
#include "vcpu/vcpu.h"

/*
 * Everything that an architecture must supply, in vcpu/ARCH/. A new port starts
 * as a set of functions that answer -ENOTSUP; nothing is weak, so what is
 * missing does not link. Errors are logged where they are seen.
 */

/* What is asked of the vCPUs of a machine; the same for all of them. */
struct arch_vcpu_config {
	bool pmu; /* a PMUv3; refused when the host has none */
	bool mte; /* Memory Tagging, when the host has it */
	bool pvtime; /* stolen time, when the host has it */
	u32 sve_max_vl; /* bits; 0: all the host has */
};

/* What came of it. */
struct arch_vm {
	struct arch_vcpu_config cfg;
	u32 init_target, init_features; /* struct kvm_vcpu_init's, the boot CPU's */
	u32 psci_version; /* PSCI_VERSION's answer, major << 16 | minor; known after arch_vcpu_init() */
	bool pvtime; /* host has it and cfg wants it */
	bool sve;
};

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
 * @irqchip: an in-kernel interrupt controller exists
 * @pmu_intid: the PMU's interrupt
 */
must_check int arch_vcpu_attach(struct vcpu *v, const struct arch_vm *vm, gpa_t pvtime,
                                bool irqchip, u32 pmu_intid);

/* Registers at the first instruction. Not while the thread runs. */
must_check int arch_vcpu_boot(struct vcpu *v, gpa_t entry, gpa_t dtb);

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
