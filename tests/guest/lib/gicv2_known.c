/* SPDX-License-Identifier: MIT */
/*
 * Where other GICs are known to differ from IHI 0048B.b, by the name of the observation. A
 * row whose observation is right after all makes its section fail: take it out then.
 */
#include "console.h"
#include "fdt.h"
#include "gicv2.h"
#include "str.h"

/* QEMU's emulation, hw/intc/arm_gic.c, of the GIC and of the GICV that a host has; 7.2. */
#define ALIASES      "QEMU has no GICC_AIAR, GICC_AEOIR, GICC_AHPPIR (4.4.9 to 4.4.11)"
#define HIGHEST_MASK "QEMU compares with GICC_PMR first; GICC_HPPIR does not (4.4.7)"
#define GROUP_OFF    "QEMU looks whether either group is enabled in GICC_CTLR (4.4.4)"
#define NO_SOURCE    "QEMU leaves the source CPU out of GICC_HPPIR (4.4.7)"
#define GICV_ABPR    "QEMU's GICV has the minimum of the GICC there, not one more than GICV_BPR's"

/* Of the GIC only. */
#define SGI_BYTES    "QEMU makes each SGI of a word written to GICD_SPENDSGIR pending (4.3.17)"
#define NO_CPU       "QEMU keeps bits of CPUs that are not there; they are RAZ/WI (4.3.12, 4.3.17)"
#define PPI_LATCH    "QEMU looks for a PPI's targets and finds none (4.3.7)"
#define GROUP1_APR   "QEMU keeps group 1 in GICC_NSAPR without Security Extensions (4.4.13)"
#define PENDING_EACH "QEMU has one pending state for each target, taken when it was pended (1.4.3)"
#define OTHER_DIR    "QEMU has one active state for each CPU, also for SPIs (4.4.15)"

/* Linux' vgic-v2, arch/arm64/kvm/vgic; 6.12. */
#define KVM_ICPIDR2 "KVM has no identification registers (4.3.18)"
#define KVM_TARGET1 "KVM does not make GICD_ITARGETSR RAZ/WI for a single CPU (4.3.12)"
#define KVM_GICD    "KVM has one enable for both groups in GICD_CTLR (4.3.1)"
#define KVM_NO_CPU  "KVM keeps senders that are not there; they are RAZ/WI (4.3.17)"
#define KVM_LATCH   "KVM clears a level-sensitive interrupt's latch at its end, not at IAR (3.2.4)"
#define KVM_TIMER   "KVM reads the wire of a mapped interrupt, not the latch beside it (4.3.7)"
#define KVM_OFF     "KVM forgets to forward what is pending when GICD_CTLR is set again (4.3.1)"
#define KVM_FOUR    "KVM needs a list register for each active interrupt, of which hosts have four"
#define KVM_ONE     "KVM gives an SPI to one of its targets, the first (1.4.3)"
#define KVM_NOBODY  "KVM gives an SPI without targets to the CPU it went to before (4.3.12)"
#define KVM_DIR     "KVM hears nothing of GICV_DIR, and the list register is another CPU's (4.4.15)"

static const struct known known[] = {
	{ "qemu", "reset.gicc_ahppir", 0, 1, 8, ALIASES },
	{ "qemu", "reset.gicc_aiar", 0, 1, 8, ALIASES },
	{ "qemu", "itargetsr.no_cpu", 1, 2, 7, NO_CPU },
	{ "qemu", "private.pend", INACTIVE, 2, 8, PPI_LATCH },
	{ "qemu", "sgi_registers.spendsgir_word", 0xf0, 1, 8, SGI_BYTES },
	{ "qemu", "sgi_registers.spendsgir_no_cpu", 1, 1, 7, NO_CPU },
	{ "qemu", "latch.outlives_line", INACTIVE, 2, 8, PPI_LATCH },
	{ "qemu", "pmr.equal.hppir", SPURIOUS, 1, 8, HIGHEST_MASK },
	{ "qemu", "grp.aliases.g1.ahppir", 0, 1, 8, ALIASES },
	{ "qemu", "grp.aliases.g1.aiar", 0, 1, 8, ALIASES },
	{ "qemu", "grp.alias0.ahppir", 0, 1, 8, ALIASES },
	{ "qemu", "grp.alias0.aiar", 0, 1, 8, ALIASES },
	{ "qemu", "grp.ackctl.g1_off.hppir", SPI_A, 1, 8, GROUP_OFF },
	{ "qemu", "grp.ackctl.g1_off.iar", SPI_A, 1, 8, GROUP_OFF },
	{ "qemu", "grp.apr.apr", 0, 1, 8, GROUP1_APR },
	{ "qemu", "smp.banked.pending.there", INACTIVE, 2, 8, PPI_LATCH },
	{ "qemu", "smp.sgi.back.hppir", 3, 2, 8, NO_SOURCE },
	{ "qemu", "smp.one_of_n.iar.here", SPI_A, 2, 8, PENDING_EACH },
	{ "qemu", "smp.targets.moved.there", NONE, 2, 8, PENDING_EACH },
	{ "qemu", "smp.no_target.state", INACTIVE, 2, 8, PENDING_EACH },
	{ "qemu", "smp.no_target.found", NONE, 2, 8, PENDING_EACH },
	{ "qemu", "smp.dir.deactivated_here", ACTIVE, 2, 8, OTHER_DIR },
	{ "kernel", "id.icpidr2.version", 0, 1, 8, KVM_ICPIDR2 },
	{ "kernel", "itargetsr1.sgi", 0x01010101, 1, 1, KVM_TARGET1 },
	{ "kernel", "itargetsr1.ppi", 0x01010101, 1, 1, KVM_TARGET1 },
	{ "kernel", "itargetsr1.spi", 0x01010101, 1, 1, KVM_TARGET1 },
	{ "kernel", "igroupr.gicd_ctlr", GRP0, 1, 8, KVM_GICD },
	{ "kernel", "igroupr.gicd_ctlr_1", 0, 1, 8, KVM_GICD },
	{ "kernel", "sgi_registers.spendsgir_no_cpu", 1, 1, 7, KVM_NO_CPU },
	{ "kernel", "level.active.state", BOTH, 1, 8, KVM_LATCH },
	{ "kernel", "level.ended.state", INACTIVE, 1, 8, KVM_LATCH },
	{ "kernel", "ppi.active.state", BOTH, 1, 8, KVM_LATCH },
	{ "kernel", "ppi.ended.state", INACTIVE, 1, 8, KVM_LATCH },
	{ "kernel", "gicd_off.on_again.out", NONE, 1, 8, KVM_OFF },
	{ "kernel", "latch.outlives_line", INACTIVE, 1, 8, KVM_TIMER },
	{ "kernel", "deep.sixteen.taken", 4, 1, 8, KVM_FOUR },
	{ "kernel", "smp.one_of_n.pended.there", NONE, 2, 8, KVM_ONE },
	{ "kernel", "smp.no_target.here", IRQ, 2, 8, KVM_NOBODY },
	{ "kernel", "smp.dir.deactivated_here", ACTIVE, 2, 8, KVM_DIR },
	{ "gicv", "reset.gicc_ahppir", 0, 1, 8, ALIASES },
	{ "gicv", "reset.gicc_aiar", 0, 1, 8, ALIASES },
	{ "gicv", "pmr.equal.hppir", SPURIOUS, 1, 8, HIGHEST_MASK },
	{ "gicv", "grp.aliases.g1.ahppir", 0, 1, 8, ALIASES },
	{ "gicv", "grp.aliases.g1.aiar", 0, 1, 8, ALIASES },
	{ "gicv", "grp.alias0.ahppir", 0, 1, 8, ALIASES },
	{ "gicv", "grp.alias0.aiar", 0, 1, 8, ALIASES },
	{ "gicv", "grp.ackctl.g1_off.hppir", SPI_A, 1, 8, GROUP_OFF },
	{ "gicv", "grp.ackctl.g1_off.iar", SPI_A, 1, 8, GROUP_OFF },
	{ "gicv", "smp.sgi.back.hppir", 3, 2, 8, NO_SOURCE },
	{ "gicv", "gicc_numbers.abpr_minimum", 0, 1, 8, GICV_ABPR },
};

static bool seen[ARRAY_SIZE(known)];

/* Whether @word is in the argument "gic=word,word". */
static bool is_gic(const char *word)
{
	const char *s = bootarg("gic");
	size_t len = strlen(word);

	while (s && *s && *s != ' ') {
		if (strncmp(s, word, len) == 0 &&
		    (s[len] == '\0' || s[len] == ' ' || s[len] == ','))
			return true;
		while (*s && *s != ' ' && *s++ != ',')
			;
	}
	return false;
}

static bool applies(const struct known *k)
{
	return is_gic(k->gic) && g2.cpus >= k->cpus_from && g2.cpus <= k->cpus_to;
}

const struct known *known_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(name, known[i].name) == 0 && applies(&known[i]))
			return &known[i];
	}
	return NULL;
}

void known_seen(const struct known *k)
{
	seen[k - known] = true;
}

u32 known_unseen(void)
{
	u32 n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (applies(&known[i]) && !seen[i]) {
			print("# known, but not seen: %s\n", known[i].name);
			n++;
		}
	}
	return n;
}
