/* SPDX-License-Identifier: MIT */
#include "gicv2.h"
#include "console.h"
#include "fdt.h"
#include "smp.h"
#include "str.h"
#include "tap.h"

#define NAME_MAX 64

struct gicv2 g2;

static const char *in_section;
static u32 seen;
static u32 wrong;

static u32 own_target(void)
{
	/* With a single CPU the register is RAZ/WI: 4.3.12. */
	u32 own = gicd(GICD_ITARGETSR) & 0xff;

	return own ? own : 1;
}

static void measure(void)
{
	u64 priority = g2.dist + GICD_IPRIORITYR + SPI_A;

	w8(priority, 0xff);
	g2.lowest = r8(priority);
	w8(priority, 0);
	set_gicc(GICC_PMR, 0xff);
	g2.pmr_max = gicc(GICC_PMR);
	set_gicc(GICC_PMR, 0);
	set_gicc(GICC_BPR, 0);
	g2.bpr_min = gicc(GICC_BPR);
}

bool gicv2_open(void)
{
	struct fdt_node n;
	u64 size;

	if (!fdt_find("arm,cortex-a15-gic", 0, &n) && !fdt_find("arm,gic-400", 0, &n))
		return false;
	if (!fdt_reg(&n, 0, &g2.dist, &size) || !fdt_reg(&n, 1, &g2.cpuif, &size))
		return false;
	g2.lines = MIN(((gicd(GICD_TYPER) & 0x1f) + 1) * 32, 1020);
	g2.cpus = cpu_count();
	return g2.lines >= SPI_A + 32 && g2.cpus <= 8;
}

void set_edge(u32 id, bool edge)
{
	u32 reg = GICD_ICFGR + id / 16 * 4;
	u32 bit = 2u << id % 16 * 2;
	u32 v = gicd(reg);

	set_gicd(reg, edge ? v | bit : v & ~bit);
}

void set_group(u32 id, u32 group)
{
	u32 reg = GICD_IGROUPR + id / 32 * 4;
	u32 bit = 1u << id % 32;
	u32 v = gicd(reg);

	set_gicd(reg, group ? v | bit : v & ~bit);
}

void send_sgi(u32 sgi, u32 filter, u32 targets)
{
	dsb();
	set_gicd(GICD_SGIR, filter << 24 | targets << 16 | sgi);
}

u32 state(u32 id)
{
	return id_bit(GICD_ISPENDR, id) | (u32)id_bit(GICD_ISACTIVER, id) << 1;
}

/*
 * A read of the distributor comes first: it makes any monitor bring the CPU's lines up to
 * date, also with what other CPUs did before.
 */
u32 signalled(void)
{
	u64 isr;

	(void)gicd(GICD_TYPER);
	dsb();
	isb();
	isr = mrs(isr_el1);
	return (isr >> 7 & 1) | (isr >> 6 & 1) << 1;
}

/* A bit stands for a priority without the bits that GICC_BPR can never compare. */
u32 active_priorities(void)
{
	u32 shift = g2.bpr_min + 1;
	u32 mask = 0;

	for (u32 i = 0; i < 4 && i * 32 << shift < 256; i++) {
		u32 v = gicc(GICC_APR + i * 4);

		for (u32 bit = 0; bit < 32; bit++) {
			if (v >> bit & 1)
				mask |= 1u << ((i * 32 + bit) << shift >> 5);
		}
	}
	return mask;
}

void own_side_fresh(void)
{
	set_gicc(GICC_CTLR, 0);
	for (u32 i = 0; i < 8; i++)
		set_gicc(GICC_APR + i * 4, 0); /* and GICC_NSAPR */
	set_gicd(GICD_IGROUPR, 0);
	set_gicd(GICD_ICENABLER, ~0u);
	set_gicd(GICD_ICPENDR, ~0u);
	set_gicd(GICD_ICACTIVER, ~0u);
	for (u32 i = 0; i < 16; i += 4)
		set_gicd(GICD_CPENDSGIR + i, ~0u);
	for (u32 i = 0; i < 32; i += 4)
		set_gicd(GICD_IPRIORITYR + i, 0x80808080);
	set_gicd(GICD_ISENABLER, 0xffff);
	set_gicc(GICC_PMR, 0xff);
	set_gicc(GICC_BPR, 3);
	set_gicc(GICC_ABPR, 4);
	set_gicc(GICC_CTLR, GRP0);
}

static void fresh(void)
{
	u32 me = own_target() * 0x01010101u;

	msr(cntv_ctl_el0, 0);
	isb();
	set_gicd(GICD_CTLR, 0);
	set_gicd(GICD_IGROUPR + SPI_BANK * 4, 0);
	set_gicd(GICD_ICENABLER + SPI_BANK * 4, ~0u);
	set_gicd(GICD_ICPENDR + SPI_BANK * 4, ~0u);
	set_gicd(GICD_ICACTIVER + SPI_BANK * 4, ~0u);
	for (u32 i = SPI_A; i < SPI_A + 32; i += 4) {
		set_gicd(GICD_IPRIORITYR + i, 0x80808080);
		set_gicd(GICD_ITARGETSR + i, me);
	}
	set_gicd(GICD_ICFGR + SPI_A / 4, 0xaaaaaaaa);
	set_gicd(GICD_ICFGR + SPI_A / 4 + 4, 0xaaaaaaaa);
	own_side_fresh();
	set_gicd(GICD_CTLR, GRP0);
}

void section(const char *name)
{
	section_end();
	if (!g2.pmr_max)
		measure();
	fresh();
	in_section = name;
}

void section_end(void)
{
	if (in_section)
		check(!wrong, "%s: %u observations are as IHI 0048B.b has it, or known (%u not)",
		      in_section, seen, wrong);
	in_section = NULL;
	seen = 0;
	wrong = 0;
}

static size_t append(char *to, size_t at, const char *s)
{
	while (*s && at < NAME_MAX - 1)
		to[at++] = *s++;
	to[at] = '\0';
	return at;
}

static u32 shown(u32 value)
{
	return g2.wired && value == g2.wired ? WIRED : value;
}

static void see_part(const char *name, const char *part, u32 value, u32 want)
{
	const struct known *k;
	char full[NAME_MAX];
	size_t n;

	n = append(full, append(full, append(full, 0, in_section), "."), name);
	if (part)
		(void)append(full, append(full, n, "."), part);
	print("gic %s %x\n", full, shown(value));
	seen++;
	k = known_find(full);
	if (k)
		known_seen(k);
	if (k && value == k->value) {
		print("# known: %s is not %x: %s\n", full, want, k->reason);
		return;
	}
	if (k)
		print("# wrong: %s is %x, not %x as it is known to be; right is %x\n", full, value,
		      k->value, want);
	else if (value != want)
		print("# wrong: %s is %x, not %x\n", full, value, want);
	wrong += k || value != want;
}

void see(const char *name, u32 value, u32 want)
{
	see_part(name, NULL, value, want);
}

bool cut(const char *name)
{
	const struct known *k = known_find(name);

	if (k)
		print("# cut: %s, as %s is known: %s\n", in_section, name, k->reason);
	return k;
}

void impl(const char *name, u32 value)
{
	print("impl %s.%s %x\n", in_section, name, value);
	seen++;
}

void look(const char *name, u32 id, u32 want_state, u32 want_out, u32 want_rpr, u32 want_hppir)
{
	see_part(name, "state", state(id), want_state);
	see_part(name, "out", signalled(), want_out);
	see_part(name, "rpr", gicc(GICC_RPR), want_rpr);
	see_part(name, "hppir", gicc(GICC_HPPIR), want_hppir);
}
