/* SPDX-License-Identifier: MIT */
/*
 * vCPUs and the interrupt controller that is ours, the way out: a CPU's IRQ and
 * FIQ inputs, driven by its own thread wherever that is. rig_must() in vcpu_fake_ops.h
 * says in every test that it is that thread, out of KVM_RUN and not held.
 */
#include "tests/unit/vcpu_lines_rig.h"

#include <sched.h>
#include <stdio.h>

enum { KICKS = 100, ROUNDS = 50 };

static const struct rig_exit load_reg = { .reason = KVM_EXIT_MMIO, .gpa = RIG_DEVICE, .len = 4 };

/* It has taken GATE_LINES, done with it whatever it does, and been at its gate again. */
static void rig_accepts(struct rig *k, u32 cpu)
{
	const time_t until = time(NULL) + RIG_PATIENCE;

	while (vcpu_pending(k->v[cpu]) & GATE_LINES) {
		(void)sched_yield();
		if (time(NULL) > until)
			fail_msg("CPU %u does not take GATE_LINES", cpu);
	}
	rig_settle(k, cpu);
}

static void both_lines_are_driven_before_the_first_entry_and_then_what_differs(void **state)
{
	static const struct {
		u32 intid;
		bool level;
		u32 irq, fiq; /* how often it is driven for that */
		u32 lines;
	} rows[] = {
		{ WIRE, true, 1, 0, GIC_OUT_IRQ },
		{ WIRE, true, 0, 0, GIC_OUT_IRQ },
		{ WIRE_FIQ, true, 1, 1, GIC_OUT_FIQ },
		{ WIRE, false, 0, 0, GIC_OUT_FIQ },
		{ WIRE, true, 0, 0, GIC_OUT_FIQ },
		{ WIRE_FIQ, false, 1, 1, GIC_OUT_IRQ },
		{ WIRE, false, 1, 0, 0 },
		{ WIRE_FIQ, true, 0, 1, GIC_OUT_FIQ },
		{ WIRE_FIQ, false, 0, 1, 0 },
	};
	struct rig *k = *state;
	u32 irq = 1, fiq = 1;

	rig_gic_on(k, 0);
	rig_stop_at(k, 0, RIG_RUN);
	rig_start(k, 0);
	(void)rig_wait(k, 0, RIG_RUN, 1);
	rig_check_driven(k, 0, 1, 1);
	assert_int_equal(k->cpu[0].lines, 0);
	rig_go(k, 0);
	for (u32 i = 0; i < 20; i++) {
		rig_push(k, 0, &load_reg);
		assert_int_equal(rig_call(k, 0, CALL_VERSION, 0, 0, 0), PSCI_1_1);
	}
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		rig_wire(k, rows[i].intid, rows[i].level);
		irq += rows[i].irq;
		fiq += rows[i].fiq;
		(void)rig_wait(k, 0, RIG_IRQ, irq);
		(void)rig_wait(k, 0, RIG_FIQ, fiq);
		assert_int_equal(rig_lines(k, 0), rows[i].lines);
		rig_check_driven(k, 0, irq, fiq);
	}
}

/* KVM_ARM_VCPU_INIT leaves the lines as they were or not, by version; a CPU_ON does no INIT. */
static void both_lines_are_driven_anew_after_a_reset_and_not_after_a_CPU_ON(void **state)
{
	struct rig *k = *state;

	rig_run(k, 2);
	for (u32 i = 1; i <= ROUNDS; i++) {
		rig_hold(k, 0, RIG_CPUS);
		rig_start_again(k);
		rig_release(k, 0, RIG_CPUS);
		assert_int_equal(rig_call(k, 0, CALL_VERSION, 0, 0, 0), PSCI_1_1);
		rig_check_driven(k, 0, i + 1, i + 1);
		rig_check_driven(k, 1, i, i);

		assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 0), PSCI_SUCCESS);
		(void)rig_wait(k, 1, RIG_START, 2 * i);
		rig_idle(k, 1, KVM_MP_STATE_RUNNABLE);
		rig_check_driven(k, 1, i + 1, i + 1);
		assert_int_equal(rig_lines(k, 0) | rig_lines(k, 1), 0);

		rig_push_call(k, 1, CALL_OFF, 0, 0, 0);
		(void)rig_wait(k, 1, RIG_MP, i);
		rig_settle(k, 1);
		assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 0), PSCI_SUCCESS);
		(void)rig_wait(k, 1, RIG_START, 2 * i + 1);
		rig_idle(k, 1, KVM_MP_STATE_RUNNABLE);
		rig_check_driven(k, 1, i + 1, i + 1);
	}
}

/* The machine's order: the GIC is reset, then the CPUs, all of it under one hold. */
static void a_reset_takes_a_line_down_that_the_guest_before_it_left_up(void **state)
{
	struct rig *k = *state;

	rig_gic_on(k, 0);
	rig_wire(k, WIRE, true);
	rig_run(k, 1);
	assert_int_equal(rig_lines(k, 0), GIC_OUT_IRQ);
	rig_hold(k, 0, RIG_CPUS);
	gic_user_reset(k->env.gic);
	rig_start_again(k);
	rig_release(k, 0, RIG_CPUS);
	assert_int_equal(rig_call(k, 0, CALL_VERSION, 0, 0, 0), PSCI_1_1);
	assert_int_equal(rig_lines(k, 0), 0);
	rig_check_driven(k, 0, 2, 2);
}

static void a_wire_reaches_a_CPU_that_is_in_its_guest(void **state)
{
	struct rig *k = *state;
	u32 inside;

	rig_gic_on(k, 1);
	rig_run(k, 2);
	for (u32 n = 2; n <= ROUNDS; n++) {
		inside = rig_count(k, 1, RIG_INSIDE);
		rig_wire(k, WIRE, n % 2 == 0);
		assert_int_equal(rig_wait(k, 1, RIG_IRQ, n).arg[0], n % 2 == 0);
		(void)rig_wait(k, 1, RIG_INSIDE, inside + 1);
	}
	rig_check_driven(k, 1, ROUNDS, 1);
	rig_check_driven(k, 0, 1, 1);
}

static void a_wire_reaches_a_CPU_that_is_on_its_way_into_the_guest(void **state)
{
	struct rig *k = *state;
	u32 runs, inside;

	rig_gic_on(k, 1);
	rig_run(k, 2);
	runs = rig_count(k, 1, RIG_RUN);
	inside = rig_count(k, 1, RIG_INSIDE);
	rig_stop_at(k, 1, RIG_RUN);
	vcpu_post(k->v[1], GATE_WAKE);
	(void)rig_wait(k, 1, RIG_RUN, runs + 1);
	rig_wire(k, WIRE, true);
	rig_check_driven(k, 1, 1, 1);
	rig_go(k, 1);
	assert_int_equal(rig_wait(k, 1, RIG_IRQ, 2).arg[0], 1);
	/* It did not sleep before it was driven. */
	assert_int_equal(rig_wait(k, 1, RIG_INSIDE, inside + 1).count, inside + 1);
	assert_true(rig_was_before(k, 1, RIG_IRQ, RIG_INSIDE));
}

/* What is driven is what counts when it enters, not when it began to look. */
static void
a_wire_that_moves_while_the_line_is_driven_is_driven_again_before_it_enters(void **state)
{
	struct rig *k = *state;
	char where[48];
	u32 runs;

	rig_gic_on(k, 1);
	rig_run(k, 2);
	runs = rig_count(k, 1, RIG_RUN);
	rig_stop_at(k, 1, RIG_IRQ);
	rig_wire(k, WIRE, true);
	assert_int_equal(rig_wait(k, 1, RIG_IRQ, 2).arg[0], 1);
	/* It counts as out, so whoever wants it held or told need not kick. */
	assert_string_not_equal(vcpu_whereabouts(k->v[1], where, sizeof(where)), "in the guest");
	rig_wire(k, WIRE, false);
	rig_wire(k, WIRE_FIQ, true);
	rig_go(k, 1);
	assert_int_equal(rig_wait(k, 1, RIG_FIQ, 2).arg[0], 1);
	assert_int_equal(rig_wait(k, 1, RIG_RUN, runs + 1).count, runs + 1);
	rig_check_driven(k, 1, 3, 2);
	assert_true(rig_was_before(k, 1, RIG_FIQ, RIG_RUN));
	assert_int_equal(rig_lines(k, 1), GIC_OUT_FIQ);
}

/* Also its own device's: the store that moves the wire. */
static void a_wire_that_moves_while_an_exit_is_answered_is_driven_before_it_enters(void **state)
{
	struct rig *k = *state;
	u32 runs;

	rig_gic_on(k, 0);
	rig_run(k, 1);
	runs = rig_count(k, 0, RIG_RUN);
	rig_stop_at(k, 0, RIG_LOAD);
	rig_push(k, 0, &load_reg);
	(void)rig_wait(k, 0, RIG_LOAD, 1);
	rig_wire(k, WIRE, true);
	rig_check_driven(k, 0, 1, 1);
	rig_go(k, 0);
	(void)rig_wait(k, 0, RIG_COMPLETE, 1);
	assert_int_equal(rig_count(k, 0, RIG_RUN), runs + 1);
	rig_check_driven(k, 0, 2, 1);
	assert_true(rig_was_before(k, 0, RIG_IRQ, RIG_RUN));
}

static void moves_wire(struct rig *k, u32 offset)
{
	rig_wire(k, WIRE, offset);
}

/* From a device's register, on the CPU's own thread, which needs no kick. */
static void a_wire_that_the_guests_own_store_moves_is_driven_before_it_enters(void **state)
{
	struct rig *k = *state;

	k->doorbell = moves_wire;
	rig_gic_on(k, 0);
	rig_run(k, 1);
	for (u32 n = 2; n <= ROUNDS; n++) {
		const u32 runs = rig_count(k, 0, RIG_RUN);

		rig_store(k, 0, RIG_DEVICE + (n % 2 == 0), 1, 0, 0);
		rig_check_driven(k, 0, n, 1);
		assert_int_equal(rig_last(k, 0, RIG_IRQ).arg[0], n % 2 == 0);
		assert_int_equal(rig_count(k, 0, RIG_RUN), runs + 1);
		assert_true(rig_was_before(k, 0, RIG_IRQ, RIG_RUN));
	}
}

/* Another CPU's doing: an SGI from one to the other. */
static void an_SGI_is_driven_at_its_target_and_nowhere_else(void **state)
{
	struct rig *k = *state;

	rig_gic_on(k, 0);
	rig_run(k, 3);
	for (u32 n = 1; n <= ROUNDS; n++) {
		rig_store(k, 0, RIG_GICD + GICD_SGIR, 4, 1u << 18 | 5, 0);
		assert_int_equal(rig_wait(k, 2, RIG_IRQ, 2 * n).arg[0], 1);
		assert_int_equal(rig_load(k, 2, RIG_GICC + GICC_IAR, 4, 0), 5);
		rig_store(k, 2, RIG_GICC + GICC_EOIR, 4, 5, 0);
	}
	rig_check_driven(k, 0, 1, 1);
	rig_check_driven(k, 1, 1, 1);
	rig_check_driven(k, 2, 1 + 2 * ROUNDS, 1);
}

static void nothing_is_driven_at_a_CPU_that_is_off_until_it_comes_up(void **state)
{
	struct rig *k = *state;

	rig_gic_on(k, 1);
	rig_run(k, 2);
	for (u32 n = 1; n <= ROUNDS; n++) {
		rig_push_call(k, 1, CALL_OFF, 0, 0, 0);
		(void)rig_wait(k, 1, RIG_MP, n);
		rig_wire(k, WIRE, true);
		rig_accepts(k, 1);
		rig_wire(k, WIRE, false);
		rig_accepts(k, 1);
		rig_wire(k, WIRE, n % 2);
		rig_accepts(k, 1);
		rig_check_driven(k, 1, n, 1);
		assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 0), PSCI_SUCCESS);
		(void)rig_wait(k, 1, RIG_START, 1 + n);
		rig_idle(k, 1, KVM_MP_STATE_RUNNABLE);
		rig_check_driven(k, 1, n + 1, 1);
		assert_int_equal(rig_last(k, 1, RIG_IRQ).arg[0], n % 2);
		assert_true(rig_was_before(k, 1, RIG_START, RIG_IRQ));
		assert_true(rig_was_before(k, 1, RIG_IRQ, RIG_RUN));
	}
}

static void nothing_is_driven_at_a_CPU_that_waits_for_the_machines_decision(void **state)
{
	struct rig *k = *state;
	u32 runs;

	rig_gic_on(k, 0);
	rig_run(k, 1);
	runs = rig_count(k, 0, RIG_RUN);
	rig_push_call(k, 0, CALL_SYSTEM_OFF, 0, 0, 0);
	(void)rig_wait(k, 0, RIG_REQUESTED, 1);
	rig_wire(k, WIRE, true);
	rig_accepts(k, 0);
	rig_check_driven(k, 0, 1, 1);
	assert_int_equal(rig_count(k, 0, RIG_RUN), runs);
	vcpu_answer(k->v[0], PSCI_DENIED);
	(void)rig_wait(k, 0, RIG_RUN, runs + 1);
	rig_check_driven(k, 0, 2, 1);
	assert_true(rig_was_before(k, 0, RIG_ANSWER, RIG_IRQ));
	assert_int_equal(rig_lines(k, 0), GIC_OUT_IRQ);
}

static void nothing_is_driven_at_a_CPU_that_is_held_until_it_is_let_go(void **state)
{
	struct rig *k = *state;
	u32 runs;

	rig_gic_on(k, 0);
	rig_run(k, 1);
	for (u32 n = 1; n <= ROUNDS; n++) {
		rig_hold(k, 0, 1);
		runs = rig_count(k, 0, RIG_RUN);
		for (u32 i = 0; i < KICKS; i++) {
			rig_wire(k, WIRE, (n + i) % 2);
			rig_kick(&k->cpu[0]);
		}
		rig_wire(k, WIRE, n % 2);
		assert_int_equal(vcpu_pending(k->v[0]), GATE_LINES | GATE_HOLD);
		rig_check_driven(k, 0, n, 1);
		assert_int_equal(rig_count(k, 0, RIG_RUN), runs);
		rig_release(k, 0, 1);
		(void)rig_wait(k, 0, RIG_RUN, runs + 1);
		rig_check_driven(k, 0, n + 1, 1);
		assert_int_equal(rig_last(k, 0, RIG_IRQ).arg[0], n % 2);
		assert_int_equal(rig_lines(k, 0), n % 2 ? GIC_OUT_IRQ : 0);
	}
}

static void a_wire_that_moved_before_the_start_is_driven_at_the_first_entry(void **state)
{
	struct rig *k = *state;

	rig_gic_on(k, 0);
	rig_wire(k, WIRE, true);
	rig_check_driven(k, 0, 0, 0);
	rig_run(k, 1);
	rig_check_driven(k, 0, 1, 1);
	assert_int_equal(rig_lines(k, 0), GIC_OUT_IRQ);
}

/* With KVM's own PSCI a CPU that is off waits in KVM, and its lines are driven there. */
static void with_KVMs_own_PSCI_a_CPU_that_is_off_is_driven_in_KVM(void **state)
{
	struct rig *k = *state;

	rig_gic_on(k, 1);
	rig_start(k, 0);
	rig_start(k, 1);
	rig_idle(k, 1, KVM_MP_STATE_STOPPED);
	rig_wire(k, WIRE, true);
	assert_int_equal(rig_wait(k, 1, RIG_IRQ, 2).arg[0], 1);
	rig_idle(k, 1, KVM_MP_STATE_STOPPED);
	rig_hold(k, 0, RIG_CPUS);
	rig_start_again(k);
	rig_release(k, 0, RIG_CPUS);
	rig_idle(k, 1, KVM_MP_STATE_STOPPED);
	(void)rig_wait(k, 1, RIG_FIQ, 2);
	assert_int_equal(rig_lines(k, 1), GIC_OUT_IRQ);
	rig_check_driven(k, 1, 3, 2);
}

static void a_line_that_KVM_does_not_take_ends_the_vCPU_and_is_named(void **state)
{
	static const struct {
		u32 cpu;
		enum rig_what line;
		bool at_first;
	} rows[] = {
		{ 0, RIG_IRQ, true },  { 0, RIG_FIQ, true },  { 0, RIG_IRQ, false },
		{ 0, RIG_FIQ, false }, { 3, RIG_IRQ, false }, { 3, RIG_FIQ, false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const u32 cpu = rows[i].cpu, runs = rows[i].at_first ? 0 : 1;
		char name[16];
		struct rig *k;

		rig_gic_again(state);
		k = *state;
		rig_gic_on(k, cpu);
		if (rows[i].at_first) {
			rig_fail(k, 0, rows[i].line, -EINVAL);
			rig_start(k, 0);
		} else {
			rig_run(k, 4);
			rig_push(k, cpu, &(struct rig_exit){ .reason = KVM_EXIT_INTR });
			rig_idle(k, cpu, KVM_MP_STATE_RUNNABLE);
			rig_fail(k, cpu, rows[i].line, -EINVAL);
			rig_wire(k, rows[i].line == RIG_IRQ ? WIRE : WIRE_FIQ, true);
		}
		(void)rig_wait(k, cpu, RIG_GONE, 1);
		(void)snprintf(name, sizeof(name), "vCPU %u:", cpu);
		assert_int_equal(rig_count(k, cpu, RIG_ENDED), 1);
		assert_int_equal(k->cpu[cpu].end.kind, VCPU_END_HOST);
		assert_non_null(strstr(k->cpu[cpu].end.reason, "KVM_IRQ_LINE"));
		assert_non_null(strstr(k->cpu[cpu].end.reason, name));
		assert_non_null(strstr(k->cpu[cpu].end.reason, strerror(EINVAL)));
		/* Nothing is entered with a line that is not what it should be. */
		if (runs)
			assert_true(rig_was_before(k, cpu, RIG_RUN, rows[i].line));
		else
			assert_int_equal(rig_count(k, cpu, RIG_RUN), 0);
	}
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup_gic, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(both_lines_are_driven_before_the_first_entry_and_then_what_differs),
		row(both_lines_are_driven_anew_after_a_reset_and_not_after_a_CPU_ON),
		row(a_reset_takes_a_line_down_that_the_guest_before_it_left_up),
		row(a_wire_reaches_a_CPU_that_is_in_its_guest),
		row(a_wire_reaches_a_CPU_that_is_on_its_way_into_the_guest),
		row(a_wire_that_moves_while_the_line_is_driven_is_driven_again_before_it_enters),
		row(a_wire_that_moves_while_an_exit_is_answered_is_driven_before_it_enters),
		row(a_wire_that_the_guests_own_store_moves_is_driven_before_it_enters),
		row(an_SGI_is_driven_at_its_target_and_nowhere_else),
		row(nothing_is_driven_at_a_CPU_that_is_off_until_it_comes_up),
		row(nothing_is_driven_at_a_CPU_that_waits_for_the_machines_decision),
		row(nothing_is_driven_at_a_CPU_that_is_held_until_it_is_let_go),
		row(a_wire_that_moved_before_the_start_is_driven_at_the_first_entry),
		cmocka_unit_test_setup_teardown(
			with_KVMs_own_PSCI_a_CPU_that_is_off_is_driven_in_KVM, rig_setup_gic_kernel,
			rig_teardown),
		row(a_line_that_KVM_does_not_take_ends_the_vCPU_and_is_named),
	};
#undef row

	return cmocka_run_group_tests_name("vcpu_lines", tests, NULL, NULL);
}
