/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_IMAGE_PARSE_H
#define MACHINE_IMAGE_PARSE_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * What a kernel file says about itself. Bytes in, numbers out: no files and no
 * memory of a guest, so every boundary can be tested. All bytes are hostile.
 *
 * The functions that can refuse return 0, or -EINVAL with *@why set to a
 * reason that fits behind the name of the file.
 */
enum image_kind {
	IMAGE_FLAT, /* nothing that is known */
	IMAGE_ARM64,
	IMAGE_ZBOOT, /* EFI program around a compressed Image */
	IMAGE_GZIP,
	IMAGE_ZSTD,
	IMAGE_ELF,
	IMAGE_FOREIGN, /* compressed in a way that we do not unpack */
};

/* All headers are within this many bytes from the start of a file. */
enum { IMAGE_HEAD = 64 };

/**
 * image_identify - tell what a file is by its first bytes
 * @head: the start of the file
 * @len:  bytes there; IMAGE_HEAD, or all there are in a shorter file
 * @name: what it is called, for messages
 */
enum image_kind image_identify(const u8 *head, size_t len, const char **name);

/* Documentation/arch/arm64/booting.rst, "Call the kernel image". */
struct image_arm64 {
	u64 text_offset; /* from a 2 MiB boundary */
	u64 size; /* what it takes in memory, bss included; 0: the file's length is all we know */
};

/* @head: IMAGE_HEAD bytes of an IMAGE_ARM64. */
must_check int image_arm64_parse(const u8 *head, struct image_arm64 *out, const char **why);

/**
 * image_arm64_extent - how many bytes the file of an Image has to have
 * @file: the whole file, an IMAGE_ARM64
 * @len:  bytes there, IMAGE_HEAD at least
 *
 * image_size counts the bss, which is not in the file. With an EFI stub the
 * Image is a PE program too, and that has the length of what it is made of.
 *
 * Return: the least number; 0: it does not say.
 */
u64 image_arm64_extent(const u8 *file, size_t len);

/* linux/drivers/firmware/efi/libstub/zboot-header.S */
struct image_zboot {
	u32 offset, size; /* the compressed Image, in bytes from the start of the file */
	enum image_kind packed; /* IMAGE_GZIP or IMAGE_ZSTD */
};

must_check int image_zboot_parse(const u8 *head, size_t len, struct image_zboot *out,
                                 const char **why);

/* System V ABI, ELF-64: the file header. */
struct image_elf {
	u64 entry; /* virtual */
	u64 phoff; /* bytes from the start of the file */
	u32 phnum; /* 1..IMAGE_ELF_PHDRS_MAX */
	bool moves; /* ET_DYN: made to run anywhere */
};

enum {
	IMAGE_ELF_PHDR = 56, /* bytes */
	IMAGE_ELF_PHDRS_MAX = 64, /* Linux has five */
};

must_check int image_elf_parse(const u8 *head, size_t len, struct image_elf *out, const char **why);

struct image_segment {
	u64 offset, filesz; /* in the file */
	u64 vaddr, paddr, memsz;
};

struct image_segments {
	struct image_segment seg[IMAGE_ELF_PHDRS_MAX];
	size_t nr;
};

/* The loadable ones among @phnum program headers at @phdrs. They neither wrap nor overlap. */
must_check int image_elf_segments(const u8 *phdrs, u32 phnum, struct image_segments *out,
                                  const char **why);

struct image_elf_place {
	u64 shift; /* added to each paddr, modulo 2^64 */
	gpa_t start, end, entry;
};

/**
 * image_elf_place - where in RAM the segments go
 * @elf:  from image_elf_parse()
 * @segs: from image_elf_segments()
 * @ram:  first address of RAM, 2 MiB aligned
 * @size: bytes of RAM
 *
 * Where p_paddr says, if that is RAM. A file that does not mean it, because it
 * is ET_DYN or linked for the upper half of the address space as vmlinux is,
 * moves to the first 2 MiB of RAM by a multiple of 2 MiB: that puts vmlinux
 * at text_offset, as booting.rst wants it.
 */
must_check int image_elf_place(const struct image_elf *elf, const struct image_segments *segs,
                               gpa_t ram, u64 size, struct image_elf_place *out, const char **why);

#endif /* MACHINE_IMAGE_PARSE_H */
