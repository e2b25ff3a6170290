/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vcpu/power.h"

struct power_cpu {
	u64 mpidr; /* affinity fields; constant */
	enum power_state state;
	struct psci_entry entry; /* where it starts, or started, next */
	bool at_entry; /* when it wakes it starts there; else its call returns */
	enum psci_cpu_state low; /* what it is in, when it is not ON */
	bool counts; /* it has gone there by itself, and not been there from the start */
	u64 since; /* ns */
	u64 residency[PSCI_NR_CPU_STATES]; /* ns */
	u64 count[PSCI_NR_CPU_STATES];
};

struct power {
	const struct power_ops *ops;
	void *host;
	u32 nr;
	struct mutex lock; /* power.lock in machine/base/lock.h */
	struct power_cpu *cpu GUARDED_BY(lock);
	struct power_change *changes; /* a reset's, one per CPU: one reset at a time */
	u64 seq GUARDED_BY(lock);
	int asleep GUARDED_BY(lock); /* the CPU in SYSTEM_SUSPEND, -1: none */
};

/* Every edge of the drawing in power.h, and no other. */
static const bool edge[POWER_NR_STATES][POWER_NR_STATES] = {
	[POWER_OFF][POWER_ON] = true, /* cpu_on; boot */
	[POWER_OFF][POWER_ON_PENDING] = true, [POWER_ON_PENDING][POWER_ON] = true,
	[POWER_ON_PENDING][POWER_OFF] = true, /* reset */
	[POWER_ON][POWER_OFF] = true, /* cpu_off; reset */
	[POWER_ON][POWER_SUSPENDED] = true,   [POWER_ON][POWER_ASLEEP] = true,
	[POWER_SUSPENDED][POWER_ON] = true,   [POWER_SUSPENDED][POWER_OFF] = true, /* reset */
	[POWER_ASLEEP][POWER_ON] = true,      [POWER_ASLEEP][POWER_OFF] = true, /* reset */
};

bool power_edge(enum power_state from, enum power_state to)
{
	return edge[from][to];
}

const char *power_state_name(enum power_state s)
{
	static const char *const name[POWER_NR_STATES] = {
		[POWER_ON] = "ON",
		[POWER_OFF] = "OFF",
		[POWER_ON_PENDING] = "ON_PENDING",
		[POWER_SUSPENDED] = "SUSPENDED",
		[POWER_ASLEEP] = "ASLEEP",
	};

	return name[s];
}

/* PSCI_STAT counts a CPU_OFF and a SYSTEM_SUSPEND as a power-down, DEN0022F.b 5.22.2. */
static void go_low(struct power_cpu *pc, enum psci_cpu_state low, u64 now)
{
	pc->low = low;
	pc->since = now;
	pc->counts = true;
}

static void come_back(struct power_cpu *pc, u64 now)
{
	if (!pc->counts)
		return;
	pc->counts = false;
	/* Each caller looked at the clock before it had the lock: the later one may have been first. */
	if (now > pc->since)
		pc->residency[pc->low] += now - pc->since;
	pc->count[pc->low]++;
}

/* Return: what to tell when the lock is given up. */
static struct power_change set_state(struct power *p, u32 cpu, enum power_state to, const char *why)
	REQUIRES(p->lock);

static struct power_change set_state(struct power *p, u32 cpu, enum power_state to, const char *why)
{
	struct power_change c = {
		.seq = ++p->seq,
		.cpu = cpu,
		.from = p->cpu[cpu].state,
		.to = to,
		.why = why,
	};

	assert(edge[c.from][to]);
	p->cpu[cpu].state = to;
	return c;
}

static void tell(struct power *p, const struct power_change *c)
{
	p->ops->changed(p->host, c);
}

int power_create(u32 nr, const u64 *mpidr, const struct power_ops *ops, void *host,
                 struct power **out)
{
	struct power *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct power){ .ops = ops, .host = host, .nr = nr, .asleep = -1 };
	mutex_init(&p->lock);
	p->cpu = calloc(nr, sizeof(*p->cpu));
	p->changes = calloc(nr, sizeof(*p->changes));
	if (!p->cpu || !p->changes) {
		power_destroy(p);
		return -ENOMEM;
	}

	for (u32 i = 0; i < nr; i++) {
		p->cpu[i].mpidr = mpidr[i];
		p->cpu[i].state = i == 0 ? POWER_ON : POWER_OFF;
	}
	*out = p;
	return 0;
}

void power_destroy(struct power *p)
{
	if (!p)
		return;
	mutex_done(&p->lock);
	free(p->changes);
	free(p->cpu);
	free(p);
}

enum power_state power_state(struct power *p, u32 cpu)
{
	enum power_state s;

	mutex_lock(&p->lock);
	s = p->cpu[cpu].state;
	mutex_unlock(&p->lock);
	return s;
}

int power_cpu_of(const struct power *p, u64 mpidr)
{
	for (u32 i = 0; i < p->nr; i++)
		if (p->cpu[i].mpidr == mpidr)
			return (int)i;
	return -ENOENT;
}

static int may_turn_on(const struct power *p, u32 cpu)
{
	switch (p->cpu[cpu].state) {
	case POWER_OFF:
		/* Whoever asks is not in the machine: all its CPUs but one are off, and that one sleeps. */
		return p->asleep >= 0 ? -EBUSY : 0;
	case POWER_ON_PENDING:
		return -EINPROGRESS;
	case POWER_ON:
	case POWER_SUSPENDED:
	case POWER_ASLEEP:
	case POWER_NR_STATES:
		break;
	}
	return -EALREADY;
}

int power_cpu_on(struct power *p, u64 mpidr, const struct psci_entry *entry, bool pending, u32 *cpu)
{
	struct power_change c = { 0 };
	int target = power_cpu_of(p, mpidr);
	u64 now = p->ops->now(p->host);
	int err;

	if (target < 0)
		return target;

	mutex_lock(&p->lock);
	err = may_turn_on(p, (u32)target);
	if (err == 0) {
		/* Claimed and filled in under one lock: only the winner's entry is kept. */
		p->cpu[target].entry = *entry;
		come_back(&p->cpu[target], now);
		c = set_state(p, (u32)target, pending ? POWER_ON_PENDING : POWER_ON, "cpu_on");
	}
	mutex_unlock(&p->lock);
	if (err < 0)
		return err;

	tell(p, &c);
	*cpu = (u32)target;
	return 0;
}

void power_accept(struct power *p, u32 cpu, struct psci_entry *entry)
{
	struct power_change c = { 0 };

	mutex_lock(&p->lock);
	if (p->cpu[cpu].state == POWER_ON_PENDING)
		c = set_state(p, cpu, POWER_ON, "accept");
	*entry = p->cpu[cpu].entry;
	mutex_unlock(&p->lock);
	if (c.seq)
		tell(p, &c);
}

void power_cpu_off(struct power *p, u32 cpu)
{
	u64 now = p->ops->now(p->host);
	struct power_change c;

	mutex_lock(&p->lock);
	go_low(&p->cpu[cpu], PSCI_POWER_DOWN, now);
	c = set_state(p, cpu, POWER_OFF, "cpu_off");
	mutex_unlock(&p->lock);
	tell(p, &c);
}

void power_suspend(struct power *p, u32 cpu, enum psci_cpu_state state,
                   const struct psci_entry *entry)
{
	u64 now = p->ops->now(p->host);
	struct power_cpu *pc = &p->cpu[cpu];
	struct power_change c;

	mutex_lock(&p->lock);
	c = set_state(p, cpu, POWER_SUSPENDED, "cpu_suspend");
	go_low(pc, state, now);
	pc->at_entry = entry != NULL;
	if (entry)
		pc->entry = *entry;
	mutex_unlock(&p->lock);
	tell(p, &c);
}

bool power_wake(struct power *p, u32 cpu, struct psci_entry *entry)
{
	u64 now = p->ops->now(p->host);
	struct power_cpu *pc = &p->cpu[cpu];
	struct power_change c;
	bool at_entry;

	mutex_lock(&p->lock);
	come_back(pc, now);
	if (p->asleep == (int)cpu)
		p->asleep = -1;
	c = set_state(p, cpu, POWER_ON, "wake");
	at_entry = pc->at_entry;
	if (at_entry)
		*entry = pc->entry;
	mutex_unlock(&p->lock);
	tell(p, &c);
	return at_entry;
}

static bool others_off(const struct power *p, u32 cpu)
{
	for (u32 i = 0; i < p->nr; i++)
		if (i != cpu && p->cpu[i].state != POWER_OFF)
			return false;
	return true;
}

int power_sleep(struct power *p, u32 cpu, const struct psci_entry *entry)
{
	u64 now = p->ops->now(p->host);
	struct power_change c = { 0 };
	bool may;

	mutex_lock(&p->lock);
	/* It is not ON itself when KVM's own PSCI has stopped all CPUs meanwhile. */
	may = p->cpu[cpu].state == POWER_ON && others_off(p, cpu);
	if (may) {
		p->cpu[cpu].entry = *entry;
		p->cpu[cpu].at_entry = true;
		go_low(&p->cpu[cpu], PSCI_POWER_DOWN, now);
		p->asleep = (int)cpu;
		c = set_state(p, cpu, POWER_ASLEEP, "system_suspend");
	}
	mutex_unlock(&p->lock);
	if (!may)
		return -EPERM;
	tell(p, &c);
	return 0;
}

int power_asleep(struct power *p)
{
	int cpu;

	mutex_lock(&p->lock);
	cpu = p->asleep;
	mutex_unlock(&p->lock);
	return cpu < 0 ? -ENOENT : cpu;
}

void power_reset(struct power *p)
{
	u32 nr = 0;

	mutex_lock(&p->lock);
	p->asleep = -1;
	for (u32 i = 0; i < p->nr; i++) {
		enum power_state to = i == 0 ? POWER_ON : POWER_OFF;
		struct power_cpu *pc = &p->cpu[i];

		pc->counts = false;
		memset(pc->residency, 0, sizeof(pc->residency));
		memset(pc->count, 0, sizeof(pc->count));
		if (p->cpu[i].state != to)
			p->changes[nr++] = set_state(p, i, to, "reset");
	}
	mutex_unlock(&p->lock);
	for (u32 i = 0; i < nr; i++)
		tell(p, &p->changes[i]);
}

void power_observe(struct power *p, u32 cpu, bool on)
{
	struct power_change c = { 0 };

	mutex_lock(&p->lock);
	if (on && p->cpu[cpu].state == POWER_OFF)
		c = set_state(p, cpu, POWER_ON, "observe");
	else if (!on && p->cpu[cpu].state != POWER_OFF)
		c = set_state(p, cpu, POWER_OFF, "observe");
	mutex_unlock(&p->lock);
	if (c.seq)
		tell(p, &c);
}

int power_affinity_info(struct power *p, u64 mpidr, u64 mask)
{
	int answer = -ENOENT;

	mutex_lock(&p->lock);
	for (u32 i = 0; i < p->nr && answer != POWER_ON; i++) {
		const struct power_cpu *pc = &p->cpu[i];

		if ((pc->mpidr & mask) != (mpidr & mask))
			continue;
		if (pc->state == POWER_OFF)
			answer = answer == POWER_ON_PENDING ? answer : POWER_OFF;
		else
			answer = pc->state == POWER_ON_PENDING ? POWER_ON_PENDING : POWER_ON;
	}
	mutex_unlock(&p->lock);
	return answer;
}

/* 5.19.3: standby is for a CPU that has kept its state. */
static int hw_state_of(const struct power_cpu *pc)
{
	enum { HW_ON, HW_OFF, HW_STANDBY };

	switch (pc->state) {
	case POWER_SUSPENDED:
		return pc->low == PSCI_STANDBY ? HW_STANDBY : HW_OFF;
	case POWER_OFF:
	case POWER_ON_PENDING:
	case POWER_ASLEEP:
		return HW_OFF;
	case POWER_ON:
	case POWER_NR_STATES:
		break;
	}
	return HW_ON;
}

int power_hw_state(struct power *p, u64 mpidr)
{
	int cpu = power_cpu_of(p, mpidr), answer;

	if (cpu < 0)
		return cpu;
	mutex_lock(&p->lock);
	answer = hw_state_of(&p->cpu[cpu]);
	mutex_unlock(&p->lock);
	return answer;
}

u32 power_nr_on(struct power *p)
{
	u32 n = 0;

	mutex_lock(&p->lock);
	for (u32 i = 0; i < p->nr; i++)
		n += p->cpu[i].state != POWER_OFF;
	mutex_unlock(&p->lock);
	return n;
}

int power_stat(struct power *p, u64 mpidr, enum psci_cpu_state state, u64 *residency_us, u64 *count)
{
	int cpu = power_cpu_of(p, mpidr);

	if (cpu < 0)
		return cpu;
	mutex_lock(&p->lock);
	*residency_us = p->cpu[cpu].residency[state] / 1000;
	*count = p->cpu[cpu].count[state];
	mutex_unlock(&p->lock);
	return 0;
}
