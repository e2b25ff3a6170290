/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <pthread.h>
#include <sched.h>

#include "vcpu/gate.h"

/*
 * What two threads do to each other at every moment is tests/model's; here is
 * what one of them can see alone, and a thread where it takes one to wait.
 */
struct fixture {
	struct gate g;
	atomic_uint parkings;
	u32 taken; /* by waiter_main() */
	bool asleep;
	u32 takes;
	atomic_bool busy; /* it stays with what it has taken while this is up */
	pthread_t waiter;
};

static const u32 events[] = { GATE_EXIT,    GATE_RESET,  GATE_OFF,  GATE_ON,
	                      GATE_SUSPEND, GATE_ANSWER, GATE_WAKE, GATE_LINES };

static void count_parking(void *ctx)
{
	struct fixture *f = ctx;

	atomic_fetch_add(&f->parkings, 1);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	gate_init(&f->g, count_parking, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gate_done(&f->g);
	test_free(f);
	return 0;
}

#define GATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Nobody is in the guest here: nobody is to be kicked. */
static void post(struct gate *g, u32 bits)
{
	assert_false(gate_post(g, bits));
}

static void hold(struct gate *g)
{
	assert_false(gate_hold(g));
}

static void *waiter_main(void *arg)
{
	struct fixture *f = arg;

	gate_open(&f->g);
	for (u32 i = 0; i < f->takes; i++) {
		f->taken |= gate_take(&f->g, f->asleep);
		while (atomic_load(&f->busy))
			sched_yield();
	}
	gate_close(&f->g);
	return NULL;
}

/* A vCPU's thread that takes events @takes times and ends. */
static void start_waiter(struct fixture *f, u32 takes, bool asleep)
{
	f->takes = takes;
	f->asleep = asleep;
	f->taken = 0;
	must0(pthread_create(&f->waiter, NULL, waiter_main, f));
}

static void join_waiter(struct fixture *f)
{
	must0(pthread_join(f->waiter, NULL));
}

static void until_parked(struct fixture *f)
{
	while (gate_where(&f->g) != GATE_PARKED)
		sched_yield();
}

/* The header's table a second time, as the specification: columns are what was pending. */
static const struct {
	u32 event, overtakes;
} rows[] = {
	{ GATE_EXIT, 0 },
	{ GATE_RESET, GATE_OFF | GATE_ON | GATE_SUSPEND | GATE_ANSWER | GATE_WAKE },
	{ GATE_OFF, GATE_RESET | GATE_ON | GATE_SUSPEND | GATE_ANSWER | GATE_WAKE },
	{ GATE_ON, GATE_WAKE },
	{ GATE_SUSPEND, GATE_ANSWER | GATE_WAKE },
	{ GATE_ANSWER, GATE_SUSPEND | GATE_WAKE },
	{ GATE_WAKE, 0 },
	{ GATE_LINES, 0 },
};

static u32 overtaken_by(u32 event)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].event == event)
			return rows[i].overtakes;
	fail_msg("no row for %#x", event);
	return 0;
}

static void the_table_of_overtaking_is_the_headers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (gate_overtakes(events[i]) != overtaken_by(events[i]))
			fail_msg("%#x overtakes %#x", events[i], gate_overtakes(events[i]));
}

static void every_pair_of_events_leaves_what_the_table_says(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(events); j++) {
			u32 want = (events[i] & ~overtaken_by(events[j])) | events[j];
			u32 got;

			post(&f->g, events[i]);
			post(&f->g, events[j]);
			got = gate_pending(&f->g);
			if (got != want)
				fail_msg("%#x then %#x: %#x", events[i], events[j], got);
			assert_int_equal(gate_take(&f->g, false), want);
			assert_int_equal(gate_pending(&f->g), 0);
		}
	}
}

static void of_several_events_at_once_the_lowest_is_posted_first(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	for (u32 bits = 0; bits <= GATE_EVENTS; bits++) {
		u32 want = 0;

		for (size_t i = 0; i < ARRAY_SIZE(events); i++)
			if (bits & events[i])
				want = (want & ~overtaken_by(events[i])) | events[i];
		post(&f->g, bits);
		if (gate_pending(&f->g) != want)
			fail_msg("%#x at once: %#x, not %#x", bits, gate_pending(&f->g), want);
		assert_int_equal(gate_take(&f->g, false), want);
	}
}

static void a_new_gate_is_gone_and_that_is_held_when_asked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(gate_where(&f->g), GATE_GONE);
	assert_int_equal(gate_pending(&f->g), 0);
	assert_false(gate_held(&f->g));
	hold(&f->g);
	assert_true(gate_held(&f->g));
	assert_int_equal(gate_pending(&f->g), GATE_HOLD);
	gate_release(&f->g);
	assert_false(gate_held(&f->g));
	assert_int_equal(gate_pending(&f->g), 0);
}

static void it_goes_in_and_out(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	assert_int_equal(gate_where(&f->g), GATE_OUT);
	assert_true(gate_enter(&f->g));
	assert_int_equal(gate_where(&f->g), GATE_IN_GUEST);
	gate_leave(&f->g);
	assert_int_equal(gate_where(&f->g), GATE_OUT);
	gate_close(&f->g);
	assert_int_equal(gate_where(&f->g), GATE_GONE);
}

static void whatever_is_pending_keeps_it_out(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		post(&f->g, events[i]);
		assert_false(gate_enter(&f->g));
		assert_int_equal(gate_where(&f->g), GATE_OUT);
		assert_int_equal(gate_take(&f->g, false), events[i]);
		assert_true(gate_enter(&f->g));
		gate_leave(&f->g);
	}

	hold(&f->g);
	assert_false(gate_enter(&f->g));
	assert_int_equal(gate_where(&f->g), GATE_OUT);
	assert_false(gate_held(&f->g)); /* it is on its way */
	gate_release(&f->g);
	assert_true(gate_enter(&f->g));
}

static void only_who_is_in_the_guest_must_be_kicked(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	assert_true(gate_enter(&f->g));
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		assert_true(gate_post(&f->g, events[i]));
	assert_true(gate_hold(&f->g));
	assert_false(gate_held(&f->g));
	gate_leave(&f->g);
	post(&f->g, GATE_WAKE);
	gate_release(&f->g);
	hold(&f->g);
	gate_release(&f->g);
}

static void events_are_taken_once_and_the_hold_stays(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	assert_int_equal(gate_take(&f->g, false), 0);
	hold(&f->g);
	post(&f->g, GATE_ON);
	post(&f->g, GATE_EXIT);
	assert_int_equal(gate_pending(&f->g), GATE_HOLD | GATE_ON | GATE_EXIT);
	assert_int_equal(gate_take(&f->g, true), GATE_EXIT); /* it ends the wait */
	assert_int_equal(gate_pending(&f->g), GATE_HOLD | GATE_ON);
	assert_int_equal(gate_where(&f->g), GATE_OUT);
	gate_release(&f->g);
	assert_int_equal(gate_take(&f->g, true), GATE_ON);
	assert_int_equal(gate_pending(&f->g), 0);
}

/* The specification again: what each event means to one that is held. */
static const struct {
	u32 event;
	bool under_hold; /* it is accepted; else it waits for the release */
} holds[] = {
	{ GATE_EXIT, true },  { GATE_RESET, true },    { GATE_OFF, true },
	{ GATE_ON, false },   { GATE_SUSPEND, false }, { GATE_ANSWER, false },
	{ GATE_WAKE, false }, { GATE_LINES, false },
};

static void until_parkings(struct fixture *f, u32 n)
{
	while (atomic_load(&f->parkings) < n)
		sched_yield();
	assert_int_equal(atomic_load(&f->parkings), n);
}

static void every_set_of_events_is_taken_in_two_under_a_hold(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	for (u32 bits = 1; bits <= GATE_EVENTS; bits++) {
		u32 pending, at_once = 0;

		hold(&f->g);
		post(&f->g, bits);
		pending = gate_pending(&f->g) & GATE_EVENTS;
		for (size_t i = 0; i < ARRAY_SIZE(holds); i++)
			at_once |= holds[i].under_hold ? pending & holds[i].event : 0;
		if (at_once) /* else it would wait here */
			assert_int_equal(gate_take(&f->g, bits & 1), at_once);
		if (gate_pending(&f->g) != (GATE_HOLD | (pending & ~at_once)))
			fail_msg("%#x: %#x is left", bits, gate_pending(&f->g));
		gate_release(&f->g);
		assert_int_equal(gate_take(&f->g, false), pending & ~at_once);
	}
}

/* It is held, its thread waits in gate_take(), and the event comes; the release is the caller's. */
static void post_to_the_held(struct fixture *f, u32 event, bool accepted)
{
	u32 told = atomic_load(&f->parkings);

	assert_true(gate_held(&f->g));
	atomic_store(&f->busy, true);
	post(&f->g, event);
	if (!accepted) {
		for (u32 i = 0; i < 100; i++) {
			assert_true(gate_held(&f->g));
			assert_int_equal(gate_pending(&f->g), GATE_HOLD | event);
			sched_yield();
		}
		assert_int_equal(atomic_load(&f->parkings), told);
		atomic_store(&f->busy, false);
		return;
	}

	assert_false(gate_held(&f->g)); /* at once, taken or not */
	while (gate_where(&f->g) != GATE_OUT)
		sched_yield();
	while (gate_pending(&f->g) != GATE_HOLD)
		sched_yield();
	assert_false(gate_held(&f->g)); /* it is still at it */
	assert_int_equal(atomic_load(&f->parkings), told);
	atomic_store(&f->busy, false);
	until_parkings(f, told + 1);
	assert_true(gate_held(&f->g));
}

static void only_reset_and_off_are_accepted_by_the_held_and_it_parks_again(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(holds); i++) {
		u32 event = holds[i].event;

		if (event == GATE_EXIT)
			continue; /* no parking behind it, see below */
		atomic_store(&f->parkings, 0);
		hold(&f->g);
		start_waiter(f, 2, true);
		until_parkings(f, 1);
		post_to_the_held(f, event, holds[i].under_hold);
		gate_release(&f->g);
		while (gate_pending(&f->g))
			sched_yield();
		post(&f->g, GATE_EXIT);
		join_waiter(f);
		if (f->taken != (event | GATE_EXIT))
			fail_msg("%#x: %#x is taken", event, f->taken);
	}
}

static void a_reset_goes_through_nested_holds_and_ends_none(void **state)
{
	enum { DEEP = 3 };
	struct fixture *f = *state;

	for (u32 i = 0; i < DEEP; i++)
		hold(&f->g);
	start_waiter(f, DEEP + 2, true);
	until_parkings(f, 1);
	for (u32 i = 0; i < DEEP; i++) {
		post_to_the_held(f, i % 2 ? GATE_OFF : GATE_RESET, true);
		until_parkings(f, 2 + i);
		post(&f->g, GATE_ON); /* the next one throws it away */
		assert_true(gate_held(&f->g));
		if (i < DEEP - 1)
			gate_release(&f->g);
	}
	assert_int_equal(f->taken, GATE_RESET | GATE_OFF);
	assert_int_equal(gate_pending(&f->g), GATE_HOLD | GATE_ON);
	gate_release(&f->g);
	while (gate_pending(&f->g))
		sched_yield();
	post(&f->g, GATE_WAKE);
	join_waiter(f);
	assert_int_equal(f->taken, GATE_RESET | GATE_OFF | GATE_ON | GATE_WAKE);
	assert_int_equal(atomic_load(&f->parkings), DEEP + 1);
}

static void a_reset_that_comes_before_its_vcpu_parks_is_taken_first(void **state)
{
	struct fixture *f = *state;

	hold(&f->g);
	gate_open(&f->g);
	post(&f->g, GATE_RESET);
	assert_false(gate_enter(&f->g));
	assert_int_equal(gate_take(&f->g, false), GATE_RESET);
	assert_false(gate_enter(&f->g)); /* the hold is there yet */
	assert_int_equal(atomic_load(&f->parkings), 0);
	assert_false(gate_held(&f->g));
	gate_release(&f->g);
	assert_true(gate_enter(&f->g));
}

static void one_that_has_ended_is_held_whatever_it_has_not_taken(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	hold(&f->g);
	post(&f->g, GATE_RESET);
	gate_close(&f->g);
	assert_true(gate_held(&f->g));
	post(&f->g, GATE_OFF);
	assert_true(gate_held(&f->g));
	gate_release(&f->g);
}

static void holds_nest(void **state)
{
	enum { DEEP = 3 };
	struct fixture *f = *state;

	start_waiter(f, 2, true);
	for (u32 i = 0; i < DEEP; i++)
		hold(&f->g);
	until_parked(f);
	post(&f->g, GATE_ON);
	for (u32 i = 0; i < DEEP; i++) {
		assert_true(gate_held(&f->g));
		assert_int_equal(gate_pending(&f->g), GATE_HOLD | GATE_ON);
		gate_release(&f->g);
	}
	while (gate_pending(&f->g))
		sched_yield();
	assert_false(gate_held(&f->g));
	post(&f->g, GATE_WAKE);
	join_waiter(f);
	assert_int_equal(f->taken, GATE_ON | GATE_WAKE);
}

static void each_event_wakes_a_sleeper(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		start_waiter(f, 1, true);
		until_parked(f);
		assert_false(gate_held(&f->g)); /* parked, but nobody holds it */
		post(&f->g, events[i]);
		join_waiter(f);
		assert_int_equal(f->taken, events[i]);
	}
	assert_int_equal(atomic_load(&f->parkings), 0);
}

static void a_sleeper_is_held_at_once_and_needs_no_kick(void **state)
{
	struct fixture *f = *state;

	start_waiter(f, 1, true);
	until_parked(f);
	hold(&f->g);
	assert_true(gate_held(&f->g));
	post(&f->g, GATE_WAKE);
	assert_true(gate_held(&f->g));
	gate_release(&f->g);
	join_waiter(f);
	assert_int_equal(f->taken, GATE_WAKE);
}

static void parking_is_told_once_however_many_events_come(void **state)
{
	struct fixture *f = *state;

	hold(&f->g);
	start_waiter(f, 1, false);
	while (!atomic_load(&f->parkings))
		sched_yield();
	for (u32 i = 0; i < 100; i++) {
		post(&f->g, GATE_WAKE);
		sched_yield();
	}
	assert_int_equal(atomic_load(&f->parkings), 1);
	assert_true(gate_held(&f->g));
	gate_release(&f->g);
	join_waiter(f);
	assert_int_equal(f->taken, GATE_WAKE);
	assert_int_equal(atomic_load(&f->parkings), 1);
}

static void each_parking_is_told(void **state)
{
	struct fixture *f = *state;

	for (u32 i = 1; i <= 3; i++) {
		hold(&f->g);
		start_waiter(f, 1, false);
		while (atomic_load(&f->parkings) < i)
			sched_yield();
		assert_true(gate_held(&f->g));
		gate_release(&f->g);
		join_waiter(f);
		assert_int_equal(f->taken, 0);
		assert_int_equal(atomic_load(&f->parkings), i);
	}
}

static void exit_ends_the_wait_of_the_held_and_of_the_sleeper(void **state)
{
	struct fixture *f = *state;

	for (u32 asleep = 0; asleep < 2; asleep++) {
		hold(&f->g);
		start_waiter(f, 1, asleep);
		until_parked(f);
		post(&f->g, GATE_EXIT);
		join_waiter(f);
		assert_int_equal(f->taken, GATE_EXIT);
		assert_true(gate_held(&f->g)); /* it is gone, and still held */
		gate_release(&f->g);
	}
}

static void who_ends_under_a_hold_tells_its_holder(void **state)
{
	struct fixture *f = *state;

	gate_open(&f->g);
	hold(&f->g);
	assert_false(gate_held(&f->g));
	gate_close(&f->g);
	assert_true(gate_held(&f->g));
	assert_int_equal(atomic_load(&f->parkings), 1);
	gate_release(&f->g);

	gate_open(&f->g);
	gate_close(&f->g);
	assert_int_equal(atomic_load(&f->parkings), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GATE_TEST(the_table_of_overtaking_is_the_headers),
		GATE_TEST(every_pair_of_events_leaves_what_the_table_says),
		GATE_TEST(of_several_events_at_once_the_lowest_is_posted_first),
		GATE_TEST(a_new_gate_is_gone_and_that_is_held_when_asked),
		GATE_TEST(it_goes_in_and_out),
		GATE_TEST(whatever_is_pending_keeps_it_out),
		GATE_TEST(only_who_is_in_the_guest_must_be_kicked),
		GATE_TEST(events_are_taken_once_and_the_hold_stays),
		GATE_TEST(every_set_of_events_is_taken_in_two_under_a_hold),
		GATE_TEST(only_reset_and_off_are_accepted_by_the_held_and_it_parks_again),
		GATE_TEST(a_reset_goes_through_nested_holds_and_ends_none),
		GATE_TEST(a_reset_that_comes_before_its_vcpu_parks_is_taken_first),
		GATE_TEST(one_that_has_ended_is_held_whatever_it_has_not_taken),
		GATE_TEST(holds_nest),
		GATE_TEST(each_event_wakes_a_sleeper),
		GATE_TEST(a_sleeper_is_held_at_once_and_needs_no_kick),
		GATE_TEST(parking_is_told_once_however_many_events_come),
		GATE_TEST(each_parking_is_told),
		GATE_TEST(exit_ends_the_wait_of_the_held_and_of_the_sleeper),
		GATE_TEST(who_ends_under_a_hold_tells_its_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
