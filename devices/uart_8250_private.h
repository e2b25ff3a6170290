/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_UART_8250_PRIVATE_H
#define DEVICES_UART_8250_PRIVATE_H

/* What uart_8250.c, the registers, and uart_8250_receive.c, the receiver, have in common. */

#include "devices/uart_8250.h"
#include "devices/uart_8250_regs.h"
#include "machine/base/lock.h"

enum { FIFO_SIZE = 16 };

/*
 * Reads of LSR, all with THRE set, that are a poll for input: one for output ends
 * at the first. Linux 6.12's start-up reads it five times in a row for other reasons.
 */
enum { LISTEN_POLLS = 8 };

struct uart_8250 {
	const struct uart_8250_ops *ops;
	void *ctx;
	struct irq_line irq;

	struct mutex lock; /* dev.lock in machine/base/lock.h */
	bool level GUARDED_BY(lock); /* what the line was last told */
	bool fifo GUARDED_BY(lock); /* FCR bit 0; off: each FIFO is one byte deep */
	bool thre_pending GUARDED_BY(lock); /* THRE interrupt, whether enabled or not */
	bool mcr_written GUARDED_BY(lock); /* the guest knows of RTS */
	bool starved GUARDED_BY(lock); /* uart_8250_receive() left bytes behind */
	u8 ier GUARDED_BY(lock);
	u8 trigger GUARDED_BY(lock); /* bytes */
	u8 lcr GUARDED_BY(lock);
	u8 mcr GUARDED_BY(lock);
	u8 msr GUARDED_BY(lock);
	u8 scr GUARDED_BY(lock);
	u8 dll GUARDED_BY(lock);
	u8 dlm GUARDED_BY(lock);
	u8 lsr_errors GUARDED_BY(lock); /* OE, and BI when it is not a FIFO entry's */
	u32 polls GUARDED_BY(lock); /* of LSR, see LISTEN_POLLS */
	u64 lost GUARDED_BY(lock); /* bytes */

	struct {
		u8 data[FIFO_SIZE];
		bool brk[FIFO_SIZE]; /* the entry's BI */
		u32 head; /* free running, the next to read */
		u32 nr;
		u32 nr_brk; /* entries with BI */
	} rx GUARDED_BY(lock);
	struct {
		u8 data[FIFO_SIZE]; /* the first is the next to send */
		u32 nr;
	} tx GUARDED_BY(lock);
	struct {
		u8 data[FIFO_SIZE]; /* came before a reset; goes to rx before anything else */
		u32 nr;
	} unread GUARDED_BY(lock);
};

static inline u32 uart_8250_depth(struct uart_8250 *u) REQUIRES(u->lock)
{
	return u->fifo ? FIFO_SIZE : 1;
}

static inline bool uart_8250_looping(struct uart_8250 *u) REQUIRES(u->lock)
{
	return u->mcr & MCR_LOOP;
}

/* uart_8250.c: after every change */
void uart_8250_update_irq(struct uart_8250 *u) REQUIRES(u->lock);

/* uart_8250_receive.c */
void uart_8250_rx_clear(struct uart_8250 *u) REQUIRES(u->lock);
void uart_8250_rx_unread(struct uart_8250 *u) REQUIRES(u->lock); /* at a reset: empties rx */
void uart_8250_rx_refill(struct uart_8250 *u) REQUIRES(u->lock); /* after every access */
/* One character on SIN that nobody could hold back. */
void uart_8250_rx_char(struct uart_8250 *u, u8 byte, bool brk) REQUIRES(u->lock);
/* The next character, or 0. */
u8 uart_8250_rx_take(struct uart_8250 *u) REQUIRES(u->lock);
/* After every access: whether to call receive_ready() once the lock is dropped. */
bool uart_8250_take_starved(struct uart_8250 *u) REQUIRES(u->lock);

#endif /* DEVICES_UART_8250_PRIVATE_H */
