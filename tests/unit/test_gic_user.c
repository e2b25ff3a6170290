/* SPDX-License-Identifier: MIT */
/*
 * The controller in its machine: addresses, outputs, and who is told of them.
 * What a GIC does is test_gic*.c's; here one without threads and addresses runs
 * beside it and must agree.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "irqchip/gic_user.h"
#include "tests/unit/gic_regs.h"

enum {
	NR_CPUS = 4,
	NR_IRQS = 96,
	SPI = 50,
	PPI = 27,
};

static const gpa_t GICD = 0x3fff0000, GICC = 0x3ffd0000;

struct fixture {
	struct gic_user *u;
	u32 told[NR_CPUS]; /* so often */
	u32 told_out[NR_CPUS]; /* its output was this then */
	u64 typer; /* read while being told */
	bool looks; /* it reads a register when it is told */
	struct gic_saved a, b;
};

/* The lock is ours to take here: a deadlock is ended by the alarm. */
static void changed(void *ctx, u32 cpu)
{
	struct fixture *f = ctx;

	assert_true(cpu < NR_CPUS);
	f->told[cpu]++;
	f->told_out[cpu] = gic_user_output(f->u, cpu);
	if (f->looks)
		assert_true(gic_user_read(f->u, cpu, GICD + GICD_TYPER, 4, &f->typer));
}

static const struct gic_user_ops ops = { changed };

static const struct gic_user_config config = { { NR_CPUS, NR_IRQS }, GICD, GICC };

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	must0(gic_user_create(&config, &ops, f, &f->u));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gic_user_destroy(f->u);
	test_free(f);
	return 0;
}

#define USER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void dist(struct fixture *f, u32 cpu, u32 offset, u32 value)
{
	assert_true(gic_user_write(f->u, cpu, GICD + offset, 4, value));
}

static void dist8(struct fixture *f, u32 cpu, u32 offset, u32 value)
{
	assert_true(gic_user_write(f->u, cpu, GICD + offset, 1, value));
}

static void iface(struct fixture *f, u32 cpu, u32 offset, u32 value)
{
	assert_true(gic_user_write(f->u, cpu, GICC + offset, 4, value));
}

static u64 read_at(struct fixture *f, u32 cpu, gpa_t gpa, u32 width)
{
	u64 value = 0x5a5a5a5a5a5a5a5a;

	assert_true(gic_user_read(f->u, cpu, gpa, width, &value));
	return value;
}

/* Everything is let through; @SPI goes to @targets. */
static void open_all(struct fixture *f, u32 targets)
{
	dist(f, 0, GICD_CTLR, 1);
	for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
		iface(f, cpu, GICC_PMR, 0xff);
		iface(f, cpu, GICC_CTLR, 1);
		dist(f, cpu, GICD_ISENABLER, ~0u);
	}
	dist(f, 0, GICD_ISENABLER + SPI / 32 * 4, 1u << SPI % 32);
	dist8(f, 0, GICD_ITARGETSR + SPI, targets);
	memset(f->told, 0, sizeof(f->told));
}

/* The outputs and how often each CPU was told since the last time, a digit for each CPU. */
static void expect(struct fixture *f, const char *outputs, const char *told)
{
	char out[NR_CPUS + 1] = "", n[NR_CPUS + 1] = "";

	for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
		out[cpu] = (char)('0' + gic_user_output(f->u, cpu));
		n[cpu] = (char)('0' + f->told[cpu]);
		if (f->told[cpu])
			assert_int_equal(f->told_out[cpu], gic_user_output(f->u, cpu));
	}
	assert_string_equal(out, outputs);
	assert_string_equal(n, told);
	memset(f->told, 0, sizeof(f->told));
}

static const struct {
	u64 gpa;
	u32 width;
	bool ours;
	u64 value; /* CPU 2 reads */
} accesses[] = {
	{ 0x3fff0000, 4, true, 0 },
	{ 0x3fff0004, 4, true, NR_IRQS / 32 - 1 + ((NR_CPUS - 1) << 5) },
	{ 0x3fff0004, 8, true, 0 },
	{ 0x3fff0800, 4, true, 0x04040404 },
	{ 0x3fff0801, 1, true, 0x04 },
	{ 0x3fff0800, 2, true, 0 },
	{ 0x3fff0802, 4, true, 0 },
	{ 0x3fff0fe8, 4, true, 0x20 },
	{ 0x3fff0ffc, 4, true, 0xb1 },
	{ 0x3fff0fff, 1, true, 0 },
	{ 0x3fff0ffd, 4, false, 0 },
	{ 0x3fff0ffc, 8, false, 0 },
	{ 0x3fff1000, 1, false, 0 },
	{ 0x3ffeffff, 1, false, 0 },
	{ 0x3ffefffe, 4, false, 0 },
	{ 0x3ffefffc, 8, false, 0 },
	{ 0x3ffd0014, 4, true, 0xff },
	{ 0x3ffd0014, 1, true, 0 },
	{ 0x3ffd00fc, 4, true, 0x05220000 },
	{ 0x3ffd1000, 4, true, 0 },
	{ 0x3ffd1ffc, 4, true, 0 },
	{ 0x3ffd1fff, 1, true, 0 },
	{ 0x3ffd1ffe, 4, false, 0 },
	{ 0x3ffd1ffc, 8, false, 0 },
	{ 0x3ffd2000, 4, false, 0 },
	{ 0x3ffcffff, 1, false, 0 },
	{ 0x3ffcfffd, 4, false, 0 },
	{ 0, 8, false, 0 },
	{ 0x13fff0004, 4, false, 0 },
	{ 0x800000003fff0004, 4, false, 0 },
	{ ~0ull, 1, false, 0 },
	{ ~0ull - 7, 8, false, 0 },
};

static void an_access_is_ours_when_all_of_it_is_inside(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		u64 value = 0x1234, want = accesses[i].ours ? accesses[i].value : 0x1234;
		bool ours = gic_user_read(f->u, 2, accesses[i].gpa, accesses[i].width, &value);

		if (ours != accesses[i].ours || value != want)
			fail_msg("%#llx, %u bytes: %s, %#llx", accesses[i].gpa, accesses[i].width,
			         ours ? "ours" : "not ours", value);
	}
}

static void a_write_that_is_not_ours_does_nothing(void **state)
{
	struct fixture *f = *state;

	gic_user_save(f->u, &f->a);
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		bool ours = true;

		if (accesses[i].ours)
			continue;
		ours = gic_user_write(f->u, 0, accesses[i].gpa, accesses[i].width, ~0ull);
		gic_user_save(f->u, &f->b);
		if (ours || memcmp(&f->a, &f->b, sizeof(f->a)) != 0)
			fail_msg("%#llx, %u bytes", accesses[i].gpa, accesses[i].width);
	}
}

/* A sum of address and width would be small there. */
static void the_last_addresses_there_are_can_be_its_own(void **state)
{
	static const struct gic_user_config top = { { 1, 32 }, -(gpa_t)GICD_SIZE, 0 };
	struct fixture *f = *state;
	u64 value = 0;

	gic_user_destroy(f->u);
	must0(gic_user_create(&top, &ops, f, &f->u));
	assert_true(gic_user_read(f->u, 0, ~0ull - 3, 4, &value));
	assert_int_equal(value, 0xb1);
	assert_true(gic_user_read(f->u, 0, ~0ull, 1, &value));
	assert_false(gic_user_read(f->u, 0, ~0ull, 4, &value));
	assert_false(gic_user_read(f->u, 0, ~0ull - 3, 8, &value));
	assert_true(gic_user_read(f->u, 0, GICC_IIDR, 4, &value)); /* GICC is at 0 */
	assert_int_equal(value, 0x05220000);
	assert_false(gic_user_read(f->u, 0, GICC_SIZE, 4, &value));
}

static void numbers_out_of_range_are_refused(void **state)
{
	static const struct gic_config bad[] = { { 0, 64 },   { GIC_CPUS_MAX + 1, 64 },
		                                 { 1, 0 },    { 1, 33 },
		                                 { 1, 1056 }, { 1, ~0u - 31 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct gic_user_config cfg = { bad[i], GICD, GICC };
		struct gic_user *u = NULL;

		assert_int_equal(gic_user_create(&cfg, &ops, f, &u), -EINVAL);
		assert_null(u);
	}
	gic_user_destroy(NULL);
}

static void a_device_tells_each_cpu_whose_output_it_changes(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	assert_int_equal(line.intid, SPI);
	open_all(f, 1 << 1 | 1 << 2);
	irq_line_set(&line, true);
	expect(f, "0110", "0110");
	irq_line_set(&line, true);
	expect(f, "0110", "0000");
	irq_line_set(&line, false);
	expect(f, "0000", "0110");
	irq_line_set(&line, false);
	expect(f, "0000", "0000");
}

static void a_pulse_stays_when_the_interrupt_is_edge_triggered(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	open_all(f, 1 << 3);
	irq_line_pulse(&line);
	expect(f, "0000", "0002");
	dist(f, 0, GICD_ICFGR + SPI / 16 * 4, 2u << SPI % 16 * 2);
	irq_line_pulse(&line);
	expect(f, "0001", "0001");
	assert_int_equal(read_at(f, 3, GICC + GICC_IAR, 4), SPI);
	expect(f, "0000", "0000");
}

static void who_takes_it_is_not_told_and_the_others_are(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	open_all(f, 1 << 1 | 1 << 2 | 1 << 3);
	irq_line_set(&line, true);
	expect(f, "0111", "0111");
	assert_int_equal(read_at(f, 2, GICC + GICC_IAR, 4), SPI);
	expect(f, "0000", "0101");
	iface(f, 2, GICC_EOIR, SPI);
	expect(f, "0111", "0101");
}

static void an_sgi_tells_its_targets_but_not_its_sender(void **state)
{
	struct fixture *f = *state;

	open_all(f, 0);
	dist(f, 1, GICD_SGIR, (1 << 0 | 1 << 1 | 1 << 3) << 16 | 5);
	expect(f, "1101", "1001");
	dist(f, 1, GICD_SGIR, (1 << 0 | 1 << 1 | 1 << 3) << 16 | 5);
	expect(f, "1101", "0000");
	assert_int_equal(read_at(f, 3, GICC + GICC_IAR, 4), 5 | 1 << 10);
	expect(f, "1100", "0000");
}

static void irq_becomes_fiq_and_that_is_a_change(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	open_all(f, 1 << 0 | 1 << 1);
	iface(f, 1, GICC_CTLR, 1 | FIQ_EN);
	irq_line_set(&line, true);
	expect(f, "1200", "1100");
	iface(f, 0, GICC_CTLR, 1 | FIQ_EN);
	expect(f, "2200", "0000"); /* its own doing */
	dist(f, 2, GICD_CTLR, 0);
	expect(f, "0000", "1100");
	dist(f, 0, GICD_CTLR, 1);
	expect(f, "2200", "0100");
}

static void nobody_is_told_of_a_change_that_is_none(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	open_all(f, 1 << 0 | 1 << 1);
	irq_line_set(&line, true);
	expect(f, "1100", "1100");
	/* It goes out of its CPUs' choice and comes back in one write. */
	dist8(f, 3, GICD_IPRIORITYR + SPI, 0x80);
	dist8(f, 3, GICD_IPRIORITYR + SPI, 0x80);
	dist8(f, 3, GICD_ITARGETSR + SPI, 1 << 0 | 1 << 1);
	dist(f, 3, GICD_ISPENDR + SPI / 32 * 4, 1u << SPI % 32);
	irq_line_set(&line, false);
	expect(f, "1100", "0000");
}

static void a_private_wire_is_its_own_cpus(void **state)
{
	struct fixture *f = *state;

	open_all(f, 0);
	gic_user_set_private(f->u, 2, PPI, true);
	expect(f, "0010", "0000");
	gic_user_set_private(f->u, 1, PPI, true);
	gic_user_set_private(f->u, 2, PPI, false);
	expect(f, "0100", "0000");
	assert_int_equal(read_at(f, 1, GICC + GICC_IAR, 4), PPI);
	assert_int_equal(read_at(f, 2, GICC + GICC_IAR, 4), GIC_SPURIOUS);
}

static void who_is_told_may_look_at_registers(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	f->looks = true;
	alarm(30);
	open_all(f, 1 << 1);
	irq_line_set(&line, true);
	assert_int_equal(f->typer, accesses[1].value);
	dist(f, 0, GICD_SGIR, 1 << 25);
	dist(f, 0, GICD_SGIR, (1 << 2) << 16);
	expect(f, "1110", "0110");
	alarm(0);
}

static void a_reset_keeps_the_wires_only(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	open_all(f, 1 << 1);
	irq_line_set(&line, true);
	gic_user_set_private(f->u, 3, PPI, true);
	expect(f, "0101", "0100");
	gic_user_reset(f->u);
	for (u32 cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(gic_user_output(f->u, cpu), 0);
	assert_int_equal(read_at(f, 0, GICD + GICD_CTLR, 4), 0);
	open_all(f, 1 << 2);
	expect(f, "0011", "0000");
}

static void what_was_saved_becomes_another_ones_outputs(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	open_all(f, 1 << 1);
	dist(f, 0, GICD_SGIR, (1 << 3) << 16);
	irq_line_set(&line, true);
	expect(f, "0101", "0101");
	gic_user_save(f->u, &f->a);
	gic_user_destroy(f->u);
	must0(gic_user_create(&config, &ops, f, &f->u));
	assert_int_equal(gic_user_output(f->u, 1), 0);
	assert_int_equal(gic_user_load(f->u, &f->a), 0);
	assert_int_equal(gic_user_output(f->u, 0), 0);
	assert_int_equal(gic_user_output(f->u, 1), GIC_OUT_IRQ);
	assert_int_equal(gic_user_output(f->u, 3), GIC_OUT_IRQ);
	gic_user_save(f->u, &f->b);
	assert_memory_equal(&f->a, &f->b, sizeof(f->a));
}

static void a_bad_image_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct irq_line line = gic_user_line(f->u, SPI);

	open_all(f, 1 << 1);
	irq_line_set(&line, true);
	expect(f, "0100", "0100");
	gic_user_save(f->u, &f->a);
	f->b = (struct gic_saved){ 0 };
	assert_int_equal(gic_user_load(f->u, &f->b), -EINVAL);
	gic_user_save(f->u, &f->b);
	assert_memory_equal(&f->a, &f->b, sizeof(f->a));
	expect(f, "0100", "0000");
}

struct hw {
	u32 activated, deactivated;
};

static void hw_active(void *ctx, bool active)
{
	struct hw *hw = ctx;

	*(active ? &hw->activated : &hw->deactivated) += 1;
}

static void hw_pending(void *ctx, bool pending)
{
}

static bool hw_level(void *ctx)
{
	return false;
}

static void a_mapped_interrupt_reaches_its_physical_side(void **state)
{
	static const struct hwirq_ops hw_ops = { hw_active, hw_pending, hw_level };
	struct fixture *f = *state;
	struct hw hw = { 0 };

	open_all(f, 0);
	gic_user_map(f->u, 2, PPI, &hw_ops, &hw);
	dist(f, 1, GICD_ISPENDR, 1u << PPI);
	assert_int_equal(hw.activated, 0);
	dist(f, 2, GICD_ISPENDR, 1u << PPI);
	assert_int_equal(hw.activated, 1);
	assert_int_equal(read_at(f, 2, GICC + GICC_IAR, 4), PPI);
	iface(f, 2, GICC_EOIR, PPI);
	assert_int_equal(hw.deactivated, 1);
	gic_user_map(f->u, 2, PPI, NULL, NULL);
	dist(f, 2, GICD_ISPENDR, 1u << PPI);
	assert_int_equal(hw.activated, 1);
}

static u32 rnd(u32 *seed, u32 n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

struct access {
	u32 cpu, offset, width;
	bool iface, write;
	u64 value;
};

/* Anywhere, but more often where something happens. */
static struct access any_access(u32 *seed)
{
	static const struct {
		u32 offset, len; /* of the distributor */
	} hot[] = {
		{ GICD_ISENABLER, 12 }, { 0x180, 12 },           { GICD_ISPENDR, 12 },
		{ 0x280, 12 },          { 0x300, 12 },           { 0x380, 12 },
		{ GICD_ITARGETSR, 96 }, { GICD_IPRIORITYR, 96 }, { GICD_ICFGR, 24 },
		{ GICD_SGIR, 4 },       { 0xf10, 16 },           { GICD_CTLR, 4 },
		{ 0, GICD_SIZE },
	};
	struct access a = { .cpu = rnd(seed, NR_CPUS), .iface = rnd(seed, 2), .width = 4 };
	u32 i = rnd(seed, ARRAY_SIZE(hot));

	if (a.iface)
		a.offset = rnd(seed, 16) ? rnd(seed, 6) * 4 : rnd(seed, GICC_SIZE / 4) * 4;
	else
		a.offset = hot[i].offset + rnd(seed, hot[i].len / 4) * 4;
	a.write = !a.iface || (a.offset != GICC_IAR && rnd(seed, 4));
	a.value = rnd(seed, 1 << 16) << 16 | rnd(seed, 1 << 16);
	if (a.offset == 0 && rnd(seed, 8))
		a.value |= 3; /* the ways are open as a rule */
	if (a.iface && a.offset == GICC_EOIR)
		a.value &= 0x7f;
	if (rnd(seed, 8) == 0)
		a.width = 1u << rnd(seed, 4);
	return a;
}

static u64 twin_access(struct gic *g, const struct access *a)
{
	if (!a->write)
		return a->iface ? gicc_read(g, a->cpu, a->offset, a->width)
		                : gicd_read(g, a->cpu, a->offset, a->width);
	(a->iface ? gicc_write : gicd_write)(g, a->cpu, a->offset, a->width, a->value);
	return 0;
}

/* Return: whose doing it is, GIC_NO_CPU: a device's. */
static u32 do_anything(struct fixture *f, struct gic *twin, u32 *seed, u32 step)
{
	u32 cpu = rnd(seed, NR_CPUS), level = rnd(seed, 2), intid;
	struct irq_line line;
	struct access a;
	u64 value = 0, want;

	switch (rnd(seed, 8)) {
	case 0:
		intid = GIC_NR_PRIVATE + rnd(seed, NR_IRQS - GIC_NR_PRIVATE);
		line = gic_user_line(f->u, intid);
		irq_line_set(&line, level);
		gic_set_line(twin, cpu, intid, level);
		return GIC_NO_CPU;
	case 1:
		intid = GIC_NR_SGIS + rnd(seed, GIC_NR_PRIVATE - GIC_NR_SGIS);
		gic_user_set_private(f->u, cpu, intid, level);
		gic_set_line(twin, cpu, intid, level);
		return cpu;
	default:
		a = any_access(seed);
		want = twin_access(twin, &a);
		if (a.write)
			assert_true(gic_user_write(f->u, a.cpu, (a.iface ? GICC : GICD) + a.offset,
			                           a.width, a.value));
		else
			value = read_at(f, a.cpu, (a.iface ? GICC : GICD) + a.offset, a.width);
		if (value != want)
			fail_msg("step %u: CPU %u, %#x: %#llx, not %#llx", step, a.cpu, a.offset,
			         value, want);
		return a.cpu;
	}
}

static void everybody_else_is_told_of_each_change_and_of_nothing_else(void **state)
{
	enum { STEPS = 100000 };
	struct fixture *f = *state;
	u32 seed = 1, tells = 0, was[NR_CPUS] = { 0 };
	bool awake[NR_CPUS] = { 0 };
	struct gic *twin;

	must0(gic_create(&config.gic, &twin));
	for (u32 step = 0; step < STEPS; step++) {
		u32 self = do_anything(f, twin, &seed, step);

		for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
			u32 out = gic_user_output(f->u, cpu);
			bool wakes = gic_user_wakes(f->u, cpu);
			u32 told = cpu != self && (out != was[cpu] || (wakes && !awake[cpu]));

			if (out != gic_output(twin, cpu) || wakes != gic_wakes(twin, cpu) ||
			    f->told[cpu] != told)
				fail_msg("step %u, by %d: CPU %u had %u and has %u, told %u", step,
				         (int)self, cpu, was[cpu], out, f->told[cpu]);
			if (told)
				assert_int_equal(f->told_out[cpu], out);
			tells += told;
			was[cpu] = out;
			awake[cpu] = wakes;
		}
		memset(f->told, 0, sizeof(f->told));
	}
	gic_save(twin, &f->a);
	gic_user_save(f->u, &f->b);
	assert_memory_equal(&f->a, &f->b, sizeof(f->a));
	gic_destroy(twin);

	assert_true(tells > STEPS / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		USER_TEST(an_access_is_ours_when_all_of_it_is_inside),
		USER_TEST(a_write_that_is_not_ours_does_nothing),
		USER_TEST(the_last_addresses_there_are_can_be_its_own),
		USER_TEST(numbers_out_of_range_are_refused),
		USER_TEST(a_device_tells_each_cpu_whose_output_it_changes),
		USER_TEST(a_pulse_stays_when_the_interrupt_is_edge_triggered),
		USER_TEST(who_takes_it_is_not_told_and_the_others_are),
		USER_TEST(an_sgi_tells_its_targets_but_not_its_sender),
		USER_TEST(irq_becomes_fiq_and_that_is_a_change),
		USER_TEST(nobody_is_told_of_a_change_that_is_none),
		USER_TEST(a_private_wire_is_its_own_cpus),
		USER_TEST(who_is_told_may_look_at_registers),
		USER_TEST(a_reset_keeps_the_wires_only),
		USER_TEST(what_was_saved_becomes_another_ones_outputs),
		USER_TEST(a_bad_image_changes_nothing),
		USER_TEST(a_mapped_interrupt_reaches_its_physical_side),
		USER_TEST(everybody_else_is_told_of_each_change_and_of_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
