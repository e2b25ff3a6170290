/* SPDX-License-Identifier: MIT */
#ifndef PSCI_PSCI_PRIVATE_H
#define PSCI_PSCI_PRIVATE_H

#include "psci/psci.h"

/* The table of functions, for the two files of this room and their tests. */

/* One call under way. */
struct psci_request {
	struct psci *p;
	u32 cpu;
	u64 arg[PSCI_ARGS_MAX]; /* narrowed to what the function declares */
	bool big_endian;
};

struct psci_row {
	const char *name; /* NULL: no function has this number */
	const char *section; /* DEN0022F.b */
	u32 since; /* PSCI_0_2 ... */
	u32 nr_args;
	u32 words; /* bit n: argument n is a uint32 in the 64-bit form as well */
	bool has64;
	bool takes_entry;
	struct psci_result (*answer)(const struct psci_request *r); /* NULL: never offered */
};

/* By enum psci_fn, any number. NULL: there is no such function. */
const struct psci_row *psci_row(u32 fn);

/* By function ID. NULL: it is no PSCI function's, or of a convention that the function has not. */
const struct psci_row *psci_row_of(u32 fid);

#endif /* PSCI_PSCI_PRIVATE_H */
