/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

#include "machine/base/own.h"
#include "machine/config_private.h"
#include "machine/config_values.h"
#include "machine/layout.h"
#include "psci/psci.h"

#define RAM_DEFAULT (256 * MIB)
#define RAM_MIN     (16 * MIB)
#define RAM_STEP    (2 * MIB)

enum {
	PA_BITS_MAX = 52, /* DDI 0487, FEAT_LPA; the host says less when the machine is built */
	SVE_STEP = 128,
	SVE_MAX = 2048,
	NAME_MAX_LEN = 64,
	HELP_COLUMN = 32, /* where the explanations begin */
};

static int no_memory(const struct config_option *o)
{
	return log_errno(-ENOMEM, "--%s", o->name);
}

static int set_flag(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	*(bool *)((char *)cfg + o->at) = value != NULL;
	return 0;
}

static int set_string(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	char **at = (char **)(void *)((char *)cfg + o->at);
	char *copy;

	if (!*value)
		return config_refuse(o->name, value, "is empty");
	copy = strdup(value);
	if (!copy)
		return no_memory(o);
	free(*at);
	*at = copy;
	return 0;
}

static int set_params(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return no_memory(o);
	free(cfg->params);
	cfg->params = copy;
	return 0;
}

static int set_name(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	char shown[NAME_MAX_LEN + 2];

	config_show(shown, sizeof(shown), value);
	if (strlen(value) > NAME_MAX_LEN || strchr(value, '/') || strcmp(value, shown) != 0)
		return config_refuse(o->name, value,
		                     "not a name: at most %d bytes, no '/', no control characters",
		                     NAME_MAX_LEN);
	return set_string(cfg, o, value);
}

static int set_mem(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	const u64 max = (1ull << PA_BITS_MAX) - LAYOUT_RAM;
	u64 size = 0;
	int err = config_size(value, &size);

	if (err == -EINVAL)
		return config_refuse(o->name, value,
		                     "not a size: a number of MiB, or one with B, K, M, G, T or P");
	if (err < 0 || size > max)
		return config_refuse(o->name, value, "beyond the %d address bits of an arm64 CPU",
		                     PA_BITS_MAX);
	if (size < RAM_MIN)
		return config_refuse(o->name, value, "less than the %lluM a guest needs",
		                     RAM_MIN / MIB);
	cfg->ram_size = align_up(size, RAM_STEP);
	return 0;
}

static int set_cpus(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	u64 n;

	if (config_number(value, 1, CONFIG_CPUS_MAX, &n) < 0)
		return config_refuse(o->name, value, "not a number from 1 to %d", CONFIG_CPUS_MAX);
	cfg->nr_cpus = (u32)n;
	return 0;
}

static int set_sve_max_vl(struct machine_config *cfg, const struct config_option *o,
                          const char *value)
{
	u64 bits;

	if (config_number(value, SVE_STEP, SVE_MAX, &bits) < 0 || bits % SVE_STEP != 0)
		return config_refuse(o->name, value, "not a multiple of %d up to %d bits", SVE_STEP,
		                     SVE_MAX);
	cfg->sve_max_vl = (u32)bits;
	return 0;
}

static int set_kaslr_seed(struct machine_config *cfg, const struct config_option *o,
                          const char *value)
{
	if (config_number(value, 0, UINT64_MAX, &cfg->kaslr_seed) < 0)
		return config_refuse(o->name, value, "not a number below 2^64");
	cfg->has_kaslr_seed = true;
	return 0;
}

static int set_affinity(struct machine_config *cfg, const struct config_option *o,
                        const char *value)
{
	u64 set[CPU_SETSIZE / 64];

	if (config_cpulist(value, set, ARRAY_SIZE(set)) < 0)
		return config_refuse(o->name, value,
		                     "not a list of CPUs below %d such as 0,2-5 or 0-31:2",
		                     CPU_SETSIZE);
	return set_string(cfg, o, value);
}

static int set_console(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	unsigned int i = 0;
	int err = config_choose(o->name, value, o->arg, &i);

	if (err == 0)
		cfg->console = (enum config_console)i;
	return err;
}

static int set_irqchip(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	unsigned int i = 0;
	int err = config_choose(o->name, value, o->arg, &i);

	if (err == 0)
		cfg->irqchip = (enum config_irqchip)i;
	return err;
}

static int set_loglevel(struct machine_config *cfg, const struct config_option *o,
                        const char *value)
{
	unsigned int i = 0;
	int err = config_choose(o->name, value, o->arg, &i);

	if (err == 0)
		cfg->loglevel = (enum log_level)i;
	return err;
}

static int set_debug(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	cfg->loglevel = value ? LOG_DEBUG : LOG_WARN;
	return 0;
}

static int add_disk(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	int err;

	if (cfg->nr_disks == CONFIG_DISKS_MAX)
		return config_refuse(o->name, value, "more than %d disks", CONFIG_DISKS_MAX);
	err = config_disk_parse(o->name, value, &cfg->disk[cfg->nr_disks]);
	if (err == 0)
		cfg->nr_disks++;
	return err;
}

static int add_net(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	int err;

	if (cfg->nr_nets == CONFIG_NETS_MAX)
		return config_refuse(o->name, value, "more than %d networks", CONFIG_NETS_MAX);
	err = config_net_parse(o->name, value, &cfg->net[cfg->nr_nets]);
	if (err == 0)
		cfg->nr_nets++;
	return err;
}

static int add_dtbo(struct machine_config *cfg, const struct config_option *o, const char *value)
{
	if (cfg->nr_dtbos == CONFIG_DTBOS_MAX)
		return config_refuse(o->name, value, "more than %d overlays", CONFIG_DTBOS_MAX);
	if (!*value)
		return config_refuse(o->name, value, "is empty");
	cfg->dtbo[cfg->nr_dtbos] = strdup(value);
	if (!cfg->dtbo[cfg->nr_dtbos])
		return no_memory(o);
	cfg->nr_dtbos++;
	return 0;
}

#define AT(field) offsetof(struct machine_config, field)

/* clang-format off */
static const struct config_option options[] = {
	{ .help = "Kernel:" },
	{ "kernel", 'k', "FILE", set_string, AT(kernel),
	  "arm64 kernel: Image (also gzip, zstd, zboot), ELF or flat" },
	{ "initrd", 'i', "FILE", set_string, AT(initrd), "initial RAM disk" },
	{ "params", 'p', "WORDS", set_params, 0, "kernel command line" },
	{ "nodefaults", 0, NULL, set_flag, AT(nodefaults), "put nothing before --params" },
	{ "kaslr-seed", 0, "N", set_kaslr_seed, 0, "/chosen/kaslr-seed; random without" },

	{ .help = "Machine:" },
	{ "cpus", 'c', "N", set_cpus, 0, "CPUs; 1 without" },
	{ "mem", 'm', "SIZE", set_mem, 0, "RAM, MiB or with B, K, M, G, T, P; 256M without" },
	{ "irqchip", 0, "auto|gicv3|gicv3-its|gicv2|gicv2m|user", set_irqchip, 0,
	  "interrupt controller" },
	{ "pmu", 0, NULL, set_flag, AT(pmu), "performance counters" },
	{ "no-pvtime", 0, NULL, set_flag, AT(no_pvtime), "no stolen time for the guest" },
	{ "disable-mte", 0, NULL, set_flag, AT(disable_mte), "no memory tagging" },
	{ "sve-max-vl", 0, "BITS", set_sve_max_vl, 0, "longest SVE vector, a multiple of 128" },
	{ "vcpu-affinity", 0, "LIST", set_affinity, AT(vcpu_affinity),
	  "host CPUs to run on, as in taskset(1)" },

	{ .help = "Devices:" },
	{ "console", 0, "serial|virtio", set_console, 0, "what standard input and output are" },
	{ "disk", 'd', "FILE[,ro][,direct][,serial=NAME]", add_disk, 0, "a disk; repeatable" },
	{ "network", 'n', "mode=none|mode=tap[,tapif=NAME][,guest_mac=MAC][,host_ip=IP]", add_net,
	  0, "a network card; repeatable" },
	{ "rng", 0, NULL, set_flag, AT(rng), "a source of random numbers" },

	{ .help = "Device tree:" },
	{ "dtb", 0, "FILE", set_string, AT(dtb),
	  "use this tree; only /chosen and /memory are written" },
	{ "dtbo", 0, "FILE", add_dtbo, 0, "apply an overlay; repeatable" },
	{ "dump-dtb", 0, "FILE", set_string, AT(dump_dtb), "write the tree and exit, without KVM too" },

	{ .help = "Power:" },
	{ "psci", 0, "auto|user|kernel", config_set_psci, 0, "who answers the guest's PSCI calls" },
	{ "psci-version", 0, "0.2|1.0|1.1|1.2|1.3", config_set_psci_version, 0, "1.1 without" },
	{ "psci-extended-stateid", 0, NULL, set_flag, AT(psci_extended_state_id),
	  "the other format of CPU_SUSPEND's power states" },
	{ "psci-deny", 0, "FUNCTION", config_add_psci_deny, 0, "do not offer it; repeatable" },
	{ "psci-inject", 0, "FUNCTION[@CPU][#FIRST[-LAST]]=WHAT", config_add_psci_inject, 0,
	  "let calls fail or take long; repeatable" },
	{ "idle-states", 0, "none|standby|power-down|standby,power-down", config_set_idle_states, 0,
	  "what the tree offers for CPU_SUSPEND" },
	{ "reset", 0, "exit|reboot[:N]|pause", config_set_reset, 0,
	  "what a reset by the guest does" },
	{ "wake", 0, "console", config_set_wake, 0, "what else ends a SYSTEM_SUSPEND" },
	{ "trace-power", 0, "FILE", set_string, AT(trace_power), "write what happens, as JSON lines" },

	{ .help = "Run:" },
	{ "name", 0, "NAME", set_name, AT(name), "the guest's name, for ps(1) and pkill(1)" },
	{ "loglevel", 0, "error|warning|info|debug", set_loglevel, 0, "what roost says of itself" },
	{ "debug", 0, NULL, set_debug, 0, "--loglevel debug" },
	{ "help", 'h', NULL, set_flag, AT(help), "this text" },
};
/* clang-format on */

/* Where in the command line the parser is. */
struct words {
	int argc;
	char *const *argv;
	const char *kernel; /* the word that is no option, NULL: none so far */
};

static const char *next_word(struct words *w)
{
	if (w->argc == 0)
		return NULL;
	w->argc--;
	return *w->argv++;
}

static int refuse_option(const char *word)
{
	char shown[200];

	config_show(shown, sizeof(shown), word);
	return log_refuse(-EINVAL, "no option '%s'; see 'roost help run'", shown);
}

static const struct config_option *find_long(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].name && strlen(options[i].name) == len &&
		    memcmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

static const struct config_option *find_letter(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].letter && options[i].letter == letter)
			return &options[i];
	return NULL;
}

/* @joined: the value in the same word, NULL: in the next one. */
static int set_value(struct words *w, struct machine_config *cfg, const struct config_option *o,
                     const char *joined)
{
	const char *value = joined ? joined : next_word(w);

	return value ? o->set(cfg, o, value) : config_refuse(o->name, NULL, "needs a value");
}

static int long_option(struct words *w, struct machine_config *cfg, const char *word)
{
	const char *name = word + 2, *end = strchrnul(name, '=');
	const char *value = *end ? end + 1 : NULL;
	const struct config_option *o = find_long(name, (size_t)(end - name));
	bool on = true;

	if (!o && strncmp(name, "no-", 3) == 0) {
		o = find_long(name + 3, (size_t)(end - name - 3));
		on = false;
	}
	if (!o || (!on && o->arg))
		return refuse_option(word);
	if (o->arg)
		return set_value(w, cfg, o, value);
	if (value)
		return config_refuse(o->name, value, "takes no value");
	return o->set(cfg, o, on ? "" : NULL);
}

/* Letters without a value can share a word: "-hk FILE". */
static int short_options(struct words *w, struct machine_config *cfg, const char *word)
{
	for (const char *c = word + 1; *c; c++) {
		const struct config_option *o = find_letter(*c);
		int err;

		if (!o)
			return refuse_option(word);
		if (o->arg)
			return set_value(w, cfg, o, c[1] ? c + 1 : NULL);
		err = o->set(cfg, o, "");
		if (err < 0)
			return err;
	}
	return 0;
}

static int kernel_word(struct words *w, const char *word)
{
	char first[100], shown[100];

	if (!*word)
		return log_refuse(-EINVAL, "'': an empty word is no kernel and no option");
	if (!w->kernel) {
		w->kernel = word;
		return 0;
	}
	config_show(first, sizeof(first), w->kernel);
	config_show(shown, sizeof(shown), word);
	return log_refuse(-EINVAL, "'%s' is no option, and the kernel is '%s' already", shown,
	                  first);
}

/* What can be told only when all words have been read. */
static int finish(const struct words *w, struct machine_config *cfg)
{
	if (w->kernel && cfg->kernel)
		return config_refuse("kernel", cfg->kernel,
		                     "there is a kernel without the option, too");
	if (w->kernel) {
		cfg->kernel = strdup(w->kernel);
		if (!cfg->kernel)
			return log_errno(-ENOMEM, "--kernel");
	}
	if (!cfg->kernel && !cfg->dump_dtb)
		return log_refuse(-EINVAL, "a kernel is needed: roost run [OPTIONS] KERNEL; "
		                           "see 'roost help run'");
	return config_check_power(cfg);
}

int config_parse(int argc, char *const *argv, struct machine_config *cfg)
{
	struct words w = { .argc = argc, .argv = argv };
	bool options_ended = false;
	const char *word;
	int err = 0;

	*cfg = (struct machine_config){
		.params = strdup(""),
		.ram_size = RAM_DEFAULT,
		.nr_cpus = 1,
		.psci_version = PSCI_1_1,
		.loglevel = LOG_WARN,
	};
	if (!cfg->params)
		return log_errno(-ENOMEM, "command line");

	while (err == 0 && !cfg->help && (word = next_word(&w))) {
		if (options_ended || word[0] != '-' || !word[1])
			err = kernel_word(&w, word);
		else if (word[1] != '-')
			err = short_options(&w, cfg, word);
		else if (word[2])
			err = long_option(&w, cfg, word);
		else
			options_ended = true;
	}
	return err < 0 || cfg->help ? err : finish(&w, cfg);
}

void config_done(struct machine_config *cfg)
{
	for (u32 i = 0; i < cfg->nr_disks; i++)
		config_disk_done(&cfg->disk[i]);
	for (u32 i = 0; i < cfg->nr_nets; i++)
		config_net_done(&cfg->net[i]);
	for (u32 i = 0; i < cfg->nr_dtbos; i++)
		free(cfg->dtbo[i]);
	free(cfg->name);
	free(cfg->kernel);
	free(cfg->initrd);
	free(cfg->params);
	free(cfg->trace_power);
	free(cfg->vcpu_affinity);
	free(cfg->dump_dtb);
	free(cfg->dtb);
	*cfg = (struct machine_config){ .nr_cpus = 0 };
}

static void help_option(FILE *to, const struct config_option *o)
{
	char left[120];
	int n = snprintf(left, sizeof(left), "    %c%c%s --%s%s%s", o->letter ? '-' : ' ',
	                 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
	                 o->arg ? " " : "", o->arg ? o->arg : "");

	if (n > HELP_COLUMN - 2) {
		(void)fprintf(to, "%s\n", left);
		left[0] = '\0';
	}
	(void)fprintf(to, "%-*s%s\n", HELP_COLUMN, left, o->help);
}

void config_help(FILE *to)
{
	(void)fprintf(to, "\n usage: roost run [OPTIONS] [KERNEL]\n");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (options[i].name)
			help_option(to, &options[i]);
		else
			(void)fprintf(to, "\n %s\n", options[i].help);
	}
	(void)fprintf(to,
	              "\n --OPTION VALUE and --OPTION=VALUE are the same; --no-OPTION takes back"
	              "\n one that has no value. See roost(1).\n\n");
}
