/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/mman.h>

#include "machine/base/bits.h"
#include "machine/base/kvm.h"
#include "machine/base/log.h"
#include "machine/memory.h"
#include "machine/memory_private.h"

/* The host's huge page: stage 2 maps blocks only where both addresses agree below this. */
enum { HUGE = 2 * 1024 * 1024 };

/* mmap() aligns to a page; reserve more and give the ends back. */
static void *map_aligned(u64 size, u64 align)
{
	u64 room = size + align;
	char *p, *start;

	if (room < size)
		return MAP_FAILED;
	p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	         -1, 0);
	if (p == MAP_FAILED)
		return p;

	start = p + (align_up((uintptr_t)p, align) - (uintptr_t)p);
	if (start > p)
		(void)munmap(p, (size_t)(start - p));
	(void)munmap(start + size, (size_t)(p + room - (start + size)));
	return start;
}

/* Best effort: without it all is the same, only slower, and core files are larger. */
void memory_advise(void *p, u64 size)
{
	if (size >= HUGE)
		(void)madvise(p, size, MADV_HUGEPAGE);
	(void)madvise(p, size, MADV_DONTDUMP);
}

int memory_map(gpa_t base, u64 size, struct gmem *out)
{
	void *p = map_aligned(size, HUGE);

	if (p == MAP_FAILED)
		return log_errno(-ENOMEM, "reserve %llu KiB of guest memory", size / KIB);

	memory_advise(p, size);
	*out = (struct gmem){ .host = p, .base = base, .size = size };
	return 0;
}

void memory_unmap(struct gmem *g)
{
	if (g->host)
		(void)munmap(g->host, g->size);
	*g = (struct gmem){ 0 };
}

int memory_slot(int vm_fd, u32 slot, const struct gmem *g)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.guest_phys_addr = g->base,
		.memory_size = g->size,
		.userspace_addr = (uintptr_t)g->host,
	};
	int err = kvm_call(vm_fd, KVM_SET_USER_MEMORY_REGION, &r);

	if (err < 0)
		return log_errno(err, "KVM_SET_USER_MEMORY_REGION %#llx, %llu KiB", g->base,
		                 g->size / KIB);
	return 0;
}
