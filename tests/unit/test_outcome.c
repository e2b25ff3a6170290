/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "machine/base/compiler.h"
#include "machine/outcome.h"

enum { RACERS = 8, ROUNDS = 500 };

static void each_outcome_has_the_status_of_the_manual_page(void **state)
{
	static const struct {
		enum outcome_kind kind;
		int status;
	} rows[] = {
		{ OUTCOME_POWER_OFF, 0 },  { OUTCOME_RESET, 100 }, { OUTCOME_CRASH, 102 },
		{ OUTCOME_OPERATOR, 105 }, { OUTCOME_HOST, 125 },  { OUTCOME_USAGE, 126 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (outcome_status(rows[i].kind) != rows[i].status)
			fail_msg("outcome %d: status %d", (int)rows[i].kind,
			         outcome_status(rows[i].kind));
}

static void the_first_decision_stays(void **state)
{
	struct outcome o;

	outcome_init(&o);
	assert_int_equal(outcome_kind(&o), OUTCOME_NONE);
	assert_true(outcome_decide(&o, OUTCOME_RESET, "reset %d", 1));
	assert_false(outcome_decide(&o, OUTCOME_CRASH, "crash"));
	assert_int_equal(outcome_kind(&o), OUTCOME_RESET);
	assert_string_equal(o.reason, "reset 1");
}

static void a_reason_that_is_too_long_is_cut(void **state)
{
	struct outcome o;
	char words[400];

	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	outcome_init(&o);
	assert_true(outcome_decide(&o, OUTCOME_HOST, "%s", words));
	assert_int_equal(strlen(o.reason), sizeof(o.reason) - 1);
}

static void what_was_asked_for_is_usage_unless_the_host_ran_out(void **state)
{
	static const struct {
		int err;
		bool asked;
		enum outcome_kind kind;
	} rows[] = {
		{ -ENOENT, true, OUTCOME_USAGE }, { -EACCES, true, OUTCOME_USAGE },
		{ -EINVAL, true, OUTCOME_USAGE }, { -ENOMEM, true, OUTCOME_HOST },
		{ -EIO, true, OUTCOME_HOST },     { -EMFILE, true, OUTCOME_HOST },
		{ -EINVAL, false, OUTCOME_HOST }, { -ENOENT, false, OUTCOME_HOST },
		{ -ENOSPC, true, OUTCOME_HOST },  { -EDQUOT, true, OUTCOME_HOST },
		{ -E2BIG, false, OUTCOME_USAGE }, { -E2BIG, true, OUTCOME_USAGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (outcome_of_error(rows[i].err, rows[i].asked) != rows[i].kind)
			fail_msg("row %zu", i);
}

struct race {
	struct outcome o;
	pthread_barrier_t start;
	int wins[RACERS];
};

struct racer {
	struct race *race;
	int index;
};

/* The winner's reason names it, so that a loser's words under it would show. */
static void *racer_main(void *arg)
{
	const struct racer *r = arg;

	(void)pthread_barrier_wait(&r->race->start);
	r->race->wins[r->index] =
		outcome_decide(&r->race->o, OUTCOME_OPERATOR, "racer %d", r->index);
	if (outcome_kind(&r->race->o) != OUTCOME_NONE && r->race->o.reason[0] == '\0')
		r->race->wins[r->index] = 100;
	return NULL;
}

static void of_many_racing_callers_one_decides_and_its_reason_is_told(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct race race;
		struct racer racers[RACERS];
		pthread_t threads[RACERS];
		char expected[32];
		int wins = 0, winner = -1;

		memset(race.wins, 0, sizeof(race.wins));
		outcome_init(&race.o);
		assert_int_equal(pthread_barrier_init(&race.start, NULL, RACERS), 0);
		for (int i = 0; i < RACERS; i++) {
			racers[i] = (struct racer){ &race, i };
			assert_int_equal(pthread_create(&threads[i], NULL, racer_main, &racers[i]),
			                 0);
		}
		for (int i = 0; i < RACERS; i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
			wins += race.wins[i];
			if (race.wins[i])
				winner = i;
		}
		assert_int_equal(pthread_barrier_destroy(&race.start), 0);
		assert_int_equal(wins, 1);
		(void)snprintf(expected, sizeof(expected), "racer %d", winner);
		assert_string_equal(race.o.reason, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_has_the_status_of_the_manual_page),
		cmocka_unit_test(the_first_decision_stays),
		cmocka_unit_test(a_reason_that_is_too_long_is_cut),
		cmocka_unit_test(what_was_asked_for_is_usage_unless_the_host_ran_out),
		cmocka_unit_test(of_many_racing_callers_one_decides_and_its_reason_is_told),
	};

	return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
