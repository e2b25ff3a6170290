/* SPDX-License-Identifier: MIT */
#include "tests/unit/config_rig.h"

#include <errno.h>
#include <stdio.h>

#include "machine/config.h"
#include "psci/psci.h"

enum { ALL_VERSIONS = 5 };

/* A kernel, four CPUs, and then these words. */
static int parse(const char *const *words, struct machine_config *cfg)
{
	char *argv[WORDS_MAX + 2] = { (char[]){ "K" }, (char[]){ "-c4" } };
	int argc = 2;

	for (; argc < WORDS_MAX + 2 && words[argc - 2]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 2];
	return config_parse(argc, argv, cfg);
}

/* Everything about power that is not as it is without options. */
static void describe(const struct machine_config *c, char *to, size_t room)
{
	to[0] = '\0';
	add_number(to, room, "psci", c->psci, CONFIG_PSCI_AUTO);
	add_number(to, room, "version", c->psci_version, PSCI_1_1);
	add_number(to, room, "asked", c->has_psci_version, 0);
	add_number(to, room, "extended", c->psci_extended_state_id, 0);
	add_number(to, room, "denied", c->psci_denied, 0);
	for (u32 i = 0; i < c->nr_psci_injects; i++) {
		add_number(to, room, "fn", c->psci_inject[i].fn, ~0ull);
		add_number(to, room, "cpu", c->psci_inject[i].cpu, 0);
		add_number(to, room, "code", (u64)-c->psci_inject[i].code, 0);
		add_number(to, room, "ms", c->psci_inject[i].ms, 0);
	}
	add_number(to, room, "standby", c->idle_standby, 0);
	add_number(to, room, "down", c->idle_power_down, 0);
	add_number(to, room, "reset", c->reset, CONFIG_RESET_EXIT);
	add_number(to, room, "max", c->max_reboots, 0);
	add_number(to, room, "wake", c->wake_on_console, 0);
}

static const struct config_rig rig = { parse, describe };

static void expect_all(const struct accepted *rows, size_t nr, struct caught *c)
{
	expect_accepted(&rig, rows, nr, c);
}

static void each_option_says_what_it_means(void **state)
{
	static const struct accepted rows[] = {
		{ { NULL }, "" },
		{ { "--psci=auto" }, "" },
		{ { "--psci=user" }, "psci=1" },
		{ { "--psci", "kernel" }, "psci=2" },
		{ { "--psci-version=0.2" }, "version=2 asked=1" },
		{ { "--psci-version=1.0" }, "version=65536 asked=1" },
		{ { "--psci-version=1.1" }, "asked=1" },
		{ { "--psci-version", "1.2" }, "version=65538 asked=1" },
		{ { "--psci-version=1.3" }, "version=65539 asked=1" },
		{ { "--psci-extended-stateid" }, "extended=1" },
		{ { "--psci-deny=CPU_OFF" }, "denied=4" },
		{ { "--psci-deny", "PSCI_VERSION" }, "denied=1" },
		{ { "--psci-deny=SYSTEM_OFF2" }, "denied=2097152" },
		{ { "--psci-inject=CPU_ON@3#2-5=DENIED" }, "fn=3 cpu=3 code=3" },
		{ { "--psci-inject", "CPU_ON=pending:100" }, "fn=3 ms=100" },
		{ { "--psci-inject=SYSTEM_SUSPEND=delay:7" }, "fn=14 ms=7" },
		{ { "--idle-states=none" }, "" },
		{ { "--idle-states=standby" }, "standby=1" },
		{ { "--idle-states=power-down" }, "down=1" },
		{ { "--idle-states", "standby,power-down" }, "standby=1 down=1" },
		{ { "--reset=exit" }, "" },
		{ { "--reset=reboot" }, "reset=1" },
		{ { "--reset", "reboot:1" }, "reset=1 max=1" },
		{ { "--reset=reboot:0x10" }, "reset=1 max=16" },
		{ { "--reset=reboot:4294967295" }, "reset=1 max=4294967295" },
		{ { "--reset=pause" }, "reset=2" },
		{ { "--wake=console" }, "wake=1" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

static void the_last_one_counts_and_denials_and_injections_add(void **state)
{
	static const struct accepted rows[] = {
		{ { "--psci=kernel", "--psci=user" }, "psci=1" },
		{ { "--psci-version=0.2", "--psci-version=1.3" }, "version=65539 asked=1" },
		{ { "--psci-extended-stateid", "--no-psci-extended-stateid" }, "" },
		{ { "--psci-deny=CPU_OFF", "--psci-deny=CPU_ON", "--psci-deny=CPU_OFF" },
		  "denied=12" },
		{ { "--psci-inject=CPU_ON=DENIED", "--psci-inject=CPU_ON=DENIED" },
		  "fn=3 code=3 fn=3 code=3" },
		{ { "--idle-states=standby,power-down", "--idle-states=none" }, "" },
		{ { "--idle-states=standby", "--idle-states=power-down" }, "down=1" },
		{ { "--reset=reboot:5", "--reset=reboot" }, "reset=1" },
		{ { "--reset=reboot:5", "--reset=pause" }, "reset=2" },
		{ { "--reset=reboot:5", "--reset=exit" }, "" },
		{ { "--wake=console", "--wake=console" }, "wake=1" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

static void combinations_that_make_sense_are_taken(void **state)
{
	static const struct accepted rows[] = {
		{ { "--psci=kernel", "--idle-states=standby" }, "psci=2 standby=1" },
		{ { "--psci=kernel", "--wake=console", "--reset=reboot" },
		  "psci=2 reset=1 wake=1" },
		{ { "--psci=kernel", "--psci-version=1.0" }, "psci=2 version=65536 asked=1" },
		{ { "--psci-deny=CPU_OFF", "--psci=kernel", "--psci=auto" }, "denied=4" },
		{ { "--psci-version=0.2", "--idle-states=standby,power-down" },
		  "version=2 asked=1 standby=1 down=1" },
		/* What is not there anyway may be denied. */
		{ { "--psci-version=0.2", "--psci-deny=SYSTEM_OFF2" },
		  "version=2 asked=1 denied=2097152" },
		{ { "--psci-version=1.3", "--psci-inject=SYSTEM_OFF2=DENIED" },
		  "version=65539 asked=1 fn=21 code=3" },
		{ { "--psci-inject=CPU_ON@3=DENIED" }, "fn=3 cpu=3 code=3" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

struct refused {
	const char *words[WORDS_MAX];
	const char *line; /* how it begins */
};

static void expect_refusals(const struct refused *rows, size_t nr, struct caught *c)
{
	for (size_t i = 0; i < nr; i++) {
		struct machine_config cfg;
		int err = parse(rows[i].words, &cfg);
		const char *text = caught_text(c);

		if (err != -EINVAL || !caught_one_line(text) ||
		    strncmp(text + 9, rows[i].line, strlen(rows[i].line)) != 0)
			fail_msg("row %zu, '%s': %d, %s", i, rows[i].line, err, text);
		config_done(&cfg);
	}
}

static void a_value_that_is_none_is_refused(void **state)
{
	static const struct refused rows[] = {
		{ { "--psci=yes" }, "--psci 'yes': not auto|user|kernel" },
		{ { "--psci=" }, "--psci '': not auto" },
		{ { "--psci-version=1" }, "--psci-version '1': not 0.2|1.0|1.1|1.2|1.3" },
		{ { "--psci-version=1.4" }, "--psci-version '1.4': not 0.2" },
		{ { "--psci-extended-stateid=1" }, "--psci-extended-stateid '1': takes no value" },
		{ { "--psci-deny=cpu_on" }, "--psci-deny 'cpu_on': not one of PSCI_VERSION, CPU" },
		{ { "--psci-deny=CPU_" }, "--psci-deny 'CPU_': not one of" },
		{ { "--psci-deny=" }, "--psci-deny '': not one of" },
		{ { "--psci-deny=CPU_ON,CPU_OFF" }, "--psci-deny 'CPU_ON,CPU_OFF': not one of" },
		{ { "--psci-inject=" }, "--psci-inject '': " },
		{ { "--psci-inject=CPU_ON" }, "--psci-inject 'CPU_ON': " },
		{ { "--psci-inject=CPU_ON=WHAT" }, "--psci-inject 'CPU_ON=WHAT': " },
		{ { "--psci-inject=CPU_ON#0=DENIED" }, "--psci-inject 'CPU_ON#0=DENIED': " },
		{ { "--idle-states=" }, "--idle-states '': not none|standby|power-down|standby,p" },
		{ { "--idle-states=standby," }, "--idle-states 'standby,': not none" },
		{ { "--idle-states=power-down,standby" }, "--idle-states 'power-down,standby'" },
		{ { "--reset=" }, "--reset '': not exit|reboot[:N]|pause" },
		{ { "--reset=halt" }, "--reset 'halt': not exit|reboot[:N]|pause" },
		{ { "--reset=reboots" }, "--reset 'reboots': not exit" },
		{ { "--reset=reboot:" },
		  "--reset 'reboot:': N is not a number from 1 to 42949672" },
		{ { "--reset=reboot:0" }, "--reset 'reboot:0': N is not a number from 1" },
		{ { "--reset=reboot:4294967296" }, "--reset 'reboot:4294967296': N is not" },
		{ { "--reset=reboot:-1" }, "--reset 'reboot:-1': N is not" },
		{ { "--reset=exit:1" }, "--reset 'exit:1': not exit" },
		{ { "--wake=" }, "--wake '': not console" },
		{ { "--wake=rtc" }, "--wake 'rtc': not console" },
	};

	expect_refusals(rows, ARRAY_SIZE(rows), *state);
}

static void combinations_that_make_no_sense_are_refused(void **state)
{
	static const struct refused rows[] = {
		{ { "--psci=kernel", "--psci-deny=CPU_OFF" },
		  "--psci 'kernel': --psci-deny needs --psci user" },
		{ { "--psci-inject=CPU_ON=DENIED", "--psci=kernel" },
		  "--psci 'kernel': --psci-inject needs --psci user" },
		{ { "--psci=kernel", "--psci-extended-stateid" },
		  "--psci 'kernel': --psci-extended-stateid needs --psci user" },
		{ { "--psci=kernel", "--idle-states=power-down" },
		  "--psci 'kernel': --idle-states power-down needs --psci user" },
		{ { "--psci=kernel", "--idle-states=standby,power-down" },
		  "--psci 'kernel': --idle-states power-down needs" },
		{ { "--psci-version=0.2", "--psci-extended-stateid" },
		  "--psci-extended-stateid: without PSCI_FEATURES" },
		{ { "--psci-deny=PSCI_FEATURES", "--psci-extended-stateid" },
		  "--psci-extended-stateid: without PSCI_FEATURES" },
		{ { "--psci-deny=CPU_SUSPEND", "--idle-states=standby" },
		  "--idle-states: CPU_SUSPEND is not offered" },
		{ { "--psci-deny=CPU_SUSPEND", "--idle-states=power-down" },
		  "--idle-states: CPU_SUSPEND is not offered" },
		{ { "--psci-version=0.2", "--wake=console" },
		  "--wake: SYSTEM_SUSPEND is not offered" },
		{ { "--psci=kernel", "--psci-version=0.2", "--wake=console" },
		  "--wake: SYSTEM_SUSPEND is not offered" },
		{ { "--psci-deny=SYSTEM_SUSPEND", "--wake=console" },
		  "--wake: SYSTEM_SUSPEND is not offered" },
		{ { "--psci-inject=CPU_ON@4=DENIED" },
		  "--psci-inject 'CPU_ON': there is no CPU 4 of 4" },
		{ { "--psci-inject=SYSTEM_OFF2=DENIED" },
		  "--psci-inject 'SYSTEM_OFF2': not offered" },
		{ { "--psci-inject=CPU_ON=DENIED", "--psci-deny=CPU_ON" },
		  "--psci-inject 'CPU_ON': not offered" },
		{ { "--psci-inject=CPU_ON=DENIED", "--psci-inject=CPU_ON@9=DENIED" },
		  "--psci-inject 'CPU_ON': there is no CPU 9" },
	};

	expect_refusals(rows, ARRAY_SIZE(rows), *state);
}

static void a_function_that_is_none_gets_the_whole_list(void **state)
{
	struct machine_config cfg;
	const char *text;

	assert_int_equal(parse((const char *[]){ "--psci-deny=X", NULL }, &cfg), -EINVAL);
	config_done(&cfg);
	text = caught_text(*state);
	assert_true(caught_one_line(text));
	for (u32 fn = 0; fn < PSCI_FN_MAX; fn++) {
		const char *name = psci_fn_name(0x84000000 | fn);

		if (name && !strstr(text, name))
			fail_msg("no %s in %s", name, text);
	}
}

static void every_function_can_be_denied_in_every_version(void **state)
{
	static const char *const versions[ALL_VERSIONS] = { "0.2", "1.0", "1.1", "1.2", "1.3" };

	for (u32 fn = 0; fn < PSCI_FN_MAX; fn++) {
		const char *name = psci_fn_name(0x84000000 | fn);

		for (size_t i = 0; name && i < ALL_VERSIONS; i++) {
			char deny[64], version[64];
			struct machine_config cfg;

			(void)snprintf(deny, sizeof(deny), "--psci-deny=%s", name);
			(void)snprintf(version, sizeof(version), "--psci-version=%s", versions[i]);
			assert_int_equal(parse((const char *[]){ deny, version, NULL }, &cfg), 0);
			assert_int_equal(cfg.psci_denied, 1u << fn);
			config_done(&cfg);
		}
	}
}

static void sixteen_injections_are_taken_and_no_more(void **state)
{
	char *argv[2 + PSCI_INJECT_MAX], word[] = "--psci-inject=CPU_OFF=DENIED";
	struct machine_config cfg;

	argv[0] = (char[]){ "K" };
	for (size_t i = 1; i < ARRAY_SIZE(argv); i++)
		argv[i] = word;
	assert_int_equal(config_parse(1 + PSCI_INJECT_MAX, argv, &cfg), 0);
	assert_int_equal(cfg.nr_psci_injects, PSCI_INJECT_MAX);
	config_done(&cfg);
	assert_int_equal(config_parse(2 + PSCI_INJECT_MAX, argv, &cfg), -EINVAL);
	config_done(&cfg);
	assert_string_equal(caught_text(*state) + 9,
	                    "--psci-inject 'CPU_OFF=DENIED': more than 16 injections\n");
}

#define CAUGHT_TEST(f) cmocka_unit_test_setup_teardown(f, caught_setup, caught_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAUGHT_TEST(each_option_says_what_it_means),
		CAUGHT_TEST(the_last_one_counts_and_denials_and_injections_add),
		CAUGHT_TEST(combinations_that_make_sense_are_taken),
		CAUGHT_TEST(a_value_that_is_none_is_refused),
		CAUGHT_TEST(combinations_that_make_no_sense_are_refused),
		CAUGHT_TEST(a_function_that_is_none_gets_the_whole_list),
		CAUGHT_TEST(every_function_can_be_denied_in_every_version),
		CAUGHT_TEST(sixteen_injections_are_taken_and_no_more),
	};

	return cmocka_run_group_tests_name("config_power", tests, NULL, NULL);
}
