/* SPDX-License-Identifier: MIT */
/*
 * Guests that send each other SGIs, take them and what timers and devices raise,
 * go to sleep and turn each other on and off, while a holder holds and resets.
 * Each interrupt is sent when the one before it has been taken, so that all are
 * counted: at the end of each round nothing is on its way any more. For
 * ThreadSanitizer; ROOST_STRESS is how many interrupts are taken.
 */
#include "tests/unit/vcpu_lines_guest.h"

#include <stdlib.h>

enum { TAKEN = 50000, ROUNDS = 10 };

/* The guest has done what the device wants: a store to its register. */
static void doorbell(struct rig *k, u32 offset)
{
	struct device *d = &stress_now->device[offset];

	if (offset < LEVELS)
		irq_line_set(&d->line, false);
	(void)atomic_fetch_add_explicit(&d->served, 1, memory_order_relaxed);
	rig_must(k, atomic_exchange(&d->waits, false), "a device's interrupt came twice");
	must0(sem_post(&d->taken));
	count_taken(stress_now);
}

static void raise_line(struct device *d, u32 i)
{
	atomic_store(&d->waits, true);
	(void)atomic_fetch_add_explicit(&d->raised, 1, memory_order_relaxed);
	if (i < LEVELS)
		irq_line_set(&d->line, true);
	else
		irq_line_pulse(&d->line);
}

static void *device_main(void *arg)
{
	struct device *d = arg;
	struct stress *s = d->s;
	const u32 i = d->intid - FIRST_SPI;

	while (!atomic_load(&s->over)) {
		while (sem_wait(&d->taken) < 0)
			;
		must0(pthread_mutex_lock(&s->wires));
		if (atomic_load(&s->ready) && !atomic_load(&s->quiet) && !atomic_load(&d->waits))
			raise_line(d, i);
		must0(pthread_mutex_unlock(&s->wires));
	}
	return NULL;
}

/* Timers go off, whatever their CPUs do. */
static void *clock_main(void *arg)
{
	const u32 bit = 1 << VCPU_INPUT_VTIMER;
	struct stress *s = arg;

	while (!atomic_load(&s->over)) {
		while (sem_wait(&s->clock) < 0)
			;
		for (u32 i = 0; i < RIG_CPUS; i++) {
			must0(pthread_mutex_lock(&s->wires));
			if (!atomic_load(&s->quiet) &&
			    !(atomic_fetch_or(&s->k->cpu[i].level, bit) & bit)) {
				(void)atomic_fetch_add(&s->timers, 1);
				rig_ring(&s->k->cpu[i]);
			}
			must0(pthread_mutex_unlock(&s->wires));
		}
	}
	return NULL;
}

static void ended(void *host, struct vcpu *v, const struct vcpu_end *end)
{
	rig_must(host, false, "a vCPU ended");
}

static void nobody_cares(void *host, struct vcpu *v)
{
}

static void woke(void *host, struct vcpu *v, bool by_interrupt)
{
}

static void called(void *host, struct vcpu *v, const struct vcpu_psci_call *c)
{
}

static const struct vcpu_host_ops stress_ops = {
	.requested = nobody_cares,
	.parked = rig_on_parked,
	.woke = woke,
	.called = called,
	.ended = ended,
	.gone = nobody_cares,
};

/* What a reset swallows; all are held, and no device is at work. Level lines and timers stay up. */
static void write_off(struct stress *s)
{
	for (u32 from = 0; from < RIG_CPUS; from++)
		for (u32 to = 0; to < RIG_CPUS; to++)
			s->lost += atomic_exchange(&s->mail[from][to], false);
	for (u32 i = LEVELS; i < DEVICES; i++) {
		if (!atomic_exchange(&s->device[i].waits, false))
			continue;
		s->device[i].lost++;
		must0(sem_post(&s->device[i].taken));
	}
}

static void reset(struct stress *s)
{
	must0(pthread_mutex_lock(&s->wires));
	rig_hold(s->k, 0, RIG_CPUS);
	atomic_store(&s->ready, false);
	gic_user_reset(s->k->env.gic);
	rig_start_again(s->k);
	write_off(s);
	must0(sem_post(&s->clock));
	rig_release(s->k, 0, RIG_CPUS);
	must0(pthread_mutex_unlock(&s->wires));
	s->nr_resets++;
}

static u64 how_many(void)
{
	const char *s = getenv("ROOST_STRESS");

	return s && *s ? strtoull(s, NULL, 10) : TAKEN;
}

/* How many interrupts are on their way. */
static u32 outstanding(struct stress *s)
{
	u32 n = 0;

	for (u32 from = 0; from < RIG_CPUS; from++) {
		for (u32 to = 0; to < RIG_CPUS; to++)
			n += atomic_load(&s->mail[from][to]);
		n += atomic_load(&s->k->cpu[from].level) != 0;
	}
	for (u32 i = 0; i < DEVICES; i++)
		n += atomic_load(&s->device[i].waits);
	return n;
}

static void describe(struct stress *s)
{
	char where[48];

	for (u32 i = 0; i < RIG_CPUS; i++) {
		print_error("CPU %u: %s, %s, output %u, timer %u, SGIs from", i,
		            power_state_name(power_state(s->k->env.power, i)),
		            vcpu_whereabouts(s->k->v[i], where, sizeof(where)),
		            gic_user_output(s->k->env.gic, i), atomic_load(&s->k->cpu[i].level));
		for (u32 from = 0; from < RIG_CPUS; from++)
			if (atomic_load(&s->mail[from][i]))
				print_error(" %u", from);
		print_error("\n");
	}
	for (u32 i = 0; i < DEVICES; i++)
		print_error("device %u: %s\n", i,
		            atomic_load(&s->device[i].waits) ? "waits" : "idle");
}

/* Until somebody has done something. */
static void wait_turn(struct stress *s)
{
	struct timespec until;
	int err;

	must0(clock_gettime(CLOCK_REALTIME, &until));
	until.tv_sec += RIG_PATIENCE;
	do
		err = sem_timedwait(&s->turns, &until) < 0 ? errno : 0;
	while (err == EINTR);
	if (err) {
		describe(s);
		fail_msg("nothing happens any more, and %u interrupts are on their way",
		         outstanding(s));
	}
}

/* All are held, and nothing is on its way: KVM has what the GIC says. */
static void compare(struct rig *k)
{
	for (u32 i = 0; i < RIG_CPUS; i++) {
		u32 out = gic_user_output(k->env.gic, i);

		if (out)
			fail_msg("CPU %u: the GIC's output is %u at rest", i, out);
		if (power_state(k->env.power, i) != POWER_OFF && k->cpu[i].lines != out &&
		    !(vcpu_pending(k->v[i]) & (GATE_LINES | GATE_ON)))
			fail_msg("CPU %u: its lines are %u, not %u", i, k->cpu[i].lines, out);
	}
}

static void check_counts(struct stress *s)
{
	u64 got = 0;

	for (u32 i = 0; i < RIG_CPUS; i++)
		got += s->got[i];
	assert_int_equal(atomic_load(&s->sent), got + s->lost);
	assert_int_equal(atomic_load(&s->timers),
	                 atomic_load(&s->timers_taken) + atomic_load(&s->k->silenced));
	for (u32 i = 0; i < DEVICES; i++)
		assert_int_equal(atomic_load(&s->device[i].raised),
		                 atomic_load(&s->device[i].served) + s->device[i].lost);
}

static void hold_some(struct stress *s, u64 *random)
{
	u32 first = (u32)(chance(random) % RIG_CPUS);
	u32 nr = 1 + (u32)(chance(random) % (RIG_CPUS - first));

	rig_hold(s->k, first, nr);
	rig_release(s->k, first, nr);
	s->nr_holds++;
}

/* Everybody may begin again: those who sleep look up. */
static void stir(struct stress *s, bool quiet)
{
	must0(pthread_mutex_lock(&s->wires));
	atomic_store(&s->quiet, quiet);
	must0(pthread_mutex_unlock(&s->wires));
	must0(sem_post(&s->clock));
	for (u32 i = 0; i < DEVICES; i++)
		must0(sem_post(&s->device[i].taken));
	for (u32 i = 0; i < RIG_CPUS; i++)
		rig_ring(&s->k->cpu[i]);
}

/* Much at once, and then everything that is on its way arrives. */
static void one_round(struct stress *s, u64 until, u64 *random)
{
	stir(s, false);
	while (atomic_load(&s->taken) < until && !atomic_load(&s->k->wrong)) {
		wait_turn(s);
		if (s->resets && chance(random) % 16 == 0)
			reset(s);
		else
			hold_some(s, random);
	}
	stir(s, true);
	while (outstanding(s) > 0 && !atomic_load(&s->k->wrong))
		wait_turn(s);
	rig_hold(s->k, 0, RIG_CPUS);
	if (!atomic_load(&s->k->wrong)) {
		compare(s->k);
		check_counts(s);
	}
	rig_release(s->k, 0, RIG_CPUS);
}

static void begin(struct stress *s, pthread_t *threads)
{
	struct rig *k = s->k;

	stress_now = s;
	k->guest = act;
	k->dozes = dozes;
	k->doorbell = doorbell;
	k->env.ops = &stress_ops;
	atomic_store(&s->quiet, true);
	must0(pthread_mutex_init(&s->wires, NULL));
	must0(sem_init(&s->turns, 0, 0));
	must0(sem_init(&s->clock, 0, 0));
	for (u32 i = 0; i < DEVICES; i++) {
		struct device *d = &s->device[i];

		d->s = s;
		d->intid = FIRST_SPI + i;
		d->line = gic_user_line(k->env.gic, d->intid);
		must0(sem_init(&d->taken, 0, 0));
		must0(pthread_create(&threads[i], NULL, device_main, d));
	}
	for (u32 i = 0; i < RIG_CPUS; i++)
		rig_begin(k, i);
	must0(pthread_create(&threads[DEVICES], NULL, clock_main, s));
}

static void run(struct stress *s)
{
	const u64 taken = how_many();
	pthread_t threads[DEVICES + 1];
	u64 random = 54321;

	begin(s, threads);
	for (u32 i = 1; i <= ROUNDS; i++)
		one_round(s, i * taken / ROUNDS, &random);
	atomic_store(&s->over, true);
	stir(s, true);
	for (u32 i = 0; i < ARRAY_SIZE(threads); i++)
		must0(pthread_join(threads[i], NULL));
	rig_stop(s->k);
	print_message("# %llu SGIs, %llu timers, %llu holds, %llu resets\n",
	              (u64)atomic_load(&s->sent), (u64)atomic_load(&s->timers), s->nr_holds,
	              s->nr_resets);
	for (u32 i = 0; i < DEVICES; i++)
		must0(sem_destroy(&s->device[i].taken));
	must0(sem_destroy(&s->clock));
	must0(sem_destroy(&s->turns));
	must0(pthread_mutex_destroy(&s->wires));
}

static void no_interrupt_is_lost_and_none_comes_twice(void **state)
{
	static struct stress s;

	s = (struct stress){ .k = *state };
	run(&s);
	assert_true(atomic_load(&s.sent) > 0 && atomic_load(&s.timers) > 0);
}

static void nor_through_resets_but_for_what_they_take_away(void **state)
{
	static struct stress s;

	s = (struct stress){ .k = *state, .resets = true };
	run(&s);
	assert_true(s.nr_resets > 0);
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup_gic, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(no_interrupt_is_lost_and_none_comes_twice),
		row(nor_through_resets_but_for_what_they_take_away),
	};
#undef row

	return cmocka_run_group_tests_name("vcpu_lines_stress", tests, NULL, NULL);
}
