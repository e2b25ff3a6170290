/* SPDX-License-Identifier: MIT */
/*
 * CPU_ON against CPU_ON and against CPU_OFF: one wins, nothing is lost, and AFFINITY_INFO
 * never says anything but ON and OFF.
 *
 * Arguments: rounds=N (50), expect.pending=1: it may say ON_PENDING too.
 */
#include "guest.h"

#define BATONS 3

static u32 n;
static u32 target; /* of the race: the last CPU */
static u32 rounds;
static bool may_be_pending;
static volatile u32 odd; /* answers of AFFINITY_INFO that there must not be */
static volatile s32 odd_answer;

static volatile u32 go; /* number of the round that has begun */
static volatile u32 answered;
static volatile s32 answer[SMP_MAX_CPUS];
static struct cpu_start entrant[SMP_MAX_CPUS]; /* each contender's own */
static volatile u32 leave;

static s32 look_at(u32 cpu)
{
	s32 state = cpu_affinity_info(cpu);

	if (state != AFFINITY_ON && state != AFFINITY_OFF &&
	    !(may_be_pending && state == AFFINITY_ON_PENDING)) {
		odd_answer = state;
		__atomic_add_fetch(&odd, 1, __ATOMIC_RELAXED);
	}
	return state;
}

static bool turns_off(u32 cpu)
{
	u64 start = ticks();

	while (look_at(cpu) != AFFINITY_OFF) {
		if (passed_ms(start, 5000))
			return false;
		relax();
	}
	return true;
}

/* The target: stays until all have their answers, or somebody might win once more. */
static void raced(u32 winner)
{
	while (answered != n - 1)
		relax();
	(void)cpu_off();
}

static void contend(u32 cpu)
{
	answer[cpu] = cpu_on_as(target, &entrant[cpu]);
	(void)look_at(target);
	__atomic_add_fetch(&answered, 1, __ATOMIC_SEQ_CST);
}

static void contender(u32 cpu)
{
	for (u32 round = 1; !leave; round++) {
		while (go != round && !leave)
			relax();
		if (!leave)
			contend(cpu);
	}
	(void)cpu_off();
}

static u32 all_starts(void)
{
	u32 sum = 0;

	for (u32 cpu = 0; cpu < n; cpu++)
		sum += *(volatile u32 *)&entrant[cpu].starts;
	return sum;
}

static const char *judge(u32 round, const u32 *before)
{
	u32 winner = n;
	u32 won = 0;

	for (u32 cpu = 0; cpu < n - 1; cpu++) {
		if (answer[cpu] == PSCI_SUCCESS) {
			winner = cpu;
			won++;
		} else if (answer[cpu] != PSCI_ALREADY_ON &&
		           !(may_be_pending && answer[cpu] == PSCI_ON_PENDING)) {
			return "a loser gets another code than ALREADY_ON";
		}
	}
	if (won != 1)
		return won ? "more than one wins" : "nobody wins";
	if (all_starts() != round)
		return "the CPU does not start once";
	if (entrant[winner].starts != before[winner] + 1)
		return "it starts with a loser's context";
	return NULL;
}

static const char *race(u32 round)
{
	u32 before[SMP_MAX_CPUS];

	for (u32 cpu = 0; cpu < n; cpu++)
		before[cpu] = entrant[cpu].starts;
	answered = 0;
	dmb();
	go = round;
	dsb();
	__asm__ volatile("sev");
	contend(0);
	if (!wait_value(&answered, n - 1))
		return "not everybody gets an answer";
	if (!turns_off(target))
		return "the CPU does not come up";
	return judge(round, before);
}

static void check_race(void)
{
	const char *wrong = NULL;
	u32 round;

	for (u32 cpu = 0; cpu < n - 1; cpu++)
		entrant[cpu] =
			(struct cpu_start){ .fn = raced, .cpu = cpu, .stack = cpu_stack(target) };
	for (u32 cpu = 1; cpu < target; cpu++)
		(void)cpu_on(cpu, contender);
	for (round = 1; round <= rounds && !wrong; round++)
		wrong = race(round);
	check(!wrong, "of %u CPUs that turn one on exactly one succeeds, %u times%s%s", n - 1,
	      rounds, wrong ? ": " : "", wrong ? wrong : "");
	if (wrong)
		print("# in round %u\n", round - 1);
	leave = 1;
	for (u32 cpu = 1; cpu < target; cpu++)
		check(turns_off(cpu), "CPU %u turns itself off", cpu);
}

static volatile u32 about_to_leave;

/* Leaves now sooner, now later, so that the other's CPU_ON comes before, meanwhile, and after. */
static void brief(u32 cpu)
{
	u32 starts = cpu_record(cpu)->starts;

	about_to_leave = starts;
	for (u32 i = starts * 1009 % 5003; i; i--)
		__asm__ volatile("");
	(void)cpu_off();
}

/* Spins, so as to be there before it is off. */
static bool is_about_to_leave(u32 starts)
{
	u64 start = ticks();

	while (about_to_leave != starts && !passed_ms(start, 5000))
		;
	return about_to_leave == starts;
}

/* ALREADY_ON until the CPU is off; from the first SUCCESS on it must come up. */
static const char *turn_on(u32 cpu, u32 *refusals)
{
	u64 start = ticks();
	s32 code;

	while ((code = cpu_on_prepared(cpu)) == PSCI_ALREADY_ON ||
	       (may_be_pending && code == PSCI_ON_PENDING)) {
		(*refusals)++;
		if (passed_ms(start, 5000))
			return "CPU_OFF does not turn it off";
	}
	return code == PSCI_SUCCESS ? NULL : "CPU_ON is refused otherwise";
}

static void check_behind_off(u32 cpu)
{
	u32 starts = cpu_record(cpu)->starts;
	const char *wrong = NULL;
	u32 refusals = 0;
	u32 i;

	cpu_prepare(cpu, brief);
	for (i = 1; i <= rounds && !wrong; i++) {
		wrong = turn_on(cpu, &refusals);
		if (!wrong && !is_about_to_leave(starts + i))
			wrong = "the CPU does not come up";
	}
	check(!wrong && cpu_record(cpu)->starts == starts + rounds,
	      "CPU_ON right behind CPU_OFF is never lost, %u times%s%s", rounds, wrong ? ": " : "",
	      wrong ? wrong : "");
	print("# in round %u, %u times it was still on\n", i - 1, refusals);
	check(turns_off(cpu), "and it turns itself off");
}

static volatile u32 laps;
static volatile u32 fallen; /* batons that nobody carries any more */
static const char *volatile wrong_on_the_way;

/* Turns on the next in the ring, then itself off: there are more CPUs than batons. */
static void runner(u32 cpu)
{
	u32 next = cpu == n - 1 ? 1 : cpu + 1;
	u32 refusals = 0;
	const char *wrong = NULL;

	if (__atomic_add_fetch(&laps, 1, __ATOMIC_SEQ_CST) < rounds * BATONS)
		wrong = turn_on(next, &refusals);
	else
		__atomic_add_fetch(&fallen, 1, __ATOMIC_SEQ_CST);
	if (wrong)
		wrong_on_the_way = wrong;
	(void)cpu_off();
}

static void check_batons(void)
{
	u32 refusals = 0;
	u64 start = ticks();
	u32 last = 0;

	for (u32 cpu = 1; cpu < n; cpu++)
		cpu_prepare(cpu, runner);
	for (u32 i = 0; i < BATONS; i++)
		wrong_on_the_way = turn_on(1 + i * 2, &refusals);
	while (fallen < BATONS && !wrong_on_the_way && !passed_ms(start, 10000)) {
		for (u32 cpu = 1; cpu < n; cpu++)
			(void)look_at(cpu);
		if (laps != last)
			start = ticks();
		last = laps;
	}
	check(!wrong_on_the_way && fallen == BATONS,
	      "%u batons pass through %u CPUs that turn each other on, %u times%s%s", BATONS, n - 1,
	      laps, wrong_on_the_way ? ": " : "", wrong_on_the_way ? wrong_on_the_way : "");
	for (u32 cpu = 1; cpu < n; cpu++)
		check(turns_off(cpu), "CPU %u is off then", cpu);
}

void guest_main(void)
{
	n = cpu_count();
	target = n - 1;
	rounds = (u32)bootarg_u64("rounds", 50);
	may_be_pending = bootarg_u64("expect.pending", 0);
	if (!check(n > 2 * BATONS, "there are CPUs for a race (%u)", n))
		tap_done();
	check_race();
	check_behind_off(target);
	check_batons();
	check(!odd, "AFFINITY_INFO says ON or OFF%s and nothing else (%u, %d)",
	      may_be_pending ? " or ON_PENDING" : "", odd, odd_answer);
	tap_done();
}
