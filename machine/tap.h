/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_TAP_H
#define MACHINE_TAP_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"

enum { TAP_NAME_MAX = 16 }; /* bytes with the NUL, as IFNAMSIZ */

/**
 * tap_open - the host's end of a virtual cable
 * @ifname:  create it, or take it when it is there and ours to use; NULL: the
 *           kernel picks a free tapN
 * @fd:      owned by the caller, non-blocking; packets have a virtio_net_hdr of
 *           12 bytes. A device made here goes away with it.
 * @name:    TAP_NAME_MAX bytes: what it is called
 * @offload: it takes checksums and TCP segmentation off the guest's hands
 *
 * Return: 0; -EINVAL for a name that cannot be one, -EPERM without the right
 * to, or what the kernel says. Logged in one line that names the device.
 */
must_check int tap_open(const char *ifname, int *fd, char *name, bool *offload);

/**
 * tap_set_address - give the host's end an IPv4 address and bring it up
 * @name: from tap_open()
 * @ip:   dotted; the mask is that of its class
 *
 * Return: 0 or a negative errno. Logged in one line that names the device.
 */
must_check int tap_set_address(const char *name, const char *ip);

/* For virtio_net_config_in.set_offload: what the tap may put into the packets it hands us. */
void tap_set_offload(int fd, bool csum, bool tso4, bool tso6);

#endif /* MACHINE_TAP_H */
