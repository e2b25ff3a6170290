/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_VIRTIO_CONSOLE_H
#define DEVICES_VIRTIO_CONSOLE_H

#include "devices/host/console.h"
#include "devices/virtio/virtio.h"

/* One port, hvc0 to Linux. VIRTIO 1.2, 5.3. */
struct virtio_console;

/**
 * virtio_console_create - a console on a host console
 * @host: attached to by the device itself (console_attach()); outlives it
 */
must_check int virtio_console_create(struct console *host, struct loop *loop,
                                     const struct gmem *mem, struct virtio_console **out);
void virtio_console_destroy(struct virtio_console *c);
struct virtio *virtio_console_dev(struct virtio_console *c);

#endif /* DEVICES_VIRTIO_CONSOLE_H */
