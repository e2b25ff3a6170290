/* SPDX-License-Identifier: MIT */
/* Interrupt grouping: IHI 0048B.b 3.4, 3.5 and the aliased registers of 4.4. */
#include "gicv2.h"

/* SPI_A is of group 1, SPI_B of group 0. */
static void start(const char *name, u32 ctlr)
{
	section(name);
	set_gicd(GICD_CTLR, GRP0 | GRP1);
	set_gicc(GICC_CTLR, ctlr);
	set_group(SPI_A, 1);
	enable(SPI_A);
	enable(SPI_B);
}

static void group_enables(void)
{
	start("grp.enables", GRP0 | GRP1);
	pend(SPI_A);
	see("both", signalled(), IRQ);
	set_gicc(GICC_CTLR, GRP0);
	see("gicc_grp0_only", signalled(), NONE);
	set_gicc(GICC_CTLR, GRP1);
	see("gicc_grp1_only", signalled(), IRQ);
	set_gicc(GICC_CTLR, GRP0 | GRP1);
	set_group(SPI_A, 0);
	see("moved_to_grp0.hppir", gicc(GICC_HPPIR), SPI_A);
	set_gicc(GICC_CTLR, GRP1);
	see("moved_to_grp0.gicc_grp1_only", signalled(), NONE);
}

/* The same of the distributor. */
static void distributor_enables(void)
{
	start("grp.gicd", GRP0 | GRP1);
	if (cut("igroupr.gicd_ctlr_1"))
		return;
	set_gicd(GICD_CTLR, GRP1);
	pend(SPI_A);
	see("grp1_only", signalled(), IRQ);
	set_gicd(GICD_CTLR, GRP0);
	see("grp0_only", signalled(), NONE);
	set_gicd(GICD_CTLR, GRP0 | GRP1);
	see("both", signalled(), IRQ);
	set_gicd(GICD_CTLR, GRP1);
	set_group(SPI_A, 0);
	see("moved_to_grp0", signalled(), NONE);
	set_gicd(GICD_CTLR, GRP0 | GRP1);
	see("moved_to_grp0.both", signalled(), IRQ);
	see("moved_to_grp0.hppir", gicc(GICC_HPPIR), SPI_A);
}

/* Who sees an interrupt of group 1 in which register: 4.4.4, 4.4.7, 4.4.9, 4.4.11. */
static void aliases(void)
{
	start("grp.aliases", GRP0 | GRP1);
	pend(SPI_A);
	see("g1.hppir", gicc(GICC_HPPIR), GROUP1);
	see("g1.iar", gicc(GICC_IAR), GROUP1);
	see("g1.iar.state", state(SPI_A), PENDING);
	see("g1.ahppir", gicc(GICC_AHPPIR), SPI_A);
	see("g1.aiar", gicc(GICC_AIAR), SPI_A);
	if (cut("grp.aliases.g1.aiar"))
		return;
	see("g1.aiar.state", state(SPI_A), ACTIVE);
	see("g1.aiar.rpr", gicc(GICC_RPR), 0x80);
	see("g1.aiar.again", gicc(GICC_AIAR), SPURIOUS);
	set_gicc(GICC_AEOIR, SPI_A);
	see("g1.aeoir.state", state(SPI_A), INACTIVE);
	see("g1.aeoir.rpr", gicc(GICC_RPR), IDLE);
}

static void alias_of_group0(void)
{
	start("grp.alias0", GRP0 | GRP1);
	pend(SPI_B);
	see("ahppir", gicc(GICC_AHPPIR), SPURIOUS);
	see("aiar", gicc(GICC_AIAR), SPURIOUS);
	see("aiar.state", state(SPI_B), PENDING);
	see("hppir", gicc(GICC_HPPIR), SPI_B);
	see("iar", gicc(GICC_IAR), SPI_B);
	end(SPI_B);
}

static void ack_control(void)
{
	start("grp.ackctl", GRP0 | GRP1 | ACKCTL);
	pend(SPI_A);
	see("hppir", gicc(GICC_HPPIR), SPI_A);
	see("iar", gicc(GICC_IAR), SPI_A);
	see("iar.state", state(SPI_A), ACTIVE);
	see("rpr", gicc(GICC_RPR), 0x80);
	end(SPI_A);
	see("eoir.state", state(SPI_A), INACTIVE);
	see("eoir.rpr", gicc(GICC_RPR), IDLE);
	pend(SPI_B);
	see("g0.iar", gicc(GICC_IAR), SPI_B);
	end(SPI_B);
	pend(SPI_A);
	set_gicc(GICC_CTLR, GRP0 | ACKCTL);
	see("g1_off.hppir", gicc(GICC_HPPIR), SPURIOUS);
	see("g1_off.iar", gicc(GICC_IAR), SPURIOUS);
}

/* The higher priority is first, whatever its group. */
static void mixed(void)
{
	start("grp.mixed", GRP0 | GRP1 | ACKCTL | FIQEN);
	set_priority(SPI_A, 0x80);
	set_priority(SPI_B, 0x40);
	pend(SPI_A);
	see("g1", signalled(), IRQ);
	pend(SPI_B);
	see("both", signalled(), FIQ);
	see("both.hppir", gicc(GICC_HPPIR), SPI_B);
	see("both.iar", gicc(GICC_IAR), SPI_B);
	see("g0_active", signalled(), NONE);
	end(SPI_B);
	see("g0_ended", signalled(), IRQ);
	set_priority(SPI_A, 0x20);
	pend(SPI_B);
	see("g1_first", signalled(), IRQ);
	see("g1_first.iar", gicc(GICC_IAR), SPI_A);
	see("g1_active", signalled(), NONE);
	set_priority(SPI_B, 0x00);
	see("g0_preempts_g1", signalled(), FIQ);
	see("g0_preempts_g1.iar", gicc(GICC_IAR), SPI_B);
	see("two.rpr", gicc(GICC_RPR), 0);
	end(SPI_B);
	see("one.rpr", gicc(GICC_RPR), 0x20);
	end(SPI_A);
	see("idle.rpr", gicc(GICC_RPR), IDLE);
	set_gicc(GICC_CTLR, GRP0 | GRP1 | ACKCTL);
	pend(SPI_B);
	see("g0_as_irq", signalled(), IRQ);
	set_gicc(GICC_CTLR, GRP0 | GRP1 | ACKCTL | FIQEN);
	see("g0_as_fiq", signalled(), FIQ);
}

/* Group 1 running at 0x80, group 1 pending at 0x40. */
static void binary_points(void)
{
	start("grp.cbpr", GRP0 | GRP1 | ACKCTL);
	set_group(SPI_B, 1);
	set_priority(SPI_B, 0x40);
	set_gicc(GICC_BPR, 7);
	set_gicc(GICC_ABPR, 4);
	pend(SPI_A);
	see("iar", gicc(GICC_IAR), SPI_A);
	see("rpr", gicc(GICC_RPR), 0x80);
	pend(SPI_B);
	see("abpr_counts", signalled(), IRQ);
	unpend(SPI_B);
	end(SPI_A);
	set_gicc(GICC_CTLR, GRP0 | GRP1 | ACKCTL | CBPR);
	pend(SPI_A);
	see("common.iar", gicc(GICC_IAR), SPI_A);
	pend(SPI_B);
	see("bpr_counts", signalled(), NONE);
	unpend(SPI_B);
	end(SPI_A);
	/* One more than GICC_BPR's: ABPR n compares what BPR n - 1 does. */
	set_gicc(GICC_CTLR, GRP0 | GRP1 | ACKCTL);
	set_gicc(GICC_ABPR, 7);
	set_priority(SPI_B, 0x78);
	pend(SPI_A);
	see("abpr_7.iar", gicc(GICC_IAR), SPI_A);
	pend(SPI_B);
	see("abpr_7.preempts", signalled(), IRQ);
	unpend(SPI_B);
	end(SPI_A);
	set_priority(SPI_A, 0x70);
	set_priority(SPI_B, 0x10);
	pend(SPI_A);
	see("abpr_7.iar_low", gicc(GICC_IAR), SPI_A);
	pend(SPI_B);
	see("abpr_7.does_not", signalled(), NONE);
	unpend(SPI_B);
	end(SPI_A);
}

/*
 * Group 0 running at 0x90, group 1 pending at 0x88, whose binary point does not tell 0x90
 * from 0x80. Its group priority, 0x80, is higher than the running priority (3.3.1), but not
 * than what the same binary point makes of that: there are GICs of both kinds.
 */
static void mixed_points(void)
{
	start("grp.points", GRP0 | GRP1 | ACKCTL);
	set_gicc(GICC_BPR, 3);
	set_gicc(GICC_ABPR, 6);
	set_priority(SPI_B, 0x90);
	set_priority(SPI_A, 0x88);
	pend(SPI_B);
	see("iar", gicc(GICC_IAR), SPI_B);
	see("rpr", gicc(GICC_RPR), 0x90);
	pend(SPI_A);
	impl("preempts", signalled());
	set_priority(SPI_A, 0x78);
	see("higher_group", signalled(), IRQ);
	set_priority(SPI_A, 0xa0);
	see("lower_group", signalled(), NONE);
	end(SPI_B);
	see("ended", signalled(), IRQ);
}

static void active_of_group1(void)
{
	start("grp.apr", GRP0 | GRP1 | ACKCTL);
	pend(SPI_A);
	see("iar", gicc(GICC_IAR), SPI_A);
	see("apr", active_priorities(), 1u << 4);
	see("nsapr0", gicc(GICC_NSAPR), 0);
	end(SPI_A);
	see("ended", active_priorities(), 0);
}

static void split_end(void)
{
	start("grp.eoimode", GRP0 | GRP1 | ACKCTL | EOIMODE);
	pend(SPI_A);
	see("iar", gicc(GICC_IAR), SPI_A);
	end(SPI_A);
	see("dropped.state", state(SPI_A), ACTIVE);
	see("dropped.rpr", gicc(GICC_RPR), IDLE);
	set_gicc(GICC_DIR, SPI_A);
	see("deactivated", state(SPI_A), INACTIVE);
}

/* An SGI of group 1: 1022 hides the source as well. */
static void sgis(void)
{
	start("grp.sgi", GRP0 | GRP1);
	set_group(2, 1);
	send_sgi(2, 2, 0);
	see("sent", signalled(), IRQ);
	see("iar", gicc(GICC_IAR), GROUP1);
	set_gicc(GICC_CTLR, GRP0 | GRP1 | ACKCTL);
	see("iar_ackctl", gicc(GICC_IAR), 2);
	end(2);
	see("ended", state(2), INACTIVE);
}

void gicv2_groups(void)
{
	group_enables();
	distributor_enables();
	aliases();
	alias_of_group0();
	ack_control();
	mixed();
	binary_points();
	mixed_points();
	active_of_group1();
	split_end();
	sgis();
}
