/* SPDX-License-Identifier: MIT */
#include "tests/unit/config_rig.h"

#include <errno.h>
#include <stdio.h>

#include "machine/base/bits.h"
#include "machine/config.h"

static int parse(const char *const *words, struct machine_config *cfg)
{
	char *argv[WORDS_MAX];
	int argc = 0;

	for (; argc < WORDS_MAX && words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	return config_parse(argc, argv, cfg);
}

static void add_lists(char *to, size_t room, const struct machine_config *c)
{
	for (u32 i = 0; i < c->nr_disks; i++) {
		add(to, room, "disk", c->disk[i].path);
		add(to, room, "serial", c->disk[i].serial);
		add_number(to, room, "ro", c->disk[i].read_only, 0);
		add_number(to, room, "direct", c->disk[i].direct, 0);
	}
	for (u32 i = 0; i < c->nr_nets; i++) {
		add(to, room, "net", c->net[i].mode == CONFIG_NET_TAP ? "tap" : "none");
		add(to, room, "tapif", c->net[i].ifname);
		add(to, room, "host_ip", c->net[i].host_ip);
		add_number(to, room, "mac5", c->net[i].mac[5], 0);
	}
	for (u32 i = 0; i < c->nr_dtbos; i++)
		add(to, room, "dtbo", c->dtbo[i]);
}

/* Everything in a configuration that is not as it is without options. */
static void describe(const struct machine_config *c, char *to, size_t room)
{
	to[0] = '\0';
	add(to, room, "kernel", c->kernel);
	add(to, room, "initrd", c->initrd);
	add(to, room, "params", *c->params ? c->params : NULL);
	add(to, room, "name", c->name);
	add_number(to, room, "ram", c->ram_size, 256 * MIB);
	add_number(to, room, "cpus", c->nr_cpus, 1);
	add_number(to, room, "nodefaults", c->nodefaults, 0);
	add_number(to, room, "console", c->console, CONFIG_CONSOLE_SERIAL);
	add_number(to, room, "irqchip", c->irqchip, CONFIG_IRQCHIP_AUTO);
	add_lists(to, room, c);
	add_number(to, room, "rng", c->rng, 0);
	add_number(to, room, "pmu", c->pmu, 0);
	add_number(to, room, "no_pvtime", c->no_pvtime, 0);
	add_number(to, room, "disable_mte", c->disable_mte, 0);
	add_number(to, room, "sve", c->sve_max_vl, 0);
	add_number(to, room, "has_seed", c->has_kaslr_seed, 0);
	add_number(to, room, "seed", c->kaslr_seed, 0);
	add(to, room, "trace", c->trace_power);
	add(to, room, "affinity", c->vcpu_affinity);
	add(to, room, "dump", c->dump_dtb);
	add(to, room, "dtb", c->dtb);
	add_number(to, room, "loglevel", c->loglevel, LOG_WARN);
	add_number(to, room, "help", c->help, 0);
}

static const struct config_rig rig = { parse, describe };

static void expect_all(const struct accepted *rows, size_t nr, struct caught *c)
{
	expect_accepted(&rig, rows, nr, c);
}

static void each_option_is_taken_in_every_spelling(void **state)
{
	static const struct accepted rows[] = {
		{ { "K" }, "kernel=K" },
		{ { "-" }, "kernel=-" },
		{ { "-k", "K" }, "kernel=K" },
		{ { "-kK" }, "kernel=K" },
		{ { "--kernel", "K" }, "kernel=K" },
		{ { "--kernel=K" }, "kernel=K" },
		{ { "--kernel==K" }, "kernel==K" },
		{ { "--kernel=a=b" }, "kernel=a=b" },
		{ { "K", "-i", "I" }, "kernel=K initrd=I" },
		{ { "K", "-iI" }, "kernel=K initrd=I" },
		{ { "K", "--initrd", "I" }, "kernel=K initrd=I" },
		{ { "K", "--initrd=I" }, "kernel=K initrd=I" },
		{ { "K", "-p", "a b" }, "kernel=K params=a b" },
		{ { "K", "-pa b" }, "kernel=K params=a b" },
		{ { "K", "--params", "-a=b" }, "kernel=K params=-a=b" },
		{ { "K", "--params=--" }, "kernel=K params=--" },
		{ { "K", "-p", "" }, "kernel=K" },
		{ { "K", "--params=" }, "kernel=K" },
		{ { "K", "-m", "512" }, "kernel=K ram=536870912" },
		{ { "K", "-m512" }, "kernel=K ram=536870912" },
		{ { "K", "-m1g" }, "kernel=K ram=1073741824" },
		{ { "K", "--mem", "1G" }, "kernel=K ram=1073741824" },
		{ { "K", "--mem=1G" }, "kernel=K ram=1073741824" },
		{ { "K", "-c", "4" }, "kernel=K cpus=4" },
		{ { "K", "-c4" }, "kernel=K cpus=4" },
		{ { "K", "--cpus", "4" }, "kernel=K cpus=4" },
		{ { "K", "--cpus=0x10" }, "kernel=K cpus=16" },
		{ { "K", "-n", "mode=none" }, "kernel=K net=none" },
		{ { "K", "-nmode=none" }, "kernel=K net=none" },
		{ { "K", "--network", "mode=none" }, "kernel=K net=none" },
		{ { "K", "--network=mode=tap,tapif=t" }, "kernel=K net=tap tapif=t" },
		{ { "K", "--network=mode=tap,guest_mac=02:00:00:00:00:09,host_ip=1.2.3.4" },
		  "kernel=K net=tap host_ip=1.2.3.4 mac5=9" },
		{ { "K", "-d", "D" }, "kernel=K disk=D" },
		{ { "K", "-dD,ro" }, "kernel=K disk=D ro=1" },
		{ { "K", "--disk", "D,direct" }, "kernel=K disk=D direct=1" },
		{ { "K", "--disk=D,serial=S" }, "kernel=K disk=D serial=S" },
		{ { "K", "--nodefaults" }, "kernel=K nodefaults=1" },
		{ { "K", "--console", "serial" }, "kernel=K" },
		{ { "K", "--console", "virtio" }, "kernel=K console=1" },
		{ { "K", "--console=virtio" }, "kernel=K console=1" },
		{ { "K", "--irqchip", "auto" }, "kernel=K" },
		{ { "K", "--irqchip", "gicv3" }, "kernel=K irqchip=1" },
		{ { "K", "--irqchip=gicv3-its" }, "kernel=K irqchip=2" },
		{ { "K", "--irqchip=gicv2" }, "kernel=K irqchip=3" },
		{ { "K", "--irqchip=gicv2m" }, "kernel=K irqchip=4" },
		{ { "K", "--irqchip=user" }, "kernel=K irqchip=5" },
		{ { "K", "--rng" }, "kernel=K rng=1" },
		{ { "K", "--pmu" }, "kernel=K pmu=1" },
		{ { "K", "--name", "N" }, "kernel=K name=N" },
		{ { "K", "--name=a b" }, "kernel=K name=a b" },
		{ { "K", "--dump-dtb", "F" }, "kernel=K dump=F" },
		{ { "--dump-dtb=F" }, "dump=F" },
		{ { "K", "--dtb", "F" }, "kernel=K dtb=F" },
		{ { "K", "--dtb=F" }, "kernel=K dtb=F" },
		{ { "K", "--dtb=F", "--dtbo", "A", "--dtbo=B" }, "kernel=K dtbo=A dtbo=B dtb=F" },
		{ { "K", "--loglevel", "error" }, "kernel=K loglevel=0" },
		{ { "K", "--loglevel=warning" }, "kernel=K" },
		{ { "K", "--loglevel=info" }, "kernel=K loglevel=2" },
		{ { "K", "--loglevel=debug" }, "kernel=K loglevel=3" },
		{ { "K", "--debug" }, "kernel=K loglevel=3" },
		{ { "K", "--no-pvtime" }, "kernel=K no_pvtime=1" },
		{ { "K", "--disable-mte" }, "kernel=K disable_mte=1" },
		{ { "K", "--sve-max-vl", "256" }, "kernel=K sve=256" },
		{ { "K", "--sve-max-vl=2048" }, "kernel=K sve=2048" },
		{ { "K", "--kaslr-seed", "0" }, "kernel=K has_seed=1" },
		{ { "K", "--kaslr-seed=0xffffffffffffffff" },
		  "kernel=K has_seed=1 seed=18446744073709551615" },
		{ { "K", "--vcpu-affinity", "0,2-5" }, "kernel=K affinity=0,2-5" },
		{ { "K", "--vcpu-affinity=1023" }, "kernel=K affinity=1023" },
		{ { "K", "--trace-power", "F" }, "kernel=K trace=F" },
		{ { "K", "--trace-power=F" }, "kernel=K trace=F" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

static void options_stand_anywhere_and_two_dashes_end_them(void **state)
{
	static const struct accepted rows[] = {
		{ { "-c", "2", "K", "-m", "64", "--rng" }, "kernel=K ram=67108864 cpus=2 rng=1" },
		{ { "K", "--" }, "kernel=K" },
		{ { "--", "K" }, "kernel=K" },
		{ { "--rng", "--", "--pmu" }, "kernel=--pmu rng=1" },
		{ { "--", "--" }, "kernel=--" },
		{ { "--", "-k" }, "kernel=-k" },
		{ { "-p", "--", "K" }, "kernel=K params=--" },
		{ { "-k", "--rng" }, "kernel=--rng" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

static void last_of_an_option_counts_and_lists_add(void **state)
{
	static const struct accepted rows[] = {
		{ { "-kA", "-kB", "-iA", "-iB", "-pA", "-pB" }, "kernel=B initrd=B params=B" },
		{ { "K", "-m64", "-m", "256M", "-c8", "-c1" }, "kernel=K" },
		{ { "K", "--name=a", "--name=b", "--dtb=a", "--dtb=b" }, "kernel=K name=b dtb=b" },
		{ { "K", "--trace-power=a", "--trace-power=b" }, "kernel=K trace=b" },
		{ { "--dump-dtb=a", "--dump-dtb=b" }, "dump=b" },
		{ { "K", "--vcpu-affinity=1", "--vcpu-affinity=2" }, "kernel=K affinity=2" },
		{ { "K", "--console=virtio", "--console=serial" }, "kernel=K" },
		{ { "K", "--irqchip=gicv2", "--irqchip=auto" }, "kernel=K" },
		{ { "K", "-dA,ro", "-dB,serial=S", "-dA" },
		  "kernel=K disk=A ro=1 disk=B serial=S disk=A" },
		{ { "K", "-ntapif=a", "-nmode=none", "-nhost_ip=1.2.3.4" },
		  "kernel=K net=tap tapif=a net=none net=tap host_ip=1.2.3.4" },
		{ { "K", "--dtbo=A", "--dtbo=B", "--dtbo=A" }, "kernel=K dtbo=A dtbo=B dtbo=A" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

static void no_takes_back_an_option_without_a_value(void **state)
{
	static const struct accepted rows[] = {
		{ { "K", "--rng", "--no-rng" }, "kernel=K" },
		{ { "K", "--no-rng", "--rng" }, "kernel=K rng=1" },
		{ { "K", "--pmu", "--no-pmu" }, "kernel=K" },
		{ { "K", "--nodefaults", "--no-nodefaults" }, "kernel=K" },
		{ { "K", "--no-pvtime", "--no-no-pvtime" }, "kernel=K" },
		{ { "K", "--disable-mte", "--no-disable-mte" }, "kernel=K" },
		{ { "K", "--debug", "--no-debug" }, "kernel=K" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

static void ram_is_rounded_up_to_2_mib(void **state)
{
	static const struct accepted rows[] = {
		{ { "K", "-m16" }, "kernel=K ram=16777216" },
		{ { "K", "-m16777216B" }, "kernel=K ram=16777216" },
		{ { "K", "-m16777217B" }, "kernel=K ram=18874368" },
		{ { "K", "-m17" }, "kernel=K ram=18874368" },
		{ { "K", "-m18" }, "kernel=K ram=18874368" },
		{ { "K", "-m255" }, "kernel=K" },
		/* 2^52 less the 2 GiB below RAM */
		{ { "K", "-m4503597479886848B" }, "kernel=K ram=4503597479886848" },
		{ { "K", "-m3P" }, "kernel=K ram=3377699720527872" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

static void help_ends_the_reading(void **state)
{
	static const struct accepted rows[] = {
		{ { "-h" }, "help=1" },
		{ { "--help" }, "help=1" },
		{ { "-c2", "--help", "--wrong", "-m0" }, "cpus=2 help=1" },
	};

	expect_all(rows, ARRAY_SIZE(rows), *state);
}

static void what_is_wrong_is_told_in_one_line(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *line; /* how it begins */
	} rows[] = {
		{ { NULL }, "a kernel is needed" },
		{ { "--" }, "a kernel is needed" },
		{ { "-c2" }, "a kernel is needed" },
		{ { "-iI" }, "a kernel is needed" },
		{ { "" }, "'': " },
		{ { "K", "K2" }, "'K2' is no option, and the kernel is 'K'" },
		{ { "K", "-c2", "K2" }, "'K2' is no option" },
		{ { "--", "K", "--rng" }, "'--rng' is no option" },
		{ { "-kK", "K2" }, "--kernel 'K': there is a kernel without the option" },
		{ { "K2", "-kK" }, "--kernel 'K': there is a kernel without the option" },
		{ { "K", "--foo" }, "no option '--foo'" },
		{ { "K", "--foo=1" }, "no option '--foo=1'" },
		{ { "K", "--cpu=1" }, "no option '--cpu=1'" },
		{ { "K", "--cpuss=1" }, "no option '--cpuss=1'" },
		{ { "K", "--=1" }, "no option '--=1'" },
		{ { "K", "--no-" }, "no option '--no-'" },
		{ { "K", "--no-kernel" }, "no option '--no-kernel'" },
		{ { "K", "--no-cpus=1" }, "no option '--no-cpus=1'" },
		{ { "K", "--balloon" }, "no option '--balloon'" },
		{ { "K", "-x" }, "no option '-x'" },
		{ { "K", "-\n" }, "no option '-?'" },
		{ { "K", "--rng=1" }, "--rng '1': takes no value" },
		{ { "K", "--rng=" }, "--rng '': takes no value" },
		{ { "K", "--no-rng=1" }, "--rng '1': takes no value" },
		{ { "-k" }, "--kernel: needs a value" },
		{ { "--kernel" }, "--kernel: needs a value" },
		{ { "K", "-i" }, "--initrd: needs a value" },
		{ { "K", "-p" }, "--params: needs a value" },
		{ { "K", "-m" }, "--mem: needs a value" },
		{ { "K", "-c" }, "--cpus: needs a value" },
		{ { "K", "-n" }, "--network: needs a value" },
		{ { "K", "-d" }, "--disk: needs a value" },
		{ { "K", "--console" }, "--console: needs a value" },
		{ { "K", "--dump-dtb" }, "--dump-dtb: needs a value" },
		{ { "--kernel=" }, "--kernel '': is empty" },
		{ { "-k", "" }, "--kernel '': is empty" },
		{ { "K", "--initrd=" }, "--initrd '': is empty" },
		{ { "K", "--name=" }, "--name '': is empty" },
		{ { "K", "--dtb=" }, "--dtb '': is empty" },
		{ { "K", "--dtbo=" }, "--dtbo '': is empty" },
		{ { "--dump-dtb=" }, "--dump-dtb '': is empty" },
		{ { "K", "--name=a/b" }, "--name 'a/b': not a name" },
		{ { "K", "--name=a\nb" }, "--name 'a?b': not a name" },
		{ { "K", "-m0" }, "--mem '0': less than the 16M" },
		{ { "K", "-m15" }, "--mem '15': less than the 16M" },
		{ { "K", "-m16777215B" }, "--mem '16777215B': less than the 16M" },
		{ { "K", "-m4503597479886849B" }, "--mem '4503597479886849B': beyond the 52" },
		{ { "K", "-m4P" }, "--mem '4P': beyond the 52 address bits" },
		{ { "K", "-m16384P" }, "--mem '16384P': beyond the 52 address bits" },
		{ { "K", "-m-1" }, "--mem '-1': not a size" },
		{ { "K", "-m1E" }, "--mem '1E': not a size" },
		{ { "K", "--mem=" }, "--mem '': not a size" },
		{ { "K", "-c0" }, "--cpus '0': not a number from 1 to 512" },
		{ { "K", "-c513" }, "--cpus '513': not a number from 1 to 512" },
		{ { "K", "-c-1" }, "--cpus '-1': not a number" },
		{ { "K", "-c4294967297" }, "--cpus '4294967297': not a number" },
		{ { "K", "-c=4" }, "--cpus '=4': not a number" },
		{ { "K", "-nmode=user" }, "--network 'mode=user': mode=user is not served yet" },
		{ { "K", "-nmode=tap,mq=2" }, "--network 'mode=tap,mq=2': mq is not served" },
		{ { "K", "-dD,rw" }, "--disk 'D,rw': 'rw' is none of" },
		{ { "K", "--console=hv" }, "--console 'hv': not serial|virtio" },
		{ { "K", "--console=" }, "--console '': not serial|virtio" },
		{ { "K", "--console=serial|virtio" }, "--console 'serial|virtio': not serial" },
		{ { "K", "--irqchip=gicv4" }, "--irqchip 'gicv4': not auto|gicv3|" },
		{ { "K", "--irqchip=gicv" }, "--irqchip 'gicv': not auto|" },
		{ { "K", "--loglevel=3" }, "--loglevel '3': not error|warning|" },
		{ { "K", "--sve-max-vl=0" }, "--sve-max-vl '0': not a multiple of 128" },
		{ { "K", "--sve-max-vl=200" }, "--sve-max-vl '200': not a multiple of 128" },
		{ { "K", "--sve-max-vl=2176" }, "--sve-max-vl '2176': not a multiple of 128" },
		{ { "K", "--kaslr-seed=x" }, "--kaslr-seed 'x': not a number below 2^64" },
		{ { "K", "--kaslr-seed=-1" }, "--kaslr-seed '-1': not a number" },
		{ { "K", "--kaslr-seed=0x10000000000000000" }, "--kaslr-seed '0x1000" },
		{ { "K", "--vcpu-affinity=" }, "--vcpu-affinity '': not a list of CPUs" },
		{ { "K", "--vcpu-affinity=1024" }, "--vcpu-affinity '1024': not a list" },
		{ { "K", "--vcpu-affinity=3-1" }, "--vcpu-affinity '3-1': not a list" },
		{ { "K", "--trace-power=" }, "--trace-power '': is empty" },
		{ { "K", "--psci=kernel", "--idle-states=power-down" }, "--psci 'kernel': --idle" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine_config cfg;
		int err = parse(rows[i].words, &cfg);
		const char *text = caught_text(*state);

		if (err != -EINVAL || !caught_one_line(text) ||
		    strncmp(text + 9, rows[i].line, strlen(rows[i].line)) != 0)
			fail_msg("row %zu, '%s': %d, %s", i, rows[i].line, err, text);
		config_done(&cfg);
	}
}

static void name_of_64_bytes_is_taken_and_of_65_is_not(void **state)
{
	char word[] = "--name=0123456789012345678901234567890123456789012345678901234567890123";
	char longer[] = "--name=01234567890123456789012345678901234567890123456789012345678901234";
	struct machine_config cfg;

	assert_int_equal(parse((const char *[]){ "K", word, NULL }, &cfg), 0);
	assert_int_equal(strlen(cfg.name), 64);
	config_done(&cfg);
	assert_int_equal(parse((const char *[]){ "K", longer, NULL }, &cfg), -EINVAL);
	config_done(&cfg);
	assert_true(caught_one_line(caught_text(*state)));
}

static void list_takes_as_many_as_it_can_hold_and_no_more(void **state)
{
	static const struct {
		const char *word, *line;
		int max;
	} rows[] = {
		{ "--disk=D,serial=S", "--disk 'D,serial=S': more than 16 disks\n",
		  CONFIG_DISKS_MAX },
		{ "--network=tapif=t", "--network 'tapif=t': more than 4 networks\n",
		  CONFIG_NETS_MAX },
		{ "--dtbo=F", "--dtbo 'F': more than 16 overlays\n", CONFIG_DTBOS_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine_config cfg;
		char *argv[32];

		argv[0] = (char[]){ "K" };
		for (int n = 1; n <= rows[i].max + 1; n++)
			argv[n] = (char *)(uintptr_t)rows[i].word;
		assert_int_equal(config_parse(1 + rows[i].max, argv, &cfg), 0);
		config_done(&cfg);
		assert_string_equal(caught_text(*state), "");

		assert_int_equal(config_parse(2 + rows[i].max, argv, &cfg), -EINVAL);
		config_done(&cfg);
		assert_string_equal(caught_text(*state) + 9, rows[i].line);
	}
}

static void configuration_is_released_once_and_then_empty(void **state)
{
	struct machine_config cfg;

	assert_int_equal(parse((const char *[]){ "K", "-dD", "-ntapif=t", "--dtbo=o",
	                                         "--trace-power=t", NULL },
	                       &cfg),
	                 0);
	config_done(&cfg);
	config_done(&cfg);
	assert_null(cfg.kernel);
	assert_int_equal(cfg.nr_disks, 0);
}

static void help_has_a_line_for_every_option(void **state)
{
	static const char *const names[] = {
		"-k, --kernel FILE",
		"-i, --initrd FILE",
		"-p, --params",
		"-m, --mem SIZE",
		"-c, --cpus N",
		"-n, --network",
		"-d, --disk FILE",
		"-h, --help",
		"--nodefaults",
		"--console serial|virtio",
		"--irqchip auto|gicv3",
		"--rng",
		"--pmu",
		"--name NAME",
		"--dump-dtb FILE",
		"--dtb FILE",
		"--dtbo FILE",
		"--loglevel error|",
		"--debug",
		"--no-pvtime",
		"--disable-mte",
		"--sve-max-vl BITS",
		"--kaslr-seed N",
		"--vcpu-affinity LIST",
		"--psci auto|user|kernel",
		"--psci-version 0.2|",
		"--psci-extended-stateid",
		"--psci-deny FUNCTION",
		"--psci-inject FUNCTION",
		"--idle-states none|",
		"--reset exit|reboot[:N]|pause",
		"--wake console",
		"--trace-power FILE",
	};
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	config_help(to);
	assert_int_equal(fclose(to), 0);
	assert_non_null(strstr(text, "usage: roost run"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strstr(text, names[i]))
			fail_msg("no '%s'", names[i]);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		if (strcspn(line, "\n") > 90)
			fail_msg("too wide: %.90s", line);
	free(text);
}

/* Numerical Recipes' generator: the same words in every run. */
static u32 draw(u32 *seed, u32 below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static void draw_word(u32 *seed, char *to, size_t room)
{
	static const char *const parts[] = {
		"-k",
		"-i",
		"-p",
		"-m",
		"-c",
		"-n",
		"-d",
		"-h",
		"--",
		"-",
		"=",
		",",
		",,",
		"--kernel",
		"--initrd",
		"--params",
		"--mem",
		"--cpus",
		"--network",
		"--disk",
		"--nodefaults",
		"--console",
		"--irqchip",
		"--rng",
		"--pmu",
		"--name",
		"--dump-dtb",
		"--dtb",
		"--dtbo",
		"--loglevel",
		"--debug",
		"--no-",
		"--no-pvtime",
		"--disable-mte",
		"--sve-max-vl",
		"--kaslr-seed",
		"--vcpu-affinity",
		"--psci",
		"--psci-version",
		"--psci-extended-stateid",
		"--psci-deny",
		"--psci-inject",
		"--idle-states",
		"--reset",
		"--wake",
		"--trace-power",
		"CPU_ON",
		"CPU_SUSPEND",
		"@",
		"#",
		"DENIED",
		"delay:",
		"kernel",
		"1.3",
		"standby",
		"power-down",
		"reboot:",
		"console",
		"K",
		"1",
		"512",
		"0x",
		"18446744073709551615",
		"G",
		"mode=",
		"tap",
		"none",
		"user",
		"tapif=",
		"guest_mac=",
		"02:00:00:00:00:01",
		"host_ip=",
		"1.2.3.4",
		"ro",
		"direct",
		"serial=",
		"virtio",
		"serial",
		"gicv3",
		"exit",
		"error",
		"-5",
		":2",
		"\n",
		"\xff",
		" ",
		"%s%n",
	};
	u32 nr = draw(seed, 4);

	to[0] = '\0';
	for (u32 i = 0; i <= nr; i++)
		(void)strncat(to, parts[draw(seed, ARRAY_SIZE(parts))], room - strlen(to) - 1);
	if (draw(seed, 8) == 0)
		to[draw(seed, (u32)strlen(to))] = (char)draw(seed, 256);
}

static void words_at_random_are_taken_or_refused_in_one_line(void **state)
{
	enum { ROUNDS = 20000 };
	u32 seed = 20260101, taken = 0;

	for (u32 round = 0; round < ROUNDS; round++) {
		char word[WORDS_MAX][160], *argv[WORDS_MAX];
		int argc = (int)draw(&seed, WORDS_MAX + 1);
		struct machine_config cfg;
		const char *text;
		char *line;
		int err;

		for (int i = 0; i < argc; i++) {
			draw_word(&seed, word[i], sizeof(word[i]));
			argv[i] = word[i];
		}
		err = config_parse(argc, argv, &cfg);
		text = caught_text(*state);
		if (err == 0 ? text[0] != '\0' : err != -EINVAL || !caught_one_line(text))
			fail_msg("round %u: %d, '%s'", round, err, text);
		if (err == 0 && config_cmdline(&cfg, &line) == 0)
			free(line);
		taken += err == 0;
		config_done(&cfg);
	}
	if (taken < ROUNDS / 100 || taken > ROUNDS / 2)
		fail_msg("%u of %d rounds were taken: the words are badly chosen", taken, ROUNDS);
}

#define CAUGHT_TEST(f) cmocka_unit_test_setup_teardown(f, caught_setup, caught_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAUGHT_TEST(each_option_is_taken_in_every_spelling),
		CAUGHT_TEST(options_stand_anywhere_and_two_dashes_end_them),
		CAUGHT_TEST(last_of_an_option_counts_and_lists_add),
		CAUGHT_TEST(no_takes_back_an_option_without_a_value),
		CAUGHT_TEST(ram_is_rounded_up_to_2_mib),
		CAUGHT_TEST(help_ends_the_reading),
		CAUGHT_TEST(what_is_wrong_is_told_in_one_line),
		CAUGHT_TEST(name_of_64_bytes_is_taken_and_of_65_is_not),
		CAUGHT_TEST(list_takes_as_many_as_it_can_hold_and_no_more),
		cmocka_unit_test(configuration_is_released_once_and_then_empty),
		cmocka_unit_test(help_has_a_line_for_every_option),
		CAUGHT_TEST(words_at_random_are_taken_or_refused_in_one_line),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
