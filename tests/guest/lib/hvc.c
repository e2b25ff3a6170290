/* SPDX-License-Identifier: MIT */
#include "hvc.h"
#include "console.h"
#include "io.h"
#include "str.h"

static struct vdev dev;
static struct vq rx;
static struct vq tx;
static u8 in[256];
static char out[4096];
static u32 in_len;
static u32 in_pos;

static void offer_input(void)
{
	vq_set(&rx, 0, in, sizeof(in), DESC_WRITE, 0);
	vq_offer(&rx, 0);
	vq_kick(&rx);
}

bool hvc_open(void)
{
	if (!virtio_find(VIRTIO_ID_CONSOLE, 0, &dev) || !virtio_negotiate(&dev, 0) ||
	    !virtio_queue(&dev, 0, &rx, 8) || !virtio_queue(&dev, 1, &tx, 8))
		return false;
	virtio_driver_ok(&dev);
	offer_input();
	console_set_writer(hvc_write);
	return true;
}

void hvc_write(const char *s, size_t len)
{
	struct vq_used_elem e;

	while (len) {
		size_t n = MIN(len, sizeof(out));

		memcpy(out, s, n);
		vq_set(&tx, 0, out, (u32)n, 0, 0);
		vq_offer(&tx, 0);
		vq_kick(&tx);
		if (!vq_wait(&tx, 60000, &e))
			return;
		s += n;
		len -= n;
	}
}

int hvc_read(u64 ms)
{
	struct vq_used_elem e;

	while (in_pos == in_len) {
		if (!vq_wait(&rx, ms, &e))
			return -1;
		in_len = (u32)MIN(e.len, sizeof(in));
		in_pos = 0;
		if (in_len == 0)
			offer_input();
	}
	if (in_pos + 1 == in_len) {
		u8 c = in[in_pos];

		in_pos = in_len = 0;
		offer_input();
		return c;
	}
	return in[in_pos++];
}
