/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "irqchip/gicv2m.h"
#include "machine/base/compiler.h"

enum { FIRST = 64, NR = 32 };

/* Counts rising edges and remembers which interrupt it was. */
struct fake_gic {
	u32 intid;
	unsigned int rises, falls;
};

static void fake_gic_set(void *ctx, u32 intid, bool level)
{
	struct fake_gic *g = ctx;

	g->intid = intid;
	if (level)
		g->rises++;
	else
		g->falls++;
}

struct fixture {
	struct fake_gic gic;
	struct gicv2m *frame;
};

static int setup(void **state)
{
	static struct fixture f;
	const struct irq_line line = { .set = fake_gic_set, .ctx = &f.gic };

	f = (struct fixture){ 0 };
	*state = &f;
	return gicv2m_create(FIRST, NR, &line, &f.frame);
}

static int teardown(void **state)
{
	gicv2m_destroy(((struct fixture *)*state)->frame);
	return 0;
}

static void the_frame_says_which_interrupts_it_hands_out(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(gicv2m_bus_ops.read(f->frame, 0x008, 4), FIRST << 16 | NR);
}

static void a_write_of_an_interrupt_of_the_frame_is_one_edge(void **state)
{
	static const struct {
		u64 value;
		u32 width;
		unsigned int rises; /* after this row */
		u32 intid;
	} rows[] = {
		{ FIRST, 4, 1, FIRST },          { FIRST + NR - 1, 4, 2, FIRST + NR - 1 },
		{ FIRST + 3, 2, 3, FIRST + 3 },  { FIRST - 1, 4, 3, FIRST + 3 },
		{ FIRST + NR, 4, 3, FIRST + 3 }, { 0, 4, 3, FIRST + 3 },
		{ 0xffffffff, 4, 3, FIRST + 3 }, { FIRST, 1, 3, FIRST + 3 },
		{ FIRST, 8, 3, FIRST + 3 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gicv2m_bus_ops.write(f->frame, 0x040, rows[i].width, rows[i].value);
		if (f->gic.rises != rows[i].rises || f->gic.falls != rows[i].rises ||
		    f->gic.intid != rows[i].intid)
			fail_msg("row %zu: %u rises, %u falls, interrupt %u", i, f->gic.rises,
			         f->gic.falls, f->gic.intid);
	}
}

static void everything_else_in_the_frame_is_raz_wi(void **state)
{
	struct fixture *f = *state;

	for (u32 offset = 0; offset < 0x1000; offset += 4) {
		if (offset == 0x008 || offset == 0x040)
			continue;
		gicv2m_bus_ops.write(f->frame, offset, 4, FIRST);
		if (gicv2m_bus_ops.read(f->frame, offset, 4) != 0)
			fail_msg("offset %#x reads something", offset);
	}
	assert_int_equal(f->gic.rises, 0);
}

static void a_halfword_behind_the_interrupt_id_raises_nothing(void **state)
{
	struct fixture *f = *state;

	gicv2m_bus_ops.write(f->frame, 0x042, 2, FIRST);
	assert_int_equal(f->gic.rises, 0);
}

/* A wire that is high already has no rising edge: what comes then is lost. */
struct shared_wire {
	atomic_bool high, lost;
	struct gicv2m *frame;
};

static void shared_wire_set(void *ctx, u32 intid, bool level)
{
	struct shared_wire *w = ctx;

	if (atomic_exchange(&w->high, level) == level)
		atomic_store(&w->lost, true);
}

static void *write_often(void *arg)
{
	struct shared_wire *w = arg;

	for (int i = 0; i < 200000; i++)
		gicv2m_bus_ops.write(w->frame, 0x040, 4, FIRST);
	return NULL;
}

static void edges_that_two_cpus_write_at_once_are_two(void **state)
{
	struct shared_wire w = { 0 };
	const struct irq_line line = { .set = shared_wire_set, .ctx = &w };
	pthread_t t;

	assert_int_equal(gicv2m_create(FIRST, NR, &line, &w.frame), 0);
	assert_int_equal(pthread_create(&t, NULL, write_often, &w), 0);
	(void)write_often(&w);
	assert_int_equal(pthread_join(t, NULL), 0);
	gicv2m_destroy(w.frame);
	assert_false(atomic_load(&w.lost));
}

static void a_reset_is_done_at_once_and_touches_no_wire(void **state)
{
	struct fixture *f = *state;

	gicv2m_bus_ops.write(f->frame, 0x040, 4, FIRST);
	assert_true(gicv2m_reset(f->frame));
	assert_int_equal(f->gic.rises, 1);
	assert_int_equal(f->gic.falls, 1);
	assert_int_equal(gicv2m_bus_ops.read(f->frame, 0x008, 4), FIRST << 16 | NR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_frame_says_which_interrupts_it_hands_out, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_write_of_an_interrupt_of_the_frame_is_one_edge,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(everything_else_in_the_frame_is_raz_wi, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_halfword_behind_the_interrupt_id_raises_nothing,
		                                setup, teardown),
		cmocka_unit_test(edges_that_two_cpus_write_at_once_are_two),
		cmocka_unit_test_setup_teardown(a_reset_is_done_at_once_and_touches_no_wire, setup,
		                                teardown),
	};

	return cmocka_run_group_tests_name("gicv2m", tests, NULL, NULL);
}
