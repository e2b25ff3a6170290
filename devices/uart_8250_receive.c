/* SPDX-License-Identifier: MIT */
/* The receiver of a 16550A; section numbers are those of the PC16550D, SNLS378B. */
#include <string.h>

#include "devices/uart_8250_private.h"

void uart_8250_rx_clear(struct uart_8250 *u)
{
	u->rx.nr = 0;
	u->rx.nr_brk = 0;
}

static void rx_append(struct uart_8250 *u, u8 byte, bool brk) REQUIRES(u->lock)
{
	u32 at = (u->rx.head + u->rx.nr++) % FIFO_SIZE;

	u->rx.data[at] = byte;
	u->rx.brk[at] = brk;
	u->rx.nr_brk += brk;
}

void uart_8250_rx_char(struct uart_8250 *u, u8 byte, bool brk)
{
	if (u->rx.nr == uart_8250_depth(u)) {
		u->lsr_errors |= LSR_OE;
		/* 8.4: a full FIFO keeps what it has, a full RBR takes the new one. */
		if (u->fifo)
			return;
		uart_8250_rx_clear(u);
	}

	/* Without a FIFO nothing ties BI to the byte: it stays until LSR is read. */
	if (brk && !u->fifo)
		u->lsr_errors |= LSR_BI;
	rx_append(u, byte, brk && u->fifo);
}

u8 uart_8250_rx_take(struct uart_8250 *u)
{
	u32 at = u->rx.head % FIFO_SIZE;

	if (u->rx.nr == 0)
		return 0;
	u->rx.head++;
	u->rx.nr--;
	u->rx.nr_brk -= u->rx.brk[at];
	return u->rx.data[at];
}

/*
 * A terminal with a handshake sends while RTS is on, 8.8, and what it sends
 * before the guest is ready is lost: drivers empty the FIFO when they start.
 * Linux's lets interrupts come before it does that, and raises RTS after it.
 *
 * A guest that never wrote MCR knows of no handshake; then the interrupt must
 * do. And one that keeps looking whether a byte is there wants one.
 */
static bool listens(struct uart_8250 *u) REQUIRES(u->lock)
{
	bool asked = u->mcr_written ? u->mcr & MCR_RTS : u->ier & IER_RX;

	/* In loop mode SIN is disconnected, 8.8: the bytes can wait for its end. */
	return !uart_8250_looping(u) && (asked || u->polls == LISTEN_POLLS);
}

/*
 * Whether to ask the host for what it kept. Only an empty receiver asks: one
 * wake-up of the host for a FIFO full of bytes instead of one for each byte.
 */
bool uart_8250_take_starved(struct uart_8250 *u)
{
	if (!u->starved || u->rx.nr || !listens(u))
		return false;
	u->starved = false;
	return true;
}

/*
 * What the guest before the reset has not read goes back to the line, in front of
 * what else waits there. Not so a break, and what loop mode put into the FIFO: neither
 * is anybody's input.
 */
void uart_8250_rx_unread(struct uart_8250 *u)
{
	u8 data[FIFO_SIZE];
	u32 n = 0;

	for (; u->rx.nr; u->rx.nr--, u->rx.head++) {
		u32 at = u->rx.head % FIFO_SIZE;

		if (!u->rx.brk[at] && !uart_8250_looping(u))
			data[n++] = u->rx.data[at];
	}
	u->rx.nr_brk = 0;
	for (u32 i = 0; i < u->unread.nr && n < FIFO_SIZE; i++)
		data[n++] = u->unread.data[i];
	memcpy(u->unread.data, data, n);
	u->unread.nr = n;
}

void uart_8250_rx_refill(struct uart_8250 *u)
{
	u32 n = 0;

	while (n < u->unread.nr && u->rx.nr < uart_8250_depth(u) && listens(u))
		rx_append(u, u->unread.data[n++], false);
	u->unread.nr -= n;
	memmove(u->unread.data, &u->unread.data[n], u->unread.nr);
}

size_t uart_8250_receive(struct uart_8250 *u, const u8 *data, size_t len)
{
	size_t n = 0;

	mutex_lock(&u->lock);
	uart_8250_rx_refill(u);
	while (n < len && u->rx.nr < uart_8250_depth(u) && listens(u))
		rx_append(u, data[n++], false);
	if (n < len)
		u->starved = true;
	uart_8250_update_irq(u);
	mutex_unlock(&u->lock);
	return n;
}

void uart_8250_break(struct uart_8250 *u)
{
	mutex_lock(&u->lock);
	if (!uart_8250_looping(u))
		uart_8250_rx_char(u, 0, true);
	uart_8250_update_irq(u);
	mutex_unlock(&u->lock);
}
