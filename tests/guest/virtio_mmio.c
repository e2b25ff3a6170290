/* SPDX-License-Identifier: MIT */
/* Register conformance of every virtio-mmio device (VIRTIO 1.2, 4.2.2 and 4.2.3). */
#include "guest.h"
#include "virtio.h"

static struct vq queue;
static struct vdev dev;

static u32 get(u32 reg)
{
	return r32(dev.base + reg);
}

static void put(u32 reg, u32 v)
{
	w32(dev.base + reg, v);
}

static const char *name(void)
{
	static const char *const names[] = { "none", "net", "blk", "console", "rng" };

	return dev.id < ARRAY_SIZE(names) ? names[dev.id] : "other";
}

static void check_ids(void)
{
	check(get(VIRTIO_MAGIC) == 0x74726976, "%s: the magic value is 'virt'", name());
	check(get(VIRTIO_VERSION) == 2, "%s: the version is 2", name());
	check(get(VIRTIO_VENDOR_ID) != 0, "%s: there is a vendor", name());
	check(get(VIRTIO_STATUS) == 0, "%s: the status is 0 at first", name());
	check(dev.offered & VIRTIO_F_VERSION_1, "%s: VERSION_1 is offered", name());
	put(VIRTIO_DEVICE_FEATURES_SEL, 2);
	check(get(VIRTIO_DEVICE_FEATURES) == 0, "%s: features from bit 64 up are zero", name());
	put(VIRTIO_DEVICE_FEATURES_SEL, ~0u);
	check(get(VIRTIO_DEVICE_FEATURES) == 0, "%s: a wild selector reads zero", name());
	put(VIRTIO_DEVICE_FEATURES_SEL, 0);
}

static bool try_features(u64 features)
{
	(void)virtio_reset(&dev);
	put(VIRTIO_STATUS, STATUS_ACKNOWLEDGE);
	put(VIRTIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	put(VIRTIO_DRIVER_FEATURES_SEL, 0);
	put(VIRTIO_DRIVER_FEATURES, (u32)features);
	put(VIRTIO_DRIVER_FEATURES_SEL, 1);
	put(VIRTIO_DRIVER_FEATURES, (u32)(features >> 32));
	put(VIRTIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
	return get(VIRTIO_STATUS) & STATUS_FEATURES_OK;
}

static u64 one_not_offered(void)
{
	u32 bit = 0;

	while (dev.offered >> bit & 1)
		bit++;
	return BIT(bit);
}

static void check_features(void)
{
	check(try_features(dev.offered), "%s: what is offered is accepted", name());
	check(get(VIRTIO_STATUS) == (STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK),
	      "%s: the status reads back", name());
	check(try_features(VIRTIO_F_VERSION_1), "%s: VERSION_1 alone is accepted", name());
	check(!try_features(VIRTIO_F_VERSION_1 | one_not_offered()),
	      "%s: a feature that is not offered is refused", name());
	check(!try_features(VIRTIO_F_VERSION_1 | BIT(63)), "%s: so is bit 63", name());
	check(!try_features(dev.offered & ~VIRTIO_F_VERSION_1),
	      "%s: so is everything without VERSION_1", name());
	(void)virtio_reset(&dev);
	put(VIRTIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FAILED);
	check(get(VIRTIO_STATUS) & STATUS_FAILED, "%s: FAILED can be set", name());
	check(virtio_reset(&dev), "%s: a reset clears the status", name());
}

static void check_queues(void)
{
	u32 count = 0;
	bool good = true;

	(void)virtio_negotiate(&dev, 0);
	for (; count < 64; count++) {
		u32 max;

		put(VIRTIO_QUEUE_SEL, count);
		max = get(VIRTIO_QUEUE_NUM_MAX);
		if (!max)
			break;
		good &= max <= 32768 && get(VIRTIO_QUEUE_READY) == 0;
	}
	check(count && good, "%s: %u queues have a size and are not ready", name(), count);
	put(VIRTIO_QUEUE_READY, 1);
	check(get(VIRTIO_QUEUE_READY) == 0, "%s: a queue that is not there does not get ready",
	      name());
	put(VIRTIO_QUEUE_SEL, ~0u);
	check(get(VIRTIO_QUEUE_NUM_MAX) == 0, "%s: there is no queue 4294967295", name());
	check(virtio_queue(&dev, 0, &queue, 8), "%s: queue 0 gets ready", name());
	virtio_driver_ok(&dev);
	check(get(VIRTIO_STATUS) & STATUS_DRIVER_OK, "%s: DRIVER_OK sticks", name());
	put(VIRTIO_QUEUE_NOTIFY, count);
	put(VIRTIO_QUEUE_NOTIFY, ~0u);
	check(!(get(VIRTIO_STATUS) & STATUS_NEEDS_RESET),
	      "%s: notifying a queue that is not there does no harm", name());
	check(virtio_reset(&dev), "%s: a reset ends it", name());
	put(VIRTIO_QUEUE_SEL, 0);
	check(get(VIRTIO_QUEUE_READY) == 0, "%s: and queue 0 is not ready then", name());
	check(get(VIRTIO_INTERRUPT_STATUS) == 0, "%s: and no interrupt is left", name());
}

/* A queue with a size that is not allowed must not run. */
static void check_queue_size(u32 num)
{
	(void)virtio_negotiate(&dev, 0);
	(void)virtio_queue(&dev, 0, &queue, 8);
	put(VIRTIO_QUEUE_READY, 0);
	check(get(VIRTIO_QUEUE_READY) == 0, "%s: a queue can be made not ready", name());
	put(VIRTIO_QUEUE_NUM, num);
	put(VIRTIO_QUEUE_READY, 1);
	check(get(VIRTIO_QUEUE_READY) == 0 || get(VIRTIO_STATUS) & STATUS_NEEDS_RESET,
	      "%s: a queue of %u entries is refused", name(), num);
	(void)virtio_reset(&dev);
}

static void check_access(void)
{
	static const u32 read_only[] = {
		VIRTIO_MAGIC,
		VIRTIO_VERSION,
		VIRTIO_DEVICE_ID,
		VIRTIO_VENDOR_ID,
		VIRTIO_DEVICE_FEATURES,
		VIRTIO_QUEUE_NUM_MAX,
		VIRTIO_INTERRUPT_STATUS,
		VIRTIO_CONFIG_GENERATION,
	};
	static const u32 write_only[] = {
		VIRTIO_DEVICE_FEATURES_SEL, VIRTIO_DRIVER_FEATURES, VIRTIO_DRIVER_FEATURES_SEL,
		VIRTIO_QUEUE_SEL,           VIRTIO_QUEUE_NUM,       VIRTIO_QUEUE_NOTIFY,
		VIRTIO_INTERRUPT_ACK,       VIRTIO_QUEUE_DESC,      VIRTIO_QUEUE_DRIVER,
		VIRTIO_QUEUE_DEVICE,
	};
	bool same = true;
	bool zero = true;
	bool harmless = true;

	put(VIRTIO_QUEUE_SEL, 0);
	for (u32 i = 0; i < ARRAY_SIZE(read_only); i++) {
		u32 v = get(read_only[i]);

		put(read_only[i], ~v);
		same &= get(read_only[i]) == v;
	}
	check(same, "%s: read-only registers stay as they are", name());
	for (u32 i = 0; i < ARRAY_SIZE(write_only); i++)
		zero &= get(write_only[i]) == 0;
	check(zero, "%s: write-only registers read zero", name());
	check(get(0x0b0) == ~0u && get(0x0b4) == ~0u,
	      "%s: shared memory that is not there has length -1", name());
	for (u32 reg = 0; reg < VIRTIO_CONFIG; reg++) {
		if (reg % 4)
			(void)r8(dev.base + reg);
		if (reg % 4 == 2)
			(void)r16(dev.base + reg);
		if (reg % 8 == 0) {
			(void)r64(dev.base + reg);
			w8(dev.base + reg, 0xff);
			w16(dev.base + reg, 0xffff);
			w64(dev.base + reg, ~0ull);
		}
	}
	(void)virtio_reset(&dev);
	harmless &= get(VIRTIO_MAGIC) == 0x74726976 && get(VIRTIO_DEVICE_ID) == dev.id;
	check(harmless && try_features(VIRTIO_F_VERSION_1),
	      "%s: accesses of a wrong width do no harm", name());
	(void)virtio_reset(&dev);
}

/* The config space has bytes; wider reads are the same bytes. */
static void check_config(void)
{
	bool same = true;
	u32 generation = get(VIRTIO_CONFIG_GENERATION);

	for (u32 off = 0; off < 64; off += 4) {
		u64 a = dev.base + VIRTIO_CONFIG + off;
		u32 bytes =
			r8(a) | (u32)r8(a + 1) << 8 | (u32)r8(a + 2) << 16 | (u32)r8(a + 3) << 24;

		same &= bytes == r32(a) && bytes == (r16(a) | (u32)r16(a + 2) << 16);
	}
	check(same, "%s: the config space reads the same by bytes, halves and words", name());
	check(get(VIRTIO_CONFIG_GENERATION) == generation, "%s: its generation stands still",
	      name());
	for (u32 off = 0xf0; off < 0x100; off += 4)
		same &= r32(dev.base + VIRTIO_CONFIG + off) == 0;
	check(same, "%s: behind the config space is zero", name());
}

void guest_main(void)
{
	u32 found = 0;

	for (u32 i = 0; virtio_find(0, i, &dev); i++) {
		if (dev.id == 0)
			continue;
		check_ids();
		found++;
		check_features();
		check_queues();
		check_queue_size(0);
		check_queue_size(3);
		check_queue_size(65535);
		check_access();
		check_config();
	}
	check(found == bootarg_u64("expect.virtio", found), "%u devices are there", found);
	tap_done();
}
