/* SPDX-License-Identifier: MIT */
/*
 * The table at gic_map(): each of its rows, and what is not in it, in every state
 * that a mapped interrupt can be in. The states are made with gic_load() and
 * what a host does, and looked at with gic_save().
 */
#include "tests/unit/test.h"

#include <endian.h>
#include <string.h>

#include "tests/unit/gic_map_rig.h"

enum {
	NR_CPUS = 2,
	NR_IRQS = 64,
	PPI = 27,
	SPI = 40,
	CPU = 1, /* whose PPI it is, and who takes the SPI */
	OTHER = 0, /* the other one */
	NEIGHBOUR = SPI + 1, /* not mapped */
	PRIORITY = 0x80,
	APR = 1u << (PRIORITY >> 3),
};

/* What a state is made of. */
enum {
	LATCH = 1 << 0,
	LINE = 1 << 1,
	ACTIVE = 1 << 2,
	EDGE = 1 << 3,
	ENABLED = 1 << 4,
	PHYS = 1 << 5, /* the physical side is active */
	LEVEL = 1 << 6, /* what the device's wire says when it is asked */
	STATES = 1 << 7,
};

struct fixture {
	struct gic *g;
	struct phys phys;
	u32 intid;
	bool eoimode;
	u32 iar; /* what a read of it gave */
	struct gic_saved base, image; /* to be loaded; as it is */
};

static int setup(void **state)
{
	static const struct gic_config cfg = { NR_CPUS, NR_IRQS };
	struct fixture *f = test_calloc(1, sizeof(*f));

	must0(gic_create(&cfg, &f->g));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gic_destroy(f->g);
	test_free(f);
	return 0;
}

#define MAP_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static bool is_private(u32 intid)
{
	return intid < GIC_NR_PRIVATE;
}

static bool pending(u32 s)
{
	return (s & LATCH) || ((s & LINE) && !(s & EDGE));
}

/* PPIs are level-sensitive, and the physical side is not active for nothing. */
static bool can_be(u32 intid, u32 s)
{
	if (is_private(intid) && (s & EDGE))
		return false;
	return !(s & PHYS) || pending(s) || (s & ACTIVE);
}

static void set_bit(struct fixture *f, u32 reg)
{
	gicd_write(f->g, CPU, reg + f->intid / 32 * 4, 4, 1u << f->intid % 32);
}

static void poke_bit(struct fixture *f, u32 reg)
{
	gicd_poke(f->g, CPU, reg + f->intid / 32 * 4, 4, 1u << f->intid % 32);
}

static struct gic_saved_irq *saved_irq(struct gic_saved *s, u32 intid)
{
	return is_private(intid) ? &s->cpu[CPU].irq[intid] : &s->spi[intid - GIC_NR_PRIVATE];
}

static const struct {
	u32 bit, flag;
} flags[] = {
	{ LATCH, GIC_SAVED_LATCH },     { LINE, GIC_SAVED_LINE }, { ACTIVE, GIC_SAVED_ACTIVE },
	{ ENABLED, GIC_SAVED_ENABLED }, { EDGE, GIC_SAVED_EDGE },
};

static u8 flags_of(u32 s)
{
	u32 f = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		f |= s & flags[i].bit ? flags[i].flag : 0;
	return (u8)f;
}

/* All that can be, but for what is physical. */
static u32 virtual_state(struct fixture *f)
{
	const struct gic_saved_irq *irq = saved_irq(&f->image, f->intid);
	u32 s = 0;

	gic_save(f->g, &f->image);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		s |= irq->flags & flags[i].flag ? flags[i].bit : 0;
	return s;
}

static u32 state_of(struct fixture *f)
{
	return virtual_state(f) | (f->phys.active ? PHYS : 0) | (f->phys.level ? LEVEL : 0);
}

/* The ways are open, and the interrupt is as it comes out of a reset. */
static void begin(struct fixture *f, u32 intid, bool eoimode)
{
	struct gic_saved_irq *irq;

	f->intid = intid;
	f->eoimode = eoimode;
	gic_reset(f->g);
	gicd_write(f->g, CPU, GICD_CTLR, 4, 1);
	gicc_write(f->g, CPU, GICC_CTLR, 4, 1 | (eoimode ? EOI_MODE : 0));
	gicc_write(f->g, OTHER, GICC_CTLR, 4, 1 | (eoimode ? EOI_MODE : 0));
	gicc_write(f->g, CPU, GICC_PMR, 4, 0xff);
	gic_save(f->g, &f->base);
	irq = saved_irq(&f->base, intid);
	irq->priority = PRIORITY;
	irq->targets = is_private(intid) ? 0 : 1 << CPU;
}

static void load_state(struct fixture *f, u32 s)
{
	saved_irq(&f->base, f->intid)->flags = flags_of(s);
	f->base.cpu[CPU].apr = htole32(s & ACTIVE ? APR : 0);
	must0(gic_load(f->g, &f->base));
}

/* What changes nothing but the physical side, in this state. */
static void make_active(struct fixture *f, u32 s)
{
	if (s & LINE) {
		f->phys.active = true;
		gic_set_line(f->g, CPU, f->intid, true);
	} else {
		set_bit(f, s & ACTIVE ? GICD_ISACTIVER : GICD_ISPENDR);
	}
}

static void forget(struct fixture *f)
{
	f->phys.nr = 0;
	memset(f->phys.log, 0, sizeof(f->phys.log));
}

static void make_state(struct fixture *f, u32 s)
{
	gic_map(f->g, CPU, f->intid, NULL, NULL);
	load_state(f, s);
	f->phys = (struct phys){ .level = s & LEVEL };
	gic_map(f->g, CPU, f->intid, &phys_ops, &f->phys);
	if (s & PHYS)
		make_active(f, s);
	forget(f);
	if (state_of(f) != s)
		fail_msg("state %#x was to be made, and is %#x", s, state_of(f));
}

/* The table, as what it does to a state. */
struct want {
	u32 s;
	u32 iar, apr;
	char log[16];
};

static void want_log(struct want *w, const char *what)
{
	must0(strlen(w->log) + strlen(what) >= sizeof(w->log));
	strcat(w->log, what);
}

static void activated(struct want *w)
{
	if (!(w->s & PHYS))
		want_log(w, "A");
	w->s |= PHYS;
}

static void deactivated(struct want *w)
{
	bool level = (w->s & LEVEL) && (!(w->s & EDGE) || (w->s & LINE));

	if (!(w->s & PHYS))
		return;
	want_log(w, "DL");
	w->s = (w->s & ~(u32)(PHYS | LINE)) | (level ? LINE : 0);
}

static void unless_needed(struct want *w)
{
	if (!pending(w->s) && !(w->s & ACTIVE))
		deactivated(w);
}

static bool signalled(const struct want *w)
{
	return pending(w->s) && (w->s & ENABLED) && !(w->s & ACTIVE) && !w->apr;
}

static void want_nothing(const struct fixture *f, struct want *w)
{
}

static void line_up(struct fixture *f)
{
	f->phys.active = true; /* the host has taken it */
	gic_set_line(f->g, CPU, f->intid, true);
}

static void want_line_up(const struct fixture *f, struct want *w)
{
	if ((w->s & EDGE) && !(w->s & LINE))
		w->s |= LATCH;
	w->s |= LINE | PHYS;
	unless_needed(w);
}

static void line_down(struct fixture *f)
{
	gic_set_line(f->g, CPU, f->intid, false);
}

static void want_line_down(const struct fixture *f, struct want *w)
{
	w->s &= ~(u32)LINE;
	unless_needed(w);
}

static void want_pending(const struct fixture *f, struct want *w)
{
	w->s |= LATCH;
	activated(w);
}

static void want_not_pending(const struct fixture *f, struct want *w)
{
	want_log(w, "p");
	w->s &= ~(u32)LATCH;
	if (!(w->s & ACTIVE))
		deactivated(w);
}

static void want_active(const struct fixture *f, struct want *w)
{
	w->s |= ACTIVE;
	activated(w);
}

static void want_not_active(const struct fixture *f, struct want *w)
{
	w->s &= ~(u32)ACTIVE;
	deactivated(w);
}

static void want_enabled(const struct fixture *f, struct want *w)
{
	w->s |= ENABLED;
}

static void want_disabled(const struct fixture *f, struct want *w)
{
	w->s &= ~(u32)ENABLED;
}

static void want_edge(const struct fixture *f, struct want *w)
{
	if (!is_private(f->intid))
		w->s |= EDGE;
	unless_needed(w);
}

static void want_level(const struct fixture *f, struct want *w)
{
	w->s &= ~(u32)EDGE;
	unless_needed(w);
}

static void acknowledge(struct fixture *f)
{
	f->iar = (u32)gicc_read(f->g, CPU, GICC_IAR, 4);
}

static void want_acknowledged(const struct fixture *f, struct want *w)
{
	if (!signalled(w)) {
		w->iar = GIC_SPURIOUS;
		return;
	}
	w->iar = f->intid;
	w->s = (w->s & ~(u32)LATCH) | ACTIVE;
	w->apr = APR;
}

static void end(struct fixture *f)
{
	gicc_write(f->g, CPU, GICC_EOIR, 4, f->intid);
}

static void deactivate(struct fixture *f)
{
	gicc_write(f->g, CPU, GICC_DIR, 4, f->intid);
}

static void want_no_end(const struct fixture *f, struct want *w)
{
	if (w->s & ACTIVE)
		want_not_active(f, w);
}

static void want_end(const struct fixture *f, struct want *w)
{
	w->apr = 0;
	if (!f->eoimode)
		want_no_end(f, w);
}

static void want_deactivation(const struct fixture *f, struct want *w)
{
	if (f->eoimode)
		want_no_end(f, w);
}

/* The other CPU has no such PPI; an SPI is everybody's. */
static void end_by_other(struct fixture *f)
{
	gicc_write(f->g, OTHER, GICC_EOIR, 4, f->intid);
}

static void want_end_by_other(const struct fixture *f, struct want *w)
{
	if (!f->eoimode && !is_private(f->intid))
		want_no_end(f, w);
}

static void end_of_group1(struct fixture *f)
{
	gicc_write(f->g, CPU, GICC_AEOIR, 4, f->intid);
}

static void write_zeroes(struct fixture *f)
{
	for (u32 reg = GICD_ISENABLER; reg < GICD_IPRIORITYR;
	     reg += GICD_ICENABLER - GICD_ISENABLER)
		gicd_write(f->g, CPU, reg + f->intid / 32 * 4, 4, 0);
}

static void write_to_neighbour(struct fixture *f)
{
	static const u32 regs[] = { GICD_ISPENDR, GICD_ISACTIVER, GICD_ICPENDR, GICD_ICACTIVER };

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		gicd_write(f->g, CPU, regs[i] + NEIGHBOUR / 32 * 4, 4, 1u << NEIGHBOUR % 32);
}

static void write_priority(struct fixture *f)
{
	gicd_write(f->g, CPU, GICD_IPRIORITYR + f->intid, 1, PRIORITY / 2);
}

static void write_targets(struct fixture *f)
{
	gicd_write(f->g, CPU, GICD_ITARGETSR + f->intid, 1, 1 << CPU | 1 << OTHER);
}

static void read_all(struct fixture *f)
{
	for (u32 reg = GICD_IGROUPR; reg < GICD_IPRIORITYR; reg += GICD_ICENABLER - GICD_ISENABLER)
		(void)gicd_read(f->g, CPU, reg + f->intid / 32 * 4, 4);
	(void)gicd_read(f->g, CPU, GICD_IPRIORITYR + f->intid, 1);
	(void)gicd_read(f->g, CPU, GICD_ITARGETSR + f->intid, 1);
	(void)gicd_read(f->g, CPU, GICD_ICFGR + f->intid / 16 * 4, 4);
}

static void reset(struct fixture *f)
{
	gic_reset(f->g);
	gicd_write(f->g, CPU, GICD_CTLR, 4, 1);
	gicc_write(f->g, CPU, GICC_CTLR, 4, 1);
	gicc_write(f->g, CPU, GICC_PMR, 4, 0xff);
}

static void want_reset(const struct fixture *f, struct want *w)
{
	w->s &= LINE | PHYS | LEVEL;
	w->apr = 0;
	unless_needed(w);
}

static void write_config(struct fixture *f, bool host, u32 field)
{
	(host ? gicd_poke : gicd_write)(f->g, CPU, GICD_ICFGR + f->intid / 16 * 4, 4,
	                                field << f->intid % 16 * 2);
}

static void make_edge(struct fixture *f)
{
	write_config(f, false, 2);
}

static void make_level(struct fixture *f)
{
	write_config(f, false, 0);
}

static void poke_edge(struct fixture *f)
{
	write_config(f, true, 2);
}

static void poke_level(struct fixture *f)
{
	write_config(f, true, 0);
}

/* A row without a function is the interrupt's bit in a register, written or poked. */
static const struct row {
	const char *name;
	void (*want)(const struct fixture *f, struct want *w);
	u32 reg;
	bool host;
	void (*act)(struct fixture *f);
} rows[] = {
	{ "the line goes up", want_line_up, .act = line_up },
	{ "the line goes down", want_line_down, .act = line_down },
	{ "GICD_ISPENDR", want_pending, .reg = GICD_ISPENDR },
	{ "GICD_ICPENDR", want_not_pending, .reg = GICD_ICPENDR },
	{ "GICD_ISACTIVER", want_active, .reg = GICD_ISACTIVER },
	{ "GICD_ICACTIVER", want_not_active, .reg = GICD_ICACTIVER },
	{ "GICC_EOIR", want_end, .act = end },
	{ "GICC_DIR", want_deactivation, .act = deactivate },
	{ "GICC_IAR", want_acknowledged, .act = acknowledge },
	{ "GICD_ISENABLER", want_enabled, .reg = GICD_ISENABLER },
	{ "GICD_ICENABLER", want_disabled, .reg = GICD_ICENABLER },
	{ "GICD_ICFGR, edge", want_edge, .act = make_edge },
	{ "GICD_ICFGR, level", want_level, .act = make_level },
	{ "gicd_poke(GICD_ISPENDR)", want_nothing, .reg = GICD_ISPENDR, .host = true },
	{ "gicd_poke(GICD_ICPENDR)", want_nothing, .reg = GICD_ICPENDR, .host = true },
	{ "gicd_poke(GICD_ISACTIVER)", want_nothing, .reg = GICD_ISACTIVER, .host = true },
	{ "gicd_poke(GICD_ICACTIVER)", want_nothing, .reg = GICD_ICACTIVER, .host = true },
	{ "gicd_poke(GICD_ISENABLER)", want_enabled, .reg = GICD_ISENABLER, .host = true },
	{ "gicd_poke(GICD_ICENABLER)", want_disabled, .reg = GICD_ICENABLER, .host = true },
	{ "gicd_poke(GICD_ICFGR), edge", want_edge, .act = poke_edge },
	{ "gicd_poke(GICD_ICFGR), level", want_level, .act = poke_level },
	{ "GICC_EOIR by the other CPU", want_end_by_other, .act = end_by_other },
	{ "GICC_AEOIR of group 0", want_nothing, .act = end_of_group1 },
	{ "GICD_IPRIORITYR", want_nothing, .act = write_priority },
	{ "GICD_ITARGETSR", want_nothing, .act = write_targets },
	{ "zeroes to all", want_nothing, .act = write_zeroes },
	{ "all that to the interrupt beside it", want_nothing, .act = write_to_neighbour },
	{ "reads of all its registers", want_nothing, .act = read_all },
	{ "a reset", want_reset, .act = reset },
};

static void do_row(struct fixture *f, const struct row *row)
{
	f->iar = 0;
	if (row->act)
		row->act(f);
	else
		(row->host ? poke_bit : set_bit)(f, row->reg);
}

static void check(struct fixture *f, const struct row *row, u32 was, const struct want *w)
{
	u32 s = state_of(f), out = gic_output(f->g, CPU);
	u32 apr = le32toh(f->image.cpu[CPU].apr); /* state_of() has saved it */

	if (s != w->s)
		fail_msg("%s of %u in state %#x: %#x, not %#x", row->name, f->intid, was, s, w->s);
	if (strcmp(f->phys.log, w->log) != 0 || f->phys.wrong)
		fail_msg("%s of %u in state %#x: the physical side has '%s', not '%s'%s", row->name,
		         f->intid, was, f->phys.log, w->log, f->phys.wrong ? ", and is wrong" : "");
	if (f->iar != w->iar || apr != w->apr)
		fail_msg("%s of %u in state %#x: %u, priorities %#x", row->name, f->intid, was,
		         f->iar, apr);
	if (out != (signalled(w) ? GIC_OUT_IRQ : 0))
		fail_msg("%s of %u in state %#x: the output is %u", row->name, f->intid, was, out);
	if (f->phys.active && !pending(s) && !(s & ACTIVE))
		fail_msg("%s of %u in state %#x silences it", row->name, f->intid, was);
}

static void walk(struct fixture *f, u32 intid, bool eoimode)
{
	begin(f, intid, eoimode);
	for (u32 s = 0; s < STATES; s++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows) && can_be(intid, s); i++) {
			struct want w = { .s = s, .apr = s & ACTIVE ? APR : 0 };

			make_state(f, s);
			do_row(f, &rows[i]);
			rows[i].want(f, &w);
			check(f, &rows[i], s, &w);
		}
	}
}

static void each_row_of_the_table_in_each_state_of_a_ppi(void **state)
{
	walk(*state, PPI, false);
	walk(*state, PPI, true);
}

static void each_row_of_the_table_in_each_state_of_an_spi(void **state)
{
	walk(*state, SPI, false);
	walk(*state, SPI, true);
}

/* GICD_ISPENDR and GICD_ICPENDR, and every other two of the first rows: it can be taken again. */
static void no_two_rows_one_after_the_other_silence_it(void **state)
{
	enum { FIRST = 13 }; /* up to GICD_ICFGR; enabled or not does not matter to it */
	struct fixture *f = *state;

	begin(f, SPI, false);
	for (u32 s = 0; s < STATES; s++) {
		for (size_t i = 0; i < FIRST && can_be(SPI, s) && !(s & ENABLED); i++) {
			for (size_t j = 0; j < FIRST; j++) {
				make_state(f, s);
				do_row(f, &rows[i]);
				do_row(f, &rows[j]);
				if (!can_be(SPI, state_of(f)) || f->phys.wrong)
					fail_msg("%s and %s in state %#x: %#x, '%s'", rows[i].name,
					         rows[j].name, s, state_of(f), f->phys.log);
			}
		}
	}
}

static void nothing_reaches_the_physical_side_of_what_is_not_mapped_any_more(void **state)
{
	struct fixture *f = *state;

	begin(f, SPI, false);
	for (u32 s = 0; s < STATES; s++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows) && can_be(SPI, s); i++) {
			make_state(f, s);
			gic_map(f->g, CPU, SPI, NULL, NULL);
			if (strcmp(f->phys.log, s & PHYS ? "DL" : "") != 0 || f->phys.active)
				fail_msg("unmapped in state %#x: '%s'", s, f->phys.log);
			f->phys.nr = 0;
			do_row(f, &rows[i]);
			if (f->phys.nr)
				fail_msg("%s in state %#x: '%s'", rows[i].name, s, f->phys.log);
		}
	}
}

static void a_poke_is_a_write_to_what_is_not_mapped(void **state)
{
	static const struct {
		u32 reg, was, is;
	} pokes[] = {
		{ GICD_ISPENDR, 0, LATCH },
		{ GICD_ICPENDR, LATCH, 0 },
		{ GICD_ISACTIVER, 0, ACTIVE },
		{ GICD_ICACTIVER, ACTIVE, 0 },
	};
	struct fixture *f = *state;

	begin(f, PPI, false);
	for (size_t i = 0; i < ARRAY_SIZE(pokes); i++) {
		make_state(f, pokes[i].was);
		gic_map(f->g, CPU, PPI, NULL, NULL);
		poke_bit(f, pokes[i].reg);
		assert_int_equal(state_of(f), pokes[i].is);
	}
}

/* Loading @t over @s: the physical side would be active, and the interrupt never taken. */
static bool would_be_silent(u32 s, u32 t)
{
	bool by_line = (s & LINE) && !(t & EDGE); /* the wire is the device's own */

	return (s & PHYS) && !(t & (LATCH | ACTIVE)) && !by_line;
}

static void what_is_loaded_reaches_the_physical_side_only_where_it_would_be_silent(void **state)
{
	const u32 loaded = LATCH | ACTIVE | EDGE | ENABLED;
	struct fixture *f = *state;

	begin(f, SPI, false);
	for (u32 s = 0; s < STATES; s++) {
		for (u32 t = 0; t < PHYS && can_be(SPI, s); t++) {
			struct gic_saved_irq *irq = saved_irq(&f->base, SPI);
			bool silent = would_be_silent(s, t);

			make_state(f, s);
			irq->flags = flags_of(t);
			must0(gic_load(f->g, &f->base));
			if ((state_of(f) & (loaded | PHYS)) !=
			            ((t & loaded) | (silent ? 0 : s & PHYS)) ||
			    strcmp(f->phys.log, silent ? "DL" : "") != 0)
				fail_msg("%#x in state %#x: %#x, '%s'", t, s, state_of(f),
				         f->phys.log);
		}
	}
}

static void what_is_mapped_again_counts_as_inactive(void **state)
{
	struct fixture *f = *state;

	begin(f, PPI, false);
	make_state(f, ACTIVE | PHYS);
	gic_map(f->g, CPU, PPI, &phys_ops, &f->phys);
	set_bit(f, GICD_ICACTIVER);
	set_bit(f, GICD_ISACTIVER);
	assert_string_equal(f->phys.log, "DLA");
}

static void only_ppis_and_spis_are_mapped(void **state)
{
	static const u32 none[] = {
		0, GIC_NR_SGIS - 1, NR_IRQS, GIC_INTIDS_MAX, GIC_SPURIOUS, ~0u
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		gic_map(f->g, CPU, none[i], &phys_ops, &f->phys);
	for (u32 offset = GICD_ISPENDR; offset < GICD_IPRIORITYR; offset += 4)
		gicd_write(f->g, CPU, offset, 4, ~0u);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		gic_set_line(f->g, CPU, none[i], true);
	gic_reset(f->g);
	assert_string_equal(f->phys.log, "");
}

static void of_a_ppi_one_bank_is_mapped_and_of_an_spi_all_there_is(void **state)
{
	struct fixture *f = *state;

	gic_map(f->g, CPU, PPI, &phys_ops, &f->phys);
	gicd_write(f->g, OTHER, GICD_ISPENDR, 4, 1u << PPI);
	gic_set_line(f->g, OTHER, PPI, true);
	gicd_write(f->g, OTHER, GICD_ICACTIVER, 4, 1u << PPI);
	assert_string_equal(f->phys.log, "");
	gicd_write(f->g, CPU, GICD_ISPENDR, 4, 1u << PPI);
	assert_string_equal(f->phys.log, "A");

	forget(f);
	gic_map(f->g, ~0u, SPI, &phys_ops, &f->phys);
	f->phys.active = false;
	gicd_write(f->g, OTHER, GICD_ISPENDR + 4, 4, 1u << SPI % 32);
	gicd_write(f->g, CPU, GICD_ICPENDR + 4, 4, 1u << SPI % 32);
	assert_string_equal(f->phys.log, "ApDL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MAP_TEST(each_row_of_the_table_in_each_state_of_a_ppi),
		MAP_TEST(each_row_of_the_table_in_each_state_of_an_spi),
		MAP_TEST(no_two_rows_one_after_the_other_silence_it),
		MAP_TEST(nothing_reaches_the_physical_side_of_what_is_not_mapped_any_more),
		MAP_TEST(a_poke_is_a_write_to_what_is_not_mapped),
		MAP_TEST(what_is_loaded_reaches_the_physical_side_only_where_it_would_be_silent),
		MAP_TEST(what_is_mapped_again_counts_as_inactive),
		MAP_TEST(only_ppis_and_spis_are_mapped),
		MAP_TEST(of_a_ppi_one_bank_is_mapped_and_of_an_spi_all_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
