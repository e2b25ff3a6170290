/* SPDX-License-Identifier: MIT */
/* Beside a KVM that answers PSCI calls itself, and over one that fails. */
#include "tests/unit/vcpu_rig.h"

static void with_kvms_psci_secondaries_wait_in_kvm_before_and_after(void **state)
{
	struct rig *k = *state;

	rig_start(k, 0);
	rig_start(k, 1);
	rig_idle(k, 1, KVM_MP_STATE_STOPPED);
	rig_idle(k, 0, KVM_MP_STATE_RUNNABLE);
	rig_hold(k, 0, 2);
	power_observe(k->env.power, 1, true);
	k->cpu[1].mp.mp_state = KVM_MP_STATE_RUNNABLE; /* its CPU_ON, which we do not see */
	rig_release(k, 0, 2);
	rig_idle(k, 1, KVM_MP_STATE_RUNNABLE);
	rig_hold(k, 0, RIG_CPUS);
	rig_start_again(k);
	rig_release(k, 0, RIG_CPUS);
	(void)rig_wait(k, 0, RIG_BOOT, 1);
	rig_idle(k, 1, KVM_MP_STATE_STOPPED);
}

static void kvms_system_events_are_the_same_requests(void **state)
{
	static const struct {
		u32 event, ndata;
		u64 flags, x[3];
		bool big_endian;
		struct psci_system want;
	} rows[] = {
		{ .event = KVM_SYSTEM_EVENT_SHUTDOWN, .want = { .kind = PSCI_SYSTEM_OFF } },
		{ .event = KVM_SYSTEM_EVENT_SHUTDOWN,
		  .ndata = 1,
		  .flags = 1,
		  .want = { .kind = PSCI_SYSTEM_HIBERNATE } },
		{ .event = KVM_SYSTEM_EVENT_RESET,
		  .ndata = 1,
		  .want = { .kind = PSCI_SYSTEM_RESET } },
		{ .event = KVM_SYSTEM_EVENT_RESET,
		  .ndata = 1,
		  .flags = 1,
		  .want = { .kind = PSCI_SYSTEM_RESET2 } },
		/* Without data the place of the flags says nothing. */
		{ .event = KVM_SYSTEM_EVENT_RESET,
		  .flags = 1,
		  .want = { .kind = PSCI_SYSTEM_RESET } },
		{ .event = KVM_SYSTEM_EVENT_SUSPEND,
		  .x = { ENTRY, 11 },
		  .want = { .kind = PSCI_SYSTEM_SUSPEND, .entry = { ENTRY, 11, false } } },
		{ .event = KVM_SYSTEM_EVENT_SUSPEND,
		  .x = { 0, ~0ull },
		  .big_endian = true,
		  .want = { .kind = PSCI_SYSTEM_SUSPEND, .entry = { 0, ~0ull, true } } },
	};
	struct rig *k = *state;

	rig_start(k, 0);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig_exit e = { .reason = KVM_EXIT_SYSTEM_EVENT,
			              .event = rows[i].event,
			              .ndata = rows[i].ndata,
			              .flags = rows[i].flags,
			              .big_endian = rows[i].big_endian };

		memcpy(e.x, rows[i].x, sizeof(e.x));
		rig_push(k, 0, &e);
		(void)rig_wait(k, 0, RIG_REQUESTED, i + 1);
		rig_check_request(k, 0, &rows[i].want);
		vcpu_answer(k->v[0], PSCI_DENIED);
		assert_int_equal((s64)rig_wait(k, 0, RIG_ANSWER, i + 1).arg[0], PSCI_DENIED);
	}
	assert_int_equal(rig_last(k, 0, RIG_ARGS).arg[0], 2);
}

static void with_kvms_psci_a_suspend_is_granted_and_ends_the_same_way(void **state)
{
	const struct rig_exit suspend = { .reason = KVM_EXIT_SYSTEM_EVENT,
		                          .event = KVM_SYSTEM_EVENT_SUSPEND,
		                          .x = { ENTRY, 11 } };
	struct rig *k = *state;
	struct psci_system what;

	rig_start(k, 0);
	rig_start(k, 1);
	rig_push(k, 0, &suspend);
	(void)rig_wait(k, 0, RIG_REQUESTED, 1);
	assert_true(vcpu_request(k->v[0], &what));
	rig_hold(k, 0, 2);
	rig_grant(k, 0, &what);
	rig_release(k, 0, 2);
	rig_idle(k, 0, KVM_MP_STATE_SUSPENDED);
	rig_interrupt(k, 0);
	assert_int_equal(rig_wait(k, 0, RIG_WOKE, 1).arg[0], 1);
	assert_int_equal(rig_last(k, 0, RIG_START).arg[0], ENTRY);
	assert_int_equal(rig_last(k, 0, RIG_START).arg[1], 11);
	rig_idle(k, 0, KVM_MP_STATE_RUNNABLE);
}

static void with_kvms_psci_a_hypercall_is_nothing_we_can_answer(void **state)
{
	struct rig *k = *state;

	rig_push_call(k, 0, CALL_VERSION, 0, 0, 0);
	rig_start(k, 0);
	(void)rig_wait(k, 0, RIG_GONE, 1);
	rig_stop(k);
	assert_int_equal(k->cpu[0].end.kind, VCPU_END_CRASH);
	assert_non_null(strstr(k->cpu[0].end.reason, "0x84000000"));
}

static void call_version(struct rig *k)
{
	rig_push_call(k, 0, CALL_VERSION, 0, 0, 0);
}

static void call_on(struct rig *k)
{
	rig_push_call(k, 0, CALL_ON, 1, ENTRY, 0);
}

static void post_reset(struct rig *k)
{
	vcpu_post(k->v[0], GATE_RESET);
}

static void post_off(struct rig *k)
{
	vcpu_post(k->v[0], GATE_OFF);
}

static void suspend_and_grant(struct rig *k)
{
	rig_fall_asleep(k, 0, 0);
}

static void ask_and_be_refused(struct rig *k)
{
	rig_push_call(k, 0, CALL_SYSTEM_OFF, 0, 0, 0);
	(void)rig_wait(k, 0, RIG_REQUESTED, 1);
	vcpu_answer(k->v[0], PSCI_DENIED);
}

static void suspend(struct rig *k, u64 power_state)
{
	rig_fail(k, 0, RIG_MP, 0);
	rig_push_call(k, 0, CALL_SUSPEND, power_state, ENTRY, 0);
	rig_idle(k, 0, KVM_MP_STATE_SUSPENDED);
}

static void wake_from_standby(struct rig *k)
{
	suspend(k, PSCI_POWER_STATE_STANDBY);
	rig_fail(k, 0, RIG_MP, -EIO);
	rig_interrupt(k, 0);
}

static void return_from_standby(struct rig *k)
{
	suspend(k, PSCI_POWER_STATE_STANDBY);
	rig_interrupt(k, 0);
}

static void wake_from_power_down(struct rig *k)
{
	suspend(k, PSCI_POWER_STATE_POWER_DOWN);
	rig_interrupt(k, 0);
}

static void a_kvm_that_fails_ends_the_vcpu_as_the_hosts_fault(void **state)
{
	static const struct {
		enum rig_what fails;
		void (*provoke)(struct rig *k);
		u32 cpu; /* that ends */
		const char *word;
	} rows[] = {
		{ RIG_ANSWER, call_version, 0, "answer a call" },
		{ RIG_ARGS, call_on, 0, "arguments" },
		{ RIG_ENDIAN, call_on, 0, "arguments" },
		{ RIG_START, call_on, 1, "power on" },
		{ RIG_BOOT, post_reset, 0, "reset" },
		{ RIG_OFF, post_off, 0, "power off" },
		{ RIG_MP, suspend_and_grant, 0, "suspend" },
		{ RIG_ANSWER, ask_and_be_refused, 0, "answer its call" },
		{ RIG_MP, wake_from_standby, 0, "wake up" },
		{ RIG_ANSWER, return_from_standby, 0, "wake up" },
		{ RIG_START, wake_from_power_down, 0, "wake up" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const u32 cpu = rows[i].cpu;
		struct vcpu_end end;
		struct rig *k;

		rig_again(state);
		k = *state;
		rig_run(k, 1);
		rig_start(k, 1);
		rig_fail(k, cpu, rows[i].fails, -EIO);
		rows[i].provoke(k);
		(void)rig_wait(k, cpu, RIG_GONE, 1);
		rig_stop(k);
		end = k->cpu[cpu].end;
		if (rig_count(k, cpu, RIG_ENDED) != 1 || end.kind != VCPU_END_HOST ||
		    !strstr(end.reason, rows[i].word) || !strstr(end.reason, strerror(EIO)))
			fail_msg("row %zu: kind %d, '%s'", i, (int)end.kind, end.reason);
		assert_int_equal(rig_count(k, !cpu, RIG_ENDED), 0);
	}
}

/* Nothing has been done yet, so the guest can be told. */
static void a_cpu_that_kvm_does_not_stop_goes_on_and_is_told(void **state)
{
	struct rig *k = *state;

	rig_run(k, 1);
	rig_fail(k, 0, RIG_MP, -EIO);
	assert_int_equal(rig_call(k, 0, CALL_OFF, 0, 0, 0), PSCI_INTERNAL_FAILURE);
	assert_int_equal(rig_call(k, 0, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0),
	                 PSCI_INTERNAL_FAILURE);
	assert_int_equal(rig_call(k, 0, CALL_VERSION, 0, 0, 0), PSCI_1_1);
	assert_int_equal(atomic_load(&k->changes), 0);
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup_kernel, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(with_kvms_psci_secondaries_wait_in_kvm_before_and_after),
		row(kvms_system_events_are_the_same_requests),
		row(with_kvms_psci_a_suspend_is_granted_and_ends_the_same_way),
		row(with_kvms_psci_a_hypercall_is_nothing_we_can_answer),
		cmocka_unit_test_setup_teardown(a_kvm_that_fails_ends_the_vcpu_as_the_hosts_fault,
		                                rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_cpu_that_kvm_does_not_stop_goes_on_and_is_told,
		                                rig_setup, rig_teardown),
	};
#undef row

	return cmocka_run_group_tests_name("psci_host_kvm", tests, NULL, NULL);
}
