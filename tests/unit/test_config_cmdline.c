/* SPDX-License-Identifier: MIT */
#include "tests/unit/caught.h"

#include <errno.h>

#include "machine/config.h"

enum { KEPT = 2047 }; /* COMMAND_LINE_SIZE of arm64 Linux without the NUL */

/* A configuration as config_parse() would leave it; params are the caller's. */
static struct machine_config with(char *params, u32 disks)
{
	return (struct machine_config){ .params = params, .nr_disks = disks };
}

static void expect(const struct machine_config *cfg, const char *want)
{
	char *line = NULL;

	assert_int_equal(config_cmdline(cfg, &line), 0);
	if (strcmp(line, want) != 0)
		fail_msg("'%s': '%s', not '%s'", cfg->params, line, want);
	free(line);
}

static void defaults_stand_before_params_unless_params_have_them(void **state)
{
	static const struct {
		char params[64];
		u32 disks;
		const char *line;
	} rows[] = {
		{ "", 0, "console=ttyS0" },
		{ "", 1, "console=ttyS0 root=/dev/vda" },
		{ "quiet", 0, "console=ttyS0 quiet" },
		{ "quiet", 2, "console=ttyS0 root=/dev/vda quiet" },
		{ " quiet ", 0, "console=ttyS0  quiet " },
		{ "console=ttyS1", 0, "console=ttyS1" },
		{ "quiet console=hvc0", 0, "quiet console=hvc0" },
		{ "console=", 0, "console=" },
		{ "quiet\tconsole=x", 0, "quiet\tconsole=x" },
		{ "quiet\nconsole=x", 0, "quiet\nconsole=x" },
		{ "netconsole=1", 0, "console=ttyS0 netconsole=1" },
		{ "console", 0, "console=ttyS0 console" },
		{ "consoleblank=0", 0, "console=ttyS0 consoleblank=0" },
		{ "Console=x", 0, "console=ttyS0 Console=x" },
		{ "a=\"b console=x\"", 0, "console=ttyS0 a=\"b console=x\"" },
		{ "a=\"b c\" console=x", 0, "a=\"b c\" console=x" },
		{ "a=\"b\"console=x", 0, "console=ttyS0 a=\"b\"console=x" },
		{ "\"console=x y\"", 0, "\"console=x y\"" },
		{ "a=\" console=x", 0, "console=ttyS0 a=\" console=x" },
		{ "-- console=x", 0, "console=ttyS0 -- console=x" },
		{ "console=x -- y", 0, "console=x -- y" },
		{ "--console=x", 0, "console=ttyS0 --console=x" },
		{ "root=/dev/vdb", 1, "console=ttyS0 root=/dev/vdb" },
		{ "rootwait ro", 1, "console=ttyS0 root=/dev/vda rootwait ro" },
		{ "nfsroot=x", 1, "console=ttyS0 root=/dev/vda nfsroot=x" },
		{ "root=UUID=1 console=x", 1, "root=UUID=1 console=x" },
		{ "console=x", 1, "root=/dev/vda console=x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char params[64];
		struct machine_config cfg = with(params, rows[i].disks);

		memcpy(params, rows[i].params, sizeof(params));
		expect(&cfg, rows[i].line);
	}
}

static void virtio_console_is_hvc0(void **state)
{
	char params[] = "quiet";
	struct machine_config cfg = with(params, 0);

	cfg.console = CONFIG_CONSOLE_VIRTIO;
	expect(&cfg, "console=hvc0 quiet");
}

static void nodefaults_leaves_params_untouched(void **state)
{
	char empty[] = "", words[] = "  a \"b  ";
	struct machine_config cfg = with(empty, 1);

	cfg.nodefaults = true;
	expect(&cfg, "");
	cfg.params = words;
	expect(&cfg, words);
}

static void line_longer_than_linux_keeps_is_refused(void **state)
{
	static const struct {
		bool nodefaults;
		size_t len; /* of params */
		int err;
	} rows[] = {
		{ true, KEPT, 0 },       { true, KEPT + 1, -E2BIG },   { true, 100000, -E2BIG },
		{ false, KEPT - 14, 0 }, { false, KEPT - 13, -E2BIG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *params = test_calloc(1, rows[i].len + 1), *line = NULL;
		struct machine_config cfg = with(params, 0);
		const char *text;
		int err;

		memset(params, 'p', rows[i].len);
		cfg.nodefaults = rows[i].nodefaults;
		err = config_cmdline(&cfg, &line);
		text = caught_text(*state);
		if (err != rows[i].err || (err < 0) != caught_one_line(text) ||
		    (err < 0) != !line || (err < 0 && !strstr(text, "--params: ")) ||
		    (line && strlen(line) > KEPT))
			fail_msg("row %zu: %d, %s", i, err, text);
		free(line);
		test_free(params);
	}
}

#define CAUGHT_TEST(f) cmocka_unit_test_setup_teardown(f, caught_setup, caught_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_stand_before_params_unless_params_have_them),
		cmocka_unit_test(virtio_console_is_hvc0),
		cmocka_unit_test(nodefaults_leaves_params_untouched),
		CAUGHT_TEST(line_longer_than_linux_keeps_is_refused),
	};

	return cmocka_run_group_tests_name("config_cmdline", tests, NULL, NULL);
}
