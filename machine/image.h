/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_IMAGE_H
#define MACHINE_IMAGE_H

#include "machine/base/compiler.h"
#include "machine/base/gmem.h"
#include "machine/base/types.h"

/* What is in RAM before the first instruction, and where. Ends are exclusive. */
struct image {
	gpa_t entry; /* the first instruction */
	gpa_t kernel, kernel_end; /* what the kernel takes, its bss (image_size) included */
	gpa_t initrd, initrd_end; /* equal: none */
	gpa_t dtb; /* 2 MiB aligned */
	u64 dtb_room; /* bytes to what follows; 2 MiB at most, booting.rst */
};

/**
 * image_load - put kernel and initrd into RAM and say where the device tree goes
 * @ram:    guest RAM, zero
 * @kernel: path. An arm64 Image, the same in gzip or zstd, an EFI zboot image, a
 *          static AArch64 ELF64, or, when it is none of these, a flat binary
 * @initrd: path, NULL: none
 * @out:    where things are
 *
 * Documentation/arch/arm64/booting.rst; the map is design's and kvmtool's: Image
 * at RAM + text_offset, flat binary at RAM + 0x80000, ELF where it says (vmlinux,
 * which says addresses that no RAM has, like its Image), device tree 2 MiB-aligned
 * below min(end of RAM, RAM + 256 MiB), initrd just under it. What does not fit
 * there goes to the end of RAM, and under a kernel that is there itself.
 * All files are hostile; all but ELF may be pipes.
 *
 * Return: 0, or a negative errno with one line logged that names the file and the
 * reason: for a kernel that cannot be opened exactly kvmtool's
 * "  Fatal: Unable to open kernel FILE". -ENOMEM and -EIO are the host's fault,
 * all others the file's.
 */
must_check int image_load(const struct gmem *ram, const char *kernel, const char *initrd,
                          struct image *out);

#endif /* MACHINE_IMAGE_H */
