/* SPDX-License-Identifier: MIT */
#include "gic_state.h"
#include "fdt.h"
#include "io.h"

#define GICD_CTLR       0x000
#define GICD_TYPER      0x004
#define GICD_IGROUPR    0x080
#define GICD_ISENABLER  0x100
#define GICD_ISPENDR    0x200
#define GICD_ISACTIVER  0x300
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR  0x800
#define GICD_ICFGR      0xc00
#define GICD_CPENDSGIR  0xf10
#define GICD_IROUTER    0x6000

#define GICR_CTLR      0x0000
#define GICR_TYPER     0x0008
#define GICR_WAKER     0x0014
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078
#define GICR_SGI       0x10000
#define GICR_STRIDE    0x20000
#define GICR_LAST      BIT(4)

#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_BPR0_EL1    S3_0_C12_C8_3
#define ICC_AP0R0_EL1   S3_0_C12_C8_4
#define ICC_AP1R0_EL1   S3_0_C12_C9_0
#define ICC_RPR_EL1     S3_0_C12_C11_3
#define ICC_BPR1_EL1    S3_0_C12_C12_3
#define ICC_CTLR_EL1    S3_0_C12_C12_4
#define ICC_IGRPEN0_EL1 S3_0_C12_C12_6
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define read_icc(reg)   mrs(reg)

static bool find(u32 *version, struct fdt_node *n)
{
	*version = 3;
	if (fdt_find("arm,gic-v3", 0, n))
		return true;
	*version = 2;
	return fdt_find("arm,cortex-a15-gic", 0, n) || fdt_find("arm,gic-400", 0, n);
}

static u64 words(u64 sum, u64 base, u32 bytes)
{
	for (u32 i = 0; i < bytes; i += 4)
		sum = hash(sum, r32(base + i));
	return sum;
}

static u32 lines(u64 dist)
{
	return MIN(((r32(dist + GICD_TYPER) & 0x1f) + 1) * 32, 1020);
}

u64 gic_config(void)
{
	u64 sum = HASH_START;
	struct fdt_node n;
	u32 version;
	u64 dist;
	u64 size;

	if (!find(&version, &n) || !fdt_reg(&n, 0, &dist, &size))
		return 0;
	sum = words(sum, dist + GICD_CTLR, 8);
	sum = words(sum, dist + GICD_IGROUPR, lines(dist) / 8);
	sum = words(sum, dist + GICD_ISENABLER, lines(dist) / 8);
	sum = words(sum, dist + GICD_IPRIORITYR, lines(dist));
	sum = words(sum, dist + GICD_ICFGR, lines(dist) / 4);
	if (version == 2)
		sum = words(sum, dist + GICD_ITARGETSR, lines(dist));
	for (u32 i = 32; version == 3 && i < lines(dist); i++)
		sum = hash(sum, r64(dist + GICD_IROUTER + i * 8));
	return sum;
}

u64 gic_activity(void)
{
	u64 sum = HASH_START;
	struct fdt_node n;
	u32 version;
	u64 dist;
	u64 size;

	if (!find(&version, &n) || !fdt_reg(&n, 0, &dist, &size))
		return 0;
	sum = words(sum, dist + GICD_ISPENDR, lines(dist) / 8);
	sum = words(sum, dist + GICD_ISACTIVER, lines(dist) / 8);
	return version == 2 ? words(sum, dist + GICD_CPENDSGIR, 16) : sum;
}

static u64 one_redist(u64 sum, u64 r)
{
	sum = hash(sum, r32(r + GICR_CTLR));
	sum = hash(sum, r32(r + GICR_WAKER));
	sum = hash(sum, r64(r + GICR_PROPBASER));
	sum = hash(sum, r64(r + GICR_PENDBASER));
	sum = hash(sum, r32(r + GICR_SGI + GICD_IGROUPR));
	sum = hash(sum, r32(r + GICR_SGI + GICD_ISENABLER));
	sum = hash(sum, r32(r + GICR_SGI + GICD_ISPENDR));
	sum = hash(sum, r32(r + GICR_SGI + GICD_ISACTIVER));
	sum = words(sum, r + GICR_SGI + GICD_IPRIORITYR, 32);
	return words(sum, r + GICR_SGI + GICD_ICFGR, 8);
}

u64 gic_redists(void)
{
	u64 sum = HASH_START;
	struct fdt_node n;
	u32 version;
	u64 base;
	u64 size;

	if (!find(&version, &n) || version == 2 || !fdt_reg(&n, 1, &base, &size))
		return 0;
	for (u64 r = base; r < base + size; r += GICR_STRIDE) {
		sum = one_redist(sum, r);
		if (r64(r + GICR_TYPER) & GICR_LAST)
			break;
	}
	return sum;
}

static u64 v3_cpu(void)
{
	u64 sum = HASH_START;

	sum = hash(sum, read_icc(ICC_PMR_EL1));
	sum = hash(sum, read_icc(ICC_BPR0_EL1));
	sum = hash(sum, read_icc(ICC_BPR1_EL1));
	sum = hash(sum, read_icc(ICC_AP0R0_EL1));
	sum = hash(sum, read_icc(ICC_AP1R0_EL1));
	sum = hash(sum, read_icc(ICC_RPR_EL1));
	sum = hash(sum, read_icc(ICC_CTLR_EL1));
	sum = hash(sum, read_icc(ICC_IGRPEN0_EL1));
	return hash(sum, read_icc(ICC_IGRPEN1_EL1));
}

u64 gic_cpu(void)
{
	u64 sum = HASH_START;
	struct fdt_node n;
	u32 version;
	u64 base;
	u64 size;

	if (!find(&version, &n))
		return 0;
	if (version == 3)
		return v3_cpu();
	if (!fdt_reg(&n, 1, &base, &size))
		return 0;
	/*
	 * CTLR, PMR, BPR; RPR; ABPR; APR0. IAR, between them, would take an interrupt, and HPPIR
	 * says what is pending: what has woken the CPU is.
	 */
	sum = words(sum, base, 12);
	sum = words(sum, base + 0x14, 4);
	sum = words(sum, base + 0x1c, 4);
	return words(sum, base + 0xd0, 4);
}

u64 gic_its(void)
{
	u64 sum = HASH_START;
	struct fdt_node n;
	u64 base;
	u64 size;

	if (!fdt_find("arm,gic-v3-its", 0, &n) || !fdt_reg(&n, 0, &base, &size))
		return 0;
	/* CTLR; CBASER, CWRITER, CREADR; BASERn. */
	sum = words(sum, base, 4);
	sum = words(sum, base + 0x80, 24);
	return words(sum, base + 0x100, 64);
}
