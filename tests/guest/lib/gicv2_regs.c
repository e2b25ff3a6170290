/* SPDX-License-Identifier: MIT */
/* What each register keeps, before anything else has touched the GIC and after. */
#include "gicv2.h"

/* Before section(), which sets everything up: nothing may be measured yet. */
static void reset_values(void)
{
	static const struct {
		const char *name;
		u32 reg;
		u32 want;
	} d[] = {
		{ "gicd_ctlr", GICD_CTLR, 0 },
		{ "spi_isenabler", GICD_ISENABLER + SPI_BANK * 4, 0 },
		{ "spi_ispendr", GICD_ISPENDR + SPI_BANK * 4, 0 },
		{ "spi_isactiver", GICD_ISACTIVER + SPI_BANK * 4, 0 },
		{ "isactiver0", GICD_ISACTIVER, 0 },
		{ "igroupr0", GICD_IGROUPR, 0 },
		{ "spi_igroupr", GICD_IGROUPR + SPI_BANK * 4, 0 },
		{ "spi_ipriorityr", GICD_IPRIORITYR + SPI_A, 0 },
		{ "cpendsgir", GICD_CPENDSGIR, 0 },
		{ "spendsgir", GICD_SPENDSGIR, 0 },
	}, c[] = {
		{ "gicc_ctlr", GICC_CTLR, 0 },
		{ "gicc_pmr", GICC_PMR, 0 },
		{ "gicc_rpr", GICC_RPR, IDLE },
		{ "gicc_hppir", GICC_HPPIR, SPURIOUS },
		{ "gicc_ahppir", GICC_AHPPIR, SPURIOUS },
		{ "gicc_iar", GICC_IAR, SPURIOUS },
		{ "gicc_aiar", GICC_AIAR, SPURIOUS },
		{ "gicc_apr0", GICC_APR, 0 },
	};
	u32 vd[ARRAY_SIZE(d)];
	u32 vc[ARRAY_SIZE(c)];
	u32 bpr = gicc(GICC_BPR);
	u32 abpr = gicc(GICC_ABPR);
	u32 enabled = gicd(GICD_ISENABLER);
	u32 targets = gicd(GICD_ITARGETSR + SPI_A);
	u32 trigger = gicd(GICD_ICFGR + SPI_A / 4);

	for (u32 i = 0; i < ARRAY_SIZE(d); i++)
		vd[i] = gicd(d[i].reg);
	for (u32 i = 0; i < ARRAY_SIZE(c); i++)
		vc[i] = gicc(c[i].reg);
	section("reset");
	for (u32 i = 0; i < ARRAY_SIZE(d); i++)
		see(d[i].name, vd[i], d[i].want);
	for (u32 i = 0; i < ARRAY_SIZE(c); i++)
		see(c[i].name, vc[i], c[i].want);
	see("bpr_is_minimum", bpr == g2.bpr_min, 1);
	see("abpr_is_one_more", abpr - bpr, 1);
	impl("isenabler0", enabled);
	impl("spi_itargetsr", targets);
	impl("spi_icfgr", trigger);
}

static void identification(void)
{
	u32 typer = gicd(GICD_TYPER);

	section("id");
	impl("typer", typer);
	see("typer.cpus", typer >> 5 & 7, g2.cpus - 1);
	see("typer.no_security", typer >> 10, 0);
	set_gicd(GICD_TYPER, ~typer);
	see("typer.read_only", gicd(GICD_TYPER) == typer, 1);
	impl("gicd_iidr", gicd(GICD_IIDR));
	impl("gicc_iidr", gicc(GICC_IIDR));
	see("gicc_iidr.version", gicc(GICC_IIDR) >> 16 & 0xf, 2);
	see("icpidr2.version", gicd(GICD_ICPIDR2) >> 4 & 0xf, 2);
	impl("cidr0", gicd(0xff0));
	impl("priority_bits", 8u - (u32)__builtin_ctz(g2.lowest));
	impl("bpr_min", g2.bpr_min);
	see("pmr_as_priorities", g2.pmr_max == g2.lowest, 1);
}

/* A pair of registers, one of which sets and one clears bits; both show them. */
static void set_and_clear(const char *name, u32 set, u32 clear)
{
	section(name);
	set_gicd(GICD_CTLR, 0);
	set_gicd(set, 0x00ff0f0f);
	see("set", gicd(set), 0x00ff0f0f);
	see("set_in_clear", gicd(clear), 0x00ff0f0f);
	set_gicd(set, 0);
	see("set_0", gicd(set), 0x00ff0f0f);
	set_gicd(set, 0x01000000);
	see("set_more", gicd(set), 0x01ff0f0f);
	set_gicd(clear, 0);
	see("clear_0", gicd(set), 0x01ff0f0f);
	set_gicd(clear, 0x01ff0f00);
	see("clear", gicd(set), 0x0000000f);
	see("clear_in_clear", gicd(clear), 0x0000000f);
	set_gicd(clear, ~0u);
	see("clear_all", gicd(set), 0);
}

static void priority_register(void)
{
	u64 a = g2.dist + GICD_IPRIORITYR + SPI_A;

	section("ipriorityr");
	w32(a, 0xe0c0a080);
	see("word", r32(a), 0xe0c0a080);
	see("byte0", r8(a), 0x80);
	see("byte1", r8(a + 1), 0xa0);
	see("byte3", r8(a + 3), 0xe0);
	w8(a + 1, 0x20);
	see("byte1_written", r32(a), 0xe0c02080);
	w32(a, ~0u);
	see("all_alike", r32(a) == g2.lowest * 0x01010101u, 1);
	impl("half_read", r16(a));
	w16(a, 0x4040);
	impl("half_written", r32(a));
}

static void target_register(void)
{
	u64 a = g2.dist + GICD_ITARGETSR + SPI_A;
	u32 all = ((1u << g2.cpus) - 1) * 0x01010101u;

	section("itargetsr");
	w32(a, ~0u);
	see("all", (r32(a) & all) == all, 1);
	if (g2.cpus < 8)
		see("no_cpu", (r32(a) & ~all) != 0, 0);
	see("byte", r8(a + 2) == r32(a) >> 24, 1);
	w8(a + 1, 0);
	see("byte_written", (r32(a) & all) == (all & ~0xff00u), 1);
	w32(a, 0);
	see("none", r32(a), 0);
	for (u32 i = 0; i < 32; i += 28) {
		see(i ? "ppi" : "sgi", gicd(GICD_ITARGETSR + i), 0x01010101);
		set_gicd(GICD_ITARGETSR + i, ~0u);
		see(i ? "ppi_read_only" : "sgi_read_only", gicd(GICD_ITARGETSR + i), 0x01010101);
	}
}

/* With a single CPU they are RAZ/WI: 4.3.12. */
static void target_register_of_one(void)
{
	section("itargetsr1");
	set_gicd(GICD_ITARGETSR + SPI_A, ~0u);
	see("spi", gicd(GICD_ITARGETSR + SPI_A), 0);
	see("sgi", gicd(GICD_ITARGETSR), 0);
	see("ppi", gicd(GICD_ITARGETSR + 28), 0);
}

static void trigger_register(void)
{
	u32 reg = GICD_ICFGR + SPI_A / 4;

	section("icfgr");
	set_gicd(reg, 0);
	see("level", gicd(reg) & 0xaaaaaaaa, 0);
	set_gicd(reg, 0xaaaaaaaa);
	see("edge", gicd(reg) & 0xaaaaaaaa, 0xaaaaaaaa);
	set_gicd(reg, 0x80020008);
	see("mixed", gicd(reg) & 0xaaaaaaaa, 0x80020008);
	set_gicd(reg, 0x55555555);
	see("low_bits", gicd(reg) & 0xaaaaaaaa, 0);
	impl("low_bits_kept", gicd(reg));
	see("sgis", gicd(GICD_ICFGR) & 0xaaaaaaaa, 0xaaaaaaaa);
	set_gicd(GICD_ICFGR, 0);
	see("sgis_read_only", gicd(GICD_ICFGR) & 0xaaaaaaaa, 0xaaaaaaaa);
	impl("ppis", gicd(GICD_ICFGR + 4));
}

static void group_register(void)
{
	u32 reg = GICD_IGROUPR + SPI_BANK * 4;

	section("igroupr");
	set_gicd(reg, 0xf0f01234);
	see("spis", gicd(reg), 0xf0f01234);
	set_gicd(reg, 0);
	see("spis_0", gicd(reg), 0);
	set_gicd(GICD_IGROUPR, 0xffff);
	see("sgis", gicd(GICD_IGROUPR) & 0xffff, 0xffff);
	set_gicd(GICD_IGROUPR, 1u << PPI_A);
	see("ppi", gicd(GICD_IGROUPR), 1u << PPI_A);
	set_gicd(GICD_IGROUPR, 0);
	see("all_0", gicd(GICD_IGROUPR), 0);
	set_gicd(GICD_CTLR, ~0u);
	see("gicd_ctlr", gicd(GICD_CTLR), GRP0 | GRP1);
	set_gicd(GICD_CTLR, GRP1);
	see("gicd_ctlr_1", gicd(GICD_CTLR), GRP1);
	set_gicd(GICD_CTLR, 0);
	see("gicd_ctlr_0", gicd(GICD_CTLR), 0);
}

/* A bank for each CPU in the first registers of each kind. */
static void private_registers(void)
{
	section("private");
	set_gicd(GICD_CTLR, 0);
	enable(PPI_A);
	see("enable", gicd(GICD_ISENABLER) >> 16 & 1u << (PPI_A - 16), 1u << (PPI_A - 16));
	disable(PPI_A);
	see("disable", gicd(GICD_ISENABLER) >> 16 & 1u << (PPI_A - 16), 0);
	set_gicd(GICD_ICENABLER, 0xffff);
	impl("sgis_disabled", gicd(GICD_ISENABLER) & 0xffff);
	set_gicd(GICD_ISENABLER, 0xffff);
	see("sgis_enabled", gicd(GICD_ISENABLER) & 0xffff, 0xffff);
	pend(PPI_A);
	see("pend", state(PPI_A), PENDING);
	unpend(PPI_A);
	see("unpend", state(PPI_A), INACTIVE);
	set_id_bit(GICD_ISACTIVER, PPI_A);
	see("activate", state(PPI_A), ACTIVE);
	set_id_bit(GICD_ICACTIVER, PPI_A);
	see("deactivate", state(PPI_A), INACTIVE);
}

/* Their own registers pend and clear SGIs, by sender: 4.3.16, 4.3.17. */
static void sgi_registers(void)
{
	section("sgi_registers");
	set_gicd(GICD_CTLR, 0);
	pend(3);
	see("ispendr_of_sgi", state(3), INACTIVE);
	w8(g2.dist + GICD_SPENDSGIR + 3, 1);
	see("spendsgir", gicd(GICD_SPENDSGIR), 0x01000000);
	see("spendsgir_in_cpendsgir", gicd(GICD_CPENDSGIR), 0x01000000);
	see("spendsgir_in_ispendr", gicd(GICD_ISPENDR) & 0xffff, 1u << 3);
	unpend(3);
	see("icpendr_of_sgi", state(3), PENDING);
	w8(g2.dist + GICD_CPENDSGIR + 3, 1);
	see("cpendsgir", gicd(GICD_SPENDSGIR), 0);
	see("cpendsgir_in_ispendr", state(3), INACTIVE);
	set_gicd(GICD_SPENDSGIR + 4, 0x01000100);
	see("spendsgir_word", gicd(GICD_ISPENDR) & 0xffff, 0xa0);
	set_gicd(GICD_SPENDSGIR + 12, 0xff00ff00 & ~(((1u << g2.cpus) - 1) * 0x01010101u));
	if (g2.cpus < 8)
		see("spendsgir_no_cpu", gicd(GICD_SPENDSGIR + 12) != 0, 0);
	set_gicd(GICD_CPENDSGIR + 4, ~0u);
	see("cpendsgir_word", gicd(GICD_ISPENDR) & 0xf0, 0);
}

static void cpu_interface(void)
{
	u32 ctlr = GRP0 | GRP1 | ACKCTL | FIQEN | CBPR | EOIMODE;

	section("gicc");
	set_gicd(GICD_CTLR, 0);
	set_gicc(GICC_CTLR, ~0u);
	see("ctlr", gicc(GICC_CTLR) & ctlr, ctlr);
	see("ctlr_reserved", gicc(GICC_CTLR) >> 11, 0);
	impl("ctlr_all", gicc(GICC_CTLR));
	set_gicc(GICC_CTLR, 0);
	see("ctlr_0", gicc(GICC_CTLR), 0);
	for (u32 bit = GRP0; bit <= CBPR; bit <<= 1) {
		static const char *const names[] = { "ctlr_grp0", "ctlr_grp1", "ctlr_ackctl",
			                             "ctlr_fiqen", "ctlr_cbpr" };

		set_gicc(GICC_CTLR, bit);
		see(names[__builtin_ctz(bit)], gicc(GICC_CTLR), bit);
	}
}

static void cpu_interface_numbers(void)
{
	section("gicc_numbers");
	set_gicc(GICC_CTLR, 0);
	set_gicc(GICC_PMR, 0xa0);
	see("pmr", gicc(GICC_PMR), 0xa0);
	set_gicc(GICC_PMR, 0xffffff00);
	see("pmr_reserved", gicc(GICC_PMR), 0);
	for (u32 i = 3; i < 8; i++) {
		static const char *const names[] = { "bpr_3", "bpr_4", "bpr_5", "bpr_6", "bpr_7" };

		set_gicc(GICC_BPR, i);
		see(names[i - 3], gicc(GICC_BPR), i);
	}
	see("abpr_is_another", gicc(GICC_ABPR), 4);
	set_gicc(GICC_ABPR, 6);
	see("abpr", gicc(GICC_ABPR), 6);
	see("bpr_is_another", gicc(GICC_BPR), 7);
	set_gicc(GICC_ABPR, 0);
	see("abpr_minimum", gicc(GICC_ABPR) == g2.bpr_min + 1, 1);
	set_gicc(GICC_BPR, 0xfffffff8 | 5);
	see("bpr_reserved", gicc(GICC_BPR), 5);
}

static void cpu_interface_one_way(void)
{
	section("gicc_one_way");
	set_gicc(GICC_RPR, 0x20);
	see("rpr_read_only", gicc(GICC_RPR), IDLE);
	set_gicc(GICC_HPPIR, 3);
	see("hppir_read_only", gicc(GICC_HPPIR), SPURIOUS);
	set_gicc(GICC_IAR, 3);
	see("iar_read_only", gicc(GICC_IAR), SPURIOUS);
	see("eoir_write_only", gicc(GICC_EOIR), 0);
	see("aeoir_write_only", gicc(GICC_AEOIR), 0);
	see("dir_write_only", gicc(GICC_DIR), 0);
}

/* Reserved offsets, and what cannot be read. */
static void holes(void)
{
	static const struct {
		const char *name;
		u32 reg;
	} holes[] = {
		{ "d00c", 0x00c }, { "d01c", 0x01c }, { "d040", 0x040 }, { "d07c", 0x07c },
		{ "nsacr0", GICD_NSACR }, { "sgir_read", GICD_SGIR }, { "df30", 0xf30 },
		{ "dfcc", 0xfcc },
	}, cpu_holes[] = {
		{ "c02c", 0x2c }, { "c03c", 0x3c }, { "c0f0", 0xf0 }, { "c0f8", 0xf8 },
		{ "c100", 0x100 }, { "cffc", 0xffc }, { "d1004", 0x1004 },
	};

	section("hole");
	for (u32 i = 0; i < ARRAY_SIZE(holes); i++) {
		if (holes[i].reg != GICD_SGIR)
			set_gicd(holes[i].reg, ~0u);
		see(holes[i].name, gicd(holes[i].reg), 0);
	}
	for (u32 i = 0; i < ARRAY_SIZE(cpu_holes); i++) {
		set_gicc(cpu_holes[i].reg, ~0u);
		see(cpu_holes[i].name, gicc(cpu_holes[i].reg), 0);
	}
}

/* Interrupts that are not there. */
static void no_interrupts(void)
{
	static const struct {
		const char *name;
		u32 reg;
		u32 ids; /* in a word */
	} rows[] = {
		{ "enable", GICD_ISENABLER, 32 },   { "pend", GICD_ISPENDR, 32 },
		{ "active", GICD_ISACTIVER, 32 },   { "group", GICD_IGROUPR, 32 },
		{ "priority", GICD_IPRIORITYR, 4 }, { "targets", GICD_ITARGETSR, 4 },
		{ "trigger", GICD_ICFGR, 16 },
	};

	if (g2.lines > 988)
		return;
	section("no_interrupt");
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 reg = rows[i].reg + g2.lines / rows[i].ids * 4;

		set_gicd(reg, ~0u);
		see(rows[i].name, gicd(reg), 0);
	}
}

/* The architecture leaves these widths to the implementation (4.1.4). */
static void widths(void)
{
	section("widths");
	impl("enable_by_byte", r8(g2.dist + GICD_ISENABLER));
	impl("enable_by_half", r16(g2.dist + GICD_ISENABLER));
	impl("enable_by_double", (u32)r64(g2.dist + GICD_ISENABLER));
	impl("typer_by_byte", r8(g2.dist + GICD_TYPER));
	impl("pmr_by_byte", r8(g2.cpuif + GICC_PMR));
	impl("pmr_by_half", r16(g2.cpuif + GICC_PMR));
}

void gicv2_registers(void)
{
	reset_values();
	identification();
	set_and_clear("isenabler", GICD_ISENABLER + SPI_BANK * 4, GICD_ICENABLER + SPI_BANK * 4);
	set_and_clear("ispendr", GICD_ISPENDR + SPI_BANK * 4, GICD_ICPENDR + SPI_BANK * 4);
	set_and_clear("isactiver", GICD_ISACTIVER + SPI_BANK * 4, GICD_ICACTIVER + SPI_BANK * 4);
	priority_register();
	if (g2.cpus > 1)
		target_register();
	else
		target_register_of_one();
	trigger_register();
	group_register();
	private_registers();
	sgi_registers();
	cpu_interface();
	cpu_interface_numbers();
	cpu_interface_one_way();
	holes();
	no_interrupts();
	widths();
}
