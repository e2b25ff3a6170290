/* SPDX-License-Identifier: MIT */
#ifndef VCPU_VCPU_H
#define VCPU_VCPU_H

#include <sched.h>

#include "devices/bus.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * One virtual CPU: its KVM descriptor and its thread. Only that thread enters
 * the guest, answers its exits and touches its registers; everybody else posts
 * events, which the thread accepts before it enters.
 *
 *   vcpu_create -> arch_vcpu_init -> vcpu_start -> vcpu_post(EXIT) -> vcpu_join -> vcpu_destroy
 */
struct vcpu;
struct kvm_run;

/* Why a vCPU stopped for good. */
enum vcpu_end_kind {
	VCPU_END_POWER_OFF, /* the guest's SYSTEM_OFF */
	VCPU_END_RESET, /* the guest's SYSTEM_RESET or SYSTEM_RESET2 */
	VCPU_END_CRASH, /* it cannot go on: KVM says so, or an exit nobody can answer */
	VCPU_END_HOST, /* the host failed */
};

struct vcpu_end {
	enum vcpu_end_kind kind;
	char reason[128]; /* one line, no newline */
};

/* What a vCPU asks of the machine around it. Called on the vCPU's thread. */
struct vcpu_host_ops {
	/* The run is over as far as this vCPU is concerned; it enters no more. @end is read here only. */
	void (*ended)(void *host, struct vcpu *v, const struct vcpu_end *end);
	/* The thread's last words: vcpu_join() will not block any more. */
	void (*gone)(void *host, struct vcpu *v);
};

/* The edge to KVM, so that the loop around it can be tested without. */
struct vcpu_kvm_ops {
	int (*create)(int vm_fd, u32 index); /* KVM_CREATE_VCPU: a descriptor or negative errno */
	int (*run)(int fd); /* KVM_RUN: 0 or negative errno; EINTR is an answer here */
	int (*call)(int fd, unsigned long req, void *arg); /* see kvm_call() */
};

extern const struct vcpu_kvm_ops vcpu_kvm;

/* What all vCPUs of a machine share; outlives them. */
struct vcpu_env {
	int vm_fd;
	size_t run_size; /* KVM_GET_VCPU_MMAP_SIZE */
	const struct vcpu_kvm_ops *kvm;
	const struct bus *bus; /* frozen before the first vcpu_start() */
	const struct vcpu_host_ops *ops;
	void *host; /* handed to @ops */
};

/* Events, posted by anyone, accepted by the vCPU's own thread. */
enum vcpu_event {
	VCPU_EVENT_EXIT = 1u << 0, /* end the thread; wins over all */
};

/**
 * vcpu_create - KVM_CREATE_VCPU
 * @env:   kept
 * @index: 0..; also KVM's vCPU id
 * @out:   owned by the caller, released with vcpu_destroy()
 *
 * Return: 0, or a negative errno with the reason logged.
 */
must_check int vcpu_create(const struct vcpu_env *env, u32 index, struct vcpu **out);
/* The thread is not running: never started, or joined. NULL is fine. */
void vcpu_destroy(struct vcpu *v);

/**
 * vcpu_setup_kicks - install the handler of the kick signal
 *
 * Once in the process, before the first vcpu_start(). The signal stays blocked
 * in every thread but the vCPUs'.
 */
must_check int vcpu_setup_kicks(void);

/* Start the thread, on the host CPUs of @on only unless that is NULL. Return: 0 or a negative errno, logged. */
must_check int vcpu_start(struct vcpu *v, const cpu_set_t *on);

/* Any thread, after vcpu_start(). Never blocks; no event is lost. */
void vcpu_post(struct vcpu *v, u32 events);

/* After VCPU_EVENT_EXIT was posted; not on the vCPU's own thread. A vCPU that was not started is fine. */
void vcpu_join(struct vcpu *v);

u32 vcpu_index(const struct vcpu *v);
int vcpu_fd(const struct vcpu *v);
const struct vcpu_env *vcpu_env(const struct vcpu *v);

/* The page shared with KVM; the vCPU's own thread only. */
struct kvm_run *vcpu_run_page(struct vcpu *v);

/* For arch_vcpu_exit(): fill in @end. Return: -ECANCELED, "do not enter again". */
int vcpu_end(struct vcpu_end *end, enum vcpu_end_kind kind, const char *fmt, ...) printf_like(3, 4);

#endif /* VCPU_VCPU_H */
