/* SPDX-License-Identifier: MIT */
/*
 * PSCI's side of vcpu/arch.h for arm64: who answers the calls, what a call looks
 * like, and a CPU's state when it comes up.
 */
#include <errno.h>

#include "machine/base/bits.h"
#include "machine/base/kvm.h"
#include "machine/base/log.h"
#include "vcpu/aarch64/regs.h"
#include "vcpu/aarch64/smccc.h"
#include "vcpu/aarch64/uapi.h"

#define REG_SCTLR_EL1   ARM64_SYS_REG(3, 0, 1, 0, 0)
#define REG_CPACR_EL1   ARM64_SYS_REG(3, 0, 1, 0, 2)
#define REG_MDSCR_EL1   ARM64_SYS_REG(2, 0, 0, 2, 2)
#define REG_CNTKCTL_EL1 ARM64_SYS_REG(3, 0, 14, 1, 0)
#define REG_PMCR_EL0    ARM64_SYS_REG(3, 3, 9, 12, 0)

#define SCTLR_EL1_EE (1ull << 25) /* DDI 0487, D19.2: data accesses at EL1 are big-endian */
#define PSTATE_START 0x3c5ull /* EL1h, D, A, I and F masked */

static int forward(int vm_fd, u32 base)
{
	struct uapi_smccc_filter f = {
		.base = base,
		.nr_functions = PSCI_FN_MAX,
		.action = UAPI_SMCCC_FILTER_FWD_TO_USER,
	};

	return kvm_set_attr(vm_fd, UAPI_VM_SMCCC_CTRL, UAPI_VM_SMCCC_FILTER, &f);
}

/* Linux 6.4 and later. */
static bool can_forward(int vm_fd)
{
	struct kvm_device_attr attr = {
		.group = UAPI_VM_SMCCC_CTRL,
		.attr = UAPI_VM_SMCCC_FILTER,
	};

	return kvm_call(vm_fd, KVM_HAS_DEVICE_ATTR, &attr) == 0;
}

/* KVM's own PSCI then tells us of SYSTEM_SUSPEND; where it cannot, guests are not offered it. */
static int setup_kernel(int vm_fd)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };
	int err = 0;

	if (kvm_extension(vm_fd, KVM_CAP_ARM_SYSTEM_SUSPEND))
		err = kvm_call(vm_fd, KVM_ENABLE_CAP, &c);
	return err < 0 ? log_errno(err, "KVM_ENABLE_CAP ARM_SYSTEM_SUSPEND") : 0;
}

int smccc_setup(int vm_fd, struct arch_vm *vm)
{
	int err;

	vm->psci_user = vm->cfg.psci == ARCH_PSCI_USER ||
	                (vm->cfg.psci == ARCH_PSCI_AUTO && can_forward(vm_fd));
	if (!vm->psci_user)
		return setup_kernel(vm_fd);
	if (!can_forward(vm_fd))
		return log_refuse(-ENOTSUP,
		                  "--psci user: this host's KVM does not hand PSCI calls over "
		                  "(Linux 6.4 and later do)");
	err = forward(vm_fd, PSCI_FID_32);
	if (err == 0)
		err = forward(vm_fd, PSCI_FID_64);
	return err < 0 ? log_errno(err, "forward PSCI calls (KVM_ARM_VM_SMCCC_FILTER)") : 0;
}

/*
 * KVM knows versions up to some. What it believes does not matter when it answers
 * no call: all of both ranges of function IDs come to us.
 */
int smccc_choose_version(struct vcpu *v, struct arch_vm *vm)
{
	u64 version = vm->cfg.psci_version;
	int err = regs_set(v, KVM_REG_ARM_PSCI_VERSION, version);

	if (vm->psci_user) {
		vm->psci_version = lo32(version);
		return 0;
	}
	if (err < 0 && vm->cfg.need_psci_version)
		return log_refuse(
			-EINVAL,
			"--psci-version %u.%u: this host's KVM has no such PSCI of its own",
			vm->cfg.psci_version >> 16, vm->cfg.psci_version & 0xffff);
	/* Kernels before 4.16 have no such register, and speak PSCI 0.2. */
	err = regs_get(v, KVM_REG_ARM_PSCI_VERSION, &version);
	vm->psci_version = err < 0 ? PSCI_0_2 : lo32(version);
	return 0;
}

int arch_vcpu_args(struct vcpu *v, u32 nr, u64 *arg)
{
	int err = 0;

	for (u32 n = 0; n < nr && err == 0; n++)
		err = regs_get(v, REG_X(1 + n), &arg[n]);
	return err;
}

int arch_vcpu_answer(struct vcpu *v, u64 value)
{
	return regs_set(v, REG_X(0), value);
}

int arch_vcpu_big_endian(struct vcpu *v)
{
	u64 sctlr;
	int err = regs_get(v, REG_SCTLR_EL1, &sctlr);

	return err < 0 ? err : (sctlr & SCTLR_EL1_EE) != 0;
}

int arch_vcpu_off(struct vcpu *v)
{
	return arch_vcpu_kvm_init(v, vcpu_env(v)->arch, true);
}

int smccc_reset_values(struct vcpu *v, struct arch_vm *vm)
{
	int err = regs_get(v, REG_SCTLR_EL1, &vm->reset_sctlr);

	if (err == 0 && vm->cfg.pmu)
		err = regs_get(v, REG_PMCR_EL0, &vm->reset_pmcr);
	return err < 0 ? log_errno(err, "vCPU %u: its registers' reset values", vcpu_index(v)) : 0;
}

/*
 * What a CPU has to find when it comes up (DEN0022F.b 6.4), and what would make it
 * trap, count or interrupt from before. All else is UNKNOWN to it, as after any
 * warm reset (DDI 0487), and stays. KVM_ARM_VCPU_INIT would reset everything, but
 * for a vCPU that has run it also unmaps all of the guest's memory, on hosts
 * without FEAT_S2FWB, which KVM's own CPU_ON does not do either: ten times what
 * the rest of a CPU_ON costs, and the other CPUs would pay as well.
 */
int arch_vcpu_start(struct vcpu *v, const struct psci_entry *entry, bool keep_timers)
{
	const struct arch_vm *vm = vcpu_env(v)->arch;
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	const struct {
		u64 id;
		u64 value;
		bool leave;
	} regs[] = {
		{ KVM_REG_ARM_TIMER_CTL, 0, keep_timers },
		{ KVM_REG_ARM_PTIMER_CTL, 0, keep_timers },
		{ REG_PMCR_EL0, vm->reset_pmcr, !vm->cfg.pmu },
		{ REG_MDSCR_EL1, 0, false },
		{ REG_CPACR_EL1, 0, false },
		{ REG_CNTKCTL_EL1, 0, keep_timers },
		{ REG_SCTLR_EL1, vm->reset_sctlr | (entry->big_endian ? SCTLR_EL1_EE : 0), false },
		{ REG_PSTATE, PSTATE_START, false },
		{ REG_PC, entry->pc, false },
		{ REG_X(0), entry->context_id, false },
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(regs) && err == 0; i++)
		if (!regs[i].leave)
			err = regs_set(v, regs[i].id, regs[i].value);
	if (err < 0)
		return err;
	return vcpu_env(v)->kvm->call(vcpu_fd(v), KVM_SET_MP_STATE, &runnable);
}

/* Documentation/arch/arm64/booting.rst; KVM_ARM_VCPU_INIT leaves EL1h with DAIF masked. */
int arch_vcpu_boot(struct vcpu *v)
{
	const struct vcpu_env *env = vcpu_env(v);
	const u64 x[] = { env->dtb, 0, 0, 0 };
	int err = arch_vcpu_kvm_init(v, env->arch, false);

	if (err == 0)
		err = regs_set(v, REG_PC, env->entry);
	for (u32 n = 0; n < ARRAY_SIZE(x) && err == 0; n++)
		err = regs_set(v, REG_X(n), x[n]);
	return err;
}
