/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "machine/base/log.h"
#include "machine/rtc_host.h"

#define NS_PER_S 1000000000ull

struct rtc_host {
	struct loop *loop;
	struct rtc_pl031 *rtc;
	struct loop_event bell;
	struct loop_op timer;
	bool waiting; /* timer is in flight; loop thread */
	_Atomic(u64) alarm_ns; /* RTC_NO_ALARM: none */
};

static u64 now_ns(void *ctx)
{
	struct timespec t;

	must0(clock_gettime(CLOCK_REALTIME, &t));
	return (u64)t.tv_sec * NS_PER_S + (u64)t.tv_nsec;
}

/* Fire what is due; otherwise keep one timer in flight as long as an alarm is set. */
static void look(struct rtc_host *h)
{
	u64 at = atomic_load(&h->alarm_ns);

	if (at == RTC_NO_ALARM || h->waiting)
		return;
	if (at <= now_ns(NULL)) {
		/* The RTC asks for the next one itself; a newer one is not overwritten. */
		if (atomic_compare_exchange_strong(&h->alarm_ns, &at, RTC_NO_ALARM))
			rtc_pl031_alarm(h->rtc);
		return;
	}

	h->waiting = loop_timeout_at(h->loop, &h->timer, at) == 0;
}

static void timer_done(struct loop_op *op, int res)
{
	struct rtc_host *h = container_of(op, struct rtc_host, timer);

	h->waiting = false;
	if (res == 0 || res == -ECANCELED)
		look(h);
	else
		log_at(LOG_DEBUG, "RTC: no alarm, the host's timer says %d", res);
}

/* Another alarm than the one waited for: cancel, and timer_done() looks again. */
static void bell_rung(struct loop_event *ev)
{
	struct rtc_host *h = container_of(ev, struct rtc_host, bell);

	if (h->waiting)
		loop_cancel(h->loop, &h->timer);
	else
		look(h);
}

static void set_alarm(void *ctx, u64 at_ns)
{
	struct rtc_host *h = ctx;

	atomic_store(&h->alarm_ns, at_ns);
	loop_event_signal(&h->bell);
}

const struct rtc_host_ops rtc_host_ops = { .now_ns = now_ns, .set_alarm = set_alarm };

int rtc_host_create(struct loop *l, struct rtc_host **out)
{
	struct rtc_host *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return log_errno(-ENOMEM, "RTC");
	h->loop = l;
	h->timer.done = timer_done;
	h->bell.fd = -1;
	atomic_init(&h->alarm_ns, RTC_NO_ALARM);
	err = loop_event_init(l, &h->bell, bell_rung);
	if (err < 0) {
		rtc_host_destroy(h);
		return log_errno(err, "bell of the RTC");
	}
	*out = h;
	return 0;
}

void rtc_host_destroy(struct rtc_host *h)
{
	if (!h)
		return;
	loop_event_done(&h->bell);
	free(h);
}

void rtc_host_attach(struct rtc_host *h, struct rtc_pl031 *rtc)
{
	h->rtc = rtc;
}
