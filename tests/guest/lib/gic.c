/* SPDX-License-Identifier: MIT */
#include "gic.h"
#include "io.h"
#include "smp.h"

#define GICD_CTLR       0x000
#define GICD_TYPER      0x004
#define GICD_IGROUPR    0x080
#define GICD_ISENABLER  0x100
#define GICD_ICENABLER  0x180
#define GICD_ISPENDR    0x200
#define GICD_ICPENDR    0x280
#define GICD_ISACTIVER  0x300
#define GICD_ICACTIVER  0x380
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR  0x800
#define GICD_ICFGR      0xc00
#define GICD_SGIR       0xf00
#define GICD_IROUTER    0x6000

#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_BPR  0x08
#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

#define GICR_TYPER  0x0008
#define GICR_WAKER  0x0014
#define GICR_SGI    0x10000 /* the frame of SGIs and PPIs */
#define GICR_STRIDE 0x20000

#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_SGI1R_EL1   S3_0_C12_C11_5
#define ICC_IAR1_EL1    S3_0_C12_C12_0
#define ICC_EOIR1_EL1   S3_0_C12_C12_1
#define ICC_BPR1_EL1    S3_0_C12_C12_3
#define ICC_CTLR_EL1    S3_0_C12_C12_4
#define ICC_SRE_EL1     S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7

/* One more step, so that the names above are replaced before they become text. */
#define read_icc(reg)       mrs(reg)
#define write_icc(reg, val) msr(reg, val)

#define PRIORITY 0xa0

static u32 version;
static u64 dist;
static u64 cpuif;
static u64 redists;
static u64 redists_size;
static u64 redist[SMP_MAX_CPUS]; /* GICR frame of each CPU that came up */
static u32 target[SMP_MAX_CPUS]; /* GICv2: bit of the CPU interface */
static gic_handler handlers[GIC_MAX_IRQ];

/* Where the registers of one interrupt are: banked ones in the redistributor on v3. */
static u64 frame_of(u32 intid)
{
	return version == 3 && intid < 32 ? redist[cpu_self()] + GICR_SGI : dist;
}

static u64 find_redist(void)
{
	u64 mpidr = mrs(mpidr_el1);
	u64 aff = (mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff);

	for (u64 r = redists; r < redists + redists_size; r += GICR_STRIDE) {
		if (r64(r + GICR_TYPER) >> 32 == aff)
			return r;
	}
	return redists;
}

static void v3_cpu_init(void)
{
	u64 r = find_redist();

	redist[cpu_self()] = r;
	w32(r + GICR_WAKER, 0);
	while (r32(r + GICR_WAKER) & 4)
		;
	w32(r + GICR_SGI + GICD_ICENABLER, ~0u);
	w32(r + GICR_SGI + GICD_IGROUPR, ~0u);
	for (u32 i = 0; i < 32; i += 4)
		w32(r + GICR_SGI + GICD_IPRIORITYR + i, PRIORITY * 0x01010101u);
	w32(r + GICR_SGI + GICD_ISENABLER, 0xffff);
	write_icc(ICC_SRE_EL1, read_icc(ICC_SRE_EL1) | 7);
	isb();
	write_icc(ICC_PMR_EL1, 0xff);
	write_icc(ICC_BPR1_EL1, 0);
	write_icc(ICC_CTLR_EL1, 0);
	write_icc(ICC_IGRPEN1_EL1, 1);
	isb();
}

static void v2_cpu_init(void)
{
	u32 own = r32(dist + GICD_ITARGETSR) & 0xff;

	/* With a single CPU the register is RAZ/WI: IHI 0048B.b 4.3.12. */
	target[cpu_self()] = own ? own : 1;
	w32(dist + GICD_ICENABLER, 0xffff0000);
	for (u32 i = 0; i < 32; i += 4)
		w32(dist + GICD_IPRIORITYR + i, PRIORITY * 0x01010101u);
	w32(dist + GICD_ISENABLER, 0xffff);
	w32(cpuif + GICC_PMR, 0xff);
	w32(cpuif + GICC_BPR, 0);
	w32(cpuif + GICC_CTLR, 1);
}

void gic_cpu_init(void)
{
	if (version == 3)
		v3_cpu_init();
	else
		v2_cpu_init();
}

static bool find(void)
{
	struct fdt_node n;
	u64 size;

	if (fdt_find("arm,gic-v3", 0, &n)) {
		version = 3;
		return fdt_reg(&n, 0, &dist, &size) && fdt_reg(&n, 1, &redists, &redists_size);
	}
	if (fdt_find("arm,cortex-a15-gic", 0, &n) || fdt_find("arm,gic-400", 0, &n)) {
		version = 2;
		return fdt_reg(&n, 0, &dist, &size) && fdt_reg(&n, 1, &cpuif, &size);
	}
	return false;
}

bool gic_init(void)
{
	u32 lines;

	if (!find())
		return false;
	lines = MIN(((r32(dist + GICD_TYPER) & 0x1f) + 1) * 32, GIC_MAX_IRQ);
	w32(dist + GICD_CTLR, 0);
	for (u32 i = 32; i < lines; i += 32) {
		w32(dist + GICD_ICENABLER + i / 8, ~0u);
		w32(dist + GICD_ICPENDR + i / 8, ~0u);
		w32(dist + GICD_ICACTIVER + i / 8, ~0u);
		if (version == 3)
			w32(dist + GICD_IGROUPR + i / 8, ~0u);
	}
	w32(dist + GICD_CTLR, version == 3 ? 0x12 : 0x01);
	gic_cpu_init();
	return true;
}

u32 gic_version(void)
{
	return version;
}

static void set_trigger(u64 frame, u32 intid, bool edge)
{
	u64 reg = frame + GICD_ICFGR + intid / 16 * 4;
	u32 bit = 2u << (intid % 16 * 2);
	u32 v = r32(reg);

	w32(reg, edge ? v | bit : v & ~bit);
}

void gic_enable(const struct fdt_irq *irq, gic_handler fn)
{
	u64 frame = frame_of(irq->intid);
	u32 n = irq->intid;

	handlers[n] = fn;
	w32(frame + GICD_ICENABLER + n / 32 * 4, 1u << n % 32);
	w8(frame + GICD_IPRIORITYR + n, PRIORITY);
	if (n >= 16)
		set_trigger(frame, n, irq->flags & 3);
	/* An edge from before would stay pending, whatever it is called now. */
	w32(frame + GICD_ICPENDR + n / 32 * 4, 1u << n % 32);
	if (n >= 32 && version == 3)
		w64(dist + GICD_IROUTER + n * 8, mrs(mpidr_el1) & 0xff00ffffffull);
	if (n >= 32 && version == 2)
		w8(dist + GICD_ITARGETSR + n, (u8)target[cpu_self()]);
	w32(frame + GICD_ISENABLER + n / 32 * 4, 1u << n % 32);
	dsb();
}

void gic_disable(u32 intid)
{
	w32(frame_of(intid) + GICD_ICENABLER + intid / 32 * 4, 1u << intid % 32);
	dsb();
}

void gic_disorder(u32 intid)
{
	u64 frame = frame_of(intid);

	w8(frame + GICD_IPRIORITYR + intid, PRIORITY ^ 0x50);
	w32(frame + GICD_ISPENDR + intid / 32 * 4, 1u << intid % 32);
	w32(frame + GICD_ISACTIVER + intid / 32 * 4, 1u << intid % 32);
	dsb();
}

bool gic_pending(u32 intid)
{
	return r32(frame_of(intid) + GICD_ISPENDR + intid / 32 * 4) >> intid % 32 & 1;
}

void gic_send_sgi(u32 cpu, u32 sgi)
{
	u64 m = cpu_mpidr(cpu);

	dsb();
	if (version == 2) {
		w32(dist + GICD_SGIR, target[cpu] << 16 | sgi);
		return;
	}
	write_icc(ICC_SGI1R_EL1, (m >> 32 & 0xff) << 48 | (m >> 4 & 0xf) << 44 |
	                                 (m >> 16 & 0xff) << 32 | (u64)sgi << 24 |
	                                 (m >> 8 & 0xff) << 16 | BIT(m & 0xf));
	isb();
}

void gic_dispatch(void)
{
	u32 iar = version == 3 ? (u32)read_icc(ICC_IAR1_EL1) : r32(cpuif + GICC_IAR);
	u32 intid = version == 3 ? iar & 0xffffff : iar & 0x3ff;

	dsb();
	if (intid >= GIC_MAX_IRQ)
		return;
	if (handlers[intid])
		handlers[intid](intid);
	if (version == 3)
		write_icc(ICC_EOIR1_EL1, iar);
	else
		w32(cpuif + GICC_EOIR, iar);
	isb();
}
