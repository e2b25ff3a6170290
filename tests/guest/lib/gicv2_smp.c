/* SPDX-License-Identifier: MIT */
/* What more than one CPU sees. */
#include "exception.h"
#include "gicv2.h"
#include "gicv2_steps.h"
#include "smp.h"

enum { SOURCE = 1 << 10, ROUNDS = 10, RACES = 200 };

static volatile u32 taken[8];
static volatile bool stop_taking;
static u32 running = 1; /* CPUs, from 0 */

static void take(void)
{
	u32 ack = gicc(GICC_IAR);

	if (ack < 1020) {
		taken[cpu_self()]++;
		end(ack);
	}
}

/* Awake and unmasked until told otherwise. */
static u32 do_take(u32 arg)
{
	irq_on();
	while (!stop_taking)
		relax();
	irq_off();
	return taken[cpu_self()];
}

/* CPUs where SGI @sgi is pending, as bits. */
static u32 pending_on(u32 sgi)
{
	u32 mask = 0;

	for (u32 cpu = 0; cpu < g2.cpus; cpu++)
		mask |= (on(cpu, do_state, sgi) & PENDING) << cpu;
	return mask;
}

static void smp_section(const char *name)
{
	section(name);
	for (u32 cpu = 1; cpu < running; cpu++)
		(void)on(cpu, do_fresh, 0);
}

static bool start_first(void)
{
	bool came;

	section("smp.start");
	came = start_cpu(1);
	running = 2;
	see("own_target", came, 1);
	see("sgi_to_cpu_off", early_state(1), PENDING);
	return came;
}

/* The others only now: they do nothing but keep the host busy. */
static void start_others(void)
{
	u32 came = 0;

	section("smp.start_others");
	for (u32 cpu = 2; cpu < g2.cpus; cpu++)
		came += start_cpu(cpu);
	running = g2.cpus;
	see("own_targets", came == g2.cpus - 2, 1);
}

static void banked(void)
{
	smp_section("smp.banked");
	(void)on(1, do_enable, PPI_A);
	see("enable.here", id_bit(GICD_ISENABLER, PPI_A), 0);
	see("enable.there", on(1, do_gicd, GICD_ISENABLER) >> PPI_A & 1, 1);
	see("priority.there", on(1, do_urgent, PPI_A), 0x20);
	see("priority.here", r8(g2.dist + GICD_IPRIORITYR + PPI_A), 0x80);
	(void)on(1, do_activate, PPI_A);
	see("active.here", state(PPI_A), INACTIVE);
	see("active.there", on(1, do_state, PPI_A), ACTIVE);
	see("group.there", on(1, do_group, PPI_A), 1);
	see("group.here", id_bit(GICD_IGROUPR, PPI_A), 0);
	(void)on(1, do_pend, PPI_B);
	see("pending.here", state(PPI_B), INACTIVE);
	see("pending.there", on(1, do_state, PPI_B), PENDING);
	see("timer.there", on(1, do_timer, 1), PENDING);
	see("timer.here", state(27), INACTIVE);
	(void)on(1, do_timer, 0);
	see("pmr.there", on(1, do_pmr, 0x40), 0x40);
	see("pmr.here", gicc(GICC_PMR) == g2.pmr_max, 1);
	see("ctlr.there", on(1, do_ctlr, 0), 0);
	see("ctlr.here", gicc(GICC_CTLR), GRP0);
	(void)on(1, do_enable, SPI_A);
	see("spi_is_not", id_bit(GICD_ISENABLER, SPI_A), 1);
}

static void sgi_sources(void)
{
	smp_section("smp.sgi");
	(void)on(1, do_urgent, 3);
	send_sgi(3, 0, 2);
	see("here.out", signalled(), NONE);
	see("here.state", state(3), INACTIVE);
	see("there.out", on(1, do_signalled, 0), IRQ);
	see("there.source", on(1, do_gicd, GICD_SPENDSGIR), 0x01000000);
	see("there.iar", on(1, do_gicc, GICC_IAR), 3);
	see("there.priority", on(1, do_gicc, GICC_RPR), 0x20);
	see("there.active", on(1, do_state, 3), ACTIVE);
	see("here.active", state(3), INACTIVE);
	(void)on(1, do_end, 3);
	see("there.ended", on(1, do_state, 3), INACTIVE);
	(void)on(1, do_sgir, 1 << 16 | 3);
	see("back.source", gicd(GICD_SPENDSGIR), 0x02000000);
	see("back.hppir", gicc(GICC_HPPIR), SOURCE | 3);
	see("back.iar", gicc(GICC_IAR), SOURCE | 3);
	end(SOURCE | 3);
	see("back.ended", state(3), INACTIVE);
}

static void sgi_filters(void)
{
	u32 all = (1u << g2.cpus) - 1;

	smp_section("smp.filter");
	(void)on(1, do_sgir, 1 << 24 | 6);
	see("others", pending_on(6) == (all & ~2u), 1);
	(void)on(1, do_sgir, 2 << 24 | 7);
	see("self", pending_on(7), 2);
	(void)on(1, do_sgir, 3 << 16 | 8);
	see("list", pending_on(8), 3);
	(void)on(1, do_sgir, 0xff << 16 | 10);
	see("all", pending_on(10) == all, 1);
	(void)on(1, do_sgir, 2 << 24 | 0xff << 16 | 11);
	see("self_has_no_list", pending_on(11), 2);
}

/* Two senders of one SGI: it comes twice, once from each. */
static void sgi_of_two(void)
{
	u32 first;
	u32 second;

	smp_section("smp.two_sources");
	send_sgi(4, 2, 0);
	(void)on(1, do_sgir, 1 << 16 | 4);
	see("both", gicd(GICD_SPENDSGIR + 4), 3);
	first = gicc(GICC_IAR);
	see("first", first & 0x3ff, 4);
	impl("first.source", first >> 10);
	see("first.state", state(4), BOTH);
	see("first.out", signalled(), NONE);
	see("first.left", gicd(GICD_SPENDSGIR + 4), 3u & ~(1u << (first >> 10)));
	end(first);
	see("ended.out", signalled(), IRQ);
	second = gicc(GICC_IAR);
	see("second", second & 0x3ff, 4);
	see("sources", 1u << (first >> 10) | 1u << (second >> 10), 3);
	end(second);
	see("idle", state(4), INACTIVE);
	send_sgi(4, 2, 0);
	(void)on(1, do_sgir, 1 << 16 | 4);
	w8(g2.dist + GICD_CPENDSGIR + 4, 1);
	see("one_cleared", gicd(GICD_SPENDSGIR + 4), 2);
	see("one_cleared.iar", gicc(GICC_IAR), SOURCE | 4);
	end(SOURCE | 4);
	w8(g2.dist + GICD_SPENDSGIR + 4, 2);
	see("set_for_other", gicc(GICC_IAR), SOURCE | 4);
	end(SOURCE | 4);
}

/* The 1-N model: one interrupt, two CPUs that may take it, one that does (1.4.3). */
static void one_of_n(void)
{
	smp_section("smp.one_of_n");
	set_targets(SPI_A, 3);
	enable(SPI_A);
	pend(SPI_A);
	see("pended.here", signalled(), IRQ);
	see("pended.there", on(1, do_signalled, 0), IRQ);
	if (cut("smp.one_of_n.pended.there"))
		return;
	see("hppir.here", gicc(GICC_HPPIR), SPI_A);
	see("hppir.there", on(1, do_gicc, GICC_HPPIR), SPI_A);
	see("iar.there", on(1, do_gicc, GICC_IAR), SPI_A);
	see("iar.here", gicc(GICC_IAR), SPURIOUS);
	if (cut("smp.one_of_n.iar.here"))
		return;
	see("taken.here", signalled(), NONE);
	see("taken.state", state(SPI_A), ACTIVE);
	see("taken.rpr_here", gicc(GICC_RPR), IDLE);
	pend(SPI_A);
	see("again.state", state(SPI_A), BOTH);
	see("again.here", signalled(), NONE);
	(void)on(1, do_end, SPI_A);
	see("ended.here", signalled(), IRQ);
	see("ended.there", on(1, do_signalled, 0), IRQ);
	see("second.here", gicc(GICC_IAR), SPI_A);
	see("second.there", on(1, do_signalled, 0), NONE);
	end(SPI_A);
	see("idle", state(SPI_A), INACTIVE);
	(void)do_pmr(0x40);
	pend(SPI_A);
	see("masked.here", signalled(), NONE);
	see("masked.there", on(1, do_signalled, 0), IRQ);
}

static void targets(void)
{
	smp_section("smp.targets");
	enable(SPI_A);
	pend(SPI_A);
	see("here", signalled(), IRQ);
	see("not_there", on(1, do_signalled, 0), NONE);
	set_targets(SPI_A, 2);
	see("moved.not_here", signalled(), NONE);
	see("moved.hppir", gicc(GICC_HPPIR), SPURIOUS);
	see("moved.there", on(1, do_signalled, 0), IRQ);
	if (cut("smp.targets.moved.there"))
		return;
	see("moved.iar", on(1, do_gicc, GICC_IAR), SPI_A);
	set_targets(SPI_A, 1);
	see("moved_active.state", state(SPI_A), ACTIVE);
	(void)on(1, do_end, SPI_A);
	see("ended", state(SPI_A), INACTIVE);
}

static void no_target(void)
{
	smp_section("smp.no_target");
	enable(SPI_A);
	set_targets(SPI_A, 0);
	pend(SPI_A);
	see("state", state(SPI_A), PENDING);
	see("here", signalled(), NONE);
	see("there", on(1, do_signalled, 0), NONE);
	set_targets(SPI_A, 1);
	see("found", signalled(), IRQ);
}

/* One CPU's interrupt, ended with the help of another. */
static void ended_elsewhere(void)
{
	smp_section("smp.dir");
	set_gicc(GICC_CTLR, GRP0 | EOIMODE);
	(void)on(1, do_ctlr, GRP0 | EOIMODE);
	set_targets(SPI_A, 2);
	enable(SPI_A);
	pend(SPI_A);
	see("iar", on(1, do_gicc, GICC_IAR), SPI_A);
	(void)on(1, do_end, SPI_A);
	see("dropped", state(SPI_A), ACTIVE);
	set_gicc(GICC_DIR, SPI_A);
	see("deactivated_here", state(SPI_A), INACTIVE);
	set_id_bit(GICD_ICACTIVER, SPI_A);
	see("cleared", state(SPI_A), INACTIVE);
	pend(SPI_A);
	see("iar_again", on(1, do_gicc, GICC_IAR), SPI_A);
	set_id_bit(GICD_ICACTIVER, SPI_A);
	see("cleared_here", state(SPI_A), INACTIVE);
	see("rpr_there", on(1, do_gicc, GICC_RPR), 0x80);
	(void)on(1, do_end, SPI_A);
	see("dropped_there", on(1, do_gicc, GICC_RPR), IDLE);
}

static void sleepers(void)
{
	smp_section("smp.wfi");
	put_to_sleep(1);
	see("asleep", is_answered(1), 0);
	send_sgi(2, 0, 2);
	see("sgi", answer(1), IRQ);
	see("sgi.iar", on(1, do_gicc, GICC_IAR), 2);
	(void)on(1, do_end, 2);
	set_targets(SPI_A, 2);
	enable(SPI_A);
	put_to_sleep(1);
	see("asleep_again", is_answered(1), 0);
	pend(SPI_A);
	see("spi", answer(1), IRQ);
	see("spi.iar", on(1, do_gicc, GICC_IAR), SPI_A);
	(void)on(1, do_end, SPI_A);
	set_targets(SPI_B, 2);
	pend(SPI_B);
	put_to_sleep(1);
	see("asleep_pending_disabled", is_answered(1), 0);
	enable(SPI_B);
	see("enabled_later", answer(1), IRQ);
	see("enabled_later.iar", on(1, do_gicc, GICC_IAR), SPI_B);
	(void)on(1, do_end, SPI_B);
}

static void start_taking(u32 cpus)
{
	stop_taking = false;
	exception_set_interrupts(take, NULL);
	for (u32 cpu = 0; cpu < cpus; cpu++)
		taken[cpu] = 0;
	for (u32 cpu = 1; cpu < cpus; cpu++)
		ask(cpu, do_take, 0);
}

/* All others take what this CPU sends to all others, really. */
static void broadcast(void)
{
	u32 all_took = 1;
	u32 counts = 0;

	smp_section("smp.taken");
	start_taking(running);
	for (u32 i = 1; i <= ROUNDS && all_took; i++) {
		send_sgi(1, 1, 0);
		for (u32 cpu = 1; cpu < running; cpu++)
			all_took &= wait_value(&taken[cpu], i);
	}
	stop_taking = true;
	see("each_round", all_took, 1);
	for (u32 cpu = 1; cpu < running; cpu++)
		counts += answer(cpu) == ROUNDS;
	see("each_cpu", counts == running - 1, 1);
	section_end();
	exception_set_interrupts(NULL, NULL);
}

/* Two CPUs really after the same interrupt: each time it is taken by one of them, once. */
static void race(void)
{
	u32 others;

	smp_section("smp.race");
	if (cut("smp.one_of_n.iar.here"))
		return;
	start_taking(2);
	set_targets(SPI_A, 3);
	enable(SPI_A);
	irq_on();
	for (u32 i = 1; i <= RACES; i++) {
		u64 start = ticks();

		pend(SPI_A);
		while (taken[0] + taken[1] < i && !passed_ms(start, 1000))
			relax();
	}
	irq_off();
	stop_taking = true;
	others = answer(1);
	see("taken", taken[0] + others, RACES);
	see("state", state(SPI_A), INACTIVE);
	impl("taken_here", taken[0]);
	section_end();
	exception_set_interrupts(NULL, NULL);
}

void gicv2_several_cpus(void)
{
	if (!start_first())
		return;
	banked();
	sgi_sources();
	sgi_of_two();
	one_of_n();
	targets();
	no_target();
	ended_elsewhere();
	sleepers();
	race();
	start_others();
	sgi_filters();
	broadcast();
}
