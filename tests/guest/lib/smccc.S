/* SPDX-License-Identifier: MIT */
/* Calls with all registers in view, and calls that come back somewhere else. */
#define SLEEP_SAVED 32
#define SLEEP_SP    128
#define SLEEP_FOUND 144
#define SLEEP_WOKE  176

	.macro each_pair op base
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
	pair	\op, \base, \n
	.endr
	.endm

	.macro pair op base n
	.altmacro
	pair2	\op, \base, %(2 * \n), %(2 * \n + 1)
	.noaltmacro
	.endm

	.macro pair2 op base first second
	\op	x\first, x\second, [\base, #8 * \first]
	.endm

	.macro smccc_call name insn
	.global \name
\name:
	stp	x29, x30, [sp, #-112]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	str	x0, [sp, #96]
	mov	x30, x0
	each_pair ldp, x30
	\insn	#0
	ldr	x30, [sp, #96]
	each_pair stp, x30
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #112
	ret
	.endm

	.text
	smccc_call smccc_hvc, hvc
	smccc_call smccc_smc, smc

/* The call either returns, or the CPU comes to sleep_entry with the struct sleep in X0. */
	.global sleep_call
sleep_call:
	stp	x19, x20, [x0, #SLEEP_SAVED]
	stp	x21, x22, [x0, #SLEEP_SAVED + 16]
	stp	x23, x24, [x0, #SLEEP_SAVED + 32]
	stp	x25, x26, [x0, #SLEEP_SAVED + 48]
	stp	x27, x28, [x0, #SLEEP_SAVED + 64]
	stp	x29, x30, [x0, #SLEEP_SAVED + 80]
	mov	x4, sp
	mrs	x5, tpidr_el1
	stp	x4, x5, [x0, #SLEEP_SP]
	ldp	x2, x3, [x0, #16]
	ldp	x0, x1, [x0]
	hvc	#0
	ret

	.global sleep_entry
sleep_entry:
	mrs	x12, CurrentEL
	mrs	x13, SPSel
	mrs	x14, DAIF
	mrs	x15, sctlr_el1
	bl	mmu_on
	stp	x12, x13, [x0, #SLEEP_FOUND]
	stp	x14, x15, [x0, #SLEEP_FOUND + 16]
	mov	x4, #1
	str	x4, [x0, #SLEEP_WOKE]
	ldp	x4, x5, [x0, #SLEEP_SP]
	mov	sp, x4
	msr	tpidr_el1, x5
	ldp	x19, x20, [x0, #SLEEP_SAVED]
	ldp	x21, x22, [x0, #SLEEP_SAVED + 16]
	ldp	x23, x24, [x0, #SLEEP_SAVED + 32]
	ldp	x25, x26, [x0, #SLEEP_SAVED + 48]
	ldp	x27, x28, [x0, #SLEEP_SAVED + 64]
	ldp	x29, x30, [x0, #SLEEP_SAVED + 80]
	mov	x0, xzr
	ret
