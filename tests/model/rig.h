/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MODEL_RIG_H
#define TESTS_MODEL_RIG_H

#include "tests/model/model.h"
#include "tests/model/shadow.h"
#include "vcpu/gate.h"
#include "vcpu/power.h"

/*
 * The vCPUs of a model: vcpu/vcpu.c and vcpu/psci_host.c in small, call for call
 * in the same order, without KVM and registers. Each is two threads: the vCPU's
 * own, and the kick on its way to it, which may arrive at any time.
 */

enum { CPUS = 3, HOLDERS = 2, BELL_OF_REQUESTS = HOLDERS };

/* What a guest does next, or KVM. */
enum act {
	ACT_EXIT, /* comes out for a reason of its own, or stays until it is kicked: both happen */
	ACT_STAY, /* only a kick gets it out */
	ACT_INTERRUPT, /* likewise, or one of its lines: then it acknowledges what is there */
	ACT_CPU_ON, /* of .cpu, at .pc */
	ACT_CPU_OFF,
	ACT_SUSPEND, /* CPU_SUSPEND to power-down, and starts again at .pc */
	ACT_SYSTEM, /* a system call of power, .kind; SUSPEND starts again at .pc */
};

struct action {
	enum act act;
	u32 cpu;
	u32 pc;
	enum psci_system_kind kind;
};

/* A guest's program: at most one for each pc below PROGRAMS, the last action of it again and again. */
enum { PROGRAMS = 8, ACTIONS = 4 };

struct program {
	struct action action[ACTIONS];
	u32 nr;
};

/* The two lines of a CPU, as bits; rig_connect(). */
enum { LINE_IRQ = 1, LINE_FIQ = 2, LINES_UNKNOWN = 4 };

enum mode { MODE_RUN, MODE_SLEEP, MODE_OFF, MODE_WAIT }; /* enum vcpu_mode */

struct rig;

struct cpu {
	struct rig *rig;
	u32 index;
	struct gate gate;
	enum mode mode;
	u32 pc, step; /* of its program */
	u32 context; /* that came with pc */
	s32 result; /* of its last call */
	u32 answer; /* GATE_ANSWER's argument, as a positive errno */
	struct psci_system request;
	u32 requested;

	u32 kick_sent; /* and on its way */
	u32 immediate_exit, in_kvm_run, interrupted;
	u32 irq; /* an interrupt that wakes it may come, any time */

	atomic_uint output; /* gic_user_output() */
	u32 wires; /* what the output is to be, under the rig's gic */
	u32 delivered; /* of the output, or LINES_UNKNOWN; the thread's own */
	u32 lines; /* as KVM has them */
	u32 acknowledged;

	/* What the checks go by. */
	u32 in_guest;
	u32 in_with[LINES_UNKNOWN]; /* and its lines are like this */
	u32 kept_out; /* by how many holders: it is not in the guest, whatever is posted */
	u32 frozen; /* how many of them rely on its doing nothing at all */
	u32 begun; /* its gate is open */
	u32 unborn; /* it was not, when it was last seen held: RESET and OFF find it later */
	u32 unreset; /* RESET or OFF is posted, and not accepted */
	u32 starts; /* at a CPU_ON's entry */
	u32 wakes;
	u32 reached; /* it has been in the guest at a pc above 0 */
	u32 ended, gone; /* it has taken EXIT; and closed the gate */
};

struct rig {
	u32 nr;
	u32 bell[HOLDERS + 1]; /* parked() rings those of the holders */
	u32 holders; /* that there are in this scenario */
	u32 request_bell; /* requested() rings it; BELL_OF_REQUESTS, unless the scenario says so */
	bool endless; /* its vCPUs' threads need not end: fewer states */
	bool prompt; /* kicks and bells are there at once: fewer states */
	bool connected; /* rig_connect() */
	bool shared; /* several threads change the output of one CPU */
	struct mutex gic; /* then under this */
	u32 boot_pc; /* where GATE_RESET starts it */
	struct power *power;
	struct cpu cpu[CPUS];
	const struct program *programs; /* PROGRAMS of them */
};

/* The rig of this scenario: @nr vCPUs, CPU 0 on and at pc 0, in model memory. */
struct rig *rig_build(u32 nr, const struct program *programs);
/* Their lines are driven by them, and not inside KVM. Before their threads are there. */
void rig_connect(struct rig *r);
/* And their threads; one without counts as ended. */
void rig_spawn(struct rig *r);
void rig_spawn_cpu(struct rig *r, u32 cpu);

/* What vcpu.h calls vcpu_...(); for the other threads of the scenario. */
void rig_post(struct cpu *c, u32 events);
void rig_kick(struct cpu *c); /* vcpu.c's kick() */
/* A device's wire to it, straight through its interrupt controller. */
void rig_wire(struct cpu *c, u32 line, bool level);
/* The interrupt controller is reset, all CPUs being held: no wire is up. */
void rig_drop_wires(struct rig *r);
/* Its guest has found and ended all there was. */
void rig_acknowledge(struct cpu *c);
void rig_answer(struct cpu *c, u32 err);
/* @holder: whose bell. @impatient: it may give up at any time. Return: false when it did. */
bool rig_hold_all(struct rig *r, u32 holder, bool impatient);
void rig_release_all(struct rig *r);
/* The same for one who only wants them out of the guest, and lets others reset them. */
void rig_keep_out(struct rig *r, u32 holder);
void rig_let_in(struct rig *r);
/* RESET or OFF to each, which all are held for; then until all are held again. */
void rig_reset_all(struct rig *r);
bool rig_settle_all(struct rig *r, u32 holder, bool impatient);
bool rig_request(struct cpu *c, struct psci_system *what);
/* CPU_ON from outside the machine. Return: power_cpu_on()'s answer. */
int rig_cpu_on(struct rig *r, u32 cpu, u32 pc, u32 context);

void rig_end_all(struct rig *r); /* GATE_EXIT to every vCPU */

#endif /* TESTS_MODEL_RIG_H */
