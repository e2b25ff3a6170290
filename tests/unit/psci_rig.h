/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PSCI_RIG_H
#define TESTS_UNIT_PSCI_RIG_H

#include "tests/unit/test.h"

#include <errno.h>

#include "machine/base/bits.h"
#include "machine/base/compiler.h"
#include "psci/psci_private.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE (6 * GIB) /* ends above what 32 bits reach */
#define RAM_END  (RAM_BASE + RAM_SIZE)
#define GARBAGE  0xa5a5a5a500000000ull /* in the half that does not count */

static const u32 versions[] = { PSCI_0_2, PSCI_1_0, PSCI_1_1, PSCI_1_2, PSCI_1_3 };
static const u32 conventions[] = { PSCI_FID_32, PSCI_FID_64 };

enum fake_state { FAKE_ON, FAKE_OFF, FAKE_PENDING }; /* as AFFINITY_INFO numbers them */

static const struct {
	u64 mpidr;
	enum fake_state state;
} fake_cpus[] = {
	{ 0x0, FAKE_ON },          { 0x1, FAKE_OFF },        { 0x100, FAKE_OFF },
	{ 0x101, FAKE_PENDING },   { 0x10000, FAKE_OFF },    { 0x10001, FAKE_OFF },
	{ 0x100000000, FAKE_OFF }, { 0x100010203, FAKE_ON }, { 0xff00ffffff, FAKE_PENDING },
};

/* A machine that does what it is told and remembers the last thing it was asked. */
struct fake_host {
	int answer; /* of everything that does something */
	u32 nr_on;
	u64 residency_us, count;

	u32 acts, looks; /* how often something was to be done, or looked at */
	u32 cpu;
	u64 mpidr, mask;
	bool has_entry;
	struct psci_entry entry;
	enum psci_cpu_state state;
	struct psci_system system;
};

static inline void fake_entry(struct fake_host *h, const struct psci_entry *entry)
{
	h->has_entry = entry != NULL;
	if (entry)
		h->entry = *entry;
}

static inline bool fake_is_ram(void *host, gpa_t gpa, u64 len)
{
	return gpa >= RAM_BASE && gpa < RAM_END && len <= RAM_END - gpa;
}

/* Looks at the affinity fields only: that nothing else is set is not the host's to check. */
static inline int fake_find(u64 mpidr)
{
	mpidr &= 0xff00ffffff;
	for (size_t i = 0; i < ARRAY_SIZE(fake_cpus); i++)
		if (fake_cpus[i].mpidr == mpidr)
			return (int)i;
	return -ENOENT;
}

static inline int fake_cpu_on(void *host, u32 cpu, u64 mpidr, const struct psci_entry *entry)
{
	struct fake_host *h = host;
	int i = fake_find(mpidr);

	if (i < 0)
		return i;
	if (fake_cpus[i].state == FAKE_ON)
		return -EALREADY;
	if (fake_cpus[i].state == FAKE_PENDING)
		return -EINPROGRESS;

	h->acts++;
	h->cpu = cpu;
	h->mpidr = mpidr;
	fake_entry(h, entry);
	return h->answer;
}

static inline int fake_affinity_info(void *host, u64 mpidr, u64 mask)
{
	struct fake_host *h = host;
	int state = -ENOENT;

	h->looks++;
	h->mpidr = mpidr;
	h->mask = mask;
	for (size_t i = 0; i < ARRAY_SIZE(fake_cpus); i++) {
		if ((fake_cpus[i].mpidr ^ mpidr) & mask)
			continue;
		if (fake_cpus[i].state == FAKE_ON)
			return FAKE_ON;
		if (state != FAKE_PENDING)
			state = (int)fake_cpus[i].state;
	}
	return state;
}

static inline int fake_hw_state(void *host, u64 mpidr)
{
	int i = fake_find(mpidr);

	((struct fake_host *)host)->looks++;
	return i < 0 ? i : i % 3;
}

static inline int fake_cpu_off(void *host, u32 cpu)
{
	struct fake_host *h = host;

	h->acts++;
	h->cpu = cpu;
	return h->answer;
}

static inline int fake_cpu_suspend(void *host, u32 cpu, enum psci_cpu_state state,
                                   const struct psci_entry *entry)
{
	struct fake_host *h = host;

	h->acts++;
	h->cpu = cpu;
	h->state = state;
	fake_entry(h, entry);
	return h->answer;
}

static inline int fake_system(void *host, u32 cpu, const struct psci_system *what)
{
	struct fake_host *h = host;

	h->acts++;
	h->cpu = cpu;
	h->system = *what;
	return h->answer;
}

static inline u32 fake_nr_on(void *host)
{
	struct fake_host *h = host;

	h->looks++;
	return h->nr_on;
}

static inline int fake_stat(void *host, u64 mpidr, enum psci_cpu_state state, u64 *residency_us,
                            u64 *count)
{
	struct fake_host *h = host;

	h->looks++;
	h->state = state;
	if (fake_find(mpidr) < 0)
		return -ENOENT;
	*residency_us = h->residency_us;
	*count = h->count;
	return 0;
}

static const struct psci_host_ops fake_ops = {
	.is_ram = fake_is_ram,
	.cpu_on = fake_cpu_on,
	.affinity_info = fake_affinity_info,
	.hw_state = fake_hw_state,
	.cpu_off = fake_cpu_off,
	.cpu_suspend = fake_cpu_suspend,
	.system = fake_system,
	.nr_on = fake_nr_on,
	.stat = fake_stat,
};

/* A policy of this version over a fresh machine of two CPUs that are on. */
struct psci_rig {
	struct fake_host host;
	struct psci p;
};

static inline void rig_init(struct psci_rig *rig, u32 version)
{
	*rig = (struct psci_rig){
		.host = { .nr_on = 2, .residency_us = 0x1fffffff0, .count = 0x300000007 },
		.p = { .ops = &fake_ops, .cfg = { .version = version } },
	};
	rig->p.host = &rig->host;
}

/* What the call returns; a call that does not return fails the test. */
static inline s64 rig_call(struct psci_rig *rig, u32 fid, u64 a0, u64 a1, u64 a2)
{
	const u64 args[PSCI_ARGS_MAX] = { a0, a1, a2 };
	struct psci_result r = psci_call(&rig->p, 5, fid, args, false);

	assert_int_equal(r.then, PSCI_RETURN);
	return (s64)r.value;
}

#endif /* TESTS_UNIT_PSCI_RIG_H */
