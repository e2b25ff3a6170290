/* SPDX-License-Identifier: MIT */
#ifndef GUEST_HVC_H
#define GUEST_HVC_H

#include "virtio.h"

/** hvc_open - bring the virtio console up and print on it from now on */
bool hvc_open(void);

/** hvc_write - send @len bytes, in buffers of up to 4 KiB, and wait until they are taken */
void hvc_write(const char *s, size_t len);

/** hvc_read - wait for input. Return: a byte, or -1 after @ms milliseconds */
int hvc_read(u64 ms);

#endif
