/* SPDX-License-Identifier: MIT */
/* The run loop, kicks and holds, around a KVM that is played by vcpu_fake.h. */
#include "tests/unit/vcpu_rig.h"

#include <sched.h>

enum { STARTS = 500, STORM = 2000, KICKS = 300, ROUNDS = 200 };

static const struct rig_exit load = {
	.reason = KVM_EXIT_MMIO, .gpa = RIG_DEVICE + 8, .len = 4, .value = ~0ull
};

static void mmio_goes_to_the_bus_and_comes_back_zero_extended(void **state)
{
	static const struct rig_exit store = { .reason = KVM_EXIT_MMIO,
		                               .gpa = RIG_DEVICE + 8,
		                               .len = 4,
		                               .write = true,
		                               .value = 0x1122334455667788 };
	struct rig *k = *state;

	rig_push(k, 0, &store);
	rig_push(k, 0, &load);
	rig_start(k, 0);
	assert_int_equal(rig_wait(k, 0, RIG_COMPLETE, 1).arg[0], 0x55667788);
	rig_stop(k);
	assert_int_equal(k->reg, 0x55667788);
	assert_int_equal(k->reg_width, 4);
	assert_int_equal(rig_count(k, 0, RIG_ENDED), 0);
}

static void an_address_without_a_device_reads_zero_and_goes_on(void **state)
{
	static const struct rig_exit nobody[] = {
		{ .reason = KVM_EXIT_MMIO, .gpa = 0x9000, .len = 8, .write = true, .value = 1 },
		{ .reason = KVM_EXIT_MMIO, .gpa = 0x9000, .len = 8, .value = ~0ull },
	};
	struct rig *k = *state;

	rig_push(k, 0, &nobody[0]);
	rig_push(k, 0, &nobody[1]);
	rig_start(k, 0);
	assert_int_equal(rig_wait(k, 0, RIG_COMPLETE, 1).arg[0], 0);
	(void)rig_wait(k, 0, RIG_INSIDE, 1);
	assert_int_equal(rig_count(k, 0, RIG_ENDED), 0);
}

static void interruptions_of_the_host_do_not_end_the_vcpu(void **state)
{
	static const struct rig_exit nothing[] = {
		{ .err = -EINTR, .reason = KVM_EXIT_INTR },
		{ .err = -EAGAIN },
		{ .reason = KVM_EXIT_INTR },
		{ .reason = KVM_EXIT_SYSTEM_EVENT, .event = KVM_SYSTEM_EVENT_WAKEUP },
	};
	struct rig *k = *state;

	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		rig_push(k, 0, &nothing[i]);
	rig_start(k, 0);
	(void)rig_wait(k, 0, RIG_INSIDE, 1);
	assert_int_equal(rig_count(k, 0, RIG_ENDED), 0);
	assert_int_equal(rig_count(k, 0, RIG_RUN), ARRAY_SIZE(nothing) + 1);
}

static void each_way_to_end_is_told_once_and_the_guest_is_not_entered_again(void **state)
{
	static const struct {
		struct rig_exit e;
		enum vcpu_end_kind kind;
		const char *word;
	} rows[] = {
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = KVM_SYSTEM_EVENT_CRASH },
		  VCPU_END_CRASH,
		  "crash" },
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = 77 }, VCPU_END_CRASH, "77" },
		{ { .reason = KVM_EXIT_FAIL_ENTRY }, VCPU_END_CRASH, "refused" },
		{ { .reason = KVM_EXIT_INTERNAL_ERROR }, VCPU_END_CRASH, "internal" },
		{ { .reason = 0xffff }, VCPU_END_CRASH, "exit" },
		{ { .err = -EFAULT }, VCPU_END_CRASH, "cannot go on" },
		{ { .err = -ENOSYS }, VCPU_END_CRASH, "cannot go on" },
		{ { .err = -ENOMEM }, VCPU_END_HOST, "memory" },
		{ { .err = -EIO }, VCPU_END_HOST, "KVM_RUN" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig *k;
		struct vcpu_end end;

		rig_again(state);
		k = *state;
		rig_push(k, 0, &rows[i].e);
		rig_push(k, 0, &load);
		rig_start(k, 0);
		(void)rig_wait(k, 0, RIG_GONE, 1);
		rig_stop(k);
		end = k->cpu[0].end;
		if (rig_count(k, 0, RIG_ENDED) != 1 || rig_count(k, 0, RIG_GONE) != 1 ||
		    end.kind != rows[i].kind || !strstr(end.reason, rows[i].word) ||
		    rig_unserved(k, 0) != 1)
			fail_msg("row %zu: ended %u times, kind %d, '%s'", i,
			         rig_count(k, 0, RIG_ENDED), (int)end.kind, end.reason);
	}
}

static void an_exit_posted_before_the_start_keeps_the_guest_from_running(void **state)
{
	struct rig *k = *state;

	vcpu_post(k->v[0], GATE_EXIT);
	rig_start(k, 0);
	(void)rig_wait(k, 0, RIG_GONE, 1);
	assert_int_equal(rig_count(k, 0, RIG_RUN), 0);
	assert_int_equal(rig_count(k, 0, RIG_ENDED), 0);
}

/* Each round posts at a different moment of the loop; a lost kick would hang here. */
static void no_kick_is_lost_however_it_falls(void **state)
{
	for (int i = 0; i < STARTS; i++) {
		struct rig *k;

		rig_again(state);
		k = *state;
		rig_start(k, 0);
		for (int spin = 0; spin < i % 64; spin++)
			(void)sched_yield();
		rig_stop(k);
		assert_int_equal(rig_count(k, 0, RIG_GONE), 1);
	}
}

/* As above, at a vCPU that comes out again and again. */
static void no_event_is_lost_however_it_falls(void **state)
{
	struct rig *k = *state;

	rig_start(k, 0);
	for (u32 i = 1; i <= STORM; i++) {
		if (rig_unserved(k, 0) == 0)
			rig_push(k, 0, &load);
		vcpu_post(k->v[0], GATE_RESET);
		(void)rig_wait(k, 0, RIG_BOOT, i);
	}
}

static void a_kick_without_a_reason_changes_nothing(void **state)
{
	struct rig *k = *state;

	rig_start(k, 0);
	(void)rig_wait(k, 0, RIG_INSIDE, 1);
	for (int i = 0; i < KICKS; i++)
		vcpu_post(k->v[0], 0);
	assert_int_equal(rig_call(k, 0, CALL_VERSION, 0, 0, 0), PSCI_1_1);
	assert_int_equal(rig_count(k, 0, RIG_GONE), 0);
	rig_stop(k);
	assert_int_equal(rig_count(k, 0, RIG_ENDED), 0);
}

static void running_vcpus_are_out_while_they_are_held_and_go_on_afterwards(void **state)
{
	struct rig *k = *state;
	u32 runs[RIG_CPUS], inside[RIG_CPUS];

	rig_run(k, RIG_CPUS);
	for (int round = 0; round < ROUNDS; round++) {
		rig_hold(k, 0, RIG_CPUS);
		for (u32 i = 0; i < RIG_CPUS; i++) {
			runs[i] = rig_count(k, i, RIG_RUN);
			inside[i] = rig_count(k, i, RIG_INSIDE);
		}
		for (u32 i = 0; i < RIG_CPUS; i++)
			assert_int_equal(rig_count(k, i, RIG_RUN), runs[i]);
		rig_release(k, 0, RIG_CPUS);
		for (u32 i = 0; i < RIG_CPUS; i++)
			(void)rig_wait(k, i, RIG_INSIDE, inside[i] + 1);
	}
}

static void what_sleeps_waits_or_is_off_is_held_where_it_is(void **state)
{
	struct rig *k = *state;
	u32 runs;

	rig_run(k, 4);
	rig_push_call(k, 1, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0);
	rig_push_call(k, 2, CALL_OFF, 0, 0, 0);
	rig_push_call(k, 3, CALL_SYSTEM_OFF, 0, 0, 0);
	rig_idle(k, 1, KVM_MP_STATE_SUSPENDED);
	(void)rig_wait(k, 2, RIG_MP, 1);
	(void)rig_wait(k, 3, RIG_REQUESTED, 1);
	runs = rig_count(k, 2, RIG_RUN) + rig_count(k, 3, RIG_RUN);
	rig_hold(k, 0, RIG_CPUS);
	rig_release(k, 0, RIG_CPUS);
	/* Asleep in KVM again, and nowhere. */
	rig_idle(k, 1, KVM_MP_STATE_SUSPENDED);
	rig_hold(k, 0, RIG_CPUS);
	assert_int_equal(rig_count(k, 2, RIG_RUN) + rig_count(k, 3, RIG_RUN), runs);
	rig_release(k, 0, RIG_CPUS);
}

static void one_that_was_not_started_is_held_and_stays_so_when_it_starts(void **state)
{
	struct rig *k = *state;

	rig_hold(k, 0, 1);
	rig_start(k, 0);
	(void)rig_wait(k, 0, RIG_PARKED, 1);
	assert_int_equal(rig_count(k, 0, RIG_RUN), 0);
	rig_release(k, 0, 1);
	(void)rig_wait(k, 0, RIG_INSIDE, 1);
}

static void holds_nest(void **state)
{
	struct rig *k = *state;
	u32 runs, inside;

	rig_run(k, 2);
	inside = rig_count(k, 0, RIG_INSIDE);
	rig_hold(k, 0, 2);
	runs = rig_count(k, 0, RIG_RUN);
	rig_hold(k, 0, 1);
	rig_hold(k, 0, 2);
	rig_release(k, 0, 2);
	rig_release(k, 0, 2);
	/* CPU 0 is held once more, CPU 1 runs. */
	assert_int_equal(rig_call(k, 1, CALL_VERSION, 0, 0, 0), PSCI_1_1);
	for (int i = 0; i < KICKS; i++)
		vcpu_post(k->v[0], GATE_WAKE);
	assert_int_equal(rig_count(k, 0, RIG_RUN), runs);
	rig_release(k, 0, 1);
	(void)rig_wait(k, 0, RIG_INSIDE, inside + 1);
}

static void one_that_does_not_hear_is_named_and_the_others_run_again(void **state)
{
	struct rig *k = *state;
	struct rig_patience patience = { .k = k };
	const struct vcpu_patience how = { rig_patient, &patience };
	u32 inside[3], late = 99;
	char where[48];

	rig_run(k, 3);
	rig_push(k, 1, &(struct rig_exit){ .deaf = true });
	inside[1] = rig_wait(k, 1, RIG_INSIDE, 2).count;
	inside[0] = rig_count(k, 0, RIG_INSIDE);
	inside[2] = rig_count(k, 2, RIG_INSIDE);
	patience.enough = k->nr_parked + 2;
	assert_int_equal(vcpu_hold_all(k->v, 3, &how, &late), -EBUSY);
	assert_int_equal(late, 1);
	assert_string_equal(vcpu_whereabouts(k->v[1], where, sizeof(where)), "in the guest");
	(void)rig_wait(k, 0, RIG_INSIDE, inside[0] + 1);
	(void)rig_wait(k, 2, RIG_INSIDE, inside[2] + 1);
	/* It was never out, and goes on as if nothing had been. */
	must0(sem_post(&k->heal));
	(void)rig_wait(k, 1, RIG_INSIDE, inside[1] + 1);
	assert_int_equal(rig_count(k, 1, RIG_PARKED), 0);
	rig_hold(k, 0, 3);
	rig_release(k, 0, 3);
}

static void a_hold_waits_for_the_handler_of_an_exit(void **state)
{
	struct rig *k = *state;
	struct rig_patience patience = { .k = k };
	const struct vcpu_patience how = { rig_patient, &patience };
	u32 late = 99, inside;
	char where[48];

	rig_run(k, 2);
	rig_stop_at(k, 0, RIG_LOAD);
	rig_push(k, 0, &load);
	(void)rig_wait(k, 0, RIG_LOAD, 1);
	inside = rig_count(k, 0, RIG_INSIDE);
	patience.enough = k->nr_parked + 1;
	assert_int_equal(vcpu_hold_all(k->v, 2, &how, &late), -EBUSY);
	assert_int_equal(late, 0);
	assert_string_equal(vcpu_whereabouts(k->v[0], where, sizeof(where)),
	                    "answering exit 6 of KVM");
	rig_go(k, 0);
	(void)rig_wait(k, 0, RIG_INSIDE, inside + 1);
	rig_hold(k, 0, 2);
	assert_string_equal(vcpu_whereabouts(k->v[0], where, sizeof(where)), "held");
	rig_release(k, 0, 2);
	rig_stop(k);
	assert_string_equal(vcpu_whereabouts(k->v[0], where, sizeof(where)), "at its end");
}

/* Kicks from anywhere, and events that mean nothing: the fake sees it if it enters. */
static void no_kick_lets_a_held_vcpu_in(void **state)
{
	struct rig *k = *state;
	u32 runs, inside;

	rig_run(k, 1);
	rig_start(k, 1);
	for (int round = 0; round < 20; round++) {
		inside = rig_count(k, 0, RIG_INSIDE);
		rig_hold(k, 0, 2);
		runs = rig_count(k, 0, RIG_RUN);
		for (int i = 0; i < KICKS; i++) {
			rig_kick(&k->cpu[0]);
			vcpu_post(k->v[0], GATE_WAKE);
			vcpu_post(k->v[1], GATE_WAKE);
		}
		assert_int_equal(rig_count(k, 0, RIG_RUN), runs);
		assert_int_equal(vcpu_pending(k->v[0]), GATE_WAKE | GATE_HOLD);
		rig_release(k, 0, 2);
		/* A kick that came while it was out costs one turn, and is over then. */
		(void)rig_wait(k, 0, RIG_INSIDE, inside + 1);
	}
	assert_int_equal(rig_count(k, 1, RIG_RUN), 0);
}

static void exit_ends_a_held_vcpu(void **state)
{
	struct rig *k = *state;
	u32 runs[RIG_CPUS];

	rig_run(k, 2);
	rig_start(k, 2);
	rig_hold(k, 0, 3);
	for (u32 i = 0; i < 3; i++)
		runs[i] = rig_count(k, i, RIG_RUN);
	for (u32 i = 0; i < 3; i++)
		vcpu_post(k->v[i], GATE_EXIT);
	for (u32 i = 0; i < 3; i++) {
		(void)rig_wait(k, i, RIG_GONE, 1);
		assert_int_equal(rig_count(k, i, RIG_RUN), runs[i]);
		assert_int_equal(rig_count(k, i, RIG_ENDED), 0);
	}
	rig_release(k, 0, 3);
}

/* The holder hears of it, so that it does not wait for a thread that is over. */
static void an_end_under_a_hold_counts_as_held(void **state)
{
	struct rig *k = *state;
	struct rig_patience patience = { .k = k, .goes = true };
	const struct vcpu_patience how = { rig_patient, &patience };
	u32 late;

	rig_run(k, 1);
	rig_stop_at(k, 0, RIG_ENDED);
	rig_push(k, 0, &(struct rig_exit){ .err = -EIO });
	(void)rig_wait(k, 0, RIG_ENDED, 1);
	patience.seen = k->nr_parked;
	assert_int_equal(vcpu_hold_all(k->v, 1, &how, &late), 0);
	assert_int_equal(rig_count(k, 0, RIG_PARKED), 1);
	vcpu_release_all(k->v, 1);
}

static void only_a_reset_is_accepted_under_a_hold(void **state)
{
	struct rig *k = *state;
	u32 runs;

	rig_run(k, 2);
	for (u32 i = 1; i <= ROUNDS; i++) {
		rig_hold(k, 0, RIG_CPUS);
		runs = rig_count(k, 0, RIG_RUN);
		vcpu_post(k->v[0], GATE_WAKE);
		assert_int_equal(vcpu_pending(k->v[0]), GATE_WAKE | GATE_HOLD);
		/* What was for the CPU of before is thrown away. */
		rig_start_again(k);
		assert_int_equal(vcpu_pending(k->v[0]), GATE_HOLD);
		assert_int_equal(rig_count(k, 0, RIG_BOOT), i);
		assert_int_equal(rig_count(k, 1, RIG_OFF), i);
		vcpu_answer(k->v[0], 0);
		assert_int_equal(vcpu_pending(k->v[0]), GATE_ANSWER | GATE_HOLD);
		assert_int_equal(rig_count(k, 0, RIG_RUN), runs);
		rig_release(k, 0, RIG_CPUS);
		(void)rig_wait(k, 0, RIG_ANSWER, 1 + i); /* and its CPU_ON */
	}
}

static bool impatient(void *ctx)
{
	return false;
}

static void who_is_late_with_a_reset_under_a_hold_stays_held(void **state)
{
	const struct vcpu_patience not_at_all = { impatient, NULL };
	struct rig *k = *state;
	struct rig_patience patience = { .k = k };
	const struct vcpu_patience how = { rig_patient, &patience };
	u32 late = 99, runs;

	rig_run(k, 2);
	assert_int_equal(vcpu_hold_all(k->v, 2, &how, &late), 0);
	runs = rig_count(k, 1, RIG_RUN);
	rig_stop_at(k, 1, RIG_OFF);
	vcpu_post(k->v[1], GATE_OFF);
	assert_int_equal(vcpu_settle_all(k->v, 2, &not_at_all, &late), -EBUSY);
	assert_int_equal(late, 1);
	(void)rig_wait(k, 1, RIG_OFF, 1);
	assert_int_equal(vcpu_settle_all(k->v, 2, &not_at_all, &late), -EBUSY);
	rig_go(k, 1);
	assert_int_equal(vcpu_settle_all(k->v, 2, &how, &late), 0);
	assert_int_equal(vcpu_pending(k->v[1]), GATE_HOLD);
	assert_int_equal(rig_count(k, 1, RIG_RUN), runs);
	vcpu_release_all(k->v, 2);
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(mmio_goes_to_the_bus_and_comes_back_zero_extended),
		row(an_address_without_a_device_reads_zero_and_goes_on),
		row(interruptions_of_the_host_do_not_end_the_vcpu),
		row(each_way_to_end_is_told_once_and_the_guest_is_not_entered_again),
		row(an_exit_posted_before_the_start_keeps_the_guest_from_running),
		row(no_kick_is_lost_however_it_falls),
		row(no_event_is_lost_however_it_falls),
		row(a_kick_without_a_reason_changes_nothing),
		row(running_vcpus_are_out_while_they_are_held_and_go_on_afterwards),
		row(what_sleeps_waits_or_is_off_is_held_where_it_is),
		row(one_that_was_not_started_is_held_and_stays_so_when_it_starts),
		row(holds_nest),
		row(one_that_does_not_hear_is_named_and_the_others_run_again),
		row(a_hold_waits_for_the_handler_of_an_exit),
		row(no_kick_lets_a_held_vcpu_in),
		row(exit_ends_a_held_vcpu),
		row(an_end_under_a_hold_counts_as_held),
		row(only_a_reset_is_accepted_under_a_hold),
		row(who_is_late_with_a_reset_under_a_hold_stays_held),
	};
#undef row

	return cmocka_run_group_tests_name("vcpu", tests, NULL, NULL);
}
