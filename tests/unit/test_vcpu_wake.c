/* SPDX-License-Identifier: MIT */
/* What ends a suspend when the interrupt controller is ours: KVM tells, the GIC decides. */
#include "tests/unit/vcpu_lines_rig.h"

enum { VTIMER = 1 << VCPU_INPUT_VTIMER, ROUNDS = 50 };

static void a_wire_wakes_a_CPU_that_is_suspended(void **state)
{
	static const struct {
		u64 how;
		u32 intid;
		enum rig_what line;
	} rows[] = {
		{ PSCI_POWER_STATE_STANDBY, WIRE, RIG_IRQ },
		{ PSCI_POWER_STATE_STANDBY, WIRE_FIQ, RIG_FIQ },
		{ PSCI_POWER_STATE_POWER_DOWN, WIRE, RIG_IRQ },
		{ PSCI_POWER_STATE_POWER_DOWN, WIRE_FIQ, RIG_FIQ },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const bool standby = rows[i].how == PSCI_POWER_STATE_STANDBY;
		struct rig *k;

		rig_gic_again(state);
		k = *state;
		rig_gic_on(k, 1);
		rig_run(k, 2);
		rig_push_call(k, 1, CALL_SUSPEND, rows[i].how, ENTRY, 7);
		rig_idle(k, 1, KVM_MP_STATE_SUSPENDED);
		assert_int_equal(power_state(k->env.power, 1), POWER_SUSPENDED);
		rig_wire(k, rows[i].intid, true);
		(void)rig_wait(k, 1, standby ? RIG_ANSWER : RIG_START, standby ? 1 : 2);
		rig_idle(k, 1, KVM_MP_STATE_RUNNABLE);
		assert_int_equal(power_state(k->env.power, 1), POWER_ON);
		rig_check_driven(k, 1, rows[i].line == RIG_IRQ ? 2 : 1,
		                 rows[i].line == RIG_FIQ ? 2 : 1);
		assert_true(rig_was_before(k, 1, rows[i].line, standby ? RIG_ANSWER : RIG_START));
	}
}

/* It is pending already: KVM says so at once. */
static void a_CPU_with_an_interrupt_does_not_stay_suspended(void **state)
{
	struct rig *k = *state;

	rig_gic_on(k, 0);
	rig_wire(k, WIRE, true);
	rig_run(k, 1);
	assert_int_equal(rig_call(k, 0, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0),
	                 PSCI_SUCCESS);
	rig_check_driven(k, 0, 1, 1);
}

/* KVM tells levels, and wakes for that; whether it is an interrupt is the GIC's to say. */
static void a_level_that_is_no_interrupt_lets_a_CPU_sleep_on(void **state)
{
	struct rig *k = *state;
	u32 inside;

	rig_gic_on(k, 1);
	rig_run(k, 2);
	rig_push_call(k, 1, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0);
	rig_idle(k, 1, KVM_MP_STATE_SUSPENDED);
	for (u32 n = 1; n <= ROUNDS; n++) {
		const bool high = n % 2;

		inside = rig_count(k, 1, RIG_INSIDE);
		rig_set_level(k, 1, high ? VTIMER : 0);
		(void)rig_wait(k, 1, RIG_INSIDE, inside + 1);
		rig_idle(k, 1, KVM_MP_STATE_SUSPENDED);
		assert_int_equal(rig_is_pending(k, 1, INTID_VTIMER), high);
	}
	/* Nor does a wake-up for nothing at all. */
	inside = rig_count(k, 1, RIG_INSIDE);
	rig_interrupt(k, 1);
	(void)rig_wait(k, 1, RIG_INSIDE, inside + 1);
	assert_int_equal(power_state(k->env.power, 1), POWER_SUSPENDED);
	assert_int_equal(rig_count(k, 1, RIG_ANSWER), 0);
	rig_check_driven(k, 1, 1, 1);
	/* Somebody's event does. */
	vcpu_post(k->v[1], GATE_WAKE);
	assert_int_equal((s64)rig_wait(k, 1, RIG_ANSWER, 1).arg[0], PSCI_SUCCESS);
}

static void a_wake_up_that_comes_while_it_runs_changes_nothing(void **state)
{
	struct rig *k = *state;

	rig_gic_on(k, 0);
	rig_wire(k, WIRE, true);
	rig_run(k, 1);
	rig_push(k, 0,
	         &(struct rig_exit){ .reason = KVM_EXIT_SYSTEM_EVENT,
	                             .event = KVM_SYSTEM_EVENT_WAKEUP });
	rig_idle(k, 0, KVM_MP_STATE_RUNNABLE);
	assert_int_equal(rig_count(k, 0, RIG_ANSWER), 0);
	assert_int_equal(rig_count(k, 0, RIG_MP), 0);
	assert_int_equal(atomic_load(&k->changes), 0);
}

static void a_timer_that_is_enabled_wakes_a_CPU_that_is_suspended(void **state)
{
	for (u32 i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct rig *k;

		rig_gic_again(state);
		k = *state;
		rig_gic_on(k, 1);
		rig_enable(k, 1, inputs[i].intid);
		rig_run(k, 2);
		rig_push_call(k, 1, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0);
		rig_idle(k, 1, KVM_MP_STATE_SUSPENDED);
		rig_set_level(k, 1, inputs[i].bit);
		assert_int_equal((s64)rig_wait(k, 1, RIG_ANSWER, 1).arg[0], PSCI_SUCCESS);
		rig_idle(k, 1, KVM_MP_STATE_RUNNABLE);
		rig_check_driven(k, 1, 2, 1);
		/* By what the GIC says: not only when it has been driven and KVM wakes it for that. */
		assert_true(rig_was_before(k, 1, RIG_ANSWER, RIG_IRQ));
		assert_int_equal(rig_load(k, 1, RIG_GICC + GICC_IAR, 4, 0), inputs[i].intid);
	}
}

static void SYSTEM_SUSPEND_ends_with_an_interrupt_that_is_let_through_and_no_other(void **state)
{
	struct rig *k = *state;
	u32 inside;

	rig_gic_on(k, 0);
	rig_enable(k, 0, INTID_PTIMER);
	rig_run(k, 1);
	for (u32 n = 1; n <= 3; n++) {
		rig_fall_asleep(k, 0, n);
		rig_idle(k, 0, KVM_MP_STATE_SUSPENDED);
		inside = rig_count(k, 0, RIG_INSIDE);
		rig_set_level(k, 0, VTIMER);
		(void)rig_wait(k, 0, RIG_INSIDE, inside + 1);
		assert_int_equal(power_state(k->env.power, 0), POWER_ASLEEP);
		assert_int_equal(rig_count(k, 0, RIG_WOKE), n - 1);
		switch (n) {
		case 1:
			rig_wire(k, WIRE, true);
			break;
		case 2:
			rig_wire(k, WIRE_FIQ, true);
			break;
		default:
			rig_set_level(k, 0, inputs[1].bit);
		}
		assert_int_equal(rig_wait(k, 0, RIG_WOKE, n).arg[0], 1);
		assert_int_equal(rig_last(k, 0, RIG_START).arg[1], n);
		rig_idle(k, 0, KVM_MP_STATE_RUNNABLE);
		rig_wire(k, WIRE, false);
		rig_wire(k, WIRE_FIQ, false);
		rig_tell(k, 0, 0, VTIMER);
	}
}

/* Firmware turns the CPU interface off before it asks for power-down. */
static void a_CPU_wakes_although_its_interface_lets_nothing_through(void **state)
{
	struct rig *k = *state;

	rig_gic_on(k, 0);
	rig_run(k, 1);
	for (u32 n = 1; n <= 2; n++) {
		rig_set_gicc(k, 0, n == 1 ? GICC_CTLR : GICC_PMR, 0);
		rig_fall_asleep(k, 0, n);
		rig_idle(k, 0, KVM_MP_STATE_SUSPENDED);
		rig_wire(k, WIRE, true);
		assert_int_equal(rig_wait(k, 0, RIG_WOKE, n).arg[0], 1);
		rig_idle(k, 0, KVM_MP_STATE_RUNNABLE);
		assert_int_equal(gic_user_output(k->env.gic, 0), 0);
		rig_wire(k, WIRE, false);
		rig_gic_on(k, 0);
	}
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup_gic, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(a_wire_wakes_a_CPU_that_is_suspended),
		row(a_CPU_with_an_interrupt_does_not_stay_suspended),
		row(a_CPU_wakes_although_its_interface_lets_nothing_through),
		row(a_level_that_is_no_interrupt_lets_a_CPU_sleep_on),
		row(a_wake_up_that_comes_while_it_runs_changes_nothing),
		row(a_timer_that_is_enabled_wakes_a_CPU_that_is_suspended),
		row(SYSTEM_SUSPEND_ends_with_an_interrupt_that_is_let_through_and_no_other),
	};
#undef row

	return cmocka_run_group_tests_name("vcpu_wake", tests, NULL, NULL);
}
