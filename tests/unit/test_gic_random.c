/* SPDX-License-Identifier: MIT */
/*
 * irqchip/gic.h and the reference (gic_reference.h) do the same random steps
 * (gic_steps.h) and must agree on every value read and on every output. A failure
 * names its seed; ROOST_SEED=N ROOST_STEPS=M: that one, so many steps in all.
 */
#include "tests/unit/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "irqchip/gic.h"
#include "tests/unit/gic_coverage.h"
#include "tests/unit/gic_reference_dist.h"
#include "tests/unit/gic_steps.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STEPS = 1000000 };
#else
enum { STEPS = 3000000 };
#endif
enum { SEED = 20481, REMEMBERED = 30 };

static const u32 all_cpus[] = { 1, 2, 3, 8 };
static const u32 all_irqs[] = { 32, 64, 128, 1024 };

struct run {
	struct gic_config cfg;
	u64 seed, nr; /* of steps done */
	u64 hash; /* of all that was read */
	struct gic *gic, *other;
	struct ref ref, before, kept_ref;
	struct gic_saved kept;
	bool is_kept;
	u32 out[GIC_CPUS_MAX];
	struct steps steps;
	struct step last[REMEMBERED];
	struct gic_coverage cover;
};

static u64 from_environment(const char *name, u64 otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* In a line, as C has it. */
static void print_step(const struct step *p, char *line, size_t size)
{
	static const char *const names[] = {
		[STEP_LINE] = "gic_set_line",
		[STEP_GICD_READ] = "gicd_read",
		[STEP_GICD_WRITE] = "gicd_write",
		[STEP_POKE] = "gicd_poke",
		[STEP_GICC_READ] = "gicc_read",
		[STEP_GICC_WRITE] = "gicc_write",
		[STEP_RESET] = "gic_reset",
		[STEP_MOVE] = "save and go on in another",
		[STEP_KEEP] = "save",
		[STEP_REWIND] = "load what was saved",
		[STEP_COMPARE] = "compare all",
	};
	const char *name = names[p->kind];

	if (p->kind >= STEP_RESET)
		(void)snprintf(line, size, "%s", name);
	else if (p->kind == STEP_LINE)
		(void)snprintf(line, size, "%s(g, %d, %u, %llu)", name, (s32)p->cpu, p->offset,
		               p->value);
	else if (p->kind == STEP_GICD_READ || p->kind == STEP_GICC_READ)
		(void)snprintf(line, size, "%s(g, %u, %#x, %u) == %#llx", name, p->cpu, p->offset,
		               p->width, p->value);
	else
		(void)snprintf(line, size, "%s(g, %u, %#x, %u, %#llx)", name, p->cpu, p->offset,
		               p->width, p->value);
}

static void printf_like(2, 3) disagree(const struct run *r, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (u64 i = r->nr > REMEMBERED ? r->nr - REMEMBERED : 0; i < r->nr; i++) {
		char line[96];

		print_step(&r->last[i % REMEMBERED], line, sizeof(line));
		print_message("# %llu: %s\n", i + 1, line);
	}
	fail_msg("ROOST_SEED=%llu, %u CPUs, %u interrupts, step %llu: %s", r->seed, r->cfg.nr_cpus,
	         r->cfg.nr_irqs, r->nr, text);
}

static struct step *last_step(struct run *r)
{
	return &r->last[(r->nr - 1) % REMEMBERED];
}

static void read_value(struct run *r, u64 value)
{
	r->hash = (r->hash ^ value) * 0x100000001b3;
	r->hash ^= r->hash >> 29;
}

static void start(struct run *r, u64 seed, u32 cpus, u32 irqs)
{
	memset(r, 0, sizeof(*r));
	r->cfg = (struct gic_config){ .nr_cpus = cpus, .nr_irqs = irqs };
	r->seed = seed;
	assert_int_equal(gic_create(&r->cfg, &r->gic), 0);
	assert_int_equal(gic_create(&r->cfg, &r->other), 0);
	ref_init(&r->ref, &r->cfg);
	steps_init(&r->steps, seed * 0x10001 + cpus * 0x10000 + irqs, &r->cfg);
}

static void end(struct run *r)
{
	gic_destroy(r->gic);
	gic_destroy(r->other);
}

/* An output that changed in silence is an interrupt that does not come. */
static void check_announced(const struct run *r, struct gic *g, const u32 *was)
{
	u32 changed = gic_take_changed(g);

	if (changed >> r->cfg.nr_cpus)
		disagree(r, "gic_take_changed() == %#x", changed);
	for (u32 i = 0; i < r->cfg.nr_cpus; i++)
		if (gic_output(g, i) != was[i] && !(changed >> i & 1))
			disagree(r, "CPU %u's output went from %u to %u, gic_take_changed() == %#x",
			         i, was[i], gic_output(g, i), changed);
}

static void check_outputs(struct run *r)
{
	u32 was[GIC_CPUS_MAX];

	memcpy(was, r->out, sizeof(was));
	for (u32 i = 0; i < r->cfg.nr_cpus; i++) {
		u32 out = gic_output(r->gic, i);

		if (gic_wakes(r->gic, i) !=
		    (ref_highest(&r->ref, i) != GIC_SPURIOUS && ref_read_apr(&r->ref, i) == 0))
			disagree(r, "CPU %u: gic_wakes() == %d", i, gic_wakes(r->gic, i));
		r->out[i] = ref_output(&r->ref, i);
		if (out != r->out[i])
			disagree(r, "CPU %u's output is %u, not %u", i, out, r->out[i]);
		read_value(r, out);
	}
	check_announced(r, r->gic, was);
}

/* Return: the value, which both have. */
static u64 read_both(struct run *r, const struct step *p)
{
	u64 value, wanted;

	if (p->kind == STEP_GICD_READ) {
		value = gicd_read(r->gic, p->cpu, p->offset, p->width);
		wanted = ref_gicd_read(&r->ref, p->cpu, p->offset, p->width);
	} else {
		value = gicc_read(r->gic, p->cpu, p->offset, p->width);
		wanted = ref_gicc_read(&r->ref, p->cpu, p->offset, p->width);
	}
	last_step(r)->value = value;
	read_value(r, value);
	if (value != wanted)
		disagree(r, "%s %#x of CPU %u, %u wide, is %#llx, not %#llx",
		         p->kind == STEP_GICD_READ ? "GICD" : "GICC", p->offset, p->cpu, p->width,
		         value, wanted);
	return value;
}

static void compare(struct run *r, enum step_kind kind, u32 cpu, u32 offset, u32 width)
{
	(void)read_both(r, &(struct step){ kind, cpu, offset, width, 0 });
}

/* But for the two that acknowledge. */
static void compare_all(struct run *r)
{
	for (u32 cpu = 0; cpu < r->cfg.nr_cpus; cpu++) {
		for (u32 offset = 0; offset < GICD_SIZE; offset++) {
			compare(r, STEP_GICD_READ, cpu, offset, 1);
			if (offset % 4 == 0)
				compare(r, STEP_GICD_READ, cpu, offset, 4);
		}
		for (u32 offset = 0; offset < GICC_SIZE; offset += 4)
			if (offset != GICC_IAR && offset != GICC_AIAR)
				compare(r, STEP_GICC_READ, cpu, offset, 4);
	}
}

/* Half of the time into one that has a past. */
static void move(struct run *r)
{
	struct gic_saved saved, again;
	u32 was[GIC_CPUS_MAX];
	struct gic *old;

	if (r->nr % 2) {
		gic_destroy(r->other);
		assert_int_equal(gic_create(&r->cfg, &r->other), 0);
	}
	for (u32 i = 0; i < r->cfg.nr_cpus; i++)
		was[i] = gic_output(r->other, i);
	memset(&saved, 0x55, sizeof(saved));
	memset(&again, 0xaa, sizeof(again));
	gic_save(r->gic, &saved);
	if (gic_load(r->other, &saved) != 0)
		disagree(r, "what was saved cannot be loaded");
	check_announced(r, r->other, was);
	gic_save(r->other, &again);
	if (memcmp(&saved, &again, sizeof(saved)) != 0)
		disagree(r, "loaded, it saves something else");
	old = r->gic;
	r->gic = r->other;
	r->other = old;
}

static void rewind_both(struct run *r)
{
	if (!r->is_kept)
		return;
	if (gic_load(r->gic, &r->kept) != 0)
		disagree(r, "what was saved cannot be loaded");
	r->ref = r->kept_ref;
}

static void keep_both(struct run *r)
{
	gic_save(r->gic, &r->kept);
	r->kept_ref = r->ref;
	r->is_kept = true;
}

static void reset_both(struct run *r)
{
	gic_reset(r->gic);
	ref_reset(&r->ref);
}

static void do_both(struct run *r, struct step *p)
{
	switch (p->kind) {
	case STEP_LINE:
		gic_set_line(r->gic, p->cpu, p->offset, p->value);
		ref_set_line(&r->ref, p->cpu, p->offset, p->value);
		break;
	case STEP_GICD_WRITE:
		gicd_write(r->gic, p->cpu, p->offset, p->width, p->value);
		ref_gicd_write(&r->ref, p->cpu, p->offset, p->width, p->value);
		break;
	case STEP_POKE:
		gicd_poke(r->gic, p->cpu, p->offset, p->width, p->value);
		ref_gicd_poke(&r->ref, p->cpu, p->offset, p->width, p->value);
		break;
	case STEP_GICC_WRITE:
		gicc_write(r->gic, p->cpu, p->offset, p->width, p->value);
		ref_gicc_write(&r->ref, p->cpu, p->offset, p->width, p->value);
		break;
	case STEP_GICD_READ:
	case STEP_GICC_READ:
		p->value = read_both(r, p);
		break;
	case STEP_RESET:
		reset_both(r);
		break;
	case STEP_MOVE:
		move(r);
		break;
	case STEP_KEEP:
		keep_both(r);
		break;
	case STEP_REWIND:
		rewind_both(r);
		break;
	case STEP_COMPARE:
		compare_all(r);
		break;
	}
}

static void step(struct run *r)
{
	struct step p = steps_next(&r->steps);
	u32 out[GIC_CPUS_MAX];
	struct gic_moment m = { &r->before, &r->ref, out, r->out, &p };

	r->nr++;
	*last_step(r) = p;
	r->before = r->ref;
	memcpy(out, r->out, sizeof(out));
	do_both(r, &p);
	check_outputs(r);
	steps_saw(&r->steps, &p);
	memcpy(r->steps.output, r->out, sizeof(r->out));
	cover_step(&r->cover, &m);
}

/* The reference's speed is about that of the interrupts it looks at: each gets the same time. */
static u64 share(u64 all, u32 cpus, u32 irqs)
{
	u64 sum = 0;

	for (size_t c = 0; c < ARRAY_SIZE(all_cpus); c++)
		for (size_t i = 0; i < ARRAY_SIZE(all_irqs); i++)
			sum += 1000000 / (512 + all_cpus[c] * all_irqs[i]);
	return all * (1000000 / (512 + cpus * irqs)) / sum;
}

static void assert_all_covered(const struct gic_coverage *c, u32 cpus, u64 steps)
{
#define POINT(name, needs, text) { needs, text },
	static const struct {
		u32 cpus;
		const char *text;
	} points[] = { GIC_COVERAGE(POINT) };
#undef POINT
	size_t rarest = 0;

	for (size_t i = 0; i < COVER_POINTS; i++)
		if (cpus >= points[i].cpus && c->times[i] < c->times[rarest])
			rarest = i;
	print_message("# %u CPUs: %llu steps; rarest, %llu times: %s\n", cpus, steps,
	              c->times[rarest], points[rarest].text);
	if (c->times[rarest] == 0)
		fail_msg("%u CPUs, never seen: %s", cpus, points[rarest].text);
}

static void tell_apart(u32 cpus)
{
	u64 all = from_environment("ROOST_STEPS", STEPS),
	    seed = from_environment("ROOST_SEED", SEED);
	struct run *r = test_calloc(1, sizeof(*r));
	struct gic_coverage seen = { 0 };
	u64 steps = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all_irqs); i++) {
		u64 n = share(all, cpus, all_irqs[i]);

		start(r, seed, cpus, all_irqs[i]);
		while (r->nr < n)
			step(r);
		compare_all(r);
		end(r);
		for (size_t k = 0; k < COVER_POINTS; k++)
			seen.times[k] += r->cover.times[k];
		steps += n;
	}
	/* A shorter run than ours is to find a place again, not to see everything. */
	if (all >= STEPS)
		assert_all_covered(&seen, cpus, steps);
	test_free(r);
}

static void one_cpu_cannot_tell_it_from_the_reference(void **state)
{
	tell_apart(1);
}

static void two_cpus_cannot_tell_it_from_the_reference(void **state)
{
	tell_apart(2);
}

static void three_cpus_cannot_tell_it_from_the_reference(void **state)
{
	tell_apart(3);
}

static void eight_cpus_cannot_tell_it_from_the_reference(void **state)
{
	tell_apart(8);
}

static u64 hash_of(struct run *r, u64 seed)
{
	start(r, seed, 3, 128);
	while (r->nr < 20000)
		step(r);
	end(r);
	return r->hash;
}

static void the_same_seed_reads_the_same_values(void **state)
{
	struct run *r = test_calloc(1, sizeof(*r));
	u64 once = hash_of(r, 1), twice = hash_of(r, 1), other = hash_of(r, 2);

	test_free(r);
	assert_true(once == twice);
	assert_true(once != other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu_cannot_tell_it_from_the_reference),
		cmocka_unit_test(two_cpus_cannot_tell_it_from_the_reference),
		cmocka_unit_test(three_cpus_cannot_tell_it_from_the_reference),
		cmocka_unit_test(eight_cpus_cannot_tell_it_from_the_reference),
		cmocka_unit_test(the_same_seed_reads_the_same_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
