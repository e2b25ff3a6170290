/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "machine/base/lock.h"
#include "vcpu/kick.h"

enum { KICKS = 20000, SLOW_KICKS = 1000 };

/* A thread in a system call, as KVM_RUN is one: it ends with EINTR and is not begun again. */
struct listener {
	struct kick *kick;
	pthread_t thread;
	atomic_bool listening;
	atomic_bool in; /* about to sleep, or asleep */
	atomic_bool now; /* it was interrupted */
	atomic_bool away; /* it does something else */
	int epoll;
};

static int setup(void **state, enum kick_way way)
{
	static struct listener l;

	l = (struct listener){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	*state = &l;
	return l.epoll < 0 || kick_create(way, &l.kick) < 0 ? -1 : 0;
}

static int setup_best(void **state)
{
	return setup(state, KICK_BEST);
}

static int setup_signal(void **state)
{
	return setup(state, KICK_BY_SIGNAL);
}

static int teardown(void **state)
{
	struct listener *l = *state;

	kick_destroy(l->kick);
	(void)close(l->epoll);
	return 0;
}

/* Listens, is away for as long as it is told, and sleeps until a kick ends it. */
static void *interrupted_main(void *arg)
{
	struct listener *l = arg;
	struct epoll_event e;
	int n;

	must0(kick_listen(l->kick));
	atomic_store(&l->listening, true);
	while (atomic_load(&l->away))
		(void)sched_yield();
	/* What was on its way by then ends this one; that is not what is asked for. */
	must0(kick_heard(l->kick));
	do
		n = epoll_wait(l->epoll, &e, 1, 100);
	while (n < 0);
	must0(kick_heard(l->kick));
	atomic_store(&l->in, true);
	n = epoll_wait(l->epoll, &e, 1, 60000);
	atomic_store(&l->now, n < 0 && errno == EINTR);
	return NULL;
}

static void begin_interrupted(struct listener *l, bool away)
{
	atomic_store(&l->away, away);
	assert_int_equal(pthread_create(&l->thread, NULL, interrupted_main, l), 0);
	while (!atomic_load(&l->listening))
		(void)sched_yield();
}

/* Until it is in the system call a kick is lost: so it is sent again. */
static void must_be_interrupted(struct listener *l)
{
	while (!atomic_load(&l->in))
		(void)sched_yield();
	for (int i = 0; i < 10000 && !atomic_load(&l->now); i++) {
		kick_send(l->kick);
		(void)usleep(1000);
	}
	assert_int_equal(pthread_join(l->thread, NULL), 0);
	assert_true(atomic_load(&l->now));
}

static void a_kick_ends_the_system_call_with_eintr(void **state)
{
	begin_interrupted(*state, false);
	must_be_interrupted(*state);
}

static void it_hears_again_after_more_kicks_than_are_kept(void **state)
{
	struct listener *l = *state;

	begin_interrupted(l, true);
	/* Slowly: what comes at once is one completion. */
	for (int i = 0; i < SLOW_KICKS; i++) {
		kick_send(l->kick);
		(void)usleep(50);
	}
	atomic_store(&l->away, false);
	must_be_interrupted(l);
}

/* As fast as they come, while it is in one system call after the other. */
static void it_hears_after_a_storm(void **state)
{
	struct listener *l = *state;

	begin_interrupted(l, false);
	for (int i = 0; i < KICKS; i++)
		kick_send(l->kick);
	must_be_interrupted(l);
}

/* clang-format off */
#define BOTH_WAYS(test)                                                                            \
	{ #test " (by a poll)", test, setup_best, teardown, NULL },                                \
	{ #test " (by signal)", test, setup_signal, teardown, NULL }
/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_WAYS(a_kick_ends_the_system_call_with_eintr),
		BOTH_WAYS(it_hears_again_after_more_kicks_than_are_kept),
		BOTH_WAYS(it_hears_after_a_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
