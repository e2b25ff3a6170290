/* SPDX-License-Identifier: MIT */
/* The machine's interrupt controller: KVM's, or ours. */
#include <errno.h>

#include "machine/base/log.h"
#include "machine/machine_private.h"

/* What each --irqchip means. */
static const struct kind {
	const char *name;
	enum tree_gic tree;
	bool user; /* it is ours */
	enum vgic_kind vgic; /* else */
} kinds[] = {
	[CONFIG_IRQCHIP_GICV3] = { "gicv3", TREE_GICV3, false, VGIC_V3 },
	[CONFIG_IRQCHIP_GICV3_ITS] = { "gicv3-its", TREE_GICV3_ITS, false, VGIC_V3_ITS },
	[CONFIG_IRQCHIP_GICV2] = { "gicv2", TREE_GICV2, false, VGIC_V2 },
	[CONFIG_IRQCHIP_GICV2M] = { "gicv2m", TREE_GICV2M, false, VGIC_V2 },
	[CONFIG_IRQCHIP_USER] = { "user", TREE_GICV2M, true, VGIC_V2 },
};

static const struct kind *kind_of(const struct machine *m)
{
	return &kinds[m->irqchip];
}

/* What serves the most CPUs first; also the answer for a tree that is written without KVM. */
static enum config_irqchip best(const struct machine *m)
{
	if (m->vm_fd < 0 || vgic_supported(m->vm_fd, VGIC_V3))
		return CONFIG_IRQCHIP_GICV3;
	if (vgic_supported(m->vm_fd, VGIC_V2))
		return CONFIG_IRQCHIP_GICV2;
	return arch_has_user_irqchip(m->kvm_fd) ? CONFIG_IRQCHIP_USER : CONFIG_IRQCHIP_GICV3;
}

int machine_irqchip_choose(struct machine *m)
{
	const struct kind *k;

	m->irqchip = m->cfg->irqchip == CONFIG_IRQCHIP_AUTO ? best(m) : m->cfg->irqchip;
	k = kind_of(m);
	m->gic = k->tree;
	if (m->dump_only)
		return 0;
	if (k->user && !arch_has_user_irqchip(m->kvm_fd))
		return log_refuse(-ENODEV,
		                  "--irqchip user: this host's KVM runs no guest without an "
		                  "interrupt controller of its own (KVM_CAP_ARM_USER_IRQ)");
	if (!k->user && !vgic_supported(m->vm_fd, k->vgic))
		return log_refuse(-ENODEV,
		                  "--irqchip %s: this host's KVM has no such interrupt "
		                  "controller for guests",
		                  k->name);
	return 0;
}

int machine_irqchip_limits(const struct machine *m)
{
	const struct kind *k = kind_of(m);
	u32 max = k->user ? GIC_CPUS_MAX : vgic_max_cpus(k->vgic);

	if (m->cfg->nr_cpus > max)
		return log_refuse(-EINVAL, "--cpus %u: %s serves %u at most", m->cfg->nr_cpus,
		                  k->name, max);
	return 0;
}

static int user_up(struct machine *m)
{
	const struct gic_user_config cfg = {
		.gic = {
			.nr_cpus = m->cfg->nr_cpus,
			.nr_irqs = LAYOUT_INTID_FIRST_SPI + LAYOUT_NR_SPIS,
		},
		.gicd = LAYOUT_GICD,
		.gicc = LAYOUT_GICC,
	};
	int err = gic_user_create(&cfg, &vcpu_gic_ops, &m->env, &m->gic_user);

	if (err < 0)
		return log_errno(err, "interrupt controller");
	m->env.gic = m->gic_user;
	m->env.input_intid[VCPU_INPUT_VTIMER] = LAYOUT_INTID_VIRT_TIMER;
	m->env.input_intid[VCPU_INPUT_PTIMER] = LAYOUT_INTID_PHYS_TIMER;
	m->env.input_intid[VCPU_INPUT_PMU] = LAYOUT_INTID_PMU;
	for (u32 i = 0; i < m->cfg->nr_cpus; i++)
		vcpu_map_timers(m->vcpu[i]);
	return 0;
}

static int kernel_up(struct machine *m)
{
	const struct vgic_config cfg = {
		.kind = kind_of(m)->vgic,
		.nr_cpus = m->cfg->nr_cpus,
		.nr_spis = LAYOUT_NR_SPIS,
		.gicd = LAYOUT_GICD,
		.gicc = LAYOUT_GICC,
		.gicr = layout_gicr(m->cfg->nr_cpus),
		.its = layout_its(m->cfg->nr_cpus),
	};
	const char *what;
	int err = vgic_create(m->vm_fd, &cfg, &m->vgic, &what);

	if (err == 0)
		err = vgic_init(m->vgic, &what);
	if (err < 0) {
		machine_irqchip_down(m);
		return log_errno(err, "%s: %s", kind_of(m)->name, what);
	}
	return 0;
}

int machine_irqchip_up(struct machine *m)
{
	return kind_of(m)->user ? user_up(m) : kernel_up(m);
}

void machine_irqchip_down(struct machine *m)
{
	vgic_destroy(m->vgic);
	gic_user_destroy(m->gic_user);
	m->vgic = NULL;
	m->gic_user = m->env.gic = NULL;
}

struct irq_line machine_level_line(struct machine *m, u32 intid)
{
	return m->gic_user ? gic_user_line(m->gic_user, intid) : vgic_level_line(m->vgic, intid);
}

int machine_edge_line(struct machine *m, u32 intid, struct irq_line *out)
{
	if (!m->gic_user)
		return vgic_edge_line(m->vgic, intid, out);
	*out = gic_user_line(m->gic_user, intid);
	return 0;
}

int machine_irqchip_reset(struct machine *m)
{
	const char *what;
	int err;

	if (m->gic_user) {
		gic_user_reset(m->gic_user);
		return 0;
	}
	err = vgic_reset(m->vgic, &what);
	return err < 0 ? log_errno(err, "reset the interrupt controller: %s", what) : 0;
}
