/* SPDX-License-Identifier: MIT */
/*
 * Runs a monitor on an arm64 host and says when things happened, as values of the
 * counter that guests read too (CNTVCT_EL0, CNTPCT_EL0).
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
	"usage: stamp [-o FILE] [-t TEXT] [-m MIB] COMMAND [ARGUMENT]...\n"
	"\n"
	"Prints, one line each, as counter values:\n"
	"  exec N        just before COMMAND was executed\n"
	"  byte N        its first byte of output has been read\n"
	"  text N        TEXT has been read\n"
	"  frequency N   of the counter, in Hz\n"
	"and\n"
	"  memory N      KiB of it that are resident when TEXT has been read, without\n"
	"                mappings of half of MIB and more, which are a guest's RAM\n"
	"  status N      how it ended, as a shell has it\n"
	"\n"
	"COMMAND is ended when TEXT has been read. Its input is a pipe that says nothing; its\n"
	"output goes to FILE.\n";

struct run {
	FILE *out; /* gets the output, NULL: nobody */
	const char *text; /* NULL: none */
	unsigned long ram_kib; /* 0: memory is not asked for */
	pid_t pid;
	uint64_t *executed; /* shared with the child */
	uint64_t byte, seen; /* 0: not yet */
	size_t len;
	char said[1 << 20]; /* the beginning of the output, where TEXT is looked for */
};

static uint64_t counter(void)
{
	uint64_t v;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v) : : "memory");
	return v;
}

static uint64_t frequency(void)
{
	uint64_t v;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(v));
	return v;
}

static int fail(const char *what)
{
	(void)fprintf(stderr, "stamp: %s: %s\n", what, strerror(errno));
	return -1;
}

/* Return: the end to read its output from, -1. The pipe it reads from is left open for good. */
static int start(struct run *r, char **argv)
{
	int in[2], out[2];

	if (pipe(in) < 0 || pipe(out) < 0)
		return fail("pipe");
	r->pid = fork();
	if (r->pid < 0)
		return fail("fork");
	if (r->pid > 0) {
		(void)close(out[1]);
		return out[0];
	}

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(in[0], STDIN_FILENO);
	(void)dup2(out[1], STDOUT_FILENO);
	(void)close(in[0]);
	(void)close(in[1]);
	(void)close(out[0]);
	(void)close(out[1]);
	*r->executed = counter();
	(void)execvp(argv[0], argv);
	(void)fail(argv[0]);
	_exit(126);
}

/* KiB resident, without mappings that are as large as RAM is; 0 when it cannot be told. */
static unsigned long own_memory(const struct run *r)
{
	unsigned long kib, size = 0, sum = 0;
	char path[32], line[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)r->pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Size: %lu kB", &kib) == 1)
			size = kib;
		else if (sscanf(line, "Rss: %lu kB", &kib) == 1 && size < r->ram_kib / 2)
			sum += kib;
	}
	(void)fclose(f);
	return sum;
}

/* Some output has come. */
static void look(struct run *r, const char *buf, size_t n)
{
	uint64_t now = counter();
	size_t room = sizeof(r->said) - r->len;

	if (r->out)
		(void)fwrite(buf, 1, n, r->out);
	if (!r->byte)
		r->byte = now;
	n = n < room ? n : room;
	memcpy(r->said + r->len, buf, n);
	r->len += n;
	if (!r->text || r->seen || !memmem(r->said, r->len, r->text, strlen(r->text)))
		return;

	r->seen = now;
	if (r->ram_kib)
		(void)printf("memory %lu\n", own_memory(r));
	(void)kill(r->pid, SIGTERM);
}

static int follow(struct run *r, int fd)
{
	char buf[4096];
	int status;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		look(r, buf, (size_t)n);
	if (waitpid(r->pid, &status, 0) < 0)
		return fail("waitpid");

	(void)printf("exec %ju\n", (uintmax_t)*r->executed);
	if (r->byte)
		(void)printf("byte %ju\n", (uintmax_t)r->byte);
	if (r->seen)
		(void)printf("text %ju\n", (uintmax_t)r->seen);
	(void)printf("frequency %ju\n", (uintmax_t)frequency());
	(void)printf("status %d\n",
	             WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}

int main(int argc, char **argv)
{
	static struct run r;
	int c, fd;

	while ((c = getopt(argc, argv, "+o:t:m:")) != -1) {
		switch (c) {
		case 'o':
			r.out = fopen(optarg, "we");
			if (!r.out)
				return fail(optarg) < 0;
			break;
		case 't':
			r.text = optarg;
			break;
		case 'm':
			r.ram_kib = strtoul(optarg, NULL, 10) * 1024;
			break;
		default:
			optind = argc;
			break;
		}
	}
	if (optind >= argc) {
		(void)fputs(usage, stderr);
		return 126;
	}

	r.executed = mmap(NULL, sizeof(*r.executed), PROT_READ | PROT_WRITE,
	                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r.executed == MAP_FAILED)
		return fail("mmap") < 0;
	fd = start(&r, argv + optind);
	return fd < 0 || follow(&r, fd) < 0;
}
