/* SPDX-License-Identifier: MIT */
/*
 * The GICv2m frame: each interrupt ID that is written there raises that interrupt, as an edge,
 * to whichever CPU; nothing else that is written does anything.
 *
 * No arguments. With --irqchip gicv2m and --irqchip user, -c 1 to 8; more CPUs, more to see.
 */
#include "gicv2.h"
#include "guest.h"

enum {
	MSI_TYPER = 0x008,
	MSI_SETSPI_NS = 0x040,
	MSI_IIDR = 0xfcc,
	HOPS = 50, /* of each token */
	CPUS = 8,
};

static u64 frame;
static u32 first, nr; /* its interrupts */
static volatile u32 count[GIC_MAX_IRQ];
static volatile u32 taker[GIC_MAX_IRQ];
static volatile u32 total; /* interrupts of all IDs */
static volatile u32 self[CPUS]; /* bit of each CPU in GICD_ITARGETSR; 0: not up yet */
static volatile u32 once_more; /* ID that its handler raises again; 0: none */
static volatile bool pends_while_active;
static volatile bool tokens_move;
static volatile u32 hops[CPUS]; /* of each token */
static volatile u32 strays; /* tokens that came to the wrong CPU */

static void raise(u32 id, u32 width)
{
	dsb();
	if (width == 2)
		w16(frame + MSI_SETSPI_NS, (u16)id);
	else
		w32(frame + MSI_SETSPI_NS, id);
}

/* Interrupt t * n + k of the frame goes to CPU k and carries token t, which goes on to k + 1. */
static void pass_on(u32 id)
{
	u32 n = g2.cpus, t = (id - first) / n, k = (id - first) % n;

	if (k != cpu_self())
		__atomic_add_fetch(&strays, 1, __ATOMIC_RELAXED);
	if (++hops[t] < HOPS)
		raise(first + t * n + (k + 1) % n, 4);
}

static void on_msi(u32 id)
{
	count[id]++;
	taker[id] = cpu_self();
	if (id == once_more) {
		once_more = 0;
		raise(id, 4);
		pends_while_active = state(id) == BOTH;
	}
	if (tokens_move)
		pass_on(id);
	__atomic_add_fetch(&total, 1, __ATOMIC_SEQ_CST);
}

static void note_self(u32 cpu)
{
	u32 own = gicd(GICD_ITARGETSR) & 0xff;

	self[cpu] = own ? own : 1; /* one CPU: IHI 0048B.b 4.3.12 */
}

static void other_cpu(u32 cpu)
{
	gic_cpu_init();
	note_self(cpu);
	irq_on();
	for (;;)
		wfi();
}

static bool wait_total(u32 want)
{
	u64 start = ticks();

	while (total != want && !passed_ms(start, 5000))
		relax();
	return total == want;
}

/* No more comes than has come. */
static bool total_stays(u32 want)
{
	delay_ms(20);
	return total == want;
}

static void forget(void)
{
	for (u32 i = 0; i < nr; i++)
		count[first + i] = 0;
	total = 0;
}

/* Each once; a wrong ID or CPU shows in the count that is not 1, or in the total. */
static void check_each(u32 width, u32 cpu)
{
	u32 good = 0;

	forget();
	for (u32 i = 0; i < nr; i++)
		set_targets(first + i, self[cpu]);
	for (u32 i = 0; i < nr; i++) {
		u32 id = first + i;

		raise(id, width);
		good += wait_total(i + 1) && count[id] == 1 && taker[id] == cpu;
	}
	check(good == nr && total_stays(nr),
	      "each of %u IDs, written with %u bits, raises its interrupt on CPU %u, and once (%u)",
	      nr, width * 8, cpu, good);
	for (u32 i = 0; i < nr; i++)
		set_targets(first + i, self[0]);
}

static void check_edges(void)
{
	u32 id = first + nr / 2;

	forget();
	raise(id, 4);
	(void)wait_total(1);
	raise(id, 4);
	check(wait_total(2) && total_stays(2) && count[id] == 2,
	      "written again, it comes again (%u)", count[id]);

	forget();
	irq_off();
	raise(id, 4);
	raise(id, 2);
	check(state(id) == PENDING, "masked by the CPU, it is pending");
	irq_on();
	check(wait_total(1) && total_stays(1),
	      "an interrupt that was raised twice before it was taken comes once (%u)", total);

	forget();
	once_more = id;
	raise(id, 4);
	check(wait_total(2) && total_stays(2) && count[id] == 2,
	      "raised while it is active, it comes once more (%u)", count[id]);
	check(pends_while_active, "and was active and pending until then");
}

static void check_disabled(void)
{
	u32 id = first + nr - 1;

	forget();
	disable(id);
	raise(id, 4);
	check(total_stays(0) && state(id) == PENDING, "disabled, it only pends");
	enable(id);
	check(wait_total(1) && total_stays(1), "and comes when it is enabled");
	disable(id);
	raise(id, 4);
	unpend(id);
	enable(id);
	check(state(id) == INACTIVE && total_stays(1), "or not at all, once GICD_ICPENDR ends it");
}

/* Everything that is pending, of all SPIs. */
static u64 pending(void)
{
	u64 sum = HASH_START;

	for (u32 i = 32; i < g2.lines; i += 32)
		sum = hash(sum, gicd(GICD_ISPENDR + i / 8));
	return sum;
}

static void check_foreign_ids(u64 before)
{
	forget();
	for (u32 id = 0; id < 1024; id++) {
		if (id >= first && id - first < nr)
			continue;
		raise(id, 4);
		raise(id, 2);
	}
	check(total_stays(0) && pending() == before,
	      "an ID that is not the frame's raises nothing (%u)", total);
}

static void check_other_registers(u64 before)
{
	static const u32 offsets[] = { 0x000, 0x004, 0x00c, 0x03c, 0x044, 0x048,     0x080,   0x100,
		                       0x400, 0x800, 0xfc8, 0xfd0, 0xffc, MSI_TYPER, MSI_IIDR };
	u64 setspi = frame + MSI_SETSPI_NS;
	u32 typer = r32(frame + MSI_TYPER);

	forget();
	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
		w32(frame + offsets[i], first);
		w16(frame + offsets[i], (u16)first);
	}
	check(total_stays(0) && pending() == before, "nor does an ID in any other register");
	w8(setspi, (u8)first);
	w64(setspi, first);
	check(total_stays(0) && pending() == before, "nor in its own with 8 or 64 bits");
	forget();
	w16(setspi + 2, (u16)first);
	check(total_stays(0) && pending() == before, "nor in its upper half");
	forget();
	w32(MMU_ALIAS_NC(setspi) + 1, first << 8 | first);
	w16(MMU_ALIAS_NC(setspi) - 1, (u16)(first << 8 | first));
	check(total_stays(0) && pending() == before, "nor unaligned");
	check(r32(setspi) == 0 && r16(setspi) == 0, "MSI_SETSPI_NS reads as zero");
	check(r32(frame + MSI_TYPER) == typer, "and MSI_TYPER is read-only");
}

/* As many tokens as there are CPUs go round all of them at once. */
static void check_all_cpus(void)
{
	u32 n = g2.cpus;

	forget();
	for (u32 i = 0; i < n * n; i++)
		set_targets(first + i, self[i % n]);
	tokens_move = true;
	for (u32 t = 0; t < n; t++)
		raise(first + t * n, 4);
	check(wait_total(n * HOPS) && total_stays(n * HOPS),
	      "%u CPUs pass %u tokens on, %u times each: %u interrupts", n, n, HOPS, total);
	check(!strays, "each to the CPU that it is for (%u are not)", strays);
	tokens_move = false;
}

static bool find_frame(void)
{
	struct fdt_node n;
	u64 size;

	if (!fdt_find("arm,gic-v2m-frame", 0, &n) || !fdt_reg(&n, 0, &frame, &size))
		return false;
	first = r32(frame + MSI_TYPER) >> 16 & 0x3ff;
	nr = r32(frame + MSI_TYPER) & 0x3ff;
	check(first == fdt_u32(&n, "arm,msi-base-spi", 0) &&
	              nr == fdt_u32(&n, "arm,msi-num-spis", 0),
	      "MSI_TYPER has the tree's interrupts: %u from %u on", nr, first);
	check(!(r32(frame + MSI_TYPER) & 0xfc00fc00), "and its reserved bits are zero");
	return first >= 32 && nr && first + nr <= g2.lines;
}

static void start_cpus(void)
{
	note_self(0);
	for (u32 cpu = 1; cpu < g2.cpus; cpu++) {
		u64 start = ticks();

		(void)cpu_on(cpu, other_cpu);
		while (!self[cpu] && !passed_ms(start, 5000))
			relax();
		if (!self[cpu])
			check(false, "CPU %u comes up", cpu);
	}
}

void guest_main(void)
{
	u64 before;

	if (!check(gicv2_open() && gic_init(), "there is a GICv2") ||
	    !check(find_frame(), "and a GICv2m frame, whose interrupts it has"))
		tap_done();
	start_cpus();
	before = pending();
	for (u32 i = 0; i < nr; i++)
		gic_enable(&(struct fdt_irq){ .intid = first + i, .flags = 1 }, on_msi);
	irq_on();
	check_each(4, 0);
	check_each(2, 0);
	check_edges();
	check_disabled();
	for (u32 cpu = 1; cpu < g2.cpus; cpu++)
		check_each(cpu % 2 ? 4 : 2, cpu);
	if (g2.cpus > 1 && g2.cpus * g2.cpus <= nr)
		check_all_cpus();
	check_foreign_ids(before);
	check_other_registers(before);
	tap_done();
}
