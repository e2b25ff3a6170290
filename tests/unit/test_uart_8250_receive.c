/* SPDX-License-Identifier: MIT */
#include "tests/unit/uart_8250_rig.h"

#include <pthread.h>
#include <sched.h>

static void the_receiver_takes_what_fits_and_asks_for_more_once_when_empty(void **state)
{
	static const u8 depths[] = { 1, 16 };
	struct fixture *f = *state;

	listen(f);
	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		wr(f, FCR, i ? 0x01 : 0x00);
		f->readies = 0;
		assert_int_equal(receive(f, 0, depths[i]), depths[i]);
		for (u8 n = 0; n < depths[i]; n++)
			assert_int_equal(rd(f, RBR), n);
		assert_int_equal(f->readies, 0); /* nothing was kept back */

		assert_int_equal(receive(f, 0, 20), depths[i]);
		assert_int_equal(receive(f, 20, 1), 0);
		assert_int_equal(rd(f, LSR), 0x61); /* and no overrun */
		for (u8 n = 0; n < depths[i]; n++) {
			assert_int_equal(f->readies, 0);
			assert_int_equal(rd(f, RBR), n);
		}
		assert_int_equal(f->readies, 1);
		assert_int_equal(rd(f, RBR), 0);
		assert_int_equal(f->readies, 1);

		assert_int_equal(receive(f, 0, 20), depths[i]);
		wr(f, FCR, i ? 0x03 : 0x01);
		assert_int_equal(f->readies, 2);
	}
}

static void breaks_belong_to_their_byte_in_the_fifo(void **state)
{
	struct fixture *f = *state;

	listen(f);
	wr(f, FCR, 0x01);
	wr(f, IER, 0x04);
	assert_int_equal(receive(f, 'a', 1), 1);
	uart_8250_break(f->u);
	uart_8250_break(f->u);
	assert_false(f->line.level);
	assert_int_equal(rd(f, LSR), 0xe1); /* in there, not at the top */
	assert_int_equal(rd(f, RBR), 'a');
	assert_true(f->line.level);
	assert_int_equal(rd(f, IIR), 0xc6);
	assert_int_equal(rd(f, LSR), 0xf1);
	assert_false(f->line.level);
	assert_int_equal(rd(f, LSR), 0xe1); /* seen; there is another */
	assert_int_equal(rd(f, RBR), 0);
	assert_int_equal(rd(f, LSR), 0xf1);
	assert_int_equal(rd(f, LSR), 0x61);
	assert_int_equal(rd(f, RBR), 0);
	assert_int_equal(rd(f, LSR), 0x60);

	/* Taken or cleared with its byte. */
	uart_8250_break(f->u);
	assert_int_equal(rd(f, RBR), 0);
	assert_int_equal(rd(f, LSR), 0x60);
	uart_8250_break(f->u);
	wr(f, FCR, 0x03);
	assert_int_equal(rd(f, LSR), 0x60);
}

static void without_a_fifo_a_break_stays_until_lsr_is_read(void **state)
{
	struct fixture *f = *state;

	uart_8250_break(f->u);
	assert_int_equal(rd(f, RBR), 0);
	assert_int_equal(rd(f, LSR), 0x70);
	assert_int_equal(rd(f, LSR), 0x60);
}

static void a_break_into_a_full_receiver_is_an_overrun(void **state)
{
	struct fixture *f = *state;

	listen(f);
	wr(f, IER, 0x04);
	assert_int_equal(receive(f, 'a', 1), 1);
	uart_8250_break(f->u);
	assert_int_equal(rd(f, IIR), 0x06);
	assert_int_equal(rd(f, LSR), 0x73);
	assert_int_equal(rd(f, RBR), 0); /* the byte was overwritten */

	wr(f, FCR, 0x01);
	assert_int_equal(receive(f, 'a', 16), 16);
	uart_8250_break(f->u);
	assert_int_equal(rd(f, LSR), 0x63);
	assert_int_equal(rd(f, LSR), 0x61);
	for (u8 n = 0; n < 16; n++)
		assert_int_equal(rd(f, RBR), 'a' + n);
	assert_int_equal(rd(f, LSR), 0x60);
}

static void the_line_waits_for_the_end_of_loop_mode(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, 0x12);
	assert_int_equal(receive(f, 'a', 2), 0);
	uart_8250_break(f->u);
	assert_int_equal(rd(f, LSR), 0x60);
	assert_int_equal(f->readies, 0);
	wr(f, MCR, 0x02);
	assert_int_equal(f->readies, 1);
}

/* One row per state: the accesses that lead to it, two at most, and whether the guest listens. */
static void bytes_wait_until_the_guest_raises_rts_or_takes_interrupts(void **state)
{
	static const struct {
		const char *name;
		bool listens;
		u32 nr;
		struct {
			u32 offset;
			u8 value;
		} wr[2];
	} rows[] = {
		{ "reset", false, 0, { { 0 } } },
		{ "FIFOs on", false, 1, { { FCR, 0x07 } } },
		{ "RTS", true, 1, { { MCR, 0x02 } } },
		{ "DTR, OUT1 and OUT2", false, 1, { { MCR, 0x0d } } },
		{ "RTS on and off", false, 2, { { MCR, 0x0b }, { MCR, 0x09 } } },
		{ "RTS in loop mode", false, 1, { { MCR, 0x12 } } },
		{ "receiver's interrupt", true, 1, { { IER, 0x01 } } },
		{ "the other interrupts", false, 1, { { IER, 0x0e } } },
		{ "interrupt on and off", false, 2, { { IER, 0x01 }, { IER, 0x00 } } },
		{ "interrupt, and MCR without RTS", false, 2, { { IER, 0x01 }, { MCR, 0x08 } } },
		{ "MCR without RTS, and interrupt", false, 2, { { MCR, 0x00 }, { IER, 0x01 } } },
		{ "divisor, not interrupt", false, 2, { { LCR, 0x80 }, { DLM, 0x01 } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture *f;

		setup(state);
		f = *state;
		for (u32 n = 0; n < rows[i].nr; n++)
			wr(f, rows[i].wr[n].offset, rows[i].wr[n].value);
		if (receive(f, 'a', 1) != rows[i].listens)
			fail_msg("%s", rows[i].name);
		teardown(state);
	}
}

static void look_at_lsr(struct fixture *f, u32 times)
{
	while (times--)
		(void)rd(f, LSR);
}

/* One row per write: whether it ends a poll for input that the guest has begun. */
static void a_guest_that_polls_lsr_listens_until_it_writes(void **state)
{
	static const struct {
		const char *name;
		u32 offset;
		u8 value;
		bool ends;
	} rows[] = {
		{ "SCR", SCR, 0x00, false },     { "IER", IER, 0x00, false },
		{ "LCR", LCR, 0x03, false },     { "MCR", MCR, 0x00, false },
		{ "FCR", FCR, 0x00, true },      { "THR", THR, 'x', true },
		{ "loop on", MCR, 0x10, true },  { "loop off", MCR, 0x00, true },
		{ "DLAB on", LCR, 0x80, false }, { "DLL", DLL, 0x01, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		look_at_lsr(f, 8);
		wr(f, rows[i].offset, rows[i].value);
		look_at_lsr(f, 7);
		/* In loop mode the line waits anyway. */
		if (receive(f, 'a', 1) == rows[i].ends && rows[i].value != 0x10)
			fail_msg("%s", rows[i].name);
		wr(f, FCR, i & 1 ? 0x00 : 0x01); /* a change of mode empties the receiver */
	}
}

static void eight_looks_at_an_empty_transmitter_are_a_poll(void **state)
{
	struct fixture *f = *state;

	f->takes = 0;
	wr(f, THR, 'x');
	look_at_lsr(f, 100);
	assert_int_equal(receive(f, 'a', 1), 0);
	f->takes = 1;
	uart_8250_writable(f->u);
	look_at_lsr(f, 7);
	assert_int_equal(receive(f, 'a', 1), 0);
	assert_int_equal(f->readies, 0);
	look_at_lsr(f, 1);
	assert_int_equal(f->readies, 1);
	look_at_lsr(f, 1000);
	assert_int_equal(f->readies, 1);
	assert_int_equal(receive(f, 'a', 1), 1);
	assert_int_equal(rd(f, LSR), 0x61);
	assert_int_equal(rd(f, RBR), 'a');
	assert_int_equal(receive(f, 'b', 1), 1);
}

static void a_guest_that_begins_to_listen_asks_once_for_what_was_refused(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x01);
	wr(f, IER, 0x00);
	assert_int_equal(f->readies, 0); /* nothing was offered */
	assert_int_equal(receive(f, 'a', 3), 0);
	assert_int_equal(f->readies, 0);
	wr(f, IER, 0x01);
	assert_int_equal(f->readies, 1);

	wr(f, MCR, 0x01);
	assert_int_equal(receive(f, 'a', 3), 0);
	wr(f, MCR, 0x03);
	assert_int_equal(f->readies, 2);
	wr(f, MCR, 0x01);
	wr(f, MCR, 0x03);
	assert_int_equal(f->readies, 2);
}

static void a_guest_that_clears_rts_keeps_what_it_has_and_gets_no_more(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	listen(f);
	wr(f, IER, 0x01);
	assert_int_equal(receive(f, 'a', 2), 2);
	wr(f, MCR, 0x00);
	assert_true(f->line.level);
	assert_int_equal(receive(f, 'c', 2), 0);
	assert_int_equal(rd(f, RBR), 'a');
	assert_int_equal(rd(f, RBR), 'b');
	assert_int_equal(rd(f, LSR), 0x60);
	assert_int_equal(f->readies, 0);
	listen(f);
	assert_int_equal(f->readies, 1);
	assert_int_equal(receive(f, 'c', 2), 2);
	assert_int_equal(rd(f, RBR), 'c');

	/* With something left, it has to be read first. */
	wr(f, MCR, 0x00);
	assert_int_equal(receive(f, 'e', 1), 0);
	listen(f);
	assert_int_equal(f->readies, 1);
	assert_int_equal(rd(f, RBR), 'd');
	assert_int_equal(f->readies, 2);
}

static void a_break_comes_to_a_guest_that_does_not_listen(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, 0x00);
	uart_8250_break(f->u);
	assert_int_equal(rd(f, LSR), 0x71);
}

/*
 * The accesses of Linux 6.12's 8250_port.c and serial_core.c to a console: its set-up,
 * a message, start-up for the first opener, the terminal's settings, and RTS.
 */
static void input_that_is_there_before_linux_is_read_by_it_whole(void **state)
{
	enum { READ = 0x100 };
	static const struct {
		u32 offset;
		u32 value; /* or READ */
	} steps[] = {
		{ MCR, 0x01 }, { IER, 0x00 }, { LCR, 0x93 }, { DLL, 0x01 }, { DLM, 0x00 },
		{ LCR, 0x13 }, { FCR, 0x01 }, { FCR, 0x81 }, { MCR, 0x01 }, { IER, READ },
		{ IER, 0x00 }, { LSR, READ }, { THR, 'L' },  { LSR, READ }, { THR, '\n' },
		{ LSR, READ }, { IER, 0x00 }, { FCR, 0x01 }, { FCR, 0x07 }, { FCR, 0x00 },
		{ LSR, READ }, { RBR, READ }, { IIR, READ }, { MSR, READ }, { LSR, READ },
		{ LCR, 0x03 }, { LSR, READ }, { IER, 0x02 }, { IIR, READ }, { IER, 0x00 },
		{ IER, 0x02 }, { IIR, READ }, { IER, 0x00 }, { MCR, 0x08 }, { IER, 0x02 },
		{ LSR, READ }, { IIR, READ }, { IER, 0x00 }, { LSR, READ }, { RBR, READ },
		{ IIR, READ }, { MSR, READ }, { IER, 0x05 }, { LCR, 0x93 }, { DLL, 0x0c },
		{ DLM, 0x00 }, { LCR, 0x13 }, { FCR, 0x01 }, { FCR, 0x81 }, { MCR, 0x08 },
	};
	struct fixture *f = *state;

	assert_int_equal(receive(f, 'a', 16), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].value == READ)
			(void)rd(f, steps[i].offset);
		else
			wr(f, steps[i].offset, (u8)steps[i].value);
		if (receive(f, 'a', 16) != 0)
			fail_msg("step %zu", i);
	}
	assert_int_equal(f->readies, 0);
	wr(f, MCR, 0x0b);
	assert_int_equal(f->readies, 1);
	assert_int_equal(receive(f, 'a', 16), 16);
	for (u8 n = 0; n < 16; n++)
		assert_int_equal(rd(f, RBR), 'a' + n);
}

/* Three threads: the line feeds and drains, a guest echoes, another looks at every register. */
enum { STREAM = 20000 };

struct stream {
	struct uart_8250 *u;
	struct fake_line line;
	u32 out; /* bytes that came back, under the UART's lock */
	u32 refused;
	u32 wrong;
};

static u8 stream_byte(u32 n)
{
	return (u8)(n * 7 + n / 256);
}

static size_t stream_transmit(void *ctx, const u8 *data, size_t len)
{
	struct stream *s = ctx;
	size_t n = ++s->refused % 3 ? len : len / 2;

	for (size_t i = 0; i < n; i++)
		s->wrong += data[i] != stream_byte(s->out++);
	return n;
}

static void stream_ready(void *ctx)
{
}

static void *stream_line(void *arg)
{
	struct stream *s = arg;
	u8 data[23];

	for (u32 done = 0; done < STREAM; sched_yield()) {
		u32 n = STREAM - done < sizeof(data) ? STREAM - done : (u32)sizeof(data);

		for (u32 i = 0; i < n; i++)
			data[i] = stream_byte(done + i);
		done += (u32)uart_8250_receive(s->u, data, n);
		uart_8250_writable(s->u);
	}
	return NULL;
}

static void *stream_echo(void *arg)
{
	struct stream *s = arg;

	for (u32 n = 0; n < STREAM;) {
		u64 lsr = uart_8250_bus_ops.read(s->u, LSR, 1);

		if (!(lsr & 0x20))
			uart_8250_writable(s->u);
		else if (lsr & 0x01)
			uart_8250_bus_ops.write(s->u, THR, 1, uart_8250_bus_ops.read(s->u, RBR, 1)),
				n++;
		else
			sched_yield();
	}
	return NULL;
}

static void *stream_look(void *arg)
{
	struct stream *s = arg;

	for (u32 i = 0; i < STREAM / 10; i++) {
		for (u32 offset = IER; offset <= SCR; offset++)
			(void)uart_8250_bus_ops.read(s->u, offset, 1);
		uart_8250_bus_ops.write(s->u, IER, 1, i & 0x0f);
		sched_yield();
	}
	return NULL;
}

static void nothing_is_lost_or_reordered_between_threads(void **state)
{
	static const struct uart_8250_ops ops = { stream_transmit, stream_ready };
	struct stream s = { 0 };
	const struct irq_line irq = { .set = fake_line_set, .ctx = &s.line, .intid = 32 };
	void *(*const run[])(void *) = { stream_line, stream_echo, stream_look };
	pthread_t t[ARRAY_SIZE(run)];

	assert_int_equal(uart_8250_create(&ops, &s, &irq, &s.u), 0);
	uart_8250_bus_ops.write(s.u, FCR, 1, 0x81);
	uart_8250_bus_ops.write(s.u, MCR, 1, 0x02);
	for (size_t i = 0; i < ARRAY_SIZE(run); i++)
		assert_int_equal(pthread_create(&t[i], NULL, run[i], &s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(run); i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	uart_8250_writable(s.u);
	uart_8250_writable(s.u);
	assert_int_equal(s.out, STREAM);
	assert_int_equal(s.wrong, 0);
	assert_int_equal(uart_8250_lost(s.u), 0);
	uart_8250_destroy(s.u);
	uart_8250_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_receiver_takes_what_fits_and_asks_for_more_once_when_empty),
		T(breaks_belong_to_their_byte_in_the_fifo),
		T(without_a_fifo_a_break_stays_until_lsr_is_read),
		T(a_break_into_a_full_receiver_is_an_overrun),
		T(the_line_waits_for_the_end_of_loop_mode),
		cmocka_unit_test(bytes_wait_until_the_guest_raises_rts_or_takes_interrupts),
		T(a_guest_that_polls_lsr_listens_until_it_writes),
		T(eight_looks_at_an_empty_transmitter_are_a_poll),
		T(a_guest_that_begins_to_listen_asks_once_for_what_was_refused),
		T(a_guest_that_clears_rts_keeps_what_it_has_and_gets_no_more),
		T(a_break_comes_to_a_guest_that_does_not_listen),
		T(input_that_is_there_before_linux_is_read_by_it_whole),
		cmocka_unit_test(nothing_is_lost_or_reordered_between_threads),
	};

	return cmocka_run_group_tests_name("uart_8250_receive", tests, NULL, NULL);
}
