/* SPDX-License-Identifier: MIT */
/* The entropy device (VIRTIO 1.2, 5.4). */
#include "guest.h"
#include "virtio.h"

static struct vq q;
static u8 a[256];
static u8 b[256];

static u32 fill(u8 *buf, u32 len)
{
	struct vq_used_elem e = { 0, 0 };

	memset(buf, 0, sizeof(a));
	vq_set(&q, 0, buf, len, DESC_WRITE, 0);
	vq_offer(&q, 0);
	vq_kick(&q);
	return vq_wait(&q, 5000, &e) ? e.len : 0;
}

static u32 zeroes(const u8 *buf, u32 len)
{
	u32 n = 0;

	for (u32 i = 0; i < len; i++)
		n += buf[i] == 0;
	return n;
}

void guest_main(void)
{
	struct vdev d;
	u32 got;

	if (!check(virtio_find(VIRTIO_ID_RNG, 0, &d), "there is an entropy device") ||
	    !check(virtio_negotiate(&d, 0) && virtio_queue(&d, 0, &q, 8), "it comes up"))
		tap_done();
	virtio_driver_ok(&d);
	got = fill(a, sizeof(a));
	check(got > 0 && got <= sizeof(a), "it fills a buffer (%u bytes)", got);
	check(zeroes(a, got) < got / 8 + 1, "not with zeroes");
	check(zeroes(a + got, (u32)sizeof(a) - got) == sizeof(a) - got, "and nothing behind it");
	got = fill(b, sizeof(b));
	check(got && memcmp(a, b, got) != 0, "the second time with something else");
	got = fill(a, 1);
	check(got == 1 && zeroes(a + 1, 255) == 255, "a buffer of one byte gets one byte");
	tap_done();
}
