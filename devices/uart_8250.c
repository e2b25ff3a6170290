/* SPDX-License-Identifier: MIT */
/*
 * 16550A: National PC16550D (SNLS378B), the chip that "ns16550a" names; TI's
 * TL16C550C (SLLS177) says the same of all that is modelled here. Section
 * numbers are the PC16550D's.
 *
 * The line has no speed: a byte leaves the moment it is written as long as the
 * host takes it, and a character time is no time at all. So the receiver is
 * idle as soon as the host has handed over what it had, and what is left below
 * the trigger level is a character time-out at once.
 *
 * INTR is not gated by MCR.OUT2. The gate is on a PC's board, not in the chip
 * (8.8: OUT2 is a pin for the user), and a device tree cannot say that there is
 * one. Linux raises OUT2 in 8250_port.c for every port that has an interrupt,
 * so it does not care; guests that know the data sheet only do not raise it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/mmio.h"
#include "devices/uart_8250.h"
#include "devices/uart_8250_private.h"
#include "devices/uart_8250_regs.h"
#include "machine/base/compiler.h"
#include "machine/base/lock.h"

/* The source that IIR names, by priority: 8.6, table IV. */
static u8 interrupt_id(struct uart_8250 *u) REQUIRES(u->lock)
{
	u8 ier = u->ier;

	if ((ier & IER_LINE) && (u->lsr_errors || (u->rx.nr && u->rx.brk[u->rx.head % FIFO_SIZE])))
		return IIR_LINE;
	if ((ier & IER_RX) && u->rx.nr)
		return u->fifo && u->rx.nr < u->trigger ? IIR_TIMEOUT : IIR_RX;
	if ((ier & IER_THRE) && u->thre_pending)
		return IIR_THRE;
	if ((ier & IER_MODEM) && (u->msr & MSR_DELTA))
		return IIR_MODEM;
	return IIR_NONE;
}

/* Telling the line is a system call, and most accesses change nothing. */
void uart_8250_update_irq(struct uart_8250 *u)
{
	bool level = interrupt_id(u) != IIR_NONE;

	if (level == u->level)
		return;
	u->level = level;
	irq_line_set(&u->irq, level);
}

static void tx_clear(struct uart_8250 *u) REQUIRES(u->lock)
{
	if (u->tx.nr)
		u->thre_pending = true;
	u->tx.nr = 0;
}

/* A byte that the host does not take waits; THRE is clear as long as one does. */
static void tx_line(struct uart_8250 *u, u8 byte) REQUIRES(u->lock)
{
	if (u->tx.nr == 0 && u->ops->transmit(u->ctx, &byte, 1) == 1)
		return;
	if (u->tx.nr < uart_8250_depth(u))
		u->tx.data[u->tx.nr++] = byte;
	else
		u->lost++;
}

static u32 rbr_read(void *dev, u32 offset)
{
	struct uart_8250 *u = dev;

	mutex_assert_held(&u->lock);
	return u->lcr & LCR_DLAB ? u->dll : uart_8250_rx_take(u);
}

static void thr_write(void *dev, u32 offset, u32 value)
{
	struct uart_8250 *u = dev;

	mutex_assert_held(&u->lock);
	if (u->lcr & LCR_DLAB) {
		u->dll = (u8)value;
		return;
	}

	u->polls = 0;

	/*
	 * 8.1: break overrides SOUT and leaves the transmitter running, so that
	 * pad characters can time it; 8.8: in loop mode SOUT is not driven.
	 */
	if (!(u->lcr & LCR_BREAK)) {
		if (uart_8250_looping(u))
			uart_8250_rx_char(u, (u8)value, false);
		else
			tx_line(u, (u8)value);
	}

	/* 8.6: the write ends the interrupt, and an empty transmitter raises the next. */
	u->thre_pending = u->tx.nr == 0;
}

static u32 ier_read(void *dev, u32 offset)
{
	struct uart_8250 *u = dev;

	return u->lcr & LCR_DLAB ? u->dlm : u->ier;
}

static void ier_write(void *dev, u32 offset, u32 value)
{
	struct uart_8250 *u = dev;

	if (u->lcr & LCR_DLAB) {
		u->dlm = (u8)value;
		return;
	}

	/* Enabling it over an empty THR raises it again; 8250_port.c tests chips for that. */
	if (value & ~(u32)u->ier & IER_THRE)
		u->thre_pending = u->tx.nr == 0;
	u->ier = value & IER_MASK;
}

static u32 iir_read(void *dev, u32 offset)
{
	struct uart_8250 *u = dev;
	u8 id;

	mutex_assert_held(&u->lock);
	id = interrupt_id(u);
	if (id == IIR_THRE)
		u->thre_pending = false;
	return u->fifo ? id | IIR_FIFO : id;
}

static void fcr_write(void *dev, u32 offset, u32 value)
{
	static const u8 triggers[] = { 1, 4, 8, 14 };
	struct uart_8250 *u = dev;
	bool fifo = value & FCR_ENABLE;
	bool toggled = fifo != u->fifo;

	mutex_assert_held(&u->lock);

	/* 8.5: a change of mode empties both; the other bits count only with bit 0 set. */
	u->fifo = fifo;
	if (toggled || (fifo && (value & FCR_CLEAR_RX)))
		uart_8250_rx_clear(u);
	if (toggled || (fifo && (value & FCR_CLEAR_TX)))
		tx_clear(u);
	if (toggled)
		u->thre_pending = true; /* 8.11: the first one after a change is immediate */
	if (fifo)
		u->trigger = triggers[value >> FCR_TRIGGER_SHIFT];
	u->polls = 0;
}

/* In loop mode the receiver sees our own break, once, however long it lasts. */
static void control_changed(struct uart_8250 *u, u8 lcr, u8 mcr) REQUIRES(u->lock)
{
	bool was = uart_8250_looping(u) && (u->lcr & LCR_BREAK);

	if ((u->mcr ^ mcr) & MCR_LOOP)
		u->polls = 0;

	u->lcr = lcr;
	u->mcr = mcr;
	if (!was && uart_8250_looping(u) && (lcr & LCR_BREAK))
		uart_8250_rx_char(u, 0, true);
}

static u32 lcr_read(void *dev, u32 offset)
{
	struct uart_8250 *u = dev;

	return u->lcr;
}

static void lcr_write(void *dev, u32 offset, u32 value)
{
	struct uart_8250 *u = dev;

	mutex_assert_held(&u->lock);
	control_changed(u, (u8)value, u->mcr);
}

static u32 mcr_read(void *dev, u32 offset)
{
	struct uart_8250 *u = dev;

	return u->mcr;
}

/* MSR bits 7:4: in loop mode our own outputs, 8.8; else a terminal that is there and ready. */
static u8 modem_inputs(u32 mcr)
{
	u32 v = MSR_DCD | MSR_DSR | MSR_CTS;

	if (mcr & MCR_LOOP)
		v = (mcr & MCR_RTS ? MSR_CTS : 0u) | (mcr & MCR_DTR ? MSR_DSR : 0u) |
		    (mcr & MCR_OUT1 ? MSR_RI : 0u) | (mcr & MCR_OUT2 ? MSR_DCD : 0u);
	return (u8)v;
}

static void mcr_write(void *dev, u32 offset, u32 value)
{
	struct uart_8250 *u = dev;
	u8 inputs = modem_inputs(value);
	u8 changed, delta;

	mutex_assert_held(&u->lock);
	changed = (u->msr ^ inputs) & (u8)~MSR_DELTA;
	delta = changed >> 4;
	/* 8.9: the ring indicator tells of its end only. */
	if (inputs & MSR_RI)
		delta &= (u8)~MSR_TERI;
	u->msr = (u->msr & MSR_DELTA) | inputs | delta;
	u->mcr_written = true;

	control_changed(u, u->lcr, (u8)value);
}

static u32 lsr_read(void *dev, u32 offset)
{
	struct uart_8250 *u = dev;
	u32 head = u->rx.head % FIFO_SIZE;
	u32 v = u->lsr_errors;

	if (u->rx.nr)
		v |= LSR_DR;
	if (u->tx.nr == 0) {
		v |= LSR_THRE | LSR_TEMT;
		if (u->polls < LISTEN_POLLS)
			u->polls++;
	}
	if (u->rx.nr_brk)
		v |= LSR_FIFO_ERROR;
	if (u->rx.nr && u->rx.brk[head]) {
		v |= LSR_BI;
		u->rx.brk[head] = false;
		u->rx.nr_brk--;
	}
	u->lsr_errors = 0;
	return v;
}

static u32 msr_read(void *dev, u32 offset)
{
	struct uart_8250 *u = dev;
	u8 v = u->msr;

	u->msr &= (u8)~MSR_DELTA;
	return v;
}

static u32 scr_read(void *dev, u32 offset)
{
	struct uart_8250 *u = dev;

	return u->scr;
}

static void scr_write(void *dev, u32 offset, u32 value)
{
	struct uart_8250 *u = dev;

	u->scr = (u8)value;
}

/* Table II. The masks of the rows with DLAB are the divisor's; LSR is not for writing, 8.4. */
/* clang-format off */
static const struct mmio_reg regs[] = {
	{ "RBR/THR/DLL", 0, 1, MMIO_W8, 0xff,     rbr_read, thr_write },
	{ "IER/DLM",     1, 1, MMIO_W8, 0xff,     ier_read, ier_write },
	{ "IIR/FCR",     2, 1, MMIO_W8, 0xff,     iir_read, fcr_write },
	{ "LCR",         3, 1, MMIO_W8, 0xff,     lcr_read, lcr_write },
	{ "MCR",         4, 1, MMIO_W8, MCR_MASK, mcr_read, mcr_write },
	{ "LSR",         5, 1, MMIO_W8, 0,        lsr_read, NULL },
	{ "MSR",         6, 1, MMIO_W8, 0,        msr_read, NULL },
	{ "SCR",         7, 1, MMIO_W8, 0xff,     scr_read, scr_write },
};
/* clang-format on */

const struct mmio_table uart_8250_table = { regs, ARRAY_SIZE(regs) };

/*
 * Table I, Reset Configuration. It leaves the divisor and the scratch register
 * alone; they become what they were at first too, so that no boot differs from
 * another.
 */
static void master_reset(struct uart_8250 *u) REQUIRES(u->lock)
{
	u->ier = u->lcr = u->mcr = u->scr = u->dlm = 0;
	u->dll = 12; /* 9600 baud from 1.8432 MHz; not 0, a guest may divide by what it reads */
	u->fifo = false;
	u->trigger = 1;
	u->msr = modem_inputs(0);
	u->lsr_errors = 0;
	u->thre_pending = false;
	u->mcr_written = false;
	u->polls = 0;
}

int uart_8250_create(const struct uart_8250_ops *ops, void *ctx, const struct irq_line *irq,
                     struct uart_8250 **out)
{
	struct uart_8250 *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;

	u->ops = ops;
	u->ctx = ctx;
	u->irq = *irq;
	mutex_init(&u->lock);
	mutex_lock(&u->lock);
	master_reset(u);
	mutex_unlock(&u->lock);
	*out = u;
	return 0;
}

void uart_8250_destroy(struct uart_8250 *u)
{
	if (!u)
		return;
	mutex_done(&u->lock);
	free(u);
}

void uart_8250_writable(struct uart_8250 *u)
{
	size_t n;

	mutex_lock(&u->lock);
	if (u->tx.nr) {
		n = u->ops->transmit(u->ctx, u->tx.data, u->tx.nr);
		assert(n <= u->tx.nr);
		u->tx.nr -= (u32)n;
		memmove(u->tx.data, &u->tx.data[n], u->tx.nr);
		if (u->tx.nr == 0)
			u->thre_pending = true;
	}
	uart_8250_update_irq(u);
	mutex_unlock(&u->lock);
}

bool uart_8250_reset(void *dev)
{
	struct uart_8250 *u = dev;
	bool done;

	mutex_lock(&u->lock);
	uart_8250_rx_unread(u);
	master_reset(u);
	done = u->tx.nr == 0;
	uart_8250_update_irq(u);
	mutex_unlock(&u->lock);
	return done;
}

u64 uart_8250_lost(struct uart_8250 *u)
{
	u64 lost;

	mutex_lock(&u->lock);
	lost = u->lost;
	mutex_unlock(&u->lock);
	return lost;
}

/* A register is a byte; a wider access is one of its register's byte, see the header. */
static u64 uart_read(void *dev, u32 offset, u32 width)
{
	struct uart_8250 *u = dev;
	bool ready;
	u64 v;

	mutex_lock(&u->lock);
	v = mmio_read(&uart_8250_table, u, offset, MMIO_W8);
	uart_8250_rx_refill(u);
	uart_8250_update_irq(u);
	ready = uart_8250_take_starved(u);
	mutex_unlock(&u->lock);

	if (ready)
		u->ops->receive_ready(u->ctx);
	return v;
}

static void uart_write(void *dev, u32 offset, u32 width, u64 value)
{
	struct uart_8250 *u = dev;
	bool ready;

	mutex_lock(&u->lock);
	mmio_write(&uart_8250_table, u, offset, MMIO_W8, value);
	uart_8250_rx_refill(u);
	uart_8250_update_irq(u);
	ready = uart_8250_take_starved(u);
	mutex_unlock(&u->lock);

	if (ready)
		u->ops->receive_ready(u->ctx);
}

const struct bus_ops uart_8250_bus_ops = { .read = uart_read, .write = uart_write };
