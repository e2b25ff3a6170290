/* SPDX-License-Identifier: MIT */
/* The CPU interface's registers, one by one. Preemption: test_gicc_priority.c. */
#include "tests/unit/gic_rig.h"

enum { SPURIOUS = 1023, GROUP1 = 1022 };

/* What a register reads after a reset, after a write of ones and then of zeros, seen by CPU 1. */
static void each_register_has_its_reset_value_and_its_writable_bits(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		u32 offset, reset, ones, zeros;
	} rows[] = {
		{ "CTLR",   0x000, 0, 0x21f, 0 },
		{ "PMR",    0x004, 0, 0xf8, 0 },
		{ "BPR",    0x008, 2, 7, 2 },
		{ "IAR",    0x00c, 1023, 1023, 1023 },
		{ "EOIR",   0x010, 0, 0, 0 },
		{ "RPR",    0x014, 0xff, 0xff, 0xff },
		{ "HPPIR",  0x018, 1023, 1023, 1023 },
		{ "ABPR",   0x01c, 3, 7, 3 },
		{ "AIAR",   0x020, 1023, 1023, 1023 },
		{ "AEOIR",  0x024, 0, 0, 0 },
		{ "AHPPIR", 0x028, 1023, 1023, 1023 },
		{ "APR0",   0x0d0, 0, ~0u, 0 },
		{ "APR1",   0x0d4, 0, 0, 0 },
		{ "APR3",   0x0dc, 0, 0, 0 },
		{ "NSAPR0", 0x0e0, 0, 0, 0 },
		{ "IIDR",   0x0fc, 0x05220000, 0x05220000, 0x05220000 },
		{ "DIR",    0x1000, 0, 0, 0 },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gic *g = gic_of(CPUS, IRQS);
		u32 reset = cpuif(g, 1, rows[i].offset);
		u32 ones;

		cpuif_set(g, 1, rows[i].offset, ~0u);
		ones = cpuif(g, 1, rows[i].offset);
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			if (cpu != 1)
				assert_int_equal(cpuif(g, cpu, rows[i].offset), reset);
		cpuif_set(g, 1, rows[i].offset, 0);
		if (reset != rows[i].reset || ones != rows[i].ones ||
		    cpuif(g, 1, rows[i].offset) != rows[i].zeros)
			fail_msg("%s: %#x, ones %#x, zeros %#x", rows[i].name, reset, ones,
			         cpuif(g, 1, rows[i].offset));
		gic_destroy(g);
	}
}

static void a_binary_point_has_three_bits_and_a_least_value(void **state)
{
	struct gic *g = *state;

	for (u32 value = 0; value < 16; value++) {
		u32 low = value & 7;

		cpuif_set(g, 0, GICC_BPR, value | 0xfffffff0);
		cpuif_set(g, 0, GICC_ABPR, value);
		assert_int_equal(cpuif(g, 0, GICC_BPR), low < 2 ? 2 : low);
		assert_int_equal(cpuif(g, 0, GICC_ABPR), low < 3 ? 3 : low);
	}
}

static bool is_register(u32 offset, u32 width)
{
	return width == 4 && offset % 4 == 0 &&
	       (offset < 0x2c || offset == GICC_APR || offset == GICC_IIDR || offset == GICC_DIR);
}

static void everything_else_is_raz_wi(void **state)
{
	enum { END = 4 * GICC_SIZE };
	struct gic *g = *state;
	struct gic_saved was;

	gic_on(g);
	gic_scramble(g, CPUS, IRQS, 0x7654321, 3000);
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		cpuif_set(g, cpu, GICC_APR, 0x80000000); /* otherwise the same is read as 0 */
	gic_save(g, &was);
	for (u32 n = 0; n < END; n++)
		for (u32 width = 1; width <= 8; width *= 2) {
			/* The interface, as much after it, and as much before the end. */
			u32 offset = n < END / 2 ? n : 0u - (END - n);

			if (is_register(offset, width))
				continue;
			if (gicc_read(g, n % CPUS, offset, width) != 0)
				fail_msg("%#x reads something with width %u", offset, width);
			gicc_write(g, n % CPUS, offset, width, ~0ull);
			gicc_write(g, n % CPUS, offset, width, 0);
			assert_same_state(g, &was, "the access to", offset);
		}
}

static void who_asks_for_which_group_sees_it(void **state)
{
	enum { G0 = 1, G1 = 2, BOTH = 3 };
	/* clang-format off */
	static const struct {
		u32 gicd, gicc;
		bool group1;
		u32 pmr;
		u32 iar, aiar, hppir, ahppir;
	} rows[] = {
		/* The group, and AckCtl */
		{ BOTH, BOTH,           false, 0xf8, SPI, SPURIOUS, SPI, SPURIOUS },
		{ BOTH, BOTH | ACK_CTL, false, 0xf8, SPI, SPURIOUS, SPI, SPURIOUS },
		{ BOTH, BOTH,           true,  0xf8, GROUP1, SPI, GROUP1, SPI },
		{ BOTH, BOTH | ACK_CTL, true,  0xf8, SPI, SPI, SPI, SPI },
		/* One of the groups is off in the CPU interface */
		{ BOTH, G1 | ACK_CTL,   false, 0xf8, SPURIOUS, SPURIOUS, SPURIOUS, SPURIOUS },
		{ BOTH, G0,             false, 0xf8, SPI, SPURIOUS, SPI, SPURIOUS },
		{ BOTH, G0,             true,  0xf8, SPURIOUS, SPURIOUS, SPURIOUS, SPURIOUS },
		{ BOTH, G1,             true,  0xf8, GROUP1, SPI, GROUP1, SPI },
		{ BOTH, G1 | ACK_CTL,   true,  0xf8, SPI, SPI, SPI, SPI },
		/* ... or in the distributor */
		{ G1, BOTH | ACK_CTL,   false, 0xf8, SPURIOUS, SPURIOUS, SPURIOUS, SPURIOUS },
		{ G0, BOTH,             false, 0xf8, SPI, SPURIOUS, SPI, SPURIOUS },
		{ G0, BOTH | ACK_CTL,   true,  0xf8, SPURIOUS, SPURIOUS, SPURIOUS, SPURIOUS },
		{ G1, BOTH,             true,  0xf8, GROUP1, SPI, GROUP1, SPI },
		{ 0, BOTH,              false, 0xf8, SPURIOUS, SPURIOUS, SPURIOUS, SPURIOUS },
		/* The mask does not hide it from GICC_HPPIR */
		{ BOTH, BOTH,           false, 0x40, SPURIOUS, SPURIOUS, SPI, SPURIOUS },
		{ BOTH, BOTH,           true,  0x40, SPURIOUS, SPURIOUS, GROUP1, SPI },
		{ BOTH, BOTH | ACK_CTL, true,  0x40, SPURIOUS, SPURIOUS, SPI, SPI },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int alias = 0; alias < 2; alias++) {
			struct gic *g = gic_of(CPUS, IRQS);
			u32 iar, hppir;

			dist_set(g, 0, GICD_CTLR, rows[i].gicd);
			cpuif_set(g, 0, GICC_CTLR, rows[i].gicc);
			cpuif_set(g, 0, GICC_PMR, rows[i].pmr);
			irq_pend(g, SPI, 0x40, rows[i].group1);
			hppir = cpuif(g, 0, alias ? GICC_AHPPIR : GICC_HPPIR);
			iar = cpuif(g, 0, alias ? GICC_AIAR : GICC_IAR);
			if (iar != (alias ? rows[i].aiar : rows[i].iar) ||
			    hppir != (alias ? rows[i].ahppir : rows[i].hppir))
				fail_msg("row %zu, alias %d: IAR %u, HPPIR %u", i, alias, iar,
				         hppir);
			/* Only an acknowledgement has done something. */
			assert_int_equal(irq_bit(g, 0, GICD_ISACTIVER, SPI), iar == SPI);
			assert_int_equal(irq_bit(g, 0, GICD_ISPENDR, SPI), iar != SPI);
			assert_int_equal(cpuif(g, 0, GICC_RPR), iar == SPI ? 0x40 : 0xff);
			gic_destroy(g);
		}
}

static void group_0_is_an_fiq_where_it_is_asked_for(void **state)
{
	static const struct {
		u32 gicc;
		bool group1;
		u32 out;
	} rows[] = {
		{ ENABLE_GRP0, false, GIC_OUT_IRQ },
		{ ENABLE_GRP0 | FIQ_EN, false, GIC_OUT_FIQ },
		{ ENABLE_GRP1, true, GIC_OUT_IRQ },
		{ ENABLE_GRP1 | FIQ_EN, true, GIC_OUT_IRQ },
		{ ENABLE_GRP1 | FIQ_EN, false, 0 },
		{ ENABLE_GRP0 | FIQ_EN, true, 0 },
		{ FIQ_EN, false, 0 },
	};
	struct gic *g = *state;

	gic_on(g);
	irq_pend(g, SPI, 0x40, false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		irq_set_group1(g, 0, SPI, rows[i].group1);
		cpuif_set(g, 0, GICC_CTLR, rows[i].gicc);
		if (gic_output(g, 0) != rows[i].out)
			fail_msg("row %zu: %u", i, gic_output(g, 0));
	}
}

static void ends_drop_the_priority_and_deactivate(void **state)
{
	enum { SPLIT = EOI_MODE | ENABLE_GRP1 | ENABLE_GRP0, JOINED = ENABLE_GRP1 | ENABLE_GRP0 };
	static const struct {
		u32 gicc, offset, value;
		bool group1;
		bool drops, deactivates;
	} rows[] = {
		{ JOINED, GICC_EOIR, SPI, false, true, true },
		{ JOINED, GICC_EOIR, SPI, true, true, true }, /* AckCtl does not matter here */
		{ JOINED | ACK_CTL, GICC_EOIR, SPI, true, true, true },
		{ JOINED, GICC_AEOIR, SPI, true, true, true },
		{ JOINED, GICC_AEOIR, SPI, false, false, false },
		{ JOINED | ACK_CTL, GICC_AEOIR, SPI, false, false, false },
		{ JOINED, GICC_DIR, SPI, false, false, false },
		{ SPLIT, GICC_EOIR, SPI, false, true, false },
		{ SPLIT, GICC_EOIR, SPI, true, true, false },
		{ SPLIT, GICC_AEOIR, SPI, true, true, false },
		{ SPLIT, GICC_AEOIR, SPI, false, false, false },
		{ SPLIT, GICC_DIR, SPI, false, false, true },
		{ SPLIT, GICC_DIR, SPI, true, false, true },
		/* The source CPU's field, and what is above it, is not looked at. */
		{ JOINED, GICC_EOIR, SPI | 7 << 10, false, true, true },
		{ JOINED, GICC_EOIR, SPI | ~0x1fffu, false, true, true },
		{ SPLIT, GICC_DIR, SPI | 5 << 10, false, false, true },
		/* Another interrupt; and there are none with these IDs. */
		{ JOINED, GICC_EOIR, SPI2, false, true, false },
		{ JOINED, GICC_EOIR, 0, false, true, false },
		{ JOINED, GICC_EOIR, IRQS - 1, false, true, false },
		{ JOINED, GICC_EOIR, IRQS, false, false, false },
		{ JOINED, GICC_EOIR, 1020, false, false, false },
		{ JOINED, GICC_EOIR, 1022, true, false, false },
		{ JOINED, GICC_EOIR, 1023, false, false, false },
		{ JOINED, GICC_AEOIR, 1023, true, false, false },
		{ SPLIT, GICC_DIR, SPI2, false, false, false },
		{ SPLIT, GICC_DIR, 1023, false, false, false },
		{ SPLIT, GICC_DIR, IRQS, false, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gic *g = gic_of(CPUS, IRQS);

		gic_on(g);
		irq_pend(g, SPI, 0x40, rows[i].group1);
		assert_int_equal(cpuif(g, 0, rows[i].group1 ? GICC_AIAR : GICC_IAR), SPI);
		cpuif_set(g, 0, GICC_CTLR, rows[i].gicc);
		cpuif_set(g, 0, rows[i].offset, rows[i].value);
		if ((cpuif(g, 0, GICC_RPR) == 0xff) != rows[i].drops ||
		    irq_bit(g, 0, GICD_ISACTIVER, SPI) == rows[i].deactivates)
			fail_msg("row %zu: RPR %#x, active %d", i, cpuif(g, 0, GICC_RPR),
			         irq_bit(g, 0, GICD_ISACTIVER, SPI));
		gic_destroy(g);
	}
}

static void an_end_is_for_the_bank_of_who_writes_it(void **state)
{
	static const struct {
		u32 gicc, offset;
	} rows[] = { { 0, GICC_EOIR }, { EOI_MODE, GICC_DIR } };
	struct gic *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (u32 cpu = 0; cpu < CPUS; cpu++) {
			cpuif_set(g, cpu, GICC_CTLR, rows[i].gicc);
			irq_write(g, cpu, GICD_ISACTIVER, PPI);
		}
		irq_write(g, 0, GICD_ISACTIVER, SPI);
		cpuif_set(g, 2, rows[i].offset, PPI);
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			assert_int_equal(irq_bit(g, cpu, GICD_ISACTIVER, PPI), cpu != 2);
		cpuif_set(g, 3, rows[i].offset, SPI); /* and any CPU may end an SPI */
		assert_false(irq_bit(g, 0, GICD_ISACTIVER, SPI));
	}
}

static void a_level_that_has_gone_is_spurious(void **state)
{
	struct gic *g = *state;
	struct gic_saved was;

	gic_on(g);
	irq_on(g, 0, SPI, 1, 0x40);
	gic_set_line(g, 0, SPI, true);
	assert_int_equal(gic_output(g, 0), GIC_OUT_IRQ);
	gic_set_line(g, 0, SPI, false);
	gic_save(g, &was);
	assert_int_equal(cpuif(g, 0, GICC_IAR), SPURIOUS);
	assert_same_state(g, &was, "GICC_IAR, with", SPURIOUS);
}

static void an_spi_for_several_cpus_is_taken_by_the_first(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	irq_on(g, 0, SPI, 0x6, 0x40);
	irq_write(g, 3, GICD_ISPENDR, SPI);
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		assert_int_equal(gic_output(g, cpu), cpu == 1 || cpu == 2 ? GIC_OUT_IRQ : 0);
	assert_int_equal(cpuif(g, 0, GICC_IAR), SPURIOUS); /* no target */
	assert_int_equal(cpuif(g, 2, GICC_HPPIR), SPI);
	assert_int_equal(cpuif(g, 2, GICC_IAR), SPI);
	assert_int_equal(gic_output(g, 1), 0);
	assert_int_equal(cpuif(g, 1, GICC_HPPIR), SPURIOUS);
	assert_int_equal(cpuif(g, 1, GICC_IAR), SPURIOUS);
	assert_int_equal(cpuif(g, 1, GICC_RPR), 0xff);
	cpuif_set(g, 2, GICC_EOIR, SPI);
	assert_int_equal(cpuif(g, 1, GICC_IAR), SPURIOUS);
}

static void an_sgi_is_taken_once_for_each_sender_the_lowest_first(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	for (u32 cpu = CPUS; cpu-- > 1;)
		dist_set(g, cpu, GICD_SGIR, 1 << 16 | 9);
	for (u32 cpu = 1; cpu < CPUS; cpu++) {
		u32 rest = cpu + 1 < CPUS ? (cpu + 1) << 10 | 9 : SPURIOUS;

		assert_int_equal(cpuif(g, 0, GICC_HPPIR), cpu << 10 | 9);
		assert_int_equal(cpuif(g, 0, GICC_IAR), cpu << 10 | 9);
		/* From the others it is pending, and waits for the end of the first. */
		assert_int_equal(irq_bit(g, 0, GICD_ISPENDR, 9), cpu + 1 < CPUS);
		assert_int_equal(cpuif(g, 0, GICC_IAR), SPURIOUS);
		cpuif_set(g, 0, GICC_EOIR, cpu << 10 | 9);
		assert_int_equal(cpuif(g, 0, GICC_HPPIR), rest);
	}
}

static void alias_registers_name_an_sgis_sender(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	irq_set_group1(g, 1, 3, true);
	dist_set(g, 3, GICD_SGIR, 2 << 16 | 3);
	assert_int_equal(cpuif(g, 1, GICC_AHPPIR), 3 << 10 | 3);
	assert_int_equal(cpuif(g, 1, GICC_AIAR), 3 << 10 | 3);
	cpuif_set(g, 1, GICC_AEOIR, 3 << 10 | 3);
	assert_int_equal(cpuif(g, 1, GICC_RPR), 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_register_has_its_reset_value_and_its_writable_bits),
		gic_test(a_binary_point_has_three_bits_and_a_least_value),
		gic_test(everything_else_is_raz_wi),
		cmocka_unit_test(who_asks_for_which_group_sees_it),
		gic_test(group_0_is_an_fiq_where_it_is_asked_for),
		cmocka_unit_test(ends_drop_the_priority_and_deactivate),
		gic_test(an_end_is_for_the_bank_of_who_writes_it),
		gic_test(a_level_that_has_gone_is_spurious),
		gic_test(an_spi_for_several_cpus_is_taken_by_the_first),
		gic_test(an_sgi_is_taken_once_for_each_sender_the_lowest_first),
		gic_test(alias_registers_name_an_sgis_sender),
	};

	return cmocka_run_group_tests_name("gicc", tests, NULL, NULL);
}
