/* SPDX-License-Identifier: MIT */
#include "psci.h"
#include "fdt.h"
#include "io.h"
#include "str.h"

/* SMCCC 1.0 lets the other side use these; 1.1 does not. */
#define SMCCC_CLOBBERS                                                                             \
	"memory", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",    \
		"x16", "x17"

/* SMC only where the tree says so: without a tree, a power-off must still work. */
static bool by_smc(void)
{
	struct fdt_node n;

	return (fdt_find("arm,psci-1.0", 0, &n) || fdt_find("arm,psci-0.2", 0, &n)) &&
	       strcmp(fdt_str(&n, "method"), "smc") == 0;
}

s32 psci_call(u32 fid, u64 a1, u64 a2, u64 a3)
{
	bool smc = by_smc(); /* before the registers are loaded: it is a call */
	register u64 x0 __asm__("x0") = fid;
	register u64 x1 __asm__("x1") = a1;
	register u64 x2 __asm__("x2") = a2;
	register u64 x3 __asm__("x3") = a3;

	if (smc)
		__asm__ volatile("smc #0"
		                 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		                 :
		                 : SMCCC_CLOBBERS);
	else
		__asm__ volatile("hvc #0"
		                 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		                 :
		                 : SMCCC_CLOBBERS);
	return (s32)x0;
}

noreturn void psci_system_off(void)
{
	(void)psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}

noreturn void psci_system_reset(void)
{
	(void)psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	for (;;)
		wfi();
}
