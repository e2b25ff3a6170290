/* SPDX-License-Identifier: MIT */
#include "tests/unit/virtio_driver.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "devices/virtio/rng.h"

enum {
	SIZE = 16,
	MARK = 64, /* bytes behind a buffer that must stay as they are */
	MOST = 64 * 1024, /* answered to one request */
	DRY = 12345, /* the host refuses requests for so many bytes */
};

struct fixture {
	struct drv_loop l;
	struct guest g;
	struct drv_queue drv;
	struct drv_bus bus;
	struct virtio_rng *rng;
	struct virtio *v;
};

static void bring_up(struct fixture *f)
{
	drv_negotiate(f->v, VIRTIO_F_EVENT_IDX_BIT | VIRTIO_F_INDIRECT_DESC_BIT);
	drv_queue_init(&f->drv, &f->g, SIZE, true);
	assert_true(drv_queue_up(f->v, 0, &f->drv));
	drv_driver_ok(f->v);
}

static int setup(void **state)
{
	static struct fixture f;

	*state = NULL;
	f = (struct fixture){ 0 };
	drv_loop_init(&f.l);
	if (!f.l.loop)
		return 0;
	*state = &f;
	guest_init(&f.g);
	assert_int_equal(virtio_rng_create(f.l.loop, &f.g.mem, &f.rng), 0);
	f.v = virtio_rng_dev(f.rng);
	drv_bus_attach(&f.bus, f.v);
	bring_up(&f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	loop_quiesce(f->l.loop);
	virtio_rng_destroy(f->rng);
	loop_destroy(f->l.loop);
	guest_done(&f->g);
	return 0;
}

static struct fixture *need(void **state)
{
	if (!*state)
		skip_because(NO_IO_URING);
	return *state;
}

/* Wait for the next answer. Return: its length. */
static u32 next_answer(struct fixture *f)
{
	u32 id, len;

	while (!drv_used(&f->drv, &id, &len))
		drv_loop_turn(&f->l);
	return len;
}

static u32 answer(struct fixture *f)
{
	virtio_kick(f->v, 0);
	return next_answer(f);
}

static u32 zeroes(struct fixture *f, gpa_t at, u32 len)
{
	const u8 *p = guest_ptr(&f->g, at, len);
	u32 n = 0;

	for (u32 i = 0; i < len; i++)
		n += p[i] == 0;
	return n;
}

static void it_is_an_entropy_source_with_one_queue(void **state)
{
	struct fixture *f = need(state);

	assert_int_equal(f->v->ops->device_id, 4);
	assert_int_equal(f->v->ops->nr_queues, 1);
	assert_int_equal(f->v->ops->config_size, 0);
}

/* One byte in 256 is zero by itself: more than this come up in one of 10^9 runs. */
static bool looks_filled(struct fixture *f, gpa_t at, u32 len)
{
	u32 n = zeroes(f, at, len);

	return len < 64 ? n < len || len == 1 : n <= 12 + len / 64;
}

static void a_buffer_is_filled_and_nothing_behind_it(void **state)
{
	static const u32 rows[] = { 1, 8, 64, 255, 256, 257, 4096, MOST - 1, MOST };
	struct fixture *f = need(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const u32 len = rows[i];
		const struct drv_piece p = { guest_alloc(&f->g, len + MARK, 64), len, DRV_IN };
		unsigned int irqs = f->bus.queue_irqs;

		(void)drv_add(&f->drv, &p, 1);
		if (answer(f) != len)
			fail_msg("%u bytes", len);
		if (!looks_filled(f, p.addr, len))
			fail_msg("%u bytes: zeroes among them", len);
		if (zeroes(f, p.addr + len, MARK) != MARK)
			fail_msg("%u bytes: more were written", len);
		assert_int_equal(f->bus.queue_irqs, irqs + 1);
	}
}

static void two_answers_differ(void **state)
{
	struct fixture *f = need(state);
	const struct drv_piece a = { guest_alloc(&f->g, 32, 32), 32, DRV_IN };
	const struct drv_piece b = { guest_alloc(&f->g, 32, 32), 32, DRV_IN };

	(void)drv_add(&f->drv, &a, 1);
	(void)drv_add_indirect(&f->drv, &b, 1);
	assert_int_equal(answer(f), 32);
	assert_int_equal(answer(f), 32);
	assert_memory_not_equal(guest_ptr(&f->g, a.addr, 32), guest_ptr(&f->g, b.addr, 32), 32);
}

static void all_pieces_of_a_buffer_are_filled(void **state)
{
	struct fixture *f = need(state);
	const gpa_t at = guest_alloc(&f->g, 4096, 4096);
	const struct drv_piece p[] = { { at, 100, DRV_IN },
		                       { at + 1000, 0, DRV_IN },
		                       { at + 1000, 300, DRV_IN },
		                       { at + 2000, 5, DRV_IN } };

	(void)drv_add(&f->drv, p, ARRAY_SIZE(p));
	assert_int_equal(answer(f), 405);
	assert_true(zeroes(f, at, 100) < 10);
	assert_true(zeroes(f, at + 1000, 300) < 20);
	assert_int_equal(zeroes(f, at + 100, 900), 900);
	assert_int_equal(zeroes(f, at + 1300, 700), 700);
}

static void a_greedy_request_gets_a_part(void **state)
{
	struct fixture *f = need(state);
	const gpa_t at = guest_alloc(&f->g, MIB, 4096);
	const struct drv_piece p[] = { { at, MOST - 10, DRV_IN },
		                       { at + MOST, 512 * KIB, DRV_IN } };

	(void)drv_add(&f->drv, p, 2);
	assert_int_equal(answer(f), MOST);
	assert_int_equal(zeroes(f, at + MOST + 10, 4096), 4096);
}

static void a_full_ring_of_greedy_requests_is_answered_in_turns(void **state)
{
	struct fixture *f = need(state);
	const struct drv_piece p = { guest_alloc(&f->g, MIB, 4096), MIB, DRV_IN };
	u32 total = 0;

	for (u32 i = 0; i < SIZE; i++)
		(void)drv_add(&f->drv, &p, 1);
	virtio_kick(f->v, 0);
	for (u32 i = 0; i < SIZE; i++) {
		u32 len = next_answer(f);

		assert_in_range(len, 1, MOST);
		total += len;
		assert_int_equal(drv_used_idx(&f->drv), i + 1); /* one a turn */
	}
	assert_int_equal(total, SIZE * MOST);
}

static void requests_without_room_get_nothing_and_cost_nothing(void **state)
{
	struct fixture *f = need(state);
	const gpa_t at = guest_alloc(&f->g, 64, 64);
	const struct drv_piece rows[][2] = {
		{ { at, 0, DRV_IN }, { at, 0, DRV_IN } },
		{ { at, 16, DRV_OUT }, { at, 16, DRV_OUT } },
		{ { at, 16, DRV_OUT }, { at + 16, 16, DRV_IN } },
	};
	static const u32 lens[] = { 0, 0, 16 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)drv_add(&f->drv, rows[i], 2);
		if (answer(f) != lens[i])
			fail_msg("row %zu", i);
	}
	assert_int_equal(zeroes(f, at, 16), 16); /* what it may only read */
}

static void a_bad_request_needs_a_reset_and_gets_over_it(void **state)
{
	struct fixture *f = need(state);
	const struct drv_piece bad = { GUEST_BASE + GUEST_RAM, 16, DRV_IN };
	const struct drv_piece good = { guest_alloc(&f->g, 16, 16), 16, DRV_IN };

	(void)drv_add(&f->drv, &bad, 1);
	virtio_kick(f->v, 0);
	while (!(drv_status(f->v) & VIRTIO_NEEDS_RESET))
		drv_loop_turn(&f->l);
	assert_int_equal(f->bus.config_irqs, 1);
	assert_int_equal(f->bus.queue_irqs, 0);
	bring_up(f);
	(void)drv_add(&f->drv, &good, 1);
	assert_int_equal(answer(f), 16);
}

/* From here on getrandom(2) of DRY bytes says EAGAIN, as it does early on a host. */
static bool make_host_dry(void)
{
	const struct sock_filter prog[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DRY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_filter copy[ARRAY_SIZE(prog)];
	const struct sock_fprog p = { .len = ARRAY_SIZE(prog), .filter = copy };

	memcpy(copy, prog, sizeof(prog));
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, 0, 0) == 0;
}

static u64 now_ms(void)
{
	struct timespec ts;

	must0(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

/* The last one: the filter stays. */
static void a_request_waits_while_the_host_has_no_entropy(void **state)
{
	struct fixture *f = need(state);
	const struct drv_piece p = { guest_alloc(&f->g, DRY, 64), DRY, DRV_IN };
	u32 id, len, turns = 0;
	u64 begun;
	u16 head;

	if (!make_host_dry())
		skip_because("no seccomp filters here");
	head = drv_add(&f->drv, &p, 1);
	virtio_kick(f->v, 0);
	/* At DRIVER_OK, at the kick (or both at once), and then by the clock. */
	begun = now_ms();
	for (; turns < 4; turns++)
		drv_loop_turn(&f->l);
	assert_true(now_ms() - begun >= 90);
	assert_false(drv_used(&f->drv, &id, &len));
	assert_int_equal(zeroes(f, p.addr, DRY), DRY);

	virtio_lock(f->v);
	f->drv.desc[head].len = 100; /* of which the host has plenty */
	virtio_unlock(f->v);
	while (!drv_used(&f->drv, &id, &len))
		drv_loop_turn(&f->l);
	assert_int_equal(id, head);
	assert_int_equal(len, 100);
	assert_int_equal(f->bus.queue_irqs, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_an_entropy_source_with_one_queue),
		TEST(a_buffer_is_filled_and_nothing_behind_it),
		TEST(two_answers_differ),
		TEST(all_pieces_of_a_buffer_are_filled),
		TEST(a_greedy_request_gets_a_part),
		TEST(a_full_ring_of_greedy_requests_is_answered_in_turns),
		TEST(requests_without_room_get_nothing_and_cost_nothing),
		TEST(a_bad_request_needs_a_reset_and_gets_over_it),
		TEST(a_request_waits_while_the_host_has_no_entropy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
