/* SPDX-License-Identifier: MIT */
/*
 * A CPU's lines, which only its own thread drives, and those who change what they
 * are to be: whatever comes in between, no guest stays with lines of before.
 */
#include "tests/model/rig.h"
#include "tests/model/scenarios.h"

#define THERE    "the guest has the last of its lines"
#define HANDLED  "an interrupt is handled"
#define INSIDE   "the lines change while it is in the guest"
#define OFF      "they change while it is off"
#define WAITING  "they change while it waits for its suspend"
#define SLEEPING "they change in its sleep"
#define HELD     "they change while it is held"
#define LOW      "they are low in the end"
#define HIGH     "they are high in the end"

enum { DEVICES = 2, PC_BOOT = 0, PC_RESUME = 1, PC_ON = 2, PC_BOOT_AGAIN = 3 };

/* It takes no interrupts: how its lines are is seen from outside. */
static const struct program stays[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
	[PC_ON] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
	[PC_BOOT_AGAIN] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
};

static const struct program comes_and_goes[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_EXIT } }, .nr = 1 },
};

static const struct program acknowledges[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_INTERRUPT } }, .nr = 1 },
};

static const struct program suspends[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_SUSPEND, .pc = PC_RESUME } }, .nr = 1 },
	[PC_RESUME] = { .action = { { .act = ACT_INTERRUPT } }, .nr = 1 },
};

static const struct program suspends_all[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_SYSTEM,
	                            .kind = PSCI_SYSTEM_SUSPEND,
	                            .pc = PC_RESUME } },
	              .nr = 1 },
	[PC_RESUME] = { .action = { { .act = ACT_INTERRUPT } }, .nr = 1 },
};

struct plot {
	struct rig *r;
	u32 cpu; /* whose lines these are */
	u32 left, over; /* threads that are not done; none are left */
	u32 devices, times;
};

struct device {
	struct plot *p;
	u32 line;
};

static struct plot *plot_of(struct rig *r, u32 threads, u32 times)
{
	struct plot *p = model_calloc(1, sizeof(*p));

	*p = (struct plot){ .r = r, .cpu = r->nr - 1, .left = threads, .times = times };
	rig_connect(r);
	return p;
}

static void one_less(struct plot *p)
{
	if (--p->left == 0)
		p->over = 1;
}

static void note_when(const struct cpu *c)
{
	if (c->kept_out)
		model_seen(HELD);
	else if (c->mode == MODE_OFF)
		model_seen(OFF);
	else if (c->mode == MODE_WAIT)
		model_seen(WAITING);
	else if (c->in_guest)
		model_seen(c->mode == MODE_SLEEP ? SLEEPING : INSIDE);
}

static void toggle(void *arg)
{
	const struct device *d = arg;
	struct cpu *c = &d->p->r->cpu[d->p->cpu];

	for (u32 i = 0; i < d->p->times; i++) {
		rig_wire(c, d->line, i % 2 == 0);
		note_when(c);
	}
	one_less(d->p);
}

/* As often as the controller's reset takes it down, and no more. */
static void raise_again(void *arg)
{
	const struct device *d = arg;
	struct cpu *c = &d->p->r->cpu[d->p->cpu];

	for (u32 i = 0; i < d->p->times; i++) {
		rig_wire(c, d->line, true);
		note_when(c);
	}
	one_less(d->p);
}

static void raise_and_wait(void *arg)
{
	const struct device *d = arg;
	struct cpu *c = &d->p->r->cpu[d->p->cpu];

	for (u32 i = 0; i < d->p->times; i++) {
		rig_wire(c, d->line, true);
		note_when(c);
		model_wait(&c->acknowledged, "it is handled");
		model_seen(HANDLED);
		c->acknowledged = 0;
	}
	one_less(d->p);
}

static void spawn_device(struct plot *p, void (*fn)(void *arg))
{
	static const char *const name[DEVICES] = { "device", "device 2" };
	struct device *d = model_calloc(1, sizeof(*d));

	*d = (struct device){ .p = p, .line = p->devices ? LINE_FIQ : LINE_IRQ };
	model_spawn(name[p->devices++], fn, d, false);
}

/* When nothing changes any more: a guest that stays without it is a deadlock, or a livelock. */
static void end_with_the_last(void *arg)
{
	struct plot *p = arg;
	struct cpu *c = &p->r->cpu[p->cpu];

	model_wait(&p->over, "nothing changes any more");
	model_wait(&c->in_with[c->wires], "it is in the guest with lines like that");
	model_seen(THERE);
	model_seen(c->wires ? HIGH : LOW);
	rig_end_all(p->r);
}

/* Its gate is open before anybody holds it: vcpu_start(). */
static void hold_all(struct plot *p)
{
	model_wait(&p->r->cpu[p->cpu].begun, "it has begun");
	(void)rig_hold_all(p->r, 0, false);
}

static void hold_once(void *arg)
{
	struct plot *p = arg;

	hold_all(p);
	model_step("rely on its standing still");
	rig_release_all(p->r);
	one_less(p);
}

static void change_against(const struct program *programs, u32 times)
{
	struct plot *p = plot_of(rig_build(1, programs), 1, times);

	rig_spawn(p->r);
	spawn_device(p, toggle);
	model_spawn("director", end_with_the_last, p, false);
}

static void change_against_enter(u32 times)
{
	change_against(comes_and_goes, times);
}

static void change_against_stay(u32 times)
{
	change_against(stays, times);
}

static void change_by_two(u32 times)
{
	struct plot *p = plot_of(rig_build(1, stays), DEVICES, times);

	p->r->shared = true;
	rig_spawn(p->r);
	spawn_device(p, toggle);
	spawn_device(p, toggle);
	model_spawn("director", end_with_the_last, p, false);
}

static void handled(const struct program *programs, u32 times)
{
	struct plot *p = plot_of(rig_build(1, programs), 1, times);

	p->r->shared = true; /* the guest changes its own output */
	rig_spawn(p->r);
	spawn_device(p, raise_and_wait);
	model_spawn("director", end_with_the_last, p, false);
}

static void change_against_acknowledge(u32 times)
{
	handled(acknowledges, times);
}

static void change_against_suspend(u32 times)
{
	handled(suspends, times);
}

/* As the machine decides it; there is one CPU, and so nothing against it. */
static void grant_suspend(void *arg)
{
	struct plot *p = arg;
	struct cpu *c = &p->r->cpu[0];
	struct psci_system what;

	do {
		model_wait(&p->r->bell[0], "hear the bell");
		p->r->bell[0] = 0;
	} while (!rig_request(c, &what));
	(void)rig_hold_all(p->r, 0, false);
	must0(power_sleep(p->r->power, 0, &what.entry));
	rig_post(c, GATE_SUSPEND);
	rig_release_all(p->r);
	one_less(p);
}

static void change_against_system_suspend(u32 times)
{
	struct plot *p = plot_of(rig_build(1, suspends_all), 2, times);

	p->r->shared = true;
	p->r->request_bell = 0;
	rig_spawn(p->r);
	spawn_device(p, raise_and_wait);
	model_spawn("loop", grant_suspend, p, false);
	model_spawn("director", end_with_the_last, p, false);
}

static void change_against_hold(u32 times)
{
	struct plot *p = plot_of(rig_build(1, stays), 2, times);

	rig_spawn(p->r);
	spawn_device(p, toggle);
	model_spawn("holder", hold_once, p, false);
	model_spawn("director", end_with_the_last, p, false);
}

static void turn_on(void *arg)
{
	struct plot *p = arg;

	must0(rig_cpu_on(p->r, p->cpu, PC_ON, 0));
	one_less(p);
}

static void change_against_cpu_on(u32 times)
{
	struct plot *p = plot_of(rig_build(2, stays), 2, times);

	rig_spawn_cpu(p->r, p->cpu);
	spawn_device(p, toggle);
	model_spawn("caller", turn_on, p, false);
	model_spawn("director", end_with_the_last, p, false);
}

/* CPU 0 starts again, with what has changed since the controller's reset and nothing of before. */
static void reset_any_time(void *arg)
{
	struct plot *p = arg;

	hold_all(p);
	rig_drop_wires(p->r);
	power_reset(p->r->power);
	p->r->boot_pc = PC_BOOT_AGAIN;
	rig_reset_all(p->r);
	(void)rig_settle_all(p->r, 0, false);
	rig_release_all(p->r);
	if (p->cpu > 0)
		must0(rig_cpu_on(p->r, p->cpu, PC_ON, 0));
	one_less(p);
}

static void change_against_reset(u32 times)
{
	struct plot *p = plot_of(rig_build(1, stays), 2, times);

	p->r->prompt = true;
	p->r->shared = true;
	rig_spawn(p->r);
	spawn_device(p, raise_again);
	model_spawn("holder", reset_any_time, p, false);
	model_spawn("director", end_with_the_last, p, false);
}

/* CPU 1 is on, is turned off by the reset, and comes up again; CPU 0 has no thread. */
static void change_against_off(u32 times)
{
	const struct psci_entry entry = { 0 };
	struct plot *p = plot_of(rig_build(2, stays), 2, times);
	u32 target;

	must0(power_cpu_on(p->r->power, 1, &entry, false, &target));
	p->r->cpu[1].mode = MODE_RUN;
	p->r->prompt = true;
	p->r->shared = true;
	rig_spawn_cpu(p->r, p->cpu);
	spawn_device(p, raise_again);
	model_spawn("holder", reset_any_time, p, false);
	model_spawn("director", end_with_the_last, p, false);
}

const struct model_scenario line_scenarios[] = {
	{ "lines-against-enter", change_against_enter, 3, { THERE, HIGH, INSIDE }, true },
	{ "lines-against-stay", change_against_stay, 3, { THERE, HIGH, INSIDE }, true },
	{ "lines-low-again", change_against_stay, 2, { THERE, LOW, INSIDE }, true },
	{ "lines-by-two", change_by_two, 1, { THERE, HIGH, INSIDE }, true },
	{ "lines-against-acknowledge",
	  change_against_acknowledge,
	  2,
	  { THERE, LOW, HANDLED, INSIDE },
	  true },
	{ "lines-against-suspend",
	  change_against_suspend,
	  2,
	  { THERE, LOW, HANDLED, INSIDE, SLEEPING },
	  true },
	{ "lines-against-system-suspend",
	  change_against_system_suspend,
	  1,
	  { THERE, LOW, HANDLED, INSIDE, SLEEPING, WAITING, HELD },
	  true },
	{ "lines-against-hold", change_against_hold, 2, { THERE, LOW, INSIDE, HELD }, true },
	{ "lines-against-cpu-on", change_against_cpu_on, 2, { THERE, LOW, INSIDE, OFF }, true },
	{ "lines-against-reset",
	  change_against_reset,
	  2,
	  { THERE, LOW, HIGH, INSIDE, HELD },
	  true },
	{ "lines-against-off",
	  change_against_off,
	  2,
	  { THERE, LOW, HIGH, INSIDE, HELD, OFF },
	  true },
	{ "lines-by-two-twice", change_by_two, 2, { THERE, LOW, INSIDE }, false },
	{ 0 },
};
