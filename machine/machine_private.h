/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_MACHINE_PRIVATE_H
#define MACHINE_MACHINE_PRIVATE_H

#include <stdatomic.h>
#include <sys/signalfd.h>

#include "devices/host/console.h"
#include "devices/loop.h"
#include "irqchip/gic_user.h"
#include "irqchip/gicv2m.h"
#include "irqchip/vgic.h"
#include "machine/aarch64/tree.h"
#include "machine/base/gmem.h"
#include "machine/board.h"
#include "machine/image.h"
#include "machine/layout.h"
#include "machine/machine.h"
#include "machine/rtc_host.h"
#include "machine/trace.h"
#include "vcpu/arch.h"
#include "vcpu/vcpu.h"

/* One device on the board, whatever it is. */
struct machine_dev {
	const struct bus_ops *ops;
	void *dev; /* what the bus hands to ops */
	void (*destroy)(void *dev);
	bool (*reset)(void *dev); /* false: I/O is in flight, turn the loop and call again */

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
	enum config_irqchip irqchip; /* never CONFIG_IRQCHIP_AUTO */
	enum tree_gic gic; /* what the guest sees of it */
	struct vgic *vgic; /* one of the two: KVM's, */
	struct gic_user *gic_user; /* or ours */
	struct vcpu **vcpu; /* cfg->nr_cpus of them, NULL: not created */
	struct power *power;
	struct psci psci; /* where roost answers the guest's power calls */
	struct psci_inject inject;
	struct trace *trace; /* NULL: none */
	struct bus *bus;
	cpu_set_t affinity; /* host CPUs of the vCPUs, when cfg->vcpu_affinity is set */

	struct loop *loop;
	struct loop_event bell; /* rung by vCPU threads: look at everything again */
	atomic_uint gone; /* vCPU threads that have nothing more to do */
	struct loop_op patience; /* how long vCPUs get to leave the guest */
	bool patience_armed, out_of_patience;

	/* Power, the loop's thread only. */
	bool paused; /* --reset=pause: all vCPUs are held, until somebody wakes it */
	u32 reboots; /* since the machine began */
	struct trace_decision last_decision; /* what paused it, when it is paused */
	u64 held_since; /* ns */
	const char *wake_by; /* somebody wants the machine awake; NULL: nobody */
	_Atomic(const char *) woken_by; /* written before GATE_WAKE is posted */

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

/* machine/machine.c: turn the loop once. Return: false when that fails, which has been decided on. */
must_check bool machine_turn(struct machine *m);
/* Has somebody decided how the machine ends? */
bool machine_over(const struct machine *m);

/* machine/power.c: what is decided for the machine as a whole. */
must_check int machine_trace_up(struct machine *m);
void machine_trace_down(struct machine *m);
must_check int machine_power_up(struct machine *m);
void machine_power_down(struct machine *m);
void machine_power_serve(struct machine *m); /* between two turns of the loop */
void machine_wake(struct machine *m, const char *by); /* loop thread; @by: kept, for the trace */
extern const struct vcpu_host_ops machine_vcpu_ops;

/* machine/machine.c, for machine_vcpu_ops. */
void machine_vcpu_ended(void *host, struct vcpu *v, const struct vcpu_end *end);
void machine_vcpu_gone(void *host, struct vcpu *v);
/* Wait for vCPUs, as long as they get. For struct vcpu_patience. */
bool machine_patience(void *ctx);
void machine_patience_end(struct machine *m);

/* machine/devices.c: the board's devices, made and put on the bus. */
must_check int machine_devices_up(struct machine *m);
bool machine_devices_reset(struct machine *m); /* false: turn the loop and call again */
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
must_check int machine_attach_up(struct machine *m);

/* machine/irqchip.c: the interrupt controller, whoever it is. */
must_check int machine_irqchip_choose(struct machine *m); /* when there is a VM */
must_check int machine_irqchip_limits(const struct machine *m);
must_check int machine_irqchip_up(struct machine *m);
void machine_irqchip_down(struct machine *m);
must_check int machine_irqchip_reset(struct machine *m); /* every vCPU is held */
/* Wires to SPIs, for machine/devices.c. */
struct irq_line machine_level_line(struct machine *m, u32 intid);
must_check int machine_edge_line(struct machine *m, u32 intid, struct irq_line *out);

#endif /* MACHINE_MACHINE_PRIVATE_H */
