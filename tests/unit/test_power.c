/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "vcpu/power.h"

enum { CPUS = 20, CPU = 7 /* that the tests of one CPU are about */ };

struct fixture {
	struct power *p;
	u64 mpidr[CPUS];
	u64 now; /* ns */
	u32 nr_changes;
	struct power_change last;
};

static u64 fake_now(void *host)
{
	const struct fixture *f = host;

	return f->now;
}

static void fake_changed(void *host, const struct power_change *c)
{
	struct fixture *f = host;

	/* No lock is held: the trace may ask. */
	assert_int_equal(power_state(f->p, c->cpu), c->to);
	assert_int_equal(c->seq, ++f->nr_changes);
	f->last = *c;
}

static const struct power_ops ops = { .now = fake_now, .changed = fake_changed };

/* Four CPUs in a level-1 group, three of those in a level-2 group; and Aff3. */
static u64 mpidr_of(u32 i)
{
	return i % 4 | i / 4 % 3 << 8 | i / 12 << 16 | (u64)(i >= 16) << 32;
}

static struct fixture *make_table(void)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	for (u32 i = 0; i < CPUS; i++)
		f->mpidr[i] = mpidr_of(i);
	must0(power_create(CPUS, f->mpidr, &ops, f, &f->p));
	memset(f->mpidr, 0xff, sizeof(f->mpidr)); /* copied */
	return f;
}

static void drop_table(struct fixture *f)
{
	power_destroy(f->p);
	test_free(f);
}

static int setup(void **state)
{
	*state = make_table();
	return 0;
}

static int teardown(void **state)
{
	drop_table(*state);
	return 0;
}

#define POWER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct psci_entry some_entry = { .pc = 0x80001000,
	                                      .context_id = 0x1122334455667788,
	                                      .big_endian = true };
static const struct psci_entry other_entry = { .pc = 0x80002000, .context_id = 2 };

static void assert_entry(const struct psci_entry *e, const struct psci_entry *want)
{
	assert_int_equal(e->pc, want->pc);
	assert_int_equal(e->context_id, want->context_id);
	assert_int_equal(e->big_endian, want->big_endian);
}

static int turn_on(struct fixture *f, u32 cpu, const struct psci_entry *entry, bool pending)
{
	u32 got = ~0u;
	int err = power_cpu_on(f->p, mpidr_of(cpu), entry, pending, &got);

	assert_int_equal(got, err == 0 ? cpu : ~0u);
	return err;
}

/* From where power_create() leaves it; what CPU 0 must do for it, it does. */
static void bring(struct fixture *f, u32 cpu, enum power_state to)
{
	if (to != POWER_OFF && cpu != 0)
		assert_int_equal(turn_on(f, cpu, &some_entry, to == POWER_ON_PENDING), 0);
	switch (to) {
	case POWER_SUSPENDED:
		power_suspend(f->p, cpu, PSCI_STANDBY, NULL);
		break;
	case POWER_ASLEEP:
		if (cpu != 0)
			power_cpu_off(f->p, 0);
		assert_int_equal(power_sleep(f->p, cpu, &some_entry), 0);
		break;
	case POWER_ON:
	case POWER_OFF:
	case POWER_ON_PENDING:
	case POWER_NR_STATES:
	default:
		break;
	}
	assert_int_equal(power_state(f->p, cpu), to);
}

/* All there is to be seen of a table. */
struct view {
	enum power_state state[CPUS];
	int hw[CPUS], affinity[CPUS], asleep;
	u64 residency[CPUS][PSCI_NR_CPU_STATES], count[CPUS][PSCI_NR_CPU_STATES];
	struct psci_entry entry[CPUS];
	u32 nr_on, nr_changes;
};

static void look(struct fixture *f, struct view *v)
{
	memset(v, 0, sizeof(*v));
	for (u32 i = 0; i < CPUS; i++) {
		v->state[i] = power_state(f->p, i);
		v->hw[i] = power_hw_state(f->p, mpidr_of(i));
		v->affinity[i] = power_affinity_info(f->p, mpidr_of(i), ~0ull);
		/* It ends ON_PENDING, so the entry of those is looked at later. */
		if (v->state[i] != POWER_ON_PENDING) {
			struct psci_entry e;

			power_accept(f->p, i, &e);
			v->entry[i].pc = e.pc;
			v->entry[i].context_id = e.context_id;
			v->entry[i].big_endian = e.big_endian;
		}
		for (u32 s = 0; s < PSCI_NR_CPU_STATES; s++)
			assert_int_equal(power_stat(f->p, mpidr_of(i), s, &v->residency[i][s],
			                            &v->count[i][s]),
			                 0);
	}
	v->asleep = power_asleep(f->p);
	v->nr_on = power_nr_on(f->p);
	v->nr_changes = f->nr_changes;
}

/* The drawing in power.h once more, arrow by arrow. */
static bool drawn(enum power_state from, enum power_state to)
{
	static const enum power_state arrows[][2] = {
		{ POWER_OFF, POWER_ON_PENDING }, { POWER_ON_PENDING, POWER_ON },
		{ POWER_OFF, POWER_ON },         { POWER_ON, POWER_OFF },
		{ POWER_ON, POWER_SUSPENDED },   { POWER_ON, POWER_ASLEEP },
		{ POWER_SUSPENDED, POWER_ON },   { POWER_ASLEEP, POWER_ON },
		{ POWER_SUSPENDED, POWER_OFF },  { POWER_ASLEEP, POWER_OFF },
		{ POWER_ON_PENDING, POWER_OFF },
	};

	for (size_t i = 0; i < ARRAY_SIZE(arrows); i++)
		if (arrows[i][0] == from && arrows[i][1] == to)
			return true;
	return false;
}

static void there_are_the_edges_of_the_drawing_and_no_other(void **state)
{
	for (u32 from = 0; from < POWER_NR_STATES; from++)
		for (u32 to = 0; to < POWER_NR_STATES; to++)
			if (power_edge(from, to) != drawn(from, to))
				fail_msg("%s -> %s: %d", power_state_name(from),
				         power_state_name(to), power_edge(from, to));
}

static void each_state_has_its_name(void **state)
{
	static const char *const names[] = { "ON", "OFF", "ON_PENDING", "SUSPENDED", "ASLEEP" };

	for (u32 s = 0; s < POWER_NR_STATES; s++)
		assert_string_equal(power_state_name(s), names[s]);
}

static void at_first_cpu_0_is_on_and_the_others_are_off(void **state)
{
	struct fixture *f = *state;

	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(power_state(f->p, i), i == 0 ? POWER_ON : POWER_OFF);
	assert_int_equal(power_nr_on(f->p), 1);
	assert_int_equal(power_asleep(f->p), -ENOENT);
	assert_int_equal(f->nr_changes, 0);
}

static void a_cpu_is_found_by_its_affinity_fields_alone(void **state)
{
	struct fixture *f = *state;

	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(power_cpu_of(f->p, mpidr_of(i)), i);
	assert_int_equal(power_cpu_of(f->p, mpidr_of(CPUS)), -ENOENT);
	assert_int_equal(power_cpu_of(f->p, mpidr_of(CPU) | 1u << 31), -ENOENT);
	assert_int_equal(power_cpu_of(f->p, mpidr_of(CPU) | 1ull << 33), -ENOENT);
}

/* What the public functions do with a CPU in each state: the last change, or none. */
enum call { CPU_ON, CPU_ON_SLOWLY, ACCEPT, OFF, STANDBY, DOWN, WAKE, SLEEP, SEEN_ON, SEEN_OFF };

static int make(struct fixture *f, enum call call)
{
	struct psci_entry e;

	switch (call) {
	case CPU_ON:
	case CPU_ON_SLOWLY:
		return turn_on(f, CPU, &other_entry, call == CPU_ON_SLOWLY);
	case ACCEPT:
		power_accept(f->p, CPU, &e);
		return 0;
	case OFF:
		power_cpu_off(f->p, CPU);
		return 0;
	case STANDBY:
		power_suspend(f->p, CPU, PSCI_STANDBY, NULL);
		return 0;
	case DOWN:
		power_suspend(f->p, CPU, PSCI_POWER_DOWN, &other_entry);
		return 0;
	case WAKE:
		(void)power_wake(f->p, CPU, &e);
		return 0;
	case SLEEP:
		return power_sleep(f->p, CPU, &other_entry);
	case SEEN_ON:
	case SEEN_OFF:
	default:
		power_observe(f->p, CPU, call == SEEN_ON);
		return 0;
	}
}

/* Without CPU 0, which would keep the machine from its sleep. */
static const struct {
	enum power_state from;
	enum call call;
	int err;
	enum power_state to; /* == from: nothing changes, and nobody is told */
	const char *why;
} calls[] = {
	{ POWER_OFF, CPU_ON, 0, POWER_ON, "cpu_on" },
	{ POWER_OFF, CPU_ON_SLOWLY, 0, POWER_ON_PENDING, "cpu_on" },
	{ POWER_ON, CPU_ON, -EALREADY, POWER_ON, NULL },
	{ POWER_ON, CPU_ON_SLOWLY, -EALREADY, POWER_ON, NULL },
	{ POWER_ON_PENDING, CPU_ON, -EINPROGRESS, POWER_ON_PENDING, NULL },
	{ POWER_ON_PENDING, CPU_ON_SLOWLY, -EINPROGRESS, POWER_ON_PENDING, NULL },
	{ POWER_SUSPENDED, CPU_ON, -EALREADY, POWER_SUSPENDED, NULL },
	{ POWER_SUSPENDED, CPU_ON_SLOWLY, -EALREADY, POWER_SUSPENDED, NULL },
	{ POWER_ASLEEP, CPU_ON, -EALREADY, POWER_ASLEEP, NULL },
	{ POWER_ASLEEP, CPU_ON_SLOWLY, -EALREADY, POWER_ASLEEP, NULL },
	{ POWER_ON, ACCEPT, 0, POWER_ON, NULL },
	{ POWER_ON_PENDING, ACCEPT, 0, POWER_ON, "accept" },
	{ POWER_ON, OFF, 0, POWER_OFF, "cpu_off" },
	{ POWER_ON, STANDBY, 0, POWER_SUSPENDED, "cpu_suspend" },
	{ POWER_ON, DOWN, 0, POWER_SUSPENDED, "cpu_suspend" },
	{ POWER_SUSPENDED, WAKE, 0, POWER_ON, "wake" },
	{ POWER_ASLEEP, WAKE, 0, POWER_ON, "wake" },
	{ POWER_ON, SLEEP, 0, POWER_ASLEEP, "system_suspend" },
	{ POWER_OFF, SEEN_ON, 0, POWER_ON, "observe" },
	{ POWER_ON, SEEN_ON, 0, POWER_ON, NULL },
	{ POWER_ON, SEEN_OFF, 0, POWER_OFF, "observe" },
	{ POWER_OFF, SEEN_OFF, 0, POWER_OFF, NULL },
	{ POWER_SUSPENDED, SEEN_OFF, 0, POWER_OFF, "observe" },
};

static void assert_call(struct fixture *f, size_t row)
{
	struct view before, after;
	int err;

	look(f, &before);
	err = make(f, calls[row].call);
	if (err != calls[row].err)
		fail_msg("row %zu: %d", row, err);
	if (power_state(f->p, CPU) != calls[row].to)
		fail_msg("row %zu: %s", row, power_state_name(power_state(f->p, CPU)));
	look(f, &after);

	if (!calls[row].why) {
		if (memcmp(&before, &after, sizeof(before)) != 0)
			fail_msg("row %zu: something has changed", row);
		return;
	}
	assert_int_equal(after.nr_changes, before.nr_changes + 1);
	assert_int_equal(f->last.cpu, CPU);
	assert_int_equal(f->last.from, calls[row].from);
	assert_int_equal(f->last.to, calls[row].to);
	assert_string_equal(f->last.why, calls[row].why);
	for (u32 i = 0; i < CPUS; i++)
		if (i != CPU && before.state[i] != after.state[i])
			fail_msg("row %zu: CPU %u has changed", row, i);
}

static void each_call_takes_its_edge_from_each_state_or_changes_nothing(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct fixture *f = make_table();

		bring(f, CPU, calls[i].from);
		if (power_state(f->p, 0) == POWER_ON)
			power_cpu_off(f->p, 0);
		f->now += 5000;
		assert_call(f, i);
		drop_table(f);
	}
}

static void of_many_callers_the_first_wins_and_its_entry_stays(void **state)
{
	struct fixture *f = *state;
	struct psci_entry e;

	assert_int_equal(turn_on(f, CPU, &some_entry, false), 0);
	for (u32 i = 0; i < 10; i++)
		assert_int_equal(turn_on(f, CPU, &other_entry, i & 1), -EALREADY);
	power_accept(f->p, CPU, &e);
	assert_entry(&e, &some_entry);

	power_cpu_off(f->p, CPU);
	assert_int_equal(turn_on(f, CPU, &other_entry, true), 0);
	for (u32 i = 0; i < 10; i++)
		assert_int_equal(turn_on(f, CPU, &some_entry, i & 1), -EINPROGRESS);
	power_accept(f->p, CPU, &e);
	assert_entry(&e, &other_entry);
	assert_int_equal(turn_on(f, CPU, &some_entry, true), -EALREADY);
}

static void nobody_is_turned_on_who_does_not_exist(void **state)
{
	struct fixture *f = *state;
	struct view before, after;
	u32 cpu = 99;

	look(f, &before);
	assert_int_equal(power_cpu_on(f->p, mpidr_of(CPUS), &some_entry, false, &cpu), -ENOENT);
	assert_int_equal(power_affinity_info(f->p, mpidr_of(CPUS), ~0ull), -ENOENT);
	assert_int_equal(power_hw_state(f->p, mpidr_of(CPUS)), -ENOENT);
	look(f, &after);
	assert_int_equal(cpu, 99);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void a_sleeping_machine_refuses_every_cpu_on(void **state)
{
	struct fixture *f = *state;
	struct view before, after;
	struct psci_entry e;

	bring(f, 0, POWER_ASLEEP);
	assert_int_equal(power_asleep(f->p), 0);
	look(f, &before);
	for (u32 i = 1; i < CPUS; i++)
		assert_int_equal(turn_on(f, i, &other_entry, i & 1), -EBUSY);
	assert_int_equal(turn_on(f, 0, &other_entry, false), -EALREADY);
	look(f, &after);
	assert_memory_equal(&before, &after, sizeof(before));

	assert_true(power_wake(f->p, 0, &e));
	assert_entry(&e, &some_entry);
	assert_int_equal(power_asleep(f->p), -ENOENT);
	assert_int_equal(turn_on(f, 1, &other_entry, false), 0);
}

static void the_machine_sleeps_only_when_all_others_are_off(void **state)
{
	static const enum power_state awake[] = { POWER_ON, POWER_ON_PENDING, POWER_SUSPENDED };

	for (size_t i = 0; i < ARRAY_SIZE(awake); i++) {
		struct view before, after;
		struct fixture *f = make_table();

		bring(f, CPU, awake[i]);
		look(f, &before);
		assert_int_equal(power_sleep(f->p, 0, &other_entry), -EPERM);
		assert_int_equal(power_asleep(f->p), -ENOENT);
		look(f, &after);
		assert_memory_equal(&before, &after, sizeof(before));
		drop_table(f);
	}
}

/* KVM's own PSCI stops all CPUs at a power-off, also one whose wish to sleep is still to be granted. */
static void a_cpu_that_is_off_itself_does_not_sleep(void **state)
{
	struct fixture *f = make_table();

	power_observe(f->p, 0, false);
	assert_int_equal(power_sleep(f->p, 0, &other_entry), -EPERM);
	assert_int_equal(power_asleep(f->p), -ENOENT);
	assert_int_equal(power_state(f->p, 0), POWER_OFF);
	drop_table(f);
}

static void a_wake_up_starts_at_the_entry_of_its_own_suspend_or_goes_on(void **state)
{
	struct fixture *f = *state;
	struct psci_entry e = other_entry;

	power_suspend(f->p, 0, PSCI_POWER_DOWN, &some_entry);
	assert_true(power_wake(f->p, 0, &e));
	assert_entry(&e, &some_entry);

	e = other_entry;
	power_suspend(f->p, 0, PSCI_STANDBY, NULL);
	assert_false(power_wake(f->p, 0, &e));
	assert_entry(&e, &other_entry);

	assert_int_equal(power_sleep(f->p, 0, &some_entry), 0);
	assert_true(power_wake(f->p, 0, &e));
	assert_entry(&e, &some_entry);
}

static void reset_takes_every_state_to_that_of_boot(void **state)
{
	for (u32 s = 0; s < POWER_NR_STATES; s++) {
		for (u32 cpu = 0; cpu <= CPU; cpu += CPU) {
			struct fixture *f;
			struct view before, after;
			u32 changes;

			/* CPU 0 is never turned on by another here. */
			if (cpu == 0 && (s == POWER_ON_PENDING || s == POWER_OFF))
				continue;
			f = make_table();
			look(f, &before);
			bring(f, cpu, s);
			f->now += 1000000;
			changes = f->nr_changes;
			changes += power_state(f->p, 0) != POWER_ON;
			changes += power_state(f->p, CPU) != POWER_OFF;
			power_reset(f->p);
			assert_int_equal(f->nr_changes, changes);
			look(f, &after);
			after.nr_changes = before.nr_changes;
			memcpy(after.entry, before.entry, sizeof(after.entry)); /* means nothing */
			assert_memory_equal(&before, &after, sizeof(before));
			assert_int_equal(turn_on(f, CPU, &other_entry, false), 0);
			drop_table(f);
		}
	}
}

static void cpu_0_can_be_off_and_is_on_after_a_reset(void **state)
{
	struct fixture *f = *state;
	struct psci_entry e;

	assert_int_equal(turn_on(f, CPU, &some_entry, false), 0);
	power_cpu_off(f->p, 0);
	assert_int_equal(power_nr_on(f->p), 1);
	assert_int_equal(turn_on(f, 0, &other_entry, true), 0);
	power_reset(f->p);
	assert_int_equal(power_state(f->p, 0), POWER_ON);
	assert_int_equal(power_state(f->p, CPU), POWER_OFF);
	assert_int_equal(turn_on(f, CPU, &other_entry, false), 0);
	power_accept(f->p, CPU, &e);
	assert_entry(&e, &other_entry);
}

static const u64 level_masks[] = { ~0ull, ~0xffull, ~0xffffull, ~0xffffffull };

static void affinity_info_answers_for_the_whole_group_at_every_level(void **state)
{
	struct fixture *f = *state;

	power_cpu_off(f->p, 0);
	for (u32 on = 0; on < CPUS; on++) {
		static const enum power_state kinds[] = { POWER_ON_PENDING, POWER_ON,
			                                  POWER_SUSPENDED };

		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			int answer = kinds[k] == POWER_ON_PENDING ? 2 : 0;

			assert_int_equal(turn_on(f, on, &some_entry, k == 0), 0);
			if (kinds[k] == POWER_SUSPENDED)
				power_suspend(f->p, on, PSCI_POWER_DOWN, &some_entry);
			for (u32 i = 0; i < CPUS; i++) {
				for (size_t l = 0; l < ARRAY_SIZE(level_masks); l++) {
					u64 mask = level_masks[l];
					bool in = (mpidr_of(on) & mask) == (mpidr_of(i) & mask);

					assert_int_equal(
						power_affinity_info(f->p, mpidr_of(i), mask),
						in ? answer : 1);
				}
			}
			power_observe(f->p, on, false);
		}
	}
}

static void one_cpu_that_is_on_outweighs_all_and_pending_outweighs_off(void **state)
{
	static const struct {
		enum power_state a, b;
		int answer;
	} mixes[] = {
		{ POWER_OFF, POWER_OFF, 1 },
		{ POWER_OFF, POWER_ON_PENDING, 2 },
		{ POWER_ON_PENDING, POWER_OFF, 2 },
		{ POWER_ON_PENDING, POWER_ON, 0 },
		{ POWER_ON, POWER_ON_PENDING, 0 },
		{ POWER_OFF, POWER_ON, 0 },
		{ POWER_ON, POWER_OFF, 0 },
		{ POWER_OFF, POWER_SUSPENDED, 0 },
		{ POWER_SUSPENDED, POWER_ON_PENDING, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mixes); i++) {
		struct fixture *f = make_table();

		bring(f, 4, mixes[i].a);
		bring(f, 6, mixes[i].b);
		if (power_affinity_info(f->p, mpidr_of(5), level_masks[1]) != mixes[i].answer)
			fail_msg("row %zu", i);
		drop_table(f);
	}
}

static void a_group_without_cpus_is_not_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(power_affinity_info(f->p, 3u << 8, level_masks[1]), -ENOENT);
	assert_int_equal(power_affinity_info(f->p, 2u << 16, level_masks[2]), -ENOENT);
	assert_int_equal(power_affinity_info(f->p, 2ull << 32, level_masks[3]), -ENOENT);
}

static void hw_state_tells_standby_from_off(void **state)
{
	struct fixture *f = *state;
	struct psci_entry e;

	assert_int_equal(power_hw_state(f->p, mpidr_of(0)), 0);
	assert_int_equal(power_hw_state(f->p, mpidr_of(CPU)), 1);
	bring(f, CPU, POWER_ON_PENDING);
	assert_int_equal(power_hw_state(f->p, mpidr_of(CPU)), 1);
	power_accept(f->p, CPU, &e);
	assert_int_equal(power_hw_state(f->p, mpidr_of(CPU)), 0);
	power_suspend(f->p, CPU, PSCI_STANDBY, NULL);
	assert_int_equal(power_hw_state(f->p, mpidr_of(CPU)), 2);
	(void)power_wake(f->p, CPU, &e);
	power_suspend(f->p, CPU, PSCI_POWER_DOWN, &some_entry);
	assert_int_equal(power_hw_state(f->p, mpidr_of(CPU)), 1);
}

static void nr_on_counts_all_that_are_not_off(void **state)
{
	struct fixture *f = *state;

	bring(f, 1, POWER_ON);
	bring(f, 2, POWER_ON_PENDING);
	bring(f, 3, POWER_SUSPENDED);
	assert_int_equal(power_nr_on(f->p), 4);
	power_cpu_off(f->p, 1);
	assert_int_equal(power_nr_on(f->p), 3);
}

static void assert_stat(struct fixture *f, enum psci_cpu_state s, u64 us, u64 count)
{
	u64 got_us = ~0ull, got = ~0ull;

	assert_int_equal(power_stat(f->p, mpidr_of(0), s, &got_us, &got), 0);
	assert_int_equal(got_us, us);
	assert_int_equal(got, count);
}

static void residency_is_counted_when_a_stay_ends_in_its_own_state(void **state)
{
	struct fixture *f = *state;
	struct psci_entry e;
	u64 us = 7, count = 7;

	f->now = 1000000;
	power_suspend(f->p, 0, PSCI_STANDBY, NULL);
	f->now += 1999; /* two of these are 3 us, not 2 */
	assert_stat(f, PSCI_STANDBY, 0, 0);
	(void)power_wake(f->p, 0, &e);
	assert_stat(f, PSCI_STANDBY, 1, 1);
	f->now += 5000;
	power_suspend(f->p, 0, PSCI_STANDBY, NULL);
	f->now += 1999;
	(void)power_wake(f->p, 0, &e);
	assert_stat(f, PSCI_STANDBY, 3, 2);
	assert_stat(f, PSCI_POWER_DOWN, 0, 0);

	power_suspend(f->p, 0, PSCI_POWER_DOWN, &some_entry);
	f->now += 40000;
	(void)power_wake(f->p, 0, &e);
	assert_int_equal(power_sleep(f->p, 0, &some_entry), 0);
	f->now += 500000;
	(void)power_wake(f->p, 0, &e);
	power_cpu_off(f->p, 0);
	f->now += 2000;
	assert_stat(f, PSCI_POWER_DOWN, 540, 2);
	assert_int_equal(turn_on(f, 0, &some_entry, false), 0);
	assert_stat(f, PSCI_POWER_DOWN, 542, 3);
	assert_stat(f, PSCI_STANDBY, 3, 2);

	assert_int_equal(power_stat(f->p, mpidr_of(CPUS), PSCI_STANDBY, &us, &count), -ENOENT);
	assert_int_equal(us, 7);
	assert_int_equal(count, 7);
}

static void the_off_from_the_start_and_from_a_reset_is_not_counted(void **state)
{
	struct fixture *f = *state;
	u64 us, count;

	for (u32 i = 0; i < 2; i++) {
		f->now += 9000;
		assert_int_equal(turn_on(f, CPU, &some_entry, false), 0);
		assert_int_equal(power_stat(f->p, mpidr_of(CPU), PSCI_POWER_DOWN, &us, &count), 0);
		assert_int_equal(us, 0);
		assert_int_equal(count, 0);
		power_cpu_off(f->p, CPU);
		power_reset(f->p);
	}
}

static void a_clock_that_was_read_too_early_makes_no_residency(void **state)
{
	struct fixture *f = *state;

	/* Two threads: the one that came second to the lock had been first to the clock. */
	f->now = 5000;
	power_cpu_off(f->p, 0);
	f->now = 4000;
	assert_int_equal(turn_on(f, 0, &some_entry, false), 0);
	assert_stat(f, PSCI_POWER_DOWN, 0, 1);
}

static void destroying_nothing_is_fine(void **state)
{
	power_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_the_edges_of_the_drawing_and_no_other),
		cmocka_unit_test(each_state_has_its_name),
		POWER_TEST(at_first_cpu_0_is_on_and_the_others_are_off),
		POWER_TEST(a_cpu_is_found_by_its_affinity_fields_alone),
		cmocka_unit_test(each_call_takes_its_edge_from_each_state_or_changes_nothing),
		POWER_TEST(of_many_callers_the_first_wins_and_its_entry_stays),
		POWER_TEST(nobody_is_turned_on_who_does_not_exist),
		POWER_TEST(a_sleeping_machine_refuses_every_cpu_on),
		cmocka_unit_test(the_machine_sleeps_only_when_all_others_are_off),
		cmocka_unit_test(a_cpu_that_is_off_itself_does_not_sleep),
		POWER_TEST(a_wake_up_starts_at_the_entry_of_its_own_suspend_or_goes_on),
		cmocka_unit_test(reset_takes_every_state_to_that_of_boot),
		POWER_TEST(cpu_0_can_be_off_and_is_on_after_a_reset),
		POWER_TEST(affinity_info_answers_for_the_whole_group_at_every_level),
		cmocka_unit_test(one_cpu_that_is_on_outweighs_all_and_pending_outweighs_off),
		POWER_TEST(a_group_without_cpus_is_not_there),
		POWER_TEST(hw_state_tells_standby_from_off),
		POWER_TEST(nr_on_counts_all_that_are_not_off),
		POWER_TEST(residency_is_counted_when_a_stay_ends_in_its_own_state),
		POWER_TEST(the_off_from_the_start_and_from_a_reset_is_not_counted),
		POWER_TEST(a_clock_that_was_read_too_early_makes_no_residency),
		cmocka_unit_test(destroying_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
