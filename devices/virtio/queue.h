/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_VIRTIO_QUEUE_H
#define DEVICES_VIRTIO_QUEUE_H

#include <sys/uio.h>

#include "machine/base/compiler.h"
#include "machine/base/gmem.h"
#include "machine/base/types.h"

/*
 * A split virtqueue, device side. VIRTIO 1.2, 2.7.
 *
 * The driver is hostile: the three areas are checked once, when the queue is
 * made ready; every index, descriptor and length is read once into a local and
 * checked then. What breaks a rule marks the queue broken: it answers nothing
 * more until it is reset.
 */
enum { VIRTQ_SIZE_MAX = 256 }; /* descriptors; also the longest chain */

struct virtq {
	const struct gmem *mem;
	u16 size_max; /* offered to the driver */

	/* As the driver wrote them; virtq_start() checks them. */
	u16 size;
	gpa_t desc_gpa, avail_gpa, used_gpa;

	bool ready;
	bool broken;
	bool event_idx; /* VIRTIO_F_EVENT_IDX negotiated */
	bool indirect; /* VIRTIO_F_INDIRECT_DESC negotiated */
	u16 next_avail; /* free running */
	u16 next_used; /* free running */
	u16 signalled; /* next_used at the last virtq_should_interrupt() that said yes or no */
	bool signalled_valid;

	/* Host views of the three areas while ready; little-endian. */
	const void *desc;
	const u16 *avail;
	u16 *used;
};

/* One request: device-readable pieces first, device-writable ones behind them (2.7.4.2). */
struct virtq_chain {
	u16 head; /* for virtq_push() */
	u32 nr_out; /* iov[0 .. nr_out) is what the driver sent */
	u32 nr_in; /* iov[nr_out .. nr_out + nr_in) is for the answer */
	u64 out_len, in_len; /* bytes */
	struct iovec iov[VIRTQ_SIZE_MAX];
};

/* Not ready, not broken, sizes and addresses as after reset. */
void virtq_reset(struct virtq *q);

/**
 * virtq_start - the driver wrote 1 to QueueReady
 * @q:         size and addresses filled in by the driver
 * @event_idx: what was negotiated
 * @indirect:  likewise
 *
 * Return: 0; -EINVAL when the size is no power of two or too large, when an
 * area is misaligned (2.7) or not wholly in RAM. The queue is then broken.
 */
must_check int virtq_start(struct virtq *q, bool event_idx, bool indirect);

/**
 * virtq_pop - take the next request
 * @q:     ready
 * @chain: filled in; the pointers are into guest RAM, which changes under our feet
 *
 * Return: 1 with a request, 0 when there is none, -EPROTO when the driver broke
 * a rule: the queue is broken from here on.
 */
must_check int virtq_pop(struct virtq *q, struct virtq_chain *chain);

/* Give the request taken last back: the next virtq_pop() returns it again. */
void virtq_unpop(struct virtq *q);

/* Answer a request: @written bytes were put into its writable pieces. */
void virtq_push(struct virtq *q, u16 head, u32 written);

/*
 * Several answers at once, for mergeable receive buffers: virtq_fill() writes
 * the used entry @ahead places past the next one, virtq_flush() publishes @nr.
 */
void virtq_fill(struct virtq *q, u16 head, u32 written, u16 ahead);
void virtq_flush(struct virtq *q, u16 nr);

/* Call after a batch of pushes. Return: does the driver want an interrupt? (2.7.7, 2.7.10) */
must_check bool virtq_should_interrupt(struct virtq *q);

/* While the device is busy with the queue the driver need not kick it. */
void virtq_disable_kicks(struct virtq *q);

/* Return: true when more arrived meanwhile and virtq_pop() must be tried again. */
must_check bool virtq_enable_kicks(struct virtq *q);

/* Copy between a chain's pieces and a buffer. Return: bytes copied, at most what the pieces hold. */
size_t virtq_read(const struct virtq_chain *c, u64 offset, void *buf, size_t len);
size_t virtq_write(const struct virtq_chain *c, u64 offset, const void *buf, size_t len);

#endif /* DEVICES_VIRTIO_QUEUE_H */
