/* SPDX-License-Identifier: MIT */
/*
 * What a GICv2 (IHI 0048B.b) does, observed from a guest. Each observation is one line,
 *
 *   gic SECTION.NAME VALUE    the specification leaves no choice: VALUE, in hexadecimal, is
 *                             the same everywhere
 *   impl SECTION.NAME VALUE   it is the implementation's choice, and only measured
 *
 * and each section one TAP line. Where an implementation is known to be wrong
 * (gicv2_known.c) it has to be wrong as it is known to be.
 */
#ifndef GUEST_GICV2_H
#define GUEST_GICV2_H

#include "io.h"
#include "types.h"

enum {
	GICD_CTLR = 0x000,
	GICD_TYPER = 0x004,
	GICD_IIDR = 0x008,
	GICD_IGROUPR = 0x080,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ISPENDR = 0x200,
	GICD_ICPENDR = 0x280,
	GICD_ISACTIVER = 0x300,
	GICD_ICACTIVER = 0x380,
	GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800,
	GICD_ICFGR = 0xc00,
	GICD_NSACR = 0xe00,
	GICD_SGIR = 0xf00,
	GICD_CPENDSGIR = 0xf10,
	GICD_SPENDSGIR = 0xf20,
	GICD_ICPIDR2 = 0xfe8,

	GICC_CTLR = 0x00,
	GICC_PMR = 0x04,
	GICC_BPR = 0x08,
	GICC_IAR = 0x0c,
	GICC_EOIR = 0x10,
	GICC_RPR = 0x14,
	GICC_HPPIR = 0x18,
	GICC_ABPR = 0x1c,
	GICC_AIAR = 0x20,
	GICC_AEOIR = 0x24,
	GICC_AHPPIR = 0x28,
	GICC_APR = 0xd0,
	GICC_NSAPR = 0xe0,
	GICC_IIDR = 0xfc,
	GICC_DIR = 0x1000,

	GRP0 = 1, /* in both CTLRs */
	GRP1 = 2,
	ACKCTL = 1 << 2,
	FIQEN = 1 << 3,
	CBPR = 1 << 4,
	EOIMODE = 1 << 9,

	SPURIOUS = 1023,
	GROUP1 = 1022, /* instead of an ID of group 1 */
	IDLE = 0xff, /* GICC_RPR */
};

/* The test's interrupts: SPIs without a device on any of the machines, and free PPIs. */
enum { WIRED = 0xddd }; /* see() prints it in the place of g2.wired */
enum { SPI_A = 64, SPI_B, SPI_C, SPI_D, PPI_A = 20, PPI_B, SPI_BANK = SPI_A / 32 };

/* State of an interrupt, as state() has it. */
enum { INACTIVE = 0, PENDING = 1, ACTIVE = 2, BOTH = 3 };

/* What the CPU interface asks this CPU for, as signalled() has it. */
enum { NONE = 0, IRQ = 1, FIQ = 2 };

struct gicv2 {
	u64 dist;
	u64 cpuif;
	u32 lines; /* interrupts, 32 to 1020 */
	u32 cpus;
	u32 lowest; /* the lowest priority: 0xff without the bits that are not there */
	u32 pmr_max; /* the highest GICC_PMR */
	u32 bpr_min;
	u32 wired; /* not 0: an interrupt that is another one on each machine, see WIRED */
};

extern struct gicv2 g2;

/** gicv2_open - find the GIC. Return: false: there is none, or it is too small for us */
bool gicv2_open(void);

static inline u32 gicd(u32 reg)
{
	return r32(g2.dist + reg);
}

static inline void set_gicd(u32 reg, u32 value)
{
	w32(g2.dist + reg, value);
}

static inline u32 gicc(u32 reg)
{
	return r32(g2.cpuif + reg);
}

static inline void set_gicc(u32 reg, u32 value)
{
	w32(g2.cpuif + reg, value);
}

/* The bit of interrupt @id in the registers of one bit each that start at @reg. */
static inline bool id_bit(u32 reg, u32 id)
{
	return gicd(reg + id / 32 * 4) >> id % 32 & 1;
}

static inline void set_id_bit(u32 reg, u32 id)
{
	set_gicd(reg + id / 32 * 4, 1u << id % 32);
}

static inline void enable(u32 id)
{
	set_id_bit(GICD_ISENABLER, id);
}

static inline void disable(u32 id)
{
	set_id_bit(GICD_ICENABLER, id);
}

static inline void pend(u32 id)
{
	set_id_bit(GICD_ISPENDR, id);
}

static inline void unpend(u32 id)
{
	set_id_bit(GICD_ICPENDR, id);
}

static inline void set_priority(u32 id, u32 priority)
{
	w8(g2.dist + GICD_IPRIORITYR + id, (u8)priority);
}

static inline void set_targets(u32 id, u32 targets)
{
	w8(g2.dist + GICD_ITARGETSR + id, (u8)targets);
}

void set_edge(u32 id, bool edge);
void set_group(u32 id, u32 group);

/** send_sgi - GICD_SGIR; @filter 0: to @targets, 1: to all others, 2: to the sender */
void send_sgi(u32 sgi, u32 filter, u32 targets);

/** state - pending and active, as the distributor says */
u32 state(u32 id);

/** signalled - NONE, IRQ, FIQ, or both, whatever PSTATE masks; up to date on every monitor */
u32 signalled(void);

/** active_priorities - GICC_APRn as a mask: bit n is priority n * 0x20 */
u32 active_priorities(void);

/** end - the priority drops, and with EOImode 0 the interrupt ends */
static inline void end(u32 id)
{
	set_gicc(GICC_EOIR, id);
}

/** own_side_fresh - the caller's banked interrupts and CPU interface, as section() leaves them */
void own_side_fresh(void);

/**
 * section - what follows is about @name; ends the section before, if any
 *
 * All of the test's interrupts are off, inactive, edge-triggered, in group 0, of priority 0x80
 * and go to the caller; both CTLRs enable group 0, nothing is masked, GICC_BPR is 3.
 */
void section(const char *name);
void section_end(void);

/** see - an observation, and what the specification wants */
void see(const char *name, u32 value, u32 want);

/**
 * cut - whether the rest of the section makes no sense
 * @name: what it builds on, if that is known to be wrong
 */
bool cut(const char *name);

/** impl - an observation that tells no right from wrong */
void impl(const char *name, u32 value);

/** look - four observations: NAME.state of @id, NAME.out, NAME.rpr, NAME.hppir */
void look(const char *name, u32 id, u32 want_state, u32 want_out, u32 want_rpr, u32 want_hppir);

/* What is known to be wrong where @gic is in the machine's argument "gic=". */
struct known {
	const char *gic;
	const char *name;
	u32 value;
	u32 cpus_from, cpus_to; /* with so many */
	const char *reason;
};

/** known_find - the row about @name. Return: NULL: none, it has to be right */
const struct known *known_find(const char *name);

/** known_unseen - print the rows that nothing was seen of. Return: how many there are */
u32 known_unseen(void);

/** known_seen - what row @k is about has been observed */
void known_seen(const struct known *k);

/* The sections, by file. */
void gicv2_registers(void); /* gicv2_regs.c */
void gicv2_flow(void); /* gicv2_flow.c */
void gicv2_priorities(void); /* gicv2_prio.c */
void gicv2_spis(void); /* gicv2_spi.c */
void gicv2_nesting(void); /* gicv2_nest.c */
void gicv2_groups(void); /* gicv2_group.c */
void gicv2_several_cpus(void); /* gicv2_smp.c */

#endif
