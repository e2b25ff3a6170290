/* SPDX-License-Identifier: MIT */
/* The run loop around a KVM that is played by this file. */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/base/compiler.h"
#include "vcpu/vcpu.h"

enum { RUN_SIZE = 8192, SCRIPT_MAX = 16, STORM = 2000 };

/* One answer of KVM_RUN. */
struct answer {
	int err; /* negative errno, or 0 with the exit below */
	u32 reason;
	u32 event; /* KVM_EXIT_SYSTEM_EVENT */
	gpa_t gpa; /* KVM_EXIT_MMIO */
	u32 len;
	bool write;
	u64 value;
};

/* What KVM_RUN answers one after the other; after the last it blocks until it is kicked. */
struct fake_kvm {
	struct answer script[SCRIPT_MAX];
	unsigned int nr, next;
	struct kvm_run *run;
	atomic_uint blocked; /* times a run went to sleep */
	u64 mmio_read; /* what the last MMIO read was answered with */

	struct vcpu_env env;
	struct bus *bus;
	struct vcpu *v;
	struct vcpu_end end;
	atomic_uint ended, gone;

	u64 reg; /* the one register on the bus */
	u32 reg_width;
};

/* The only fake at a time: the edge's functions get a descriptor and nothing else. */
static struct fake_kvm *kvm;

static int fake_create(int vm_fd, u32 index)
{
	int fd = memfd_create("vcpu", MFD_CLOEXEC);

	return fd >= 0 && ftruncate(fd, RUN_SIZE) == 0 ? fd : -errno;
}

/* As KVM does it: immediate_exit or a signal ends the sleep, and nothing else. */
static int fake_sleep(void)
{
	atomic_fetch_add(&kvm->blocked, 1);
	while (!__atomic_load_n(&kvm->run->immediate_exit, __ATOMIC_RELAXED))
		(void)sched_yield();
	return -EINTR;
}

static int fake_run(int fd)
{
	const struct answer *a;

	kvm->run = vcpu_run_page(kvm->v);
	if (kvm->run->exit_reason == KVM_EXIT_MMIO && !kvm->run->mmio.is_write)
		memcpy(&kvm->mmio_read, kvm->run->mmio.data, sizeof(kvm->mmio_read));
	if (__atomic_load_n(&kvm->run->immediate_exit, __ATOMIC_RELAXED))
		return -EINTR;
	if (kvm->next == kvm->nr)
		return fake_sleep();

	a = &kvm->script[kvm->next++];
	kvm->run->exit_reason = a->reason;
	if (a->reason == KVM_EXIT_SYSTEM_EVENT) {
		kvm->run->system_event.type = a->event;
	} else if (a->reason == KVM_EXIT_MMIO) {
		kvm->run->mmio.phys_addr = a->gpa;
		kvm->run->mmio.len = a->len;
		kvm->run->mmio.is_write = a->write;
		memcpy(kvm->run->mmio.data, &a->value, sizeof(a->value));
	}
	return a->err;
}

static int fake_call(int fd, unsigned long req, void *arg)
{
	return -ENOTTY;
}

static const struct vcpu_kvm_ops fake_ops = { fake_create, fake_run, fake_call };

static void on_ended(void *host, struct vcpu *v, const struct vcpu_end *end)
{
	struct fake_kvm *k = host;

	k->end = *end;
	atomic_fetch_add(&k->ended, 1);
}

static void on_gone(void *host, struct vcpu *v)
{
	atomic_fetch_add(&((struct fake_kvm *)host)->gone, 1);
}

static const struct vcpu_host_ops host_ops = { on_ended, on_gone };

static u64 reg_read(void *dev, u32 offset, u32 width)
{
	return ((struct fake_kvm *)dev)->reg;
}

static void reg_write(void *dev, u32 offset, u32 width, u64 value)
{
	struct fake_kvm *k = dev;

	k->reg = value;
	k->reg_width = width;
}

static const struct bus_ops reg_ops = { reg_read, reg_write };

static int setup(void **state)
{
	static struct fake_kvm k;

	memset(&k, 0, sizeof(k));
	kvm = &k;
	*state = &k;
	if (bus_create(&k.bus) < 0 || bus_add(k.bus, "reg", 0x1000, 0x1000, &reg_ops, &k) < 0)
		return -1;
	bus_freeze(k.bus);
	k.env = (struct vcpu_env){ .vm_fd = -1,
		                   .run_size = RUN_SIZE,
		                   .kvm = &fake_ops,
		                   .bus = k.bus,
		                   .ops = &host_ops,
		                   .host = &k };
	return vcpu_setup_kicks() < 0 || vcpu_create(&k.env, 0, &k.v) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fake_kvm *k = *state;

	vcpu_destroy(k->v);
	bus_destroy(k->bus);
	return 0;
}

static void play(struct fake_kvm *k, const struct answer *script, unsigned int nr)
{
	memcpy(k->script, script, nr * sizeof(*script));
	k->nr = nr;
	assert_int_equal(vcpu_start(k->v, NULL), 0);
}

static void wait_until_asleep(struct fake_kvm *k)
{
	while (atomic_load(&k->blocked) == 0)
		(void)sched_yield();
}

static void stop(struct fake_kvm *k)
{
	vcpu_post(k->v, VCPU_EVENT_EXIT);
	vcpu_join(k->v);
	assert_int_equal(atomic_load(&k->gone), 1);
}

static void mmio_goes_to_the_bus_and_comes_back_zero_extended(void **state)
{
	static const struct answer script[] = {
		{ .reason = KVM_EXIT_MMIO,
		  .gpa = 0x1008,
		  .len = 4,
		  .write = true,
		  .value = 0x1122334455667788 },
		{ .reason = KVM_EXIT_MMIO, .gpa = 0x1008, .len = 4, .value = ~0ull },
	};
	struct fake_kvm *k = *state;

	play(k, script, ARRAY_SIZE(script));
	wait_until_asleep(k);
	stop(k);
	assert_int_equal(k->reg, 0x55667788);
	assert_int_equal(k->reg_width, 4);
	assert_int_equal(k->mmio_read, 0x55667788);
	assert_int_equal(atomic_load(&k->ended), 0);
}

static void an_address_without_a_device_reads_zero_and_goes_on(void **state)
{
	static const struct answer script[] = {
		{ .reason = KVM_EXIT_MMIO, .gpa = 0x9000, .len = 8, .write = true, .value = 1 },
		{ .reason = KVM_EXIT_MMIO, .gpa = 0x9000, .len = 8, .value = ~0ull },
	};
	struct fake_kvm *k = *state;

	play(k, script, ARRAY_SIZE(script));
	wait_until_asleep(k);
	stop(k);
	assert_int_equal(k->mmio_read, 0);
	assert_int_equal(atomic_load(&k->ended), 0);
}

static void interruptions_of_the_host_do_not_end_the_vcpu(void **state)
{
	static const struct answer script[] = {
		{ .err = -EINTR, .reason = KVM_EXIT_INTR },
		{ .err = -EAGAIN },
		{ .reason = KVM_EXIT_INTR },
	};
	struct fake_kvm *k = *state;

	play(k, script, ARRAY_SIZE(script));
	wait_until_asleep(k);
	stop(k);
	assert_int_equal(atomic_load(&k->ended), 0);
}

static void each_way_to_end_is_told_once_and_the_guest_is_not_entered_again(void **state)
{
	static const struct {
		struct answer a;
		enum vcpu_end_kind kind;
		const char *word;
	} rows[] = {
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = KVM_SYSTEM_EVENT_SHUTDOWN },
		  VCPU_END_POWER_OFF,
		  "powered off" },
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = KVM_SYSTEM_EVENT_RESET },
		  VCPU_END_RESET,
		  "reset" },
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = KVM_SYSTEM_EVENT_CRASH },
		  VCPU_END_CRASH,
		  "crash" },
		{ { .reason = KVM_EXIT_SYSTEM_EVENT, .event = 77 }, VCPU_END_CRASH, "77" },
		{ { .reason = KVM_EXIT_FAIL_ENTRY }, VCPU_END_CRASH, "refused" },
		{ { .reason = KVM_EXIT_INTERNAL_ERROR }, VCPU_END_CRASH, "internal" },
		{ { .reason = 0xffff }, VCPU_END_CRASH, "exit" },
		{ { .err = -EFAULT }, VCPU_END_CRASH, "cannot go on" },
		{ { .err = -ENOSYS }, VCPU_END_CRASH, "cannot go on" },
		{ { .err = -ENOMEM }, VCPU_END_HOST, "memory" },
		{ { .err = -EIO }, VCPU_END_HOST, "KVM_RUN" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_kvm *k;

		assert_int_equal(setup(state), 0);
		k = *state;
		play(k, &rows[i].a, 1);
		while (atomic_load(&k->gone) == 0)
			(void)sched_yield();
		stop(k);
		if (atomic_load(&k->ended) != 1 || k->end.kind != rows[i].kind ||
		    !strstr(k->end.reason, rows[i].word) || atomic_load(&k->blocked))
			fail_msg("row %zu: ended %u times, kind %d, '%s'", i,
			         atomic_load(&k->ended), (int)k->end.kind, k->end.reason);
		(void)teardown(state);
	}
}

static void an_event_posted_before_the_start_keeps_the_guest_from_running(void **state)
{
	static const struct answer script[] = { { .reason = KVM_EXIT_INTERNAL_ERROR } };
	struct fake_kvm *k = *state;

	vcpu_post(k->v, VCPU_EVENT_EXIT);
	play(k, script, ARRAY_SIZE(script));
	vcpu_join(k->v);
	assert_int_equal(k->next, 0);
	assert_int_equal(atomic_load(&k->gone), 1);
}

/* Each round posts at a different moment of the loop; a lost kick would hang here. */
static void no_kick_is_lost_however_it_falls(void **state)
{
	for (int i = 0; i < STORM; i++) {
		struct fake_kvm *k;

		assert_int_equal(setup(state), 0);
		k = *state;
		play(k, NULL, 0);
		for (int spin = 0; spin < i % 64; spin++)
			(void)sched_yield();
		stop(k);
		(void)teardown(state);
	}
}

static void a_stray_kick_changes_nothing(void **state)
{
	struct fake_kvm *k = *state;

	play(k, NULL, 0);
	wait_until_asleep(k);
	for (int i = 0; i < 100; i++)
		vcpu_post(k->v, 0);
	assert_int_equal(atomic_load(&k->gone), 0);
	stop(k);
	assert_int_equal(atomic_load(&k->ended), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mmio_goes_to_the_bus_and_comes_back_zero_extended,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(an_address_without_a_device_reads_zero_and_goes_on,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(interruptions_of_the_host_do_not_end_the_vcpu,
		                                setup, teardown),
		cmocka_unit_test(each_way_to_end_is_told_once_and_the_guest_is_not_entered_again),
		cmocka_unit_test_setup_teardown(
			an_event_posted_before_the_start_keeps_the_guest_from_running, setup,
			teardown),
		cmocka_unit_test(no_kick_is_lost_however_it_falls),
		cmocka_unit_test_setup_teardown(a_stray_kick_changes_nothing, setup, teardown),
	};

	return cmocka_run_group_tests_name("vcpu", tests, NULL, NULL);
}
