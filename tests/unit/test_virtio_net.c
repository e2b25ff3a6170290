/* SPDX-License-Identifier: MIT */
#include "tests/unit/virtio_driver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devices/virtio/net.h"
#include "machine/tap.h"

/*
 * A pair of sockets that keep packets apart stands in for the tap: what the
 * device writes is read at the far end, header included, and the other way
 * round. The last test has a real one.
 */
enum { RX, TX };
enum { QUEUE = 256, HDR = 12, PACKET_MAX = 65589 };

#define F(name) (1ull << VIRTIO_NET_F_##name)
#define PLAIN   (F(MAC) | F(STATUS))
#define USUAL   (PLAIN | F(MRG_RXBUF))
#define OFFLOADS                                                                                   \
	(F(CSUM) | F(HOST_TSO4) | F(HOST_TSO6) | F(GUEST_CSUM) | F(GUEST_TSO4) | F(GUEST_TSO6))

struct rig {
	int fd, far;
	struct guest g;
	struct loop *loop;
	struct virtio_net *net;
	struct virtio *v;
	struct drv_bus bus;
	struct drv_queue q[2];
	struct loop_event bell;
	bool rung;
	gpa_t buf; /* 1 MiB */
};

static void bell_rung(struct loop_event *ev)
{
	container_of(ev, struct rig, bell)->rung = true;
}

static int setup(void **state)
{
	struct rig *r = test_calloc(1, sizeof(*r));
	int fd[2], room = 1 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	                 0);
	r->fd = fd[0];
	r->far = fd[1];
	(void)setsockopt(r->far, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	(void)setsockopt(r->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	guest_init(&r->g);
	assert_int_equal(loop_create(&r->loop), 0);
	assert_int_equal(loop_event_init(r->loop, &r->bell, bell_rung), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	loop_quiesce(r->loop);
	virtio_net_destroy(r->net);
	loop_event_done(&r->bell);
	loop_destroy(r->loop);
	guest_done(&r->g);
	(void)close(r->fd);
	if (r->far >= 0)
		(void)close(r->far);
	test_free(r);
	return 0;
}

static void create(struct rig *r, const struct virtio_net_config_in *cfg)
{
	assert_int_equal(virtio_net_create(cfg, r->loop, &r->g.mem, &r->net), 0);
	r->v = virtio_net_dev(r->net);
	drv_bus_attach(&r->bus, r->v);
	r->buf = guest_alloc(&r->g, MIB, 4096);
}

static void negotiate(struct rig *r, u64 features, u16 queue_size)
{
	drv_negotiate(r->v, features);
	for (u32 i = RX; i <= TX; i++) {
		drv_queue_init(&r->q[i], &r->g, queue_size, features & VIRTIO_F_EVENT_IDX_BIT);
		assert_true(drv_queue_up(r->v, i, &r->q[i]));
	}
}

static void up(struct rig *r, u64 features, u16 queue_size)
{
	negotiate(r, features, queue_size);
	drv_driver_ok(r->v);
}

static void bring_up(struct rig *r, u64 features)
{
	const struct virtio_net_config_in cfg = { .fd = r->fd,
		                                  .mac = { 2, 3, 4, 5, 6, 7 },
		                                  .offload = true };

	create(r, &cfg);
	up(r, features, QUEUE);
}

/* All that was rung for, or has arrived, has been looked at; twice, for what polls anew. */
static void look(struct rig *r)
{
	for (int i = 0; i < 2; i++) {
		r->rung = false;
		loop_event_signal(&r->bell);
		while (!r->rung)
			assert_true(loop_turn(r->loop) > 0);
	}
}

static void kick(struct rig *r, u32 queue)
{
	virtio_kick(r->v, queue);
	look(r);
}

static u8 *at(struct rig *r, gpa_t gpa)
{
	return guest_ptr(&r->g, gpa, 1);
}

static u8 pattern(u32 seed, u64 i)
{
	return (u8)(seed * 31 + i * 7 + i / 256);
}

/* A packet arrives from the host, with this header. */
static void arrive(struct rig *r, const struct virtio_net_hdr *h, u32 seed, u32 len)
{
	static u8 p[HDR + PACKET_MAX];

	memset(p, 0xff, HDR); /* also where num_buffers goes */
	memcpy(p, h, sizeof(*h));
	for (u32 i = 0; i < len; i++)
		p[HDR + i] = pattern(seed, i);
	assert_true(write(r->far, p, HDR + len) == (ssize_t)(HDR + len));
}

static const struct virtio_net_hdr no_offload;

/* @nr buffers of @len bytes each for the device to fill, one after the other in r->buf. */
static void add_buffers(struct rig *r, u32 nr, u32 len, u32 first)
{
	for (u32 i = 0; i < nr; i++) {
		const struct drv_piece p = { r->buf + (u64)(first + i) * len, len, DRV_IN };

		(void)drv_add(&r->q[RX], &p, 1);
	}
}

/* The next packet the driver finds, from buffers of @len bytes. Return: how many it is in. */
static u32 take_packet(struct rig *r, u32 seed, u32 len, u32 buffer)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	u32 id = 0, used = 0, nr, seen = 0;
	gpa_t from = 0;

	if (!drv_used(&r->q[RX], &id, &used))
		return 0;
	from = r->q[RX].desc[id].addr;
	memcpy(&h, at(r, from), HDR);
	nr = h.num_buffers;
	for (u32 b = 0; b < nr; b++) {
		u32 skip = b ? 0 : HDR;

		if (b) {
			assert_true(drv_used(&r->q[RX], &id, &used));
			from = r->q[RX].desc[id].addr;
		}
		if (b + 1 < nr) /* 5.1.6.4.1: all but the last are full */
			assert_int_equal(used, buffer);
		for (u32 i = skip; i < used; i++, seen++)
			if (*at(r, from + i) != pattern(seed, seen))
				fail_msg("packet %u of %u, buffer %u, byte %u", seed, len, b, i);
	}
	assert_int_equal(seen, len);
	return nr;
}

static void configuration_tells_address_and_link(void **state)
{
	struct rig *r = *state;
	const u8 want[8] = { 2, 3, 4, 5, 6, 7, VIRTIO_NET_S_LINK_UP, 0 };
	u8 got[8];

	bring_up(r, USUAL);
	assert_int_equal(r->v->ops->device_id, 1);
	assert_int_equal(r->v->ops->nr_queues, 2);
	assert_int_equal(r->v->ops->config_size, sizeof(want));
	r->v->ops->write_config(r->net, 0, got, sizeof(got));
	r->v->ops->read_config(r->net, 0, got, sizeof(got));
	assert_memory_equal(got, want, sizeof(want));
	r->v->ops->read_config(r->net, 3, got, 4);
	assert_memory_equal(got, want + 3, 4);
	virtio_net_destroy(NULL);
}

static void offloads_are_offered_when_the_tap_has_them(void **state)
{
	const u64 always = USUAL | VIRTIO_F_VERSION_1_BIT | VIRTIO_F_INDIRECT_DESC_BIT |
	                   VIRTIO_F_EVENT_IDX_BIT;
	struct rig *r = *state;
	struct virtio_net_config_in cfg = { .fd = r->fd };
	struct virtio_net *plain;

	bring_up(r, USUAL);
	assert_true(r->v->offered == (always | OFFLOADS));
	assert_int_equal(virtio_net_create(&cfg, r->loop, &r->g.mem, &plain), 0);
	assert_true(virtio_net_dev(plain)->offered == always);
	loop_quiesce(r->loop);
	virtio_net_destroy(plain);
}

/* One row per way to cut a packet; the far end sees the same bytes. */
static void a_packet_is_sent_whatever_its_layout(void **state)
{
	static const struct {
		const char *name;
		u32 first, piece, len; /* bytes */
		bool indirect;
	} rows[] = {
		{ "header apart", 12, 1514, 12 + 1514, false },
		{ "in one piece", 1526, 1, 1526, false },
		{ "header cut", 5, 7, 5 + 7 * 20, false },
		{ "bytes", 1, 1, 12 + 60, false },
		{ "a queue of pieces", 12, 100, 12 + 255 * 100, false },
		{ "a table of pieces", 12, 257, 12 + 255 * 257, true },
		{ "the largest", 12, 4096, 12 + PACKET_MAX, true },
		{ "a header and nothing", 12, 1, 12, false },
	};
	static u8 got[HDR + PACKET_MAX + 1];
	struct rig *r = *state;
	u32 id = 0, used = 0;

	bring_up(r, USUAL | VIRTIO_F_INDIRECT_DESC_BIT);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct drv_piece p[QUEUE] = { { r->buf, rows[i].first, DRV_OUT } };
		u32 n = 1;
		u16 head;

		for (u32 k = 0; k < rows[i].len; k++)
			*at(r, r->buf + k) = pattern((u32)i, k);
		for (u32 done = rows[i].first; done < rows[i].len; done += p[n++].len) {
			u32 left = rows[i].len - done;

			p[n] = (struct drv_piece){ r->buf + done,
				                   left < rows[i].piece ? left : rows[i].piece,
				                   DRV_OUT };
		}
		head = rows[i].indirect ? drv_add_indirect(&r->q[TX], p, n)
		                        : drv_add(&r->q[TX], p, n);
		kick(r, TX);
		if (!drv_used(&r->q[TX], &id, &used) || id != head || used != 0)
			fail_msg("%s: not sent", rows[i].name);
		if (read(r->far, got, sizeof(got)) != (ssize_t)rows[i].len)
			fail_msg("%s: not as long", rows[i].name);
		assert_memory_equal(got, at(r, r->buf), rows[i].len);
	}
}

static void a_packet_without_a_header_breaks_the_queue(void **state)
{
	static const struct {
		const char *name;
		u32 nr;
		struct drv_piece p[2];
	} rows[] = {
		{ "11 bytes", 1, { { 0, 11, DRV_OUT } } },
		{ "11 bytes in two", 2, { { 0, 6, DRV_OUT }, { 6, 5, DRV_OUT } } },
		{ "no bytes", 1, { { 0, 0, DRV_OUT } } },
		{ "writable", 1, { { 0, 1526, DRV_IN } } },
		{ "outside RAM", 1, { { GUEST_RAM, 1526, DRV_OUT } } },
	};
	struct rig *r = *state;
	u32 id = 0, used = 0;
	u8 got[64];

	bring_up(r, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct drv_piece good = { r->buf, 60, DRV_OUT };
		struct drv_piece p[2];

		for (u32 k = 0; k < rows[i].nr; k++) {
			p[k] = rows[i].p[k];
			p[k].addr += r->buf;
		}
		(void)drv_add(&r->q[TX], p, rows[i].nr);
		kick(r, TX);
		if (drv_used(&r->q[TX], &id, &used) || !(drv_status(r->v) & VIRTIO_NEEDS_RESET))
			fail_msg("%s: taken", rows[i].name);
		up(r, USUAL, QUEUE);
		(void)drv_add(&r->q[TX], &good, 1);
		kick(r, TX);
		assert_true(drv_used(&r->q[TX], &id, &used));
		assert_int_equal(read(r->far, got, sizeof(got)), 60);
	}
}

/* The sockets hold less than this: the device has to wait and go on where it was. */
static void a_burst_is_sent_in_order_and_nothing_is_lost(void **state)
{
	enum { NR = 200, LEN = 4000 };
	static u8 got[LEN];
	struct rig *r = *state;
	u32 id = 0, used = 0, seen = 0;
	int room = 100 * 1024;

	assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	bring_up(r, USUAL);
	for (u32 i = 0; i < NR; i++) {
		const struct drv_piece p = { r->buf + i * LEN, LEN, DRV_OUT };

		*at(r, p.addr) = (u8)i;
		(void)drv_add(&r->q[TX], &p, 1);
	}
	kick(r, TX);
	assert_true(drv_used_idx(&r->q[TX]) < NR);
	while (seen < NR) {
		while (read(r->far, got, sizeof(got)) == LEN)
			assert_int_equal(got[0], (u8)seen++);
		look(r);
	}
	for (u32 i = 0; i < NR; i++)
		assert_true(drv_used(&r->q[TX], &id, &used) && id == i);
}

static void packets_of_one_kick_bring_one_interrupt(void **state)
{
	struct rig *r = *state;

	bring_up(r, USUAL);
	for (u32 i = 0; i < 20; i++) {
		const struct drv_piece p = { r->buf, 60, DRV_OUT };

		(void)drv_add(&r->q[TX], &p, 1);
	}
	kick(r, TX);
	assert_int_equal(drv_used_idx(&r->q[TX]), 20);
	assert_int_equal(r->bus.queue_irqs, 1);
}

static void a_packet_the_host_does_not_take_is_dropped(void **state)
{
	struct rig *r = *state;
	struct drv_piece p = { 0, 60, DRV_OUT };

	bring_up(r, USUAL);
	p.addr = r->buf;
	(void)close(r->far);
	r->far = -1;
	for (int i = 0; i < 3; i++)
		(void)drv_add(&r->q[TX], &p, 1);
	kick(r, TX);
	assert_int_equal(drv_used_idx(&r->q[TX]), 3);
	assert_false(drv_status(r->v) & VIRTIO_NEEDS_RESET);
}

/* One row per relation of packet and buffers; 5.1.6.4.1. */
static void a_packet_fills_as_many_buffers_as_it_takes(void **state)
{
	static const struct {
		u32 buffer, len, nr;
	} rows[] = {
		{ 1526, 60, 1 },
		{ 1526, 1514, 1 },
		{ 1526, 1515, 2 },
		{ 12, 12, 2 },
		{ 12, 1, 2 },
		{ 13, 1, 1 },
		{ 4096, 4084, 1 },
		{ 4096, 4085, 2 },
		{ 4096, 4084 + 4096, 2 },
		{ 4096, 65535, 17 },
		{ 65601, PACKET_MAX, 1 },
		{ 1536, PACKET_MAX, 43 },
		{ 100000, 1514, 1 },
		{ 300, PACKET_MAX, 219 },
	};
	struct rig *r = *state;

	bring_up(r, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 got;

		up(r, USUAL, QUEUE); /* also: a reset with a poll in flight */
		add_buffers(r, rows[i].nr, rows[i].buffer, 0);
		arrive(r, &no_offload, (u32)i, rows[i].len);
		kick(r, RX);
		got = take_packet(r, (u32)i, rows[i].len, rows[i].buffer);
		if (got != rows[i].nr)
			fail_msg("%u in buffers of %u: %u of them", rows[i].len, rows[i].buffer,
			         got);
	}
}

static void a_buffer_may_come_in_pieces(void **state)
{
	struct rig *r = *state;
	const u32 cuts[] = { 1, 9, 10, 480, 1026 };
	struct drv_piece p[ARRAY_SIZE(cuts)];
	u32 off = 0;

	bring_up(r, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		p[i] = (struct drv_piece){ r->buf + off, cuts[i], DRV_IN };
		off += cuts[i];
	}
	(void)drv_add(&r->q[RX], p, ARRAY_SIZE(cuts));
	arrive(r, &no_offload, 5, 1514);
	kick(r, RX);
	assert_int_equal(take_packet(r, 5, 1514, 1526), 1);
}

static void without_merging_a_packet_has_one_buffer_or_none(void **state)
{
	struct rig *r = *state;

	bring_up(r, PLAIN);
	add_buffers(r, 4, 1526, 0);
	arrive(r, &no_offload, 1, 1515);
	arrive(r, &no_offload, 2, 1514);
	arrive(r, &no_offload, 3, 9000);
	arrive(r, &no_offload, 4, 60);
	kick(r, RX);
	assert_int_equal(take_packet(r, 2, 1514, 1526), 1);
	assert_int_equal(take_packet(r, 4, 60, 1526), 1);
	assert_int_equal(drv_used_idx(&r->q[RX]), 2);
}

static void packets_wait_for_buffers_and_buffers_for_packets(void **state)
{
	struct rig *r = *state;

	bring_up(r, USUAL | VIRTIO_F_EVENT_IDX_BIT);
	for (u32 i = 0; i < 5; i++)
		arrive(r, &no_offload, i, 100);
	look(r);
	assert_int_equal(drv_used_idx(&r->q[RX]), 0);
	for (u32 i = 0; i < 5; i++) {
		u16 old = r->q[RX].avail_idx;

		add_buffers(r, 1, 1526, i);
		assert_true(drv_kick_wanted(&r->q[RX], old));
		kick(r, RX);
		assert_int_equal(take_packet(r, i, 100, 1526), 1);
	}
	/* Now the other way round: no kick is asked for, none is needed. */
	add_buffers(r, 1, 1526, 10);
	kick(r, RX);
	for (u32 i = 0; i < 5; i++) {
		u16 old = r->q[RX].avail_idx;

		add_buffers(r, 1, 1526, 11 + i);
		assert_false(drv_kick_wanted(&r->q[RX], old));
		arrive(r, &no_offload, i, 200);
		look(r);
		assert_int_equal(take_packet(r, i, 200, 1526), 1);
	}
}

static void a_packet_begun_waits_for_the_rest_of_its_buffers(void **state)
{
	struct rig *r = *state;

	bring_up(r, USUAL | VIRTIO_F_EVENT_IDX_BIT);
	add_buffers(r, 2, 1000, 0);
	arrive(r, &no_offload, 1, 4000);
	arrive(r, &no_offload, 2, 60);
	kick(r, RX);
	assert_int_equal(drv_used_idx(&r->q[RX]), 0); /* all of a packet together, or nothing */
	for (u32 i = 2; i < 5; i++) {
		u16 old = r->q[RX].avail_idx;

		add_buffers(r, 1, 1000, i);
		assert_true(drv_kick_wanted(&r->q[RX], old));
		assert_int_equal(drv_used_idx(&r->q[RX]), 0);
		kick(r, RX);
	}
	assert_int_equal(take_packet(r, 1, 4000, 1000), 5);
	add_buffers(r, 1, 1000, 5);
	kick(r, RX);
	assert_int_equal(take_packet(r, 2, 60, 1000), 1);
}

static void a_packet_begun_is_forgotten_in_a_reset(void **state)
{
	struct rig *r = *state;

	bring_up(r, USUAL);
	add_buffers(r, 2, 1000, 0);
	arrive(r, &no_offload, 1, 4000);
	kick(r, RX);
	up(r, USUAL, QUEUE);
	add_buffers(r, 4, 1000, 0);
	arrive(r, &no_offload, 2, 100);
	kick(r, RX);
	assert_int_equal(take_packet(r, 2, 100, 1000), 1);
	assert_int_equal(drv_used_idx(&r->q[RX]), 1);
}

static void a_packet_larger_than_all_buffers_is_dropped(void **state)
{
	struct rig *r = *state;

	bring_up(r, USUAL);
	up(r, USUAL, 4);
	add_buffers(r, 4, 100, 0);
	arrive(r, &no_offload, 1, 401 - HDR);
	arrive(r, &no_offload, 2, 400 - HDR);
	kick(r, RX);
	assert_int_equal(take_packet(r, 2, 400 - HDR, 100), 4);
	assert_int_equal(drv_used_idx(&r->q[RX]), 4);
}

static void a_buffer_without_room_for_a_header_breaks_the_queue(void **state)
{
	static const struct {
		const char *name;
		struct drv_piece p;
		bool second; /* behind a good one */
	} rows[] = {
		{ "11 bytes", { 0, 11, DRV_IN }, false },
		{ "no bytes", { 0, 0, DRV_IN }, false },
		{ "readable", { 0, 1526, DRV_OUT }, false },
		{ "outside RAM", { GUEST_RAM, 1526, DRV_IN }, false },
		{ "11 bytes, second", { 0, 11, DRV_IN }, true },
		{ "no bytes, second", { 0, 0, DRV_IN }, true },
	};
	struct rig *r = *state;

	bring_up(r, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct drv_piece p = rows[i].p;

		p.addr += r->buf + 4096;
		if (rows[i].second)
			add_buffers(r, 1, 1000, 0);
		(void)drv_add(&r->q[RX], &p, 1);
		arrive(r, &no_offload, 1, 1500);
		kick(r, RX);
		if (!(drv_status(r->v) & VIRTIO_NEEDS_RESET) || drv_used_idx(&r->q[RX]))
			fail_msg("%s: taken", rows[i].name);
		up(r, USUAL, QUEUE);
		add_buffers(r, 4, 1526, 0);
		kick(r, RX); /* what is left of before */
		r->q[RX].used_seen = drv_used_idx(&r->q[RX]);
		arrive(r, &no_offload, 2, 60);
		look(r);
		assert_int_equal(take_packet(r, 2, 60, 1526), 1);
		up(r, USUAL, QUEUE);
	}
}

/* One row per header the tap may hand over; 5.1.6.4.1. */
static void only_offloads_the_driver_knows_reach_it(void **state)
{
	enum { CSUM_BIT = VIRTIO_NET_HDR_F_NEEDS_CSUM, VALID = VIRTIO_NET_HDR_F_DATA_VALID };
	enum { V4 = VIRTIO_NET_HDR_GSO_TCPV4, V6 = VIRTIO_NET_HDR_GSO_TCPV6 };
	static const struct {
		u64 features;
		u8 flags, gso;
		bool delivered;
		u8 seen; /* flags */
	} rows[] = {
		{ 0, 0, 0, true, 0 },
		{ 0, VALID, 0, true, 0 },
		{ 0, CSUM_BIT, 0, false, 0 },
		{ 0, CSUM_BIT, V4, false, 0 },
		{ F(GUEST_CSUM), VALID, 0, true, VALID },
		{ F(GUEST_CSUM), CSUM_BIT, 0, true, CSUM_BIT },
		{ F(GUEST_CSUM), CSUM_BIT, V4, false, 0 },
		{ F(GUEST_CSUM), CSUM_BIT, V6, false, 0 },
		{ F(GUEST_CSUM) | F(GUEST_TSO4), CSUM_BIT, V4, true, CSUM_BIT },
		{ F(GUEST_CSUM) | F(GUEST_TSO4), CSUM_BIT, V6, false, 0 },
		{ F(GUEST_CSUM) | F(GUEST_TSO6), CSUM_BIT, V6, true, CSUM_BIT },
		{ F(GUEST_CSUM) | F(GUEST_TSO6), CSUM_BIT, V4, false, 0 },
		{ OFFLOADS, CSUM_BIT, V4 | VIRTIO_NET_HDR_GSO_ECN, false, 0 },
		{ OFFLOADS, CSUM_BIT, VIRTIO_NET_HDR_GSO_UDP, false, 0 },
		{ OFFLOADS, CSUM_BIT, 0x7f, false, 0 },
	};
	struct rig *r = *state;

	bring_up(r, USUAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct virtio_net_hdr h = { .flags = rows[i].flags,
			                          .gso_type = rows[i].gso,
			                          .gso_size = 1448,
			                          .hdr_len = 54,
			                          .csum_start = 34,
			                          .csum_offset = 16 };
		struct virtio_net_hdr want = h;

		up(r, USUAL | rows[i].features, QUEUE);
		add_buffers(r, 2, 1526, 0);
		arrive(r, &h, 7, 100);
		arrive(r, &no_offload, 8, 50);
		kick(r, RX);
		if (rows[i].delivered && take_packet(r, 7, 100, 1526) != 1)
			fail_msg("row %zu: not delivered", i);
		want.flags = rows[i].seen;
		if (rows[i].delivered)
			assert_memory_equal(at(r, r->buf), &want, sizeof(want));
		if (take_packet(r, 8, 50, 1526) != 1)
			fail_msg("row %zu: delivered, or what followed was not", i);
	}
}

static struct {
	u32 calls;
	int fd;
	bool csum, tso4, tso6;
} told;

static void tell(int fd, bool csum, bool tso4, bool tso6)
{
	told.calls++;
	told.fd = fd;
	told.csum = csum;
	told.tso4 = tso4;
	told.tso6 = tso6;
}

static void the_tap_is_told_what_the_driver_negotiated(void **state)
{
	static const struct {
		u64 features;
		bool csum, tso4, tso6;
	} rows[] = {
		{ USUAL, false, false, false },
		{ USUAL | F(GUEST_CSUM), true, false, false },
		{ USUAL | F(GUEST_CSUM) | F(GUEST_TSO4), true, true, false },
		{ USUAL | F(GUEST_CSUM) | F(GUEST_TSO6), true, false, true },
		{ USUAL | OFFLOADS, true, true, true },
		{ USUAL | F(CSUM) | F(HOST_TSO4) | F(HOST_TSO6), false, false, false },
	};
	struct rig *r = *state;
	const struct virtio_net_config_in cfg = { .fd = r->fd,
		                                  .offload = true,
		                                  .set_offload = tell };

	told.calls = 0;
	create(r, &cfg);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		up(r, rows[i].features, QUEUE);
		assert_int_equal(told.calls, i + 1);
		assert_int_equal(told.fd, r->fd);
		if (told.csum != rows[i].csum || told.tso4 != rows[i].tso4 ||
		    told.tso6 != rows[i].tso6)
			fail_msg("row %zu", i);
	}
}

static void buffers_from_before_driver_ok_are_used(void **state)
{
	struct rig *r = *state;
	const struct virtio_net_config_in cfg = { .fd = r->fd };

	create(r, &cfg);
	negotiate(r, USUAL, QUEUE);
	add_buffers(r, 2, 1526, 0);
	arrive(r, &no_offload, 1, 60);
	kick(r, RX);
	assert_int_equal(drv_used_idx(&r->q[RX]), 0);
	drv_driver_ok(r->v);
	look(r);
	assert_int_equal(take_packet(r, 1, 60, 1526), 1);
}

static void after_a_reset_nothing_is_received(void **state)
{
	struct rig *r = *state;

	bring_up(r, USUAL);
	add_buffers(r, 2, 1526, 0);
	kick(r, RX); /* the tap is being waited for */
	drv_reset(r->v);
	arrive(r, &no_offload, 1, 60);
	look(r);
	assert_int_equal(drv_used_idx(&r->q[RX]), 0);
	for (u32 i = 0; i < 2 * 1526; i++)
		assert_int_equal(*at(r, r->buf + i), 0);

	up(r, USUAL, QUEUE);
	add_buffers(r, 2, 1526, 0);
	kick(r, RX);
	assert_int_equal(take_packet(r, 1, 60, 1526), 1);
}

static void a_flood_leaves_the_others_their_turn(void **state)
{
	enum { NR = 200 };
	struct rig *r = *state;

	bring_up(r, USUAL);
	look(r);
	add_buffers(r, NR, 1526, 0);
	for (u32 i = 0; i < NR; i++)
		arrive(r, &no_offload, i, 60);
	for (u32 i = 0; i < NR; i++) {
		const struct drv_piece p = { r->buf, 60, DRV_OUT };

		(void)drv_add(&r->q[TX], &p, 1);
	}
	virtio_kick(r->v, RX);
	virtio_kick(r->v, TX);
	r->rung = false;
	loop_event_signal(&r->bell);
	while (!r->rung)
		assert_true(loop_turn(r->loop) > 0);
	assert_in_range(drv_used_idx(&r->q[RX]), 0, NR / 2);
	assert_in_range(drv_used_idx(&r->q[TX]), 0, NR / 2);
	while (drv_used_idx(&r->q[RX]) < NR || drv_used_idx(&r->q[TX]) < NR)
		assert_true(loop_turn(r->loop) > 0);
	for (u32 i = 0; i < NR; i++)
		assert_int_equal(take_packet(r, i, 60, 1526), 1);
}

static void a_lost_tap_is_a_link_that_is_down(void **state)
{
	struct rig *r = *state;
	struct drv_piece p = { 0, 60, DRV_OUT };
	u8 status[2];

	bring_up(r, USUAL);
	p.addr = r->buf;
	add_buffers(r, 4, 1526, 0);
	kick(r, RX);
	(void)close(r->far);
	r->far = -1;
	look(r);
	r->v->ops->read_config(r->net, 6, status, 2);
	assert_int_equal(status[0], 0);
	assert_int_equal(r->bus.config_irqs, 1);
	assert_false(drv_status(r->v) & VIRTIO_NEEDS_RESET);

	/* Nothing keeps the loop busy, and what is sent vanishes. */
	kick(r, RX);
	(void)drv_add(&r->q[TX], &p, 1);
	kick(r, TX);
	assert_int_equal(drv_used_idx(&r->q[TX]), 1);
	assert_int_equal(drv_used_idx(&r->q[RX]), 0);
	assert_int_equal(r->bus.config_irqs, 1);
}

/* Who has 192.0.2.1? The host's own network stack answers. */
static void fill_arp(u8 *p)
{
	static const u8 who_has[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,    3, 4, 5, 6,
		                      7,    0x08, 0x06, 0,    1,    0x08, 0x00, 6, 4, 0, 1,
		                      2,    3,    4,    5,    6,    7,    192,  0, 2, 9, 0,
		                      0,    0,    0,    0,    0,    192,  0,    2, 1 };

	memset(p, 0, HDR + 60);
	memcpy(p + HDR, who_has, sizeof(who_has));
}

static bool is_arp_reply(const u8 *p)
{
	static const u8 from[] = { 192, 0, 2, 1 };

	return p[12] == 0x08 && p[13] == 0x06 && p[21] == 2 && memcmp(p + 28, from, 4) == 0;
}

static void the_host_answers_through_a_real_tap(void **state)
{
	struct rig *r = *state;
	struct virtio_net_config_in cfg = { .mac = { 2, 3, 4, 5, 6, 7 },
		                            .set_offload = tap_set_offload };
	struct drv_piece p = { 0, HDR + 60, DRV_OUT };
	char name[TAP_NAME_MAX];
	bool answered = false;
	int fd = -1;
	u32 id = 0, len = 0;

	/* In a network of its own, where this may be had. */
	if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
		skip_because("no permission to make a tap");
	if (tap_open(NULL, &fd, name, &cfg.offload) == -EPERM)
		skip_because(NO_TAP);
	assert_true(fd >= 0 && dup3(fd, r->fd, O_CLOEXEC) >= 0);
	(void)close(fd);
	assert_int_equal(tap_set_address(name, "192.0.2.1"), 0);
	cfg.fd = r->fd;
	create(r, &cfg);
	up(r, USUAL | (cfg.offload ? OFFLOADS : 0), QUEUE);
	add_buffers(r, 100, 1526, 1);
	virtio_kick(r->v, RX);
	fill_arp(at(r, r->buf));
	p.addr = r->buf;
	(void)drv_add(&r->q[TX], &p, 1);
	virtio_kick(r->v, TX);
	while (!answered) { /* the host has things to say of its own as well */
		assert_true(loop_turn(r->loop) > 0);
		while (drv_used(&r->q[RX], &id, &len))
			answered |= is_arp_reply(at(r, r->q[RX].desc[id].addr) + HDR);
	}
	assert_true(drv_used(&r->q[TX], &id, &len));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(configuration_tells_address_and_link),
		T(offloads_are_offered_when_the_tap_has_them),
		T(a_packet_is_sent_whatever_its_layout),
		T(a_packet_without_a_header_breaks_the_queue),
		T(a_burst_is_sent_in_order_and_nothing_is_lost),
		T(packets_of_one_kick_bring_one_interrupt),
		T(a_packet_the_host_does_not_take_is_dropped),
		T(a_packet_fills_as_many_buffers_as_it_takes),
		T(a_buffer_may_come_in_pieces),
		T(without_merging_a_packet_has_one_buffer_or_none),
		T(packets_wait_for_buffers_and_buffers_for_packets),
		T(a_packet_begun_waits_for_the_rest_of_its_buffers),
		T(a_packet_begun_is_forgotten_in_a_reset),
		T(a_packet_larger_than_all_buffers_is_dropped),
		T(a_buffer_without_room_for_a_header_breaks_the_queue),
		T(only_offloads_the_driver_knows_reach_it),
		T(the_tap_is_told_what_the_driver_negotiated),
		T(buffers_from_before_driver_ok_are_used),
		T(after_a_reset_nothing_is_received),
		T(a_flood_leaves_the_others_their_turn),
		T(a_lost_tap_is_a_link_that_is_down),
		T(the_host_answers_through_a_real_tap),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the machine has it */
	(void)alarm(120);
	return cmocka_run_group_tests_name("virtio_net", tests, NULL, NULL);
}
