/* SPDX-License-Identifier: MIT */
/*
 * vgic_proof gicv2|gicv3|gicv3-its CPUS: does vgic_reset() bring everything back?
 * A guest and the host change all they can of KVM's interrupt controller, and
 * every register there is, named or not, is read before and after. Then a guest
 * that enables everything asks whether an interrupt has survived. TAP; arm64
 * hosts; with the figures that speak for a reset and against a new VM.
 */
#include <asm/kvm.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "irqchip/vgic.h"
#include "irqchip/vgic_private.h"
#include "machine/base/kvm.h"

#define RAM      0x80000000ull
#define RAM_SIZE (4ull << 20)
#define DONE     0x01000000ull /* nothing is there: a store ends the guest's list, */
#define REPORT   (DONE + 8) /* a store here tells the host a value */
#define GICD     0x3fff0000ull
#define GICC     0x3ffd0000ull

enum { CPUS_MAX = 8, NR_SPIS = 96, LINE = 33, EDGES = 40, TIMER = 27, LPI = 8192, NONE = 1023 };

/* Where in RAM: the guest's code and list, and what an ITS needs. */
enum {
	CODE = 0,
	LIST = 0x1000,
	CMDQ = 0x10000,
	DEVS = 0x20000,
	COLLS = 0x30000,
	ITT = 0x40000,
	PROP = 0x50000,
	PEND = 0x60000,
};

struct rig {
	struct vgic_config cfg;
	int kvm_fd, vm_fd, vcpu_fd[CPUS_MAX];
	struct kvm_run *run[CPUS_MAX];
	size_t run_size;
	struct kvm_vcpu_init init;
	struct vgic *gic;
	struct irq_line level, edge;
	u8 *ram;
	u64 *list; /* what the guest does next */
	u64 reported;
};

static void die(const char *what, int err)
{
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(EXIT_FAILURE);
}

static int need(int r, const char *what)
{
	if (r < 0)
		die(what, r);
	return r;
}

static int nr_failed, nr_said;

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++nr_said, what);
	nr_failed += !good;
}

/*
 * The guest, at EL1 with its MMU off: works off a list of pairs. An address and a
 * value are a 32-bit store; a small number is an operation.
 */
enum op {
	OP_END,
	OP_PMR,
	OP_BPR0,
	OP_BPR1,
	OP_CTLR,
	OP_IGRPEN0,
	OP_IGRPEN1,
	OP_IAR1,
	OP_LOAD, /* and report */
	OP_CNTV_CTL,
};

__asm__(".pushsection .rodata\n"
        ".balign 8\n"
        ".globl guest_code, guest_code_end\n"
        "guest_code:\n"
        "1:	ldp	x1, x2, [x0], #16\n"
        "	cbz	x1, 9f\n"
        "	cmp	x1, #16\n"
        "	b.hs	8f\n"
        "	adr	x3, 2f\n"
        "	add	x3, x3, x1, lsl #4\n"
        "	br	x3\n"
        "2:	b	9f; nop; nop; nop\n"
        "	msr	S3_0_C4_C6_0, x2; b 1b; nop; nop\n"
        "	msr	S3_0_C12_C8_3, x2; b 1b; nop; nop\n"
        "	msr	S3_0_C12_C12_3, x2; b 1b; nop; nop\n"
        "	msr	S3_0_C12_C12_4, x2; b 1b; nop; nop\n"
        "	msr	S3_0_C12_C12_6, x2; b 1b; nop; nop\n"
        "	msr	S3_0_C12_C12_7, x2; isb; b 1b; nop\n"
        "	mrs	x3, S3_0_C12_C12_0; str w3, [x2]; b 1b; nop\n"
        "	ldr	w3, [x2]; ldr x2, =0x01000008; str w3, [x2]; b 1b\n"
        "	msr	cntv_ctl_el0, x2; isb; b 1b; nop\n"
        "8:	str	w2, [x1]\n"
        "	b	1b\n"
        "9:	mov	x1, #0x01000000\n"
        "	str	wzr, [x1]\n"
        "	b	.\n"
        "	.ltorg\n"
        "guest_code_end:\n"
        ".popsection\n");
extern const u8 guest_code[], guest_code_end[];

static u64 *reg_id(u64 *id, u32 nr)
{
	*id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | nr;
	return id;
}

static void set_reg(const struct rig *r, u32 cpu, u32 nr, u64 value)
{
	struct kvm_one_reg reg = { .addr = (uintptr_t)&value };
	u64 id;

	reg.id = *reg_id(&id, nr);
	need(kvm_call(r->vcpu_fd[cpu], KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

static void init_vcpus(struct rig *r)
{
	for (u32 i = 0; i < r->cfg.nr_cpus; i++)
		need(kvm_call(r->vcpu_fd[i], KVM_ARM_VCPU_INIT, &r->init), "KVM_ARM_VCPU_INIT");
}

/* One entry of the guest's list. */
static void add(struct rig *r, u64 what, u64 value)
{
	*r->list++ = what;
	*r->list++ = value;
}

static void begin(struct rig *r)
{
	r->list = (u64 *)(void *)(r->ram + LIST);
}

/* Let @cpu work the list off. Its MMIO exit is completed, so that it may be reset afterwards. */
static void run_list(struct rig *r, u32 cpu)
{
	struct kvm_run *run = r->run[cpu];
	bool done = false;

	add(r, OP_END, 0);
	set_reg(r, cpu, KVM_REG_ARM_CORE_REG(regs.pc), RAM + CODE);
	set_reg(r, cpu, KVM_REG_ARM_CORE_REG(regs.regs[0]), RAM + LIST);
	while (!done) {
		need(kvm_call_nr(r->vcpu_fd[cpu], KVM_RUN, 0), "KVM_RUN");
		if (run->exit_reason != KVM_EXIT_MMIO || !run->mmio.is_write) {
			printf("# exit %u at %#llx\n", run->exit_reason, run->mmio.phys_addr);
			die("the guest", -EIO);
		}
		if (run->mmio.phys_addr == REPORT)
			memcpy(&r->reported, run->mmio.data, 4);
		done = run->mmio.phys_addr == DONE;
	}
	run->immediate_exit = 1;
	(void)!ioctl(r->vcpu_fd[cpu], KVM_RUN, 0);
	run->immediate_exit = 0;
	begin(r);
}

static void vm_up(struct rig *r)
{
	struct kvm_userspace_memory_region slot = { .guest_phys_addr = RAM,
		                                    .memory_size = RAM_SIZE,
		                                    .userspace_addr = (uintptr_t)r->ram };
	const char *what;

	r->vm_fd = need(kvm_call_nr(r->kvm_fd, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	need(kvm_call(r->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot), "memory slot");
	need(kvm_call(r->vm_fd, KVM_ARM_PREFERRED_TARGET, &r->init), "target");
	r->init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	need(vgic_create(r->vm_fd, &r->cfg, &r->gic, &what), "vgic_create");
	for (u32 i = 0; i < r->cfg.nr_cpus; i++) {
		r->vcpu_fd[i] = need(kvm_call_nr(r->vm_fd, KVM_CREATE_VCPU, i), "KVM_CREATE_VCPU");
		r->run[i] = mmap(NULL, r->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		                 r->vcpu_fd[i], 0);
	}
	init_vcpus(r);
	need(vgic_init(r->gic, &what), what);
	r->level = vgic_level_line(r->gic, LINE);
	need(vgic_edge_line(r->gic, EDGES, &r->edge), "irqfd");
}

static void vm_down(struct rig *r)
{
	for (u32 i = 0; i < r->cfg.nr_cpus; i++) {
		(void)munmap(r->run[i], r->run_size);
		(void)close(r->vcpu_fd[i]);
	}
	vgic_destroy(r->gic);
	(void)close(r->vm_fd);
}

/* Every register, by what names it for KVM. */
struct entry {
	u32 group;
	u64 attr;
	u64 val;
	int err;
};

struct dump {
	size_t nr;
	struct entry e[40000];
};

static void read_one(const struct rig *r, struct dump *d, u32 group, u64 attr)
{
	struct entry *e = &d->e[d->nr++];
	int fd = group == GRP_ITS_REGS ? r->gic->its_fd : r->gic->fd;

	*e = (struct entry){ .group = group, .attr = attr };
	e->err = vgic_kvm.get(fd, group, attr, &e->val);
}

static void read_range(const struct rig *r, struct dump *d, u32 group, u64 cpu, u32 from, u32 to,
                       u32 step)
{
	for (u32 at = from; at < to; at += step)
		read_one(r, d, group, cpu << CPU_SHIFT | at);
}

static void dump(const struct rig *r, struct dump *d)
{
	bool v2 = r->cfg.kind == VGIC_V2;

	d->nr = 0;
	if (!v2) {
		read_range(r, d, GRP_DIST_REGS, 0, 0, 0x1000, 4);
		read_range(r, d, GRP_DIST_REGS, 0, 0x6000, 0x8000, 4);
		read_range(r, d, GRP_DIST_REGS, 0, 0xffd0, 0x10000, 4);
	}
	for (u32 i = 0; i < r->cfg.nr_cpus; i++) {
		if (v2) {
			read_range(r, d, GRP_DIST_REGS, i, 0, 0x1000, 4);
			read_range(r, d, GRP_CPU_REGS, i, 0, 0x100, 4);
			continue;
		}
		read_range(r, d, GRP_REDIST_REGS, i, 0, 0x200, 4);
		read_range(r, d, GRP_REDIST_REGS, i, 0xffd0, 0x10000, 4);
		read_range(r, d, GRP_REDIST_REGS, i, 0x10000, 0x11000, 4);
		read_range(r, d, GRP_CPU_SYSREGS, i, 0xc230, 0xc238, 1); /* S3_0_C4_C6_n */
		read_range(r, d, GRP_CPU_SYSREGS, i, 0xc600, 0xc680, 1); /* S3_0_C12_Cm_n */
		read_range(r, d, GRP_LEVEL_INFO, i, 0, FIRST_SPI + NR_SPIS, 32);
	}
	if (r->gic->its_fd >= 0)
		read_range(r, d, GRP_ITS_REGS, 0, 0, 0x200, 8);
}

/* Return: how many differ; says which up to @say of them. */
static size_t differences(const struct dump *a, const struct dump *b, size_t say)
{
	size_t n = 0;

	for (size_t i = 0; i < a->nr; i++) {
		const struct entry *x = &a->e[i], *y = &b->e[i];

		if (x->val == y->val && x->err == y->err)
			continue;
		if (n++ < say)
			printf("# group %u attribute %#llx: %#llx, was %#llx\n", x->group, x->attr,
			       y->val, x->val);
	}
	return n;
}

/* Stores of @value to all words of [@from, @to). */
static void fill(struct rig *r, u64 from, u64 to, u32 value)
{
	for (u64 at = from; at < to; at += 4)
		add(r, at, value);
}

/* SGIs and PPIs of one CPU, wherever their registers are. */
static void dirty_private(struct rig *r, u64 base)
{
	add(r, base + 0x080, r->cfg.kind == VGIC_V2 ? 0xc0000000 : 0x0fffffff);
	add(r, base + 0x180, 0x000000ff);
	add(r, base + 0x100, 0xffff0000);
	add(r, base + 0x200, 0x00f0ff00);
	fill(r, base + 0x400, base + 0x420, 0x90a0b0c0);
	add(r, base + 0x418, 0x00a0b0c0); /* the virtual timer before all others */
}

static void dirty_shared(struct rig *r)
{
	add(r, GICD, 3);
	fill(r, GICD + 0x084, GICD + 0x090, r->cfg.kind == VGIC_V2 ? 0x80000000 : 0x7fffffff);
	fill(r, GICD + 0x104, GICD + 0x110, 0xffffffff);
	fill(r, GICD + 0x204, GICD + 0x210, 0xff00f000);
	fill(r, GICD + 0x420, GICD + 0x480, 0x50607080);
	fill(r, GICD + 0xc08, GICD + 0xc20, 0x000aaa00);
	if (r->cfg.kind == VGIC_V2) {
		fill(r, GICD + 0x820, GICD + 0x880, 0x01010101);
		add(r, GICD + 0xf00, 2u << 24 | 5); /* SGI 5 to itself: GICD_SGIR */
		return;
	}
	for (u32 i = FIRST_SPI; i < FIRST_SPI + NR_SPIS; i++)
		add(r, GICD + 0x6000 + 8ull * i, i & 1 ? 0x010203 : (r->cfg.nr_cpus - 1));
}

/* The timer has expired and is taken: active, and its priority with it. */
static void dirty_cpu_v2(struct rig *r)
{
	add(r, GICC + 0x04, 0xf8);
	add(r, GICC + 0x08, 3);
	add(r, GICC + 0x1c, 4);
	add(r, OP_CNTV_CTL, 1);
	add(r, GICC, 0x201); /* EOImode */
	add(r, OP_LOAD, GICC + 0x0c);
}

static void dirty_cpu_v3(struct rig *r)
{
	add(r, OP_PMR, 0xf8);
	add(r, OP_BPR0, 4);
	add(r, OP_BPR1, 5);
	add(r, OP_CTLR, 3);
	add(r, OP_IGRPEN0, 1);
	add(r, OP_CNTV_CTL, 1);
	add(r, OP_IGRPEN1, 1);
	add(r, OP_IAR1, REPORT);
}

static void add64(struct rig *r, u64 at, u64 value)
{
	add(r, at, (u32)value);
	add(r, at + 4, value >> 32);
}

/* Device 0's event 0 is LPI 8192, for CPU 0: MAPD, MAPC, MAPTI; IHI 0069, 5.3. */
static void dirty_its(struct rig *r)
{
	const u64 commands[][4] = {
		{ 0x08, 4, 1ull << 63 | (RAM + ITT), 0 },
		{ 0x09, 0, 1ull << 63, 0 },
		{ 0x0a, (u64)LPI << 32, 0, 0 },
	};

	memcpy(r->ram + CMDQ, commands, sizeof(commands));
	r->ram[PROP] = 0xa0 | 1;
	add64(r, r->cfg.its + 0x100, 1ull << 63 | (RAM + DEVS) | 2 << 8);
	add64(r, r->cfg.its + 0x108, 1ull << 63 | (RAM + COLLS) | 2 << 8);
	add64(r, r->cfg.its + 0x080, 1ull << 63 | (RAM + CMDQ));
	add(r, r->cfg.its, 1);
	add(r, r->cfg.its + 0x088, sizeof(commands));
}

static void send_msi(const struct rig *r)
{
	struct kvm_msi msi = { .flags = KVM_MSI_VALID_DEVID };

	msi.address_lo = (u32)(r->cfg.its + 0x10040);
	if (kvm_call(r->vm_fd, KVM_SIGNAL_MSI, &msi) <= 0)
		die("the MSI did not get through", -EIO);
}

/*
 * Everything that @r's guest and its devices can do to the interrupt controller.
 * Return: whether each CPU has taken its timer's interrupt.
 */
static bool dirty(struct rig *r)
{
	bool v2 = r->cfg.kind == VGIC_V2, took_timer = true;

	begin(r);
	dirty_shared(r);
	run_list(r, 0);
	for (u32 i = 0; i < r->cfg.nr_cpus; i++) {
		u64 rd = r->cfg.gicr + 0x20000ull * i;

		dirty_private(r, v2 ? GICD : rd + 0x10000);
		if (!v2)
			add64(r, rd + 0x78, RAM + PEND);
		if (r->gic->its_fd >= 0) {
			add64(r, rd + 0x70, (RAM + PROP) | 13);
			add(r, rd, 1);
		}
		if (v2)
			dirty_cpu_v2(r);
		else
			dirty_cpu_v3(r);
		/* After that: KVM hands out what is active first, and would not come to the timer. */
		add(r, (v2 ? GICD : rd + 0x10000) + 0x300, 0x000f00f0);
		run_list(r, i);
		took_timer = took_timer && (r->reported & 0x3ff) == TIMER;
	}
	fill(r, GICD + 0x304, GICD + 0x310, 0x00f0ff00);
	run_list(r, 0);
	if (r->gic->its_fd >= 0) {
		dirty_its(r);
		run_list(r, 0);
		send_msi(r);
	}
	/* The line was a level's when it rose and is an edge's when it falls: KVM keeps it high. */
	irq_line_set(&r->level, true);
	add(r, GICD + 0xc08, 0xaaaaaaaa);
	run_list(r, 0);
	irq_line_set(&r->level, false);
	irq_line_pulse(&r->edge);
	return took_timer;
}

/* What a driver sees first that enables all there is. */
static u32 first_interrupt(struct rig *r, u32 cpu)
{
	bool v2 = r->cfg.kind == VGIC_V2;
	u64 rd = r->cfg.gicr + 0x20000ull * cpu;
	u64 sgi = v2 ? GICD : rd + 0x10000;

	begin(r);
	add(r, GICD, 3);
	/* An input that is still high shows, if KVM looks at it: when the interrupt is enabled. */
	fill(r, GICD + 0xc08, GICD + 0xc20, 0);
	fill(r, GICD + 0x104, GICD + 0x110, 0xffffffff);
	if (!v2)
		for (u32 i = FIRST_SPI; i < FIRST_SPI + NR_SPIS; i++)
			add(r, GICD + 0x6000 + 8ull * i, cpu);
	else
		fill(r, GICD + 0x820, GICD + 0x880, 0x01010101u << cpu);
	add(r, sgi + 0x100, 0xffffffff);
	if (r->gic->its_fd >= 0) {
		add64(r, rd + 0x70, (RAM + PROP) | 13);
		add64(r, rd + 0x78, RAM + PEND);
		add(r, rd, 1);
	}
	if (v2) {
		add(r, GICC + 0x04, 0xf8);
		add(r, GICC, 1);
		add(r, OP_LOAD, GICC + 0x0c);
	} else {
		add(r, OP_PMR, 0xf8);
		add(r, OP_IGRPEN1, 1);
		add(r, OP_IAR1, REPORT);
	}
	run_list(r, cpu);
	return (u32)r->reported & 0x3ff;
}

static void reset(struct rig *r)
{
	const char *what = "";

	need(vgic_reset(r->gic, &what), what);
	init_vcpus(r);
}

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void prove(struct rig *r)
{
	struct dump *first = calloc(3, sizeof(*first)), *then = first + 1, *after = first + 2;
	size_t n;

	if (!first)
		die("memory", -ENOMEM);
	vm_up(r);
	dump(r, first);
	ok(dirty(r), "each CPU takes its timer's interrupt");
	dump(r, then);
	n = differences(first, then, 0);
	printf("# %zu registers read, %zu of them changed by guest and host\n", first->nr, n);
	ok(n > 80, "guest and host change the interrupt controller's registers");

	reset(r);
	dump(r, after);
	ok(differences(first, after, 20) == 0, "after a reset every register reads as at first");
	for (u32 i = 0; i < r->cfg.nr_cpus; i++) {
		u32 got;

		if (i > 0)
			reset(r);
		got = first_interrupt(r, i);
		if (got != NONE)
			printf("# CPU %u takes interrupt %u\n", i, got);
		ok(got == NONE, "no interrupt of before comes to a guest that enables all");
	}
	reset(r);
	ok(dirty(r), "each CPU takes its timer's interrupt after a reset");
	reset(r);
	dump(r, after);
	ok(differences(first, after, 20) == 0, "nor does a second time leave anything");
	free(first);
}

/* Both are all that a machine does between two guests, but for its memory and devices. */
static void measure(struct rig *r)
{
	enum { RESETS = 50, VMS = 10 };
	const char *what = "";
	double t, gic, vcpus, vm;

	t = now_us();
	for (u32 i = 0; i < RESETS; i++)
		need(vgic_reset(r->gic, &what), what);
	gic = (now_us() - t) / RESETS;
	t = now_us();
	for (u32 i = 0; i < RESETS; i++)
		init_vcpus(r);
	vcpus = (now_us() - t) / RESETS;
	vm_down(r);
	t = now_us();
	for (u32 i = 0; i < VMS; i++) {
		vm_up(r);
		vm_down(r);
	}
	vm = (now_us() - t) / VMS;
	printf("# vgic_reset() %.0f us, KVM_ARM_VCPU_INIT of all %.0f us, a new VM %.0f us\n", gic,
	       vcpus, vm);
}

int main(int argc, char **argv)
{
	static const char *const kinds[] = { "gicv2", "gicv3", "gicv3-its" };
	struct rig r = { .cfg = { .nr_spis = NR_SPIS, .gicd = GICD, .gicc = GICC } };
	u32 kind = 0;

	while (argc == 3 && kind < ARRAY_SIZE(kinds) && strcmp(argv[1], kinds[kind]) != 0)
		kind++;
	r.cfg.nr_cpus = argc == 3 ? (u32)strtoul(argv[2], NULL, 10) : 0;
	if (kind == ARRAY_SIZE(kinds) || r.cfg.nr_cpus == 0 || r.cfg.nr_cpus > CPUS_MAX)
		die("usage: vgic_proof gicv2|gicv3|gicv3-its CPUS", -EINVAL);
	r.cfg.kind = (enum vgic_kind)kind;
	r.cfg.gicr = GICD - 0x20000ull * r.cfg.nr_cpus;
	r.cfg.its = r.cfg.gicr - 0x20000;

	(void)alarm(120); /* a guest that hangs is a failure too */
	setlinebuf(stdout);
	r.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (r.kvm_fd < 0)
		die("/dev/kvm", -errno);
	r.run_size = (size_t)need(kvm_call_nr(r.kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0), "mmap size");
	r.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r.ram == MAP_FAILED)
		die("memory", -ENOMEM);
	memcpy(r.ram + CODE, guest_code, (size_t)(guest_code_end - guest_code));
	prove(&r);
	measure(&r);
	printf("1..%d\n", nr_said);
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
