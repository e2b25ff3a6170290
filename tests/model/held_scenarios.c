/* SPDX-License-Identifier: MIT */
/* What is posted to a vCPU that is held: RESET and OFF it accepts, everything else waits. */
#include "tests/model/rig.h"
#include "tests/model/scenarios.h"

#define KICK     "who holds is told to kick"
#define WAITS    "an event waits for the release"
#define ACCEPTED "an event is accepted under the hold"
#define ENDS     "a vCPU's thread ends"
#define SETTLED  "all have settled"
#define GIVES_UP "a holder loses patience"
#define BEFORE   "the other holder lets go before the reset is over"
#define BEHIND   "the other holder lets go after it"
#define SCANS    "a request came while another was served"

/* One gate, and the whole of what its holder may see of it. */
struct held {
	struct gate g;
	bool asleep; /* the acceptor waits for events; else it goes into its guest */
	u32 begun, bell;
	bool told; /* of this parking */
	bool kept_out, frozen;
	u32 taken[4], nr; /* but EXIT */
	u32 want, all; /* so many are to be taken; they are */
};

static const u32 postable[] = { GATE_RESET,  GATE_OFF,  GATE_ON,   GATE_SUSPEND,
	                        GATE_ANSWER, GATE_WAKE, GATE_LINES };

static void parked(void *ctx)
{
	struct held *h = ctx;

	model_step("ring the bell");
	model_check(!h->told, "its parking is told twice");
	h->told = true;
	h->bell = 1;
}

static void take(struct held *h, u32 events)
{
	model_check(!h->frozen || !events, "it is held, and takes %#x", events);
	model_check(!h->kept_out || !(events & ~(u32)GATE_UNDER_HOLD), "%#x is taken under a hold",
	            events);
	for (u32 event = 1; events; event <<= 1) {
		if (events & event) {
			model_check(h->nr < ARRAY_SIZE(h->taken), "%#x is one too many", event);
			h->taken[h->nr++] = event;
		}
		events &= ~event;
	}
	h->all = h->nr >= h->want;
}

static void accept(void *arg)
{
	struct held *h = arg;
	u32 events = 0;

	gate_open(&h->g);
	h->begun = 1;
	while (!(events & GATE_EXIT)) {
		events = 0;
		if (!h->asleep && gate_enter(&h->g)) {
			model_step("in the guest");
			model_check(!h->kept_out, "it is held, and in the guest");
			gate_leave(&h->g);
			continue;
		}
		h->told = false;
		events = gate_take(&h->g, h->asleep);
		model_check(events || !h->asleep, "woken for nothing");
		take(h, events & ~(u32)GATE_EXIT);
	}
	gate_close(&h->g);
}

static void settle(struct held *h)
{
	while (!gate_held(&h->g)) {
		model_wait(&h->bell, "hear the bell");
		h->bell = 0;
	}
	h->frozen = true;
}

/* Its guest is left by itself, so it has no kick to get. */
static void post_held(struct held *h, u32 event)
{
	if (event & GATE_UNDER_HOLD)
		h->frozen = false;
	/* One that has taken a RESET is to be kicked when it just looks in at its guest. */
	if (gate_post(&h->g, event))
		model_check(!h->frozen, "who is held is to be kicked");
	if (!(event & GATE_UNDER_HOLD) && h->frozen)
		model_check(gate_held(&h->g), "%#x ends the hold", event);
}

static void check_held(struct held *h, u32 waiting, const u32 *took, u32 nr)
{
	model_check(gate_held(&h->g), "it is not held any more");
	model_check(gate_pending(&h->g) == (GATE_HOLD | waiting), "%#x is pending, not %#x",
	            gate_pending(&h->g), waiting);
	model_check(h->nr == nr, "%u are taken under the hold, not %u", h->nr, nr);
	for (u32 i = 0; i < nr; i++)
		model_check(h->taken[i] == took[i], "%#x is taken, not %#x", h->taken[i], took[i]);
}

static void check_all_are_taken(const struct held *h, u32 waiting, u32 nr)
{
	for (; nr < h->nr; nr++) {
		u32 lowest = waiting & -waiting;

		model_check(h->taken[nr] == lowest, "%#x is taken, not %#x", h->taken[nr], lowest);
		waiting &= ~lowest;
	}
	model_check(!waiting, "%#x is lost", waiting);
}

static void hold(struct held *h)
{
	if (gate_hold(&h->g))
		model_seen(KICK);
}

/*
 * Two events under one hold or two of them, the second before the first has been
 * taken or after it.
 */
static void post_under_hold(void *arg)
{
	struct held *h = arg;
	u32 deep = model_choose(2, "a second hold");
	u32 at_once = model_choose(2, "both at once");
	u32 took[2], nr = 0, waiting = 0;

	model_wait(&h->begun, "it has begun");
	hold(h);
	if (deep)
		hold(h);
	settle(h);
	h->kept_out = true;
	for (u32 i = 0; i < 2; i++) {
		u32 event = postable[model_choose(ARRAY_SIZE(postable), "an event")];

		post_held(h, event);
		waiting &= ~gate_overtakes(event);
		if (event & GATE_UNDER_HOLD)
			took[nr++] = event;
		else
			waiting |= event;
		if (i == 1 || !at_once)
			settle(h);
	}
	if (nr == 2 && h->nr == 1 && at_once)
		took[0] = took[--nr]; /* overtaken, or the same once more */
	check_held(h, waiting, took, nr);
	if (deep) {
		gate_release(&h->g);
		check_held(h, waiting, took, nr);
	}

	model_seen(waiting ? WAITS : ACCEPTED);
	h->want = nr + (u32)__builtin_popcount(waiting);
	h->all = h->nr >= h->want;
	h->kept_out = h->frozen = false;
	gate_release(&h->g);
	model_wait(&h->all, "all are taken");
	check_all_are_taken(h, waiting, nr);
	model_check(!gate_post(&h->g, GATE_EXIT) || !h->asleep, "a sleeper is to be kicked");
}

static void post_to_the_held(u32 asleep)
{
	struct held *h = model_calloc(1, sizeof(*h));

	*h = (struct held){ .asleep = asleep, .want = ARRAY_SIZE(h->taken) };
	gate_init(&h->g, parked, h);
	model_show_with(NULL, NULL);
	model_spawn("holder", post_under_hold, h, false);
	model_spawn("acceptor", accept, h, false);
}

enum { PC_BOOT = 0, PC_BOOT_AGAIN = 1 };

static const struct program runs[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_EXIT } }, .nr = 1 },
	[PC_BOOT_AGAIN] = { .action = { { .act = ACT_STAY } }, .nr = 1 },
};

struct plot {
	struct rig *r;
	u32 held, held_twice; /* all are, by the first holder, by the other */
	u32 reset; /* it is over */
	u32 over; /* the other thread is done */
	u32 served;
};

static struct plot *plot_of(u32 nr, const struct program *programs, u32 holders, bool prompt)
{
	struct plot *p = model_calloc(1, sizeof(*p));

	*p = (struct plot){ .r = rig_build(nr, programs) };
	p->r->boot_pc = PC_BOOT_AGAIN;
	p->r->prompt = prompt;
	p->r->holders = holders;
	return p;
}

/* As at the end of a run: nobody lets them go. */
static void reset_and_end(void *arg)
{
	struct plot *p = arg;

	(void)rig_hold_all(p->r, 0, false);
	power_reset(p->r->power);
	rig_reset_all(p->r);
	if (rig_settle_all(p->r, 0, true)) {
		model_seen(SETTLED);
		rig_release_all(p->r);
	} else {
		model_seen(GIVES_UP);
		rig_end_all(p->r);
	}
}

static void exit_now(void *arg)
{
	struct plot *p = arg;

	rig_end_all(p->r);
}

static void exit_against_settle(u32 prompt)
{
	struct plot *p = plot_of(1, runs, 1, prompt);

	rig_spawn(p->r);
	model_spawn("holder", reset_and_end, p, false);
	model_spawn("exit", exit_now, p, false);
}

static void reset_once(void *arg)
{
	struct plot *p = arg;
	struct cpu *boot = &p->r->cpu[0];

	(void)rig_hold_all(p->r, 0, false);
	p->held = 1;
	if (p->r->nr > 1)
		model_wait(&p->held_twice, "the other holder has them");
	power_reset(p->r->power);
	rig_reset_all(p->r);
	(void)rig_settle_all(p->r, 0, false);
	for (u32 i = 0; i < p->r->nr; i++)
		model_check(p->r->cpu[i].unborn || !p->r->cpu[i].unreset,
		            "all are held, and cpu%u is not reset", i);
	p->reset = 1;
	rig_release_all(p->r);
	model_wait(&p->over, "the other holder is done");
	model_wait(&boot->reached, "the boot CPU runs");
	model_check(boot->pc == PC_BOOT_AGAIN, "the boot CPU is at %u", boot->pc);
	rig_end_all(p->r);
}

/* Of many it lets go any time, but begins before the reset: or it were too many states to look at. */
static void hold_besides(void *arg)
{
	struct plot *p = arg;
	bool many = p->r->nr > 1;

	if (many)
		model_wait(&p->held, "all are held");
	rig_keep_out(p->r, 1);
	p->held_twice = 1;
	model_step("hold on");
	model_seen(p->reset ? BEHIND : BEFORE);
	rig_let_in(p->r);
	p->over = 1;
}

static void reset_under_two_holds(u32 cpus)
{
	struct plot *p = plot_of(cpus, runs, 2, true);

	rig_spawn(p->r);
	model_spawn("director", reset_once, p, false);
	model_spawn("holder 2", hold_besides, p, false);
}

/* Both ask for what neither gets, as the other is on. */
static const struct program both_ask[PROGRAMS] = {
	[PC_BOOT] = { .action = { { .act = ACT_SYSTEM, .kind = PSCI_SYSTEM_SUSPEND },
	                          { .act = ACT_STAY } },
	              .nr = 2 },
};

/* machine/power.c's: holding everybody takes the bells of those who ask meanwhile. */
static bool serve_requests(struct plot *p)
{
	struct psci_system what;
	bool any = false;

	for (u32 i = 0; i < p->r->nr; i++) {
		struct cpu *c = &p->r->cpu[i];

		if (!rig_request(c, &what))
			continue;
		any = true;
		(void)rig_hold_all(p->r, 0, false);
		model_check(power_sleep(p->r->power, i, &what.entry) < 0, "it sleeps");
		rig_answer(c, 1);
		rig_release_all(p->r);
		p->served++;
	}
	return any;
}

static void serve(struct plot *p)
{
	u32 passes = 0;

	do
		passes++;
	while (serve_requests(p));
	if (passes > 2)
		model_seen(SCANS);
}

static void serve_both(void *arg)
{
	struct plot *p = arg;

	while (p->served < 2) {
		model_wait(&p->r->bell[0], "hear the bell");
		p->r->bell[0] = 0;
		serve(p);
	}
}

static void requests_besides(u32 prompt)
{
	struct plot *p = plot_of(2, both_ask, 1, prompt);
	const struct psci_entry entry = { 0 };
	u32 target;

	/* As after a CPU_ON whose event has been accepted. */
	must0(power_cpu_on(p->r->power, 1, &entry, false, &target));
	p->r->request_bell = 0;
	if (prompt) { /* CPU 1 has asked already: fewer states */
		p->r->cpu[1].mode = MODE_WAIT;
		p->r->cpu[1].step = 1;
		p->r->cpu[1].request.kind = PSCI_SYSTEM_SUSPEND;
		p->r->cpu[1].requested = 1;
		p->r->bell[0] = 1;
	} else {
		p->r->cpu[1].mode = MODE_RUN;
	}
	p->r->endless = true;
	rig_spawn(p->r);

	model_spawn("loop", serve_both, p, false);
}

const struct model_scenario held_scenarios[] = {
	{ "post-to-the-held", post_to_the_held, false, { KICK, WAITS, ACCEPTED }, true },
	{ "post-to-a-sleeper-that-is-held", post_to_the_held, true, { WAITS, ACCEPTED }, true },
	{ "exit-against-settle", exit_against_settle, true, { ENDS, SETTLED, GIVES_UP }, true },
	{ "reset-under-two-holds", reset_under_two_holds, 1, { BEFORE, BEHIND }, true },
	{ "requests-besides-requests", requests_besides, true, { SCANS }, true },
	{ "reset-of-two-under-two-holds", reset_under_two_holds, 2, { BEFORE, BEHIND }, false },
	{ "exit-against-settle-and-late-kicks",
	  exit_against_settle,
	  false,
	  { ENDS, SETTLED, GIVES_UP },
	  false },
	{ "requests-besides-requests-and-late-kicks", requests_besides, false, { SCANS }, false },
	{ 0 },
};
