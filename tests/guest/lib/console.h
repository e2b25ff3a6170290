/* SPDX-License-Identifier: MIT */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include <stdarg.h>

#include "types.h"

/* UART0 of the map, used until the device tree says where the console is. */
#define UART0_BASE 0x01000000ull

/* 8250 registers, by offset. */
enum {
	UART_RBR = 0,
	UART_THR = 0,
	UART_DLL = 0,
	UART_IER = 1,
	UART_DLM = 1,
	UART_IIR = 2,
	UART_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_MSR = 6,
	UART_SCR = 7,
};

#define LSR_DR   0x01
#define LSR_OE   0x02
#define LSR_BI   0x10
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

typedef void (*console_write_fn)(const char *s, size_t len);

/** console_set_uart - print on the 8250 at @base from now on */
void console_set_uart(u64 base);

/** console_set_pl011 - print on the PL011 at @base from now on, after a reset as well */
void console_set_pl011(u64 base);

/** console_set_writer - print through @fn from now on */
void console_set_writer(console_write_fn fn);

/** console_reset - print on UART0 (or the PL011) again, whatever state it or a writer is in */
void console_reset(void);

/** console_write - @len bytes to the console, newlines as they are */
void console_write(const char *s, size_t len);

/**
 * print - printf to the console
 * @fmt: %s %c %d %u %x with width, '0' and '-', and the lengths l and ll; up to 512
 *       characters a call, the rest is cut
 */
void print(const char *fmt, ...) printf_like(1, 2);
void vprint(const char *fmt, va_list ap) printf_like(1, 0);

#endif
