/* SPDX-License-Identifier: MIT */
#include "tests/unit/virtio_driver.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "devices/virtio/blk.h"
#include "tests/unit/scratch.h"

enum { SECTOR = 512, DISK = 1 << 20, QUEUE = 128, NO_STATUS = 0xff };

#define F(name) (1ull << VIRTIO_BLK_F_##name)
#define USUAL   (F(FLUSH) | F(SEG_MAX) | F(BLK_SIZE) | VIRTIO_F_INDIRECT_DESC_BIT)

struct rig {
	struct scratch scratch;
	const char *path;
	int fd; /* the disk, or what stands in for it */
	int far; /* the other end of a pipe */
	struct guest g;
	struct loop *loop;
	struct virtio_blk *blk;
	struct virtio *v;
	struct drv_bus bus;
	struct drv_queue q;
	struct loop_event bell;
	bool rung;
	gpa_t hdr, status, data;
	u32 used_len;
};

static u8 pattern(u64 at)
{
	return (u8)(at * 7 + at / 256 + at / 65536 * 3);
}

static void bell_rung(struct loop_event *ev)
{
	container_of(ev, struct rig, bell)->rung = true;
}

static void loop_up(struct rig *r)
{
	assert_int_equal(loop_create(&r->loop), 0);
	assert_int_equal(loop_event_init(r->loop, &r->bell, bell_rung), 0);
}

static void disk_down(struct rig *r)
{
	loop_quiesce(r->loop);
	virtio_blk_destroy(r->blk);
	r->blk = NULL;
	loop_event_done(&r->bell);
	loop_destroy(r->loop);
}

static int setup(void **state)
{
	struct rig *r = test_calloc(1, sizeof(*r));
	static u8 all[DISK];

	scratch_init(&r->scratch);
	r->path = scratch_file(&r->scratch, "disk", 0);
	r->fd = open(r->path, O_RDWR | O_CLOEXEC);
	r->far = -1;
	for (u64 i = 0; i < DISK; i++)
		all[i] = pattern(i);
	if (write(r->fd, all, DISK) != DISK)
		return -1;
	guest_init(&r->g);
	loop_up(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	if (r->far >= 0)
		(void)close(r->far);
	disk_down(r);
	guest_done(&r->g);
	(void)close(r->fd);
	scratch_done(&r->scratch);
	test_free(r);
	return 0;
}

static void queue_up(struct rig *r, u64 features)
{
	drv_negotiate(r->v, features);
	drv_queue_init(&r->q, &r->g, QUEUE, features & VIRTIO_F_EVENT_IDX_BIT);
	assert_true(drv_queue_up(r->v, 0, &r->q));
	drv_driver_ok(r->v);
}

static void bring_up_with(struct rig *r, const struct virtio_blk_config_in *cfg, u64 features)
{
	assert_int_equal(virtio_blk_create(cfg, r->loop, &r->g.mem, &r->blk), 0);
	r->v = virtio_blk_dev(r->blk);
	drv_bus_attach(&r->bus, r->v);
	r->hdr = guest_alloc(&r->g, sizeof(struct virtio_blk_outhdr), 16);
	r->status = guest_alloc(&r->g, 1, 1);
	r->data = guest_alloc(&r->g, 256 * KIB, 4096);
	queue_up(r, features);
}

static void bring_up(struct rig *r, u64 features)
{
	const struct virtio_blk_config_in cfg = { .fd = r->fd, .size = DISK, .block_size = SECTOR };

	bring_up_with(r, &cfg, features);
}

/* A pipe is the disk: it takes its time, moves less than asked for, and cannot sync. */
static void bring_up_on_pipe(struct rig *r, bool for_reading, u64 features)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	(void)close(r->fd);
	r->fd = fd[for_reading ? 0 : 1];
	r->far = fd[for_reading ? 1 : 0];
	bring_up(r, features);
}

static u32 inflight(struct rig *r)
{
	u32 n;

	virtio_lock(r->v);
	n = r->v->inflight;
	virtio_unlock(r->v);
	return n;
}

/* All that was rung for has been looked at. */
static void look(struct rig *r)
{
	r->rung = false;
	loop_event_signal(&r->bell);
	while (!r->rung)
		assert_true(loop_turn(r->loop) > 0);
}

/* ... and has ended. */
static void settle(struct rig *r)
{
	look(r);
	look(r); /* a turn is over before a whole queue is */
	while (inflight(r))
		assert_true(loop_turn(r->loop) > 0);
}

static void put_header(struct rig *r, gpa_t at, u32 type, u64 sector)
{
	const struct virtio_blk_outhdr h = { .type = htole32(type), .sector = htole64(sector) };

	memcpy(guest_ptr(&r->g, at, sizeof(h)), &h, sizeof(h));
}

static u8 *at(struct rig *r, gpa_t gpa)
{
	return guest_ptr(&r->g, gpa, 1);
}

/* The chain has been added: run it. Return: the status, NO_STATUS without an answer. */
static u8 run_chain(struct rig *r, u16 head)
{
	u32 id;

	virtio_kick(r->v, 0);
	settle(r);
	if (!drv_used(&r->q, &id, &r->used_len))
		return NO_STATUS;
	assert_int_equal(id, head);
	return *at(r, r->status);
}

/* Header, up to one data piece, status. */
static u8 run(struct rig *r, u32 type, u64 sector, gpa_t data, u32 len)
{
	struct drv_piece p[3] = { { r->hdr, 16, DRV_OUT } };
	u32 n = 1;

	put_header(r, r->hdr, type, sector);
	*at(r, r->status) = NO_STATUS;
	if (len)
		p[n++] = (struct drv_piece){ data, len,
			                     type == VIRTIO_BLK_T_OUT ? DRV_OUT : DRV_IN };
	p[n++] = (struct drv_piece){ r->status, 1, DRV_IN };
	return run_chain(r, drv_add(&r->q, p, n));
}

static void file_read(const struct rig *r, u64 offset, void *buf, u64 len)
{
	int fd = open(r->path, O_RDONLY | O_CLOEXEC);

	assert_true(pread(fd, buf, len, (off_t)offset) == (ssize_t)len);
	(void)close(fd);
}

static void file_write(const struct rig *r, u64 offset, const void *buf, u64 len)
{
	int fd = open(r->path, O_WRONLY | O_CLOEXEC);

	assert_true(pwrite(fd, buf, len, (off_t)offset) == (ssize_t)len);
	(void)close(fd);
}

static void file_is_untouched(const struct rig *r)
{
	static u8 all[DISK];

	file_read(r, 0, all, DISK);
	for (u64 i = 0; i < DISK; i++)
		if (all[i] != pattern(i))
			fail_msg("byte %llu of the file has changed", i);
}

static void configuration_tells_capacity_segments_and_block_size(void **state)
{
	static const struct {
		u64 size, capacity;
		u32 block_size;
	} rows[] = {
		{ 512, 1, 512 },
		{ 1023, 1, 512 },
		{ 1024, 2, 512 },
		{ 4096 * 3 + 512, 24, 4096 },
		{ 1ull << 50, 1ull << 41, 512 },
		{ ~0ull, ~0ull / 512, 512 },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct virtio_blk_config_in cfg = { .fd = r->fd,
			                                  .size = rows[i].size,
			                                  .block_size = rows[i].block_size };
		struct virtio_blk_config c, rest = { 0 };
		struct virtio_blk *b;
		struct virtio *v;

		assert_int_equal(virtio_blk_create(&cfg, r->loop, &r->g.mem, &b), 0);
		v = virtio_blk_dev(b);
		assert_int_equal(v->ops->device_id, 2);
		assert_true(v->ops->config_size == sizeof(c));
		v->ops->read_config(b, 0, &c, sizeof(c));
		if (c.capacity != rows[i].capacity || c.blk_size != rows[i].block_size ||
		    c.seg_max != QUEUE - 2)
			fail_msg("row %zu: %llu sectors of %u", i, (u64)c.capacity, c.blk_size);
		rest.capacity = c.capacity;
		rest.blk_size = c.blk_size;
		rest.seg_max = c.seg_max;
		assert_memory_equal(&rest, &c, sizeof(c));
		v->ops->write_config(b, 0, &(u64){ 0 }, 8);
		v->ops->read_config(b, 0, &c, 8);
		assert_true(c.capacity == rows[i].capacity);
		r->blk = b;
		disk_down(r);
		loop_up(r);
	}
}

static void a_block_size_that_is_none_is_refused(void **state)
{
	static const u32 rows[] = { 0, 1, 256, 511, 513, 768, 128 * 1024, 1u << 31 };
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct virtio_blk_config_in cfg = { .fd = r->fd,
			                                  .size = DISK,
			                                  .block_size = rows[i] };

		assert_int_equal(virtio_blk_create(&cfg, r->loop, &r->g.mem, &r->blk), -EINVAL);
		assert_null(r->blk);
	}
	virtio_blk_destroy(NULL);
}

static void features_are_offered_as_the_disk_is(void **state)
{
	const u64 always = F(SEG_MAX) | F(BLK_SIZE) | F(FLUSH) | VIRTIO_F_VERSION_1_BIT |
	                   VIRTIO_F_INDIRECT_DESC_BIT | VIRTIO_F_EVENT_IDX_BIT;
	struct rig *r = *state;
	struct virtio_blk_config_in cfg = { .fd = r->fd, .size = DISK, .block_size = SECTOR };
	struct virtio_blk *ro;

	bring_up(r, USUAL);
	assert_true(r->v->offered == always);
	cfg.read_only = true;
	assert_int_equal(virtio_blk_create(&cfg, r->loop, &r->g.mem, &ro), 0);
	assert_true(virtio_blk_dev(ro)->offered == (always | F(RO)));
	loop_quiesce(r->loop);
	virtio_blk_destroy(ro);
}

/* One row per layout of the same request: 2.7.4.3, no assumptions on framing. */
struct layout {
	const char *name;
	u32 hdr[4]; /* pieces of the header, bytes; 0 ends */
	bool joined; /* header with written data, read data with status: one piece each */
	u32 odd; /* bytes the data is off by */
	u32 piece; /* bytes of each data piece */
	u32 len;
	bool indirect;
};

static const struct layout layouts[] = {
	{ "as Linux does it", { 16 }, false, 0, 4096, 4096, false },
	{ "one sector", { 16 }, false, 0, 512, 512, false },
	{ "header in two", { 8, 8 }, false, 0, 512, 1024, false },
	{ "header in three odd ones", { 1, 14, 1 }, false, 0, 512, 1024, false },
	{ "as few descriptors as can be", { 16 }, true, 0, 1024, 1024, false },
	{ "header in two, the second with data", { 4, 12 }, true, 0, 512, 2048, false },
	{ "odd address", { 16 }, false, 3, 512, 512, false },
	{ "pieces smaller than sectors", { 16 }, false, 1, 100, 1024, false },
	{ "pieces of one byte", { 16 }, false, 5, 8, 512, false },
	{ "a whole queue of pieces", { 16 }, false, 0, 512, 126 * 512, false },
	{ "a whole table of pieces", { 16 }, false, 512, 512, 126 * 512, true },
	{ "indirect, joined", { 16 }, true, 0, 512, 512, true },
	{ "200 KiB in one piece", { 16 }, false, 0, 200 * 1024, 200 * 1024, true },
	{ "200 KiB in odd pieces", { 16 }, false, 7, 3000, 200 * 1024, true },
};

static u32 lay_out(struct rig *r, const struct layout *l, bool out, struct drv_piece *p)
{
	/* The header right before the data, the status right behind it. */
	gpa_t data = r->data + 4096 + l->odd, hdr = data - 16;
	u32 n = 0;

	put_header(r, hdr, out ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN, 9);
	r->status = data + l->len;
	*at(r, r->status) = NO_STATUS;
	for (u32 i = 0; i < 4 && l->hdr[i]; i++) {
		p[n++] = (struct drv_piece){ hdr, l->hdr[i], DRV_OUT };
		hdr += l->hdr[i];
	}
	for (u32 done = 0; done < l->len;) {
		u32 k = l->len - done < l->piece ? l->len - done : l->piece;

		if (l->joined && out && !done)
			p[n - 1].len += k;
		else
			p[n++] = (struct drv_piece){ data + done, k, out ? DRV_OUT : DRV_IN };
		done += k;
	}
	if (l->joined && !out)
		p[n - 1].len++;
	else
		p[n++] = (struct drv_piece){ r->status, 1, DRV_IN };
	return n;
}

static void try_layout(struct rig *r, const struct layout *l)
{
	static u8 buf[DISK];
	struct drv_piece p[QUEUE];
	u8 *data = at(r, r->data + 4096 + l->odd);

	for (int out = 0; out < 2; out++) {
		u32 n = lay_out(r, l, out, p);
		u8 status;

		for (u32 i = 0; i < l->len; i++)
			data[i] = out ? (u8)(pattern(i) ^ 0x5a) : 0;
		status = run_chain(r, l->indirect ? drv_add_indirect(&r->q, p, n)
		                                  : drv_add(&r->q, p, n));
		if (status != VIRTIO_BLK_S_OK || r->used_len != (out ? 1 : l->len + 1))
			fail_msg("%s: status %u, %u bytes", l->name, status, r->used_len);
		file_read(r, 0, buf, DISK);
		for (u64 i = 0; i < DISK; i++) {
			u64 in = i - 9 * SECTOR;
			bool ours = in < l->len;

			if (buf[i] != (ours && out ? pattern(in) ^ 0x5a : pattern(i)))
				fail_msg("%s: byte %llu of the file", l->name, i);
			if (ours && data[in] != buf[i])
				fail_msg("%s: byte %llu of the guest's", l->name, in);
		}
	}
	for (u64 i = 0; i < l->len; i++)
		buf[i] = pattern(i + 9 * SECTOR);
	file_write(r, 9 * SECTOR, buf, l->len); /* as it was */
}

static void data_moves_whatever_the_layout(void **state)
{
	struct rig *r = *state;

	bring_up(r, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		try_layout(r, &layouts[i]);
}

/* The bounce buffer, whose logic needs no O_DIRECT. */
static void a_direct_disk_takes_every_layout_as_well(void **state)
{
	struct rig *r = *state;
	const struct virtio_blk_config_in cfg = {
		.fd = r->fd, .size = DISK, .block_size = SECTOR, .direct = true
	};

	bring_up_with(r, &cfg, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		try_layout(r, &layouts[i]);
}

static void a_disk_past_the_page_cache_takes_every_layout(void **state)
{
	struct rig *r = *state;
	struct virtio_blk_config_in cfg = { .size = DISK, .block_size = SECTOR, .direct = true };
	u8 *probe = at(r, GUEST_BASE + GUEST_RAM / 2);

	(void)close(r->fd);
	r->fd = open(r->path, O_RDWR | O_CLOEXEC | O_DIRECT);
	cfg.fd = r->fd;
	if (r->fd < 0 || pread(r->fd, probe + SECTOR, SECTOR, SECTOR) < 0)
		skip_because("no O_DIRECT with 512 bytes on this file system");
	bring_up_with(r, &cfg, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		try_layout(r, &layouts[i]);
}

static void a_direct_disk_wants_whole_blocks(void **state)
{
	static const struct {
		u64 sector;
		u32 len;
		u8 status;
	} rows[] = {
		{ 0, 4096, VIRTIO_BLK_S_OK },        { 0, 4096 * 2, VIRTIO_BLK_S_OK },
		{ 8, 4096, VIRTIO_BLK_S_OK },        { 0, 512, VIRTIO_BLK_S_IOERR },
		{ 1, 4096, VIRTIO_BLK_S_IOERR },     { 0, 4608, VIRTIO_BLK_S_IOERR },
		{ 8, 4096 * 2, VIRTIO_BLK_S_IOERR }, { 16, 4096, VIRTIO_BLK_S_IOERR },
		{ 16, 512, VIRTIO_BLK_S_IOERR }, /* there, but no whole block */
	};
	struct rig *r = *state;
	const struct virtio_blk_config_in cfg = {
		.fd = r->fd, .size = 2 * 4096 + 512, .block_size = 4096, .direct = true
	};

	bring_up_with(r, &cfg, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 status = run(r, VIRTIO_BLK_T_IN, rows[i].sector, r->data, rows[i].len);

		if (status != rows[i].status)
			fail_msg("row %zu: status %u", i, status);
	}
}

/* One row per request that is answered with an error, or only just not. */
static void bounds_and_types_are_checked(void **state)
{
	static const struct {
		const char *name;
		u32 type;
		u64 sector;
		u32 len;
		u8 status;
		u32 used;
	} rows[] = {
		{ "first sector", VIRTIO_BLK_T_IN, 0, 512, VIRTIO_BLK_S_OK, 513 },
		{ "last sector", VIRTIO_BLK_T_IN, 2047, 512, VIRTIO_BLK_S_OK, 513 },
		{ "one past", VIRTIO_BLK_T_IN, 2048, 512, VIRTIO_BLK_S_IOERR, 0 },
		{ "two past", VIRTIO_BLK_T_IN, 2049, 512, VIRTIO_BLK_S_IOERR, 0 },
		{ "across the end", VIRTIO_BLK_T_IN, 2047, 1024, VIRTIO_BLK_S_IOERR, 0 },
		{ "2^64 - 1", VIRTIO_BLK_T_IN, ~0ull, 512, VIRTIO_BLK_S_IOERR, 0 },
		{ "2^64 - 1, two", VIRTIO_BLK_T_IN, ~0ull, 1024, VIRTIO_BLK_S_IOERR, 0 },
		{ "offset wraps to 0", VIRTIO_BLK_T_IN, 1ull << 55, 512, VIRTIO_BLK_S_IOERR, 0 },
		{ "offset wraps to 512", VIRTIO_BLK_T_IN, (1ull << 55) + 1, 512, VIRTIO_BLK_S_IOERR,
		  0 },
		{ "no bytes", VIRTIO_BLK_T_IN, 0, 0, VIRTIO_BLK_S_IOERR, 1 },
		{ "1 byte", VIRTIO_BLK_T_IN, 0, 1, VIRTIO_BLK_S_IOERR, 0 },
		{ "100 bytes", VIRTIO_BLK_T_IN, 0, 100, VIRTIO_BLK_S_IOERR, 0 },
		{ "511 bytes", VIRTIO_BLK_T_IN, 0, 511, VIRTIO_BLK_S_IOERR, 0 },
		{ "513 bytes", VIRTIO_BLK_T_IN, 0, 513, VIRTIO_BLK_S_IOERR, 0 },
		{ "write one past", VIRTIO_BLK_T_OUT, 2048, 512, VIRTIO_BLK_S_IOERR, 1 },
		{ "write across the end", VIRTIO_BLK_T_OUT, 2047, 1024, VIRTIO_BLK_S_IOERR, 1 },
		{ "write that wraps", VIRTIO_BLK_T_OUT, 1ull << 55, 512, VIRTIO_BLK_S_IOERR, 1 },
		{ "write no bytes", VIRTIO_BLK_T_OUT, 0, 0, VIRTIO_BLK_S_IOERR, 1 },
		{ "write 511 bytes", VIRTIO_BLK_T_OUT, 0, 511, VIRTIO_BLK_S_IOERR, 1 },
		{ "write 513 bytes", VIRTIO_BLK_T_OUT, 0, 513, VIRTIO_BLK_S_IOERR, 1 },
		{ "flush", VIRTIO_BLK_T_FLUSH, 0, 0, VIRTIO_BLK_S_OK, 1 },
		{ "flush with data", VIRTIO_BLK_T_FLUSH, 0, 512, VIRTIO_BLK_S_OK, 0 },
		{ "SCSI", 2, 0, 512, VIRTIO_BLK_S_UNSUPP, 0 },
		{ "FLUSH_OUT", 5, 0, 0, VIRTIO_BLK_S_UNSUPP, 1 },
		{ "lifetime", 10, 0, 6, VIRTIO_BLK_S_UNSUPP, 0 },
		{ "discard", VIRTIO_BLK_T_DISCARD, 0, 16, VIRTIO_BLK_S_UNSUPP, 0 },
		{ "zeroes", VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, VIRTIO_BLK_S_UNSUPP, 0 },
		{ "erase", VIRTIO_BLK_T_SECURE_ERASE, 0, 16, VIRTIO_BLK_S_UNSUPP, 0 },
		{ "barrier", 0x80000000, 0, 512, VIRTIO_BLK_S_UNSUPP, 0 },
		{ "all ones", ~0u, 0, 512, VIRTIO_BLK_S_UNSUPP, 0 },
	};
	struct rig *r = *state;

	bring_up(r, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 status = run(r, rows[i].type, rows[i].sector, r->data, rows[i].len);

		if (status != rows[i].status || r->used_len != rows[i].used)
			fail_msg("%s: status %u, %u bytes", rows[i].name, status, r->used_len);
		assert_false(drv_status(r->v) & VIRTIO_NEEDS_RESET);
	}
	file_is_untouched(r);
}

/* What the driver sends is there, and what it is to send is not. */
static void data_of_the_wrong_direction_is_no_data(void **state)
{
	struct rig *r = *state;
	const struct drv_piece p[] = { { 0, 16, DRV_OUT }, { 0, 512, DRV_OUT }, { 0, 1, DRV_IN } };
	struct drv_piece q[3];

	bring_up(r, USUAL);
	memcpy(q, p, sizeof(p));
	q[0].addr = r->hdr;
	q[1].addr = r->data;
	q[2].addr = r->status;
	put_header(r, r->hdr, VIRTIO_BLK_T_IN, 0);
	assert_int_equal(run_chain(r, drv_add(&r->q, q, 3)), VIRTIO_BLK_S_IOERR);

	q[1].dir = DRV_IN;
	put_header(r, r->hdr, VIRTIO_BLK_T_OUT, 0);
	assert_int_equal(run_chain(r, drv_add(&r->q, q, 3)), VIRTIO_BLK_S_IOERR);
	file_is_untouched(r);
}

/* Nowhere to put an answer, or nothing to answer to: 2.1.2, the device asks for a reset. */
static void a_request_without_header_or_status_breaks_the_queue(void **state)
{
	static const struct {
		const char *name;
		u32 nr;
		struct drv_piece p[3]; /* addr counts from the data area */
	} rows[] = {
		{ "header of 15", 2, { { 0, 15, DRV_OUT }, { 64, 1, DRV_IN } } },
		{ "header of 8 and 7",
		  3,
		  { { 0, 8, DRV_OUT }, { 8, 7, DRV_OUT }, { 64, 1, DRV_IN } } },
		{ "no header", 1, { { 64, 513, DRV_IN } } },
		{ "header writable", 2, { { 0, 16, DRV_IN }, { 64, 1, DRV_IN } } },
		{ "no status", 1, { { 0, 16, DRV_OUT } } },
		{ "status readable", 2, { { 0, 16, DRV_OUT }, { 64, 1, DRV_OUT } } },
		{ "status of no bytes", 2, { { 0, 16, DRV_OUT }, { 64, 0, DRV_IN } } },
		{ "nothing at all", 1, { { 0, 0, DRV_OUT } } },
		{ "header outside RAM", 2, { { GUEST_RAM, 16, DRV_OUT }, { 64, 1, DRV_IN } } },
		{ "status outside RAM", 2, { { 0, 16, DRV_OUT }, { GUEST_RAM, 1, DRV_IN } } },
		{ "readable behind writable",
		  3,
		  { { 0, 16, DRV_OUT }, { 64, 512, DRV_IN }, { 600, 1, DRV_OUT } } },
	};
	struct rig *r = *state;

	bring_up(r, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct drv_piece p[3];

		for (u32 k = 0; k < rows[i].nr; k++) {
			p[k] = rows[i].p[k];
			p[k].addr += r->data;
		}
		put_header(r, r->data, VIRTIO_BLK_T_IN, 0);
		r->bus.config_irqs = 0;
		if (run_chain(r, drv_add(&r->q, p, rows[i].nr)) != NO_STATUS)
			fail_msg("%s: answered", rows[i].name);
		if (!(drv_status(r->v) & VIRTIO_NEEDS_RESET) || r->bus.config_irqs != 1)
			fail_msg("%s: no reset asked for", rows[i].name);
		/* Dead until then, and as good as new behind it. */
		assert_int_equal(run(r, VIRTIO_BLK_T_IN, 0, r->data, 512), NO_STATUS);
		queue_up(r, USUAL);
		assert_int_equal(run(r, VIRTIO_BLK_T_IN, 0, r->data, 512), VIRTIO_BLK_S_OK);
	}
}

static void a_read_only_disk_is_not_written(void **state)
{
	struct rig *r = *state;
	const struct virtio_blk_config_in cfg = {
		.fd = r->fd, .size = DISK, .block_size = SECTOR, .read_only = true
	};

	bring_up_with(r, &cfg, USUAL | F(RO));
	assert_int_equal(run(r, VIRTIO_BLK_T_OUT, 0, r->data, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run(r, VIRTIO_BLK_T_IN, 1, r->data, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(*at(r, r->data), pattern(512));
	assert_int_equal(run(r, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	file_is_untouched(r);
}

static void the_serial_is_padded_and_cut_to_20_bytes(void **state)
{
	static const struct {
		const char *serial;
		u32 room;
		const char *want; /* 20 bytes */
		u32 used;
	} rows[] = {
		{ NULL, 20, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21 },
		{ "a", 20, "a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21 },
		{ "01234567890123456789", 20, "01234567890123456789", 21 },
		{ "012345678901234567890", 20, "01234567890123456789", 21 },
		{ "01234567890123456789", 64, "01234567890123456789", 20 },
		{ "01234567890123456789", 4,
		  "0123\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee"
		  "\xee\xee\xee\xee\xee",
		  5 },
	};
	struct rig *r = *state;
	u64 capacity;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct virtio_blk_config_in cfg = {
			.fd = r->fd, .size = DISK, .block_size = SECTOR, .serial = rows[i].serial
		};

		bring_up_with(r, &cfg, USUAL);
		memset(at(r, r->data), 0xee, 64);
		assert_int_equal(run(r, VIRTIO_BLK_T_GET_ID, 0, r->data, rows[i].room),
		                 VIRTIO_BLK_S_OK);
		assert_int_equal(r->used_len, rows[i].used);
		assert_memory_equal(at(r, r->data), rows[i].want, 20);
		assert_int_equal(*at(r, r->data + 20), 0xee);
		r->v->ops->read_config(r->blk, 0, &capacity, sizeof(capacity));
		assert_true(capacity == DISK / SECTOR);

		disk_down(r);
		guest_done(&r->g);
		guest_init(&r->g);
		loop_up(r);
	}
}

/* One row per way the host can fail us; each is the guest's I/O error and nobody's death. */
static void host_errors_are_io_errors(void **state)
{
	static const struct {
		const char *name, *path; /* NULL: the disk */
		int flags;
		u64 size; /* the file is cut to this */
		u32 type;
		u64 sector;
		u8 status;
	} rows[] = {
		{ "write to a descriptor for reading", NULL, O_RDONLY, DISK, VIRTIO_BLK_T_OUT, 0,
		  VIRTIO_BLK_S_IOERR },
		{ "read from it", NULL, O_RDONLY, DISK, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_S_OK },
		{ "read from one for writing", NULL, O_WRONLY, DISK, VIRTIO_BLK_T_IN, 0,
		  VIRTIO_BLK_S_IOERR },
		{ "no room", "/dev/full", O_RDWR, 0, VIRTIO_BLK_T_OUT, 0, VIRTIO_BLK_S_IOERR },
		{ "flush of what cannot", "/dev/full", O_RDWR, 0, VIRTIO_BLK_T_FLUSH, 0,
		  VIRTIO_BLK_S_IOERR },
		{ "file cut short, behind the cut", NULL, O_RDWR, 1024, VIRTIO_BLK_T_IN, 2,
		  VIRTIO_BLK_S_IOERR },
		{ "file cut short, across the cut", NULL, O_RDWR, 700, VIRTIO_BLK_T_IN, 1,
		  VIRTIO_BLK_S_IOERR },
		{ "file cut short, before the cut", NULL, O_RDWR, 1024, VIRTIO_BLK_T_IN, 1,
		  VIRTIO_BLK_S_OK },
	};
	struct rig *r = *state;
	int spare;

	bring_up(r, USUAL);
	spare = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = open(rows[i].path ? rows[i].path : r->path, rows[i].flags | O_CLOEXEC);
		u8 status;

		assert_true(fd >= 0 && dup3(fd, r->fd, O_CLOEXEC) >= 0);
		(void)close(fd);
		if (!rows[i].path)
			assert_int_equal(truncate(r->path, (off_t)rows[i].size), 0);
		status = run(r, rows[i].type, rows[i].sector, r->data, 512);
		if (status != rows[i].status)
			fail_msg("%s: status %u", rows[i].name, status);
	}
	assert_true(dup3(spare, r->fd, O_CLOEXEC) >= 0);
	(void)close(spare);
	assert_int_equal(truncate(r->path, DISK), 0);
	assert_int_equal(run(r, VIRTIO_BLK_T_OUT, 0, r->data, 512), VIRTIO_BLK_S_OK);
}

/* A pipe takes the data and refuses to sync it: that shows who is asked to. */
static void without_flush_a_write_is_synced_before_it_is_answered(void **state)
{
	struct rig *r = *state;
	u8 got[512];

	bring_up_on_pipe(r, false, F(SEG_MAX));
	memset(at(r, r->data), 0xa5, 512);
	assert_int_equal(run(r, VIRTIO_BLK_T_OUT, 0, r->data, 512), VIRTIO_BLK_S_IOERR);
	assert_true(read(r->far, got, sizeof(got)) == 512);
	assert_memory_equal(got, at(r, r->data), 512);

	queue_up(r, USUAL);
	assert_int_equal(run(r, VIRTIO_BLK_T_OUT, 0, r->data, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(run(r, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_IOERR);
}

static void without_flush_a_write_to_a_file_succeeds(void **state)
{
	struct rig *r = *state;
	u8 got[512];

	bring_up(r, F(SEG_MAX));
	memset(at(r, r->data), 0xa5, 512);
	assert_int_equal(run(r, VIRTIO_BLK_T_OUT, 4, r->data, 512), VIRTIO_BLK_S_OK);
	file_read(r, 2048, got, sizeof(got));
	assert_memory_equal(got, at(r, r->data), 512);
}

static void a_short_read_is_continued(void **state)
{
	static const u32 gulps[] = { 1, 511, 512, 700, 324 };
	struct rig *r = *state;
	struct drv_piece p[] = {
		{ 0, 16, DRV_OUT }, { 0, 600, DRV_IN }, { 0, 1448, DRV_IN }, { 0, 1, DRV_IN }
	};
	u8 src[2048];
	u32 id, done = 0;

	bring_up_on_pipe(r, true, USUAL);
	p[0].addr = r->hdr;
	p[1].addr = r->data;
	p[2].addr = r->data + 600;
	p[3].addr = r->status;
	for (u32 i = 0; i < sizeof(src); i++)
		src[i] = pattern(i);
	put_header(r, r->hdr, VIRTIO_BLK_T_IN, 0);
	(void)drv_add(&r->q, p, 4);
	virtio_kick(r->v, 0);
	for (size_t i = 0; i < ARRAY_SIZE(gulps); i++) {
		look(r);
		assert_int_equal(inflight(r), 1);
		assert_int_equal(drv_used_idx(&r->q), 0);
		assert_true(write(r->far, src + done, gulps[i]) == (ssize_t)gulps[i]);
		done += gulps[i];
	}
	settle(r);
	assert_true(drv_used(&r->q, &id, &r->used_len));
	assert_int_equal(r->used_len, 2049);
	assert_int_equal(*at(r, r->status), VIRTIO_BLK_S_OK);
	assert_memory_equal(at(r, r->data), src, sizeof(src));
}

static void a_read_that_ends_half_way_counts_what_came(void **state)
{
	struct rig *r = *state;
	u8 half[512] = { 1, 2, 3 };

	bring_up_on_pipe(r, true, USUAL);
	assert_true(write(r->far, half, sizeof(half)) == sizeof(half));
	(void)close(r->far);
	r->far = -1;
	assert_int_equal(run(r, VIRTIO_BLK_T_IN, 0, r->data, 1024), VIRTIO_BLK_S_IOERR);
	assert_int_equal(r->used_len, 512);
	assert_memory_equal(at(r, r->data), half, sizeof(half));
}

static void a_short_write_is_continued(void **state)
{
	enum { LEN = 64 * 1024 };
	struct rig *r = *state;
	static u8 got[LEN];
	u32 done = 0, id;
	struct drv_piece p[] = { { 0, 16, DRV_OUT },
		                 { 0, 10000, DRV_OUT },
		                 { 0, LEN - 10000, DRV_OUT },
		                 { 0, 1, DRV_IN } };

	bring_up_on_pipe(r, false, USUAL);
	assert_true(fcntl(r->fd, F_SETPIPE_SZ, 4096) >= 4096);
	assert_int_equal(fcntl(r->far, F_SETFL, O_NONBLOCK), 0);
	p[0].addr = r->hdr;
	p[1].addr = r->data;
	p[2].addr = r->data + 10000;
	p[3].addr = r->status;
	for (u32 i = 0; i < LEN; i++)
		*at(r, r->data + i) = pattern(i);
	put_header(r, r->hdr, VIRTIO_BLK_T_OUT, 0);
	(void)drv_add(&r->q, p, 4);
	virtio_kick(r->v, 0);
	while (done < LEN) {
		ssize_t n;

		look(r);
		n = read(r->far, got + done, LEN - done);
		assert_true(n > 0 || errno == EAGAIN);
		done += n > 0 ? (u32)n : 0;
	}
	settle(r);
	assert_true(drv_used(&r->q, &id, &r->used_len));
	assert_int_equal(*at(r, r->status), VIRTIO_BLK_S_OK);
	assert_memory_equal(got, at(r, r->data), LEN);
}

/* @nr reads of a sector each, all at once, over an indirect table each; data and status apart. */
static void offer_many(struct rig *r, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		gpa_t base = r->data + i * 1024ull;
		const struct drv_piece p[] = { { base, 16, DRV_OUT },
			                       { base + 512, 512, DRV_IN },
			                       { base + 16, 1, DRV_IN } };

		put_header(r, base, VIRTIO_BLK_T_IN, (i * 37) % 2048);
		*at(r, base + 16) = NO_STATUS;
		(void)drv_add_indirect(&r->q, p, 3);
	}
}

static void a_whole_queue_of_requests_is_done_at_once(void **state)
{
	struct rig *r = *state;
	bool seen[QUEUE] = { false };
	u32 id = 0, len = 0;

	bring_up(r, USUAL);
	for (int round = 0; round < 3; round++) {
		r->q.free = 0;
		memset(seen, 0, sizeof(seen));
		offer_many(r, QUEUE);
		virtio_kick(r->v, 0);
		settle(r);
		for (u32 i = 0; i < QUEUE; i++) {
			assert_true(drv_used(&r->q, &id, &len));
			assert_true(id < QUEUE && !seen[id] && len == 513);
			seen[id] = true;
			assert_int_equal(*at(r, r->data + id * 1024ull + 16), VIRTIO_BLK_S_OK);
			for (u32 k = 0; k < 512; k++)
				assert_int_equal(*at(r, r->data + id * 1024ull + 512 + k),
				                 pattern((id * 37) % 2048 * 512 + k));
		}
		assert_false(drv_used(&r->q, &id, &len));
	}
}

static void requests_end_in_the_order_the_host_ends_them(void **state)
{
	struct rig *r = *state;
	const struct drv_piece p[] = { { 0, 16, DRV_OUT }, { 0, 20, DRV_IN }, { 0, 1, DRV_IN } };
	struct drv_piece q[3];
	u32 id = 0, len = 0;
	u8 sector[512] = { 0 };
	u16 late, soon;

	bring_up_on_pipe(r, true, USUAL);
	memcpy(q, p, sizeof(p));
	q[0].addr = r->hdr;
	q[1] = (struct drv_piece){ r->data, 512, DRV_IN };
	q[2].addr = r->status;
	put_header(r, r->hdr, VIRTIO_BLK_T_IN, 0);
	late = drv_add(&r->q, q, 3);
	put_header(r, r->data + 512, VIRTIO_BLK_T_GET_ID, 0);
	q[0].addr = r->data + 512;
	q[1] = (struct drv_piece){ r->data + 1024, 20, DRV_IN };
	q[2].addr = r->data + 2048;
	soon = drv_add(&r->q, q, 3);
	virtio_kick(r->v, 0);
	look(r);
	assert_true(drv_used(&r->q, &id, &len));
	assert_int_equal(id, soon);
	assert_false(drv_used(&r->q, &id, &len));

	assert_true(write(r->far, sector, sizeof(sector)) == sizeof(sector));
	settle(r);
	assert_true(drv_used(&r->q, &id, &len));
	assert_int_equal(id, late);
}

/* The same chain again and again while it is in flight: more than there are requests. */
static void requests_beyond_what_can_be_in_flight_wait_their_turn(void **state)
{
	enum { EXTRA = 100 };
	struct rig *r = *state;
	const struct drv_piece p[] = { { 0, 16, DRV_OUT }, { 0, 512, DRV_IN }, { 0, 1, DRV_IN } };
	struct drv_piece q[3];
	u8 sector[512] = { 0x77 };
	u32 id = 0, len = 0;
	u16 head;

	bring_up_on_pipe(r, true, USUAL | VIRTIO_F_EVENT_IDX_BIT);
	memcpy(q, p, sizeof(p));
	q[0].addr = r->hdr;
	q[1].addr = r->data;
	q[2].addr = r->status;
	put_header(r, r->hdr, VIRTIO_BLK_T_IN, 0);
	head = drv_add(&r->q, q, 3);
	for (u32 i = 1; i < QUEUE; i++)
		drv_offer(&r->q, head);
	virtio_kick(r->v, 0);
	look(r);
	look(r);
	assert_int_equal(inflight(r), QUEUE);
	for (u32 i = 0; i < EXTRA; i++)
		drv_offer(&r->q, head);
	virtio_kick(r->v, 0);
	look(r);
	assert_int_equal(inflight(r), QUEUE);
	assert_false(drv_status(r->v) & VIRTIO_NEEDS_RESET);

	assert_true(fcntl(r->far, F_SETPIPE_SZ, 256 * 1024) > 0);
	for (u32 i = 0; i < QUEUE + EXTRA; i++)
		assert_true(write(r->far, sector, sizeof(sector)) == sizeof(sector));
	settle(r);
	for (u32 i = 0; i < QUEUE + EXTRA; i++)
		assert_true(drv_used(&r->q, &id, &len) && id == head);
	assert_false(drv_used(&r->q, &id, &len));
	assert_int_equal(*at(r, r->data), 0x77);
}

static void a_flood_leaves_the_others_their_turn(void **state)
{
	struct rig *r = *state;
	struct drv_piece p[] = { { 0, 16, DRV_OUT }, { 0, 1, DRV_IN } };

	bring_up(r, USUAL);
	look(r);
	p[0].addr = r->hdr;
	p[1].addr = r->status;
	put_header(r, r->hdr, VIRTIO_BLK_T_GET_ID, 0);
	for (u32 i = 0; i < QUEUE; i++)
		(void)drv_add_indirect(&r->q, p, 2);
	virtio_kick(r->v, 0);
	look(r);
	assert_in_range(drv_used_idx(&r->q), 0, QUEUE - 1);
	while (drv_used_idx(&r->q) < QUEUE)
		assert_true(loop_turn(r->loop) > 0);
}

static void answers_of_one_kick_bring_one_interrupt(void **state)
{
	struct rig *r = *state;
	const struct drv_piece p[] = { { 0, 16, DRV_OUT }, { 0, 1, DRV_IN } };
	struct drv_piece q[2];

	bring_up(r, USUAL);
	memcpy(q, p, sizeof(p));
	q[0].addr = r->hdr;
	q[1].addr = r->status;
	put_header(r, r->hdr, VIRTIO_BLK_T_GET_ID, 0);
	for (int i = 0; i < 5; i++)
		(void)drv_add(&r->q, q, 2);
	virtio_kick(r->v, 0);
	settle(r);
	assert_int_equal(drv_used_idx(&r->q), 5);
	assert_int_equal(r->bus.queue_irqs, 1);

	r->q.used_seen = 5;
	assert_int_equal(run(r, VIRTIO_BLK_T_IN, 0, r->data, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(r->bus.queue_irqs, 2);
}

struct resetter {
	struct virtio *v;
	atomic_bool done;
};

static void *reset_thread(void *arg)
{
	struct resetter *t = arg;

	drv_reset(t->v);
	atomic_store(&t->done, true);
	return NULL;
}

static void wait_for_reset_to_begin(struct rig *r)
{
	bool resetting = false;

	while (!resetting) {
		virtio_lock(r->v);
		resetting = r->v->resetting;
		virtio_unlock(r->v);
		(void)sched_yield();
	}
}

/* The other end is open: what was asked for and has not come still can. */
static void new_pipe(struct rig *r)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_true(dup3(fd[0], r->fd, O_CLOEXEC) >= 0);
	(void)close(fd[0]);
	(void)close(r->far);
	r->far = fd[1];
}

/* Buffers are the driver's again when the write of 0 returns: 2.1.2 and virtio.h. */
static void a_reset_waits_for_what_is_in_flight(void **state)
{
	enum { ROUNDS = 70 }; /* together more than there are requests: none is lost */
	struct rig *r = *state;
	static const u8 sectors[3 * 512];

	bring_up_on_pipe(r, true, USUAL);
	for (u32 i = 0; i < ROUNDS; i++) {
		struct resetter t = { .v = r->v };
		u32 nr = i % 2 ? 3 : 1;
		pthread_t id;

		offer_many(r, nr);
		virtio_kick(r->v, 0);
		look(r);
		assert_int_equal(inflight(r), nr);
		assert_int_equal(pthread_create(&id, NULL, reset_thread, &t), 0);
		wait_for_reset_to_begin(r);
		assert_false(atomic_load(&t.done));
		/* Half of the only one: the rest is not waited for. */
		assert_true(write(r->far, sectors, nr == 3 ? sizeof(sectors) : 256) > 0);
		while (inflight(r))
			assert_true(loop_turn(r->loop) > 0);
		assert_int_equal(pthread_join(id, NULL), 0);
		assert_int_equal(drv_used_idx(&r->q), 0);
		assert_int_equal(*at(r, r->data + 16), NO_STATUS);
		new_pipe(r);
		r->g.next = r->data + 200 * KIB; /* the old queue's memory is free again */
		queue_up(r, USUAL);
	}
}

static void requests_at_the_end_of_the_machine_are_io_errors(void **state)
{
	struct rig *r = *state;
	u32 id;

	bring_up_on_pipe(r, true, USUAL);
	offer_many(r, 2);
	virtio_kick(r->v, 0);
	look(r);
	loop_quiesce(r->loop); /* cancels */
	assert_true(drv_used(&r->q, &id, &r->used_len));
	assert_true(drv_used(&r->q, &id, &r->used_len));
	assert_int_equal(*at(r, r->data + 16), VIRTIO_BLK_S_IOERR);

	offer_many(r, 1); /* refused */
	virtio_lock(r->v);
	r->v->ops->notify(r->blk, 0);
	virtio_unlock(r->v);
	assert_true(drv_used(&r->q, &id, &r->used_len));
	assert_int_equal(*at(r, r->data + 16), VIRTIO_BLK_S_IOERR);
	assert_int_equal(inflight(r), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(configuration_tells_capacity_segments_and_block_size),
		T(a_block_size_that_is_none_is_refused),
		T(features_are_offered_as_the_disk_is),
		T(data_moves_whatever_the_layout),
		T(a_direct_disk_takes_every_layout_as_well),
		T(a_disk_past_the_page_cache_takes_every_layout),
		T(a_direct_disk_wants_whole_blocks),
		T(bounds_and_types_are_checked),
		T(data_of_the_wrong_direction_is_no_data),
		T(a_request_without_header_or_status_breaks_the_queue),
		T(a_read_only_disk_is_not_written),
		T(the_serial_is_padded_and_cut_to_20_bytes),
		T(host_errors_are_io_errors),
		T(without_flush_a_write_is_synced_before_it_is_answered),
		T(without_flush_a_write_to_a_file_succeeds),
		T(a_short_read_is_continued),
		T(a_read_that_ends_half_way_counts_what_came),
		T(a_short_write_is_continued),
		T(a_whole_queue_of_requests_is_done_at_once),
		T(requests_end_in_the_order_the_host_ends_them),
		T(requests_beyond_what_can_be_in_flight_wait_their_turn),
		T(a_flood_leaves_the_others_their_turn),
		T(answers_of_one_kick_bring_one_interrupt),
		T(a_reset_waits_for_what_is_in_flight),
		T(requests_at_the_end_of_the_machine_are_io_errors),
	};

	/* A request that never ends fails the program instead of hanging it. */
	(void)alarm(120);
	return cmocka_run_group_tests_name("virtio_blk", tests, NULL, NULL);
}
