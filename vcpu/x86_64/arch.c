/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 port is not there yet: roost builds here for its unit tests, for
 * --dump-dtb and for development, and says plainly that it runs no guest.
 */
#include <errno.h>

#include "machine/base/log.h"
#include "vcpu/arch.h"

static int not_served(void)
{
	return log_refuse(-ENOTSUP,
	                  "this roost is built for an x86-64 host, and runs guests on arm64 "
	                  "hosts only");
}

bool arch_has_user_irqchip(int kvm_fd)
{
	return false;
}

int arch_vm_type(int kvm_fd, u64 limit, unsigned long *type)
{
	return not_served();
}

int arch_vm_setup(int vm_fd, const struct arch_vcpu_config *cfg, struct arch_vm *out)
{
	return not_served();
}

int arch_vcpu_init(struct vcpu *v, struct arch_vm *vm)
{
	return not_served();
}

int arch_vcpu_attach(struct vcpu *v, const struct arch_vm *vm, gpa_t pvtime, bool irqchip,
                     u32 pmu_intid)
{
	return not_served();
}

int arch_vcpu_boot(struct vcpu *v)
{
	return -ENOTSUP;
}

int arch_vcpu_off(struct vcpu *v)
{
	return -ENOTSUP;
}

int arch_vcpu_start(struct vcpu *v, const struct psci_entry *entry, bool keep_timers)
{
	return -ENOTSUP;
}

u32 arch_vcpu_inputs(struct vcpu *v)
{
	return 0;
}

int arch_vcpu_drive(struct vcpu *v, u32 line, bool level)
{
	return -ENOTSUP;
}

int arch_vcpu_args(struct vcpu *v, u32 nr, u64 *arg)
{
	return -ENOTSUP;
}

int arch_vcpu_big_endian(struct vcpu *v)
{
	return -ENOTSUP;
}

int arch_vcpu_answer(struct vcpu *v, u64 value)
{
	return -ENOTSUP;
}

int arch_vcpu_exit(struct vcpu *v, struct vcpu_end *end)
{
	return vcpu_end(end, VCPU_END_CRASH, "an exit that this architecture does not know");
}

void arch_vcpu_dump(struct vcpu *v, FILE *to)
{
	(void)fprintf(to, "vCPU %u: no registers on this architecture\n", vcpu_index(v));
}
