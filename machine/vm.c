/* SPDX-License-Identifier: MIT */
/* KVM's half of the machine: the VM, its memory slots and vCPUs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "machine/base/kvm.h"
#include "machine/base/log.h"
#include "machine/machine_private.h"
#include "machine/memory.h"

enum { KVM_API = 12 }; /* api.rst 4.1: the only version there will be */

enum { SLOT_RAM, SLOT_PVTIME };

enum { PVTIME_RECORD = 64 }; /* bytes per CPU, DEN0057A 4.1 */

static int open_kvm(struct machine *m)
{
	unsigned long type = 0;
	int err;

	m->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (m->kvm_fd < 0)
		return log_errno(-errno, "open /dev/kvm");
	err = kvm_call_nr(m->kvm_fd, KVM_GET_API_VERSION, 0);
	if (err < 0)
		return log_errno(err, "ask /dev/kvm for its version");
	if (err != KVM_API)
		return log_refuse(-ENODEV, "/dev/kvm speaks API version %d, not %d", err, KVM_API);

	err = arch_vm_type(m->kvm_fd, LAYOUT_RAM + m->cfg->ram_size, &type);
	if (err < 0)
		return err;
	m->vm_fd = kvm_call_nr(m->kvm_fd, KVM_CREATE_VM, type);
	if (m->vm_fd < 0)
		return log_errno(m->vm_fd, "KVM_CREATE_VM");
	return 0;
}

/* A tree can be written on any machine; where there is a KVM it says which GIC `auto` means. */
static void try_kvm(struct machine *m)
{
	m->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (m->kvm_fd >= 0)
		m->vm_fd = kvm_call_nr(m->kvm_fd, KVM_CREATE_VM, 0);
}

int machine_kvm_up(struct machine *m)
{
	static const enum arch_psci psci[] = {
		[CONFIG_PSCI_AUTO] = ARCH_PSCI_AUTO,
		[CONFIG_PSCI_USER] = ARCH_PSCI_USER,
		[CONFIG_PSCI_KERNEL] = ARCH_PSCI_KERNEL,
	};
	const struct arch_vcpu_config want = {
		.psci = psci[m->cfg->psci],
		.psci_version = m->cfg->psci_version,
		.need_psci_version = m->cfg->has_psci_version,
		.pmu = m->cfg->pmu,
		.mte = !m->cfg->disable_mte,
		.pvtime = !m->cfg->no_pvtime,
		.sve_max_vl = m->cfg->sve_max_vl,
	};
	int size, err = 0;

	m->kvm_fd = m->vm_fd = -1;
	m->arch.psci_version = m->cfg->psci_version; /* for a tree that is written without KVM */
	if (m->dump_only)
		try_kvm(m);
	else
		err = open_kvm(m);
	if (err == 0 && !m->dump_only)
		err = arch_vm_setup(m->vm_fd, &want, &m->arch);
	if (err == 0)
		err = machine_irqchip_choose(m);
	if (err < 0 || m->dump_only) {
		if (err < 0)
			machine_kvm_down(m);
		return err;
	}

	size = kvm_call_nr(m->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0) {
		machine_kvm_down(m);
		return log_errno(size, "KVM_GET_VCPU_MMAP_SIZE");
	}
	m->env.vm_fd = m->vm_fd;
	m->env.run_size = (size_t)size;
	m->env.kvm = &vcpu_kvm;
	m->env.bus = m->bus;
	return 0;
}

void machine_kvm_down(struct machine *m)
{
	if (m->vm_fd >= 0)
		(void)close(m->vm_fd);
	if (m->kvm_fd >= 0)
		(void)close(m->kvm_fd);
	m->vm_fd = m->kvm_fd = -1;
}

/* A list without a CPU that roost may use would be noticed by pthread_create() only. */
static int find_affinity(struct machine *m)
{
	u64 words[CPU_SETSIZE / 64];
	cpu_set_t ours;

	if (!m->cfg->vcpu_affinity)
		return 0;
	if (config_cpulist(m->cfg->vcpu_affinity, words, ARRAY_SIZE(words)) < 0 ||
	    sched_getaffinity(0, sizeof(ours), &ours) < 0)
		return log_errno(-EINVAL, "--vcpu-affinity %s", m->cfg->vcpu_affinity);

	CPU_ZERO(&m->affinity);
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (words[i / 64] >> (i % 64) & 1)
			CPU_SET(i, &m->affinity);
	CPU_AND(&ours, &ours, &m->affinity);
	if (CPU_COUNT(&ours) == 0)
		return log_refuse(-EINVAL,
		                  "--vcpu-affinity %s: roost may run on none of these CPUs",
		                  m->cfg->vcpu_affinity);
	return 0;
}

/* What only the host and the chosen interrupt controller can say about the command line. */
int machine_limits_up(struct machine *m)
{
	int err = machine_irqchip_limits(m);
	u32 max;

	if (err < 0 || m->dump_only)
		return err;
	max = (u32)kvm_extension(m->kvm_fd, KVM_CAP_MAX_VCPUS);
	if (m->cfg->nr_cpus > max)
		return log_refuse(-EINVAL, "--cpus %u: this host's KVM takes %u at most",
		                  m->cfg->nr_cpus, max);
	return find_affinity(m);
}

int machine_slots_up(struct machine *m)
{
	int err = memory_slot(m->vm_fd, SLOT_RAM, &m->ram);

	if (err == 0 && m->arch.pvtime) {
		err = memory_map(LAYOUT_PVTIME, LAYOUT_PVTIME_SIZE, &m->pvtime);
		if (err == 0)
			err = memory_slot(m->vm_fd, SLOT_PVTIME, &m->pvtime);
	}
	return err;
}

/* Each has three descriptors, so that many CPUs have more than is usual. */
static void allow_descriptors(u32 nr_cpus)
{
	enum { EACH = 3, OTHERS = 256 };
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= (rlim_t)nr_cpus * EACH + OTHERS)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r); /* who is short of one then says so */
}

/* All of them before the first is initialised: KVM_CREATE_VCPU resets the virtual counter. */
int machine_vcpus_up(struct machine *m)
{
	int err = 0;

	allow_descriptors(m->cfg->nr_cpus);
	m->vcpu = calloc(m->cfg->nr_cpus, sizeof(struct vcpu *));
	if (!m->vcpu)
		return log_errno(-ENOMEM, "vCPUs");
	m->env.vcpu = m->vcpu;
	for (u32 i = 0; i < m->cfg->nr_cpus && err == 0; i++)
		err = vcpu_create(&m->env, i, &m->vcpu[i]);
	for (u32 i = 0; i < m->cfg->nr_cpus && err == 0; i++)
		err = arch_vcpu_init(m->vcpu[i], &m->arch);
	if (err < 0) {
		machine_vcpus_down(m);
		return err;
	}
	/* auto has something to say when it could not have the better one. */
	log_at(m->cfg->psci == CONFIG_PSCI_AUTO && !m->arch.psci_user ? LOG_WARN : LOG_INFO,
	       "PSCI %u.%u, answered by %s", m->arch.psci_version >> 16,
	       m->arch.psci_version & 0xffff, m->arch.psci_user ? "roost" : "KVM");
	return 0;
}

void machine_vcpus_down(struct machine *m)
{
	for (u32 i = 0; m->vcpu && i < m->cfg->nr_cpus; i++)
		vcpu_destroy(m->vcpu[i]);
	free(m->vcpu);
	m->vcpu = NULL;
}

int machine_attach_up(struct machine *m)
{
	int err = 0;

	for (u32 i = 0; i < m->cfg->nr_cpus && err == 0; i++)
		err = arch_vcpu_attach(m->vcpu[i], &m->arch, LAYOUT_PVTIME + i * (u64)PVTIME_RECORD,
		                       m->vgic != NULL, LAYOUT_INTID_PMU);
	if (err < 0)
		return err;
	m->env.entry = m->image.entry;
	m->env.dtb = m->image.dtb;
	err = arch_vcpu_boot(m->vcpu[0]);
	return err < 0 ? log_errno(err, "vCPU 0: registers for the boot") : 0;
}
