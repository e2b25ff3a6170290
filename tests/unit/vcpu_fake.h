/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_VCPU_FAKE_H
#define TESTS_UNIT_VCPU_FAKE_H

#include "tests/unit/test.h"

#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "machine/base/compiler.h"
#include "machine/base/gmem.h"
#include "machine/base/lock.h"
#include "vcpu/vcpu.h"

/*
 * A KVM for vCPUs with their real threads, power table and PSCI. It sleeps and
 * wakes as KVM does: only a kick, an exit that the test has pushed, or an
 * interrupt ends a KVM_RUN; without an interrupt controller in KVM (env->gic)
 * also a timer whose level is another than KVM has told.
 */
#define RIG_RAM    0x80000000ull
#define RIG_DEVICE 0x1000ull /* one register, at any offset */
/* Where a GIC of ours can be; the same register answers wherever it does not. */
#define RIG_UNDER      0x10000ull
#define RIG_UNDER_SIZE 0x20000ull
#define RIG_GICD       (RIG_UNDER + 0x8000)
#define RIG_GICC       (RIG_UNDER + 0x10000)
enum { RIG_CPUS = 8, RIG_RUN_SIZE = 8192, RIG_QUEUE = 16, RIG_RAM_SIZE = 4096 };
enum { RIG_PATIENCE = 60 }; /* s, until a test says that something does not come */

/* What can be seen of a vCPU from outside. */
enum rig_what {
	RIG_RUN, /* KVM_RUN */
	RIG_INSIDE, /* it sleeps in there until something comes; mp_state */
	RIG_COMPLETE, /* a load from a device is finished; the data */
	RIG_ARGS, /* registers of its call are read; how many */
	RIG_ENDIAN,
	RIG_ANSWER, /* value */
	RIG_START, /* PC, context ID, big-endian | keep timers << 1 */
	RIG_BOOT,
	RIG_OFF, /* reset, and STOPPED */
	RIG_MP, /* KVM_SET_MP_STATE; state */
	RIG_LOAD, /* the register on the bus is read */
	RIG_IRQ, /* KVM_IRQ_LINE; level */
	RIG_FIQ,
	RIG_CHANGED, /* power table; from, to */
	RIG_REQUESTED,
	RIG_PARKED,
	RIG_WOKE, /* by an interrupt? */
	RIG_CALLED,
	RIG_ENDED,
	RIG_GONE,
	RIG_NR,
};

static const char *const rig_words[] = {
	"KVM_RUN", "inside", "completed", "arguments", "endianness", "answer",   "start",
	"boot",    "off",    "MP_STATE",  "load",      "IRQ line",   "FIQ line", "change",
	"request", "parked", "woke",      "called",    "ended",      "gone",
};

struct rig_note {
	u32 count;
	u32 seq; /* of the last; one count for all CPUs */
	u64 arg[3]; /* of the last */
};

/* What KVM_RUN comes back with. */
struct rig_exit {
	int err; /* negative errno, or 0 with the exit below */
	u32 reason;
	u32 event, ndata; /* KVM_EXIT_SYSTEM_EVENT */
	u64 flags;
	gpa_t gpa; /* KVM_EXIT_MMIO */
	u32 len;
	bool write;
	u64 value;
	u32 fid; /* KVM_EXIT_HYPERCALL */
	u64 x[3]; /* X1..X3 */
	bool big_endian;
	u32 rise, fall; /* bits by enum vcpu_input: levels that come with it */
	bool meet; /* at the same moment as the other CPUs that rig->meeting counts */
	bool deaf; /* no kick ends this KVM_RUN: rig->heal does */
};

struct rig;

struct rig_cpu {
	struct rig *k;
	u32 index;
	int fd;
	int bell; /* eventfd: something has come for the sleeper */
	struct kvm_run *run;
	struct kvm_mp_state mp; /* as KVM has it: the own thread's, or the holder's */
	u64 touched; /* likewise: what ThreadSanitizer looks at */
	u64 x[3];
	bool big_endian;
	bool exit_open;
	atomic_bool inside;
	atomic_uint held;
	atomic_bool lent; /* by its holder: it accepts a reset under the hold */
	atomic_bool irq;
	atomic_uint level; /* of KVM's own interrupts, by enum vcpu_input */
	u32 told; /* of which this has been told: device_irq_level */
	u32 lines; /* GIC_OUT_*, as they were driven */
	u32 unknown; /* GIC_OUT_*: not driven since KVM_ARM_VCPU_INIT */
	u64 loaded; /* by the guest, from a device */
	u64 random; /* the guest's own, in a stress */
	u64 calls;
	u32 step; /* of its program, from its start on */

	/* Under rig->lock. */
	struct rig_exit queue[RIG_QUEUE];
	u32 head, tail;
	struct rig_note note[RIG_NR];
	bool dozing; /* in KVM_RUN; the last RIG_INSIDE says in which state */
	int fail[RIG_NR]; /* what the next ones answer */
	enum rig_what stop_at; /* the next of these waits for rig_go() */
	bool stopped;
	struct vcpu_psci_call called;
	struct vcpu_end end;
	_Atomic pthread_t thread; /* its own, or 0: for kicks that nobody asked for */
};

struct rig {
	struct rig_cpu cpu[RIG_CPUS];
	struct vcpu *v[RIG_CPUS];
	bool started[RIG_CPUS];
	struct vcpu_env env;
	struct psci psci;
	struct psci_inject inject;
	struct gmem ram;
	u8 ram_bytes[RIG_RAM_SIZE];
	struct bus *bus;
	u64 reg;
	u32 reg_width;
	sem_t heal;
	pthread_barrier_t meeting;
	pthread_mutex_t holding; /* of several holders */
	atomic_ullong clock;
	atomic_ullong changes;
	const char *_Atomic wrong; /* what must never happen, and did */

	/* A guest that does what it likes, and leaves no notes; NULL: the queue. */
	bool (*guest)(struct rig_cpu *c, struct rig_exit *e);
	void (*dozes)(struct rig_cpu *c); /* with a guest: it is about to sleep in KVM_RUN */
	void (*doorbell)(struct rig *k, u32 offset); /* a store to RIG_DEVICE; NULL: the register */
	atomic_ullong claims, starts; /* of CPU_ONs */
	atomic_ullong silenced; /* timers that a reset turned off, high */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	u32 seq;
	u32 nr_parked, nr_requests;
};

/* The only one at a time: the edge's functions get a descriptor and nothing else. */
static struct rig *rig_now;

static inline bool rig_timed_wait(struct rig *k)
{
	struct timespec until;

	must0(clock_gettime(CLOCK_REALTIME, &until));
	until.tv_sec += RIG_PATIENCE;
	return pthread_cond_timedwait(&k->changed, &k->lock, &until) == 0;
}

/* In a stress the rig's lock would order what must be ordered without it. */
static inline bool rig_is_quiet(const struct rig *k, enum rig_what what)
{
	return k->guest && what != RIG_PARKED && what != RIG_REQUESTED;
}

/* Return: what the operation answers. */
static inline int rig_note(struct rig_cpu *c, enum rig_what what, u64 a0, u64 a1, u64 a2)
{
	struct rig *k = c->k;
	int err;

	if (rig_is_quiet(k, what)) {
		if (what == RIG_INSIDE)
			k->dozes(c);
		return 0;
	}
	must0(pthread_mutex_lock(&k->lock));
	c->note[what] = (struct rig_note){ c->note[what].count + 1, ++k->seq, { a0, a1, a2 } };
	c->dozing |= what == RIG_INSIDE;
	k->nr_parked += what == RIG_PARKED;
	k->nr_requests += what == RIG_REQUESTED;
	err = c->fail[what];
	must0(pthread_cond_broadcast(&k->changed));
	if (c->stop_at == what) {
		c->stop_at = RIG_NR;
		c->stopped = true;
		while (c->stopped)
			must0(pthread_cond_wait(&k->changed, &k->lock));
	}
	must0(pthread_mutex_unlock(&k->lock));
	return err;
}

static inline void rig_must(struct rig *k, bool ok, const char *wrong)
{
	if (!ok)
		atomic_store(&k->wrong, wrong);
}

/* The vCPU's state is about to be used by its own thread. */
static inline void rig_touch(struct rig_cpu *c)
{
	rig_must(c->k, atomic_load(&c->held) == 0 || atomic_load(&c->lent),
	         "a held vCPU was touched by its thread");
	c->touched++;
}

static inline struct rig_cpu *rig_by_fd(int fd)
{
	u32 i = 0;

	while (i < RIG_CPUS - 1 && rig_now->cpu[i].fd != fd)
		i++;
	return &rig_now->cpu[i];
}

static inline struct rig_cpu *rig_by_vcpu(const struct vcpu *v)
{
	return &rig_now->cpu[vcpu_index(v)];
}

static inline void rig_ring(struct rig_cpu *c)
{
	const u64 one = 1;

	must0(write(c->bell, &one, sizeof(one)) != sizeof(one));
}

static inline int rig_op_create(int vm_fd, u32 index)
{
	int fd = memfd_create("vcpu", MFD_CLOEXEC);

	return fd >= 0 && ftruncate(fd, RIG_RUN_SIZE) == 0 ? fd : -errno;
}

static inline void rig_op_kick(struct vcpu *v)
{
	rig_ring(rig_by_vcpu(v));
}

/* As in KVM, no kick is lost on the way: the bell stays rung until somebody has slept here. */
static inline void rig_doze(struct rig_cpu *c)
{
	struct pollfd p = { .fd = c->bell, .events = POLLIN };
	u64 n;

	if (!__atomic_load_n(&c->run->immediate_exit, __ATOMIC_RELAXED) && poll(&p, 1, -1) > 0)
		(void)!read(c->bell, &n, sizeof(n));
}

/* A kick that nobody asked for. */
static inline void rig_kick(struct rig_cpu *c)
{
	__atomic_store_n(&c->run->immediate_exit, 1, __ATOMIC_RELAXED);
	rig_ring(c);
}

static inline void rig_awake(struct rig_cpu *c)
{
	if (c->k->guest)
		return;
	must0(pthread_mutex_lock(&c->k->lock));
	c->dozing = false;
	must0(pthread_mutex_unlock(&c->k->lock));
}

static inline bool rig_next(struct rig_cpu *c, struct rig_exit *e)
{
	struct rig *k = c->k;
	bool any;

	if (k->guest)
		return k->guest(c, e);
	must0(pthread_mutex_lock(&k->lock));
	any = c->head != c->tail;
	if (any) {
		c->dozing = false;
		*e = c->queue[c->head++ % RIG_QUEUE];
	}
	must0(pthread_mutex_unlock(&k->lock));
	return any;
}

static inline int rig_deliver(struct rig_cpu *c, const struct rig_exit *e)
{
	struct kvm_run *run = c->run;

	if (e->meet)
		(void)pthread_barrier_wait(&c->k->meeting);
	if (e->deaf) {
		(void)rig_note(c, RIG_INSIDE, c->mp.mp_state, 0, 0);
		while (sem_wait(&c->k->heal) < 0)
			;
		return -EINTR;
	}
	(void)atomic_fetch_or(&c->level, e->rise);
	(void)atomic_fetch_and(&c->level, ~e->fall);
	c->told = atomic_load(&c->level);
	run->exit_reason = e->reason;
	if (e->reason == KVM_EXIT_SYSTEM_EVENT) {
		run->system_event.type = e->event;
		run->system_event.ndata = e->ndata;
		run->system_event.flags = e->flags;
	} else if (e->reason == KVM_EXIT_MMIO) {
		run->mmio.phys_addr = e->gpa;
		run->mmio.len = e->len;
		run->mmio.is_write = e->write;
		memcpy(run->mmio.data, &e->value, sizeof(e->value));
		c->exit_open = !e->write && e->err == 0;
	} else if (e->reason == KVM_EXIT_HYPERCALL) {
		run->hypercall.nr = e->fid;
	}
	memcpy(c->x, e->x, sizeof(c->x));
	c->big_endian = e->big_endian;
	return e->err;
}

static inline void rig_complete(struct rig_cpu *c)
{
	u64 data;

	if (!c->exit_open)
		return;
	c->exit_open = false;
	memcpy(&data, c->run->mmio.data, sizeof(data));
	c->loaded = data;
	(void)rig_note(c, RIG_COMPLETE, data, 0, 0);
}

/* Return: KVM has a level to tell. */
static inline bool rig_tells(struct rig_cpu *c)
{
	u32 told = c->told;

	if (c->k->env.gic)
		c->told = atomic_load(&c->level);
	return c->told != told;
}

/* What ends MP_STATE_SUSPENDED: KVM's kvm_arch_vcpu_runnable(). */
static inline bool rig_wakes(struct rig_cpu *c)
{
	bool tells = rig_tells(c);

	return atomic_exchange(&c->irq, false) || c->lines || tells;
}

/* In the order of KVM: what is open is finished, then immediate_exit counts. */
static inline int rig_inside(struct rig_cpu *c)
{
	static const struct rig_exit wakeup = { .reason = KVM_EXIT_SYSTEM_EVENT,
		                                .event = KVM_SYSTEM_EVENT_WAKEUP };
	static const struct rig_exit told = { .err = -EINTR, .reason = KVM_EXIT_INTR };
	bool slept = false;
	struct rig_exit e;

	rig_complete(c);
	while (!__atomic_load_n(&c->run->immediate_exit, __ATOMIC_RELAXED)) {
		if (c->mp.mp_state == KVM_MP_STATE_SUSPENDED && rig_wakes(c))
			return rig_deliver(c, &wakeup);
		if (c->mp.mp_state == KVM_MP_STATE_RUNNABLE && rig_tells(c))
			return rig_deliver(c, &told);
		if (c->mp.mp_state == KVM_MP_STATE_RUNNABLE && rig_next(c, &e))
			return rig_deliver(c, &e);
		if (!slept || c->k->guest)
			(void)rig_note(c, RIG_INSIDE, c->mp.mp_state, 0, 0);
		slept = true;
		rig_doze(c);
	}
	if (slept)
		c->run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}

#endif /* TESTS_UNIT_VCPU_FAKE_H */
