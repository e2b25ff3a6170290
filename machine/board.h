/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_BOARD_H
#define MACHINE_BOARD_H

#include "devices/desc.h"
#include "machine/config.h"

/*
 * Which devices a machine has, where, and on which interrupt: a plan made from
 * the configuration alone. The device tree and the devices themselves are both
 * made from it, so they cannot disagree.
 */
enum board_kind {
	BOARD_UART,
	BOARD_RTC,
	BOARD_VIRTIO_CONSOLE,
	BOARD_VIRTIO_BLK,
	BOARD_VIRTIO_NET,
	BOARD_VIRTIO_RNG,
};

/* 4 UARTs, RTC, console, rng, and the disks and nets of a configuration. */
enum { BOARD_DEVS_MAX = 7 + CONFIG_DISKS_MAX + CONFIG_NETS_MAX };

struct board {
	size_t nr;
	/* Two arrays, one index: descs[] goes to the tree as it is. */
	struct {
		enum board_kind kind;
		u32 index; /* among its kind: the UART's number, the disk's place in the configuration */
	} devs[BOARD_DEVS_MAX];
	struct device_desc descs[BOARD_DEVS_MAX];
};

void board_plan(const struct machine_config *cfg, struct board *out);

#endif /* MACHINE_BOARD_H */
