/* SPDX-License-Identifier: MIT */
/*
 * Everything at once: guests that turn each other on and off, sleep and ask for
 * resets, a machine that decides, a second holder, and kicks from all sides. For
 * ThreadSanitizer; ROOST_STRESS is how many changes of power state it makes.
 */
#include "tests/unit/vcpu_rig.h"

#include <stdlib.h>

enum { CHANGES = 20000, CALLS_A_TURN = 16 };

struct stress {
	struct rig *k;
	sem_t turns; /* of the machine: a request, or some calls have been made */
	sem_t other_turns; /* of the second holder */
	sem_t dozers; /* somebody fell asleep */
	atomic_bool dozing[RIG_CPUS];
	atomic_bool over;
	bool resets; /* guests ask for them */
	pthread_mutex_t one; /* holder at a time, when one of them resets what it holds */
	u64 nr_resets, nr_suspends, nr_holds;
	u64 claims, starts, coming; /* CPU_ONs at the end: won, carried out, on their way */
};

static struct stress *stress_now;

static u64 chance(u64 *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random >> 16;
}

static struct rig_exit call(u32 fid, u64 x1, u64 x2, u64 x3)
{
	return (struct rig_exit){ .reason = KVM_EXIT_HYPERCALL, .fid = fid, .x = { x1, x2, x3 } };
}

/* Now more of them are on, now so few that a system suspend is granted. */
static u64 eagerness(struct rig *k)
{
	return atomic_load_explicit(&k->changes, memory_order_relaxed) / 512 % 2 ? 10 : 50;
}

/* What a guest does next; false: it sleeps in a WFI. CPU 0 never turns itself off. */
static bool act(struct rig_cpu *c, struct rig_exit *e)
{
	const u64 r = chance(&c->random) % 100, target = chance(&c->random) % RIG_CPUS;

	if (++c->calls % CALLS_A_TURN == 0) {
		must0(sem_post(&stress_now->turns));
		must0(sem_post(&stress_now->other_turns));
	}
	if (r < eagerness(c->k))
		*e = call(CALL_ON, target, ENTRY, target);
	else if (r < 70 && c->index > 0)
		*e = call(CALL_OFF, 0, 0, 0);
	else if (r < 78)
		*e = call(CALL_AFFINITY_INFO, target, 0, 0);
	else if (r < 84)
		*e = call(CALL_SUSPEND, PSCI_POWER_STATE_STANDBY, 0, 0);
	else if (r < 90)
		*e = call(CALL_SUSPEND, PSCI_POWER_STATE_POWER_DOWN, ENTRY, 0);
	else if (r < 95)
		*e = (struct rig_exit){ .reason = KVM_EXIT_MMIO, .gpa = RIG_DEVICE, .len = 8 };
	else if (r < 97)
		*e = call(CALL_SYSTEM_SUSPEND, ENTRY, 0, 0);
	else if (r < 98 && stress_now->resets)
		*e = call(CALL_SYSTEM_RESET, 0, 0, 0);
	else
		return false;
	return true;
}

static void dozes(struct rig_cpu *c)
{
	atomic_store(&stress_now->dozing[c->index], true);
	must0(sem_post(&stress_now->dozers));
}

static void requested(void *host, struct vcpu *v)
{
	must0(sem_post(&stress_now->turns));
}

static void parked(void *host, struct vcpu *v)
{
	rig_on_parked(host, v);
}

static void nobody_cares(void *host, struct vcpu *v)
{
}

static void woke(void *host, struct vcpu *v, bool by_interrupt)
{
}

static void called(void *host, struct vcpu *v, const struct vcpu_psci_call *c)
{
	rig_must(host, c->target < RIG_CPUS, "a call of the trace has a target that is not there");
}

static void ended(void *host, struct vcpu *v, const struct vcpu_end *end)
{
	rig_must(host, false, "a vCPU ended");
}

static const struct vcpu_host_ops stress_ops = {
	.requested = requested,
	.parked = parked,
	.woke = woke,
	.called = called,
	.ended = ended,
	.gone = nobody_cares,
};

/* Wakes whoever sleeps, in one of the ways there are, and kicks others for no reason. */
static void *waker(void *arg)
{
	struct stress *s = arg;
	struct rig *k = s->k;
	u64 random = 12345;

	while (!atomic_load(&s->over)) {
		while (sem_wait(&s->dozers) < 0)
			;
		for (u32 i = 0; i < RIG_CPUS; i++) {
			if (!atomic_exchange(&s->dozing[i], false)) {
				vcpu_post(k->v[i], chance(&random) % 2 ? GATE_WAKE : 0);
			} else if (chance(&random) % 2) {
				rig_interrupt(k, i);
			} else {
				vcpu_post(k->v[i], GATE_WAKE);
				rig_ring(&k->cpu[i]);
			}
		}
	}
	return NULL;
}

static void *second_holder(void *arg)
{
	struct stress *s = arg;
	u64 random = 54321;

	while (!atomic_load(&s->over)) {
		u32 first = (u32)(chance(&random) % RIG_CPUS);
		u32 nr = 1 + (u32)(chance(&random) % (RIG_CPUS - first));

		while (sem_wait(&s->other_turns) < 0)
			;
		if (s->resets)
			must0(pthread_mutex_lock(&s->one));
		if (rig_try_hold(s->k, first, nr))
			rig_release(s->k, first, nr);
		else
			rig_must(s->k, false, "a vCPU was not held in time");
		if (s->resets)
			must0(pthread_mutex_unlock(&s->one));
	}
	return NULL;
}

static u32 expected_mp_state(enum power_state s)
{
	if (s == POWER_OFF)
		return KVM_MP_STATE_STOPPED;
	return s == POWER_ON ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_SUSPENDED;
}

/* All are held: KVM and the table say the same, but for those that have something to accept. */
static void compare(struct rig *k)
{
	for (u32 i = 0; i < RIG_CPUS; i++) {
		const enum power_state s = power_state(k->env.power, i);

		if (!(vcpu_pending(k->v[i]) & ~(u32)(GATE_HOLD | GATE_WAKE)) &&
		    k->cpu[i].mp.mp_state != expected_mp_state(s))
			fail_msg("CPU %u is %s, KVM has mp_state %u", i, power_state_name(s),
			         k->cpu[i].mp.mp_state);
	}
}

/* The machine's decisions in small (machine/power.c). All are held. */
static void decide(struct stress *s, u32 cpu, const struct psci_system *what)
{
	struct rig *k = s->k;

	if (what->kind == PSCI_SYSTEM_RESET) {
		rig_start_again(k);
		s->nr_resets++;
	} else if (power_sleep(k->env.power, cpu, &what->entry) < 0) {
		vcpu_answer(k->v[cpu], PSCI_DENIED);
	} else {
		vcpu_post(k->v[cpu], GATE_SUSPEND);
		s->nr_suspends++;
	}
}

static void machine_turn(struct stress *s)
{
	struct rig *k = s->k;
	struct psci_system what;
	bool any = false;

	for (u32 i = 0; i < RIG_CPUS; i++) {
		if (!vcpu_request(k->v[i], &what))
			continue;
		any = true;
		must0(pthread_mutex_lock(&s->one));
		rig_hold(k, 0, RIG_CPUS);
		compare(k);
		decide(s, i, &what);
		rig_release(k, 0, RIG_CPUS);
		must0(pthread_mutex_unlock(&s->one));
	}
	if (!any) {
		rig_hold(k, 0, RIG_CPUS);
		compare(k);
		rig_release(k, 0, RIG_CPUS);
	}
	s->nr_holds++;
}

static u64 how_many(void)
{
	const char *s = getenv("ROOST_STRESS");

	return s && *s ? strtoull(s, NULL, 10) : CHANGES;
}

static void end_of(struct stress *s, pthread_t *threads, u32 nr)
{
	atomic_store(&s->over, true);
	must0(sem_post(&s->dozers));
	must0(sem_post(&s->other_turns));
	for (u32 i = 0; i < nr; i++)
		must0(pthread_join(threads[i], NULL));
}

static void run(struct stress *s)
{
	static void *(*const mains[])(void *) = { waker, second_holder };
	struct rig *k = s->k;
	const u64 changes = how_many();
	pthread_t threads[ARRAY_SIZE(mains)];

	stress_now = s;
	must0(pthread_mutex_init(&s->one, NULL));
	must0(sem_init(&s->turns, 0, 0));
	must0(sem_init(&s->other_turns, 0, 0));
	must0(sem_init(&s->dozers, 0, 0));
	k->guest = act;
	k->dozes = dozes;
	k->env.ops = &stress_ops;
	k->env.traced = true;
	for (u32 i = 0; i < RIG_CPUS; i++)
		rig_begin(k, i);
	for (u32 i = 0; i < ARRAY_SIZE(mains); i++)
		must0(pthread_create(&threads[i], NULL, mains[i], s));

	while (atomic_load(&k->changes) < changes && !atomic_load(&k->wrong)) {
		while (sem_wait(&s->turns) < 0)
			;
		machine_turn(s);
	}
	end_of(s, threads, ARRAY_SIZE(mains));
	rig_hold(k, 0, RIG_CPUS);
	compare(k);
	for (u32 i = 0; i < RIG_CPUS; i++)
		s->coming += (vcpu_pending(k->v[i]) & GATE_ON) != 0;
	s->claims = atomic_load(&k->claims);
	s->starts = atomic_load(&k->starts);
	rig_release(k, 0, RIG_CPUS);
	rig_stop(k);
	print_message("# %llu changes, %llu holds, %llu suspends, %llu resets\n",
	              (u64)atomic_load(&k->changes), s->nr_holds, s->nr_suspends, s->nr_resets);
	must0(pthread_mutex_destroy(&s->one));
	must0(sem_destroy(&s->turns));
	must0(sem_destroy(&s->other_turns));
	must0(sem_destroy(&s->dozers));
}

/* And its event is not lost: at the end some may be on their way. */
static void every_cpu_on_that_wins_starts_its_cpu_once(void **state)
{
	struct stress s = { .k = *state };

	run(&s);
	assert_int_equal(s.claims, s.starts + s.coming);
	assert_true(s.claims > 0 && s.nr_suspends > 0);
}

static void nobody_runs_held_and_kvm_follows_the_table_through_resets(void **state)
{
	struct stress s = { .k = *state, .resets = true };

	run(&s);
	assert_true(s.nr_resets > 0);
}

int main(void)
{
#define row(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		row(every_cpu_on_that_wins_starts_its_cpu_once),
		row(nobody_runs_held_and_kvm_follows_the_table_through_resets),
	};
#undef row

	return cmocka_run_group_tests_name("vcpu_stress", tests, NULL, NULL);
}
