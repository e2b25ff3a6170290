/* SPDX-License-Identifier: MIT */
/*
 * A guest that does to its GICv2 whatever it can: all CPUs access every register and what is
 * beside it, in every width and alignment, send SGIs to everybody and nobody, change level
 * interrupts that are high, and go off with interrupts pending. Then it puts the GIC in order
 * by hand, and interrupts have to work as they did.
 *
 * With --irqchip user (--irqchip gicv2 as well), -c 1 to 8; it takes 4 to be a storm.
 * Arguments: seconds=N (3), seed=N, sweep=1 (goes on until each width was read and written at
 * each offset). The storm begins after the line "storming".
 */
#include "gicv2.h"
#include "guest.h"

enum {
	CPUS = 8,
	UARTS = 4,
	DIST_SIZE = 0x10000,
	CPUIF_SIZE = 0x20000,
	BEYOND = 0x1000,
	SWEEP_DIST = 0x1010, /* offsets to sweep: the registers, and a little more */
	SWEEP_CPUIF = 0x2010,
	SWEEP = (SWEEP_DIST + SWEEP_CPUIF) * 4, /* four widths each */
	BURST = 16, /* interrupts taken without a break, before it is enough */
	IER_THRI = 2,
	SGI_GO = 15, /* send the SGI of this step */
	SGI_TIMER = 14, /* arm the timer */
};

static struct {
	u64 base;
	struct fdt_irq irq;
} uart[UARTS];
static u32 uarts;

static u64 seed[CPUS];
static u64 until;
static bool whole_sweep;
static volatile u32 swept;
static volatile u32 accesses, sgis, pairs, taken, offs, ons;
static u32 burst[CPUS]; /* a CPU's own */

static volatile u32 ready[CPUS];
static volatile u32 disordered[CPUS]; /* registers of its own that a CPU could not put in order */
static volatile u32 got[CPUS][16];
static volatile u32 step;
static volatile u32 uart_taken, uart_taker;

static void add(volatile u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* xorshift64, each CPU has its own. */
static u64 rnd(void)
{
	u64 *s = &seed[cpu_self()];

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static bool one_in(u32 odds)
{
	return rnd() % odds == 0;
}

/* Few bits, many bits, and what is near a register's or an ID's limits. */
static u64 random_value(void)
{
	static const u32 often[] = {
		0, 1, 3, 0xff, 0x20f, 0xa0, 127, 128, 1019, 1020, 1023, 0xfff
	};

	switch (rnd() % 4) {
	case 0:
		return often[rnd() % ARRAY_SIZE(often)];
	case 1:
		return ~0ull;
	case 2:
		return rnd() & rnd() & rnd();
	default:
		return rnd();
	}
}

/* An unaligned one has to go by Normal memory, or the CPU keeps it to itself. */
static u64 way_to(u64 pa, u32 width)
{
	return pa & (width - 1) || one_in(8) ? MMU_ALIAS_NC(pa) : pa;
}

static void load(u64 pa, u32 width)
{
	u64 va = way_to(pa, width);

	add(&accesses);
	if (width == 1)
		(void)r8(va);
	else if (width == 2)
		(void)r16(va);
	else if (width == 4)
		(void)r32(va);
	else
		(void)r64(va);
}

static void store(u64 pa, u32 width, u64 value)
{
	u64 va = way_to(pa, width);

	add(&accesses);
	if (width == 1)
		w8(va, (u8)value);
	else if (width == 2)
		w16(va, (u16)value);
	else if (width == 4)
		w32(va, (u32)value);
	else
		w64(va, value);
}

/* What a CPU does not describe to a hypervisor: an abort, most likely. */
static void odd_instruction(u64 pa)
{
	u64 va = MMU_ALIAS_NC(pa), a, b;

	add(&pairs);
	switch (rnd() % 6) {
	case 0:
		__asm__ volatile("ldp %w0, %w1, [%2]" : "=&r"(a), "=&r"(b) : "r"(va) : "memory");
		break;
	case 1:
		__asm__ volatile("ldp %0, %1, [%2]" : "=&r"(a), "=&r"(b) : "r"(va) : "memory");
		break;
	case 2:
		__asm__ volatile("stp %w0, %w0, [%1]" : : "r"(rnd()), "r"(va) : "memory");
		break;
	case 3:
		__asm__ volatile("stp %0, %0, [%1]" : : "r"(rnd()), "r"(va) : "memory");
		break;
	case 4:
		__asm__ volatile("ldr %w0, [%1], #4" : "=&r"(a), "+r"(va) : : "memory");
		break;
	default:
		__asm__ volatile("str %w1, [%0], #4" : "+r"(va) : "r"((u32)rnd()) : "memory");
		break;
	}
}

/* A register's word and its neighbours, anywhere among the registers, or anywhere around. */
static u64 random_address(void)
{
	static const u16 dist[] = { GICD_CTLR,      GICD_TYPER,      GICD_IGROUPR,   GICD_ISENABLER,
		                    GICD_ICENABLER, GICD_ISPENDR,    GICD_ICPENDR,   GICD_ISACTIVER,
		                    GICD_ICACTIVER, GICD_IPRIORITYR, GICD_ITARGETSR, GICD_ICFGR,
		                    GICD_SGIR,      GICD_CPENDSGIR,  GICD_SPENDSGIR, GICD_ICPIDR2 };

	switch (rnd() % 8) {
	case 0:
		return g2.dist + rnd() % SWEEP_DIST;
	case 1:
		return g2.cpuif + rnd() % SWEEP_CPUIF;
	case 2:
		return g2.dist + rnd() % (DIST_SIZE + BEYOND);
	case 3:
		return g2.cpuif - BEYOND + rnd() % (BEYOND + CPUIF_SIZE + BEYOND);
	case 4:
	case 5:
		return g2.cpuif + (one_in(8) ? GICC_DIR : rnd() & 0xfc);
	default:
		return g2.dist + dist[rnd() % ARRAY_SIZE(dist)] + (rnd() & 0x1c);
	}
}

static void random_access(void)
{
	u64 pa = random_address();
	u32 width = one_in(4) ? 1u << rnd() % 4 : 4;

	if (one_in(16))
		odd_instruction(pa);
	else if (one_in(3))
		load(pa, width);
	else
		store(pa, width, random_value());
}

static void sweep_on(void)
{
	u32 i = __atomic_fetch_add(&swept, 1, __ATOMIC_RELAXED);
	u32 offset = i / 4, width = 1u << i % 4;
	u64 pa = offset < SWEEP_DIST ? g2.dist + offset : g2.cpuif + offset - SWEEP_DIST;

	if (i >= SWEEP) {
		swept = SWEEP;
		return;
	}
	load(pa, width);
	store(pa, width, random_value());
}

/* To all eight there could be, with each filter, and with bits that mean nothing. */
static void send_sgis(void)
{
	for (u32 i = 0; i < 8; i++) {
		set_gicd(GICD_SGIR, one_in(4) ? (u32)rnd() : (u32)rnd() & 0x3ff000f);
		add(&sgis);
	}
}

/* A level interrupt that is high, or goes high or low meanwhile. */
static void shake_level(void)
{
	static const u32 bits[] = { GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,
		                    GICD_ICPENDR,   GICD_ISACTIVER, GICD_ICACTIVER };
	u32 which = (u32)rnd() % UARTS, id = uart[which].irq.intid;

	if (which >= uarts)
		return;
	add(&accesses);
	switch (rnd() % 8) {
	case 0:
	case 1:
	case 2:
		set_id_bit(bits[rnd() % ARRAY_SIZE(bits)], id);
		break;
	case 3:
		set_targets(id, (u32)rnd());
		break;
	case 4:
		set_priority(id, (u32)rnd());
		break;
	case 5:
		set_edge(id, rnd() & 1);
		break;
	case 6:
		set_group(id, rnd() & 1);
		break;
	default:
		w8(uart[which].base + UART_IER, rnd() & 1 ? IER_THRI : 0);
		break;
	}
}

static void shake_timer(void)
{
	msr(cntv_cval_el0, one_in(2) ? 0 : ticks() + rnd() % 10000);
	msr(cntv_ctl_el0, rnd() & 3);
	isb();
}

/* An interrupt of the storm. It may be ended, in one way or another, or left. */
static void take(void)
{
	u32 iar = gicc(GICC_IAR);

	add(&taken);
	if ((iar & 0x3ff) == GROUP1)
		iar = gicc(GICC_AIAR);
	if (!one_in(8))
		end(iar);
	if (one_in(4))
		set_gicc(GICC_DIR, iar);
	/* It is still there, and nothing else would ever run. */
	if (++burst[cpu_self()] > BURST)
		set_gicc(GICC_CTLR, 0);
}

static void open_up(void)
{
	u32 me = cpu_self();

	set_gicd(GICD_CTLR, GRP0 | GRP1);
	set_gicc(GICC_PMR, 0xff);
	if (one_in(2)) {
		for (u32 i = 0; i < 8; i++)
			set_gicc(GICC_APR + i * 4, 0);
		set_gicd(GICD_ICACTIVER, ~0u);
	}
	burst[me] = 0;
	set_gicc(GICC_CTLR, GRP0 | GRP1 | ((u32)rnd() & (ACKCTL | FIQEN | CBPR | EOIMODE)));
	__asm__ volatile("msr daifclr, #3; isb" : : : "memory");
	delay_ms(0);
	__asm__ volatile("msr daifset, #3; isb" : : : "memory");
}

static void one_act(void)
{
	static void (*const all[])(void) = {
		random_access, random_access, random_access, random_access, sweep_on,
		send_sgis,     shake_level,   shake_level,   shake_timer,   open_up,
	};

	all[rnd() % ARRAY_SIZE(all)]();
	for (u32 i = 0; whole_sweep && i < 16; i++)
		sweep_on();
}

static bool over(void)
{
	return ticks() >= until && (!whole_sweep || swept >= SWEEP);
}

/* Comes, does its part, and goes with whatever is pending. */
static void visitor(u32 cpu)
{
	for (u32 left = 1 + (u32)(rnd() % 256); left && !over(); left--)
		one_act();
	add(&offs);
	(void)cpu_off();
}

static void storm(void)
{
	u32 n = g2.cpus;

	while (!over()) {
		u32 cpu = 1 + (u32)(rnd() % CPUS);

		for (u32 i = 0; i < 8; i++)
			one_act();
		if (cpu < n && cpu_affinity_info(cpu) == AFFINITY_OFF &&
		    cpu_on(cpu, visitor) == PSCI_SUCCESS)
			add(&ons);
	}
	timer_stop();
}

/* The word of interrupts @id to @id + 31 of a register with one bit each. */
static void all_ones(u32 reg, u32 id)
{
	set_gicd(reg + id / 8, ~0u);
}

static void end_active(u32 id)
{
	u32 active = gicd(GICD_ISACTIVER + id / 8);

	for (u32 i = 0; i < 32; i++) {
		if (active >> i & 1)
			end(id + i);
	}
}

static void order_word(u32 id)
{
	end_active(id);
	all_ones(GICD_ICENABLER, id);
	all_ones(GICD_ICPENDR, id);
	all_ones(GICD_ICACTIVER, id);
	set_gicd(GICD_IGROUPR + id / 8, 0);
	for (u32 i = id; i < id + 32; i += 4)
		set_gicd(GICD_IPRIORITYR + i, 0);
}

static u32 is_not(u32 reg, u32 want)
{
	u32 v = gicd(reg);

	if (v != want)
		print("# CPU %u: 0x%x at 0x%x of the distributor, not 0x%x\n", cpu_self(), v, reg,
		      want);
	return v != want;
}

/* SGIs are always enabled; the timer is stopped. Return: words that are not in order. */
static u32 word_disorder(u32 id)
{
	u32 wrong = is_not(GICD_ISENABLER + id / 8, id ? 0 : 0xffff);

	wrong += is_not(GICD_ISPENDR + id / 8, 0);
	wrong += is_not(GICD_ISACTIVER + id / 8, 0);
	wrong += is_not(GICD_IGROUPR + id / 8, 0);
	for (u32 i = id; i < id + 32; i += 4)
		wrong += is_not(GICD_IPRIORITYR + i, 0);
	return wrong;
}

/*
 * Wires last, with a rise and a fall: KVM does not see one fall while the interrupt is
 * edge-triggered, and takes it for high afterwards.
 */
static void calm_levels(void)
{
	for (u32 id = 32; id < g2.lines; id += 16)
		set_gicd(GICD_ICFGR + id / 4, 0);
	for (u32 i = 0; i < uarts; i++) {
		w8(uart[i].base + UART_IER, 0);
		w8(uart[i].base + UART_IER, IER_THRI);
		w8(uart[i].base + UART_IER, 0);
		(void)r8(uart[i].base + UART_IIR);
	}
}

static void order_distributor(void)
{
	u32 wrong = 0;

	set_gicd(GICD_CTLR, 0);
	calm_levels();
	for (u32 id = 32; id < g2.lines; id += 32) {
		order_word(id);
		for (u32 i = id; i < id + 32; i += 4)
			set_gicd(GICD_ITARGETSR + i, 0);
		wrong += word_disorder(id);
	}
	check(!wrong, "the distributor can be put in order (%u words are not)", wrong);
}

static u32 order_own_side(void)
{
	timer_stop();
	set_gicc(GICC_CTLR, 0);
	order_word(0);
	for (u32 i = 0; i < 16; i += 4)
		set_gicd(GICD_CPENDSGIR + i, ~0u);
	set_gicd(GICD_ISENABLER, 0xffff);
	for (u32 i = 0; i < 8; i++)
		set_gicc(GICC_APR + i * 4, 0); /* and GICC_NSAPR */
	return word_disorder(0) + (gicc(GICC_RPR) != IDLE) + (gicc(GICC_HPPIR) != SPURIOUS) +
	       (signalled() != NONE);
}

static void on_sgi(u32 sgi)
{
	u32 me = cpu_self();

	if (sgi == SGI_GO)
		gic_send_sgi((me + step) % g2.cpus, step);
	else if (sgi == SGI_TIMER)
		timer_arm(1);
	else
		got[me][sgi]++;
}

static void on_uart(u32 id)
{
	/* First: once it is counted, the next one may be raised. */
	(void)r8(uart[uarts - 1].base + UART_IIR);
	uart_taker = cpu_self();
	uart_taken++;
}

static void ready_up(u32 cpu)
{
	disordered[cpu] = order_own_side();
	gic_cpu_init();
	(void)timer_init();
	irq_on();
	ready[cpu] = 1;
}

static void citizen(u32 cpu)
{
	ready_up(cpu);
	for (;;)
		wfi();
}

/* SGI number @step from each CPU to the one that is @step further. */
static bool exchange(void)
{
	u32 n = g2.cpus, good = 0;

	for (u32 cpu = 0; cpu < n; cpu++)
		gic_send_sgi(cpu, SGI_GO);
	for (u32 cpu = 0; cpu < n; cpu++)
		good += wait_value(&got[cpu][step], 1);
	return good == n;
}

static void check_sgis(void)
{
	u32 n = g2.cpus, good = 0, sum = 0;

	for (step = 0; step < n; step++)
		good += exchange();
	delay_ms(20);
	for (u32 cpu = 0; cpu < n; cpu++) {
		for (u32 sgi = 0; sgi < n; sgi++)
			sum += got[cpu][sgi];
	}
	check(good == n && sum == n * n, "SGIs from each CPU to each arrive, and once (%u of %u)",
	      sum, n * n);
}

static void check_timers(void)
{
	u32 n = g2.cpus, good = 0;

	for (u32 cpu = 0; cpu < n; cpu++) {
		u64 start = ticks();

		gic_send_sgi(cpu, SGI_TIMER);
		while (!timer_fired(cpu) && !passed_ms(start, 5000))
			relax();
		good += timer_fired(cpu) == 1;
	}
	check(good == n, "each CPU's timer interrupts it, and once (%u of %u)", good, n);
}

/* The last UART is not the console, unless there is only one. */
static void check_level(void)
{
	u32 n = g2.cpus, good = 0, id;
	u64 ier;

	if (uarts < 2)
		return;
	id = uart[uarts - 1].irq.intid;
	ier = uart[uarts - 1].base + UART_IER;
	gic_enable(&uart[uarts - 1].irq, on_uart);
	for (u32 cpu = 0; cpu < n; cpu++) {
		uart_taken = 0;
		set_targets(id, n == 1 ? 0 : 1u << cpu);
		w8(ier, IER_THRI);
		good += wait_value(&uart_taken, 1) && uart_taker == cpu;
		w8(ier, 0);
	}
	delay_ms(5);
	check(good == n && uart_taken == 1,
	      "a level interrupt reaches each CPU, and once (%u of %u)", good, n);
}

static void start_citizens(void)
{
	u32 n = g2.cpus, up = 0, wrong = 0;

	ready_up(0);
	for (u32 cpu = 1; cpu < n; cpu++)
		(void)cpu_on(cpu, citizen);
	for (u32 cpu = 0; cpu < n; cpu++) {
		up += wait_value(&ready[cpu], 1);
		wrong += disordered[cpu];
	}
	check(up == n, "all CPUs come up again (%u of %u)", up, n);
	check(!wrong, "each puts its side in order (%u registers are not)", wrong);
}

static void find_uarts(void)
{
	struct fdt_node n;
	u64 size;

	while (uarts < UARTS && fdt_find("ns16550a", uarts, &n) &&
	       fdt_reg(&n, 0, &uart[uarts].base, &size) && fdt_irq(&n, 0, &uart[uarts].irq))
		uarts++;
}

static u64 identity(void)
{
	return hash(
		hash(hash(hash(HASH_START, gicd(GICD_TYPER)), gicd(GICD_IIDR)), gicd(GICD_ICPIDR2)),
		gicc(GICC_IIDR));
}

static void report(void)
{
	print("calm\n");
	print("# %u accesses, %u pairs and the like, %u SGIs, %u interrupts taken\n", accesses,
	      pairs, sgis, taken);
	print("# swept %u of %u, CPUs came %u times and went %u times\n", swept, (u32)SWEEP, ons,
	      offs);
}

void guest_main(void)
{
	u64 first_seed = bootarg_u64("seed", ticks());
	u64 before;
	u32 off = 0;

	if (!check(gicv2_open(), "there is a GICv2"))
		tap_done();
	find_uarts();
	before = identity();
	whole_sweep = bootarg_u64("sweep", 0);
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		seed[cpu] = (first_seed + cpu + 1) * 0x9e3779b97f4a7c15ull;
	print("# seed=%llu\nstorming\n", first_seed);
	exception_set_interrupts(take, take);
	fault_guard();
	until = ticks() + ms_to_ticks(bootarg_u64("seconds", 3) * 1000);
	storm();
	for (u32 cpu = 1; cpu < g2.cpus; cpu++)
		off += cpu_wait_off(cpu);
	(void)fault_end();
	exception_set_interrupts(NULL, NULL);
	report();
	check(off == g2.cpus - 1, "the storm ends, and all CPUs but the first are off");
	check(identity() == before, "the GIC says that it is what it was");
	order_distributor();
	set_gicc(GICC_CTLR, 0);
	check(gic_init(), "it can be set up");
	for (u32 sgi = 0; sgi < 16; sgi++)
		gic_enable(&(struct fdt_irq){ .intid = sgi }, on_sgi);
	start_citizens();
	check_sgis();
	check_timers();
	check_level();
	tap_done();
}
