/* SPDX-License-Identifier: MIT */
/* Which interrupt a CPU is told of and how, wires, and the reset. States: test_gic_states.c. */
#include "tests/unit/gic_rig.h"

#include <errno.h>

static void the_highest_priority_is_first_and_then_the_lowest_id(void **state)
{
	static const struct {
		u32 intid, priority;
		bool group1;
	} rows[] = {
		{ 90, 0x00, true },   { 33, 0x08, false }, { 20, 0x40, true },
		{ 40, 0x40, false },  { 64, 0x40, true },  { 65, 0x40, true },
		{ 127, 0x40, false }, { 31, 0x48, false }, { 32, 0xf0, true },
	};
	struct gic *g = *state;

	gic_on(g);
	cpuif_set(g, 1, GICC_CTLR, ENABLE_GRP0 | ENABLE_GRP1 | ACK_CTL);
	for (size_t i = ARRAY_SIZE(rows); i-- > 0;) {
		irq_set_group1(g, 1, rows[i].intid, rows[i].group1);
		irq_on(g, 1, rows[i].intid, 2, rows[i].priority);
		irq_write(g, 1, GICD_ISPENDR, rows[i].intid);
		assert_int_equal(cpuif(g, 1, GICC_HPPIR), rows[i].intid);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(cpuif(g, 1, GICC_IAR), rows[i].intid);
		cpuif_set(g, 1, GICC_EOIR, rows[i].intid);
	}
	assert_int_equal(cpuif(g, 1, GICC_IAR), GIC_SPURIOUS);
}

static void a_change_of_priority_group_or_target_is_seen_at_once(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	irq_on(g, 0, SPI, 1, 0x40);
	irq_on(g, 0, SPI2, 1, 0x48);
	irq_write(g, 0, GICD_ISPENDR, SPI);
	irq_write(g, 0, GICD_ISPENDR, SPI2);
	assert_int_equal(cpuif(g, 0, GICC_HPPIR), SPI);
	irq_set_priority(g, 0, SPI2, 0x38);
	assert_int_equal(cpuif(g, 0, GICC_HPPIR), SPI2);
	irq_set_group1(g, 0, SPI2, true);
	assert_int_equal(cpuif(g, 0, GICC_HPPIR), GIC_SPURIOUS_GROUP1);
	irq_set_targets(g, SPI2, 0xc);
	assert_int_equal(cpuif(g, 0, GICC_HPPIR), SPI);
	assert_int_equal(cpuif(g, 2, GICC_AHPPIR), SPI2);
	assert_int_equal(gic_take_changed(g), 0xd);
	irq_set_priority(g, 0, SPI, 0xf8);
	assert_int_equal(gic_output(g, 0), 0);
	irq_set_targets(g, SPI2, 0);
	assert_int_equal(gic_take_changed(g), 0xd);
	assert_int_equal(cpuif(g, 3, GICC_AHPPIR), GIC_SPURIOUS);
}

static void a_group_that_the_distributor_holds_back_does_not_hide_the_other(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	irq_on(g, 0, SPI, 1, 0x10);
	irq_on(g, 0, SPI2, 1, 0x20);
	irq_set_group1(g, 0, SPI2, true);
	irq_write(g, 0, GICD_ISPENDR, SPI);
	irq_write(g, 0, GICD_ISPENDR, SPI2);
	dist_set(g, 0, GICD_CTLR, ENABLE_GRP1);
	assert_int_equal(cpuif(g, 0, GICC_AHPPIR), SPI2);
	dist_set(g, 0, GICD_CTLR, ENABLE_GRP0 | ENABLE_GRP1);
	/* In the CPU interface it does: the highest is looked for first. */
	cpuif_set(g, 0, GICC_CTLR, ENABLE_GRP1);
	assert_int_equal(gic_output(g, 0), 0);
	assert_int_equal(cpuif(g, 0, GICC_AIAR), GIC_SPURIOUS);
}

static void every_gate_on_the_way_to_a_cpu_changes_its_output(void **state)
{
	/* clang-format off */
	static const struct {
		bool group1;
		bool cpuif;
		u32 offset, shut, open;
	} rows[] = {
		{ false, false, GICD_CTLR, 0, 1 },
		{ false, false, GICD_CTLR, 2, 3 },
		{ false, true,  GICC_CTLR, 0, 1 },
		{ false, true,  GICC_CTLR, 0x21e, 3 },
		{ false, true,  GICC_PMR,  0x40, 0x48 },
		{ false, true,  GICC_APR,  1u << 8, 0 },
		{ false, true,  GICC_APR,  1, 1u << 10 },
		/* From here on what runs is 0x50: only some of its bits count. */
		{ false, true,  GICC_BPR,  4, 3 },
		{ true,  false, GICD_CTLR, 1, 3 },
		{ true,  true,  GICC_CTLR, 1, 3 },
		{ true,  true,  GICC_ABPR, 5, 4 },
		{ true,  true,  GICC_BPR,  7, 7 }, /* not for group 1 */
		{ true,  true,  GICC_CTLR, 3 | CBPR, 3 },
	};
	/* clang-format on */
	struct gic *g = *state;

	gic_on(g);
	irq_on(g, 0, SPI, 1, 0x40);
	irq_write(g, 0, GICD_ISPENDR, SPI);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int open = 0; open < 2; open++) {
			bool works = rows[i].open != rows[i].shut;

			irq_set_group1(g, 0, SPI, rows[i].group1);
			(void)gic_take_changed(g);
			(rows[i].cpuif ? cpuif_set : dist_set)(g, 0, rows[i].offset,
			                                       open ? rows[i].open : rows[i].shut);
			if (gic_output(g, 0) != (open || !works ? GIC_OUT_IRQ : 0) ||
			    gic_take_changed(g) != works)
				fail_msg("row %zu, open %d: %u", i, open, gic_output(g, 0));
		}
}

static void what_wakes_a_cpu_need_not_be_let_through_to_it(void **state)
{
	/* clang-format off */
	static const struct {
		bool cpuif;
		u32 offset, value, back;
		bool wakes;
	} rows[] = {
		{ true,  GICC_CTLR, 0,    1,    true },
		{ true,  GICC_PMR,  0,    0xf8, true },
		{ true,  GICC_APR,  1,    0,    false },
		{ true,  GICC_APR,  1u << 31, 0, false },
		{ false, GICD_CTLR, 0,    1,    false },
	};
	/* clang-format on */
	struct gic *g = *state;

	gic_on(g);
	cpuif_set(g, 0, GICC_PMR, 0xf8);
	assert_false(gic_wakes(g, 0));
	irq_on(g, 0, SPI, 1, 0x40);
	irq_write(g, 0, GICD_ISPENDR, SPI);
	assert_true(gic_wakes(g, 0));
	assert_false(gic_wakes(g, 1));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(rows[i].cpuif ? cpuif_set : dist_set)(g, 0, rows[i].offset, rows[i].value);
		if (gic_wakes(g, 0) != rows[i].wakes)
			fail_msg("row %zu: %d", i, gic_wakes(g, 0));
		(rows[i].cpuif ? cpuif_set : dist_set)(g, 0, rows[i].offset, rows[i].back);
		assert_true(gic_wakes(g, 0));
	}
	irq_write(g, 0, GICD_ICENABLER, SPI);
	assert_false(gic_wakes(g, 0));
}

static void group_0_can_move_from_one_wire_to_the_other(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	irq_on(g, 0, SPI, 1, 0x40);
	irq_write(g, 0, GICD_ISPENDR, SPI);
	(void)gic_take_changed(g);
	cpuif_set(g, 0, GICC_CTLR, ENABLE_GRP0 | FIQ_EN);
	assert_int_equal(gic_take_changed(g), 1);
	assert_int_equal(gic_output(g, 0), GIC_OUT_FIQ);
}

static void each_change_of_an_output_is_told_once(void **state)
{
	struct gic *g = *state;

	assert_int_equal(gic_take_changed(g), 0); /* since it was made */
	gic_on(g);
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		irq_on(g, cpu, PPI, 0, 0x40);
	gic_set_line(g, 1, PPI, true);
	gic_set_line(g, 3, PPI, true);
	assert_int_equal(gic_take_changed(g), 0xa);
	assert_int_equal(gic_take_changed(g), 0);
	gic_set_line(g, 3, PPI, true); /* it is high already */
	assert_int_equal(gic_take_changed(g), 0);
	dist_set(g, 0, GICD_CTLR, 0); /* for all CPUs */
	assert_int_equal(gic_take_changed(g), 0xa);
	dist_set(g, 0, GICD_CTLR, 1);
	assert_int_equal(gic_take_changed(g), 0xa);
	gic_set_line(g, 3, PPI, false);
	assert_int_equal(gic_take_changed(g), 8);
}

static void lines_that_do_not_exist_are_ignored(void **state)
{
	static const struct {
		u32 cpu, intid;
	} rows[] = {
		{ 0, 0 },
		{ 0, 15 },
		{ CPUS, 16 },
		{ CPUS, 31 },
		{ 7, PPI },
		{ 8, PPI },
		{ 0xffffffff, 31 },
		{ 0, IRQS },
		{ 0, 1019 },
		{ 0, 1020 },
		{ 0, 1023 },
		{ 0, 1024 },
		{ CPUS, 15 },
		{ 0, 0x8000 },
		{ 0, 0xffffffff },
		{ 0xffffffff, 0xffffffff },
		{ 0, 0x10000 | PPI },
	};
	struct gic *g = *state;
	struct gic_saved was;

	gic_on(g);
	gic_save(g, &was);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int down = 0; down < 2; down++) {
			gic_set_line(g, rows[i].cpu, rows[i].intid, !down);
			assert_same_state(g, &was, "the line of row", (u32)i);
		}
	gic_set_line(g, 0xffffffff, SPI, true); /* whose CPU does not matter */
	assert_true(irq_bit(g, 0, GICD_ISPENDR, SPI));
}

static void a_reset_leaves_nothing_but_the_wires(void **state)
{
	for (u32 seed = 1; seed <= 50; seed++) {
		struct gic *g = gic_of(CPUS, IRQS), *fresh = gic_of(CPUS, IRQS);
		struct gic_saved saved;
		u32 outputs = 0;

		gic_on(g);
		gic_scramble(g, CPUS, IRQS, seed * 0x9e3779b9, 1000);
		gic_save(g, &saved);
		for (u32 cpu = 0; cpu < CPUS; cpu++) {
			for (u32 i = 16; i < GIC_NR_PRIVATE; i++)
				gic_set_line(fresh, cpu, i,
				             saved.cpu[cpu].irq[i].flags & GIC_SAVED_LINE);
			outputs |= gic_output(g, cpu) ? 1u << cpu : 0;
		}
		for (u32 i = 0; i < IRQS - GIC_NR_PRIVATE; i++)
			gic_set_line(fresh, 0, i + GIC_NR_PRIVATE,
			             saved.spi[i].flags & GIC_SAVED_LINE);
		(void)gic_take_changed(g);
		gic_reset(g);
		gic_save(fresh, &saved);
		assert_same_state(g, &saved, "beside the wires, the guest of seed", seed);
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			assert_int_equal(gic_output(g, cpu), 0);
		assert_int_equal(gic_take_changed(g) & outputs, outputs);

		/* And nothing is left in any cache: from here on both are the same. */
		gic_on(g);
		gic_on(fresh);
		gic_scramble(g, CPUS, IRQS, seed, 300);
		gic_scramble(fresh, CPUS, IRQS, seed, 300);
		gic_save(fresh, &saved);
		assert_same_state(g, &saved, "once more, the guest of seed", seed);
		gic_destroy(fresh);
		gic_destroy(g);
	}
}

static void a_level_that_stayed_high_over_a_reset_is_pending_after_it(void **state)
{
	struct gic *g = *state;

	irq_set_edge(g, SPI2, true);
	gic_set_line(g, 0, SPI, true);
	gic_set_line(g, 0, SPI2, true);
	gic_set_line(g, 1, PPI, true);
	gic_reset(g);
	assert_true(irq_bit(g, 0, GICD_ISPENDR, SPI));
	assert_true(irq_bit(g, 1, GICD_ISPENDR, PPI));
	irq_set_edge(g, SPI2, true); /* it had an edge, and that was before */
	assert_false(irq_bit(g, 0, GICD_ISPENDR, SPI2));
	gic_set_line(g, 0, SPI2, true);
	assert_false(irq_bit(g, 0, GICD_ISPENDR, SPI2));
}

static void numbers_out_of_range_make_no_gic(void **state)
{
	static const struct gic_config rows[] = {
		{ 0, 64 }, { 9, 64 },   { 0xffffffff, 64 }, { 1, 0 },
		{ 1, 31 }, { 1, 33 },   { 1, 1020 },        { 1, 1056 },
		{ 1, 48 }, { 8, 2048 }, { 1, 0xffffffe0 },
	};
	struct gic *const untouched = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gic *g = untouched;

		if (gic_create(&rows[i], &g) != -EINVAL || g != untouched)
			fail_msg("row %zu", i);
	}
	gic_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		gic_test(the_highest_priority_is_first_and_then_the_lowest_id),
		gic_test(a_change_of_priority_group_or_target_is_seen_at_once),
		gic_test(a_group_that_the_distributor_holds_back_does_not_hide_the_other),
		gic_test(every_gate_on_the_way_to_a_cpu_changes_its_output),
		gic_test(what_wakes_a_cpu_need_not_be_let_through_to_it),
		gic_test(group_0_can_move_from_one_wire_to_the_other),
		gic_test(each_change_of_an_output_is_told_once),
		gic_test(lines_that_do_not_exist_are_ignored),
		cmocka_unit_test(a_reset_leaves_nothing_but_the_wires),
		gic_test(a_level_that_stayed_high_over_a_reset_is_pending_after_it),
		gic_test(numbers_out_of_range_make_no_gic),
	};

	return cmocka_run_group_tests_name("gic", tests, NULL, NULL);
}
