/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/base/log.h"
#include "machine/config_values.h"

enum { SERIAL_MAX = 20 }; /* VIRTIO 1.2 5.2.6, VIRTIO_BLK_T_GET_ID */

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

void config_show(char *to, size_t room, const char *value)
{
	size_t n = 0;

	for (; n < room - 1 && value[n]; n++)
		to[n] = value[n];
	for (size_t i = 0; i < n; i++)
		if (is_control(to[i]))
			to[i] = '?';
	to[n] = '\0';
	if (value[n])
		memcpy(to + room - 4, "...", 4);
}

int config_refuse(const char *option, const char *value, const char *fmt, ...)
{
	char reason[600], shown[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (!value)
		return log_refuse(-EINVAL, "--%s: %s", option, reason);

	config_show(shown, sizeof(shown), value);
	return log_refuse(-EINVAL, "--%s '%s': %s", option, shown, reason);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* The number that @s begins with. Return: what stands behind it, NULL for none or 2^64 and more. */
static const char *leading_number(const char *s, int base, u64 *out)
{
	const char *from = s;
	u64 v = 0;

	for (; digit(*s) < base; s++)
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit(*s), &v))
			return NULL;

	*out = v;
	return s > from ? s : NULL;
}

static const char *any_base(const char *s, u64 *out)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return leading_number(s + 2, 16, out);
	return leading_number(s, 10, out);
}

int config_number(const char *s, u64 min, u64 max, u64 *out)
{
	u64 v = 0;
	const char *end = any_base(s, &v);

	if (!end || *end || v < min || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

int config_choose(const char *option, const char *value, const char *words, unsigned int *out)
{
	const char *word = words;

	for (unsigned int i = 0;; i++) {
		size_t len = strcspn(word, "|");

		if (strlen(value) == len && memcmp(value, word, len) == 0) {
			*out = i;
			return 0;
		}
		if (!word[len])
			return config_refuse(option, value, "not %s", words);
		word += len + 1;
	}
}

/* How far a unit shifts a number to make bytes of it, -1: no such unit. */
static int unit_shift(char unit)
{
	static const char units[] = "bkmgtp";
	const char *at = strchr(units, unit | 0x20);

	return at ? (int)(at - units) * 10 : -1;
}

int config_size(const char *s, u64 *out)
{
	int shift = 20;
	u64 v = 0;
	const char *end = any_base(s, &v);

	if (!end)
		return -EINVAL;
	if (*end) {
		shift = unit_shift(*end);
		if (shift < 0 || end[1])
			return -EINVAL;
	}
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*out = v << shift;
	return 0;
}

/* "3", "2-5" or "2-9:3". Return: what stands behind it, NULL when it is none of these. */
static const char *cpu_range(const char *s, u64 limit, u64 *first, u64 *last, u64 *step)
{
	s = leading_number(s, 10, first);
	*last = *first;
	*step = 1;
	if (s && *s == '-') {
		s = leading_number(s + 1, 10, last);
		if (s && *s == ':')
			s = leading_number(s + 1, 10, step);
	}
	if (!s || *first > *last || *last >= limit || *step == 0 || *step > limit)
		return NULL;
	return s;
}

/* @set NULL: only check. */
static int walk_cpulist(const char *s, u64 *set, u64 limit)
{
	do {
		u64 first = 0, last = 0, step = 0;

		s = cpu_range(s, limit, &first, &last, &step);
		if (!s)
			return -EINVAL;
		for (u64 cpu = first; set && cpu <= last; cpu += step)
			set[cpu / 64] |= 1ull << (cpu % 64);
	} while (*s == ',' && *++s);

	return *s || s[-1] == ',' ? -EINVAL : 0;
}

int config_cpulist(const char *list, u64 *set, size_t nr)
{
	if (walk_cpulist(list, NULL, nr * 64) < 0)
		return -EINVAL;

	memset(set, 0, nr * sizeof(*set));
	return walk_cpulist(list, set, nr * 64);
}

/*
 * The next piece of "a,b,c", in which ",," stands for a comma; *s becomes NULL
 * with the last one. Return: the piece, released with free(); NULL: no memory.
 */
static char *next_piece(const char **s)
{
	const char *from = *s;
	char *piece = malloc(strlen(from) + 1), *to = piece;

	if (!piece)
		return NULL;
	while (*from && !(from[0] == ',' && from[1] != ',')) {
		*to++ = *from;
		from += *from == ',' ? 2 : 1;
	}
	*to = '\0';
	*s = *from ? from + 1 : NULL;
	return piece;
}

static int no_memory(const char *option)
{
	return log_errno(-ENOMEM, "--%s", option);
}

/* The guest sees it, and the tools there expect one printable word. */
static bool is_serial(const char *s)
{
	for (const char *c = s; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			return false;
	return *s && strlen(s) <= SERIAL_MAX;
}

static int disk_flag(const char *option, const char *value, const char *flag, struct config_disk *d)
{
	static const char serial[] = "serial=";
	char shown[48];

	if (strcmp(flag, "ro") == 0) {
		d->read_only = true;
	} else if (strcmp(flag, "direct") == 0) {
		d->direct = true;
	} else if (strncmp(flag, serial, sizeof(serial) - 1) == 0) {
		flag += sizeof(serial) - 1;
		if (!is_serial(flag))
			return config_refuse(option, value,
			                     "a serial has 1 to %d printable ASCII characters",
			                     SERIAL_MAX);
		free(d->serial);
		d->serial = strdup(flag);
		if (!d->serial)
			return no_memory(option);
	} else {
		config_show(shown, sizeof(shown), flag);
		return config_refuse(option, value,
		                     "'%s' is none of ro, direct, serial=NAME "
		                     "(write ',,' for a comma in a name)",
		                     shown);
	}
	return 0;
}

int config_disk_parse(const char *option, const char *value, struct config_disk *out)
{
	const char *rest = value;
	struct config_disk d = { .path = next_piece(&rest) };
	int err = 0;

	if (!d.path)
		err = no_memory(option);
	else if (!*d.path)
		err = config_refuse(option, value, "no file is named");
	while (err == 0 && rest) {
		char *flag = next_piece(&rest);

		err = flag ? disk_flag(option, value, flag, &d) : no_memory(option);
		free(flag);
	}
	if (err < 0)
		config_disk_done(&d);
	else
		*out = d;
	return err;
}

void config_disk_done(struct config_disk *d)
{
	free(d->path);
	free(d->serial);
	*d = (struct config_disk){ .path = NULL };
}

static int replace(char **at, const char *value)
{
	free(*at);
	*at = strdup(value);
	return *at ? 0 : -ENOMEM;
}

static int set_mode(const char *value, struct config_net *n)
{
	if (strcmp(value, "tap") == 0)
		n->mode = CONFIG_NET_TAP;
	else if (strcmp(value, "none") == 0)
		n->mode = CONFIG_NET_NONE;
	else
		return -EINVAL;
	return 0;
}

/* What the kernel takes (dev_valid_name() in net/core/dev.c), less '%', which numbers a name. */
static int set_tapif(const char *value, struct config_net *n)
{
	if (!*value || strlen(value) >= IFNAMSIZ || strcmp(value, ".") == 0 ||
	    strcmp(value, "..") == 0)
		return -EINVAL;
	for (const char *c = value; *c; c++)
		if (is_control(*c) || strchr("/:% ", *c))
			return -EINVAL;
	return replace(&n->ifname, value);
}

static int set_guest_mac(const char *value, struct config_net *n)
{
	u8 mac[6], any = 0;

	for (size_t i = 0; i < sizeof(mac); i++, value += 3) {
		char end = i + 1 < sizeof(mac) ? ':' : '\0';

		if (digit(value[0]) > 15 || digit(value[1]) > 15 || value[2] != end)
			return -EINVAL;
		mac[i] = (u8)(digit(value[0]) << 4 | digit(value[1]));
		any |= mac[i];
	}
	if (!any || (mac[0] & 1)) /* the group bit: no station has such an address */
		return -EINVAL;

	memcpy(n->mac, mac, sizeof(mac));
	n->has_mac = true;
	return 0;
}

static int set_host_ip(const char *value, struct config_net *n)
{
	struct in_addr a;

	return inet_pton(AF_INET, value, &a) == 1 ? replace(&n->host_ip, value) : -EINVAL;
}

/* kvmtool's keys; set NULL: not served. */
static const struct net_key {
	const char *name;
	int (*set)(const char *value, struct config_net *n);
	const char *reason; /* what a refusal says */
} net_keys[] = {
	{ "mode", set_mode, "mode is tap or none" },
	{ "tapif", set_tapif,
	  "tapif is an interface name: 1 to 15 characters, no blank, '/', ':' or '%'" },
	{ "guest_mac", set_guest_mac,
	  "guest_mac is the address of one card, such as 02:15:15:15:15:15" },
	{ "host_ip", set_host_ip, "host_ip is an IPv4 address, such as 192.168.33.1" },
	{ "guest_ip", NULL, "guest_ip is not served: the guest sets its own address" },
	{ "script", NULL,
	  "script is not served: set the interface up before, and name it with tapif" },
	{ "downscript", NULL, "downscript is not served: run it after roost" },
	{ "vhost", NULL, "vhost is not served" },
	{ "trans", NULL, "trans is not served: every card is on virtio-mmio" },
	{ "fd", NULL, "fd is not served: name the interface with tapif" },
	{ "mq", NULL, "mq is not served: a card has one pair of queues" },
};

static const struct net_key *find_net_key(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(net_keys); i++)
		if (strlen(net_keys[i].name) == len && memcmp(net_keys[i].name, name, len) == 0)
			return &net_keys[i];
	return NULL;
}

static int net_setting(const char *option, const char *value, const char *piece,
                       struct config_net *n)
{
	const char *is = strchrnul(piece, '=');
	const struct net_key *key = find_net_key(piece, (size_t)(is - piece));
	char shown[48];
	int err;

	config_show(shown, sizeof(shown), piece);
	if (!*is)
		return config_refuse(option, value, "'%s' is not KEY=VALUE", shown);
	if (!key)
		return config_refuse(option, value, "there is no key for '%s'", shown);
	if (!key->set)
		return config_refuse(option, value, "%s", key->reason);
	if (key->set == set_mode && strcmp(is + 1, "user") == 0)
		return config_refuse(option, value, "mode=user is not served yet; use mode=tap");

	err = key->set(is + 1, n);
	if (err == -EINVAL)
		return config_refuse(option, value, "%s", key->reason);
	return err < 0 ? no_memory(option) : 0;
}

int config_net_parse(const char *option, const char *value, struct config_net *out)
{
	struct config_net n = { .mode = CONFIG_NET_TAP };
	const char *rest = value;
	size_t settings = 0;
	int err = 0;

	for (; err == 0 && rest; settings++) {
		char *piece = next_piece(&rest);

		err = piece ? net_setting(option, value, piece, &n) : no_memory(option);
		free(piece);
	}
	if (err == 0 && n.mode == CONFIG_NET_NONE && settings > 1)
		err = config_refuse(option, value, "mode=none goes with no other key");
	if (err < 0)
		config_net_done(&n);
	else
		*out = n;
	return err;
}

void config_net_done(struct config_net *n)
{
	free(n->ifname);
	free(n->host_ip);
	*n = (struct config_net){ .mode = CONFIG_NET_NONE };
}
