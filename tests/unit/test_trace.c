/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/trace.h"
#include "tests/unit/caught.h"

/* A strict reader of JSON, as far as the trace uses it: numbers are integers. */
static const char *skip_value(const char *s);

static const char *skip_word(const char *s, const char *word)
{
	return s && strncmp(s, word, strlen(word)) == 0 ? s + strlen(word) : NULL;
}

static const char *skip_string(const char *s)
{
	s = skip_word(s, "\"");
	while (s && *s && *s != '"' && *s != '\\' && (unsigned char)*s >= 0x20)
		s++;
	return skip_word(s, "\"");
}

static const char *skip_number(const char *s)
{
	const char *digits = *s == '-' ? s + 1 : s;
	size_t n = strspn(digits, "0123456789");

	return n == 0 || (n > 1 && digits[0] == '0') ? NULL : digits + n;
}

static const char *skip_array(const char *s)
{
	s = skip_word(s, "[");
	if (skip_word(s, "]"))
		return s + 1;
	for (s = skip_value(s); skip_word(s, ",");)
		s = skip_value(s + 1);
	return skip_word(s, "]");
}

/* What stands behind the value that @s begins with; NULL: it begins with none. */
static const char *skip_value(const char *s)
{
	if (!s)
		return NULL;
	if (*s == '"')
		return skip_string(s);
	if (*s == '[')
		return skip_array(s);
	if (*s == '-' || isdigit((unsigned char)*s))
		return skip_number(s);
	if (skip_word(s, "true"))
		return s + 4;
	return skip_word(s, *s == 'n' ? "null" : "false");
}

static const char *skip_member(const char *s)
{
	return skip_value(skip_word(skip_string(s), ":"));
}

/* Return: what stands behind an object and its newline. */
static const char *skip_object_line(const char *s)
{
	s = skip_member(skip_word(s, "{"));
	while (skip_word(s, ","))
		s = skip_member(s + 1);
	return skip_word(s, "}\n");
}

/* The value of a member that the line must have, from its first line on. */
static u64 number_of(const char *line, const char *name)
{
	char key[40];
	const char *at;

	(void)snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(line, key);
	if (!at)
		fail_msg("no %s in %s", name, line);
	return strtoull(at + strlen(key), NULL, 10);
}

struct fixture {
	int fd;
	char path[40];
	struct trace *t;
	char text[4 * 1024 * 1024];
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->fd = memfd_create("trace", MFD_CLOEXEC);
	assert_true(f->fd >= 0);
	(void)snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
	assert_int_equal(trace_open(f->path, &f->t), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	trace_close(f->t);
	(void)close(f->fd);
	test_free(f);
	return 0;
}

/* Each line is an object that begins with the time, and time does not go back. Return: lines. */
static size_t check_lines(struct fixture *f, bool in_order)
{
	ssize_t n = pread(f->fd, f->text, sizeof(f->text) - 1, 0);
	const char *next, *at = f->text;
	size_t lines = 0;
	u64 last = 0;

	assert_true(n >= 0);
	f->text[n] = '\0';
	for (; *at; at = next, lines++) {
		u64 t;

		next = skip_object_line(at);
		if (!next || !skip_word(at, "{\"t\":"))
			fail_msg("line %zu is none: %.300s", lines, at);
		t = number_of(at, "t");
		assert_true(t < 600 * 1000000000ull);
		if (in_order && t < last)
			fail_msg("line %zu: %llu after %llu", lines, t, last);
		last = t;
	}
	return lines;
}

/* The one line that there is must go on like this behind its time. */
static void expect_line(struct fixture *f, const char *rest)
{
	assert_int_equal(check_lines(f, true), 1);
	if (strcmp(strchr(f->text, ','), rest) != 0)
		fail_msg("%sis not %s", f->text, rest);
	assert_int_equal(ftruncate(f->fd, 0), 0);
}

#define RETURN(v)                                                                                  \
	{                                                                                          \
		.then = PSCI_RETURN, .value = (u64)(s64)(v)                                        \
	}
#define TAKEN                                                                                      \
	{                                                                                          \
		.then = PSCI_TAKEN                                                                 \
	}

static void a_call_has_all_that_is_known_of_it(void **state)
{
	static const struct {
		struct vcpu_psci_call call;
		const char *line; /* from the function on */
	} rows[] = {
		{ { .fid = 0xc4000003,
		    .arg = { 0x101, ~0ull, 0 },
		    .nr_args = 3,
		    .result = RETURN(PSCI_SUCCESS),
		    .target = 17,
		    .target_before = POWER_OFF,
		    .target_after = POWER_ON },
		  "\"CPU_ON\",\"id\":\"0xc4000003\","
		  "\"args\":[\"0x101\",\"0xffffffffffffffff\",\"0x0\"],\"result\":\"SUCCESS\","
		  "\"injected\":false,\"before\":\"ON\",\"after\":\"ON\",\"target\":17,"
		  "\"target_before\":\"OFF\",\"target_after\":\"ON\"}\n" },
		{ { .fid = 0x84000003,
		    .nr_args = 3,
		    .result = RETURN(PSCI_DENIED),
		    .injected = true,
		    .target = 0 },
		  "\"CPU_ON\",\"id\":\"0x84000003\",\"args\":[\"0x0\",\"0x0\",\"0x0\"],"
		  "\"result\":\"DENIED\",\"injected\":true,\"before\":\"ON\",\"after\":\"ON\","
		  "\"target\":0,\"target_before\":\"ON\",\"target_after\":\"ON\"}\n" },
		{ { .fid = 0x84000002, .result = TAKEN, .after = POWER_OFF, .target = -1 },
		  "\"CPU_OFF\",\"id\":\"0x84000002\",\"args\":[],\"result\":\"TAKEN\","
		  "\"injected\":false,\"before\":\"ON\",\"after\":\"OFF\"}\n" },
		{ { .fid = 0x84000004,
		    .arg = { 5, 1 },
		    .nr_args = 2,
		    .result = RETURN(PSCI_INVALID_PARAMETERS),
		    .target = -ENOENT },
		  "\"AFFINITY_INFO\",\"id\":\"0x84000004\",\"args\":[\"0x5\",\"0x1\"],"
		  "\"result\":\"INVALID_PARAMETERS\",\"injected\":false,\"before\":\"ON\","
		  "\"after\":\"ON\"}\n" },
		{ { .fid = 0x86000000, .result = RETURN(PSCI_NOT_SUPPORTED), .target = -1 },
		  "null,\"id\":\"0x86000000\",\"args\":[],\"result\":\"NOT_SUPPORTED\","
		  "\"injected\":false,\"before\":\"ON\",\"after\":\"ON\"}\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[600];

		trace_call(((struct fixture *)*state)->t, 3, &rows[i].call);
		(void)snprintf(line, sizeof(line), ",\"event\":\"call\",\"cpu\":3,\"function\":%s",
		               rows[i].line);
		expect_line(*state, line);
	}
}

static void a_result_is_a_number_where_the_function_answers_one(void **state)
{
	static const struct {
		u32 fid;
		s64 value;
		const char *result;
	} rows[] = {
		{ 0x84000000, PSCI_1_1, "65537" },
		{ 0x84000004, 0, "0" },
		{ 0xc4000004, 1, "1" },
		{ 0x84000004, PSCI_DISABLED, "\"DISABLED\"" },
		{ 0x84000006, 2, "2" },
		{ 0x8400000a, 0, "0" },
		{ 0x8400000a, -1, "\"NOT_SUPPORTED\"" },
		{ 0x8400000d, 0, "0" },
		{ 0xc4000010, 0x7fffffffffffffff, "9223372036854775807" },
		{ 0x84000010, -100, "-100" },
		{ 0x84000011, 0, "0" },
		{ 0x84000013, 0, "0" },
		{ 0x84000014, 0, "\"SUCCESS\"" },
		{ 0x8400000f, 0, "\"SUCCESS\"" },
		{ 0x84000001, 0, "\"SUCCESS\"" },
		{ 0x84000003, 7, "7" }, /* never: but it is shown as it is */
		{ 0x84000003, -10, "-10" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct vcpu_psci_call c = { .fid = rows[i].fid,
			                          .result = RETURN(rows[i].value),
			                          .target = -1 };
		char want[64];

		trace_call(f->t, 0, &c);
		assert_int_equal(check_lines(f, true), 1);
		(void)snprintf(want, sizeof(want), "\"result\":%s,", rows[i].result);
		if (!strstr(f->text, want))
			fail_msg("row %zu: no %s in %s", i, want, f->text);
		assert_int_equal(ftruncate(f->fd, 0), 0);
	}
}

static void a_change_names_the_states_and_its_reason(void **state)
{
	struct fixture *f = *state;

	trace_change(f->t, &(struct power_change){ .seq = 18446744073709551615ull,
	                                           .cpu = 511,
	                                           .from = POWER_ON_PENDING,
	                                           .to = POWER_SUSPENDED,
	                                           .why = "cpu_suspend" });
	expect_line(f, ",\"event\":\"state\",\"seq\":18446744073709551615,\"cpu\":511,"
	               "\"from\":\"ON_PENDING\",\"to\":\"SUSPENDED\",\"why\":\"cpu_suspend\"}\n");
}

static void a_decision_names_the_call_that_asked_for_it(void **state)
{
	static const struct {
		enum psci_system_kind kind;
		const char *what;
	} rows[] = {
		{ PSCI_SYSTEM_OFF, "SYSTEM_OFF" },        { PSCI_SYSTEM_RESET, "SYSTEM_RESET" },
		{ PSCI_SYSTEM_RESET2, "SYSTEM_RESET2" },  { PSCI_SYSTEM_SUSPEND, "SYSTEM_SUSPEND" },
		{ PSCI_SYSTEM_HIBERNATE, "SYSTEM_OFF2" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[300];

		trace_decision(f->t, &(struct trace_decision){ .cpu = 2,
		                                               .kind = rows[i].kind,
		                                               .result = "reboot",
		                                               .held = 7,
		                                               .hold_ns = 12345678901,
		                                               .held_ns = 99 });
		(void)snprintf(line, sizeof(line),
		               ",\"event\":\"decision\",\"cpu\":2,\"what\":\"%s\","
		               "\"result\":\"reboot\",\"held\":7,\"hold_ns\":12345678901,"
		               "\"held_ns\":99}\n",
		               rows[i].what);
		expect_line(f, line);
	}
}

static void a_wake_up_names_who_did_it(void **state)
{
	struct fixture *f = *state;

	trace_wake(f->t, 0, "SIGUSR1");
	expect_line(f, ",\"event\":\"wake\",\"cpu\":0,\"by\":\"SIGUSR1\"}\n");
}

static void a_file_that_was_there_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	struct trace *again = NULL;

	trace_wake(f->t, 0, "console");
	assert_int_equal(trace_open(f->path, &again), 0);
	assert_int_equal(check_lines(f, true), 0);
	trace_wake(again, 1, "interrupt");
	trace_close(again);
	expect_line(f, ",\"event\":\"wake\",\"cpu\":1,\"by\":\"interrupt\"}\n");
}

static void without_a_trace_nothing_happens(void **state)
{
	trace_call(NULL, 0, &(struct vcpu_psci_call){ .fid = 0x84000000 });
	trace_change(NULL, &(struct power_change){ .why = "reset" });
	trace_decision(NULL, &(struct trace_decision){ .result = "exit" });
	trace_wake(NULL, 0, "console");
	trace_close(NULL);
}

static void a_file_that_cannot_be_opened_is_told_with_its_name(void **state)
{
	struct trace *t = NULL;
	struct caught said;
	int err;

	caught_begin(&said);
	err = trace_open("/proc/self/no\nfile", &t);
	if (caught_end(&said) != 1 || err != -ENOENT || t ||
	    !strstr(said.text, "--trace-power '/proc/self/no?file': No such file"))
		fail_msg("%d: %s", err, said.text);
}

static void a_full_disk_is_told_once_and_ends_the_trace(void **state)
{
	struct trace *t = NULL;
	struct caught said;
	size_t lines;

	if (access("/dev/full", W_OK) != 0)
		skip_because("there is no /dev/full");
	assert_int_equal(trace_open("/dev/full", &t), 0);
	caught_begin(&said);
	for (int i = 0; i < 3; i++)
		trace_wake(t, 0, "console");
	lines = caught_end(&said);
	trace_close(t);
	if (lines != 1 ||
	    !strstr(said.text, "--trace-power '/dev/full' ends here: No space left on device"))
		fail_msg("%zu lines: %s", lines, said.text);
}

enum { THREADS = 4, ROUNDS = 1000 };

/* Lines of very different length, so that one that is not whole shows. */
static void *write_many(void *arg)
{
	struct trace *t = arg;
	const struct vcpu_psci_call c = {
		.fid = 0xc4000003, .arg = { ~0ull, ~0ull, ~0ull }, .nr_args = 3, .target = 1
	};

	for (u32 i = 0; i < ROUNDS; i++) {
		trace_call(t, i, &c);
		trace_wake(t, i, "console");
	}
	return NULL;
}

static void lines_of_several_threads_are_whole(void **state)
{
	struct fixture *f = *state;
	pthread_t thread[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, write_many, f->t), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(check_lines(f, false), 2 * THREADS * ROUNDS);
}

static void the_reader_of_this_test_is_strict(void **state)
{
	static const struct {
		const char *line;
		bool good;
	} rows[] = {
		{ "{\"a\":1}\n", true },
		{ "{\"a\":-1,\"b\":[],\"c\":[\"x\",\"y\"],\"d\":null,\"e\":true,\"f\":false}\n",
		  true },
		{ "{}\n", false },
		{ "{\"a\":1}", false },
		{ "{\"a\":1,}\n", false },
		{ "{\"a\":1 }\n", false },
		{ "{\"a\":01}\n", false },
		{ "{\"a\":-}\n", false },
		{ "{\"a\":0x1}\n", false },
		{ "{\"a\":\"x}\n", false },
		{ "{\"a\":\"\t\"}\n", false },
		{ "{\"a\":[\"x\",]}\n", false },
		{ "{\"a\":[\"x\"}\n", false },
		{ "{\"a\":nul}\n", false },
		{ "{a:1}\n", false },
		{ "{\"a\":1}{\"a\":1}\n", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *rest = skip_object_line(rows[i].line);

		if (rows[i].good != (rest && !*rest))
			fail_msg("row %zu: %s", i, rows[i].line);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reader_of_this_test_is_strict),
		T(a_call_has_all_that_is_known_of_it),
		T(a_result_is_a_number_where_the_function_answers_one),
		T(a_change_names_the_states_and_its_reason),
		T(a_decision_names_the_call_that_asked_for_it),
		T(a_wake_up_names_who_did_it),
		T(a_file_that_was_there_is_begun_anew),
		cmocka_unit_test(without_a_trace_nothing_happens),
		cmocka_unit_test(a_file_that_cannot_be_opened_is_told_with_its_name),
		cmocka_unit_test(a_full_disk_is_told_once_and_ends_the_trace),
		T(lines_of_several_threads_are_whole),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
