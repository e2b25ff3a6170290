/* SPDX-License-Identifier: MIT */
/*
 * The power table and the gates between real threads, with guests that are loops.
 * What a thread may rely on is plain memory here, so that ThreadSanitizer sees
 * every publication that is missing; arguments carry checksums, so that a torn
 * one is seen without it. ROOST_STRESS=N: so many changes of state.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vcpu/gate.h"
#include "vcpu/power.h"

enum { CPUS = 4, HOLDERS = 2, CHANGES = 50000 };

/* enum vcpu_mode */
enum mode { RUN, SLEEP, OFF, WAIT };

struct bell {
	pthread_mutex_t m;
	pthread_cond_t c;
	bool rung;
};

struct machine;

struct cpu {
	struct machine *m;
	u32 index;
	struct gate gate;
	atomic_uint kicked; /* immediate_exit */
	pthread_t thread;
	u32 seed;
	enum mode mode;
	/* Plain: the thread's while it is not held, the holder's while it is. */
	u64 regs[2];
	/* Plain, written before the event or the flag that announces it. */
	u64 answer, request, started_by;
	atomic_bool requested;
	/* Plain, read when all is over. */
	u64 accepted, wins[CPUS], woken, runs;
	/* Plain: the resetter's before it posts, the thread's then, everybody's when all are released. */
	bool unreset;
};

struct machine {
	struct power *power;
	struct cpu cpu[CPUS];
	struct bell bell[HOLDERS];
	pthread_mutex_t holding; /* of the two holders, one looks into regs at a time */
	atomic_ulong changes;
	u64 enough;
	atomic_bool over;
	u64 voided[CPUS], wins[CPUS]; /* the decider's */
	u64 resets, sleeps, denials, holds;
	atomic_uint wrong; /* which check, the first */
};

static u32 rnd(u32 *seed, u32 n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/* A test may fail in its first thread only. */
static void check(struct machine *m, bool right, u32 line)
{
	u32 none = 0;

	if (!right)
		(void)atomic_compare_exchange_strong(&m->wrong, &none, line);
}

#define CHECK(m, right) check(m, right, __LINE__)

static u64 checksum(u64 v, u32 cpu)
{
	return (v ^ cpu) * 0x9e3779b97f4a7c15 >> 7;
}

static struct psci_entry entry_of(u64 pc, u32 cpu)
{
	return (struct psci_entry){ pc, checksum(pc, cpu), pc & 1 };
}

static bool entry_is_whole(const struct psci_entry *e, u32 cpu)
{
	return e->context_id == checksum(e->pc, cpu) && e->big_endian == (e->pc & 1);
}

static void ring(struct bell *b)
{
	must0(pthread_mutex_lock(&b->m));
	b->rung = true;
	must0(pthread_cond_signal(&b->c));
	must0(pthread_mutex_unlock(&b->m));
}

static void hear(struct bell *b)
{
	must0(pthread_mutex_lock(&b->m));
	while (!b->rung)
		must0(pthread_cond_wait(&b->c, &b->m));
	b->rung = false;
	must0(pthread_mutex_unlock(&b->m));
}

static void parked(void *ctx)
{
	struct cpu *c = ctx;

	for (u32 i = 0; i < HOLDERS; i++)
		ring(&c->m->bell[i]);
}

static u64 now(void *host)
{
	struct timespec ts;

	must0(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void changed(void *host, const struct power_change *c)
{
	struct machine *m = host;

	CHECK(m, power_edge(c->from, c->to));
	if (atomic_fetch_add_explicit(&m->changes, 1, memory_order_relaxed) >= m->enough)
		atomic_store_explicit(&m->over, true, memory_order_relaxed);
}

static const struct power_ops ops = { .now = now, .changed = changed };

static void kick(struct cpu *c)
{
	atomic_store_explicit(&c->kicked, 1, memory_order_relaxed);
}

static void post(struct cpu *c, u32 events)
{
	if (gate_post(&c->gate, events))
		kick(c);
}

/* Return: whether it won. */
static bool turn_on(struct machine *m, u32 cpu, u64 pc, bool pending)
{
	const struct psci_entry e = entry_of(pc, cpu);
	u32 target = CPUS;
	int err = power_cpu_on(m->power, cpu, &e, pending, &target);

	if (err < 0) {
		CHECK(m, err == -EALREADY || err == -EINPROGRESS || err == -EBUSY);
		return false;
	}
	CHECK(m, target == cpu);
	/* The winner's alone, until the target has accepted. */
	m->cpu[cpu].started_by = e.context_id;
	post(&m->cpu[cpu], GATE_ON);
	return true;
}

/* What holders may read is written at every turn, in two halves that belong together. */
static void touch(struct cpu *c)
{
	c->regs[0]++;
	c->regs[1] = ~c->regs[0];
}

/* Return: a signal ended it. */
static bool guest(struct cpu *c)
{
	u32 turns = 1 + rnd(&c->seed, 3);

	for (u32 i = 0; i < CPUS; i++)
		CHECK(c->m, !c->m->cpu[i].unreset);
	for (u32 i = 0; i < turns; i++) {
		if (atomic_load_explicit(&c->kicked, memory_order_relaxed))
			break;
		touch(c);
		sched_yield();
	}
	c->runs++;
	return atomic_exchange_explicit(&c->kicked, 0, memory_order_relaxed);
}

static void wake(struct cpu *c)
{
	struct psci_entry e;

	c->mode = RUN;
	c->woken++;
	if (power_wake(c->m->power, c->index, &e))
		CHECK(c->m, entry_is_whole(&e, c->index));
}

static void suspend(struct cpu *c, bool down)
{
	const struct psci_entry e = entry_of(c->regs[0], c->index);

	power_suspend(c->m->power, c->index, down ? PSCI_POWER_DOWN : PSCI_STANDBY,
	              down ? &e : NULL);
	c->mode = SLEEP;
}

static void ask_for_suspend(struct cpu *c)
{
	c->request = checksum(c->regs[0], c->index);
	c->mode = WAIT;
	atomic_store_explicit(&c->requested, true, memory_order_release);
}

static void call(struct cpu *c)
{
	u32 target = rnd(&c->seed, CPUS);

	/* The last one mostly asks for what only the last one gets. */
	if (power_nr_on(c->m->power) == 1 && rnd(&c->seed, 4) > 0) {
		ask_for_suspend(c);
		return;
	}
	switch (rnd(&c->seed, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		power_cpu_off(c->m->power, c->index);
		c->mode = OFF;
		break;
	case 4:
	case 5:
	case 6:
		suspend(c, c->seed & 0x10000);
		break;
	case 7:
		ask_for_suspend(c);
		break;
	default:
		c->wins[target] += turn_on(c->m, target, c->seed * 77ull, c->seed & 0x20000);
		break;
	}
}

static void accept(struct cpu *c, u32 events)
{
	struct psci_entry e;

	if (events & (GATE_RESET | GATE_OFF)) {
		c->mode = events & GATE_OFF ? OFF : RUN;
		touch(c); /* under a hold, which has nobody look meanwhile */
		c->unreset = false;
	}
	if (events & GATE_ON) {
		CHECK(c->m, c->mode == OFF);
		power_accept(c->m->power, c->index, &e);
		CHECK(c->m, entry_is_whole(&e, c->index) && c->started_by == e.context_id);
		c->accepted++;
		c->mode = RUN;
	}
	if (events & GATE_SUSPEND) {
		CHECK(c->m, c->mode == WAIT);
		c->mode = SLEEP;
	}
	if (events & GATE_ANSWER) {
		CHECK(c->m, c->mode == WAIT && c->answer == ~c->request);
		c->mode = RUN;
	}
	if (events & GATE_WAKE && c->mode == SLEEP)
		wake(c);
}

static void *cpu_main(void *arg)
{
	struct cpu *c = arg;
	u32 events = 0;

	gate_open(&c->gate);
	while (!(events & GATE_EXIT)) {
		bool asleep = c->mode == OFF || c->mode == WAIT;

		events = 0;
		if (!asleep && gate_enter(&c->gate)) {
			bool by_signal = guest(c);

			gate_leave(&c->gate);
			if (c->mode == SLEEP && !by_signal)
				wake(c);
			else if (!by_signal)
				call(c);
		} else {
			events = gate_take(&c->gate, asleep);
			CHECK(c->m, events || !asleep);
			if (!(events & GATE_EXIT))
				accept(c, events);
		}
	}
	gate_close(&c->gate);
	return NULL;
}

static void settle_all(struct machine *m, u32 holder)
{
	u32 held = 0;

	for (;;) {
		while (held < CPUS && gate_held(&m->cpu[held].gate))
			held++;
		if (held == CPUS)
			return;
		hear(&m->bell[holder]);
	}
}

static void hold_all(struct machine *m, u32 holder)
{
	for (u32 i = 0; i < CPUS; i++)
		if (gate_hold(&m->cpu[i].gate))
			kick(&m->cpu[i]);
	settle_all(m, holder);
}

static void release_all(struct machine *m)
{
	for (u32 i = 0; i < CPUS; i++)
		gate_release(&m->cpu[i].gate);
}

/* They stand still, and are the holder's: it reads them, waits, changes them. */
static void use_held(struct machine *m)
{
	u64 before[CPUS];

	must0(pthread_mutex_lock(&m->holding));
	for (u32 i = 0; i < CPUS; i++) {
		before[i] = m->cpu[i].regs[0];
		CHECK(m, m->cpu[i].regs[1] == ~before[i]);
	}
	sched_yield();
	for (u32 i = 0; i < CPUS; i++) {
		CHECK(m, m->cpu[i].regs[0] == before[i]);
		touch(&m->cpu[i]);
	}
	must0(pthread_mutex_unlock(&m->holding));
}

static void *holder_main(void *arg)
{
	struct machine *m = arg;

	while (!atomic_load_explicit(&m->over, memory_order_relaxed)) {
		hold_all(m, 1);
		use_held(m);
		release_all(m);
		for (u32 i = 0; i < 8; i++)
			sched_yield();
	}
	return NULL;
}

/* Wakes whoever it likes, at any moment; that is all that may be done without holding anybody. */
static void *poster_main(void *arg)
{
	struct machine *m = arg;
	u32 seed = 99;

	while (!atomic_load_explicit(&m->over, memory_order_relaxed)) {
		struct cpu *c = &m->cpu[rnd(&seed, CPUS)];

		if (rnd(&seed, 4) == 0)
			kick(c); /* for nothing */
		else
			post(c, GATE_WAKE);
		sched_yield();
	}
	return NULL;
}

/* They are held by the other holder as well, maybe: it does not look at them meanwhile. */
static void reset(struct machine *m)
{
	m->resets++;
	must0(pthread_mutex_lock(&m->holding));
	for (u32 i = 0; i < CPUS; i++) {
		m->voided[i] += (gate_pending(&m->cpu[i].gate) & GATE_ON) != 0;
		atomic_store_explicit(&m->cpu[i].requested, false, memory_order_relaxed);
	}
	power_reset(m->power);
	for (u32 i = 0; i < CPUS; i++) {
		m->cpu[i].unreset = true;
		post(&m->cpu[i], i == 0 ? GATE_RESET : GATE_OFF);
	}
	settle_all(m, 0);
	for (u32 i = 0; i < CPUS; i++)
		CHECK(m, !m->cpu[i].unreset && m->cpu[i].mode == (i == 0 ? RUN : OFF));
	must0(pthread_mutex_unlock(&m->holding));
}

/* SYSTEM_SUSPEND; all are held. */
static void decide(struct machine *m, struct cpu *c)
{
	const struct psci_entry e = entry_of(c->request, c->index);
	u32 others = power_nr_on(m->power) - 1;
	int err = power_sleep(m->power, c->index, &e);

	CHECK(m, err == (others ? -EPERM : 0));
	if (err == 0) {
		m->sleeps++;
		CHECK(m, power_asleep(m->power) == (int)c->index);
		post(c, GATE_SUSPEND);
	} else {
		m->denials++;
		c->answer = ~c->request;
		post(c, GATE_ANSWER);
	}
}

static bool wanted(struct machine *m)
{
	for (u32 i = 0; i < CPUS; i++)
		if (atomic_load_explicit(&m->cpu[i].requested, memory_order_relaxed))
			return true;
	return false;
}

/* The loop's thread: everything that is decided with all held, and the operator's CPU_ON. */
static void run_machine(struct machine *m)
{
	u32 seed = 1;

	while (!atomic_load_explicit(&m->over, memory_order_relaxed)) {
		u32 cpu = rnd(&seed, CPUS);

		sched_yield();
		if (rnd(&seed, 2) == 0)
			m->wins[cpu] += turn_on(m, cpu, seed * 99ull, seed & 0x10000);
		if (!wanted(m) && rnd(&seed, 4) > 0)
			continue;
		hold_all(m, 0);
		m->holds++;
		use_held(m);
		for (u32 i = 0; i < CPUS; i++)
			if (atomic_exchange_explicit(&m->cpu[i].requested, false,
			                             memory_order_acquire))
				decide(m, &m->cpu[i]);
		if (rnd(&seed, 32) == 0)
			reset(m);
		release_all(m);
	}
}

static u64 enough(void)
{
	const char *n = getenv("ROOST_STRESS");

	return n ? strtoull(n, NULL, 0) : CHANGES;
}

static void start(struct machine *m)
{
	static const u64 mpidr[CPUS] = { 0, 1, 2, 3 };

	memset(m, 0, sizeof(*m));
	m->enough = enough();
	must0(power_create(CPUS, mpidr, &ops, m, &m->power));
	must0(pthread_mutex_init(&m->holding, NULL));
	for (u32 i = 0; i < HOLDERS; i++) {
		must0(pthread_mutex_init(&m->bell[i].m, NULL));
		must0(pthread_cond_init(&m->bell[i].c, NULL));
	}
	for (u32 i = 0; i < CPUS; i++) {
		struct cpu *c = &m->cpu[i];

		c->m = m;
		c->index = i;
		c->seed = i + 2;
		c->mode = i == 0 ? RUN : OFF;
		c->regs[1] = ~c->regs[0];
		gate_init(&c->gate, parked, c);
	}
	for (u32 i = 0; i < CPUS; i++)
		must0(pthread_create(&m->cpu[i].thread, NULL, cpu_main, &m->cpu[i]));
	/* One that has not begun has nothing to reset, and is not waited for. */
	for (u32 i = 0; i < CPUS; i++)
		while (gate_where(&m->cpu[i].gate) == GATE_GONE)
			sched_yield();
}

static void stop(struct machine *m)
{
	for (u32 i = 0; i < CPUS; i++)
		post(&m->cpu[i], GATE_EXIT);
	for (u32 i = 0; i < CPUS; i++)
		must0(pthread_join(m->cpu[i].thread, NULL));
}

/* Every CPU_ON that won was accepted, thrown away by a reset, or is pending still. */
static void assert_no_on_was_lost(struct machine *m, const u64 *left)
{
	for (u32 i = 0; i < CPUS; i++) {
		u64 wins = m->wins[i];

		for (u32 j = 0; j < CPUS; j++)
			wins += m->cpu[j].wins[i];
		assert_int_equal(wins, m->cpu[i].accepted + m->voided[i] + left[i]);
		assert_true(m->cpu[i].accepted > 0 && m->cpu[i].runs > 0);
	}
}

static void assert_residency_is_within(struct machine *m, u64 us)
{
	for (u32 i = 0; i < CPUS; i++) {
		for (u32 s = 0; s < PSCI_NR_CPU_STATES; s++) {
			u64 got, count;

			assert_int_equal(power_stat(m->power, i, s, &got, &count), 0);
			assert_true(got <= us);
		}
	}
}

static void done(struct machine *m)
{
	power_destroy(m->power);
	for (u32 i = 0; i < CPUS; i++)
		gate_done(&m->cpu[i].gate);
	for (u32 i = 0; i < HOLDERS; i++) {
		must0(pthread_cond_destroy(&m->bell[i].c));
		must0(pthread_mutex_destroy(&m->bell[i].m));
	}
	must0(pthread_mutex_destroy(&m->holding));
}

static void everybody_does_everything_at_once_and_nothing_is_lost(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));
	u64 began = now(NULL), left[CPUS];
	pthread_t holder, poster;

	start(m);
	must0(pthread_create(&holder, NULL, holder_main, m));
	must0(pthread_create(&poster, NULL, poster_main, m));
	run_machine(m);
	must0(pthread_join(holder, NULL));
	must0(pthread_join(poster, NULL));
	/* With all held nothing is on its way; and EXIT is taken without a release. */
	hold_all(m, 0);
	for (u32 i = 0; i < CPUS; i++)
		left[i] = (gate_pending(&m->cpu[i].gate) & GATE_ON) != 0;
	stop(m);
	release_all(m);

	if (atomic_load(&m->wrong))
		fail_msg("the check in line %u", atomic_load(&m->wrong));
	assert_no_on_was_lost(m, left);
	assert_residency_is_within(m, (now(NULL) - began) / 1000);
	assert_true(m->resets > 0 && m->sleeps > 0 && m->denials > 0);
	print_message(
		"# %lu changes of state, %llu holds, %llu resets, %llu system suspends, %llu denied\n",
		atomic_load(&m->changes), m->holds, m->resets, m->sleeps, m->denials);
	done(m);
	test_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_does_everything_at_once_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
