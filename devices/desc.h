/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_DESC_H
#define DEVICES_DESC_H

#include "machine/base/types.h"

/* What a device is, as facts; machine/fdt.c writes them down as a node. */
struct device_desc {
	const char *node; /* "rtc" in rtc@1010000 */
	const char *label; /* its name under /aliases and /__symbols__, NULL: none */
	const char *compatible; /* strings, each with its NUL, as in the binding */
	size_t compatible_len; /* bytes, NULs included */
	gpa_t base;
	u64 size; /* bytes */
	u32 intid; /* GIC SPI, 32..1019; 0: no interrupt */
	bool edge; /* rising edge; else level, active high */
	u32 clock_hz; /* "clock-frequency", 0: not there */
	bool primecell; /* needs the APB clock: "clocks", "clock-names" */
	bool dma_coherent;
};

#endif /* DEVICES_DESC_H */
