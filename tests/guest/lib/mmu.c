/* SPDX-License-Identifier: MIT */
#include "mmu.h"
#include "io.h"

#define BLOCK_RAM (BIT(10) | (3u << 8) | (1u << 2) | 1u)
#define TCR_EPD1  BIT(23)

extern u64 page_table[512];

static void flush_tlb(void)
{
	__asm__ volatile("dsb sy; tlbi vmalle1; dsb sy; isb" : : : "memory");
}

void mmu_add_ram(u64 size)
{
	u64 first = RAM_BASE >> 30;
	u64 end = MIN(first + ((size + BIT(30) - 1) >> 30), 256);

	for (u64 i = first + 1; i < end; i++) {
		page_table[i] = 0;
		flush_tlb();
		page_table[i] = i << 30 | BLOCK_RAM;
	}
	flush_tlb();
}

void mmu_point_ttbr1(u64 pa)
{
	u64 tcr = mrs(tcr_el1);

	msr(ttbr1_el1, pa);
	msr(tcr_el1, pa ? tcr & ~TCR_EPD1 : tcr | TCR_EPD1);
	flush_tlb();
}
