/* SPDX-License-Identifier: MIT */
/* The four states of an interrupt, and what moves it from one to the other. */
#include "tests/unit/gic_rig.h"

enum event {
	LINE_UP,
	LINE_DOWN,
	ISPENDR,
	ICPENDR,
	ISACTIVER,
	ICACTIVER,
	ACKNOWLEDGE,
	END,
	DISABLE,
	ENABLE,
	TO_EDGE,
	TO_LEVEL,
	NR_EVENTS,
};

static const char *const event_names[NR_EVENTS] = {
	"line up", "line down", "ISPENDR",   "ICPENDR",   "ISACTIVER", "ICACTIVER",
	"IAR",     "EOIR",      "ICENABLER", "ISENABLER", "to edge",   "to level",
};

/*
 * A state is what is the matter with an interrupt: its Line is high, its Pending latch is
 * set, it is Active. Each event has a row of what becomes of the eight states at its head.
 * A level-sensitive interrupt with L is pending; of an edge-triggered one L says only that
 * there is no edge before the line has been low.
 */
enum { NR_STATES = 8 };

/* clang-format off */
static const char *const states[NR_STATES] =
		        { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" };

static const char *const level_table[NR_EVENTS][NR_STATES] = {
	[LINE_UP]     = { "L..", "L.A", "LP.", "LPA", "L..", "L.A", "LP.", "LPA" },
	[LINE_DOWN]   = { "...", "..A", ".P.", ".PA", "...", "..A", ".P.", ".PA" },
	[ISPENDR]     = { ".P.", ".PA", ".P.", ".PA", "LP.", "LPA", "LP.", "LPA" },
	[ICPENDR]     = { "...", "..A", "...", "..A", "L..", "L.A", "L..", "L.A" },
	[ISACTIVER]   = { "..A", "..A", ".PA", ".PA", "L.A", "L.A", "LPA", "LPA" },
	[ICACTIVER]   = { "...", "...", ".P.", ".P.", "L..", "L..", "LP.", "LP." },
	[ACKNOWLEDGE] = { "...", "..A", "..A", ".PA", "L.A", "L.A", "L.A", "LPA" },
	[END]         = { "...", "...", ".P.", ".P.", "L..", "L..", "LP.", "LP." },
	[DISABLE]     = { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" },
	[ENABLE]      = { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" },
	[TO_EDGE]     = { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" },
	[TO_LEVEL]    = { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" },
};

static const char *const edge_table[NR_EVENTS][NR_STATES] = {
	[LINE_UP]     = { "LP.", "LPA", "LP.", "LPA", "L..", "L.A", "LP.", "LPA" },
	[LINE_DOWN]   = { "...", "..A", ".P.", ".PA", "...", "..A", ".P.", ".PA" },
	[ISPENDR]     = { ".P.", ".PA", ".P.", ".PA", "LP.", "LPA", "LP.", "LPA" },
	[ICPENDR]     = { "...", "..A", "...", "..A", "L..", "L.A", "L..", "L.A" },
	[ISACTIVER]   = { "..A", "..A", ".PA", ".PA", "L.A", "L.A", "LPA", "LPA" },
	[ICACTIVER]   = { "...", "...", ".P.", ".P.", "L..", "L..", "LP.", "LP." },
	[ACKNOWLEDGE] = { "...", "..A", "..A", ".PA", "L..", "L.A", "L.A", "LPA" },
	[END]         = { "...", "...", ".P.", ".P.", "L..", "L..", "LP.", "LP." },
	[DISABLE]     = { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" },
	[ENABLE]      = { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" },
	[TO_EDGE]     = { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" },
	[TO_LEVEL]    = { "...", "..A", ".P.", ".PA", "L..", "L.A", "LP.", "LPA" },
};
/* clang-format on */

/* The interrupt, where it can be seen from, and how it is now. */
struct subject {
	struct gic *g;
	u32 intid;
	bool edge, enabled;
};

static bool has(const char *st, char what)
{
	return strchr(st, what) != NULL;
}

static bool is_pending(const char *st, bool edge)
{
	return has(st, 'P') || (!edge && has(st, 'L'));
}

/* CPU 0 is signalled. */
static bool is_signalled(const struct subject *s, const char *st)
{
	return s->enabled && is_pending(st, s->edge) && !has(st, 'A');
}

static void bring_into(struct subject *s, const char *st)
{
	gic_on(s->g);
	irq_on(s->g, 0, s->intid, 1, 0x40);
	irq_set_edge(s->g, s->intid, s->edge);
	gic_set_line(s->g, 0, s->intid, has(st, 'L'));
	irq_write(s->g, 0, has(st, 'P') ? GICD_ISPENDR : GICD_ICPENDR, s->intid);
	if (has(st, 'A'))
		irq_write(s->g, 0, GICD_ISACTIVER, s->intid);
	if (!s->enabled)
		irq_write(s->g, 0, GICD_ICENABLER, s->intid);
	(void)gic_take_changed(s->g);
}

/* What @e does to @s in the state @st, and that it answers right. */
static void move(struct subject *s, enum event e, const char *st)
{
	bool signalled = is_signalled(s, st);

	switch (e) {
	case LINE_UP:
	case LINE_DOWN:
		gic_set_line(s->g, 0, s->intid, e == LINE_UP);
		break;
	case ISPENDR:
		irq_write(s->g, 0, GICD_ISPENDR, s->intid);
		break;
	case ICPENDR:
		irq_write(s->g, 0, GICD_ICPENDR, s->intid);
		break;
	case ISACTIVER:
		irq_write(s->g, 0, GICD_ISACTIVER, s->intid);
		break;
	case ICACTIVER:
		irq_write(s->g, 0, GICD_ICACTIVER, s->intid);
		break;
	case ACKNOWLEDGE:
		assert_int_equal(cpuif(s->g, 0, GICC_IAR), signalled ? s->intid : GIC_SPURIOUS);
		assert_int_equal(cpuif(s->g, 0, GICC_APR), signalled ? 1 << 8 : 0);
		cpuif_set(s->g, 0, GICC_APR, 0); /* only the interrupt's own state is looked at */
		break;
	case END:
		cpuif_set(s->g, 0, GICC_EOIR, s->intid);
		break;
	case DISABLE:
	case ENABLE:
		s->enabled = e == ENABLE;
		irq_write(s->g, 0, s->enabled ? GICD_ISENABLER : GICD_ICENABLER, s->intid);
		break;
	case TO_EDGE:
	case TO_LEVEL:
		irq_set_edge(s->g, s->intid, e == TO_EDGE);
		if (s->intid >= GIC_NR_PRIVATE)
			s->edge = e == TO_EDGE;
		break;
	case NR_EVENTS:
		break;
	}
}

static const char *state_of(const struct subject *s)
{
	struct gic_saved saved;
	u32 flags;

	gic_save(s->g, &saved);
	flags = s->intid < GIC_NR_PRIVATE ? saved.cpu[0].irq[s->intid].flags
	                                  : saved.spi[s->intid - GIC_NR_PRIVATE].flags;
	return states[(flags & GIC_SAVED_LINE ? 4 : 0) | (flags & GIC_SAVED_LATCH ? 2 : 0) |
	              (flags & GIC_SAVED_ACTIVE ? 1 : 0)];
}

static void check_cell(u32 intid, bool edge, bool enabled, enum event e, u32 st)
{
	struct subject s = { gic_of(CPUS, IRQS), intid, edge, enabled };
	const char *after = (edge ? edge_table : level_table)[e][st];
	bool signalled = is_signalled(&s, states[st]);
	const char *now;

	if (e == ACKNOWLEDGE && !enabled)
		after = states[st];
	bring_into(&s, states[st]);
	assert_string_equal(state_of(&s), states[st]);
	assert_int_equal(gic_output(s.g, 0), signalled ? GIC_OUT_IRQ : 0);
	move(&s, e, states[st]);
	now = state_of(&s);
	if (strcmp(now, after) != 0 ||
	    irq_bit(s.g, 0, GICD_ISPENDR, intid) != is_pending(after, s.edge) ||
	    irq_bit(s.g, 0, GICD_ISACTIVER, intid) != has(after, 'A'))
		fail_msg("%u, %s, %s, %s: %s is %s", intid, edge ? "edge" : "level",
		         enabled ? "enabled" : "disabled", event_names[e], states[st], now);
	if (gic_output(s.g, 0) != (is_signalled(&s, after) ? GIC_OUT_IRQ : 0) ||
	    gic_take_changed(s.g) != (is_signalled(&s, after) != signalled))
		fail_msg("%u, %s, %s, %s: %s leaves output %u", intid, edge ? "edge" : "level",
		         enabled ? "enabled" : "disabled", event_names[e], states[st],
		         gic_output(s.g, 0));
	assert_int_equal(gic_take_changed(s.g), 0);
	gic_destroy(s.g);
}

static void check_table(u32 intid, bool edge)
{
	for (u32 e = 0; e < NR_EVENTS; e++)
		for (u32 st = 0; st < NR_STATES; st++)
			for (int enabled = 0; enabled < 2; enabled++)
				check_cell(intid, edge, enabled, (enum event)e, st);
}

static void a_level_sensitive_interrupt_has_four_states(void **state)
{
	check_table(SPI, false);
	check_table(IRQS - 1, false);
}

static void an_edge_triggered_interrupt_has_four_states(void **state)
{
	check_table(SPI, true);
	check_table(32, true);
}

static void a_ppi_is_level_sensitive_whatever_is_written(void **state)
{
	check_table(PPI, false);
	check_table(16, false);
	check_table(31, false);
}

static void an_sgi_has_four_states(void **state)
{
	struct gic *g = *state;

	gic_on(g);
	dist_set(g, 1, GICD_SGIR, 1 << 16 | 5);
	assert_int_equal(gic_take_changed(g), 1);
	irq_write(g, 0, GICD_ICENABLER, 5); /* no SGI can be disabled */
	irq_write(g, 0, GICD_ICPENDR, 5); /* nor so be made to be not pending */
	assert_int_equal(gic_output(g, 0), GIC_OUT_IRQ);
	irq_write(g, 0, GICD_ISACTIVER, 5);
	assert_int_equal(gic_output(g, 0), 0);
	assert_true(irq_bit(g, 0, GICD_ISPENDR, 5));
	irq_write(g, 0, GICD_ICACTIVER, 5);
	assert_int_equal(cpuif(g, 0, GICC_IAR), 1 << 10 | 5);
	assert_false(irq_bit(g, 0, GICD_ISPENDR, 5));
	assert_true(irq_bit(g, 0, GICD_ISACTIVER, 5));
	dist_set(g, 1, GICD_SGIR, 1 << 16 | 5); /* active and pending */
	assert_int_equal(cpuif(g, 0, GICC_IAR), GIC_SPURIOUS);
	gicd_write(g, 0, GICD_CPENDSGIR + 5, 1, 2);
	cpuif_set(g, 0, GICC_EOIR, 5);
	assert_int_equal(gic_output(g, 0), 0);
	assert_false(irq_bit(g, 0, GICD_ISACTIVER, 5));

	gicd_write(g, 0, GICD_SPENDSGIR + 5, 1, 6);
	assert_int_equal(gic_output(g, 0), GIC_OUT_IRQ);
	gicd_write(g, 0, GICD_CPENDSGIR + 5, 1, 2);
	assert_int_equal(gic_output(g, 0), GIC_OUT_IRQ);
	gicd_write(g, 0, GICD_CPENDSGIR + 5, 1, 4);
	assert_int_equal(gic_output(g, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_sensitive_interrupt_has_four_states),
		cmocka_unit_test(an_edge_triggered_interrupt_has_four_states),
		cmocka_unit_test(a_ppi_is_level_sensitive_whatever_is_written),
		gic_test(an_sgi_has_four_states),
	};

	return cmocka_run_group_tests_name("gic_states", tests, NULL, NULL);
}
