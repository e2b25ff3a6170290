/* SPDX-License-Identifier: MIT */
/* What is decided with every vCPU held: reset and system suspend, against CPU_ON and each other. */
#include <errno.h>

#include "tests/model/rig.h"
#include "tests/model/scenarios.h"

#define SLEEPS  "the machine sleeps"
#define WINS    "CPU_ON wins"
#define DENIED  "SYSTEM_SUSPEND is denied"
#define REFUSED "CPU_ON is refused while the machine sleeps"
#define ON      "CPU 1 is on at the reset"
#define ON_WAY  "an ON is under way at the reset"
#define ASLEEP  "it sleeps at the reset"
#define AWAKE   "it is awake again at the reset"
#define VOID    "a request is void"

enum {
	PC_BOOT = 0, /* before the reset */
	PC_VOID = 1, /* CPU_ON's entry before the reset */
	PC_BOOT_AGAIN = 2, /* after it */
	PC_VALID = 3, /* CPU_ON's entry after it */
	PC_RESUME = 4, /* of SYSTEM_SUSPEND */
	PC_OPERATOR = 5, /* of a CPU_ON from outside */
};

struct plot {
	struct rig *r;
	u32 resets; /* done */
	u32 over; /* the thread besides is done */
	u32 asleep; /* SYSTEM_SUSPEND was granted */
};

/* What scenarios are built with. */
enum {
	PROMPT = 1, /* kicks do not linger on their way */
	IRQ = 2, /* an interrupt may wake CPU 0 from its suspend, any time */
};

static struct plot *plot_of(u32 nr, const struct program *programs, u32 how)
{
	struct plot *p = model_calloc(1, sizeof(*p));

	*p = (struct plot){ .r = rig_build(nr, programs) };
	p->r->prompt = how & PROMPT;
	p->r->cpu[0].irq = (how & IRQ) != 0;
	rig_spawn(p->r);
	return p;
}

/* As the machine does it; every vCPU is held, and is when it returns. */
static void reset_held(struct plot *p)
{
	struct psci_system what;

	power_reset(p->r->power);
	p->r->boot_pc = PC_BOOT_AGAIN;
	p->resets++;
	for (u32 i = 0; i < p->r->nr; i++) {
		/* What it asked for before was asked by the machine that is gone. */
		if (p->r->cpu[i].requested)
			model_seen(VOID);
		(void)rig_request(&p->r->cpu[i], &what);
	}
	rig_reset_all(p->r);
	(void)rig_settle_all(p->r, 0, false);
}

static void check_after_reset(const struct plot *p)
{
	const struct cpu *c = &p->r->cpu[1];

	model_check(c->mode == MODE_RUN && (c->pc == PC_VALID || c->pc == PC_OPERATOR),
	            "after the reset CPU 1 is in mode %d at %u", (int)c->mode, c->pc);
	model_check(power_state(p->r->power, 1) == POWER_ON, "after the reset CPU 1 is not on");
}

/* Only entries after the reset reach here: VOID is where it must not be any more. */
static const struct program turns_on_again[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_CPU_ON, .cpu = 1, .pc = PC_VOID },
	                          { .act = ACT_STAY } },
	              .nr = 2 },
	[PC_VOID] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
	[PC_BOOT_AGAIN] = { .action = { { .act = ACT_CPU_ON, .cpu = 1, .pc = PC_VALID },
	                                { .act = ACT_STAY } },
	                    .nr = 2 },
	[PC_VALID] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
	[PC_OPERATOR] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
};

static bool there(const struct plot *p)
{
	const struct cpu *c = &p->r->cpu[1];

	return c->in_guest && c->pc == PC_VALID;
}

static void end_after_reset(struct plot *p)
{
	struct cpu *boot = &p->r->cpu[0];

	/* The last thing to happen, if nothing is lost. */
	while (!there(p))
		model_wait(&p->r->cpu[1].in_guest, "CPU 1 is in the guest");
	check_after_reset(p);
	model_check(boot->pc == PC_BOOT_AGAIN && boot->result == 0,
	            "the boot CPU is at %u, its CPU_ON got %d", boot->pc, boot->result);
	rig_end_all(p->r);
}

static void reset_any_time(void *arg)
{
	struct plot *p = arg;

	(void)rig_hold_all(p->r, 0, false);
	if (power_nr_on(p->r->power) > 1)
		model_seen(ON);
	if (gate_pending(&p->r->cpu[1].gate) & GATE_ON)
		model_seen(ON_WAY);
	reset_held(p);
	rig_release_all(p->r);
	end_after_reset(p);
}

static void on_against_reset(u32 how)
{
	struct plot *p = plot_of(2, turns_on_again, how);

	model_spawn("director", reset_any_time, p, false);
}

/* The operator's CPU_ON: refused, or void, or it stands. */
static void operator_on(void *arg)
{
	struct plot *p = arg;
	int r = rig_cpu_on(p->r, 1, PC_OPERATOR, 0);

	model_check(r == 0 || r == -EALREADY || r == -EBUSY, "CPU_ON: %d", r);
	if (r == -EBUSY)
		model_seen(REFUSED);
	if (r == 0)
		model_seen(WINS);
	p->over = 1;
}

/* CPU 1 turns itself off as the reset comes, or was never on. */
static const struct program goes_off[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_CPU_ON, .cpu = 1, .pc = PC_VOID },
	                          { .act = ACT_STAY } },
	              .nr = 2 },
	[PC_VOID] = { .action = { { .act = ACT_CPU_OFF } }, .nr = 1 },
	[PC_BOOT_AGAIN] = { .action = { { .act = ACT_CPU_ON, .cpu = 1, .pc = PC_VALID },
	                                { .act = ACT_STAY } },
	                    .nr = 2 },
	[PC_VALID] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
};

static void off_against_reset(u32 how)
{
	struct plot *p = plot_of(2, goes_off, how);

	model_spawn("director", reset_any_time, p, false);
}

/* Both want a reset: one comes, and what the other asked for is void. */
static const struct program both_want_reset[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_CPU_ON, .cpu = 1, .pc = PC_VOID },
	                          { .act = ACT_SYSTEM, .kind = PSCI_SYSTEM_RESET } },
	              .nr = 2 },
	[PC_VOID] = { .action = { { .act = ACT_SYSTEM, .kind = PSCI_SYSTEM_RESET } }, .nr = 1 },
	[PC_BOOT_AGAIN] = { .action = { { .act = ACT_CPU_ON, .cpu = 1, .pc = PC_VALID },
	                                { .act = ACT_STAY } },
	                    .nr = 2 },
	[PC_VALID] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
};

static void suspend_held(struct plot *p, struct cpu *c, const struct psci_entry *entry)
{
	int err = power_sleep(p->r->power, c->index, entry);
	u32 on = power_nr_on(p->r->power);

	/* Nobody is turned off meanwhile, and nobody on once the machine sleeps. */
	model_check(err == (on > 1 ? -EPERM : 0), "SYSTEM_SUSPEND: %d, %u CPUs are on", err, on);
	if (err == 0) {
		model_seen(SLEEPS);
		rig_post(c, GATE_SUSPEND);
		p->asleep = 1;
	} else {
		model_seen(DENIED);
		rig_answer(c, (u32)-err);
	}
}

/* The loop's thread: one request, decided with all held. Return: false: there was none. */
static bool decide(struct plot *p, struct cpu *c)
{
	struct psci_system what;

	if (!rig_request(c, &what))
		return false;
	(void)rig_hold_all(p->r, 0, false);
	if (what.kind == PSCI_SYSTEM_SUSPEND)
		suspend_held(p, c, &what.entry);
	else
		reset_held(p);
	rig_release_all(p->r);
	return true;
}

static void decide_one(struct plot *p)
{
	bool done = false;

	while (!done) {
		model_wait(&p->r->bell[BELL_OF_REQUESTS], "hear of a request");
		p->r->bell[BELL_OF_REQUESTS] = 0;
		for (u32 i = 0; i < p->r->nr && !done; i++)
			done = decide(p, &p->r->cpu[i]);
	}
}

static void one_reset(void *arg)
{
	struct plot *p = arg;

	decide_one(p);
	for (u32 i = 0; i < p->r->nr; i++)
		model_check(!decide(p, &p->r->cpu[i]), "the request of CPU %u outlives the reset",
		            i);
	end_after_reset(p);
}

static void two_resets(u32 how)
{
	struct plot *p = plot_of(2, both_want_reset, how);

	model_spawn("director", one_reset, p, false);
}

static const struct program sleeps[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_SYSTEM,
	                            .kind = PSCI_SYSTEM_SUSPEND,
	                            .pc = PC_RESUME },
	                          { .act = ACT_STAY } },
	              .nr = 2 },
	[PC_RESUME] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
	[PC_OPERATOR] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
};

static void end_after_suspend(void *arg)
{
	struct plot *p = arg;
	struct cpu *c = &p->r->cpu[0];

	decide_one(p);
	model_wait(&p->over, "the other is done");
	if (p->asleep) {
		rig_post(c, GATE_WAKE);
		model_wait(&c->reached, "CPU 0 runs again");
		model_check(c->pc == PC_RESUME && c->wakes == 1, "woken at %u, %u times", c->pc,
		            c->wakes);
		model_check(power_asleep(p->r->power) == -ENOENT, "the machine still sleeps");
	}
	rig_end_all(p->r);
}

static void early_wake(void *arg)
{
	struct plot *p = arg;

	rig_post(&p->r->cpu[0], GATE_WAKE);
	p->over = 1;
}

static void suspend_and_wake(u32 how)
{
	struct plot *p = plot_of(1, sleeps, how);

	model_spawn("director", end_after_suspend, p, false);
	model_spawn("early", early_wake, p, false);
}

static void on_against_suspend(u32 how)
{
	struct plot *p = plot_of(2, sleeps, how);

	model_spawn("director", end_after_suspend, p, false);
	model_spawn("operator", operator_on, p, false);
}

static const struct program sleeps_then_resets[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_SYSTEM,
	                            .kind = PSCI_SYSTEM_SUSPEND,
	                            .pc = PC_RESUME } },
	              .nr = 1 },
	[PC_RESUME] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
	[PC_BOOT_AGAIN] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
};

/* The one thread of the machine: it lets it sleep, and resets it then, at the operator's wish. */
static void sleep_and_reset(void *arg)
{
	struct plot *p = arg;
	const struct cpu *c = &p->r->cpu[0];

	decide_one(p);
	(void)rig_hold_all(p->r, 0, false);
	if (power_asleep(p->r->power) == 0)
		model_seen(ASLEEP);
	else
		model_seen(AWAKE);
	reset_held(p);
	rig_release_all(p->r);
	while (c->pc != PC_BOOT_AGAIN || !c->in_guest)
		model_wait(&c->in_guest, "CPU 0 is in the guest");
	model_check(power_state(p->r->power, 0) == POWER_ON, "CPU 0 is not on");
	model_check(power_asleep(p->r->power) == -ENOENT, "the machine still sleeps");
	rig_end_all(p->r);
}

/* Somebody resets a machine that sleeps, as an interrupt or a WAKE comes for it. */
static void reset_against_sleep(u32 how)
{
	struct plot *p = plot_of(1, sleeps_then_resets, how);

	model_spawn("director", sleep_and_reset, p, false);
	model_spawn("early", early_wake, p, false);
}

const struct model_scenario system_scenarios[] = {
	{ "cpu-on-against-reset", on_against_reset, PROMPT, { ON, ON_WAY }, true },
	{ "cpu-off-against-reset", off_against_reset, PROMPT, { ON }, false },
	{ "two-requests-of-reset", two_resets, PROMPT, { VOID }, true },
	{ "system-suspend-and-wake", suspend_and_wake, 0, { SLEEPS }, true },
	{ "system-suspend-and-interrupt", suspend_and_wake, IRQ, { SLEEPS }, true },
	{ "cpu-on-against-system-suspend",
	  on_against_suspend,
	  PROMPT,
	  { SLEEPS, DENIED, WINS, REFUSED },
	  true },
	{ "reset-against-system-suspend",
	  reset_against_sleep,
	  PROMPT | IRQ,
	  { ASLEEP, AWAKE },
	  true },
	{ "cpu-on-against-reset-and-late-kicks", on_against_reset, 0, { ON, ON_WAY }, false },
	{ "cpu-off-against-reset-and-late-kicks", off_against_reset, 0, { ON }, false },
	{ "two-requests-of-reset-and-late-kicks", two_resets, 0, { VOID }, false },
	{ "reset-against-system-suspend-and-late-kicks",
	  reset_against_sleep,
	  IRQ,
	  { ASLEEP, AWAKE },
	  false },
	{ "cpu-on-against-system-suspend-and-interrupt",
	  on_against_suspend,
	  IRQ,
	  { SLEEPS, DENIED, WINS, REFUSED },
	  false },
	{ 0 },
};
