/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_UART_8250_REGS_H
#define DEVICES_UART_8250_REGS_H

/* The bits of a 16550A's registers; sections are those of PC16550D, SNLS378B. */

/* 8.7 Interrupt Enable Register */
enum { IER_RX = 0x01, IER_THRE = 0x02, IER_LINE = 0x04, IER_MODEM = 0x08, IER_MASK = 0x0f };

/* 8.6 Interrupt Identification Register */
enum {
	IIR_MODEM = 0x00,
	IIR_NONE = 0x01,
	IIR_THRE = 0x02,
	IIR_RX = 0x04,
	IIR_LINE = 0x06,
	IIR_TIMEOUT = 0x0c,
	IIR_FIFO = 0xc0,
};

/* 8.5 FIFO Control Register; bit 3 chooses a DMA mode, and there are no DMA pins here */
enum { FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04, FCR_TRIGGER_SHIFT = 6 };

/* 8.1 Line Control Register; the word format is kept and has no effect: bytes are bytes */
enum { LCR_BREAK = 0x40, LCR_DLAB = 0x80 };

/* 8.8 Modem Control Register; bits 7:5 are permanently 0 */
enum {
	MCR_DTR = 0x01,
	MCR_RTS = 0x02,
	MCR_OUT1 = 0x04,
	MCR_OUT2 = 0x08,
	MCR_LOOP = 0x10,
	MCR_MASK = 0x1f,
};

/* 8.4 Line Status Register */
enum {
	LSR_DR = 0x01,
	LSR_OE = 0x02,
	LSR_BI = 0x10,
	LSR_THRE = 0x20,
	LSR_TEMT = 0x40,
	LSR_FIFO_ERROR = 0x80,
};

/* 8.9 Modem Status Register */
enum {
	MSR_TERI = 0x04,
	MSR_DELTA = 0x0f,
	MSR_CTS = 0x10,
	MSR_DSR = 0x20,
	MSR_RI = 0x40,
	MSR_DCD = 0x80,
};

#endif /* DEVICES_UART_8250_REGS_H */
