/* SPDX-License-Identifier: MIT */
/*
 * A hostile driver. After each attack the device has answered with an error or asks for
 * a reset; a reset brings it back, a good request works, and the machine lives.
 */
#include "blk.h"
#include "guest.h"

#define FEATURES (VIRTIO_F_INDIRECT_DESC | VIRTIO_BLK_F_FLUSH)
#define QUEUE    16

static struct blk disk;
static u8 data[4096] __attribute__((aligned(4096)));
static struct vq_desc table[VQ_MAX] __attribute__((aligned(16)));
static u64 ram_end;

static struct vq_desc *d(u32 i)
{
	return &disk.q.desc[i];
}

/* A good read of one sector at descriptors 0 to 2, for an attack to spoil. */
static void good_chain(void)
{
	disk.header = (struct blk_header){ BLK_T_IN, 0, 0 };
	vq_set(&disk.q, 0, &disk.header, sizeof(disk.header), DESC_NEXT, 1);
	vq_set(&disk.q, 1, data, SECTOR, DESC_NEXT | DESC_WRITE, 2);
	vq_set(&disk.q, 2, &disk.status, 1, DESC_WRITE, 0);
}

static void good_table(void)
{
	good_chain();
	memcpy(table, disk.q.desc, 3 * sizeof(table[0]));
	vq_set(&disk.q, 0, table, 3 * sizeof(table[0]), DESC_INDIRECT, 0);
}

static void loop_to_self(void)
{
	d(1)->next = 1;
}

static void loop_to_head(void)
{
	d(2)->flags |= DESC_NEXT;
	d(2)->next = 0;
}

static void next_out_of_range(void)
{
	d(1)->next = QUEUE;
}

static void next_far_out_of_range(void)
{
	d(1)->next = 0xffff;
}

static void header_below_ram(void)
{
	d(0)->addr = 0x1000;
}

static void header_on_a_device(void)
{
	d(0)->addr = disk.dev.base;
}

static void data_past_ram(void)
{
	d(1)->addr = ram_end;
}

static void data_across_the_end_of_ram(void)
{
	d(1)->addr = ram_end - 256;
}

static void data_at_the_top(void)
{
	d(1)->addr = ~0ull - 255;
}

static void data_that_wraps(void)
{
	d(1)->addr = ~0ull - 511;
	d(1)->len = 1024;
}

static void data_of_4_gib(void)
{
	d(1)->len = ~0u;
}

static void data_of_nothing(void)
{
	d(1)->len = 0;
}

static void status_past_ram(void)
{
	d(2)->addr = ram_end;
}

static void status_of_nothing(void)
{
	d(2)->len = 0;
}

static void status_missing(void)
{
	d(1)->flags = DESC_WRITE;
	d(1)->len = 0;
	vq_set(&disk.q, 0, &disk.header, sizeof(disk.header), 0, 0);
}

static void status_not_writable(void)
{
	d(1)->flags = DESC_NEXT;
	d(2)->flags = 0;
}

static void header_alone_and_short(void)
{
	vq_set(&disk.q, 0, &disk.header, 4, 0, 0);
}

static void header_short(void)
{
	d(0)->len = 15;
}

static void header_of_nothing(void)
{
	d(0)->len = 0;
}

static void header_writable(void)
{
	d(0)->flags |= DESC_WRITE;
}

static void readable_after_writable(void)
{
	vq_set(&disk.q, 2, data, SECTOR, DESC_NEXT, 3);
	vq_set(&disk.q, 3, &disk.status, 1, DESC_WRITE, 0);
}

static void read_into_readable(void)
{
	d(1)->flags = DESC_NEXT;
}

static void write_from_writable(void)
{
	disk.header.type = BLK_T_OUT;
}

static void chain_of_the_whole_queue_without_end(void)
{
	for (u16 i = 1; i < QUEUE; i++)
		vq_set(&disk.q, i, data, 32, DESC_NEXT | DESC_WRITE, (u16)((i + 1) % QUEUE));
}

static void indirect_of_nothing(void)
{
	good_table();
	d(0)->len = 0;
}

static void indirect_of_a_part(void)
{
	good_table();
	d(0)->len = 3 * 16 - 1;
}

static void indirect_too_short_for_its_chain(void)
{
	good_table();
	d(0)->len = 16;
}

static void indirect_past_ram(void)
{
	good_table();
	d(0)->addr = ram_end;
}

static void indirect_across_the_end_of_ram(void)
{
	good_table();
	d(0)->addr = ram_end - 16;
}

static void indirect_that_wraps(void)
{
	good_table();
	d(0)->addr = ~0ull - 15;
}

static void indirect_of_4_gib(void)
{
	good_table();
	d(0)->len = 0xfffffff0u;
}

static void indirect_nested(void)
{
	good_table();
	table[1] = (struct vq_desc){ (u64)(unsigned long)table, 48, DESC_INDIRECT, 0 };
}

static void indirect_with_next(void)
{
	good_table();
	d(0)->flags = DESC_INDIRECT | DESC_NEXT;
	d(0)->next = 2;
}

static void indirect_loop(void)
{
	good_table();
	table[2].flags |= DESC_NEXT;
	table[2].next = 0;
}

static void indirect_next_out_of_range(void)
{
	good_table();
	table[1].next = 3;
}

/* Offered in the usual way, so each is a chain at descriptor 0. */
static const struct {
	const char *name;
	void (*spoil)(void);
	bool harmless; /* an answer of OK is allowed as well */
} chains[] = {
	{ "a descriptor that is its own next", loop_to_self, false },
	{ "a chain whose end is its start", loop_to_head, false },
	{ "a chain of the whole queue without an end", chain_of_the_whole_queue_without_end,
	  false },
	{ "a next one past the queue", next_out_of_range, false },
	{ "a next of 65535", next_far_out_of_range, false },
	{ "a header below RAM", header_below_ram, false },
	{ "a header on a device", header_on_a_device, false },
	{ "data past RAM", data_past_ram, false },
	{ "data across the end of RAM", data_across_the_end_of_ram, false },
	{ "data at the top of the address space", data_at_the_top, false },
	{ "data that wrap", data_that_wraps, false },
	{ "data of 4 GiB", data_of_4_gib, false },
	{ "data of no bytes", data_of_nothing, true },
	{ "a status past RAM", status_past_ram, false },
	{ "a status of no bytes", status_of_nothing, false },
	{ "no status", status_missing, false },
	{ "a status that is not writable", status_not_writable, false },
	{ "a header alone, of 4 bytes", header_alone_and_short, false },
	{ "a header of 15 bytes", header_short, false },
	{ "a header of no bytes", header_of_nothing, false },
	{ "a writable header", header_writable, false },
	{ "a readable part after a writable one", readable_after_writable, false },
	{ "a read into a readable part", read_into_readable, true },
	{ "a write from a writable part", write_from_writable, true },
	{ "an indirect table of no bytes", indirect_of_nothing, false },
	{ "an indirect table of 47 bytes", indirect_of_a_part, false },
	{ "an indirect table shorter than its chain", indirect_too_short_for_its_chain, false },
	{ "an indirect table past RAM", indirect_past_ram, false },
	{ "an indirect table across the end of RAM", indirect_across_the_end_of_ram, false },
	{ "an indirect table that wraps", indirect_that_wraps, false },
	{ "an indirect table of 4 GiB", indirect_of_4_gib, false },
	{ "an indirect table in an indirect table", indirect_nested, false },
	{ "an indirect table with a next", indirect_with_next, true },
	{ "a loop in an indirect table", indirect_loop, false },
	{ "a next past an indirect table", indirect_next_out_of_range, false },
};

static bool bring_up(void)
{
	return blk_open(&disk, 0, FEATURES, QUEUE) && disk.q.num == QUEUE;
}

static void check_recovery(const char *name)
{
	bool reset = virtio_reset(&disk.dev);
	bool works = bring_up() && blk_do(&disk, BLK_T_IN, 0, data, SECTOR) == BLK_S_OK;

	check(reset && works, "%s: a reset brings the disk back", name);
}

enum outcome { NOTHING, ANSWERED, WRONGLY_OK, NEEDS_RESET };

static const char *const outcomes[] = {
	[NOTHING] = "nothing happens",
	[ANSWERED] = "an error",
	[WRONGLY_OK] = "success",
	[NEEDS_RESET] = "needs reset",
};

/* A used entry without a status byte of 0 is an answer with an error. */
static enum outcome wait_outcome(void)
{
	u64 start = ticks();
	struct vq_used_elem e;

	while (!passed_ms(start, 1000)) {
		if (vq_take(&disk.q, &e))
			return disk.status == BLK_S_OK ? WRONGLY_OK : ANSWERED;
		if (virtio_status(&disk.dev) & STATUS_NEEDS_RESET)
			return NEEDS_RESET;
	}
	return NOTHING;
}

static void check_outcome(const char *name, bool harmless)
{
	enum outcome o = wait_outcome();

	check(o == ANSWERED || o == NEEDS_RESET || (harmless && o == WRONGLY_OK), "%s: %s", name,
	      outcomes[o]);
	check_recovery(name);
}

static void check_chains(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(chains); i++) {
		good_chain();
		disk.status = BLK_S_NONE;
		chains[i].spoil();
		vq_offer(&disk.q, 0);
		vq_kick(&disk.q);
		check_outcome(chains[i].name, chains[i].harmless);
	}
}

/* Attacks by the available ring itself. */
static void check_avail(void)
{
	static const u16 heads[] = { QUEUE, 255, 0xffff };
	static const u16 jumps[] = { QUEUE + 1, 1000, 0x8000, 0xffff };

	for (u32 i = 0; i < ARRAY_SIZE(heads); i++) {
		good_chain();
		disk.status = BLK_S_NONE;
		vq_offer(&disk.q, heads[i]);
		vq_kick(&disk.q);
		check_outcome("a head out of range", false);
	}
	for (u32 i = 0; i < ARRAY_SIZE(jumps); i++) {
		good_chain();
		disk.status = BLK_S_NONE;
		disk.q.avail.idx = (u16)(disk.q.avail.idx + jumps[i]);
		vq_kick(&disk.q);
		check_outcome("an index that jumps by more than the queue", false);
	}
	/* Sixteen times the same chain is odd, but no crime: the device may do it. */
	good_chain();
	for (u32 i = 0; i < QUEUE; i++)
		vq_offer(&disk.q, 0);
	vq_kick(&disk.q);
	check_outcome("one chain offered sixteen times", true);
}

static void write_reg64(u32 reg, u64 v)
{
	w32(disk.dev.base + reg, (u32)v);
	w32(disk.dev.base + reg + 4, (u32)(v >> 32));
}

/*
 * A ring somewhere bad: the queue does not get ready, or the device asks for a reset
 * by the time it is used.
 */
static void check_place(u32 reg, u64 addr, const char *name)
{
	bool refused;

	good_chain();
	if (!virtio_negotiate(&disk.dev, FEATURES))
		return;
	(void)virtio_queue(&disk.dev, 0, &disk.q, QUEUE);
	w32(disk.dev.base + VIRTIO_QUEUE_READY, 0);
	write_reg64(reg, addr);
	w32(disk.dev.base + VIRTIO_QUEUE_READY, 1);
	refused = !r32(disk.dev.base + VIRTIO_QUEUE_READY);
	virtio_driver_ok(&disk.dev);
	good_chain();
	vq_offer(&disk.q, 0);
	vq_kick(&disk.q);
	delay_ms(10);
	refused |= (virtio_status(&disk.dev) & STATUS_NEEDS_RESET) != 0;
	check(refused, "%s at 0x%llx is refused", name, addr);
	check_recovery(name);
}

static void check_places(void)
{
	static const struct {
		u32 reg;
		u32 odd; /* a misaligned address: VIRTIO 1.2, 2.7 */
		const char *name;
	} rings[] = {
		{ VIRTIO_QUEUE_DESC, 8, "a descriptor table" },
		{ VIRTIO_QUEUE_DRIVER, 1, "an available ring" },
		{ VIRTIO_QUEUE_DEVICE, 2, "a used ring" },
	};
	u64 good = (u64)(unsigned long)data;

	for (u32 i = 0; i < ARRAY_SIZE(rings); i++) {
		check_place(rings[i].reg, 0x1000, rings[i].name);
		check_place(rings[i].reg, ram_end, rings[i].name);
		check_place(rings[i].reg, ram_end - 16, rings[i].name);
		check_place(rings[i].reg, ~0ull - 15, rings[i].name);
		check_place(rings[i].reg, 1ull << 63, rings[i].name);
		check_place(rings[i].reg, good + rings[i].odd, rings[i].name);
	}
}

static void check_out_of_turn(void)
{
	(void)virtio_reset(&disk.dev);
	good_chain();
	disk.status = BLK_S_NONE;
	vq_offer(&disk.q, 0);
	vq_kick(&disk.q);
	delay_ms(10);
	check(disk.status == BLK_S_NONE, "a kick before DRIVER_OK runs nothing");
	(void)virtio_negotiate(&disk.dev, FEATURES);
	virtio_driver_ok(&disk.dev);
	vq_kick(&disk.q);
	delay_ms(10);
	check(disk.status == BLK_S_NONE, "nor does one of a queue that is not ready");
	check_recovery("out of turn");
}

/* Reset with a request on its way: its buffers are the driver's again (VIRTIO 1.2, 2.4.2). */
static void check_reset_in_flight(void)
{
	bool kept = true;

	for (u32 i = 0; i < 20; i++) {
		good_chain();
		vq_offer(&disk.q, 0);
		vq_kick(&disk.q);
		(void)virtio_reset(&disk.dev);
		memset(data, 0x5a, SECTOR);
		disk.status = 0x5a;
		delay_ms(2);
		for (u32 k = 0; k < SECTOR; k++)
			kept &= data[k] == 0x5a;
		kept &= disk.status == 0x5a;
		(void)bring_up();
	}
	check(kept, "after a reset nothing is written to the buffers of old requests");
	check_recovery("reset in the middle of requests");
}

void guest_main(void)
{
	u64 base = 0;

	ram_end = RAM_BASE + fdt_memory(&base);
	if (!check(bring_up(), "there is a disk"))
		tap_done();
	check(blk_do(&disk, BLK_T_IN, 0, data, SECTOR) == BLK_S_OK, "it can be read");
	check_chains();
	check_avail();
	check_places();
	check_out_of_turn();
	check_reset_in_flight();
	tap_done();
}
