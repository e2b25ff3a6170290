/* SPDX-License-Identifier: MIT */
#include "tests/unit/psci_rows.h"

static void what_goes_to_the_host_is_taken_or_gets_its_code(void **state)
{
	static const struct row rows[] = {
		{ "CPU_OFF", PSCI_FN_CPU_OFF, { 0 }, TAKEN },
		{ "CPU_SUSPEND", PSCI_FN_CPU_SUSPEND, { 0 }, TAKEN },
		{ "CPU_DEFAULT_SUSPEND", PSCI_FN_CPU_DEFAULT_SUSPEND, { RAM_BASE }, TAKEN },
		{ "SYSTEM_OFF", PSCI_FN_SYSTEM_OFF, { 0 }, TAKEN },
		{ "SYSTEM_RESET", PSCI_FN_SYSTEM_RESET, { 0 }, TAKEN },
		{ "SYSTEM_RESET2", PSCI_FN_SYSTEM_RESET2, { 0 }, TAKEN },
		{ "SYSTEM_OFF2", PSCI_FN_SYSTEM_OFF2, { 0 }, TAKEN },
		{ "SYSTEM_SUSPEND", PSCI_FN_SYSTEM_SUSPEND, { RAM_BASE }, TAKEN },
	};
	static const struct {
		int err;
		s64 code;
	} answers[] = {
		{ 0, 0 },
		{ -EPERM, PSCI_DENIED },
		{ -EBUSY, PSCI_DENIED },
		{ -EIO, PSCI_INTERNAL_FAILURE },
		{ -EOPNOTSUPP, PSCI_NOT_SUPPORTED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(answers); j++) {
			struct row row = rows[i];

			row.answer = answers[j].err;
			row.value = answers[j].code;
			row.taken = answers[j].err == 0;
			make_calls(&row, 1, false);
		}
	}
}

static void system_calls_take_the_types_that_are_defined(void **state)
{
	static const struct row rows[] = {
		{ "warm", PSCI_FN_SYSTEM_RESET2, { 0, 0 }, TAKEN },
		{ "warm, cookie", PSCI_FN_SYSTEM_RESET2, { 0, 77 }, TAKEN },
		{ "reserved", PSCI_FN_SYSTEM_RESET2, { 1, 0 }, RETURNS(INVALID) },
		{ "last reserved", PSCI_FN_SYSTEM_RESET2, { 0x7fffffff, 0 }, RETURNS(INVALID) },
		{ "vendor", PSCI_FN_SYSTEM_RESET2, { 0x80000000, 0 }, TAKEN },
		{ "last vendor", PSCI_FN_SYSTEM_RESET2, { 0xffffffff, UINT64_MAX }, TAKEN },
		{ "default", PSCI_FN_SYSTEM_OFF2, { 0, 0 }, TAKEN },
		{ "hibernate", PSCI_FN_SYSTEM_OFF2, { 1, 0 }, TAKEN },
		{ "type 2", PSCI_FN_SYSTEM_OFF2, { 2, 0 }, RETURNS(INVALID) },
		{ "two types", PSCI_FN_SYSTEM_OFF2, { 3, 0 }, RETURNS(INVALID) },
		{ "reserved", PSCI_FN_SYSTEM_OFF2, { 0x80000000, 0 }, RETURNS(INVALID) },
		{ "reserved", PSCI_FN_SYSTEM_OFF2, { 0x80000001, 0 }, RETURNS(INVALID) },
		{ "cookie", PSCI_FN_SYSTEM_OFF2, { 1, 1 }, RETURNS(INVALID) },
		{ "cookie", PSCI_FN_SYSTEM_OFF2, { 0, 0x80000000 }, RETURNS(INVALID) },
		{ "high cookie",
		  PSCI_FN_SYSTEM_OFF2,
		  { 1, 1ull << 63 },
		  RETURNS(INVALID),
		  .in = ONLY_64 },
		{ "high cookie", PSCI_FN_SYSTEM_OFF2, { 1, 1ull << 63 }, TAKEN, .in = ONLY_32 },
	};

	make_calls(rows, ARRAY_SIZE(rows), false);
}

static void system_calls_say_what_they_want(void **state)
{
	static const struct {
		u32 fid;
		u64 arg[PSCI_ARGS_MAX];
		struct psci_system what;
	} rows[] = {
		{ 0x84000008, { 1, 2, 3 }, { .kind = PSCI_SYSTEM_OFF } },
		{ 0x84000009, { 1, 2, 3 }, { .kind = PSCI_SYSTEM_RESET } },
		{ 0xc4000012,
		  { 0x80000005, 1ull << 40 },
		  { .kind = PSCI_SYSTEM_RESET2, .reset_type = 0x80000005, .cookie = 1ull << 40 } },
		{ 0x84000012,
		  { 0x80000005, 1ull << 40 | 3 },
		  { .kind = PSCI_SYSTEM_RESET2, .reset_type = 0x80000005, .cookie = 3 } },
		{ 0xc400000e,
		  { RAM_BASE + 8, 1ull << 63 },
		  { .kind = PSCI_SYSTEM_SUSPEND,
		    .entry = { RAM_BASE + 8, .context_id = 1ull << 63, .big_endian = true } } },
		{ 0xc4000015, { 1, 0 }, { .kind = PSCI_SYSTEM_HIBERNATE } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct psci_system *want = &rows[i].what, *got;
		struct psci_rig rig;

		rig_init(&rig, PSCI_1_3);
		assert_int_equal(psci_call(&rig.p, 1, rows[i].fid, rows[i].arg, true).then,
		                 PSCI_TAKEN);
		got = &rig.host.system;
		if (got->kind != want->kind || got->reset_type != want->reset_type ||
		    got->cookie != want->cookie || got->entry.pc != want->entry.pc ||
		    got->entry.context_id != want->entry.context_id ||
		    got->entry.big_endian != want->entry.big_endian)
			fail_msg("row %zu", i);
	}
}

static void statistics_are_0_for_what_there_is_not(void **state)
{
	static const struct row rows[] = {
		{ "count",
		  PSCI_FN_STAT_COUNT,
		  { 0, 0x10000 },
		  RETURNS(0x300000007),
		  .in = ONLY_64 },
		{ "count wraps", PSCI_FN_STAT_COUNT, { 0, 0x10000 }, RETURNS(7), .in = ONLY_32 },
		{ "time", PSCI_FN_STAT_RESIDENCY, { 1, 0 }, RETURNS(0x1fffffff0), .in = ONLY_64 },
		{ "time wraps", PSCI_FN_STAT_RESIDENCY, { 1, 0 }, RETURNS(-16), .in = ONLY_32 },
		{ "unknown", PSCI_FN_STAT_COUNT, { 2, 0 }, RETURNS(0) },
		{ "unknown", PSCI_FN_STAT_RESIDENCY, { 2, 0 }, RETURNS(0) },
		{ "no state", PSCI_FN_STAT_COUNT, { 0, 1 }, RETURNS(0) },
		{ "no state", PSCI_FN_STAT_RESIDENCY, { 0, 0x1010000 }, RETURNS(0) },
		{ "other format", PSCI_FN_STAT_RESIDENCY, { 0, 0x40000000 }, RETURNS(0) },
	};
	static const struct row extended[] = {
		{ "time",
		  PSCI_FN_STAT_RESIDENCY,
		  { 1, 0x40000000 },
		  RETURNS(0x1fffffff0),
		  .in = ONLY_64 },
		{ "count", PSCI_FN_STAT_COUNT, { 1, 0x40000000 }, RETURNS(7), .in = ONLY_32 },
		{ "other format", PSCI_FN_STAT_COUNT, { 1, 0x10000 }, RETURNS(0) },
	};
	struct psci_rig rig;

	make_calls(rows, ARRAY_SIZE(rows), false);
	make_calls(extended, ARRAY_SIZE(extended), true);

	rig_init(&rig, PSCI_1_0);
	(void)rig_call(&rig, 0xc4000010, 1, 0x10000, 0);
	assert_int_equal(rig.host.state, PSCI_POWER_DOWN);
	(void)rig_call(&rig, 0xc4000011, 1, 0, 0);
	assert_int_equal(rig.host.state, PSCI_STANDBY);
}

static void memory_range_is_protected_when_all_of_it_is_ram(void **state)
{
	static const struct row rows[] = {
		{ "one byte", PSCI_FN_MEM_PROTECT_CHECK_RANGE, { RAM_BASE, 1 }, RETURNS(0) },
		{ "over 4 GiB",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { RAM_BASE, 0xffffffff },
		  RETURNS(0) },
		{ "no byte",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { RAM_BASE, 0 },
		  RETURNS(PSCI_DENIED) },
		{ "no byte", PSCI_FN_MEM_PROTECT_CHECK_RANGE, { 0, 0 }, RETURNS(PSCI_DENIED) },
		{ "before",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { RAM_BASE - 1, 2 },
		  RETURNS(PSCI_DENIED) },
		{ "all",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { RAM_BASE, RAM_SIZE },
		  RETURNS(0),
		  .in = ONLY_64 },
		{ "last",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { RAM_END - 1, 1 },
		  RETURNS(0),
		  .in = ONLY_64 },
		{ "behind",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { RAM_END - 1, 2 },
		  RETURNS(PSCI_DENIED),
		  .in = ONLY_64 },
		{ "wraps",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { RAM_BASE, UINT64_MAX },
		  RETURNS(PSCI_DENIED),
		  .in = ONLY_64 },
		{ "wraps",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { UINT64_MAX, 2 },
		  RETURNS(PSCI_DENIED),
		  .in = ONLY_64 },
		{ "wraps to 0",
		  PSCI_FN_MEM_PROTECT_CHECK_RANGE,
		  { RAM_BASE, -RAM_BASE },
		  RETURNS(PSCI_DENIED),
		  .in = ONLY_64 },
	};

	make_calls(rows, ARRAY_SIZE(rows), false);
}

static void mem_protect_answers_what_was_set_before(void **state)
{
	struct psci_rig rig;

	rig_init(&rig, PSCI_1_1);
	assert_int_equal(rig_call(&rig, 0x84000013, 0, 0, 0), 0);
	assert_int_equal(rig_call(&rig, 0x84000013, 0x80000000, 0, 0), 0);
	assert_int_equal(rig_call(&rig, 0x84000013, 2, 0, 0), 1);
	assert_int_equal(rig_call(&rig, 0x84000013, 0, 0, 0), 1);
	assert_int_equal(rig_call(&rig, 0x84000013, GARBAGE, 0, 0), 0);
	assert_int_equal(rig_call(&rig, 0x84000013, 1, 0, 0), 0);
	psci_reset(&rig.p);
	assert_int_equal(rig_call(&rig, 0x84000013, 0, 0, 0), 0);
}

static s64 set_mode(struct psci_rig *rig, u64 mode)
{
	return rig_call(rig, 0x8400000f, mode, 0, 0);
}

static void suspend_mode_follows_5_21_2(void **state)
{
	const u64 standby[PSCI_ARGS_MAX] = { 0 }, entry[PSCI_ARGS_MAX] = { RAM_BASE };
	struct psci_rig rig;

	rig_init(&rig, PSCI_1_0);
	assert_int_equal(set_mode(&rig, 2), INVALID);
	assert_int_equal(set_mode(&rig, 0xffffffff), INVALID);
	assert_int_equal(set_mode(&rig, 0), 0);

	/* Others may be on for OS-initiated mode, and may have used CPU_DEFAULT_SUSPEND. */
	assert_int_equal(psci_call(&rig.p, 0, 0xc400000c, entry, false).then, PSCI_TAKEN);
	assert_int_equal(set_mode(&rig, 1), 0);
	assert_int_equal(set_mode(&rig, 1), 0);

	/* The way back is for the last one. What is set already is no change. */
	assert_int_equal(psci_call(&rig.p, 0, 0x84000001, standby, false).then, PSCI_TAKEN);
	assert_int_equal(set_mode(&rig, 0), PSCI_DENIED);
	assert_int_equal(set_mode(&rig, 1), 0);
	rig.host.nr_on = 1;
	assert_int_equal(set_mode(&rig, 0), 0);

	/* A call of before the change does not count, one of after it does. */
	assert_int_equal(set_mode(&rig, 1), 0);
	assert_int_equal(set_mode(&rig, 0), 0);
	assert_int_equal(psci_call(&rig.p, 0, 0xc4000001, standby, false).then, PSCI_TAKEN);
	assert_int_equal(set_mode(&rig, 1), PSCI_DENIED);
	assert_int_equal(set_mode(&rig, 0), 0);
	assert_int_equal(set_mode(&rig, 1), PSCI_DENIED);

	psci_reset(&rig.p);
	assert_int_equal(set_mode(&rig, 1), 0);
	rig.host.nr_on = 2;
	psci_reset(&rig.p);
	assert_int_equal(set_mode(&rig, 0), 0);
	assert_int_equal(rig_call(&rig, 0x84000001, 1, 0, 0), INVALID);
	assert_int_equal(set_mode(&rig, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_to_the_host_is_taken_or_gets_its_code),
		cmocka_unit_test(system_calls_take_the_types_that_are_defined),
		cmocka_unit_test(system_calls_say_what_they_want),
		cmocka_unit_test(statistics_are_0_for_what_there_is_not),
		cmocka_unit_test(memory_range_is_protected_when_all_of_it_is_ram),
		cmocka_unit_test(mem_protect_answers_what_was_set_before),
		cmocka_unit_test(suspend_mode_follows_5_21_2),
	};

	return cmocka_run_group_tests_name("psci_system", tests, NULL, NULL);
}
