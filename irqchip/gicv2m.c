/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "devices/mmio.h"
#include "irqchip/gicv2m.h"
#include "machine/base/compiler.h"
#include "machine/base/lock.h"

enum {
	MSI_SETSPI_NS = 0x040,
	MSI_IIDR_VALUE = 0, /* ProductID, architecture version 0, no implementer's code */
	TYPER_BASE_SHIFT = 16,
	SETSPI_MASK = 0x3ff,
};

/* Constant after creation, but for the wire: of two edges at once one would be none. */
struct gicv2m {
	u32 first, nr;
	struct irq_line line GUARDED_BY(lock);
	struct mutex lock; /* dev.lock in machine/base/lock.h */
};

static u32 typer_read(void *dev, u32 offset)
{
	const struct gicv2m *f = dev;

	return f->first << TYPER_BASE_SHIFT | f->nr;
}

/*
 * The interrupt ID itself is written; one that is not the frame's is ignored, and
 * so is a halfword in the upper half of the register.
 */
static void setspi_write(void *dev, u32 offset, u32 value)
{
	struct gicv2m *f = dev;

	if (offset != MSI_SETSPI_NS || value < f->first || value - f->first >= f->nr)
		return;
	mutex_lock(&f->lock);
	f->line.intid = value;
	irq_line_pulse(&f->line);
	mutex_unlock(&f->lock);
}

static u32 iidr_read(void *dev, u32 offset)
{
	return MSI_IIDR_VALUE;
}

/* clang-format off */
static const struct mmio_reg regs[] = {
	{ "MSI_TYPER",     0x008,         4, MMIO_W32,            0,           typer_read, NULL },
	{ "MSI_SETSPI_NS", MSI_SETSPI_NS, 4, MMIO_W16 | MMIO_W32, SETSPI_MASK, NULL,       setspi_write },
	{ "MSI_IIDR",      0xfcc,         4, MMIO_W32,            0,           iidr_read,  NULL },
};
/* clang-format on */

static const struct mmio_table table = { regs, ARRAY_SIZE(regs) };

int gicv2m_create(u32 first, u32 nr, const struct irq_line *line, struct gicv2m **out)
{
	struct gicv2m *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct gicv2m){ .first = first, .nr = nr, .line = *line };
	mutex_init(&f->lock);
	*out = f;
	return 0;
}

void gicv2m_destroy(struct gicv2m *f)
{
	if (!f)
		return;
	mutex_done(&f->lock);
	free(f);
}

bool gicv2m_reset(void *dev)
{
	return true;
}

static u64 bus_read_frame(void *dev, u32 offset, u32 width)
{
	return mmio_read(&table, dev, offset, width);
}

static void bus_write_frame(void *dev, u32 offset, u32 width, u64 value)
{
	mmio_write(&table, dev, offset, width, value);
}

const struct bus_ops gicv2m_bus_ops = { .read = bus_read_frame, .write = bus_write_frame };
