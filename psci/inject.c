/* SPDX-License-Identifier: MIT */
#include "psci/inject.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "psci/psci_private.h"

enum {
	DELAY_MAX = 1000, /* ms */
	PENDING_MAX = 10000,
};

static int refuse(const char **why, const char *reason)
{
	*why = reason;
	return -EINVAL;
}

/* Take a decimal number off the front of *@s. Nothing moves when there is none, or it is no u32. */
static bool take_number(const char **s, u32 *out)
{
	const char *at = *s;
	u64 value = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (u64)(*at - '0');
		if (value > UINT32_MAX)
			return false;
	}
	if (at == *s)
		return false;

	*s = at;
	*out = (u32)value;
	return true;
}

/* [@CPU][#FIRST[-LAST]] up to the '=', behind which *@s stands afterwards. */
static int parse_match(const char **s, struct psci_inject_rule *r, const char **why)
{
	if (**s == '@') {
		++*s;
		r->any_cpu = false;
		if (!take_number(s, &r->cpu))
			return refuse(why, "@ wants the index of a CPU");
	}
	if (**s == '#') {
		++*s;
		if (!take_number(s, &r->first) || r->first == 0)
			return refuse(why, "# wants the number of a call, from 1");
		r->last = r->first;
		if (**s == '-') {
			++*s;
			if (!take_number(s, &r->last) || r->last < r->first)
				return refuse(why,
				              "the last call is before the first, or no number");
		}
	}
	if (**s != '=')
		return refuse(why, "it is not FUNCTION[@CPU][#FIRST[-LAST]]=WHAT");
	++*s;
	return 0;
}

/* @s is PREFIX followed by 1..@max and nothing else. */
static bool is_time(const char *s, const char *prefix, u32 max, u32 *ms)
{
	s += strlen(prefix);
	return take_number(&s, ms) && *s == '\0' && *ms >= 1 && *ms <= max;
}

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int parse_what(const char *s, struct psci_inject_rule *r, const char **why)
{
	if (begins(s, "delay:")) {
		r->kind = PSCI_INJECT_DELAY;
		if (!is_time(s, "delay:", DELAY_MAX, &r->ms))
			return refuse(why, "delay: wants 1 to 1000 milliseconds");
		return 0;
	}
	if (begins(s, "pending:")) {
		r->kind = PSCI_INJECT_PENDING;
		if (r->fn != PSCI_FN_CPU_ON)
			return refuse(why, "pending: is for CPU_ON only");
		if (!is_time(s, "pending:", PENDING_MAX, &r->ms))
			return refuse(why, "pending: wants 1 to 10000 milliseconds");
		return 0;
	}
	r->kind = PSCI_INJECT_CODE;
	if (psci_code_by_name(s, strlen(s), &r->code) < 0)
		return refuse(why, "what is to happen is no return code, delay:MS or pending:MS");
	return 0;
}

int psci_inject_parse(const char *spec, struct psci_inject_rule *out, const char **why)
{
	struct psci_inject_rule r = { .any_cpu = true, .first = 1 };
	size_t len = strcspn(spec, "@#=");
	int fn = psci_fn_by_name(spec, len);
	int err;

	if (fn < 0)
		return refuse(why, "there is no such PSCI function");
	r.fn = (u32)fn;

	spec += len;
	err = parse_match(&spec, &r, why);
	if (!err)
		err = parse_what(spec, &r, why);
	if (!err)
		*out = r;
	return err;
}

/*
 * Count a call that matches function and CPU. The counter stops where it cannot change
 * an answer any more: a guest that calls 2^32 times must not meet the first call again.
 */
static bool is_due(const struct psci_inject_rule *r, atomic_uint *seen)
{
	bool open_end = r->last == 0;
	u32 n = atomic_load_explicit(seen, memory_order_relaxed);

	if (n >= (open_end ? r->first : r->last))
		return open_end;

	n = atomic_fetch_add_explicit(seen, 1, memory_order_relaxed) + 1;
	return n >= r->first && (open_end || n <= r->last);
}

const struct psci_inject_rule *psci_inject_next(struct psci_inject *in, u32 fid, u32 cpu)
{
	const struct psci_inject_rule *due = NULL;

	if (!psci_row_of(fid))
		return NULL;

	for (u32 i = 0; i < in->nr; i++) {
		const struct psci_inject_rule *r = &in->rule[i];

		if (r->fn != fid % PSCI_FN_MAX || (!r->any_cpu && r->cpu != cpu))
			continue;
		if (is_due(r, &in->seen[i]) && !due)
			due = r;
	}
	return due;
}
