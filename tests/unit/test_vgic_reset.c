/* SPDX-License-Identifier: MIT */
/*
 * What a reset of KVM's interrupt controller asks of KVM. That it is the right
 * thing to ask is for tests/guest/tool/vgic_proof.c to show, which has a KVM.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "irqchip/vgic_private.h"
#include "machine/base/bits.h"

enum { GIC_FD = 100, ITS_FD = 101, VM_FD = 102, NR_SPIS = 96, CALLS_MAX = 4096 };

/* One call into KVM; .attr is what an ioctl on the VM was about. */
struct call {
	enum { SET, GET, LINE, IRQFD } kind;
	int fd;
	u32 group;
	u64 attr, val;
	u32 flags;
};

/* The far end notes what it is asked, in the one place that the ops can reach. */
struct kvm {
	struct call call[CALLS_MAX];
	size_t nr;
	size_t fail_at; /* the call that fails, none if it is past the end */
	u64 icc_ctlr;
	struct vgic gic;
};

static struct kvm kvm;

static int note(const struct call *c)
{
	assert_true(kvm.nr < CALLS_MAX);
	kvm.call[kvm.nr] = *c;
	return kvm.nr++ == kvm.fail_at ? -EBUSY : 0;
}

static bool is_u64(u32 group)
{
	return group == GRP_CPU_SYSREGS || group == GRP_ITS_REGS;
}

static int fake_set(int fd, u32 group, u64 attr, const void *val)
{
	struct call c = { .kind = SET, .fd = fd, .group = group, .attr = attr };

	if (val)
		memcpy(&c.val, val, is_u64(group) ? 8 : 4);
	return note(&c);
}

static int fake_get(int fd, u32 group, u64 attr, void *val)
{
	const struct call c = { .kind = GET, .fd = fd, .group = group, .attr = attr };
	const u32 iidr = 0x4b00343b;

	if (group == GRP_CPU_SYSREGS)
		memcpy(val, &kvm.icc_ctlr, sizeof(kvm.icc_ctlr));
	else
		memcpy(val, &iidr, sizeof(iidr));
	return note(&c);
}

static int fake_call(int fd, unsigned long req, void *arg)
{
	struct call c = { .fd = fd };

	if (req == KVM_IRQFD) {
		const struct kvm_irqfd *i = arg;

		c.kind = IRQFD;
		c.attr = i->gsi;
		c.val = i->fd;
		c.flags = i->flags;
	} else {
		const struct kvm_irq_level *l = arg;

		assert_int_equal(req, KVM_IRQ_LINE);
		c.kind = LINE;
		c.attr = l->irq;
		c.val = l->level;
	}
	return note(&c);
}

static const struct vgic_kvm_ops fake = { fake_set, fake_get, fake_call };

static void begin(enum vgic_kind kind, u32 nr_cpus)
{
	kvm = (struct kvm){ .fail_at = CALLS_MAX, .icc_ctlr = 0x8403 };
	kvm.gic = (struct vgic){ .kvm = &fake, .vm_fd = VM_FD, .fd = GIC_FD };
	kvm.gic.its_fd = kind == VGIC_V3_ITS ? ITS_FD : -1;
	kvm.gic.cfg = (struct vgic_config){ .kind = kind, .nr_cpus = nr_cpus, .nr_spis = NR_SPIS };
	for (size_t i = 0; i < ARRAY_SIZE(kvm.gic.irqfd); i++)
		kvm.gic.irqfd[i] = -1;
}

static int reset(void)
{
	const char *what = "";

	return vgic_reset(&kvm.gic, &what);
}

/* The last write of a register, -1 when there is none. */
static s64 written(u32 group, u64 attr)
{
	s64 v = -1;

	for (size_t i = 0; i < kvm.nr; i++)
		if (kvm.call[i].kind == SET && kvm.call[i].group == group &&
		    kvm.call[i].attr == attr)
			v = (s64)kvm.call[i].val;
	return v;
}

/* Where a call is, CALLS_MAX: not there. */
static size_t where(u32 kind, u32 group, u64 attr)
{
	for (size_t i = 0; i < kvm.nr; i++)
		if (kvm.call[i].kind == kind && kvm.call[i].group == group &&
		    kvm.call[i].attr == attr)
			return i;
	return CALLS_MAX;
}

/* A register of so many bits an interrupt, for the interrupts [from, to). */
struct row {
	const char *name;
	u32 group, offset, bits, from, to;
	u32 value;
};

static void check_rows(const struct row *rows, size_t nr, u64 cpu)
{
	for (size_t i = 0; i < nr; i++) {
		const struct row *r = &rows[i];
		u32 step = r->bits == 64 ? 8 : 4;
		u32 end = r->bits ? r->offset + r->to * r->bits / 8 : r->offset + 4;
		u32 at = r->offset + r->from * r->bits / 8;

		for (; at < end; at += step)
			if (written(r->group, cpu << 32 | at) != (s64)r->value)
				fail_msg("%s at %#x of CPU %#llx: %#llx", r->name, at, cpu,
				         written(r->group, cpu << 32 | at));
	}
}

enum { ALL = 0xffffffff, PRIVATE = 32, END = 32 + NR_SPIS };

static void every_register_of_a_gicv2_is_written(void **state)
{
	static const struct row shared[] = {
		{ "CTLR", GRP_DIST_REGS, 0, 0, 0, 0, 0 },
		{ "IIDR", GRP_DIST_REGS, 8, 0, 0, 0, 0x4b00343b },
		{ "IGROUPR", GRP_DIST_REGS, 0x80, 1, PRIVATE, END, 0 },
		{ "ICENABLER", GRP_DIST_REGS, 0x180, 1, PRIVATE, END, ALL },
		{ "ICPENDR", GRP_DIST_REGS, 0x280, 1, PRIVATE, END, ALL },
		{ "ICACTIVER", GRP_DIST_REGS, 0x380, 1, PRIVATE, END, ALL },
		{ "IPRIORITYR", GRP_DIST_REGS, 0x400, 8, PRIVATE, END, 0 },
		{ "ITARGETSR", GRP_DIST_REGS, 0x800, 8, PRIVATE, END, 0 },
		{ "ICFGR", GRP_DIST_REGS, 0xc00, 2, PRIVATE, END, 0xaaaaaaaa },
	};
	static const struct row banked[] = {
		{ "IGROUPR0", GRP_DIST_REGS, 0x80, 1, 0, PRIVATE, 0 },
		{ "ISENABLER0", GRP_DIST_REGS, 0x100, 1, 0, PRIVATE, 0xffff },
		{ "ICENABLER0", GRP_DIST_REGS, 0x180, 1, 0, PRIVATE, 0xffff0000 },
		{ "ICPENDR0", GRP_DIST_REGS, 0x280, 1, 0, PRIVATE, ALL },
		{ "ICACTIVER0", GRP_DIST_REGS, 0x380, 1, 0, PRIVATE, ALL },
		{ "IPRIORITYR", GRP_DIST_REGS, 0x400, 8, 0, PRIVATE, 0 },
		{ "CPENDSGIR", GRP_DIST_REGS, 0xf10, 8, 0, 16, ALL },
		{ "GICC_CTLR", GRP_CPU_REGS, 0x00, 0, 0, 0, 0 },
		{ "GICC_PMR", GRP_CPU_REGS, 0x04, 0, 0, 0, 0 },
		{ "GICC_BPR", GRP_CPU_REGS, 0x08, 0, 0, 0, 0 },
		{ "GICC_ABPR", GRP_CPU_REGS, 0x1c, 0, 0, 0, 0 },
		{ "GICC_APR", GRP_CPU_REGS, 0xd0, 32, 0, 4, 0 },
	};

	begin(VGIC_V2, 8);
	assert_int_equal(reset(), 0);
	check_rows(shared, ARRAY_SIZE(shared), 0);
	for (u64 cpu = 0; cpu < 8; cpu++)
		check_rows(banked, ARRAY_SIZE(banked), cpu);
	/* Groups are not for writing before. */
	assert_true(where(SET, GRP_DIST_REGS, 8) < where(SET, GRP_DIST_REGS, 0x84));
}

static void the_inputs_of_a_gicv2_are_lowered_while_they_are_levels(void **state)
{
	size_t level, edge = 0;

	begin(VGIC_V2, 1);
	assert_int_equal(reset(), 0);
	level = where(SET, GRP_DIST_REGS, 0xc08);
	assert_int_equal(kvm.call[level].val, 0);
	for (size_t i = level + 1; i < kvm.nr && !edge; i++)
		if (kvm.call[i].kind == SET && kvm.call[i].val == 0xaaaaaaaa)
			edge = i;
	for (u32 i = PRIVATE; i < END; i++) {
		size_t at = where(LINE, 0, 1u << 24 | i);

		if (at < level || at > edge || kvm.call[at].val != 0 || kvm.call[at].fd != VM_FD)
			fail_msg("input of interrupt %u", i);
	}
}

static void every_register_of_a_gicv3_is_written(void **state)
{
	static const struct row shared[] = {
		{ "CTLR", GRP_DIST_REGS, 0, 0, 0, 0, 0 },
		{ "IGROUPR", GRP_DIST_REGS, 0x80, 1, PRIVATE, END, ALL },
		{ "ICENABLER", GRP_DIST_REGS, 0x180, 1, PRIVATE, END, ALL },
		{ "ISPENDR", GRP_DIST_REGS, 0x200, 1, PRIVATE, END, 0 },
		{ "ICACTIVER", GRP_DIST_REGS, 0x380, 1, PRIVATE, END, ALL },
		{ "IPRIORITYR", GRP_DIST_REGS, 0x400, 8, PRIVATE, END, 0 },
		{ "ICFGR", GRP_DIST_REGS, 0xc00, 2, PRIVATE, END, 0xaaaaaaaa },
		{ "IROUTER", GRP_DIST_REGS, 0x6000, 64, PRIVATE, END, 0 },
		{ "level info", GRP_LEVEL_INFO, 32, 0, 0, 0, 0 },
		{ "level info", GRP_LEVEL_INFO, 64, 0, 0, 0, 0 },
		{ "level info", GRP_LEVEL_INFO, 96, 0, 0, 0, 0 },
	};
	static const struct row banked[] = {
		{ "GICR_CTLR", GRP_REDIST_REGS, 0, 0, 0, 0, 0 },
		{ "PENDBASER", GRP_REDIST_REGS, 0x78, 0, 0, 0, 0x580 },
		{ "PENDBASER + 4", GRP_REDIST_REGS, 0x7c, 0, 0, 0, 0 },
		{ "IGROUPR0", GRP_REDIST_REGS, 0x10080, 1, 0, PRIVATE, ALL },
		{ "ISENABLER0", GRP_REDIST_REGS, 0x10100, 1, 0, PRIVATE, 0xffff },
		{ "ICENABLER0", GRP_REDIST_REGS, 0x10180, 1, 0, PRIVATE, 0xffff0000 },
		{ "ISPENDR0", GRP_REDIST_REGS, 0x10200, 1, 0, PRIVATE, 0 },
		{ "ICACTIVER0", GRP_REDIST_REGS, 0x10380, 1, 0, PRIVATE, ALL },
		{ "IPRIORITYR", GRP_REDIST_REGS, 0x10400, 8, 0, PRIVATE, 0 },
		{ "ICC_PMR", GRP_CPU_SYSREGS, 0xc230, 0, 0, 0, 0 },
		{ "ICC_BPR0", GRP_CPU_SYSREGS, 0xc643, 0, 0, 0, 0 },
		{ "ICC_AP0R0", GRP_CPU_SYSREGS, 0xc644, 0, 0, 0, 0 },
		{ "ICC_AP1R0", GRP_CPU_SYSREGS, 0xc648, 0, 0, 0, 0 },
		{ "ICC_BPR1", GRP_CPU_SYSREGS, 0xc663, 0, 0, 0, 0 },
		{ "ICC_CTLR", GRP_CPU_SYSREGS, 0xc664, 0, 0, 0, 0x8400 },
		{ "ICC_IGRPEN0", GRP_CPU_SYSREGS, 0xc666, 0, 0, 0, 0 },
		{ "ICC_IGRPEN1", GRP_CPU_SYSREGS, 0xc667, 0, 0, 0, 0 },
	};
	/* Sixteen CPUs to an Aff1. */
	static const u64 mpidr[] = { 0, 1, 15, 0x100, 0x103 };
	static const struct row propbaser = { "PROPBASER", GRP_REDIST_REGS, 0x70, 0, 0, 0, 0x580 };

	begin(VGIC_V3, 20);
	assert_int_equal(reset(), 0);
	check_rows(shared, ARRAY_SIZE(shared), 0);
	for (size_t i = 0; i < ARRAY_SIZE(mpidr); i++) {
		u64 cpu = mpidr[i] << 32;

		check_rows(banked, ARRAY_SIZE(banked), mpidr[i]);
		/* EnableLPIs and CBPR stand in the way of others. */
		assert_int_equal(written(GRP_REDIST_REGS, cpu | 0x70), -1);
		assert_true(where(SET, GRP_REDIST_REGS, cpu) <
		            where(SET, GRP_REDIST_REGS, cpu | 0x78));
		assert_true(where(SET, GRP_CPU_SYSREGS, cpu | 0xc664) <
		            where(SET, GRP_CPU_SYSREGS, cpu | 0xc663));
	}
	begin(VGIC_V3_ITS, 2);
	assert_int_equal(reset(), 0);
	check_rows(&propbaser, 1, 0);
	check_rows(&propbaser, 1, 1);
}

static void as_many_active_priorities_are_written_as_there_are_priority_bits(void **state)
{
	static const struct {
		u64 ctlr;
		u32 nr; /* of each group */
	} rows[] = {
		{ 4 << 8, 1 }, /* five bits */
		{ 5 << 8, 2 },
		{ 6 << 8, 4 },
		{ 7 << 8, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(VGIC_V3, 1);
		kvm.icc_ctlr = rows[i].ctlr;
		assert_int_equal(reset(), 0);
		for (u32 n = 0; n < 4; n++)
			if ((written(GRP_CPU_SYSREGS, 0xc644 + n) == 0) != (n < rows[i].nr) ||
			    (written(GRP_CPU_SYSREGS, 0xc648 + n) == 0) != (n < rows[i].nr))
				fail_msg("row %zu: register %u", i, n);
	}
}

static void an_its_is_reset_after_the_redistributors(void **state)
{
	size_t ctrl;

	begin(VGIC_V3_ITS, 2);
	assert_int_equal(reset(), 0);
	ctrl = where(SET, GRP_CTRL, 4);
	assert_true(ctrl < CALLS_MAX && kvm.call[ctrl].fd == ITS_FD);
	assert_true(ctrl > where(SET, GRP_REDIST_REGS, 1ull << 32));
	for (u64 at = 0x100; at < 0x110; at += 8) {
		size_t n = where(SET, GRP_ITS_REGS, at);

		assert_true(n < CALLS_MAX && n > ctrl && kvm.call[n].fd == ITS_FD);
		assert_true(kvm.call[n].val == (3ull << 59 | 0x600));
	}
}

/* What is on its way through an irqfd must not come in behind the reset. */
static void irqfds_are_off_and_empty_while_registers_are_written(void **state)
{
	static const u32 spi[] = { 0, 5, 95 };
	u64 count = 3;

	begin(VGIC_V3, 1);
	for (size_t i = 0; i < ARRAY_SIZE(spi); i++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, &count, sizeof(count)), sizeof(count));
		kvm.gic.irqfd[spi[i]] = fd;
	}
	assert_int_equal(reset(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(spi); i++) {
		const struct call *off = &kvm.call[i];
		const struct call *on = &kvm.call[kvm.nr - ARRAY_SIZE(spi) + i];
		int fd = kvm.gic.irqfd[spi[i]];

		assert_int_equal(off->kind, IRQFD);
		assert_int_equal(off->flags, KVM_IRQFD_FLAG_DEASSIGN);
		assert_int_equal(on->kind, IRQFD);
		assert_int_equal(on->flags, 0);
		assert_int_equal(off->attr, spi[i]);
		assert_int_equal(on->attr, spi[i]);
		assert_int_equal(off->val, fd);
		assert_int_equal(on->val, fd);
		assert_int_equal(read(fd, &count, sizeof(count)), -1);
		(void)close(fd);
	}
}

/* The first failure ends it, is handed up, and says what it was about. */
static void every_call_that_fails_ends_the_reset_with_its_name(void **state)
{
	static const enum vgic_kind kinds[] = { VGIC_V2, VGIC_V3, VGIC_V3_ITS };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		size_t nr;

		begin(kinds[k], 2);
		assert_int_equal(reset(), 0);
		nr = kvm.nr;
		for (size_t i = 0; i < nr; i++) {
			const char *what = NULL;

			begin(kinds[k], 2);
			kvm.fail_at = i;
			assert_int_equal(vgic_reset(&kvm.gic, &what), -EBUSY);
			assert_int_equal(kvm.nr, i + 1);
			assert_non_null(what);
		}
	}
}

static void a_reset_costs_so_many_system_calls(void **state)
{
	static const struct {
		enum vgic_kind kind;
		u32 cpus, calls;
		const char *name;
	} rows[] = {
		{ VGIC_V2, 1, 196, "gicv2" },         { VGIC_V2, 8, 371, "gicv2" },
		{ VGIC_V3, 1, 167, "gicv3" },         { VGIC_V3, 8, 342, "gicv3" },
		{ VGIC_V3_ITS, 1, 172, "gicv3-its" }, { VGIC_V3_ITS, 8, 361, "gicv3-its" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(rows[i].kind, rows[i].cpus);
		assert_int_equal(reset(), 0);
		print_message("# %s, %u CPUs: %zu calls\n", rows[i].name, rows[i].cpus, kvm.nr);
		assert_true(kvm.nr <= rows[i].calls);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_register_of_a_gicv2_is_written),
		cmocka_unit_test(the_inputs_of_a_gicv2_are_lowered_while_they_are_levels),
		cmocka_unit_test(every_register_of_a_gicv3_is_written),
		cmocka_unit_test(as_many_active_priorities_are_written_as_there_are_priority_bits),
		cmocka_unit_test(an_its_is_reset_after_the_redistributors),
		cmocka_unit_test(irqfds_are_off_and_empty_while_registers_are_written),
		cmocka_unit_test(every_call_that_fails_ends_the_reset_with_its_name),
		cmocka_unit_test(a_reset_costs_so_many_system_calls),
	};

	return cmocka_run_group_tests_name("vgic_reset", tests, NULL, NULL);
}
