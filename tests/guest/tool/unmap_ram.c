/* SPDX-License-Identifier: MIT */
/*
 * unmap_ram PID: take a running roost's guest RAM away, from inside that
 * process, so that KVM has nowhere to go. No guest can bring that about, and a
 * vCPU that cannot go on has to be seen once. arm64 hosts; ptrace(2).
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define SVC 0xd4000001u /* svc #0 */

static int fail(const char *what)
{
	perror(what);
	return EXIT_FAILURE;
}

/* The largest private writable mapping without a file. */
static int find_ram(const char *pid, unsigned long long *at, unsigned long long *len)
{
	char path[64], line[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	f = fopen(path, "re");
	*len = 0;
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long from, to, inode;
		char perms[8];

		if (sscanf(line, "%llx-%llx %7s %*x %*s %llu", &from, &to, perms, &inode) == 4 &&
		    strcmp(perms, "rw-p") == 0 && inode == 0 && to - from > *len) {
			*at = from;
			*len = to - from;
		}
	}
	if (f)
		(void)fclose(f);
	return *len > 0 ? 0 : -1;
}

static int set_regs(pid_t pid, int type, void *data, size_t size)
{
	struct iovec iov = { data, size };

	return ptrace(PTRACE_SETREGSET, pid, (void *)(long)type, &iov) < 0 ? -1 : 0;
}

/* The main thread waits in a system call: have it make another one from the same place. */
static int call_munmap(pid_t pid, unsigned long long at, unsigned long long len)
{
	struct user_regs_struct was, regs;
	struct iovec iov = { &was, sizeof(was) };
	int none = -1; /* NT_ARM_SYSTEM_CALL: what was interrupted is not restarted */
	int status;

	if (ptrace(PTRACE_GETREGSET, pid, (void *)(long)NT_PRSTATUS, &iov) < 0)
		return -1;
	if ((unsigned int)ptrace(PTRACE_PEEKTEXT, pid, (void *)(was.pc - 4), NULL) != SVC) {
		errno = ENOTSUP;
		return -1;
	}
	regs = was;
	regs.pc -= 4;
	regs.regs[8] = SYS_munmap;
	regs.regs[0] = at;
	regs.regs[1] = len;
	if (set_regs(pid, NT_ARM_SYSTEM_CALL, &none, sizeof(none)) < 0 ||
	    set_regs(pid, NT_PRSTATUS, &regs, sizeof(regs)) < 0)
		return -1;
	for (int i = 0; i < 2; i++) /* into it and out of it */
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) < 0)
			return -1;
	was.regs[0] = (unsigned long long)-EINTR;
	return set_regs(pid, NT_PRSTATUS, &was, sizeof(was));
}

int main(int argc, char **argv)
{
	unsigned long long at, len;
	pid_t pid;
	int status;

	if (argc != 2)
		return fail("usage: unmap_ram PID");
	pid = (pid_t)strtol(argv[1], NULL, 10);
	if (find_ram(argv[1], &at, &len) < 0)
		return fail("find the guest's RAM");
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) < 0)
		return fail("attach");
	if (call_munmap(pid, at, len) < 0)
		return fail("munmap in there");
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		return fail("detach");
	(void)printf("took %llu MiB\n", len >> 20);
	return EXIT_SUCCESS;
}
