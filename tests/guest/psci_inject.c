/* SPDX-License-Identifier: MIT */
/*
 * Meets the faults that --psci-inject makes.
 *
 * Argument: what=refuse   CPU_ON#1=DENIED, CPU_ON@0#2-3=INTERNAL_FAILURE
 *           what=delay    CPU_ON#1=delay:300
 *           what=pending  CPU_ON#1=pending:500
 */
#include "guest.h"

static void returns(u32 cpu)
{
	(void)cpu_off();
}

static bool comes_up(u32 starts)
{
	return wait_value(&cpu_record(1)->starts, starts) && cpu_wait_off(1);
}

static void check_refused(s32 code, const char *name)
{
	s32 got = cpu_on(1, returns);

	check(got == code, "CPU_ON is answered %s (%d)", name, got);
	check(cpu_affinity_info(1) == AFFINITY_OFF && !cpu_record(1)->starts,
	      "and its CPU stays off");
}

static void check_refusals(void)
{
	check_refused(PSCI_DENIED, "DENIED");
	check_refused(PSCI_INTERNAL_FAILURE, "INTERNAL_FAILURE");
	check_refused(PSCI_INTERNAL_FAILURE, "INTERNAL_FAILURE once more");
	check(cpu_on(1, returns) == PSCI_SUCCESS && comes_up(1), "the fourth CPU_ON succeeds");
}

static void check_delay(void)
{
	u64 start = ticks();

	check(cpu_on(1, returns) == PSCI_SUCCESS && passed_ms(start, 300),
	      "CPU_ON takes its time, and succeeds");
	check(comes_up(1), "and its CPU comes up");
	start = ticks();
	check(cpu_on(1, returns) == PSCI_SUCCESS && !passed_ms(start, 290),
	      "the next one does not");
	check(comes_up(2), "and its CPU comes up");
}

static void check_pending(void)
{
	u64 start = ticks();

	check(cpu_on(1, returns) == PSCI_SUCCESS, "CPU_ON succeeds");
	check(cpu_affinity_info(1) == AFFINITY_ON_PENDING, "AFFINITY_INFO says ON_PENDING");
	check(cpu_on(1, returns) == PSCI_ON_PENDING, "and so does another CPU_ON");
	check(comes_up(1) && passed_ms(start, 500), "after a while its CPU comes up");
	check(cpu_on(1, returns) == PSCI_SUCCESS && cpu_affinity_info(1) != AFFINITY_ON_PENDING &&
	              comes_up(2),
	      "the next CPU_ON is as ever");
}

void guest_main(void)
{
	if (bootarg_is("what", "refuse"))
		check_refusals();
	else if (bootarg_is("what", "delay"))
		check_delay();
	else
		check_pending();
	tap_done();
}
