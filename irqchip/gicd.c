/* SPDX-License-Identifier: MIT */
/* A GICv2's distributor: IHI 0048B.b 4.3. */
#include "devices/mmio.h"
#include "irqchip/gic_private.h"
#include "machine/base/bits.h"

enum {
	IIDR_VALUE = 'R' << 24, /* ProductID, no implementer's code */
	TYPER_CPUS_SHIFT = 5,
	ICPIDR2_ARCH_V2 = 2 << 4,
	ICFGR_EDGE = 2, /* of an interrupt's two bits; the other is the N-N model's of GICv1 */
	SGIR_INTID = 0xf,
	SGIR_TARGETS_SHIFT = 16,
	SGIR_FILTER_SHIFT = 24,
};

/* Who accesses. */
struct by {
	struct gic *gic;
	u32 cpu;
	bool host; /* gicd_poke() */
};

/*
 * One register or one array of them, as the manual's table has it. An array with
 * some bits for each interrupt has functions for one interrupt, and the offset
 * and the width say which; the others have functions for the register. NULL
 * reads as zero and ignores writes.
 */
struct gicd_reg {
	const char *name; /* as in the manual */
	u32 offset, len; /* bytes */
	u32 widths; /* MMIO_W* */
	u32 bits; /* for each interrupt, 0: it is no such array */
	bool by_ones; /* a zero that is written to an interrupt's bit does nothing */
	u32 (*get)(const struct by *by, const struct gic_irq *irq);
	void (*set)(const struct by *by, struct gic_irq *irq, u32 value);
	u32 (*read)(const struct by *by, u32 index); /* of the word */
	void (*write)(const struct by *by, u32 value);
};

static u32 ctlr_read(const struct by *by, u32 index)
{
	return by->gic->ctlr;
}

static void ctlr_write(const struct by *by, u32 value)
{
	struct gic *g = by->gic;

	g->ctlr = value & GICD_CTLR_MASK;
	for (u32 i = 0; i < g->nr_cpus; i++)
		gic_update_cpu(g, &g->cpu[i]);
}

static u32 typer_read(const struct by *by, u32 index)
{
	return by->gic->it_lines | (by->gic->nr_cpus - 1) << TYPER_CPUS_SHIFT;
}

static u32 iidr_read(const struct by *by, u32 index)
{
	return IIDR_VALUE;
}

static u32 group_get(const struct by *by, const struct gic_irq *irq)
{
	return irq->group1;
}

static void group_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	gic_dequeue(by->gic, irq);
	irq->group1 = value;
	gic_update(by->gic, irq);
}

static u32 enable_get(const struct by *by, const struct gic_irq *irq)
{
	return irq->enabled;
}

static void enable(const struct by *by, struct gic_irq *irq, bool enabled)
{
	if (gic_is_sgi(irq))
		return;
	irq->enabled = enabled;
	gic_update(by->gic, irq);
}

static void isenable_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	enable(by, irq, true);
}

static void icenable_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	enable(by, irq, false);
}

static u32 pending_get(const struct by *by, const struct gic_irq *irq)
{
	return gic_is_pending(irq);
}

/* What the host writes to a mapped interrupt's state would be a lie about the real one. */
static bool is_fixed(const struct by *by, const struct gic_irq *irq)
{
	return by->host && irq->hw;
}

/* 4.3.7, 4.3.8: SGIs have registers of their own, with a bit for each sender. */
static void ispend_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	if (!gic_is_sgi(irq) && !is_fixed(by, irq))
		gic_set_pending(by->gic, irq);
}

static void icpend_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	if (!gic_is_sgi(irq) && !is_fixed(by, irq))
		gic_clear_pending(by->gic, irq);
}

static u32 active_get(const struct by *by, const struct gic_irq *irq)
{
	return irq->active;
}

static void isactive_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	if (!is_fixed(by, irq))
		gic_set_active(by->gic, irq);
}

static void icactive_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	if (!is_fixed(by, irq))
		gic_clear_active(by->gic, irq);
}

static u32 priority_get(const struct by *by, const struct gic_irq *irq)
{
	return irq->priority;
}

static void priority_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	gic_dequeue(by->gic, irq);
	irq->priority = value & PRIORITY_MASK;
	gic_update(by->gic, irq);
}

/* 4.3.12: a private interrupt's field tells a CPU which bit it is itself. */
static u32 targets_get(const struct by *by, const struct gic_irq *irq)
{
	if (by->gic->nr_cpus == 1)
		return 0;
	return gic_is_spi(irq) ? irq->targets : 1u << by->cpu;
}

static void targets_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	if (by->gic->nr_cpus == 1 || !gic_is_spi(irq))
		return;
	irq->targets = (u8)(value & gic_all_cpus(by->gic));
	gic_update(by->gic, irq);
}

static u32 config_get(const struct by *by, const struct gic_irq *irq)
{
	return irq->edge ? ICFGR_EDGE : 0;
}

static void config_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	if (!gic_is_spi(irq))
		return;
	irq->edge = value & ICFGR_EDGE;
	gic_update(by->gic, irq);
}

/* An SGI's way to one CPU. */
static void send(const struct by *by, u32 cpu, u32 intid)
{
	struct gic_irq *irq = &by->gic->cpu[cpu].irq[intid];

	irq->source |= (u8)(1u << by->cpu);
	gic_update(by->gic, irq);
}

/* 4.3.15; a filter that is reserved reaches nobody. */
static void sgir_write(const struct by *by, u32 value)
{
	const u32 all = gic_all_cpus(by->gic), self = 1u << by->cpu;
	const u32 filter[] = { value >> SGIR_TARGETS_SHIFT & all, all & ~self, self, 0 };

	for (u32 to = filter[value >> SGIR_FILTER_SHIFT & 3]; to; to &= to - 1)
		send(by, lowest_bit(to), value & SGIR_INTID);
}

static u32 source_get(const struct by *by, const struct gic_irq *irq)
{
	return irq->source;
}

static void cpendsgi_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	irq->source &= (u8)~value;
	gic_update(by->gic, irq);
}

static void spendsgi_set(const struct by *by, struct gic_irq *irq, u32 value)
{
	irq->source |= (u8)(value & gic_all_cpus(by->gic));
	gic_update(by->gic, irq);
}

static u32 pidr2_read(const struct by *by, u32 index)
{
	return ICPIDR2_ARCH_V2;
}

static u32 cidr_read(const struct by *by, u32 index)
{
	static const u8 cidr[] = { 0x0d, 0xf0, 0x05, 0xb1 };

	return cidr[index];
}

enum { W = MMIO_W32, BW = MMIO_W8 | MMIO_W32 };

/* clang-format off */
static const struct gicd_reg regs[] = {
	{ "GICD_CTLR",       0x000, 0x04,  W,  0, false, NULL, NULL, ctlr_read, ctlr_write },
	{ "GICD_TYPER",      0x004, 0x04,  W,  0, false, NULL, NULL, typer_read, NULL },
	{ "GICD_IIDR",       0x008, 0x04,  W,  0, false, NULL, NULL, iidr_read, NULL },
	{ "GICD_IGROUPR",    0x080, 0x80,  W,  1, false, group_get, group_set, NULL, NULL },
	{ "GICD_ISENABLER",  0x100, 0x80,  W,  1, true,  enable_get, isenable_set, NULL, NULL },
	{ "GICD_ICENABLER",  0x180, 0x80,  W,  1, true,  enable_get, icenable_set, NULL, NULL },
	{ "GICD_ISPENDR",    0x200, 0x80,  W,  1, true,  pending_get, ispend_set, NULL, NULL },
	{ "GICD_ICPENDR",    0x280, 0x80,  W,  1, true,  pending_get, icpend_set, NULL, NULL },
	{ "GICD_ISACTIVER",  0x300, 0x80,  W,  1, true,  active_get, isactive_set, NULL, NULL },
	{ "GICD_ICACTIVER",  0x380, 0x80,  W,  1, true,  active_get, icactive_set, NULL, NULL },
	{ "GICD_IPRIORITYR", 0x400, 0x400, BW, 8, false, priority_get, priority_set, NULL, NULL },
	{ "GICD_ITARGETSR",  0x800, 0x400, BW, 8, false, targets_get, targets_set, NULL, NULL },
	{ "GICD_ICFGR",      0xc00, 0x100, W,  2, false, config_get, config_set, NULL, NULL },
	{ "GICD_SGIR",       0xf00, 0x04,  W,  0, false, NULL, NULL, NULL, sgir_write },
	{ "GICD_CPENDSGIR",  0xf10, 0x10,  BW, 8, true,  source_get, cpendsgi_set, NULL, NULL },
	{ "GICD_SPENDSGIR",  0xf20, 0x10,  BW, 8, true,  source_get, spendsgi_set, NULL, NULL },
	{ "ICPIDR2",         0xfe8, 0x04,  W,  0, false, NULL, NULL, pidr2_read, NULL },
	{ "ICCIDR",          0xff0, 0x10,  W,  0, false, NULL, NULL, cidr_read, NULL },
};
/* clang-format on */

static const struct gicd_reg *find(u32 offset, u32 width)
{
	const struct gicd_reg *r = regs;

	if (offset & (width - 1))
		return NULL;
	/* To the last row that starts at or below @offset, or the first of all. */
	for (size_t n = ARRAY_SIZE(regs); n > 1;) {
		size_t half = n / 2;

		if (r[half].offset <= offset)
			r += half;
		n -= half;
	}
	return offset - r->offset < r->len && (r->widths & width) ? r : NULL;
}

/* The interrupt whose bits are the lowest at @offset. */
static u32 first_intid(const struct gicd_reg *r, u32 offset)
{
	return (offset - r->offset) * 8 / r->bits;
}

static u32 field_mask(const struct gicd_reg *r)
{
	return (1u << r->bits) - 1;
}

u64 gicd_read(struct gic *g, u32 cpu, u32 offset, u32 width)
{
	const struct gicd_reg *r = find(offset, width);
	const struct by by = { g, cpu, false };
	u32 value = 0, intid;

	if (!r)
		return 0;
	if (!r->bits)
		return r->read ? r->read(&by, (offset - r->offset) / 4) : 0;
	intid = first_intid(r, offset);
	for (u32 bit = 0; bit < 8 * width; bit += r->bits, intid++) {
		const struct gic_irq *irq = gic_irq_of(g, cpu, intid);

		if (irq)
			value |= r->get(&by, irq) << bit;
	}
	return value;
}

static void write_fields(const struct by *by, const struct gicd_reg *r, u32 offset, u32 width,
                         u32 value)
{
	u32 intid = first_intid(r, offset), mask = field_mask(r);

	for (u32 bit = 0; bit < 8 * width; bit += r->bits, intid++) {
		struct gic_irq *irq = gic_irq_of(by->gic, by->cpu, intid);
		u32 field = value >> bit & mask;

		if (irq && (field || !r->by_ones))
			r->set(by, irq, field);
	}
}

static void write(const struct by *by, u32 offset, u32 width, u64 value)
{
	const struct gicd_reg *r = find(offset, width);

	if (!r)
		return;
	if (r->bits)
		write_fields(by, r, offset, width, (u32)value);
	else if (r->write)
		r->write(by, (u32)value);
}

void gicd_write(struct gic *g, u32 cpu, u32 offset, u32 width, u64 value)
{
	const struct by by = { g, cpu, false };

	write(&by, offset, width, value);
}

void gicd_poke(struct gic *g, u32 cpu, u32 offset, u32 width, u64 value)
{
	const struct by by = { g, cpu, true };

	write(&by, offset, width, value);
}
