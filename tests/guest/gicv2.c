/* SPDX-License-Identifier: MIT */
/*
 * A GICv2, register by register and sequence by sequence: see lib/gicv2.h. Runs on QEMU's
 * machine "virt" as well (tests/host/qemu_guest).
 *
 * Arguments: gic=WORD,... says what is not right in everything, but as it is known to be:
 * kernel (KVM's), gicv (the CPU interface that QEMU emulates for a host), qemu (QEMU's own). Any
 * other WORD: everything has to be right.
 */
#include "gicv2.h"
#include "guest.h"

void guest_main(void)
{
	if (!check(gicv2_open(), "there is a GICv2 with 96 interrupts or more, and up to 8 CPUs"))
		tap_done();
	gicv2_registers();
	gicv2_flow();
	gicv2_priorities();
	gicv2_spis();
	gicv2_nesting();
	gicv2_groups();
	if (g2.cpus > 1)
		gicv2_several_cpus();
	section_end();
	check(known_unseen() == 0, "all that is known to be wrong has been looked at");
	tap_done();
}
