/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/base/log.h"
#include "machine/config.h"
#include "machine/machine.h"

static int run(int argc, char **argv);
static int help(int argc, char **argv);
static int version(int argc, char **argv);

static const struct {
	const char *name;
	int (*fn)(int argc, char **argv); /* gets the words behind the command */
	const char *what;
} commands[] = {
	{ "run", run, "Run a guest" },
	{ "help", help, "Explain a command" },
	{ "version", version, "Print the version" },
};

static void usage(FILE *to)
{
	(void)fprintf(to, "\n usage: roost COMMAND [ARGS]\n\n"
	                  " The most commonly used roost commands are:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)fprintf(to, "   %-10s%s\n", commands[i].name, commands[i].what);
	(void)fprintf(
		to, "\n See 'roost help COMMAND' for more information on a specific command.\n\n");
}

/*
 * Started with one of them closed, the first file we open would take its place,
 * and the console would be written into a disk.
 */
static int open_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return log_errno(-errno, "open /dev/null");
	return 0;
}

static int run(int argc, char **argv)
{
	struct privilege_inherited inherited;
	struct machine_config cfg;
	struct machine *m;
	enum outcome_kind end;
	bool stuck = false;

	if (open_standard_fds() < 0)
		return outcome_status(OUTCOME_HOST);
	privilege_note_inherited(&inherited);
	if (config_parse(argc, argv, &cfg) < 0) {
		config_done(&cfg);
		return outcome_status(OUTCOME_USAGE);
	}
	log_set_level(cfg.loglevel);
	if (cfg.help) {
		config_help(stdout);
		config_done(&cfg);
		return EXIT_SUCCESS;
	}

	end = machine_create(&cfg, &inherited, &m);
	if (end != OUTCOME_NONE) {
		config_done(&cfg);
		return outcome_status(end);
	}
	if (cfg.dump_dtb) {
		end = machine_dump_dtb(m);
		machine_destroy(m);
		config_done(&cfg);
		return end == OUTCOME_NONE ? EXIT_SUCCESS : outcome_status(end);
	}

	end = machine_run(m, &stuck);
	/* A thread that is still in there may not have the ground taken from under it. */
	if (!stuck) {
		machine_destroy(m);
		config_done(&cfg);
	}
	return outcome_status(end);
}

static int help(int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "run") == 0)
		config_help(stdout);
	else
		usage(stdout);
	return EXIT_SUCCESS;
}

static int version(int argc, char **argv)
{
	(void)printf("roost %s\n", ROOST_VERSION);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return outcome_status(OUTCOME_USAGE);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(0, NULL);
	if (strcmp(argv[1], "--version") == 0)
		return version(0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].fn(argc - 2, argv + 2);

	(void)log_refuse(-1, "no command '%s'; see 'roost --help'", argv[1]);
	return outcome_status(OUTCOME_USAGE);
}
