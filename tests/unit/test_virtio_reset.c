/* SPDX-License-Identifier: MIT */
/* A reset of the machine, seen from a virtio device's registers; and with the disk behind them. */
#include "tests/unit/virtio_mmio_rig.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <unistd.h>

#include "devices/virtio/blk.h"

/* Registers that a driver reads, and what selects them. */
enum { NR_STATES = 12 };

static void look(struct fixture *f, u32 *seen)
{
	static const u32 regs[] = {
		MAGIC,           VERSION,       DEVICE_ID,   VENDOR_ID,
		DEVICE_FEATURES, QUEUE_NUM_MAX, QUEUE_READY, INTERRUPT_STATUS,
		STATUS,          SHM_LEN,       SHM_BASE,    CONFIG_GENERATION
	};

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		seen[i] = rd(f, regs[i]);
}

static void next_guest(struct fixture *f)
{
	f->notified[0] = f->notified[1] = 0;
	bring_up_quiet(f);
}

static void everything_is_as_at_first(void **state)
{
	struct fixture *f = need(state);
	u32 before[NR_STATES], after[NR_STATES];
	u32 resets;

	look(f, before);
	bring_up_quiet(f);
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn_until_notified(f, 0, 1);
	virtio_lock(&f->v);
	virtio_config_changed(&f->v);
	virtio_broken(&f->v, "test");
	virtio_unlock(&f->v);
	wr(f, DEVICE_FEATURES_SEL, 1);
	wr(f, DRIVER_FEATURES_SEL, 1);
	wr(f, QUEUE_SEL, 1);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 3);
	resets = f->resets;

	assert_true(virtio_mmio_reset(f->t));
	assert_int_equal(f->resets, resets + 1);
	assert_false(f->line.level);
	look(f, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(f->v.negotiated, 0);
	for (u32 i = 0; i < NR_QUEUES; i++) {
		assert_int_equal(f->v.q[i].size, QUEUE_SIZE);
		assert_int_equal(f->v.q[i].desc_gpa, 0);
		assert_int_equal(f->v.q[i].next_avail, 0);
		assert_false(f->v.q[i].broken);
	}
	/* DriverFeaturesSel as well: this goes to the low word. */
	wr(f, DRIVER_FEATURES, 8);
	assert_int_equal(f->v.negotiated, 8);

	next_guest(f);
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn_until_notified(f, 0, 1);
	assert_int_equal(drv_used_idx(&f->drv[0]), 1);
}

/* The loop's thread is the caller: were this to wait, it would wait for ever. */
static void what_is_in_flight_is_not_waited_for_but_ends_first(void **state)
{
	struct fixture *f = need(state);
	unsigned int rises;
	u32 resets;

	hold_two(f);
	resets = f->resets;
	rises = f->line.rises;
	assert_false(virtio_mmio_reset(f->t));
	assert_int_equal(rd(f, STATUS), UP);
	/* Nothing new is begun, and nobody is interrupted. */
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	wr(f, QUEUE_NOTIFY, 1);
	turn(f);
	assert_int_equal(notified(f, 0), 1);
	assert_int_equal(notified(f, 1), 0);
	complete_one(f);
	assert_false(virtio_mmio_reset(f->t));
	assert_int_equal(f->resets, resets);
	complete_one(f);
	assert_true(virtio_mmio_reset(f->t));
	assert_int_equal(rd(f, STATUS), 0);
	assert_int_equal(f->resets, resets + 1);
	assert_int_equal(f->inflight_at_reset, 0);
	assert_int_equal(f->line.rises, rises);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 0);
	f->hold = false;
	next_guest(f);
}

/* A bell from before, heard after it: first with no guest there, then with the next one. */
static void a_bell_rung_before_a_reset_does_no_harm_after_it(void **state)
{
	struct fixture *f = need(state);

	bring_up_quiet(f);
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	assert_true(virtio_mmio_reset(f->t));
	turn(f);
	assert_int_equal(notified(f, 0), 0);
	assert_int_equal(rd(f, STATUS), 0);

	bring_up_quiet(f);
	wr(f, QUEUE_NOTIFY, 0);
	assert_true(virtio_mmio_reset(f->t));
	/* Whoever listens first: the old bell or driver_ok's; the queue is new and empty. */
	next_guest(f);
	assert_int_equal(drv_used_idx(&f->drv[0]), 0);
	assert_int_equal(rd(f, STATUS), UP);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 0);
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn_until_notified(f, 0, 1);
	assert_int_equal(drv_used_idx(&f->drv[0]), 1);
}

static void ten_thousand_resets_leave_the_device_as_it_was(void **state)
{
	struct fixture *f = need(state);

	for (u32 i = 0; i < 10000; i++) {
		bring_up(f);
		wr(f, QUEUE_NOTIFY, i & 1);
		if (i % 7 == 0)
			turn(f);
		assert_true(virtio_mmio_reset(f->t));
	}
	assert_int_equal(f->v.inflight, 0);
	next_guest(f);
}

/* A disk that takes its time: a pipe that somebody fills later. */
struct disk {
	struct guest g;
	struct drv_loop l;
	struct virtio_blk *blk;
	struct virtio_mmio *t;
	struct fake_line line;
	struct drv_queue q;
	int fd[2];
};

static void disk_up(struct disk *d)
{
	const struct irq_line irq = { .set = fake_line_set, .ctx = &d->line, .intid = 48 };
	struct virtio_blk_config_in cfg = { .size = 1 << 20, .block_size = 512 };

	guest_init(&d->g);
	assert_int_equal(pipe2(d->fd, O_CLOEXEC), 0);
	cfg.fd = d->fd[0];
	assert_int_equal(virtio_blk_create(&cfg, d->l.loop, &d->g.mem, &d->blk), 0);
	assert_int_equal(virtio_mmio_create(virtio_blk_dev(d->blk), &irq, &d->t), 0);
	drv_negotiate(virtio_blk_dev(d->blk), 0);
	drv_queue_init(&d->q, &d->g, 16, false);
	assert_true(drv_queue_up(virtio_blk_dev(d->blk), 0, &d->q));
	drv_driver_ok(virtio_blk_dev(d->blk));
}

static void disk_down(struct disk *d)
{
	loop_quiesce(d->l.loop);
	virtio_mmio_destroy(d->t);
	virtio_blk_destroy(d->blk);
	loop_destroy(d->l.loop);
	guest_done(&d->g);
	(void)close(d->fd[0]);
	(void)close(d->fd[1]);
}

static void
a_read_that_is_on_its_way_lands_before_the_reset_is_done_and_is_not_answered(void **state)
{
	const struct virtio_blk_outhdr hdr = { .type = htole32(VIRTIO_BLK_T_IN) };
	struct disk d = { 0 };
	struct virtio *v;
	u8 data[512];
	gpa_t at;

	drv_loop_init(&d.l);
	if (!d.l.loop)
		skip_because(NO_IO_URING);
	disk_up(&d);
	v = virtio_blk_dev(d.blk);
	at = guest_alloc(&d.g, 513, 16);
	{
		const struct drv_piece p[] = { { guest_put(&d.g, &hdr, 16), 16, DRV_OUT },
			                       { at, 513, DRV_IN } };

		(void)drv_add(&d.q, p, ARRAY_SIZE(p));
	}
	virtio_kick(v, 0);
	while (v->inflight == 0)
		drv_loop_turn(&d.l);

	assert_false(virtio_mmio_reset(d.t));
	memset(data, 0x5a, sizeof(data));
	assert_int_equal(write(d.fd[1], data, sizeof(data)), sizeof(data));
	while (!virtio_mmio_reset(d.t))
		drv_loop_turn(&d.l);
	/* The driver's buffer has it; nobody writes to guest memory from here on. */
	assert_memory_equal(guest_ptr(&d.g, at, 512), data, sizeof(data));
	assert_int_equal(drv_used_idx(&d.q), 0);
	assert_int_equal(d.line.rises, 0);
	disk_down(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MMIO_TEST(everything_is_as_at_first),
		MMIO_TEST(what_is_in_flight_is_not_waited_for_but_ends_first),
		MMIO_TEST(a_bell_rung_before_a_reset_does_no_harm_after_it),
		MMIO_TEST(ten_thousand_resets_leave_the_device_as_it_was),
		cmocka_unit_test(
			a_read_that_is_on_its_way_lands_before_the_reset_is_done_and_is_not_answered),
	};

	return cmocka_run_group_tests_name("virtio_reset", tests, NULL, NULL);
}
