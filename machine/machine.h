/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "machine/base/compiler.h"
#include "machine/config.h"
#include "machine/outcome.h"
#include "machine/privilege.h"

/*
 * One guest, from the command line to its end:
 *
 *   machine_create -> machine_run -> machine_destroy      a run
 *   machine_create -> machine_dump_dtb -> machine_destroy with cfg->dump_dtb
 */
struct machine;

/**
 * machine_create - build everything up to the first guest instruction
 * @cfg:       what was asked for; outlives the machine. With dump_dtb only what the
 *             tree is made from is built, and /dev/kvm is asked but not needed
 * @inherited: descriptors to close when privileges are dropped; read by machine_run()
 * @out:       the machine, owned by the caller, released with machine_destroy()
 *
 * Return: OUTCOME_NONE, or how roost ends: the reason has been logged and
 * nothing is left open.
 */
must_check enum outcome_kind machine_create(const struct machine_config *cfg,
                                            const struct privilege_inherited *inherited,
                                            struct machine **out);

/**
 * machine_run - let the guest run to its end
 * @m: created without dump_dtb; runs once
 *
 * The calling thread becomes the loop. When it returns every vCPU thread has
 * been joined, unless one of them does not leave the guest: that is logged and
 * @stuck is set, and the machine cannot be destroyed.
 *
 * Return: why it ended; the reason has been told.
 */
enum outcome_kind machine_run(struct machine *m, bool *stuck);

/* Write the device tree where cfg->dump_dtb says. Return: OUTCOME_NONE, or how roost ends. */
must_check enum outcome_kind machine_dump_dtb(struct machine *m);

void machine_destroy(struct machine *m); /* NULL is fine */

#endif /* MACHINE_MACHINE_H */
