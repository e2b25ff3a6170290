/* SPDX-License-Identifier: MIT */
#include "devices/mmio.h"

enum { ALL_WIDTHS = MMIO_W8 | MMIO_W16 | MMIO_W32 | MMIO_W64 };

static const struct mmio_reg *find(const struct mmio_table *t, u32 offset, u32 width)
{
	const struct mmio_reg *r = t->regs;
	u32 guess;

	if ((offset & (width - 1)) || t->nr == 0)
		return NULL;

	/* Most tables begin with registers of one size in a row: then this is the row. */
	guess = offset / r->len;
	if (guess < t->nr && r[guess].offset == offset)
		return (r[guess].widths & width) ? &r[guess] : NULL;

	/* To the last row that starts at or below @offset, or the first of all. */
	for (size_t n = t->nr; n > 1;) {
		size_t half = n / 2;

		if (r[half].offset <= offset)
			r += half;
		n -= half;
	}

	/* A row does not wrap, so below its start this is more than its length. */
	return offset - r->offset < r->len && (r->widths & width) ? r : NULL;
}

static u32 low_bits(u32 width)
{
	return width < 4 ? ~0u >> (32 - 8 * width) : ~0u;
}

u64 mmio_read(const struct mmio_table *t, void *dev, u32 offset, u32 width)
{
	const struct mmio_reg *r = find(t, offset, width);
	u64 low, high;

	if (!r || !r->read)
		return 0;

	low = r->read(dev, offset) & low_bits(width);
	if (width < 8)
		return low;
	high = r->read(dev, offset + 4);
	return high << 32 | low;
}

void mmio_write(const struct mmio_table *t, void *dev, u32 offset, u32 width, u64 value)
{
	const struct mmio_reg *r = find(t, offset, width);

	if (!r || !r->write)
		return;

	r->write(dev, offset, (u32)value & low_bits(width) & r->wmask);
	if (width == 8)
		r->write(dev, offset + 4, (u32)(value >> 32) & r->wmask);
}

static bool reg_ok(const struct mmio_reg *r)
{
	u32 widest = 0;

	if (!r->len || r->len > ~0u - r->offset || !r->widths || (r->widths & ~(u32)ALL_WIDTHS))
		return false;

	for (u32 w = MMIO_W8; w <= MMIO_W64; w *= 2) {
		if (!(r->widths & w))
			continue;
		if (r->offset % w || r->len % w)
			return false;
		widest = w;
	}
	return (r->wmask & ~low_bits(widest)) == 0;
}

bool mmio_table_ok(const struct mmio_table *t)
{
	u32 end = 0;

	for (size_t i = 0; i < t->nr; i++) {
		const struct mmio_reg *r = &t->regs[i];

		if (r->offset < end || !reg_ok(r))
			return false;
		end = r->offset + r->len;
	}
	return true;
}
