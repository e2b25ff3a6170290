/* SPDX-License-Identifier: MIT */
#include "tests/unit/psci_rows.h"

static void version_is_the_one_that_is_configured(void **state)
{
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		const struct row row = {
			"version", PSCI_FN_VERSION, { 1, 2, 3 }, RETURNS(versions[v])
		};

		make_call(&row, versions[v], 0x84000000, false);
	}
}

static void cpu_suspend_takes_its_two_states_and_no_other(void **state)
{
	static const struct row rows[] = {
		{ "standby", PSCI_FN_CPU_SUSPEND, { 0 }, TAKEN },
		{ "standby needs no entry", PSCI_FN_CPU_SUSPEND, { 0, 3, 7 }, TAKEN },
		{ "power down", PSCI_FN_CPU_SUSPEND, { 0x10000, RAM_BASE, 7 }, TAKEN },
		{ "state wins", PSCI_FN_CPU_SUSPEND, { 0x10001, 0, 7 }, RETURNS(INVALID) },
		{ "state ID", PSCI_FN_CPU_SUSPEND, { 1 }, RETURNS(INVALID) },
		{ "level 1", PSCI_FN_CPU_SUSPEND, { 0x1000000 }, RETURNS(INVALID) },
		{ "level 1 down", PSCI_FN_CPU_SUSPEND, { 0x1010000, RAM_BASE }, RETURNS(INVALID) },
		{ "reserved", PSCI_FN_CPU_SUSPEND, { 0x20000 }, RETURNS(INVALID) },
		{ "other format", PSCI_FN_CPU_SUSPEND, { 0x40000000, RAM_BASE }, RETURNS(INVALID) },
		{ "refused", PSCI_FN_CPU_SUSPEND, { 0 }, RETURNS(PSCI_DENIED), .answer = -EPERM },
	};
	static const struct row extended[] = {
		{ "standby", PSCI_FN_CPU_SUSPEND, { 0 }, TAKEN },
		{ "power down",
		  PSCI_FN_CPU_SUSPEND,
		  { 0x40000000, RAM_BASE },
		  TAKEN,
		  .since = PSCI_1_0 },
		{ "bad entry",
		  PSCI_FN_CPU_SUSPEND,
		  { 0x40000000, 4 },
		  RETURNS(ADDRESS),
		  .since = PSCI_1_0 },
		{ "other format",
		  PSCI_FN_CPU_SUSPEND,
		  { 0x10000, RAM_BASE },
		  RETURNS(INVALID),
		  .since = PSCI_1_0 },
		{ "0.2 has only one format",
		  PSCI_FN_CPU_SUSPEND,
		  { 0x10000, RAM_BASE },
		  TAKEN,
		  .until = PSCI_0_2 },
		{ "0.2 has only one format",
		  PSCI_FN_CPU_SUSPEND,
		  { 0x40000000, RAM_BASE },
		  RETURNS(INVALID),
		  .until = PSCI_0_2 },
	};

	make_calls(rows, ARRAY_SIZE(rows), false);
	make_calls(extended, ARRAY_SIZE(extended), true);

	for (u32 bit = 0; bit < 32; bit++) {
		for (u32 format = 0; format < 2; format++) {
			u32 down = format ? 0x40000000 : 0x10000;
			const struct row standby = {
				"one bit", PSCI_FN_CPU_SUSPEND,        { 1u << bit, RAM_BASE },
				INVALID,   .taken = 1u << bit == down, .since = PSCI_1_0,
			};
			const struct row power_down = {
				"one bit",
				PSCI_FN_CPU_SUSPEND,
				{ down ^ 1u << bit, RAM_BASE },
				INVALID,
				.taken = 1u << bit == down,
				.since = PSCI_1_0,
			};

			make_calls(&standby, 1, format);
			make_calls(&power_down, 1, format);
		}
	}
}

static void power_state_is_the_same_for_the_guest_and_the_device_tree(void **state)
{
	const struct psci_config rows[] = {
		{ .version = PSCI_1_1 },
		{ .version = PSCI_1_1, .extended_state_id = true },
		{ .version = PSCI_0_2, .extended_state_id = true },
	};
	static const u32 down[] = { 0x10000, 0x40000000, 0x10000 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(psci_power_state(&rows[i], PSCI_STANDBY), 0);
		assert_int_equal(psci_power_state(&rows[i], PSCI_POWER_DOWN), down[i]);
	}
}

static void cpu_suspend_hands_over_state_and_entry(void **state)
{
	const u64 down[] = { 0x10000, RAM_BASE + 0x40, 0x123456789abcdef };
	const u64 standby[] = { 0, RAM_BASE + 0x40, 7 };
	const u64 dflt[] = { RAM_BASE + 0x80, 0x42, 0 };
	struct psci_rig rig;

	rig_init(&rig, PSCI_1_1);
	assert_int_equal(psci_call(&rig.p, 3, 0xc4000001, down, true).then, PSCI_TAKEN);
	assert_int_equal(rig.host.cpu, 3);
	assert_int_equal(rig.host.state, PSCI_POWER_DOWN);
	assert_true(rig.host.has_entry);
	assert_int_equal(rig.host.entry.pc, RAM_BASE + 0x40);
	assert_int_equal(rig.host.entry.context_id, 0x123456789abcdef);
	assert_true(rig.host.entry.big_endian);

	assert_int_equal(psci_call(&rig.p, 4, 0x84000001, standby, true).then, PSCI_TAKEN);
	assert_int_equal(rig.host.state, PSCI_STANDBY);
	assert_false(rig.host.has_entry);

	assert_int_equal(psci_call(&rig.p, 3, 0xc400000c, dflt, false).then, PSCI_TAKEN);
	assert_int_equal(rig.host.state, PSCI_POWER_DOWN);
	assert_int_equal(rig.host.entry.pc, RAM_BASE + 0x80);
	assert_int_equal(rig.host.entry.context_id, 0x42);
	assert_false(rig.host.entry.big_endian);
}

static void entry_must_be_an_aligned_address_in_ram(void **state)
{
	static const struct {
		u64 pc;
		bool good;
		enum which in;
	} entries[] = {
		{ RAM_BASE, true, BOTH },
		{ RAM_BASE + 4, true, BOTH },
		{ 0xfffffffc, true, BOTH },
		{ 0x100000000, true, ONLY_64 },
		{ RAM_END - 4, true, ONLY_64 },
		{ 0, false, BOTH },
		{ RAM_BASE - 4, false, BOTH },
		{ RAM_BASE + 1, false, BOTH },
		{ RAM_BASE + 2, false, BOTH },
		{ RAM_BASE + 3, false, BOTH },
		{ 0x100000000, false, ONLY_32 },
		{ RAM_END - 2, false, ONLY_64 },
		{ RAM_END - 1, false, ONLY_64 },
		{ RAM_END, false, ONLY_64 },
		{ RAM_BASE | 1ull << 63, false, ONLY_64 },
		{ UINT64_MAX, false, BOTH },
		{ UINT64_MAX - 3, false, ONLY_64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		u64 pc = entries[i].pc;
		struct row rows[] = {
			{ "CPU_ON", PSCI_FN_CPU_ON, { 1, pc, 7 }, RETURNS(0) },
			{ "CPU_SUSPEND", PSCI_FN_CPU_SUSPEND, { 0x10000, pc, 7 }, TAKEN },
			{ "CPU_DEFAULT_SUSPEND", PSCI_FN_CPU_DEFAULT_SUSPEND, { pc, 7 }, TAKEN },
			{ "SYSTEM_SUSPEND", PSCI_FN_SYSTEM_SUSPEND, { pc, 7 }, TAKEN },
		};

		for (size_t j = 0; j < ARRAY_SIZE(rows); j++) {
			rows[j].in = entries[i].in;
			if (!entries[i].good) {
				rows[j].taken = false;
				rows[j].value = ADDRESS;
				rows[j].since = PSCI_1_0;
			}
		}
		make_calls(rows, ARRAY_SIZE(rows), false);

		/* INVALID_ADDRESS is not in 0.2, and of the four only the first two are. */
		for (size_t j = 0; j < 2 && !entries[i].good; j++) {
			rows[j].value = INVALID;
			rows[j].since = PSCI_0_2;
			rows[j].until = PSCI_0_2;
			make_calls(&rows[j], 1, false);
		}
	}
}

static void cpu_on_refuses_by_target_then_entry_then_state(void **state)
{
	static const struct row rows[] = {
		{ "turned on", PSCI_FN_CPU_ON, { 1, RAM_BASE, 7 }, RETURNS(0) },
		{ "Aff1", PSCI_FN_CPU_ON, { 0x100, RAM_BASE }, RETURNS(0) },
		{ "Aff2", PSCI_FN_CPU_ON, { 0x10000, RAM_BASE }, RETURNS(0) },
		{ "Aff3", PSCI_FN_CPU_ON, { 0x100000000, RAM_BASE }, RETURNS(0), .in = ONLY_64 },
		{ "on", PSCI_FN_CPU_ON, { 0, RAM_BASE }, RETURNS(PSCI_ALREADY_ON) },
		{ "no Aff3",
		  PSCI_FN_CPU_ON,
		  { 0x100000000, RAM_BASE },
		  RETURNS(PSCI_ALREADY_ON),
		  .in = ONLY_32 },
		{ "pending", PSCI_FN_CPU_ON, { 0x101, RAM_BASE }, RETURNS(PSCI_ON_PENDING) },
		{ "unknown", PSCI_FN_CPU_ON, { 2, RAM_BASE }, RETURNS(INVALID) },
		{ "unknown, entry", PSCI_FN_CPU_ON, { 2, 0 }, RETURNS(INVALID) },
		{ "reserved, entry", PSCI_FN_CPU_ON, { 0x1000001, 0 }, RETURNS(INVALID) },
		{ "MPIDR's U and RES1",
		  PSCI_FN_CPU_ON,
		  { 0xc0000001, RAM_BASE },
		  RETURNS(INVALID) },
		{ "on, entry", PSCI_FN_CPU_ON, { 0, 0 }, RETURNS(ADDRESS), .since = PSCI_1_0 },
		{ "pending, entry",
		  PSCI_FN_CPU_ON,
		  { 0x101, 0 },
		  RETURNS(ADDRESS),
		  .since = PSCI_1_0 },
		{ "off, entry", PSCI_FN_CPU_ON, { 1, 0 }, RETURNS(ADDRESS), .since = PSCI_1_0 },
		{ "asleep",
		  PSCI_FN_CPU_ON,
		  { 1, RAM_BASE },
		  RETURNS(PSCI_DENIED),
		  .answer = -EBUSY },
		{ "broken",
		  PSCI_FN_CPU_ON,
		  { 1, RAM_BASE },
		  RETURNS(PSCI_INTERNAL_FAILURE),
		  .answer = -ENOMEM },
	};

	make_calls(rows, ARRAY_SIZE(rows), false);
}

/* 5.1.4: of a target only Aff0 to Aff3 may be set; the same for all who name a CPU. */
static void reserved_bits_of_a_target_are_refused(void **state)
{
	for (u32 bit = 0; bit < 64; bit++) {
		u64 target = 1 | 1ull << bit;
		bool reserved = bit >= 40 || (bit >= 24 && bit < 32);
		const struct row rows[] = {
			{ "CPU_ON", PSCI_FN_CPU_ON, { target, RAM_BASE }, RETURNS(INVALID) },
			{ "AFFINITY_INFO", PSCI_FN_AFFINITY_INFO, { target }, RETURNS(INVALID) },
			{ "AFFINITY_INFO 3",
			  PSCI_FN_AFFINITY_INFO,
			  { target, 3 },
			  RETURNS(INVALID) },
			{ "NODE_HW_STATE", PSCI_FN_NODE_HW_STATE, { target }, RETURNS(INVALID) },
			{ "STAT_COUNT", PSCI_FN_STAT_COUNT, { target }, RETURNS(0) },
			{ "STAT_RESIDENCY", PSCI_FN_STAT_RESIDENCY, { target }, RETURNS(0) },
		};

		for (size_t i = 0; i < ARRAY_SIZE(rows) && reserved; i++) {
			struct row row = rows[i];

			if (bit >= 32)
				row.in = ONLY_64;
			make_calls(&row, 1, false);
		}
	}
}

static void cpu_on_hands_over_target_and_entry(void **state)
{
	struct psci_rig rig;
	u64 args[] = { 0x100000000, 0x180000000, 0xfedcba9876543210 };

	rig_init(&rig, PSCI_1_1);
	assert_int_equal(psci_call(&rig.p, 2, 0xc4000003, args, true).value, 0);
	assert_int_equal(rig.host.acts, 1);
	assert_int_equal(rig.host.cpu, 2);
	assert_int_equal(rig.host.mpidr, 0x100000000);
	assert_int_equal(rig.host.entry.pc, 0x180000000);
	assert_int_equal(rig.host.entry.context_id, 0xfedcba9876543210);
	assert_true(rig.host.entry.big_endian);

	args[0] |= 1;
	args[1] += 0x10;
	assert_int_equal(psci_call(&rig.p, 2, 0x84000003, args, false).value, 0);
	assert_int_equal(rig.host.mpidr, 1);
	assert_int_equal(rig.host.entry.pc, 0x80000010);
	assert_int_equal(rig.host.entry.context_id, 0x76543210);
	assert_false(rig.host.entry.big_endian);
}

static void affinity_info_works_at_all_levels(void **state)
{
	static const struct row rows[] = {
		{ "on", PSCI_FN_AFFINITY_INFO, { 0, 0 }, RETURNS(0) },
		{ "off", PSCI_FN_AFFINITY_INFO, { 1, 0 }, RETURNS(1) },
		{ "pending", PSCI_FN_AFFINITY_INFO, { 0x101, 0 }, RETURNS(2) },
		{ "unknown", PSCI_FN_AFFINITY_INFO, { 2, 0 }, RETURNS(INVALID) },
		{ "one on", PSCI_FN_AFFINITY_INFO, { 0, 1 }, RETURNS(0) },
		{ "Aff0 ignored", PSCI_FN_AFFINITY_INFO, { 0xff, 1 }, RETURNS(0) },
		{ "one pending", PSCI_FN_AFFINITY_INFO, { 0x1ff, 1 }, RETURNS(2) },
		{ "all off", PSCI_FN_AFFINITY_INFO, { 0x10000, 1 }, RETURNS(1) },
		{ "unknown at 1", PSCI_FN_AFFINITY_INFO, { 0x200, 1 }, RETURNS(INVALID) },
		{ "Aff1 ignored", PSCI_FN_AFFINITY_INFO, { 0xffff, 2 }, RETURNS(0) },
		{ "all off at 2", PSCI_FN_AFFINITY_INFO, { 0x1ffff, 2 }, RETURNS(1) },
		{ "unknown at 2", PSCI_FN_AFFINITY_INFO, { 0x20000, 2 }, RETURNS(INVALID) },
		{ "all of Aff3 0", PSCI_FN_AFFINITY_INFO, { 0xffffff, 3 }, RETURNS(0) },
		{ "Aff3",
		  PSCI_FN_AFFINITY_INFO,
		  { 0x100ffffff, 2 },
		  RETURNS(INVALID),
		  .in = ONLY_64 },
		{ "Aff3", PSCI_FN_AFFINITY_INFO, { 0x100ffffff, 3 }, RETURNS(0), .in = ONLY_64 },
		{ "Aff3", PSCI_FN_AFFINITY_INFO, { 0xff00000000, 3 }, RETURNS(2), .in = ONLY_64 },
		{ "unknown at 3",
		  PSCI_FN_AFFINITY_INFO,
		  { 0x200000000, 3 },
		  RETURNS(INVALID),
		  .in = ONLY_64 },
		{ "level 4", PSCI_FN_AFFINITY_INFO, { 0, 4 }, RETURNS(INVALID) },
		{ "level -1", PSCI_FN_AFFINITY_INFO, { 0, 0xffffffff }, RETURNS(INVALID) },
	};

	make_calls(rows, ARRAY_SIZE(rows), false);
}

static void calls_about_the_trusted_os_say_that_there_is_none(void **state)
{
	static const struct row rows[] = {
		{ "MIGRATE", PSCI_FN_MIGRATE, { 0 }, RETURNS(PSCI_NOT_SUPPORTED) },
		{ "MIGRATE -1", PSCI_FN_MIGRATE, { UINT64_MAX }, RETURNS(PSCI_NOT_SUPPORTED) },
		{ "MIGRATE_INFO_TYPE", PSCI_FN_MIGRATE_INFO_TYPE, { 0 }, RETURNS(2) },
		{ "MIGRATE_INFO_UP_CPU",
		  PSCI_FN_MIGRATE_INFO_UP_CPU,
		  { 0 },
		  RETURNS(PSCI_NOT_SUPPORTED) },
		{ "CPU_FREEZE", PSCI_FN_CPU_FREEZE, { 0 }, RETURNS(PSCI_NOT_SUPPORTED) },
	};

	make_calls(rows, ARRAY_SIZE(rows), false);
}

static void node_hw_state_knows_level_0_only(void **state)
{
	static const struct row rows[] = {
		{ "on", PSCI_FN_NODE_HW_STATE, { 0, 0 }, RETURNS(0) },
		{ "off", PSCI_FN_NODE_HW_STATE, { 1, 0 }, RETURNS(1) },
		{ "standby", PSCI_FN_NODE_HW_STATE, { 0x100, 0 }, RETURNS(2) },
		{ "unknown", PSCI_FN_NODE_HW_STATE, { 2, 0 }, RETURNS(INVALID) },
		{ "level 1", PSCI_FN_NODE_HW_STATE, { 0, 1 }, RETURNS(INVALID) },
		{ "level -1", PSCI_FN_NODE_HW_STATE, { 0, 0xffffffff }, RETURNS(INVALID) },
	};

	make_calls(rows, ARRAY_SIZE(rows), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_is_the_one_that_is_configured),
		cmocka_unit_test(cpu_suspend_takes_its_two_states_and_no_other),
		cmocka_unit_test(power_state_is_the_same_for_the_guest_and_the_device_tree),
		cmocka_unit_test(cpu_suspend_hands_over_state_and_entry),
		cmocka_unit_test(entry_must_be_an_aligned_address_in_ram),
		cmocka_unit_test(cpu_on_refuses_by_target_then_entry_then_state),
		cmocka_unit_test(reserved_bits_of_a_target_are_refused),
		cmocka_unit_test(cpu_on_hands_over_target_and_entry),
		cmocka_unit_test(affinity_info_works_at_all_levels),
		cmocka_unit_test(calls_about_the_trusted_os_say_that_there_is_none),
		cmocka_unit_test(node_hw_state_knows_level_0_only),
	};

	return cmocka_run_group_tests_name("psci_calls", tests, NULL, NULL);
}
