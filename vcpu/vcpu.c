/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/base/kvm.h"
#include "machine/base/log.h"
#include "vcpu/arch.h"
#include "vcpu/vcpu_private.h"

static int kvm_create(int vm_fd, u32 index)
{
	return kvm_call_nr(vm_fd, KVM_CREATE_VCPU, index);
}

static int kvm_run(int fd)
{
	return ioctl(fd, KVM_RUN, 0) < 0 ? -errno : 0;
}

static void kvm_kick(struct vcpu *v)
{
	kick_send(v->kick);
}

const struct vcpu_kvm_ops vcpu_kvm = {
	.create = kvm_create,
	.run = kvm_run,
	.kick = kvm_kick,
	.call = kvm_call,
	.args = arch_vcpu_args,
	.big_endian = arch_vcpu_big_endian,
	.answer = arch_vcpu_answer,
	.start = arch_vcpu_start,
	.boot = arch_vcpu_boot,
	.off = arch_vcpu_off,
	.inputs = arch_vcpu_inputs,
	.drive = arch_vcpu_drive,
};

int vcpu_end(struct vcpu_end *end, enum vcpu_end_kind kind, const char *fmt, ...)
{
	va_list ap;

	end->kind = kind;
	va_start(ap, fmt);
	(void)vsnprintf(end->reason, sizeof(end->reason), fmt, ap);
	va_end(ap);
	return -ECANCELED;
}

/* On the vCPU's thread. */
static void parked(void *ctx)
{
	struct vcpu *v = ctx;

	v->env->ops->parked(v->env->host, v);
}

int vcpu_create(const struct vcpu_env *env, u32 index, struct vcpu **out)
{
	struct vcpu *v = calloc(1, sizeof(*v));
	int err;

	if (!v)
		return log_errno(-ENOMEM, "vCPU %u", index);

	v->env = env;
	v->index = index;
	v->run = MAP_FAILED;
	v->driven = VCPU_LINES_UNKNOWN;
	/* With KVM's own PSCI it waits for its CPU_ON inside KVM. */
	v->mode = env->psci && index > 0 ? VCPU_OFF : VCPU_RUN;
	gate_init(&v->gate, parked, v);
	v->fd = -1;
	err = kick_create(KICK_BEST, &v->kick);
	if (err < 0) {
		(void)log_errno(err, "kicks of vCPU %u", index);
		goto fail;
	}
	v->fd = env->kvm->create(env->vm_fd, index);
	if (v->fd < 0) {
		err = log_errno(v->fd, "KVM_CREATE_VCPU %u", index);
		goto fail;
	}

	v->run = mmap(NULL, env->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		err = log_errno(-errno, "map the run page of vCPU %u", index);
		goto fail;
	}

	*out = v;
	return 0;

fail:
	vcpu_destroy(v);
	return err;
}

void vcpu_destroy(struct vcpu *v)
{
	if (!v)
		return;

	assert(!v->started);
	if (v->run != MAP_FAILED)
		(void)munmap(v->run, v->env->run_size);
	if (v->fd >= 0)
		(void)close(v->fd);
	kick_destroy(v->kick);
	gate_done(&v->gate);
	free(v);
}

/* The interrupt controller wants to know which CPU asks, and is asked most often. */
static void store(struct vcpu *v, gpa_t gpa, u32 len, u64 value)
{
	if (!v->env->gic || !gic_user_write(v->env->gic, v->index, gpa, len, value))
		(void)bus_write(v->env->bus, gpa, len, value);
}

static u64 load(struct vcpu *v, gpa_t gpa, u32 len)
{
	u64 value;

	if (!v->env->gic || !gic_user_read(v->env->gic, v->index, gpa, len, &value))
		(void)bus_read(v->env->bus, gpa, len, &value);
	return value;
}

/* KVM hands over the data as bytes in memory order and has done the guest's endianness. */
static int exit_mmio(struct vcpu *v, struct vcpu_end *end)
{
	struct kvm_run *run = v->run;
	u64 value;

	if (run->mmio.is_write) {
		memcpy(&value, run->mmio.data, sizeof(value)); /* who takes it takes len of it */
		store(v, run->mmio.phys_addr, run->mmio.len, value);
	} else {
		value = load(v, run->mmio.phys_addr, run->mmio.len);
		memcpy(run->mmio.data, &value, sizeof(value));
	}
	return 0;
}

static int exit_fail_entry(struct vcpu *v, struct vcpu_end *end)
{
	return vcpu_end(end, VCPU_END_CRASH, "the CPU refused to enter the guest, reason %#llx",
	                v->run->fail_entry.hardware_entry_failure_reason);
}

static int exit_internal_error(struct vcpu *v, struct vcpu_end *end)
{
	return vcpu_end(end, VCPU_END_CRASH, "KVM internal error, suberror %u",
	                v->run->internal.suberror);
}

/* The run came back for a reason of the host's; events are looked at anyway. */
static int exit_nothing(struct vcpu *v, struct vcpu_end *end)
{
	return 0;
}

static int (*const exits[])(struct vcpu *v, struct vcpu_end *end) = {
	[KVM_EXIT_HYPERCALL] = vcpu_exit_hypercall,
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_INTR] = exit_nothing,
	[KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
	[KVM_EXIT_INTERNAL_ERROR] = exit_internal_error,
	[KVM_EXIT_SYSTEM_EVENT] = vcpu_exit_system_event,
};

/*
 * KVM_RUN itself failed. What the guest can bring about by itself is its crash;
 * the rest is the host's.
 */
static int run_failed(struct vcpu *v, int err, struct vcpu_end *end)
{
	switch (-err) {
	case EINTR:
	case EAGAIN:
		return 0;
	case EFAULT:
	case ENOSYS:
		return vcpu_end(end, VCPU_END_CRASH, "vCPU %u cannot go on: KVM_RUN: %s", v->index,
		                strerror(-err));
	default:
		return vcpu_end(end, VCPU_END_HOST, "vCPU %u: KVM_RUN: %s", v->index,
		                strerror(-err));
	}
}

/*
 * immediate_exit is cleared after KVM_RUN and before the events are looked at
 * again: the other way round a kick in between would be lost. Who kicks has seen
 * IN_GUEST (gate_enter()), which was written after this.
 *
 * @deaf: set when nobody can kick it any more, which is no answer of KVM_RUN's.
 */
static int enter_kvm(struct vcpu *v, int *deaf)
{
	int err = v->env->kvm->run(v->fd);

	*deaf = kick_heard(v->kick);
	__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_RELAXED);
	return err;
}

void vcpu_complete(struct vcpu *v)
{
	int deaf;

	if (!v->exit_open)
		return;
	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_RELAXED);
	(void)enter_kvm(v, &deaf); /* EINTR, and no guest instruction; the next one asks again */
	v->exit_open = false;
}

/* Into the guest once, through an open gate, and answer what it came out with. */
static int run_once(struct vcpu *v, struct vcpu_end *end)
{
	int deaf, err = enter_kvm(v, &deaf);
	u32 reason;

	gate_leave(&v->gate);
	if (v->env->gic)
		vcpu_sample_inputs(v);
	if (deaf < 0)
		return vcpu_end(end, VCPU_END_HOST, "vCPU %u: its kicks: %s", v->index,
		                strerror(-deaf));
	if (err < 0) {
		v->exit_open = false; /* KVM finishes it before anything else */
		return run_failed(v, err, end);
	}

	reason = v->run->exit_reason;
	v->exit_open = reason == KVM_EXIT_MMIO;
	atomic_store_explicit(&v->exit_reason, reason, memory_order_relaxed);
	if (reason < ARRAY_SIZE(exits) && exits[reason])
		return exits[reason](v, end);
	/* An abort for the guest may wait inside KVM, and no reset takes it away. */
	v->exit_open = true;
	return arch_vcpu_exit(v, end);
}

/* One turn of the thread: into the guest, or, if there is anything else to do, that. */
static int turn(struct vcpu *v, struct vcpu_end *end)
{
	bool asleep = v->mode == VCPU_OFF || v->mode == VCPU_WAIT;
	u32 events;
	int err;

	if (!asleep) {
		/* Before the events are looked at: who changes a line says so after it. */
		err = v->env->gic ? vcpu_drive_lines(v) : 0;
		if (err < 0)
			return vcpu_end(end, VCPU_END_HOST, "vCPU %u: KVM_IRQ_LINE: %s", v->index,
			                strerror(-err));
		if (gate_enter(&v->gate))
			return run_once(v, end);
	}

	events = gate_take(&v->gate, asleep);
	if (events & GATE_EXIT)
		return -EINTR;
	atomic_store_explicit(&v->exit_reason, VCPU_ACCEPTING, memory_order_relaxed);
	return vcpu_accept(v, events, end);
}

static void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	struct vcpu_end end;
	int err = kick_listen(v->kick);

	if (err < 0)
		err = vcpu_end(&end, VCPU_END_HOST, "vCPU %u: its kicks: %s", v->index,
		               strerror(-err));
	while (err == 0)
		err = turn(v, &end);
	if (err == -ECANCELED)
		v->env->ops->ended(v->env->host, v, &end);

	gate_close(&v->gate);
	v->env->ops->gone(v->env->host, v);
	return NULL;
}

int vcpu_start(struct vcpu *v, const cpu_set_t *on)
{
	pthread_attr_t attr;
	char name[16];
	int err;

	must0(pthread_attr_init(&attr));
	if (on)
		must0(pthread_attr_setaffinity_np(&attr, sizeof(*on), on));
	/* Before the thread is there: from here on it counts as held only when it says so. */
	gate_open(&v->gate);
	err = pthread_create(&v->thread, &attr, vcpu_main, v);
	must0(pthread_attr_destroy(&attr));
	if (err) {
		gate_close(&v->gate);
		return log_errno(-err, "thread of vCPU %u", v->index);
	}

	v->started = true;
	(void)snprintf(name, sizeof(name), "vcpu-%u", v->index);
	(void)pthread_setname_np(v->thread, name);
	return 0;
}

/*
 * First what KVM_RUN looks at when it begins, then what ends one that goes on:
 * whichever way it is between the two. Too late, it costs the vCPU one turn.
 */
static void kick(struct vcpu *v)
{
	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_RELEASE);
	v->env->kvm->kick(v);
}

void vcpu_post(struct vcpu *v, u32 events)
{
	if (gate_post(&v->gate, events))
		kick(v);
}

u32 vcpu_pending(const struct vcpu *v)
{
	return gate_pending(&v->gate);
}

/* Return: the first that is not held, @nr: all are. */
static u32 first_loose(struct vcpu *const *v, u32 from, u32 nr)
{
	while (from < nr && gate_held(&v[from]->gate))
		from++;
	return from;
}

int vcpu_settle_all(struct vcpu *const *v, u32 nr, const struct vcpu_patience *how, u32 *late)
{
	/* Who is held stays held: never look back. */
	u32 loose = first_loose(v, 0, nr);

	while (loose < nr && how->wait(how->ctx))
		loose = first_loose(v, loose, nr);
	*late = first_loose(v, loose, nr);
	return *late == nr ? 0 : -EBUSY;
}

int vcpu_hold_all(struct vcpu *const *v, u32 nr, const struct vcpu_patience *how, u32 *late)
{
	int err;

	for (u32 i = 0; i < nr; i++)
		if (gate_hold(&v[i]->gate))
			kick(v[i]);

	err = vcpu_settle_all(v, nr, how, late);
	if (err < 0)
		vcpu_release_all(v, nr);
	return err;
}

void vcpu_release_all(struct vcpu *const *v, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		gate_release(&v[i]->gate);
}

const char *vcpu_whereabouts(const struct vcpu *v, char *buf, size_t size)
{
	u32 reason = atomic_load_explicit(&v->exit_reason, memory_order_relaxed);

	switch (gate_where(&v->gate)) {
	case GATE_OUT:
		if (reason == VCPU_ACCEPTING)
			return "accepting an event";
		(void)snprintf(buf, size, "answering exit %u of KVM", reason);
		return buf;
	case GATE_IN_GUEST:
		return "in the guest";
	case GATE_PARKED:
		return "held";
	case GATE_GONE:
		break;
	}
	return "at its end";
}

void vcpu_join(struct vcpu *v)
{
	if (!v->started)
		return;
	must0(pthread_join(v->thread, NULL));
	v->started = false;
}

u32 vcpu_index(const struct vcpu *v)
{
	return v->index;
}

int vcpu_fd(const struct vcpu *v)
{
	return v->fd;
}

const struct vcpu_env *vcpu_env(const struct vcpu *v)
{
	return v->env;
}

struct kvm_run *vcpu_run_page(struct vcpu *v)
{
	return v->run;
}
