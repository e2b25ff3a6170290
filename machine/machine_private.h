/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_MACHINE_PRIVATE_H
#define MACHINE_MACHINE_PRIVATE_H

#include <stdatomic.h>
#include <sys/signalfd.h>

#include "devices/host/console.h"
#include "devices/loop.h"
#include "irqchip/gicv2m.h"
#include "irqchip/vgic.h"
#include "machine/aarch64/tree.h"
#include "machine/base/gmem.h"
#include "machine/board.h"
#include "machine/image.h"
#include "machine/layout.h"
#include "machine/machine.h"
#include "machine/rtc_host.h"
#include "vcpu/arch.h"
#include "vcpu/vcpu.h"

/* One device on the board, whatever it is. */
struct machine_dev {
	const struct bus_ops *ops;
	void *dev; /* what the bus hands to ops */
	void (*destroy)(void *dev);

	/* virtio only: what sits behind the transport. */
	struct virtio *virtio;
	void *virtio_dev;
	void (*virtio_destroy)(void *dev);
};

struct machine {
	const struct machine_config *cfg;
	const struct privilege_inherited *inherited;
	size_t steps_up; /* how many of steps[] are built */
	bool dump_only; /* only what the tree needs */

	struct outcome outcome;
	struct board board;
	struct gmem ram, pvtime;
	struct image image;

	int kvm_fd, vm_fd; /* -1 where there is no KVM */
	struct vcpu_env env;
	struct arch_vm arch;
	enum tree_gic gic;
	struct vgic *vgic;
	struct vcpu **vcpu; /* cfg->nr_cpus of them, NULL: not created */
	struct bus *bus;
	cpu_set_t affinity; /* host CPUs of the vCPUs, when cfg->vcpu_affinity is set */

	struct loop *loop;
	struct loop_event ended; /* rung by vCPU threads: look at outcome and gone */
	atomic_uint gone; /* vCPU threads that have nothing more to do */
	struct loop_op patience; /* how long they get for that */
	bool out_of_patience;

	int signal_fd;
	struct loop_op signal_op;
	struct signalfd_siginfo siginfo;
	bool stopped_by_signal;
	bool output_lost; /* the console's reader is gone; loop thread */

	int disk_fd[CONFIG_DISKS_MAX];
	u64 disk_size[CONFIG_DISKS_MAX]; /* bytes */
	u32 disk_block[CONFIG_DISKS_MAX]; /* bytes */
	int tap_fd[CONFIG_NETS_MAX];
	bool tap_offload[CONFIG_NETS_MAX];

	struct console *console;
	struct rtc_host *rtc_host;
	struct gicv2m *gicv2m;
	struct machine_dev dev[BOARD_DEVS_MAX];

	void *dtb; /* the blob, in RAM for a run */
	u64 dtb_room; /* bytes */
};

/* machine/devices.c: the board's devices, made and put on the bus. */
must_check int machine_devices_up(struct machine *m);
void machine_devices_down(struct machine *m);

/* machine/host.c: what the devices are connected to. */
must_check int machine_disks_up(struct machine *m);
void machine_disks_down(struct machine *m);
must_check int machine_taps_up(struct machine *m);
void machine_taps_down(struct machine *m);
must_check int machine_console_up(struct machine *m);
void machine_console_down(struct machine *m);
must_check int machine_signals_up(struct machine *m);
void machine_signals_down(struct machine *m);

/* machine/vm.c: KVM's side. */
must_check int machine_kvm_up(struct machine *m);
void machine_kvm_down(struct machine *m);
must_check int machine_limits_up(struct machine *m);
must_check int machine_slots_up(struct machine *m);
must_check int machine_vcpus_up(struct machine *m);
void machine_vcpus_down(struct machine *m);
must_check int machine_irqchip_up(struct machine *m);
void machine_irqchip_down(struct machine *m);
must_check int machine_attach_up(struct machine *m);

#endif /* MACHINE_MACHINE_PRIVATE_H */
