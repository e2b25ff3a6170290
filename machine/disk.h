/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_DISK_H
#define MACHINE_DISK_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/**
 * disk_open - open what --disk names, and keep others from using it
 * @path:       a regular file or a block device
 * @read_only:  shared with other readers; else nobody else may have it
 * @direct:     past the page cache (O_DIRECT)
 * @fd:         owned by the caller; the lock lives as long as it is open
 * @size:       bytes, at least one block
 * @block_size: bytes, a power of two from 512: what the disk's sectors are,
 *              and with @direct what I/O on @fd must be aligned to
 *
 * The lock is one on the open file (F_OFD_SETLK): it also stops the same
 * machine from having a disk twice.
 *
 * Return: 0; -EBUSY when it is in use, -EINVAL when it cannot be a disk, or what
 * open() says. Logged in one line that names @path.
 */
must_check int disk_open(const char *path, bool read_only, bool direct, int *fd, u64 *size,
                         u32 *block_size);

#endif /* MACHINE_DISK_H */
