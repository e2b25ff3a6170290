/* SPDX-License-Identifier: MIT */
/* Priorities at a CPU interface: grouping, mask, preemption, what is active. */
#include "tests/unit/gic_rig.h"

/* The bits of a priority that are compared: IHI 0048B.b 3.3.2. */
static const struct {
	bool group1;
	bool cbpr;
	u32 bpr, abpr;
	u32 mask;
} groupings[] = {
	{ false, false, 2, 7, 0xf8 }, { false, false, 3, 7, 0xf0 }, { false, false, 4, 3, 0xe0 },
	{ false, false, 5, 3, 0xc0 }, { false, false, 6, 3, 0x80 }, { false, false, 7, 3, 0x00 },
	{ true, false, 7, 3, 0xf8 },  { true, false, 7, 4, 0xf0 },  { true, false, 2, 5, 0xe0 },
	{ true, false, 2, 6, 0xc0 },  { true, false, 2, 7, 0x80 },  { true, true, 2, 7, 0xf8 },
	{ true, true, 3, 7, 0xf0 },   { true, true, 4, 3, 0xe0 },   { true, true, 5, 3, 0xc0 },
	{ true, true, 6, 3, 0x80 },   { true, true, 7, 3, 0x00 },   { false, true, 3, 7, 0xf0 },
	{ false, true, 7, 3, 0x00 },
};

static void who_preempts_is_decided_by_the_group_part_of_priorities(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	for (size_t i = 0; i < ARRAY_SIZE(groupings); i++) {
		u32 mask = groupings[i].mask;

		cpuif_set(g, 0, GICC_CTLR,
		          ENABLE_GRP0 | ENABLE_GRP1 | (groupings[i].cbpr ? CBPR : 0));
		cpuif_set(g, 0, GICC_BPR, groupings[i].bpr);
		cpuif_set(g, 0, GICC_ABPR, groupings[i].abpr);
		for (u32 n = 0; n < 31 * 32; n++) {
			u32 priority = n % 31 << 3, running = n / 31 << 3;

			irq_pend(g, SPI, priority, groupings[i].group1);
			cpuif_set(g, 0, GICC_APR, 1u << (running >> 3));
			assert_int_equal(cpuif(g, 0, GICC_RPR), running);
			if ((gic_output(g, 0) != 0) != ((priority & mask) < (running & mask)))
				fail_msg("row %zu: %#x while %#x: %u", i, priority, running,
				         gic_output(g, 0));
		}
	}
}

static void the_group_part_of_a_priority_is_what_runs_after_it_is_acknowledged(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	for (size_t i = 0; i < ARRAY_SIZE(groupings); i++) {
		cpuif_set(g, 0, GICC_CTLR,
		          ENABLE_GRP0 | ENABLE_GRP1 | (groupings[i].cbpr ? CBPR : 0));
		cpuif_set(g, 0, GICC_BPR, groupings[i].bpr);
		cpuif_set(g, 0, GICC_ABPR, groupings[i].abpr);
		for (u32 priority = 0; priority < 0xf8; priority += 8) {
			u32 part = priority & groupings[i].mask;

			irq_pend(g, SPI, priority, groupings[i].group1);
			(void)cpuif(g, 0, groupings[i].group1 ? GICC_AIAR : GICC_IAR);
			if (cpuif(g, 0, GICC_APR) != 1u << (part >> 3) ||
			    cpuif(g, 0, GICC_RPR) != part)
				fail_msg("row %zu, %#x: %#x", i, priority, cpuif(g, 0, GICC_APR));
			cpuif_set(g, 0, GICC_EOIR, SPI);
			assert_int_equal(cpuif(g, 0, GICC_APR), 0);
		}
	}
}

static void the_mask_lets_only_higher_priorities_through(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	for (u32 mask = 0; mask <= 0xff; mask++)
		for (u32 priority = 0; priority <= 0xf8; priority += 8) {
			bool through = priority < (mask & 0xf8);

			cpuif_set(g, 0, GICC_PMR, mask | 0xffffff00);
			irq_pend(g, SPI, priority, false);
			if (gic_output(g, 0) != (through ? GIC_OUT_IRQ : 0))
				fail_msg("%#x through %#x: %u", priority, mask, gic_output(g, 0));
		}
}

static void preempted_interrupts_come_back_in_reverse_order(void **state)
{
	static const u32 intids[] = { SPI, 7, PPI }, priorities[] = { 0xa0, 0x60, 0x20 };
	static const u32 running[] = { 0xff, 0xa0, 0x60, 0x20 };
	struct gic *g = *state;

	gic_on(g);
	irq_on(g, 0, SPI2, 1, 0x60); /* as urgent as the second: it has to wait */
	for (u32 i = 0; i < 3; i++) {
		irq_on(g, 0, intids[i], 1, priorities[i]);
		if (intids[i] < GIC_NR_SGIS)
			dist_set(g, 2, GICD_SGIR, 1 << 16 | intids[i]);
		irq_write(g, 0, GICD_ISPENDR, intids[i]);
		assert_int_equal(gic_output(g, 0), GIC_OUT_IRQ);
		assert_int_equal(cpuif(g, 0, GICC_IAR),
		                 intids[i] | (intids[i] < GIC_NR_SGIS ? 2 << 10 : 0));
		assert_int_equal(cpuif(g, 0, GICC_RPR), running[i + 1]);
		assert_int_equal(gic_output(g, 0), 0);
		irq_write(g, 0, GICD_ISPENDR, SPI2);
		assert_int_equal(gic_output(g, 0), i == 0 ? GIC_OUT_IRQ : 0);
		irq_write(g, 0, GICD_ICPENDR, SPI2);
	}
	assert_int_equal(cpuif(g, 0, GICC_APR), 1u << 20 | 1u << 12 | 1u << 4);
	irq_write(g, 0, GICD_ISPENDR, SPI2);
	for (u32 i = 3; i-- > 0;) {
		cpuif_set(g, 0, GICC_EOIR, intids[i]);
		assert_int_equal(cpuif(g, 0, GICC_RPR), running[i]);
		assert_int_equal(gic_output(g, 0), i <= 1 ? GIC_OUT_IRQ : 0);
		assert_false(irq_bit(g, 0, GICD_ISACTIVER, intids[i]));
	}
	assert_int_equal(cpuif(g, 0, GICC_IAR), SPI2);
}

static void a_priority_that_dropped_lets_the_next_in_while_the_first_is_active(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	cpuif_set(g, 0, GICC_CTLR, ENABLE_GRP0 | EOI_MODE);
	irq_pend(g, SPI, 0x40, false);
	assert_int_equal(cpuif(g, 0, GICC_IAR), SPI);
	irq_pend(g, SPI2, 0x40, false);
	irq_pend(g, SPI, 0x40, false);
	assert_int_equal(gic_output(g, 0), 0);
	cpuif_set(g, 0, GICC_EOIR, SPI);
	assert_int_equal(cpuif(g, 0, GICC_IAR), SPI2); /* not SPI: it is active */
	cpuif_set(g, 0, GICC_EOIR, SPI2);
	assert_int_equal(cpuif(g, 0, GICC_IAR), GIC_SPURIOUS);
	cpuif_set(g, 0, GICC_DIR, SPI);
	assert_int_equal(cpuif(g, 0, GICC_IAR), SPI);
	assert_true(irq_bit(g, 0, GICD_ISACTIVER, SPI2));
}

static void active_priorities_can_be_put_back(void **state)
{
	static const struct {
		u32 apr, rpr, next; /* after an end */
	} rows[] = {
		{ 0, 0xff, 0 },
		{ 1, 0x00, 0 },
		{ 0x80000000, 0xf8, 0 },
		{ 0x00110020, 0x28, 0x00110000 },
		{ 0xffffffff, 0x00, 0xfffffffe },
	};
	struct gic *g = *state;

	gic_on(g);
	irq_pend(g, SPI, 0x28, false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cpuif_set(g, 0, GICC_APR, rows[i].apr);
		assert_int_equal(cpuif(g, 0, GICC_RPR), rows[i].rpr);
		assert_int_equal(gic_output(g, 0), rows[i].rpr > 0x28 ? GIC_OUT_IRQ : 0);
		cpuif_set(g, 0, GICC_EOIR, PPI); /* none that is active */
		assert_int_equal(cpuif(g, 0, GICC_APR), rows[i].next);
		assert_int_equal(gic_output(g, 0), rows[i].next & 0x3f ? 0 : GIC_OUT_IRQ);
		assert_int_equal(cpuif(g, 1, GICC_APR), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		gic_test(who_preempts_is_decided_by_the_group_part_of_priorities),
		gic_test(the_group_part_of_a_priority_is_what_runs_after_it_is_acknowledged),
		gic_test(the_mask_lets_only_higher_priorities_through),
		gic_test(preempted_interrupts_come_back_in_reverse_order),
		gic_test(a_priority_that_dropped_lets_the_next_in_while_the_first_is_active),
		gic_test(active_priorities_can_be_put_back),
	};

	return cmocka_run_group_tests_name("gicc_priority", tests, NULL, NULL);
}
