/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_LAYOUT_H
#define MACHINE_LAYOUT_H

#include "machine/base/bits.h"
#include "machine/base/types.h"

/*
 * The arm64 machine's guest physical map: kvmtool's, so that what was built for
 * it runs unchanged. roost-machine(7) has the same table for the reader.
 *
 *   0x0000_0000  PCI I/O window        64 KiB  (not used yet)
 *   0x0100_0000  UART 0..3             4 KiB each
 *   0x0101_0000  RTC                   4 KiB
 *   0x0102_0000  PV time               64 KiB, guest RAM of its own
 *   0x0110_0000  small devices of ours 4 KiB each (not used yet)
 *   0x0200_0000  flash                 16 MiB (not used yet)
 *   0x0300_0000  virtio-mmio n         0x200 each
 *       ...
 *                GICv3 ITS             128 KiB, below the redistributors
 *                GICv3 redistributors  128 KiB each, below the distributor
 *   0x3ffc_f000  GICv2m frame          4 KiB
 *   0x3ffd_0000  GICv2 CPU interface   128 KiB
 *   0x3fff_0000  GIC distributor       64 KiB
 *   0x4000_0000  PCI ECAM              256 MiB (not used yet)
 *   0x5000_0000  PCI MMIO              768 MiB (not used yet)
 *   0x8000_0000  RAM
 */
enum {
	LAYOUT_NR_UARTS = 4,
	LAYOUT_NR_VIRTIO = 64, /* slots; SPIs are the other limit */
	LAYOUT_NR_SPIS = 96, /* KVM_DEV_ARM_VGIC_GRP_NR_IRQS is this and the 32 private ones */
	LAYOUT_NR_MSIS = 64, /* the last of them, which the GICv2m frame hands out */
};

#define LAYOUT_UART        0x01000000ull
#define LAYOUT_UART_STRIDE 0x1000ull
#define LAYOUT_RTC         0x01010000ull
#define LAYOUT_PVTIME      0x01020000ull
#define LAYOUT_PVTIME_SIZE 0x10000ull
#define LAYOUT_VIRTIO      0x03000000ull

#define LAYOUT_GICD           0x3fff0000ull
#define LAYOUT_GICD_SIZE      0x10000ull
#define LAYOUT_GICC           0x3ffd0000ull
#define LAYOUT_GICC_SIZE      0x20000ull
#define LAYOUT_GICV2M         0x3ffcf000ull
#define LAYOUT_GICV2M_SIZE    0x1000ull
#define LAYOUT_GICR_SIZE      0x20000ull /* each CPU's */
#define LAYOUT_GICV3_ITS_SIZE 0x20000ull

#define LAYOUT_RAM 0x80000000ull

/* The boot blobs stay below this much RAM, where early page tables reach (booting.rst). */
#define LAYOUT_BOOT_WINDOW (256 * MIB)

/* Private interrupts, as GIC interrupt IDs. */
enum {
	LAYOUT_INTID_PMU = 23,
	LAYOUT_INTID_HYP_TIMER = 26,
	LAYOUT_INTID_VIRT_TIMER = 27,
	LAYOUT_INTID_SEC_TIMER = 29,
	LAYOUT_INTID_PHYS_TIMER = 30,
	LAYOUT_INTID_FIRST_SPI = 32, /* handed out from here in the order devices are built */
	LAYOUT_FIRST_MSI = LAYOUT_INTID_FIRST_SPI + LAYOUT_NR_SPIS - LAYOUT_NR_MSIS,
};

/* The redistributors of @nr_cpus end where the distributor begins. */
static inline gpa_t layout_gicr(u32 nr_cpus)
{
	return LAYOUT_GICD - nr_cpus * LAYOUT_GICR_SIZE;
}

static inline gpa_t layout_its(u32 nr_cpus)
{
	return layout_gicr(nr_cpus) - LAYOUT_GICV3_ITS_SIZE;
}

/*
 * What KVM makes of a vCPU's index: Aff0 counts to 16, because that is how many
 * CPUs one SGI register write reaches (GICv3 ICC_SGI1R_EL1).
 */
static inline u64 layout_mpidr(u32 cpu)
{
	return (cpu & 0xf) | (u64)(cpu >> 4 & 0xff) << 8 | (u64)(cpu >> 12 & 0xff) << 16;
}

#endif /* MACHINE_LAYOUT_H */
