/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "vcpu/aarch64/regs.h"
#include "vcpu/arch.h"

int regs_get_raw(struct vcpu *v, u64 id, void *data)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)data };

	return vcpu_env(v)->kvm->call(vcpu_fd(v), KVM_GET_ONE_REG, &r);
}

int regs_set_raw(struct vcpu *v, u64 id, const void *data)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)data };

	return vcpu_env(v)->kvm->call(vcpu_fd(v), KVM_SET_ONE_REG, &r);
}

int regs_get(struct vcpu *v, u64 id, u64 *value)
{
	return regs_get_raw(v, id, value);
}

int regs_set(struct vcpu *v, u64 id, u64 value)
{
	return regs_set_raw(v, id, &value);
}

/* The registers that tell where a kernel died; names as in the Arm ARM. */
static const struct {
	const char *name;
	u64 id;
} dumped[] = {
	{ "PC", REG_PC },
	{ "PSTATE", REG_PSTATE },
	{ "SP_EL0", REG_SP },
	{ "SP_EL1", REG_SP_EL1 },
	{ "ELR_EL1", REG_ELR_EL1 },
	{ "SPSR_EL1", REG_CORE(spsr[KVM_SPSR_EL1]) },
	{ "ESR_EL1", ARM64_SYS_REG(3, 0, 5, 2, 0) },
	{ "FAR_EL1", ARM64_SYS_REG(3, 0, 6, 0, 0) },
	{ "VBAR_EL1", ARM64_SYS_REG(3, 0, 12, 0, 0) },
	{ "SCTLR_EL1", ARM64_SYS_REG(3, 0, 1, 0, 0) },
	{ "TCR_EL1", ARM64_SYS_REG(3, 0, 2, 0, 2) },
	{ "TTBR0_EL1", ARM64_SYS_REG(3, 0, 2, 0, 0) },
	{ "TTBR1_EL1", ARM64_SYS_REG(3, 0, 2, 0, 1) },
	{ "MPIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 5) },
};

static void dump_one(struct vcpu *v, FILE *to, const char *name, u64 id)
{
	u64 value;

	if (regs_get(v, id, &value) < 0)
		(void)fprintf(to, "    %-9s ?\n", name);
	else
		(void)fprintf(to, "    %-9s %016llx\n", name, value);
}

void arch_vcpu_dump(struct vcpu *v, FILE *to)
{
	char name[8];

	(void)fprintf(to, "  vCPU %u:\n", vcpu_index(v));
	for (size_t i = 0; i < ARRAY_SIZE(dumped); i++)
		dump_one(v, to, dumped[i].name, dumped[i].id);
	for (u32 n = 0; n <= 30; n++) {
		(void)snprintf(name, sizeof(name), "X%u", n);
		dump_one(v, to, name, REG_X(n));
	}
}
