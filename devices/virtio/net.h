/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_VIRTIO_NET_H
#define DEVICES_VIRTIO_NET_H

#include "devices/virtio/virtio.h"

/* A network card on a tap descriptor. VIRTIO 1.2, 5.1. */
struct virtio_net;

struct virtio_net_config_in {
	int fd; /* tap with IFF_VNET_HDR, header of 12 bytes, non-blocking; not owned */
	u8 mac[6];
	bool offload; /* the tap takes checksum and segmentation offloads (TUNSETOFFLOAD worked) */
	/*
	 * What of these the tap may hand us, as the driver negotiated; called at
	 * each DRIVER_OK on a vCPU's thread. NULL: what the driver does not
	 * understand is dropped. VIRTIO 1.2, 5.1.6.4.1.
	 */
	void (*set_offload)(int fd, bool csum, bool tso4, bool tso6);
};

must_check int virtio_net_create(const struct virtio_net_config_in *cfg, struct loop *loop,
                                 const struct gmem *mem, struct virtio_net **out);
void virtio_net_destroy(struct virtio_net *n);
struct virtio *virtio_net_dev(struct virtio_net *n);

#endif /* DEVICES_VIRTIO_NET_H */
