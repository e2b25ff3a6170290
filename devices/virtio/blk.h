/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_VIRTIO_BLK_H
#define DEVICES_VIRTIO_BLK_H

#include "devices/virtio/virtio.h"

/* A disk on a file or block device. VIRTIO 1.2, 5.2. */
struct virtio_blk;

struct virtio_blk_config_in {
	int fd; /* not owned; open for writing unless read_only */
	u64 size; /* bytes; what is past the last whole sector is not shown */
	u32 block_size; /* bytes, a power of two from 512: what I/O on @fd must be aligned to */
	bool read_only;
	bool direct; /* @fd is O_DIRECT: offsets, lengths and memory must be aligned */
	const char *serial; /* up to 20 bytes; copied; NULL: none */
};

must_check int virtio_blk_create(const struct virtio_blk_config_in *cfg, struct loop *loop,
                                 const struct gmem *mem, struct virtio_blk **out);
void virtio_blk_destroy(struct virtio_blk *b);
struct virtio *virtio_blk_dev(struct virtio_blk *b);

#endif /* DEVICES_VIRTIO_BLK_H */
