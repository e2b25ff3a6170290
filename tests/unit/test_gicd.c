/* SPDX-License-Identifier: MIT */
/* The distributor's registers, one by one. What they do to interrupts: test_gic.c. */
#include "tests/unit/gic_rig.h"

/*
 * What a register reads after a reset, after a write of ones and then of zeros, seen by
 * CPU 1 of four; @first is written before all that.
 */
static void each_register_has_its_reset_value_and_its_writable_bits(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		u32 offset;
		struct { u32 offset, value; } first;
		u32 reset, ones, zeros;
	} rows[] = {
		{ "CTLR",        0x000, { 0 }, 0, 3, 0 },
		{ "TYPER",       0x004, { 0 }, 0x63, 0x63, 0x63 },
		{ "IIDR",        0x008, { 0 }, 0x52000000, 0x52000000, 0x52000000 },
		{ "IGROUPR0",    0x080, { 0 }, 0, ~0u, 0 },
		{ "IGROUPR1",    0x084, { 0 }, 0, ~0u, 0 },
		{ "IGROUPR3",    0x08c, { 0 }, 0, ~0u, 0 },
		{ "IGROUPR4",    0x090, { 0 }, 0, 0, 0 },
		{ "ISENABLER0",  0x100, { 0 }, 0xffff, ~0u, ~0u },
		{ "ISENABLER1",  0x104, { 0 }, 0, ~0u, ~0u },
		{ "ISENABLER3",  0x10c, { 0 }, 0, ~0u, ~0u },
		{ "ISENABLER4",  0x110, { 0 }, 0, 0, 0 },
		{ "ICENABLER0",  0x180, { 0x100, ~0u }, ~0u, 0xffff, 0xffff },
		{ "ICENABLER3",  0x18c, { 0x10c, ~0u }, ~0u, 0, 0 },
		{ "ICENABLER4",  0x190, { 0x110, ~0u }, 0, 0, 0 },
		{ "ISPENDR0",    0x200, { 0 }, 0, 0xffff0000, 0xffff0000 },
		{ "ISPENDR3",    0x20c, { 0 }, 0, ~0u, ~0u },
		{ "ISPENDR4",    0x210, { 0 }, 0, 0, 0 },
		{ "ICPENDR0",    0x280, { 0x200, ~0u }, 0xffff0000, 0, 0 },
		{ "ICPENDR0",    0x280, { 0xf20, 1 }, 1, 1, 1 },
		{ "ICPENDR3",    0x28c, { 0x20c, ~0u }, ~0u, 0, 0 },
		{ "ISACTIVER0",  0x300, { 0 }, 0, ~0u, ~0u },
		{ "ISACTIVER3",  0x30c, { 0 }, 0, ~0u, ~0u },
		{ "ISACTIVER4",  0x310, { 0 }, 0, 0, 0 },
		{ "ICACTIVER0",  0x380, { 0x300, ~0u }, ~0u, 0, 0 },
		{ "ICACTIVER3",  0x38c, { 0x30c, ~0u }, ~0u, 0, 0 },
		{ "IPRIORITYR0", 0x400, { 0 }, 0, 0xf8f8f8f8, 0 },
		{ "IPRIORITYR7", 0x41c, { 0 }, 0, 0xf8f8f8f8, 0 },
		{ "IPRIORITYR31", 0x47c, { 0 }, 0, 0xf8f8f8f8, 0 },
		{ "IPRIORITYR32", 0x480, { 0 }, 0, 0, 0 },
		{ "ITARGETSR0",  0x800, { 0 }, 0x02020202, 0x02020202, 0x02020202 },
		{ "ITARGETSR7",  0x81c, { 0 }, 0x02020202, 0x02020202, 0x02020202 },
		{ "ITARGETSR8",  0x820, { 0 }, 0, 0x0f0f0f0f, 0 },
		{ "ITARGETSR31", 0x87c, { 0 }, 0, 0x0f0f0f0f, 0 },
		{ "ITARGETSR32", 0x880, { 0 }, 0, 0, 0 },
		{ "ICFGR0",      0xc00, { 0 }, 0xaaaaaaaa, 0xaaaaaaaa, 0xaaaaaaaa },
		{ "ICFGR1",      0xc04, { 0 }, 0, 0, 0 },
		{ "ICFGR2",      0xc08, { 0 }, 0, 0xaaaaaaaa, 0 },
		{ "ICFGR7",      0xc1c, { 0 }, 0, 0xaaaaaaaa, 0 },
		{ "ICFGR8",      0xc20, { 0 }, 0, 0, 0 },
		{ "NSACR2",      0xe08, { 0 }, 0, 0, 0 },
		{ "SGIR",        0xf00, { 0 }, 0, 0, 0 },
		{ "CPENDSGIR0",  0xf10, { 0xf20, ~0u }, 0x0f0f0f0f, 0, 0 },
		{ "CPENDSGIR3",  0xf1c, { 0xf2c, ~0u }, 0x0f0f0f0f, 0, 0 },
		{ "SPENDSGIR0",  0xf20, { 0 }, 0, 0x0f0f0f0f, 0x0f0f0f0f },
		{ "SPENDSGIR3",  0xf2c, { 0 }, 0, 0x0f0f0f0f, 0x0f0f0f0f },
		{ "ICPIDR2",     0xfe8, { 0 }, 0x20, 0x20, 0x20 },
		{ "CIDR0",       0xff0, { 0 }, 0x0d, 0x0d, 0x0d },
		{ "CIDR1",       0xff4, { 0 }, 0xf0, 0xf0, 0xf0 },
		{ "CIDR2",       0xff8, { 0 }, 0x05, 0x05, 0x05 },
		{ "CIDR3",       0xffc, { 0 }, 0xb1, 0xb1, 0xb1 },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gic *g = gic_of(CPUS, IRQS);
		u32 reset, ones;

		dist_set(g, 1, rows[i].first.offset, rows[i].first.value);
		reset = dist(g, 1, rows[i].offset);
		dist_set(g, 1, rows[i].offset, ~0u);
		ones = dist(g, 1, rows[i].offset);
		dist_set(g, 1, rows[i].offset, 0);
		if (reset != rows[i].reset || ones != rows[i].ones ||
		    dist(g, 1, rows[i].offset) != rows[i].zeros)
			fail_msg("%s: %#x, ones %#x, zeros %#x", rows[i].name, reset, ones,
			         dist(g, 1, rows[i].offset));
		gic_destroy(g);
	}
}

static void the_type_says_how_many_interrupts_and_cpus_there_are(void **state)
{
	static const struct {
		u32 nr_cpus, nr_irqs, typer;
	} rows[] = {
		{ 1, 32, 0x00 },  { 2, 32, 0x20 },   { 1, 64, 0x01 },
		{ 5, 288, 0x88 }, { 8, 1024, 0xff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gic *g = gic_of(rows[i].nr_cpus, rows[i].nr_irqs);

		if (dist(g, 0, GICD_TYPER) != rows[i].typer)
			fail_msg("row %zu: %#x", i, dist(g, 0, GICD_TYPER));
		gic_destroy(g);
	}
}

static const struct {
	u32 set, clear;
	u32 fixed; /* bits of the first register that do not change */
} pairs[] = {
	{ GICD_ISENABLER, GICD_ICENABLER, 0xffff },
	{ GICD_ISPENDR, GICD_ICPENDR, 0xffff },
	{ GICD_ISACTIVER, GICD_ICACTIVER, 0 },
};

static void a_set_register_sets_and_a_clear_register_clears_the_bits_that_are_written(void **state)
{
	struct gic *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		for (u32 n = 0; n < IRQS / 32; n++) {
			u32 fixed = n == 0 ? pairs[i].fixed : 0;
			u32 was = dist(g, 2, pairs[i].set + n * 4) & fixed;

			dist_set(g, 2, pairs[i].set + n * 4, 0x12481248);
			dist_set(g, 2, pairs[i].set + n * 4, 0x40100000);
			dist_set(g, 2, pairs[i].clear + n * 4, 0x02400200);
			if (dist(g, 2, pairs[i].set + n * 4) != ((0x50181048 & ~fixed) | was) ||
			    dist(g, 2, pairs[i].clear + n * 4) != ((0x50181048 & ~fixed) | was))
				fail_msg("%#x[%u]: %#x", pairs[i].set, n,
				         dist(g, 2, pairs[i].set + n * 4));
		}
}

/* Registers of private interrupts, with bits that can be set in each CPU's. */
static const struct {
	u32 offset, bits;
} banked[] = {
	{ GICD_IGROUPR, 0xffffffff },    { GICD_ISENABLER, 0xffff0000 },
	{ GICD_ISPENDR, 0xffff0000 },    { GICD_ISACTIVER, 0xffffffff },
	{ GICD_IPRIORITYR, 0xf8f8f8f8 }, { GICD_IPRIORITYR + 28, 0xf8f8f8f8 },
	{ GICD_SPENDSGIR, 0x0f0f0f0f },  { GICD_SPENDSGIR + 12, 0x0f0f0f0f },
};

static void private_interrupts_have_registers_for_each_cpu(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(banked); i++) {
		struct gic *g = gic_of(CPUS, IRQS);
		u32 reset = dist(g, 0, banked[i].offset);

		for (u32 cpu = 0; cpu < CPUS; cpu++)
			dist_set(g, cpu, banked[i].offset, 0x11182848u << cpu);
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			if (dist(g, cpu, banked[i].offset) !=
			    (((0x11182848u << cpu) & banked[i].bits) | reset))
				fail_msg("%#x of CPU %u: %#x", banked[i].offset, cpu,
				         dist(g, cpu, banked[i].offset));
		gic_destroy(g);
	}
}

static void targets_of_private_interrupts_are_the_cpu_that_reads(void **state)
{
	struct gic *g = *state;

	for (u32 cpu = 0; cpu < CPUS; cpu++)
		for (u32 intid = 0; intid < GIC_NR_PRIVATE; intid++)
			assert_int_equal(gicd_read(g, cpu, GICD_ITARGETSR + intid, 1), 1u << cpu);
}

static void shared_interrupts_have_one_register_for_all_cpus(void **state)
{
	static const struct {
		u32 offset, value;
	} rows[] = {
		{ GICD_CTLR, 2 },
		{ GICD_IGROUPR + 4, 0x12345678 },
		{ GICD_ISENABLER + 8, 0x12345678 },
		{ GICD_ISPENDR + 12, 0x12345678 },
		{ GICD_ISACTIVER + 4, 0x12345678 },
		{ GICD_IPRIORITYR + 32, 0x10203040 },
		{ GICD_ITARGETSR + 124, 0x01020408 },
		{ GICD_ICFGR + 8, 0x22228888 },
	};
	struct gic *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		dist_set(g, i % CPUS, rows[i].offset, rows[i].value);
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			if (dist(g, cpu, rows[i].offset) != rows[i].value)
				fail_msg("row %zu, CPU %u: %#x", i, cpu,
				         dist(g, cpu, rows[i].offset));
	}
}

static void bytes_are_read_and_written_where_a_register_has_one_for_each_interrupt(void **state)
{
	static const struct {
		u32 offset;
		u32 word, byte[4]; /* a word that is written; its third byte written after it */
	} rows[] = {
		{ GICD_IPRIORITYR + 4, 0x10203048, { 0x48, 0x30, 0xf8, 0x10 } },
		{ GICD_IPRIORITYR + 64, 0x10203048, { 0x48, 0x30, 0xf8, 0x10 } },
		{ GICD_ITARGETSR + 64, 0x01020304, { 0x04, 0x03, 0x0f, 0x01 } },
		{ GICD_ITARGETSR + 12, 0x01020304, { 0x01, 0x01, 0x01, 0x01 } },
		{ GICD_SPENDSGIR + 8, 0x01020304, { 0x04, 0x03, 0x0f, 0x01 } },
	};
	struct gic *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 joined = 0;

		dist_set(g, 0, rows[i].offset, rows[i].word);
		gicd_write(g, 0, rows[i].offset + 2, 1, 0xffffffffffffffff);
		for (u32 n = 0; n < 4; n++) {
			u64 byte = gicd_read(g, 0, rows[i].offset + n, 1);

			joined |= (u32)byte << (8 * n);
			if (byte != rows[i].byte[n])
				fail_msg("row %zu, byte %u: %#llx", i, n, byte);
		}
		if (dist(g, 0, rows[i].offset) != joined)
			fail_msg("row %zu: %#x", i, dist(g, 0, rows[i].offset));
	}
	gicd_write(g, 0, GICD_CPENDSGIR + 10, 1, 0x05);
	gicd_write(g, 0, GICD_CPENDSGIR + 9, 1, 0x02);
	assert_int_equal(dist(g, 0, GICD_SPENDSGIR + 8), 0x010a0104);
	assert_int_equal(gicd_read(g, 0, GICD_CPENDSGIR + 10, 1), 0x0a);
}

static void a_write_is_cut_to_its_width(void **state)
{
	struct gic *g = *state;

	gicd_write(g, 0, GICD_IPRIORITYR + 32, 4, 0xffffffff00000000);
	gicd_write(g, 0, GICD_IPRIORITYR + 37, 1, 0xffffffffffffff00);
	for (u32 offset = 32; offset < 40; offset += 4)
		assert_int_equal(dist(g, 0, GICD_IPRIORITYR + offset), 0);
}

static void with_one_cpu_there_are_no_targets_and_its_is_every_interrupt(void **state)
{
	struct gic *g = gic_of(1, 64);

	for (u32 offset = GICD_ITARGETSR; offset < GICD_ITARGETSR + 64; offset += 4) {
		dist_set(g, 0, offset, ~0u);
		assert_int_equal(dist(g, 0, offset), 0);
	}
	gic_on(g);
	irq_write(g, 0, GICD_ISENABLER, 63);
	irq_write(g, 0, GICD_ISPENDR, 63);
	assert_int_equal(gic_output(g, 0), GIC_OUT_IRQ);
	dist_set(g, 0, GICD_SGIR, 0x01ff0003); /* to all others: there are none */
	assert_int_equal(dist(g, 0, GICD_ISPENDR), 0);
	dist_set(g, 0, GICD_SGIR, 0x02000003);
	assert_int_equal(dist(g, 0, GICD_ISPENDR), 8);
	gic_destroy(g);
}

static void a_software_generated_interrupt_goes_where_its_filter_says(void **state)
{
	static const struct {
		u32 writer, value;
		u32 sent; /* CPUs */
		u32 intid;
	} rows[] = {
		{ 0, 0x00010000, 0x1, 0 },  { 0, 0x00020000, 0x2, 0 },
		{ 2, 0x000b0005, 0xb, 5 },  { 3, 0x00ff000f, 0xf, 15 },
		{ 1, 0x00000007, 0x0, 7 },  { 1, 0x00f00007, 0x0, 7 }, /* CPUs that do not exist */
		{ 0, 0x01000001, 0xe, 1 },  { 2, 0x0100000e, 0xb, 14 },
		{ 2, 0x01ff000e, 0xb, 14 }, /* the list counts with filter 0 only */
		{ 0, 0x02000002, 0x1, 2 },  { 3, 0x02ff0002, 0x8, 2 },
		{ 1, 0x03ff0001, 0x0, 1 },  { 1, 0x0301000f, 0x0, 15 },
		{ 1, 0x00018003, 0x1, 3 }, /* NSATT */
		{ 1, 0xfc017ff3, 0x1, 3 }, /* reserved bits */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gic *g = gic_of(CPUS, IRQS);

		dist_set(g, rows[i].writer, GICD_SGIR, rows[i].value);
		for (u32 cpu = 0; cpu < CPUS; cpu++) {
			u32 sent = rows[i].sent >> cpu & 1;

			for (u32 intid = 0; intid < GIC_NR_SGIS; intid++) {
				u64 from = gicd_read(g, cpu, GICD_SPENDSGIR + intid, 1);
				u64 right = intid == rows[i].intid ? sent << rows[i].writer : 0;

				if (from != right)
					fail_msg("row %zu, CPU %u, SGI %u: from %#llx", i, cpu,
					         intid, from);
			}
			assert_int_equal(dist(g, cpu, GICD_ISPENDR), sent << rows[i].intid);
		}
		gic_destroy(g);
	}
}

static void an_sgi_is_pending_while_it_is_from_any_cpu(void **state)
{
	struct gic *g = *state;

	gicd_write(g, 1, GICD_SPENDSGIR + 6, 1, 0x05);
	gicd_write(g, 1, GICD_SPENDSGIR + 6, 1, 0xf8); /* bits add up, and 7..4 are no CPUs */
	assert_int_equal(dist(g, 1, GICD_SPENDSGIR + 4), 0x000d0000);
	assert_int_equal(dist(g, 1, GICD_CPENDSGIR + 4), 0x000d0000);
	assert_int_equal(dist(g, 0, GICD_SPENDSGIR + 4), 0);

	dist_set(g, 1, GICD_CPENDSGIR + 4, 0x00050000);
	assert_int_equal(dist(g, 1, GICD_ISPENDR), 1 << 6);
	assert_int_equal(dist(g, 1, GICD_ICPENDR), 1 << 6);
	dist_set(g, 0, GICD_CPENDSGIR + 4, ~0u); /* another CPU's bank */
	assert_int_equal(dist(g, 1, GICD_ISPENDR), 1 << 6);
	dist_set(g, 1, GICD_CPENDSGIR + 4, 0x00080000);
	assert_int_equal(dist(g, 1, GICD_ISPENDR), 0);
}

static void pending_registers_say_latch_or_level(void **state)
{
	static const u32 intids[] = { 16, 31, 32, 127 };
	struct gic *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(intids); i++) {
		gic_set_line(g, 0, intids[i], true);
		assert_true(irq_bit(g, 0, GICD_ISPENDR, intids[i]));
		irq_write(g, 0, GICD_ICPENDR, intids[i]);
		assert_true(irq_bit(g, 0, GICD_ICPENDR, intids[i]));
		irq_write(g, 0, GICD_ISPENDR, intids[i]);
		gic_set_line(g, 0, intids[i], false);
		assert_true(irq_bit(g, 0, GICD_ISPENDR, intids[i]));
		irq_write(g, 0, GICD_ICPENDR, intids[i]);
		assert_false(irq_bit(g, 0, GICD_ISPENDR, intids[i]));
	}
}

/* Of @nr_irqs interrupts' registers: whether @offset is the place of one that takes @width. */
static bool is_register(u32 offset, u32 width, u32 nr_irqs)
{
	static const struct {
		u32 offset, len; /* bytes; of an array: 0 */
		u32 bits; /* of each interrupt */
		bool bytes;
	} rows[] = {
		{ GICD_CTLR, 12, 0, false },     { GICD_IGROUPR, 0, 1, false },
		{ GICD_ISENABLER, 0, 1, false }, { GICD_ICENABLER, 0, 1, false },
		{ GICD_ISPENDR, 0, 1, false },   { GICD_ICPENDR, 0, 1, false },
		{ GICD_ISACTIVER, 0, 1, false }, { GICD_ICACTIVER, 0, 1, false },
		{ GICD_IPRIORITYR, 0, 8, true }, { GICD_ITARGETSR, 0, 8, true },
		{ GICD_ICFGR, 0, 2, false },     { GICD_SGIR, 4, 0, false },
		{ GICD_CPENDSGIR, 16, 0, true }, { GICD_SPENDSGIR, 16, 0, true },
		{ GICD_ICPIDR2, 4, 0, false },   { GICD_ICCIDR, 16, 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 irqs = rows[i].bits == 8 && nr_irqs > GIC_INTIDS_MAX ? GIC_INTIDS_MAX : nr_irqs;
		u32 len = rows[i].bits ? irqs * rows[i].bits / 8 : rows[i].len;

		if (offset >= rows[i].offset && offset < rows[i].offset + len)
			return (width == 4 && offset % 4 == 0) || (width == 1 && rows[i].bytes);
	}
	return false;
}

static void walk(u32 nr_cpus, u32 nr_irqs, u32 end)
{
	struct gic *g = gic_of(nr_cpus, nr_irqs);
	struct gic_saved was;
	u32 nr = 0;

	gic_on(g);
	gic_scramble(g, nr_cpus, nr_irqs, 0x1234567, 3000);
	gic_save(g, &was);
	for (u32 n = 0; n < end; n++)
		for (u32 width = 1; width <= 8; width *= 2) {
			u32 offset = n < end / 2 ? n : 0u - (end - n);

			if (is_register(offset, width, nr_irqs))
				continue;
			nr++;
			if (gicd_read(g, n % nr_cpus, offset, width) != 0)
				fail_msg("%#x reads something with width %u", offset, width);
			gicd_write(g, n % nr_cpus, offset, width, ~0ull);
			gicd_write(g, n % nr_cpus, offset, width, 0);
			assert_same_state(g, &was, "writing to", offset);
		}
	assert_in_range(nr, 2 * end, 4 * end);
	gic_destroy(g);
}

static void everything_else_is_raz_wi(void **state)
{
	/* The distributor, as much after it, and as much before the end of all offsets. */
	walk(CPUS, IRQS, 4 * GICD_SIZE);
	walk(GIC_CPUS_MAX, 32, 2 * GICD_SIZE);
	walk(2, 1024, 2 * GICD_SIZE);
}

static void interrupts_1020_to_1023_do_not_exist(void **state)
{
	static const struct {
		u32 offset, ones;
	} rows[] = {
		{ GICD_IGROUPR + 124, 0x0fffffff }, { GICD_ISENABLER + 124, 0x0fffffff },
		{ GICD_ISPENDR + 124, 0x0fffffff }, { GICD_ISACTIVER + 124, 0x0fffffff },
		{ GICD_IPRIORITYR + 1020, 0 },      { GICD_IPRIORITYR + 1016, 0xf8f8f8f8 },
		{ GICD_ITARGETSR + 1020, 0 },       { GICD_ITARGETSR + 1016, 0x03030303 },
		{ GICD_ICFGR + 252, 0x00aaaaaa },
	};
	struct gic *g = gic_of(2, 1024);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		dist_set(g, 0, rows[i].offset, ~0u);
		if (dist(g, 0, rows[i].offset) != rows[i].ones)
			fail_msg("row %zu: %#x", i, dist(g, 0, rows[i].offset));
	}
	gic_destroy(g);
}

static void a_poke_does_to_what_is_not_mapped_what_a_write_does(void **state)
{
	struct gic *a = *state, *b = gic_of(CPUS, IRQS);
	struct gic_saved saved;
	u32 seed = 77;

	for (int i = 0; i < 4000; i++) {
		u32 cpu = next_random(&seed) % CPUS;
		u32 offset = next_random(&seed) % GICD_SIZE;
		u32 width = 1u << next_random(&seed) % 4;
		u32 value = next_random(&seed);

		gicd_write(a, cpu, offset & ~(width - 1), width, value);
		gicd_poke(b, cpu, offset & ~(width - 1), width, value);
	}
	gic_save(a, &saved);
	assert_same_state(b, &saved, "poking with seed", 77);
	gic_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_register_has_its_reset_value_and_its_writable_bits),
		cmocka_unit_test(the_type_says_how_many_interrupts_and_cpus_there_are),
		gic_test(a_set_register_sets_and_a_clear_register_clears_the_bits_that_are_written),
		cmocka_unit_test(private_interrupts_have_registers_for_each_cpu),
		gic_test(targets_of_private_interrupts_are_the_cpu_that_reads),
		gic_test(shared_interrupts_have_one_register_for_all_cpus),
		gic_test(bytes_are_read_and_written_where_a_register_has_one_for_each_interrupt),
		gic_test(a_write_is_cut_to_its_width),
		cmocka_unit_test(with_one_cpu_there_are_no_targets_and_its_is_every_interrupt),
		cmocka_unit_test(a_software_generated_interrupt_goes_where_its_filter_says),
		gic_test(an_sgi_is_pending_while_it_is_from_any_cpu),
		gic_test(pending_registers_say_latch_or_level),
		cmocka_unit_test(everything_else_is_raz_wi),
		cmocka_unit_test(interrupts_1020_to_1023_do_not_exist),
		gic_test(a_poke_does_to_what_is_not_mapped_what_a_write_does),
	};

	return cmocka_run_group_tests_name("gicd", tests, NULL, NULL);
}
