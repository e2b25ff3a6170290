/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_RTC_HOST_H
#define MACHINE_RTC_HOST_H

#include "devices/loop.h"
#include "devices/rtc_pl031.h"

/*
 * The host's side of the RTC: the wall clock, and an alarm that the loop waits
 * for. A vCPU thread only notes when and rings the bell; the loop does the rest.
 */
struct rtc_host;

must_check int rtc_host_create(struct loop *l, struct rtc_host **out);
void rtc_host_destroy(struct rtc_host *h); /* after loop_quiesce(); NULL is fine */

/* The RTC whose alarm it is, before the guest runs. */
void rtc_host_attach(struct rtc_host *h, struct rtc_pl031 *rtc);

extern const struct rtc_host_ops rtc_host_ops; /* ctx: struct rtc_host */

#endif /* MACHINE_RTC_HOST_H */
