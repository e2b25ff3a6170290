/* SPDX-License-Identifier: MIT */
/*
 * A device behind a mapped interrupt, a host that takes its physical side, and a
 * guest that does anything to it in any order. When the guest comes to its
 * senses, it hears of everything that the device wants, and of nothing else.
 */
#include "tests/unit/test.h"

#include <string.h>

#include "tests/unit/gic_map_rig.h"

enum {
	NR_CPUS = 3,
	PPI = 30,
	SPI = 77,
	OWNER = 1, /* of the PPI, and who comes to its senses */
#ifdef LOCK_CHECKS
	SEEDS = 100, /* sanitizers take their time */
#else
	SEEDS = 1000,
#endif
	STEPS = 500,
	PATIENCE = 8, /* interrupts that a sane guest may take for one event */
};

/* How a host tells what its physical interrupt does. */
enum host {
	HOST_TELLS, /* both edges of the wire: a timer's, which KVM shows */
	HOST_TAKES, /* only that it has taken the interrupt: a passed-through device's */
};

struct sim {
	struct gic *g;
	struct phys phys; /* .level: the device wants something */
	u32 intid, seed, step;
	enum host host;
	u64 raised, handled, takes, spurious;
	u32 in_service[NR_CPUS]; /* they have acknowledged it */
	u64 hash;
};

static u32 rnd(struct sim *s, u32 n)
{
	s->seed = s->seed * 1664525 + 1013904223;
	return (s->seed >> 8) % n;
}

static void mix(struct sim *s, u64 v)
{
	s->hash = (s->hash ^ v) * 0x100000001b3;
}

static bool is_private(const struct sim *s)
{
	return s->intid < GIC_NR_PRIVATE;
}

/* It is taken when it is not masked by being active; once, so that a storm is no endless loop. */
static void host_turn(struct sim *s)
{
	if (!s->phys.level || s->phys.active)
		return;
	s->phys.active = true;
	s->takes++;
	gic_set_line(s->g, OWNER, s->intid, true);
}

static void device_raises(struct sim *s)
{
	if (s->phys.level)
		return;
	s->phys.level = true;
	s->raised++;
}

static void device_is_served(struct sim *s)
{
	if (!s->phys.level)
		return;
	s->phys.level = false;
	s->handled++;
	if (s->host == HOST_TELLS)
		gic_set_line(s->g, OWNER, s->intid, false);
}

static void write_bit(struct sim *s, u32 cpu, u32 reg, bool host)
{
	(host ? gicd_poke : gicd_write)(s->g, cpu, reg + s->intid / 32 * 4, 4, 1u << s->intid % 32);
}

static void write_config(struct sim *s, u32 cpu, bool edge)
{
	gicd_write(s->g, cpu, GICD_ICFGR + s->intid / 16 * 4, 4,
	           edge ? 2u << s->intid % 16 * 2 : 0);
}

static void acknowledge(struct sim *s, u32 cpu)
{
	u64 iar = gicc_read(s->g, cpu, GICC_IAR, 4);

	mix(s, iar);
	if (iar == s->intid)
		s->in_service[cpu]++;
}

static void end(struct sim *s, u32 cpu)
{
	gicc_write(s->g, cpu, GICC_EOIR, 4, s->intid);
	gicc_write(s->g, cpu, GICC_DIR, 4, s->intid);
	s->in_service[cpu] = 0;
}

static void make_ready(struct sim *s)
{
	for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
		gicc_write(s->g, cpu, GICC_CTLR, 4, 1);
		gicc_write(s->g, cpu, GICC_PMR, 4, 0xff);
		gicc_write(s->g, cpu, GICC_APR, 4, 0);
	}
	gicd_write(s->g, OWNER, GICD_CTLR, 4, 1);
	gicd_write(s->g, OWNER, GICD_ITARGETSR + s->intid, 1, 1 << OWNER);
	write_bit(s, OWNER, GICD_ISENABLER, false);
}

/* What a guest, or a debugger of it, comes up with. */
static void anything(struct sim *s)
{
	static const u32 regs[] = { GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,  GICD_ICPENDR,
		                    GICD_ISACTIVER, GICD_ICACTIVER, GICD_ISENABLER };
	u32 cpu = is_private(s) ? OWNER : rnd(s, NR_CPUS);
	u32 what = rnd(s, 16);

	switch (what) {
	case 0:
	case 1:
	case 2:
	case 3:
		acknowledge(s, cpu);
		break;
	case 4:
	case 5:
		if (s->in_service[cpu])
			device_is_served(s);
		break;
	case 6:
	case 7:
	case 8:
		end(s, cpu);
		break;
	case 9:
		gicc_write(s->g, cpu, GICC_CTLR, 4, 1 | (rnd(s, 2) ? EOI_MODE : 0));
		break;
	case 10:
		/* With HOST_TAKES an edge would leave a line up that nobody takes down. */
		write_config(s, cpu, s->host == HOST_TELLS && rnd(s, 2));
		break;
	case 11:
		gicd_write(s->g, cpu, GICD_ITARGETSR + s->intid, 1, rnd(s, 1 << NR_CPUS));
		break;
	case 12:
		gicc_write(s->g, cpu, GICC_APR, 4, 0);
		break;
	default:
		write_bit(s, cpu, regs[rnd(s, ARRAY_SIZE(regs))], rnd(s, 8) == 0);
		break;
	}
	mix(s, what);
}

/* Is it pending or active, for its owner? */
static bool is_needed(struct sim *s)
{
	u32 bit = 1u << s->intid % 32, at = s->intid / 32 * 4;

	return (gicd_read(s->g, OWNER, GICD_ISPENDR + at, 4) & bit) ||
	       (gicd_read(s->g, OWNER, GICD_ISACTIVER + at, 4) & bit);
}

static void check(struct sim *s, u32 seed)
{
	if (s->phys.wrong)
		fail_msg("seed %u, step %u: the physical side is told what it is already", seed,
		         s->step);
	if (s->phys.active && !is_needed(s))
		fail_msg("seed %u, step %u: it is silenced", seed, s->step);
	mix(s, (u64)s->phys.active << 1 | is_needed(s));
}

/* From here on the guest does what its driver should. */
static void come_to_senses(struct sim *s)
{
	write_bit(s, OWNER, GICD_ICENABLER, false);
	if (!is_private(s))
		write_config(s, OWNER, false);
	write_bit(s, OWNER, GICD_ICACTIVER, false);
	make_ready(s);
	host_turn(s);
	for (u32 i = 0; i < PATIENCE; i++) {
		if (gicc_read(s->g, OWNER, GICC_IAR, 4) != s->intid)
			return;
		if (!s->phys.level)
			s->spurious++;
		device_is_served(s);
		gicc_write(s->g, OWNER, GICC_EOIR, 4, s->intid);
		host_turn(s);
	}
}

static void sim_run(struct sim *s, u32 intid, enum host host, u32 seed)
{
	static const struct gic_config cfg = { NR_CPUS, 96 };
	*s = (struct sim){ .intid = intid, .seed = seed, .host = host };

	must0(gic_create(&cfg, &s->g));
	gic_map(s->g, OWNER, intid, &phys_ops, &s->phys);
	make_ready(s);
	for (s->step = 0; s->step < STEPS; s->step++) {
		s->phys.nr = 0;
		if (rnd(s, 8) == 0)
			device_raises(s);
		host_turn(s);
		anything(s);
		check(s, seed);
		if (rnd(s, 100) == 0) {
			come_to_senses(s);
			check(s, seed);
			if (s->handled != s->raised || s->phys.level)
				fail_msg("seed %u, step %u: %llu events, %llu handled", seed,
				         s->step, s->raised, s->handled);
			if (is_needed(s) || gic_output(s->g, OWNER))
				fail_msg("seed %u, step %u: it storms", seed, s->step);
			memset(s->in_service, 0, sizeof(s->in_service));
		}
	}
}

static void sim_end(struct sim *s)
{
	gic_destroy(s->g);
}

static void run_all(u32 intid, enum host host)
{
	u64 raised = 0, spurious = 0, takes = 0;

	for (u32 seed = 1; seed <= SEEDS; seed++) {
		struct sim s;

		sim_run(&s, intid, host, seed);
		raised += s.raised;
		spurious += s.spurious;
		takes += s.takes;
		sim_end(&s);
	}
	/* Or nothing has been looked at. */
	assert_true(raised > SEEDS * STEPS / 64);
	assert_true(takes >= raised / 2);
	assert_true(spurious > 0);
}

static void no_event_of_a_timer_is_lost(void **state)
{
	run_all(PPI, HOST_TELLS);
}

static void no_event_of_a_device_whose_wire_is_watched_is_lost(void **state)
{
	run_all(SPI, HOST_TELLS);
}

static void no_event_of_a_device_that_is_passed_through_is_lost(void **state)
{
	run_all(SPI, HOST_TAKES);
}

static void a_seed_says_all_that_happens(void **state)
{
	struct sim a, b, c;

	sim_run(&a, SPI, HOST_TELLS, 7);
	sim_run(&b, SPI, HOST_TELLS, 7);
	sim_run(&c, SPI, HOST_TELLS, 8);
	assert_true(a.hash == b.hash && a.raised == b.raised && a.takes == b.takes);
	assert_true(a.hash != c.hash);
	sim_end(&a);
	sim_end(&b);
	sim_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_event_of_a_timer_is_lost),
		cmocka_unit_test(no_event_of_a_device_whose_wire_is_watched_is_lost),
		cmocka_unit_test(no_event_of_a_device_that_is_passed_through_is_lost),
		cmocka_unit_test(a_seed_says_all_that_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
