/* SPDX-License-Identifier: MIT */
/*
 * No interrupt is lost under load: the disks and the entropy device work at once, each driven
 * by a CPU that waits in WFI for the interrupt of each request, or batch of them, while the
 * interrupts are moved from CPU to CPU. A timer looks after them: used entries without an
 * interrupt are a lost one.
 *
 * With --irqchip user, gicv2, gicv2m, gicv3 or gicv3-its, -c 1 to 8, -d DISK once or more
 * (read only, eight at most), and --rng; 64 KiB of disk are enough.
 * Arguments: requests=N (200, of each device in each part), batch=N (16, up to 32), seed=N,
 * patience=N (2000 ms without an interrupt are too many).
 */
#include "blk.h"
#include "guest.h"

enum {
	DEVICES = 9,
	SLOTS = 32, /* requests at once, of one device */
	SECTORS = 128, /* of a disk that are read */
	SGI_DONE = 1,
	GICD_ITARGETSR = 0x800,
	GICD_IROUTER = 0x6000,
	STUCK = 15, /* times patience: the device has forgotten a request */
};

/* What its driver and its interrupt's handler have to do with a device. */
struct device {
	struct vdev dev;
	struct vq q;
	struct blk_header header[SLOTS];
	volatile u8 status[SLOTS];
	u8 data[SLOTS][SECTOR];
	u32 driver; /* CPU */
	u32 most; /* requests that its queue has room for */
	u32 goal, offered; /* the driver's, in requests */
	volatile u32 done; /* the handler's, likewise */
	volatile u32 interrupts; /* all that came */
	volatile u32 spurious; /* ... with no new used entry */
	volatile u32 bad; /* requests that ended with an error */
	volatile u32 inside; /* CPUs in the handler: one at most */
	volatile u32 twice; /* times that there were two */
	u32 quiet; /* times that the watchdog found it waiting, interrupts unchanged */
	u32 interrupts_then;
	u32 lost; /* used entries, and no interrupt */
	u32 forgotten; /* no used entries either */
};

static struct device devices[DEVICES];
static u32 nr_devices;
static u32 nr_cpus;
static u64 dist;
static u32 target[SMP_MAX_CPUS]; /* of GICD_ITARGETSR */
static u64 seed[SMP_MAX_CPUS];
static u32 batch, requests;
static u32 patience; /* ms */
static bool moving;
static u32 at_once; /* requests of a device, in this part */
static volatile u32 part; /* each CPU works on it when it changes */
static volatile u32 parts_done[SMP_MAX_CPUS];
static volatile u32 by_cpu[SMP_MAX_CPUS]; /* interrupts taken */
static volatile u32 moves;
static volatile u32 ready;
static struct spinlock telling;

/* xorshift64, each CPU has its own. */
static u64 rnd(void)
{
	u64 *s = &seed[cpu_self()];

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void route(u32 intid, u32 cpu)
{
	if (gic_version() == 3)
		w64(dist + GICD_IROUTER + intid * 8, cpu_mpidr(cpu));
	else
		w8(dist + GICD_ITARGETSR + intid, (u8)target[cpu]);
}

/* Any device's interrupt, to any CPU, whatever it is doing. */
static void move(void)
{
	const struct device *d = &devices[rnd() % nr_devices];

	route(d->dev.irq.intid, (u32)(rnd() % nr_cpus));
	__atomic_add_fetch(&moves, 1, __ATOMIC_RELAXED);
}

static bool is_good(const struct device *d, const struct vq_used_elem *e)
{
	if (d->dev.id == VIRTIO_ID_BLK)
		return e->id % 3 == 0 && e->id / 3 < SLOTS && d->status[e->id / 3] == BLK_S_OK;
	return e->id < SLOTS && e->len > 0 && e->len <= SECTOR;
}

static struct device *device_of(u32 intid)
{
	struct device *d = devices;

	while (d->dev.irq.intid != intid)
		d++;
	return d;
}

/* Acknowledged first: what the device adds after that interrupts again. */
static void on_interrupt(u32 intid)
{
	struct device *d = device_of(intid);
	struct vq_used_elem e;
	u32 n = 0;

	if (__atomic_fetch_add(&d->inside, 1, __ATOMIC_ACQUIRE))
		d->twice++;
	(void)virtio_ack(&d->dev);
	for (; vq_take(&d->q, &e); n++)
		d->bad += !is_good(d, &e);
	by_cpu[cpu_self()]++;
	d->interrupts++;
	d->spurious += n == 0;
	__atomic_store_n(&d->done, d->done + n, __ATOMIC_RELEASE);
	__atomic_fetch_sub(&d->inside, 1, __ATOMIC_RELEASE);
	if (n && d->driver != cpu_self())
		gic_send_sgi(d->driver, SGI_DONE);
}

/* It is only to end a WFI. */
static void on_done(u32 sgi)
{
}

static void offer(struct device *d, u32 slot)
{
	u16 head = (u16)slot;

	if (d->dev.id == VIRTIO_ID_BLK) {
		head = (u16)(slot * 3);
		d->header[slot] = (struct blk_header){ BLK_T_IN, 0, rnd() % SECTORS };
		d->status[slot] = BLK_S_NONE;
		vq_set(&d->q, head, &d->header[slot], sizeof(d->header[0]), DESC_NEXT,
		       (u16)(head + 1));
		vq_set(&d->q, (u16)(head + 1), d->data[slot], SECTOR, DESC_NEXT | DESC_WRITE,
		       (u16)(head + 2));
		vq_set(&d->q, (u16)(head + 2), &d->status[slot], 1, DESC_WRITE, 0);
	} else {
		vq_set(&d->q, head, d->data[slot], SECTOR, DESC_WRITE, 0);
	}
	vq_offer(&d->q, head);
}

static u32 done_of(const struct device *d)
{
	return __atomic_load_n(&d->done, __ATOMIC_ACQUIRE);
}

/* It has nothing to do, and is to have. */
static bool is_idle(const struct device *d)
{
	return d->offered < d->goal && done_of(d) == d->offered;
}

static void submit(struct device *d)
{
	u32 n = MIN(MIN(at_once, d->most), d->goal - d->offered);

	d->quiet = 0;
	d->offered += n;
	for (u32 slot = 0; slot < n; slot++)
		offer(d, slot);
	vq_kick(&d->q);
	for (u32 i = 0; moving && i < 2; i++)
		move();
}

static void tell(const struct device *d, bool used)
{
	u32 id = d->dev.irq.intid;

	spin_lock(&telling);
	print("# interrupt %u: %s; requests %u of %u done, interrupts %u, InterruptStatus %u, "
	      "Status 0x%x, %s\n",
	      id, used ? "used index advanced, no interrupt came" : "the device is silent", d->done,
	      d->offered, d->interrupts, r32(d->dev.base + VIRTIO_INTERRUPT_STATUS),
	      virtio_status(&d->dev), gic_pending(id) ? "pending" : "not pending");
	spin_unlock(&telling);
}

/* The watchdog, once a patience. What is missed is done by hand, so that the rest goes on. */
static void look_after(struct device *d)
{
	bool used = __atomic_load_n(&d->q.used.idx, __ATOMIC_ACQUIRE) != d->q.seen;

	if (done_of(d) == d->offered || d->interrupts != d->interrupts_then) {
		d->interrupts_then = d->interrupts;
		d->quiet = 0;
		return;
	}
	d->quiet++;
	if (used && d->quiet >= 2) {
		tell(d, used);
		d->lost++;
		d->goal = d->offered;
		gic_disable(d->dev.irq.intid);
		on_interrupt(d->dev.irq.intid);
	} else if (!used && d->quiet >= STUCK) {
		tell(d, used);
		d->forgotten++;
		d->goal = d->offered = d->done;
	}
}

/* Own devices: submits what there is to submit. Return: there is more to wait for. */
static bool drive(u32 cpu)
{
	bool more = false;

	for (u32 i = cpu; i < nr_devices; i += nr_cpus) {
		struct device *d = &devices[i];

		if (is_idle(d))
			submit(d);
		more |= done_of(d) != d->goal;
	}
	return more;
}

/* All of its own that are not done have a request out. */
static bool has_to_wait(u32 cpu)
{
	bool waiting = false;

	for (u32 i = cpu; i < nr_devices; i += nr_cpus) {
		if (is_idle(&devices[i]))
			return false;
		waiting |= done_of(&devices[i]) != devices[i].goal;
	}
	return waiting;
}

/*
 * Interrupts are masked from the look at the devices to WFI, which wakes for a masked one: the
 * one that comes in between is not slept through.
 */
static void work(u32 cpu)
{
	u32 barks = timer_fired(cpu);

	timer_arm(patience);
	while (drive(cpu)) {
		irq_off();
		if (has_to_wait(cpu))
			wfi();
		irq_on();
		if (timer_fired(cpu) == barks)
			continue;
		barks = timer_fired(cpu);
		for (u32 i = cpu; i < nr_devices; i += nr_cpus)
			look_after(&devices[i]);
		timer_arm(patience);
	}
	timer_stop();
}

static void set_up_cpu(u32 cpu)
{
	u32 own = r32(dist + GICD_ITARGETSR) & 0xff; /* GICv2 */

	target[cpu] = own ? own : 1; /* one CPU: IHI 0048B.b 4.3.12 */
	gic_cpu_init();
	(void)timer_init();
	irq_on();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
}

/* Without a device of its own it still takes interrupts. */
static void worker(u32 cpu)
{
	set_up_cpu(cpu);
	for (u32 last = 0;;) {
		irq_off();
		if (part == last)
			wfi();
		irq_on();
		if (part == last)
			continue;
		last = part;
		work(cpu);
		parts_done[cpu] = last;
	}
}

static void start_part(u32 n, bool moved)
{
	at_once = n;
	moving = moved;
	moves = 0;
	for (u32 i = 0; i < nr_devices; i++) {
		struct device *d = &devices[i];

		d->offered = d->done = d->interrupts = d->interrupts_then = 0;
		d->spurious = d->bad = d->twice = d->lost = d->forgotten = 0;
		d->goal = requests;
		d->quiet = 0;
		gic_enable(&d->dev.irq, on_interrupt);
		route(d->dev.irq.intid, d->driver);
	}
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		by_cpu[cpu] = 0;
	dsb();
	part++;
	for (u32 cpu = 1; cpu < nr_cpus; cpu++)
		gic_send_sgi(cpu, SGI_DONE);
}

/* What one that lost its interrupt took along is told by the watchdog of its driver. */
static void wait_part(void)
{
	for (u32 cpu = 1; cpu < nr_cpus; cpu++) {
		while (parts_done[cpu] != part)
			relax();
	}
}

static void print_counts(u32 n)
{
	for (u32 i = 0; i < nr_devices; i++) {
		const struct device *d = &devices[i];

		print("# interrupt %u (%s), by CPU %u: requests %u interrupts %u spurious %u\n",
		      d->dev.irq.intid, d->dev.id == VIRTIO_ID_BLK ? "disk" : "rng", d->driver,
		      d->done, d->interrupts, d->spurious);
	}
	print("# %u at once, %u moves, taken by CPU:", n, moves);
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		print(" %u", by_cpu[cpu]);
	print("\n");
}

/* One at a time there is one interrupt for each; of several, one may stand for all so far. */
static bool is_right_number(const struct device *d, u32 n)
{
	u32 most = MIN(n, d->most), least = (d->done + most - 1) / most;

	return n == 1 ? d->interrupts == d->done && !d->spurious
	              : d->interrupts >= least && d->interrupts <= d->done;
}

static void check_part(u32 n, bool moved, const char *what)
{
	u32 done = 0, interrupts = 0, wrong = 0, lost = 0, bad = 0, twice = 0;

	start_part(n, moved);
	work(0);
	wait_part();
	delay_ms(20); /* for those that come too often */
	for (u32 i = 0; i < nr_devices; i++) {
		const struct device *d = &devices[i];

		done += d->done;
		interrupts += d->interrupts;
		wrong += !is_right_number(d, n);
		lost += d->lost + d->forgotten;
		bad += d->bad;
		twice += d->twice;
	}
	print_counts(n);
	check(done == requests * nr_devices && !bad,
	      "%s: %u requests, all answered (%u with an error)", what, done, bad);
	check(!lost, "%s: no interrupt is lost (%u)", what, lost);
	check(!wrong, "%s: %s (%u, %u devices wrong)", what,
	      n == 1 ? "as many interrupts as requests" : "interrupts, and no more than requests",
	      interrupts, wrong);
	check(!twice, "%s: never on two CPUs at once (%u)", what, twice);
}

static bool add_device(u32 id, u32 nth)
{
	struct device *d = &devices[nr_devices];

	if (nr_devices == DEVICES || !virtio_find(id, nth, &d->dev))
		return false;
	if (!virtio_negotiate(&d->dev, 0) || !virtio_queue(&d->dev, 0, &d->q, 128))
		return check(false, "a device of kind %u comes up", id);
	virtio_driver_ok(&d->dev);
	d->most = id == VIRTIO_ID_BLK ? d->q.num / 3 : d->q.num;
	d->driver = nr_devices % nr_cpus;
	nr_devices++;
	return true;
}

/* In the order they are given to CPUs: disks, then the entropy device. */
static void add_devices(void)
{
	for (u32 nth = 0; add_device(VIRTIO_ID_BLK, nth);)
		nth++;
	(void)add_device(VIRTIO_ID_RNG, 0);
	check(nr_devices > 0, "there are disks or an entropy device (%u)", nr_devices);
}

static bool find_distributor(void)
{
	struct fdt_node n;
	u64 size;

	return (fdt_find("arm,gic-v3", 0, &n) || fdt_find("arm,cortex-a15-gic", 0, &n) ||
	        fdt_find("arm,gic-400", 0, &n)) &&
	       fdt_reg(&n, 0, &dist, &size);
}

static void start_cpus(void)
{
	u64 first_seed = bootarg_u64("seed", ticks());

	print("# seed=%llu\n", first_seed);
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		seed[cpu] = (first_seed + cpu + 1) * 0x9e3779b97f4a7c15ull;
	set_up_cpu(0);
	for (u32 cpu = 1; cpu < nr_cpus; cpu++)
		(void)cpu_on(cpu, worker);
	check(wait_value(&ready, nr_cpus), "%u CPUs are up", nr_cpus);
}

void guest_main(void)
{
	static const struct fdt_irq sgi = { .intid = SGI_DONE };

	nr_cpus = cpu_count();
	requests = (u32)bootarg_u64("requests", 200);
	batch = (u32)MIN(bootarg_u64("batch", 16), SLOTS);
	patience = (u32)bootarg_u64("patience", 2000);
	if (!check(find_distributor() && gic_init(), "there is a GIC"))
		tap_done();
	add_devices();
	gic_enable(&sgi, on_done);
	start_cpus();
	if (ready != nr_cpus || !nr_devices)
		tap_done();
	check_part(1, false, "one by one");
	check_part(batch, false, "in batches");
	if (nr_cpus > 1) {
		check_part(1, true, "one by one, interrupts moving");
		check_part(batch, true, "in batches, interrupts moving");
	}
	tap_done();
}
