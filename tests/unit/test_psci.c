/* SPDX-License-Identifier: MIT */
#include "tests/unit/psci_rig.h"

#include <string.h>

/* DEN0022F.b 5.1 and Table 17 in 6.9, and what of the optional functions there is. */
static const struct expected {
	const char *name;
	u32 fn, since;
	bool has64, there;
	u32 nr_args;
	bool entry;
} expected[] = {
	{ "PSCI_VERSION", 0x00, 0x00002, false, true, 0, false },
	{ "CPU_SUSPEND", 0x01, 0x00002, true, true, 3, true },
	{ "CPU_OFF", 0x02, 0x00002, false, true, 0, false },
	{ "CPU_ON", 0x03, 0x00002, true, true, 3, true },
	{ "AFFINITY_INFO", 0x04, 0x00002, true, true, 2, false },
	{ "MIGRATE", 0x05, 0x00002, true, false, 0, false },
	{ "MIGRATE_INFO_TYPE", 0x06, 0x00002, false, true, 0, false },
	{ "MIGRATE_INFO_UP_CPU", 0x07, 0x00002, true, false, 0, false },
	{ "SYSTEM_OFF", 0x08, 0x00002, false, true, 0, false },
	{ "SYSTEM_RESET", 0x09, 0x00002, false, true, 0, false },
	{ "PSCI_FEATURES", 0x0a, 0x10000, false, true, 1, false },
	{ "CPU_FREEZE", 0x0b, 0x10000, false, false, 0, false },
	{ "CPU_DEFAULT_SUSPEND", 0x0c, 0x10000, true, true, 2, true },
	{ "NODE_HW_STATE", 0x0d, 0x10000, true, true, 2, false },
	{ "SYSTEM_SUSPEND", 0x0e, 0x10000, true, true, 2, true },
	{ "PSCI_SET_SUSPEND_MODE", 0x0f, 0x10000, false, true, 1, false },
	{ "PSCI_STAT_RESIDENCY", 0x10, 0x10000, true, true, 2, false },
	{ "PSCI_STAT_COUNT", 0x11, 0x10000, true, true, 2, false },
	{ "SYSTEM_RESET2", 0x12, 0x10001, true, true, 2, false },
	{ "MEM_PROTECT", 0x13, 0x10001, false, true, 1, false },
	{ "MEM_PROTECT_CHECK_RANGE", 0x14, 0x10001, true, true, 2, false },
	{ "SYSTEM_OFF2", 0x15, 0x10003, true, true, 2, false },
};

static const struct expected *expected_of(u32 fn)
{
	return fn < ARRAY_SIZE(expected) ? &expected[fn] : NULL;
}

static void table_of_functions_is_the_documents(void **state)
{
	for (u32 fn = 0; fn <= 0xff; fn++) {
		const struct expected *e = expected_of(fn);
		const struct psci_row *row = psci_row(fn);

		assert_int_equal(row != NULL, e != NULL);
		if (!e)
			continue;
		assert_int_equal(e->fn, fn);
		assert_string_equal(row->name, e->name);
		assert_int_equal(strncmp(row->section, "5.", 2), 0);
		if (row->since != e->since || row->has64 != e->has64 ||
		    (row->answer != NULL) != e->there || row->words >> row->nr_args ||
		    row->nr_args > PSCI_ARGS_MAX)
			fail_msg("%s", e->name);
	}
}

static void what_a_call_reads_is_known_for_every_id(void **state)
{
	for (u32 fn = 0; fn < PSCI_FN_MAX; fn++) {
		for (size_t c = 0; c < ARRAY_SIZE(conventions); c++) {
			const struct expected *e = expected_of(fn);
			u32 fid = conventions[c] | fn;

			if (e && c == 1 && !e->has64)
				e = NULL;
			if (psci_nr_args(fid) != (e ? e->nr_args : 0) ||
			    psci_takes_entry(fid) != (e && e->entry))
				fail_msg("%#x", fid);
			if (e)
				assert_string_equal(psci_fn_name(fid), e->name);
			else
				assert_null(psci_fn_name(fid));
		}
	}
}

/* The function itself, asked so that it does not answer NOT_SUPPORTED for its argument's sake. */
static bool answers(const struct psci_config *cfg, u32 fid)
{
	const u64 args[PSCI_ARGS_MAX] = { fid == (PSCI_FID_32 | PSCI_FN_FEATURES) ? 0x80000000
		                                                                  : 0 };
	struct psci_rig rig;
	struct psci_result r;

	rig_init(&rig, cfg->version);
	rig.p.cfg = *cfg;
	r = psci_call(&rig.p, 0, fid, args, false);
	if (r.then == PSCI_TAKEN || (s64)r.value != PSCI_NOT_SUPPORTED)
		return true;
	assert_int_equal(rig.host.acts + rig.host.looks, 0);
	return false;
}

static void check_offer(u32 version, u32 denied, bool extended, u32 fid)
{
	const struct psci_config cfg = {
		.version = version,
		.denied = denied,
		.extended_state_id = extended,
	};
	const struct expected *e = expected_of(fid & 0x3f);
	bool there = e && e->there && version >= e->since && !(denied & (1u << e->fn)) &&
	             (e->has64 || !(fid & 0x40000000));
	bool features = version >= PSCI_1_0 && !(denied & (1u << PSCI_FN_FEATURES));
	struct psci_rig rig;
	s64 flags;

	if (psci_offers(&cfg, fid) != there || answers(&cfg, fid) != there)
		fail_msg("version %#x, denied %#x: %#x", version, denied, fid);

	rig_init(&rig, version);
	rig.p.cfg = cfg;
	flags = rig_call(&rig, PSCI_FID_32 | PSCI_FN_FEATURES, fid, 0, 0);
	if (features && there ? flags < 0 || flags > 3 : flags != PSCI_NOT_SUPPORTED)
		fail_msg("version %#x, denied %#x: features of %#x", version, denied, fid);
	assert_int_equal(rig.host.acts + rig.host.looks, 0);
}

static void features_dispatch_and_the_document_agree_on_every_number(void **state)
{
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++)
		for (u32 fn = 0; fn <= 0x3f; fn++)
			for (size_t c = 0; c < ARRAY_SIZE(conventions); c++)
				for (u32 extended = 0; extended < 2; extended++)
					check_offer(versions[v], 0, extended, conventions[c] | fn);
}

static void denied_function_is_gone_from_features_and_dispatch_alike(void **state)
{
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		for (u32 fn = 0; fn <= 0x1f; fn++) {
			for (size_t c = 0; c < ARRAY_SIZE(conventions); c++) {
				u32 fid = conventions[c] | fn;

				for (u32 bit = 0; bit <= 0x1f; bit++)
					check_offer(versions[v], 1u << bit, false, fid);
				check_offer(versions[v], ~(1u << fn), false, fid);
				check_offer(versions[v], UINT32_MAX, false, fid);
			}
		}
	}
}

static void what_is_no_psci_function_answers_not_supported(void **state)
{
	static const u32 others[] = { 0,          1,          0x80000000, 0x80000001, 0x80000003,
		                      0xc0000003, 0x04000003, 0x44000003, 0x84000016, 0x8400001f,
		                      0x84000020, 0x84000023, 0x84000103, 0x84010003, 0x85000003,
		                      0x86000000, 0x94000003, 0xa4000003, 0xc4000023, 0xc4000100,
		                      0xc6000001, 0x95c1ba60, 0x84000050, 0xffffffff };
	struct psci_rig rig;

	rig_init(&rig, PSCI_1_3);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		u32 fid = others[i];

		if (rig_call(&rig, fid, 1, RAM_BASE, 0) != PSCI_NOT_SUPPORTED ||
		    psci_offers(&rig.p.cfg, fid) || psci_nr_args(fid) || psci_takes_entry(fid) ||
		    psci_fn_name(fid))
			fail_msg("%#x", fid);
	}

	/* Every ID that there is, with one bit wrong outside of number and convention. */
	for (u32 fn = 0; fn < PSCI_FN_MAX; fn++)
		for (u32 bit = 5; bit < 32; bit++)
			if (bit != 30 && psci_row_of((PSCI_FID_64 | fn) ^ (1u << bit)))
				fail_msg("%u, bit %u", fn, bit);
	assert_int_equal(rig.host.acts + rig.host.looks, 0);
}

static void smccc_version_is_in_features_from_1_0_on(void **state)
{
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		struct psci_rig rig;
		s64 want = versions[v] >= PSCI_1_0 ? 0 : PSCI_NOT_SUPPORTED;

		rig_init(&rig, versions[v]);
		assert_int_equal(rig_call(&rig, 0x8400000a, 0x80000000, 0, 0), want);
		assert_int_equal(rig_call(&rig, 0x8400000a, 0x80000000 | GARBAGE, 0, 0), want);
		assert_int_equal(rig_call(&rig, 0x8400000a, 0xc0000000, 0, 0), -1);
		assert_int_equal(rig_call(&rig, 0x8400000a, 0x80000001, 0, 0), -1);
	}
}

static void feature_flags_are_those_of_table_11(void **state)
{
	static const struct {
		u32 fn;
		bool extended;
		u32 denied;
		s64 flags;
	} rows[] = {
		{ PSCI_FN_CPU_SUSPEND, false, 0, 1 },
		{ PSCI_FN_CPU_SUSPEND, true, 0, 3 },
		{ PSCI_FN_CPU_SUSPEND, false, 1u << PSCI_FN_SET_SUSPEND_MODE, 0 },
		{ PSCI_FN_CPU_SUSPEND, true, 1u << PSCI_FN_SET_SUSPEND_MODE, 2 },
		{ PSCI_FN_SYSTEM_OFF2, false, 0, 1 },
		{ PSCI_FN_SYSTEM_OFF2, true, 0, 1 },
		{ PSCI_FN_CPU_ON, true, 0, 0 },
		{ PSCI_FN_SYSTEM_SUSPEND, true, 0, 0 },
		{ PSCI_FN_SYSTEM_RESET2, true, 0, 0 },
		{ PSCI_FN_CPU_DEFAULT_SUSPEND, true, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t c = 0; c < ARRAY_SIZE(conventions); c++) {
			struct psci_rig rig;

			rig_init(&rig, PSCI_1_3);
			rig.p.cfg.extended_state_id = rows[i].extended;
			rig.p.cfg.denied = rows[i].denied;
			if (rig_call(&rig, 0x8400000a, conventions[c] | rows[i].fn, 0, 0) !=
			    rows[i].flags)
				fail_msg("row %zu", i);
		}
	}
}

/* Arguments for which every function does or tells something. */
static void good_args(u32 fn, u64 args[PSCI_ARGS_MAX])
{
	static const u64 good[PSCI_FN_MAX][PSCI_ARGS_MAX] = {
		[PSCI_FN_CPU_SUSPEND] = { 0x10000, RAM_BASE + 8, 7 },
		[PSCI_FN_CPU_ON] = { 0x10001, RAM_BASE + 4, 9 },
		[PSCI_FN_AFFINITY_INFO] = { 0x101, 0 },
		[PSCI_FN_FEATURES] = { 0xc4000001 },
		[PSCI_FN_CPU_DEFAULT_SUSPEND] = { RAM_BASE + 12, 8 },
		[PSCI_FN_NODE_HW_STATE] = { 1, 0 },
		[PSCI_FN_SYSTEM_SUSPEND] = { RAM_BASE + 16, 1 },
		[PSCI_FN_SET_SUSPEND_MODE] = { 1 },
		[PSCI_FN_STAT_RESIDENCY] = { 1, 0x10000 },
		[PSCI_FN_STAT_COUNT] = { 1, 0x10000 },
		[PSCI_FN_SYSTEM_RESET2] = { 0x80000001, 0x1234 },
		[PSCI_FN_MEM_PROTECT] = { 0 },
		[PSCI_FN_MEM_PROTECT_CHECK_RANGE] = { RAM_BASE, 4096 },
		[PSCI_FN_SYSTEM_OFF2] = { 1, 0 },
	};

	memcpy(args, good[fn], sizeof(good[fn]));
}

/* By value: what lies between the members may differ. */
static bool same_entry(const struct psci_entry *a, const struct psci_entry *b)
{
	return a->pc == b->pc && a->context_id == b->context_id && a->big_endian == b->big_endian;
}

static bool same_host(const struct fake_host *a, const struct fake_host *b)
{
	return a->acts == b->acts && a->looks == b->looks && a->cpu == b->cpu &&
	       a->mpidr == b->mpidr && a->mask == b->mask && a->has_entry == b->has_entry &&
	       same_entry(&a->entry, &b->entry) && a->state == b->state &&
	       a->system.kind == b->system.kind && a->system.reset_type == b->system.reset_type &&
	       a->system.cookie == b->system.cookie &&
	       same_entry(&a->system.entry, &b->system.entry);
}

/* The same call twice, the second one with garbage in the bits of @mask. */
static bool garbage_is_ignored(u32 fid, u32 n, u64 mask)
{
	u64 clean[PSCI_ARGS_MAX], dirty[PSCI_ARGS_MAX];
	struct psci_result a, b;
	struct psci_rig x, y;

	good_args(fid & 0x1f, clean);
	memcpy(dirty, clean, sizeof(dirty));
	dirty[n] ^= mask;
	rig_init(&x, PSCI_1_3);
	rig_init(&y, PSCI_1_3);
	a = psci_call(&x.p, 1, fid, clean, false);
	b = psci_call(&y.p, 1, fid, dirty, false);
	return a.then == b.then && a.value == b.value && same_host(&x.host, &y.host) &&
	       x.p.suspend_mode == y.p.suspend_mode && x.p.mem_protect == y.p.mem_protect;
}

static void high_halves_count_only_where_an_argument_is_64_bits_wide(void **state)
{
	/* 5.1: what is a uint32 in the 64-bit form too. */
	static const u32 words[PSCI_FN_MAX] = {
		[PSCI_FN_CPU_SUSPEND] = 1,   [PSCI_FN_AFFINITY_INFO] = 2,
		[PSCI_FN_NODE_HW_STATE] = 2, [PSCI_FN_STAT_RESIDENCY] = 2,
		[PSCI_FN_STAT_COUNT] = 2,    [PSCI_FN_SYSTEM_RESET2] = 1,
		[PSCI_FN_SYSTEM_OFF2] = 1,
	};

	for (u32 fn = 0; fn < PSCI_FN_MAX; fn++) {
		for (size_t c = 0; c < ARRAY_SIZE(conventions); c++) {
			u32 fid = conventions[c] | fn;

			if (!psci_row_of(fid) || !psci_row_of(fid)->answer)
				continue;
			for (u32 n = 0; n < PSCI_ARGS_MAX; n++) {
				bool counts =
					c == 1 && n < psci_nr_args(fid) && !(words[fn] & (1u << n));

				if (garbage_is_ignored(fid, n, GARBAGE) == counts)
					fail_msg("%#x, argument %u", fid, n);
			}
		}
	}
}

static void arguments_that_a_call_has_not_are_not_looked_at(void **state)
{
	for (u32 fn = 0; fn < PSCI_FN_MAX; fn++)
		for (size_t c = 0; c < ARRAY_SIZE(conventions); c++)
			for (u32 n = psci_nr_args(conventions[c] | fn); n < PSCI_ARGS_MAX; n++)
				if (!garbage_is_ignored(conventions[c] | fn, n, UINT64_MAX))
					fail_msg("%u, argument %u", fn, n);

	/* Nor read: an address sanitizer sees it. */
	for (u32 fn = 0; fn < PSCI_FN_MAX; fn++) {
		size_t size = psci_nr_args(PSCI_FID_32 | fn) * sizeof(u64);
		u64 good[PSCI_ARGS_MAX], *args = malloc(size);
		struct psci_rig rig;

		good_args(fn, good);
		assert_true(args || !size);
		if (size)
			memcpy(args, good, size);
		rig_init(&rig, PSCI_1_3);
		(void)psci_call(&rig.p, 0, PSCI_FID_32 | fn, args, false);
		free(args);
	}
}

static void names_go_there_and_back(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const char *name = expected[i].name;
		char longer[64] = "";

		assert_int_equal(psci_fn_by_name(name, strlen(name)), expected[i].fn);
		assert_string_equal(psci_fn_name(PSCI_FID_32 | expected[i].fn), name);

		/* The length counts, not the end of the string. */
		memcpy(longer, name, strlen(name));
		longer[strlen(name)] = 'X';
		assert_int_equal(psci_fn_by_name(longer, strlen(name)), expected[i].fn);
		assert_int_equal(psci_fn_by_name(longer, strlen(longer)), -ENOENT);
		assert_int_equal(psci_fn_by_name(name, strlen(name) - 1) == (int)expected[i].fn,
		                 false);
	}
	assert_int_equal(psci_fn_by_name("", 0), -ENOENT);
	assert_int_equal(psci_fn_by_name("cpu_on", 6), -ENOENT);
	assert_int_equal(psci_fn_by_name("VERSION", 7), -ENOENT);
	assert_int_equal(psci_fn_by_name("SYSTEM_RESET2", 12), PSCI_FN_SYSTEM_RESET);
}

static void codes_have_the_documents_values_and_names(void **state)
{
	static const struct {
		s64 code;
		const char *name;
	} rows[] = {
		{ 0, "SUCCESS" },          { -1, "NOT_SUPPORTED" },    { -2, "INVALID_PARAMETERS" },
		{ -3, "DENIED" },          { -4, "ALREADY_ON" },       { -5, "ON_PENDING" },
		{ -7, "NOT_PRESENT" },     { -6, "INTERNAL_FAILURE" }, { -8, "DISABLED" },
		{ -9, "INVALID_ADDRESS" },
	};
	s64 code = 77;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(psci_code_name(rows[i].code), rows[i].name);
		assert_int_equal(psci_code_by_name(rows[i].name, strlen(rows[i].name), &code), 0);
		assert_int_equal(code, rows[i].code);
	}
	assert_null(psci_code_name(1));
	assert_null(psci_code_name(-10));
	assert_null(psci_code_name(INT64_MIN));
	assert_null(psci_code_name(INT64_MAX));
	assert_null(psci_code_name(0x100000000));

	code = 77;
	assert_int_equal(psci_code_by_name("DENIE", 5, &code), -ENOENT);
	assert_int_equal(psci_code_by_name("DENIEDX", 7, &code), -ENOENT);
	assert_int_equal(psci_code_by_name("", 0, &code), -ENOENT);
	assert_int_equal(code, 77);
}

static void errno_becomes_the_code_it_stands_for(void **state)
{
	static const struct {
		int err;
		s64 code;
	} rows[] = {
		{ 0, 0 },        { -ENOENT, -2 }, { -EALREADY, -4 },   { -EINPROGRESS, -5 },
		{ -EBUSY, -3 },  { -EPERM, -3 },  { -EOPNOTSUPP, -1 }, { -EINVAL, -6 },
		{ -ENOMEM, -6 }, { -EIO, -6 },    { -EINTR, -6 },      { -4095, -6 },
		{ 1, -6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (psci_code_of(rows[i].err) != rows[i].code)
			fail_msg("%d", rows[i].err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_functions_is_the_documents),
		cmocka_unit_test(what_a_call_reads_is_known_for_every_id),
		cmocka_unit_test(features_dispatch_and_the_document_agree_on_every_number),
		cmocka_unit_test(denied_function_is_gone_from_features_and_dispatch_alike),
		cmocka_unit_test(what_is_no_psci_function_answers_not_supported),
		cmocka_unit_test(smccc_version_is_in_features_from_1_0_on),
		cmocka_unit_test(feature_flags_are_those_of_table_11),
		cmocka_unit_test(high_halves_count_only_where_an_argument_is_64_bits_wide),
		cmocka_unit_test(arguments_that_a_call_has_not_are_not_looked_at),
		cmocka_unit_test(names_go_there_and_back),
		cmocka_unit_test(codes_have_the_documents_values_and_names),
		cmocka_unit_test(errno_becomes_the_code_it_stands_for),
	};

	return cmocka_run_group_tests_name("psci", tests, NULL, NULL);
}
