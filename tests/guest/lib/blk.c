/* SPDX-License-Identifier: MIT */
#include "blk.h"
#include "io.h"

bool blk_open(struct blk *b, u32 nth, u64 features, u32 num)
{
	if (!virtio_find(VIRTIO_ID_BLK, nth, &b->dev) || !virtio_negotiate(&b->dev, features) ||
	    !virtio_queue(&b->dev, 0, &b->q, num))
		return false;
	virtio_driver_ok(&b->dev);
	return true;
}

u64 blk_capacity(const struct blk *b)
{
	u64 cfg = b->dev.base + VIRTIO_CONFIG;

	return r32(cfg) | (u64)r32(cfg + 4) << 32;
}

u8 blk_finish(struct blk *b)
{
	struct vq_used_elem e;

	b->status = BLK_S_NONE;
	b->used_len = 0;
	vq_offer(&b->q, 0);
	vq_kick(&b->q);
	if (!vq_wait(&b->q, 5000, &e))
		return BLK_S_NONE;
	b->used_len = e.len;
	return b->status;
}

u8 blk_do(struct blk *b, u32 type, u64 sector, volatile void *buf, u32 len)
{
	u16 dir = type == BLK_T_OUT ? 0 : DESC_WRITE;

	b->header = (struct blk_header){ type, 0, sector };
	vq_set(&b->q, 0, &b->header, sizeof(b->header), DESC_NEXT, len ? 1 : 2);
	vq_set(&b->q, 1, buf, len, (u16)(DESC_NEXT | dir), 2);
	vq_set(&b->q, 2, &b->status, 1, DESC_WRITE, 0);
	return blk_finish(b);
}
