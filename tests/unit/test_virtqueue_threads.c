/* SPDX-License-Identifier: MIT */
/* A queue between a driver and a device that run at the same time. */
#include "tests/unit/virtqueue_rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

/* Two threads and two bells, as a driver and a device have them; none waits while there is work. */
enum { CHAIN_LEN = 3, PATIENCE_MS = 20000 };

struct bell {
	pthread_mutex_t m;
	pthread_cond_t c;
	bool rung;
};

static void ring(struct bell *b)
{
	must0(pthread_mutex_lock(&b->m));
	b->rung = true;
	must0(pthread_cond_signal(&b->c));
	must0(pthread_mutex_unlock(&b->m));
}

/* Return: false when nobody rang for a long time. */
static bool hear(struct bell *b)
{
	struct timespec until;
	int err = 0;

	must0(clock_gettime(CLOCK_REALTIME, &until));
	until.tv_sec += PATIENCE_MS / 1000;
	must0(pthread_mutex_lock(&b->m));
	while (!b->rung && err == 0)
		err = pthread_cond_timedwait(&b->c, &b->m, &until);
	b->rung = false;
	must0(pthread_mutex_unlock(&b->m));
	return err == 0;
}

struct stress {
	u32 chains; /* to send */
	struct fixture *f;
	struct bell kick, irq;
	u32 kicks, irqs; /* the ringer's own */
	const char *wrong; /* the device's verdict */
};

static void *device_main(void *arg)
{
	struct stress *s = arg;
	struct virtq *q = &s->f->q;
	struct virtq_chain *c = &s->f->chain;
	u32 done = 0;

	while (done < s->chains && !s->wrong) {
		u32 batch = 0;

		virtq_disable_kicks(q);
		while (virtq_pop(q, c) > 0) {
			u32 seq = 0, answer;

			if (virtq_read(c, 0, &seq, sizeof(seq)) != sizeof(seq) || seq != done)
				s->wrong = "a request is not the next one";
			answer = ~seq;
			(void)virtq_write(c, 4, &answer, sizeof(answer));
			virtq_push(q, c->head, seq);
			done++;
			/* Now and then one for all, mostly at once. */
			if (++batch % 3 == 0 && virtq_should_interrupt(q)) {
				s->irqs++;
				ring(&s->irq);
			}
		}
		if (virtq_should_interrupt(q)) {
			s->irqs++;
			ring(&s->irq);
		}
		if (!virtq_enable_kicks(q) && done < s->chains && !hear(&s->kick))
			s->wrong = "the device was not kicked";
	}
	return NULL;
}

struct slots {
	gpa_t out, in;
};

static void offer_some(struct stress *s, const struct slots *slots, u32 *sent, u32 got)
{
	struct drv_queue *d = &s->f->drv;
	u16 old = d->avail_idx;

	while (*sent < s->chains && (*sent - got + 1) * CHAIN_LEN <= d->size) {
		const struct slots *slot = &slots[*sent % d->size];
		const struct drv_piece p[CHAIN_LEN] = { { slot->out, 4, DRV_OUT },
			                                { slot->in, 4, DRV_IN },
			                                { slot->in + 4, 4, DRV_IN } };

		memcpy(guest_ptr(d->g, slot->out, 4), sent, 4);
		(void)drv_add(d, p, CHAIN_LEN);
		++*sent;
	}
	if (d->avail_idx != old && drv_kick_wanted(d, old)) {
		s->kicks++;
		ring(&s->kick);
	}
}

static const char *drive(struct stress *s, const struct slots *slots)
{
	struct drv_queue *d = &s->f->drv;
	u32 sent = 0, got = 0;

	while (got < s->chains) {
		u32 id, len, answer;

		offer_some(s, slots, &sent, got);
		while (drv_used(d, &id, &len)) {
			memcpy(&answer, guest_ptr(d->g, slots[got % d->size].in + 4, 4), 4);
			if (len != got || answer != ~got)
				return "an answer is wrong";
			got++;
		}
		/* The look after used_event was written: 2.7.10. */
		__sync_synchronize();
		if (drv_used_idx(d) == d->used_seen && got < sent && !hear(&s->irq))
			return "the driver was not interrupted";
	}
	return NULL;
}

static void stress(struct fixture *f, u16 size, u32 chains, bool event_idx)
{
	struct stress s = {
		.chains = chains,
		.f = f,
		.kick = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false },
		.irq = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false },
	};
	struct slots slots[VIRTQ_SIZE_MAX];
	const char *wrong;
	pthread_t device;

	start(f, size, event_idx, true);
	for (u32 i = 0; i < size; i++)
		slots[i] = (struct slots){ guest_alloc(&f->g, 4, 4), guest_alloc(&f->g, 8, 4) };
	must0(pthread_create(&device, NULL, device_main, &s));
	wrong = drive(&s, slots);
	must0(pthread_join(device, NULL));
	if (wrong || s.wrong)
		fail_msg("%s %s", wrong ? wrong : "", s.wrong ? s.wrong : "");
	print_message("# size %u, event_idx %d: %u kicks, %u interrupts\n", size, event_idx,
	              s.kicks, s.irqs);
}

static void no_request_is_lost_between_two_threads(void **state)
{
	struct fixture *f = *state;

	for (int event_idx = 0; event_idx < 2; event_idx++) {
		stress(f, 4, 10000, event_idx); /* one at a time: each waits for the other */
		stress(f, 128, 100000, event_idx);
	}
}

/*
 * One side publishes and then asks "does the other want to be told?", while the other says "tell
 * me" and then asks "is there anything?". At the same instant, one answer must be yes; without
 * the full barriers both stores can be late and both answers no.
 */
enum { ROUNDS = 100000, LAST = -1, ENOUGH_MS = 400 };

struct instant {
	struct fixture *f;
	bool kicks; /* what it is about: kicks or interrupts */
	atomic_uint go, done; /* rounds begun and ended */
	bool device_says;
};

static u64 now_ms(void)
{
	struct timespec ts;

	must0(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

/* Until @a is @round. Return: false when there will be no such round. */
static bool wait_round(const atomic_uint *a, u32 round)
{
	for (u32 spins = 0;; spins++) {
		u32 now = atomic_load_explicit(a, memory_order_acquire);

		if (now == round || now == (u32)LAST)
			return now == round;
		if (spins % 256 == 255)
			(void)sched_yield();
	}
}

static void *instant_device(void *arg)
{
	struct instant *t = arg;
	struct virtq *q = &t->f->q;

	for (u32 i = 1; wait_round(&t->go, i); i++) {
		if (t->kicks) {
			t->device_says = virtq_enable_kicks(q);
		} else {
			virtq_push(q, 0, 0);
			t->device_says = virtq_should_interrupt(q);
		}
		atomic_store_explicit(&t->done, i, memory_order_release);
	}
	return NULL;
}

static bool driver_kicks(struct drv_queue *d)
{
	const struct drv_piece p = { GUEST_BASE, 1, DRV_IN };
	u16 old = d->avail_idx;

	(void)drv_add(d, &p, 1);
	return drv_kick_wanted(d, old);
}

static bool driver_looks(struct drv_queue *d)
{
	if (d->event_idx)
		__atomic_store_n(drv_used_event(d), d->used_seen, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&d->avail[0], 0, __ATOMIC_RELAXED);
	__sync_synchronize();
	return drv_used_idx(d) != d->used_seen;
}

/* Back to where a round begins: nothing outstanding, and nobody asks to be told. */
static void settle(struct fixture *f, bool kicks)
{
	u32 id, len;

	if (kicks) {
		assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
		virtq_disable_kicks(&f->q);
		return;
	}
	assert_true(drv_used(&f->drv, &id, &len));
	if (f->drv.event_idx)
		*drv_used_event(&f->drv) = (u16)(f->drv.used_seen - 2);
	else
		f->drv.avail[0] = 1;
}

static void meet(struct fixture *f, bool event_idx, bool kicks)
{
	struct instant t = { .f = f, .kicks = kicks };
	const u64 until = now_ms() + ENOUGH_MS;
	volatile u32 delay;
	u32 lost = 0;
	pthread_t device;

	start(f, SIZE, event_idx, false);
	must0(pthread_create(&device, NULL, instant_device, &t));
	/* On a busy machine the two meet seldom and a round is long: some are enough. */
	for (u32 i = 1; i <= ROUNDS && now_ms() < until; i++) {
		bool driver_says;

		atomic_store_explicit(&t.go, i, memory_order_release);
		for (delay = 0; delay < i % 128; delay++)
			;
		driver_says = kicks ? driver_kicks(&f->drv) : driver_looks(&f->drv);
		(void)wait_round(&t.done, i);
		lost += !driver_says && !t.device_says;
		settle(f, kicks);
	}
	atomic_store(&t.go, (u32)LAST);
	must0(pthread_join(device, NULL));
	if (lost)
		fail_msg("%u %s lost, event_idx %d", lost, kicks ? "kicks" : "interrupts",
		         event_idx);
}

static void at_the_same_instant_one_side_notices_the_other(void **state)
{
	for (int i = 0; i < 4; i++)
		meet(*state, i & 1, i & 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUEUE_TEST(at_the_same_instant_one_side_notices_the_other),
		QUEUE_TEST(no_request_is_lost_between_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
