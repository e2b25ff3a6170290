/* SPDX-License-Identifier: MIT */
/* Priorities, masks, preemption, priority drop: IHI 0048B.b 3.3, 3.2.1 and 4.4. */
#include "gicv2.h"

static void ready(u32 id, u32 priority)
{
	set_priority(id, priority);
	enable(id);
	pend(id);
}

static void order(void)
{
	u32 first;
	u32 second;

	section("order");
	ready(SPI_A, 0x60);
	ready(SPI_C, 0x40);
	ready(SPI_B, 0x60);
	look("best_first", SPI_C, PENDING, IRQ, IDLE, SPI_C);
	see("iar", gicc(GICC_IAR), SPI_C);
	see("others_wait", signalled(), NONE);
	see("others_wait.rpr", gicc(GICC_RPR), 0x40);
	see("others_wait.iar", gicc(GICC_IAR), SPURIOUS);
	end(SPI_C);
	first = gicc(GICC_IAR);
	end(first);
	second = gicc(GICC_IAR);
	end(second);
	see("equal.both", first + second, SPI_A + SPI_B);
	impl("equal.first", first);
	see("idle", signalled(), NONE);
	ready(SPI_A, 0x60);
	ready(SPI_B, 0x80);
	see("before_change", gicc(GICC_HPPIR), SPI_A);
	set_priority(SPI_B, 0x40);
	see("after_change", gicc(GICC_HPPIR), SPI_B);
	see("after_change.iar", gicc(GICC_IAR), SPI_B);
	/* The running priority is what the interrupt had when it was acknowledged. */
	set_priority(SPI_B, 0xa0);
	see("changed_in_service", gicc(GICC_RPR), 0x40);
	see("changed_in_service.out", signalled(), NONE);
	end(SPI_B);
	see("ended.iar", gicc(GICC_IAR), SPI_A);
	end(SPI_A);
}

static void mask(void)
{
	section("pmr");
	ready(SPI_A, 0x40);
	set_gicc(GICC_PMR, 0x40);
	see("equal", signalled(), NONE);
	see("equal.hppir", gicc(GICC_HPPIR), SPI_A);
	see("equal.iar", gicc(GICC_IAR), SPURIOUS);
	set_gicc(GICC_PMR, 0x48);
	see("one_less", signalled(), IRQ);
	set_gicc(GICC_PMR, 0x38);
	see("one_more", signalled(), NONE);
	set_gicc(GICC_PMR, 0);
	see("all_masked", signalled(), NONE);
	set_priority(SPI_A, 0);
	see("highest_masked", signalled(), NONE);
	set_gicc(GICC_PMR, 8);
	see("highest", signalled(), IRQ);
	see("highest.iar", gicc(GICC_IAR), SPI_A);
	see("highest.rpr", gicc(GICC_RPR), 0);
	set_gicc(GICC_PMR, 0);
	see("masked_in_service.rpr", gicc(GICC_RPR), 0);
	end(SPI_A);
	see("ended.rpr", gicc(GICC_RPR), IDLE);
	set_gicc(GICC_PMR, 0xff);
	ready(SPI_A, 0xff);
	see("lowest_never", signalled(), NONE);
	see("lowest_never.iar", gicc(GICC_IAR), SPURIOUS);
	set_priority(SPI_A, 0xf0);
	see("second_lowest", signalled(), IRQ);
	set_gicc(GICC_PMR, 0xf0);
	see("second_lowest_masked", signalled(), NONE);
}

/* Running 0x80; what of another priority preempts it, by GICC_BPR. */
static void binary_point(void)
{
	static const struct {
		const char *name;
		u32 bpr;
		u32 rpr;
		u8 priority[4];
		u8 want[4];
	} rows[] = {
		{ "bpr_3", 3, 0x90, { 0x80, 0x88, 0x90, 0x98 }, { IRQ, IRQ, NONE, NONE } },
		{ "bpr_4", 4, 0x80, { 0x60, 0x78, 0x80, 0x90 }, { IRQ, IRQ, NONE, NONE } },
		{ "bpr_5", 5, 0x80, { 0x40, 0x78, 0x80, 0x88 }, { IRQ, IRQ, NONE, NONE } },
		{ "bpr_6", 6, 0x80, { 0x40, 0x78, 0x80, 0x88 }, { IRQ, IRQ, NONE, NONE } },
		{ "bpr_7", 7, 0x00, { 0x00, 0x40, 0x78, 0x80 }, { NONE, NONE, NONE, NONE } },
	};
	static const char *const tries[] = { "try0", "try1", "try2", "try3" };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		section(rows[i].name);
		set_gicc(GICC_BPR, rows[i].bpr);
		ready(SPI_A, 0x90);
		see("iar", gicc(GICC_IAR), SPI_A);
		see("rpr", gicc(GICC_RPR), rows[i].rpr);
		enable(SPI_B);
		for (u32 k = 0; k < 4; k++) {
			set_priority(SPI_B, rows[i].priority[k]);
			pend(SPI_B);
			see(tries[k], signalled(), rows[i].want[k]);
			unpend(SPI_B);
		}
		end(SPI_A);
	}
	section("bpr_order");
	set_gicc(GICC_BPR, 7);
	ready(SPI_A, 0x40);
	ready(SPI_B, 0x20);
	/* The binary point is about preemption: which comes first is by the whole priority. */
	see("subpriority", gicc(GICC_IAR), SPI_B);
	end(SPI_B);
	see("then", gicc(GICC_IAR), SPI_A);
	end(SPI_A);
}

/* GICC_EOIR drops the priority only, GICC_DIR deactivates, in any order. */
static void split_end(void)
{
	section("eoimode");
	set_gicc(GICC_CTLR, GRP0 | EOIMODE);
	see("ctlr", gicc(GICC_CTLR), GRP0 | EOIMODE);
	ready(SPI_A, 0x40);
	see("iar", gicc(GICC_IAR), SPI_A);
	end(SPI_A);
	look("dropped", SPI_A, ACTIVE, NONE, IDLE, SPURIOUS);
	pend(SPI_A);
	look("pended", SPI_A, BOTH, NONE, IDLE, SPURIOUS);
	set_gicc(GICC_DIR, SPI_A);
	look("deactivated", SPI_A, PENDING, IRQ, IDLE, SPI_A);
	see("iar_again", gicc(GICC_IAR), SPI_A);
	end(SPI_A);
	/* While one is active and dropped, one of a lower priority may come. */
	ready(SPI_B, 0x80);
	see("lower", signalled(), IRQ);
	see("lower.iar", gicc(GICC_IAR), SPI_B);
	see("lower.rpr", gicc(GICC_RPR), 0x80);
	set_gicc(GICC_DIR, SPI_A);
	see("out_of_order.a", state(SPI_A), INACTIVE);
	see("out_of_order.b", state(SPI_B), ACTIVE);
	see("out_of_order.rpr", gicc(GICC_RPR), 0x80);
	/* Deactivated before its priority drops. */
	set_gicc(GICC_DIR, SPI_B);
	see("dir_first", state(SPI_B), INACTIVE);
	see("dir_first.rpr", gicc(GICC_RPR), 0x80);
	end(SPI_B);
	look("idle", SPI_B, INACTIVE, NONE, IDLE, SPURIOUS);
	set_gicc(GICC_DIR, SPI_B);
	set_gicc(GICC_DIR, SPURIOUS);
	end(SPURIOUS);
	look("nothing_to_end", SPI_B, INACTIVE, NONE, IDLE, SPURIOUS);
	send_sgi(4, 2, 0);
	see("sgi.iar", gicc(GICC_IAR), 4);
	end(4);
	see("sgi.dropped", state(4), ACTIVE);
	set_gicc(GICC_DIR, 4);
	see("sgi.deactivated", state(4), INACTIVE);
}

/* Priorities in service, as an operating system would save them: 4.4.12. */
static void saved_priorities(void)
{
	u32 saved[4];

	section("apr");
	set_gicc(GICC_CTLR, GRP0 | EOIMODE);
	see("idle", active_priorities(), 0);
	ready(SPI_A, 0x80);
	see("iar_a", gicc(GICC_IAR), SPI_A);
	see("one", active_priorities(), 1u << 4);
	ready(SPI_B, 0x40);
	see("iar_b", gicc(GICC_IAR), SPI_B);
	see("two", active_priorities(), 1u << 4 | 1u << 2);
	for (u32 i = 0; i < 4; i++) {
		saved[i] = gicc(GICC_APR + i * 4);
		set_gicc(GICC_APR + i * 4, 0);
	}
	see("none.rpr", gicc(GICC_RPR), IDLE);
	ready(SPI_C, 0xa0);
	see("none.out", signalled(), IRQ);
	for (u32 i = 0; i < 4; i++)
		set_gicc(GICC_APR + i * 4, saved[i]);
	see("restored.rpr", gicc(GICC_RPR), 0x40);
	see("restored.out", signalled(), NONE);
	see("restored.two", active_priorities(), 1u << 4 | 1u << 2);
	end(SPI_B);
	see("drop_b.rpr", gicc(GICC_RPR), 0x80);
	see("drop_b", active_priorities(), 1u << 4);
	see("drop_b.out", signalled(), NONE);
	end(SPI_A);
	see("drop_a.rpr", gicc(GICC_RPR), IDLE);
	see("drop_a.out", signalled(), IRQ);
	set_gicc(GICC_DIR, SPI_A);
	set_gicc(GICC_DIR, SPI_B);
}

void gicv2_priorities(void)
{
	order();
	mask();
	binary_point();
	split_end();
	saved_priorities();
}
