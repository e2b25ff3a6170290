/* SPDX-License-Identifier: MIT */
/* The alarm's way from a guest's register through the loop to the interrupt line. */
#include "tests/unit/test.h"

#include "machine/rtc_host.h"

enum { RTCDR = 0x000, RTCMR = 0x004, RTCIMSC = 0x010, RTCICR = 0x01c };

struct fixture {
	struct loop *loop;
	struct rtc_host *host;
	struct rtc_pl031 *rtc;
	struct fake_line line;
};

static int setup(void **state)
{
	static struct fixture f;
	const struct irq_line irq = { .set = fake_line_set, .ctx = &f.line, .intid = 36 };

	f = (struct fixture){ .loop = NULL };
	*state = &f;
	if (loop_create(&f.loop) < 0)
		return 0;
	if (rtc_host_create(f.loop, &f.host) < 0 ||
	    rtc_pl031_create(&rtc_host_ops, f.host, &irq, &f.rtc) < 0)
		return -1;
	rtc_host_attach(f.host, f.rtc);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->loop)
		loop_quiesce(f->loop);
	rtc_pl031_destroy(f->rtc);
	rtc_host_destroy(f->host);
	loop_destroy(f->loop);
	return 0;
}

static struct fixture *ready(void **state)
{
	struct fixture *f = *state;

	if (!f->loop)
		skip_because(NO_IO_URING);
	return f;
}

static u32 rtc_now(struct fixture *f)
{
	return (u32)rtc_pl031_bus_ops.read(f->rtc, RTCDR, 4);
}

static void set(struct fixture *f, u32 reg, u32 value)
{
	rtc_pl031_bus_ops.write(f->rtc, reg, 4, value);
}

static void an_alarm_in_a_second_raises_the_line_from_the_loop(void **state)
{
	struct fixture *f = ready(state);

	set(f, RTCMR, rtc_now(f) + 1);
	set(f, RTCIMSC, 1);
	assert_false(f->line.level);
	while (!f->line.level)
		assert_true(loop_turn(f->loop) > 0);
	assert_int_equal(f->line.rises, 1);
	set(f, RTCICR, 1);
	assert_false(f->line.level);
}

static void an_earlier_alarm_replaces_one_that_is_being_waited_for(void **state)
{
	struct fixture *f = ready(state);

	set(f, RTCIMSC, 1);
	set(f, RTCMR, rtc_now(f) + 1000);
	assert_true(loop_turn(f->loop) > 0); /* the bell: now it waits */
	set(f, RTCMR, rtc_now(f) + 1);
	while (!f->line.level)
		assert_true(loop_turn(f->loop) > 0);
	assert_int_equal(f->line.rises, 1);
}

static void an_rtc_may_go_while_its_alarm_is_set(void **state)
{
	struct fixture *f = ready(state);

	set(f, RTCIMSC, 1);
	set(f, RTCMR, rtc_now(f) + 1000);
	assert_true(loop_turn(f->loop) > 0);
	assert_false(f->line.level);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_alarm_in_a_second_raises_the_line_from_the_loop,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_earlier_alarm_replaces_one_that_is_being_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(an_rtc_may_go_while_its_alarm_is_set, setup,
		                                teardown),
	};

	return cmocka_run_group_tests_name("rtc_host", tests, NULL, NULL);
}
