/* SPDX-License-Identifier: MIT */
/*
 * A libFuzzer target: bytes become a GICv2 and what guests, devices and the host do to it.
 * After every step its state, as gic_save() gives it, is looked at the slow way: every
 * interrupt is asked. What is wrong ends in a trap, with a line that says what.
 */
#include <string.h>

#include "irqchip/gic.h"
#include "machine/base/compiler.h"
#include "tests/fuzz/gic_slow.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum {
	GICC_IAR = 0x00c,
	GICC_HPPIR = 0x018,
	GICC_AIAR = 0x020,
	GICC_AHPPIR = 0x028,
	GICD_SGIR = 0xf00,
	NR_MAPPED = 2, /* a PPI of CPU 0, and an SPI */
};

/* What one input begins with, and each step of it. */
struct fuzz_head {
	u8 cpus, irqs;
	u8 prelude; /* of prelude(), if it is odd */
	u8 mapped;
};

struct fuzz_step {
	u8 op;
	u8 cpu;
	u8 width; /* and kind of place_of() */
	u8 high; /* of a 64-bit value, in every byte */
	u8 offset[2];
	u8 value[4];
};

/* The physical side of a mapped interrupt. */
struct hw {
	bool mapped, active, level;
	u32 intid;
};

struct fuzz {
	struct gic *g;
	u32 nr_cpus, nr_irqs;
	struct gic_saved was, now;
	u32 outputs[GIC_CPUS_MAX];
	struct hw hw[NR_MAPPED];
};

static void hw_set_active(void *ctx, bool active)
{
	struct hw *hw = ctx;

	check(hw->active != active, "the physical side is in that state already", active);
	hw->active = active;
}

static void hw_set_pending(void *ctx, bool pending)
{
	check(((const struct hw *)ctx)->mapped && !pending, "set_pending", pending);
}

static bool hw_line_level(void *ctx)
{
	return ((const struct hw *)ctx)->level;
}

static const struct hwirq_ops hw_ops = {
	.set_active = hw_set_active,
	.set_pending = hw_set_pending,
	.line_level = hw_line_level,
};

static void same_state(const struct fuzz *f, const char *what, u64 number)
{
	check(memcmp(&f->now, &f->was, sizeof(f->now)) == 0, what, number);
}

/* A read, and that nothing but an acknowledgement changes anything. */
static void read_gicc(struct fuzz *f, u32 cpu, u32 offset, u32 width)
{
	u64 value = gicc_read(f->g, cpu, offset, width);
	bool alias = offset == GICC_AIAR || offset == GICC_AHPPIR;

	gic_save(f->g, &f->now);
	if (width == 4 && (offset == GICC_IAR || offset == GICC_AIAR)) {
		check(value == slow_answer(&f->was, cpu, alias, true), "IAR", value);
		if (value < GIC_SPURIOUS_GROUP1 || value > GIC_SPURIOUS)
			slow_acknowledge(&f->was, cpu, (u32)value);
	} else if (width == 4 && (offset == GICC_HPPIR || offset == GICC_AHPPIR)) {
		check(value == slow_answer(&f->was, cpu, alias, false), "HPPIR", value);
	}
	same_state(f, "a read of the CPU interface's", offset);
	check(width == 4 || value == 0, "a read of this width", value);
}

static void read_gicd(struct fuzz *f, u32 cpu, u32 offset, u32 width)
{
	u64 value = gicd_read(f->g, cpu, offset, width);

	gic_save(f->g, &f->now);
	same_state(f, "a read of the distributor's", offset);
	check(width == 1 ? value <= 0xff : value <= 0xffffffff, "more than its width", value);
	check(width == 1 || width == 4 || value == 0, "a read of this width", value);
}

/* Registers of one CPU leave what the others have alone. */
static void only_one_bank(const struct fuzz *f, u32 cpu, u32 offset)
{
	for (u32 i = 0; i < GIC_CPUS_MAX; i++)
		check(i == cpu ||
		              memcmp(&f->was.cpu[i], &f->now.cpu[i], sizeof(f->now.cpu[i])) == 0,
		      "another CPU's registers changed", offset);
}

static void write_gicd(struct fuzz *f, bool poke, u32 cpu, u32 offset, u32 width, u64 value)
{
	(poke ? gicd_poke : gicd_write)(f->g, cpu, offset, width, value);
	gic_save(f->g, &f->now);
	if (offset != GICD_SGIR)
		only_one_bank(f, cpu, offset);
	if (offset % width || offset >= GICD_SIZE || (width != 1 && width != 4))
		same_state(f, "a write to no register at", offset);
}

static void write_gicc(struct fuzz *f, u32 cpu, u32 offset, u32 width, u64 value)
{
	gicc_write(f->g, cpu, offset, width, value);
	gic_save(f->g, &f->now);
	only_one_bank(f, cpu, offset);
	if (offset % 4 || offset >= GICC_SIZE || width != 4)
		same_state(f, "a write to no register at", offset);
	check(f->now.ctlr == f->was.ctlr, "GICD_CTLR", offset);
}

static bool has_line(const struct fuzz *f, u32 cpu, u32 intid)
{
	if (intid < GIC_NR_PRIVATE)
		return intid >= GIC_NR_SGIS && cpu < f->nr_cpus;
	return intid < f->nr_irqs && intid < GIC_INTIDS_MAX;
}

static void move_line(struct fuzz *f, u32 cpu, u32 intid, bool level)
{
	/* Whoever takes a mapped one tells of it, and once: it is masked from then on. */
	for (u32 i = 0; i < NR_MAPPED; i++)
		if (f->hw[i].mapped && f->hw[i].intid == intid && (cpu == 0 || i > 0)) {
			f->hw[i].level = level;
			f->hw[i].active |= level;
		}
	gic_set_line(f->g, cpu, intid, level);
	gic_save(f->g, &f->now);
	if (has_line(f, cpu, intid))
		slow_line(saved_irq(&f->was, cpu, intid), level);
	same_state(f, "the state after a line moved differs", intid);
}

/* With some bytes of the state changed: refused, or what is there from now on. */
static void load(struct fuzz *f, u32 offset, const u8 *bytes, size_t nr, bool xored)
{
	struct gic_saved image = f->was;
	u8 *at = (u8 *)&image;

	for (size_t i = 0; i < nr; i++) {
		u8 *byte = &at[(offset + i) % sizeof(image)];

		*byte = xored ? *byte ^ bytes[i] : bytes[i];
	}
	if (gic_load(f->g, &image) == 0)
		f->was = image;
	gic_save(f->g, &f->now);
	same_state(f, "after loading it the state differs", offset);
}

static void reset(struct fuzz *f)
{
	gic_reset(f->g);
	gic_save(f->g, &f->now);
	for (u32 cpu = 0; cpu < f->nr_cpus; cpu++)
		check(slow_highest(&f->now, cpu) == GIC_SPURIOUS, "highest after a reset", cpu);
}

/* The host takes what is high and not masked, and a twin that is done leaves nothing active. */
static void check_mapped(struct fuzz *f)
{
	for (u32 i = 0; i < NR_MAPPED; i++) {
		struct hw *hw = &f->hw[i];
		const struct gic_saved_irq *irq = saved_irq(&f->now, 0, hw->intid);

		if (!hw->mapped)
			continue;
		if (hw->level && !hw->active) {
			hw->active = true;
			gic_set_line(f->g, 0, hw->intid, true);
			gic_save(f->g, &f->now);
		}
		check(!hw->active || is_pending(irq) || (irq->flags & GIC_SAVED_ACTIVE),
		      "it can never be taken again", hw->intid);
	}
}

static void check_outputs(struct fuzz *f)
{
	u32 changed = gic_take_changed(f->g);

	check(changed >> f->nr_cpus == 0, "changed", changed);
	for (u32 cpu = 0; cpu < f->nr_cpus; cpu++) {
		u32 out = gic_output(f->g, cpu);

		check(out == slow_output(&f->now, cpu), "output", cpu << 8 | out);
		check(out == f->outputs[cpu] || changed >> cpu & 1, "a change not told", cpu);
		f->outputs[cpu] = out;
	}
	check(gic_take_changed(f->g) == 0, "changed twice", changed);
}

/*
 * Everything is on and goes everywhere, with some @how of priorities, groups and binary
 * points: most inputs would never see an output otherwise, and fewer a preemption.
 */
static void prelude(struct fuzz *f, u32 how)
{
	enum { SPREAD = 2, GROUPS = 4, ONE_POINT = 8, ACK_CTL = 16 };

	gicd_write(f->g, 0, 0x000, 4, 3);
	for (u32 cpu = 0; cpu < f->nr_cpus; cpu++) {
		gicc_write(f->g, cpu, 0x00, 4,
		           3 | (how & ACK_CTL ? 4 : 0) | (how & ONE_POINT ? 16 : 0));
		gicc_write(f->g, cpu, 0x04, 4, 0xf8);
		gicc_write(f->g, cpu, 0x08, 4, how >> 5);
		gicc_write(f->g, cpu, 0x1c, 4, how >> 5);
		for (u32 n = 0; n < f->nr_irqs; n += 32) {
			gicd_write(f->g, cpu, 0x080 + n / 8, 4, how & GROUPS ? 0x5a5a5a5a : 0);
			gicd_write(f->g, cpu, 0x100 + n / 8, 4, ~0u);
		}
		for (u32 n = 0; n < f->nr_irqs; n += 4) {
			u32 spread = 0x40302010 + n * 0x02020202;

			gicd_write(f->g, cpu, 0x400 + n, 4, how & SPREAD ? spread : 0x40404040);
			gicd_write(f->g, cpu, 0x800 + n, 4, ~0u);
		}
	}
	gic_save(f->g, &f->now);
}

static u32 little_endian(const u8 *bytes, u32 nr)
{
	u32 value = 0;

	while (nr-- > 0)
		value = value << 8 | bytes[nr];
	return value;
}

/* Where an access goes; most go to a register of an interrupt that exists. */
struct place {
	u32 gicd, gicc;
};

static struct place place_of(const struct fuzz *f, const struct fuzz_step *s, u32 width)
{
	enum { ANY_OFFSET = 0x20, UNALIGNED = 0x40, HIGH = 0x80 };
	static const struct {
		u32 first, bits;
	} gicd[] = {
		{ 0x080, 1 }, { 0x100, 1 }, { 0x180, 1 }, { 0x200, 1 }, { 0x280, 1 }, { 0x300, 1 },
		{ 0x380, 1 }, { 0x400, 8 }, { 0x400, 8 }, { 0x800, 8 }, { 0xc00, 2 }, { 0xf00, 0 },
		{ 0xf00, 0 }, { 0xf10, 8 }, { 0xf20, 8 }, { 0x000, 0 },
	};
	static const u32 gicc[] = { 0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18,
		                    0x1c, 0x20, 0x24, 0x28, 0xd0, 0x10, 0x1000 };
	u32 offset = little_endian(s->offset, 2), n = s->offset[1] % ARRAY_SIZE(gicd);
	struct place p = {
		.gicd = gicd[n].first + s->offset[0] % f->nr_irqs * gicd[n].bits / 8,
		.gicc = gicc[s->offset[0] % ARRAY_SIZE(gicc)],
	};

	if (s->width & ANY_OFFSET)
		p = (struct place){ offset % (2 * GICD_SIZE), offset % (2 * GICC_SIZE) };
	if (!(s->width & UNALIGNED))
		return (struct place){ p.gicd & ~(width - 1), p.gicc & ~(width - 1) };
	if (s->width & HIGH)
		p = (struct place){ p.gicd | 0xffff0000, p.gicc | 0xffff0000 };
	return p;
}

static void take_step(struct fuzz *f, const struct fuzz_step *s)
{
	u32 cpu = s->cpu % f->nr_cpus, width = s->width & 8 ? 4 : 1u << (s->width & 3);
	u32 offset = little_endian(s->offset, 2), value = little_endian(s->value, 4);
	u64 wide = value | (u64)(s->high * 0x01010101u) << 32;
	struct place p = place_of(f, s, width);

	f->was = f->now;
	switch (s->op % 16) {
	case 0 ... 1:
		read_gicd(f, cpu, p.gicd, width);
		break;
	case 2 ... 5:
		write_gicd(f, false, cpu, p.gicd, width, wide);
		break;
	case 6 ... 7:
		read_gicc(f, cpu, p.gicc, width);
		break;
	case 8 ... 9:
		write_gicc(f, cpu, p.gicc, width, wide);
		break;
	case 10 ... 11:
		move_line(f, s->op & 0x10 ? value : cpu, offset & (s->op & 0x20 ? 0xffff : 0x7f),
		          s->high & 1);
		break;
	case 12:
		write_gicd(f, true, cpu, p.gicd, width, wide);
		break;
	case 13:
	case 14:
		/* What a load means to one that is mapped is tests/unit/test_gic_map.c's. */
		if (!f->hw[0].mapped && !f->hw[1].mapped)
			load(f, offset, s->value, s->op & 0x10 ? 1 : 4, s->op & 0x20);
		break;
	default:
		/* Not too often: it takes many writes to be on again. */
		if (s->value[0] < 16)
			reset(f);
		else
			prelude(f, s->value[1]);
		break;
	}
}

static bool begin(struct fuzz *f, const struct fuzz_head *h)
{
	struct gic_config cfg = {
		.nr_cpus = 1 + h->cpus % 8,
		.nr_irqs = h->irqs >= 0xfc ? 1024 : 32 + h->irqs % 4 * 32,
	};

	if (gic_create(&cfg, &f->g) != 0)
		return false;
	f->nr_cpus = cfg.nr_cpus;
	f->nr_irqs = cfg.nr_irqs;
	if (h->prelude & 1)
		prelude(f, h->prelude);
	f->hw[0].intid = 27;
	f->hw[1].intid = 40;
	for (u32 i = 0; i < NR_MAPPED; i++) {
		f->hw[i].mapped = (h->mapped >> i & 1) && f->hw[i].intid < f->nr_irqs;
		if (f->hw[i].mapped)
			gic_map(f->g, 0, f->hw[i].intid, &hw_ops, &f->hw[i]);
	}
	gic_save(f->g, &f->now);
	return true;
}

/* Another GIC takes the state, and comes to the same outputs. */
static void check_twin(struct fuzz *f)
{
	const struct gic_config cfg = { .nr_cpus = f->nr_cpus, .nr_irqs = f->nr_irqs };
	struct gic *twin;

	if (gic_create(&cfg, &twin) != 0)
		return;
	check(gic_load(twin, &f->now) == 0, "a state that was saved is refused", 0);
	for (u32 cpu = 0; cpu < f->nr_cpus; cpu++)
		check(gic_output(twin, cpu) == f->outputs[cpu], "the twin's output", cpu);
	gic_save(twin, &f->was);
	same_state(f, "the twin's state", 0);
	gic_destroy(twin);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { 0 };
	struct fuzz_head head;
	struct fuzz_step step;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	if (!begin(&f, &head))
		return 0;
	for (size_t at = sizeof(head); size - at >= sizeof(step); at += sizeof(step)) {
		memcpy(&step, data + at, sizeof(step));
		take_step(&f, &step);
		check_mapped(&f);
		check_outputs(&f);
	}
	check_twin(&f);
	gic_destroy(f.g);
	return 0;
}
