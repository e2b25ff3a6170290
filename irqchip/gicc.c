/* SPDX-License-Identifier: MIT */
/* A GICv2's CPU interface: IHI 0048B.b 4.4. */
#include "devices/mmio.h"
#include "irqchip/gic_private.h"

enum {
	IIDR_VALUE =
		0x052 << 20 | 2 << 16, /* ProductID, architecture version, no implementer's code */
	INTID_MASK = 0x3ff,
	SOURCE_SHIFT = 10,
};

static u32 ctlr_read(void *dev, u32 offset)
{
	const struct gic_cpu *c = dev;

	return c->ctlr;
}

static void ctlr_write(void *dev, u32 offset, u32 value)
{
	struct gic_cpu *c = dev;

	c->ctlr = value;
	gic_update_cpu(c->gic, c);
}

static u32 pmr_read(void *dev, u32 offset)
{
	const struct gic_cpu *c = dev;

	return c->pmr;
}

static void pmr_write(void *dev, u32 offset, u32 value)
{
	struct gic_cpu *c = dev;

	c->pmr = value;
	gic_update_cpu(c->gic, c);
}

static u32 bpr_read(void *dev, u32 offset)
{
	const struct gic_cpu *c = dev;

	return c->bpr;
}

static void bpr_write(void *dev, u32 offset, u32 value)
{
	struct gic_cpu *c = dev;

	c->bpr = value < BPR_MIN ? BPR_MIN : value;
	gic_update_cpu(c->gic, c);
}

static u32 abpr_read(void *dev, u32 offset)
{
	const struct gic_cpu *c = dev;

	return c->abpr;
}

static void abpr_write(void *dev, u32 offset, u32 value)
{
	struct gic_cpu *c = dev;

	c->abpr = value < ABPR_MIN ? ABPR_MIN : value;
	gic_update_cpu(c->gic, c);
}

static u32 apr_read(void *dev, u32 offset)
{
	const struct gic_cpu *c = dev;

	return c->apr;
}

static void apr_write(void *dev, u32 offset, u32 value)
{
	struct gic_cpu *c = dev;

	c->apr = value;
	gic_update_cpu(c->gic, c);
}

static u32 rpr_read(void *dev, u32 offset)
{
	return gic_running_priority(dev);
}

/*
 * 4.4.4, 4.4.9: which ID a register shows instead of the interrupt's, or 0.
 * GICC_IAR and GICC_HPPIR leave group 1 to their aliases unless AckCtl is set;
 * the aliases know group 1 only.
 */
static u32 hidden(const struct gic_cpu *c, const struct gic_irq *irq, bool alias)
{
	if (!irq)
		return GIC_SPURIOUS;
	if (alias)
		return irq->group1 ? 0 : GIC_SPURIOUS;
	return irq->group1 && !(c->ctlr & CTLR_ACKCTL) ? GIC_SPURIOUS_GROUP1 : 0;
}

static u32 acknowledge(struct gic_cpu *c, bool alias)
{
	struct gic_irq *irq = gic_signalled(c->gic, c);
	u32 instead = hidden(c, irq, alias);

	if (instead)
		return instead;
	return irq->intid | gic_acknowledge(c->gic, c, irq) << SOURCE_SHIFT;
}

static u32 iar_read(void *dev, u32 offset)
{
	return acknowledge(dev, false);
}

static u32 aiar_read(void *dev, u32 offset)
{
	return acknowledge(dev, true);
}

/* 4.4.7, 4.4.11: whatever GICC_PMR and the running priority say. */
static u32 highest(struct gic_cpu *c, bool alias)
{
	const struct gic_irq *irq = gic_highest(c->gic, c);
	u32 instead;

	if (irq && !(c->ctlr & gic_group_enable(irq)))
		irq = NULL;
	instead = hidden(c, irq, alias);
	return instead ? instead : irq->intid | gic_source(irq) << SOURCE_SHIFT;
}

static u32 hppir_read(void *dev, u32 offset)
{
	return highest(dev, false);
}

static u32 ahppir_read(void *dev, u32 offset)
{
	return highest(dev, true);
}

/*
 * 4.4.5. The priority drops by the active priorities alone: which of them the
 * interrupt had is not looked at, as end of interrupt comes in the reverse order
 * of acknowledgement.
 */
static void end(struct gic_cpu *c, u32 value, bool alias)
{
	struct gic_irq *irq = gic_irq_of(c->gic, c->index, value & INTID_MASK);

	if (!irq || (alias && !irq->group1))
		return;
	c->apr &= c->apr - 1;
	if (!(c->ctlr & CTLR_EOIMODE) && irq->active)
		gic_clear_active(c->gic, irq);
	gic_update_cpu(c->gic, c);
}

static void eoir_write(void *dev, u32 offset, u32 value)
{
	end(dev, value, false);
}

static void aeoir_write(void *dev, u32 offset, u32 value)
{
	end(dev, value, true);
}

/* 4.4.15 */
static void dir_write(void *dev, u32 offset, u32 value)
{
	struct gic_cpu *c = dev;
	struct gic_irq *irq = gic_irq_of(c->gic, c->index, value & INTID_MASK);

	if (irq && (c->ctlr & CTLR_EOIMODE) && irq->active)
		gic_clear_active(c->gic, irq);
}

static u32 iidr_read(void *dev, u32 offset)
{
	return IIDR_VALUE;
}

/* clang-format off */
static const struct mmio_reg regs[] = {
	{ "GICC_CTLR",   0x0000, 4, MMIO_W32, GICC_CTLR_MASK, ctlr_read,   ctlr_write },
	{ "GICC_PMR",    0x0004, 4, MMIO_W32, PRIORITY_MASK,  pmr_read,    pmr_write },
	{ "GICC_BPR",    0x0008, 4, MMIO_W32, BPR_MAX,        bpr_read,    bpr_write },
	{ "GICC_IAR",    0x000c, 4, MMIO_W32, 0,              iar_read,    NULL },
	{ "GICC_EOIR",   0x0010, 4, MMIO_W32, 0x1fff,         NULL,        eoir_write },
	{ "GICC_RPR",    0x0014, 4, MMIO_W32, 0,              rpr_read,    NULL },
	{ "GICC_HPPIR",  0x0018, 4, MMIO_W32, 0,              hppir_read,  NULL },
	{ "GICC_ABPR",   0x001c, 4, MMIO_W32, BPR_MAX,        abpr_read,   abpr_write },
	{ "GICC_AIAR",   0x0020, 4, MMIO_W32, 0,              aiar_read,   NULL },
	{ "GICC_AEOIR",  0x0024, 4, MMIO_W32, 0x1fff,         NULL,        aeoir_write },
	{ "GICC_AHPPIR", 0x0028, 4, MMIO_W32, 0,              ahppir_read, NULL },
	{ "GICC_APR0",   0x00d0, 4, MMIO_W32, 0xffffffff,     apr_read,    apr_write },
	{ "GICC_IIDR",   0x00fc, 4, MMIO_W32, 0,              iidr_read,   NULL },
	{ "GICC_DIR",    0x1000, 4, MMIO_W32, 0x1fff,         NULL,        dir_write },
};
/* clang-format on */

static const struct mmio_table table = { regs, ARRAY_SIZE(regs) };

u64 gicc_read(struct gic *g, u32 cpu, u32 offset, u32 width)
{
	return mmio_read(&table, &g->cpu[cpu], offset, width);
}

void gicc_write(struct gic *g, u32 cpu, u32 offset, u32 width, u64 value)
{
	mmio_write(&table, &g->cpu[cpu], offset, width, value);
}
