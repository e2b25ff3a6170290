/* SPDX-License-Identifier: MIT */
/* A GIC's state as a structure, and back. */
#include "tests/unit/gic_rig.h"

#include <errno.h>

#define FIELD(member)    ((u32)offsetof(struct gic_saved, member))
#define CPU_FIELD(n, m)  (FIELD(cpu) + (n)*148 + (u32)offsetof(struct gic_saved_cpu, m))
#define PRIVATE(n, i, m) (CPU_FIELD(n, irq) + (i)*4 + (u32)offsetof(struct gic_saved_irq, m))
#define SHARED(i, m)     (FIELD(spi) + ((i)-32) * 4 + (u32)offsetof(struct gic_saved_irq, m))

static const u8 *byte_of(const struct gic_saved *s, u32 offset)
{
	return (const u8 *)s + offset;
}

static void set_byte(struct gic_saved *s, u32 offset, u8 value)
{
	((u8 *)s)[offset] = value;
}

/* A busy GIC: no kind of state is absent. */
static struct gic *busy(u32 nr_cpus, u32 nr_irqs, u32 seed)
{
	struct gic *g = gic_of(nr_cpus, nr_irqs);

	gic_on(g);
	gic_scramble(g, nr_cpus, nr_irqs, seed, 1500);
	return g;
}

static void registers_of_every_kind_have_their_place_in_the_image(void **state)
{
	static const struct {
		u32 offset, len;
		u8 bytes[8];
	} rows[] = {
		{ 0, 8, { 'R', 'G', 'I', 'C', 1, 0, 0, 0 } },
		{ 8, 8, { CPUS, 0, 0, 0, IRQS, 0, 0, 0 } },
		{ 16, 4, { 3, 0, 0, 0 } },
		{ 20, 8, { 0 } },
		/* CPU 2: registers, SGI 5, PPI 27 */
		{ 32 + 2 * 148, 8, { 0x1f, 0x02, 0, 0, 0xd8, 0, 0, 0 } },
		{ 32 + 2 * 148 + 8, 8, { 5, 0, 0, 0, 6, 0, 0, 0 } },
		{ 32 + 2 * 148 + 16, 4, { 0x04, 0x03, 0x02, 0x81 } },
		{ 32 + 2 * 148 + 20 + 5 * 4, 4, { 0x39, 0x48, 0, 0x0a } },
		{ 32 + 2 * 148 + 20 + 27 * 4, 4, { 0x07, 0xf8, 0, 0 } },
		/* CPU 1 has the reset state */
		{ 32 + 1 * 148, 8, { 0 } },
		{ 32 + 1 * 148 + 8, 8, { 2, 0, 0, 0, 3, 0, 0, 0 } },
		{ 32 + 1 * 148 + 20, 8, { 0x11, 0, 0, 0, 0x11, 0, 0, 0 } },
		{ 32 + 1 * 148 + 20 + 15 * 4, 8, { 0x11, 0, 0, 0, 0, 0, 0, 0 } },
		/* CPU 4 does not exist */
		{ 32 + 4 * 148, 8, { 0 } },
		{ 32 + 4 * 148 + 20, 8, { 0 } },
		/* SPIs 32, 127 and 128 */
		{ 1216, 4, { 0x36, 0x08, 0x05, 0 } },
		{ 1216 + 95 * 4, 8, { 0x01, 0x80, 0x0f, 0, 0, 0, 0, 0 } },
	};
	struct gic *g = *state;
	struct gic_saved saved;

	assert_int_equal(sizeof(saved), 5168);
	dist_set(g, 0, GICD_CTLR, 3);
	cpuif_set(g, 2, GICC_CTLR, 0x21f);
	cpuif_set(g, 2, GICC_PMR, 0xd8);
	cpuif_set(g, 2, GICC_BPR, 5);
	cpuif_set(g, 2, GICC_ABPR, 6);
	cpuif_set(g, 2, GICC_APR, 0x81020304);
	gicd_write(g, 2, GICD_SPENDSGIR + 5, 1, 0x0a);
	irq_write(g, 2, GICD_ISACTIVER, 5);
	irq_set_group1(g, 2, 5, true);
	irq_set_priority(g, 2, 5, 0x48);
	gic_set_line(g, 2, 27, true);
	irq_write(g, 2, GICD_ISPENDR, 27);
	irq_on(g, 2, 27, 0, 0xf8);
	irq_set_priority(g, 0, 32, 0x08);
	irq_set_targets(g, 32, 5);
	irq_set_edge(g, 32, true);
	irq_set_group1(g, 0, 32, true);
	gic_set_line(g, 0, 32, true);
	irq_on(g, 0, 127, 0xf, 0x80);

	memset(&saved, 0xa5, sizeof(saved));
	gic_save(g, &saved);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (u32 n = 0; n < rows[i].len; n++)
			if (*byte_of(&saved, rows[i].offset + n) != rows[i].bytes[n])
				fail_msg("row %zu: byte %u is %#x", i, n,
				         *byte_of(&saved, rows[i].offset + n));
}

static const struct gic_config shapes[] = {
	{ 1, 32 }, { 1, 64 }, { 2, 1024 }, { 4, 128 }, { 8, 256 }, { 8, 1024 },
};

static void what_is_loaded_is_what_was_saved(void **state)
{
	for (u32 n = 0; n < 60; n++) {
		const struct gic_config *c = &shapes[n % ARRAY_SIZE(shapes)];
		struct gic *a = busy(c->nr_cpus, c->nr_irqs, 1 + n * 0x10001);
		struct gic *b = busy(c->nr_cpus, c->nr_irqs, 2 + n * 0x10003);
		u32 differ = 0, changed;
		struct gic_saved saved;

		for (u32 cpu = 0; cpu < c->nr_cpus; cpu++)
			differ |= gic_output(a, cpu) != gic_output(b, cpu) ? 1u << cpu : 0;
		(void)gic_take_changed(b);
		gic_save(a, &saved);
		assert_int_equal(gic_load(b, &saved), 0);
		assert_same_state(b, &saved, "the way there and back of state", n);
		changed = gic_take_changed(b);
		assert_int_equal(changed & differ, differ);
		for (u32 cpu = 0; cpu < c->nr_cpus; cpu++)
			assert_int_equal(gic_output(a, cpu), gic_output(b, cpu));
		gic_destroy(a);
		gic_destroy(b);
	}
}

static void what_was_loaded_goes_on_like_what_was_saved(void **state)
{
	for (u32 n = 0; n < 60; n++) {
		const struct gic_config *c = &shapes[n % ARRAY_SIZE(shapes)];
		struct gic *a = busy(c->nr_cpus, c->nr_irqs, 3 + n * 0x10001);
		struct gic *b = busy(c->nr_cpus, c->nr_irqs, 4 + n * 0x10003);
		u32 seed_a = n + 1, seed_b = n + 1;
		struct gic_saved saved;

		gic_save(a, &saved);
		assert_int_equal(gic_load(b, &saved), 0);
		(void)gic_take_changed(a);
		(void)gic_take_changed(b);
		for (u32 step = 0; step < 400; step++) {
			u64 read = gic_step(a, c->nr_cpus, c->nr_irqs, &seed_a);

			if (gic_step(b, c->nr_cpus, c->nr_irqs, &seed_b) != read ||
			    gic_take_changed(a) != gic_take_changed(b))
				fail_msg("state %u, step %u: %#llx", n, step, read);
		}
		gic_save(a, &saved);
		assert_same_state(b, &saved, "400 steps from state", n);
		gic_destroy(a);
		gic_destroy(b);
	}
}

/* That @bad is refused, and by a GIC that stays as it is. */
static void assert_refused(struct gic *g, const struct gic_saved *bad, const char *what, u32 number)
{
	u32 outputs[GIC_CPUS_MAX] = { 0 };
	struct gic_saved was;

	for (u32 cpu = 0; cpu < CPUS; cpu++)
		outputs[cpu] = gic_output(g, cpu);
	(void)gic_take_changed(g);
	gic_save(g, &was);
	if (gic_load(g, bad) != -EINVAL)
		fail_msg("%s %#x is accepted", what, number);
	assert_same_state(g, &was, what, number);
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		assert_int_equal(gic_output(g, cpu), outputs[cpu]);
	assert_int_equal(gic_take_changed(g), 0);
}

static void a_state_that_no_gic_can_be_in_is_refused(void **state)
{
	static const struct {
		const char *what;
		u32 offset;
		u8 good, bad;
	} rows[] = {
		{ "magic", FIELD(magic), 'R', 'r' },
		{ "magic's end", FIELD(magic) + 3, 'C', 'D' },
		{ "version 0", FIELD(version), 1, 0 },
		{ "version 2", FIELD(version), 1, 2 },
		{ "version's end", FIELD(version) + 3, 0, 1 },
		{ "a CPU less", FIELD(nr_cpus), CPUS, CPUS - 1 },
		{ "a CPU more", FIELD(nr_cpus), CPUS, CPUS + 1 },
		{ "no CPU", FIELD(nr_cpus), CPUS, 0 },
		{ "256 CPUs more", FIELD(nr_cpus) + 1, 0, 1 },
		{ "less interrupts", FIELD(nr_irqs), IRQS, IRQS - 32 },
		{ "an interrupt more", FIELD(nr_irqs), IRQS, IRQS + 1 },
		{ "more interrupts", FIELD(nr_irqs) + 1, 0, 1 },
		{ "GICD_CTLR", FIELD(ctlr), 3, 4 },
		{ "GICD_CTLR's end", FIELD(ctlr) + 3, 0, 0x80 },
		{ "reserved", FIELD(reserved), 0, 1 },
		{ "reserved's end", FIELD(reserved) + 11, 0, 0x80 },
		{ "GICC_CTLR 5", CPU_FIELD(0, ctlr), 0x1f, 0x20 },
		{ "GICC_CTLR 8", CPU_FIELD(3, ctlr) + 1, 2, 3 },
		{ "GICC_CTLR 10", CPU_FIELD(3, ctlr) + 1, 2, 4 },
		{ "GICC_CTLR's end", CPU_FIELD(0, ctlr) + 3, 0, 1 },
		{ "GICC_PMR", CPU_FIELD(1, pmr), 0xf8, 0xfc },
		{ "GICC_PMR 256", CPU_FIELD(1, pmr) + 1, 0, 1 },
		{ "GICC_BPR 1", CPU_FIELD(1, bpr), 2, 1 },
		{ "GICC_BPR 8", CPU_FIELD(1, bpr), 7, 8 },
		{ "GICC_BPR's end", CPU_FIELD(3, bpr) + 3, 0, 0x80 },
		{ "GICC_ABPR 2", CPU_FIELD(0, abpr), 3, 2 },
		{ "GICC_ABPR 8", CPU_FIELD(0, abpr), 7, 8 },
		{ "GICC_ABPR's end", CPU_FIELD(3, abpr) + 3, 0, 0x80 },
		{ "an SGI's low bit of priority", PRIVATE(3, 15, priority), 0xf8, 0xf9 },
		{ "a PPI's low bits of priority", PRIVATE(0, 31, priority), 0, 4 },
		{ "an SPI's low bits of priority", SHARED(32, priority), 0, 2 },
		{ "the last SPI's priority", SHARED(IRQS - 1, priority), 0xf8, 0xfc },
		{ "an SGI's targets", PRIVATE(0, 0, targets), 0, 1 },
		{ "a PPI's targets", PRIVATE(2, 16, targets), 0, 4 },
		{ "an SPI's targets", SHARED(32, targets), 0x0f, 0x10 },
		{ "the last SPI's targets", SHARED(IRQS - 1, targets), 0x0f, 0x80 },
		{ "an SGI's senders", PRIVATE(0, 0, source), 0x0f, 0x10 },
		{ "another SGI's senders", PRIVATE(3, 15, source), 0x0f, 0x80 },
		{ "a PPI's senders", PRIVATE(0, 16, source), 0, 1 },
		{ "an SPI's senders", SHARED(IRQS - 1, source), 0, 1 },
		{ "CPU 4", CPU_FIELD(CPUS, bpr), 0, 2 },
		{ "SPI 128", SHARED(IRQS, flags), 0, 1 },
		{ "SPI 1019", SHARED(1019, source), 0, 1 },
	};
	struct gic *g = *state, *other = busy(CPUS, IRQS, 99);
	struct gic_saved fresh, bad;

	gic_save(g, &fresh);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bad = fresh;
		set_byte(&bad, rows[i].offset, rows[i].good);
		if (gic_load(g, &bad) != 0)
			fail_msg("row %zu, without %s, is refused", i, rows[i].what);
		set_byte(&bad, rows[i].offset, rows[i].bad);
		assert_refused(other, &bad, rows[i].what, rows[i].bad);
	}
	gic_destroy(other);
}

static void flags_are_those_the_kind_of_interrupt_can_have(void **state)
{
	enum { E = 1, LATCH = 2, LINE = 4, ACTIVE = 8, EDGE = 16, G1 = 32 };
	static const struct {
		u32 offset;
		u32 always, may;
	} rows[] = {
		{ PRIVATE(0, 0, flags), E | EDGE, ACTIVE | G1 },
		{ PRIVATE(3, 15, flags), E | EDGE, ACTIVE | G1 },
		{ PRIVATE(0, 16, flags), 0, E | LATCH | LINE | ACTIVE | G1 },
		{ PRIVATE(3, 31, flags), 0, E | LATCH | LINE | ACTIVE | G1 },
		{ SHARED(32, flags), 0, E | LATCH | LINE | ACTIVE | EDGE | G1 },
		{ SHARED(IRQS - 1, flags), 0, E | LATCH | LINE | ACTIVE | EDGE | G1 },
	};
	struct gic *g = *state;
	struct gic_saved fresh;

	gic_save(g, &fresh);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (u32 flags = 0; flags < 256; flags++) {
			struct gic_saved saved = fresh;
			bool right = (flags & rows[i].always) == rows[i].always &&
			             !(flags & ~(rows[i].always | rows[i].may));

			set_byte(&saved, rows[i].offset, (u8)flags);
			if (gic_load(g, &saved) != (right ? 0 : -EINVAL))
				fail_msg("row %zu: flags %#x", i, flags);
			if (right)
				assert_same_state(g, &saved, "loading flags", flags);
		}
}

static void what_the_configuration_does_not_have_must_be_zero(void **state)
{
	static const struct {
		u32 from, to;
	} holes[] = {
		{ FIELD(reserved), FIELD(cpu) },
		{ CPU_FIELD(CPUS, ctlr), FIELD(spi) },
		{ SHARED(IRQS, flags), sizeof(struct gic_saved) },
	};
	struct gic *g = *state;
	struct gic_saved saved;

	gic_save(g, &saved);
	for (size_t i = 0; i < ARRAY_SIZE(holes); i++)
		for (u32 offset = holes[i].from; offset < holes[i].to; offset++) {
			set_byte(&saved, offset, 1u << offset % 8);
			if (gic_load(g, &saved) != -EINVAL)
				fail_msg("byte %u", offset);
			set_byte(&saved, offset, 0);
		}
	assert_int_equal(gic_load(g, &saved), 0);
}

static void the_image_of_one_configuration_is_none_of_another(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		for (size_t n = 0; n < ARRAY_SIZE(shapes); n++) {
			struct gic *from = gic_of(shapes[i].nr_cpus, shapes[i].nr_irqs);
			struct gic *to = gic_of(shapes[n].nr_cpus, shapes[n].nr_irqs);
			struct gic_saved saved;

			gic_save(from, &saved);
			if (gic_load(to, &saved) != (i == n ? 0 : -EINVAL))
				fail_msg("%zu into %zu", i, n);
			gic_destroy(from);
			gic_destroy(to);
		}
}

static void with_one_cpu_there_are_no_targets_to_load(void **state)
{
	struct gic *g = gic_of(1, 64);
	struct gic_saved saved;

	gic_save(g, &saved);
	set_byte(&saved, SHARED(40, targets), 1);
	assert_int_equal(gic_load(g, &saved), -EINVAL);
	gic_destroy(g);
}

static void any_changed_bit_is_refused_or_is_in_the_next_image(void **state)
{
	struct gic *g = *state, *from = busy(CPUS, IRQS, 0xbadcafe);
	u32 accepted = 0, refused = 0;
	struct gic_saved saved;

	gic_save(from, &saved);
	for (u32 bit = 0; bit < 8 * sizeof(saved); bit++) {
		u8 byte = *byte_of(&saved, bit / 8);

		set_byte(&saved, bit / 8, byte ^ (u8)(1u << bit % 8));
		if (gic_load(g, &saved) == 0) {
			assert_same_state(g, &saved, "loading changed bit", bit);
			accepted++;
		} else {
			refused++;
		}
		set_byte(&saved, bit / 8, byte);
	}
	assert_true(accepted > 1000 && refused > 1000);
	gic_destroy(from);
}

static void a_loaded_line_has_no_edge_of_its_own(void **state)
{
	struct gic *g = *state, *to = gic_of(CPUS, IRQS);
	struct gic_saved saved;

	irq_set_edge(g, SPI, true);
	gic_set_line(g, 0, SPI, true);
	irq_write(g, 0, GICD_ICPENDR, SPI);
	gic_save(g, &saved);
	assert_int_equal(gic_load(to, &saved), 0);
	assert_false(irq_bit(to, 0, GICD_ISPENDR, SPI));
	gic_set_line(to, 0, SPI, true); /* it was high when it was saved */
	assert_false(irq_bit(to, 0, GICD_ISPENDR, SPI));
	gic_set_line(to, 0, SPI, false);
	gic_set_line(to, 0, SPI, true);
	assert_true(irq_bit(to, 0, GICD_ISPENDR, SPI));
	gic_destroy(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		gic_test(registers_of_every_kind_have_their_place_in_the_image),
		cmocka_unit_test(what_is_loaded_is_what_was_saved),
		cmocka_unit_test(what_was_loaded_goes_on_like_what_was_saved),
		gic_test(a_state_that_no_gic_can_be_in_is_refused),
		gic_test(flags_are_those_the_kind_of_interrupt_can_have),
		gic_test(what_the_configuration_does_not_have_must_be_zero),
		cmocka_unit_test(the_image_of_one_configuration_is_none_of_another),
		cmocka_unit_test(with_one_cpu_there_are_no_targets_to_load),
		gic_test(any_changed_bit_is_refused_or_is_in_the_next_image),
		gic_test(a_loaded_line_has_no_edge_of_its_own),
	};

	return cmocka_run_group_tests_name("gic_saved", tests, NULL, NULL);
}
