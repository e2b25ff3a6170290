/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_VIRTIO_RNG_H
#define DEVICES_VIRTIO_RNG_H

#include "devices/virtio/virtio.h"

/* An entropy source fed by getrandom(2). VIRTIO 1.2, 5.4. */
struct virtio_rng;

must_check int virtio_rng_create(struct loop *loop, const struct gmem *mem,
                                 struct virtio_rng **out);
void virtio_rng_destroy(struct virtio_rng *r);
struct virtio *virtio_rng_dev(struct virtio_rng *r);

#endif /* DEVICES_VIRTIO_RNG_H */
