/* SPDX-License-Identifier: MIT */
/* Each test gives its privileges up in a child, which reports by its exit status. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine/base/compiler.h"
#include "machine/privilege.h"

static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Return: whether /proc/self/status has the line @name with this value. */
static bool status_says(const char *name, const char *value)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128], field[32], found[64];
	bool yes = false;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%31[^:]: %63s", field, found) == 2 && strcmp(field, name) == 0)
			yes = strcmp(found, value) == 0;
	if (f)
		(void)fclose(f);
	return yes;
}

static int drop_and_look(void)
{
	static const char *const none[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };
	struct privilege_inherited in = { .nr = 0 };

	if (privilege_drop(&in) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (!status_says(none[i], "0000000000000000"))
			return 2 + (int)i;
	return status_says("NoNewPrivs", "1") ? 0 : 10;
}

static void nothing_is_left_after_the_drop(void **state)
{
	assert_int_equal(in_child(drop_and_look), 0);
}

static int drop_twice(void)
{
	struct privilege_inherited in = { .nr = 0 };

	return privilege_drop(&in) < 0 ? 1 : privilege_drop(&in) < 0 ? 2 : 0;
}

static void a_process_without_any_can_drop_them_too(void **state)
{
	assert_int_equal(in_child(drop_twice), 0);
}

static int close_inherited(void)
{
	struct privilege_inherited in;
	int theirs = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int ours;

	privilege_note_inherited(&in);
	ours = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (theirs < 0 || ours < 0 || privilege_drop(&in) < 0)
		return 1;
	if (fcntl(theirs, F_GETFD) != -1 || errno != EBADF)
		return 2;
	return fcntl(ours, F_GETFD) < 0 ? 3 : fcntl(STDOUT_FILENO, F_GETFD) < 0 ? 4 : 0;
}

static void inherited_descriptors_are_closed_and_our_own_are_not(void **state)
{
	assert_int_equal(in_child(close_inherited), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_after_the_drop),
		cmocka_unit_test(a_process_without_any_can_drop_them_too),
		cmocka_unit_test(inherited_descriptors_are_closed_and_our_own_are_not),
	};

	return cmocka_run_group_tests_name("privilege", tests, NULL, NULL);
}
