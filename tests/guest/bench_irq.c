/* SPDX-License-Identifier: MIT */
/*
 * What interrupts cost, in ticks of the counter. Lines "name ticks count", the best of three:
 *
 *   irq_iar          acknowledging a pending interrupt, with interrupts masked
 *   irq_eoi          ending it
 *   irq_exit         a load from a register of the RTC, there and back: for comparison
 *   irq_timer        from the time that CNTV_CVAL_EL0 names to its handler's first instruction
 *   irq_timer_whole  ... to the loop that was interrupted
 *   irq_device       from the store that makes the RTC raise its line to the handler
 *   irq_device_whole ... to the loop, the line being low again
 *   irq_ipi_spin     an SGI to the other CPU, which spins, and its handler's SGI back, up to the
 *                    loop that sent the first
 *   irq_ipi_spin_to  ... up to the other CPU's handler
 *   irq_ipi_wfi      the same with the other CPU asleep in WFI
 *   irq_ipi_wfi_to
 *
 * Loops that wait for the other CPU say YIELD. Where CPUs are emulated one at a time, the other
 * one runs then, and not before: what is counted is all that both do until they wait, one after
 * the other, the end of the other's interrupt included.
 */
#include "guest.h"

#define N        500
#define N_ASLEEP 50
#define SLEEP_MS 2 /* longer than KVM polls before it puts a CPU to sleep */
#define DUE      20000 /* ns: later than the way back from a timer's last write */

enum {
	SGI_SELF = 1,
	SGI_PING,
	SGI_PONG,
};

enum { RTCDR = 0x00, RTCMR = 0x04, RTCIMSC = 0x10, RTCRIS = 0x14 };

#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

/* Sums of a round's times, in ticks. */
struct times {
	u64 t[2];
};

static u64 rtc;
static u64 cpuif; /* 0: GICv3, by system registers */
static struct fdt_irq rtc_irq;
static struct fdt_irq timer_irq;

static volatile u64 entered; /* when the handler began; 0: not yet */
static volatile bool pong;
static volatile bool asleep; /* the other CPU is to be */
static volatile u32 loops; /* the other CPU's */

static void yield(void)
{
	__asm__ volatile("yield" : : : "memory");
}

static u64 wait_entered(void)
{
	while (!entered)
		;
	return ticks();
}

static struct times exits(void)
{
	u64 start = ticks();

	for (u32 i = 0; i < N; i++)
		(void)r32(rtc + RTCMR);
	return (struct times){ { ticks() - start } };
}

static u32 acknowledge(void)
{
	return cpuif ? r32(cpuif + GICC_IAR) : (u32)mrs(S3_0_C12_C12_0);
}

static void end(u32 iar)
{
	if (cpuif)
		w32(cpuif + GICC_EOIR, iar);
	else
		msr(S3_0_C12_C12_1, iar);
}

static struct times acknowledge_and_end(void)
{
	struct times sum = { { 0 } };

	for (u32 i = 0; i < N; i++) {
		u64 start, between;
		u32 iar;

		gic_send_sgi(0, SGI_SELF);
		start = ticks();
		iar = acknowledge();
		between = ticks();
		end(iar);
		sum.t[1] += ticks() - between;
		sum.t[0] += between - start;
		if ((iar & 0x3ff) != SGI_SELF)
			print("# acknowledged %u instead of %u\n", iar, SGI_SELF);
	}
	return sum;
}

static void on_timer(u32 intid)
{
	entered = ticks();
	msr(cntv_ctl_el0, 0);
	isb();
}

static struct times timer(void)
{
	struct times sum = { { 0 } };

	irq_on();
	for (u32 i = 0; i < N; i++) {
		u64 due = ticks() + ticks_per_s() / 1000 * DUE / 1000000;

		entered = 0;
		msr(cntv_cval_el0, due);
		msr(cntv_ctl_el0, 1);
		isb();
		sum.t[1] += wait_entered() - due;
		sum.t[0] += entered - due;
	}
	irq_off();
	return sum;
}

static void on_rtc(u32 intid)
{
	entered = ticks();
	w32(rtc + RTCIMSC, 0);
}

static struct times device(void)
{
	struct times sum = { { 0 } };

	while (!r32(rtc + RTCRIS))
		w32(rtc + RTCMR, r32(rtc + RTCDR));
	irq_on();
	for (u32 i = 0; i < N; i++) {
		u64 start;

		entered = 0;
		start = ticks();
		w32(rtc + RTCIMSC, 1);
		sum.t[1] += wait_entered() - start;
		sum.t[0] += entered - start;
	}
	irq_off();
	return sum;
}

static void on_ping(u32 intid)
{
	entered = ticks();
	gic_send_sgi(0, SGI_PONG);
}

static void on_pong(u32 intid)
{
	pong = true;
}

static void other_cpu(u32 cpu)
{
	gic_cpu_init();
	irq_on();
	while (!asleep) {
		loops++;
		yield();
	}
	for (;;)
		wfi();
}

/* Twice: it may have been interrupted between load and store. */
static void wait_spinning(void)
{
	for (u32 i = 0; i < 2; i++) {
		u32 before = loops;

		while (loops == before)
			yield();
	}
}

static void ping(struct times *sum)
{
	u64 start;

	pong = false;
	start = ticks();
	gic_send_sgi(1, SGI_PING);
	while (!pong)
		yield();
	sum->t[0] += ticks() - start;
	sum->t[1] += entered - start;
}

static struct times ipi_spin(void)
{
	struct times sum = { { 0 } };

	irq_on();
	for (u32 i = 0; i < N; i++) {
		wait_spinning();
		ping(&sum);
	}
	irq_off();
	return sum;
}

/* Both CPUs. */
static void sleep(void)
{
	entered = 0;
	msr(cntv_cval_el0, ticks() + ms_to_ticks(SLEEP_MS));
	msr(cntv_ctl_el0, 1);
	isb();
	while (!entered) {
		wfi();
		irq_on();
		irq_off();
	}
}

static struct times ipi_wfi(void)
{
	struct times sum = { { 0 } };

	asleep = true;
	for (u32 i = 0; i < N_ASLEEP; i++) {
		sleep();
		irq_on();
		ping(&sum);
		irq_off();
	}
	return sum;
}

/* @second: NULL: there is only one time in a round. */
static void best_of_three(struct times (*round)(void), u32 count, const char *first,
                          const char *second)
{
	struct times best = { { ~0ull, ~0ull } };

	for (u32 i = 0; i < 3; i++) {
		struct times sum = round();

		for (u32 t = 0; t < ARRAY_SIZE(best.t); t++)
			best.t[t] = MIN(best.t[t], sum.t[t]);
	}
	print("%s %llu %u\n", first, best.t[0], count);
	if (second)
		print("%s %llu %u\n", second, best.t[1], count);
}

static bool find(void)
{
	struct fdt_node n;
	u64 size;

	if (!gic_init())
		return false;
	if (fdt_find("arm,cortex-a15-gic", 0, &n) && !fdt_reg(&n, 1, &cpuif, &size))
		return false;
	return fdt_find("arm,armv8-timer", 0, &n) && fdt_irq(&n, 2, &timer_irq);
}

static bool find_rtc(void)
{
	struct fdt_node n;
	u64 size;

	return fdt_find("arm,pl031", 0, &n) && fdt_reg(&n, 0, &rtc, &size) &&
	       fdt_irq(&n, 0, &rtc_irq);
}

void guest_main(void)
{
	static const struct fdt_irq sgi_ping = { .intid = SGI_PING };
	static const struct fdt_irq sgi_pong = { .intid = SGI_PONG };

	print("ticks_per_second %llu\n", ticks_per_s());
	if (!find())
		return;
	best_of_three(acknowledge_and_end, N, "irq_iar", "irq_eoi");
	gic_enable(&timer_irq, on_timer);
	best_of_three(timer, N, "irq_timer", "irq_timer_whole");
	if (find_rtc()) {
		gic_enable(&rtc_irq, on_rtc);
		best_of_three(exits, N, "irq_exit", NULL);
		best_of_three(device, N, "irq_device", "irq_device_whole");
	}
	gic_enable(&sgi_ping, on_ping);
	gic_enable(&sgi_pong, on_pong);
	if (cpu_count() < 2 || cpu_on(1, other_cpu) != PSCI_SUCCESS)
		return;
	best_of_three(ipi_spin, N, "irq_ipi_spin", "irq_ipi_spin_to");
	best_of_three(ipi_wfi, N_ASLEEP, "irq_ipi_wfi", "irq_ipi_wfi_to");
}
