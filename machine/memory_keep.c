/* SPDX-License-Identifier: MIT */
/*
 * RAM as the boot loader left it, to come back to. What was loaded lies in a
 * memfd mapped MAP_PRIVATE, everything else is anonymous, and MADV_DONTNEED
 * turns both kinds into what they were: madvise(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/base/bits.h"
#include "machine/base/log.h"
#include "machine/base/own.h"
#include "machine/memory.h"
#include "machine/memory_private.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u /* linux/memfd.h, Linux 6.3 */
#endif

/*
 * So many zeros in a row are not mapped from the memfd. A read of a hole there would
 * fill it for good, and what stays anonymous can have huge pages.
 */
enum { GAP = 2 * 1024 * 1024 };

/* A piece of RAM on its way into the memfd. */
struct keep {
	const struct gmem *ram;
	u64 page;
	int fd;
	u64 used; /* bytes of the memfd */
};

/* Whole pages around a range, as offsets into RAM. False: not wholly in RAM. */
static bool round_out(const struct gmem *ram, u64 page, const struct memory_range *r, u64 *from,
                      u64 *to)
{
	if (!gmem_ptr(ram, r->start, r->size))
		return false;
	*from = align_down(r->start - ram->base, page);
	*to = r->size ? align_up(r->start - ram->base + r->size, page) : *from;
	return true;
}

/* Insertion sort by where they begin: there are three. */
static void sort(struct memory_range *r, u32 nr)
{
	for (u32 i = 1; i < nr; i++) {
		struct memory_range v = r[i];
		u32 at = i;

		for (; at > 0 && r[at - 1].start > v.start; at--)
			r[at] = r[at - 1];
		r[at] = v;
	}
}

/*
 * Page-aligned offsets, in order, no two touching: a page that two ranges share
 * is mapped once, and once it is mapped nothing is left to copy from.
 * Return: how many, or -EINVAL.
 */
static int merge(const struct gmem *ram, u64 page, const struct memory_range *range, u32 nr,
                 struct memory_range *out)
{
	u32 n = 0, last = 0;

	for (u32 i = 0; i < nr; i++) {
		u64 from, to;

		if (!round_out(ram, page, &range[i], &from, &to))
			return -EINVAL;
		if (to > from)
			out[n++] = (struct memory_range){ .start = from, .size = to - from };
	}
	sort(out, n);
	for (u32 i = 1; i < n; i++) {
		u64 end = out[last].start + out[last].size;
		u64 to = out[i].start + out[i].size;

		if (out[i].start > end)
			out[++last] = out[i];
		else if (to > end)
			out[last].size = to - out[last].start;
	}
	return n ? (int)last + 1 : 0;
}

static bool is_zero(const u8 *p, u64 len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

static int write_all(int fd, const u8 *p, u64 len, u64 at)
{
	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (u64)n;
		at += (u64)n;
	}
	return 0;
}

/* Pages that say something, from @from up to the next GAP or @end. Return: where they end. */
static u64 find_run(const struct keep *k, u64 from, u64 end)
{
	u64 stop = from + k->page;

	for (u64 at = stop; at < end && at - stop < GAP; at += k->page)
		if (!is_zero(k->ram->host + at, k->page))
			stop = at + k->page;
	return stop;
}

/* What is not zero of [from, to), which has its place in the memfd already. */
static int copy_run(const struct keep *k, u64 from, u64 to)
{
	const u8 *host = k->ram->host;
	int err = 0;

	for (u64 at = from, end; at < to && err == 0; at = end) {
		bool zero = is_zero(host + at, k->page);

		for (end = at + k->page; end < to && is_zero(host + end, k->page) == zero;)
			end += k->page;
		if (!zero)
			err = write_all(k->fd, host + at, end - at, k->used + (at - from));
	}
	return err;
}

/* [from, to) into the memfd, and the memfd in its place. */
static int move_run(struct keep *k, u64 from, u64 to)
{
	u8 *host = k->ram->host;
	void *p;
	int err;

	if (ftruncate(k->fd, (off_t)(k->used + (to - from))) < 0)
		return -errno;
	err = copy_run(k, from, to);
	if (err < 0)
		return err;

	p = mmap(host + from, to - from, PROT_READ | PROT_WRITE,
	         MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, k->fd, (off_t)k->used);
	if (p == MAP_FAILED)
		return -errno;
	memory_advise(p, to - from);
	k->used += to - from;
	return 0;
}

static int move_range(struct keep *k, u64 from, u64 end)
{
	int err = 0;

	for (u64 at = from; at < end && err == 0;) {
		u64 stop;

		if (is_zero(k->ram->host + at, k->page)) {
			at += k->page;
			continue;
		}
		stop = find_run(k, at, end);
		err = move_run(k, at, stop);
		at = stop;
	}
	return err;
}

/* Before Linux 6.3 there is no MFD_NOEXEC_SEAL, after it some hosts refuse a memfd without. */
static int make_memfd(void)
{
	int fd = memfd_create("roost-boot", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("roost-boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

int memory_keep(const struct gmem *ram, const struct memory_range *range, u32 nr)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct keep k = { .ram = ram, .page = (u64)sysconf(_SC_PAGESIZE) };
	struct memory_range r[MEMORY_KEEP_MAX];
	auto_fd fd = -1;
	int n = nr <= MEMORY_KEEP_MAX ? merge(ram, k.page, range, nr, r) : -E2BIG;
	int err = 0;

	if (n < 0)
		return log_errno(n, "keep what was loaded into guest memory");
	fd = make_memfd();
	if (fd < 0)
		return log_errno(fd, "memfd for what was loaded into guest memory");

	k.fd = fd;
	for (int i = 0; i < n && err == 0; i++)
		err = move_range(&k, r[i].start, r[i].start + r[i].size);
	/* A private mapping does not count as a writer; nobody else is to be one, or to cut it. */
	if (err == 0 && fcntl(fd, F_ADD_SEALS, seals) < 0)
		err = -errno;
	if (err < 0)
		return log_errno(err, "keep %llu KiB of guest memory", k.used / KIB);
	return 0;
}

int memory_restore(const struct gmem *ram)
{
	if (madvise(ram->host, ram->size, MADV_DONTNEED) < 0)
		return log_errno(-errno, "give back %llu KiB of guest memory", ram->size / KIB);
	return 0;
}
