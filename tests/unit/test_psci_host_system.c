/* SPDX-License-Identifier: MIT */
/* The system calls of power, and what the machine makes of them. */
#include "tests/unit/vcpu_rig.h"

static void a_system_call_stops_its_caller_and_is_handed_over_once(void **state)
{
	static const struct {
		struct rig_exit e;
		struct psci_system want;
	} rows[] = {
		{ { .fid = CALL_SYSTEM_OFF }, { .kind = PSCI_SYSTEM_OFF } },
		{ { .fid = CALL_SYSTEM_RESET }, { .kind = PSCI_SYSTEM_RESET } },
		{ { .fid = CALL_SYSTEM_RESET2, .x = { 0, 9 } },
		  { .kind = PSCI_SYSTEM_RESET2, .cookie = 9 } },
		{ { .fid = CALL_SYSTEM_RESET2, .x = { 0x80000001, ~0ull } },
		  { .kind = PSCI_SYSTEM_RESET2, .reset_type = 0x80000001, .cookie = ~0ull } },
		{ { .fid = CALL_SYSTEM_SUSPEND, .x = { ENTRY, 3 }, .big_endian = true },
		  { .kind = PSCI_SYSTEM_SUSPEND, .entry = { ENTRY, 3, true } } },
		{ { .fid = CALL_SYSTEM_OFF2, .x = { 1, 0 } }, { .kind = PSCI_SYSTEM_HIBERNATE } },
	};
	struct rig *k = *state;
	struct psci_system none;

	k->psci.cfg.version = PSCI_1_3;
	rig_run(k, 1);
	assert_false(vcpu_request(k->v[0], &none));
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 runs = rig_count(k, 0, RIG_RUN), inside = rig_count(k, 0, RIG_INSIDE);
		struct rig_exit e = rows[i].e;

		e.reason = KVM_EXIT_HYPERCALL;
		rig_push(k, 0, &e);
		(void)rig_wait(k, 0, RIG_REQUESTED, i + 1);
		rig_check_request(k, 0, &rows[i].want);
		vcpu_post(k->v[0], GATE_WAKE);
		rig_settle(k, 0);
		assert_int_equal(rig_count(k, 0, RIG_RUN), runs);
		assert_int_equal(rig_count(k, 0, RIG_ANSWER), i);
		vcpu_answer(k->v[0], PSCI_DENIED);
		assert_int_equal((s64)rig_wait(k, 0, RIG_ANSWER, i + 1).arg[0], PSCI_DENIED);
		(void)rig_wait(k, 0, RIG_INSIDE, inside + 1);
	}
	assert_int_equal(atomic_load(&k->changes), 0);
}

static void a_granted_suspend_sleeps_and_comes_back_at_its_entry(void **state)
{
	const struct psci_entry entry = { ENTRY, 0, false };
	struct rig *k = *state;
	u32 target;

	rig_run(k, 1);
	rig_start(k, 1);
	for (u32 i = 1; i <= 20; i++) {
		const bool by_interrupt = i % 2;
		rig_fall_asleep(k, 0, i);
		rig_idle(k, 0, KVM_MP_STATE_SUSPENDED);
		/* Its registers are as it left them. */
		assert_int_equal(rig_count(k, 0, RIG_START), i - 1);
		assert_int_equal(rig_mp_state(k, 0), KVM_MP_STATE_SUSPENDED);
		assert_int_equal(power_state(k->env.power, 0), POWER_ASLEEP);
		assert_int_equal(power_cpu_on(k->env.power, 1, &entry, false, &target), -EBUSY);
		if (by_interrupt)
			rig_interrupt(k, 0);
		else
			vcpu_post(k->v[0], GATE_WAKE);
		assert_int_equal(rig_wait(k, 0, RIG_WOKE, i).arg[0], by_interrupt);
		assert_int_equal(rig_last(k, 0, RIG_START).count, i);
		assert_int_equal(rig_last(k, 0, RIG_START).arg[0], ENTRY);
		assert_int_equal(rig_last(k, 0, RIG_START).arg[1], i);
		assert_int_equal(rig_last(k, 0, RIG_START).arg[2], 2); /* timers kept */
		assert_int_equal(power_state(k->env.power, 0), POWER_ON);
		assert_int_equal(rig_call(k, 0, CALL_VERSION, 0, 0, 0), PSCI_1_1);
	}
	assert_int_equal(rig_count(k, 1, RIG_RUN), 0);
}

static void a_wake_up_counts_from_the_grant_on(void **state)
{
	struct rig *k = *state;
	struct psci_system what;

	rig_run(k, 1);
	rig_push_call(k, 0, CALL_SYSTEM_SUSPEND, ENTRY, 1, 0);
	(void)rig_wait(k, 0, RIG_REQUESTED, 1);
	assert_true(vcpu_request(k->v[0], &what));
	rig_hold(k, 0, 1);
	vcpu_post(k->v[0], GATE_WAKE); /* before: for nothing */
	rig_grant(k, 0, &what);
	rig_release(k, 0, 1);
	rig_idle(k, 0, KVM_MP_STATE_SUSPENDED);
	vcpu_post(k->v[0], GATE_WAKE);
	(void)rig_wait(k, 0, RIG_WOKE, 1);

	rig_push_call(k, 0, CALL_SYSTEM_SUSPEND, ENTRY, 2, 0);
	(void)rig_wait(k, 0, RIG_REQUESTED, 2);
	assert_true(vcpu_request(k->v[0], &what));
	rig_hold(k, 0, 1);
	rig_grant(k, 0, &what);
	vcpu_post(k->v[0], GATE_WAKE); /* after, and before it slept */
	rig_release(k, 0, 1);
	(void)rig_wait(k, 0, RIG_WOKE, 2);
	assert_int_equal(rig_last(k, 0, RIG_START).arg[1], 2);
}

static void a_reset_takes_cpu_0_to_its_boot_and_turns_the_others_off(void **state)
{
	struct rig *k = *state;
	struct psci_system none;

	/* 0 waits for a decision, 1 runs, 2 sleeps, 3 is off, 4 waits, 5 has never been on. */
	rig_run(k, 5);
	rig_begin(k, 5);
	rig_push_call(k, 0, CALL_SYSTEM_SUSPEND, ENTRY, 0, 0);
	rig_push_call(k, 2, CALL_SUSPEND, PSCI_POWER_STATE_POWER_DOWN, ENTRY, 0);
	rig_push_call(k, 3, CALL_OFF, 0, 0, 0);
	rig_push_call(k, 4, CALL_SYSTEM_RESET, 0, 0, 0);
	(void)rig_wait(k, 0, RIG_REQUESTED, 1);
	(void)rig_wait(k, 2, RIG_INSIDE, 2);
	(void)rig_wait(k, 3, RIG_CHANGED, 2);
	(void)rig_wait(k, 4, RIG_REQUESTED, 1);
	rig_hold(k, 0, RIG_CPUS);
	rig_start_again(k);
	rig_release(k, 0, RIG_CPUS);
	assert_int_equal(rig_count(k, 0, RIG_BOOT), 1);
	rig_idle(k, 0, KVM_MP_STATE_RUNNABLE);
	assert_int_equal(rig_count(k, 0, RIG_ANSWER), 4); /* its CPU_ONs */
	assert_false(vcpu_request(k->v[0], &none));
	assert_false(vcpu_request(k->v[4], &none));
	for (u32 i = 1; i < 6; i++) {
		u32 starts = rig_count(k, i, RIG_START);

		assert_int_equal(rig_count(k, i, RIG_OFF), 1);
		assert_int_equal(rig_mp_state(k, i), KVM_MP_STATE_STOPPED);
		assert_int_equal(power_state(k->env.power, i), POWER_OFF);
		assert_int_equal(rig_call(k, 0, CALL_ON, i, ENTRY, 50 + i), PSCI_SUCCESS);
		assert_int_equal(rig_wait(k, i, RIG_START, starts + 1).arg[1], 50 + i);
		assert_int_equal(rig_call(k, i, CALL_VERSION, 0, 0, 0), PSCI_1_1);
	}
}

/* The first CPU of the new machine is faster than the last of the old one. */
static void a_cpu_on_after_a_reset_is_accepted_behind_its_power_off(void **state)
{
	struct rig *k = *state;

	rig_run(k, 2);
	rig_hold(k, 1, 1);
	rig_hold(k, 0, RIG_CPUS);
	rig_start_again(k);
	rig_release(k, 0, RIG_CPUS);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY + 16, 6), PSCI_SUCCESS);
	assert_int_equal(vcpu_pending(k->v[1]), GATE_ON | GATE_HOLD);
	rig_release(k, 1, 1);
	assert_int_equal(rig_wait(k, 1, RIG_START, 2).arg[1], 6);
	assert_true(rig_last(k, 1, RIG_OFF).seq < rig_last(k, 1, RIG_START).seq);
	assert_true(rig_last(k, 0, RIG_BOOT).seq < rig_last(k, 1, RIG_START).seq);
	assert_int_equal(rig_mp_state(k, 1), KVM_MP_STATE_RUNNABLE);
}

/* KVM would write a load's result into the registers of the new machine. */
static void a_load_is_finished_before_the_registers_are_anew(void **state)
{
	static const struct rig_exit load = { .reason = KVM_EXIT_MMIO,
		                              .gpa = RIG_DEVICE,
		                              .len = 8 };
	static const struct {
		u32 event;
		enum rig_what then;
	} rows[] = { { GATE_RESET, RIG_BOOT },
		     { GATE_OFF, RIG_OFF },
		     { GATE_OFF | GATE_ON, RIG_START } };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig *k;
		u32 runs;

		rig_again(state);
		k = *state;
		k->reg = 0x1234;
		rig_run(k, 1);
		runs = rig_count(k, 0, RIG_RUN);
		rig_stop_at(k, 0, RIG_LOAD);
		rig_push(k, 0, &load);
		(void)rig_wait(k, 0, RIG_LOAD, 1);
		rig_push_call(k, 0, CALL_VERSION, 0, 0, 0); /* what the old guest would do next */
		vcpu_post(k->v[0], rows[i].event);
		rig_go_to(k, 0, rows[i].then);
		(void)rig_wait(k, 0, rows[i].then, 1);
		assert_int_equal(rig_wait(k, 0, RIG_COMPLETE, 1).arg[0], 0x1234);
		assert_true(rig_last(k, 0, RIG_COMPLETE).seq < rig_last(k, 0, rows[i].then).seq);
		assert_int_equal(rig_count(k, 0, RIG_RUN), runs + 1);
		assert_int_equal(rig_unserved(k, 0), 1);
	}
}

static void a_load_left_open_at_the_hold_is_finished_by_the_reset_under_it(void **state)
{
	static const struct rig_exit load = { .reason = KVM_EXIT_MMIO,
		                              .gpa = RIG_DEVICE,
		                              .len = 8 };
	struct rig *k = *state;
	struct rig_patience patience = { .k = k, .goes = true };
	const struct vcpu_patience how = { rig_patient, &patience };
	u32 late, runs;

	k->reg = 0x1234;
	rig_run(k, 1);
	rig_stop_at(k, 0, RIG_LOAD);
	rig_push(k, 0, &load);
	(void)rig_wait(k, 0, RIG_LOAD, 1);
	runs = rig_count(k, 0, RIG_RUN);
	assert_int_equal(vcpu_hold_all(k->v, RIG_CPUS, &how, &late), 0);
	assert_int_equal(rig_count(k, 0, RIG_COMPLETE), 0);
	rig_start_again(k);
	assert_int_equal(rig_last(k, 0, RIG_COMPLETE).arg[0], 0x1234);
	assert_int_equal(rig_count(k, 0, RIG_BOOT), 1);
	assert_int_equal(rig_count(k, 0, RIG_RUN), runs + 1);
	vcpu_release_all(k->v, RIG_CPUS);
	assert_int_equal(rig_call(k, 0, CALL_VERSION, 0, 0, 0), PSCI_1_1);
}

static void nothing_is_finished_where_nothing_is_open(void **state)
{
	struct rig *k = *state;
	u32 runs;

	rig_run(k, 1);
	rig_hold(k, 0, RIG_CPUS);
	runs = rig_count(k, 0, RIG_RUN);
	rig_start_again(k);
	assert_int_equal(rig_count(k, 0, RIG_BOOT), 1);
	assert_int_equal(rig_count(k, 0, RIG_RUN), runs);
	rig_release(k, 0, RIG_CPUS);
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(a_system_call_stops_its_caller_and_is_handed_over_once),
		row(a_granted_suspend_sleeps_and_comes_back_at_its_entry),
		row(a_wake_up_counts_from_the_grant_on),
		row(a_reset_takes_cpu_0_to_its_boot_and_turns_the_others_off),
		row(a_cpu_on_after_a_reset_is_accepted_behind_its_power_off),
		row(a_load_is_finished_before_the_registers_are_anew),
		row(a_load_left_open_at_the_hold_is_finished_by_the_reset_under_it),
		row(nothing_is_finished_where_nothing_is_open),
	};
#undef row

	return cmocka_run_group_tests_name("psci_host_system", tests, NULL, NULL);
}
