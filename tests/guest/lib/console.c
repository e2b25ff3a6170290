/* SPDX-License-Identifier: MIT */
#include "console.h"
#include "io.h"
#include "str.h"

struct out {
	char buf[512];
	size_t len;
};

#define PL011_DR      0x00
#define PL011_FR      0x18
#define PL011_FR_TXFF 0x20
#define PL011_CR      0x30
#define PL011_CR_ON   0x301 /* UARTEN, TXE, RXE */

static void uart_write(const char *s, size_t len);

static u64 uart = UART0_BASE;
static u64 pl011; /* 0: this machine's console is an 8250 */
static console_write_fn writer = uart_write;

/* Sixteen bytes fit whenever the transmitter says it is empty. */
static void uart_write(const char *s, size_t len)
{
	while (len) {
		size_t n = MIN(len, 16);

		while (!(r8(uart + UART_LSR) & LSR_THRE))
			;
		for (size_t i = 0; i < n; i++)
			w8(uart + UART_THR, (u8)s[i]);
		s += n;
		len -= n;
	}
}

void console_set_uart(u64 base)
{
	uart = base;
	w8(uart + UART_FCR, 0x01);
	writer = uart_write;
}

static void pl011_write(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		while (r32(pl011 + PL011_FR) & PL011_FR_TXFF)
			;
		w32(pl011 + PL011_DR, (u8)s[i]);
	}
}

void console_set_pl011(u64 base)
{
	pl011 = base;
	w32(pl011 + PL011_CR, PL011_CR_ON);
	writer = pl011_write;
}

void console_set_writer(console_write_fn fn)
{
	writer = fn;
}

void console_reset(void)
{
	if (pl011) {
		console_set_pl011(pl011);
		return;
	}
	w8(UART0_BASE + UART_LCR, 0x03);
	w8(UART0_BASE + UART_MCR, 0x00);
	console_set_uart(UART0_BASE);
}

void console_write(const char *s, size_t len)
{
	writer(s, len);
}

static void put(struct out *o, char c)
{
	if (o->len < sizeof(o->buf))
		o->buf[o->len++] = c;
}

static void pad(struct out *o, size_t have, size_t width, char c)
{
	for (; have < width; have++)
		put(o, c);
}

static void put_field(struct out *o, const char *s, size_t width, bool left, char fill)
{
	size_t n = strlen(s);

	if (!left)
		pad(o, n, width, fill);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	if (left)
		pad(o, n, width, ' ');
}

static const char *number(char *end, u64 v, u32 base, bool negative)
{
	*--end = '\0';
	do {
		*--end = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (negative)
		*--end = '-';
	return end;
}

void vprint(const char *fmt, va_list ap)
{
	struct out o = { .len = 0 };
	char tmp[24];

	for (; *fmt; fmt++) {
		const char *s = tmp;
		size_t width = 0;
		bool left = false;
		char fill = ' ';
		int longs = 0;
		u64 v;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		for (fmt++; *fmt == '-' || *fmt == '0'; fmt++) {
			left |= *fmt == '-';
			fill = *fmt == '0' ? '0' : fill;
		}
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (size_t)(*fmt - '0');
		for (; *fmt == 'l'; fmt++)
			longs++;
		switch (*fmt) {
		case 's':
			s = va_arg(ap, const char *);
			break;
		case 'c':
			tmp[0] = (char)va_arg(ap, int);
			tmp[1] = '\0';
			break;
		case 'd': {
			s64 d = longs ? va_arg(ap, s64) : va_arg(ap, s32);

			s = number(tmp + sizeof(tmp), d < 0 ? -(u64)d : (u64)d, 10, d < 0);
			break;
		}
		case 'u':
		case 'x':
			v = longs ? va_arg(ap, u64) : va_arg(ap, u32);
			s = number(tmp + sizeof(tmp), v, *fmt == 'x' ? 16 : 10, false);
			break;
		default:
			tmp[0] = *fmt;
			tmp[1] = '\0';
			break;
		}
		put_field(&o, s, width, left, fill);
	}
	console_write(o.buf, o.len);
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
}
