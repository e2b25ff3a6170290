/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_CONFIG_H
#define MACHINE_CONFIG_H

#include <stdio.h>

#include "machine/base/compiler.h"
#include "machine/base/log.h"
#include "machine/base/types.h"
#include "psci/inject.h"

/*
 * What the command line says, parsed and checked as far as that goes without
 * looking at the host. Strings belong to the configuration.
 */
enum config_irqchip {
	CONFIG_IRQCHIP_AUTO, /* the best this host has */
	CONFIG_IRQCHIP_GICV3,
	CONFIG_IRQCHIP_GICV3_ITS,
	CONFIG_IRQCHIP_GICV2,
	CONFIG_IRQCHIP_GICV2M,
	CONFIG_IRQCHIP_USER, /* a GICv2 of ours, and none in KVM */
};

enum config_console {
	CONFIG_CONSOLE_SERIAL, /* ttyS0 */
	CONFIG_CONSOLE_VIRTIO, /* hvc0 */
};

enum config_psci {
	CONFIG_PSCI_AUTO, /* roost's own where KVM hands the calls over, else KVM's */
	CONFIG_PSCI_USER,
	CONFIG_PSCI_KERNEL,
};

/* What a reset by the guest does. */
enum config_reset {
	CONFIG_RESET_EXIT,
	CONFIG_RESET_REBOOT,
	CONFIG_RESET_PAUSE,
};

enum config_net_mode {
	CONFIG_NET_NONE,
	CONFIG_NET_TAP,
};

enum {
	CONFIG_DISKS_MAX = 16,
	CONFIG_NETS_MAX = 4,
	CONFIG_DTBOS_MAX = 16,
	CONFIG_CPUS_MAX = 512, /* KVM's vgic-v3; the host says less when the machine is built */
};

struct config_disk {
	char *path;
	bool read_only, direct;
	char *serial; /* NULL: none; at most 20 bytes */
};

struct config_net {
	enum config_net_mode mode;
	char *ifname; /* NULL: the kernel picks tapN */
	char *host_ip; /* dotted; NULL: leave the interface alone */
	u8 mac[6];
	bool has_mac; /* else the machine makes one */
};

struct machine_config {
	char *name; /* NULL: "guest-PID" */
	char *kernel; /* NULL only with dump_dtb */
	char *initrd; /* NULL: none */
	char *params; /* never NULL */
	u64 ram_size; /* bytes, a multiple of 2 MiB */
	u32 nr_cpus; /* 1..CONFIG_CPUS_MAX */
	bool nodefaults;
	enum config_console console;
	enum config_irqchip irqchip;
	struct config_disk disk[CONFIG_DISKS_MAX];
	u32 nr_disks;
	struct config_net net[CONFIG_NETS_MAX];
	u32 nr_nets;
	bool rng, pmu, no_pvtime, disable_mte;
	u32 sve_max_vl; /* bits, a multiple of 128 up to 2048; 0: what the host has */
	bool has_kaslr_seed;
	u64 kaslr_seed;
	enum config_psci psci;
	u32 psci_version; /* PSCI_0_2 ... PSCI_1_3 */
	bool has_psci_version; /* asked for, so that nothing else will do */
	bool psci_extended_state_id;
	u32 psci_denied; /* bit n: function n, enum psci_fn */
	struct psci_inject_rule psci_inject[PSCI_INJECT_MAX];
	u32 nr_psci_injects;
	bool idle_standby, idle_power_down; /* --idle-states */
	enum config_reset reset;
	u32 max_reboots; /* CONFIG_RESET_REBOOT: after so many a reset ends the run; 0: no limit */
	bool wake_on_console;
	char *trace_power; /* path, NULL: none */
	char *vcpu_affinity; /* host CPU list as in taskset(1), checked; NULL: not pinned */
	char *dump_dtb, *dtb; /* paths, NULL: none */
	char *dtbo[CONFIG_DTBOS_MAX];
	u32 nr_dtbos;
	enum log_level loglevel;
	bool help; /* --help: config_help() is wanted and nothing else, the rest is unchecked */
};

/**
 * config_parse - the words behind `roost run`
 * @argc: how many
 * @argv: the first is the first word after "run"
 * @cfg:  filled in; released with config_done() also after a failure
 *
 * `--opt value` and `--opt=value`; options may stand behind the kernel, which
 * is the first word that is no option; `--` ends the options.
 *
 * Of an option given twice the last one counts; --disk, --network and --dtbo add.
 *
 * Return: 0; -EINVAL with the option and the reason logged in one line, -ENOMEM
 * logged.
 */
must_check int config_parse(int argc, char *const *argv, struct machine_config *cfg);
void config_done(struct machine_config *cfg);

/**
 * config_cmdline - what the guest's kernel finds as bootargs
 * @out: allocated, released with free()
 *
 * --params; before it `console=` (unless params has one) and `root=/dev/vda`
 * (with a disk and no `root=`); with --nodefaults --params alone, untouched.
 *
 * Return: 0, -ENOMEM, or -E2BIG (logged) past the 2,048 bytes that arm64
 * Linux keeps (COMMAND_LINE_SIZE).
 */
must_check int config_cmdline(const struct machine_config *cfg, char **out);

/*
 * The first option asked for that only roost's own PSCI can serve, without its
 * dashes; NULL: none. With KVM's no call comes to us, and its CPU_SUSPEND is a
 * WFI in every state.
 */
const char *config_needs_user_psci(const struct machine_config *cfg);

/**
 * config_cpulist - parse a list such as "0,2-5"
 * @list: as taskset(1) takes it
 * @set:  the CPUs named, bit n of set[n / 64]
 * @nr:   words in @set
 *
 * Return: 0 or -EINVAL, not logged.
 */
must_check int config_cpulist(const char *list, u64 *set, size_t nr);

/* The text of `roost help run`. */
void config_help(FILE *to);

#endif /* MACHINE_CONFIG_H */
