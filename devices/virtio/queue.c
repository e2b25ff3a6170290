/* SPDX-License-Identifier: MIT */
#include "devices/virtio/queue.h"

#include <errno.h>
#include <string.h>

#include "machine/base/bits.h"

/*
 * All of a virtqueue is little-endian, and so is every host that KVM runs arm64
 * or x86-64 guests on for us: values in guest memory are used as they are.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian hosts only");

/* VIRTIO 1.2, 2.7.5 The Virtqueue Descriptor Table */
struct desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };

/* 2.7.8 The Virtqueue Used Ring */
struct used_elem {
	u32 id;
	u32 len;
};

enum { FLAGS, IDX, RING }; /* the first three u16 of the avail and the used ring */
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };
enum { DESC_ALIGN = 16, AVAIL_ALIGN = 2, USED_ALIGN = 4 }; /* 2.7 */

/*
 * Orders our store to one ring before our load from the other; pairs with the
 * driver's, which does the same the other way round (2.7.7.2, 2.7.10.2). Not
 * atomic_thread_fence(), which gcc refuses to build for the thread sanitizer.
 */
static void full_barrier(void)
{
	__sync_synchronize();
}

static u16 load(const u16 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store(u16 *p, u16 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/* What the driver wrote before it published this index is visible afterwards (2.7.13). */
static u16 avail_idx(const struct virtq *q)
{
	return __atomic_load_n(&q->avail[IDX], __ATOMIC_ACQUIRE);
}

/* 2.7.6: used_event follows the avail ring's entries. */
static const u16 *used_event(const struct virtq *q)
{
	return &q->avail[RING + q->size];
}

/* 2.7.8: avail_event follows the used ring's entries, each of which is four u16. */
static u16 *avail_event(const struct virtq *q)
{
	return &q->used[RING + 4 * q->size];
}

static bool running(const struct virtq *q)
{
	return q->ready && !q->broken;
}

void virtq_reset(struct virtq *q)
{
	*q = (struct virtq){ .mem = q->mem, .size_max = q->size_max, .size = q->size_max };
}

static void *area(const struct virtq *q, gpa_t gpa, u32 align, u32 len)
{
	return is_aligned(gpa, align) ? gmem_ptr(q->mem, gpa, len) : NULL;
}

int virtq_start(struct virtq *q, bool event_idx, bool indirect)
{
	u32 size = q->size;

	q->ready = false;
	q->broken = true;
	if (size == 0 || size > q->size_max || size > VIRTQ_SIZE_MAX || (size & (size - 1)))
		return -EINVAL;

	q->desc = area(q, q->desc_gpa, DESC_ALIGN, 16 * size);
	q->avail = area(q, q->avail_gpa, AVAIL_ALIGN, 6 + 2 * size);
	q->used = area(q, q->used_gpa, USED_ALIGN, 6 + 8 * size);
	if (!q->desc || !q->avail || !q->used)
		return -EINVAL;

	q->event_idx = event_idx;
	q->indirect = indirect;
	q->next_avail = q->next_used = q->signalled = 0;
	q->signalled_valid = true;
	q->broken = false;
	q->ready = true;
	return 0;
}

/* One chain on its way from the descriptors into a struct virtq_chain. */
struct walk {
	const u8 *table; /* the queue's own, or an indirect one */
	u32 nr; /* descriptors in it */
	bool inside; /* an indirect table */
};

/*
 * The only read of a descriptor. The barrier keeps the compiler from going back
 * to guest memory for a field that has been checked in the copy.
 */
static struct desc fetch(const struct walk *w, u32 i)
{
	struct desc d;

	memcpy(&d, w->table + sizeof(d) * i, sizeof(d));
	__asm__ volatile("" ::: "memory");
	return d;
}

/*
 * 2.7.5.3: only where negotiated, not inside another, the last of its chain
 * (INDIRECT and NEXT exclude each other), whole descriptors, one at least. WRITE
 * means nothing here (2.7.5.3.2), and ordinary descriptors may go before.
 */
static bool enter_indirect(const struct virtq *q, struct walk *w, const struct desc *d)
{
	if (!q->indirect || w->inside || (d->flags & DESC_NEXT))
		return false;
	if (d->len == 0 || d->len % sizeof(*d))
		return false;

	w->table = gmem_ptr(q->mem, d->addr, d->len);
	w->nr = d->len / sizeof(*d);
	w->inside = true;
	return w->table;
}

/* A piece without a byte is no piece, wherever it points. */
static bool add_piece(const struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
	bool in = d->flags & DESC_WRITE;
	void *p;

	if (!in && c->nr_in)
		return false; /* 2.7.4.2: what the device writes comes last */
	if (d->len == 0)
		return true;

	p = gmem_ptr(q->mem, d->addr, d->len);
	if (!p)
		return false;
	c->iov[c->nr_out + c->nr_in] = (struct iovec){ .iov_base = p, .iov_len = d->len };
	if (in) {
		c->nr_in++;
		c->in_len += d->len;
	} else {
		c->nr_out++;
		c->out_len += d->len;
	}
	return true;
}

static bool take_chain(const struct virtq *q, u32 i, struct virtq_chain *c)
{
	struct walk w = { .table = q->desc, .nr = q->size };

	c->nr_out = c->nr_in = 0;
	c->out_len = c->in_len = 0;
	/* 2.7.5.3.1: no chain is longer than the queue, so a longer one is a loop. */
	for (u32 n = 0; n < q->size; n++) {
		struct desc d = fetch(&w, i);

		if (d.flags & DESC_INDIRECT) {
			if (!enter_indirect(q, &w, &d))
				return false;
			d = fetch(&w, 0);
			if (d.flags & DESC_INDIRECT)
				return false;
		}
		if (!add_piece(q, c, &d))
			return false;
		if (!(d.flags & DESC_NEXT))
			return c->out_len + c->in_len <= ~0u; /* 2.7.5.2: below 2^32 in all */
		i = d.next;
		if (i >= w.nr)
			return false;
	}
	return false;
}

static int broke(struct virtq *q)
{
	q->broken = true;
	return -EPROTO;
}

int virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	u16 ahead, head;

	if (!running(q))
		return q->broken ? -EPROTO : 0;

	ahead = (u16)(avail_idx(q) - q->next_avail);
	if (ahead == 0)
		return 0;
	if (ahead > q->size)
		return broke(q);

	head = load(&q->avail[RING + (q->next_avail & (q->size - 1))]);
	if (head >= q->size || !take_chain(q, head, c))
		return broke(q);
	c->head = head;
	q->next_avail++;
	return 1;
}

void virtq_unpop(struct virtq *q)
{
	q->next_avail--;
}

void virtq_fill(struct virtq *q, u16 head, u32 written, u16 ahead)
{
	u32 at = (u32)(q->next_used + ahead) & (q->size - 1u);
	const struct used_elem e = { .id = head, .len = written };

	if (running(q))
		memcpy(&q->used[RING + 4 * at], &e, sizeof(e));
}

void virtq_flush(struct virtq *q, u16 nr)
{
	if (!running(q))
		return;

	q->next_used = (u16)(q->next_used + nr);
	if ((u16)(q->next_used - q->signalled) < nr)
		q->signalled_valid = false; /* once round: older and newer look alike */
	/* 2.7.8.2: entries and data before the index that shows them. */
	__atomic_store_n(&q->used[IDX], q->next_used, __ATOMIC_RELEASE);
}

void virtq_push(struct virtq *q, u16 head, u32 written)
{
	virtq_fill(q, head, written, 0);
	virtq_flush(q, 1);
}

bool virtq_should_interrupt(struct virtq *q)
{
	u16 old = q->signalled, now = q->next_used;
	bool valid = q->signalled_valid;

	if (!running(q) || (valid && old == now))
		return false;

	q->signalled = now;
	q->signalled_valid = true;
	full_barrier();
	if (!q->event_idx)
		return !(load(&q->avail[FLAGS]) & AVAIL_NO_INTERRUPT);
	/* 2.7.10: the entry at used_event, or one behind it, is among the new ones. */
	return !valid || (u16)(now - load(used_event(q)) - 1) < (u16)(now - old);
}

/* With EVENT_IDX there is nothing to do: avail_event stays behind, so no new index crosses it. */
void virtq_disable_kicks(struct virtq *q)
{
	if (running(q) && !q->event_idx)
		store(&q->used[FLAGS], USED_NO_NOTIFY);
}

bool virtq_enable_kicks(struct virtq *q)
{
	if (!running(q))
		return false;

	if (q->event_idx)
		store(avail_event(q), q->next_avail);
	else
		store(&q->used[FLAGS], 0);
	/* An index that went up before the driver could see this brings no kick. */
	full_barrier();
	return avail_idx(q) != q->next_avail;
}

/* Where the bytes from @offset on lie, piece by piece. */
struct part {
	u8 *at;
	size_t len;
};

/* Starts at piece *@i and leaves it at the next one; *@offset counts from piece *@i. */
static struct part next_part(const struct iovec *iov, u32 nr, u32 *i, u64 *offset, size_t max)
{
	struct part p = { 0 };

	for (; *i < nr && p.len == 0; (*i)++) {
		size_t have = iov[*i].iov_len;
		u64 skip = *offset < have ? *offset : have;

		p.at = (u8 *)iov[*i].iov_base + skip;
		p.len = have - skip < max ? have - skip : max;
		*offset -= skip;
	}
	return p;
}

size_t virtq_read(const struct virtq_chain *c, u64 offset, void *buf, size_t len)
{
	size_t done = 0;

	for (u32 i = 0; i < c->nr_out && done < len;) {
		struct part p = next_part(c->iov, c->nr_out, &i, &offset, len - done);

		memcpy((u8 *)buf + done, p.at, p.len);
		done += p.len;
	}
	return done;
}

size_t virtq_write(const struct virtq_chain *c, u64 offset, const void *buf, size_t len)
{
	const struct iovec *in = c->iov + c->nr_out;
	size_t done = 0;

	for (u32 i = 0; i < c->nr_in && done < len;) {
		struct part p = next_part(in, c->nr_in, &i, &offset, len - done);

		memcpy(p.at, (const u8 *)buf + done, p.len);
		done += p.len;
	}
	return done;
}
