/* SPDX-License-Identifier: MIT */
/*
 * Looks at everything a reset has to put back, says so in one line, leaves all of it in
 * disorder, and asks for the next reset. Every boot prints the same line; who runs it ends
 * it (--reset=reboot:N), counts the lines and compares them.
 *
 * Arguments, each with a word "any" that takes another one at each boot:
 *   how=reset|reset2|vendor               the call
 *   from=first|last|all                   who makes it
 *   others=off|spin|standby|down|toggle|abort   the other CPUs meanwhile
 *   flight=1                              with requests of a disk under way
 *   irq=1                                 in an interrupt's handler, with more pending
 */
#include "guest.h"

#define STRIDE   MIB(3) /* from one touched word of RAM to the next */
#define BUFFERS  (RAM_BASE + MIB(100)) /* what the disk writes to, out of reach of start.S */
#define REQUESTS 16
#define SIZE     65536u

enum how { BY_RESET, BY_RESET2, BY_VENDOR, HOWS };
enum from { FIRST, LAST, ALL, FROMS };
enum others { OFF, SPIN, STANDBY, DOWN, TOGGLE, ABORT, OTHERS };

static u32 sentinel[64] __attribute__((section(".data"))) = { 0x600d };
static struct blk disk;
static struct vq other_queue;
static struct blk_header headers[REQUESTS];
static u8 statuses[REQUESTS];
static u32 n;
static enum how how;
static enum from from;
static volatile u32 there; /* secondaries that are where they have to be */
static volatile bool now; /* all of them: reset */
static volatile u64 secondary_sum;

/*
 * System registers that nothing has touched so far. What the architecture leaves UNKNOWN is
 * looked at where KVM gives it a value all the same; to ELR_EL1 and SPSR_EL1 it gives none.
 */
static u64 sysregs(void)
{
	u64 sum = HASH_START;

	sum = hash(sum, mrs(tpidr_el0));
	sum = hash(sum, mrs(tpidrro_el0));
	sum = hash(sum, mrs(cpacr_el1));
	sum = hash(sum, mrs(contextidr_el1));
	sum = hash(sum, mrs(mdscr_el1));
	sum = hash(sum, mrs(cntkctl_el1));
	sum = hash(sum, mrs(cntv_ctl_el0));
	sum = hash(sum, mrs(cntp_ctl_el0));
	sum = hash(sum, mrs(sp_el0));
	sum = hash(sum, mrs(esr_el1));
	sum = hash(sum, mrs(far_el1));
	return hash(sum, mrs(par_el1));
}

static void dirty_sysregs(void)
{
	msr(tpidr_el0, 0x1234);
	msr(tpidrro_el0, 0x1234);
	msr(contextidr_el1, 0x1234);
	msr(cntkctl_el1, 0x3);
	msr(sp_el0, 0x1234);
	msr(elr_el1, 0x1234);
	msr(spsr_el1, 0x3c5);
	msr(esr_el1, 0x1234);
	msr(far_el1, 0x1234);
	msr(cntp_cval_el0, 0);
	msr(cntp_ctl_el0, 1);
}

static u64 bytes(u64 sum, const volatile void *at, u64 len)
{
	const volatile u64 *p = at;

	for (u64 i = 0; i < len / 8; i++)
		sum = hash(sum, p[i]);
	return sum;
}

extern u8 _start[];
extern u8 __bss_start[];
extern u8 __bss_end[];

/* A word of each sector: a request of the time before must not come in late. */
static u64 buffers_sum(void)
{
	u64 sum = HASH_START;

	for (u64 at = BUFFERS; at < BUFFERS + REQUESTS * SIZE; at += SECTOR)
		sum = hash(sum, r64(at));
	return sum;
}

/* One word in so many: the rest of RAM has to be zero, as it was at first. */
static u64 touch_ram(bool dirty)
{
	u64 base;
	u64 size = fdt_memory(&base);
	u64 sum = HASH_START;
	u64 first = ALIGN_UP((u64)(unsigned long)__bss_end, 4096ull);
	u64 tree = boot_state.x[0];

	for (u64 at = first; at + 8 <= base + size; at += STRIDE) {
		if (at >= tree && at < tree + MIB(2))
			continue;
		sum = hash(sum, r64(at));
		if (dirty)
			w64(at, 0xdeadbeefdeadbeef);
	}
	return sum;
}

/* The tree, without what is drawn anew for each boot. */
static u64 tree_sum(void)
{
	u8 *tree = (u8 *)(unsigned long)boot_state.x[0];
	struct fdt_node c;
	u32 len;

	if (fdt_find_name("chosen", &c)) {
		static const char *const seeds[] = { "kaslr-seed", "rng-seed" };

		for (u32 i = 0; i < ARRAY_SIZE(seeds); i++) {
			const u8 *seed = fdt_prop(&c, seeds[i], &len);

			if (seed)
				memset(tree + (seed - tree), 0, len);
		}
	}
	return bytes(HASH_START, tree, fdt_total_size());
}

static u64 image_sum(void)
{
	boot_state.cntpct = boot_state.cntvct = 0;
	return bytes(HASH_START, _start, (u64)(__bss_start - _start));
}

static u64 uart_sum(void)
{
	const u8 *p = &uart_reset[0].ier;
	u64 sum = HASH_START;

	for (size_t i = 0; i < sizeof(uart_reset); i++)
		sum = hash(sum, p[i]);
	return sum;
}

#define RTC_DR   0x00
#define RTC_MR   0x04
#define RTC_LR   0x08
#define RTC_CR   0x0c
#define RTC_IMSC 0x10
#define RTC_RIS  0x14

static u64 rtc(void)
{
	struct fdt_node node;
	u64 base;
	u64 size;

	return fdt_find("arm,pl031", 0, &node) && fdt_reg(&node, 0, &base, &size) ? base : 0;
}

/* Its time goes on: a reset does not set a clock back. */
static u64 rtc_sum(void)
{
	u64 base = rtc();
	u64 sum = hash(HASH_START, r32(base + RTC_MR));

	sum = hash(sum, r32(base + RTC_CR));
	sum = hash(sum, r32(base + RTC_IMSC));
	return hash(sum, r32(base + RTC_RIS));
}

static u64 virtio_sum(void)
{
	u64 sum = HASH_START;
	struct vdev d;

	for (u32 i = 0; virtio_find(0, i, &d); i++) {
		sum = hash(sum, r32(d.base + VIRTIO_DEVICE_ID));
		sum = hash(sum, r32(d.base + VIRTIO_STATUS));
		sum = hash(sum, r32(d.base + VIRTIO_INTERRUPT_STATUS));
		for (u32 q = 0; q < 2; q++) {
			w32(d.base + VIRTIO_QUEUE_SEL, q);
			sum = hash(sum, r32(d.base + VIRTIO_QUEUE_NUM_MAX));
			sum = hash(sum, r32(d.base + VIRTIO_QUEUE_READY));
		}
		sum = hash(sum, r32(d.base + VIRTIO_CONFIG_GENERATION));
		sum = hash(sum, r32(d.base + VIRTIO_CONFIG));
	}
	return sum;
}

static void look_from_secondary(u32 cpu)
{
	u64 sum = hash(hash(HASH_START, gic_cpu()), sysregs());

	secondary_sum = hash(sum, (mrs(mpidr_el1) & 0xff00ffffff) == cpu_mpidr(cpu));
	(void)cpu_off();
}

/* The others, one after the other: each has to be off, and then as at its first start. */
static u64 secondaries_sum(void)
{
	u64 sum = HASH_START;

	for (u32 cpu = 1; cpu < n; cpu++) {
		sum = hash(sum, (u64)cpu_affinity_info(cpu));
		sum = hash(sum, (u64)cpu_on(cpu, look_from_secondary));
		sum = hash(sum, cpu_wait_off(cpu));
		sum = hash(sum, secondary_sum);
	}
	return sum;
}

static void say_state(void)
{
	u64 regs = sysregs();
	u64 image = image_sum();
	u64 entry = bytes(HASH_START, &boot_state, sizeof(boot_state));
	u64 ram = touch_ram(false);
	u64 cpus;

	print("boot image=%llx entry=%llx data=%x tree=%llx ram=%llx sysregs=%llx gicd=%llx "
	      "active=%llx gicr=%llx gicc=%llx its=%llx",
	      image, entry, sentinel[0], tree_sum(), ram, regs, gic_config(), gic_activity(),
	      gic_redists(), gic_cpu(), gic_its());
	cpus = secondaries_sum();
	print(" uart=%llx rtc=%llx virtio=%llx cpus=%llx buffers=%llx\n", uart_sum(), rtc_sum(),
	      virtio_sum(), cpus, buffers_sum());
}

static noreturn void reset(void)
{
	s32 code;

	if (how == BY_RESET2)
		code = psci_call(PSCI_SYSTEM_RESET2, 0, 0, 0);
	else if (how == BY_VENDOR)
		code = psci_call(PSCI_32(PSCI_SYSTEM_RESET2), 0x80000001, 0x1234, 0);
	else
		code = psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	console_reset();
	print("not reset: %d\n", code);
	psci_system_off();
}

static void reset_in_handler(u32 intid)
{
	reset();
}

static void go(void)
{
	struct fdt_node node;
	struct fdt_irq irq;

	if (bootarg_u64("irq", 0) && fdt_find("arm,armv8-timer", 0, &node) &&
	    fdt_irq(&node, 2, &irq)) {
		gic_cpu_init();
		gic_enable(&irq, reset_in_handler);
		timer_arm(0);
		irq_on();
		delay_ms(1000);
	}
	reset();
}

static void arrive(u32 cpu)
{
	dirty_sysregs();
	__atomic_add_fetch(&there, 1, __ATOMIC_SEQ_CST);
	while (!now)
		relax();
	if (from == ALL || (from == LAST && cpu == n - 1))
		go();
}

static void spins(u32 cpu)
{
	arrive(cpu);
	for (;;)
		(*(volatile u32 *)&sentinel[1])++;
}

static void suspends(u32 cpu, u32 state)
{
	struct sleep s = { .arg = { PSCI_CPU_SUSPEND, state, (u64)(unsigned long)sleep_entry,
		                    (u64)(unsigned long)&s } };

	arrive(cpu);
	for (;;)
		(void)sleep_call(&s);
}

static void stands_by(u32 cpu)
{
	suspends(cpu, 0);
}

static void powers_down(u32 cpu)
{
	suspends(cpu, 0x10000);
}

static void returns(u32 cpu)
{
	(void)cpu_off();
}

/* The second turns the third on and off all the time. */
static void toggles(u32 cpu)
{
	arrive(cpu);
	if (cpu == 2)
		(void)cpu_off();
	while (cpu != 1)
		relax();
	cpu_prepare(2, returns);
	for (;;)
		(void)cpu_on_prepared(2);
}

/* An abort that KVM has pending must not come to the next boot. The guard is all CPUs', so it stays. */
static void abort_for_ever(void)
{
	fault_guard();
	for (;;)
		__asm__ volatile("stp xzr, xzr, [%0]" : : "r"(0x02000000ull) : "memory");
}

static void aborts(u32 cpu)
{
	arrive(cpu);
	abort_for_ever();
}

static u32 choose(const char *key, const char *const names[], u32 count)
{
	/* The counter's low bits are as good as a die for this. */
	if (bootarg_is(key, "any"))
		return (u32)((ticks() * 0x9e3779b97f4a7c15ull >> 40) % count);
	for (u32 i = 0; i < count; i++) {
		if (bootarg_is(key, names[i]))
			return i;
	}
	return 0;
}

static void dirty_gic(void)
{
	(void)gic_init();
	(void)timer_init();
	for (u32 i = 0; i < 8; i++) {
		struct fdt_irq spi = { .intid = 40 + i, .flags = i % 2 ? 1 : 4 };

		gic_enable(&spi, NULL);
		gic_disorder(40 + i);
	}
	gic_disorder(5);
	gic_disorder(20);
	timer_arm(0);
}

static void dirty_devices(void)
{
	u64 base = rtc();

	w32(base + RTC_LR, 1000000000);
	w32(base + RTC_IMSC, 1);
	w32(base + RTC_MR, r32(base + RTC_DR));
	for (u32 i = 0; i < ARRAY_SIZE(uart_reset); i++) {
		u64 uart = UART0_BASE + i * 0x1000;

		w8(uart + UART_LCR, 0x80);
		w8(uart + UART_DLL, 0x55);
		w8(uart + UART_DLM, 0x55);
		w8(uart + UART_LCR, 0x1b);
		w8(uart + UART_FCR, 0x81);
		w8(uart + UART_IER, 0x0f);
		w8(uart + UART_MCR, 0x1b);
		w8(uart + UART_THR, 'x');
		w8(uart + UART_SCR, 0x55);
	}
}

static void dirty_virtio(void)
{
	struct vdev d;

	for (u32 i = 0; virtio_find(0, i, &d); i++) {
		if (d.id == VIRTIO_ID_BLK || !virtio_negotiate(&d, ~0ull))
			continue;
		(void)virtio_queue(&d, 0, &other_queue, 16);
		virtio_driver_ok(&d);
		vq_set(&other_queue, 0, (void *)(unsigned long)BUFFERS, SIZE, DESC_WRITE, 0);
		vq_offer(&other_queue, 0);
		vq_kick(&other_queue);
	}
}

/* Nobody waits for them: the reset comes while they are under way. */
static void start_requests(void)
{
	if (!bootarg_u64("flight", 0) || !blk_open(&disk, 0, 0, 64))
		return;
	for (u16 i = 0; i < REQUESTS; i++) {
		u16 head = (u16)(3 * i);
		bool in = i % 4 != 3;

		headers[i] =
			(struct blk_header){ in ? BLK_T_IN : BLK_T_OUT, 0, i * (SIZE / SECTOR) };
		vq_set(&disk.q, head, &headers[i], sizeof(headers[i]), DESC_NEXT, (u16)(head + 1));
		vq_set(&disk.q, (u16)(head + 1), (void *)(unsigned long)(BUFFERS + i * SIZE), SIZE,
		       (u16)(DESC_NEXT | (in ? DESC_WRITE : 0)), (u16)(head + 2));
		vq_set(&disk.q, (u16)(head + 2), &statuses[i], 1, DESC_WRITE, 0);
		vq_offer(&disk.q, head);
	}
	vq_kick(&disk.q);
}

static void start_others(enum others others)
{
	static const cpu_fn fns[OTHERS] = {
		[SPIN] = spins,     [STANDBY] = stands_by, [DOWN] = powers_down,
		[TOGGLE] = toggles, [ABORT] = aborts,
	};

	if (others == TOGGLE && n < 3)
		others = SPIN;
	if (others == OFF && from != FIRST)
		others = SPIN;
	if (others == OFF)
		return;
	for (u32 cpu = 1; cpu < n; cpu++)
		(void)cpu_on(cpu, fns[others]);
	(void)wait_value(&there, n - 1);
}

void guest_main(void)
{
	static const char *const hows[HOWS] = { "reset", "reset2", "vendor" };
	static const char *const froms[FROMS] = { "first", "last", "all" };
	static const char *const all_others[OTHERS] = { "off",  "spin",   "standby",
		                                        "down", "toggle", "abort" };
	enum others others;

	n = cpu_count();
	say_state();
	how = choose("how", hows, HOWS);
	from = n > 1 ? choose("from", froms, FROMS) : FIRST;
	others = choose("others", all_others, OTHERS);
	start_others(others);
	(void)touch_ram(true);
	memset(sentinel, 0x55, sizeof(sentinel));
	dirty_sysregs();
	dirty_gic();
	dirty_virtio();
	dirty_devices();
	start_requests();
	now = true;
	dsb();
	if (from != LAST)
		go();
	if (others == ABORT)
		abort_for_ever();
	delay_ms(5000);
	console_reset();
	print("nobody has reset\n");
}
