/* SPDX-License-Identifier: MIT */
#include "tests/unit/caught.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "machine/base/compiler.h"
#include "machine/base/log.h"

static int teardown(void **state)
{
	log_set_level(LOG_WARN);
	return caught_teardown(state);
}

static void line_has_the_words_of_its_level(void **state)
{
	static const struct {
		enum log_level lvl;
		const char *line;
	} rows[] = {
		{ LOG_ERROR, "  Fatal: a disk 7\n" },
		{ LOG_WARN, "  Warning: a disk 7\n" },
		{ LOG_INFO, "  Info: a disk 7\n" },
		{ LOG_DEBUG, "  Debug: a disk 7\n" },
	};

	log_set_level(LOG_DEBUG);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		log_at(rows[i].lvl, "a %s %d", "disk", 7);
		assert_string_equal(caught_text(*state), rows[i].line);
	}
}

static void level_lets_through_what_is_at_least_as_grave(void **state)
{
	static const enum log_level levels[] = { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

	for (size_t set = 0; set < ARRAY_SIZE(levels); set++) {
		log_set_level(levels[set]);
		for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
			bool seen;

			log_at(levels[i], "x");
			seen = caught_text(*state)[0] != '\0';
			if (seen != (levels[i] <= levels[set]))
				fail_msg("level %zu, line of level %zu: %d", set, i, seen);
		}
	}
}

static void info_and_debug_are_off_unless_asked_for(void **state)
{
	log_at(LOG_INFO, "x");
	log_at(LOG_DEBUG, "x");
	assert_string_equal(caught_text(*state), "");
	log_at(LOG_WARN, "x");
	assert_string_equal(caught_text(*state), "  Warning: x\n");
}

static void log_errno_says_what_the_number_means_and_hands_it_back(void **state)
{
	assert_int_equal(log_errno(-ENOENT, "open '%s'", "k"), -ENOENT);
	assert_string_equal(caught_text(*state), "  Fatal: open 'k': No such file or directory\n");
}

static void log_refuse_prints_the_reason_alone_and_hands_the_number_back(void **state)
{
	assert_int_equal(log_refuse(-EINVAL, "--cpus %d: too many", 900), -EINVAL);
	assert_string_equal(caught_text(*state), "  Fatal: --cpus 900: too many\n");
}

static void message_of_any_length_is_one_line(void **state)
{
	char longest[4096];
	const char *line;

	memset(longest, 'y', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(log_errno(-EIO, "%s", longest), -EIO);
	line = caught_text(*state);
	assert_memory_equal(line, "  Fatal: yyyy", 13);
	assert_string_equal(strstr(line, ": Input"), ": Input/output error\n");
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void *hundred_lines(void *arg)
{
	for (int i = 0; i < 100; i++)
		log_at(LOG_ERROR, "abcdefghijklmnopqrstuvwxyz");
	return NULL;
}

static void a_name_with_control_characters_stays_on_its_line(void **state)
{
	(void)log_refuse(-EINVAL, "disk '%s'", "a\nb\x1b[2Jc\x7f\xc3\xa4");
	assert_string_equal(caught_text(*state), "  Fatal: disk 'a?b?[2Jc?\xc3\xa4'\n");
}

static void lines_of_two_threads_do_not_mix(void **state)
{
	static const char line[] = "  Fatal: abcdefghijklmnopqrstuvwxyz\n";
	const size_t len = sizeof(line) - 1;
	const char *text;
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, hundred_lines, NULL), 0);
	(void)hundred_lines(NULL);
	assert_int_equal(pthread_join(t, NULL), 0);

	text = caught_text(*state);
	assert_int_equal(strlen(text), 200 * len);
	for (size_t i = 0; i < 200; i++)
		assert_memory_equal(text + i * len, line, len);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, caught_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(line_has_the_words_of_its_level),
		LOG_TEST(level_lets_through_what_is_at_least_as_grave),
		LOG_TEST(info_and_debug_are_off_unless_asked_for),
		LOG_TEST(log_errno_says_what_the_number_means_and_hands_it_back),
		LOG_TEST(log_refuse_prints_the_reason_alone_and_hands_the_number_back),
		LOG_TEST(message_of_any_length_is_one_line),
		LOG_TEST(a_name_with_control_characters_stays_on_its_line),
		LOG_TEST(lines_of_two_threads_do_not_mix),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
