/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/base/own.h"
#include "machine/config.h"

enum { COMMAND_LINE_SIZE = 2048 }; /* arch/arm64/include/uapi/asm/setup.h, with the NUL */

/* As isspace() in the kernel has it, lib/ctype.c, whatever our locale is. */
static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (unsigned char)c == 0xa0;
}

/*
 * The next parameter, as next_arg() in the kernel's lib/cmdline.c cuts them: a
 * double quote anywhere keeps blanks together, one at the front is not part of it.
 *
 * Return: where it begins, with its length; NULL: there is none.
 */
static const char *next_param(const char **s, size_t *len)
{
	const char *from = *s, *end;
	bool quoted = false;

	while (*from && is_blank(*from))
		from++;
	if (!*from)
		return NULL;

	for (end = from; *end && (quoted || !is_blank(*end)); end++)
		if (*end == '"')
			quoted = !quoted;
	*s = end;
	if (*from == '"')
		from++;
	*len = (size_t)(end - from);
	return from;
}

/* Is there a parameter that begins with @start? After "--" they are init's, not the kernel's. */
static bool has_param(const char *params, const char *start)
{
	const char *param;
	size_t len;

	while ((param = next_param(&params, &len))) {
		if (len == 2 && memcmp(param, "--", 2) == 0)
			return false;
		if (len >= strlen(start) && memcmp(param, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

int config_cmdline(const struct machine_config *cfg, char **out)
{
	const char *console = "", *root = "";
	auto_free char *line = NULL;
	int len;

	if (!cfg->nodefaults && !has_param(cfg->params, "console="))
		console =
			cfg->console == CONFIG_CONSOLE_VIRTIO ? "console=hvc0 " : "console=ttyS0 ";
	if (!cfg->nodefaults && cfg->nr_disks > 0 && !has_param(cfg->params, "root="))
		root = "root=/dev/vda ";

	len = asprintf(&line, "%s%s%s", console, root, cfg->params);
	if (len < 0) {
		line = NULL; /* asprintf() leaves it undefined */
		return log_errno(-ENOMEM, "--params");
	}
	if (len >= COMMAND_LINE_SIZE)
		return log_refuse(-E2BIG,
		                  "--params: the kernel's command line would have %d bytes, "
		                  "and arm64 Linux takes %d",
		                  len, COMMAND_LINE_SIZE - 1);

	/* Params were empty, or the defaults are: no blank at the end that nobody wrote. */
	if (!*cfg->params && len > 0)
		line[len - 1] = '\0';
	*out = take_ptr(&line);
	return 0;
}
