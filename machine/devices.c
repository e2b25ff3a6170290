/* SPDX-License-Identifier: MIT */
/* Makes the devices that machine/board.c planned and connects them at both ends. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/random.h>

#include "devices/rtc_pl031.h"
#include "devices/uart_8250.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/net.h"
#include "devices/virtio/rng.h"
#include "machine/base/kvm.h"
#include "machine/base/log.h"
#include "machine/machine_private.h"
#include "machine/tap.h"

/* The first UART's line is the host console. */
static size_t uart_transmit(void *ctx, const u8 *data, size_t len)
{
	const struct machine *m = ctx;

	return console_write(m->console, data, len);
}

/*
 * With --console virtio the first UART still shows what is written to it (early
 * output), but the console belongs to another device, which is told when there
 * is room again; so this one does not wait for it.
 */
static size_t uart_transmit_unowned(void *ctx, const u8 *data, size_t len)
{
	const struct machine *m = ctx;

	(void)console_write(m->console, data, len);
	return len;
}

static void uart_receive_ready(void *ctx)
{
	const struct machine *m = ctx;

	console_input_ready(m->console);
}

/* A port that is connected to nothing. */
static size_t uart_transmit_nowhere(void *ctx, const u8 *data, size_t len)
{
	return len;
}

static void uart_ready_nowhere(void *ctx)
{
}

static const struct uart_8250_ops uart_on_console = { uart_transmit, uart_receive_ready };
static const struct uart_8250_ops uart_beside_console = { uart_transmit_unowned,
	                                                  uart_ready_nowhere };
static const struct uart_8250_ops uart_nowhere = { uart_transmit_nowhere, uart_ready_nowhere };

static size_t console_to_uart(void *ctx, const u8 *data, size_t len)
{
	return uart_8250_receive(ctx, data, len);
}

static void break_to_uart(void *ctx)
{
	uart_8250_break(ctx);
}

static void uart_may_write(void *ctx)
{
	uart_8250_writable(ctx);
}

static const struct console_client_ops console_client = { console_to_uart, break_to_uart,
	                                                  uart_may_write };

static void destroy_uart(void *dev)
{
	u64 lost = uart_8250_lost(dev);

	if (lost)
		log_at(LOG_WARN, "the guest wrote %llu bytes into a full UART, which are lost",
		       lost);
	uart_8250_destroy(dev);
}

static int make_uart(struct machine *m, u32 index, const struct irq_line *irq,
                     struct machine_dev *d)
{
	bool owner = m->cfg->console == CONFIG_CONSOLE_SERIAL;
	const struct uart_8250_ops *ops = &uart_nowhere;
	struct uart_8250 *u;
	int err;

	if (index == 0)
		ops = owner ? &uart_on_console : &uart_beside_console;
	err = uart_8250_create(ops, m, irq, &u);
	if (err < 0)
		return err;
	if (index == 0 && owner)
		console_attach(m->console, &console_client, u);
	*d = (struct machine_dev){ .ops = &uart_8250_bus_ops,
		                   .dev = u,
		                   .destroy = destroy_uart,
		                   .reset = uart_8250_reset };
	return 0;
}

static void destroy_rtc(void *dev)
{
	rtc_pl031_destroy(dev);
}

static int make_rtc(struct machine *m, const struct irq_line *irq, struct machine_dev *d)
{
	struct rtc_pl031 *rtc;
	int err = rtc_pl031_create(&rtc_host_ops, m->rtc_host, irq, &rtc);

	if (err < 0)
		return err;
	rtc_host_attach(m->rtc_host, rtc);
	*d = (struct machine_dev){ .ops = &rtc_pl031_bus_ops,
		                   .dev = rtc,
		                   .destroy = destroy_rtc,
		                   .reset = rtc_pl031_reset };
	return 0;
}

static void destroy_blk(void *dev)
{
	virtio_blk_destroy(dev);
}

static int make_blk(struct machine *m, u32 index, struct machine_dev *d)
{
	const struct config_disk *disk = &m->cfg->disk[index];
	const struct virtio_blk_config_in cfg = {
		.fd = m->disk_fd[index],
		.size = m->disk_size[index],
		.block_size = m->disk_block[index],
		.read_only = disk->read_only,
		.direct = disk->direct,
		.serial = disk->serial,
	};
	struct virtio_blk *b;
	int err = virtio_blk_create(&cfg, m->loop, &m->ram, &b);

	if (err < 0)
		return err;
	d->virtio = virtio_blk_dev(b);
	d->virtio_dev = b;
	d->virtio_destroy = destroy_blk;
	return 0;
}

static void destroy_net(void *dev)
{
	virtio_net_destroy(dev);
}

/* Locally administered, unicast: IEEE 802, 8.2.2. */
static void random_mac(u8 mac[6])
{
	(void)!getrandom(mac, 6, 0);
	mac[0] = (u8)((mac[0] & 0xfe) | 0x02);
}

static int make_net(struct machine *m, u32 index, struct machine_dev *d)
{
	const struct config_net *net = &m->cfg->net[index];
	struct virtio_net_config_in cfg = {
		.fd = m->tap_fd[index],
		.offload = m->tap_offload[index],
		.set_offload = tap_set_offload,
	};
	struct virtio_net *n;
	int err;

	if (net->has_mac)
		memcpy(cfg.mac, net->mac, sizeof(cfg.mac));
	else
		random_mac(cfg.mac);
	err = virtio_net_create(&cfg, m->loop, &m->ram, &n);
	if (err < 0)
		return err;
	d->virtio = virtio_net_dev(n);
	d->virtio_dev = n;
	d->virtio_destroy = destroy_net;
	return 0;
}

static void destroy_rng(void *dev)
{
	virtio_rng_destroy(dev);
}

static int make_rng(struct machine *m, struct machine_dev *d)
{
	struct virtio_rng *r;
	int err = virtio_rng_create(m->loop, &m->ram, &r);

	if (err < 0)
		return err;
	d->virtio = virtio_rng_dev(r);
	d->virtio_dev = r;
	d->virtio_destroy = destroy_rng;
	return 0;
}

static void destroy_virtio_console(void *dev)
{
	virtio_console_destroy(dev);
}

static int make_virtio_console(struct machine *m, struct machine_dev *d)
{
	struct virtio_console *c;
	int err = virtio_console_create(m->console, m->loop, &m->ram, &c);

	if (err < 0)
		return err;
	d->virtio = virtio_console_dev(c);
	d->virtio_dev = c;
	d->virtio_destroy = destroy_virtio_console;
	return 0;
}

static void destroy_virtio_mmio(void *dev)
{
	virtio_mmio_destroy(dev);
}

/* A write of @queue to the notify register then rings the queue's bell inside KVM. */
static int ioeventfd(const struct machine *m, gpa_t base, u32 queue, int fd)
{
	struct kvm_ioeventfd e = {
		.datamatch = queue,
		.addr = base + VIRTIO_MMIO_QUEUE_NOTIFY,
		.len = sizeof(u32),
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	return kvm_call(m->vm_fd, KVM_IOEVENTFD, &e);
}

static int finish_virtio(const struct machine *m, gpa_t base, const struct irq_line *irq,
                         struct machine_dev *d)
{
	struct virtio_mmio *t;
	int err = virtio_mmio_create(d->virtio, irq, &t);

	if (err < 0)
		return err;
	d->ops = &virtio_mmio_bus_ops;
	d->dev = t;
	d->destroy = destroy_virtio_mmio;
	d->reset = virtio_mmio_reset;
	for (u32 q = 0; q < d->virtio->ops->nr_queues && err == 0; q++)
		err = ioeventfd(m, base, q, d->virtio->kick[q].fd);
	return err;
}

static int make(struct machine *m, size_t i, const struct irq_line *irq)
{
	u32 index = m->board.devs[i].index;
	struct machine_dev *d = &m->dev[i];
	int err = 0;

	switch (m->board.devs[i].kind) {
	case BOARD_UART:
		return make_uart(m, index, irq, d);
	case BOARD_RTC:
		return make_rtc(m, irq, d);
	case BOARD_VIRTIO_CONSOLE:
		err = make_virtio_console(m, d);
		break;
	case BOARD_VIRTIO_BLK:
		err = make_blk(m, index, d);
		break;
	case BOARD_VIRTIO_NET:
		err = make_net(m, index, d);
		break;
	case BOARD_VIRTIO_RNG:
		err = make_rng(m, d);
		break;
	}
	return err < 0 ? err : finish_virtio(m, m->board.descs[i].base, irq, d);
}

static int add_device(struct machine *m, size_t i)
{
	const struct device_desc *desc = &m->board.descs[i];
	struct irq_line irq = machine_level_line(m, desc->intid);
	int err = 0;

	if (desc->edge)
		err = machine_edge_line(m, desc->intid, &irq);
	if (err == 0)
		err = make(m, i, &irq);
	if (err == 0)
		err = bus_add(m->bus, desc->node, desc->base, desc->size, m->dev[i].ops,
		              m->dev[i].dev);
	if (err < 0)
		return log_errno(err, "device %s at %#llx", desc->node, desc->base);
	return 0;
}

static int add_gicv2m(struct machine *m)
{
	const struct irq_line line = machine_level_line(m, 0);
	int err = gicv2m_create(LAYOUT_FIRST_MSI, LAYOUT_NR_MSIS, &line, &m->gicv2m);

	if (err == 0)
		err = bus_add(m->bus, "gicv2m", LAYOUT_GICV2M, LAYOUT_GICV2M_SIZE, &gicv2m_bus_ops,
		              m->gicv2m);
	if (err < 0)
		return log_errno(err, "GICv2m frame");
	return 0;
}

int machine_devices_up(struct machine *m)
{
	int err = rtc_host_create(m->loop, &m->rtc_host);

	for (size_t i = 0; i < m->board.nr && err == 0; i++)
		err = add_device(m, i);
	if (err == 0 && m->gic == TREE_GICV2M)
		err = add_gicv2m(m);
	if (err < 0) {
		loop_quiesce(m->loop);
		machine_devices_down(m);
		return err;
	}
	bus_freeze(m->bus);
	return 0;
}

bool machine_devices_reset(struct machine *m)
{
	bool done = true;

	for (size_t i = 0; i < m->board.nr; i++)
		done = m->dev[i].reset(m->dev[i].dev) && done;
	if (m->gicv2m)
		done = gicv2m_reset(m->gicv2m) && done;
	return done;
}

void machine_devices_down(struct machine *m)
{
	for (size_t i = m->board.nr; i-- > 0;) {
		const struct machine_dev *d = &m->dev[i];

		if (d->dev)
			d->destroy(d->dev);
		if (d->virtio_dev)
			d->virtio_destroy(d->virtio_dev);
	}
	gicv2m_destroy(m->gicv2m);
	rtc_host_destroy(m->rtc_host);
}
