/* SPDX-License-Identifier: MIT */
/*
 * A reset of KVM's interrupt controller, which has none of its own: each
 * register that a guest can change is written, as what the manual and KVM say it
 * is after a reset. Tables are in the manuals' order of addresses: GICv2, IHI
 * 0048B.b, 4.3 and 4.4; GICv3, IHI 0069, "Distributor register map" and what
 * follows it. Registers that are missing here are constant in KVM.
 *
 * Writes from userspace are not a guest's; arm-vgic.rst and arm-vgic-v3.rst say
 * where they differ, and the rows that count on it say so.
 */
#include "irqchip/vgic_private.h"

#include <errno.h>
#include <linux/kvm.h>
#include <unistd.h>

enum {
	ALL = 0xffffffff, /* every bit of a set or clear register */
	EDGE = 0xaaaaaaaa, /* ICFGR; KVM begins with edge-triggered SPIs */
	LEVEL = 0,
	SGIS = 0x0000ffff, /* ISENABLER0: SGIs begin enabled */
	PPIS = 0xffff0000,
	/* GICR_PROPBASER and PENDBASER: inner shareable, read-allocate, write-back, no table. */
	BASER = 1 << 10 | 3 << 7,
};

/* One register, or all of a kind that hold @bits of each interrupt. */
struct reg {
	const char *name;
	u32 offset;
	u8 bits; /* 0: one register */
	u8 nr; /* interrupts that have it, 0: all of the bank */
	u32 value; /* to each of them */
};

/* clang-format off */
/* GICv2, the interrupts from 32 up; IGROUPR only after a write of IIDR. */
static const struct reg v2_shared[] = {
	{ "GICD_CTLR",        0x000, 0, 0, 0 },
	{ "GICD_IGROUPRn",    0x080, 1, 0, 0 },
	{ "GICD_ICENABLERn",  0x180, 1, 0, ALL },
	{ "GICD_ICPENDRn",    0x280, 1, 0, ALL },
	{ "GICD_ICACTIVERn",  0x380, 1, 0, ALL },
	{ "GICD_IPRIORITYRn", 0x400, 8, 0, 0 },
	{ "GICD_ITARGETSRn",  0x800, 8, 0, 0 },
	{ "GICD_ICFGRn",      0xc00, 2, 0, EDGE },
};

/* The others, which each CPU has its own of; ITARGETSR and ICFGR of these are constant. */
static const struct reg v2_banked[] = {
	{ "GICD_IGROUPR0",    0x080, 1, 0, 0 },
	{ "GICD_ISENABLER0",  0x100, 1, 0, SGIS },
	{ "GICD_ICENABLER0",  0x180, 1, 0, PPIS },
	{ "GICD_ICPENDR0",    0x280, 1, 0, ALL },
	{ "GICD_ICACTIVER0",  0x380, 1, 0, ALL },
	{ "GICD_IPRIORITYRn", 0x400, 8, 0, 0 },
	{ "GICD_CPENDSGIRn",  0xf10, 8, 16, ALL },
};

static const struct reg v2_cpu[] = {
	{ "GICC_CTLR", 0x00, 0, 0, 0 },
	{ "GICC_PMR",  0x04, 0, 0, 0 },
	{ "GICC_BPR",  0x08, 0, 0, 0 },
	{ "GICC_ABPR", 0x1c, 0, 0, 0 },
	{ "GICC_APR0", 0xd0, 0, 0, 0 },
	{ "GICC_APR1", 0xd4, 0, 0, 0 },
	{ "GICC_APR2", 0xd8, 0, 0, 0 },
	{ "GICC_APR3", 0xdc, 0, 0, 0 },
};

/* GICv3. A write of ISPENDR is the whole latch, of ICPENDR nothing; IROUTER's high half is 0. */
static const struct reg v3_shared[] = {
	{ "GICD_CTLR",        0x0000, 0,  0, 0 },
	{ "GICD_IGROUPRn",    0x0080, 1,  0, ALL },
	{ "GICD_ICENABLERn",  0x0180, 1,  0, ALL },
	{ "GICD_ISPENDRn",    0x0200, 1,  0, 0 },
	{ "GICD_ICACTIVERn",  0x0380, 1,  0, ALL },
	{ "GICD_IPRIORITYRn", 0x0400, 8,  0, 0 },
	{ "GICD_ICFGRn",      0x0c00, 2,  0, EDGE },
	{ "GICD_IROUTERn",    0x6000, 64, 0, 0 },
};

/* GICR_CTLR first: it throws pending LPIs away, and PENDBASER is not for writing before. */
static const struct reg v3_redist[] = {
	{ "GICR_CTLR",          0x00000, 0, 0, 0 },
	{ "GICR_PENDBASER",     0x00078, 0, 0, BASER },
	{ "GICR_PENDBASER + 4", 0x0007c, 0, 0, 0 },
	{ "GICR_IGROUPR0",      0x10080, 1, 0, ALL },
	{ "GICR_ISENABLER0",    0x10100, 1, 0, SGIS },
	{ "GICR_ICENABLER0",    0x10180, 1, 0, PPIS },
	{ "GICR_ISPENDR0",      0x10200, 1, 0, 0 },
	{ "GICR_ICACTIVER0",    0x10380, 1, 0, ALL },
	{ "GICR_IPRIORITYRn",   0x10400, 8, 0, 0 },
};

/* With LPIs. Without them nothing reads it, and KVM does not let it become the 0 it was. */
static const struct reg v3_lpi[] = {
	{ "GICR_PROPBASER",     0x00070, 0, 0, BASER },
	{ "GICR_PROPBASER + 4", 0x00074, 0, 0, 0 },
};

#define SYSREG(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

enum { ICC_CTLR_EL1 = SYSREG(3, 0, 12, 12, 4) };

/* The CPU interface but for CTLR, which comes before: with its CBPR set BPR1 is not for writing. */
static const struct {
	const char *name;
	u32 sysreg;
	u32 pri_bits; /* more priority bits than this and it is there */
} v3_cpu[] = {
	{ "ICC_PMR_EL1",     SYSREG(3, 0, 4, 6, 0),   0 },
	{ "ICC_BPR0_EL1",    SYSREG(3, 0, 12, 8, 3),  0 },
	{ "ICC_AP0R0_EL1",   SYSREG(3, 0, 12, 8, 4),  0 },
	{ "ICC_AP0R1_EL1",   SYSREG(3, 0, 12, 8, 5),  5 },
	{ "ICC_AP0R2_EL1",   SYSREG(3, 0, 12, 8, 6),  6 },
	{ "ICC_AP0R3_EL1",   SYSREG(3, 0, 12, 8, 7),  6 },
	{ "ICC_AP1R0_EL1",   SYSREG(3, 0, 12, 9, 0),  0 },
	{ "ICC_AP1R1_EL1",   SYSREG(3, 0, 12, 9, 1),  5 },
	{ "ICC_AP1R2_EL1",   SYSREG(3, 0, 12, 9, 2),  6 },
	{ "ICC_AP1R3_EL1",   SYSREG(3, 0, 12, 9, 3),  6 },
	{ "ICC_BPR1_EL1",    SYSREG(3, 0, 12, 12, 3), 0 },
	{ "ICC_IGRPEN0_EL1", SYSREG(3, 0, 12, 12, 6), 0 },
	{ "ICC_IGRPEN1_EL1", SYSREG(3, 0, 12, 12, 7), 0 },
};

/* What KVM_DEV_ARM_ITS_CTRL_RESET leaves: no table; inner shareable, read-allocate, 64 KiB pages. */
static const struct {
	const char *name;
	u32 offset;
	u64 value;
} its[] = {
	{ "GITS_BASER0", 0x100, 3ull << 59 | 1 << 10 | 2 << 8 },
	{ "GITS_BASER1", 0x108, 3ull << 59 | 1 << 10 | 2 << 8 },
};
/* clang-format on */

/* The first error sticks, so that the steps below read top to bottom. */
struct reset {
	const struct vgic *g;
	const char *what;
	int err;
};

static void set(struct reset *r, int fd, const char *name, u32 group, u64 attr, const void *val)
{
	if (r->err < 0)
		return;
	r->what = name;
	r->err = r->g->kvm->set(fd, group, attr, val);
}

static void get(struct reset *r, const char *name, u32 group, u64 attr, void *val)
{
	if (r->err < 0)
		return;
	r->what = name;
	r->err = r->g->kvm->get(r->g->fd, group, attr, val);
}

static void set_u32(struct reset *r, const char *name, u32 group, u64 attr, u32 val)
{
	set(r, r->g->fd, name, group, attr, &val);
}

static void set_u64(struct reset *r, const char *name, u32 group, u64 attr, u64 val)
{
	set(r, r->g->fd, name, group, attr, &val);
}

/* A table's registers that belong to the interrupts [@first, @end) of @cpu, as an attribute has it. */
static void set_regs(struct reset *r, u32 group, u64 cpu, const struct reg *regs, size_t nr,
                     u32 first, u32 end)
{
	for (size_t i = 0; i < nr; i++) {
		const struct reg *reg = &regs[i];
		u32 last = reg->nr ? first + reg->nr : end;
		u32 at = first * reg->bits / 8, stop = reg->bits ? last * reg->bits / 8 : 1;

		for (; at < stop; at += reg->bits == 64 ? 8 : 4)
			set_u32(r, reg->name, group, cpu | (reg->offset + at), reg->value);
	}
}

static u32 nr_irqs(const struct reset *r)
{
	return FIRST_SPI + r->g->cfg.nr_spis;
}

/* All inputs of SPIs. While an interrupt is an edge's, lowering its input means nothing to KVM. */
static void lower_lines_v2(struct reset *r)
{
	static const struct reg level = { "GICD_ICFGRn", 0xc00, 2, 0, LEVEL };

	set_regs(r, GRP_DIST_REGS, 0, &level, 1, FIRST_SPI, nr_irqs(r));
	for (u32 i = FIRST_SPI; i < nr_irqs(r) && r->err >= 0; i++) {
		struct kvm_irq_level l = { .irq = IRQ_TYPE_SPI << IRQ_TYPE_SHIFT | i };

		r->what = "KVM_IRQ_LINE";
		r->err = r->g->kvm->call(r->g->vm_fd, KVM_IRQ_LINE, &l);
	}
}

/* From the first write of IIDR on KVM takes it that userspace knows of groups: arm-vgic.rst. */
static void confirm_iidr(struct reset *r)
{
	u32 iidr = 0;

	get(r, "GICD_IIDR", GRP_DIST_REGS, 0x008, &iidr);
	set_u32(r, "GICD_IIDR", GRP_DIST_REGS, 0x008, iidr);
}

static void reset_v2(struct reset *r)
{
	confirm_iidr(r);
	lower_lines_v2(r);
	set_regs(r, GRP_DIST_REGS, 0, v2_shared, ARRAY_SIZE(v2_shared), FIRST_SPI, nr_irqs(r));
	for (u64 i = 0; i < r->g->cfg.nr_cpus; i++) {
		u64 cpu = i << CPU_SHIFT;

		set_regs(r, GRP_DIST_REGS, cpu, v2_banked, ARRAY_SIZE(v2_banked), 0, FIRST_SPI);
		set_regs(r, GRP_CPU_REGS, cpu, v2_cpu, ARRAY_SIZE(v2_cpu), 0, 0);
	}
}

/* What KVM makes of a vCPU's index: Aff0 counts to 16. */
static u64 mpidr_attr(u64 i)
{
	return ((i & 0xf) | (i >> 4 & 0xff) << 8 | (i >> 12 & 0xff) << 16) << CPU_SHIFT;
}

/* ICC_CTLR_EL1: what is the host's in it stays, or KVM refuses it. */
static void reset_cpu_v3(struct reset *r, u64 cpu)
{
	const u64 guests = 3; /* EOImode, CBPR */
	u64 ctlr = 0;
	u32 pri_bits;

	get(r, "ICC_CTLR_EL1", GRP_CPU_SYSREGS, cpu | ICC_CTLR_EL1, &ctlr);
	set_u64(r, "ICC_CTLR_EL1", GRP_CPU_SYSREGS, cpu | ICC_CTLR_EL1, ctlr & ~guests);
	pri_bits = (ctlr >> 8 & 7) + 1;
	for (size_t i = 0; i < ARRAY_SIZE(v3_cpu); i++)
		if (pri_bits > v3_cpu[i].pri_bits)
			set_u64(r, v3_cpu[i].name, GRP_CPU_SYSREGS, cpu | v3_cpu[i].sysreg, 0);
}

static void reset_v3(struct reset *r)
{
	set_regs(r, GRP_DIST_REGS, 0, v3_shared, ARRAY_SIZE(v3_shared), FIRST_SPI, nr_irqs(r));
	/* VGIC_LEVEL_INFO_LINE_LEVEL is 0; 32 at a time, edge-triggered ones as well. */
	for (u32 i = FIRST_SPI; i < nr_irqs(r); i += 32)
		set_u32(r, "level of the inputs", GRP_LEVEL_INFO, i, 0);
	for (u32 i = 0; i < r->g->cfg.nr_cpus; i++) {
		u64 cpu = mpidr_attr(i);

		set_regs(r, GRP_REDIST_REGS, cpu, v3_redist, ARRAY_SIZE(v3_redist), 0, FIRST_SPI);
		if (r->g->its_fd >= 0)
			set_regs(r, GRP_REDIST_REGS, cpu, v3_lpi, ARRAY_SIZE(v3_lpi), 0, 0);
		reset_cpu_v3(r, cpu);
	}
}

/* After the redistributors: what they threw away were the last references to the LPIs. */
static void reset_its(struct reset *r)
{
	set(r, r->g->its_fd, "KVM_DEV_ARM_ITS_CTRL_RESET", GRP_CTRL, CTRL_ITS_RESET, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(its); i++)
		set(r, r->g->its_fd, its[i].name, GRP_ITS_REGS, its[i].offset, &its[i].value);
}

/*
 * The kernel injects what is written to an irqfd in a worker of its own, later.
 * Taking the irqfd off waits for that, and what nobody has seen yet is dropped
 * with the counter.
 */
static void detach(struct reset *r)
{
	u64 count;

	for (u32 i = 0; i < NR_SPIS_MAX && r->err >= 0; i++) {
		if (r->g->irqfd[i] < 0)
			continue;
		r->what = "KVM_IRQFD, off";
		r->err = vgic_irqfd(r->g, i, KVM_IRQFD_FLAG_DEASSIGN);
		(void)!read(r->g->irqfd[i], &count, sizeof(count));
	}
}

static void attach(struct reset *r)
{
	for (u32 i = 0; i < NR_SPIS_MAX && r->err >= 0; i++) {
		if (r->g->irqfd[i] < 0)
			continue;
		r->what = "KVM_IRQFD";
		r->err = vgic_irqfd(r->g, i, 0);
	}
}

int vgic_reset(struct vgic *g, const char **what)
{
	struct reset r = { .g = g };

	detach(&r);
	if (g->cfg.kind == VGIC_V2)
		reset_v2(&r);
	else
		reset_v3(&r);
	if (g->its_fd >= 0)
		reset_its(&r);
	attach(&r);
	if (r.err < 0)
		*what = r.what;
	return r.err < 0 ? r.err : 0;
}
