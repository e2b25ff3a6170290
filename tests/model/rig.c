/* SPDX-License-Identifier: MIT */
#include "tests/model/rig.h"

#include <stdio.h>
#include <string.h>

static u64 no_time(void *host)
{
	return 0;
}

static void changed(void *host, const struct power_change *c)
{
	model_note("(cpu%u %s -> %s: %s)", c->cpu, power_state_name(c->from),
	           power_state_name(c->to), c->why);
}

static const struct power_ops power_ops = { .now = no_time, .changed = changed };

static void step_unless_prompt(const struct rig *r, const char *what)
{
	if (r->prompt)
		model_note("%s", what);
	else
		model_step(what);
}

static void parked(void *ctx)
{
	const struct cpu *c = ctx;

	step_unless_prompt(c->rig, "ring the holders' bell");
	for (u32 i = 0; i < c->rig->holders; i++)
		c->rig->bell[i] = 1;
}

/* Everything of the vCPU that a holder may read is touched behind this. */
static void touch(const struct cpu *c, const char *what)
{
	model_check(!c->frozen || c->ended, "cpu%u is held, and its thread does: %s", c->index,
	            what);
}

/* The first instruction after a reset is to find every CPU reset; one that has ended is no CPU. */
static void all_are_reset(const struct rig *r)
{
	for (u32 i = 0; i < r->nr; i++)
		model_check(!r->cpu[i].unreset || r->cpu[i].ended,
		            "the guest runs, and cpu%u is not reset yet", i);
}

/* vcpu/kick.h: it ends a system call that goes on, and leaves nothing behind otherwise. */
static void interrupt(struct cpu *c)
{
	if (c->in_kvm_run)
		c->interrupted = 1;
}

void rig_kick(struct cpu *c)
{
	step_unless_prompt(c->rig, "set immediate_exit");
	c->immediate_exit = 1;
	step_unless_prompt(c->rig, "send the kick");
	if (c->rig->prompt)
		interrupt(c);
	else
		c->kick_sent = 1;
}

void rig_post(struct cpu *c, u32 events)
{
	if (gate_post(&c->gate, events))
		rig_kick(c);
}

/* The kernel, which delivers it. */
static void kick_main(void *arg)
{
	struct cpu *c = arg;

	for (;;) {
		model_wait(&c->kick_sent, "the kick arrives");
		c->kick_sent = 0;
		interrupt(c);
	}
}

static void in_guest(struct cpu *c, u32 in)
{
	model_check(!in || c->lines == c->delivered, "cpu%u has driven %u, and KVM has %u",
	            c->index, c->delivered, c->lines);
	c->in_guest = in;
	c->in_with[c->lines] = in;
}

/* What gets it out besides a kick. */
static enum act may_come_out(const struct cpu *c, enum act act)
{
	if (c->mode == MODE_SLEEP)
		act = c->irq ? ACT_EXIT : ACT_INTERRUPT;
	return act == ACT_INTERRUPT && !c->lines ? ACT_STAY : act;
}

/* A kick goes before everything else. */
static bool is_kicked(const struct cpu *c, enum act act)
{
	switch (act) {
	case ACT_STAY:
		return true;
	case ACT_INTERRUPT:
		return c->interrupted;
	case ACT_EXIT:
		return model_choose(2, "stay in the guest");
	case ACT_CPU_ON:
	case ACT_CPU_OFF:
	case ACT_SUSPEND:
	case ACT_SYSTEM:
	default:
		return false;
	}
}

/* What the guest comes out with; ACT_STAY: a kick got it out. */
static enum act run_guest(struct cpu *c, enum act act)
{
	bool kicked;

	touch(c, "enter the guest");
	model_check(!c->kept_out, "cpu%u is held, and enters the guest", c->index);
	all_are_reset(c->rig);
	in_guest(c, 1);
	if (c->pc > 0)
		c->reached = 1;
	act = may_come_out(c, act);
	kicked = is_kicked(c, act);
	if (kicked)
		model_wait(&c->interrupted, "KVM_RUN returns EINTR");
	else
		model_step("KVM_RUN returns with an exit");
	touch(c, "leave the guest");
	in_guest(c, 0);
	return kicked ? ACT_STAY : act;
}

/* Likewise, or it does not get in: KVM_RUN looks at immediate_exit once. */
static struct action kvm_run(struct cpu *c)
{
	const struct program *p = &c->rig->programs[c->pc];
	struct action a = p->action[c->step < p->nr ? c->step : p->nr - 1];

	model_step("KVM_RUN begins");
	c->in_kvm_run = 1;
	step_unless_prompt(c->rig, "look at immediate_exit");
	a.act = c->immediate_exit ? ACT_STAY : run_guest(c, a.act);
	c->in_kvm_run = c->interrupted = 0;
	step_unless_prompt(c->rig, "clear immediate_exit");
	c->immediate_exit = 0;
	return a;
}

static void start(struct cpu *c, const struct psci_entry *entry)
{
	model_check(entry->pc > 0 && entry->pc < PROGRAMS, "cpu%u starts at pc %u", c->index,
	            (u32)entry->pc);
	c->mode = MODE_RUN;
	c->pc = (u32)entry->pc;
	c->context = (u32)entry->context_id;
	c->step = 0;
}

static void wake(struct cpu *c)
{
	struct psci_entry entry = { 0 };

	model_check(power_wake(c->rig->power, c->index, &entry), "woken without an entry");
	start(c, &entry);
	c->wakes++;
}

static void accept_on(struct cpu *c)
{
	struct psci_entry entry = { 0 };

	model_check(c->mode == MODE_OFF, "cpu%u accepts an ON and is not off", c->index);
	power_accept(c->rig->power, c->index, &entry);
	start(c, &entry);
	c->starts++;
}

static const char *const event_names[] = { "EXIT",   "RESET", "OFF",   "ON",  "SUSPEND",
	                                   "ANSWER", "WAKE",  "LINES", "HOLD" };

static const char *event_name(u32 event)
{
	return event_names[__builtin_ctz(event)];
}

/* INIT: KVM keeps the levels or not; what has been driven is unknown. */
static void forget_lines(struct cpu *c)
{
	if (!c->rig->connected)
		return;
	if (model_choose(2, "the lines are lost"))
		c->lines = 0;
	c->delivered = LINES_UNKNOWN;
}

/* What was before is forgotten, so that it does not make many states of one. */
static void be_reset(struct cpu *c, enum mode mode)
{
	forget_lines(c);
	c->mode = mode;
	c->pc = 0;
	c->step = 0;
	c->context = 0;
	c->result = 0;
	c->answer = 0;
	c->request = (struct psci_system){ 0 };
	c->starts = 0;
	c->wakes = 0;
	c->reached = 0;
	c->unreset = 0;
}

static void check_acceptance(const struct cpu *c, u32 event)
{
	if (!(event & GATE_UNDER_HOLD))
		model_check(!c->kept_out, "cpu%u is held, and accepts %s", c->index,
		            event_name(event));
	else if (!c->unborn)
		touch(c, "accept an event");
}

static void accept_one(struct cpu *c, u32 event)
{
	model_note("(accepts %s)", event_name(event));
	switch (event) {
	case GATE_RESET:
		be_reset(c, MODE_RUN);
		c->pc = c->rig->boot_pc;
		break;
	case GATE_OFF:
		be_reset(c, MODE_OFF);
		break;
	case GATE_ON:
		accept_on(c);
		break;
	case GATE_SUSPEND:
		model_check(c->mode == MODE_WAIT, "cpu%u goes to sleep and did not ask", c->index);
		c->mode = MODE_SLEEP;
		break;
	case GATE_ANSWER:
		model_check(c->mode == MODE_WAIT, "cpu%u is answered and did not ask", c->index);
		c->mode = MODE_RUN;
		c->result = -(s32)c->answer;
		break;
	case GATE_WAKE:
		if (c->mode == MODE_SLEEP)
			wake(c);
		break;
	case GATE_LINES: /* the next turn looks at them */
		break;
	default:
		model_check(false, "event %#x is none", event);
	}
	check_acceptance(c, event);
}

/* Only here, on its own thread, does KVM hear of them. */
static void drive_lines(struct cpu *c)
{
	u32 output = atomic_load_explicit(&c->output, memory_order_acquire);

	if (output == c->delivered)
		return;
	step_unless_prompt(c->rig, "KVM_IRQ_LINE");
	touch(c, "drive its lines");
	c->lines = output;
	c->delivered = output;
}

static void call(struct cpu *c, const struct action *a)
{
	const struct psci_entry entry = { .pc = a->pc, .context_id = c->index };
	u32 target;

	switch (a->act) {
	case ACT_CPU_ON:
		c->result = power_cpu_on(c->rig->power, a->cpu, &entry, false, &target);
		if (c->result == 0)
			rig_post(&c->rig->cpu[target], GATE_ON);
		break;
	case ACT_CPU_OFF:
		power_cpu_off(c->rig->power, c->index);
		c->mode = MODE_OFF;
		break;
	case ACT_SUSPEND:
		power_suspend(c->rig->power, c->index, PSCI_POWER_DOWN, &entry);
		c->mode = MODE_SLEEP;
		break;
	case ACT_SYSTEM:
		c->request = (struct psci_system){ .kind = a->kind, .entry = entry };
		c->mode = MODE_WAIT;
		model_step("make the request");
		c->requested = 1;
		c->rig->bell[c->rig->request_bell] = 1;
		break;
	case ACT_EXIT:
		model_step("answer the exit");
		break;
	case ACT_INTERRUPT:
		rig_acknowledge(c);
		break;
	case ACT_STAY:
	default:
		return;
	}
	touch(c, "answer an exit");
}

static void run_once(struct cpu *c)
{
	struct action a = kvm_run(c);
	u32 nr = c->rig->programs[c->pc].nr;

	gate_leave(&c->gate);
	if (c->mode == MODE_SLEEP) {
		if (a.act != ACT_STAY)
			wake(c);
		return;
	}
	if (a.act != ACT_STAY && c->step < nr)
		c->step++;
	call(c, &a);
}

/* vcpu.c's turn(). Return: false at the end. */
static bool turn(struct cpu *c)
{
	bool asleep = c->mode == MODE_OFF || c->mode == MODE_WAIT;
	u32 events;

	if (!asleep && c->rig->connected)
		drive_lines(c);
	if (!asleep && gate_enter(&c->gate)) {
		run_once(c);
		return true;
	}

	events = gate_take(&c->gate, asleep);
	c->ended = (events & GATE_EXIT) != 0;
	if (c->ended)
		return false;
	model_check(events || !asleep, "cpu%u is asleep, and woken for nothing", c->index);
	for (u32 event = 1; events; event <<= 1) {
		if (events & event)
			accept_one(c, event);
		events &= ~event;
	}
	return true;
}

static void cpu_main(void *arg)
{
	struct cpu *c = arg;

	gate_open(&c->gate);
	c->begun = 1;
	while (turn(c))
		model_forget();
	gate_close(&c->gate);
	c->gone = 1;
	model_seen("a vCPU's thread ends");
}

static const char *shown(char *buf, size_t size, const char *const *names, size_t nr, u64 bits)
{
	size_t len = 0;

	(void)snprintf(buf, size, "-");
	for (size_t i = 0; i < nr && len < size; i++)
		if (bits & 1ull << i)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? "+" : "",
			                        names[i]);
	return buf;
}

/* Only what is in the rig's memory is named: it begins with the rig. */
static struct rig *shown_rig;

static const struct cpu *cpu_of(const void *p)
{
	for (u32 i = 0; shown_rig && i < shown_rig->nr; i++) {
		const struct cpu *c = &shown_rig->cpu[i];

		if ((const char *)p >= (const char *)c && (const char *)p < (const char *)(c + 1))
			return c;
	}
	return NULL;
}

static const char *name_of(const void *p, const char *text, char *buf, size_t size)
{
	const struct cpu *c = cpu_of(p);
	const char *member = "lock";

	if (!c)
		return shown_rig && p == shown_rig->power ? "power" : NULL;
	if (p == &c->gate.events)
		member = "events";
	else if (p == &c->gate.where)
		member = "where";
	else if (p == &c->output)
		member = "output";
	else if (p != &c->gate.lock)
		return p == &c->gate.changed ? "gate.changed" : NULL;
	(void)snprintf(buf, size, "cpu%u.%s", c->index, member);
	return buf;
}

static const char *decode(const void *p, const char *text, u64 value, char *buf, size_t size)
{
	static const char *const line_names[] = { "IRQ", "FIQ" };
	static const char *const where[] = { "OUT", "IN_GUEST", "PARKED", "GONE" };
	const struct cpu *c = cpu_of(p);

	if (c && p == &c->gate.where)
		return value < ARRAY_SIZE(where) ? where[value] : NULL;
	if (c && p == &c->gate.events)
		return shown(buf, size, event_names, ARRAY_SIZE(event_names), value);
	if (c && p == &c->output)
		return shown(buf, size, line_names, ARRAY_SIZE(line_names), value);
	return c && p != &c->gate.lock && p != &c->gate.changed ? NULL : "";
}

struct rig *rig_build(u32 nr, const struct program *programs)
{
	static const u64 mpidr[CPUS] = { 0, 1, 2 };
	struct rig *r = model_calloc(1, sizeof(*r));

	*r = (struct rig){
		.nr = nr,
		.programs = programs,
		.holders = 1,
		.request_bell = BELL_OF_REQUESTS,
	};
	must0(power_create(nr, mpidr, &power_ops, r, &r->power));
	for (u32 i = 0; i < nr; i++) {
		r->cpu[i] =
			(struct cpu){ .rig = r, .index = i, .mode = i == 0 ? MODE_RUN : MODE_OFF };
		gate_init(&r->cpu[i].gate, parked, &r->cpu[i]);
	}
	shown_rig = r;
	model_show_with(name_of, decode);
	return r;
}

void rig_spawn_cpu(struct rig *r, u32 i)
{
	static const char *const cpu[CPUS] = { "cpu0", "cpu1", "cpu2" };
	static const char *const name[CPUS] = { "kick 0", "kick 1", "kick 2" };

	model_spawn(cpu[i], cpu_main, &r->cpu[i], r->endless);
	if (!r->prompt)
		model_spawn(name[i], kick_main, &r->cpu[i], true);
}

void rig_spawn(struct rig *r)
{
	for (u32 i = 0; i < r->nr; i++)
		rig_spawn_cpu(r, i);
}

void rig_answer(struct cpu *c, u32 err)
{
	c->answer = err;
	rig_post(c, GATE_ANSWER);
}

static u32 first_loose(struct rig *r, u32 from)
{
	while (from < r->nr && gate_held(&r->cpu[from].gate))
		from++;
	return from;
}

static void hold_all(struct rig *r)
{
	for (u32 i = 0; i < r->nr; i++)
		if (gate_hold(&r->cpu[i].gate))
			rig_kick(&r->cpu[i]);
}

/* Return: false when it has lost patience; they stay held, as many as are. */
static bool until_held(struct rig *r, u32 holder, bool impatient)
{
	u32 loose = first_loose(r, 0);

	while (loose < r->nr) {
		if (impatient && model_choose(2, "lose patience"))
			return false;
		model_wait(&r->bell[holder], "hear the bell");
		r->bell[holder] = 0;
		loose = first_loose(r, loose);
	}
	for (u32 i = 0; i < r->nr; i++)
		model_check(!r->cpu[i].in_guest, "cpu%u is held, and in the guest", i);
	model_forget();
	return true;
}

bool rig_settle_all(struct rig *r, u32 holder, bool impatient)
{
	if (!until_held(r, holder, impatient))
		return false;
	for (u32 i = 0; i < r->nr; i++) {
		r->cpu[i].unborn = !r->cpu[i].begun;
		r->cpu[i].frozen++;
	}
	return true;
}

bool rig_hold_all(struct rig *r, u32 holder, bool impatient)
{
	hold_all(r);
	if (!rig_settle_all(r, holder, impatient)) {
		for (u32 i = 0; i < r->nr; i++)
			gate_release(&r->cpu[i].gate);
		return false;
	}
	for (u32 i = 0; i < r->nr; i++)
		r->cpu[i].kept_out++;
	return true;
}

void rig_release_all(struct rig *r)
{
	for (u32 i = 0; i < r->nr; i++) {
		r->cpu[i].frozen--;
		r->cpu[i].kept_out--;
		gate_release(&r->cpu[i].gate);
	}
	model_forget();
}

void rig_keep_out(struct rig *r, u32 holder)
{
	hold_all(r);
	(void)until_held(r, holder, false);
	for (u32 i = 0; i < r->nr; i++)
		r->cpu[i].kept_out++;
}

void rig_let_in(struct rig *r)
{
	for (u32 i = 0; i < r->nr; i++) {
		r->cpu[i].kept_out--;
		gate_release(&r->cpu[i].gate);
	}
}

void rig_reset_all(struct rig *r)
{
	for (u32 i = 0; i < r->nr; i++) {
		struct cpu *c = &r->cpu[i];

		c->frozen--;
		c->unreset = c->begun;
		rig_post(c, i == 0 ? GATE_RESET : GATE_OFF);
	}
	model_forget();
}

bool rig_request(struct cpu *c, struct psci_system *what)
{
	model_step("look for a request");
	if (!c->requested)
		return false;
	c->requested = 0;
	*what = c->request;
	return true;
}

int rig_cpu_on(struct rig *r, u32 cpu, u32 pc, u32 context)
{
	const struct psci_entry entry = { .pc = pc, .context_id = context };
	u32 target;
	int err = power_cpu_on(r->power, cpu, &entry, false, &target);

	if (err == 0)
		rig_post(&r->cpu[target], GATE_ON);
	return err;
}

void rig_end_all(struct rig *r)
{
	for (u32 i = 0; i < r->nr; i++)
		rig_post(&r->cpu[i], GATE_EXIT);
}
