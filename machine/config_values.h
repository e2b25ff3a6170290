/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_CONFIG_VALUES_H
#define MACHINE_CONFIG_VALUES_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"
#include "machine/config.h"

/* The values that options take; for config.c and the tests. */

/**
 * config_refuse - say in one line why an option's value is not accepted
 * @option: long name without dashes
 * @value:  as it was given, NULL for none; what would break the line or the
 *          terminal in it is shown as '?', and a long one is cut
 * @fmt:    the reason
 *
 * Return: -EINVAL.
 */
int config_refuse(const char *option, const char *value, const char *fmt, ...) printf_like(3, 4);

/* Copy @value to @to, @room bytes of at least 4, fit to be shown as above. */
void config_show(char *to, size_t room, const char *value);

/**
 * config_choose - which of the words that an option knows
 * @option: named when it is refused
 * @words:  "this|that"
 * @out:    the word's place, from 0: the order of the enum that it stands for
 *
 * Return: 0, or -EINVAL, logged.
 */
must_check int config_choose(const char *option, const char *value, const char *words,
                             unsigned int *out);

/**
 * config_number - a whole word as a number
 * @s: decimal, or hexadecimal after 0x; no sign, no blanks, nothing behind it
 *
 * Return: 0, or -EINVAL for what is no number from @min to @max, not logged.
 */
must_check int config_number(const char *s, u64 min, u64 max, u64 *out);

/**
 * config_size - a number and one of B, K, M, G, T, P in either case; without one MiB
 * @out: bytes
 *
 * Return: 0; -EINVAL for what is no size, -ERANGE from 2^64 bytes on; not logged.
 */
must_check int config_size(const char *s, u64 *out);

/**
 * config_disk_parse - FILE[,ro][,direct][,serial=NAME]
 * @option: named when it is refused
 * @value:  a comma that belongs to FILE or NAME is doubled
 * @out:    owned by the caller, released with config_disk_done()
 *
 * Return: 0, -EINVAL or -ENOMEM, logged.
 */
must_check int config_disk_parse(const char *option, const char *value, struct config_disk *out);
void config_disk_done(struct config_disk *d);

/**
 * config_net_parse - KEY=VALUE[,KEY=VALUE]...
 * @option: named when it is refused
 * @value:  mode (none or tap, which is the default), tapif, guest_mac, host_ip
 * @out:    owned by the caller, released with config_net_done()
 *
 * Return: 0, -EINVAL or -ENOMEM, logged.
 */
must_check int config_net_parse(const char *option, const char *value, struct config_net *out);
void config_net_done(struct config_net *n);

#endif /* MACHINE_CONFIG_VALUES_H */
