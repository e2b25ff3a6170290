/* SPDX-License-Identifier: MIT */
/* Interrupts that are really taken, also within each other. */
#include "exception.h"
#include "gicv2.h"

/*
 * What happened, a hexadecimal digit each: the interrupt's place in the test's row of
 * interrupts when it begins (1 to 6), that and 8 when it ends, 7 when there was none.
 */
static volatile u32 trace;
static volatile u32 fiqs;
static volatile u32 priorities; /* GICC_RPR at each beginning */

/* What the handler of each interrupt raises while it lets others in; 0: nothing. */
static volatile u32 raises[7];

static void note(u32 digit)
{
	trace = trace << 4 | digit;
}

/* Long enough for anything that is signalled to be taken. */
static void let_in(void)
{
	irq_on();
	(void)signalled();
	(void)signalled();
	irq_off();
}

static void take(void)
{
	u32 ack = gicc(GICC_IAR);
	u32 digit = ack - SPI_A + 1;

	if (ack >= 1020) {
		note(7);
		return;
	}
	note(digit);
	priorities = priorities << 8 | gicc(GICC_RPR);
	if (raises[digit])
		pend(raises[digit]);
	let_in();
	note(digit + 8);
	end(ack);
}

static void take_fiq(void)
{
	fiqs++;
	take();
}

static void start(const char *name, u32 b, u32 c)
{
	section(name);
	trace = 0;
	fiqs = 0;
	priorities = 0;
	for (u32 i = 0; i < ARRAY_SIZE(raises); i++)
		raises[i] = 0;
	set_priority(SPI_A, 0x80);
	set_priority(SPI_B, b);
	set_priority(SPI_C, c);
	for (u32 id = SPI_A; id <= SPI_D; id++)
		enable(id);
	raises[1] = SPI_B;
	raises[2] = SPI_C;
}

static void finish(u32 want, u32 want_priorities)
{
	pend(SPI_A);
	let_in();
	see("trace", trace, want);
	see("priorities", priorities, want_priorities);
	see("rpr", gicc(GICC_RPR), IDLE);
	see("out", signalled(), NONE);
}

static void by_fiq(void)
{
	start("nest.fiq", 0x40, 0x20);
	set_gicc(GICC_CTLR, GRP0 | FIQEN);
	raises[1] = 0;
	pend(SPI_A);
	see("out", signalled(), FIQ);
	let_in();
	see("not_as_irq", trace, 0);
	__asm__ volatile("msr daifclr, #1; isb" : : : "memory");
	(void)signalled();
	__asm__ volatile("msr daifset, #1; isb" : : : "memory");
	see("trace", trace, 0x19);
	see("fiqs", fiqs, 1);
}

void gicv2_nesting(void)
{
	exception_set_interrupts(take, take_fiq);
	start("nest.three", 0x40, 0x20);
	finish(0x123ba9, 0x804020);
	start("nest.equal", 0x80, 0x80);
	finish(0x192a3b, 0x808080);
	start("nest.lower", 0xa0, 0xc0);
	finish(0x192a3b, 0x80a0c0);
	start("nest.middle", 0x40, 0x60);
	finish(0x12a3b9, 0x804060);
	start("nest.bpr_7", 0x40, 0x20);
	set_gicc(GICC_BPR, 7);
	finish(0x192a3b, 0);
	start("nest.bpr_5", 0x40, 0x60);
	set_gicc(GICC_BPR, 5);
	finish(0x12a3b9, 0x804040);
	start("nest.itself", 0x40, 0x20);
	raises[1] = 0;
	pend(SPI_A);
	pend(SPI_A);
	let_in();
	see("trace", trace, 0x19);
	by_fiq();
	section_end();
	exception_set_interrupts(NULL, NULL);
}
