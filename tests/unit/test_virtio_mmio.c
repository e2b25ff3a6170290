/* SPDX-License-Identifier: MIT */
/* The registers. What is behind them: test_virtio.c. */
#include "tests/unit/virtio_mmio_rig.h"

static void the_register_table_is_in_order(void **state)
{
	assert_true(mmio_table_ok(&virtio_mmio_table));
	for (size_t i = 0; i < virtio_mmio_table.nr; i++) {
		const struct mmio_reg *r = &virtio_mmio_table.regs[i];

		if (r->widths != MMIO_W32 || r->offset + r->len > CONFIG)
			fail_msg("%s", r->name);
	}
}

static void every_register_reads_as_it_should_after_reset_and_after_all_ones(void **state)
{
	static const struct {
		u32 offset, value, after; /* after all ones were written everywhere */
	} rows[] = {
		{ MAGIC, 0x74726976, 0x74726976 },
		{ VERSION, 2, 2 },
		{ DEVICE_ID, 42, 42 },
		{ VENDOR_ID, 0x54534f52, 0x54534f52 },
		{ DEVICE_FEATURES, (u32)OFFERED, 0 }, /* the selector is wild then */
		{ QUEUE_NUM_MAX, QUEUE_SIZE, 0 },
		{ STATUS, 0, A | D | FAILED },
		{ SHM_LEN, ~0u, ~0u },
		{ SHM_LEN + 4, ~0u, ~0u },
		{ SHM_BASE, ~0u, ~0u },
		{ SHM_BASE + 4, ~0u, ~0u },
	};
	struct fixture *f = need(state);

	for (int ones = 0; ones < 2; ones++) {
		for (u32 at = 0; at < CONFIG; at += 4) {
			u32 want = 0;

			for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
				if (rows[i].offset == at)
					want = ones ? rows[i].after : rows[i].value;
			if (rd(f, at) != want)
				fail_msg("%#x reads %#x, not %#x", at, rd(f, at), want);
		}
		for (u32 at = 0; at < CONFIG && !ones; at += 4)
			wr(f, at, ~0u);
	}
	wr(f, STATUS, 0);
	assert_int_equal(rd(f, STATUS), 0);
	assert_int_equal(rd(f, QUEUE_NUM_MAX), QUEUE_SIZE);
	assert_int_equal(rd(f, DEVICE_FEATURES), (u32)OFFERED);
}

static void registers_take_32_bits_and_nothing_else(void **state)
{
	static const u32 widths[] = { 1, 2, 8 };
	struct fixture *f = need(state);

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		u32 width = widths[i];

		for (u32 at = 0; at + width <= CONFIG; at += width) {
			if (virtio_mmio_bus_ops.read(f->t, at, width) != 0)
				fail_msg("%u bytes at %#x", width, at);
			virtio_mmio_bus_ops.write(f->t, at, width, ~0ull);
		}
	}
	assert_int_equal(rd(f, STATUS), 0);
	assert_int_equal(rd(f, QUEUE_NUM_MAX), QUEUE_SIZE);
}

static void features_are_shown_and_taken_by_words(void **state)
{
	static const struct {
		u32 sel, value;
	} rows[] = { { 1, OFFERED >> 32 }, { 2, 0 }, { 31, 0 }, { ~0u, 0 }, { 0, (u32)OFFERED } };

	struct fixture *f = need(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wr(f, DEVICE_FEATURES_SEL, rows[i].sel);
		if (rd(f, DEVICE_FEATURES) != rows[i].value)
			fail_msg("word %u", rows[i].sel);
	}
	set_features(f, VIRTIO_F_VERSION_1_BIT | FEATURE);
	for (size_t i = 1; i + 1 < ARRAY_SIZE(rows); i++) {
		wr(f, DRIVER_FEATURES_SEL, rows[i].sel);
		wr(f, DRIVER_FEATURES, ~0u);
	}
	assert_true(f->v.negotiated == (VIRTIO_F_VERSION_1_BIT | FEATURE));
}

static void there_are_no_queues_past_the_last(void **state)
{
	static const u32 sel[] = { NR_QUEUES, NR_QUEUES + 1, VIRTIO_QUEUES_MAX, 0x10000, ~0u };
	struct fixture *f = need(state);

	(void)negotiate(f, VIRTIO_F_VERSION_1_BIT);
	drv_queue_init(&f->drv[0], &f->g, 16, false);
	for (size_t i = 0; i < ARRAY_SIZE(sel); i++) {
		place_queue(f, sel[i], &f->drv[0]);
		wr(f, QUEUE_READY, 1);
		if (rd(f, QUEUE_NUM_MAX) || rd(f, QUEUE_READY) || rd(f, STATUS) != (A | D | F))
			fail_msg("queue %u", sel[i]);
		wr(f, QUEUE_READY, 0);
		wr(f, QUEUE_NOTIFY, sel[i]);
	}
	for (u32 i = 0; i < NR_QUEUES; i++) {
		wr(f, QUEUE_SEL, i);
		assert_int_equal(rd(f, QUEUE_NUM_MAX), QUEUE_SIZE);
	}
}

static void a_queue_is_where_the_driver_put_it(void **state)
{
	const struct drv_queue far = {
		.size = 32,
		.desc_gpa = 0x1122334455667780,
		.avail_gpa = 0xfedcba9876543210,
		.used_gpa = 0x0123456789abcdf0,
	};
	struct fixture *f = need(state);
	struct virtq *q = &f->v.q[1];

	place_queue(f, 1, &far);
	assert_int_equal(q->size, 32);
	assert_true(q->desc_gpa == far.desc_gpa);
	assert_true(q->avail_gpa == far.avail_gpa);
	assert_true(q->used_gpa == far.used_gpa);
	assert_int_equal(f->v.q[0].desc_gpa, 0);
	wr(f, QUEUE_NUM, 0x10020); /* does not become 32 */
	assert_int_equal(q->size, 0);
	wr(f, STATUS, 0);
	assert_int_equal(q->size, QUEUE_SIZE);
	assert_int_equal(q->desc_gpa | q->avail_gpa | q->used_gpa, 0);
}

static void a_queue_that_is_ready_stands_still(void **state)
{
	const struct drv_queue other = {
		.size = 8, .desc_gpa = 16, .avail_gpa = 16, .used_gpa = 16
	};
	struct fixture *f = need(state);
	struct virtq before;

	bring_up(f);
	wr(f, QUEUE_SEL, 0);
	before = f->v.q[0];
	place_queue(f, 0, &other);
	wr(f, QUEUE_READY, 1);
	assert_memory_equal(&f->v.q[0], &before, sizeof(before));
}

static void every_batch_is_one_edge_and_acknowledging_loses_none(void **state)
{
	struct fixture *f = need(state);

	bring_up_quiet(f);
	for (u32 i = 0; i < 3; i++)
		offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn_until_notified(f, 0, 1);
	assert_int_equal(f->line.rises, 1);
	assert_false(f->line.level);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 1);

	/* The handler has looked at the ring and not acknowledged yet: a new edge all the same. */
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn_until_notified(f, 0, 2);
	assert_int_equal(f->line.rises, 2);

	/* A bit that came later outlives the acknowledgement of an earlier one. */
	virtio_lock(&f->v);
	virtio_config_changed(&f->v);
	virtio_unlock(&f->v);
	assert_int_equal(f->line.rises, 3);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 3);
	assert_int_equal(rd(f, CONFIG_GENERATION), 1);
	wr(f, INTERRUPT_ACK, 1);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 2);
	wr(f, INTERRUPT_ACK, ~0u & ~2u);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 2);
	wr(f, INTERRUPT_ACK, ~0u);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 0);
	assert_int_equal(f->line.rises, 3);

	/* NO_INTERRUPT: used, and nothing said. */
	f->drv[0].avail[0] = 1;
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn_until_notified(f, 0, 3);
	assert_int_equal(drv_used_idx(&f->drv[0]), 5);
	assert_int_equal(f->line.rises, 3);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 0);
}

static void configuration_is_read_and_written_in_its_own_widths(void **state)
{
	static const struct {
		u32 offset, width;
		u64 value;
	} reads[] = {
		{ 0, 1, 0x11 },
		{ 6, 1, 0x77 },
		{ 7, 1, 0 },
		{ 0, 2, 0x2211 },
		{ 4, 2, 0x6655 },
		{ 6, 2, 0x77 }, /* the rest is past the end */
		{ 1, 2, 0 }, /* unaligned */
		{ 0, 4, 0x44332211 },
		{ 4, 4, 0x776655 },
		{ 2, 4, 0 },
		{ 8, 4, 0 },
		{ 0, 8, 0x77665544332211 },
		{ 4, 8, 0 },
		{ 0xfc, 4, 0 },
		{ 0xf8, 8, 0 },
	};
	static const struct {
		u32 offset, width;
		const char *after;
	} writes[] = {
		{ 0, 1, "a......" }, { 6, 1, "......a" }, { 7, 1, "......." },
		{ 2, 2, "..ab..." }, { 6, 2, "......a" }, { 5, 2, "......." },
		{ 0, 4, "abcd..." }, { 4, 4, "....abc" }, { 2, 4, "......." },
		{ 0, 8, "abcdefg" }, { 8, 8, "......." }, { 0xf8, 8, "......." },
	};
	const u64 letters = 0x6867666564636261; /* "abcdefgh" */
	struct fixture *f = need(state);

	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		u64 v = virtio_mmio_bus_ops.read(f->t, CONFIG + reads[i].offset, reads[i].width);

		if (v != reads[i].value)
			fail_msg("read, row %zu: %#llx", i, v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		memset(f->config, '.', CONFIG_SIZE);
		virtio_mmio_bus_ops.write(f->t, CONFIG + writes[i].offset, writes[i].width,
		                          letters);
		if (memcmp(f->config, writes[i].after, CONFIG_SIZE) != 0)
			fail_msg("write, row %zu: %.7s", i, (const char *)f->config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_register_table_is_in_order),
		MMIO_TEST(every_register_reads_as_it_should_after_reset_and_after_all_ones),
		MMIO_TEST(registers_take_32_bits_and_nothing_else),
		MMIO_TEST(features_are_shown_and_taken_by_words),
		MMIO_TEST(there_are_no_queues_past_the_last),
		MMIO_TEST(a_queue_is_where_the_driver_put_it),
		MMIO_TEST(a_queue_that_is_ready_stands_still),
		MMIO_TEST(every_batch_is_one_edge_and_acknowledging_loses_none),
		MMIO_TEST(configuration_is_read_and_written_in_its_own_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
