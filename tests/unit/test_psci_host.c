/* SPDX-License-Identifier: MIT */
/* The guest's power calls, from KVM's exit to what becomes of the vCPUs. */
#include "tests/unit/vcpu_rig.h"

#include <sched.h>

enum { ROUNDS = 300, TARGET = RIG_CPUS - 1 };

/* It has started like this, and KVM has it running. */
static void check_start(struct rig *k, u32 cpu, u32 count, u64 pc, u64 context_id, u64 flags)
{
	const struct rig_note n = rig_wait(k, cpu, RIG_START, count);

	assert_int_equal(n.count, count);
	assert_int_equal(n.arg[0], pc);
	assert_int_equal(n.arg[1], context_id);
	assert_int_equal(n.arg[2], flags);
}

static void cpu_on_starts_a_cpu_whose_thread_has_not_begun(void **state)
{
	struct rig *k = *state;

	rig_start(k, 0);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 7), PSCI_SUCCESS);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY + 4, 8), PSCI_ALREADY_ON);
	rig_start(k, 1);
	check_start(k, 1, 1, ENTRY, 7, 0);
	(void)rig_wait(k, 1, RIG_INSIDE, 1);
	assert_int_equal(rig_mp_state(k, 1), KVM_MP_STATE_RUNNABLE);
}

static void cpu_on_starts_a_cpu_that_is_parked(void **state)
{
	struct rig *k = *state;

	rig_start(k, 0);
	rig_begin(k, 1);
	assert_int_equal(rig_count(k, 1, RIG_RUN), 0);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 7), PSCI_SUCCESS);
	check_start(k, 1, 1, ENTRY, 7, 0);
	(void)rig_wait(k, 1, RIG_INSIDE, 1);
	assert_int_equal(rig_mp_state(k, 1), KVM_MP_STATE_RUNNABLE);
}

/* The table says OFF already, the thread is not at its gate yet. */
static void cpu_on_starts_a_cpu_that_is_on_its_way_off(void **state)
{
	struct rig *k = *state;

	rig_run(k, 2);
	rig_stop_at(k, 1, RIG_CHANGED);
	rig_push_call(k, 1, CALL_OFF, 0, 0, 0);
	(void)rig_wait(k, 1, RIG_CHANGED, 2);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY + 8, 9), PSCI_SUCCESS);
	assert_int_equal(rig_count(k, 1, RIG_START), 1);
	rig_go(k, 1);
	check_start(k, 1, 2, ENTRY + 8, 9, 0);
	(void)rig_wait(k, 1, RIG_INSIDE, 2);
	assert_int_equal(rig_mp_state(k, 1), KVM_MP_STATE_RUNNABLE);
	assert_true(rig_last(k, 1, RIG_MP).seq < rig_last(k, 1, RIG_START).seq);
	assert_int_equal(rig_count(k, 1, RIG_ANSWER), 0);
}

static void cpu_on_of_a_held_cpu_starts_it_after_the_release_and_not_before(void **state)
{
	struct rig *k = *state;

	rig_start(k, 0);
	rig_start(k, 1);
	for (u32 i = 1; i <= 50; i++) {
		rig_hold(k, 1, 1);
		assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, i), PSCI_SUCCESS);
		assert_int_equal(rig_call(k, 0, CALL_AFFINITY_INFO, 1, 0, 0), POWER_ON);
		assert_int_equal(vcpu_pending(k->v[1]), GATE_ON | GATE_HOLD);
		assert_int_equal(rig_count(k, 1, RIG_START), i - 1);
		rig_release(k, 1, 1);
		check_start(k, 1, i, ENTRY, i, 0);
		rig_push_call(k, 1, CALL_OFF, 0, 0, 0);
		(void)rig_wait(k, 1, RIG_CHANGED, 2 * i);
	}
}

static void entry_context_id_and_endianness_arrive(void **state)
{
	static const struct {
		struct rig_exit e;
		u64 pc, context_id, flags;
	} rows[] = {
		{ { .fid = CALL_ON, .x = { 1, ENTRY, ~0ull } }, ENTRY, ~0ull, 0 },
		{ { .fid = CALL_ON, .x = { 1, RIG_RAM, 0 }, .big_endian = true }, RIG_RAM, 0, 1 },
		{ { .fid = 0x84000003,
		    .x = { 0xdead000000000001, 0xdead000000000000 | ENTRY, 0xdead000000000002 } },
		  ENTRY,
		  2,
		  0 },
		{ { .fid = CALL_ON, .x = { 1, RIG_RAM + RIG_RAM_SIZE - 4, 5 } },
		  RIG_RAM + RIG_RAM_SIZE - 4,
		  5,
		  0 },
	};
	struct rig *k = *state;

	rig_start(k, 0);
	rig_start(k, 1);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig_exit e = rows[i].e;

		e.reason = KVM_EXIT_HYPERCALL;
		rig_push(k, 0, &e);
		assert_int_equal(rig_wait(k, 0, RIG_ANSWER, i + 1).arg[0], PSCI_SUCCESS);
		check_start(k, 1, i + 1, rows[i].pc, rows[i].context_id, rows[i].flags);
		rig_push_call(k, 1, CALL_OFF, 0, 0, 0);
		(void)rig_wait(k, 1, RIG_CHANGED, 2 * i + 2);
	}
}

static void a_refused_call_changes_nothing(void **state)
{
	static const struct {
		u32 fid;
		u64 x[3];
		s64 code;
	} rows[] = {
		{ CALL_ON, { 1, RIG_RAM - 4, 0 }, PSCI_INVALID_ADDRESS },
		{ CALL_ON, { 1, RIG_RAM + RIG_RAM_SIZE, 0 }, PSCI_INVALID_ADDRESS },
		{ CALL_ON, { 1, ENTRY + 2, 0 }, PSCI_INVALID_ADDRESS },
		{ CALL_ON, { RIG_CPUS, ENTRY, 0 }, PSCI_INVALID_PARAMETERS },
		{ CALL_ON, { 1ull << 31 | 1, ENTRY, 0 }, PSCI_INVALID_PARAMETERS },
		{ CALL_ON, { 0, ENTRY, 0 }, PSCI_ALREADY_ON },
		{ CALL_ON, { 2, ENTRY + 4, 0 }, PSCI_ALREADY_ON },
		{ CALL_SUSPEND, { 0x12345, ENTRY, 0 }, PSCI_INVALID_PARAMETERS },
		{ CALL_SUSPEND, { PSCI_POWER_STATE_POWER_DOWN, 0, 0 }, PSCI_INVALID_ADDRESS },
		{ CALL_SYSTEM_SUSPEND, { 0, 0, 0 }, PSCI_INVALID_ADDRESS },
		{ CALL_SYSTEM_RESET2, { 1, 0, 0 }, PSCI_INVALID_PARAMETERS },
		{ CALL_AFFINITY_INFO, { 1, 4, 0 }, PSCI_INVALID_PARAMETERS },
		{ 0xc4000002, { 0, 0, 0 }, PSCI_NOT_SUPPORTED },
		{ 0x8400ffff, { 0, 0, 0 }, PSCI_NOT_SUPPORTED },
		{ 0x12345678, { 0, 0, 0 }, PSCI_NOT_SUPPORTED },
	};
	struct rig *k = *state;

	rig_start(k, 0);
	rig_start(k, 1);
	rig_start(k, 2);
	assert_int_equal(rig_call(k, 0, CALL_ON, 2, ENTRY, 1), PSCI_SUCCESS);
	(void)rig_wait(k, 2, RIG_INSIDE, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		s64 code = rig_call(k, 0, rows[i].fid, rows[i].x[0], rows[i].x[1], rows[i].x[2]);

		if (code != rows[i].code)
			fail_msg("row %zu answers %lld", i, code);
	}
	rig_settle(k, 1);
	rig_settle(k, 2);
	assert_int_equal(atomic_load(&k->changes), 1);
	assert_int_equal(rig_count(k, 0, RIG_REQUESTED) + rig_count(k, 0, RIG_MP), 0);
	assert_int_equal(rig_count(k, 1, RIG_RUN) + rig_count(k, 1, RIG_START), 0);
	check_start(k, 2, 1, ENTRY, 1, 0);
}

static void a_call_costs_no_more_registers_than_it_has_arguments(void **state)
{
	static const struct {
		u32 fid, args, endians;
	} rows[] = {
		{ CALL_VERSION, 0, 0 }, { CALL_AFFINITY_INFO, 2, 0 }, { 0x8400000a, 1, 0 },
		{ CALL_ON, 3, 1 },      { 0x12345678, 0, 0 },
	};
	struct rig *k = *state;

	rig_start(k, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 reads = rig_count(k, 0, RIG_ARGS), endians = rig_count(k, 0, RIG_ENDIAN);

		(void)rig_call(k, 0, rows[i].fid, 99, 0, 0);
		if (rig_count(k, 0, RIG_ARGS) - reads != (rows[i].args > 0) ||
		    (rows[i].args && rig_last(k, 0, RIG_ARGS).arg[0] != rows[i].args) ||
		    rig_count(k, 0, RIG_ENDIAN) - endians != rows[i].endians)
			fail_msg("function %#x", rows[i].fid);
	}
}

static void cpu_off_stops_the_cpu_in_kvm_and_its_thread_enters_no_more(void **state)
{
	struct rig *k = *state;
	u32 runs;

	rig_run(k, 2);
	runs = rig_count(k, 1, RIG_RUN);
	rig_push_call(k, 1, CALL_OFF, 0, 0, 0);
	assert_int_equal(rig_wait(k, 1, RIG_MP, 1).arg[0], KVM_MP_STATE_STOPPED);
	rig_push_call(k, 1, CALL_VERSION, 0, 0, 0);
	vcpu_post(k->v[1], GATE_WAKE);
	rig_settle(k, 1);
	assert_int_equal(rig_mp_state(k, 1), KVM_MP_STATE_STOPPED);
	assert_int_equal(rig_count(k, 1, RIG_RUN), runs);
	assert_int_equal(rig_unserved(k, 1), 1);
	assert_int_equal(rig_count(k, 1, RIG_ANSWER), 0);
	assert_int_equal(rig_call(k, 0, CALL_AFFINITY_INFO, 1, 0, 0), POWER_OFF);
}

/* All others ask for TARGET, and come out of KVM together. Return: who got SUCCESS. */
static u32 race(struct rig *k)
{
	u32 answers[TARGET], winner = RIG_CPUS;

	for (u32 i = 0; i < TARGET; i++) {
		const struct rig_exit e = { .reason = KVM_EXIT_HYPERCALL,
			                    .fid = CALL_ON,
			                    .x = { TARGET, ENTRY + 4ull * i, i },
			                    .meet = true };

		answers[i] = rig_count(k, i, RIG_ANSWER);
		rig_push(k, i, &e);
	}
	for (u32 i = 0; i < TARGET; i++) {
		s64 code = (s64)rig_wait(k, i, RIG_ANSWER, answers[i] + 1).arg[0];

		if (code == PSCI_SUCCESS) {
			assert_int_equal(winner, RIG_CPUS);
			winner = i;
		} else {
			assert_int_equal(code, PSCI_ALREADY_ON);
		}
	}
	assert_int_not_equal(winner, RIG_CPUS);
	return winner;
}

static void of_seven_racing_callers_one_wins_and_its_entry_counts(void **state)
{
	struct rig *k = *state;

	must0(pthread_barrier_init(&k->meeting, NULL, TARGET));
	rig_run(k, TARGET);
	rig_start(k, TARGET);
	for (u32 i = 1; i <= ROUNDS; i++) {
		u32 winner = race(k);

		check_start(k, TARGET, i, ENTRY + 4ull * winner, winner, 0);
		rig_push_call(k, TARGET, CALL_OFF, 0, 0, 0);
		(void)rig_wait(k, TARGET, RIG_CHANGED, 2 * i);
	}
	rig_stop(k);
	must0(pthread_barrier_destroy(&k->meeting));
}

static void standby_returns_success_when_an_interrupt_comes(void **state)
{
	struct rig *k = *state;

	rig_run(k, 2);
	rig_push_call(k, 1, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0);
	rig_idle(k, 1, KVM_MP_STATE_SUSPENDED);
	assert_int_equal(power_state(k->env.power, 1), POWER_SUSPENDED);
	assert_int_equal(rig_call(k, 0, CALL_AFFINITY_INFO, 1, 0, 0), POWER_ON);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 0), PSCI_ALREADY_ON);
	assert_int_equal(rig_count(k, 1, RIG_ANSWER), 0);
	rig_interrupt(k, 1);
	assert_int_equal(rig_wait(k, 1, RIG_ANSWER, 1).arg[0], PSCI_SUCCESS);
	assert_int_equal(power_state(k->env.power, 1), POWER_ON);
	assert_int_equal(rig_mp_state(k, 1), KVM_MP_STATE_RUNNABLE);
	/* No system suspend, and no new start. */
	assert_int_equal(rig_count(k, 1, RIG_WOKE), 0);
	assert_int_equal(rig_count(k, 1, RIG_START), 1);
}

static void power_down_comes_back_at_its_entry_with_its_timers(void **state)
{
	const struct rig_exit e = { .reason = KVM_EXIT_HYPERCALL,
		                    .fid = CALL_SUSPEND,
		                    .x = { PSCI_POWER_STATE_POWER_DOWN, ENTRY + 12, 77 },
		                    .big_endian = true };
	struct rig *k = *state;

	rig_push(k, 0, &e);
	rig_start(k, 0);
	rig_idle(k, 0, KVM_MP_STATE_SUSPENDED);
	assert_int_equal(rig_count(k, 0, RIG_START), 0);
	rig_interrupt(k, 0);
	check_start(k, 0, 1, ENTRY + 12, 77, 1 | 2);
	(void)rig_wait(k, 0, RIG_INSIDE, 2);
	assert_int_equal(rig_mp_state(k, 0), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(power_state(k->env.power, 0), POWER_ON);
	assert_int_equal(rig_count(k, 0, RIG_ANSWER), 0);
}

static void an_event_wakes_a_sleeper_and_means_nothing_to_the_others(void **state)
{
	struct rig *k = *state;

	rig_run(k, 2);
	rig_start(k, 2);
	for (u32 i = 0; i < 3; i++)
		vcpu_post(k->v[i], GATE_WAKE);
	/* That was before it sleeps: the next suspend does not end by it. */
	rig_settle(k, 1);
	rig_push_call(k, 1, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0);
	rig_idle(k, 1, KVM_MP_STATE_SUSPENDED);
	assert_int_equal(rig_count(k, 1, RIG_ANSWER), 0);
	vcpu_post(k->v[1], GATE_WAKE);
	assert_int_equal(rig_wait(k, 1, RIG_ANSWER, 1).arg[0], PSCI_SUCCESS);
	assert_int_equal(rig_mp_state(k, 1), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(rig_count(k, 2, RIG_RUN) + rig_count(k, 2, RIG_START), 0);
	assert_int_equal(rig_call(k, 0, CALL_VERSION, 0, 0, 0), PSCI_1_1);
}

static void set_injection(struct rig *k, const char *spec)
{
	const char *why;

	k->inject.nr = 1;
	assert_int_equal(psci_inject_parse(spec, &k->inject.rule[0], &why), 0);
	k->env.inject = &k->inject;
}

static void an_injected_code_is_answered_and_nothing_is_done(void **state)
{
	struct rig *k = *state;

	set_injection(k, "CPU_ON#2=INTERNAL_FAILURE");
	rig_start(k, 0);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 0), PSCI_SUCCESS);
	assert_int_equal(rig_call(k, 0, CALL_ON, 2, ENTRY, 0), PSCI_INTERNAL_FAILURE);
	assert_int_equal(power_state(k->env.power, 2), POWER_OFF);
	assert_int_equal(vcpu_pending(k->v[2]), 0);
	assert_int_equal(rig_call(k, 0, CALL_ON, 2, ENTRY, 0), PSCI_SUCCESS);
}

static u64 now_ms(void)
{
	struct timespec ts;

	must0(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

static void an_injected_delay_comes_before_the_call_is_carried_out(void **state)
{
	struct rig *k = *state;
	u64 start = now_ms();

	set_injection(k, "CPU_ON=delay:30");
	rig_start(k, 0);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 0), PSCI_SUCCESS);
	assert_true(now_ms() - start >= 30);
}

static void an_injected_on_pending_is_shown_until_its_time_is_over(void **state)
{
	struct rig *k = *state;
	u64 start = now_ms();

	set_injection(k, "CPU_ON=pending:30");
	rig_start(k, 0);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 5), PSCI_SUCCESS);
	assert_int_equal(rig_call(k, 0, CALL_AFFINITY_INFO, 1, 0, 0), POWER_ON_PENDING);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 6), PSCI_ON_PENDING);
	rig_start(k, 1);
	check_start(k, 1, 1, ENTRY, 5, 0);
	assert_true(now_ms() - start >= 30);
	assert_int_equal(rig_call(k, 0, CALL_AFFINITY_INFO, 1, 0, 0), POWER_ON);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 7), PSCI_ALREADY_ON);
}

/* Who decides about the machine does not wait ten seconds for a test's whim. */
static void a_hold_ends_an_injected_wait(void **state)
{
	struct rig *k = *state;
	u64 start = now_ms();

	set_injection(k, "CPU_ON=pending:10000");
	rig_start(k, 0);
	rig_start(k, 1);
	assert_int_equal(rig_call(k, 0, CALL_ON, 1, ENTRY, 5), PSCI_SUCCESS);
	while (vcpu_pending(k->v[1]) & GATE_ON)
		(void)sched_yield();
	rig_hold(k, 0, 2);
	rig_release(k, 0, 2);
	check_start(k, 1, 1, ENTRY, 5, 0);
	assert_true(now_ms() - start < 9000);
}

static void check_called(struct rig *k, u32 cpu, u32 count, const struct vcpu_psci_call *want)
{
	struct vcpu_psci_call c;

	(void)rig_wait(k, cpu, RIG_CALLED, count);
	must0(pthread_mutex_lock(&k->lock));
	c = k->cpu[cpu].called;
	must0(pthread_mutex_unlock(&k->lock));
	if (c.fid != want->fid || c.nr_args != want->nr_args || c.injected != want->injected ||
	    memcmp(c.arg, want->arg, c.nr_args * sizeof(c.arg[0])) != 0 ||
	    c.result.then != want->result.then || c.result.value != want->result.value ||
	    c.before != want->before || c.after != want->after || c.target != want->target)
		fail_msg("function %#x of CPU %u is told wrongly", want->fid, cpu);
	if (c.target >= 0 &&
	    (c.target_before != want->target_before || c.target_after != want->target_after))
		fail_msg("function %#x: states of its target %d -> %d", want->fid,
		         (int)c.target_before, (int)c.target_after);
}

static void the_trace_has_the_call_and_the_states_before_and_after(void **state)
{
	struct rig *k = *state;
	struct vcpu_psci_call on = { .fid = CALL_ON,
		                     .arg = { 1, ENTRY, 3 },
		                     .nr_args = 3,
		                     .target = 1,
		                     .target_before = POWER_OFF,
		                     .target_after = POWER_ON };

	set_injection(k, "AFFINITY_INFO=DENIED");
	k->env.traced = true;
	rig_start(k, 0);
	rig_start(k, 1);
	(void)rig_call(k, 0, CALL_ON, 1, ENTRY, 3);
	check_called(k, 0, 1, &on);
	on.target_before = POWER_ON;
	on.result.value = (u64)PSCI_ALREADY_ON;
	(void)rig_call(k, 0, CALL_ON, 1, ENTRY, 3);
	check_called(k, 0, 2, &on);
	(void)rig_call(k, 0, CALL_VERSION, 0, 0, 0);
	check_called(k, 0, 3,
	             &(struct vcpu_psci_call){
			     .fid = CALL_VERSION, .target = -1, .result.value = PSCI_1_1 });
	(void)rig_call(k, 0, CALL_AFFINITY_INFO, 1, 0, 0);
	check_called(k, 0, 4,
	             &(struct vcpu_psci_call){ .fid = CALL_AFFINITY_INFO,
	                                       .arg = { 1 },
	                                       .nr_args = 2,
	                                       .target = 1,
	                                       .injected = true,
	                                       .result.value = (u64)PSCI_DENIED });
	rig_push_call(k, 1, CALL_OFF, 0, 0, 0);
	check_called(k, 1, 1,
	             &(struct vcpu_psci_call){ .fid = CALL_OFF,
	                                       .target = -1,
	                                       .after = POWER_OFF,
	                                       .result.then = PSCI_TAKEN });
	rig_push_call(k, 0, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0);
	check_called(k, 0, 5,
	             &(struct vcpu_psci_call){ .fid = CALL_SUSPEND,
	                                       .nr_args = 3,
	                                       .target = -1,
	                                       .after = POWER_SUSPENDED,
	                                       .result.then = PSCI_TAKEN });
}

static void nobody_is_told_of_calls_when_nobody_traces(void **state)
{
	struct rig *k = *state;

	rig_start(k, 0);
	(void)rig_call(k, 0, CALL_ON, 1, ENTRY, 3);
	(void)rig_call(k, 0, CALL_VERSION, 0, 0, 0);
	assert_int_equal(rig_count(k, 0, RIG_CALLED), 0);
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(cpu_on_starts_a_cpu_whose_thread_has_not_begun),
		row(cpu_on_starts_a_cpu_that_is_parked),
		row(cpu_on_starts_a_cpu_that_is_on_its_way_off),
		row(cpu_on_of_a_held_cpu_starts_it_after_the_release_and_not_before),
		row(entry_context_id_and_endianness_arrive),
		row(a_refused_call_changes_nothing),
		row(a_call_costs_no_more_registers_than_it_has_arguments),
		row(cpu_off_stops_the_cpu_in_kvm_and_its_thread_enters_no_more),
		row(of_seven_racing_callers_one_wins_and_its_entry_counts),
		row(standby_returns_success_when_an_interrupt_comes),
		row(power_down_comes_back_at_its_entry_with_its_timers),
		row(an_event_wakes_a_sleeper_and_means_nothing_to_the_others),
		row(an_injected_code_is_answered_and_nothing_is_done),
		row(an_injected_delay_comes_before_the_call_is_carried_out),
		row(an_injected_on_pending_is_shown_until_its_time_is_over),
		row(a_hold_ends_an_injected_wait),
		row(the_trace_has_the_call_and_the_states_before_and_after),
		row(nobody_is_told_of_calls_when_nobody_traces),
	};
#undef row

	return cmocka_run_group_tests_name("psci_host", tests, NULL, NULL);
}
