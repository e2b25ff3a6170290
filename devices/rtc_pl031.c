/* SPDX-License-Identifier: MIT */
/*
 * Arm PrimeCell Real Time Clock (PL031), DDI 0224C. Sections are those of the
 * manual.
 *
 * The counter is the host's clock in seconds plus an offset that a write to
 * RTCLR sets. When the counter next becomes equal to RTCMR is one time on the
 * host's clock; every entry looks whether it has passed. The host is asked to
 * wake us only when somebody could see it, that is when the match would raise
 * the line.
 *
 * The counter always runs, as firmware would have left it (RTCCR reads 1): once
 * started, nothing but a reset stops it (3.3.4).
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/mmio.h"
#include "devices/rtc_pl031.h"
#include "machine/base/compiler.h"
#include "machine/base/lock.h"

#define NS_PER_S  1000000000ull
#define WRAP_S    (1ull << 32) /* seconds until the counter has the same value again */
#define LAST_S    (~0ull / NS_PER_S) /* the last second that has a time in ns */
#define PERIPH_ID 0xfe0u
#define INTR      1u /* bit 0 of IMSC, RIS, MIS, ICR */

struct rtc_pl031 {
	const struct rtc_host_ops *ops;
	void *ctx;
	struct irq_line irq;

	struct mutex lock; /* dev.lock in machine/base/lock.h */
	u64 now_s GUARDED_BY(lock); /* the host's clock as this access saw it, seconds */
	u64 match_s GUARDED_BY(lock); /* when the counter is next equal to mr, on that clock */
	u64 asked_ns GUARDED_BY(lock); /* what set_alarm() was last told */
	u32 offset GUARDED_BY(lock); /* seconds, counter less clock, modulo 2^32 */
	u32 mr GUARDED_BY(lock);
	u32 lr GUARDED_BY(lock);
	u32 imsc GUARDED_BY(lock); /* bit 0 */
	u32 ris GUARDED_BY(lock); /* bit 0 */
	bool level GUARDED_BY(lock); /* what the line was last told */
};

static u32 counter(struct rtc_pl031 *rtc) REQUIRES(rtc->lock)
{
	return (u32)rtc->now_s + rtc->offset;
}

/* Look at the clock, and take what has happened since we last looked. */
static void catch_up(struct rtc_pl031 *rtc) REQUIRES(rtc->lock)
{
	rtc->now_s = rtc->ops->now_ns(rtc->ctx) / NS_PER_S;
	if (rtc->now_s < rtc->match_s)
		return;

	/* Also after a step of the clock over the match: an alarm that was due is due. */
	rtc->ris = INTR;
	rtc->match_s = rtc->now_s + WRAP_S - (u32)(rtc->now_s - rtc->match_s);
}

/* Tell the line and the host's alarm what has changed, and only that: both cost system calls. */
static void update_irq(struct rtc_pl031 *rtc) REQUIRES(rtc->lock)
{
	bool level = rtc->ris & rtc->imsc;
	u64 at_ns = RTC_NO_ALARM;

	if (level != rtc->level) {
		rtc->level = level;
		irq_line_set(&rtc->irq, level);
	}

	if (rtc->imsc && !rtc->ris && rtc->match_s <= LAST_S)
		at_ns = rtc->match_s * NS_PER_S;
	if (at_ns != rtc->asked_ns) {
		rtc->asked_ns = at_ns;
		rtc->ops->set_alarm(rtc->ctx, at_ns);
	}
}

/*
 * The counter or RTCMR was written. The comparator has no memory (2.1: when
 * both values are equal, the interrupt is asserted), so a write that makes them
 * equal is a match at once; QEMU does the same.
 */
static void compare(struct rtc_pl031 *rtc) REQUIRES(rtc->lock)
{
	u32 ahead = rtc->mr - counter(rtc);

	if (ahead == 0)
		rtc->ris = INTR;
	rtc->match_s = rtc->now_s + (ahead ? ahead : WRAP_S);
}

static u32 dr_read(void *dev, u32 offset)
{
	struct rtc_pl031 *rtc = dev;

	mutex_assert_held(&rtc->lock);
	return counter(rtc);
}

static u32 mr_read(void *dev, u32 offset)
{
	struct rtc_pl031 *rtc = dev;

	return rtc->mr;
}

static void mr_write(void *dev, u32 offset, u32 value)
{
	struct rtc_pl031 *rtc = dev;

	mutex_assert_held(&rtc->lock);
	rtc->mr = value;
	compare(rtc);
}

static u32 lr_read(void *dev, u32 offset)
{
	struct rtc_pl031 *rtc = dev;

	return rtc->lr;
}

static void lr_write(void *dev, u32 offset, u32 value)
{
	struct rtc_pl031 *rtc = dev;

	mutex_assert_held(&rtc->lock);
	rtc->lr = value;
	rtc->offset = value - (u32)rtc->now_s;
	compare(rtc);
}

static u32 cr_read(void *dev, u32 offset)
{
	return 1;
}

static u32 imsc_read(void *dev, u32 offset)
{
	struct rtc_pl031 *rtc = dev;

	return rtc->imsc;
}

static void imsc_write(void *dev, u32 offset, u32 value)
{
	struct rtc_pl031 *rtc = dev;

	rtc->imsc = value;
}

static u32 ris_read(void *dev, u32 offset)
{
	struct rtc_pl031 *rtc = dev;

	return rtc->ris;
}

static u32 mis_read(void *dev, u32 offset)
{
	struct rtc_pl031 *rtc = dev;

	return rtc->ris & rtc->imsc;
}

/* 3.3.8: bit 0 clears, a 0 does not; the overview in 2.1 says any value, and is not followed. */
static void icr_write(void *dev, u32 offset, u32 value)
{
	struct rtc_pl031 *rtc = dev;

	rtc->ris &= ~value;
}

static u32 id_read(void *dev, u32 offset)
{
	/* RTCPeriphID0-3 (part 0x031, designer 0x41, r1), RTCPCellID0-3; 3.3.9, 3.3.10. */
	static const u8 id[] = { 0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	return id[(offset - PERIPH_ID) / 4];
}

/* clang-format off */
static const struct mmio_reg regs[] = {
	{ "RTCDR",   0x000, 4, MMIO_W32, 0,          dr_read,   NULL },
	{ "RTCMR",   0x004, 4, MMIO_W32, 0xffffffff, mr_read,   mr_write },
	{ "RTCLR",   0x008, 4, MMIO_W32, 0xffffffff, lr_read,   lr_write },
	{ "RTCCR",   0x00c, 4, MMIO_W32, 0,          cr_read,   NULL },
	{ "RTCIMSC", 0x010, 4, MMIO_W32, INTR,       imsc_read, imsc_write },
	{ "RTCRIS",  0x014, 4, MMIO_W32, 0,          ris_read,  NULL },
	{ "RTCMIS",  0x018, 4, MMIO_W32, 0,          mis_read,  NULL },
	{ "RTCICR",  0x01c, 4, MMIO_W32, INTR,       NULL,      icr_write },
	{ "RTCID", PERIPH_ID, 32, MMIO_W32, 0,       id_read,   NULL },
};
/* clang-format on */

const struct mmio_table rtc_pl031_table = { regs, ARRAY_SIZE(regs) };

int rtc_pl031_create(const struct rtc_host_ops *ops, void *ctx, const struct irq_line *irq,
                     struct rtc_pl031 **out)
{
	struct rtc_pl031 *rtc = calloc(1, sizeof(*rtc));

	if (!rtc)
		return -ENOMEM;

	rtc->ops = ops;
	rtc->ctx = ctx;
	rtc->irq = *irq;
	mutex_init(&rtc->lock);
	rtc->asked_ns = RTC_NO_ALARM;

	mutex_lock(&rtc->lock);
	rtc->now_s = ops->now_ns(ctx) / NS_PER_S;
	compare(rtc);
	rtc->ris = 0; /* its reset value, even where the clock happens to say 0 */
	mutex_unlock(&rtc->lock);

	*out = rtc;
	return 0;
}

void rtc_pl031_destroy(struct rtc_pl031 *rtc)
{
	if (!rtc)
		return;
	mutex_done(&rtc->lock);
	free(rtc);
}

void rtc_pl031_alarm(struct rtc_pl031 *rtc)
{
	mutex_lock(&rtc->lock);
	/* The host's alarm is spent: if it came too early, ask again. */
	rtc->asked_ns = RTC_NO_ALARM;
	catch_up(rtc);
	update_irq(rtc);
	mutex_unlock(&rtc->lock);
}

bool rtc_pl031_reset(void *dev)
{
	struct rtc_pl031 *rtc = dev;

	mutex_lock(&rtc->lock);
	rtc->now_s = rtc->ops->now_ns(rtc->ctx) / NS_PER_S;
	rtc->mr = rtc->imsc = 0;
	compare(rtc);
	rtc->ris = 0; /* also where the counter happens to say 0 */
	update_irq(rtc);
	mutex_unlock(&rtc->lock);
	return true;
}

static u64 rtc_read(void *dev, u32 offset, u32 width)
{
	struct rtc_pl031 *rtc = dev;
	u64 v;

	mutex_lock(&rtc->lock);
	catch_up(rtc);
	v = mmio_read(&rtc_pl031_table, rtc, offset, width);
	update_irq(rtc);
	mutex_unlock(&rtc->lock);
	return v;
}

static void rtc_write(void *dev, u32 offset, u32 width, u64 value)
{
	struct rtc_pl031 *rtc = dev;

	mutex_lock(&rtc->lock);
	catch_up(rtc);
	mmio_write(&rtc_pl031_table, rtc, offset, width, value);
	update_irq(rtc);
	mutex_unlock(&rtc->lock);
}

const struct bus_ops rtc_pl031_bus_ops = { .read = rtc_read, .write = rtc_write };
