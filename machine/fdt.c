/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <libfdt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "machine/base/bits.h"
#include "machine/base/log.h"
#include "machine/fdt.h"
#include "machine/layout.h"

void dt_start(struct dt *d, void *buf, size_t size)
{
	*d = (struct dt){ .buf = buf };
	d->err = size > INT_MAX ? -FDT_ERR_INTERNAL : fdt_create(buf, (int)size);
	if (!d->err)
		d->err = fdt_finish_reservemap(buf);
	dt_node(d, "");
}

void dt_node(struct dt *d, const char *name)
{
	if (!d->err)
		d->err = fdt_begin_node(d->buf, name);
}

void dt_node_at(struct dt *d, const char *name, gpa_t base)
{
	char full[64];

	(void)snprintf(full, sizeof(full), "%s@%llx", name, base);
	dt_node(d, full);
}

void dt_close(struct dt *d)
{
	if (!d->err)
		d->err = fdt_end_node(d->buf);
}

void dt_bytes(struct dt *d, const char *name, const void *data, size_t len)
{
	if (!d->err)
		d->err = len > INT_MAX ? -FDT_ERR_INTERNAL
		                       : fdt_property(d->buf, name, data, (int)len);
}

void dt_empty(struct dt *d, const char *name)
{
	dt_bytes(d, name, NULL, 0);
}

void dt_u32(struct dt *d, const char *name, u32 value)
{
	dt_cells(d, name, &value, 1);
}

void dt_u64(struct dt *d, const char *name, u64 value)
{
	const u32 cells[] = { hi32(value), lo32(value) };

	dt_cells(d, name, cells, ARRAY_SIZE(cells));
}

void dt_cells(struct dt *d, const char *name, const u32 *cells, size_t nr)
{
	void *p;

	if (d->err)
		return;
	d->err = nr > INT_MAX / sizeof(u32)
	                 ? -FDT_ERR_INTERNAL
	                 : fdt_property_placeholder(d->buf, name, (int)(nr * sizeof(u32)), &p);
	for (size_t i = 0; !d->err && i < nr; i++) {
		u32 cell = htobe32(cells[i]);

		memcpy((u8 *)p + i * sizeof(cell), &cell, sizeof(cell));
	}
}

void dt_reg(struct dt *d, const u64 *words, size_t nr)
{
	u32 cells[8];

	if (nr > ARRAY_SIZE(cells) / 2 && !d->err)
		d->err = -FDT_ERR_INTERNAL;
	if (d->err)
		return;
	for (size_t i = 0; i < nr; i++) {
		cells[2 * i] = hi32(words[i]);
		cells[2 * i + 1] = lo32(words[i]);
	}
	dt_cells(d, "reg", cells, 2 * nr);
}

void dt_string(struct dt *d, const char *name, const char *s)
{
	dt_bytes(d, name, s, strlen(s) + 1);
}

void dt_path(struct dt *d, const char *property, const char *parent, const char *name, gpa_t base)
{
	char full[128];

	(void)snprintf(full, sizeof(full), "%s/%s@%llx", parent, name, base);
	dt_string(d, property, full);
}

/* Documentation/devicetree/bindings/interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml */
static void interrupts(struct dt *d, const struct device_desc *dev)
{
	const u32 cells[] = { DT_GIC_SPI, dev->intid - LAYOUT_INTID_FIRST_SPI,
		              dev->edge ? DT_IRQ_EDGE_RISING : DT_IRQ_LEVEL_HIGH };

	dt_cells(d, "interrupts", cells, ARRAY_SIZE(cells));
}

void dt_device(struct dt *d, const struct device_desc *dev, u32 phandle)
{
	const u64 reg[] = { dev->base, dev->size };

	dt_node_at(d, dev->node, dev->base);
	dt_bytes(d, "compatible", dev->compatible, dev->compatible_len);
	dt_reg(d, reg, ARRAY_SIZE(reg));
	if (dev->intid)
		interrupts(d, dev);
	if (dev->clock_hz)
		dt_u32(d, "clock-frequency", dev->clock_hz);
	if (dev->primecell) { /* arm/primecell.yaml */
		dt_u32(d, "clocks", FDT_PHANDLE_APB_CLOCK);
		dt_string(d, "clock-names", "apb_pclk");
	}
	if (dev->dma_coherent)
		dt_empty(d, "dma-coherent");
	if (phandle)
		dt_u32(d, "phandle", phandle);
	dt_close(d);
}

int dt_end(struct dt *d)
{
	dt_close(d);
	if (!d->err)
		d->err = fdt_finish(d->buf);
	if (d->err == -FDT_ERR_NOSPACE)
		return log_refuse(-ENOSPC, "the device tree does not fit into its room in RAM");
	if (d->err)
		return log_refuse(-EINVAL, "write the device tree: %s", fdt_strerror(d->err));
	return (int)fdt_totalsize(d->buf);
}

/* dt-schema: chosen.yaml and memory.yaml */
void dt_boot(struct dt *d, const struct fdt_boot *boot)
{
	const u64 reg[] = { boot->ram_base, boot->ram_size };

	dt_node(d, "chosen");
	if (boot->bootargs && boot->bootargs[0])
		dt_string(d, "bootargs", boot->bootargs);
	if (boot->stdout_path)
		dt_string(d, "stdout-path", boot->stdout_path);
	if (boot->initrd_end > boot->initrd) {
		dt_u64(d, "linux,initrd-start", boot->initrd);
		dt_u64(d, "linux,initrd-end", boot->initrd_end);
	}
	if (boot->has_kaslr_seed)
		dt_u64(d, "kaslr-seed", boot->kaslr_seed);
	dt_bytes(d, "rng-seed", boot->rng_seed, sizeof(boot->rng_seed));
	dt_close(d);

	dt_node_at(d, "memory", boot->ram_base);
	dt_string(d, "device_type", "memory");
	dt_reg(d, reg, ARRAY_SIZE(reg));
	dt_close(d);
}
