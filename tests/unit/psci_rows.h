/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PSCI_ROWS_H
#define TESTS_UNIT_PSCI_ROWS_H

#include "tests/unit/psci_rig.h"

/*
 * A row is one call, made in every version it is right for and in every convention
 * that it fits. Whatever answers an error must not have touched anything.
 */
enum which { BOTH, ONLY_32, ONLY_64 };

struct row {
	const char *what;
	u32 fn;
	u64 arg[PSCI_ARGS_MAX];
	s64 value;
	bool taken;
	u32 since, until; /* versions; 0: as the function's, to the last */
	enum which in;
	int answer; /* the host's */
};

#define INVALID    PSCI_INVALID_PARAMETERS
#define ADDRESS    PSCI_INVALID_ADDRESS
#define TAKEN      .taken = true
#define RETURNS(v) .value = (v)

static inline void make_call(const struct row *row, u32 version, u32 fid, bool extended)
{
	struct psci_rig rig;
	struct psci_result r;

	rig_init(&rig, version);
	rig.p.cfg.extended_state_id = extended;
	rig.host.answer = row->answer;
	r = psci_call(&rig.p, 5, fid, row->arg, true);
	if ((r.then == PSCI_TAKEN) != row->taken ||
	    (r.then == PSCI_RETURN && (s64)r.value != row->value))
		fail_msg("%s (%#x, version %#x): %d, %lld", row->what, fid, version, (int)r.then,
		         (long long)r.value);

	if (row->answer == 0 && r.then == PSCI_RETURN && row->value < 0 &&
	    (rig.host.acts || rig.p.suspend_mode || rig.p.mem_protect))
		fail_msg("%s (%#x, version %#x) has done something", row->what, fid, version);
	if (r.then == PSCI_TAKEN && (rig.host.acts != 1 || rig.host.cpu != 5))
		fail_msg("%s (%#x, version %#x) has not done it once", row->what, fid, version);
}

static inline bool fits(const struct row *row, u32 version, u32 fid)
{
	bool is_64 = (fid & 0x40000000) != 0;

	return psci_row_of(fid) && version >= psci_row_of(fid)->since && version >= row->since &&
	       (!row->until || version <= row->until) && row->in != (is_64 ? ONLY_32 : ONLY_64);
}

static inline void make_calls(const struct row *rows, size_t nr, bool extended)
{
	for (size_t i = 0; i < nr; i++) {
		u32 made = 0;

		for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
			for (size_t c = 0; c < ARRAY_SIZE(conventions); c++) {
				u32 fid = conventions[c] | rows[i].fn;

				if (!fits(&rows[i], versions[v], fid))
					continue;
				make_call(&rows[i], versions[v], fid, extended);
				made++;
			}
		}
		if (!made)
			fail_msg("%s: no such call", rows[i].what);
	}
}

#endif /* TESTS_UNIT_PSCI_ROWS_H */
