/* SPDX-License-Identifier: MIT */
/* The host's half of the machine: what its devices are connected to, and signals. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "machine/base/log.h"
#include "machine/disk.h"
#include "machine/machine_private.h"
#include "machine/tap.h"

int machine_disks_up(struct machine *m)
{
	for (u32 i = 0; i < CONFIG_DISKS_MAX; i++)
		m->disk_fd[i] = -1;
	for (u32 i = 0; i < m->cfg->nr_disks; i++) {
		const struct config_disk *d = &m->cfg->disk[i];
		int err = disk_open(d->path, d->read_only, d->direct, &m->disk_fd[i],
		                    &m->disk_size[i], &m->disk_block[i]);

		if (err < 0) {
			machine_disks_down(m);
			return err;
		}
	}
	return 0;
}

void machine_disks_down(struct machine *m)
{
	for (u32 i = 0; i < CONFIG_DISKS_MAX; i++)
		if (m->disk_fd[i] >= 0)
			(void)close(m->disk_fd[i]);
}

int machine_taps_up(struct machine *m)
{
	for (u32 i = 0; i < CONFIG_NETS_MAX; i++)
		m->tap_fd[i] = -1;
	for (u32 i = 0; i < m->cfg->nr_nets; i++) {
		const struct config_net *n = &m->cfg->net[i];
		char name[TAP_NAME_MAX];
		int err;

		if (n->mode != CONFIG_NET_TAP)
			continue;
		err = tap_open(n->ifname, &m->tap_fd[i], name, &m->tap_offload[i]);
		if (err == 0 && n->host_ip)
			err = tap_set_address(name, n->host_ip);
		if (err < 0) {
			machine_taps_down(m);
			return err;
		}
		log_at(LOG_INFO, "network card %u is on %s", i, name);
	}
	return 0;
}

void machine_taps_down(struct machine *m)
{
	for (u32 i = 0; i < CONFIG_NETS_MAX; i++)
		if (m->tap_fd[i] >= 0)
			(void)close(m->tap_fd[i]);
}

static void console_quit(void *ctx)
{
	struct machine *m = ctx;

	(void)outcome_decide(&m->outcome, OUTCOME_OPERATOR, "Ctrl-A x on the console");
}

/* A run whose console is gone cannot be believed. */
static void console_lost(void *ctx, int err)
{
	struct machine *m = ctx;

	m->output_lost = true;
	(void)log_errno(err, "write the console to standard output");
	(void)outcome_decide(&m->outcome, OUTCOME_HOST, "standard output cannot be written");
}

/* It wakes from a sleep; what is paused waits for the operator. */
static void console_typed(void *ctx)
{
	struct machine *m = ctx;

	if (!m->paused)
		machine_wake(m, "console");
}

int machine_console_up(struct machine *m)
{
	const struct console_config cfg = {
		.in_fd = STDIN_FILENO,
		.out_fd = STDOUT_FILENO,
		.raw = true,
		.quit = console_quit,
		.lost = console_lost,
		.typed = m->cfg->wake_on_console ? console_typed : NULL,
		.ctx = m,
	};
	int err = console_create(m->loop, &cfg, &m->console);

	if (err < 0)
		return log_errno(err, "set up the console");
	return 0;
}

void machine_console_down(struct machine *m)
{
	console_destroy(m->console);
	m->console = NULL;
}

static int wait_for_signal(struct machine *m)
{
	return loop_read(m->loop, &m->signal_op, m->signal_fd, &m->siginfo, sizeof(m->siginfo),
	                 LOOP_NO_OFFSET);
}

static void signal_done(struct loop_op *op, int res)
{
	struct machine *m = container_of(op, struct machine, signal_op);
	int sig = (int)m->siginfo.ssi_signo;

	if (res != sizeof(m->siginfo))
		return;
	if (sig == SIGCONT) {
		console_resume(m->console);
	} else if (sig == SIGUSR1) {
		machine_wake(m, "SIGUSR1");
	} else {
		m->stopped_by_signal = true;
		(void)outcome_decide(&m->outcome, OUTCOME_OPERATOR, "signal SIG%s",
		                     sigabbrev_np(sig));
	}
	if (wait_for_signal(m) < 0)
		log_at(LOG_DEBUG, "no more signals are listened to");
}

/* nohup(1) and its like; a blocked signal would reach the loop although it is ignored. */
static bool hangup_ignored(void)
{
	struct sigaction now;

	return sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/*
 * Signals become completions on the loop, all those that people send and that
 * would end us with the terminal raw. Until here they have their usual effect,
 * so that an image on a pipe that never ends can be interrupted.
 */
int machine_signals_up(struct machine *m)
{
	static const int listened[] = { SIGINT,  SIGTERM, SIGQUIT, SIGCONT, SIGUSR1,
		                        SIGUSR2, SIGALRM, SIGXCPU, SIGHUP };
	sigset_t set;
	int err;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(listened); i++)
		(void)sigaddset(&set, listened[i]);
	if (hangup_ignored())
		(void)sigdelset(&set, SIGHUP);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (m->signal_fd < 0)
		return log_errno(-errno, "signalfd");

	/* A reader that goes away or a file that may not grow is an error of write(), not our death. */
	(void)sigaddset(&set, SIGPIPE);
	(void)sigaddset(&set, SIGXFSZ);
	must0(pthread_sigmask(SIG_BLOCK, &set, NULL));
	m->signal_op.done = signal_done;
	err = wait_for_signal(m);
	if (err < 0) {
		machine_signals_down(m);
		return log_errno(err, "listen to signals");
	}
	return 0;
}

/*
 * They stay blocked: the machine has its outcome, and a second Ctrl-C or the
 * SIGPIPE of a reader that left must not put another in its place.
 */
void machine_signals_down(struct machine *m)
{
	(void)close(m->signal_fd);
}
