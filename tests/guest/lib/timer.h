/* SPDX-License-Identifier: MIT */
/* The virtual timer of each CPU, by interrupt. */
#ifndef GUEST_TIMER_H
#define GUEST_TIMER_H

#include "types.h"

/**
 * timer_init - let the calling CPU's virtual timer interrupt it
 *
 * After gic_init() or gic_cpu_init(). The interrupt stops the timer and is counted.
 *
 * Return: false: the tree has no timer.
 */
bool timer_init(void);

/** timer_arm - interrupt in @ms milliseconds; 0: now */
void timer_arm(u64 ms);
void timer_stop(void);

/** timer_is_armed - as timer_arm() left it: enabled, and for its time */
bool timer_is_armed(void);

/** timer_fired - interrupts of CPU number @cpu so far */
u32 timer_fired(u32 cpu);

#endif
