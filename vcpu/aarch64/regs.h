/* SPDX-License-Identifier: MIT */
#ifndef VCPU_AARCH64_REGS_H
#define VCPU_AARCH64_REGS_H

#include <asm/kvm.h>
#include <linux/kvm.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"

struct vcpu;

/*
 * Register numbers for KVM_GET_ONE_REG and KVM_SET_ONE_REG, api.rst 4.68. The
 * core registers are numbered by their offset in struct kvm_regs, in words.
 */
#define REG_CORE(member)                                                                           \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |                                     \
	 (offsetof(struct kvm_regs, member) / sizeof(u32)))
#define REG_X(n)    (REG_CORE(regs.regs[0]) + 2ull * (n)) /* n: 0..30 */
#define REG_SP      REG_CORE(regs.sp)
#define REG_PC      REG_CORE(regs.pc)
#define REG_PSTATE  REG_CORE(regs.pstate)
#define REG_SP_EL1  REG_CORE(sp_el1)
#define REG_ELR_EL1 REG_CORE(elr_el1)

/* A 64-bit register. Return: 0 or a negative errno. The vCPU's own thread, or none running. */
must_check int regs_get(struct vcpu *v, u64 id, u64 *value);
must_check int regs_set(struct vcpu *v, u64 id, u64 value);

/* A register of any size; @data is as large as @id says. */
must_check int regs_get_raw(struct vcpu *v, u64 id, void *data);
must_check int regs_set_raw(struct vcpu *v, u64 id, const void *data);

#endif /* VCPU_AARCH64_REGS_H */
