/* SPDX-License-Identifier: MIT */
/*
 * A disk: data against a pattern, flush, the name, chains of many parts, indirect tables,
 * EVENT_IDX, errors. Writes from sector 64 on; the suite compares the file afterwards.
 *
 * Arguments: expect.ro=1 (a disk that must not be written), expect.serial=TEXT.
 */
#include "blk.h"
#include "guest.h"

#define PATTERN_SECTOR 64
#define PATTERN_SIZE   KIB(64)
#define SCRATCH_SECTOR 1024

static struct blk disk;
static u8 out[KIB(64)] __attribute__((aligned(4096)));
static u8 in[KIB(64) + 64] __attribute__((aligned(4096)));
static struct vq_desc table[VQ_MAX] __attribute__((aligned(16)));
static volatile u32 interrupts;
static volatile u32 isr;

/* Lines of 32 characters that say where they are, as the suite makes them too. */
static void fill_pattern(void)
{
	for (u32 i = 0; i < PATTERN_SIZE / 32; i++) {
		char *line = (char *)out + i * 32;
		u32 v = i;

		memcpy(line, "roost wrote this line: 00000000\n", 32);
		for (u32 d = 30; v; v /= 10)
			line[d--] = (char)('0' + v % 10);
	}
}

static void fill(u8 *p, u32 len, u32 seed)
{
	for (u32 i = 0; i < len; i++)
		p[i] = (u8)(i * 7 + i / 256 + seed);
}

static void check_data(void)
{
	bool same = true;

	fill_pattern();
	check(blk_do(&disk, BLK_T_OUT, PATTERN_SECTOR, out, PATTERN_SIZE) == BLK_S_OK,
	      "64 KiB are written");
	check(disk.used_len == 1, "a write uses one byte, the status (%u)", disk.used_len);
	check(blk_do(&disk, BLK_T_FLUSH, 0, NULL, 0) == BLK_S_OK, "a flush succeeds");
	check(blk_do(&disk, BLK_T_IN, PATTERN_SECTOR, in, PATTERN_SIZE) == BLK_S_OK,
	      "64 KiB are read");
	check(disk.used_len == PATTERN_SIZE + 1, "a read uses data and status (%u)", disk.used_len);
	check(memcmp(in, out, PATTERN_SIZE) == 0, "what was written is read");
	for (u32 i = 0; i < 16; i++) {
		fill(out, SECTOR, i);
		same &= blk_do(&disk, BLK_T_OUT, SCRATCH_SECTOR + i * 3, out, SECTOR) == BLK_S_OK;
	}
	for (u32 i = 0; i < 16; i++) {
		fill(out, SECTOR, i);
		same &= blk_do(&disk, BLK_T_IN, SCRATCH_SECTOR + i * 3, in, SECTOR) == BLK_S_OK;
		same &= memcmp(in, out, SECTOR) == 0;
	}
	check(same, "16 scattered sectors keep their data");
}

static void check_id(void)
{
	const char *serial = bootarg("expect.serial");
	bool text = false;
	size_t len = 0;

	memset(in, 0xee, 64);
	check(blk_do(&disk, BLK_T_GET_ID, 0, in, 20) == BLK_S_OK, "the disk tells its name");
	for (u32 i = 0; i < 20; i++)
		text |= in[i] == 0;
	check(in[20] == 0xee, "in 20 bytes and no more");
	if (!serial)
		return;
	while (serial[len] && serial[len] != ' ')
		len++;
	check(memcmp(in, serial, len) == 0 && (len == 20 || text),
	      "and it is the one it was given");
}

/* @parts of @each bytes; the header, too, comes in two. */
static u8 many_parts(struct vq_desc *d, u32 type, u64 sector, u8 *buf, u32 parts, u32 each)
{
	u16 dir = type == BLK_T_OUT ? 0 : DESC_WRITE;
	u16 n = 0;

	disk.header = (struct blk_header){ type, 0, sector };
	d[n++] = (struct vq_desc){ (u64)(unsigned long)&disk.header, 8, DESC_NEXT, 1 };
	d[n++] = (struct vq_desc){ (u64)(unsigned long)&disk.header + 8, 8, DESC_NEXT, 2 };
	for (u32 i = 0; i < parts; i++, n++)
		d[n] = (struct vq_desc){ (u64)(unsigned long)buf + i * each, each,
			                 (u16)(DESC_NEXT | dir), (u16)(n + 1) };
	d[n++] = (struct vq_desc){ (u64)(unsigned long)&disk.status, 1, DESC_WRITE, 0 };
	if (d == disk.q.desc)
		return blk_finish(&disk);
	vq_set(&disk.q, 0, d, n * (u32)sizeof(*d), DESC_INDIRECT, 0);
	return blk_finish(&disk);
}

static void check_parts(struct vq_desc *d, const char *how)
{
	fill(out, KIB(16), 3);
	check(many_parts(d, BLK_T_OUT, SCRATCH_SECTOR, out, 16, KIB(1)) == BLK_S_OK,
	      "%s: a write of 16 parts succeeds", how);
	memset(in, 0, KIB(16));
	check(many_parts(d, BLK_T_IN, SCRATCH_SECTOR, in, 32, 512) == BLK_S_OK,
	      "%s: a read of 32 parts succeeds", how);
	check(memcmp(in, out, KIB(16)) == 0, "%s: with the same data", how);
	memset(in, 0, KIB(16));
	/* Parts need not be sectors, only their sum. */
	check(many_parts(d, BLK_T_IN, SCRATCH_SECTOR, in, 32, 16) == BLK_S_OK &&
	              memcmp(in, out, 512) == 0,
	      "%s: a read of 32 parts of 16 bytes succeeds", how);
	check(blk_do(&disk, BLK_T_IN, SCRATCH_SECTOR, in + 1, 512) == BLK_S_OK &&
	              memcmp(in + 1, out, 512) == 0,
	      "%s: a buffer may be at an odd address", how);
}

static void check_errors(void)
{
	u64 end = blk_capacity(&disk);

	check(blk_do(&disk, BLK_T_IN, end - 1, in, SECTOR) == BLK_S_OK,
	      "the last sector can be read");
	check(blk_do(&disk, BLK_T_IN, end, in, SECTOR) == BLK_S_IOERR, "one past it answers IOERR");
	check(blk_do(&disk, BLK_T_IN, end - 1, in, 2 * SECTOR) == BLK_S_IOERR,
	      "so does a read across the end");
	check(blk_do(&disk, BLK_T_OUT, end, out, SECTOR) == BLK_S_IOERR, "so does a write past it");
	check(blk_do(&disk, BLK_T_IN, ~0ull, in, SECTOR) == BLK_S_IOERR, "so does sector 2^64 - 1");
	check(blk_do(&disk, BLK_T_IN, (1ull << 55) + 1, in, SECTOR) == BLK_S_IOERR,
	      "so does a sector whose offset wraps");
	check(blk_do(&disk, BLK_T_IN, 0, in, 100) == BLK_S_IOERR, "so does a read of 100 bytes");
	check(blk_do(&disk, BLK_T_OUT, SCRATCH_SECTOR, out, SECTOR + 1) == BLK_S_IOERR,
	      "so does a write of 513 bytes");
	check(blk_do(&disk, 0x7777, 0, in, SECTOR) == BLK_S_UNSUPP,
	      "an unknown request answers UNSUPP");
	check(!(virtio_status(&disk.dev) & STATUS_NEEDS_RESET), "none of these breaks the queue");
	check(blk_do(&disk, BLK_T_IN, 0, in, SECTOR) == BLK_S_OK, "and it goes on working");
}

static void on_interrupt(u32 intid)
{
	isr |= virtio_ack(&disk.dev);
	interrupts++;
}

/* Old interrupts away; one that is an edge stays pending when it is acknowledged. */
static void drain(void)
{
	(void)virtio_ack(&disk.dev);
	irq_on();
	delay_ms(1);
	irq_off();
	interrupts = 0;
	isr = 0;
}

static void check_interrupts(void)
{
	u32 n = 0;

	gic_enable(&disk.dev.irq, on_interrupt);
	drain();
	irq_on();
	for (u32 i = 0; i < 10; i++) {
		u64 start = ticks();

		(void)blk_do(&disk, BLK_T_IN, i, in, SECTOR);
		while (interrupts == n && !passed_ms(start, 1000))
			;
		n = interrupts;
	}
	delay_ms(5);
	irq_off();
	check(interrupts == 10, "10 requests interrupt 10 times (%u)", interrupts);
	check(isr == 1, "InterruptStatus says: used buffer (0x%x)", isr);
	check(r32(disk.dev.base + VIRTIO_INTERRUPT_STATUS) == 0, "acknowledged, it is 0");
	check(!gic_pending(disk.dev.irq.intid), "and nothing is pending");
}

/* With avail.flags bit 0, or with used_event far off, no interrupt is wanted. */
static void check_suppression(bool event_idx)
{
	drain();
	if (event_idx)
		disk.q.avail.ring[disk.q.num] = (u16)(disk.q.seen + 0x4000);
	else
		disk.q.avail.flags = 1;
	irq_on();
	for (u32 i = 0; i < 5; i++)
		(void)blk_do(&disk, BLK_T_IN, i, in, SECTOR);
	delay_ms(20);
	irq_off();
	check(interrupts == 0, "%s: no interrupt when none is wanted (%u)",
	      event_idx ? "EVENT_IDX" : "flags", interrupts);
	disk.q.avail.flags = 0;
	if (!event_idx)
		return;
	interrupts = 0;
	disk.q.avail.ring[disk.q.num] = (u16)(disk.q.seen + 2);
	irq_on();
	for (u32 i = 0; i < 5; i++)
		(void)blk_do(&disk, BLK_T_IN, i, in, SECTOR);
	delay_ms(20);
	irq_off();
	check(interrupts == 1, "EVENT_IDX: one interrupt when the third is waited for (%u)",
	      interrupts);
}

/* All requests at once; they may end in any order. */
static void check_depth(void)
{
	static struct blk_header headers[32];
	static volatile u8 statuses[32];
	struct vq_used_elem e;
	u32 done = 0;
	u32 good = 0;

	for (u16 i = 0; i < 32; i++) {
		headers[i] = (struct blk_header){ BLK_T_IN, 0, SCRATCH_SECTOR + i };
		statuses[i] = BLK_S_NONE;
		vq_set(&disk.q, (u16)(i * 3), &headers[i], 16, DESC_NEXT, (u16)(i * 3 + 1));
		vq_set(&disk.q, (u16)(i * 3 + 1), in + i * SECTOR, SECTOR, DESC_NEXT | DESC_WRITE,
		       (u16)(i * 3 + 2));
		vq_set(&disk.q, (u16)(i * 3 + 2), &statuses[i], 1, DESC_WRITE, 0);
		vq_offer(&disk.q, (u16)(i * 3));
	}
	vq_kick(&disk.q);
	for (; done < 32 && vq_wait(&disk.q, 5000, &e); done++)
		good += e.id % 3 == 0 && e.id / 3 < 32 && statuses[e.id / 3] == BLK_S_OK &&
		        e.len == SECTOR + 1;
	check(good == 32, "32 requests at once all succeed (%u)", good);
	fill(out, KIB(16), 3);
	check(memcmp(in, out, KIB(16)) == 0, "each with its own data");
}

static void check_read_only(void)
{
	check(disk.dev.offered & VIRTIO_BLK_F_RO, "a read-only disk says so");
	check(blk_do(&disk, BLK_T_IN, 0, in, SECTOR) == BLK_S_OK, "it can be read");
	fill(out, SECTOR, 9);
	check(blk_do(&disk, BLK_T_OUT, 0, out, SECTOR) == BLK_S_IOERR, "a write answers IOERR");
	memcpy(out, in, SECTOR);
	(void)blk_do(&disk, BLK_T_IN, 0, in, SECTOR);
	check(memcmp(in, out, SECTOR) == 0, "and changes nothing");
	tap_done();
}

void guest_main(void)
{
	const u64 plain = VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_RO | VIRTIO_BLK_F_SEG_MAX;

	if (!check(gic_init(), "there is a GIC") ||
	    !check(blk_open(&disk, 0, plain, VQ_MAX), "there is a disk"))
		tap_done();
	check(blk_capacity(&disk) != 0, "it has %llu sectors", blk_capacity(&disk));
	if (bootarg_u64("expect.ro", 0))
		check_read_only();
	check(!(disk.dev.offered & VIRTIO_BLK_F_RO), "it may be written");
	check_data();
	check_id();
	check_parts(disk.q.desc, "chained");
	check_errors();
	check_interrupts();
	check_suppression(false);
	check_depth();

	check(blk_open(&disk, 0, plain | VIRTIO_F_INDIRECT_DESC, 64) &&
	              disk.dev.features & VIRTIO_F_INDIRECT_DESC,
	      "INDIRECT_DESC is agreed on, with a queue of 64");
	check_parts(table, "indirect");
	check(blk_open(&disk, 0, plain | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX, VQ_MAX) &&
	              disk.dev.features & VIRTIO_F_EVENT_IDX,
	      "EVENT_IDX is agreed on");
	check_parts(table, "with EVENT_IDX");
	check_suppression(true);
	check_depth();
	check(blk_do(&disk, BLK_T_FLUSH, 0, NULL, 0) == BLK_S_OK, "a last flush succeeds");
	tap_done();
}
