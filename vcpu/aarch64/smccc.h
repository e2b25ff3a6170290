/* SPDX-License-Identifier: MIT */
#ifndef VCPU_AARCH64_SMCCC_H
#define VCPU_AARCH64_SMCCC_H

#include "vcpu/arch.h"

/* vcpu/aarch64/arch.c: KVM_ARM_VCPU_INIT, @off: MP_STATE_STOPPED. Return: 0 or negative errno, not logged. */
must_check int arch_vcpu_kvm_init(struct vcpu *v, const struct arch_vm *vm, bool off);

/**
 * smccc_setup - decide who answers PSCI calls, and tell KVM
 * @vm_fd: no vCPU has run yet
 * @vm:    cfg says what is wanted; psci_user is set
 *
 * Return: 0, or a negative errno with the reason logged.
 */
must_check int smccc_setup(int vm_fd, struct arch_vm *vm);

/* Which version KVM is to serve, or to believe that we serve; psci_version is set. Likewise. */
must_check int smccc_choose_version(struct vcpu *v, struct arch_vm *vm);

/* After its first KVM_ARM_VCPU_INIT: what arch_vcpu_start() goes back to. Likewise. */
must_check int smccc_reset_values(struct vcpu *v, struct arch_vm *vm);

#endif /* VCPU_AARCH64_SMCCC_H */
