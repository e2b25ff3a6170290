/* SPDX-License-Identifier: MIT */
#include "tests/unit/uart_8250_rig.h"

#include "devices/mmio.h"

static void the_register_table_is_well_formed(void **state)
{
	assert_true(mmio_table_ok(&uart_8250_table));
}

/* One row per register, in this order: the value before, and after a write of all ones. */
static void every_register_keeps_its_writable_bits_only(void **state)
{
	static const struct {
		const char *name;
		u32 offset;
		u8 before, after;
	} rows[] = {
		{ "SCR", SCR, 0x00, 0xff }, { "MSR", MSR, 0xb0, 0xb0 },
		{ "LSR", LSR, 0x60, 0x60 }, { "IIR", IIR, 0x01, 0xc1 },
		{ "IER", IER, 0x00, 0x0f }, { "IIR, THRE", IIR, 0xc2, 0xc1 },
		{ "MCR", MCR, 0x00, 0x1f }, { "LCR", LCR, 0x00, 0xff },
		{ "DLL", DLL, 0x0c, 0xff }, { "DLM", DLM, 0x00, 0xff },
		{ "past SCR", 8, 0, 0 },    { "last byte", UART_8250_SIZE - 1, 0, 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 v = rd(f, rows[i].offset);

		if (v != rows[i].before)
			fail_msg("%s was %#x", rows[i].name, v);
		wr(f, rows[i].offset, 0xff);
		v = rd(f, rows[i].offset);
		if (v != rows[i].after)
			fail_msg("%s is %#x", rows[i].name, v);
	}
	assert_int_equal(f->nr_out, 0);
}

static void the_divisor_latch_hides_rbr_thr_and_ier_and_nothing_else(void **state)
{
	struct fixture *f = *state;

	listen(f);
	assert_int_equal(receive(f, 'a', 1), 1);
	wr(f, IER, 0x08);
	wr(f, LCR, 0x83);
	wr(f, DLL, 0x12);
	wr(f, DLM, 0x34);
	assert_int_equal(rd(f, DLL), 0x12);
	assert_int_equal(rd(f, DLM), 0x34);
	assert_int_equal(rd(f, LSR), 0x61);
	wr(f, LCR, 0x03);
	assert_int_equal(f->nr_out, 0);
	assert_int_equal(rd(f, IER), 0x08);
	assert_int_equal(rd(f, RBR), 'a');
	wr(f, LCR, 0x83);
	assert_int_equal(rd(f, DLL), 0x12);
}

static void an_access_of_any_width_is_the_one_register_at_its_offset(void **state)
{
	static const u32 widths[] = { 1, 2, 4, 8 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		uart_8250_bus_ops.write(f->u, SCR, widths[i], 0x1122334455667700 + i);
		assert_int_equal(uart_8250_bus_ops.read(f->u, SCR, widths[i]), i);
		assert_int_equal(uart_8250_bus_ops.read(f->u, LSR, widths[i]), 0x60);
		uart_8250_bus_ops.write(f->u, THR, widths[i], 0xffffffffffffff00 | ('a' + i));
		assert_int_equal(uart_8250_bus_ops.read(f->u, 8, widths[i]), 0);
	}
	expect_out(f, "abcd");
	assert_int_equal(rd(f, IER), 0);
}

static void a_written_byte_is_one_transmit_and_no_interrupt_call(void **state)
{
	struct fixture *f = *state;

	wr(f, THR, 'x');
	wr(f, THR, 'y');
	assert_int_equal(f->transmits, 2);
	assert_int_equal(f->line_sets, 0);
	expect_out(f, "xy");
	assert_int_equal(rd(f, LSR), 0x60);
}

static void what_the_host_refuses_waits_in_order_and_clears_thre(void **state)
{
	static const u8 depths[] = { 1, 16 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		u64 lost = uart_8250_lost(f->u);

		f->nr_out = 0;
		f->takes = 0;
		wr(f, FCR, i ? 0x01 : 0x00);
		for (u8 n = 0; n < depths[i] + 3; n++)
			wr(f, THR, 'a' + n);
		assert_int_equal(rd(f, LSR), 0x00);
		assert_int_equal(uart_8250_lost(f->u) - lost, 3);

		/* The host has room for all but one, and then for the last. */
		f->takes = depths[i] - 1u;
		uart_8250_writable(f->u);
		assert_int_equal(rd(f, LSR), 0x00);
		f->takes = 1;
		uart_8250_writable(f->u);
		assert_int_equal(rd(f, LSR), 0x60);
		assert_int_equal(f->nr_out, depths[i]);
		for (u8 n = 0; n < depths[i]; n++)
			assert_int_equal(f->out[n], 'a' + n);
	}
	f->transmits = 0;
	uart_8250_writable(f->u);
	assert_int_equal(f->transmits, 0);
}

static void a_byte_does_not_overtake_one_that_waits(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	f->takes = 0;
	wr(f, THR, 'a');
	f->takes = ~0ull;
	wr(f, THR, 'b');
	expect_out(f, "");
	uart_8250_writable(f->u);
	wr(f, THR, 'c');
	expect_out(f, "abc");
	assert_int_equal(f->transmits, 3); /* the refused one, both that waited, the last */
}

static void thre_interrupts_when_enabled_over_an_empty_thr(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x02);
	assert_true(f->line.level);
	assert_int_equal(rd(f, IIR), 0x02);
	/* IIR named it, so reading IIR ended it. */
	assert_false(f->line.level);
	assert_int_equal(rd(f, IIR), 0x01);
	/* Enabled already: nothing new. Off and on: again. */
	wr(f, IER, 0x02);
	assert_false(f->line.level);
	wr(f, IER, 0x00);
	assert_int_equal(rd(f, IIR), 0x01);
	wr(f, IER, 0x02);
	assert_true(f->line.level);
}

static void thre_interrupts_when_a_write_has_drained(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x02);
	assert_int_equal(rd(f, IIR), 0x02);
	wr(f, THR, 'a');
	assert_true(f->line.level);

	/* A byte that waits ends the interrupt until it is gone. */
	f->takes = 0;
	wr(f, THR, 'b');
	assert_false(f->line.level);
	assert_int_equal(rd(f, IIR), 0x01);
	wr(f, IER, 0x00);
	wr(f, IER, 0x02);
	assert_false(f->line.level);
	f->takes = 1;
	uart_8250_writable(f->u);
	assert_true(f->line.level);
	assert_int_equal(rd(f, IIR), 0x02);
}

static void thre_interrupts_at_once_when_the_fifos_go_on_or_off(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x02);
	assert_int_equal(rd(f, IIR), 0x02);
	wr(f, FCR, 0x01);
	assert_int_equal(rd(f, IIR), 0xc2);
	wr(f, FCR, 0x01);
	assert_int_equal(rd(f, IIR), 0xc1);
	wr(f, FCR, 0x00);
	assert_int_equal(rd(f, IIR), 0x02);
}

static void a_read_of_iir_that_names_another_source_leaves_thre_pending(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x03);
	assert_int_equal(receive(f, 'a', 1), 1);
	assert_int_equal(rd(f, IIR), 0x04);
	assert_int_equal(rd(f, RBR), 'a');
	assert_int_equal(rd(f, IIR), 0x02);
	assert_int_equal(rd(f, IIR), 0x01);
}

static void iir_names_the_highest_source_and_each_has_its_own_end(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x41); /* trigger at 4 */
	listen(f);
	assert_int_equal(receive(f, 'a', 3), 3);
	uart_8250_break(f->u);
	assert_int_equal(receive(f, 'x', 1), 1);
	wr(f, MCR, 0x10); /* loop: DCD, DSR and CTS go away */
	wr(f, MCR, 0x02);
	assert_false(f->line.level);
	wr(f, IER, 0x0f);

	assert_int_equal(rd(f, IIR), 0xc4);
	assert_int_equal(rd(f, RBR), 'a');
	assert_int_equal(rd(f, RBR), 'b');
	assert_int_equal(rd(f, IIR), 0xcc); /* three left, below the trigger */
	assert_int_equal(rd(f, RBR), 'c');
	assert_int_equal(rd(f, IIR), 0xc6); /* the break is at the top now */
	assert_int_equal(rd(f, LSR), 0xf1);
	assert_int_equal(rd(f, IIR), 0xcc);
	assert_int_equal(rd(f, RBR), 0);
	assert_int_equal(rd(f, RBR), 'x');
	assert_int_equal(rd(f, IIR), 0xc2);
	assert_int_equal(rd(f, IIR), 0xc0);
	assert_true(f->line.level);
	assert_int_equal(rd(f, MSR), 0xbb);
	assert_int_equal(rd(f, IIR), 0xc1);
	assert_false(f->line.level);
	assert_int_equal(f->line_sets, 2);
}

static void the_trigger_level_tells_data_from_a_time_out(void **state)
{
	static const struct {
		u8 fcr, level;
	} rows[] = { { 0x01, 1 }, { 0x41, 4 }, { 0x81, 8 }, { 0xc1, 14 } };
	struct fixture *f = *state;

	wr(f, IER, 0x01);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wr(f, FCR, rows[i].fcr | 0x02);
		for (u8 n = 1; n <= 16; n++) {
			u8 want = n < rows[i].level ? 0xcc : 0xc4;

			assert_int_equal(receive(f, n, 1), 1);
			if (rd(f, IIR) != want || !f->line.level)
				fail_msg("FCR %#x, %u bytes", rows[i].fcr, n);
		}
	}
}

static void fcr_bits_count_only_with_bit_0(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x01);
	wr(f, FCR, 0xc1);
	assert_int_equal(receive(f, 'a', 5), 5);
	wr(f, FCR, 0x01 | 0x04); /* the transmitter's clear is not the receiver's; trigger 1 */
	assert_int_equal(rd(f, IIR), 0xc4);
	wr(f, FCR, 0x01 | 0x02);
	assert_int_equal(rd(f, IIR), 0xc1);
	assert_int_equal(rd(f, LSR), 0x60);

	/* Off empties, as on does; a trigger written with bit 0 clear is not kept. */
	assert_int_equal(receive(f, 'a', 5), 5);
	wr(f, FCR, 0xc0);
	assert_int_equal(rd(f, IIR), 0x01);
	assert_int_equal(receive(f, 'a', 5), 1);
	wr(f, FCR, 0xc6);
	assert_int_equal(rd(f, IIR), 0x04);
	wr(f, FCR, 0x01);
	assert_int_equal(rd(f, LSR), 0x60);
}

static void clearing_the_transmit_fifo_drops_what_waits_and_raises_thre(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	wr(f, IER, 0x02);
	f->takes = 0;
	wr(f, THR, 'a');
	assert_false(f->line.level);
	wr(f, FCR, 0x03);
	assert_int_equal(rd(f, LSR), 0x00);
	wr(f, FCR, 0x05);
	assert_true(f->line.level);
	assert_int_equal(rd(f, LSR), 0x60);
	wr(f, THR, 'b');
	wr(f, FCR, 0x00); /* so does a change of mode */
	assert_int_equal(rd(f, LSR), 0x60);
	f->takes = 1;
	uart_8250_writable(f->u);
	expect_out(f, "");
	assert_int_equal(uart_8250_lost(f->u), 0);
}

/* One row per MCR value: MSR bits 7:4 in loop mode, and the deltas against the row before. */
static void loop_mode_shows_the_modem_outputs_in_msr(void **state)
{
	static const struct {
		u8 mcr, msr;
	} rows[] = {
		{ 0x00, 0xb0 }, { 0x0f, 0xb0 }, /* outputs go nowhere without loop mode */
		{ 0x10, 0x0b }, { 0x11, 0x22 }, /* DTR is DSR */
		{ 0x12, 0x13 }, /* RTS is CTS */
		{ 0x14, 0x41 }, /* OUT1 is RI, and its beginning is no delta */
		{ 0x18, 0x8c }, /* OUT2 is DCD; RI's end is one */
		{ 0x1f, 0xf3 }, { 0x00, 0xb4 }, { 0x00, 0xb0 },
	};
	struct fixture *f = *state;

	wr(f, IER, 0x08);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 v;

		wr(f, MCR, rows[i].mcr);
		assert_int_equal(f->line.level, (rows[i].msr & 0x0f) != 0);
		v = rd(f, MSR);
		if (v != rows[i].msr)
			fail_msg("MCR %#x: MSR %#x", rows[i].mcr, v);
		assert_int_equal(rd(f, MSR), rows[i].msr & 0xf0);
		assert_false(f->line.level);
	}
}

static void loop_mode_turns_the_data_round_and_can_overrun(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	wr(f, MCR, 0x10);
	for (u8 n = 0; n < 16; n++)
		wr(f, THR, 'a' + n);
	assert_int_equal(rd(f, LSR), 0x61);
	wr(f, THR, 'z');
	assert_int_equal(rd(f, LSR), 0x63);
	for (u8 n = 0; n < 16; n++)
		assert_int_equal(rd(f, RBR), 'a' + n);
	assert_int_equal(rd(f, LSR), 0x60);
	assert_int_equal(f->transmits, 0);

	wr(f, FCR, 0x00);
	wr(f, THR, 'a');
	wr(f, THR, 'b');
	assert_int_equal(rd(f, LSR), 0x63);
	assert_int_equal(rd(f, RBR), 'b');
}

static void a_break_of_ours_stops_the_data_and_is_heard_in_loop_mode(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x02);
	assert_int_equal(rd(f, IIR), 0x02);
	wr(f, LCR, 0x43);
	wr(f, THR, 'a');
	assert_int_equal(rd(f, IIR), 0x02); /* the transmitter runs */
	expect_out(f, "");

	wr(f, FCR, 0x01);
	wr(f, MCR, 0x10);
	wr(f, THR, 'b');
	assert_int_equal(rd(f, LSR), 0xf1);
	assert_int_equal(rd(f, RBR), 0);
	assert_int_equal(rd(f, LSR), 0x60); /* one break, and not the byte */
	wr(f, LCR, 0x43);
	assert_int_equal(rd(f, LSR), 0x60);
	wr(f, LCR, 0x03);
	wr(f, LCR, 0x43);
	assert_int_equal(rd(f, LSR), 0xf1);
	wr(f, MCR, 0x00);
	wr(f, LCR, 0x03);
	wr(f, THR, 'c');
	expect_out(f, "c");
}

/* What autoconfig() and serial8250_do_startup() in Linux's 8250_port.c look at, in their order. */
static void linux_finds_a_16550a_without_bugs(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x0f);
	assert_int_equal(rd(f, IER) & 0x0f, 0x0f);
	wr(f, IER, 0);
	wr(f, MCR, 0x10 | 0x0a);
	assert_int_equal(rd(f, MSR) & 0xf0, 0x90);
	wr(f, MCR, 0);
	wr(f, LCR, 0xbf);
	wr(f, 2, 0);
	wr(f, LCR, 0);
	wr(f, FCR, 0x01);
	assert_int_equal(rd(f, IIR) >> 6, 3);
	wr(f, LCR, 0x80);
	assert_int_not_equal(rd(f, 2), 0); /* no EFR: not a 16650 */
	wr(f, LCR, 0xbf);
	assert_int_not_equal(rd(f, 2), 0);
	wr(f, LCR, 0);
	wr(f, FCR, 0x21);
	assert_int_equal(rd(f, IIR) & 0x20, 0); /* no 64-byte FIFO: not a 16750 */
	wr(f, IER, 0x40);
	assert_int_equal(rd(f, IER), 0); /* no UUE: not an XScale's */

	/* UART_BUG_THRE, UART_BUG_TXEN */
	for (int i = 0; i < 2; i++) {
		wr(f, IER, 0x02);
		assert_int_equal(rd(f, IIR) & 0x01, 0);
		wr(f, IER, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_register_table_is_well_formed),
		T(every_register_keeps_its_writable_bits_only),
		T(the_divisor_latch_hides_rbr_thr_and_ier_and_nothing_else),
		T(an_access_of_any_width_is_the_one_register_at_its_offset),
		T(a_written_byte_is_one_transmit_and_no_interrupt_call),
		T(what_the_host_refuses_waits_in_order_and_clears_thre),
		T(a_byte_does_not_overtake_one_that_waits),
		T(thre_interrupts_when_enabled_over_an_empty_thr),
		T(thre_interrupts_when_a_write_has_drained),
		T(thre_interrupts_at_once_when_the_fifos_go_on_or_off),
		T(a_read_of_iir_that_names_another_source_leaves_thre_pending),
		T(iir_names_the_highest_source_and_each_has_its_own_end),
		T(the_trigger_level_tells_data_from_a_time_out),
		T(fcr_bits_count_only_with_bit_0),
		T(clearing_the_transmit_fifo_drops_what_waits_and_raises_thre),
		T(loop_mode_shows_the_modem_outputs_in_msr),
		T(loop_mode_turns_the_data_round_and_can_overrun),
		T(a_break_of_ours_stops_the_data_and_is_heard_in_loop_mode),
		T(linux_finds_a_16550a_without_bugs),
	};

	return cmocka_run_group_tests_name("uart_8250", tests, NULL, NULL);
}
