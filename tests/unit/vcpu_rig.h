/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_VCPU_RIG_H
#define TESTS_UNIT_VCPU_RIG_H

#include "tests/unit/vcpu_fake_ops.h"

/* PSCI as a 64-bit guest calls it. */
#define CALL_VERSION        0x84000000u
#define CALL_SUSPEND        0xc4000001u
#define CALL_OFF            0x84000002u
#define CALL_ON             0xc4000003u
#define CALL_AFFINITY_INFO  0xc4000004u
#define CALL_SYSTEM_OFF     0x84000008u
#define CALL_SYSTEM_RESET   0x84000009u
#define CALL_SYSTEM_SUSPEND 0xc400000eu
#define CALL_SYSTEM_RESET2  0xc4000012u
#define CALL_SYSTEM_OFF2    0xc4000015u
#define ENTRY               (RIG_RAM + 0x100)

/* The machine around the vCPUs of vcpu_fake.h, and what the tests do with them. */

static inline void rig_on_requested(void *host, struct vcpu *v)
{
	(void)rig_note(rig_by_vcpu(v), RIG_REQUESTED, 0, 0, 0);
}

static inline void rig_on_parked(void *host, struct vcpu *v)
{
	(void)rig_note(rig_by_vcpu(v), RIG_PARKED, 0, 0, 0);
}

static inline void rig_on_woke(void *host, struct vcpu *v, bool by_interrupt)
{
	(void)rig_note(rig_by_vcpu(v), RIG_WOKE, by_interrupt, 0, 0);
}

static inline void rig_on_called(void *host, struct vcpu *v, const struct vcpu_psci_call *call)
{
	struct rig_cpu *c = rig_by_vcpu(v);

	must0(pthread_mutex_lock(&c->k->lock));
	c->called = *call;
	must0(pthread_mutex_unlock(&c->k->lock));
	(void)rig_note(c, RIG_CALLED, 0, 0, 0);
}

static inline void rig_on_ended(void *host, struct vcpu *v, const struct vcpu_end *end)
{
	struct rig_cpu *c = rig_by_vcpu(v);

	must0(pthread_mutex_lock(&c->k->lock));
	c->end = *end;
	must0(pthread_mutex_unlock(&c->k->lock));
	(void)rig_note(c, RIG_ENDED, 0, 0, 0);
}

static inline void rig_on_gone(void *host, struct vcpu *v)
{
	(void)rig_note(rig_by_vcpu(v), RIG_GONE, 0, 0, 0);
}

static const struct vcpu_host_ops rig_host_ops = {
	.requested = rig_on_requested,
	.parked = rig_on_parked,
	.woke = rig_on_woke,
	.called = rig_on_called,
	.ended = rig_on_ended,
	.gone = rig_on_gone,
};

static inline u64 rig_clock(void *host)
{
	return atomic_fetch_add(&((struct rig *)host)->clock, 1000);
}

static inline void rig_on_change(void *host, const struct power_change *change)
{
	struct rig *k = host;

	(void)atomic_fetch_add_explicit(&k->changes, 1, memory_order_relaxed);
	if (change->from == POWER_OFF && change->to == POWER_ON)
		(void)atomic_fetch_add_explicit(&k->claims, 1, memory_order_relaxed);
	(void)rig_note(&k->cpu[change->cpu], RIG_CHANGED, change->from, change->to, 0);
}

static const struct power_ops rig_power_ops = { .now = rig_clock, .changed = rig_on_change };

static inline u64 rig_reg_read(void *dev, u32 offset, u32 width)
{
	struct rig *k = dev;

	(void)rig_note(&k->cpu[0], RIG_LOAD, offset, width, 0);
	return k->reg;
}

static inline void rig_reg_write(void *dev, u32 offset, u32 width, u64 value)
{
	struct rig *k = dev;

	if (k->doorbell) {
		k->doorbell(k, offset);
		return;
	}
	k->reg = value;
	k->reg_width = width;
}

static const struct bus_ops rig_reg_ops = { rig_reg_read, rig_reg_write };

static inline void rig_init(struct rig *k, bool kernel_psci)
{
	k->env = (struct vcpu_env){
		.vm_fd = -1,
		.run_size = RIG_RUN_SIZE,
		.kvm = &rig_kvm,
		.bus = k->bus,
		.ram = &k->ram,
		.power = k->env.power,
		.psci = kernel_psci ? NULL : &k->psci,
		.vcpu = k->v,
		.ops = &rig_host_ops,
		.host = k,
	};
	k->ram = (struct gmem){ k->ram_bytes, RIG_RAM, RIG_RAM_SIZE };
	k->psci = (struct psci){
		.ops = &vcpu_psci_ops,
		.host = &k->env,
		.cfg = { .version = PSCI_1_1 },
	};
	must0(sem_init(&k->heal, 0, 0));
	must0(pthread_mutex_init(&k->holding, NULL));
	must0(pthread_mutex_init(&k->lock, NULL));
	must0(pthread_cond_init(&k->changed, NULL));
}

static inline int rig_cpu_init(struct rig *k, u32 i)
{
	struct rig_cpu *c = &k->cpu[i];

	*c = (struct rig_cpu){
		.k = k,
		.index = i,
		.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.mp = { .mp_state = i ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE },
		.random = i + 1,
		.stop_at = RIG_NR,
	};
	if (c->bell < 0 || vcpu_create(&k->env, i, &k->v[i]) < 0)
		return -1;
	c->fd = vcpu_fd(k->v[i]);
	c->run = vcpu_run_page(k->v[i]);
	return 0;
}

/* Every vCPU exists, none is started; CPU 0 is ON. */
static inline int rig_up(void **state, bool kernel_psci)
{
	static struct rig rig;
	struct rig *k = &rig;
	u64 mpidr[RIG_CPUS];

	memset(k, 0, sizeof(*k));
	rig_now = *state = k;
	for (u32 i = 0; i < RIG_CPUS; i++)
		mpidr[i] = i;
	if (bus_create(&k->bus) < 0 ||
	    bus_add(k->bus, "reg", RIG_DEVICE, 0x1000, &rig_reg_ops, k) < 0 ||
	    bus_add(k->bus, "under", RIG_UNDER, RIG_UNDER_SIZE, &rig_reg_ops, k) < 0 ||
	    power_create(RIG_CPUS, mpidr, &rig_power_ops, k, &k->env.power) < 0)
		return -1;
	bus_freeze(k->bus);
	rig_init(k, kernel_psci);
	for (u32 i = 0; i < RIG_CPUS; i++)
		if (rig_cpu_init(k, i) < 0)
			return -1;
	return 0;
}

static inline int rig_setup(void **state)
{
	return rig_up(state, false);
}

static inline int rig_setup_kernel(void **state)
{
	return rig_up(state, true);
}

/* Whoever stands at rig_stop_at() goes on, up to the next @stop_at. */
static inline void rig_go_to(struct rig *k, u32 cpu, enum rig_what stop_at)
{
	must0(pthread_mutex_lock(&k->lock));
	k->cpu[cpu].stop_at = stop_at;
	k->cpu[cpu].stopped = false;
	must0(pthread_cond_broadcast(&k->changed));
	must0(pthread_mutex_unlock(&k->lock));
}

static inline void rig_go(struct rig *k, u32 cpu)
{
	rig_go_to(k, cpu, RIG_NR);
}

/* EXIT to all, and their threads are over. */
static inline void rig_stop(struct rig *k)
{
	for (u32 i = 0; i < RIG_CPUS; i++) {
		rig_go(k, i);
		must0(sem_post(&k->heal));
		if (k->started[i])
			vcpu_post(k->v[i], GATE_EXIT);
	}
	for (u32 i = 0; i < RIG_CPUS; i++)
		vcpu_join(k->v[i]);
	memset(k->started, 0, sizeof(k->started));
}

static inline int rig_teardown(void **state)
{
	struct rig *k = *state;
	const char *wrong;

	rig_stop(k);
	wrong = atomic_load(&k->wrong);
	if (wrong)
		print_error("%s\n", wrong);
	for (u32 i = 0; i < RIG_CPUS; i++) {
		vcpu_destroy(k->v[i]);
		(void)close(k->cpu[i].bell);
	}
	must0(sem_destroy(&k->heal));
	must0(pthread_cond_destroy(&k->changed));
	must0(pthread_mutex_destroy(&k->lock));
	must0(pthread_mutex_destroy(&k->holding));
	power_destroy(k->env.power);
	bus_destroy(k->bus);
	gic_user_destroy(k->env.gic);
	return wrong ? -1 : 0;
}

/* For the next row of a table. */
static inline void rig_again(void **state)
{
	assert_int_equal(rig_teardown(state), 0);
	assert_int_equal(rig_setup(state), 0);
}

static inline void rig_start(struct rig *k, u32 cpu)
{
	k->started[cpu] = true;
	assert_int_equal(vcpu_start(k->v[cpu], NULL), 0);
}

static inline struct rig_note rig_last(struct rig *k, u32 cpu, enum rig_what what)
{
	struct rig_note n;

	must0(pthread_mutex_lock(&k->lock));
	n = k->cpu[cpu].note[what];
	must0(pthread_mutex_unlock(&k->lock));
	return n;
}

static inline u32 rig_count(struct rig *k, u32 cpu, enum rig_what what)
{
	return rig_last(k, cpu, what).count;
}

/* Until it has happened @count times since the beginning. Return: the last of them. */
static inline struct rig_note rig_wait(struct rig *k, u32 cpu, enum rig_what what, u32 count)
{
	struct rig_note n;
	bool patient = true;

	must0(pthread_mutex_lock(&k->lock));
	while (k->cpu[cpu].note[what].count < count && patient)
		patient = rig_timed_wait(k);
	n = k->cpu[cpu].note[what];
	must0(pthread_mutex_unlock(&k->lock));
	if (!patient)
		fail_msg("CPU %u: '%s' came %u times, not %u", cpu, rig_words[what], n.count,
		         count);
	return n;
}

/* Until it sleeps in KVM in this state, and has come to all that was pushed. */
static inline void rig_idle(struct rig *k, u32 cpu, u32 mp_state)
{
	const struct rig_cpu *c = &k->cpu[cpu];
	const u64 *last = c->note[RIG_INSIDE].arg;
	bool patient = true;

	must0(pthread_mutex_lock(&k->lock));
	while (!(c->dozing && *last == mp_state && c->head == c->tail) && patient)
		patient = rig_timed_wait(k);
	must0(pthread_mutex_unlock(&k->lock));
	if (!patient)
		fail_msg("CPU %u does not come to rest in mp_state %u", cpu, mp_state);
}

/* The next @what of @cpu, on whatever thread it happens, waits for rig_go(). */
static inline void rig_stop_at(struct rig *k, u32 cpu, enum rig_what what)
{
	must0(pthread_mutex_lock(&k->lock));
	k->cpu[cpu].stop_at = what;
	must0(pthread_mutex_unlock(&k->lock));
}

static inline void rig_fail(struct rig *k, u32 cpu, enum rig_what what, int err)
{
	must0(pthread_mutex_lock(&k->lock));
	k->cpu[cpu].fail[what] = err;
	must0(pthread_mutex_unlock(&k->lock));
}

/* The guest on @cpu comes to this when it has come to all that was pushed before. */
static inline void rig_push(struct rig *k, u32 cpu, const struct rig_exit *e)
{
	struct rig_cpu *c = &k->cpu[cpu];

	must0(pthread_mutex_lock(&k->lock));
	must0(c->tail - c->head >= RIG_QUEUE);
	c->queue[c->tail++ % RIG_QUEUE] = *e;
	must0(pthread_mutex_unlock(&k->lock));
	rig_ring(c);
}

static inline u32 rig_unserved(struct rig *k, u32 cpu)
{
	u32 n;

	must0(pthread_mutex_lock(&k->lock));
	n = k->cpu[cpu].tail - k->cpu[cpu].head;
	must0(pthread_mutex_unlock(&k->lock));
	return n;
}

static inline void rig_push_call(struct rig *k, u32 cpu, u32 fid, u64 x1, u64 x2, u64 x3)
{
	rig_push(k, cpu,
	         &(struct rig_exit){
			 .reason = KVM_EXIT_HYPERCALL, .fid = fid, .x = { x1, x2, x3 } });
}

/* Return: what the call of @cpu, which runs, returns. */
static inline s64 rig_call(struct rig *k, u32 cpu, u32 fid, u64 x1, u64 x2, u64 x3)
{
	u32 n = rig_count(k, cpu, RIG_ANSWER);

	rig_push_call(k, cpu, fid, x1, x2, x3);
	return (s64)rig_wait(k, cpu, RIG_ANSWER, n + 1).arg[0];
}

static inline void rig_interrupt(struct rig *k, u32 cpu)
{
	atomic_store(&k->cpu[cpu].irq, true);
	rig_ring(&k->cpu[cpu]);
}

struct rig_patience {
	struct rig *k;
	u32 seen; /* how many had parked when it looked last */
	u32 enough; /* it is lost when so many have parked; 0: never */
	bool goes; /* CPU 0 stands at rig_stop_at() until the hold is there */
};

static inline bool rig_patient(void *ctx)
{
	struct rig_patience *p = ctx;
	struct rig *k = p->k;
	bool patient = true;

	if (p->goes)
		rig_go(k, 0);
	p->goes = false;
	must0(pthread_mutex_lock(&k->lock));
	while (k->nr_parked == p->seen && patient)
		patient = rig_timed_wait(k);
	p->seen = k->nr_parked;
	must0(pthread_mutex_unlock(&k->lock));
	return patient && (p->enough == 0 || p->seen < p->enough);
}

/* With what ThreadSanitizer and the fake need to see that nobody else is there. */
static inline bool rig_try_hold(struct rig *k, u32 first, u32 nr)
{
	struct rig_patience patience = { .k = k };
	const struct vcpu_patience how = { rig_patient, &patience };
	u32 late;

	if (vcpu_hold_all(&k->v[first], nr, &how, &late) < 0)
		return false;
	must0(pthread_mutex_lock(&k->holding));
	for (u32 i = first; i < first + nr; i++) {
		(void)atomic_fetch_add(&k->cpu[i].held, 1);
		rig_must(k, !atomic_load(&k->cpu[i].inside), "a held vCPU is in its guest");
		k->cpu[i].touched++;
	}
	must0(pthread_mutex_unlock(&k->holding));
	return true;
}

static inline void rig_hold(struct rig *k, u32 first, u32 nr)
{
	assert_true(rig_try_hold(k, first, nr));
}

static inline void rig_release(struct rig *k, u32 first, u32 nr)
{
	for (u32 i = first; i < first + nr; i++)
		(void)atomic_fetch_sub(&k->cpu[i].held, 1);
	vcpu_release_all(&k->v[first], nr);
}

/* It has been at its gate. */
static inline void rig_settle(struct rig *k, u32 cpu)
{
	rig_hold(k, cpu, 1);
	rig_release(k, cpu, 1);
}

/* Start it; its thread has begun, and come to its gate. */
static inline void rig_begin(struct rig *k, u32 cpu)
{
	rig_hold(k, cpu, 1);
	atomic_store(&k->cpu[cpu].lent, true); /* until its thread says that it is held */
	rig_start(k, cpu);
	(void)rig_wait(k, cpu, RIG_PARKED, 1);
	atomic_store(&k->cpu[cpu].lent, false);
	rig_release(k, cpu, 1);
}

/* Its KVM state; it is held meanwhile. */
static inline u32 rig_mp_state(struct rig *k, u32 cpu)
{
	u32 mp;

	rig_hold(k, cpu, 1);
	mp = k->cpu[cpu].mp.mp_state;
	rig_release(k, cpu, 1);
	return mp;
}

/* CPU 0 runs, and so do these others, turned on by it at ENTRY. */
static inline void rig_run(struct rig *k, u32 nr)
{
	rig_start(k, 0);
	for (u32 i = 1; i < nr; i++) {
		rig_start(k, i);
		assert_int_equal(rig_call(k, 0, CALL_ON, i, ENTRY, i), PSCI_SUCCESS);
	}
	for (u32 i = 0; i < nr; i++)
		rig_idle(k, i, KVM_MP_STATE_RUNNABLE);
}

static inline void rig_check_request(struct rig *k, u32 cpu, const struct psci_system *want)
{
	struct psci_system got = { 0 };

	assert_true(vcpu_request(k->v[cpu], &got));
	assert_int_equal(got.kind, want->kind);
	assert_int_equal(got.reset_type, want->reset_type);
	assert_int_equal(got.cookie, want->cookie);
	assert_int_equal(got.entry.pc, want->entry.pc);
	assert_int_equal(got.entry.context_id, want->entry.context_id);
	assert_int_equal(got.entry.big_endian, want->entry.big_endian);
	/* Once. */
	assert_false(vcpu_request(k->v[cpu], &got));
}

/* As the machine does it; every vCPU is held meanwhile. */
static inline void rig_grant(struct rig *k, u32 cpu, const struct psci_system *what)
{
	assert_int_equal(power_sleep(k->env.power, cpu, &what->entry), 0);
	vcpu_post(k->v[cpu], GATE_SUSPEND);
}

static inline void rig_fall_asleep(struct rig *k, u32 cpu, u64 context_id)
{
	const u32 asked = rig_count(k, cpu, RIG_REQUESTED);
	struct psci_system what;

	rig_push_call(k, cpu, CALL_SYSTEM_SUSPEND, ENTRY, context_id, 0);
	(void)rig_wait(k, cpu, RIG_REQUESTED, asked + 1);
	assert_true(vcpu_request(k->v[cpu], &what));
	rig_hold(k, 0, RIG_CPUS);
	rig_grant(k, cpu, &what);
	rig_release(k, 0, RIG_CPUS);
}

/* As the machine does it, with every vCPU held before and after. */
static inline void rig_start_again(struct rig *k)
{
	struct rig_patience patience = { .k = k };
	const struct vcpu_patience how = { rig_patient, &patience };
	struct psci_system stale;
	u32 late;

	power_reset(k->env.power);
	for (u32 i = 0; i < RIG_CPUS; i++) {
		(void)vcpu_request(k->v[i], &stale);
		atomic_store(&k->cpu[i].lent, true);
		vcpu_post(k->v[i], i == 0 ? GATE_RESET : GATE_OFF);
	}
	assert_int_equal(vcpu_settle_all(k->v, RIG_CPUS, &how, &late), 0);
	for (u32 i = 0; i < RIG_CPUS; i++) {
		atomic_store(&k->cpu[i].lent, false);
		k->cpu[i].touched++;
	}
}

#endif /* TESTS_UNIT_VCPU_RIG_H */
