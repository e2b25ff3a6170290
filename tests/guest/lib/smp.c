/* SPDX-License-Identifier: MIT */
#include "smp.h"
#include "fdt.h"
#include "io.h"
#include "psci.h"
#include "str.h"

#define STACK_SIZE 8192

void cpu_start_c(struct cpu_start *s);

static struct cpu_start records[SMP_MAX_CPUS];
static u8 stacks[SMP_MAX_CPUS][STACK_SIZE] __attribute__((aligned(16)));
static u64 mpidrs[SMP_MAX_CPUS];
static u32 count;

static void find_cpus(void)
{
	struct fdt_node n;
	u64 size;

	for (n = fdt_first(); count < SMP_MAX_CPUS && fdt_next(&n);) {
		if (strcmp(fdt_str(&n, "device_type"), "cpu") == 0 &&
		    fdt_reg(&n, 0, &mpidrs[count], &size))
			count++;
	}
}

u32 cpu_count(void)
{
	if (!count)
		find_cpus();
	return count;
}

u64 cpu_mpidr(u32 cpu)
{
	return cpu < cpu_count() ? mpidrs[cpu] : 0;
}

u32 cpu_self(void)
{
	return (u32)mrs(tpidr_el1);
}

const volatile struct cpu_start *cpu_record(u32 cpu)
{
	return &records[cpu];
}

void cpu_start_c(struct cpu_start *s)
{
	msr(tpidr_el1, s->cpu);
	s->mpidr = mrs(mpidr_el1);
	dmb();
	s->starts++;
	s->fn(s->cpu);
}

u64 cpu_stack(u32 cpu)
{
	return (u64)(unsigned long)stacks[cpu] + STACK_SIZE;
}

void cpu_prepare(u32 cpu, cpu_fn fn)
{
	struct cpu_start *s = &records[cpu];

	s->fn = fn;
	s->cpu = cpu;
	s->stack = cpu_stack(cpu);
	dsb();
}

s32 cpu_on_as(u32 cpu, struct cpu_start *as)
{
	return psci_call(PSCI_CPU_ON, cpu_mpidr(cpu), (u64)(unsigned long)secondary_start,
	                 (u64)(unsigned long)as);
}

s32 cpu_on_prepared(u32 cpu)
{
	return cpu_on_as(cpu, &records[cpu]);
}

s32 cpu_on(u32 cpu, cpu_fn fn)
{
	cpu_prepare(cpu, fn);
	return cpu_on_prepared(cpu);
}

s32 cpu_off(void)
{
	return psci_call(PSCI_CPU_OFF, 0, 0, 0);
}

s32 cpu_affinity_info(u32 cpu)
{
	return psci_call(PSCI_AFFINITY_INFO, cpu_mpidr(cpu), 0, 0);
}

bool cpu_wait_off(u32 cpu)
{
	u64 start = ticks();

	while (cpu_affinity_info(cpu) != AFFINITY_OFF && !passed_ms(start, 5000))
		relax();
	return cpu_affinity_info(cpu) == AFFINITY_OFF;
}

bool wait_value(const volatile u32 *v, u32 want)
{
	u64 start = ticks();

	while (*v != want && !passed_ms(start, 5000))
		relax();
	return *v == want;
}

void spin_lock(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
		__asm__ volatile("yield");
}

void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}
