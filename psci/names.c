/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "machine/base/compiler.h"
#include "psci/psci_private.h"

/* Indexed by the code's negative. */
static const char *const codes[] = {
	[-PSCI_SUCCESS] = "SUCCESS",
	[-PSCI_NOT_SUPPORTED] = "NOT_SUPPORTED",
	[-PSCI_INVALID_PARAMETERS] = "INVALID_PARAMETERS",
	[-PSCI_DENIED] = "DENIED",
	[-PSCI_ALREADY_ON] = "ALREADY_ON",
	[-PSCI_ON_PENDING] = "ON_PENDING",
	[-PSCI_INTERNAL_FAILURE] = "INTERNAL_FAILURE",
	[-PSCI_NOT_PRESENT] = "NOT_PRESENT",
	[-PSCI_DISABLED] = "DISABLED",
	[-PSCI_INVALID_ADDRESS] = "INVALID_ADDRESS",
};

static bool same(const char *known, const char *name, size_t len)
{
	return strlen(known) == len && memcmp(known, name, len) == 0;
}

const char *psci_fn_name(u32 fid)
{
	const struct psci_row *row = psci_row_of(fid);

	return row ? row->name : NULL;
}

int psci_fn_by_name(const char *name, size_t len)
{
	for (u32 fn = 0; fn < PSCI_FN_MAX; fn++) {
		const struct psci_row *row = psci_row(fn);

		if (row && same(row->name, name, len))
			return (int)fn;
	}
	return -ENOENT;
}

const char *psci_code_name(s64 code)
{
	return code <= 0 && code > -(s64)ARRAY_SIZE(codes) ? codes[-code] : NULL;
}

int psci_code_by_name(const char *name, size_t len, s64 *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (same(codes[i], name, len)) {
			*code = -(s64)i;
			return 0;
		}
	}
	return -ENOENT;
}
