/* SPDX-License-Identifier: MIT */
#include "devices/host/tty.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* What ends the process; always: also where somebody has a handler (a sanitizer, say). */
static const struct {
	int sig;
	bool always;
} fatal[] = {
	{ SIGSEGV, true },  { SIGBUS, true },     { SIGILL, true },   { SIGFPE, true },
	{ SIGABRT, true },  { SIGSYS, true },     { SIGTRAP, true },  { SIGHUP, false },
	{ SIGQUIT, false }, { SIGVTALRM, false }, { SIGPROF, false }, { SIGIO, false },
	{ SIGPWR, false },  { SIGSTKFLT, false },
};

/*
 * Allowed at file scope by CONTRIBUTING.md: a signal handler has no parameter
 * to find it by. Everything else is written before raw is set and not again
 * until it is clear.
 */
static struct {
	atomic_bool raw;
	int fd;
	struct termios mode;
	bool taken[ARRAY_SIZE(fatal)];
	struct sigaction old[ARRAY_SIZE(fatal)];
} tty_saved;

bool tty_foreground(int fd)
{
	pid_t pgrp = tcgetpgrp(fd);

	return pgrp < 0 || pgrp == getpgrp();
}

/* Were we put into the background just now, SIGTTOU would stop us here. */
static int set_mode(int fd, const struct termios *mode)
{
	sigset_t ttou, old;
	int err;

	(void)sigemptyset(&ttou);
	(void)sigaddset(&ttou, SIGTTOU);
	must0(pthread_sigmask(SIG_BLOCK, &ttou, &old));
	do {
		err = tcsetattr(fd, TCSANOW, mode) < 0 ? -errno : 0;
	} while (err == -EINTR);
	must0(pthread_sigmask(SIG_SETMASK, &old, NULL));
	return err;
}

/* An instruction that cannot be executed, and will be tried again. */
static bool is_fault(int sig, const siginfo_t *info)
{
	return info->si_code > 0 &&
	       (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE);
}

/* Async-signal-safe, with every signal blocked. */
static void on_fatal(int sig, siginfo_t *info, void *ucontext)
{
	int saved_errno = errno;

	if (atomic_exchange(&tty_saved.raw, false) && tty_foreground(tty_saved.fd))
		(void)tcsetattr(tty_saved.fd, TCSANOW, &tty_saved.mode);

	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		if (fatal[i].sig == sig)
			(void)sigaction(sig, &tty_saved.old[i], NULL);
	}
	/*
	 * A fault happens again when we return, now with its own handler and
	 * its true address; anything else has to be sent again.
	 */
	if (!is_fault(sig, info))
		(void)raise(sig);
	errno = saved_errno;
}

static void handlers_install(void)
{
	struct sigaction sa = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	(void)sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		struct sigaction *old = &tty_saved.old[i];

		tty_saved.taken[i] = sigaction(fatal[i].sig, NULL, old) == 0 &&
		                     old->sa_handler != SIG_IGN &&
		                     (fatal[i].always || old->sa_handler == SIG_DFL);
		if (tty_saved.taken[i])
			(void)sigaction(fatal[i].sig, &sa, NULL);
	}
}

static void handlers_remove(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		if (tty_saved.taken[i])
			(void)sigaction(fatal[i].sig, &tty_saved.old[i], NULL);
	}
}

int tty_raw(int fd)
{
	struct termios mode;
	int err;

	if (!atomic_load(&tty_saved.raw)) {
		if (tcgetattr(fd, &tty_saved.mode) < 0)
			return -errno;
		tty_saved.fd = fd;
		handlers_install();
		atomic_store(&tty_saved.raw, true);
	}
	if (tty_saved.fd != fd)
		return -EBUSY;

	mode = tty_saved.mode;
	mode.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL |
	                            IXON | IXOFF);
	mode.c_oflag |= OPOST | ONLCR;
	mode.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	mode.c_cflag = (mode.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	err = set_mode(fd, &mode);
	if (err < 0)
		tty_restore(fd);
	return err;
}

void tty_restore(int fd)
{
	if (!atomic_load(&tty_saved.raw) || tty_saved.fd != fd)
		return;
	/* In the background the mode is somebody else's. */
	if (tty_foreground(fd))
		(void)set_mode(fd, &tty_saved.mode);
	if (atomic_exchange(&tty_saved.raw, false))
		handlers_remove();
}
