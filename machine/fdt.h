/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_FDT_H
#define MACHINE_FDT_H

#include "devices/desc.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * A device tree being written: nobody but fdt*.c knows libfdt. The first error
 * sticks and the calls after it do nothing, so that a tree reads top
 * to bottom and is checked once, by dt_end(). The prefix is dt_, because libfdt
 * has fdt_.
 */
struct dt {
	void *buf;
	int err; /* libfdt's */
};

/* Phandles; a cell that points at one of these nodes holds the number. */
enum {
	FDT_PHANDLE_GIC = 1,
	FDT_PHANDLE_MSI = 2, /* ITS or GICv2m frame */
	FDT_PHANDLE_APB_CLOCK = 3,
	FDT_PHANDLE_IDLE0 = 4, /* and on, one for each idle state */
	FDT_PHANDLE_CPU0 = 0x100, /* and on, one for each CPU */
	FDT_PHANDLE_DEV0 = 0x10000, /* and on, one for each device on the bus */
};

/* The first and the last of the three cells of an interrupt: which kind, and how it is raised. */
enum {
	DT_GIC_SPI = 0,
	DT_GIC_PPI = 1,
	DT_IRQ_EDGE_RISING = 1,
	DT_IRQ_LEVEL_HIGH = 4,
	DT_IRQ_LEVEL_LOW = 8,
};

void dt_start(struct dt *d, void *buf, size_t size);
void dt_node(struct dt *d, const char *name);
void dt_node_at(struct dt *d, const char *name, gpa_t base); /* name@base */
void dt_close(struct dt *d);
void dt_empty(struct dt *d, const char *name);
void dt_u32(struct dt *d, const char *name, u32 value);
void dt_u64(struct dt *d, const char *name, u64 value);
void dt_cells(struct dt *d, const char *name, const u32 *cells, size_t nr);
void dt_reg(struct dt *d, const u64 *words, size_t nr); /* "reg", 64-bit address and size pairs */
void dt_string(struct dt *d, const char *name, const char *s);
void dt_bytes(struct dt *d, const char *name, const void *data, size_t len);

/* The path of a node as a string: "parent/name@base". @parent: "" for the root */
void dt_path(struct dt *d, const char *property, const char *parent, const char *name, gpa_t base);

/* The node of one device on the bus, with its "interrupts" for the GIC. @phandle 0: none. */
void dt_device(struct dt *d, const struct device_desc *dev, u32 phandle);

/* Return: the blob's size in bytes; -ENOSPC or -EINVAL, the reason has been logged. */
must_check int dt_end(struct dt *d);

/* What a given tree gets from us: /memory and /chosen. */
struct fdt_boot {
	gpa_t ram_base;
	u64 ram_size;
	const char *bootargs; /* NULL or empty: none, or what a given tree has */
	const char *stdout_path; /* NULL: none */
	gpa_t initrd, initrd_end; /* equal: none */
	bool has_kaslr_seed;
	u64 kaslr_seed;
	u8 rng_seed[64];
};

/* /chosen and /memory of a tree being written. */
void dt_boot(struct dt *d, const struct fdt_boot *boot);

/**
 * fdt_adopt - take a tree from a file, adding or replacing only /chosen and /memory
 * @path: hostile
 * @boot: what goes into them. /memory is written anew, in the tree's own
 *        #address-cells and #size-cells; /chosen keeps what is not in here
 * @buf:  where the blob goes
 * @size: bytes there
 *
 * Return: the blob's size, or a negative errno with the reason logged: -EIO and
 * -ENOMEM are the host's fault, all others the file's.
 */
must_check int fdt_adopt(const char *path, const struct fdt_boot *boot, void *buf, size_t size);

/**
 * fdt_overlay - apply an overlay file to a tree
 * @buf:  the blob; as it was after a failure
 * @size: bytes there
 * @path: hostile
 *
 * Return: 0, or a negative errno as fdt_adopt().
 */
must_check int fdt_overlay(void *buf, size_t size, const char *path);

/* Write the blob to a file, "-": standard output. Return: 0, or a negative errno, logged. */
must_check int fdt_dump(const void *blob, const char *path);

#endif /* MACHINE_FDT_H */
