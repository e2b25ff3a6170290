/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "devices/host/tty.h"
#include "machine/base/log.h"
#include "machine/machine_private.h"
#include "machine/memory.h"

/* How long the vCPUs get to leave the guest, and a reader to take the last output. */
#define PATIENCE_NS (10 * 1000000000ull)
#define DRAIN_NS    (1 * 1000000000ull)

/* Enough for the largest machine; a blob is cut to what it takes. */
enum { DUMP_DTB_ROOM = 2 * 1024 * 1024 };

static int memory_up(struct machine *m)
{
	return memory_map(LAYOUT_RAM, m->cfg->ram_size, &m->ram);
}

static void memory_down(struct machine *m)
{
	memory_unmap(&m->pvtime);
	memory_unmap(&m->ram);
}

static int image_up(struct machine *m)
{
	if (!m->cfg->kernel) {
		assert(m->dump_only);
		return 0;
	}
	return image_load(&m->ram, m->cfg->kernel, m->cfg->initrd, &m->image);
}

static int board_up(struct machine *m)
{
	board_plan(m->cfg, &m->board);
	return 0;
}

static int bus_up(struct machine *m)
{
	int err = bus_create(&m->bus);

	return err < 0 ? log_errno(err, "bus") : 0;
}

static void bus_down(struct machine *m)
{
	bus_destroy(m->bus);
}

/* A vCPU thread rang: loop_turn() returns and machine_run() looks at everything again. */
static void on_bell(struct loop_event *ev)
{
}

static void loop_down(struct machine *m)
{
	loop_event_done(&m->bell);
	loop_destroy(m->loop);
	m->loop = NULL;
}

static int loop_up(struct machine *m)
{
	int err = loop_create(&m->loop);

	if (err == -EPERM || err == -ENOSYS || err == -EACCES)
		return log_errno(err,
		                 "io_uring is not allowed here (sysctl kernel.io_uring_disabled, "
		                 "or a seccomp filter), and roost does all its I/O with it");
	if (err < 0)
		return log_errno(err, "set up io_uring");

	err = loop_event_init(m->loop, &m->bell, on_bell);
	if (err < 0) {
		loop_quiesce(m->loop);
		loop_down(m);
		return log_errno(err, "set up the event loop");
	}
	return 0;
}

static int random_seeds(struct fdt_boot *boot, const struct machine_config *cfg)
{
	if (getrandom(boot->rng_seed, sizeof(boot->rng_seed), 0) != sizeof(boot->rng_seed) ||
	    getrandom(&boot->kaslr_seed, sizeof(boot->kaslr_seed), 0) != sizeof(boot->kaslr_seed))
		return log_errno(-EIO, "getrandom for the guest's seeds");
	boot->has_kaslr_seed = true;
	if (cfg->has_kaslr_seed)
		boot->kaslr_seed = cfg->kaslr_seed;
	return 0;
}

static int write_tree(struct machine *m, const char *bootargs)
{
	struct tree t = {
		.nr_cpus = m->cfg->nr_cpus,
		.gic = m->gic,
		.gicv2m_first_spi = LAYOUT_FIRST_MSI,
		.gicv2m_nr_spis = LAYOUT_NR_MSIS,
		.pmu = m->cfg->pmu,
		.psci_version = m->arch.psci_version,
		.psci_extended_state_id = m->cfg->psci_extended_state_id,
		.idle_standby = m->cfg->idle_standby,
		.idle_power_down = m->cfg->idle_power_down,
		.devs = m->board.descs,
		.nr_devs = m->board.nr,
		.symbols = m->cfg->nr_dtbos > 0,
		.boot = {
			.ram_base = m->ram.base,
			.ram_size = m->ram.size,
			.bootargs = bootargs,
			.stdout_path = m->cfg->dtb ? NULL : "serial0",
			.initrd = m->image.initrd,
			.initrd_end = m->image.initrd_end,
		},
	};
	int err = random_seeds(&t.boot, m->cfg);

	if (err == 0 && m->cfg->dtb)
		err = fdt_adopt(m->cfg->dtb, &t.boot, m->dtb, m->dtb_room);
	else if (err == 0)
		err = tree_build(&t, m->dtb, m->dtb_room);
	for (u32 i = 0; i < m->cfg->nr_dtbos && err >= 0; i++)
		err = fdt_overlay(m->dtb, m->dtb_room, m->cfg->dtbo[i]);
	return err < 0 ? err : 0;
}

/* For a run the blob is written straight into guest RAM. */
static int tree_up(struct machine *m)
{
	char *bootargs = NULL;
	int err = config_cmdline(m->cfg, &bootargs);

	if (err < 0)
		return err;

	if (m->dump_only) {
		m->dtb_room = DUMP_DTB_ROOM;
		m->dtb = malloc(m->dtb_room);
	} else {
		m->dtb_room = m->image.dtb_room;
		m->dtb = gmem_ptr(&m->ram, m->image.dtb, m->image.dtb_room);
	}
	err = m->dtb ? write_tree(m, bootargs) : log_errno(-ENOMEM, "device tree");
	free(bootargs);
	if (err < 0 && m->dump_only)
		free(m->dtb);
	return err;
}

static void tree_down(struct machine *m)
{
	if (m->dump_only)
		free(m->dtb);
}

/* What a reset brings back. */
static int keep_up(struct machine *m)
{
	const struct image *i = &m->image;
	const struct memory_range range[] = {
		{ i->kernel, i->kernel_end - i->kernel },
		{ i->dtb, i->dtb_room },
		{ i->initrd, i->initrd_end - i->initrd }, /* the last: there may be none */
	};
	u32 nr = ARRAY_SIZE(range) - (i->initrd == i->initrd_end);

	if (m->cfg->reset == CONFIG_RESET_EXIT)
		return 0;
	return memory_keep(&m->ram, range, nr);
}

/* What a step's failure is about, for the exit status, and whether a dump needs the step. */
enum {
	ASKED = 1, /* it looks at what the command line names */
	DUMP = 2, /* --dump-dtb takes it too */
};

/*
 * The order of the whole machine, top to bottom; torn down bottom to top. Files
 * that the command line names come before KVM: what is wrong with them is told
 * on any machine.
 */
static const struct {
	const char *name;
	int (*up)(struct machine *m);
	void (*down)(struct machine *m);
	u32 flags;
} steps[] = {
	{ "board", board_up, NULL, DUMP },
	{ "bus", bus_up, bus_down, 0 },
	{ "memory", memory_up, memory_down, DUMP },
	{ "image", image_up, NULL, ASKED | DUMP },
	{ "disks", machine_disks_up, machine_disks_down, ASKED },
	{ "kvm", machine_kvm_up, machine_kvm_down, DUMP },
	{ "limits", machine_limits_up, NULL, ASKED | DUMP },
	{ "slots", machine_slots_up, NULL, 0 },
	{ "trace", machine_trace_up, machine_trace_down, ASKED },
	{ "power", machine_power_up, machine_power_down, ASKED },
	{ "loop", loop_up, loop_down, 0 },
	{ "vcpus", machine_vcpus_up, machine_vcpus_down, 0 },
	{ "irqchip", machine_irqchip_up, machine_irqchip_down, 0 },
	{ "attach", machine_attach_up, NULL, 0 },
	{ "tree", tree_up, tree_down, ASKED | DUMP },
	{ "keep", keep_up, NULL, 0 },
	{ "taps", machine_taps_up, machine_taps_down, ASKED },
	{ "signals", machine_signals_up, machine_signals_down, 0 },
	{ "console", machine_console_up, machine_console_down, 0 },
	{ "devices", machine_devices_up, machine_devices_down, 0 },
};

static bool wanted(const struct machine *m, size_t step)
{
	return !m->dump_only || (steps[step].flags & DUMP);
}

enum outcome_kind machine_create(const struct machine_config *cfg,
                                 const struct privilege_inherited *inherited, struct machine **out)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m)
		return outcome_of_error(log_errno(-ENOMEM, "machine"), false);

	m->cfg = cfg;
	m->inherited = inherited;
	m->dump_only = cfg->dump_dtb != NULL;
	m->kvm_fd = m->vm_fd = -1;
	outcome_init(&m->outcome);
	for (; m->steps_up < ARRAY_SIZE(steps); m->steps_up++) {
		size_t i = m->steps_up;
		int err = wanted(m, i) ? steps[i].up(m) : 0;

		if (err < 0) {
			log_at(LOG_DEBUG, "step '%s' failed", steps[i].name);
			machine_destroy(m);
			return outcome_of_error(err, steps[i].flags & ASKED);
		}
	}

	*out = m;
	return OUTCOME_NONE;
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	/* Whoever has something in flight is still there, however far the machine has come. */
	if (m->loop)
		loop_quiesce(m->loop);
	while (m->steps_up > 0) {
		size_t i = --m->steps_up;

		if (steps[i].down && wanted(m, i))
			steps[i].down(m);
	}
	free(m);
}

enum outcome_kind machine_dump_dtb(struct machine *m)
{
	int err = fdt_dump(m->dtb, m->cfg->dump_dtb);

	return err < 0 ? outcome_of_error(err, true) : OUTCOME_NONE;
}

/* On the vCPU's thread, which may look at its own registers. */
void machine_vcpu_ended(void *host, struct vcpu *v, const struct vcpu_end *end)
{
	struct machine *m = host;
	bool crashed = end->kind == VCPU_END_CRASH;

	if (outcome_decide(&m->outcome, crashed ? OUTCOME_CRASH : OUTCOME_HOST, "%s",
	                   end->reason)) {
		(void)log_refuse(-EIO, "%s", end->reason);
		if (crashed) /* else it is not the guest that has gone wrong */
			arch_vcpu_dump(v, stderr);
	}
	loop_event_signal(&m->bell);
}

void machine_vcpu_gone(void *host, struct vcpu *v)
{
	struct machine *m = host;

	atomic_fetch_add(&m->gone, 1);
	loop_event_signal(&m->bell);
}

static int start_vcpus(struct machine *m, u32 *started)
{
	const cpu_set_t *on = m->cfg->vcpu_affinity ? &m->affinity : NULL;
	int err = 0;

	m->env.ops = &machine_vcpu_ops;
	m->env.host = m;
	for (*started = 0; *started < m->cfg->nr_cpus && err == 0; (*started)++)
		err = vcpu_start(m->vcpu[*started], on);
	if (err < 0 && *started > 0)
		(*started)--; /* the last one did not start */
	return err;
}

bool machine_over(const struct machine *m)
{
	return outcome_kind(&m->outcome) != OUTCOME_NONE;
}

/* A turn of the loop may fail only for the host's reasons. */
bool machine_turn(struct machine *m)
{
	int err = loop_turn(m->loop);

	if (err >= 0)
		return true;
	if (outcome_decide(&m->outcome, OUTCOME_HOST, "event loop"))
		(void)log_errno(err, "wait for I/O");
	return false;
}

static void patience_done(struct loop_op *op, int res)
{
	struct machine *m = container_of(op, struct machine, patience);

	m->patience_armed = false;
	m->out_of_patience = res == 0;
}

bool machine_patience(void *ctx)
{
	struct machine *m = ctx;

	if (!m->patience_armed) {
		m->out_of_patience = false;
		m->patience.done = patience_done;
		if (loop_timeout(m->loop, &m->patience, PATIENCE_NS) < 0)
			return false;
		m->patience_armed = true;
	}
	return machine_turn(m) && !m->out_of_patience;
}

void machine_patience_end(struct machine *m)
{
	loop_cancel(m->loop, &m->patience);
	while (m->patience_armed && machine_turn(m))
		;
}

/*
 * The loop goes on turning meanwhile: a vCPU may be waiting for it, in a reset of
 * a device whose I/O is in flight.
 *
 * Return: false when a vCPU did not come out in time.
 */
static bool stop_vcpus(struct machine *m, u32 started)
{
	for (u32 i = 0; i < started; i++)
		vcpu_post(m->vcpu[i], GATE_EXIT);
	while (atomic_load(&m->gone) < started)
		if (!machine_patience(m))
			break;
	if (atomic_load(&m->gone) < started)
		return false;

	machine_patience_end(m);
	for (u32 i = 0; i < started; i++)
		vcpu_join(m->vcpu[i]);
	return true;
}

/*
 * Nothing the guest printed is lost, unless nobody can read it any more (which
 * console_lost() has told), or nobody does and somebody wants us to stop.
 */
static void flush_console(struct machine *m)
{
	size_t left = console_drain(m->console, DRAIN_NS);

	while (left > 0 && !m->output_lost && !m->stopped_by_signal &&
	       outcome_kind(&m->outcome) != OUTCOME_OPERATOR)
		left = console_drain(m->console, DRAIN_NS);
	if (left > 0 && !m->output_lost)
		log_at(LOG_WARN, "the last %zu bytes of the console could not be written", left);
}

static void tell(enum outcome_kind kind, const char *reason)
{
	if (kind == OUTCOME_OPERATOR)
		log_at(LOG_WARN, "stopped: %s", reason);
	else
		log_at(LOG_INFO, "ended: %s", reason);
}

/* All that is not needed from the first instruction on: the VM's descriptor stays, KVM's goes. */
static int give_up(struct machine *m)
{
	(void)close(m->kvm_fd);
	m->kvm_fd = -1;
	return privilege_drop(m->inherited);
}

enum outcome_kind machine_run(struct machine *m, bool *stuck)
{
	enum outcome_kind kind;
	u32 started = 0;

	/* What ps(1) and pkill(1) find a guest by. */
	if (m->cfg->name)
		(void)prctl(PR_SET_NAME, m->cfg->name);
	if (give_up(m) < 0 || start_vcpus(m, &started) < 0)
		(void)outcome_decide(&m->outcome, OUTCOME_HOST, "it could not be started");

	while (!machine_over(m) && machine_turn(m))
		machine_power_serve(m);

	*stuck = !stop_vcpus(m, started);
	if (*stuck)
		(void)log_refuse(-EBUSY, "%u of %u vCPUs do not leave the guest",
		                 started - atomic_load(&m->gone), started);
	flush_console(m);
	if (*stuck)
		tty_restore(STDIN_FILENO); /* nobody will destroy the console */
	kind = outcome_kind(&m->outcome);
	tell(kind, m->outcome.reason);
	/* Also when it was lost after the guest's last word: a run is believed whole or not. */
	return *stuck || m->output_lost ? OUTCOME_HOST : kind;
}
