/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CONFIG_RIG_H
#define TESTS_UNIT_CONFIG_RIG_H

#include "tests/unit/caught.h"

#include <stdio.h>

#include "machine/config.h"

/* Command lines that are taken, and what they mean, as text. */
enum { WORDS_MAX = 8 };

struct accepted {
	const char *words[WORDS_MAX];
	const char *means; /* as describe() writes it */
};

/* What a file of tests parses, and what of the result it looks at. */
struct config_rig {
	int (*parse)(const char *const *words, struct machine_config *cfg);
	void (*describe)(const struct machine_config *cfg, char *to, size_t room);
};

static inline void add(char *to, size_t room, const char *name, const char *value)
{
	size_t at = strlen(to);

	if (value)
		(void)snprintf(to + at, room - at, "%s%s=%s", at ? " " : "", name, value);
}

static inline void add_number(char *to, size_t room, const char *name, u64 value, u64 usual)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", value);
	add(to, room, name, value == usual ? NULL : text);
}

static inline void expect_accepted(const struct config_rig *r, const struct accepted *rows,
                                   size_t nr, struct caught *c)
{
	for (size_t i = 0; i < nr; i++) {
		struct machine_config cfg;
		char text[1024];

		if (r->parse(rows[i].words, &cfg) < 0)
			fail_msg("row %zu, '%s ...': %s", i, rows[i].words[0], caught_text(c));
		r->describe(&cfg, text, sizeof(text));
		if (strcmp(text, rows[i].means) != 0)
			fail_msg("row %zu, '%s ...': '%s'", i, rows[i].words[0], text);
		config_done(&cfg);
	}
	assert_string_equal(caught_text(c), "");
}

#endif /* TESTS_UNIT_CONFIG_RIG_H */
