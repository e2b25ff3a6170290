/* SPDX-License-Identifier: MIT */
#include "machine/board.h"
#include "devices/uart_8250.h"
#include "devices/virtio/mmio.h"
#include "machine/layout.h"

enum {
	UART_CLOCK_HZ =
		1843200, /* the crystal of the PC's serial ports: 115200 baud at divisor 1 */
	RTC_SIZE = 0x1000,
};

/* The arrays are long enough for any configuration that config.h allows. */
static struct device_desc *add(struct board *b, enum board_kind kind, u32 index)
{
	size_t i = b->nr++;

	b->devs[i].kind = kind;
	b->devs[i].index = index;
	b->descs[i].intid = LAYOUT_INTID_FIRST_SPI + (u32)i;
	return &b->descs[i];
}

/* The largest array is the virtio devices', which have a slot each in the map. */
static void add_virtio(struct board *b, u32 *slot, enum board_kind kind, u32 index)
{
	static const char compatible[] = "virtio,mmio";
	struct device_desc *d = add(b, kind, index);

	d->node = "virtio";
	d->compatible = compatible;
	d->compatible_len = sizeof(compatible);
	d->base = LAYOUT_VIRTIO + (*slot)++ * (u64)VIRTIO_MMIO_SIZE;
	d->size = VIRTIO_MMIO_SIZE;
	d->edge = true;
	d->dma_coherent = true;
}

static void add_uart(struct board *b, u32 index)
{
	static const char *const label[LAYOUT_NR_UARTS] = { "serial0", "serial1", "serial2",
		                                            "serial3" };
	static const char compatible[] = "ns16550a";
	struct device_desc *d = add(b, BOARD_UART, index);

	d->node = "serial";
	d->label = label[index];
	d->compatible = compatible;
	d->compatible_len = sizeof(compatible);
	d->base = LAYOUT_UART + index * LAYOUT_UART_STRIDE;
	d->size = UART_8250_SIZE;
	d->clock_hz = UART_CLOCK_HZ;
}

static void add_rtc(struct board *b)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";
	struct device_desc *d = add(b, BOARD_RTC, 0);

	d->node = "rtc";
	d->label = "rtc0";
	d->compatible = compatible;
	d->compatible_len = sizeof(compatible);
	d->base = LAYOUT_RTC;
	d->size = RTC_SIZE;
	d->primecell = true;
}

void board_plan(const struct machine_config *cfg, struct board *out)
{
	u32 slot = 0;

	*out = (struct board){ .nr = 0 };
	for (u32 i = 0; i < LAYOUT_NR_UARTS; i++)
		add_uart(out, i);
	add_rtc(out);
	if (cfg->console == CONFIG_CONSOLE_VIRTIO)
		add_virtio(out, &slot, BOARD_VIRTIO_CONSOLE, 0);
	for (u32 i = 0; i < cfg->nr_disks; i++)
		add_virtio(out, &slot, BOARD_VIRTIO_BLK, i);
	for (u32 i = 0; i < cfg->nr_nets; i++)
		if (cfg->net[i].mode != CONFIG_NET_NONE)
			add_virtio(out, &slot, BOARD_VIRTIO_NET, i);
	if (cfg->rng)
		add_virtio(out, &slot, BOARD_VIRTIO_RNG, 0);
}
