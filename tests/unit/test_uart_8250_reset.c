/* SPDX-License-Identifier: MIT */
/* What a reset of the machine leaves of a UART. */
#include "tests/unit/uart_8250_rig.h"

enum { NR_STATES = 8 + 2 };

/* Everything a guest can read, in an order that changes nothing it has not read yet. */
static void look(struct fixture *f, u8 *seen)
{
	static const u8 order[] = { LCR, MCR, IER, IIR, SCR, LSR, MSR, RBR };
	u32 n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		seen[n++] = rd(f, order[i]);
	wr(f, LCR, 0x80);
	seen[n++] = rd(f, DLL);
	seen[n++] = rd(f, DLM);
	wr(f, LCR, 0);
	assert_int_equal(n, NR_STATES);
}

static void dirty(struct fixture *f)
{
	wr(f, LCR, 0x80);
	wr(f, DLL, 0x55);
	wr(f, DLM, 0xaa);
	wr(f, LCR, 0x3f);
	wr(f, FCR, 0xc1);
	wr(f, IER, 0x0f);
	wr(f, SCR, 0x77);
	wr(f, MCR, 0x13); /* loop mode: the modem inputs change, and THR comes back */
	for (int i = 0; i < 20; i++)
		wr(f, THR, (u8)i); /* an overrun */
	wr(f, LCR, 0x7f);
}

static void every_register_is_as_at_first_and_the_line_is_low(void **state)
{
	struct fixture *f = *state;
	u8 before[NR_STATES], after[NR_STATES];

	look(f, before);
	dirty(f);
	assert_true(f->line.level);
	assert_true(uart_8250_reset(f->u));
	assert_false(f->line.level);
	look(f, after);
	assert_memory_equal(before, after, NR_STATES);
	assert_int_equal(f->nr_out, 0); /* what went round in loop mode is nobody's output */

	/* A trigger level that stayed would make this a time-out; and FIFOs are off. */
	listen(f);
	wr(f, IER, 0x01);
	assert_int_equal(receive(f, 1, 2), 1);
	assert_int_equal(rd(f, IIR), 0x04);
}

static void a_second_reset_changes_nothing(void **state)
{
	struct fixture *f = *state;
	u8 before[NR_STATES], after[NR_STATES];

	look(f, before);
	assert_true(uart_8250_reset(f->u));
	assert_true(uart_8250_reset(f->u));
	look(f, after);
	assert_memory_equal(before, after, NR_STATES);
	assert_int_equal(f->line_sets, 0);
}

static void the_looks_of_the_guest_before_are_not_a_poll_of_the_next(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 8; i++)
		(void)rd(f, LSR);
	assert_true(uart_8250_reset(f->u));
	assert_int_equal(receive(f, 1, 1), 0);
}

/* What a guest's driver does as it starts, up to where it listens. */
static void start_driver(struct fixture *f)
{
	wr(f, FCR, 0x07); /* both FIFOs are emptied */
	(void)rd(f, RBR);
	listen(f);
}

static void input_that_was_not_read_waits_for_the_next_guest_in_order(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	listen(f);
	assert_int_equal(receive(f, 1, 20), 16);
	for (u8 i = 1; i <= 4; i++)
		assert_int_equal(rd(f, RBR), i);
	assert_true(uart_8250_reset(f->u));
	assert_int_equal(rd(f, LSR) & 1, 0); /* it does not listen yet */
	assert_int_equal(receive(f, 17, 4), 0);
	assert_int_equal(rd(f, LSR) & 1, 0);

	start_driver(f);
	f->readies = 0;
	for (u8 i = 5; i <= 16; i++) {
		assert_int_equal(rd(f, LSR) & 1, 1);
		assert_int_equal(rd(f, RBR), i);
	}
	/* Then, and not before, comes what the host still has. */
	assert_int_equal(f->readies, 1);
	assert_int_equal(receive(f, 17, 4), 4);
	for (u8 i = 17; i <= 20; i++)
		assert_int_equal(rd(f, RBR), i);
	assert_int_equal(rd(f, LSR) & 1, 0);
}

/* The guest that is reset before it has read all of it, with and without FIFOs. */
static void input_survives_many_resets_whole(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	listen(f);
	assert_int_equal(receive(f, 1, 16), 16);
	for (u8 i = 1; i <= 16; i++) {
		assert_true(uart_8250_reset(f->u));
		if (i % 3)
			wr(f, FCR, 0x07);
		listen(f);
		/* New bytes do not overtake: without FIFOs all but one still wait. */
		if (i % 3 == 0)
			assert_int_equal(receive(f, 99, 1), 0);
		assert_int_equal(rd(f, RBR), i);
	}
	assert_int_equal(receive(f, 99, 1), 1);
	assert_int_equal(rd(f, RBR), 99);
}

static void new_input_and_interrupts_come_behind_what_waited(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	listen(f);
	assert_int_equal(receive(f, 1, 2), 2);
	assert_true(uart_8250_reset(f->u));
	wr(f, FCR, 0x07);
	wr(f, IER, 0x01); /* MCR is not written: the interrupt says that it listens */
	assert_true(f->line.level);
	assert_int_equal(receive(f, 3, 30), 14);
	for (u8 i = 1; i <= 16; i++)
		assert_int_equal(rd(f, RBR), i);
	assert_false(f->line.level);
}

static void breaks_and_looped_bytes_are_not_input(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	listen(f);
	uart_8250_break(f->u);
	assert_int_equal(receive(f, 1, 1), 1);
	uart_8250_break(f->u);
	assert_true(uart_8250_reset(f->u));
	start_driver(f);
	assert_int_equal(rd(f, LSR), 0x61);
	assert_int_equal(rd(f, RBR), 1);
	assert_int_equal(rd(f, LSR), 0x60);

	wr(f, MCR, 0x10);
	wr(f, THR, 0x5a);
	assert_true(uart_8250_reset(f->u));
	start_driver(f);
	assert_int_equal(rd(f, LSR), 0x60);
}

/* The last words of the guest before are part of the console's log. */
static void output_that_the_host_has_not_taken_is_sent_before_the_reset_is_done(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	wr(f, IER, 0x02);
	f->takes = 0;
	for (const char *p = "Restarting"; *p; p++)
		wr(f, THR, (u8)*p);
	assert_false(uart_8250_reset(f->u));
	f->takes = 4;
	uart_8250_writable(f->u);
	assert_false(uart_8250_reset(f->u));
	expect_out(f, "Rest");
	f->takes = 100;
	uart_8250_writable(f->u);
	assert_true(uart_8250_reset(f->u));
	expect_out(f, "Restarting");
	assert_int_equal(uart_8250_lost(f->u), 0);
	assert_false(f->line.level);

	/* The end of that is no interrupt of the next guest's. */
	wr(f, IER, 0x00);
	assert_int_equal(rd(f, IIR), 0x01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_register_is_as_at_first_and_the_line_is_low),
		T(a_second_reset_changes_nothing),
		T(the_looks_of_the_guest_before_are_not_a_poll_of_the_next),
		T(input_that_was_not_read_waits_for_the_next_guest_in_order),
		T(input_survives_many_resets_whole),
		T(new_input_and_interrupts_come_behind_what_waited),
		T(breaks_and_looped_bytes_are_not_input),
		T(output_that_the_host_has_not_taken_is_sent_before_the_reset_is_done),
	};

	return cmocka_run_group_tests_name("uart_8250_reset", tests, NULL, NULL);
}
