/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "machine/base/bits.h"
#include "machine/image_parse.h"

static u16 le16(const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static u32 le32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static u64 le64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static int refuse(const char **why, const char *reason)
{
	*why = reason;
	return -EINVAL;
}

/* In this order: an arm64 Image with an EFI stub starts with "MZ" as zboot does. */
static const struct {
	size_t at;
	const char *magic;
	size_t len;
	enum image_kind kind;
	const char *name;
} magics[] = {
	{ 56, "ARM\x64", 4, IMAGE_ARM64, "an arm64 Image" },
	{ 4, "zimg", 4, IMAGE_ZBOOT, "an EFI zboot image" },
	{ 0, "\x1f\x8b", 2, IMAGE_GZIP, "gzip-compressed" },
	{ 0, "\x28\xb5\x2f\xfd", 4, IMAGE_ZSTD, "zstd-compressed" },
	{ 0, ELFMAG, SELFMAG, IMAGE_ELF, "an ELF file" },
	{ 0, "\xfd\x37zXZ\0", 6, IMAGE_FOREIGN, "xz-compressed" },
	{ 0, "BZh", 3, IMAGE_FOREIGN, "bzip2-compressed" },
	{ 0, "\x04\x22\x4d\x18", 4, IMAGE_FOREIGN, "lz4-compressed" },
	{ 0, "\x02\x21\x4c\x18", 4, IMAGE_FOREIGN, "lz4-compressed" },
	{ 0, "\x89LZO\0\r\n\x1a\n", 9, IMAGE_FOREIGN, "lzo-compressed" },
	{ 0, "\x5d\0\0\x80\0\xff", 6, IMAGE_FOREIGN, "lzma-compressed" },
};

enum image_kind image_identify(const u8 *head, size_t len, const char **name)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		size_t need = magics[i].kind == IMAGE_ARM64 ? (size_t)IMAGE_HEAD
		                                            : magics[i].at + magics[i].len;

		if (len < need || memcmp(head + magics[i].at, magics[i].magic, magics[i].len) != 0)
			continue;
		if (magics[i].kind == IMAGE_ZBOOT && memcmp(head, "MZ", 2) != 0)
			continue;
		*name = magics[i].name;
		return magics[i].kind;
	}
	*name = "a flat binary";
	return IMAGE_FLAT;
}

/*
 * The flags need no answer: a big-endian kernel starts in little-endian code
 * and turns SCTLR_EL1.EE itself, only the guest's CPU knows about page sizes,
 * and the start of RAM is right for both values of the placement bit.
 */
int image_arm64_parse(const u8 *head, struct image_arm64 *out, const char **why)
{
	u64 text_offset = le64(head + 8), size = le64(head + 16);

	/* Before Linux 3.17 the size is 0 and the offset in the kernel's byte order. */
	if (size == 0)
		text_offset = 0x80000;
	/* Its code takes the addresses of its data in steps of 4 KiB, relative to itself. */
	if (!is_aligned(text_offset, 4 * KIB))
		return refuse(why, "text_offset in its header is not a multiple of 4 KiB");

	*out = (struct image_arm64){ .text_offset = text_offset, .size = size };
	return 0;
}

/* PE Format (Microsoft), "MS-DOS Stub" to "Section Table"; Linux: linux/pe.h. */
enum {
	PE_AT = 60, /* where the file has the offset of its PE header */
	PE_HEAD = 24, /* signature and COFF header */
	PE_SECTIONS = 6, /* in it: their number, u16 */
	PE_OPTIONAL = 20, /* and the size of what is between it and the section table, u16 */
	PE_SECTION = 40,
	PE_RAW_SIZE = 16, /* in a section's header: what the file has of it, u32 */
	PE_RAW_AT = 20, /* and where, u32 */
};

/* At most 32 + 32 bits are added up, so nothing wraps. */
u64 image_arm64_extent(const u8 *file, size_t len)
{
	u64 pe = le32(file + PE_AT), end = pe + PE_HEAD, at;

	if (memcmp(file, "MZ", 2) != 0)
		return 0;
	if (end > len)
		return end;
	if (memcmp(file + pe, "PE\0", 4) != 0)
		return 0;

	at = end + le16(file + pe + PE_OPTIONAL);
	end = at + (u64)le16(file + pe + PE_SECTIONS) * PE_SECTION;
	for (const u64 table_end = end; table_end <= len && at < table_end; at += PE_SECTION) {
		u64 raw = le32(file + at + PE_RAW_SIZE);

		if (raw > 0 && le32(file + at + PE_RAW_AT) + raw > end)
			end = le32(file + at + PE_RAW_AT) + raw;
	}
	return end;
}

int image_zboot_parse(const u8 *head, size_t len, struct image_zboot *out, const char **why)
{
	static const struct {
		const char *type;
		enum image_kind packed;
		const char *why;
	} types[] = {
		{ "gzip", IMAGE_GZIP, NULL },
		{ "zstd", IMAGE_ZSTD, NULL },
		{ "zstd22", IMAGE_ZSTD, NULL }, /* until Linux 6.14 */
		{ "lz4", IMAGE_FOREIGN,
		  "the Image in it is lz4-compressed; gzip or zstd is needed" },
		{ "lzma", IMAGE_FOREIGN,
		  "the Image in it is lzma-compressed; gzip or zstd is needed" },
		{ "lzo", IMAGE_FOREIGN,
		  "the Image in it is lzo-compressed; gzip or zstd is needed" },
		{ "xzkern", IMAGE_FOREIGN,
		  "the Image in it is xz-compressed; gzip or zstd is needed" },
	};
	enum { TYPE = 24, TYPE_END = 56 };
	const char *type = (const char *)head + TYPE;

	if (len < TYPE_END)
		return refuse(why, "ends in the middle of its zboot header");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strncmp(type, types[i].type, TYPE_END - TYPE) != 0)
			continue;
		if (types[i].why)
			return refuse(why, types[i].why);
		*out = (struct image_zboot){ .offset = le32(head + 8),
			                     .size = le32(head + 12),
			                     .packed = types[i].packed };
		return 0;
	}
	return refuse(why, "its zboot header names a compression that is not known");
}

static int check_ident(const u8 *head, const char **why)
{
	if (head[EI_CLASS] != ELFCLASS64)
		return refuse(why, "is a 32-bit ELF file; AArch64 is needed");
	if (head[EI_DATA] != ELFDATA2LSB)
		return refuse(why, "is a big-endian ELF file; its Image would do");
	if (le16(head + offsetof(Elf64_Ehdr, e_machine)) != EM_AARCH64)
		return refuse(why, "is an ELF file for another machine; AArch64 is needed");
	return 0;
}

int image_elf_parse(const u8 *head, size_t len, struct image_elf *out, const char **why)
{
	u16 type, phnum;

	if (len < sizeof(Elf64_Ehdr))
		return refuse(why, "ends in the middle of its ELF header");
	if (check_ident(head, why) < 0)
		return -EINVAL;

	type = le16(head + offsetof(Elf64_Ehdr, e_type));
	if (type != ET_EXEC && type != ET_DYN)
		return refuse(why, "is an ELF file, but not an executable");
	if (le16(head + offsetof(Elf64_Ehdr, e_phentsize)) != IMAGE_ELF_PHDR)
		return refuse(why, "its ELF header has a wrong e_phentsize");
	phnum = le16(head + offsetof(Elf64_Ehdr, e_phnum));
	if (phnum == 0)
		return refuse(why, "is an ELF file without program headers");
	if (phnum > IMAGE_ELF_PHDRS_MAX)
		return refuse(why, "is an ELF file with more than 64 program headers");

	*out = (struct image_elf){
		.entry = le64(head + offsetof(Elf64_Ehdr, e_entry)),
		.phoff = le64(head + offsetof(Elf64_Ehdr, e_phoff)),
		.phnum = phnum,
		.moves = type == ET_DYN,
	};
	return 0;
}

static struct image_segment segment_of(const u8 *phdr)
{
	return (struct image_segment){
		.offset = le64(phdr + offsetof(Elf64_Phdr, p_offset)),
		.filesz = le64(phdr + offsetof(Elf64_Phdr, p_filesz)),
		.vaddr = le64(phdr + offsetof(Elf64_Phdr, p_vaddr)),
		.paddr = le64(phdr + offsetof(Elf64_Phdr, p_paddr)),
		.memsz = le64(phdr + offsetof(Elf64_Phdr, p_memsz)),
	};
}

static bool overlaps(const struct image_segments *segs, const struct image_segment *s)
{
	for (size_t i = 0; i < segs->nr; i++) {
		const struct image_segment *o = &segs->seg[i];

		if (s->paddr < o->paddr + o->memsz && o->paddr < s->paddr + s->memsz)
			return true;
	}
	return false;
}

/* None of the sums wraps, so that those who come later may add without a look. */
static int add_segment(struct image_segments *segs, const struct image_segment *s, const char **why)
{
	if (s->filesz > s->memsz)
		return refuse(why, "has an ELF segment larger in the file than in memory");
	if (s->paddr + s->memsz < s->memsz || s->vaddr + s->memsz < s->memsz ||
	    s->offset + s->filesz < s->filesz)
		return refuse(why, "has an ELF segment that wraps around");
	if (overlaps(segs, s))
		return refuse(why, "has ELF segments that overlap");
	segs->seg[segs->nr++] = *s;
	return 0;
}

int image_elf_segments(const u8 *phdrs, u32 phnum, struct image_segments *out, const char **why)
{
	*out = (struct image_segments){ .nr = 0 };
	for (u32 i = 0; i < phnum && i < IMAGE_ELF_PHDRS_MAX; i++) {
		const u8 *phdr = phdrs + (size_t)i * IMAGE_ELF_PHDR;
		struct image_segment s = segment_of(phdr);
		u32 type = le32(phdr + offsetof(Elf64_Phdr, p_type));

		if (type == PT_INTERP)
			return refuse(why,
			              "is a dynamically linked ELF file; a static one is needed");
		if (type == PT_LOAD && (s.memsz > 0 || s.filesz > 0) &&
		    add_segment(out, &s, why) < 0)
			return -EINVAL;
	}
	if (out->nr == 0)
		return refuse(why, "is an ELF file with nothing to load");
	return 0;
}

/* e_entry is virtual; programs that never turn the MMU on are known to give a physical one. */
static int find_entry(const struct image_elf *elf, const struct image_segments *segs, u64 *paddr,
                      const char **why)
{
	if (!is_aligned(elf->entry, 4))
		return refuse(why, "its ELF entry point is not 4-byte aligned");
	for (size_t i = 0; i < segs->nr; i++) {
		const struct image_segment *s = &segs->seg[i];

		if (elf->entry - s->vaddr < s->memsz) {
			*paddr = elf->entry - s->vaddr + s->paddr;
			return 0;
		}
	}
	for (size_t i = 0; i < segs->nr; i++) {
		if (elf->entry - segs->seg[i].paddr < segs->seg[i].memsz) {
			*paddr = elf->entry;
			return 0;
		}
	}
	return refuse(why, "its ELF entry point is in none of its segments");
}

static bool in_ram(gpa_t ram, u64 size, u64 lo, u64 hi)
{
	return lo >= ram && hi - ram <= size;
}

int image_elf_place(const struct image_elf *elf, const struct image_segments *segs, gpa_t ram,
                    u64 size, struct image_elf_place *out, const char **why)
{
	u64 lo = ~0ull, hi = 0, entry, shift = 0;

	for (size_t i = 0; i < segs->nr; i++) {
		u64 start = segs->seg[i].paddr, end = start + segs->seg[i].memsz;

		lo = start < lo ? start : lo;
		hi = end > hi ? end : hi;
	}
	if (find_entry(elf, segs, &entry, why) < 0)
		return -EINVAL;

	if (!in_ram(ram, size, lo, hi)) {
		if (!elf->moves && lo < 1ull << 63)
			return refuse(why, "has ELF segments outside of RAM");
		shift = ram - align_down(lo, 2 * MIB);
		if (hi - lo > size || !in_ram(ram, size, lo + shift, hi + shift))
			return refuse(why, "is larger than RAM: a larger -m is needed");
	}
	*out = (struct image_elf_place){
		.shift = shift,
		.start = lo + shift,
		.end = hi + shift,
		.entry = entry + shift,
	};
	return 0;
}
