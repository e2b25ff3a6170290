/* SPDX-License-Identifier: MIT */
/*
 * Device accesses, system registers and barriers. The loads and stores are
 * written out, because a compiler is free to pick a form with write-back, whose
 * abort carries no syndrome and which no monitor can then emulate.
 */
#ifndef GUEST_IO_H
#define GUEST_IO_H

#include "types.h"

static inline u8 r8(u64 addr)
{
	u32 v;

	__asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return (u8)v;
}

static inline u16 r16(u64 addr)
{
	u32 v;

	__asm__ volatile("ldrh %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return (u16)v;
}

static inline u32 r32(u64 addr)
{
	u32 v;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline u64 r64(u64 addr)
{
	u64 v;

	__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline void w8(u64 addr, u8 v)
{
	__asm__ volatile("strb %w0, [%1]" : : "rZ"((u32)v), "r"(addr) : "memory");
}

static inline void w16(u64 addr, u16 v)
{
	__asm__ volatile("strh %w0, [%1]" : : "rZ"((u32)v), "r"(addr) : "memory");
}

static inline void w32(u64 addr, u32 v)
{
	__asm__ volatile("str %w0, [%1]" : : "rZ"(v), "r"(addr) : "memory");
}

static inline void w64(u64 addr, u64 v)
{
	__asm__ volatile("str %x0, [%1]" : : "rZ"(v), "r"(addr) : "memory");
}

/* mrs(CNTFRQ_EL0): a name the assembler knows, or S<op0>_<op1>_C<n>_C<m>_<op2>. */
#define mrs(reg)                                                                                   \
	({                                                                                         \
		u64 mrs_v;                                                                         \
		__asm__ volatile("mrs %0, " #reg : "=r"(mrs_v) : : "memory");                      \
		mrs_v;                                                                             \
	})
#define msr(reg, val) __asm__ volatile("msr " #reg ", %x0" : : "rZ"((u64)(val)) : "memory")

static inline void isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

static inline void dsb(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

static inline void dmb(void)
{
	__asm__ volatile("dmb sy" : : : "memory");
}

static inline void wfi(void)
{
	__asm__ volatile("dsb sy; wfi" : : : "memory");
}

/*
 * In a loop that waits for another CPU: lets others have the host's CPU, if there are fewer
 * of them. The event stream ends the WFE of a CPU that nobody sends an event.
 */
static inline void relax(void)
{
	__asm__ volatile("msr cntkctl_el1, %0; wfe" : : "r"(BIT(2) | 13u << 4) : "memory");
}

static inline void irq_on(void)
{
	__asm__ volatile("msr daifclr, #2; isb" : : : "memory");
}

static inline void irq_off(void)
{
	__asm__ volatile("msr daifset, #2; isb" : : : "memory");
}

/* The virtual counter, read in order with what stands before it. */
static inline u64 ticks(void)
{
	isb();
	return mrs(cntvct_el0);
}

static inline u64 ticks_per_s(void)
{
	return mrs(cntfrq_el0);
}

static inline u64 ms_to_ticks(u64 ms)
{
	return ticks_per_s() * ms / 1000;
}

/* True once @ms milliseconds have passed since @start, a value of ticks(). */
static inline bool passed_ms(u64 start, u64 ms)
{
	return ticks() - start >= ms_to_ticks(ms);
}

static inline void delay_ms(u64 ms)
{
	u64 start = ticks();

	while (!passed_ms(start, ms))
		;
}

#endif
