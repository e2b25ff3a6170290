/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_FDT_PRIVATE_H
#define MACHINE_FDT_PRIVATE_H

#include "machine/fdt.h"

/* A file on its way in: what to call it in messages. */
struct fdt_source {
	const char *what; /* "device tree", "overlay" */
	const char *path;
};

/* libfdt's error about the file, in words. Return: a negative errno. */
int fdt_refuse(const struct fdt_source *s, int err);

/**
 * fdt_read - a file that libfdt may walk: sound, of one version, of limited depth
 * @out: allocated, released with free()
 *
 * Return: 0, or a negative errno with the reason logged.
 */
must_check int fdt_read(const struct fdt_source *s, void **out);

#endif /* MACHINE_FDT_PRIVATE_H */
