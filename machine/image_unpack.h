/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_IMAGE_UNPACK_H
#define MACHINE_IMAGE_UNPACK_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"
#include "machine/image_parse.h"

/*
 * The bytes of a file in order, as they are or unpacked. Works on pipes. Reads
 * straight into the caller's memory where nothing has to be unpacked, and never
 * gives more than was asked for, so the caller's room bounds what a small file
 * can grow to.
 *
 * read(2) and not mmap(2): a mapped kernel saves its copy once, but whoever
 * truncates the file then ends us with SIGBUS, whoever writes to it changes a
 * running guest, and its pages are never huge ones.
 */
struct image_src;

/* @fd stays the caller's and open until image_src_destroy(). Return: 0 or -ENOMEM. */
must_check int image_src_create(int fd, struct image_src **out);
void image_src_destroy(struct image_src *s);

/**
 * image_src_peek - look at the start before anything is read
 * @head: the first IMAGE_HEAD bytes; fewer in a file that has fewer
 * @len:  how many they are
 *
 * Return: 0 or read(2)'s negative errno.
 */
must_check int image_src_peek(struct image_src *s, const u8 **head, size_t *len);

/**
 * image_src_unpack - from now on read what the file holds in compressed form
 * @kind:   IMAGE_GZIP or IMAGE_ZSTD; several members or frames in a row count as
 *          one, what stands behind the last one is ignored
 * @offset: where it starts, in bytes behind what has been read
 * @size:   bytes of it at most; ~0: to the end of the file
 * @why:    as in image_parse.h
 *
 * Return: 0; -EINVAL with *@why set; another negative errno with *@why NULL.
 */
must_check int image_src_unpack(struct image_src *s, enum image_kind kind, u64 offset, u64 size,
                                const char **why);

/**
 * image_src_read - the next bytes
 * @got: how many; fewer than @len only at the end
 *
 * Return: as image_src_unpack().
 */
must_check int image_src_read(struct image_src *s, void *buf, size_t len, size_t *got,
                              const char **why);

#endif /* MACHINE_IMAGE_UNPACK_H */
