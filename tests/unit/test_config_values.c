/* SPDX-License-Identifier: MIT */
#include "tests/unit/caught.h"

#include <errno.h>

#include "machine/base/bits.h"
#include "machine/config_values.h"

static void number_is_the_whole_word_and_within_its_bounds(void **state)
{
	static const struct {
		const char *word;
		u64 min, max;
		int err;
		u64 value;
	} rows[] = {
		{ "1", 1, 512, 0, 1 },
		{ "512", 1, 512, 0, 512 },
		{ "0", 1, 512, -EINVAL, 0 },
		{ "513", 1, 512, -EINVAL, 0 },
		{ "0", 0, 0, 0, 0 },
		{ "0x1f", 0, 512, 0, 31 },
		{ "0XaB", 0, 512, 0, 171 },
		{ "010", 0, 512, 0, 10 },
		{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "0xffffffffffffffff", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, -EINVAL, 0 },
		{ "0x10000000000000000", 0, UINT64_MAX, -EINVAL, 0 },
		{ "99999999999999999999999", 0, UINT64_MAX, -EINVAL, 0 },
		{ "", 0, 9, -EINVAL, 0 },
		{ "-1", 0, UINT64_MAX, -EINVAL, 0 },
		{ "+1", 0, 9, -EINVAL, 0 },
		{ " 1", 0, 9, -EINVAL, 0 },
		{ "1 ", 0, 9, -EINVAL, 0 },
		{ "1a", 0, 512, -EINVAL, 0 },
		{ "0x", 0, 9, -EINVAL, 0 },
		{ "0xg", 0, 9, -EINVAL, 0 },
		{ "x1", 0, 9, -EINVAL, 0 },
		{ "1.0", 0, 9, -EINVAL, 0 },
		{ "\xff", 0, UINT64_MAX, -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 value = 77;
		int err = config_number(rows[i].word, rows[i].min, rows[i].max, &value);

		if (err != rows[i].err || value != (err ? 77 : rows[i].value))
			fail_msg("'%s': %d, %llu", rows[i].word, err, value);
	}
}

static void size_is_in_mib_unless_it_has_a_unit(void **state)
{
	static const struct {
		const char *word;
		int err;
		u64 bytes;
	} rows[] = {
		{ "256", 0, 256 * MIB },
		{ "256M", 0, 256 * MIB },
		{ "256m", 0, 256 * MIB },
		{ "5B", 0, 5 },
		{ "5b", 0, 5 },
		{ "3K", 0, 3 * KIB },
		{ "3k", 0, 3 * KIB },
		{ "2G", 0, 2 * GIB },
		{ "2g", 0, 2 * GIB },
		{ "1T", 0, 1024 * GIB },
		{ "1t", 0, 1024 * GIB },
		{ "1P", 0, 1024 * 1024 * GIB },
		{ "1p", 0, 1024 * 1024 * GIB },
		{ "0x100", 0, 256 * MIB },
		{ "0x10G", 0, 16 * GIB },
		{ "0", 0, 0 },
		{ "18446744073709551615B", 0, UINT64_MAX },
		{ "16383P", 0, 16383ull << 50 },
		{ "16384P", -ERANGE, 0 },
		{ "17592186044415", 0, 17592186044415ull << 20 },
		{ "17592186044416", -ERANGE, 0 },
		{ "18446744073709551616B", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1MB", -EINVAL, 0 },
		{ "1MiB", -EINVAL, 0 },
		{ "1E", -EINVAL, 0 },
		{ "1 M", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },
		{ "1M@2G", -EINVAL, 0 },
		{ "1\x80", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 bytes = 77;
		int err = config_size(rows[i].word, &bytes);

		if (err != rows[i].err || bytes != (err ? 77 : rows[i].bytes))
			fail_msg("'%s': %d, %llu", rows[i].word, err, bytes);
	}
}

static void cpu_list_names_the_cpus_that_taskset_takes_it_for(void **state)
{
	static const struct {
		const char *list;
		u64 set[2];
	} rows[] = {
		{ "0", { 1 } },
		{ "63", { 1ull << 63 } },
		{ "64", { 0, 1 } },
		{ "127", { 0, 1ull << 63 } },
		{ "0,2-5", { 0x3d } },
		{ "5,2", { 0x24 } },
		{ "3-3", { 8 } },
		{ "1,1,1", { 2 } },
		{ "0-127", { UINT64_MAX, UINT64_MAX } },
		{ "60-67", { 0xfull << 60, 0xf } },
		{ "0-10:2", { 0x555 } },
		{ "1-10:3,12", { 0x1492 } },
		{ "0-3:128", { 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 set[2] = { 77, 77 };

		if (config_cpulist(rows[i].list, set, ARRAY_SIZE(set)) < 0 ||
		    memcmp(set, rows[i].set, sizeof(set)) != 0)
			fail_msg("'%s': %#llx %#llx", rows[i].list, set[0], set[1]);
	}
}

static void cpu_list_that_is_none_leaves_the_set_alone(void **state)
{
	static const char *const rows[] = {
		"",
		",",
		"0,",
		",0",
		"0,,1",
		"128",
		"0-128",
		"5-2",
		"-1",
		"1-",
		"1-2-3",
		"1:2",
		"1-5:0",
		"1-5:",
		"1-5:129",
		"0x3",
		"a",
		"0 1",
		" 0",
		"0;1",
		"99999999999999999999",
		"0-3:99999999999999999999",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 set[2] = { 77, 78 };

		if (config_cpulist(rows[i], set, ARRAY_SIZE(set)) != -EINVAL || set[0] != 77 ||
		    set[1] != 78)
			fail_msg("'%s'", rows[i]);
	}
}

static void equal_or_fail(const char *value, const char *what, const char *is, const char *want)
{
	if (!is != !want || (is && strcmp(is, want) != 0))
		fail_msg("'%s': %s is '%s'", value, what, is ? is : "(none)");
}

static void disk_is_a_file_and_flags_with_doubled_commas_in_names(void **state)
{
	static const struct {
		const char *value, *path, *serial;
		bool ro, direct;
	} rows[] = {
		{ "a", "a", NULL, false, false },
		{ "a,ro", "a", NULL, true, false },
		{ "a,direct", "a", NULL, false, true },
		{ "a,ro,direct", "a", NULL, true, true },
		{ "a,direct,ro,ro", "a", NULL, true, true },
		{ "a,serial=X", "a", "X", false, false },
		{ "a,serial=12345678901234567890,ro", "a", "12345678901234567890", true, false },
		{ "a,serial=X,serial=Y", "a", "Y", false, false },
		{ "a,serial=a=b c", "a", "a=b c", false, false },
		{ "a,serial=x,,y", "a", "x,y", false, false },
		{ "a,,ro", "a,ro", NULL, false, false },
		{ "a,,ro,ro", "a,ro", NULL, true, false },
		{ ",,a", ",a", NULL, false, false },
		{ "a,,,,b", "a,,b", NULL, false, false },
		{ "a,,", "a,", NULL, false, false },
		{ "a,,,ro", "a,", NULL, true, false },
		{ "ro", "ro", NULL, false, false },
		{ "a=b", "a=b", NULL, false, false },
		{ "a b", "a b", NULL, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *value = rows[i].value;
		struct config_disk d;

		if (config_disk_parse("disk", value, &d) < 0)
			fail_msg("'%s' is refused", value);
		equal_or_fail(value, "path", d.path, rows[i].path);
		equal_or_fail(value, "serial", d.serial, rows[i].serial);
		if (d.read_only != rows[i].ro || d.direct != rows[i].direct)
			fail_msg("'%s': ro %d, direct %d", value, d.read_only, d.direct);
		config_disk_done(&d);
	}
	assert_string_equal(caught_text(*state), "");
}

static void network_is_a_tap_unless_it_is_none(void **state)
{
	static const struct {
		const char *value;
		enum config_net_mode mode;
		const char *ifname, *host_ip;
		bool has_mac;
		u8 mac[6];
	} rows[] = {
		{ "mode=none", CONFIG_NET_NONE, NULL, NULL, false, { 0 } },
		{ "mode=tap", CONFIG_NET_TAP, NULL, NULL, false, { 0 } },
		{ "tapif=tap7", CONFIG_NET_TAP, "tap7", NULL, false, { 0 } },
		{ "mode=tap,tapif=a,tapif=b", CONFIG_NET_TAP, "b", NULL, false, { 0 } },
		{ "tapif=vm0,mode=tap", CONFIG_NET_TAP, "vm0", NULL, false, { 0 } },
		{ "tapif=123456789012345", CONFIG_NET_TAP, "123456789012345", NULL, false, { 0 } },
		{ "host_ip=192.168.33.1", CONFIG_NET_TAP, NULL, "192.168.33.1", false, { 0 } },
		{ "mode=tap,host_ip=10.0.0.1,host_ip=10.0.0.2",
		  CONFIG_NET_TAP,
		  NULL,
		  "10.0.0.2",
		  false,
		  { 0 } },
		{ "guest_mac=02:15:ab:CD:Ef:00",
		  CONFIG_NET_TAP,
		  NULL,
		  NULL,
		  true,
		  { 0x02, 0x15, 0xab, 0xcd, 0xef, 0 } },
		{ "mode=tap,tapif=t,guest_mac=00:00:00:00:00:01,host_ip=0.0.0.0",
		  CONFIG_NET_TAP,
		  "t",
		  "0.0.0.0",
		  true,
		  { 0, 0, 0, 0, 0, 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *value = rows[i].value;
		struct config_net n;

		if (config_net_parse("network", value, &n) < 0)
			fail_msg("'%s' is refused", value);
		equal_or_fail(value, "tapif", n.ifname, rows[i].ifname);
		equal_or_fail(value, "host_ip", n.host_ip, rows[i].host_ip);
		if (n.mode != rows[i].mode || n.has_mac != rows[i].has_mac ||
		    memcmp(n.mac, rows[i].mac, sizeof(n.mac)) != 0)
			fail_msg("'%s': mode %d, mac %d", value, (int)n.mode, n.has_mac);
		config_net_done(&n);
	}
	assert_string_equal(caught_text(*state), "");
}

static void refused_disk_is_named_with_the_reason_and_left_alone(void **state)
{
	static const struct {
		const char *value, *reason;
	} rows[] = {
		{ "", "no file is named" },
		{ ",ro", "no file is named" },
		{ "a,", "'' is none of ro, direct, serial=NAME" },
		{ "a,rw", "'rw' is none of ro, direct, serial=NAME" },
		{ "a,ro,", "'' is none of" },
		{ "a,ro,,direct", "'ro,direct' is none of" },
		{ "a,RO", "'RO' is none of" },
		{ "a,ro=1", "'ro=1' is none of" },
		{ "a,serial", "'serial' is none of" },
		{ "a,serial=", "1 to 20 printable" },
		{ "a,serial=123456789012345678901", "1 to 20 printable" },
		{ "a,serial=x\ty", "1 to 20 printable" },
		{ "a,serial=\xc3\xa4", "1 to 20 printable" },
		{ "a,serial=ok,no", "'no' is none of" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_disk d = { .serial = NULL };
		int err = config_disk_parse("disk", rows[i].value, &d);
		const char *line = caught_text(*state);

		if (err != -EINVAL || d.path || d.serial || !caught_one_line(line) ||
		    !strstr(line, rows[i].reason) || strncmp(line, "  Fatal: --disk '", 17) != 0)
			fail_msg("'%s': %d, %s", rows[i].value, err, line);
	}
}

static void refused_network_is_named_with_the_reason_and_left_alone(void **state)
{
	static const struct {
		const char *value, *reason;
	} rows[] = {
		{ "", "'' is not KEY=VALUE" },
		{ "tap", "'tap' is not KEY=VALUE" },
		{ "mode=tap,", "'' is not KEY=VALUE" },
		{ "mode=user", "mode=user is not served yet" },
		{ "mode=", "mode is tap or none" },
		{ "mode=bridge", "mode is tap or none" },
		{ "mode=tapx", "mode is tap or none" },
		{ "Mode=tap", "no key for 'Mode=tap'" },
		{ "=tap", "no key for '=tap'" },
		{ "mode=none,tapif=t", "mode=none goes with no other key" },
		{ "tapif=t,mode=none", "mode=none goes with no other key" },
		{ "tapif=", "tapif is an interface name" },
		{ "tapif=1234567890123456", "tapif is an interface name" },
		{ "tapif=a/b", "tapif is an interface name" },
		{ "tapif=a:b", "tapif is an interface name" },
		{ "tapif=vm%d", "tapif is an interface name" },
		{ "tapif=a b", "tapif is an interface name" },
		{ "tapif=a\nb", "tapif is an interface name" },
		{ "tapif=.", "tapif is an interface name" },
		{ "tapif=..", "tapif is an interface name" },
		{ "guest_mac=", "guest_mac is the address of one card" },
		{ "guest_mac=02:15:15:15:15", "guest_mac is the address" },
		{ "guest_mac=02:15:15:15:15:", "guest_mac is the address" },
		{ "guest_mac=02:15:15:15:15:1", "guest_mac is the address" },
		{ "guest_mac=02:15:15:15:15:15:", "guest_mac is the address" },
		{ "guest_mac=02:15:15:15:15:15:15", "guest_mac is the address" },
		{ "guest_mac=02-15-15-15-15-15", "guest_mac is the address" },
		{ "guest_mac=0g:15:15:15:15:15", "guest_mac is the address" },
		{ "guest_mac=2:15:15:15:15:15", "guest_mac is the address" },
		{ "guest_mac=00:00:00:00:00:00", "guest_mac is the address" },
		{ "guest_mac=01:15:15:15:15:15", "guest_mac is the address" },
		{ "guest_mac=ff:ff:ff:ff:ff:ff", "guest_mac is the address" },
		{ "host_ip=", "host_ip is an IPv4 address" },
		{ "host_ip=10.0.0", "host_ip is an IPv4 address" },
		{ "host_ip=10.0.0.256", "host_ip is an IPv4 address" },
		{ "host_ip=10.0.0.1/24", "host_ip is an IPv4 address" },
		{ "host_ip=::1", "host_ip is an IPv4 address" },
		{ "host_ip=10.0.0.1,tapif=a/b", "tapif is an interface name" },
		{ "guest_ip=10.0.0.2", "guest_ip is not served" },
		{ "script=x", "script is not served" },
		{ "downscript=x", "downscript is not served" },
		{ "vhost=1", "vhost is not served" },
		{ "trans=mmio", "trans is not served" },
		{ "fd=3", "fd is not served" },
		{ "mq=2", "mq is not served" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_net n = { .ifname = NULL };
		int err = config_net_parse("network", rows[i].value, &n);
		const char *line = caught_text(*state);

		if (err != -EINVAL || n.ifname || n.host_ip || !caught_one_line(line) ||
		    !strstr(line, rows[i].reason) || strncmp(line, "  Fatal: --network '", 20) != 0)
			fail_msg("'%s': %d, %s", rows[i].value, err, line);
	}
}

static void value_of_any_kind_is_refused_in_one_line_with_its_reason(void **state)
{
	char value[5000];

	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(config_refuse("mem", value, "the reason"), -EINVAL);
	assert_non_null(strstr(caught_text(*state), "vvv...': the reason\n"));

	assert_int_equal(config_refuse("mem", "a\nb\x1b[2J\x7f\xc3\xa4", "%d", 5), -EINVAL);
	assert_string_equal(caught_text(*state), "  Fatal: --mem 'a?b?[2J?\xc3\xa4': 5\n");

	assert_int_equal(config_refuse("mem", NULL, "needs a value"), -EINVAL);
	assert_string_equal(caught_text(*state), "  Fatal: --mem: needs a value\n");
}

static void what_is_shown_fits_its_room(void **state)
{
	static const struct {
		const char *value, *shown;
	} rows[] = {
		{ "", "" },
		{ "1234567", "1234567" },
		{ "12345678", "1234..." },
		{ "\r\n", "??" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char room[8];

		config_show(room, sizeof(room), rows[i].value);
		assert_string_equal(room, rows[i].shown);
	}
}

#define CAUGHT_TEST(f) cmocka_unit_test_setup_teardown(f, caught_setup, caught_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_is_the_whole_word_and_within_its_bounds),
		cmocka_unit_test(size_is_in_mib_unless_it_has_a_unit),
		cmocka_unit_test(cpu_list_names_the_cpus_that_taskset_takes_it_for),
		cmocka_unit_test(cpu_list_that_is_none_leaves_the_set_alone),
		CAUGHT_TEST(disk_is_a_file_and_flags_with_doubled_commas_in_names),
		CAUGHT_TEST(network_is_a_tap_unless_it_is_none),
		CAUGHT_TEST(refused_disk_is_named_with_the_reason_and_left_alone),
		CAUGHT_TEST(refused_network_is_named_with_the_reason_and_left_alone),
		CAUGHT_TEST(value_of_any_kind_is_refused_in_one_line_with_its_reason),
		cmocka_unit_test(what_is_shown_fits_its_room),
	};

	return cmocka_run_group_tests_name("config_values", tests, NULL, NULL);
}
