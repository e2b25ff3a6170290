/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_UART_8250_H
#define DEVICES_UART_8250_H

#include "devices/bus.h"
#include "devices/irq_line.h"
#include "machine/base/types.h"

struct mmio_table;

/*
 * A 16550A: eight byte-wide registers, two 16-byte FIFOs.
 *
 * An access of any width is an access to the one register at its offset: a read
 * answers the byte, zero-extended, a write uses the low byte and drops the
 * rest. "ns16550a" without reg-io-width is driven with bytes, but kvmtool takes
 * words like this, and guests that were built for it may count on it.
 *
 * Modem inputs are those of a terminal that is there: DCD, DSR and CTS.
 */
struct uart_8250;

enum { UART_8250_SIZE = 0x1000 }; /* bytes of address space; what is past the registers is RAZ/WI */

/* Where the transmitter's bytes go. */
struct uart_8250_ops {
	/*
	 * With the UART's lock held, any thread. Return: how many bytes were
	 * taken; when fewer than @len, uart_8250_writable() follows later. Until
	 * then up to 16 bytes (1 with the FIFOs off) wait, and THRE is clear.
	 */
	size_t (*transmit)(void *ctx, const u8 *data, size_t len);
	/*
	 * Once, after uart_8250_receive() took less than it was offered, when
	 * the guest listens and has emptied the receiver. Lock not held, any
	 * thread.
	 */
	void (*receive_ready)(void *ctx);
};

/**
 * uart_8250_create - one port
 * @ops: kept; both functions filled in
 * @ctx: handed to @ops
 * @irq: level, active high; copied
 * @out: owned by the caller, released with uart_8250_destroy()
 *
 * A byte that the guest writes while THRE is clear and the FIFO is full is
 * lost, as in the hardware; uart_8250_lost() counts them.
 *
 * Return: 0, or -ENOMEM with @out untouched.
 */
must_check int uart_8250_create(const struct uart_8250_ops *ops, void *ctx,
                                const struct irq_line *irq, struct uart_8250 **out);
void uart_8250_destroy(struct uart_8250 *u); /* NULL is fine */

/**
 * uart_8250_receive - bytes from the line; any thread
 *
 * Takes what fits and no more, so that a slow guest loses nothing: an overrun
 * can come of loop mode and of breaks only. And takes nothing before the guest
 * listens, so that its driver, which empties the receiver as it starts, empties
 * it of nothing. Outside of loop mode a guest listens
 *
 * - while MCR.RTS is set, as to a terminal with RTS/CTS handshake;
 * - if it has not written MCR yet, while IER enables the receiver's interrupt;
 * - from the eighth read of LSR that showed THRE, which is not how one waits for
 *   the transmitter, until it writes THR or FCR, or turns loop mode on or off.
 *
 * What the receiver has when the guest ceases to listen stays there.
 *
 * Return: how many bytes were taken; when fewer than @len, ops->receive_ready()
 * says when to offer the rest.
 */
size_t uart_8250_receive(struct uart_8250 *u, const u8 *data, size_t len);

/* The line was held low for longer than a character, listened to or not. Any thread. */
void uart_8250_break(struct uart_8250 *u);

/* transmit() would take bytes again; without waiting bytes it does nothing. Any thread. */
void uart_8250_writable(struct uart_8250 *u);

/**
 * uart_8250_reset - the machine starts again
 * @dev: a struct uart_8250; no vCPU accesses it meanwhile
 *
 * Registers as after uart_8250_create(), the line low. What the guest wrote
 * before is still sent: as long as the host does not take it the reset is not
 * done, and uart_8250_writable() is owed as ever. What was typed and the guest
 * has not read stays for the next boot, in order, as on a terminal whose keys
 * wait for the machine, so a script on standard input can go on behind a
 * "reboot". A break that was not seen is gone.
 *
 * Never blocks. Return: false: not done, call again after a turn of the loop.
 */
must_check bool uart_8250_reset(void *dev);

/* Bytes that the guest wrote and nobody will see. Any thread. */
u64 uart_8250_lost(struct uart_8250 *u);

extern const struct bus_ops uart_8250_bus_ops;
extern const struct mmio_table uart_8250_table; /* for unit tests */

#endif /* DEVICES_UART_8250_H */
