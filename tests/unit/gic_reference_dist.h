/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GIC_REFERENCE_DIST_H
#define TESTS_UNIT_GIC_REFERENCE_DIST_H

#include "tests/unit/gic_reference.h"

/*
 * The reference's distributor: IHI 0048B.b 4.3. A register is what its fields are,
 * and a field belongs to one interrupt: a bit, two, or a byte. An access is taken
 * apart into fields, from the lowest up.
 */

static inline bool ref_is_within(u32 offset, u32 first, u32 size)
{
	return offset >= first && offset < first + size;
}

/* 4.3.4 */
static inline void ref_set_group(struct ref *r, u32 cpu, u32 id, bool group1)
{
	ref_irq(r, cpu, id)->group1 = group1;
}

/* 4.3.5, 4.3.6 */
static inline void ref_enable(struct ref *r, u32 cpu, u32 id, bool enabled)
{
	if (!ref_is_sgi(id))
		ref_irq(r, cpu, id)->enabled = enabled;
}

/* 4.3.7, 4.3.8: of an SGI it is read-only; see GICD_SPENDSGIR. */
static inline void ref_set_latch(struct ref *r, u32 cpu, u32 id, bool pending)
{
	if (!ref_is_sgi(id))
		ref_irq(r, cpu, id)->latch = pending;
}

/* 4.3.9, 4.3.10 */
static inline void ref_set_active(struct ref *r, u32 cpu, u32 id, bool active)
{
	ref_irq(r, cpu, id)->active = active;
}

/* 4.3.12 */
static inline u32 ref_read_targets(const struct ref *r, u32 cpu, u32 id)
{
	if (r->nr_cpus == 1)
		return 0;
	return ref_is_spi(id) ? ref_look(r, cpu, id)->targets : 1u << cpu;
}

static inline void ref_write_targets(struct ref *r, u32 cpu, u32 id, u32 cpus)
{
	if (r->nr_cpus > 1 && ref_is_spi(id))
		ref_irq(r, cpu, id)->targets = (u8)(cpus & ref_all_cpus(r));
}

/* 4.3.13 */
static inline void ref_write_config(struct ref *r, u32 cpu, u32 id, u32 config)
{
	if (ref_is_spi(id))
		ref_irq(r, cpu, id)->edge = config >> 1 & 1;
}

/* 4.3.15 */
static inline void ref_sgir(struct ref *r, u32 from, u32 value)
{
	u32 targets[4] = { value >> 16 & 0xff, ~(1u << from), 1u << from, 0 };

	for (u32 cpu = 0; cpu < r->nr_cpus; cpu++)
		if (targets[value >> 24 & 3] >> cpu & 1)
			r->cpu[cpu].irq[value & 0xf].sources |= (u8)(1u << from);
}

/* 4.3.16, 4.3.17 */
static inline void ref_sgi_sources(struct ref *r, u32 cpu, u32 id, u32 cpus, bool pending)
{
	struct ref_irq *i = ref_irq(r, cpu, id);

	if (pending)
		i->sources |= (u8)(cpus & ref_all_cpus(r));
	else
		i->sources &= (u8)~cpus;
}

/* Of registers with a bit for each interrupt: the one at @base, 32 words long. */
static inline bool ref_read_bit(const struct ref *r, u32 cpu, u32 base, u32 id)
{
	switch (base) {
	case GICD_IGROUPR:
		return ref_group(r, cpu, id);
	case GICD_ISENABLER:
	case GICD_ICENABLER:
		return ref_is_enabled(r, cpu, id);
	case GICD_ISPENDR:
	case GICD_ICPENDR:
		return ref_is_pending(r, cpu, id);
	case GICD_ISACTIVER:
	case GICD_ICACTIVER:
		return ref_is_active(r, cpu, id);
	default:
		return false;
	}
}

static inline void ref_write_bit(struct ref *r, u32 cpu, u32 base, u32 id, bool bit)
{
	if (base == GICD_IGROUPR)
		ref_set_group(r, cpu, id, bit);
	if (!bit)
		return; /* of the set and clear registers a zero does nothing */
	if (base == GICD_ISENABLER || base == GICD_ICENABLER)
		ref_enable(r, cpu, id, base == GICD_ISENABLER);
	if (base == GICD_ISPENDR || base == GICD_ICPENDR)
		ref_set_latch(r, cpu, id, base == GICD_ISPENDR);
	if (base == GICD_ISACTIVER || base == GICD_ICACTIVER)
		ref_set_active(r, cpu, id, base == GICD_ISACTIVER);
}

/* Of registers with a byte for each interrupt. */
static inline u32 ref_read_byte(const struct ref *r, u32 cpu, u32 offset)
{
	u32 id = offset % 0x400;

	if (ref_is_within(offset, GICD_CPENDSGIR, 32))
		return r->cpu[cpu].irq[offset % 16].sources;
	if (!ref_exists(r, id))
		return 0;
	if (ref_is_within(offset, GICD_IPRIORITYR, 0x400))
		return ref_look(r, cpu, id)->priority;
	if (ref_is_within(offset, GICD_ITARGETSR, 0x400))
		return ref_read_targets(r, cpu, id);
	return 0;
}

static inline void ref_write_byte(struct ref *r, u32 cpu, u32 offset, u32 value)
{
	u32 id = offset % 0x400;

	if (ref_is_within(offset, GICD_CPENDSGIR, 32))
		ref_sgi_sources(r, cpu, offset % 16, value, offset >= GICD_SPENDSGIR);
	else if (!ref_exists(r, id))
		return;
	else if (ref_is_within(offset, GICD_IPRIORITYR, 0x400))
		ref_irq(r, cpu, id)->priority = (u8)(value & 0xf8);
	else if (ref_is_within(offset, GICD_ITARGETSR, 0x400))
		ref_write_targets(r, cpu, id, value);
}

/* Table 4-1 and gic.h: words everywhere, bytes where the fields are bytes. */
static inline bool ref_has_bytes(u32 offset)
{
	return ref_is_within(offset, GICD_IPRIORITYR, 0x400) ||
	       ref_is_within(offset, GICD_ITARGETSR, 0x400) ||
	       ref_is_within(offset, GICD_CPENDSGIR, 32);
}

static inline bool ref_takes(u32 offset, u32 width)
{
	if (width == 1)
		return ref_has_bytes(offset);
	return width == 4 && offset % 4 == 0;
}

/* 4.3.18 and the others that are no interrupt's */
static inline u32 ref_read_plain(const struct ref *r, u32 offset)
{
	switch (offset) {
	case GICD_CTLR:
		return (u32)r->group_enabled[0] | (u32)r->group_enabled[1] << 1;
	case GICD_TYPER:
		return (r->nr_irqs / 32 - 1) | (r->nr_cpus - 1) << 5;
	case GICD_IIDR:
		return 0x52000000;
	case GICD_ICPIDR2:
		return 0x20;
	case GICD_ICCIDR:
		return 0x0d;
	case GICD_ICCIDR + 4:
		return 0xf0;
	case GICD_ICCIDR + 8:
		return 0x05;
	case GICD_ICCIDR + 12:
		return 0xb1;
	default:
		return 0;
	}
}

static inline void ref_write_plain(struct ref *r, u32 cpu, u32 offset, u32 value)
{
	if (offset == GICD_CTLR) {
		r->group_enabled[0] = value & 1;
		r->group_enabled[1] = value >> 1 & 1;
	} else if (offset == GICD_SGIR) {
		ref_sgir(r, cpu, value);
	}
}

static inline u64 ref_gicd_read(const struct ref *r, u32 cpu, u32 offset, u32 width)
{
	u32 value = 0;

	if (!ref_takes(offset, width))
		return 0;
	if (ref_has_bytes(offset)) {
		for (u32 i = 0; i < width; i++)
			value |= ref_read_byte(r, cpu, offset + i) << 8 * i;
	} else if (ref_is_within(offset, GICD_IGROUPR, 7 * 0x80)) {
		u32 base = offset / 0x80 * 0x80, first = (offset - base) * 8;

		for (u32 i = 0; i < 32; i++)
			if (ref_exists(r, first + i))
				value |= (u32)ref_read_bit(r, cpu, base, first + i) << i;
	} else if (ref_is_within(offset, GICD_ICFGR, 0x100)) {
		u32 first = (offset - GICD_ICFGR) * 4;

		for (u32 i = 0; i < 16; i++)
			if (ref_exists(r, first + i) && ref_is_edge(r, cpu, first + i))
				value |= 2u << 2 * i;
	} else {
		value = ref_read_plain(r, offset);
	}
	return value;
}

static inline void ref_gicd_write(struct ref *r, u32 cpu, u32 offset, u32 width, u64 value)
{
	u32 v = (u32)value;

	if (!ref_takes(offset, width))
		return;
	if (ref_has_bytes(offset)) {
		for (u32 i = 0; i < width; i++)
			ref_write_byte(r, cpu, offset + i, v >> 8 * i & 0xff);
	} else if (ref_is_within(offset, GICD_IGROUPR, 7 * 0x80)) {
		u32 base = offset / 0x80 * 0x80, first = (offset - base) * 8;

		for (u32 i = 0; i < 32; i++)
			if (ref_exists(r, first + i))
				ref_write_bit(r, cpu, base, first + i, v >> i & 1);
	} else if (ref_is_within(offset, GICD_ICFGR, 0x100)) {
		u32 first = (offset - GICD_ICFGR) * 4;

		for (u32 i = 0; i < 16; i++)
			if (ref_exists(r, first + i))
				ref_write_config(r, cpu, first + i, v >> 2 * i & 3);
	} else {
		ref_write_plain(r, cpu, offset, v);
	}
}

/* Nothing is mapped here: what the host does is what a guest does. */
static inline void ref_gicd_poke(struct ref *r, u32 cpu, u32 offset, u32 width, u64 value)
{
	ref_gicd_write(r, cpu, offset, width, value);
}

#endif /* TESTS_UNIT_GIC_REFERENCE_DIST_H */
