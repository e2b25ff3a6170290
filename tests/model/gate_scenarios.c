/* SPDX-License-Identifier: MIT */
/* One vCPU at its gate, and those who hold it, kick it and post to it. */
#include "tests/model/rig.h"
#include "tests/model/scenarios.h"

static const struct program comes_and_goes[PROGRAMS] = {
	{ .action = { { .act = ACT_EXIT } }, .nr = 1 },
};

static const struct program stays[PROGRAMS] = {
	{ .action = { { .act = ACT_STAY } }, .nr = 1 },
};

#define ENDS     "a vCPU's thread ends"
#define HELD     "it is held"
#define GIVES_UP "a holder loses patience"
#define KICK     "who posts is told to kick"
#define BOTH     "both are accepted"
#define ONE      "one overtakes the other"

struct plot {
	struct rig *r;
	u32 left; /* threads that are not done yet */
	u32 over; /* they are */
	u32 times;
};

static struct plot *plot_of(struct rig *r, u32 threads, u32 times)
{
	struct plot *p = model_calloc(1, sizeof(*p));

	*p = (struct plot){ .r = r, .left = threads, .times = times };
	return p;
}

static void one_less(struct plot *p)
{
	if (--p->left == 0)
		p->over = 1;
}

static void end_when_over(void *arg)
{
	struct plot *p = arg;

	model_wait(&p->over, "all others are done");
	rig_end_all(p->r);
}

static void hold_again_and_again(void *arg, u32 holder, bool impatient)
{
	struct plot *p = arg;

	for (u32 i = 0; i < p->times; i++) {
		if (!rig_hold_all(p->r, holder, impatient)) {
			model_seen(GIVES_UP);
			continue;
		}
		model_step("rely on its standing still");
		model_seen(HELD);
		rig_release_all(p->r);
	}
	one_less(p);
}

static void holder(void *arg)
{
	hold_again_and_again(arg, 0, false);
}

static void second_holder(void *arg)
{
	hold_again_and_again(arg, 1, false);
}

static void impatient_holder(void *arg)
{
	hold_again_and_again(arg, 0, true);
}

static void stray(void *arg)
{
	struct plot *p = arg;

	for (u32 i = 0; i < p->times; i++) {
		model_step("a kick that means nothing");
		rig_kick(&p->r->cpu[0]);
	}
	one_less(p);
}

static void hold_against_enter(u32 times)
{
	struct rig *r = rig_build(1, comes_and_goes);
	struct plot *p = plot_of(r, 1, times);

	rig_spawn(r);
	model_spawn("holder", holder, p, false);
	model_spawn("director", end_when_over, p, false);
}

static void hold_against_stay(u32 times)
{
	struct rig *r = rig_build(1, stays);
	struct plot *p = plot_of(r, 1, times);

	rig_spawn(r);
	model_spawn("holder", holder, p, false);
	model_spawn("director", end_when_over, p, false);
}

static void hold_loses_patience(u32 times)
{
	struct rig *r = rig_build(1, comes_and_goes);
	struct plot *p = plot_of(r, 1, times);

	rig_spawn(r);
	model_spawn("holder", impatient_holder, p, false);
	model_spawn("director", end_when_over, p, false);
}

static void two_holders(u32 times)
{
	struct rig *r = rig_build(1, comes_and_goes);
	struct plot *p = plot_of(r, 2, times);

	r->holders = 2;
	rig_spawn(r);
	model_spawn("holder", holder, p, false);
	model_spawn("holder 2", second_holder, p, false);
	model_spawn("director", end_when_over, p, false);
}

static void stray_kicks(u32 times)
{
	struct rig *r = rig_build(1, stays);
	struct plot *p = plot_of(r, 2, times);

	rig_spawn(r);
	model_spawn("holder", holder, p, false);
	model_spawn("stray", stray, p, false);
	model_spawn("director", end_when_over, p, false);
}

/* Nobody waits for anybody: the end comes when it comes. */
static void exit_now(void *arg)
{
	struct plot *p = arg;

	rig_end_all(p->r);
}

static void wake_twice(void *arg)
{
	struct plot *p = arg;

	for (u32 i = 0; i < p->times; i++)
		rig_post(&p->r->cpu[0], GATE_WAKE);
	one_less(p);
}

static void exit_against_everything(u32 times)
{
	struct rig *r = rig_build(1, comes_and_goes);
	struct plot *p = plot_of(r, 3, times);

	rig_spawn(r);
	model_spawn("holder", holder, p, false);
	model_spawn("poster", wake_twice, p, false);
	model_spawn("exit", exit_now, p, false);
}

static void exit_against_hold(u32 times)
{
	struct rig *r = rig_build(1, comes_and_goes);
	struct plot *p = plot_of(r, 2, times);

	rig_spawn(r);
	model_spawn("holder", holder, p, false);
	model_spawn("exit", exit_now, p, false);
}

/* What a run does at its end: it takes nobody's release. */
static void exit_while_held(void *arg)
{
	struct plot *p = arg;

	(void)rig_hold_all(p->r, 0, false);
	model_seen(HELD);
	rig_end_all(p->r);
	model_wait(&p->r->cpu[0].gone, "join it");
	rig_release_all(p->r);
}

static void exit_ends_a_hold(u32 asleep)
{
	struct rig *r = rig_build(1, stays);
	struct plot *p = plot_of(r, 1, 1);

	r->cpu[0].mode = asleep ? MODE_OFF : MODE_RUN;
	rig_spawn(r);
	model_spawn("director", exit_while_held, p, false);
}

/* It is in its sleep at the gate when all this comes. */
static void exit_against_a_sleeper(u32 times)
{
	struct rig *r = rig_build(1, comes_and_goes);
	struct plot *p = plot_of(r, 3, times);

	r->cpu[0].mode = MODE_OFF;
	rig_spawn(r);
	model_spawn("holder", holder, p, false);
	model_spawn("poster", wake_twice, p, false);
	model_spawn("exit", exit_now, p, false);
}

/*
 * Post against accept. The first poster posts .first, and .second is posted
 * behind it by the same thread, at the same time by another, or with it.
 */
enum how { AFTER, BESIDES, TOGETHER };

struct pair {
	struct gate g;
	enum how how;
	bool asleep; /* the acceptor waits for events; else it goes into its guest */
	u32 first, second;
	u32 chosen, posted;
	u32 taken[8], nr;
};

static const u32 postable[] = { GATE_RESET,  GATE_OFF,  GATE_ON,   GATE_SUSPEND,
	                        GATE_ANSWER, GATE_WAKE, GATE_LINES };

/* A kick: the acceptor's "guest" is left by itself, so it has none to get. */
static void post(struct pair *p, u32 events)
{
	if (gate_post(&p->g, events))
		model_seen(KICK);
}

static void post_first(void *arg)
{
	struct pair *p = arg;

	p->first = postable[model_choose(ARRAY_SIZE(postable), "the first event")];
	p->second = postable[model_choose(ARRAY_SIZE(postable), "the second event")];
	p->chosen = 1;
	post(p, p->how == TOGETHER ? p->first | p->second : p->first);
	if (p->how == AFTER)
		post(p, p->second);
	if (p->how != BESIDES || ++p->posted == 2)
		post(p, GATE_EXIT);
}

static void post_second(void *arg)
{
	struct pair *p = arg;

	model_wait(&p->chosen, "it is chosen");
	post(p, p->second);
	if (++p->posted == 2)
		post(p, GATE_EXIT);
}

/* The header's table once more. */
static bool throws_away(u32 event, u32 earlier)
{
	static const struct {
		u32 event, earlier;
	} rows[] = {
		{ GATE_RESET, GATE_OFF | GATE_ON | GATE_SUSPEND | GATE_ANSWER | GATE_WAKE },
		{ GATE_OFF, GATE_RESET | GATE_ON | GATE_SUSPEND | GATE_ANSWER | GATE_WAKE },
		{ GATE_ON, GATE_WAKE },
		{ GATE_SUSPEND, GATE_ANSWER | GATE_WAKE },
		{ GATE_ANSWER, GATE_SUSPEND | GATE_WAKE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].event == event)
			return rows[i].earlier & earlier;
	return false;
}

static bool took(const struct pair *p, u32 a, u32 b)
{
	return p->taken[0] == a && p->taken[1] == b && p->nr == (a ? 1u : 0u) + (b ? 1u : 0u);
}

/* Could what was taken have come of @a, then @b? EXIT may have come before either was taken. */
static bool may_come_of(const struct pair *p, u32 a, u32 b)
{
	if (took(p, 0, 0))
		return true;
	if (a == b)
		return took(p, a, 0) || took(p, a, a);
	if (took(p, a, 0) || took(p, a, b))
		return true; /* one of them before EXIT, or one after the other */
	if (throws_away(b, a))
		return took(p, b, 0);
	return a > b && took(p, b, a);
}

static bool plausible(const struct pair *p)
{
	u32 low = p->first < p->second ? p->first : p->second;
	u32 high = p->first ^ p->second ^ low;

	switch (p->how) {
	case AFTER:
		return may_come_of(p, p->first, p->second);
	case BESIDES:
		return may_come_of(p, p->first, p->second) || may_come_of(p, p->second, p->first);
	case TOGETHER:
	default:
		if (p->first == p->second)
			return took(p, low, 0) || took(p, 0, 0);
		if (throws_away(high, low))
			return took(p, high, 0) || took(p, 0, 0);
		return took(p, low, high) || took(p, 0, 0);
	}
}

/* What is still pending at the end has not been lost either: EXIT came before it. */
static void add_what_is_left(struct pair *p)
{
	u32 left = gate_pending(&p->g) & ~(u32)(GATE_EXIT | GATE_HOLD);

	for (u32 event = 1; left; event <<= 1) {
		if (left & event && p->nr < ARRAY_SIZE(p->taken))
			p->taken[p->nr++] = event;
		left &= ~event;
	}
}

static void accept(void *arg)
{
	struct pair *p = arg;
	bool ended = false;

	gate_open(&p->g);
	while (!ended) {
		u32 events;

		if (!p->asleep && gate_enter(&p->g)) {
			model_step("in the guest");
			gate_leave(&p->g);
			continue;
		}
		events = gate_take(&p->g, p->asleep);
		model_check(events || !p->asleep, "woken for nothing");
		ended = events & GATE_EXIT;
		events &= ~(u32)GATE_EXIT;
		for (u32 event = 1; events; event <<= 1) {
			if (events & event && p->nr < ARRAY_SIZE(p->taken))
				p->taken[p->nr++] = event;
			events &= ~event;
		}
	}
	gate_close(&p->g);
	add_what_is_left(p);
	model_check(p->nr > 0, "%#x and %#x are lost", p->first, p->second);
	model_check(plausible(p), "of %#x and %#x came %#x, %#x (%u)", p->first, p->second,
	            p->taken[0], p->taken[1], p->nr);
	if (p->nr == 2)
		model_seen(BOTH);
	if (p->nr == 1)
		model_seen(ONE);
}

static void ignore(void *ctx)
{
}

static void build_pair(enum how how, bool asleep)
{
	struct pair *p = model_calloc(1, sizeof(*p));

	*p = (struct pair){ .how = how, .asleep = asleep };
	gate_init(&p->g, ignore, p);
	model_show_with(NULL, NULL);
	model_spawn("poster", post_first, p, false);
	if (how == BESIDES)
		model_spawn("poster 2", post_second, p, false);
	model_spawn("acceptor", accept, p, false);
}

static void post_against_accept(u32 how)
{
	build_pair((enum how)how, false);
}

static void post_against_sleep(u32 how)
{
	build_pair((enum how)how, true);
}

/* Someone who was told that nobody is to be kicked must not find the vCPU in the guest. */
#define ENDS "a vCPU's thread ends"
#define HELD "it is held"
#define KICK "who posts is told to kick"
#define BOTH "both are accepted"
#define ONE  "one overtakes the other"

const struct model_scenario gate_scenarios[] = {
	{ "hold-against-enter", hold_against_enter, 2, { ENDS, HELD }, true },
	{ "hold-against-stay", hold_against_stay, 2, { ENDS, HELD }, true },
	{ "hold-loses-patience", hold_loses_patience, 2, { ENDS, HELD, GIVES_UP }, true },
	{ "two-holders", two_holders, 1, { ENDS, HELD }, true },
	{ "stray-kicks", stray_kicks, 1, { ENDS, HELD }, true },
	{ "exit-against-hold", exit_against_hold, 2, { ENDS, HELD }, true },
	{ "exit-ends-a-hold", exit_ends_a_hold, false, { ENDS, HELD }, true },
	{ "exit-ends-a-sleeper's-hold", exit_ends_a_hold, true, { ENDS, HELD }, true },
	{ "exit-against-a-sleeper", exit_against_a_sleeper, 1, { ENDS, HELD }, true },
	{ "post-after-post", post_against_accept, AFTER, { KICK, BOTH, ONE }, true },
	{ "post-besides-post", post_against_accept, BESIDES, { KICK, BOTH, ONE }, true },
	{ "post-two-at-once", post_against_accept, TOGETHER, { KICK, BOTH, ONE }, true },
	{ "post-after-post-to-a-sleeper", post_against_sleep, AFTER, { BOTH, ONE }, true },
	{ "post-besides-post-to-a-sleeper", post_against_sleep, BESIDES, { BOTH, ONE }, true },
	{ "two-holders-twice", two_holders, 2, { ENDS, HELD }, false },
	{ "stray-kicks-thrice", stray_kicks, 3, { ENDS, HELD }, false },
	{ "exit-against-everything", exit_against_everything, 1, { ENDS, HELD }, false },
	{ 0 },
};
