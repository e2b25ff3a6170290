/* SPDX-License-Identifier: MIT */
/*
 * vCPUs and the interrupt controller that is ours, the way in: the guest's
 * accesses, and the levels of the interrupts that KVM raises itself.
 */
#include "tests/unit/vcpu_lines_rig.h"

/* One way to come back from KVM_RUN, and the first thing seen after it has been dealt with. */
struct way_back {
	struct rig_exit e;
	enum rig_what then;
};

static void comes_back(void **state, const struct way_back *w, u32 row, u32 input, bool rises)
{
	struct rig_exit before = { .err = -EINTR, .reason = KVM_EXIT_INTR };
	struct rig_exit e = w->e;
	struct rig *k;

	rig_gic_again(state);
	k = *state;
	if (rises) {
		e.rise = inputs[input].bit;
	} else {
		before.rise = inputs[input].bit;
		e.fall = inputs[input].bit;
	}
	rig_push(k, 0, &before);
	rig_push(k, 0, &e);
	rig_start(k, 0);
	(void)rig_wait(k, 0, w->then, 1);
	/* Now, and not when it comes back the next time. */
	if (rig_is_pending(k, 0, inputs[input].intid) != rises)
		fail_msg("row %u: interrupt %u is %spending", row, inputs[input].intid,
		         rises ? "not " : "still ");
	rig_stop(k);
	/* After an error the exit is an old one. */
	if (e.err < 0 && rig_count(k, 0, RIG_COMPLETE) + rig_count(k, 0, RIG_ANSWER))
		fail_msg("row %u: an exit was answered that was none", row);
}

static void levels_are_sampled_whatever_KVM_RUN_comes_back_with(void **state)
{
	static const struct way_back rows[] = {
		{ { .err = -EINTR, .reason = KVM_EXIT_INTR }, RIG_INSIDE },
		{ { .err = -EINTR, .reason = KVM_EXIT_MMIO, .gpa = RIG_DEVICE, .len = 4 },
		  RIG_INSIDE },
		{ { .err = -EINTR, .reason = KVM_EXIT_HYPERCALL, .fid = CALL_VERSION },
		  RIG_INSIDE },
		{ { .err = -EINTR,
		    .reason = KVM_EXIT_SYSTEM_EVENT,
		    .event = KVM_SYSTEM_EVENT_CRASH },
		  RIG_INSIDE },
		{ { .err = -EAGAIN }, RIG_INSIDE },
		{ { .reason = KVM_EXIT_INTR }, RIG_INSIDE },
		{ { .reason = KVM_EXIT_MMIO, .gpa = RIG_DEVICE, .len = 4 }, RIG_INSIDE },
		{ { .reason = KVM_EXIT_MMIO, .gpa = RIG_DEVICE, .len = 4, .write = true },
		  RIG_INSIDE },
		{ { .reason = KVM_EXIT_HYPERCALL, .fid = CALL_VERSION }, RIG_INSIDE },
		{ { .reason = KVM_EXIT_HYPERCALL, .fid = CALL_SUSPEND }, RIG_MP },
		{ { .reason = KVM_EXIT_HYPERCALL, .fid = CALL_OFF }, RIG_MP },
		{ { .reason = KVM_EXIT_HYPERCALL, .fid = CALL_SYSTEM_OFF }, RIG_REQUESTED },
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = KVM_SYSTEM_EVENT_WAKEUP },
		  RIG_INSIDE },
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = KVM_SYSTEM_EVENT_SHUTDOWN },
		  RIG_REQUESTED },
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = KVM_SYSTEM_EVENT_CRASH }, RIG_GONE },
		{ { .reason = KVM_EXIT_FAIL_ENTRY }, RIG_GONE },
		{ { .reason = KVM_EXIT_INTERNAL_ERROR }, RIG_GONE },
		{ { .reason = 0xffff }, RIG_GONE },
		{ { .err = -EFAULT }, RIG_GONE },
		{ { .err = -ENOSYS }, RIG_GONE },
		{ { .err = -EIO }, RIG_GONE },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		for (u32 input = 0; input < ARRAY_SIZE(inputs); input++) {
			comes_back(state, &rows[i], i, input, true);
			comes_back(state, &rows[i], i, input, false);
		}
}

/* A GIC that lets one input of CPU 0 through, and CPU 0 runs. */
static struct rig *with_input(void **state, u32 input)
{
	struct rig *k;

	rig_gic_again(state);
	k = *state;
	rig_gic_on(k, 0);
	rig_enable(k, 0, inputs[input].intid);
	rig_run(k, 1);
	return k;
}

static void a_load_of_IAR_takes_what_rose_with_its_exit_and_nothing_is_driven(void **state)
{
	for (u32 i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct rig *k = with_input(state, i);
		u32 intid = inputs[i].intid;

		assert_int_equal(rig_load(k, 0, RIG_GICC + GICC_IAR, 4, 0), GIC_SPURIOUS);
		assert_int_equal(rig_load(k, 0, RIG_GICC + GICC_IAR, 4, inputs[i].bit), intid);
		/* It was gone again before there was an entry to drive it for. */
		rig_check_driven(k, 0, 1, 1);
		rig_store(k, 0, RIG_GICC + GICC_EOIR, 4, intid, inputs[i].bit);
		assert_int_equal(rig_load(k, 0, RIG_GICC + GICC_IAR, 4, 0), GIC_SPURIOUS);
		rig_check_driven(k, 0, 1, 1);
	}
}

static void an_input_is_pending_after_its_EOI_for_as_long_as_it_is_high(void **state)
{
	for (u32 i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct rig *k = with_input(state, i);
		u32 intid = inputs[i].intid;

		rig_tell(k, 0, inputs[i].bit, 0);
		assert_int_equal(rig_wait(k, 0, RIG_IRQ, 2).arg[0], 1);
		for (u32 n = 1; n <= 3; n++) {
			assert_int_equal(rig_load(k, 0, RIG_GICC + GICC_IAR, 4, 0), intid);
			rig_check_driven(k, 0, 1 + 2 * n, 1);
			assert_int_equal(rig_last(k, 0, RIG_IRQ).arg[0], 0);
			rig_store(k, 0, RIG_GICC + GICC_EOIR, 4, intid, 0);
			rig_check_driven(k, 0, 2 + 2 * n, 1);
			assert_int_equal(rig_last(k, 0, RIG_IRQ).arg[0], 1);
		}
		assert_int_equal(rig_load(k, 0, RIG_GICC + GICC_IAR, 4, 0), intid);
		rig_store(k, 0, RIG_GICC + GICC_EOIR, 4, intid, inputs[i].bit);
		rig_check_driven(k, 0, 9, 1);
		assert_int_equal(rig_load(k, 0, RIG_GICC + GICC_IAR, 4, 0), GIC_SPURIOUS);
	}
}

/* Also when it fell while the interrupt was active, or right after its EOI. */
static void an_input_that_falls_is_not_pending_any_more(void **state)
{
	for (u32 i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct rig *k = with_input(state, i);
		u32 bit = inputs[i].bit, intid = inputs[i].intid;

		rig_tell(k, 0, bit, 0);
		rig_tell(k, 0, 0, bit);
		rig_check_driven(k, 0, 3, 1);
		assert_int_equal(rig_last(k, 0, RIG_IRQ).arg[0], 0);

		assert_int_equal(rig_load(k, 0, RIG_GICC + GICC_IAR, 4, bit), intid);
		rig_tell(k, 0, 0, bit);
		rig_store(k, 0, RIG_GICC + GICC_EOIR, 4, intid, 0);
		rig_check_driven(k, 0, 3, 1);

		assert_int_equal(rig_load(k, 0, RIG_GICC + GICC_IAR, 4, bit), intid);
		rig_store(k, 0, RIG_GICC + GICC_EOIR, 4, intid, 0);
		rig_tell(k, 0, 0, bit);
		rig_check_driven(k, 0, 5, 1);
		assert_int_equal(rig_last(k, 0, RIG_IRQ).arg[0], 0);
		assert_false(rig_is_pending(k, 0, intid));
	}
}

/* And not its neighbour's: several change at once, each its own way. */
static void each_input_moves_the_interrupt_that_it_is_on_its_own_CPU(void **state)
{
	struct rig *k = *state;

	rig_run(k, 2);
	for (u32 levels = 0, old = 0; levels < 1u << ARRAY_SIZE(inputs); old = levels++) {
		rig_tell(k, 1, levels & ~old, old & ~levels);
		for (u32 i = 0; i < ARRAY_SIZE(inputs); i++) {
			assert_int_equal(rig_is_pending(k, 1, inputs[i].intid),
			                 (levels & inputs[i].bit) != 0);
			assert_false(rig_is_pending(k, 0, inputs[i].intid));
		}
	}
}

static void the_timers_are_mapped_and_a_load_of_old_state_does_not_move_them(void **state)
{
	struct gic_saved low;
	struct rig *k = *state;

	rig_run(k, 1);
	gic_user_save(k->env.gic, &low);
	rig_tell(k, 0, inputs[0].bit | inputs[1].bit | inputs[2].bit, 0);
	rig_hold(k, 0, RIG_CPUS);
	assert_int_equal(gic_user_load(k->env.gic, &low), 0);
	for (u32 i = 0; i < ARRAY_SIZE(inputs); i++)
		assert_int_equal(rig_is_pending(k, 0, inputs[i].intid), inputs[i].mapped);
	rig_release(k, 0, RIG_CPUS);
}

static void each_CPU_finds_its_own_bank(void **state)
{
	struct rig *k = *state;

	rig_run(k, RIG_CPUS);
	for (u32 i = 0; i < RIG_CPUS; i++)
		rig_store(k, i, RIG_GICC + GICC_PMR, 4, 8 * (i + 1), 0);
	for (u32 i = 0; i < RIG_CPUS; i++) {
		assert_int_equal(rig_load(k, i, RIG_GICC + GICC_PMR, 4, 0), 8 * (i + 1));
		assert_int_equal(rig_load(k, i, RIG_GICD + GICD_ITARGETSR, 1, 0), 1u << i);
	}
	assert_int_equal(rig_count(k, 0, RIG_LOAD), 0);
}

/* The bus has a register everywhere under the GIC: who answers is seen by the value. */
static void what_is_not_whole_inside_the_GIC_goes_to_the_bus(void **state)
{
	enum { ON_THE_BUS = 0x5a };
	static const struct {
		gpa_t gpa;
		u32 len;
		bool gic;
	} rows[] = {
		{ RIG_GICD, 4, true },
		{ RIG_GICD - 4, 4, false },
		{ RIG_GICD - 2, 4, false },
		{ RIG_GICD + GICD_SIZE - 4, 4, true },
		{ RIG_GICD + GICD_SIZE - 1, 1, true },
		{ RIG_GICD + GICD_SIZE - 8, 8, true },
		{ RIG_GICD + GICD_SIZE - 2, 4, false },
		{ RIG_GICD + GICD_SIZE - 4, 8, false },
		{ RIG_GICD + GICD_SIZE, 4, false },
		{ RIG_GICC, 4, true },
		{ RIG_GICC - 2, 4, false },
		{ RIG_GICC + GICC_SIZE - 4, 4, true },
		{ RIG_GICC + GICC_SIZE - 2, 4, false },
		{ RIG_GICC + GICC_SIZE - 4, 8, false },
		{ RIG_GICC + GICC_SIZE, 4, false },
		{ RIG_DEVICE, 4, false },
	};
	struct rig *k = *state;

	rig_run(k, 1);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 value;

		k->reg = ON_THE_BUS;
		value = rig_load(k, 0, rows[i].gpa, rows[i].len, 0);
		if ((value == ON_THE_BUS) == rows[i].gic)
			fail_msg("row %u reads %#llx", i, value);
		rig_store(k, 0, rows[i].gpa, rows[i].len, 0xa5, 0);
		if (k->reg != (rows[i].gic ? ON_THE_BUS : 0xa5))
			fail_msg("row %u writes %#llx", i, k->reg);
		rig_store(k, 0, RIG_GICD, 4, 0, 0);
	}
	assert_int_equal(rig_load(k, 0, 0x9000, 4, 0), 0);
	assert_int_equal(rig_count(k, 0, RIG_ENDED), 0);
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup_gic, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(levels_are_sampled_whatever_KVM_RUN_comes_back_with),
		row(a_load_of_IAR_takes_what_rose_with_its_exit_and_nothing_is_driven),
		row(an_input_is_pending_after_its_EOI_for_as_long_as_it_is_high),
		row(an_input_that_falls_is_not_pending_any_more),
		row(each_input_moves_the_interrupt_that_it_is_on_its_own_CPU),
		row(the_timers_are_mapped_and_a_load_of_old_state_does_not_move_them),
		row(each_CPU_finds_its_own_bank),
		row(what_is_not_whole_inside_the_GIC_goes_to_the_bus),
	};
#undef row

	return cmocka_run_group_tests_name("vcpu_inputs", tests, NULL, NULL);
}
