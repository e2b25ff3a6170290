/* SPDX-License-Identifier: MIT */
/*
 * deny REQUEST [ARG] ERRNO -- COMMAND...: run COMMAND on a kernel that refuses. Its
 * ioctl(2) calls with this request (and this third argument, if one is given) fail with
 * ERRNO, or return 0 without having done anything if that is 0. seccomp(2); numbers as in C.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The lower half of a system call's argument: the machines this runs on are little-endian. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

/* Go on if the loaded word is @value, else leave out @skipped statements. */
#define UNLESS(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped)

#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static int fail(const char *what)
{
	perror(what);
	return 125;
}

/* A number that is all of @word and fits 32 bits. Return: 0 or -1. */
static int number(const char *word, uint32_t *out)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(word, &end, 0);
	if (errno || end == word || *end || value > UINT32_MAX)
		return -1;
	*out = (uint32_t)value;
	return 0;
}

static int refuse(uint32_t request, const uint32_t *arg, uint32_t error)
{
	struct sock_filter any[] = {
		LOAD(nr),
		UNLESS(SYS_ioctl, 3),
		LOAD(args[1]),
		UNLESS(request, 1),
		RETURN(SECCOMP_RET_ERRNO | error),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_filter one[] = {
		LOAD(nr),
		UNLESS(SYS_ioctl, 5),
		LOAD(args[1]),
		UNLESS(request, 3),
		LOAD(args[2]),
		UNLESS(arg ? *arg : 0, 1),
		RETURN(SECCOMP_RET_ERRNO | error),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = sizeof(any) / sizeof(any[0]), .filter = any };

	if (arg)
		prog = (struct sock_fprog){ .len = sizeof(one) / sizeof(one[0]), .filter = one };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

int main(int argc, char **argv)
{
	uint32_t given[3];
	int n = 0;

	while (n < 3 && n + 1 < argc && number(argv[n + 1], &given[n]) == 0)
		n++;
	if (n < 2 || argc < n + 3 || strcmp(argv[n + 1], "--") != 0 ||
	    given[n - 1] > SECCOMP_RET_DATA) {
		(void)fprintf(stderr, "usage: deny REQUEST [ARG] ERRNO -- COMMAND...\n");
		return 126;
	}
	if (refuse(given[0], n == 3 ? &given[1] : NULL, given[n - 1]) < 0)
		return fail("seccomp");
	(void)execvp(argv[n + 2], argv + n + 2);
	return fail(argv[n + 2]);
}
