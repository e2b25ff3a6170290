/* SPDX-License-Identifier: MIT */
#include "tests/unit/virtqueue_rig.h"

#include <errno.h>
#include <sys/mman.h>

enum { SECTOR = 512 };
#define SELF 0x5e1full /* for an address: where the descriptors are */

static void a_queue_is_refused_unless_its_size_and_places_are_right(void **state)
{
	const gpa_t ok = GUEST_BASE + 0x10000, end = GUEST_BASE + GUEST_RAM;
	const struct {
		u16 size;
		gpa_t desc, avail, used;
		int err;
	} rows[] = {
		{ 16, ok, ok, ok, 0 },
		{ 1, ok, ok, ok, 0 },
		{ 128, ok, ok, ok, 0 },
		{ 0, ok, ok, ok, -EINVAL },
		{ 3, ok, ok, ok, -EINVAL },
		{ 127, ok, ok, ok, -EINVAL },
		{ 256, ok, ok, ok, -EINVAL }, /* the device offers 128 */
		{ 0x8000, ok, ok, ok, -EINVAL },
		{ 0xffff, ok, ok, ok, -EINVAL },
		{ 16, ok + 8, ok, ok, -EINVAL },
		{ 16, ok, ok + 1, ok, -EINVAL },
		{ 16, ok, ok + 2, ok, 0 },
		{ 16, ok, ok, ok + 2, -EINVAL },
		{ 16, ok, ok, ok + 4, 0 },
		{ 16, 0, ok, ok, -EINVAL },
		{ 16, ok, 0, ok, -EINVAL },
		{ 16, ok, ok, 0, -EINVAL },
		{ 16, end - 256, ok, ok, 0 },
		{ 16, end - 240, ok, ok, -EINVAL },
		{ 16, ok, end - 38, ok, 0 },
		{ 16, ok, end - 36, ok, -EINVAL },
		{ 16, ok, ok, end - 136, 0 },
		{ 16, ok, ok, end - 132, -EINVAL },
		{ 16, GUEST_BASE - 16, ok, ok, -EINVAL },
		{ 16, ~0ull - 15, ok, ok, -EINVAL },
		{ 16, ok, ~0ull - 1, ok, -EINVAL },
		{ 16, ok, ok, ~0ull - 3, -EINVAL },
		{ 16, 1ull << 63, ok, ok, -EINVAL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct virtq q = { .mem = &f->g.mem, .size_max = 128 };
		int err;

		virtq_reset(&q);
		assert_int_equal(q.size, 128);
		q.size = rows[i].size;
		q.desc_gpa = rows[i].desc;
		q.avail_gpa = rows[i].avail;
		q.used_gpa = rows[i].used;
		err = virtq_start(&q, true, true);
		if (err != rows[i].err || q.ready != (err == 0) || q.broken != (err != 0))
			fail_msg("row %zu: %d", i, err);
		if (err)
			assert_int_equal(virtq_pop(&q, &f->chain), -EPROTO);
	}
}

static void a_chain_comes_out_as_it_went_in(void **state)
{
	struct fixture *f = *state;
	const struct drv_piece pieces[] = {
		{ f->header, 16, DRV_OUT },
		{ f->data, SECTOR, DRV_IN },
		{ f->status, 1, DRV_IN },
	};
	struct virtq_chain *c = &f->chain;
	u32 id, len;

	assert_int_equal(virtq_pop(&f->q, c), 0);
	for (u32 round = 0; round < 3 * SIZE; round++) {
		u16 head = round % 2 ? drv_add(&f->drv, pieces, 3)
		                     : drv_add_indirect(&f->drv, pieces, 3);

		assert_int_equal(virtq_pop(&f->q, c), 1);
		assert_int_equal(c->head, head);
		assert_int_equal(c->nr_out, 1);
		assert_int_equal(c->nr_in, 2);
		assert_int_equal(c->out_len, 16);
		assert_int_equal(c->in_len, SECTOR + 1);
		for (u32 i = 0; i < 3; i++) {
			assert_ptr_equal(c->iov[i].iov_base,
			                 gmem_ptr(&f->g.mem, pieces[i].addr, 1));
			assert_int_equal(c->iov[i].iov_len, pieces[i].len);
		}
		assert_int_equal(virtq_pop(&f->q, c), 0);
		assert_false(drv_used(&f->drv, &id, &len));
		virtq_push(&f->q, head, 1000 + round);
		assert_true(drv_used(&f->drv, &id, &len));
		assert_int_equal(id, head);
		assert_int_equal(len, 1000 + round);
	}
}

static void the_longest_chains_are_as_long_as_the_queue(void **state)
{
	struct fixture *f = *state;
	struct drv_piece p[SIZE];

	for (u32 i = 0; i < SIZE; i++)
		p[i] = (struct drv_piece){ f->data + i, 1, i < 5 ? DRV_OUT : DRV_IN };
	(void)drv_add(&f->drv, p, SIZE);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(f->chain.nr_out, 5);
	assert_int_equal(f->chain.nr_in, SIZE - 5);
	(void)drv_add_indirect(&f->drv, p, SIZE);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(f->chain.nr_out, 5);
	assert_int_equal(f->chain.nr_in, SIZE - 5);
}

/* 2.7.5.3.2: direct descriptors before an indirect one, whose WRITE flag means nothing. */
static void direct_descriptors_may_go_before_an_indirect_one(void **state)
{
	struct fixture *f = *state;
	struct drv_desc *table;
	gpa_t at = guest_alloc(&f->g, 8 * sizeof(*table), 16) + 8; /* no alignment is asked for */

	const struct drv_desc entries[] = {
		drv_desc(f->data, SECTOR, DRV_DESC_NEXT, 2),
		drv_desc(0, 0, 0, 0),
		drv_desc(f->status, 1, DRV_DESC_WRITE, 0),
	};

	memcpy(guest_ptr(&f->g, at, sizeof(entries)), entries, sizeof(entries));
	f->drv.desc[3] = drv_desc(f->header, 16, DRV_DESC_NEXT, 9);
	f->drv.desc[9] = drv_desc(at, sizeof(entries), DRV_DESC_INDIRECT | DRV_DESC_WRITE, 0);
	drv_offer(&f->drv, 3);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(f->chain.head, 3);
	assert_int_equal(f->chain.nr_out, 2);
	assert_int_equal(f->chain.out_len, 16 + SECTOR);
	assert_int_equal(f->chain.nr_in, 1);
	assert_int_equal(f->chain.in_len, 1);
}

static void pieces_without_a_byte_are_left_out(void **state)
{
	struct fixture *f = *state;
	const struct drv_piece pieces[] = {
		{ f->header, 0, DRV_OUT }, { f->header, 16, DRV_OUT }, { ~0ull, 0, DRV_IN },
		{ f->status, 1, DRV_IN },  { 0, 0, DRV_IN },
	};

	(void)drv_add(&f->drv, pieces, ARRAY_SIZE(pieces));
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(f->chain.nr_out, 1);
	assert_int_equal(f->chain.nr_in, 1);
	assert_int_equal(f->chain.out_len, 16);
	assert_int_equal(f->chain.in_len, 1);
	(void)drv_add(&f->drv, pieces, 1);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(f->chain.nr_out + f->chain.nr_in, 0);
}

/* A hostile driver: each row spoils the good chain at descriptors 0, 1, 2. */
struct attack {
	const char *name;
	bool table; /* the descriptors are in a table that number 0 refers to */
	u16 head; /* what is offered */
	u16 jump; /* the index goes up by one and by this */
	struct drv_desc at[3];
};

static void try_attack(struct fixture *f, const struct attack *a)
{
	struct drv_desc *d = f->drv.desc;
	int err;

	memcpy(d, a->at, sizeof(a->at));
	if (d[0].addr == SELF)
		d[0].addr = f->drv.desc_gpa;
	if (a->table) {
		d[0] = drv_desc(guest_put(&f->g, a->at, sizeof(a->at)), sizeof(a->at),
		                DRV_DESC_INDIRECT, 0);
	}
	drv_offer(&f->drv, a->head);
	drv_set_avail_idx(&f->drv, (u16)(f->drv.avail_idx + a->jump));
	err = virtq_pop(&f->q, &f->chain);
	if (err != -EPROTO || !f->q.broken)
		fail_msg("%s: %d", a->name, err);

	/* And nothing more is answered, whatever comes. */
	virtq_push(&f->q, 0, 1);
	if (drv_used_idx(&f->drv) != 0 || memcmp(&f->drv.used[2], (u64[1]){ 0 }, 8) != 0 ||
	    virtq_should_interrupt(&f->q) || virtq_enable_kicks(&f->q) ||
	    virtq_pop(&f->q, &f->chain) != -EPROTO)
		fail_msg("%s: the queue is not dead", a->name);
}

static void a_driver_that_breaks_a_rule_breaks_its_queue(void **state)
{
	enum { N = DRV_DESC_NEXT, W = DRV_DESC_WRITE, I = DRV_DESC_INDIRECT };
	struct fixture *f = *state;
	const gpa_t h = f->header, d = f->data, s = f->status;
	const gpa_t end = GUEST_BASE + GUEST_RAM;
	const struct drv_desc h_ok = { h, 16, N, 1 }, d_ok = { d, 512, N | W, 2 };
	const struct drv_desc s_ok = { s, 1, W, 0 };
	const struct attack rows[] = {
		{ "head = size", false, SIZE, 0, { h_ok, d_ok, s_ok } },
		{ "head = 65535", false, 0xffff, 0, { h_ok, d_ok, s_ok } },
		{ "index ahead by size + 1", false, 0, SIZE, { h_ok, d_ok, s_ok } },
		{ "index ahead by 32768", false, 0, 0x7fff, { h_ok, d_ok, s_ok } },
		{ "index one back", false, 0, 0xfffe, { h_ok, d_ok, s_ok } },
		{ "its own next", false, 0, 0, { h_ok, { d, 512, N | W, 1 }, s_ok } },
		{ "loop to the head",
		  false,
		  0,
		  0,
		  { { h, 16, N | W, 1 }, d_ok, { s, 1, N | W, 0 } } },
		{ "loop of nothing", false, 0, 0, { { h, 0, N, 1 }, { h, 0, N, 0 }, s_ok } },
		{ "next = size", false, 0, 0, { h_ok, { d, 512, N, SIZE }, s_ok } },
		{ "next = 65535", false, 0, 0, { h_ok, { d, 512, N, 0xffff }, s_ok } },
		{ "below RAM", false, 0, 0, { { GUEST_BASE - 1, 16, N, 1 }, d_ok, s_ok } },
		{ "at 0", false, 0, 0, { { 0, 16, N, 1 }, d_ok, s_ok } },
		{ "past RAM", false, 0, 0, { h_ok, { end, 1, N | W, 2 }, s_ok } },
		{ "across the end of RAM",
		  false,
		  0,
		  0,
		  { h_ok, { end - 511, 512, N | W, 2 }, s_ok } },
		{ "at the top", false, 0, 0, { h_ok, { ~0ull, 1, N | W, 2 }, s_ok } },
		{ "wraps into RAM", false, 0, 0, { h_ok, { ~0ull - 15, ~0u, N | W, 2 }, s_ok } },
		{ "4 GiB less one", false, 0, 0, { h_ok, { d, ~0u, N | W, 2 }, s_ok } },
		{ "readable after writable", false, 0, 0, { h_ok, d_ok, { s, 1, 0, 0 } } },
		{ "empty readable after writable", false, 0, 0, { h_ok, d_ok, { s, 0, 0, 0 } } },
		{ "table of nothing", false, 0, 0, { { d, 0, I, 0 } } },
		{ "table of a part", false, 0, 0, { { d, 15, I, 0 } } },
		{ "table of one and a part", false, 0, 0, { { d, 17, I, 0 } } },
		{ "table past RAM", false, 0, 0, { { end, 16, I, 0 } } },
		{ "table across the end of RAM", false, 0, 0, { { end - 16, 32, I, 0 } } },
		{ "table at the top", false, 0, 0, { { ~0ull - 15, 16, I, 0 } } },
		{ "table of 4 GiB", false, 0, 0, { { d, 0xfffffff0, I, 0 } } },
		{ "table with a next", false, 0, 0, { { d, 16, I | N, 1 }, d_ok, s_ok } },
		{ "table in itself", false, 0, 0, { { SELF, 48, I, 0 } } },
		{ "table first in a table", true, 0, 0, { { d, 16, I, 0 }, d_ok, s_ok } },
		{ "table later in a table", true, 0, 0, { h_ok, { d, 16, I, 0 }, s_ok } },
		{ "loop in a table", true, 0, 0, { h_ok, d_ok, { s, 1, W | N, 1 } } },
		{ "next past a table", true, 0, 0, { h_ok, { d, 1, N, 3 }, s_ok } },
		{ "out of RAM in a table", true, 0, 0, { h_ok, { end, 1, W, 0 }, s_ok } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		start(f, SIZE, i % 2, true);
		try_attack(f, &rows[i]);
	}
}

static void a_table_without_the_feature_breaks_the_queue(void **state)
{
	struct fixture *f = *state;
	const struct drv_piece p = { f->data, 1, DRV_IN };

	start(f, SIZE, false, false);
	(void)drv_add_indirect(&f->drv, &p, 1);
	assert_int_equal(virtq_pop(&f->q, &f->chain), -EPROTO);
}

static void a_chain_in_a_table_is_no_longer_than_the_queue(void **state)
{
	struct fixture *f = *state;
	struct drv_piece p[SIZE + 1];

	for (u32 i = 0; i <= SIZE; i++)
		p[i] = (struct drv_piece){ f->data, 1, DRV_IN };
	(void)drv_add_indirect(&f->drv, p, SIZE + 1);
	assert_int_equal(virtq_pop(&f->q, &f->chain), -EPROTO);

	/* One before the table counts as well. */
	start(f, SIZE, false, true);
	(void)drv_add_indirect(&f->drv, p, SIZE);
	f->drv.desc[1] = drv_desc(f->header, 16, DRV_DESC_NEXT, 0);
	drv_offer(&f->drv, 1);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(virtq_pop(&f->q, &f->chain), -EPROTO);
}

/* Guest RAM of 5 GiB, of which the ring alone is ever touched. */
static void a_chain_is_shorter_than_4_gib(void **state)
{
	const u32 gib = 1u << 30;
	const struct {
		u32 len[3];
		int ret;
	} rows[] = {
		{ { 4 * gib - 1 }, 1 },
		{ { 2 * gib, 2 * gib - 1 }, 1 },
		{ { 2 * gib, 2 * gib }, -EPROTO },
		{ { 2 * gib, gib, gib }, -EPROTO },
		{ { ~0u, 1 }, -EPROTO },
		{ { ~0u, ~0u, ~0u }, -EPROTO },
	};
	struct fixture *f = *state;
	const u64 size = 5 * GIB;
	u8 *ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	u8 *small = f->g.mem.host;

	assert_ptr_not_equal(ram, MAP_FAILED);
	f->g.mem.host = ram;
	f->g.mem.size = size;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct drv_piece p[3];

		for (u32 k = 0; k < 3; k++)
			p[k] = (struct drv_piece){ GUEST_BASE + k, rows[i].len[k],
				                   k ? DRV_IN : DRV_OUT };
		start(f, SIZE, false, true);
		(void)drv_add(&f->drv, p, 3);
		if (virtq_pop(&f->q, &f->chain) != rows[i].ret)
			fail_msg("row %zu", i);
	}
	f->g.mem.host = small;
	f->g.mem.size = GUEST_RAM;
	must0(munmap(ram, size));
}

static void a_full_ring_is_taken_and_one_more_is_not(void **state)
{
	struct fixture *f = *state;
	const struct drv_piece p = { f->data, 1, DRV_IN };

	for (u32 i = 0; i < SIZE; i++)
		(void)drv_add(&f->drv, &p, 1);
	for (u32 i = 0; i < SIZE; i++)
		assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 0);
}

static void a_request_given_back_comes_again(void **state)
{
	struct fixture *f = *state;
	const struct drv_piece p = { f->data, 7, DRV_IN };
	u16 first = drv_add(&f->drv, &p, 1), second = drv_add(&f->drv, &p, 1);

	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	virtq_unpop(&f->q);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(f->chain.head, first);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(f->chain.head, second);
	virtq_unpop(&f->q);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
	assert_int_equal(f->chain.head, second);
}

static void answers_filled_in_show_when_they_are_flushed(void **state)
{
	struct fixture *f = *state;
	u32 id, len;

	f->q.next_used = f->drv.used_seen = (u16)-1; /* so that the three go round */
	f->drv.used[1] = (u16)-1;
	virtq_fill(&f->q, 5, 50, 0);
	virtq_fill(&f->q, 6, 60, 1);
	virtq_fill(&f->q, 7, 70, 2);
	assert_false(drv_used(&f->drv, &id, &len));
	virtq_flush(&f->q, 3);
	assert_int_equal(drv_used_idx(&f->drv), 2);
	for (u32 i = 0; i < 3; i++) {
		assert_true(drv_used(&f->drv, &id, &len));
		assert_int_equal(id, 5 + i);
		assert_int_equal(len, 50 + 10 * i);
	}
}

/* 2.7.7 and 2.7.10: the driver wants an interrupt when the entry at used_event is used. */
static void an_interrupt_comes_when_the_driver_asked_for_it(void **state)
{
	static const struct {
		u16 from, pushes; /* used entries at the last interrupt, and since then */
		bool event_idx;
		u16 flags, event;
		bool wanted;
	} rows[] = {
		{ 0, 0, false, 0, 0, false }, /* nothing new */
		{ 0, 1, false, 0, 0, true },
		{ 0, 1, false, 1, 0, false }, /* NO_INTERRUPT */
		{ 0, 1, false, 2, 0, true },
		{ 9, 5, false, 0, 0, true },
		{ 0, 0, true, 0, 0, false },
		{ 0, 1, true, 0, 0, true },
		{ 0, 1, true, 1, 0, true }, /* the flag means nothing now (2.7.7.2) */
		{ 0, 1, true, 0, 1, false },
		{ 0, 2, true, 0, 1, true },
		{ 5, 3, true, 0, 4, false },
		{ 5, 3, true, 0, 5, true },
		{ 5, 3, true, 0, 7, true },
		{ 5, 3, true, 0, 8, false },
		{ 5, 3, true, 0, 0x8000, false },
		{ 65535, 1, true, 0, 65535, true },
		{ 65535, 1, true, 0, 0, false },
		{ 65535, 2, true, 0, 0, true },
		{ 65535, 2, true, 0, 65534, false },
		{ 65530, 16, true, 0, 9, true },
		{ 65530, 16, true, 0, 10, false },
		{ 65530, 16, true, 0, 65529, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		start(f, SIZE, rows[i].event_idx, true);
		f->q.next_used = f->q.signalled = rows[i].from;
		f->drv.avail[0] = rows[i].flags;
		*drv_used_event(&f->drv) = rows[i].event;
		for (u32 n = 0; n < rows[i].pushes; n++)
			virtq_push(&f->q, 0, 0);
		if (virtq_should_interrupt(&f->q) != rows[i].wanted)
			fail_msg("row %zu", i);
		if (virtq_should_interrupt(&f->q))
			fail_msg("row %zu: a second time for the same", i);
	}
}

static void after_a_whole_round_without_a_look_the_driver_is_woken(void **state)
{
	struct fixture *f = *state;

	start(f, SIZE, true, true);
	*drv_used_event(&f->drv) = 0x1234;
	for (u32 i = 0; i < 0x10000; i++)
		virtq_push(&f->q, 0, 0);
	assert_true(virtq_should_interrupt(&f->q));
	for (u32 i = 0; i < 0x10003; i++)
		virtq_push(&f->q, 0, 0);
	*drv_used_event(&f->drv) = 0x1234; /* among the new ones, were it three */
	assert_true(virtq_should_interrupt(&f->q));
	assert_false(virtq_should_interrupt(&f->q));
}

static void kicks_are_asked_for_when_the_device_has_run_dry(void **state)
{
	struct fixture *f = *state;
	const struct drv_piece p = { f->data, 1, DRV_IN };

	for (int event_idx = 0; event_idx < 2; event_idx++) {
		start(f, SIZE, event_idx, true);
		for (u32 i = 0; i < 70000; i++) {
			u16 old = f->drv.avail_idx;

			/* Dry: the next one must kick. */
			if (virtq_enable_kicks(&f->q))
				fail_msg("round %u: more, out of nothing", i);
			(void)drv_add(&f->drv, &p, 1);
			if (!drv_kick_wanted(&f->drv, old))
				fail_msg("round %u: no kick", i);
			/* Busy: no kick, but it is noticed. */
			virtq_disable_kicks(&f->q);
			old = f->drv.avail_idx;
			(void)drv_add(&f->drv, &p, 1);
			if (drv_kick_wanted(&f->drv, old))
				fail_msg("round %u: a kick", i);
			assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
			if (!virtq_enable_kicks(&f->q))
				fail_msg("round %u: not noticed", i);
			assert_int_equal(virtq_pop(&f->q, &f->chain), 1);
			assert_int_equal(virtq_pop(&f->q, &f->chain), 0);
			virtq_push(&f->q, 0, 0);
			virtq_push(&f->q, 1, 0);
			assert_int_equal(drv_used_idx(&f->drv), (u16)(2 * i + 2));
		}
	}
}

static void copies_go_across_pieces_and_stop_at_the_end(void **state)
{
	static const struct {
		u64 offset;
		size_t len, copied;
	} rows[] = {
		{ 0, 0, 0 },  { 0, 1, 1 },  { 0, 10, 10 },   { 0, 11, 10 }, { 2, 2, 2 },
		{ 3, 1, 1 },  { 3, 7, 7 },  { 1, 100, 9 },   { 9, 1, 1 },   { 9, 2, 1 },
		{ 10, 1, 0 }, { 11, 1, 0 }, { ~0ull, 1, 0 }, { 4, 5, 5 },   { 0, 64, 10 },
	};
	struct fixture *f = *state;
	const struct drv_piece pieces[] = {
		{ f->data, 3, DRV_OUT },       { f->data + 100, 1, DRV_OUT },
		{ f->data + 200, 6, DRV_OUT }, { f->data + 300, 3, DRV_IN },
		{ f->data + 400, 1, DRV_IN },  { f->data + 500, 6, DRV_IN },
	};
	static const char text[] =
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm"
		"nopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	u8 *out[] = { guest_ptr(&f->g, f->data, 3), guest_ptr(&f->g, f->data + 100, 1),
		      guest_ptr(&f->g, f->data + 200, 6) };
	u8 *in[] = { guest_ptr(&f->g, f->data + 300, 3), guest_ptr(&f->g, f->data + 400, 1),
		     guest_ptr(&f->g, f->data + 500, 6) };

	memcpy(out[0], text, 3);
	memcpy(out[1], text + 3, 1);
	memcpy(out[2], text + 4, 6);
	(void)drv_add(&f->drv, pieces, 6);
	assert_int_equal(virtq_pop(&f->q, &f->chain), 1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = rows[i].copied, at = rows[i].offset;
		char got[101] = { 0 }, want[10] = { 0 }, have[10];

		if (virtq_read(&f->chain, at, got, rows[i].len) != n ||
		    (n && memcmp(got, text + at, n) != 0) || got[n] != 0)
			fail_msg("read, row %zu", i);

		memset(in[0], 0, 3);
		memset(in[1], 0, 1);
		memset(in[2], 0, 7);
		if (n)
			memcpy(want + at, text, n);
		if (virtq_write(&f->chain, at, text, rows[i].len) != n)
			fail_msg("write, row %zu", i);
		memcpy(have, in[0], 3);
		memcpy(have + 3, in[1], 1);
		memcpy(have + 4, in[2], 6);
		if (memcmp(have, want, sizeof(want)) != 0 || in[2][6] != 0)
			fail_msg("write, row %zu: wrong bytes", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUEUE_TEST(a_queue_is_refused_unless_its_size_and_places_are_right),
		QUEUE_TEST(a_chain_comes_out_as_it_went_in),
		QUEUE_TEST(the_longest_chains_are_as_long_as_the_queue),
		QUEUE_TEST(direct_descriptors_may_go_before_an_indirect_one),
		QUEUE_TEST(pieces_without_a_byte_are_left_out),
		QUEUE_TEST(a_driver_that_breaks_a_rule_breaks_its_queue),
		QUEUE_TEST(a_table_without_the_feature_breaks_the_queue),
		QUEUE_TEST(a_chain_in_a_table_is_no_longer_than_the_queue),
		QUEUE_TEST(a_chain_is_shorter_than_4_gib),
		QUEUE_TEST(a_full_ring_is_taken_and_one_more_is_not),
		QUEUE_TEST(a_request_given_back_comes_again),
		QUEUE_TEST(answers_filled_in_show_when_they_are_flushed),
		QUEUE_TEST(an_interrupt_comes_when_the_driver_asked_for_it),
		QUEUE_TEST(after_a_whole_round_without_a_look_the_driver_is_woken),
		QUEUE_TEST(kicks_are_asked_for_when_the_device_has_run_dry),
		QUEUE_TEST(copies_go_across_pieces_and_stop_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
