/* SPDX-License-Identifier: MIT */
#include "tests/unit/console_rig.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>

#include "devices/host/tty.h"

/* A terminal: what is typed at the master is input for the slave. */
struct pty {
	int master, slave;
	struct termios was;
};

static struct pty pty_open(void)
{
	struct pty p = { .master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) };
	const char *name;

	assert_true(p.master >= 0);
	assert_int_equal(grantpt(p.master), 0);
	assert_int_equal(unlockpt(p.master), 0);
	name = ptsname(p.master);
	assert_non_null(name);
	p.slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(p.slave >= 0);
	assert_int_equal(tcgetattr(p.slave, &p.was), 0);
	return p;
}

static void pty_close(const struct pty *p)
{
	(void)close(p->slave);
	(void)close(p->master);
}

static bool is_raw(const struct pty *p)
{
	struct termios t;

	assert_int_equal(tcgetattr(p->slave, &t), 0);
	return !(t.c_lflag & (ICANON | ECHO | ISIG));
}

static void is_as_it_was(const struct pty *p)
{
	struct termios t;

	assert_int_equal(tcgetattr(p->slave, &t), 0);
	assert_int_equal(t.c_iflag, p->was.c_iflag);
	assert_int_equal(t.c_oflag, p->was.c_oflag);
	assert_int_equal(t.c_lflag, p->was.c_lflag);
	assert_int_equal(t.c_cflag, p->was.c_cflag);
	assert_memory_equal(t.c_cc, p->was.c_cc, sizeof(t.c_cc));
}

static void raw_terminal_passes_every_key_and_comes_back(void **state)
{
	struct rig *r = *state;
	struct pty p = pty_open();
	/* Ctrl-C, Ctrl-Z, Ctrl-\, Ctrl-D, Ctrl-S, Ctrl-Q, Return, Ctrl-V, high bit */
	static const char keys[] = "\003\032\034\004\023\021\r\026\377|";

	(void)rig_on(state, p.slave, p.slave);
	assert_true(is_raw(&p));
	assert_int_equal(write(p.master, keys, 10), 10);
	turn_until(r, &r->got_len, 10);
	assert_memory_equal(r->got, keys, 10);
	assert_int_equal(write(p.master, "\001x", 2), 2);
	turn_until(r, &r->quits, 1);
	rig_stop(r);
	is_as_it_was(&p);
	pty_close(&p);
}

static void line_of_a_bare_guest_starts_at_the_left_edge(void **state)
{
	struct rig *r = *state;
	struct pty p = pty_open();
	char text[64] = "";

	(void)rig_on(state, p.slave, p.slave);
	assert_int_equal(console_write(r->con, "a\nb\r\nc", 6), 6);
	assert_int_equal(console_drain(r->con, 0), 0);
	assert_int_equal(read(p.master, text, sizeof(text) - 1), 8);
	assert_string_equal(text, "a\r\nb\r\r\nc");
	pty_close(&p);
}

static void terminal_stays_as_it_is_when_raw_is_not_asked_for(void **state)
{
	struct rig *r = *state;
	struct pty p = pty_open();
	const struct console_config cfg = {
		.in_fd = p.slave, .out_fd = p.slave, .quit = on_quit, .lost = on_lost, .ctx = r
	};

	if (!r->loop)
		skip_because(NO_IO_URING);
	assert_int_equal(console_create(r->loop, &cfg, &r->con), 0);
	console_attach(r->con, &dev_ops, r);
	is_as_it_was(&p);
	assert_int_equal(write(p.master, "line\n", 5), 5);
	turn_until(r, &r->got_len, 5);
	got(r, "line\n");
	pty_close(&p);
}

static void terminal_that_hangs_up_ends_input_only(void **state)
{
	struct rig *r = *state;
	struct pty p = pty_open();

	(void)rig_on(state, p.slave, r->out[1]);
	(void)close(p.master);
	turn_for(r, 2000000);
	assert_int_equal(console_write(r->con, "on", 2), 2);
	assert_int_equal(console_drain(r->con, 0), 0);
	assert_string_equal(printed(r), "on");
	assert_int_equal(r->quits + r->lost, 0);
	rig_stop(r);
	(void)close(p.slave);
}

static void second_terminal_is_refused_while_one_is_raw(void **state)
{
	struct pty p = pty_open(), q = pty_open();

	assert_int_equal(tty_raw(p.slave), 0);
	assert_int_equal(tty_raw(p.slave), 0);
	assert_int_equal(tty_raw(q.slave), -EBUSY);
	tty_restore(q.slave);
	assert_true(is_raw(&p));
	is_as_it_was(&q);
	tty_restore(p.slave);
	is_as_it_was(&p);
	assert_int_equal(tty_raw(q.slave), 0);
	tty_restore(q.slave);
	is_as_it_was(&q);
	pty_close(&p);
	pty_close(&q);
}

static void what_is_no_terminal_is_refused(void **state)
{
	struct rig *r = *state;
	struct sigaction sa;

	assert_int_equal(tty_raw(r->in[0]), -ENOTTY);
	tty_restore(r->in[0]);
	assert_int_equal(sigaction(SIGQUIT, NULL, &sa), 0);
	assert_true(sa.sa_handler == SIG_DFL);
}

static void raw_mode_comes_back_after_somebody_changed_it(void **state)
{
	struct rig *r = *state;
	struct pty p = pty_open();

	(void)rig_on(state, p.slave, r->out[1]);
	assert_int_equal(tcsetattr(p.slave, TCSANOW, &p.was), 0); /* the shell, while we slept */
	console_resume(r->con);
	assert_true(is_raw(&p));
	rig_stop(r);
	is_as_it_was(&p);
	pty_close(&p);
}

/* How a child ends; whatever it does, nothing of cmocka's may run in it. */
static int ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void default_actions(const int *sigs, size_t n)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };

	/* cmocka's and a sanitizer's handlers would end us in their own way. */
	for (size_t i = 0; i < n; i++)
		(void)sigaction(sigs[i], &dfl, NULL);
}

static void signal_that_kills_restores_the_terminal_and_still_kills(void **state)
{
	static const int sigs[] = {
		SIGSEGV, SIGBUS,  SIGILL,    SIGFPE,  SIGABRT, SIGSYS, SIGTRAP,
		SIGHUP,  SIGQUIT, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR, SIGSTKFLT
	};

	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		struct pty p = pty_open();
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			default_actions(sigs, ARRAY_SIZE(sigs));
			if (tty_raw(p.slave) == 0 && is_raw(&p))
				(void)raise(sigs[i]);
			_exit(1);
		}
		status = ended(pid);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != sigs[i])
			fail_msg("row %zu: signal %d, status %#x", i, sigs[i], (unsigned)status);
		is_as_it_was(&p);
		pty_close(&p);
	}
}

static void fault(void)
{
	volatile char *p = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = 1;
}

static void real_fault_restores_the_terminal_too(void **state)
{
	static const int segv = SIGSEGV;
	struct pty p = pty_open();
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		default_actions(&segv, 1);
		if (tty_raw(p.slave) == 0)
			fault();
		_exit(1);
	}
	status = ended(pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	is_as_it_was(&p);
	pty_close(&p);
}

static void signal_that_is_ignored_stays_ignored(void **state)
{
	static const int sigs[] = { SIGHUP, SIGSYS }; /* nohup, and one that we always catch */
	const struct sigaction ign = { .sa_handler = SIG_IGN };
	struct pty p = pty_open();

	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		struct sigaction old;

		assert_int_equal(sigaction(sigs[i], &ign, &old), 0);
		assert_int_equal(tty_raw(p.slave), 0);
		assert_int_equal(raise(sigs[i]), 0);
		assert_true(is_raw(&p));
		tty_restore(p.slave);
		assert_int_equal(raise(sigs[i]), 0);
		assert_int_equal(sigaction(sigs[i], &old, NULL), 0);
	}
	pty_close(&p);
}

static void handlers_go_with_raw_mode(void **state)
{
	struct pty p = pty_open();
	struct sigaction sa;

	assert_int_equal(tty_raw(p.slave), 0);
	assert_int_equal(sigaction(SIGQUIT, NULL, &sa), 0);
	assert_true(sa.sa_handler != SIG_DFL);
	tty_restore(p.slave);
	assert_int_equal(sigaction(SIGQUIT, NULL, &sa), 0);
	assert_true(sa.sa_handler == SIG_DFL);
	pty_close(&p);
}

/* In the background nothing may be taken from the terminal, whatever is typed there. */
static bool job_idles(struct rig *r)
{
	unsigned int had = r->got_len;

	if (loop_timeout(r->loop, &r->tick, 20000000) < 0)
		return false;
	for (unsigned int n = r->ticks; r->ticks == n;) {
		if (loop_turn(r->loop) < 0)
			return false;
	}
	return r->got_len == had;
}

static bool job_reads(struct rig *r)
{
	while (r->got_len == 0) {
		if (loop_turn(r->loop) <= 0)
			return false;
	}
	return true;
}

static bool job_starts(struct rig *r, const struct pty *p)
{
	const struct console_config cfg = { .in_fd = p->slave,
		                            .out_fd = r->out[1],
		                            .raw = true,
		                            .quit = on_quit,
		                            .lost = on_lost,
		                            .ctx = r };

	/* The parent's ring is not for us. */
	if (loop_create(&r->loop) < 0 || console_create(r->loop, &cfg, &r->con) < 0)
		return false;
	console_attach(r->con, &dev_ops, r);
	return true;
}

/*
 * The job does its shell's word, one letter at a time, and says what it sees
 * then: 'r' the terminal is raw, 'c' it is not, '!' something went wrong.
 */
static void job(struct rig *r, const struct pty *p, int orders, int answers)
{
	char order, say;

	while (read(orders, &order, 1) == 1 && order != 'q') {
		bool good = true;

		if (order == 's')
			good = job_starts(r, p);
		else if (order == 'i')
			good = job_idles(r);
		else if (order == 'r')
			good = job_reads(r);
		else
			console_resume(r->con);
		if (good)
			say = is_raw(p) ? 'r' : 'c';
		else
			say = '!';
		(void)!write(answers, &say, 1);
	}
	rig_stop(r);
}

/* Give @pgrp the terminal, in the mode in which a shell hands it on, with something typed. */
static bool give(const struct pty *p, pid_t pgrp)
{
	return tcsetpgrp(p->slave, pgrp) == 0 && tcsetattr(p->slave, TCSANOW, &p->was) == 0 &&
	       write(p->master, "k\n", 2) == 2;
}

/* The shell, which has the terminal. Return: 0, or which step went wrong. */
static int shell(struct rig *r, const struct pty *p)
{
	static const struct {
		char order, answer;
		bool front;
	} steps[] = {
		{ 's', 'c', false }, /* made, and the terminal left alone */
		{ 'i', 'c', false }, { 'r', 'r', true }, /* found out by itself */
		{ 'i', 'c', false }, { 'f', 'c', false }, /* SIGCONT by bg */
		{ 'f', 'r', true }, /* SIGCONT by fg */
		{ 'f', 'c', false },
	};
	int orders[2], answers[2], status = 0, step = 0;
	struct termios mine = p->was, now;
	pid_t pid;

	(void)alarm(20); /* should the job be stopped, nobody would answer */
	(void)signal(SIGTTOU, SIG_IGN);
	if (setsid() < 0 || ioctl(p->slave, TIOCSCTTY, 0) < 0 || pipe(orders) < 0 ||
	    pipe(answers) < 0)
		return 100;
	pid = fork();
	if (pid == 0) {
		(void)alarm(20);
		(void)signal(SIGTTOU, SIG_DFL);
		(void)setpgid(0, 0);
		job(r, p, orders[0], answers[1]);
		_exit(0);
	}
	(void)setpgid(pid, pid);
	(void)close(answers[1]);
	for (; step < (int)ARRAY_SIZE(steps); step++) {
		char say = 0;

		if (!give(p, steps[step].front ? pid : getpgrp()) ||
		    write(orders[1], &steps[step].order, 1) != 1 ||
		    read(answers[0], &say, 1) != 1 || say != steps[step].answer)
			break;
		if (waitpid(pid, &status, WUNTRACED | WNOHANG) != 0)
			break;
	}
	if (step < (int)ARRAY_SIZE(steps)) {
		(void)kill(pid, SIGKILL);
		return step + 1;
	}
	/* Its terminal is ours now, and so is the mode: nothing to restore. */
	mine.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(p->slave, TCSANOW, &mine) < 0)
		return 101;
	if (write(orders[1], "q", 1) != 1 || waitpid(pid, &status, WUNTRACED) != pid || status)
		return 102;
	return tcgetattr(p->slave, &now) == 0 && now.c_lflag == mine.c_lflag ? 0 : 103;
}

static void background_job_is_not_stopped_and_is_raw_in_front(void **state)
{
	struct rig *r = *state;
	struct pty p;
	pid_t pid;
	int status;

	if (!r->loop)
		skip_because(NO_IO_URING);
	p = pty_open();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(shell(r, &p));
	status = ended(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	pty_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONSOLE_TEST(raw_terminal_passes_every_key_and_comes_back),
		CONSOLE_TEST(line_of_a_bare_guest_starts_at_the_left_edge),
		CONSOLE_TEST(terminal_stays_as_it_is_when_raw_is_not_asked_for),
		CONSOLE_TEST(terminal_that_hangs_up_ends_input_only),
		CONSOLE_TEST(second_terminal_is_refused_while_one_is_raw),
		CONSOLE_TEST(what_is_no_terminal_is_refused),
		CONSOLE_TEST(raw_mode_comes_back_after_somebody_changed_it),
		CONSOLE_TEST(signal_that_kills_restores_the_terminal_and_still_kills),
		CONSOLE_TEST(real_fault_restores_the_terminal_too),
		CONSOLE_TEST(signal_that_is_ignored_stays_ignored),
		CONSOLE_TEST(handlers_go_with_raw_mode),
		CONSOLE_TEST(background_job_is_not_stopped_and_is_raw_in_front),
	};

	return cmocka_run_group_tests_name("tty", tests, NULL, NULL);
}
