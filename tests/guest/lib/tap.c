/* SPDX-License-Identifier: MIT */
#include "tap.h"
#include "console.h"
#include "psci.h"

static u32 count;

bool check(bool ok, const char *fmt, ...)
{
	va_list ap;

	print("%s %u - ", ok ? "ok" : "not ok", ++count);
	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
	print("\n");
	return ok;
}

void skip(const char *sentence, const char *reason)
{
	print("ok %u - %s # SKIP %s\n", ++count, sentence, reason);
}

noreturn void tap_done(void)
{
	print("1..%u\n", count);
	psci_system_off();
}
