/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_VIRTIO_MMIO_H
#define DEVICES_VIRTIO_MMIO_H

#include "devices/bus.h"
#include "devices/irq_line.h"
#include "devices/virtio/virtio.h"
#include "machine/base/compiler.h"

/* The modern MMIO transport, VIRTIO 1.2, 4.2 (register layout version 2). */
struct mmio_table;
struct virtio_mmio;

enum {
	VIRTIO_MMIO_SIZE = 0x200, /* bytes of address space */
	VIRTIO_MMIO_QUEUE_NOTIFY = 0x050, /* 4 bytes; the value is the queue: for ioeventfd */
	VIRTIO_MMIO_CONFIG = 0x100, /* the device's configuration, up to the end */
};

/**
 * virtio_mmio_create - give a device its registers
 * @v:   the device; outlives the transport
 * @irq: edge; copied
 * @out: owned by the caller, released with virtio_mmio_destroy()
 *
 * Return: 0 or -ENOMEM.
 */
must_check int virtio_mmio_create(struct virtio *v, const struct irq_line *irq,
                                  struct virtio_mmio **out);
void virtio_mmio_destroy(struct virtio_mmio *t);

/**
 * virtio_mmio_reset - the machine starts again: transport and device as at first
 * @dev: a struct virtio_mmio; every vCPU is held, see virtio_reset()
 *
 * The loop's thread, never blocks. The device keeps what is the host's: a disk's
 * content, a lost tap, input that has not been put into the guest's buffers. Of
 * output that a console's reader has not taken yet, what lies in the guest's
 * memory goes with it.
 *
 * Return: false: I/O on guest memory is in flight, call again after a turn of the loop.
 */
must_check bool virtio_mmio_reset(void *dev);

extern const struct bus_ops virtio_mmio_bus_ops;
extern const struct mmio_table virtio_mmio_table; /* without the configuration; for unit tests */

#endif /* DEVICES_VIRTIO_MMIO_H */
