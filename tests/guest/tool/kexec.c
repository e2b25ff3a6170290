/* SPDX-License-Identifier: MIT */
/*
 * kexec IMAGE INITRD OLD NEW: go over to another kernel at once. Runs in a Linux
 * guest on arm64; both files may be disks. The new kernel gets this one's device
 * tree, with the first OLD in it overwritten by NEW, which is as long: the tree
 * does not change its size, and INITRD goes where the tree says that one is.
 * Nothing is shut down first; sync before.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE    0x1000u
#define SECTION 0x200000u /* the tree lies within one, Documentation/arch/arm64/booting.rst */
#define CHOSEN  "/sys/firmware/devicetree/base/chosen/"

/* What the new kernel is entered through: it wants its tree's address in X0, 0 in X1..X3. */
struct trampoline {
	uint32_t code[6];
	uint64_t tree, kernel;
};

static const uint32_t trampoline_code[6] = {
	0x580000c0, /* ldr	x0, tree */
	0x580000e4, /* ldr	x4, kernel */
	0xd2800001, /* mov	x1, #0 */
	0xd2800002, /* mov	x2, #0 */
	0xd2800003, /* mov	x3, #0 */
	0xd61f0080, /* br	x4 */
};

struct blob {
	char *data;
	size_t size;
};

static int fail(const char *what)
{
	perror(what);
	return EXIT_FAILURE;
}

static int read_all(const char *path, struct blob *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 1u << 20;
	ssize_t n = 1;

	if (fd < 0)
		return -1;
	b->size = 0;
	b->data = malloc(room);
	while (b->data && n > 0) {
		n = read(fd, b->data + b->size, room - b->size);
		if (n > 0)
			b->size += (size_t)n;
		if (b->size == room)
			b->data = realloc(b->data, room *= 2);
	}
	(void)close(fd);
	return b->data && n == 0 ? 0 : -1;
}

/* A property of /chosen, of one cell or two. */
static int read_address(const char *path, uint64_t *out)
{
	struct blob b;
	uint32_t one;

	if (read_all(path, &b) < 0)
		return -1;
	if (b.size == sizeof(one)) {
		memcpy(&one, b.data, sizeof(one));
		*out = be32toh(one);
	} else if (b.size == sizeof(*out)) {
		memcpy(out, b.data, sizeof(*out));
		*out = be64toh(*out);
	} else {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* Where RAM begins: kernels go there, as far into it as their header says. */
static int find_ram(uint64_t *out)
{
	FILE *f = fopen("/proc/iomem", "re");
	unsigned long long at;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, " : System RAM") && sscanf(line, "%llx-", &at) == 1 && at > 0) {
			(void)fclose(f);
			*out = at;
			return 0;
		}
	}
	errno = ENOENT;
	return -1;
}

static uint64_t header_field(const struct blob *image, size_t at)
{
	uint64_t value;

	memcpy(&value, image->data + at, sizeof(value));
	return le64toh(value);
}

static size_t whole_pages(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static int load(const struct blob *image, const struct blob *initrd, const struct blob *tree)
{
	struct trampoline t;
	uint64_t ram, start, end;
	char *page = calloc(1, PAGE);

	if (!page || find_ram(&ram) < 0 || read_address(CHOSEN "linux,initrd-start", &start) < 0 ||
	    read_address(CHOSEN "linux,initrd-end", &end) < 0)
		return -1;
	if (image->size < 64 || memcmp(image->data + 56, "ARM\x64", 4) != 0 ||
	    initrd->size < end - start || tree->size > SECTION - PAGE) {
		errno = EINVAL;
		return -1;
	}

	uint64_t kernel = ram / SECTION * SECTION + header_field(image, 8);
	uint64_t low = start / SECTION * SECTION - SECTION; /* trampoline, then the tree */

	memcpy(t.code, trampoline_code, sizeof(t.code));
	t.tree = low + PAGE;
	t.kernel = kernel;
	memcpy(page, &t, sizeof(t));

	struct kexec_segment {
		const void *buf;
		size_t bufsz;
		uint64_t mem;
		size_t memsz;
	} segments[] = {
		{ image->data, image->size, kernel, whole_pages(header_field(image, 16)) },
		{ page, PAGE, low, PAGE },
		{ tree->data, tree->size, low + PAGE, whole_pages(tree->size) },
		{ initrd->data, end - start, start / PAGE * PAGE, whole_pages(end - start) },
	};
	if (segments[0].memsz < image->size)
		segments[0].memsz = whole_pages(image->size);
	return (int)syscall(SYS_kexec_load, low, 4ul, segments, (unsigned long)KEXEC_ARCH_AARCH64);
}

int main(int argc, char **argv)
{
	struct blob image, initrd, tree;
	char *word;

	if (argc != 5 || strlen(argv[3]) != strlen(argv[4])) {
		(void)fprintf(stderr, "usage: kexec IMAGE INITRD OLD NEW\n");
		return EXIT_FAILURE;
	}
	if (read_all(argv[1], &image) < 0)
		return fail(argv[1]);
	if (read_all(argv[2], &initrd) < 0)
		return fail(argv[2]);
	if (read_all("/sys/firmware/fdt", &tree) < 0)
		return fail("/sys/firmware/fdt");
	word = memmem(tree.data, tree.size, argv[3], strlen(argv[3]));
	if (!word)
		return fail(argv[3]);
	memcpy(word, argv[4], strlen(argv[4]));

	if (load(&image, &initrd, &tree) < 0)
		return fail("kexec_load");
	(void)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC,
	              NULL);
	return fail("reboot");
}
