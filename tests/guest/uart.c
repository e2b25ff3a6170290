/* SPDX-License-Identifier: MIT */
/*
 * The 16550A, by the book (National Semiconductor PC16550D, June 1995): registers of all
 * four ports; FIFOs, modem lines, interrupts and their priorities on the second port,
 * looped back; and its interrupt through the GIC.
 */
#include "guest.h"

#define IER_RX     0x01
#define IER_THRE   0x02
#define IER_LINE   0x04
#define IER_MODEM  0x08
#define IIR_NONE   0x01
#define IIR_MODEM  0x00
#define IIR_THRE   0x02
#define IIR_RX     0x04
#define IIR_LINE   0x06
#define IIR_TIMEUP 0x0c
#define MCR_DTR    0x01
#define MCR_RTS    0x02
#define MCR_OUT1   0x04
#define MCR_OUT2   0x08
#define MCR_LOOP   0x10
#define LCR_DLAB   0x80

static u64 port;
static volatile u32 interrupts;
static volatile u32 seen_iir;

static u8 get(u32 reg)
{
	return r8(port + reg);
}

static void put(u32 reg, u8 v)
{
	w8(port + reg, v);
}

static u8 iir(void)
{
	return get(UART_IIR) & 0x0f;
}

static void check_reset(u32 n)
{
	const struct uart_reset *r = &uart_reset[n];

	check(r->ier == 0, "UART %u: IER is 0 at reset", n);
	check(r->iir == 0x01, "UART %u: IIR says no interrupt, no FIFO at reset", n);
	check((r->lcr & LCR_DLAB) == 0, "UART %u: DLAB is clear at reset", n);
	check((r->mcr & ~(MCR_DTR | MCR_RTS | MCR_OUT2)) == 0, "UART %u: MCR loops nothing", n);
	check(r->lsr == 0x60, "UART %u: LSR says empty, no error at reset", n);
	check((r->msr & 0x0f) == 0, "UART %u: MSR has no changes at reset", n);
}

/* All ones, then zeroes: what sticks. @lcr must not stay, for it may be the console's. */
static void check_sticks(u32 n, u32 reg, const char *name, u8 mask, u8 lcr)
{
	u8 ones;
	u8 zeroes;

	put(UART_LCR, lcr);
	put(reg, 0xff);
	ones = get(reg);
	put(reg, 0x00);
	zeroes = get(reg);
	put(UART_LCR, 0x03);
	check(ones == mask && zeroes == 0, "UART %u: %s keeps the bits 0x%02x (0x%02x, 0x%02x)", n,
	      name, mask, ones, zeroes);
}

static void check_registers(u32 n)
{
	u8 lsr;
	u8 ier;
	u8 dll;
	u8 dlm;

	check_sticks(n, UART_SCR, "SCR", 0xff, 0x03);
	check_sticks(n, UART_LCR, "LCR", 0xff, 0x03);
	check(get(UART_LCR) == 0x03, "UART %u: LCR keeps 8N1", n);
	put(UART_FCR, 0x00);
	check_sticks(n, UART_IER, "IER", 0x0f, 0x03);
	check_sticks(n, UART_MCR, "MCR", 0x1f, 0x03);
	check_sticks(n, UART_DLL, "DLL", 0xff, 0x03 | LCR_DLAB);
	check_sticks(n, UART_DLM, "DLM", 0xff, 0x03 | LCR_DLAB);
	put(UART_LCR, 0x03 | LCR_DLAB);
	put(UART_DLL, 0x12);
	put(UART_DLM, 0x34);
	put(UART_LCR, 0x03);
	put(UART_IER, 0x05);
	ier = get(UART_IER);
	put(UART_IER, 0x00);
	put(UART_LCR, 0x03 | LCR_DLAB);
	dll = get(UART_DLL);
	dlm = get(UART_DLM);
	put(UART_LCR, 0x03);
	check(ier == 0x05 && dll == 0x12 && dlm == 0x34, "UART %u: the divisor is not RBR and IER",
	      n);
	lsr = get(UART_LSR);
	put(UART_LSR, 0x9f);
	check(get(UART_LSR) == lsr, "UART %u: LSR ignores writes", n);
	check((r32(port) & ~0xffu) == 0 && r32(port + 8) == 0 && r8(port + 0xfff) == 0,
	      "UART %u: wide reads and reads past the registers do no harm", n);
}

static void check_fifo_bits(u32 n)
{
	put(UART_FCR, 0x01);
	check((get(UART_IIR) & 0xc0) == 0xc0, "UART %u: FCR bit 0 shows in IIR", n);
	put(UART_FCR, 0x00);
	check((get(UART_IIR) & 0xc0) == 0, "UART %u: clearing it shows as well", n);
	put(UART_FCR, 0xc0);
	check((get(UART_IIR) & 0xc0) == 0, "UART %u: the trigger alone turns no FIFO on", n);
	put(UART_FCR, 0x00);
}

static void looped(u8 fcr)
{
	put(UART_IER, 0);
	put(UART_MCR, MCR_LOOP);
	put(UART_FCR, fcr | 0x06);
	(void)get(UART_LSR);
	(void)get(UART_RBR);
	(void)get(UART_MSR);
}

/* Sends by loopback, waiting for the transmitter as a driver does. */
static void send(u32 count, u8 first)
{
	for (u32 i = 0; i < count; i++) {
		u64 start = ticks();

		while (!(get(UART_LSR) & LSR_THRE) && !passed_ms(start, 100))
			;
		put(UART_THR, (u8)(first + i));
	}
}

static bool wait_lsr(u8 bits)
{
	u64 start = ticks();

	while ((get(UART_LSR) & bits) != bits && !passed_ms(start, 200))
		;
	return (get(UART_LSR) & bits) == bits;
}

/* Each look may take the interrupt away, so that the last one counts. */
static bool wait_iir(u8 id)
{
	u64 start = ticks();
	u8 now;

	do
		now = iir();
	while (now != id && !passed_ms(start, 200));
	return now == id;
}

static void check_loop_data(void)
{
	bool same = true;

	looped(0x00);
	check(!(get(UART_LSR) & LSR_DR), "looped back, the receiver is empty at first");
	for (u32 i = 0; i < 256; i += 17) {
		put(UART_THR, (u8)i);
		same &= wait_lsr(LSR_DR | LSR_THRE | LSR_TEMT);
		same &= get(UART_RBR) == i;
	}
	check(same, "looped back, what is sent is received");
	check(!(get(UART_LSR) & LSR_DR), "reading RBR clears LSR.DR");
	looped(0x01);
	send(16, 0x40);
	same = true;
	for (u32 i = 0; i < 16; i++)
		same &= wait_lsr(LSR_DR) && get(UART_RBR) == 0x40 + i;
	check(same && !(get(UART_LSR) & LSR_DR), "the FIFO gives 16 bytes back in order");
	check(!(get(UART_LSR) & LSR_OE), "without an overrun");
}

static void check_overrun(void)
{
	bool same = true;
	u8 lsr;

	looped(0x01);
	for (u32 i = 0; i < 17; i++) {
		send(1, (u8)(0x20 + i));
		delay_ms(1);
	}
	lsr = get(UART_LSR);
	check(lsr & LSR_OE, "the 17th byte in the FIFO sets LSR.OE");
	check(!(get(UART_LSR) & LSR_OE), "reading LSR clears it");
	for (u32 i = 0; i < 16; i++)
		same &= get(UART_RBR) == 0x20 + i;
	check(same, "the 16 bytes in the FIFO are kept");
	looped(0x00);
	put(UART_THR, 'a');
	(void)wait_lsr(LSR_DR);
	put(UART_THR, 'b');
	delay_ms(1);
	check(get(UART_LSR) & LSR_OE, "without a FIFO the second byte sets LSR.OE");
	check(get(UART_RBR) == 'b', "and replaces the first");
}

static void check_fifo_clear(void)
{
	looped(0x01);
	send(5, 'A');
	(void)wait_lsr(LSR_DR);
	put(UART_FCR, 0x03);
	check(!(get(UART_LSR) & LSR_DR), "FCR bit 1 empties the receiver");
	send(5, 'A');
	(void)wait_lsr(LSR_DR);
	put(UART_FCR, 0x01);
	check(get(UART_LSR) & LSR_DR, "FCR without it does not");
	put(UART_FCR, 0x05);
	check((get(UART_LSR) & (LSR_THRE | LSR_TEMT)) == (LSR_THRE | LSR_TEMT),
	      "FCR bit 2 empties the transmitter");
	put(UART_FCR, 0x00);
	check(!(get(UART_LSR) & LSR_DR), "turning the FIFOs off empties them");
}

static void check_trigger(u8 fcr, u32 level)
{
	u8 below;

	looped(fcr);
	put(UART_IER, IER_RX);
	send(level - 1, 'a');
	delay_ms(1);
	below = iir();
	check(below != IIR_RX, "%u bytes do not reach the trigger of %u", level - 1, level);
	if (level > 1)
		check(wait_iir(IIR_TIMEUP), "but time out (IIR 0x%02x)", get(UART_IIR));
	send(1, 'z');
	check(wait_iir(IIR_RX), "%u bytes do (IIR 0x%02x)", level, get(UART_IIR));
	(void)get(UART_RBR);
	check(iir() != IIR_RX, "reading one clears it");
	for (u32 i = 1; i < level; i++)
		(void)get(UART_RBR);
	check(iir() == IIR_NONE, "reading all leaves no interrupt");
}

static void check_modem(void)
{
	static const struct {
		u8 mcr;
		u8 msr;
		const char *name;
	} lines[] = {
		{ MCR_RTS, 0x10, "RTS is CTS" },
		{ MCR_DTR, 0x20, "DTR is DSR" },
		{ MCR_OUT1, 0x40, "OUT1 is RI" },
		{ MCR_OUT2, 0x80, "OUT2 is DCD" },
	};

	looped(0x00);
	for (u32 i = 0; i < ARRAY_SIZE(lines); i++) {
		u8 on;
		u8 off;

		put(UART_MCR, MCR_LOOP);
		(void)get(UART_MSR);
		put(UART_MCR, MCR_LOOP | lines[i].mcr);
		on = get(UART_MSR);
		check((on & 0xf0) == lines[i].msr, "looped back, %s", lines[i].name);
		/* TERI is for the trailing edge alone. */
		check((on & 0x0f) == (i == 2 ? 0 : 1u << i), "its rise shows as a change (0x%02x)",
		      on);
		check((get(UART_MSR) & 0x0f) == 0, "reading MSR clears the change");
		put(UART_MCR, MCR_LOOP);
		off = get(UART_MSR);
		check(off == 1u << i, "its fall shows as a change (0x%02x)", off);
	}
	put(UART_MCR, 0);
	(void)get(UART_MSR);
	check((get(UART_MSR) & 0x0f) == 0, "MSR is quiet without the loop");
	check((get(UART_MSR) & 0xb0) == 0xb0, "and CTS, DSR and DCD are on: somebody listens");
}

static void check_thre(void)
{
	looped(0x01);
	check(iir() == IIR_NONE, "no source is on: no interrupt");
	put(UART_IER, IER_THRE);
	check(iir() == IIR_THRE, "THRE interrupts as soon as it is let");
	check(iir() == IIR_NONE, "reading IIR clears it");
	put(UART_IER, 0);
	put(UART_IER, IER_THRE);
	check(iir() == IIR_THRE, "letting it again raises it again");
	put(UART_THR, 'x');
	check(wait_iir(IIR_THRE), "so does sending a byte");
	put(UART_IER, 0);
	check(iir() == IIR_NONE, "and not letting it clears it");
}

static void check_priorities(void)
{
	looped(0x00);
	put(UART_THR, 'p');
	(void)wait_lsr(LSR_DR | LSR_THRE);
	put(UART_THR, 'q');
	delay_ms(1);
	put(UART_MCR, MCR_LOOP | MCR_RTS);
	put(UART_IER, 0x0f);
	check(iir() == IIR_LINE, "first comes the line's state");
	check(iir() == IIR_LINE, "reading IIR does not clear that");
	check(get(UART_LSR) & LSR_OE, "which is an overrun");
	check(iir() == IIR_RX, "second, received data");
	(void)get(UART_RBR);
	check(iir() == IIR_THRE, "third, the empty transmitter");
	check(iir() == IIR_MODEM, "fourth, the modem lines");
	(void)get(UART_MSR);
	check(iir() == IIR_NONE, "and then nothing");
	put(UART_IER, 0);
}

/* Leaves the cause alone twice, to see that the line is a level. */
static void on_thre(u32 intid)
{
	if (++interrupts == 3)
		seen_iir = get(UART_IIR);
}

static void check_interrupt(const struct fdt_irq *irq)
{
	u64 start = ticks();

	check((irq->flags & 0xf) == 4, "the interrupt is level, active high");
	looped(0x00);
	gic_enable(irq, on_thre);
	put(UART_MCR, MCR_LOOP | MCR_OUT2);
	(void)get(UART_MSR);
	check(!gic_pending(irq->intid), "nothing is pending in the GIC");
	put(UART_IER, IER_THRE);
	check(gic_pending(irq->intid), "an interrupt of the UART is pending in the GIC");
	irq_on();
	while (interrupts < 3 && !passed_ms(start, 1000))
		;
	delay_ms(5);
	irq_off();
	check(interrupts == 3, "it is taken until its cause is gone (%u times)", interrupts);
	check((seen_iir & 0x0f) == IIR_THRE, "and IIR names the cause");
	check(!gic_pending(irq->intid), "then it is no longer pending");
	put(UART_IER, 0);
	put(UART_IER, IER_RX);
	send(1, 'i');
	(void)wait_lsr(LSR_DR);
	check(gic_pending(irq->intid), "received data make it pending");
	(void)get(UART_RBR);
	check(!gic_pending(irq->intid), "reading them retracts it");
	put(UART_IER, 0);
}

static bool find_port(u64 want, struct fdt_irq *irq)
{
	struct fdt_node n;
	u64 base;
	u64 size;

	for (u32 i = 0; fdt_find("ns16550a", i, &n); i++) {
		if (fdt_reg(&n, 0, &base, &size) && base == want)
			return fdt_irq(&n, 0, irq);
	}
	return false;
}

void guest_main(void)
{
	struct fdt_irq irq = { .intid = 0 };

	for (u32 n = 0; n < 4; n++)
		check_reset(n);
	/* The console is the first: its registers are looked at with its FIFO put back. */
	for (u32 n = 0; n < 4; n++) {
		port = UART0_BASE + n * 0x1000;
		check_registers(n);
		check_fifo_bits(n);
	}
	console_set_uart(UART0_BASE);
	port = UART0_BASE + 0x1000;
	if (!check(find_port(port, &irq), "the second UART has an interrupt") ||
	    !check(gic_init(), "there is a GIC"))
		tap_done();
	check_loop_data();
	check_overrun();
	check_fifo_clear();
	check_trigger(0x01, 1);
	check_trigger(0x41, 4);
	check_trigger(0x81, 8);
	check_trigger(0xc1, 14);
	check_modem();
	check_thre();
	check_priorities();
	check_interrupt(&irq);
	/* Nothing that was looped back may come out; the suite looks for this word. */
	looped(0x01);
	for (const char *s = "LOOPLEAK"; *s; s++)
		put(UART_THR, (u8)*s);
	port = UART0_BASE;
	put(UART_MCR, MCR_LOOP);
	for (const char *s = "LOOPLEAK"; *s; s++)
		put(UART_THR, (u8)*s);
	(void)wait_lsr(LSR_TEMT);
	put(UART_FCR, 0x07);
	put(UART_MCR, 0);
	tap_done();
}
