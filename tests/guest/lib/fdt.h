/* SPDX-License-Identifier: MIT */
/*
 * A reader for the flattened device tree (Devicetree Specification v0.4, 5),
 * good enough to find devices. Trusts the tree it is given.
 */
#ifndef GUEST_FDT_H
#define GUEST_FDT_H

#include "types.h"

#define FDT_MAGIC     0xd00dfeedu
#define FDT_MAX_DEPTH 8

/* A walk over all nodes, parents before children. */
struct fdt_node {
	const char *name;
	const u32 *props; /* first token after the name */
	const u32 *next; /* where fdt_next() goes on */
	int depth; /* 1: the root */
	u32 address_cells[FDT_MAX_DEPTH];
	u32 size_cells[FDT_MAX_DEPTH];
};

struct fdt_irq {
	u32 intid; /* as the GIC counts: SPIs from 32, PPIs from 16 */
	u32 flags; /* low four bits: 1 rising, 2 falling, 4 level high, 8 level low */
	u32 mask; /* CPUs of a PPI, GICv2 only */
};

/** fdt_set - the tree that all others work on. Return: false if @dtb has no magic */
bool fdt_set(const void *dtb);

/** fdt_total_size - bytes of the tree, 0 when there is none */
u32 fdt_total_size(void);

/** fdt_first - start a walk. Return: the root */
struct fdt_node fdt_first(void);

/** fdt_next - step to the next node. Return: false at the end */
bool fdt_next(struct fdt_node *n);

/** fdt_prop - a property, with its length in bytes in @len unless NULL. Return: NULL if absent */
const void *fdt_prop(const struct fdt_node *n, const char *name, u32 *len);

/** fdt_is - whether @compatible is among the node's own */
bool fdt_is(const struct fdt_node *n, const char *compatible);

/** fdt_find - the @nth node (from 0) that is @compatible. Return: false if there is none */
bool fdt_find(const char *compatible, u32 nth, struct fdt_node *n);

/** fdt_find_name - the node called @name ("chosen", "memory@80000000") just below the root */
bool fdt_find_name(const char *name, struct fdt_node *n);

/** fdt_reg - the @i-th address and size of a node. Return: false if there is none */
bool fdt_reg(const struct fdt_node *n, u32 i, u64 *base, u64 *size);

/** fdt_irq - the @i-th interrupt of a node with a GIC as its parent */
bool fdt_irq(const struct fdt_node *n, u32 i, struct fdt_irq *irq);

/** fdt_u32 - cell @i of a property, or 0 */
u32 fdt_u32(const struct fdt_node *n, const char *name, u32 i);

/** fdt_str - a property that is text, or "" */
const char *fdt_str(const struct fdt_node *n, const char *name);

/** fdt_memory - bytes of RAM, and where the first bank starts */
u64 fdt_memory(u64 *base);

/**
 * bootarg - the value of "key=value" in /chosen/bootargs
 *
 * Return: the text after '=', which ends at a blank or at the end; NULL if not there.
 */
const char *bootarg(const char *key);

/** bootarg_is - whether "key=value" is in /chosen/bootargs */
bool bootarg_is(const char *key, const char *value);

/** bootarg_u64 - the number of "key=number", or @otherwise */
u64 bootarg_u64(const char *key, u64 otherwise);

#endif
