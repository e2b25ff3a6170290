/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_UART_8250_RIG_H
#define TESTS_UNIT_UART_8250_RIG_H

#include "tests/unit/test.h"

#include <string.h>

#include "devices/uart_8250.h"
#include "machine/base/compiler.h"

/* Registers and bits by number, not from the device's own header: a wrong one there must show. */
enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, THR = RBR, FCR = IIR, DLL = RBR, DLM = IER };

/* A line that takes as much as it is told to, and a wire. */
struct fixture {
	u8 out[64];
	size_t nr_out;
	size_t takes; /* bytes the line still takes */
	unsigned int transmits;
	unsigned int readies;
	unsigned int line_sets;
	struct fake_line line;
	struct uart_8250 *u;
};

static inline size_t fixture_transmit(void *ctx, const u8 *data, size_t len)
{
	struct fixture *f = ctx;
	size_t n = len < f->takes ? len : f->takes;

	assert_true(len > 0 && f->nr_out + n <= sizeof(f->out));
	f->transmits++;
	memcpy(&f->out[f->nr_out], data, n);
	f->nr_out += n;
	f->takes -= n;
	return n;
}

static inline void fixture_receive_ready(void *ctx)
{
	((struct fixture *)ctx)->readies++;
}

static inline void fixture_line_set(void *ctx, u32 intid, bool level)
{
	struct fixture *f = ctx;

	assert_int_equal(intid, 32);
	f->line_sets++;
	fake_line_set(&f->line, intid, level);
}

static const struct uart_8250_ops host_ops = {
	.transmit = fixture_transmit,
	.receive_ready = fixture_receive_ready,
};

static inline int setup(void **state)
{
	static struct fixture f;
	const struct irq_line irq = { .set = fixture_line_set, .ctx = &f, .intid = 32 };

	f = (struct fixture){ .takes = ~0ull };
	*state = &f;
	return uart_8250_create(&host_ops, &f, &irq, &f.u);
}

static inline int teardown(void **state)
{
	uart_8250_destroy(((struct fixture *)*state)->u);
	return 0;
}

static inline u8 rd(struct fixture *f, u32 offset)
{
	u64 v = uart_8250_bus_ops.read(f->u, offset, 1);

	assert_true(v <= 0xff);
	return (u8)v;
}

static inline void wr(struct fixture *f, u32 offset, u8 value)
{
	uart_8250_bus_ops.write(f->u, offset, 1, value);
}

/* What a terminal with a handshake waits for: RTS. */
static inline void listen(struct fixture *f)
{
	wr(f, MCR, 0x02);
}

/* Offer @n bytes that count up from @from. Return: how many were taken. */
static inline size_t receive(struct fixture *f, u8 from, size_t n)
{
	u8 data[32];

	for (size_t i = 0; i < n; i++)
		data[i] = (u8)(from + i);
	return uart_8250_receive(f->u, data, n);
}

static inline void expect_out(struct fixture *f, const char *want)
{
	assert_int_equal(f->nr_out, strlen(want));
	assert_memory_equal(f->out, want, f->nr_out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* TESTS_UNIT_UART_8250_RIG_H */
