/* SPDX-License-Identifier: MIT */
/* The states of one interrupt: IHI 0048B.b 3.2.4. */
#include "gicv2.h"

enum { VTIMER = 27, PRIORITY = 0x80 };

/* Once round by hand. The latch of GICD_ISPENDR is there for both kinds of trigger. */
static void once_round(const char *name, u32 id, bool edge)
{
	section(name);
	if (id >= 32)
		set_edge(id, edge);
	else if (cut("private.pend"))
		return;
	pend(id);
	look("pending_disabled", id, PENDING, NONE, IDLE, SPURIOUS);
	see("iar_disabled", gicc(GICC_IAR), SPURIOUS);
	enable(id);
	look("pending", id, PENDING, IRQ, IDLE, id);
	disable(id);
	look("disabled_again", id, PENDING, NONE, IDLE, SPURIOUS);
	enable(id);
	unpend(id);
	look("unpended", id, INACTIVE, NONE, IDLE, SPURIOUS);
	see("iar_unpended", gicc(GICC_IAR), SPURIOUS);
	pend(id);
	pend(id);
	see("iar", gicc(GICC_IAR), id);
	look("active", id, ACTIVE, NONE, PRIORITY, SPURIOUS);
	see("iar_active", gicc(GICC_IAR), SPURIOUS);
	pend(id);
	look("active_and_pending", id, BOTH, NONE, PRIORITY, SPURIOUS);
	disable(id);
	see("disabled_while_active.state", state(id), BOTH);
	enable(id);
	end(id);
	see("ended.state", state(id), PENDING);
	if (!edge && cut(id < 32 ? "ppi.ended.state" : "level.ended.state"))
		return;
	look("pending_again", id, PENDING, IRQ, IDLE, id);
	see("iar_again", gicc(GICC_IAR), id);
	pend(id);
	unpend(id);
	look("unpended_while_active", id, ACTIVE, NONE, PRIORITY, SPURIOUS);
	disable(id);
	end(id);
	look("ended_while_disabled", id, INACTIVE, NONE, IDLE, SPURIOUS);
}

/* GICC_CTLR, also while an interrupt is in service. */
static void cpu_enable(void)
{
	section("gicc_off");
	enable(SPI_A);
	set_gicc(GICC_CTLR, 0);
	pend(SPI_A);
	see("out", signalled(), NONE);
	see("iar", gicc(GICC_IAR), SPURIOUS);
	see("hppir", gicc(GICC_HPPIR), SPURIOUS);
	see("state", state(SPI_A), PENDING);
	set_gicc(GICC_CTLR, GRP0);
	look("on", SPI_A, PENDING, IRQ, IDLE, SPI_A);
	see("on.iar", gicc(GICC_IAR), SPI_A);
	set_gicc(GICC_CTLR, 0);
	see("off_active.state", state(SPI_A), ACTIVE);
	see("off_active.rpr", gicc(GICC_RPR), PRIORITY);
	set_gicc(GICC_CTLR, GRP0);
	end(SPI_A);
	look("ended", SPI_A, INACTIVE, NONE, IDLE, SPURIOUS);
}

/* GICD_CTLR: nothing is forwarded, and nothing is lost. */
static void distributor_enable(void)
{
	section("gicd_off");
	enable(SPI_A);
	pend(SPI_A);
	see("on.out", signalled(), IRQ);
	set_gicd(GICD_CTLR, 0);
	enable(SPI_B);
	pend(SPI_B);
	see("out", signalled(), NONE);
	see("iar", gicc(GICC_IAR), SPURIOUS);
	see("hppir", gicc(GICC_HPPIR), SPURIOUS);
	see("state_before", state(SPI_A), PENDING);
	see("state_meanwhile", state(SPI_B), PENDING);
	set_gicd(GICD_CTLR, GRP0);
	see("on_again.out", signalled(), IRQ);
}

/* A change of the trigger moves nothing that is latched. */
static void trigger_changes(void)
{
	section("trigger");
	enable(SPI_A);
	pend(SPI_A);
	disable(SPI_A);
	set_edge(SPI_A, false);
	enable(SPI_A);
	look("edge_to_level", SPI_A, PENDING, IRQ, IDLE, SPI_A);
	disable(SPI_A);
	set_edge(SPI_A, true);
	enable(SPI_A);
	look("level_to_edge", SPI_A, PENDING, IRQ, IDLE, SPI_A);
}

static void timer_line(bool high)
{
	msr(cntv_cval_el0, 0);
	msr(cntv_ctl_el0, high);
	isb();
}

/* Up to a second until the distributor says so. Return: what it says in the end */
static u32 line_settles(bool pending)
{
	u64 start = ticks();

	while (id_bit(GICD_ISPENDR, VTIMER) != pending && !passed_ms(start, 1000))
		;
	return state(VTIMER);
}

/* A wire that is really high: pending as long as it is, whatever is written or read. */
static void level_line(void)
{
	section("line");
	timer_line(true);
	see("high_disabled", line_settles(true), PENDING);
	see("high_disabled.out", signalled(), NONE);
	timer_line(false);
	see("low_disabled", line_settles(false), INACTIVE);
	enable(VTIMER);
	timer_line(true);
	(void)line_settles(true);
	look("high", VTIMER, PENDING, IRQ, IDLE, VTIMER);
	unpend(VTIMER);
	look("high_unpended", VTIMER, PENDING, IRQ, IDLE, VTIMER);
	timer_line(false);
	see("gone_before_iar", line_settles(false), INACTIVE);
	see("gone_before_iar.out", signalled(), NONE);
	see("gone_before_iar.iar", gicc(GICC_IAR), SPURIOUS);
	timer_line(true);
	(void)line_settles(true);
	see("iar", gicc(GICC_IAR), VTIMER);
	see("active_and_high", state(VTIMER), BOTH);
	see("active_and_high.out", signalled(), NONE);
	see("active_and_high.iar", gicc(GICC_IAR), SPURIOUS);
	end(VTIMER);
	see("ended_and_high", line_settles(true), PENDING);
	see("ended_and_high.out", signalled(), IRQ);
	see("iar_again", gicc(GICC_IAR), VTIMER);
	timer_line(false);
	see("active_and_low", line_settles(false), ACTIVE);
	end(VTIMER);
	look("ended_and_low", VTIMER, INACTIVE, NONE, IDLE, SPURIOUS);
}

/* GICD_ISPENDR of an interrupt with a wire: a latch beside it. */
static void level_latch(void)
{
	section("latch");
	enable(VTIMER);
	timer_line(true);
	(void)line_settles(true);
	pend(VTIMER);
	timer_line(false);
	see("outlives_line", line_settles(false), PENDING);
	unpend(VTIMER);
	see("unpended", state(VTIMER), INACTIVE);
	see("unpended.out", signalled(), NONE);
	see("unpended.iar", gicc(GICC_IAR), SPURIOUS);
	timer_line(true);
	see("line_still_works", line_settles(true), PENDING);
	see("line_still_works.iar", gicc(GICC_IAR), VTIMER);
	timer_line(false);
	(void)line_settles(false);
	end(VTIMER);
	see("end", state(VTIMER), INACTIVE);
}

/* A wait ends by an interrupt that is signalled, also where PSTATE masks it. */
static void wake_up(void)
{
	u64 start;
	u64 due;

	section("wfi");
	enable(VTIMER);
	start = ticks();
	due = start + ms_to_ticks(5);
	msr(cntv_cval_el0, due);
	msr(cntv_ctl_el0, 1);
	isb();
	while (signalled() == NONE && !passed_ms(start, 2000))
		wfi();
	see("woken_by_timer", signalled(), IRQ);
	see("not_early", ticks() >= due, 1);
	see("iar", gicc(GICC_IAR), VTIMER);
	timer_line(false);
	(void)line_settles(false);
	end(VTIMER);
	enable(SPI_A);
	pend(SPI_A);
	wfi();
	see("not_begun_when_pending", signalled(), IRQ);
}

/* The active state as software writes it. */
static void active_by_hand(void)
{
	section("active");
	enable(SPI_A);
	set_id_bit(GICD_ISACTIVER, SPI_A);
	look("set", SPI_A, ACTIVE, NONE, IDLE, SPURIOUS);
	pend(SPI_A);
	look("set_then_pended", SPI_A, BOTH, NONE, IDLE, SPURIOUS);
	see("set_then_pended.iar", gicc(GICC_IAR), SPURIOUS);
	set_id_bit(GICD_ICACTIVER, SPI_A);
	look("cleared", SPI_A, PENDING, IRQ, IDLE, SPI_A);
	set_id_bit(GICD_ISACTIVER, SPI_A);
	look("set_while_pending", SPI_A, BOTH, NONE, IDLE, SPURIOUS);
	set_id_bit(GICD_ICACTIVER, SPI_A);
	see("iar", gicc(GICC_IAR), SPI_A);
	set_id_bit(GICD_ICACTIVER, SPI_A);
	look("cleared_in_service", SPI_A, INACTIVE, NONE, PRIORITY, SPURIOUS);
	pend(SPI_A);
	look("pended_in_service", SPI_A, PENDING, NONE, PRIORITY, SPI_A);
	end(SPI_A);
	look("ended", SPI_A, PENDING, IRQ, IDLE, SPI_A);
}

/* SGIs to itself: one pending state for each source. */
static void own_sgis(void)
{
	section("sgi");
	send_sgi(3, 0, 1);
	look("sent", 3, PENDING, IRQ, IDLE, 3);
	see("sent.source", gicd(GICD_SPENDSGIR), 0x01000000);
	send_sgi(3, 2, 0);
	see("twice.source", gicd(GICD_SPENDSGIR), 0x01000000);
	see("iar", gicc(GICC_IAR), 3);
	look("active", 3, ACTIVE, NONE, PRIORITY, SPURIOUS);
	see("active.source", gicd(GICD_SPENDSGIR), 0);
	send_sgi(3, 2, 0);
	look("active_and_pending", 3, BOTH, NONE, PRIORITY, SPURIOUS);
	end(3);
	look("pending_again", 3, PENDING, IRQ, IDLE, 3);
	w8(g2.dist + GICD_CPENDSGIR + 3, 1);
	look("cleared", 3, INACTIVE, NONE, IDLE, SPURIOUS);
	w8(g2.dist + GICD_SPENDSGIR + 3, 1);
	look("set", 3, PENDING, IRQ, IDLE, 3);
	see("set.iar", gicc(GICC_IAR), 3);
	end(3);
	send_sgi(5, 2, 0xff);
	see("to_self", gicd(GICD_ISPENDR) & 0xffff, 1u << 5);
	see("to_self.iar", gicc(GICC_IAR), 5);
	end(5);
	send_sgi(6, 1, 0xff);
	see("to_others", gicd(GICD_ISPENDR) & 0xffff, 0);
	send_sgi(7, 0, 0);
	see("to_nobody", gicd(GICD_ISPENDR) & 0xffff, 0);
	if (g2.cpus < 8)
		send_sgi(8, 0, 0x80);
	see("to_no_cpu", gicd(GICD_ISPENDR) & 0xffff, 0);
	end(SPURIOUS);
	look("idle", 3, INACTIVE, NONE, IDLE, SPURIOUS);
}

void gicv2_flow(void)
{
	once_round("edge", SPI_A, true);
	once_round("level", SPI_B, false);
	once_round("ppi", PPI_A, false);
	cpu_enable();
	distributor_enable();
	trigger_changes();
	level_line();
	level_latch();
	wake_up();
	active_by_hand();
	own_sgis();
}
