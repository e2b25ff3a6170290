/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "irqchip/vgic_private.h"
#include "machine/base/kvm.h"
#include "machine/base/log.h"
#include "machine/base/own.h"

enum {
	ADDR_V2_DIST = 0, /* KVM_VGIC_V2_ADDR_TYPE_DIST */
	ADDR_V2_CPU = 1,
	ADDR_V3_DIST = 2,
	ADDR_ITS = 4, /* on the ITS's own descriptor */
	ADDR_V3_REDIST_REGION = 5,

	REDIST_COUNT_SHIFT = 52, /* KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION: how many */
};

static int get_attr(int fd, u32 group, u64 attr, void *val)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)val };

	return kvm_call(fd, KVM_GET_DEVICE_ATTR, &a);
}

const struct vgic_kvm_ops vgic_kvm = { .set = kvm_set_attr, .get = get_attr, .call = kvm_call };

static u32 device_type(enum vgic_kind kind)
{
	return kind == VGIC_V2 ? KVM_DEV_TYPE_ARM_VGIC_V2 : KVM_DEV_TYPE_ARM_VGIC_V3;
}

static int create_device(int vm_fd, u32 type, u32 flags)
{
	struct kvm_create_device d = { .type = type, .flags = flags };
	int err = kvm_call(vm_fd, KVM_CREATE_DEVICE, &d);

	return err < 0 ? err : (int)d.fd;
}

static bool has_type(int vm_fd, u32 type)
{
	struct kvm_create_device d = { .type = type, .flags = KVM_CREATE_DEVICE_TEST };

	return kvm_call(vm_fd, KVM_CREATE_DEVICE, &d) == 0;
}

bool vgic_supported(int vm_fd, enum vgic_kind kind)
{
	return has_type(vm_fd, device_type(kind)) &&
	       (kind != VGIC_V3_ITS || has_type(vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS));
}

u32 vgic_max_cpus(enum vgic_kind kind)
{
	return kind == VGIC_V2 ? 8 : 512; /* GICv2 has eight CPU interfaces, VGIC_V3_MAX_CPUS */
}

int vgic_create(int vm_fd, const struct vgic_config *cfg, struct vgic **out, const char **what)
{
	struct vgic *g = calloc(1, sizeof(*g));
	int err = 0;

	*what = "allocate";
	if (!g)
		return -ENOMEM;
	g->kvm = &vgic_kvm;
	g->vm_fd = vm_fd;
	g->cfg = *cfg;
	g->its_fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(g->irqfd); i++)
		g->irqfd[i] = -1;

	*what = "KVM_CREATE_DEVICE GIC";
	g->fd = create_device(vm_fd, device_type(cfg->kind), 0);
	if (g->fd < 0)
		err = g->fd;
	if (!err && cfg->kind == VGIC_V3_ITS) {
		*what = "KVM_CREATE_DEVICE ITS";
		g->its_fd = create_device(vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS, 0);
		if (g->its_fd < 0)
			err = g->its_fd;
	}
	if (err < 0) {
		vgic_destroy(g);
		return err;
	}
	*out = g;
	return 0;
}

static int set_addr(int fd, u64 attr, u64 addr)
{
	return kvm_set_attr(fd, GRP_ADDR, attr, &addr);
}

static int init_v2(struct vgic *g, const char **what)
{
	int err;

	*what = "address of the distributor";
	err = set_addr(g->fd, ADDR_V2_DIST, g->cfg.gicd);
	if (err < 0)
		return err;
	*what = "address of the CPU interface";
	return set_addr(g->fd, ADDR_V2_CPU, g->cfg.gicc);
}

static int init_v3(struct vgic *g, const char **what)
{
	int err;

	*what = "address of the distributor";
	err = set_addr(g->fd, ADDR_V3_DIST, g->cfg.gicd);
	if (err < 0)
		return err;
	/* Base 64 KiB aligned, flags and index 0: one region with all of them. */
	*what = "address of the redistributors";
	return set_addr(g->fd, ADDR_V3_REDIST_REGION,
	                (u64)g->cfg.nr_cpus << REDIST_COUNT_SHIFT | g->cfg.gicr);
}

int vgic_init(struct vgic *g, const char **what)
{
	u32 nr_irqs = FIRST_SPI + g->cfg.nr_spis;
	int err = g->cfg.kind == VGIC_V2 ? init_v2(g, what) : init_v3(g, what);

	if (err < 0)
		return err;
	*what = "number of interrupts";
	err = kvm_set_attr(g->fd, GRP_NR_IRQS, 0, &nr_irqs);
	if (err < 0)
		return err;
	*what = "KVM_DEV_ARM_VGIC_CTRL_INIT";
	err = kvm_set_attr(g->fd, GRP_CTRL, CTRL_INIT, NULL);
	if (err < 0 || g->its_fd < 0)
		return err;

	*what = "address of the ITS";
	err = set_addr(g->its_fd, ADDR_ITS, g->cfg.its);
	if (err < 0)
		return err;
	*what = "KVM_DEV_ARM_VGIC_CTRL_INIT of the ITS";
	return kvm_set_attr(g->its_fd, GRP_CTRL, CTRL_INIT, NULL);
}

void vgic_destroy(struct vgic *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(g->irqfd); i++)
		close_fdp(&g->irqfd[i]);
	close_fdp(&g->its_fd);
	close_fdp(&g->fd);
	free(g);
}

static void set_level(void *ctx, u32 intid, bool level)
{
	struct vgic *g = ctx;
	struct kvm_irq_level l = { .irq = IRQ_TYPE_SPI << IRQ_TYPE_SHIFT | intid, .level = level };
	int err = kvm_call(g->vm_fd, KVM_IRQ_LINE, &l);

	if (err < 0)
		log_at(LOG_DEBUG, "KVM_IRQ_LINE %u %d: error %d", intid, level, -err);
}

struct irq_line vgic_level_line(struct vgic *g, u32 intid)
{
	return (struct irq_line){ .set = set_level, .ctx = g, .intid = intid };
}

/* The falling half of an edge means nothing to an irqfd: each write is one pulse. */
static void set_edge(void *ctx, u32 intid, bool level)
{
	const struct vgic *g = ctx;
	const u64 one = 1;

	if (level)
		(void)!write(g->irqfd[intid - FIRST_SPI], &one, sizeof(one));
}

/* KVM's default routing: GSI n is SPI n, the interrupt ID less 32. */
int vgic_irqfd(const struct vgic *g, u32 spi, u32 flags)
{
	struct kvm_irqfd irqfd = { .fd = (u32)g->irqfd[spi], .gsi = spi, .flags = flags };

	return g->kvm->call(g->vm_fd, KVM_IRQFD, &irqfd);
}

int vgic_edge_line(struct vgic *g, u32 intid, struct irq_line *out)
{
	u32 spi = intid - FIRST_SPI;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	g->irqfd[spi] = fd;
	err = vgic_irqfd(g, spi, 0);
	if (err < 0) {
		(void)close(fd);
		g->irqfd[spi] = -1;
		return err;
	}
	*out = (struct irq_line){ .set = set_edge, .ctx = g, .intid = intid };
	return 0;
}
