/* SPDX-License-Identifier: MIT */
/* The device on a real host console, between two pipes. */
#include "tests/unit/virtio_driver.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "devices/virtio/console.h"

enum { RX, TX, NR_QUEUES, SIZE = 16, OUT_MAX = 2 << 20 };

struct fixture {
	struct drv_loop l;
	struct guest g;
	struct drv_queue drv[NR_QUEUES];
	struct drv_bus bus;
	struct console *host;
	struct virtio_console *dev;
	struct virtio *v;
	int in[2], out[2]; /* the console reads in[0] and writes out[1] */
	char *printed; /* what came out, printed_len bytes */
	size_t printed_len;
};

static void no_quit(void *ctx)
{
	fail_msg("quit");
}

static void no_loss(void *ctx, int err)
{
	fail_msg("output lost: %d", err);
}

static void bring_up(struct fixture *f, u64 features)
{
	drv_negotiate(f->v, features);
	for (u32 i = 0; i < NR_QUEUES; i++) {
		drv_queue_init(&f->drv[i], &f->g, SIZE, features & VIRTIO_F_EVENT_IDX_BIT);
		assert_true(drv_queue_up(f->v, i, &f->drv[i]));
	}
	drv_driver_ok(f->v);
}

static int setup(void **state)
{
	static struct fixture f;
	struct console_config cfg = { .quit = no_quit, .lost = no_loss };

	*state = NULL;
	f = (struct fixture){ 0 };
	drv_loop_init(&f.l);
	if (!f.l.loop)
		return 0;
	*state = &f;
	guest_init(&f.g);
	f.printed = test_malloc(OUT_MAX);
	assert_int_equal(pipe2(f.in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(f.out, O_CLOEXEC), 0);
	assert_int_equal(fcntl(f.out[0], F_SETFL, O_NONBLOCK), 0);
	cfg.in_fd = f.in[0];
	cfg.out_fd = f.out[1];
	assert_int_equal(console_create(f.l.loop, &cfg, &f.host), 0);
	assert_int_equal(virtio_console_create(f.host, f.l.loop, &f.g.mem, &f.dev), 0);
	f.v = virtio_console_dev(f.dev);
	drv_bus_attach(&f.bus, f.v);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	loop_quiesce(f->l.loop);
	virtio_console_destroy(f->dev);
	console_destroy(f->host);
	loop_destroy(f->l.loop);
	guest_done(&f->g);
	test_free(f->printed);
	for (u32 i = 0; i < 2; i++) {
		(void)close(f->in[i]);
		(void)close(f->out[i]);
	}
	return 0;
}

static struct fixture *need(void **state)
{
	if (!*state)
		skip_because(NO_IO_URING);
	return *state;
}

/* All that is in the pipe now. */
static void collect(struct fixture *f)
{
	ssize_t n = 1;

	while (n > 0) {
		assert_true(f->printed_len < OUT_MAX);
		n = read(f->out[0], f->printed + f->printed_len, OUT_MAX - f->printed_len);
		f->printed_len += n > 0 ? (size_t)n : 0;
	}
}

static void turn_until_printed(struct fixture *f, size_t len)
{
	for (collect(f); f->printed_len < len; collect(f))
		drv_loop_turn(&f->l);
}

static struct drv_piece text(struct fixture *f, const char *s)
{
	return (struct drv_piece){ guest_put(&f->g, s, strlen(s)), (u32)strlen(s), DRV_OUT };
}

static struct drv_piece room(struct fixture *f, u32 len)
{
	return (struct drv_piece){ guest_alloc(&f->g, len, 16), len, DRV_IN };
}

static u32 wait_used(struct fixture *f, u32 queue)
{
	u32 id, len;

	while (!drv_used(&f->drv[queue], &id, &len))
		drv_loop_turn(&f->l);
	return len;
}

static void type(struct fixture *f, const char *keys)
{
	assert_int_equal(write(f->in[1], keys, strlen(keys)), strlen(keys));
}

static void it_is_a_console_with_one_port_and_no_features(void **state)
{
	struct fixture *f = need(state);

	assert_int_equal(f->v->ops->device_id, 3);
	assert_int_equal(f->v->ops->nr_queues, 2);
	assert_int_equal(lo32(f->v->offered) & 0xffffff, 0);
}

static void output_comes_out_piece_by_piece_in_order(void **state)
{
	struct fixture *f = need(state);
	struct drv_piece a[3], b[2];

	bring_up(f, VIRTIO_F_INDIRECT_DESC_BIT);
	a[0] = text(f, "one ");
	a[1] = text(f, "");
	a[2] = text(f, "two ");
	b[0] = text(f, "three ");
	b[1] = text(f, "four");
	(void)drv_add(&f->drv[TX], a, 3);
	(void)drv_add_indirect(&f->drv[TX], b, 2);
	virtio_kick(f->v, TX);
	turn_until_printed(f, 18);
	assert_int_equal(f->printed_len, 18);
	assert_memory_equal(f->printed, "one two three four", 18);
	assert_int_equal(wait_used(f, TX), 0); /* nothing was written into the chain */
	assert_int_equal(wait_used(f, TX), 0);
	assert_int_equal(f->bus.queue_irqs, 1);
}

static void a_ring_full_of_nothing_is_answered(void **state)
{
	struct fixture *f = need(state);
	struct drv_piece p = { GUEST_BASE, 0, DRV_OUT };

	bring_up(f, 0);
	for (u32 i = 0; i < SIZE; i++)
		(void)drv_add(&f->drv[TX], &p, 1);
	virtio_kick(f->v, TX);
	for (u32 i = 0; i < SIZE; i++)
		(void)wait_used(f, TX);
	(void)drv_add(&f->drv[TX], (struct drv_piece[]){ text(f, "!") }, 1);
	virtio_kick(f->v, TX);
	turn_until_printed(f, 1);
}

/* More than the host console and the pipe hold. */
enum { PIECE = 100000, BIG = 3 * PIECE, CHAINS = 5, ALL = CHAINS * BIG };

static void offer_much(struct fixture *f)
{
	const gpa_t at = guest_alloc(&f->g, ALL, 4096);
	u8 *p = guest_ptr(&f->g, at, ALL);

	for (u32 i = 0; i < ALL; i++)
		p[i] = (u8)(i * 2654435761u >> 24);
	for (u32 i = 0; i < CHAINS; i++) {
		gpa_t to = at + i * BIG;
		const struct drv_piece pieces[] = { { to, PIECE, DRV_OUT },
			                            { to + PIECE, PIECE, DRV_OUT },
			                            { to + 2 * PIECE, PIECE, DRV_OUT } };

		(void)drv_add(&f->drv[TX], pieces, 3);
	}
	virtio_kick(f->v, TX);
}

static void a_slow_host_slows_the_guest_down_and_nothing_is_lost(void **state)
{
	struct fixture *f = need(state);

	for (u32 mode = 0; mode < 2; mode++) {
		u32 used = 0, id, len;
		u64 at;

		f->g.next = GUEST_BASE;
		f->printed_len = 0;
		bring_up(f, mode ? VIRTIO_F_EVENT_IDX_BIT : 0);
		at = align_up(f->g.next, 4096);
		offer_much(f);
		while (f->printed_len < ALL) {
			drv_loop_turn(&f->l);
			/* A chain is the driver's when the console has all of it, not before. */
			while (drv_used(&f->drv[TX], &id, &len))
				used++;
			if (used * BIG > f->printed_len + 256 * KIB + 64 * KIB)
				fail_msg("%u used, %zu printed", used, f->printed_len);
			if (used < CHAINS)
				virtio_kick(f->v, TX); /* an impatient driver changes nothing */
			collect(f);
		}
		while (drv_used(&f->drv[TX], &id, &len))
			used++;
		assert_int_equal(used, CHAINS);
		assert_int_equal(f->printed_len, ALL);
		assert_memory_equal(f->printed, guest_ptr(&f->g, at, ALL), ALL);
	}
}

static void a_reset_forgets_output_that_waits_for_a_slow_host(void **state)
{
	struct fixture *f = need(state);
	u32 id, len;

	bring_up(f, 0);
	offer_much(f);
	drv_loop_turn(&f->l);
	while (console_room(f->host))
		drv_loop_turn(&f->l);
	assert_false(drv_used(&f->drv[TX], &id, &len));
	f->g.next = GUEST_BASE + ALL + 64 * KIB;
	bring_up(f, 0); /* and it does not wait for the host either */
	(void)drv_add(&f->drv[TX], (struct drv_piece[]){ text(f, "after") }, 1);
	virtio_kick(f->v, TX);
	while (!drv_used(&f->drv[TX], &id, &len)) {
		collect(f);
		drv_loop_turn(&f->l);
	}
	turn_until_printed(f, 256 * KIB + 5);
	while (memcmp(f->printed + f->printed_len - 5, "after", 5) != 0) {
		drv_loop_turn(&f->l);
		collect(f);
	}
	assert_true(f->printed_len - 5 < BIG); /* the rest of the first chain is gone */
}

static void input_fills_the_buffers_that_are_there(void **state)
{
	struct fixture *f = need(state);
	struct drv_piece p[5];
	static const u32 lens[] = { 4, 1, 0, 100 };
	static const char *const want[] = { "abcd", "e", "", "fghij" };

	bring_up(f, VIRTIO_F_EVENT_IDX_BIT);
	for (u32 i = 0; i < ARRAY_SIZE(lens); i++) {
		p[i] = room(f, lens[i]);
		(void)drv_add(&f->drv[RX], &p[i], 1);
	}
	virtio_kick(f->v, RX);
	type(f, "abcdefghij");
	for (u32 i = 0; i < ARRAY_SIZE(lens); i++) {
		u32 n = wait_used(f, RX);

		if (n != strlen(want[i]) || memcmp(guest_ptr(&f->g, p[i].addr, n), want[i], n) != 0)
			fail_msg("buffer %u: %u bytes", i, n);
	}
	assert_int_equal(f->bus.queue_irqs, 1);
}

static void a_chain_of_buffers_is_one_buffer(void **state)
{
	struct fixture *f = need(state);
	const struct drv_piece p[] = { room(f, 2), room(f, 0), room(f, 3), room(f, 9) };

	bring_up(f, VIRTIO_F_INDIRECT_DESC_BIT);
	(void)drv_add_indirect(&f->drv[RX], p, ARRAY_SIZE(p));
	virtio_kick(f->v, RX);
	type(f, "1234567");
	assert_int_equal(wait_used(f, RX), 7);
	assert_memory_equal(guest_ptr(&f->g, p[0].addr, 2), "12", 2);
	assert_memory_equal(guest_ptr(&f->g, p[2].addr, 3), "345", 3);
	assert_memory_equal(guest_ptr(&f->g, p[3].addr, 3), "67\0", 3);
}

static void input_waits_for_a_driver(void **state)
{
	struct fixture *f = need(state);
	const struct drv_piece p = room(f, 64);
	u32 id, len;

	type(f, "early");
	drv_loop_turn(&f->l);
	bring_up(f, VIRTIO_F_EVENT_IDX_BIT);
	assert_false(drv_used(&f->drv[RX], &id, &len));
	(void)drv_add(&f->drv[RX], &p, 1);
	virtio_kick(f->v, RX);
	assert_int_equal(wait_used(f, RX), 5);
	assert_memory_equal(guest_ptr(&f->g, p.addr, 5), "early", 5);
}

/* A driver that adds one buffer at a time and kicks only when it is asked to. */
static void input_waits_for_buffers_and_asks_for_a_kick(void **state)
{
	static const char keys[] = "the quick brown fox jumps over the lazy dog";
	struct fixture *f = need(state);

	for (u32 mode = 0; mode < 2; mode++) {
		const struct drv_piece p = room(f, 5);
		size_t got = 0;

		bring_up(f, mode ? VIRTIO_F_EVENT_IDX_BIT : 0);
		type(f, keys);
		while (got < strlen(keys)) {
			u16 old = f->drv[RX].avail_idx;
			u32 n;

			(void)drv_add(&f->drv[RX], &p, 1);
			if (drv_kick_wanted(&f->drv[RX], old))
				virtio_kick(f->v, RX);
			n = wait_used(f, RX);
			assert_in_range(n, 1, 5);
			assert_memory_equal(guest_ptr(&f->g, p.addr, n), keys + got, n);
			got += n;
		}
	}
}

static void a_bad_chain_needs_a_reset_and_output_works_after_it(void **state)
{
	struct fixture *f = need(state);
	const struct drv_piece bad = { GUEST_BASE + GUEST_RAM, 1, DRV_OUT };
	size_t printed = 0;

	for (u32 queue = 0; queue < NR_QUEUES; queue++) {
		bring_up(f, 0);
		(void)drv_add(&f->drv[queue], &bad, 1);
		if (queue == RX)
			type(f, "x");
		virtio_kick(f->v, queue);
		while (!(drv_status(f->v) & VIRTIO_NEEDS_RESET))
			drv_loop_turn(&f->l);
		assert_int_equal(f->bus.config_irqs, queue + 1);
		bring_up(f, 0);
		(void)drv_add(&f->drv[TX], (struct drv_piece[]){ text(f, "ok") }, 1);
		virtio_kick(f->v, TX);
		printed += 2;
		turn_until_printed(f, printed);
		assert_memory_equal(f->printed + printed - 2, "ok", 2);
	}
}

/* A vCPU that prints numbered lines and takes the answers, while the loop does its part. */
enum { LINES = 3000, LINE_LEN = 8 };

struct printer {
	struct fixture *f;
	atomic_bool done;
};

static void *printer_main(void *arg)
{
	struct printer *p = arg;
	struct drv_queue *q = &p->f->drv[TX];
	const gpa_t at = guest_alloc(&p->f->g, SIZE * LINE_LEN, 16);
	u32 id, len, taken = 0;

	for (u32 i = 0; i < LINES; i++) {
		const struct drv_piece piece = { at + i % SIZE * LINE_LEN, LINE_LEN, DRV_OUT };
		char line[16];
		u16 old;

		while (i - taken == SIZE)
			if (drv_used(q, &id, &len))
				taken++;
			else
				sched_yield();
		(void)snprintf(line, sizeof(line), "%07u\n", i);
		memcpy(guest_ptr(&p->f->g, piece.addr, LINE_LEN), line, LINE_LEN);
		old = q->avail_idx;
		(void)drv_add(q, &piece, 1);
		if (drv_kick_wanted(q, old))
			virtio_kick(p->f->v, TX);
	}
	atomic_store(&p->done, true);
	return NULL;
}

static void lines_from_another_thread_come_out_whole_and_in_order(void **state)
{
	struct fixture *f = need(state);
	struct printer p = { .f = f };
	pthread_t thread;

	bring_up(f, VIRTIO_F_EVENT_IDX_BIT);
	must0(pthread_create(&thread, NULL, printer_main, &p));
	turn_until_printed(f, LINES * LINE_LEN);
	must0(pthread_join(thread, NULL));
	assert_true(atomic_load(&p.done));
	for (u32 i = 0; i < LINES; i++) {
		char line[16];

		(void)snprintf(line, sizeof(line), "%07u\n", i);
		if (memcmp(f->printed + i * LINE_LEN, line, LINE_LEN) != 0)
			fail_msg("line %u is %.7s", i, f->printed + i * LINE_LEN);
	}
	assert_int_equal(f->printed_len, LINES * LINE_LEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_a_console_with_one_port_and_no_features),
		TEST(output_comes_out_piece_by_piece_in_order),
		TEST(a_ring_full_of_nothing_is_answered),
		TEST(a_slow_host_slows_the_guest_down_and_nothing_is_lost),
		TEST(a_reset_forgets_output_that_waits_for_a_slow_host),
		TEST(input_fills_the_buffers_that_are_there),
		TEST(a_chain_of_buffers_is_one_buffer),
		TEST(input_waits_for_a_driver),
		TEST(input_waits_for_buffers_and_asks_for_a_kick),
		TEST(a_bad_chain_needs_a_reset_and_output_works_after_it),
		TEST(lines_from_another_thread_come_out_whole_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
