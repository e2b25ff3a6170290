/* SPDX-License-Identifier: MIT */
/*
 * Where the guest's power calls meet the machine: hypercalls into psci/, psci/'s
 * wishes into the power table, what the table decided into events, and events
 * into the state of the vCPU. All on the vCPU's own thread.
 */
#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <time.h>

#include "machine/base/bits.h"
#include "machine/base/gmem.h"
#include "vcpu/vcpu_private.h"

/* struct kvm_run's system_event.flags on arm64, by type. */
enum {
	RESET_FLAG_PSCI_RESET2 = 1, /* KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2, Linux 5.19 */
	SHUTDOWN_FLAG_PSCI_OFF2 = 1, /* KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2, Linux 6.13 */
};

static int host_failed(struct vcpu *v, struct vcpu_end *end, const char *what, int err)
{
	return vcpu_end(end, VCPU_END_HOST, "vCPU %u: %s: %s", v->index, what, strerror(-err));
}

static int set_mp_state(struct vcpu *v, u32 state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	return v->env->kvm->call(v->fd, KVM_SET_MP_STATE, &mp);
}

/* The call that a vCPU waited in returns. */
static int go_on(struct vcpu *v, s64 value)
{
	v->mode = VCPU_RUN;
	return v->env->kvm->answer(v, (u64)value);
}

/* What ends a suspend: an interrupt, which KVM tells, or somebody's event. */
static int wake(struct vcpu *v, bool by_interrupt)
{
	bool system = power_state(v->env->power, v->index) == POWER_ASLEEP;
	struct psci_entry entry;
	int err;

	v->mode = VCPU_RUN;
	if (power_wake(v->env->power, v->index, &entry)) {
		err = v->env->kvm->start(v, &entry, true);
	} else {
		err = set_mp_state(v, KVM_MP_STATE_RUNNABLE);
		if (err == 0)
			err = v->env->kvm->answer(v, PSCI_SUCCESS);
	}
	if (system)
		v->env->ops->woke(v->env->host, v, by_interrupt);
	return err;
}

/* An injected delay; whoever wants the vCPU held or ended does not wait for it. */
static void wait_ms(struct vcpu *v, u32 ms)
{
	enum { STEP_MS = 10 };

	for (u32 left = ms; left > 0 && !(gate_pending(&v->gate) & (GATE_EXIT | GATE_HOLD));) {
		u32 step = left < STEP_MS ? left : STEP_MS;
		const struct timespec ts = { .tv_nsec = step * 1000000L };

		(void)nanosleep(&ts, NULL);
		left -= step;
	}
}

static int accept_on(struct vcpu *v)
{
	struct psci_entry entry;

	wait_ms(v, v->pending_ms);
	power_accept(v->env->power, v->index, &entry);
	v->mode = VCPU_RUN;
	return v->env->kvm->start(v, &entry, false);
}

/*
 * A reset that another CPU asked for. All of the CPU is reset, and not only when
 * it is turned on again: KVM resets a CPU's timers and the interrupts they have
 * pending with it, and with nothing else. With KVM's own PSCI it then waits in KVM.
 */
static int accept_off(struct vcpu *v)
{
	v->driven = VCPU_LINES_UNKNOWN;
	v->mode = v->env->psci ? VCPU_OFF : VCPU_RUN;
	return v->env->kvm->off(v);
}

static int accept_reset(struct vcpu *v)
{
	v->driven = VCPU_LINES_UNKNOWN;
	v->mode = VCPU_RUN;
	return v->env->kvm->boot(v);
}

static int accept_suspend(struct vcpu *v)
{
	v->mode = VCPU_SLEEP;
	return set_mp_state(v, KVM_MP_STATE_SUSPENDED);
}

static int accept_answer(struct vcpu *v)
{
	return go_on(v, v->answer);
}

static int accept_wake(struct vcpu *v)
{
	return v->mode == VCPU_SLEEP ? wake(v, false) : 0;
}

/*
 * In the order of their bits, which is the order in which they can be pending
 * together. GATE_LINES is not among them: its lines are driven before it enters,
 * if it does.
 */
static const struct {
	u32 event;
	const char *name;
	int (*accept)(struct vcpu *v);
} accepts[] = {
	{ GATE_RESET, "reset", accept_reset },
	{ GATE_OFF, "power off", accept_off },
	{ GATE_ON, "power on", accept_on },
	{ GATE_SUSPEND, "suspend", accept_suspend },
	{ GATE_ANSWER, "answer its call", accept_answer },
	{ GATE_WAKE, "wake up", accept_wake },
};

int vcpu_accept(struct vcpu *v, u32 events, struct vcpu_end *end)
{
	if (events & (GATE_RESET | GATE_OFF | GATE_ON))
		vcpu_complete(v);
	for (size_t i = 0; i < ARRAY_SIZE(accepts); i++) {
		int err = events & accepts[i].event ? accepts[i].accept(v) : 0;

		if (err < 0)
			return host_failed(v, end, accepts[i].name, err);
	}
	return 0;
}

static bool is_ram(void *host, gpa_t gpa, u64 len)
{
	const struct vcpu_env *env = host;

	return gmem_ptr(env->ram, gpa, len) != NULL;
}

static int cpu_on(void *host, u32 cpu, u64 mpidr, const struct psci_entry *entry)
{
	const struct vcpu_env *env = host;
	u32 ms = env->vcpu[cpu]->inject_ms;
	u32 target;
	int err = power_cpu_on(env->power, mpidr, entry, ms > 0, &target);

	if (err < 0)
		return err;
	/* Ours since the claim, and until the target has accepted it. */
	env->vcpu[target]->pending_ms = ms;
	vcpu_post(env->vcpu[target], GATE_ON);
	return 0;
}

static int affinity_info(void *host, u64 mpidr, u64 mask)
{
	const struct vcpu_env *env = host;

	return power_affinity_info(env->power, mpidr, mask);
}

static int hw_state(void *host, u64 mpidr)
{
	const struct vcpu_env *env = host;

	return power_hw_state(env->power, mpidr);
}

/*
 * From the moment the table says OFF somebody may turn the CPU on again; that
 * comes as an event, and waits until this thread is at the gate.
 */
static int cpu_off(void *host, u32 cpu)
{
	const struct vcpu_env *env = host;
	struct vcpu *v = env->vcpu[cpu];
	int err = set_mp_state(v, KVM_MP_STATE_STOPPED);

	if (err < 0)
		return err;
	power_cpu_off(env->power, cpu);
	v->mode = VCPU_OFF;
	return 0;
}

static int cpu_suspend(void *host, u32 cpu, enum psci_cpu_state state,
                       const struct psci_entry *entry)
{
	const struct vcpu_env *env = host;
	struct vcpu *v = env->vcpu[cpu];
	int err = set_mp_state(v, KVM_MP_STATE_SUSPENDED);

	if (err < 0)
		return err;
	power_suspend(env->power, cpu, state, entry);
	v->mode = VCPU_SLEEP;
	return 0;
}

/* The machine decides, and everybody else may be ahead of us. */
static int request(struct vcpu *v, const struct psci_system *what)
{
	v->request = *what;
	v->mode = VCPU_WAIT;
	atomic_store_explicit(&v->requested, true, memory_order_release);
	v->env->ops->requested(v->env->host, v);
	return 0;
}

static int system_call(void *host, u32 cpu, const struct psci_system *what)
{
	const struct vcpu_env *env = host;

	return request(env->vcpu[cpu], what);
}

static u32 nr_on(void *host)
{
	const struct vcpu_env *env = host;

	return power_nr_on(env->power);
}

static int stat(void *host, u64 mpidr, enum psci_cpu_state state, u64 *residency_us, u64 *count)
{
	const struct vcpu_env *env = host;

	return power_stat(env->power, mpidr, state, residency_us, count);
}

const struct psci_host_ops vcpu_psci_ops = {
	.is_ram = is_ram,
	.cpu_on = cpu_on,
	.affinity_info = affinity_info,
	.hw_state = hw_state,
	.cpu_off = cpu_off,
	.cpu_suspend = cpu_suspend,
	.system = system_call,
	.nr_on = nr_on,
	.stat = stat,
};

bool vcpu_request(struct vcpu *v, struct psci_system *out)
{
	if (!atomic_exchange_explicit(&v->requested, false, memory_order_acquire))
		return false;
	*out = v->request;
	return true;
}

void vcpu_answer(struct vcpu *v, s64 value)
{
	v->answer = value;
	vcpu_post(v, GATE_ANSWER);
}

/* --psci-inject. Return: true when the call is answered with it. */
static bool inject(struct vcpu *v, u32 fid, struct psci_result *result, bool *injected)
{
	const struct psci_inject_rule *rule = NULL;

	if (v->env->inject && psci_offers(&v->env->psci->cfg, fid))
		rule = psci_inject_next(v->env->inject, fid, v->index);
	v->inject_ms = 0;
	*injected = rule != NULL;
	if (!rule)
		return false;
	switch (rule->kind) {
	case PSCI_INJECT_CODE:
		*result = (struct psci_result){ PSCI_RETURN, (u64)rule->code };
		return true;
	case PSCI_INJECT_DELAY:
		wait_ms(v, rule->ms);
		break;
	case PSCI_INJECT_PENDING:
		v->inject_ms = rule->ms;
		break;
	case PSCI_INJECT_NOTHING:
		break;
	}
	return false;
}

/* Which other CPU a call is about, for the trace. */
static int target_of(const struct vcpu *v, const struct vcpu_psci_call *c)
{
	u32 fn = c->fid & (PSCI_FN_MAX - 1);

	if (!psci_fn_name(c->fid) || (fn != PSCI_FN_CPU_ON && fn != PSCI_FN_AFFINITY_INFO))
		return -1;
	return power_cpu_of(v->env->power,
	                    c->fid & (PSCI_FID_32 ^ PSCI_FID_64) ? c->arg[0] : lo32(c->arg[0]));
}

static void trace_before(const struct vcpu *v, struct vcpu_psci_call *c)
{
	struct power *p = v->env->power;

	c->before = power_state(p, v->index);
	c->target = target_of(v, c);
	if (c->target >= 0)
		c->target_before = power_state(p, (u32)c->target);
}

static void trace_after(struct vcpu *v, struct vcpu_psci_call *c)
{
	struct power *p = v->env->power;

	c->after = power_state(p, v->index);
	if (c->target >= 0)
		c->target_after = power_state(p, (u32)c->target);
	v->env->ops->called(v->env->host, v, c);
}

/* Only what the call has: each register is a system call. */
static int read_args(struct vcpu *v, u32 fid, u64 *arg, u32 *nr, bool *big_endian)
{
	const struct vcpu_kvm_ops *kvm = v->env->kvm;
	int err;

	*nr = psci_nr_args(fid);
	err = *nr ? kvm->args(v, *nr, arg) : 0;
	if (err < 0 || !psci_takes_entry(fid))
		return err;
	err = kvm->big_endian(v);
	*big_endian = err > 0;
	return err < 0 ? err : 0;
}

int vcpu_exit_hypercall(struct vcpu *v, struct vcpu_end *end)
{
	const struct vcpu_env *env = v->env;
	struct vcpu_psci_call c = { .fid = (u32)v->run->hypercall.nr };
	bool big_endian = false;
	int err;

	if (!env->psci)
		return vcpu_end(end, VCPU_END_CRASH, "vCPU %u: hypercall %#x, which KVM keeps",
		                v->index, c.fid);
	err = read_args(v, c.fid, c.arg, &c.nr_args, &big_endian);
	if (err < 0)
		return host_failed(v, end, "read the arguments of a call", err);

	if (env->traced)
		trace_before(v, &c);
	if (!inject(v, c.fid, &c.result, &c.injected))
		c.result = psci_call(env->psci, v->index, c.fid, c.arg, big_endian);
	if (env->traced)
		trace_after(v, &c);

	/* It is off, asleep, or waits; what there is to say comes with the event that ends it. */
	if (c.result.then == PSCI_TAKEN)
		return 0;
	err = env->kvm->answer(v, c.result.value);
	return err < 0 ? host_failed(v, end, "answer a call", err) : 0;
}

/* KVM has left X0.. as the caller had them, and the PC behind the call. */
static int kernel_suspend(struct vcpu *v, struct vcpu_end *end)
{
	struct psci_system what = { .kind = PSCI_SYSTEM_SUSPEND };
	u64 arg[2];
	int err = v->env->kvm->args(v, ARRAY_SIZE(arg), arg);

	if (err == 0)
		err = v->env->kvm->big_endian(v);
	if (err < 0)
		return host_failed(v, end, "read the arguments of SYSTEM_SUSPEND", err);
	what.entry = (struct psci_entry){ arg[0], arg[1], err > 0 };
	return request(v, &what);
}

static int kernel_reset2(struct vcpu *v, struct vcpu_end *end)
{
	struct psci_system what = { .kind = PSCI_SYSTEM_RESET2 };
	u64 arg[2];
	int err = v->env->kvm->args(v, ARRAY_SIZE(arg), arg);

	if (err < 0)
		return host_failed(v, end, "read the arguments of SYSTEM_RESET2", err);
	what.reset_type = (u32)arg[0];
	what.cookie = arg[1];
	return request(v, &what);
}

/*
 * An event of KVM's PSCI, api.rst 5 (KVM_EXIT_SYSTEM_EVENT). For a shutdown and
 * a reset KVM has stopped all vCPUs already.
 */
int vcpu_exit_system_event(struct vcpu *v, struct vcpu_end *end)
{
	u64 flags = v->run->system_event.ndata ? v->run->system_event.flags : 0;
	struct psci_system what = { .kind = PSCI_SYSTEM_OFF };
	int err;

	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		if (flags & SHUTDOWN_FLAG_PSCI_OFF2)
			what.kind = PSCI_SYSTEM_HIBERNATE;
		return request(v, &what);
	case KVM_SYSTEM_EVENT_RESET:
		return flags & RESET_FLAG_PSCI_RESET2
		               ? kernel_reset2(v, end)
		               : request(v, &(struct psci_system){ .kind = PSCI_SYSTEM_RESET });
	case KVM_SYSTEM_EVENT_SUSPEND:
		return kernel_suspend(v, end);
	case KVM_SYSTEM_EVENT_WAKEUP:
		/* A timer's level may have changed that its interrupt does not let through. */
		err = v->mode == VCPU_SLEEP && vcpu_is_interrupted(v) ? wake(v, true) : 0;
		return err < 0 ? host_failed(v, end, "wake up", err) : 0;
	case KVM_SYSTEM_EVENT_CRASH:
		return vcpu_end(end, VCPU_END_CRASH, "KVM reports a crash of the guest");
	default:
		return vcpu_end(end, VCPU_END_CRASH, "unknown KVM system event %u",
		                v->run->system_event.type);
	}
}
