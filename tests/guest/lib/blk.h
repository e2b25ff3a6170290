/* SPDX-License-Identifier: MIT */
#ifndef GUEST_BLK_H
#define GUEST_BLK_H

#include "virtio.h"

#define BLK_T_IN     0u
#define BLK_T_OUT    1u
#define BLK_T_FLUSH  4u
#define BLK_T_GET_ID 8u

#define BLK_S_OK     0u
#define BLK_S_IOERR  1u
#define BLK_S_UNSUPP 2u
#define BLK_S_NONE   0xffu /* ours: the device did not answer */

#define VIRTIO_BLK_F_SEG_MAX BIT(2)
#define VIRTIO_BLK_F_RO      BIT(5)
#define VIRTIO_BLK_F_FLUSH   BIT(9)

#define SECTOR 512u

/* The header of a request (VIRTIO 1.2, 5.2.6). */
struct blk_header {
	u32 type;
	u32 reserved;
	u64 sector;
};

/* A disk with its one queue. */
struct blk {
	struct vdev dev;
	struct vq q;
	struct blk_header header;
	volatile u8 status;
	u32 used_len; /* of the last request */
};

/** blk_open - find the @nth disk and bring it to DRIVER_OK with these features */
bool blk_open(struct blk *b, u32 nth, u64 features, u32 num);

/** blk_capacity - sectors, from the config space */
u64 blk_capacity(const struct blk *b);

/**
 * blk_do - one request: header, one buffer (none when @len is 0), status
 * @type: BLK_T_*; the buffer is read by the device for BLK_T_OUT, else written
 *
 * Return: the status byte, or BLK_S_NONE after five seconds.
 */
u8 blk_do(struct blk *b, u32 type, u64 sector, volatile void *buf, u32 len);

/** blk_finish - offer the chain at descriptor 0 and wait for its status byte */
u8 blk_finish(struct blk *b);

#endif
