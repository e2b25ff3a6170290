/* SPDX-License-Identifier: MIT */
/*
 * One controller between eight CPUs and four devices, each a thread. What one
 * gives to another through an interrupt is plain memory, so that ThreadSanitizer
 * sees when the controller does not order it; and everybody waits for an answer
 * before it goes on, so that nothing can get lost but by a stop, which is told.
 * On one thread the same machine goes the same way from the same seed.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "irqchip/gic_user.h"
#include "tests/unit/gic_regs.h"

enum {
	CPUS = 8,
	DEVICES = 4,
	NR_IRQS = 64,
	ALL = (1 << CPUS) - 1,
	FIRST_SPI = 40, /* of the first two edge, of the others level */
	NR_REQUESTS = 15, /* SGIs below it are requests */
	REPLY = 15,
#ifdef LOCK_CHECKS
	ROUNDS = 8000, /* sanitizers take their time */
#else
	ROUNDS = 50000,
#endif
	ROUNDS_ALONE = 300,
	SECONDS = 20, /* in which nobody takes an interrupt: one is lost */
};

static const gpa_t GICD = 0x10000, GICC = 0x20000;

struct machine;

/* Wakes one that sleeps; whoever comes first has it wake. */
struct bell {
	atomic_bool rung;
	sem_t sem;
};

/* From one CPU to another; the sender's until it is sent, and again from the reply. */
struct mail {
	u64 seq, sum;
};

struct cpu {
	struct machine *m;
	u32 index, seed;
	struct bell dirty; /* a kick: its output is another one */
	u32 delivered; /* of its output, to the guest */
	bool in_wfi;
	pthread_t thread;
	struct mail mail[CPUS]; /* to each */
	u32 waits_for; /* replies of these CPUs */
	u32 sent;
	bool done;
	/* Counts, for the end. */
	u64 requests, replies, spurious, served, nested;
	u64 seen[CPUS]; /* the last request of each */
};

struct device {
	struct machine *m;
	u32 intid, pulsed;
	struct irq_line line;
	bool edge;
	struct bell answer;
	pthread_t thread;
	atomic_bool wants; /* it has raised its line, and nobody has come */
	u64 payload, served; /* plain: the device's before it raises its line, the CPU's then */
};

struct machine {
	struct gic_user *u;
	struct cpu cpu[CPUS];
	struct device device[DEVICES];
	bool single; /* on one thread */
	u32 rounds; /* of each device, and requests of each CPU */
	u64 hash; /* of all that happens, then */
	atomic_uint taken; /* interrupts, by all */
	atomic_uint left; /* CPUs and devices that are not done */
	atomic_bool over;
	atomic_uint wrong; /* line of the first check that failed */
	atomic_uint lost; /* who sleeps for good: its number + 1 */
};

static u32 rnd(struct cpu *c, u32 n)
{
	c->seed = c->seed * 1664525 + 1013904223;
	return (c->seed >> 8) % n;
}

static u64 checksum(u64 v, u32 who)
{
	return (v ^ who) * 0x9e3779b97f4a7c15 >> 7;
}

static void mix(struct machine *m, u64 v)
{
	if (m->single)
		m->hash = (m->hash ^ v) * 0x100000001b3;
}

static void ring(struct bell *b)
{
	if (!atomic_exchange(&b->rung, true))
		must0(sem_post(&b->sem));
}

static void end_all(struct machine *m)
{
	atomic_store(&m->over, true);
	for (u32 i = 0; i < CPUS; i++)
		ring(&m->cpu[i].dirty);
	for (u32 i = 0; i < DEVICES; i++)
		ring(&m->device[i].answer);
}

/* A test may fail in its first thread only. */
static void check(struct machine *m, bool right, u32 line)
{
	u32 none = 0;

	if (!right && atomic_compare_exchange_strong(&m->wrong, &none, line))
		end_all(m);
}

#define CHECK(m, right) check(m, right, __LINE__)

/* Sleep until it rings, while anything happens at all. */
static void hear(struct machine *m, struct bell *b, u32 who)
{
	while (!atomic_load(&b->rung)) {
		u32 taken = atomic_load(&m->taken), none = 0;
		struct timespec until;

		must0(clock_gettime(CLOCK_REALTIME, &until));
		until.tv_sec += SECONDS;
		if (sem_timedwait(&b->sem, &until) == 0 || errno != ETIMEDOUT ||
		    taken != atomic_load(&m->taken))
			continue;
		(void)atomic_compare_exchange_strong(&m->lost, &none, who + 1);
		end_all(m);
	}
}

/* Before looking at what the bell was rung for. */
static void hush(struct bell *b)
{
	if (atomic_exchange(&b->rung, false))
		(void)sem_trywait(&b->sem);
}

static void one_less(struct machine *m)
{
	if (atomic_fetch_sub(&m->left, 1) == 1)
		end_all(m);
}

static void changed(void *ctx, u32 cpu)
{
	struct machine *m = ctx;

	mix(m, cpu | 0x100);
	ring(&m->cpu[cpu].dirty);
}

static const struct gic_user_ops ops = { changed };

static void put(struct cpu *c, gpa_t at, u32 value)
{
	CHECK(c->m, gic_user_write(c->m->u, c->index, at, 4, value));
}

static void put8(struct cpu *c, gpa_t at, u32 value)
{
	CHECK(c->m, gic_user_write(c->m->u, c->index, at, 1, value));
}

static u32 get(struct cpu *c, gpa_t at)
{
	u64 value = 0;

	CHECK(c->m, gic_user_read(c->m->u, c->index, at, 4, &value));
	mix(c->m, value << 8 | c->index);
	return (u32)value;
}

static void answer_request(struct cpu *c, u32 from)
{
	struct cpu *sender = &c->m->cpu[from];
	const struct mail *mail = &sender->mail[c->index];

	CHECK(c->m, mail->seq == c->seen[from] + 1);
	CHECK(c->m, mail->sum == checksum(mail->seq, c->index));
	c->seen[from] = mail->seq;
	c->requests++;
	put(c, GICD + GICD_SGIR, 1u << from << 16 | REPLY);
}

static void take_reply(struct cpu *c, u32 from)
{
	CHECK(c->m, c->waits_for >> from & 1);
	c->waits_for &= ~(1u << from);
	c->replies++;
	if (c->sent < c->m->rounds || c->waits_for || c->done)
		return;
	c->done = true;
	one_less(c->m);
}

/* The device may raise its line again before the interrupt is ended. */
static void serve(struct cpu *c, u32 intid)
{
	u32 n = (intid - FIRST_SPI) % DEVICES;
	struct device *d = &c->m->device[n];

	CHECK(c->m, n + FIRST_SPI == intid);
	CHECK(c->m, atomic_exchange_explicit(&d->wants, false, memory_order_relaxed));
	CHECK(c->m, d->payload == checksum(d->served, intid));
	d->served++;
	c->served++;
	if (!d->edge)
		irq_line_set(&d->line, false);
	ring(&d->answer);
}

static void look(struct cpu *c)
{
	hush(&c->dirty);
	c->delivered = gic_user_output(c->m->u, c->index);
	mix(c->m, c->delivered << 4 | c->index);
}

/* The guest's handler; another interrupt may come in between. */
static void take_interrupt(struct cpu *c, u32 depth)
{
	u32 iar = get(c, GICC + GICC_IAR), intid = iar & 0x3ff, from = iar >> 10;

	if (intid == GIC_SPURIOUS) {
		c->spurious++;
		return;
	}
	atomic_fetch_add_explicit(&c->m->taken, 1, memory_order_relaxed);
	if (intid < NR_REQUESTS)
		answer_request(c, from);
	else if (intid == REPLY)
		take_reply(c, from);
	else
		serve(c, intid);

	look(c);
	if (c->delivered && depth < 3) {
		c->nested++;
		take_interrupt(c, depth + 1);
	}
	put(c, GICC + GICC_EOIR, iar);
	if (c->index & 1)
		put(c, GICC + GICC_DIR, iar);
}

static void send_requests(struct cpu *c)
{
	u32 to = (1 + rnd(c, ALL)) & ~c->waits_for, id = rnd(c, NR_REQUESTS);
	const u32 self = 1u << c->index;

	for (u32 cpu = 0; cpu < CPUS; cpu++) {
		if (c->sent == c->m->rounds)
			to &= (1u << cpu) - 1;
		if (!(to >> cpu & 1))
			continue;
		c->mail[cpu].seq++;
		c->mail[cpu].sum = checksum(c->mail[cpu].seq, cpu);
		c->waits_for |= 1u << cpu;
		c->sent++;
	}
	if (to == (ALL & ~self))
		put(c, GICD + GICD_SGIR, 1u << 24 | id);
	else if (to == self)
		put(c, GICD + GICD_SGIR, 2u << 24 | id);
	else if (to)
		put(c, GICD + GICD_SGIR, to << 16 | id);
}

/* Takes something away and gives it back: who could not have its interrupt must hear of it then. */
static void meddle(struct cpu *c)
{
	u32 intid = FIRST_SPI + rnd(c, DEVICES), bit = 1u << intid % 32;

	switch (rnd(c, 7)) {
	case 0:
		put(c, GICD + GICD_ICENABLER + 4, bit);
		put(c, GICD + GICD_ISENABLER + 4, bit);
		break;
	case 1:
		put(c, GICD + GICD_CTLR, 0);
		put(c, GICD + GICD_CTLR, 1);
		break;
	case 2:
		put(c, GICC + GICC_PMR, 0);
		put(c, GICC + GICC_PMR, 0xff);
		break;
	case 3:
		put8(c, GICD + GICD_ITARGETSR + intid, 1 + rnd(c, ALL));
		break;
	case 4:
		put8(c, GICD + GICD_IPRIORITYR + intid, rnd(c, 24) * 8);
		break;
	case 5:
		put8(c, GICD + GICD_IPRIORITYR + rnd(c, GIC_NR_SGIS), rnd(c, 24) * 8);
		break;
	default:
		(void)get(c, GICC + GICC_HPPIR);
		(void)get(c, GICC + GICC_RPR);
		break;
	}
}

/* One turn of a vCPU's loop and of its guest. Return: false when the guest waits for an interrupt. */
static bool cpu_turn(struct cpu *c)
{
	look(c);
	if (c->delivered) {
		take_interrupt(c, 0);
		return true;
	}
	if (c->sent < c->m->rounds && c->waits_for != ALL && (!c->waits_for || rnd(c, 4))) {
		send_requests(c);
		return true;
	}
	if (c->sent < c->m->rounds && rnd(c, 2)) {
		meddle(c);
		return true;
	}
	return false;
}

/* Once it has been served, and at the beginning. */
static void device_turn(struct device *d)
{
	hush(&d->answer);
	if (atomic_load_explicit(&d->wants, memory_order_relaxed))
		return;
	CHECK(d->m, d->served == d->pulsed);
	if (d->pulsed == d->m->rounds) {
		one_less(d->m);
		return;
	}

	d->payload = checksum(d->served, d->intid);
	d->pulsed++;
	atomic_store_explicit(&d->wants, true, memory_order_relaxed);
	if (d->edge)
		irq_line_pulse(&d->line);
	else
		irq_line_set(&d->line, true);
}

static void *cpu_main(void *arg)
{
	struct cpu *c = arg;

	while (!atomic_load(&c->m->over))
		if (!cpu_turn(c))
			hear(c->m, &c->dirty, c->index);
	return NULL;
}

static void *device_main(void *arg)
{
	struct device *d = arg;

	while (!atomic_load(&d->m->over)) {
		device_turn(d);
		hear(d->m, &d->answer, CPUS + d->intid - FIRST_SPI);
	}
	return NULL;
}

static void run_threads(struct machine *m)
{
	for (u32 i = 0; i < CPUS; i++)
		must0(pthread_create(&m->cpu[i].thread, NULL, cpu_main, &m->cpu[i]));
	for (u32 i = 0; i < DEVICES; i++)
		must0(pthread_create(&m->device[i].thread, NULL, device_main, &m->device[i]));
	for (u32 i = 0; i < CPUS; i++)
		must0(pthread_join(m->cpu[i].thread, NULL));
	for (u32 i = 0; i < DEVICES; i++)
		must0(pthread_join(m->device[i].thread, NULL));
}

/* Return: false when it sleeps. */
static bool turn_of(struct machine *m, u32 who)
{
	struct cpu *c = &m->cpu[who % CPUS];
	struct device *d = &m->device[who % DEVICES];

	if (who >= CPUS) {
		if (!atomic_load(&d->answer.rung))
			return false;
		device_turn(d);
		return true;
	}
	if (c->in_wfi && !atomic_load(&c->dirty.rung))
		return false;
	c->in_wfi = !cpu_turn(c);
	return true;
}

static void mix_image(struct machine *m)
{
	struct gic_saved image;
	const u8 *p = (const u8 *)&image;

	gic_user_save(m->u, &image);
	for (size_t i = 0; i < sizeof(image); i++)
		mix(m, p[i]);
}

/* The same by turns, as the seed of CPU 0 says. */
static void run_alone(struct machine *m)
{
	u32 asleep = 0;

	for (u32 i = 0; i < DEVICES; i++)
		ring(&m->device[i].answer);
	for (u32 turns = 0; !atomic_load(&m->over); turns++) {
		u32 who = rnd(&m->cpu[0], CPUS + DEVICES);

		asleep = turn_of(m, who) ? 0 : asleep + 1;
		if (asleep == 10000) {
			atomic_store(&m->lost, who + 1);
			end_all(m);
		}
		if (turns % 1024 == 0)
			mix_image(m);
	}
	mix_image(m);
}

static void bell_init(struct bell *b)
{
	must0(sem_init(&b->sem, 0, 0));
}

static void prepare_cpu(struct machine *m, u32 i, u32 seed)
{
	struct cpu *c = &m->cpu[i];

	*c = (struct cpu){ .m = m, .index = i, .seed = seed + i };
	bell_init(&c->dirty);
	put(c, GICC + GICC_PMR, 0xff);
	put(c, GICC + GICC_CTLR, i & 1 ? 1 | EOI_MODE : 1);
	for (u32 intid = 0; intid < GIC_NR_SGIS; intid++)
		put8(c, GICD + GICD_IPRIORITYR + intid, rnd(c, 24) * 8);
}

static void prepare_device(struct machine *m, u32 i)
{
	u32 intid = FIRST_SPI + i, bit = 1u << intid % 32;
	struct cpu *c = &m->cpu[i];

	m->device[i] = (struct device){ .m = m, .intid = intid, .edge = i < DEVICES / 2 };
	m->device[i].line = gic_user_line(m->u, intid);
	bell_init(&m->device[i].answer);
	if (m->device[i].edge)
		put(c, GICD + GICD_ICFGR + intid / 16 * 4,
		    get(c, GICD + GICD_ICFGR + intid / 16 * 4) | 2u << intid % 16 * 2);
	put8(c, GICD + GICD_ITARGETSR + intid, ALL);
	put8(c, GICD + GICD_IPRIORITYR + intid, 0x40 + 8 * i);
	put(c, GICD + GICD_ISENABLER + intid / 32 * 4, bit);
}

/* ROOST_STRESS: how many interrupts in all. */
static u32 how_many(void)
{
	const char *s = getenv("ROOST_STRESS");

	return s && *s ? (u32)strtoul(s, NULL, 10) / (CPUS + DEVICES) + 1 : ROUNDS;
}

static struct machine *prepare(u32 seed, bool single)
{
	static const struct gic_user_config cfg = { { CPUS, NR_IRQS }, GICD, GICC };
	struct machine *m = test_calloc(1, sizeof(*m));

	m->single = single;
	m->rounds = single ? ROUNDS_ALONE : how_many();
	m->left = CPUS + DEVICES;
	must0(gic_user_create(&cfg, &ops, m, &m->u));
	for (u32 i = 0; i < CPUS; i++)
		prepare_cpu(m, i, seed);
	for (u32 i = 0; i < DEVICES; i++)
		prepare_device(m, i);
	put(&m->cpu[0], GICD + GICD_CTLR, 1);
	return m;
}

static void finish(struct machine *m)
{
	for (u32 i = 0; i < CPUS; i++)
		must0(sem_destroy(&m->cpu[i].dirty.sem));
	for (u32 i = 0; i < DEVICES; i++)
		must0(sem_destroy(&m->device[i].answer.sem));
	gic_user_destroy(m->u);
	test_free(m);
}

/* Nothing is pending or active any more, and no CPU is to be told of anything. */
static void assert_rest(struct machine *m)
{
	for (u32 i = 0; i < CPUS; i++) {
		struct cpu *c = &m->cpu[i];

		assert_int_equal(gic_user_output(m->u, i), 0);
		assert_int_equal(get(c, GICC + GICC_RPR), 0xff);
		for (u32 word = 0; word < NR_IRQS / 32; word++) {
			assert_int_equal(get(c, GICD + GICD_ISPENDR + 4 * word), 0);
			assert_int_equal(get(c, GICD + GICD_ISACTIVER + 4 * word), 0);
		}
	}
}

static void assert_nothing_was_lost(struct machine *m)
{
	u64 served = 0, requests = 0, replies = 0, sent = 0;

	if (atomic_load(&m->lost) > CPUS)
		fail_msg("device %u waits to be served", atomic_load(&m->lost) - 1 - CPUS);
	if (atomic_load(&m->lost))
		fail_msg("CPU %u sleeps with output %u, and has been told of %u",
		         atomic_load(&m->lost) - 1,
		         gic_user_output(m->u, atomic_load(&m->lost) - 1),
		         m->cpu[atomic_load(&m->lost) - 1].delivered);
	if (atomic_load(&m->wrong))
		fail_msg("the check in line %u", atomic_load(&m->wrong));
	for (u32 i = 0; i < DEVICES; i++)
		assert_int_equal(m->device[i].served, m->rounds);
	for (u32 i = 0; i < CPUS; i++) {
		assert_int_equal(m->cpu[i].replies, m->rounds);
		served += m->cpu[i].served;
		requests += m->cpu[i].requests;
		replies += m->cpu[i].replies;
		sent += m->cpu[i].sent;
	}
	assert_int_equal(served, DEVICES * m->rounds);
	assert_int_equal(requests, sent);
	assert_int_equal(replies, sent);
	assert_rest(m);
}

static void nothing_is_lost_between_cpus_and_devices(void **state)
{
	struct machine *m = prepare(1, false);
	u64 spurious = 0, nested = 0;

	run_threads(m);
	assert_nothing_was_lost(m);
	for (u32 i = 0; i < CPUS; i++) {
		spurious += m->cpu[i].spurious;
		nested += m->cpu[i].nested;
	}
	assert_true(nested > 0);
	print_message("# %u interrupts, %llu of them nested, %llu spurious\n",
	              atomic_load(&m->taken), nested, spurious);
	finish(m);
}

static u64 hash_of(u32 seed)
{
	struct machine *m = prepare(seed, true);
	u64 hash;

	run_alone(m);
	assert_nothing_was_lost(m);
	hash = m->hash;
	finish(m);
	return hash;
}

static void on_one_thread_a_seed_says_all_that_happens(void **state)
{
	for (u32 seed = 1; seed <= 3; seed++) {
		u64 hash = hash_of(seed);

		assert_true(hash == hash_of(seed));
		assert_true(hash != hash_of(seed + 100));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_between_cpus_and_devices),
		cmocka_unit_test(on_one_thread_a_seed_says_all_that_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
