/* SPDX-License-Identifier: MIT */
/* Every SPI there is, as many of them at once as nest, and one that has a device. */
#include "fdt.h"
#include "gicv2.h"

enum { MANY = 16 };

/* The RTC's alarm: PL031 (DDI 0224C). */
enum { RTCDR = 0x00, RTCMR = 0x04, RTCIMSC = 0x10, RTCRIS = 0x14, RTCICR = 0x1c };

static bool bit_works(u32 id, u32 set, u32 clear)
{
	bool before = id_bit(set, id);
	bool between;

	set_id_bit(set, id);
	between = id_bit(set, id) && id_bit(clear, id);
	set_id_bit(clear, id);
	return !before && between && !id_bit(set, id) && !id_bit(clear, id);
}

static bool is_edge(u32 id)
{
	return gicd(GICD_ICFGR + id / 16 * 4) >> (id % 16 * 2 + 1) & 1;
}

/* All that it has of its own, while the distributor is off. */
static bool registers_work(u32 id)
{
	bool ok = true;

	set_edge(id, true);
	ok &= is_edge(id);
	ok &= bit_works(id, GICD_ISENABLER, GICD_ICENABLER);
	ok &= bit_works(id, GICD_ISPENDR, GICD_ICPENDR);
	ok &= bit_works(id, GICD_ISACTIVER, GICD_ICACTIVER);
	set_group(id, 1);
	ok &= id_bit(GICD_IGROUPR, id);
	set_group(id, 0);
	ok &= !id_bit(GICD_IGROUPR, id);
	set_edge(id, false);
	ok &= !is_edge(id);
	set_edge(id, true);
	return ok;
}

static bool comes_and_goes(u32 id)
{
	bool ok = true;

	enable(id);
	pend(id);
	ok &= signalled() == IRQ;
	ok &= gicc(GICC_HPPIR) == id;
	ok &= gicc(GICC_IAR) == id;
	ok &= state(id) == ACTIVE;
	end(id);
	ok &= state(id) == INACTIVE;
	disable(id);
	return ok;
}

static u32 priority_of(u32 id)
{
	return id * 0x10 & 0xf0;
}

static void every_spi(void)
{
	u32 target = g2.cpus > 1 ? 1 : 0;
	u32 good = 0;

	section("each");
	set_gicd(GICD_CTLR, 0);
	for (u32 id = 32; id < g2.lines; id++) {
		set_priority(id, priority_of(id));
		set_targets(id, 1);
	}
	for (u32 id = 32; id < g2.lines; id++)
		good += registers_work(id);
	see("bits", good == g2.lines - 32, 1);
	good = 0;
	for (u32 id = 32; id < g2.lines; id++)
		good += r8(g2.dist + GICD_IPRIORITYR + id) == priority_of(id);
	see("priorities", good == g2.lines - 32, 1);
	good = 0;
	for (u32 id = 32; id < g2.lines; id++)
		good += r8(g2.dist + GICD_ITARGETSR + id) == target;
	if (!cut("itargetsr1.spi"))
		see("targets", good == g2.lines - 32, 1);
	set_gicd(GICD_CTLR, GRP0);
	good = 0;
	for (u32 id = 32; id < g2.lines; id++)
		good += comes_and_goes(id);
	see("delivered", good == g2.lines - 32, 1);
}

/* Interrupts in service, each of which preempted the one before; and the way back. */
static void deep(const char *name, const char *cut_at, u32 levels)
{
	u32 mask = (1u << levels) - 1;
	u32 taken = 0;
	u32 left = 0;

	section(name);
	set_gicd(GICD_ISENABLER + SPI_BANK * 4, mask);
	for (u32 i = 0; i < levels; i++) {
		u32 id = SPI_A + i;

		set_priority(id, 0xf0 - i * 0x10);
		pend(id);
		taken += gicc(GICC_IAR) == id && gicc(GICC_RPR) == 0xf0 - i * 0x10;
	}
	see("taken", taken, levels);
	if (cut(cut_at))
		return;
	see("active", gicd(GICD_ISACTIVER + SPI_BANK * 4), mask);
	see("priorities", active_priorities(), 0xff00 >> levels / 2 & 0xff);
	see("nothing_higher", gicc(GICC_IAR), SPURIOUS);
	for (u32 i = levels; i-- > 0;) {
		end(SPI_A + i);
		left += gicc(GICC_RPR) == (i ? 0xf0 - (i - 1) * 0x10 : IDLE);
	}
	see("left", left, levels);
	see("ended", gicd(GICD_ISACTIVER + SPI_BANK * 4), 0);
}

/* More pending at once than a host has list registers; each comes once, by priority. */
static void many(void)
{
	u32 in_order = 0;

	section("many");
	for (u32 i = 0; i < MANY; i++)
		set_priority(SPI_A + i, 0x10 + i * 0x08);
	set_gicd(GICD_ISENABLER + SPI_BANK * 4, 0xffff);
	set_gicd(GICD_ISPENDR + SPI_BANK * 4, 0xffff);
	see("pending", gicd(GICD_ISPENDR + SPI_BANK * 4), 0xffff);
	for (u32 i = 0; i < MANY; i++) {
		u32 ack;

		see("out", signalled(), IRQ);
		ack = gicc(GICC_IAR);
		in_order += ack == SPI_A + i;
		end(ack);
	}
	see("in_order", in_order, MANY);
	see("left", gicd(GICD_ISPENDR + SPI_BANK * 4), 0);
	see("active", gicd(GICD_ISACTIVER + SPI_BANK * 4), 0);
	see("idle", gicc(GICC_IAR), SPURIOUS);
}

/* The RTC's interrupt is raised once and for all: its mask is the switch of the wire. */
static bool open_wire(u64 *rtc, u32 *id)
{
	struct fdt_node n;
	struct fdt_irq irq;
	u64 size;
	u64 start = ticks();

	if (!fdt_find("arm,pl031", 0, &n) || !fdt_reg(&n, 0, rtc, &size) || !fdt_irq(&n, 0, &irq))
		return false;
	*id = irq.intid;
	w32(*rtc + RTCIMSC, 0);
	w32(*rtc + RTCMR, r32(*rtc + RTCDR) + 2);
	while (!r32(*rtc + RTCRIS) && !passed_ms(start, 5000))
		delay_ms(1);
	return r32(*rtc + RTCRIS);
}

static void wire_ready(const char *name, u32 id, bool edge)
{
	section(name);
	disable(id);
	set_edge(id, edge);
	unpend(id);
	set_priority(id, 0x80);
	set_targets(id, 1);
	enable(id);
}

static void wire_of_level(u64 wire, u32 id)
{
	wire_ready("wire.level", id, false);
	look("low", id, INACTIVE, NONE, IDLE, SPURIOUS);
	w32(wire, 1);
	look("high", id, PENDING, IRQ, IDLE, id);
	unpend(id);
	look("unpended", id, PENDING, IRQ, IDLE, id);
	w32(wire, 0);
	look("low_again", id, INACTIVE, NONE, IDLE, SPURIOUS);
	see("low_again.iar", gicc(GICC_IAR), SPURIOUS);
	w32(wire, 1);
	see("iar", gicc(GICC_IAR), id);
	look("active_and_high", id, BOTH, NONE, 0x80, SPURIOUS);
	end(id);
	look("ended_and_high", id, PENDING, IRQ, IDLE, id);
	see("iar_again", gicc(GICC_IAR), id);
	w32(wire, 0);
	look("active_and_low", id, ACTIVE, NONE, 0x80, SPURIOUS);
	end(id);
	look("ended_and_low", id, INACTIVE, NONE, IDLE, SPURIOUS);
	pend(id);
	w32(wire, 1);
	w32(wire, 0);
	look("latch_outlives_wire", id, PENDING, IRQ, IDLE, id);
	see("latch.iar", gicc(GICC_IAR), id);
	end(id);
	look("latch_gone", id, INACTIVE, NONE, IDLE, SPURIOUS);
	/* The wire rises while the interrupt is off, and is still high when it is on again. */
	disable(id);
	w32(wire, 1);
	look("high_disabled", id, PENDING, NONE, IDLE, SPURIOUS);
	enable(id);
	look("high_enabled", id, PENDING, IRQ, IDLE, id);
	w32(wire, 0);
}

static void wire_of_edge(u64 wire, u32 id)
{
	wire_ready("wire.edge", id, true);
	look("low", id, INACTIVE, NONE, IDLE, SPURIOUS);
	w32(wire, 1);
	look("risen", id, PENDING, IRQ, IDLE, id);
	w32(wire, 0);
	look("fallen", id, PENDING, IRQ, IDLE, id);
	see("iar", gicc(GICC_IAR), id);
	look("active", id, ACTIVE, NONE, 0x80, SPURIOUS);
	w32(wire, 1);
	look("risen_in_service", id, BOTH, NONE, 0x80, SPURIOUS);
	end(id);
	see("iar_again", gicc(GICC_IAR), id);
	look("high_is_no_edge", id, ACTIVE, NONE, 0x80, SPURIOUS);
	end(id);
	look("ended_and_high", id, INACTIVE, NONE, IDLE, SPURIOUS);
	w32(wire, 0);
	w32(wire, 1);
	see("next", state(id), PENDING);
	unpend(id);
	look("unpended_and_high", id, INACTIVE, NONE, IDLE, SPURIOUS);
	w32(wire, 0);
	/* An edge that comes while the interrupt is off is kept. */
	disable(id);
	w32(wire, 1);
	w32(wire, 0);
	look("risen_disabled", id, PENDING, NONE, IDLE, SPURIOUS);
	enable(id);
	see("risen_disabled.iar", gicc(GICC_IAR), id);
	end(id);
}

static void wire_changes_trigger(u64 wire, u32 id)
{
	wire_ready("wire.trigger", id, false);
	w32(wire, 1);
	see("level", state(id), PENDING);
	disable(id);
	set_edge(id, true);
	unpend(id);
	see("edge_and_high", state(id), INACTIVE);
	set_edge(id, false);
	enable(id);
	look("level_again", id, PENDING, IRQ, IDLE, id);
	w32(wire, 0);
	look("low", id, INACTIVE, NONE, IDLE, SPURIOUS);
	disable(id);
	set_edge(id, true);
}

void gicv2_spis(void)
{
	u64 rtc;
	u32 id;

	every_spi();
	deep("deep.four", "deep.four.taken", 4);
	deep("deep.sixteen", "deep.sixteen.taken", 16);
	many();
	if (open_wire(&rtc, &id)) {
		g2.wired = id;
		wire_of_level(rtc + RTCIMSC, id);
		wire_of_edge(rtc + RTCIMSC, id);
		wire_changes_trigger(rtc + RTCIMSC, id);
		w32(rtc + RTCICR, 1);
		g2.wired = 0;
	}
}
