/* SPDX-License-Identifier: MIT */
/*
 * The first disk: 4 KiB reads at random and 1 MiB reads in order, one at a time and 32 at
 * once. Prints "NAME TICKS BYTES" for each.
 *
 * Arguments: random=N (256) and sequential=N (32) requests.
 */
#include "blk.h"
#include "guest.h"

#define DEPTH 32

static struct blk disk;
static struct blk_header headers[DEPTH];
static volatile u8 statuses[DEPTH];
static u8 buf[MIB(1)] __attribute__((aligned(4096)));

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void submit(u16 slot, u64 sector, u32 len)
{
	u16 i = (u16)(slot * 3);

	headers[slot] = (struct blk_header){ BLK_T_IN, 0, sector };
	vq_set(&disk.q, i, &headers[slot], sizeof(headers[slot]), DESC_NEXT, (u16)(i + 1));
	vq_set(&disk.q, (u16)(i + 1), buf, len, DESC_NEXT | DESC_WRITE, (u16)(i + 2));
	vq_set(&disk.q, (u16)(i + 2), &statuses[slot], 1, DESC_WRITE, 0);
	vq_offer(&disk.q, i);
}

/* All requests share a buffer: what is read does not matter here. */
static void run(const char *name, u32 count, u32 len, u32 depth, bool at_random)
{
	u64 places = blk_capacity(&disk) * SECTOR / len;
	u64 state = 0x123456789abcdefull;
	u32 sent = 0;
	u32 done = 0;
	u64 start = ticks();

	while (done < count) {
		struct vq_used_elem e = { 0, 0 };
		u32 slot = sent;

		if (sent >= depth) {
			if (!vq_wait(&disk.q, 10000, &e) || statuses[e.id / 3] != BLK_S_OK) {
				print("%s failed\n", name);
				return;
			}
			slot = e.id / 3;
			done++;
		}
		if (sent < count) {
			u64 place = at_random ? next_random(&state) % places : sent % places;

			submit((u16)slot, place * (len / SECTOR), len);
			sent++;
			if (sent >= depth)
				vq_kick(&disk.q);
		} else if (sent < depth) {
			depth = sent;
		}
	}
	print("%s %llu %llu\n", name, ticks() - start, (u64)count * len);
}

void guest_main(void)
{
	u32 n = (u32)bootarg_u64("random", 256);
	u32 m = (u32)bootarg_u64("sequential", 32);

	if (!blk_open(&disk, 0, 0, VQ_MAX) || blk_capacity(&disk) * SECTOR < MIB(1)) {
		print("no disk of 1 MiB or more\n");
		return;
	}
	run("blk_4k_random_qd1", n, KIB(4), 1, true);
	run("blk_4k_random_qd32", n, KIB(4), DEPTH, true);
	run("blk_1m_sequential_qd1", m, (u32)MIB(1), 1, false);
	run("blk_1m_sequential_qd32", m, (u32)MIB(1), DEPTH, false);
	print("ticks_per_second %llu\n", ticks_per_s());
}
