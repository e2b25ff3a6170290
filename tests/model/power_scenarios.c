/* SPDX-License-Identifier: MIT */
/* CPU_ON against all that may happen to its target. CPU 1 is the target everywhere. */
#include <errno.h>

#include "tests/model/rig.h"
#include "tests/model/scenarios.h"

#define ON_WINS "CPU_ON wins"
#define ON_LATE "CPU_ON is answered ALREADY_ON"

enum { CALLERS = 3, PC_OF_CALLERS = 1 /* caller n's entry is n more */ };

struct plot {
	struct rig *r;
	u32 calls; /* each caller's */
	u32 left, over; /* callers that are not done; none are left */
	s32 result[CALLERS]; /* of the last call */
	u32 wins, winner; /* of them all; the last */
};

struct caller {
	struct plot *p;
	u32 n;
};

static struct plot *plot_of(struct rig *r, u32 calls, u32 callers)
{
	struct plot *p = model_calloc(1, sizeof(*p));

	*p = (struct plot){ .r = r, .calls = calls, .left = callers };
	return p;
}

static void one_less(struct plot *p)
{
	if (--p->left == 0)
		p->over = 1;
}

/* The entry is the caller's, the context id says so too. */
static void call_cpu_on(void *arg)
{
	const struct caller *c = arg;
	struct plot *p = c->p;

	for (u32 i = 0; i < p->calls; i++) {
		s32 r = rig_cpu_on(p->r, 1, PC_OF_CALLERS + c->n, PC_OF_CALLERS + c->n);

		model_check(r == 0 || r == -EALREADY, "CPU_ON: %d", r);
		model_seen(r ? ON_LATE : ON_WINS);
		model_note("(CPU_ON: %d)", r);
		p->result[c->n] = r;
		if (r == 0) {
			p->wins++;
			p->winner = c->n;
		}
	}
	one_less(p);
}

static void spawn_callers(struct plot *p, u32 callers)
{
	static const char *const name[CALLERS] = { "caller 0", "caller 1", "caller 2" };

	for (u32 i = 0; i < callers; i++) {
		struct caller *c = model_calloc(1, sizeof(*c));

		*c = (struct caller){ .p = p, .n = i };
		model_spawn(name[i], call_cpu_on, c, false);
	}
}

static void started_by_winner(const struct plot *p)
{
	const struct cpu *c = &p->r->cpu[1];

	model_check(c->pc == PC_OF_CALLERS + p->winner && c->context == c->pc,
	            "caller %u won; started at %u with %u", p->winner, c->pc, c->context);
}

/* Off at first; whoever starts it, it stays on. */
static const struct program stays_on[PROGRAMS] = {
	{ .action = { { .act = ACT_STAY } }, .nr = 1 },
	{ .action = { { .act = ACT_STAY } }, .nr = 1 },
	{ .action = { { .act = ACT_STAY } }, .nr = 1 },
	{ .action = { { .act = ACT_STAY } }, .nr = 1 },
};

static void one_winner(void *arg)
{
	struct plot *p = arg;
	const struct cpu *c = &p->r->cpu[1];

	model_wait(&p->over, "all callers are done");
	model_wait(&c->reached, "the target runs");
	model_check(p->wins == 1 && c->starts == 1, "%u callers won, %u starts", p->wins,
	            c->starts);
	started_by_winner(p);
	rig_end_all(p->r);
}

static void on_against_on(u32 callers)
{
	struct rig *r = rig_build(2, stays_on);
	struct plot *p = plot_of(r, 1, callers);

	rig_spawn_cpu(r, 1);
	spawn_callers(p, callers);
	model_spawn("director", one_winner, p, false);
}

/* On at first, and turns itself off; who starts it again lets it do so once more. */
static const struct program turns_off[PROGRAMS] = {
	{ .action = { { .act = ACT_CPU_OFF } }, .nr = 1 },
	{ .action = { { .act = ACT_CPU_OFF } }, .nr = 1 },
	{ .action = { { .act = ACT_STAY } }, .nr = 1 },
};

/* Caller 1's entry stays: at the end it runs there, or all came too early and it is off. */
static void on_is_not_lost(void *arg)
{
	struct plot *p = arg;
	const struct cpu *c = &p->r->cpu[1];

	model_wait(&p->over, "all callers are done");
	if (p->wins == 0) {
		model_seen("CPU_ON came before CPU_OFF");
	} else {
		model_wait(&c->reached, "the target runs");
		if (p->wins == 1)
			started_by_winner(p);
		model_seen("it ran again");
	}
	rig_end_all(p->r);
}

static void on_against_off(u32 callers)
{
	struct rig *r = rig_build(2, turns_off);
	struct plot *p = plot_of(r, 1, callers);
	const struct psci_entry entry = { 0 };
	u32 target;

	/* As after a CPU_ON whose event has been accepted. */
	must0(power_cpu_on(r->power, 1, &entry, false, &target));
	r->cpu[1].mode = MODE_RUN;
	rig_spawn_cpu(r, 1);
	spawn_callers(p, callers);
	model_spawn("director", on_is_not_lost, p, false);
}

static void hold_twice(void *arg)
{
	struct plot *p = arg;

	for (u32 i = 0; i < 2; i++) {
		enum power_state at_first;

		(void)rig_hold_all(p->r, 0, false);
		at_first = power_state(p->r->power, 1);
		model_seen(at_first == POWER_ON ? "held while on" : "held while off");
		rig_release_all(p->r);
	}
	one_less(p);
}

static void on_against_hold(u32 callers)
{
	struct rig *r = rig_build(2, stays_on);
	struct plot *p = plot_of(r, 1, callers + 1);

	rig_spawn_cpu(r, 1);
	spawn_callers(p, callers);
	model_spawn("holder", hold_twice, p, false);
	model_spawn("director", one_winner, p, false);
}

/* Suspended with an entry; an interrupt may come or not, and somebody's WAKE comes. */
static const struct program suspends[PROGRAMS] = {
	{ .action = { { .act = ACT_SUSPEND, .pc = 1 } }, .nr = 1 },
	{ .action = { { .act = ACT_STAY } }, .nr = 1 },
};

static void post_wakes(void *arg)
{
	struct plot *p = arg;

	model_wait(&p->r->cpu[0].in_guest, "it has begun");
	rig_post(&p->r->cpu[0], GATE_WAKE);
	one_less(p);
}

/* A WAKE that came before the suspend means nothing: so another comes when it sleeps. */
static void wake_surely(void *arg)
{
	struct plot *p = arg;
	struct cpu *c = &p->r->cpu[0];

	model_wait(&p->over, "all others are done");
	if (power_state(p->r->power, 0) == POWER_ON && !c->reached)
		model_seen("WAKE before the suspend");
	while (power_state(p->r->power, 0) != POWER_SUSPENDED && !c->reached)
		model_step("it is on its way to sleep");
	rig_post(c, GATE_WAKE);
	model_wait(&c->reached, "it runs again");
	model_check(c->wakes == 1, "%u wake-ups for one sleep", c->wakes);
	rig_end_all(p->r);
}

static void wake_against_interrupt(u32 irq)
{
	struct rig *r = rig_build(1, suspends);
	struct plot *p = plot_of(r, 1, 1);

	r->cpu[0].irq = irq;
	rig_spawn_cpu(r, 0);
	model_spawn("waker", post_wakes, p, false);
	model_spawn("director", wake_surely, p, false);
}

static void suspend_against_hold(u32 irq)
{
	struct rig *r = rig_build(1, suspends);
	struct plot *p = plot_of(r, 2, 2);

	r->cpu[0].irq = irq;
	rig_spawn_cpu(r, 0);
	model_spawn("waker", post_wakes, p, false);
	model_spawn("holder", hold_twice, p, false);
	model_spawn("director", wake_surely, p, false);
}

const struct model_scenario power_scenarios[] = {
	{ "cpu-on-by-two", on_against_on, 2, { ON_WINS, ON_LATE }, true },
	{ "cpu-on-by-three", on_against_on, 3, { ON_WINS, ON_LATE }, true },
	{ "cpu-on-against-cpu-off",
	  on_against_off,
	  1,
	  { ON_WINS, ON_LATE, "CPU_ON came before CPU_OFF", "it ran again" },
	  true },
	{ "cpu-on-by-two-against-cpu-off",
	  on_against_off,
	  2,
	  { ON_WINS, ON_LATE, "CPU_ON came before CPU_OFF", "it ran again" },
	  true },
	{ "cpu-on-against-hold",
	  on_against_hold,
	  1,
	  { ON_WINS, "held while on", "held while off" },
	  true },
	{ "cpu-on-by-two-against-hold",
	  on_against_hold,
	  2,
	  { ON_WINS, ON_LATE, "held while on", "held while off" },
	  false },
	{ "wake-against-suspend", wake_against_interrupt, 0, { "WAKE before the suspend" }, true },
	{ "wake-against-interrupt",
	  wake_against_interrupt,
	  1,
	  { "WAKE before the suspend" },
	  true },
	{ "suspend-against-hold", suspend_against_hold, 1, { "held while on" }, true },
	{ 0 },
};
