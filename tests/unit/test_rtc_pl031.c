/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include "devices/mmio.h"
#include "devices/rtc_pl031.h"
#include "machine/base/compiler.h"

enum {
	DR = 0x00,
	MR = 0x04,
	LR = 0x08,
	CR = 0x0c,
	IMSC = 0x10,
	RIS = 0x14,
	MIS = 0x18,
	ICR = 0x1c
};

#define S 1000000000ull /* ns */

/* A clock that is turned by hand, an alarm that is only noted, a wire. */
struct fixture {
	u64 now_ns;
	u64 alarm_ns;
	unsigned int alarms_set;
	struct fake_line line;
	unsigned int line_sets;
	struct rtc_pl031 *rtc;
};

static u64 fixture_now(void *ctx)
{
	return ((struct fixture *)ctx)->now_ns;
}

static void fixture_set_alarm(void *ctx, u64 at_ns)
{
	struct fixture *f = ctx;

	f->alarm_ns = at_ns;
	f->alarms_set++;
}

static void fixture_line_set(void *ctx, u32 intid, bool level)
{
	struct fixture *f = ctx;

	assert_int_equal(intid, 34);
	f->line_sets++;
	fake_line_set(&f->line, intid, level);
}

static const struct rtc_host_ops host_ops = {
	.now_ns = fixture_now,
	.set_alarm = fixture_set_alarm,
};

static int start_at(struct fixture *f, u64 now_ns)
{
	const struct irq_line irq = { .set = fixture_line_set, .ctx = f, .intid = 34 };

	*f = (struct fixture){ .now_ns = now_ns, .alarm_ns = RTC_NO_ALARM };
	return rtc_pl031_create(&host_ops, f, &irq, &f->rtc);
}

static int setup(void **state)
{
	static struct fixture f;

	*state = &f;
	return start_at(&f, 1000 * S + S / 2);
}

static int teardown(void **state)
{
	rtc_pl031_destroy(((struct fixture *)*state)->rtc);
	return 0;
}

static u32 rd(struct fixture *f, u32 offset)
{
	return (u32)rtc_pl031_bus_ops.read(f->rtc, offset, 4);
}

static void wr(struct fixture *f, u32 offset, u32 value)
{
	rtc_pl031_bus_ops.write(f->rtc, offset, 4, value);
}

/* The host's alarm goes off; it has none any more. */
static void ring(struct fixture *f)
{
	f->alarm_ns = RTC_NO_ALARM;
	rtc_pl031_alarm(f->rtc);
}

static void the_register_table_is_well_formed(void **state)
{
	assert_true(mmio_table_ok(&rtc_pl031_table));
}

/* One row per register: the reset value, and what is left after a write of all ones. */
static void every_register_keeps_its_writable_bits_only(void **state)
{
	static const struct {
		const char *name;
		u32 offset;
		u32 reset;
		u32 after;
	} rows[] = {
		{ "RTCDR", 0x000, 1000, 1000 },
		{ "RTCMR", 0x004, 0, 0xffffffff },
		{ "RTCCR", 0x00c, 1, 1 },
		{ "RTCIMSC", 0x010, 0, 1 },
		{ "RTCRIS", 0x014, 0, 0 },
		{ "RTCMIS", 0x018, 0, 0 },
		{ "RTCICR", 0x01c, 0, 0 },
		{ "hole", 0x020, 0, 0 },
		{ "RTCITCR", 0x080, 0, 0 },
		{ "hole before the IDs", 0xfdc, 0, 0 },
		{ "RTCPeriphID0", 0xfe0, 0x31, 0x31 },
		{ "RTCPeriphID1", 0xfe4, 0x10, 0x10 },
		{ "RTCPeriphID2", 0xfe8, 0x14, 0x14 },
		{ "RTCPeriphID3", 0xfec, 0x00, 0x00 },
		{ "RTCPCellID0", 0xff0, 0x0d, 0x0d },
		{ "RTCPCellID1", 0xff4, 0xf0, 0xf0 },
		{ "RTCPCellID2", 0xff8, 0x05, 0x05 },
		{ "RTCPCellID3", 0xffc, 0xb1, 0xb1 },
		{ "RTCLR", 0x008, 0, 0xffffffff }, /* last: it moves the counter */
		{ "past the end", 0x1000, 0, 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rd(f, rows[i].offset) != rows[i].reset)
			fail_msg("%s resets to %#x", rows[i].name, rd(f, rows[i].offset));
		wr(f, rows[i].offset, 0xffffffff);
		if (rd(f, rows[i].offset) != rows[i].after)
			fail_msg("%s is %#x", rows[i].name, rd(f, rows[i].offset));
	}
}

static void only_aligned_words_reach_a_register(void **state)
{
	struct fixture *f = *state;
	static const u32 widths[] = { 1, 2, 8 };

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		rtc_pl031_bus_ops.write(f->rtc, MR, widths[i], 0x55);
		assert_int_equal(rtc_pl031_bus_ops.read(f->rtc, DR, widths[i]), 0);
	}
	rtc_pl031_bus_ops.write(f->rtc, MR + 1, 4, 0x55);
	assert_int_equal(rd(f, MR), 0);
}

static void the_counter_goes_with_the_clock_and_from_what_was_loaded(void **state)
{
	struct fixture *f = *state;

	f->now_ns += S / 2 - 1;
	assert_int_equal(rd(f, DR), 1000);
	f->now_ns += 1;
	assert_int_equal(rd(f, DR), 1001);

	wr(f, LR, 0xffffffff);
	assert_int_equal(rd(f, DR), 0xffffffff);
	f->now_ns += 2 * S;
	assert_int_equal(rd(f, DR), 1);
	assert_int_equal(rd(f, LR), 0xffffffff);
}

static void a_match_sets_ris_on_the_tick_and_the_line_when_unmasked(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, 1003);
	wr(f, IMSC, 1);
	assert_true(f->alarm_ns == 1003 * S);

	f->now_ns = 1003 * S - 1;
	ring(f);
	assert_int_equal(rd(f, RIS), 0);
	assert_false(f->line.level);

	f->now_ns = 1003 * S;
	ring(f);
	assert_true(f->line.level);
	assert_int_equal(rd(f, RIS), 1);
	assert_int_equal(rd(f, MIS), 1);

	wr(f, ICR, 0);
	wr(f, ICR, 0xfffffffe);
	assert_true(f->line.level);
	wr(f, ICR, 1);
	assert_false(f->line.level);
	assert_int_equal(rd(f, RIS), 0);
	assert_int_equal(f->line.rises, 1);
}

static void the_mask_gates_the_line_and_not_ris(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, 1001);
	f->now_ns += 5 * S;
	assert_int_equal(rd(f, RIS), 1);
	assert_int_equal(rd(f, MIS), 0);
	assert_int_equal(f->line_sets, 0);

	wr(f, IMSC, 1);
	assert_true(f->line.level);
	assert_int_equal(rd(f, MIS), 1);
	wr(f, IMSC, 0);
	assert_false(f->line.level);
	assert_int_equal(rd(f, RIS), 1);
}

static void a_match_with_now_is_a_match_at_once(void **state)
{
	struct fixture *f = *state;

	wr(f, IMSC, 1);
	wr(f, MR, 1000);
	assert_true(f->line.level);
	wr(f, ICR, 1);
	assert_false(f->line.level);
	/* Still the same second; the next time is one turn of the counter away. */
	assert_int_equal(rd(f, RIS), 0);
	assert_true(f->alarm_ns == (1000 + (1ull << 32)) * S);

	wr(f, MR, 7);
	wr(f, LR, 7);
	assert_true(f->line.level);
}

/* One row per pair: loaded at 1000 s of the host's clock, so the match is so much later. */
static void the_alarm_is_asked_for_modulo_2_32(void **state)
{
	static const struct {
		u32 lr, mr;
		u64 ahead; /* s */
	} rows[] = {
		{ 0, 1, 1 },
		{ 5, 4, 0xffffffff },
		{ 0xffffffff, 0, 1 },
		{ 0xffffffff, 0xfffffffe, 0xffffffff },
		{ 0x80000000, 0, 0x80000000 },
		{ 0x7fffffff, 0x80000000, 1 },
		{ 0, 0xffffffff, 0xffffffff },
	};
	struct fixture *f = *state;

	wr(f, IMSC, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->now_ns = 1000 * S + 123;
		wr(f, MR, rows[i].lr + 0x1000);
		wr(f, LR, rows[i].lr);
		wr(f, MR, rows[i].mr);
		if (f->alarm_ns != (1000 + rows[i].ahead) * S)
			fail_msg("row %zu: %llu", i, f->alarm_ns);

		f->now_ns = f->alarm_ns - 1;
		assert_int_equal(rd(f, RIS), 0);
		f->now_ns++;
		ring(f);
		assert_true(f->line.level);
		assert_int_equal(rd(f, DR), rows[i].mr);
		wr(f, ICR, 1);
		assert_true(f->alarm_ns == (1000 + rows[i].ahead + (1ull << 32)) * S);
	}
}

static void the_host_is_asked_only_when_a_match_would_be_seen(void **state)
{
	struct fixture *f = *state;

	/* Masked: nobody to wake. */
	wr(f, MR, 1010);
	assert_int_equal(f->alarms_set, 0);
	wr(f, IMSC, 1);
	assert_int_equal(f->alarms_set, 1);

	/* Nothing new: nothing said. */
	wr(f, IMSC, 1);
	wr(f, MR, 1010);
	(void)rd(f, DR);
	assert_int_equal(f->alarms_set, 1);

	wr(f, MR, 1005);
	assert_int_equal(f->alarms_set, 2);
	assert_true(f->alarm_ns == 1005 * S);
	wr(f, IMSC, 0);
	assert_int_equal(f->alarms_set, 3);
	assert_true(f->alarm_ns == RTC_NO_ALARM);

	/* RIS is set already: a second match would change nothing. */
	wr(f, IMSC, 1);
	f->now_ns = 1005 * S;
	ring(f);
	assert_true(f->line.level);
	wr(f, MR, 1020);
	wr(f, IMSC, 0);
	wr(f, IMSC, 1);
	assert_true(f->alarm_ns == RTC_NO_ALARM);
	wr(f, ICR, 1);
	assert_true(f->alarm_ns == 1020 * S);
}

static void an_early_alarm_is_asked_for_again(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, 1010);
	wr(f, IMSC, 1);
	f->now_ns = 1010 * S - 1;
	ring(f);
	assert_false(f->line.level);
	assert_true(f->alarm_ns == 1010 * S);
}

static void a_late_or_second_alarm_does_no_harm(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, 1001);
	wr(f, IMSC, 1);
	f->now_ns = 2000 * S;
	ring(f);
	ring(f);
	assert_int_equal(f->line_sets, 1);
	wr(f, ICR, 1);
	ring(f);
	assert_false(f->line.level);
	assert_true(f->alarm_ns == (1001 + (1ull << 32)) * S);
}

static void the_line_is_told_changes_only(void **state)
{
	struct fixture *f = *state;

	wr(f, MR, 1000);
	wr(f, ICR, 1);
	wr(f, IMSC, 1);
	wr(f, IMSC, 0);
	assert_int_equal(f->line_sets, 0);
	wr(f, MR, 1000);
	wr(f, IMSC, 1);
	wr(f, IMSC, 1);
	wr(f, MR, 1000);
	assert_int_equal(f->line_sets, 1);
}

static void the_ends_of_the_hosts_clock_are_survived(void **state)
{
	static const u64 starts[] = { 0, 1, S, ~0ull - S, ~0ull };
	struct fixture f;

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		assert_int_equal(start_at(&f, starts[i]), 0);
		assert_int_equal(rd(&f, RIS), 0);
		assert_int_equal(rd(&f, DR), (u32)(starts[i] / S));
		wr(&f, IMSC, 1);
		wr(&f, MR, (u32)(starts[i] / S) + 100);
		assert_true(f.alarm_ns == (i < 3 ? (starts[i] / S + 100) * S : RTC_NO_ALARM));
		f.now_ns = ~0ull;
		ring(&f);
		assert_int_equal(f.line.level, i < 3);
		rtc_pl031_destroy(f.rtc);
	}
	rtc_pl031_destroy(NULL);
}

static void a_reset_takes_the_alarm_and_its_line_and_leaves_the_time(void **state)
{
	struct fixture *f = *state;

	wr(f, LR, 5000);
	wr(f, MR, 5002);
	wr(f, IMSC, 1);
	f->now_ns += 3 * S;
	ring(f);
	assert_true(f->line.level);
	assert_true(rtc_pl031_reset(f->rtc));
	assert_false(f->line.level);
	assert_int_equal(rd(f, RIS), 0);
	assert_int_equal(rd(f, MIS), 0);
	assert_int_equal(rd(f, IMSC), 0);
	assert_int_equal(rd(f, MR), 0);
	assert_int_equal(rd(f, CR), 1);
	/* The guest's clock goes on from what it was set to. */
	assert_int_equal(rd(f, DR), 5003);
	assert_int_equal(rd(f, LR), 5000);
}

static void an_alarm_that_is_set_at_a_reset_is_called_off(void **state)
{
	struct fixture *f = *state;
	unsigned int sets;

	wr(f, MR, 1010);
	wr(f, IMSC, 1);
	assert_true(f->alarm_ns == 1010 * S);
	sets = f->alarms_set;
	assert_true(rtc_pl031_reset(f->rtc));
	assert_true(f->alarm_ns == RTC_NO_ALARM);
	assert_int_equal(f->alarms_set, sets + 1);
	/* The host's alarm may go off all the same: it was on its way. */
	f->now_ns = 1011 * S;
	ring(f);
	wr(f, IMSC, 1);
	assert_int_equal(rd(f, RIS), 0);
	assert_false(f->line.level);
	assert_true(rtc_pl031_reset(f->rtc));
	assert_true(rtc_pl031_reset(f->rtc));
	assert_int_equal(f->line_sets, 0);
}

static void a_reset_while_the_counter_is_0_is_no_match(void **state)
{
	struct fixture *f = *state;

	wr(f, LR, 0);
	assert_true(rtc_pl031_reset(f->rtc));
	assert_int_equal(rd(f, DR), 0);
	assert_int_equal(rd(f, RIS), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_register_table_is_well_formed),
		T(every_register_keeps_its_writable_bits_only),
		T(only_aligned_words_reach_a_register),
		T(the_counter_goes_with_the_clock_and_from_what_was_loaded),
		T(a_match_sets_ris_on_the_tick_and_the_line_when_unmasked),
		T(the_mask_gates_the_line_and_not_ris),
		T(a_match_with_now_is_a_match_at_once),
		T(the_alarm_is_asked_for_modulo_2_32),
		T(the_host_is_asked_only_when_a_match_would_be_seen),
		T(an_early_alarm_is_asked_for_again),
		T(a_late_or_second_alarm_does_no_harm),
		T(the_line_is_told_changes_only),
		T(a_reset_takes_the_alarm_and_its_line_and_leaves_the_time),
		T(an_alarm_that_is_set_at_a_reset_is_called_off),
		T(a_reset_while_the_counter_is_0_is_no_match),
		cmocka_unit_test(the_ends_of_the_hosts_clock_are_survived),
	};

	return cmocka_run_group_tests_name("rtc_pl031", tests, NULL, NULL);
}
