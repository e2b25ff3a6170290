/* SPDX-License-Identifier: MIT */
#include "smccc.h"

bool sleep_state_is_right(const struct sleep *s)
{
	/* SCTLR_EL1: M, C and I. */
	return s->current_el >> 2 == 1 && s->spsel == 1 && (s->daif & 0x3c0) == 0x3c0 &&
	       !(s->sctlr & 0x1005);
}
