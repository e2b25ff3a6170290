/* SPDX-License-Identifier: MIT */
/* vcpu/arch.h for arm64. Documentation/virt/kvm/api.rst, 4.82 and on; devices/vcpu.rst. */
#include <errno.h>
#include <string.h>

#include "machine/base/bits.h"
#include "machine/base/kvm.h"
#include "machine/base/log.h"
#include "vcpu/aarch64/regs.h"
#include "vcpu/aarch64/smccc.h"
#include "vcpu/aarch64/uapi.h"
#include "vcpu/arch.h"

enum {
	IPA_BITS_MIN = 32, /* KVM_CREATE_VM's type, and what KVM takes at least */
	IPA_BITS_DEFAULT = 40, /* type 0 */
	SVE_VQ_BITS = 128,
	SVE_VQ_MAX = 16,
};

int arch_vm_type(int kvm_fd, u64 limit, unsigned long *type)
{
	int host = kvm_extension(kvm_fd, KVM_CAP_ARM_VM_IPA_SIZE);
	int bits = IPA_BITS_MIN;

	while (bits < 64 && limit > 1ull << bits)
		bits++;

	if (bits > (host ? host : IPA_BITS_DEFAULT))
		return log_refuse(-E2BIG,
		                  "--mem: so much needs %d bits of guest physical address, this "
		                  "host's KVM has %d",
		                  bits, host ? host : IPA_BITS_DEFAULT);
	/* A host without the capability has one size only, type 0. */
	*type = host ? KVM_VM_TYPE_ARM_IPA_SIZE((unsigned int)bits) : 0;
	return 0;
}

static int enable(int vm_fd, u32 cap)
{
	struct kvm_enable_cap c = { .cap = cap };

	return kvm_call(vm_fd, KVM_ENABLE_CAP, &c);
}

static void want(struct arch_vm *vm, u32 feature)
{
	vm->init_features |= 1u << feature;
}

/* What the guest's CPUs are made of. KVM wants the same from all of them. */
static int choose_features(int vm_fd, struct arch_vm *vm)
{
	want(vm, KVM_ARM_VCPU_PSCI_0_2);

	if (vm->cfg.pmu) {
		if (!kvm_extension(vm_fd, KVM_CAP_ARM_PMU_V3))
			return log_refuse(-ENOTSUP, "--pmu: this host's KVM has no PMU for guests");
		want(vm, KVM_ARM_VCPU_PMU_V3);
	}
	if (kvm_extension(vm_fd, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
	    kvm_extension(vm_fd, KVM_CAP_ARM_PTRAUTH_GENERIC)) {
		want(vm, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		want(vm, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
	if (kvm_extension(vm_fd, KVM_CAP_ARM_SVE)) {
		want(vm, KVM_ARM_VCPU_SVE);
		vm->sve = true;
	} else if (vm->cfg.sve_max_vl) {
		log_at(LOG_WARN, "--sve-max-vl: this host has no SVE, ignored");
	}
	return 0;
}

int arch_vm_setup(int vm_fd, const struct arch_vcpu_config *cfg, struct arch_vm *out)
{
	struct arch_vm vm = { .cfg = *cfg };
	struct kvm_vcpu_init init = { 0 };
	int err;

	/* Accesses that carry no syndrome then come to us instead of failing KVM_RUN. */
	if (kvm_extension(vm_fd, KVM_CAP_ARM_NISV_TO_USER)) {
		err = enable(vm_fd, KVM_CAP_ARM_NISV_TO_USER);
		if (err < 0)
			return log_errno(err, "KVM_ENABLE_CAP ARM_NISV_TO_USER");
	}
	if (cfg->mte && kvm_extension(vm_fd, KVM_CAP_ARM_MTE)) {
		err = enable(vm_fd, KVM_CAP_ARM_MTE);
		if (err < 0)
			return log_errno(err, "KVM_ENABLE_CAP ARM_MTE");
	}

	err = kvm_call(vm_fd, KVM_ARM_PREFERRED_TARGET, &init);
	if (err < 0)
		return log_errno(err, "KVM_ARM_PREFERRED_TARGET");
	vm.init_target = init.target;
	vm.pvtime = cfg->pvtime && kvm_extension(vm_fd, KVM_CAP_STEAL_TIME);

	err = choose_features(vm_fd, &vm);
	if (err == 0)
		err = smccc_setup(vm_fd, &vm);
	if (err < 0)
		return err;
	*out = vm;
	return 0;
}

/* Vector lengths above what was asked for are taken out of the set; 128 bits always stay. */
static int limit_sve(struct vcpu *v, u32 max_bits)
{
	u64 vls[KVM_ARM64_SVE_VLS_WORDS];
	int err = regs_get_raw(v, KVM_REG_ARM64_SVE_VLS, vls);

	if (err < 0)
		return log_errno(err, "vCPU %u: read its SVE vector lengths", vcpu_index(v));

	for (u32 vq = max_bits / SVE_VQ_BITS + 1; vq <= SVE_VQ_MAX; vq++)
		vls[(vq - 1) / 64] &= ~(1ull << ((vq - 1) % 64));
	err = regs_set_raw(v, KVM_REG_ARM64_SVE_VLS, vls);
	if (err < 0)
		return log_errno(err, "--sve-max-vl %u: KVM refuses it for vCPU %u", max_bits,
		                 vcpu_index(v));
	return 0;
}

static int finalize_sve(struct vcpu *v, const struct arch_vm *vm)
{
	int feature = KVM_ARM_VCPU_SVE;
	int err = 0;

	if (!vm->sve)
		return 0;
	if (vm->cfg.sve_max_vl)
		err = limit_sve(v, vm->cfg.sve_max_vl);
	if (err < 0)
		return err;
	err = vcpu_env(v)->kvm->call(vcpu_fd(v), KVM_ARM_VCPU_FINALIZE, &feature);
	if (err < 0)
		return log_errno(err, "vCPU %u: KVM_ARM_VCPU_FINALIZE SVE", vcpu_index(v));
	return 0;
}

/* Also for one that has run: everything is reset, but its features are final. */
int arch_vcpu_kvm_init(struct vcpu *v, const struct arch_vm *vm, bool off)
{
	struct kvm_vcpu_init init = { .target = vm->init_target };

	init.features[0] = vm->init_features;
	if (off)
		init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
	return vcpu_env(v)->kvm->call(vcpu_fd(v), KVM_ARM_VCPU_INIT, &init);
}

int arch_vcpu_init(struct vcpu *v, struct arch_vm *vm)
{
	int err = arch_vcpu_kvm_init(v, vm, vcpu_index(v) > 0);

	if (err < 0)
		return log_errno(err, "vCPU %u: KVM_ARM_VCPU_INIT", vcpu_index(v));

	err = finalize_sve(v, vm);
	if (err == 0)
		err = smccc_choose_version(v, vm);
	return err < 0 ? err : smccc_reset_values(v, vm);
}

bool arch_has_user_irqchip(int kvm_fd)
{
	return kvm_extension(kvm_fd, KVM_CAP_ARM_USER_IRQ) > 0;
}

/*
 * A guest that sees a GIC in its ID registers (DDI 0487, ID_AA64PFR0_EL1.GIC) may
 * use its system registers, which are undefined without one in KVM. Linux 6.12
 * hides it by itself when the vCPU first runs. Kernels whose ID registers cannot
 * be written say EINVAL: the tree tells the guest, then.
 */
static int hide_gic(struct vcpu *v)
{
	const u64 id = ARM64_SYS_REG(3, 0, 0, 4, 0), gic = 0xfull << 24;
	u64 value;
	int err = regs_get(v, id, &value);

	if (err == 0 && (value & gic))
		err = regs_set(v, id, value & ~gic);
	if (err == -EINVAL) {
		log_at(LOG_DEBUG, "vCPU %u: its ID registers name a GIC, and stay so",
		       vcpu_index(v));
		return 0;
	}
	return err < 0 ? log_errno(err, "vCPU %u: ID_AA64PFR0_EL1", vcpu_index(v)) : 0;
}

u32 arch_vcpu_inputs(struct vcpu *v)
{
	static const struct {
		u64 level;
		enum vcpu_input input;
	} rows[] = {
		{ KVM_ARM_DEV_EL1_VTIMER, VCPU_INPUT_VTIMER },
		{ KVM_ARM_DEV_EL1_PTIMER, VCPU_INPUT_PTIMER },
		{ KVM_ARM_DEV_PMU, VCPU_INPUT_PMU },
	};
	u64 level = vcpu_run_page(v)->s.regs.device_irq_level;
	u32 inputs = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (level & rows[i].level)
			inputs |= 1u << rows[i].input;
	return inputs;
}

int arch_vcpu_drive(struct vcpu *v, u32 line, bool level)
{
	u32 input = line == GIC_OUT_FIQ ? KVM_ARM_IRQ_CPU_FIQ : KVM_ARM_IRQ_CPU_IRQ;
	struct kvm_irq_level irq = {
		.irq = (u32)KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT |
		       vcpu_index(v) << KVM_ARM_IRQ_VCPU_SHIFT | input,
		.level = level,
	};

	return vcpu_env(v)->kvm->call(vcpu_env(v)->vm_fd, KVM_IRQ_LINE, &irq);
}

static int attach_pmu(struct vcpu *v, bool irqchip, u32 intid)
{
	int err = 0;

	/* Without an in-kernel GIC the level comes to userspace and the number is ours alone. */
	if (irqchip)
		err = kvm_set_attr(vcpu_fd(v), KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ,
		                   &intid);
	if (err < 0)
		return log_errno(err, "vCPU %u: interrupt %u for its PMU", vcpu_index(v), intid);
	err = kvm_set_attr(vcpu_fd(v), KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL);
	if (err < 0)
		return log_errno(err, "vCPU %u: set up its PMU", vcpu_index(v));
	return 0;
}

int arch_vcpu_attach(struct vcpu *v, const struct arch_vm *vm, gpa_t pvtime, bool irqchip,
                     u32 pmu_intid)
{
	int err;

	if (!irqchip) {
		err = hide_gic(v);
		if (err < 0)
			return err;
	}
	if (vm->cfg.pmu) {
		err = attach_pmu(v, irqchip, pmu_intid);
		if (err < 0)
			return err;
	}
	if (vm->pvtime) {
		err = kvm_set_attr(vcpu_fd(v), KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA,
		                   &pvtime);
		if (err < 0)
			return log_errno(err, "vCPU %u: stolen-time record at %#llx", vcpu_index(v),
			                 pvtime);
	}
	return 0;
}

/*
 * A load or store outside RAM that the CPU does not describe (a pair, an
 * exclusive, write-back): there is nothing to emulate from, so the guest takes
 * the external abort that a bus without an answer gives. KVM leaves the PC on
 * the instruction. api.rst 4.32 (KVM_SET_VCPU_EVENTS) and KVM_EXIT_ARM_NISV.
 */
static int exit_nisv(struct vcpu *v, struct vcpu_end *end)
{
	struct kvm_vcpu_events ev;
	int err;

	memset(&ev, 0, sizeof(ev));
	ev.exception.ext_dabt_pending = 1;
	err = vcpu_env(v)->kvm->call(vcpu_fd(v), KVM_SET_VCPU_EVENTS, &ev);
	if (err < 0)
		return vcpu_end(end, VCPU_END_HOST, "vCPU %u: KVM_SET_VCPU_EVENTS: %s",
		                vcpu_index(v), strerror(-err));
	return 0;
}

int arch_vcpu_exit(struct vcpu *v, struct vcpu_end *end)
{
	u32 reason = vcpu_run_page(v)->exit_reason;

	if (reason == KVM_EXIT_ARM_NISV)
		return exit_nisv(v, end);
	return vcpu_end(end, VCPU_END_CRASH, "vCPU %u: exit %u, which nobody can answer",
	                vcpu_index(v), reason);
}
