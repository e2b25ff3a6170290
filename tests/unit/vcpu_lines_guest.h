/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_VCPU_LINES_GUEST_H
#define TESTS_UNIT_VCPU_LINES_GUEST_H

#include "tests/unit/vcpu_lines_rig.h"

/* The guest of test_vcpu_lines_stress.c, and what it shares with the machine around it. */

enum { EXITS_A_TURN = 64, EXITS_A_TICK = 32 };
enum { LEVELS = 2, DEVICES = 4, FIRST_SPI = 40 }; /* the first of the devices have level lines */

struct device {
	struct stress *s;
	u32 intid;
	struct irq_line line;
	sem_t taken;
	atomic_bool waits; /* its interrupt is on its way */
	atomic_ullong raised, served;
	u64 lost; /* edges, by a reset; the machine's */
};

struct stress {
	struct rig *k;
	sem_t turns; /* of the machine: some exits, or a CPU that sleeps at the end of a round */
	sem_t clock; /* some exits have been made */
	atomic_bool quiet; /* nobody begins anything new */
	atomic_bool over;
	atomic_bool ready; /* CPU 0 has set the GIC up: an edge before that means nothing */
	bool resets;
	atomic_bool mail[RIG_CPUS][RIG_CPUS]; /* an SGI is on its way; from, to */
	struct device device[DEVICES];
	pthread_mutex_t wires; /* neither a reset nor a round's end is between one and its count */
	atomic_ullong sent, taken, timers, timers_taken;
	u64 got[RIG_CPUS]; /* SGIs; each CPU's own */
	u64 lost; /* SGIs, by resets */
	u64 nr_holds, nr_resets;
};

static struct stress *stress_now;

static inline u64 chance(u64 *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random >> 16;
}

static inline bool store(struct rig_exit *e, gpa_t gpa, u32 len, u64 value)
{
	*e = (struct rig_exit){
		.reason = KVM_EXIT_MMIO, .gpa = gpa, .len = len, .write = true, .value = value
	};
	return true;
}

static inline bool load(struct rig_exit *e, gpa_t gpa)
{
	*e = (struct rig_exit){ .reason = KVM_EXIT_MMIO, .gpa = gpa, .len = 4 };
	return true;
}

static inline bool call(struct rig_exit *e, u32 fid, u64 x1, u64 x2)
{
	*e = (struct rig_exit){ .reason = KVM_EXIT_HYPERCALL, .fid = fid, .x = { x1, x2, 0 } };
	return true;
}

/* The guest's program: its steps, rig_cpu.step. It begins with what a kernel does to its GIC. */
enum {
	STEP_IDLE = 100, /* does this and that */
	STEP_TAKE, /* IAR has been read */
	STEP_SERVED, /* the cause is gone */
	STEP_END, /* EOIR has been written */
};

static const struct {
	gpa_t gpa;
	u32 len, value;
	bool boot_cpu_only;
} set_up[] = {
	{ RIG_GICC + GICC_CTLR, 4, ENABLE_GRP0 | ENABLE_GRP1 | ACK_CTL | FIQ_EN, false },
	{ RIG_GICC + GICC_PMR, 4, 0xf8, false },
	{ RIG_GICD + GICD_IGROUPR, 4, ~0u, false },
	{ RIG_GICD + GICD_ISENABLER, 4, 1u << INTID_VTIMER, false },
	{ RIG_GICD + GICD_ICFGR + 8, 4, 0xaaa00000, true }, /* 42..47: edge */
	{ RIG_GICD + GICD_IGROUPR + 4, 4, 0xfffffaff, true }, /* 40, 42: FIQ */
	{ RIG_GICD + GICD_ITARGETSR + FIRST_SPI, 4, 0xffffffff, true },
	{ RIG_GICD + GICD_ISENABLER + 4, 4, 0xf << FIRST_SPI % 32, true },
	{ RIG_GICD + GICD_CTLR, 4, ENABLE_GRP0 | ENABLE_GRP1, true },
};

static inline void get_ready(struct stress *s)
{
	atomic_store(&s->ready, true);
	for (u32 i = 0; i < DEVICES; i++)
		must0(sem_post(&s->device[i].taken));
}

static inline bool boots(struct rig_cpu *c, struct rig_exit *e)
{
	while (c->step < ARRAY_SIZE(set_up) && set_up[c->step].boot_cpu_only && c->index > 0)
		c->step++;
	if (c->step == ARRAY_SIZE(set_up)) {
		c->step = STEP_IDLE;
		if (c->index == 0)
			get_ready(stress_now);
		return false;
	}
	(void)store(e, set_up[c->step].gpa, set_up[c->step].len, set_up[c->step].value);
	c->step++;
	return true;
}

static inline void count_taken(struct stress *s)
{
	(void)atomic_fetch_add_explicit(&s->taken, 1, memory_order_relaxed);
}

static inline void take_sgi(struct rig_cpu *c, u32 from)
{
	struct stress *s = stress_now;

	rig_must(c->k, from < RIG_CPUS, "an SGI came from nowhere");
	rig_must(c->k, atomic_exchange(&s->mail[from % RIG_CPUS][c->index], false),
	         "an SGI came that nobody sent, or twice");
	s->got[c->index]++;
	count_taken(s);
}

/* The guest turns its timer off; the level falls with the next exit, its EOIR's. */
static inline void take_timer(struct rig_cpu *c)
{
	const u32 bit = 1 << VCPU_INPUT_VTIMER;
	struct stress *s = stress_now;

	rig_must(c->k, atomic_fetch_and(&c->level, ~bit) & bit, "a timer's interrupt came twice");
	(void)atomic_fetch_add_explicit(&s->timers_taken, 1, memory_order_relaxed);
	count_taken(s);
}

/* What IAR said. */
static inline bool takes(struct rig_cpu *c, struct rig_exit *e)
{
	const u32 iar = (u32)c->loaded, intid = iar & 0x3ff;

	if (intid == GIC_SPURIOUS) {
		c->step = STEP_IDLE;
		return false;
	}
	c->step = STEP_SERVED;
	if (intid >= FIRST_SPI && intid < FIRST_SPI + DEVICES)
		return store(e, RIG_DEVICE + intid - FIRST_SPI, 1, 0);
	rig_must(c->k, intid < GIC_NR_SGIS || intid == INTID_VTIMER, "an unknown interrupt came");
	if (intid < GIC_NR_SGIS)
		take_sgi(c, iar >> 10);
	else
		take_timer(c);
	return false;
}

/* To some CPUs, off or not, that have taken this one's last. */
static inline bool sends(struct rig_cpu *c, struct rig_exit *e)
{
	struct stress *s = stress_now;
	u32 to = (u32)chance(&c->random) & 0xff;

	for (u32 i = 0; i < RIG_CPUS; i++) {
		if (!(to >> i & 1))
			continue;
		if (atomic_exchange(&s->mail[c->index][i], true))
			to &= ~(1u << i);
		else
			(void)atomic_fetch_add_explicit(&s->sent, 1, memory_order_relaxed);
	}
	return store(e, RIG_GICD + GICD_SGIR, 4, to << 16 | (c->calls & 0xf));
}

/* What a guest without an interrupt does; false: it sleeps in a WFI. CPU 0 is there for the others. */
static inline bool idles(struct rig_cpu *c, struct rig_exit *e)
{
	const u64 r = chance(&c->random) % 100;

	if (atomic_load_explicit(&stress_now->quiet, memory_order_relaxed))
		return c->index == 0 && power_nr_on(c->k->env.power) < RIG_CPUS &&
		       call(e, CALL_ON, c->calls % RIG_CPUS, ENTRY);
	if (r < 40)
		return sends(c, e);
	if (r < 55)
		return call(e, CALL_ON, chance(&c->random) % RIG_CPUS, ENTRY);
	if (r < 60 && c->index > 0)
		return call(e, CALL_OFF, 0, 0);
	if (r < 68 && c->index > 0)
		return call(e, CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0);
	if (r < 74 && c->index > 0)
		return call(e, CALL_SUSPEND, PSCI_POWER_STATE_POWER_DOWN, ENTRY);
	if (r < 80)
		return load(e, RIG_GICD + GICD_ISPENDR);
	return false;
}

static inline bool act(struct rig_cpu *c, struct rig_exit *e)
{
	if (++c->calls % EXITS_A_TURN == 0)
		must0(sem_post(&stress_now->turns));
	if (c->calls % EXITS_A_TICK == 0)
		must0(sem_post(&stress_now->clock));
	if (c->step < STEP_IDLE && boots(c, e))
		return true;
	if (c->step == STEP_TAKE && takes(c, e))
		return true;
	if (c->step == STEP_SERVED) {
		c->step = STEP_END;
		return store(e, RIG_GICC + GICC_EOIR, 4, c->loaded);
	}
	c->step = STEP_IDLE;
	if (!c->lines)
		return idles(c, e);
	c->step = STEP_TAKE;
	return load(e, RIG_GICC + GICC_IAR);
}

/* Whatever it has done last may be what the end of a round waits for. */
static inline void dozes(struct rig_cpu *c)
{
	if (atomic_load(&stress_now->quiet))
		must0(sem_post(&stress_now->turns));
}

#endif /* TESTS_UNIT_VCPU_LINES_GUEST_H */
