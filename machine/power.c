/* SPDX-License-Identifier: MIT */
/*
 * System calls of power: off, reset, suspend. A vCPU asks and waits; the loop's
 * thread takes all of them out of the guest and decides (design: no look at each
 * in turn, when the next may have changed by then).
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine/base/kvm.h"
#include "machine/base/log.h"
#include "machine/machine_private.h"
#include "machine/memory.h"

static u64 now_ns(void *host)
{
	struct timespec ts;

	must0(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void on_change(void *host, const struct power_change *c)
{
	const struct machine *m = host;

	trace_change(m->trace, c);
}

static const struct power_ops power_ops = { .now = now_ns, .changed = on_change };

int machine_trace_up(struct machine *m)
{
	return m->cfg->trace_power ? trace_open(m->cfg->trace_power, &m->trace) : 0;
}

void machine_trace_down(struct machine *m)
{
	trace_close(m->trace);
}

/* With --psci auto only the host says who answers. */
static int refuse_kernel(const struct machine_config *cfg)
{
	const char *option = config_needs_user_psci(cfg);

	if (!option)
		return 0;
	return log_refuse(-ENOTSUP, "--%s: this host's KVM answers PSCI calls by itself", option);
}

int machine_power_up(struct machine *m)
{
	u64 *mpidr = calloc(m->cfg->nr_cpus, sizeof(*mpidr));
	int err = mpidr ? 0 : -ENOMEM;

	for (u32 i = 0; err == 0 && i < m->cfg->nr_cpus; i++)
		mpidr[i] = layout_mpidr(i);
	if (err == 0)
		err = power_create(m->cfg->nr_cpus, mpidr, &power_ops, m, &m->power);
	free(mpidr);
	if (err < 0)
		return log_errno(err, "power table");

	m->psci = (struct psci){
		.ops = &vcpu_psci_ops,
		.host = &m->env,
		.cfg = {
			.version = m->cfg->psci_version,
			.extended_state_id = m->cfg->psci_extended_state_id,
			.denied = m->cfg->psci_denied,
		},
	};
	m->inject.nr = m->cfg->nr_psci_injects;
	memcpy(m->inject.rule, m->cfg->psci_inject, sizeof(m->inject.rule));
	m->env.power = m->power;
	m->env.psci = m->arch.psci_user ? &m->psci : NULL;
	trace_start(m->trace, m->arch.psci_user);
	m->env.inject = m->inject.nr ? &m->inject : NULL;
	m->env.traced = m->trace != NULL;
	m->env.ram = &m->ram;
	m->env.arch = &m->arch;
	err = m->arch.psci_user ? 0 : refuse_kernel(m->cfg);
	if (err < 0)
		machine_power_down(m);
	return err;
}

void machine_power_down(struct machine *m)
{
	power_destroy(m->power);
	m->power = NULL;
}

static void vcpu_requested(void *host, struct vcpu *v)
{
	struct machine *m = host;

	loop_event_signal(&m->bell);
}

static void vcpu_parked(void *host, struct vcpu *v)
{
	struct machine *m = host;

	loop_event_signal(&m->bell);
}

static void vcpu_woke(void *host, struct vcpu *v, bool by_interrupt)
{
	const struct machine *m = host;

	trace_wake(m->trace, vcpu_index(v), by_interrupt ? "interrupt" : m->woken_by);
}

static void vcpu_called(void *host, struct vcpu *v, const struct vcpu_psci_call *c)
{
	const struct machine *m = host;

	trace_call(m->trace, vcpu_index(v), c);
}

const struct vcpu_host_ops machine_vcpu_ops = {
	.requested = vcpu_requested,
	.parked = vcpu_parked,
	.woke = vcpu_woke,
	.called = vcpu_called,
	.ended = machine_vcpu_ended,
	.gone = machine_vcpu_gone,
};

/* A table and a KVM that say different things: one of them lets a CPU run that is off. */
static void disagree(struct machine *m, u32 cpu, u32 mp_state)
{
	const char *state = power_state_name(power_state(m->power, cpu));

	if (outcome_decide(&m->outcome, OUTCOME_HOST,
	                   "internal error: vCPU %u is %s, and KVM has it in mp_state %u", cpu,
	                   state, mp_state))
		(void)log_refuse(-EIO, "%s", m->outcome.reason);
}

static u32 expected_mp_state(enum power_state s)
{
	switch (s) {
	case POWER_OFF:
	case POWER_ON_PENDING:
		return KVM_MP_STATE_STOPPED;
	case POWER_SUSPENDED:
	case POWER_ASLEEP:
		return KVM_MP_STATE_SUSPENDED;
	case POWER_ON:
	case POWER_NR_STATES:
		break;
	}
	return KVM_MP_STATE_RUNNABLE;
}

/*
 * With all vCPUs held: does KVM's state of each follow the table? One that has
 * an event to accept may be behind. With KVM's own PSCI it is the table that follows.
 */
static void compare_mp_states(struct machine *m)
{
	for (u32 i = 0; i < m->cfg->nr_cpus; i++) {
		struct kvm_mp_state mp;
		int err = kvm_call(vcpu_fd(m->vcpu[i]), KVM_GET_MP_STATE, &mp);

		if (err < 0)
			log_at(LOG_WARN, "vCPU %u: KVM_GET_MP_STATE: %s", i, strerror(-err));
		else if (!m->env.psci)
			power_observe(m->power, i, mp.mp_state != KVM_MP_STATE_STOPPED);
		else if (!(vcpu_pending(m->vcpu[i]) & ~(u32)(GATE_HOLD | GATE_LINES)) &&
		         mp.mp_state != expected_mp_state(power_state(m->power, i)))
			disagree(m, i, mp.mp_state);
	}
}

/* Return: false when a vCPU does not come out, which ends the machine. */
static bool is_held(struct machine *m, int err, u32 late)
{
	char where[48];

	machine_patience_end(m);
	if (err < 0 && outcome_decide(&m->outcome, OUTCOME_HOST, "vCPU %u cannot be held: it is %s",
	                              late, vcpu_whereabouts(m->vcpu[late], where, sizeof(where))))
		(void)log_refuse(err, "%s", m->outcome.reason);
	return err == 0;
}

static bool hold_all(struct machine *m)
{
#ifdef NDEBUG
	const bool compare = !m->env.psci; /* the table needs it */
#else
	const bool compare = true;
#endif
	const struct vcpu_patience how = { machine_patience, m };
	u32 late = 0;
	int err = vcpu_hold_all(m->vcpu, m->cfg->nr_cpus, &how, &late);

	if (!is_held(m, err, late))
		return false;
	if (compare)
		compare_mp_states(m);
	return true;
}

static void release_all(struct machine *m)
{
	vcpu_release_all(m->vcpu, m->cfg->nr_cpus);
}

/* All vCPUs are held. False: the machine was ended meanwhile. */
static bool reboot(struct machine *m)
{
	const struct vcpu_patience how = { machine_patience, m };
	struct psci_system stale;
	u32 late = 0;
	int err;

	while (!machine_devices_reset(m))
		if (!machine_turn(m) || machine_over(m))
			return false;

	err = machine_irqchip_reset(m);
	if (err == 0)
		err = memory_restore(&m->ram);
	if (err == 0 && m->pvtime.host)
		err = memory_restore(&m->pvtime);
	if (err < 0) {
		(void)outcome_decide(&m->outcome, OUTCOME_HOST, "it could not be started again");
		return false;
	}

	power_reset(m->power);
	psci_reset(&m->psci);
	m->reboots++;
	for (u32 i = 0; i < m->cfg->nr_cpus; i++) {
		(void)vcpu_request(m->vcpu[i], &stale); /* asked by a guest that is gone */
		vcpu_post(m->vcpu[i], i == 0 ? GATE_RESET : GATE_OFF);
	}
	/* The first instruction is to find all of them reset. */
	err = vcpu_settle_all(m->vcpu, m->cfg->nr_cpus, &how, &late);
	return is_held(m, err, late);
}

/* What it is in words, in @buf or not. */
static const char *words(const struct psci_system *what, char *buf, size_t size)
{
	switch (what->kind) {
	case PSCI_SYSTEM_OFF:
		return "the guest powered off";
	case PSCI_SYSTEM_RESET:
		return "the guest asked for a reset";
	case PSCI_SYSTEM_RESET2:
		(void)snprintf(
			buf, size,
			"the guest asked for a reset (SYSTEM_RESET2, type %#x, cookie %#llx)",
			what->reset_type, what->cookie);
		return buf;
	case PSCI_SYSTEM_SUSPEND:
		return "the guest sleeps";
	case PSCI_SYSTEM_HIBERNATE:
		return "the guest hibernated";
	}
	return "";
}

/* Return: what came of it. The vCPUs are held before and after. */
static const char *reset(struct machine *m, const struct psci_system *what)
{
	const struct machine_config *cfg = m->cfg;
	char buf[100];
	const char *why = words(what, buf, sizeof(buf));

	switch (cfg->reset) {
	case CONFIG_RESET_REBOOT:
		if (cfg->max_reboots && m->reboots == cfg->max_reboots)
			break;
		log_at(LOG_INFO, "%s: reboot %u", why, m->reboots + 1);
		return reboot(m) ? "reboot" : "failed";
	case CONFIG_RESET_PAUSE:
		log_at(LOG_WARN, "%s: paused, SIGUSR1 goes on with it", why);
		m->paused = true;
		m->wake_by = NULL; /* whoever wanted it awake did not know of this */
		return "pause";
	case CONFIG_RESET_EXIT:
		break;
	}
	(void)outcome_decide(&m->outcome, OUTCOME_RESET, "%s", why);
	return "exit";
}

/* The registers stay as they are: they are reset when it wakes. */
static const char *suspend(struct machine *m, u32 cpu, const struct psci_system *what)
{
	/* KVM's own PSCI leaves the entry point to us, and ours has looked at it. */
	s64 code = psci_check_entry(&m->psci, &what->entry);

	if (code == PSCI_SUCCESS)
		code = psci_code_of(power_sleep(m->power, cpu, &what->entry));
	if (code != PSCI_SUCCESS) {
		vcpu_answer(m->vcpu[cpu], code);
		return psci_code_name(code);
	}
	log_at(LOG_INFO, "%s", words(what, NULL, 0));
	vcpu_post(m->vcpu[cpu], GATE_SUSPEND);
	return "granted";
}

/* Return: what came of it, for the trace. */
static const char *decide(struct machine *m, u32 cpu, const struct psci_system *what)
{
	switch (what->kind) {
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_HIBERNATE:
		(void)outcome_decide(&m->outcome, OUTCOME_POWER_OFF, "%s", words(what, NULL, 0));
		return "exit";
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
		return reset(m, what);
	case PSCI_SYSTEM_SUSPEND:
		return suspend(m, cpu, what);
	}
	return "failed";
}

/* Those that asked for the same moment are answered one after the other. */
static void serve_request(struct machine *m, u32 cpu, const struct psci_system *what)
{
	struct trace_decision t = { .cpu = cpu, .kind = what->kind, .held = m->cfg->nr_cpus };
	u64 start = now_ns(NULL), held;

	/* At the end of the machine they stay held: EXIT lets them go. */
	if (!hold_all(m) || machine_over(m))
		return;
	held = now_ns(NULL);
	t.hold_ns = held - start;
	t.result = decide(m, cpu, what);
	if (!machine_over(m) && !m->paused) {
		release_all(m);
		t.held_ns = now_ns(NULL) - held;
	}
	trace_decision(m->trace, &t);
	m->last_decision = t;
	m->held_since = held;
}

/* The reset that a paused machine was asked for; what held its vCPUs all the time ends. */
static void resume(struct machine *m)
{
	struct trace_decision t = m->last_decision;

	m->paused = false;
	log_at(LOG_INFO, "goes on with the reset: reboot %u", m->reboots + 1);
	t.result = reboot(m) ? "reboot" : "failed";
	if (!machine_over(m)) {
		release_all(m);
		t.held_ns = now_ns(NULL) - m->held_since;
	}
	trace_decision(m->trace, &t);
}

static void serve_wake(struct machine *m)
{
	const char *by = m->wake_by;
	int cpu = power_asleep(m->power);

	m->wake_by = NULL;
	if (m->paused) {
		resume(m);
	} else if (cpu >= 0) {
		m->woken_by = by;
		vcpu_post(m->vcpu[cpu], GATE_WAKE);
	} else {
		log_at(LOG_DEBUG, "%s: the guest does not sleep", by);
	}
}

/* Return: whether there was any request. */
static bool serve_requests(struct machine *m)
{
	struct psci_system what;
	bool any = false;

	/* While it is paused nobody is there to ask. */
	for (u32 i = 0; i < m->cfg->nr_cpus && !machine_over(m) && !m->paused; i++) {
		if (!vcpu_request(m->vcpu[i], &what))
			continue;
		any = true;
		serve_request(m, i, &what);
	}
	return any;
}

/*
 * Requests before wake-ups: one that came with a request to sleep is for that
 * sleep. Serving turns the loop, and with it the bells go by of those who ask
 * meanwhile: look until nobody has.
 */
void machine_power_serve(struct machine *m)
{
	bool any;

	do {
		any = serve_requests(m);
		if (m->wake_by && !machine_over(m)) {
			serve_wake(m);
			any = true;
		}
	} while (any);
}

void machine_wake(struct machine *m, const char *by)
{
	m->wake_by = by;
}
