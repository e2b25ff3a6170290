/* SPDX-License-Identifier: MIT */
/*
 * model [long | NAME]...: look at every interleaving of the scenarios, those for
 * a long look as well, or of these only. TAP; the time and the numbers are comments.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/model/scenarios.h"

static bool wanted(const struct model_scenario *s, int argc, char **argv)
{
	bool named = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], s->name))
			return true;
		if (!strcmp(argv[i], "long"))
			return true;
		named = true;
	}
	return s->quick && !named;
}

static double seconds(void)
{
	struct timespec ts;

	must0(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Return: is all well. */
static bool run(const struct model_scenario *s, u32 n)
{
	double began = seconds();
	struct model_result r = model_explore(s);

	if (r.limit)
		printf("# %s: not all was looked at: %s\n", s->name, r.limit);
	printf("# %u states, %llu steps, %u steps deep, %.2f s\n", r.states, r.steps, r.depth,
	       seconds() - began);
	printf("%s %u - %s\n", r.failed ? "not ok" : "ok", n, s->name);
	(void)fflush(stdout);
	return !r.failed;
}

int main(int argc, char **argv)
{
	const struct model_scenario *lists[] = { gate_scenarios, held_scenarios, line_scenarios,
		                                 power_scenarios, system_scenarios };
	bool well = true;
	u32 n = 0;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (const struct model_scenario *s = lists[l]; s->name; s++)
			if (wanted(s, argc, argv))
				well = run(s, ++n) && well;
	printf("1..%u\n", n);
	return well && n ? 0 : 1;
}
