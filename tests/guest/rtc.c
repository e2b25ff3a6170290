/* SPDX-License-Identifier: MIT */
/* The PL031 real-time clock (DDI 0224C): registers, time, alarm. */
#include "guest.h"

enum {
	RTCDR = 0x00,
	RTCMR = 0x04,
	RTCLR = 0x08,
	RTCCR = 0x0c,
	RTCIMSC = 0x10,
	RTCRIS = 0x14,
	RTCMIS = 0x18,
	RTCICR = 0x1c,
	RTCPERIPHID0 = 0xfe0,
};

static u64 rtc;
static volatile u32 alarms;
static volatile u32 alarm_mis;

static void alarm(u32 intid)
{
	alarm_mis = r32(rtc + RTCMIS);
	alarms++;
	w32(rtc + RTCICR, 1);
}

/* Three alarms without acknowledging show that the line is a level. */
static void alarm_unheard(u32 intid)
{
	if (++alarms == 3)
		w32(rtc + RTCICR, 1);
}

static bool wait_ris(u64 ms)
{
	u64 start = ticks();

	while (!r32(rtc + RTCRIS) && !passed_ms(start, ms))
		delay_ms(1);
	return r32(rtc + RTCRIS) == 1;
}

/* Two seconds: at the end of a second, one might be over before it is written. */
static void set_alarm(void)
{
	w32(rtc + RTCMR, r32(rtc + RTCDR) + 2);
}

static void check_ids(void)
{
	static const u8 ids[8] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (u32 i = 0; i < ARRAY_SIZE(ids); i++) {
		u32 mask = i == 2 ? 0x0f : 0xff; /* the revision is ours to choose */
		u32 v = r32(rtc + RTCPERIPHID0 + i * 4);

		check((v & mask) == ids[i] && v < 0x100, "identification register %u is 0x%02x", i,
		      ids[i]);
	}
}

static void check_registers(void)
{
	check(r32(rtc + RTCCR) == 1, "RTCCR says that the clock runs");
	w32(rtc + RTCCR, 0);
	check(r32(rtc + RTCCR) == 1, "and it cannot be stopped");
	check(r32(rtc + RTCIMSC) == 0, "the interrupt is masked at first");
	check(r32(rtc + RTCRIS) == 0, "and not raised");
	w32(rtc + RTCMR, 0xffffffff);
	check(r32(rtc + RTCMR) == 0xffffffff, "RTCMR keeps all 32 bits");
	w32(rtc + RTCMR, 0x00000000);
	check(r32(rtc + RTCMR) == 0, "RTCMR keeps zero");
	w32(rtc + RTCIMSC, 0xffffffff);
	check(r32(rtc + RTCIMSC) == 1, "RTCIMSC has one bit");
	w32(rtc + RTCIMSC, 0);
	w32(rtc + RTCRIS, 1);
	check(r32(rtc + RTCRIS) == 0, "RTCRIS is read-only");
	w32(rtc + RTCMIS, 1);
	check(r32(rtc + RTCMIS) == 0, "RTCMIS is read-only");
	check(r32(rtc + RTCICR) == 0, "RTCICR reads zero");
	w32(rtc + RTCDR, 0x12345678);
	check(r32(rtc + RTCDR) != 0x12345678, "RTCDR is read-only");
	check(r32(rtc + 0x40) == 0 && r32(rtc + 0xfdc) == 0, "reserved registers read zero");
}

static void check_time(void)
{
	u32 now = r32(rtc + RTCDR);
	u64 wall = bootarg_u64("expect.time", 0);
	u64 start;
	u64 second;
	u32 next;

	if (wall)
		check(now >= wall && now < wall + 60, "RTCDR is the host's time of day");
	for (start = ticks(); r32(rtc + RTCDR) == now && !passed_ms(start, 3000);)
		;
	now = r32(rtc + RTCDR);
	for (start = ticks(); (next = r32(rtc + RTCDR)) == now && !passed_ms(start, 3000);)
		;
	second = (ticks() - start) * 1000 / ticks_per_s();
	check(next == now + 1, "RTCDR counts up by one");
	check(second > 700 && second < 1300, "and takes a second for it (%llu ms)", second);
	w32(rtc + RTCLR, 1000000000);
	now = r32(rtc + RTCDR);
	check(now - 1000000000u < 2, "RTCLR sets the clock");
	check(r32(rtc + RTCLR) == 1000000000, "and reads back");
}

static void check_match(void)
{
	w32(rtc + RTCICR, 1);
	w32(rtc + RTCIMSC, 0);
	set_alarm();
	check(wait_ris(5000), "RTCRIS is raised when RTCDR reaches RTCMR");
	check(r32(rtc + RTCMIS) == 0, "RTCMIS is not, while masked");
	w32(rtc + RTCIMSC, 1);
	check(r32(rtc + RTCMIS) == 1, "RTCMIS is once unmasked");
	w32(rtc + RTCICR, 0);
	check(r32(rtc + RTCRIS) == 1, "writing 0 to RTCICR clears nothing");
	w32(rtc + RTCICR, 1);
	check(r32(rtc + RTCRIS) == 0 && r32(rtc + RTCMIS) == 0, "writing 1 to RTCICR clears both");
	delay_ms(50);
	check(r32(rtc + RTCRIS) == 0, "and they stay clear");
	w32(rtc + RTCIMSC, 0);
}

static bool wait_alarms(u32 n, u64 ms)
{
	u64 start = ticks();

	irq_on();
	while (alarms < n && !passed_ms(start, ms))
		;
	irq_off();
	return alarms >= n;
}

static void check_interrupt(const struct fdt_irq *irq)
{
	gic_enable(irq, alarm);
	w32(rtc + RTCIMSC, 1);
	set_alarm();
	check(wait_alarms(1, 5000), "the alarm interrupts");
	check(alarm_mis == 1, "with RTCMIS set");
	irq_on();
	delay_ms(20);
	irq_off();
	check(alarms == 1, "once");

	alarms = 0;
	gic_enable(irq, alarm_unheard);
	set_alarm();
	check(wait_alarms(3, 5000), "the alarm keeps interrupting until it is cleared");
	irq_on();
	delay_ms(20);
	irq_off();
	check(alarms == 3, "and stops then");

	set_alarm();
	check(wait_ris(5000) && gic_pending(irq->intid), "a raised alarm is pending in the GIC");
	w32(rtc + RTCIMSC, 0);
	check(!gic_pending(irq->intid), "masking it retracts it");
	w32(rtc + RTCIMSC, 1);
	check(gic_pending(irq->intid), "unmasking it raises it again");
	w32(rtc + RTCICR, 1);
	check(!gic_pending(irq->intid), "clearing it retracts it");
}

void guest_main(void)
{
	struct fdt_irq irq = { .intid = 0 };
	struct fdt_node n;
	u64 size;

	if (!check(fdt_find("arm,pl031", 0, &n) && fdt_reg(&n, 0, &rtc, &size) &&
	                   fdt_irq(&n, 0, &irq),
	           "there is an RTC") ||
	    !check(gic_init(), "there is a GIC"))
		tap_done();
	check_ids();
	check_registers();
	check_time();
	check_match();
	check_interrupt(&irq);
	tap_done();
}
