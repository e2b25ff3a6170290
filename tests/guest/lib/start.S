/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of every guest, the way in for a CPU started by PSCI,
 * the exception vectors, and the page table.
 *
 * What the monitor handed over is kept in registers until the MMU is on, so that
 * memory is never written past the caches.
 */
#define SCTLR_ON 0x30d0198d /* RES1 bits of an EL1 that knows no more, with M, C, I and SA */
#define TCR                                                                                        \
	((2 << 32) /* IPS: 40 bits */ | (2 << 30) /* TG1: 4 KiB */ | (3 << 28) | (1 << 26) |       \
	 (1 << 24) | (1 << 23) /* EPD1: no walks by TTBR1 */ | (25 << 16) | (3 << 12) | (1 << 10) | \
	 (1 << 8) | 25 /* 39 bits */)
#define MAIR 0x4404ff04 /* 0 Device-nGnRE, 1 Normal write-back, 2 Device, 3 Normal non-cacheable */

#define REGS_SIZE 288 /* struct regs */

	.section .text.start, "ax"
	.global _start
_start:
	mrs	x10, cntpct_el0
	mrs	x11, cntvct_el0
	mrs	x12, CurrentEL
	mrs	x13, SPSel
	mrs	x14, DAIF
	mrs	x15, sctlr_el1
	bl	mmu_on
	adrp	x9, __bss_start
	add	x9, x9, :lo12:__bss_start
	adrp	x16, __bss_end
	add	x16, x16, :lo12:__bss_end
1:	cmp	x9, x16
	b.hs	2f
	stp	xzr, xzr, [x9], #16
	b	1b
2:	adrp	x9, boot_state
	add	x9, x9, :lo12:boot_state
	stp	x0, x1, [x9]
	stp	x2, x3, [x9, #16]
	stp	x10, x11, [x9, #32]
	stp	x12, x13, [x9, #48]
	stp	x14, x15, [x9, #64]
	adrp	x9, boot_stack_top
	add	x9, x9, :lo12:boot_stack_top
	mov	sp, x9
	mov	x29, xzr
	bl	guest_start
3:	wfi
	b	3b

/* A CPU started by PSCI: X0 is the context it was given, a struct cpu_start. */
	.global secondary_start
secondary_start:
	mrs	x12, CurrentEL
	mrs	x13, SPSel
	mrs	x14, DAIF
	mrs	x15, sctlr_el1
	bl	mmu_on
	ldr	x9, [x0, #8]
	mov	sp, x9
	stp	x12, x13, [x0, #16]
	stp	x14, x15, [x0, #32]
	mov	x29, xzr
	bl	cpu_start_c
4:	wfi
	b	4b

/* Uses x9 and x16 only. */
	.global mmu_on
mmu_on:
	msr	SPSel, #1
	ldr	x9, =MAIR
	msr	mair_el1, x9
	ldr	x9, =TCR
	msr	tcr_el1, x9
	adrp	x9, page_table
	msr	ttbr0_el1, x9
	adrp	x9, vectors
	add	x9, x9, :lo12:vectors
	msr	vbar_el1, x9
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	sy
	isb
	ldr	x9, =SCTLR_ON
	msr	sctlr_el1, x9
	isb
	ret
	.ltorg

	.macro vector kind
	.balign 0x80
	sub	sp, sp, #REGS_SIZE
	stp	x0, x1, [sp]
	mov	x0, #\kind
	b	exception_entry
	.endm

	.text
	.balign 0x800
	.global vectors
vectors:
	.irp k, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector \k
	.endr

exception_entry:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, elr_el1
	stp	x30, x2, [sp, #240]
	mrs	x2, spsr_el1
	add	x3, sp, #REGS_SIZE
	stp	x2, x3, [sp, #256]
	mov	x1, sp
	bl	exception
	ldp	x30, x2, [sp, #240]
	msr	elr_el1, x2
	ldr	x2, [sp, #256]
	msr	spsr_el1, x2
	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #REGS_SIZE
	eret

/*
 * 512 blocks of 1 GiB, addresses as they are: two of devices, one of RAM, devices
 * again (mmu_add_ram() turns those that are RAM), and from 256 GiB four that show the
 * first 4 GiB once more as Normal non-cacheable memory, where an unaligned access or
 * an instruction fetch reaches the monitor instead of faulting in stage 1.
 */
#define BLOCK_DEVICE ((3 << 53) | (1 << 10) | (0 << 2) | 1)
#define BLOCK_RAM    ((1 << 10) | (3 << 8) | (1 << 2) | 1)
#define BLOCK_NC     ((1 << 10) | (3 << 8) | (3 << 2) | 1)

	.data
	.balign 4096
	.global page_table
page_table:
	.set	gib, 0
	.rept	512
	.if	gib == 2
	.quad	(gib << 30) | BLOCK_RAM
	.elseif	gib >= 256 && gib < 260
	.quad	((gib - 256) << 30) | BLOCK_NC
	.else
	.quad	(gib << 30) | BLOCK_DEVICE
	.endif
	.set	gib, gib + 1
	.endr

	.bss
	.balign 16
	.skip 16384
boot_stack_top:
