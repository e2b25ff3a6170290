/* SPDX-License-Identifier: MIT */
/*
 * What power costs, in ticks of the counter: a PSCI_VERSION there and back and a device's
 * read for comparison, a CPU_ON up to the first instruction of the CPU, and a CPU that goes
 * off after it has turned the other one on.
 */
#include "guest.h"

#define CALLS 1000
#define ONS   50
#define HOPS  200

/* Known to bench_stamp: where it stamps, and what it calls then. */
static struct {
	volatile u64 first_instruction;
	u64 fid;
} stamp = { 0, PSCI_CPU_OFF };

static volatile u32 hops;
static u64 hops_start;

/* The first instruction, before anything else; memory only once the MMU is on. */
__asm__(".pushsection .text\n"
        "bench_stamp:\n"
        "	mrs	x11, cntvct_el0\n"
        "	bl	mmu_on\n"
        "	str	x11, [x0]\n"
        "	ldr	x0, [x0, #8]\n"
        "	hvc	#0\n"
        "1:	b	1b\n"
        ".popsection");
void bench_stamp(void);

/* Without psci_call()'s look at the device tree. */
static u64 hvc(u64 fid, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 __asm__("x0") = fid;
	register u64 x1 __asm__("x1") = a1;
	register u64 x2 __asm__("x2") = a2;
	register u64 x3 __asm__("x3") = a3;

	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	return x0;
}

static u64 version_calls(void)
{
	u64 start = ticks();

	for (u32 i = 0; i < CALLS; i++)
		(void)hvc(PSCI_VERSION, 0, 0, 0);
	return ticks() - start;
}

static u64 mmio_reads(void)
{
	u64 start = ticks();

	for (u32 i = 0; i < CALLS; i++)
		(void)r8(UART0_BASE + UART_SCR);
	return ticks() - start;
}

/* The caller sleeps meanwhile: where CPUs are emulated one at a time it would be in the way. */
static u64 turn_ons(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < ONS; i++) {
		u64 start;

		stamp.first_instruction = 0;
		dsb();
		timer_arm(5);
		start = ticks();
		(void)hvc(PSCI_CPU_ON, cpu_mpidr(1), (u64)(unsigned long)bench_stamp,
		          (u64)(unsigned long)&stamp);
		while (!stamp.first_instruction)
			wfi();
		sum += stamp.first_instruction - start;
		while (cpu_affinity_info(1) != AFFINITY_OFF)
			wfi();
	}
	timer_stop();
	return sum;
}

static void best_of_three(const char *name, u64 (*measure)(void))
{
	u64 best = ~0ull;

	for (u32 i = 0; i < 3; i++) {
		u64 t = measure();

		best = MIN(best, t);
	}
	print("%s %llu\n", name, best);
}

/* Either CPU, having been turned on by the other. The boot CPU has the last word. */
static void hop(u32 cpu)
{
	if (++hops >= HOPS && cpu == 0) {
		print("cpu_cycle %llu\n", ticks() - hops_start);
		print("hops %u\n", hops);
		psci_system_off();
	}
	while (cpu_on_prepared(!cpu) == PSCI_ALREADY_ON)
		;
	(void)cpu_off();
}

void guest_main(void)
{
	(void)gic_init();
	(void)timer_init();
	print("ticks_per_second %llu\n", ticks_per_s());
	best_of_three("psci_version", version_calls);
	best_of_three("mmio_exit", mmio_reads);
	best_of_three("cpu_on", turn_ons);
	cpu_prepare(0, hop);
	cpu_prepare(1, hop);
	hops_start = ticks();
	(void)cpu_on_prepared(1);
	(void)cpu_off();
}
