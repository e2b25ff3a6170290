/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "machine/base/compiler.h"
#include "psci/inject.h"
#include "psci/psci.h"

#define CPU_ON    0xc4000003u
#define CPU_ON_32 0x84000003u
#define CPU_OFF   0x84000002u

static void good_spec_becomes_its_rule(void **state)
{
	static const struct {
		const char *spec;
		struct psci_inject_rule r;
	} rows[] = {
		{ "CPU_ON=DENIED",
		  { PSCI_FN_CPU_ON, true, 0, 1, 0, PSCI_INJECT_CODE, PSCI_DENIED, 0 } },
		{ "CPU_OFF@3=INTERNAL_FAILURE",
		  { PSCI_FN_CPU_OFF, false, 3, 1, 0, PSCI_INJECT_CODE, PSCI_INTERNAL_FAILURE, 0 } },
		{ "CPU_ON#2=ON_PENDING",
		  { PSCI_FN_CPU_ON, true, 0, 2, 2, PSCI_INJECT_CODE, PSCI_ON_PENDING, 0 } },
		{ "CPU_ON#2-9=SUCCESS",
		  { PSCI_FN_CPU_ON, true, 0, 2, 9, PSCI_INJECT_CODE, PSCI_SUCCESS, 0 } },
		{ "PSCI_VERSION@0#1-1=NOT_SUPPORTED",
		  { PSCI_FN_VERSION, false, 0, 1, 1, PSCI_INJECT_CODE, PSCI_NOT_SUPPORTED, 0 } },
		{ "SYSTEM_SUSPEND@511#7=INVALID_ADDRESS",
		  { PSCI_FN_SYSTEM_SUSPEND, false, 511, 7, 7, PSCI_INJECT_CODE,
		    PSCI_INVALID_ADDRESS, 0 } },
		{ "CPU_ON@4294967295#1-4294967295=DISABLED",
		  { PSCI_FN_CPU_ON, false, UINT32_MAX, 1, UINT32_MAX, PSCI_INJECT_CODE,
		    PSCI_DISABLED, 0 } },
		{ "CPU_ON@007#0001=NOT_PRESENT",
		  { PSCI_FN_CPU_ON, false, 7, 1, 1, PSCI_INJECT_CODE, PSCI_NOT_PRESENT, 0 } },
		{ "AFFINITY_INFO=delay:1",
		  { PSCI_FN_AFFINITY_INFO, true, 0, 1, 0, PSCI_INJECT_DELAY, 0, 1 } },
		{ "SYSTEM_OFF2@2=delay:1000",
		  { PSCI_FN_SYSTEM_OFF2, false, 2, 1, 0, PSCI_INJECT_DELAY, 0, 1000 } },
		{ "CPU_ON=pending:1",
		  { PSCI_FN_CPU_ON, true, 0, 1, 0, PSCI_INJECT_PENDING, 0, 1 } },
		{ "CPU_ON@1#3-4=pending:10000",
		  { PSCI_FN_CPU_ON, false, 1, 3, 4, PSCI_INJECT_PENDING, 0, 10000 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct psci_inject_rule *want = &rows[i].r;
		const char *why = "untouched";
		struct psci_inject_rule r;

		assert_int_equal(psci_inject_parse(rows[i].spec, &r, &why), 0);
		assert_string_equal(why, "untouched");
		if (r.fn != want->fn || r.any_cpu != want->any_cpu || r.cpu != want->cpu ||
		    r.first != want->first || r.last != want->last || r.kind != want->kind ||
		    r.code != want->code || r.ms != want->ms)
			fail_msg("%s", rows[i].spec);
	}
}

static void bad_spec_is_refused_with_a_reason(void **state)
{
	static const char *const rows[] = {
		"",
		"=",
		"=DENIED",
		"CPU_ON",
		"CPU_ON=",
		"CPU_ON@1",
		"CPU_ON@1=",
		"CPU_ON#1",
		"CPU_ON#1-2",
		"cpu_on=DENIED",
		"CPU_O=DENIED",
		"CPU_ONE=DENIED",
		" CPU_ON=DENIED",
		"CPU_ON =DENIED",
		"CPU_ON= DENIED",
		"CPU_ON=DENIED ",
		"CPU_ON=denied",
		"CPU_ON=DENIE",
		"CPU_ON=DENIED,DENIED",
		"CPU_ON=-3",
		"CPU_ON==DENIED",
		"FLY=DENIED",
		"CPU_ON@=DENIED",
		"CPU_ON@-1=DENIED",
		"CPU_ON@+1=DENIED",
		"CPU_ON@ 1=DENIED",
		"CPU_ON@0x1=DENIED",
		"CPU_ON@1x=DENIED",
		"CPU_ON@1@2=DENIED",
		"CPU_ON@1,2=DENIED",
		"CPU_ON@4294967296=DENIED",
		"CPU_ON@18446744073709551617=DENIED",
		"CPU_ON@99999999999999999999999999=DENIED",
		"CPU_ON#=DENIED",
		"CPU_ON#0=DENIED",
		"CPU_ON#-1=DENIED",
		"CPU_ON#1-=DENIED",
		"CPU_ON#1-0=DENIED",
		"CPU_ON#0-2=DENIED",
		"CPU_ON#3-2=DENIED",
		"CPU_ON#1-2-3=DENIED",
		"CPU_ON#1 =DENIED",
		"CPU_ON#4294967296=DENIED",
		"CPU_ON#1-4294967296=DENIED",
		"CPU_ON#18446744073709551617=DENIED",
		"CPU_ON#1@1=DENIED",
		"CPU_ON#1#1=DENIED",
		"CPU_ON=delay",
		"CPU_ON=delay:",
		"CPU_ON=delay:0",
		"CPU_ON=delay:1001",
		"CPU_ON=delay:-1",
		"CPU_ON=delay: 1",
		"CPU_ON=delay:1ms",
		"CPU_ON=delay:4294967297",
		"CPU_ON=Delay:1",
		"CPU_ON=pending",
		"CPU_ON=pending:",
		"CPU_ON=pending:0",
		"CPU_ON=pending:10001",
		"CPU_ON=pending:1 ",
		"CPU_ON=pending:18446744073709551617",
		"CPU_OFF=pending:1",
		"AFFINITY_INFO=pending:100",
		"CPU_ON=\xff",
		"CPU_ON\n=DENIED",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct psci_inject_rule r = { .fn = 0x77, .ms = 0x77 };
		const char *why = NULL;

		if (psci_inject_parse(rows[i], &r, &why) != -EINVAL || !why || !*why ||
		    r.fn != 0x77 || r.ms != 0x77)
			fail_msg("'%s': %s", rows[i], why ? why : "no reason");
	}
}

static void add(struct psci_inject *in, const char *spec)
{
	const char *why;

	assert_int_equal(psci_inject_parse(spec, &in->rule[in->nr], &why), 0);
	in->nr++;
}

/* The rule that gets this call, from 1; 0: none. */
static u32 gets(struct psci_inject *in, u32 fid, u32 cpu)
{
	const struct psci_inject_rule *r = psci_inject_next(in, fid, cpu);

	return r ? (u32)(r - in->rule) + 1 : 0;
}

static void call_matches_by_function_and_cpu_in_both_conventions(void **state)
{
	struct psci_inject in = { 0 };

	add(&in, "CPU_ON@2=DENIED");
	add(&in, "CPU_OFF=DENIED");
	assert_int_equal(gets(&in, CPU_ON, 2), 1);
	assert_int_equal(gets(&in, CPU_ON_32, 2), 1);
	assert_int_equal(gets(&in, CPU_ON, 1), 0);
	assert_int_equal(gets(&in, CPU_OFF, 2), 2);
	assert_int_equal(gets(&in, CPU_OFF, 511), 2);

	/* No such function IDs, although their low bytes are right. */
	assert_int_equal(gets(&in, 0xc4000002, 2), 0);
	assert_int_equal(gets(&in, 0x84000023, 2), 0);
	assert_int_equal(gets(&in, 0x80000002, 2), 0);
	assert_int_equal(gets(&in, 2, 2), 0);
	assert_int_equal(gets(&in, 0x84000004, 2), 0);
	assert_int_equal(gets(&(struct psci_inject){ 0 }, CPU_ON, 2), 0);
}

static void range_counts_the_calls_that_match_so_far(void **state)
{
	static const struct {
		const char *spec;
		u32 first, last; /* of ten calls */
	} rows[] = {
		{ "CPU_ON=DENIED", 1, 10 },      { "CPU_ON#1=DENIED", 1, 1 },
		{ "CPU_ON#4=DENIED", 4, 4 },     { "CPU_ON#3-5=DENIED", 3, 5 },
		{ "CPU_ON#1-10=DENIED", 1, 10 }, { "CPU_ON#10=DENIED", 10, 10 },
		{ "CPU_ON#11=DENIED", 11, 11 },  { "CPU_ON@1#2-3=DENIED", 2, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct psci_inject in = { 0 };

		add(&in, rows[i].spec);
		for (u32 n = 1; n <= 10; n++) {
			bool due = n >= rows[i].first && n <= rows[i].last;

			/* Not counted: another function, another CPU where that is asked for. */
			assert_int_equal(gets(&in, CPU_OFF, 1), 0);
			if (!in.rule[0].any_cpu)
				assert_int_equal(gets(&in, CPU_ON, 0), 0);
			if (gets(&in, n % 2 ? CPU_ON : CPU_ON_32, 1) != due)
				fail_msg("%s, call %u", rows[i].spec, n);
		}
	}
}

static void first_rule_wins_and_all_that_match_count(void **state)
{
	static const u32 want[] = { 2, 1, 3, 0, 4, 4, 4 };
	struct psci_inject in = { 0 };

	add(&in, "CPU_ON#2=DENIED");
	add(&in, "CPU_ON#1-2=ALREADY_ON");
	add(&in, "CPU_ON@1#3=ON_PENDING");
	add(&in, "CPU_ON=delay:1");
	in.rule[3].first = 5; /* and without an end */

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		if (gets(&in, CPU_ON, 1) != want[i])
			fail_msg("call %zu", i + 1);
}

static void counter_never_comes_round(void **state)
{
	struct psci_inject in = { 0 };

	add(&in, "CPU_ON#1=DENIED");
	add(&in, "CPU_OFF#1-4294967295=DENIED");
	add(&in, "SYSTEM_OFF=DENIED");
	in.seen[1] = UINT32_MAX - 1;
	in.seen[2] = UINT32_MAX;

	assert_int_equal(gets(&in, CPU_ON, 0), 1);
	for (u32 i = 0; i < 100; i++)
		assert_int_equal(gets(&in, CPU_ON, 0), 0);
	assert_true(in.seen[0] <= 2);

	assert_int_equal(gets(&in, CPU_OFF, 0), 2);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(gets(&in, CPU_OFF, 0), 0);
		assert_int_equal(gets(&in, 0x84000008, 0), 3);
	}
}

enum { RACES = 3000 };

struct racer {
	struct psci_inject *in; /* one for each race */
	atomic_uint *arrived;
	u32 got[RACES];
};

/* Both at once, as near as can be. */
static void meet(atomic_uint *arrived, u32 race)
{
	u32 spins = 0;

	atomic_fetch_add(arrived, 1);
	while (atomic_load(arrived) < 2 * (race + 1))
		if (++spins % 1000 == 0)
			(void)sched_yield();
}

static void *race(void *ctx)
{
	struct racer *r = ctx;

	for (u32 i = 0; i < RACES; i++) {
		meet(r->arrived, i);
		for (u32 j = 0; j < 3; j++)
			r->got[i] += gets(&r->in[i], CPU_ON, 0) == 1;
	}
	return NULL;
}

/* @winners of six calls by two threads match @spec, whoever comes first. */
static void race_for(const char *spec, u32 winners)
{
	struct psci_inject *in = calloc(RACES, sizeof(*in));
	struct racer *r = calloc(2, sizeof(*r));
	atomic_uint arrived = 0;
	pthread_t other;

	assert_non_null(in);
	assert_non_null(r);
	for (u32 i = 0; i < RACES; i++)
		add(&in[i], spec);
	for (u32 i = 0; i < 2; i++) {
		r[i].in = in;
		r[i].arrived = &arrived;
	}
	assert_int_equal(pthread_create(&other, NULL, race, &r[1]), 0);
	(void)race(&r[0]);
	assert_int_equal(pthread_join(other, NULL), 0);

	for (u32 i = 0; i < RACES; i++)
		if (r[0].got[i] + r[1].got[i] != winners)
			fail_msg("%s, race %u: %u and %u", spec, i, r[0].got[i], r[1].got[i]);
	free(in);
	free(r);
}

static void of_two_racing_calls_exactly_one_is_the_first(void **state)
{
	race_for("CPU_ON#1=DENIED", 1);
	race_for("CPU_ON#2-3=DENIED", 2);
	race_for("CPU_ON#6=DENIED", 1);
	race_for("CPU_ON=DENIED", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_spec_becomes_its_rule),
		cmocka_unit_test(bad_spec_is_refused_with_a_reason),
		cmocka_unit_test(call_matches_by_function_and_cpu_in_both_conventions),
		cmocka_unit_test(range_counts_the_calls_that_match_so_far),
		cmocka_unit_test(first_rule_wins_and_all_that_match_count),
		cmocka_unit_test(counter_never_comes_round),
		cmocka_unit_test(of_two_racing_calls_exactly_one_is_the_first),
	};

	return cmocka_run_group_tests_name("psci_inject", tests, NULL, NULL);
}
