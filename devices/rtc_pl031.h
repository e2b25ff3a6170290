/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_RTC_PL031_H
#define DEVICES_RTC_PL031_H

#include "devices/bus.h"
#include "devices/irq_line.h"
#include "machine/base/types.h"

struct mmio_table;
struct rtc_pl031;

enum { RTC_PL031_SIZE = 0x1000 }; /* bytes of address space */

/* The host side: a clock and one alarm. Tests pass a clock that they turn by hand. */
struct rtc_host_ops {
	u64 (*now_ns)(void *ctx); /* ns since 1970-01-01T00:00Z, any thread */
	/*
	 * Call rtc_pl031_alarm() when now_ns() has reached @at_ns, or never for
	 * RTC_NO_ALARM. Replaces what was asked before. Any thread, the RTC's
	 * lock held: only notes it and rings a bell.
	 */
	void (*set_alarm)(void *ctx, u64 at_ns);
};

#define RTC_NO_ALARM (~0ull)

/**
 * rtc_pl031_create - an Arm PrimeCell RTC (DDI 0224C), running, with the host's time
 * @ops: kept
 * @ctx: handed to @ops
 * @irq: RTCINTR, level, active high; copied
 * @out: the device, owned by the caller, released with rtc_pl031_destroy()
 *
 * Return: 0, or -ENOMEM with @out untouched.
 */
must_check int rtc_pl031_create(const struct rtc_host_ops *ops, void *ctx,
                                const struct irq_line *irq, struct rtc_pl031 **out);
void rtc_pl031_destroy(struct rtc_pl031 *rtc); /* NULL is fine */

/* The time asked for has come (too early or twice does no harm). Any thread. */
void rtc_pl031_alarm(struct rtc_pl031 *rtc);

/**
 * rtc_pl031_reset - the machine starts again
 * @dev: a struct rtc_pl031
 *
 * The alarm, its mask and its status go, the line is low, and the host's alarm
 * is called off. The time stays what the guest made it, and RTCLR with it: a
 * clock with a battery does not know of the reset.
 *
 * Return: true, it is done.
 */
must_check bool rtc_pl031_reset(void *dev);

extern const struct bus_ops rtc_pl031_bus_ops;
extern const struct mmio_table rtc_pl031_table; /* for unit tests */

#endif /* DEVICES_RTC_PL031_H */
