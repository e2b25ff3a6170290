/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine/base/log.h"
#include "machine/trace.h"

struct trace {
	int fd; /* appends: a line of one thread does not overwrite another's */
	const char *path;
	u64 start; /* ns */
	atomic_bool over; /* a write has failed */
};

/*
 * One object under construction. Its values are numbers and names from our own
 * tables, so nothing in it needs to be escaped, and it has a bound: a third of this.
 */
struct line {
	char text[1024];
	size_t len;
};

static u64 now(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000ull + (u64)ts.tv_nsec;
}

int trace_open(const char *path, struct trace **out)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0666);
	struct trace *t;

	if (fd < 0)
		return log_errno(-errno, "--trace-power '%s'", path);
	t = malloc(sizeof(*t));
	if (!t) {
		(void)close(fd);
		return log_errno(-ENOMEM, "--trace-power '%s'", path);
	}
	*t = (struct trace){ .fd = fd, .path = path, .start = now() };
	*out = t;
	return 0;
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	(void)close(t->fd);
	free(t);
}

static void add(struct line *l, const char *fmt, ...) printf_like(2, 3);

static void add(struct line *l, const char *fmt, ...)
{
	size_t room = sizeof(l->text) - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < room);
	l->len += n >= 0 && (size_t)n < room ? (size_t)n : 0;
}

static void begin(const struct trace *t, struct line *l, const char *event)
{
	l->len = 0;
	add(l, "{\"t\":%llu,\"event\":\"%s\"", now() - t->start, event);
}

/*
 * A write to a file is whole unless the disk is full, one to a pipe always, as it
 * is shorter than PIPE_BUF. When there is no room it fails: the loop and a vCPU
 * that somebody wants to hold must not wait for whoever reads.
 */
static void end(struct trace *t, struct line *l)
{
	ssize_t n;
	int err;

	add(l, "}\n");
	n = write(t->fd, l->text, l->len);
	if (n == (ssize_t)l->len)
		return;

	err = n < 0 ? errno : ENOSPC;
	if (!atomic_exchange(&t->over, true))
		log_at(LOG_WARN, "--trace-power '%s' ends here: %s", t->path, strerror(err));
}

static bool is_on(const struct trace *t)
{
	return t && !atomic_load_explicit(&t->over, memory_order_relaxed);
}

void trace_start(struct trace *t, bool user)
{
	struct line l;

	if (!is_on(t))
		return;
	begin(t, &l, "start");
	add(&l, ",\"psci\":\"%s\"", user ? "user" : "kernel");
	end(t, &l);
}

/* What these return is no code when it is 0 or more. */
static bool answers_a_number(u32 fid)
{
	switch (psci_fn_name(fid) ? fid % PSCI_FN_MAX : PSCI_FN_MAX) {
	case PSCI_FN_VERSION:
	case PSCI_FN_AFFINITY_INFO:
	case PSCI_FN_MIGRATE_INFO_TYPE:
	case PSCI_FN_MIGRATE_INFO_UP_CPU:
	case PSCI_FN_FEATURES:
	case PSCI_FN_NODE_HW_STATE:
	case PSCI_FN_STAT_RESIDENCY:
	case PSCI_FN_STAT_COUNT:
	case PSCI_FN_MEM_PROTECT:
		return true;
	default:
		return false;
	}
}

static void add_result(struct line *l, u32 fid, const struct psci_result *r)
{
	s64 value = (s64)r->value;
	const char *code = value >= 0 && answers_a_number(fid) ? NULL : psci_code_name(value);

	if (r->then == PSCI_TAKEN)
		add(l, ",\"result\":\"TAKEN\"");
	else if (code)
		add(l, ",\"result\":\"%s\"", code);
	else
		add(l, ",\"result\":%lld", value);
}

void trace_call(struct trace *t, u32 cpu, const struct vcpu_psci_call *c)
{
	const char *name = psci_fn_name(c->fid);
	struct line l;

	if (!is_on(t))
		return;
	begin(t, &l, "call");
	add(&l, ",\"cpu\":%u,\"function\":", cpu);
	if (name)
		add(&l, "\"%s\"", name);
	else
		add(&l, "null");
	add(&l, ",\"id\":\"0x%08x\",\"args\":[", c->fid);
	for (u32 i = 0; i < c->nr_args && i < PSCI_ARGS_MAX; i++)
		add(&l, "%s\"0x%llx\"", i ? "," : "", c->arg[i]);
	add(&l, "]");
	add_result(&l, c->fid, &c->result);
	add(&l, ",\"injected\":%s,\"before\":\"%s\",\"after\":\"%s\"",
	    c->injected ? "true" : "false", power_state_name(c->before),
	    power_state_name(c->after));
	if (c->target >= 0)
		add(&l, ",\"target\":%d,\"target_before\":\"%s\",\"target_after\":\"%s\"",
		    c->target, power_state_name(c->target_before),
		    power_state_name(c->target_after));
	end(t, &l);
}

void trace_change(struct trace *t, const struct power_change *c)
{
	struct line l;

	if (!is_on(t))
		return;
	begin(t, &l, "state");
	add(&l, ",\"seq\":%llu,\"cpu\":%u,\"from\":\"%s\",\"to\":\"%s\",\"why\":\"%s\"", c->seq,
	    c->cpu, power_state_name(c->from), power_state_name(c->to), c->why);
	end(t, &l);
}

void trace_decision(struct trace *t, const struct trace_decision *d)
{
	static const char *const what[] = {
		[PSCI_SYSTEM_OFF] = "SYSTEM_OFF",        [PSCI_SYSTEM_RESET] = "SYSTEM_RESET",
		[PSCI_SYSTEM_RESET2] = "SYSTEM_RESET2",  [PSCI_SYSTEM_SUSPEND] = "SYSTEM_SUSPEND",
		[PSCI_SYSTEM_HIBERNATE] = "SYSTEM_OFF2",
	};
	struct line l;

	if (!is_on(t))
		return;
	begin(t, &l, "decision");
	add(&l, ",\"cpu\":%u,\"what\":\"%s\",\"result\":\"%s\"", d->cpu, what[d->kind], d->result);
	add(&l, ",\"held\":%u,\"hold_ns\":%llu,\"held_ns\":%llu", d->held, d->hold_ns, d->held_ns);
	end(t, &l);
}

void trace_wake(struct trace *t, u32 cpu, const char *by)
{
	struct line l;

	if (!is_on(t))
		return;
	begin(t, &l, "wake");
	add(&l, ",\"cpu\":%u,\"by\":\"%s\"", cpu, by);
	end(t, &l);
}
