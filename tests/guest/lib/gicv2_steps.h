/* SPDX-License-Identifier: MIT */
/*
 * Steps that other CPUs do as CPU 0 says, one at a time, so that everything comes in an order
 * and is the same each time.
 */
#ifndef GUEST_GICV2_STEPS_H
#define GUEST_GICV2_STEPS_H

#include "types.h"

enum { EARLY_SGI = 9 };

typedef u32 (*step_fn)(u32 arg);

/**
 * start_cpu - turn a CPU on, which does steps from then on; EARLY_SGI is sent to it before
 *
 * Return: whether it came, and GICD_ITARGETSR tells it its own bit.
 */
bool start_cpu(u32 cpu);

/** early_state - state() of EARLY_SGI on a CPU when it came up */
u32 early_state(u32 cpu);

/** ask - begin a step */
void ask(u32 cpu, step_fn fn, u32 arg);
bool is_answered(u32 cpu);

/** answer - the result of the step that was asked for, or ~0 after five seconds */
u32 answer(u32 cpu);

/** on - ask() and answer() in one; also of the caller */
u32 on(u32 cpu, step_fn fn, u32 arg);

/** put_to_sleep - ask() for do_sleep(), and wait until it has begun */
void put_to_sleep(u32 cpu);

/* Steps: their names say what they do, to the CPU's own side where there is one. */
u32 do_fresh(u32 arg);
u32 do_gicd(u32 reg);
u32 do_gicc(u32 reg);
u32 do_state(u32 id);
u32 do_signalled(u32 arg);
u32 do_enable(u32 id);
u32 do_pend(u32 id);
u32 do_activate(u32 id);
u32 do_urgent(u32 id); /* priority 0x20. Return: the priority it has */
u32 do_group(u32 id); /* group 1. Return: the group it has */
u32 do_pmr(u32 value);
u32 do_ctlr(u32 value);
u32 do_end(u32 id);
u32 do_sgir(u32 value);
u32 do_timer(u32 high); /* the virtual timer's line. Return: state() of it */
u32 do_sleep(u32 arg); /* PSTATE masks all. Return: signalled() at the end */

#endif
