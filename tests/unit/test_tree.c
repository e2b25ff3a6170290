/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/aarch64/tree.h"
#include "machine/base/compiler.h"
#include "machine/layout.h"
#include "psci/psci.h"
#include "tests/unit/caught.h"

enum { ROOM = 2 * 1024 * 1024, VIRTIO_MAX = 32 };

static const char serial[] = "ns16550a";
static const char rtc[] = "arm,pl031\0arm,primecell";
static const char virtio[] = "virtio,mmio";

/* 4 UARTs, an RTC, and virtio devices as a board has them. */
struct fixture {
	struct device_desc devs[5 + VIRTIO_MAX];
	struct tree tree;
	u64 blob[ROOM / sizeof(u64)];
};

static void add_devices(struct fixture *f, size_t nr_virtio)
{
	static const char *const label[] = { "serial0", "serial1", "serial2", "serial3" };
	size_t n = 0;

	for (; n < 4; n++)
		f->devs[n] = (struct device_desc){
			.node = "serial",
			.label = label[n],
			.compatible = serial,
			.compatible_len = sizeof(serial),
			.base = LAYOUT_UART + n * LAYOUT_UART_STRIDE,
			.size = 8,
			.clock_hz = 1843200,
		};
	f->devs[n++] = (struct device_desc){
		.node = "rtc",
		.label = "rtc0",
		.compatible = rtc,
		.compatible_len = sizeof(rtc),
		.base = LAYOUT_RTC,
		.size = 0x1000,
		.primecell = true,
	};
	for (size_t i = 0; i < nr_virtio; i++)
		f->devs[n++] = (struct device_desc){
			.node = "virtio",
			.compatible = virtio,
			.compatible_len = sizeof(virtio),
			.base = LAYOUT_VIRTIO + i * 0x200,
			.size = 0x200,
			.edge = true,
			.dma_coherent = true,
		};
	for (size_t i = 0; i < n; i++)
		f->devs[i].intid = LAYOUT_INTID_FIRST_SPI + (u32)i;
	f->tree.devs = f->devs;
	f->tree.nr_devs = n;
}

static int setup(void **state)
{
	static struct fixture f;

	f.tree = (struct tree){
		.nr_cpus = 1,
		.gic = TREE_GICV3,
		.gicv2m_first_spi = 64,
		.gicv2m_nr_spis = 64,
		.psci_version = PSCI_1_1,
		.boot = {
			.ram_base = LAYOUT_RAM,
			.ram_size = 0x140000000,
			.bootargs = "console=ttyS0",
			.stdout_path = "serial0",
			.has_kaslr_seed = true,
			.kaslr_seed = 0x0123456789abcdef,
			.rng_seed = { 1, 2, 3 },
		},
	};
	add_devices(&f, 2);
	*state = &f;
	return 0;
}

static void build(struct fixture *f)
{
	int len;

	memset(f->blob, 0xa5, sizeof(f->blob));
	len = tree_build(&f->tree, f->blob, sizeof(f->blob));
	assert_true(len > 0);
	assert_int_equal(fdt_totalsize(f->blob), len);
	assert_int_equal(fdt_check_full(f->blob, (size_t)len), 0);
}

/* A property of a node must be exactly these cells. */
static void expect_cells(struct fixture *f, const char *path, const char *prop, const u32 *cells,
                         size_t nr)
{
	int len = 0, node = fdt_path_offset(f->blob, path);
	const fdt32_t *p = fdt_getprop(f->blob, node, prop, &len);

	if (!p || len != (int)(nr * sizeof(u32)))
		fail_msg("%s %s: %d bytes, %zu cells wanted", path, prop, len, nr);
	for (size_t i = 0; i < nr; i++)
		if (fdt32_ld(&p[i]) != cells[i])
			fail_msg("%s %s[%zu] is %#x, not %#x", path, prop, i, fdt32_ld(&p[i]),
			         cells[i]);
}

#define CELLS(f, path, prop, ...)                                                                  \
	expect_cells(f, path, prop, (const u32[]){ __VA_ARGS__ },                                  \
	             ARRAY_SIZE(((const u32[]){ __VA_ARGS__ })))

static void expect_bytes(struct fixture *f, const char *path, const char *prop, const void *data,
                         size_t size)
{
	int len = 0, node = fdt_path_offset(f->blob, path);
	const void *p = fdt_getprop(f->blob, node, prop, &len);

	if (!p || len != (int)size || memcmp(p, data, size) != 0)
		fail_msg("%s %s: %d bytes, not the %zu wanted", path, prop, len, size);
}

#define TEXT(f, path, prop, text) expect_bytes(f, path, prop, text, sizeof(text))
#define EMPTY(f, path, prop)      expect_bytes(f, path, prop, "", 0)

static bool has(struct fixture *f, const char *path, const char *prop)
{
	int node = fdt_path_offset(f->blob, path);

	return node >= 0 && (!prop || fdt_getprop(f->blob, node, prop, NULL));
}

static void the_root_says_what_it_is(void **state)
{
	struct fixture *f = *state;

	build(f);
	CELLS(f, "/", "#address-cells", 2);
	CELLS(f, "/", "#size-cells", 2);
	CELLS(f, "/", "interrupt-parent", FDT_PHANDLE_GIC);
	TEXT(f, "/", "compatible", "linux,dummy-virt");
	TEXT(f, "/", "model", "roost");
}

static void chosen_and_memory_hold_what_boot_says(void **state)
{
	struct fixture *f = *state;

	build(f);
	CELLS(f, "/memory@80000000", "reg", 0, 0x80000000, 1, 0x40000000);
	TEXT(f, "/memory@80000000", "device_type", "memory");
	TEXT(f, "/chosen", "bootargs", "console=ttyS0");
	TEXT(f, "/chosen", "stdout-path", "serial0");
	CELLS(f, "/chosen", "kaslr-seed", 0x01234567, 0x89abcdef);
	expect_bytes(f, "/chosen", "rng-seed", f->tree.boot.rng_seed, 64);
	assert_false(has(f, "/chosen", "linux,initrd-start"));
	assert_false(has(f, "/chosen", "linux,initrd-end"));

	f->tree.boot.initrd = 0x187654000;
	f->tree.boot.initrd_end = 0x187654321;
	f->tree.boot.has_kaslr_seed = false;
	f->tree.boot.bootargs = "";
	f->tree.boot.stdout_path = NULL;
	build(f);
	CELLS(f, "/chosen", "linux,initrd-start", 1, 0x87654000);
	CELLS(f, "/chosen", "linux,initrd-end", 1, 0x87654321);
	assert_false(has(f, "/chosen", "kaslr-seed"));
	assert_false(has(f, "/chosen", "bootargs"));
	assert_false(has(f, "/chosen", "stdout-path"));
}

static void every_device_has_its_node(void **state)
{
	struct fixture *f = *state;

	build(f);
	TEXT(f, "/serial@1000000", "compatible", "ns16550a");
	CELLS(f, "/serial@1000000", "reg", 0, 0x1000000, 0, 8);
	CELLS(f, "/serial@1000000", "interrupts", 0, 0, 4);
	CELLS(f, "/serial@1000000", "clock-frequency", 1843200);
	assert_false(has(f, "/serial@1000000", "clocks"));
	assert_false(has(f, "/serial@1000000", "dma-coherent"));
	CELLS(f, "/serial@1003000", "interrupts", 0, 3, 4);

	TEXT(f, "/rtc@1010000", "compatible", "arm,pl031\0arm,primecell");
	CELLS(f, "/rtc@1010000", "reg", 0, 0x1010000, 0, 0x1000);
	CELLS(f, "/rtc@1010000", "interrupts", 0, 4, 4);
	CELLS(f, "/rtc@1010000", "clocks", FDT_PHANDLE_APB_CLOCK);
	TEXT(f, "/rtc@1010000", "clock-names", "apb_pclk");
	assert_false(has(f, "/rtc@1010000", "clock-frequency"));
	CELLS(f, "/apb-pclk", "phandle", FDT_PHANDLE_APB_CLOCK);
	TEXT(f, "/apb-pclk", "compatible", "fixed-clock");
	CELLS(f, "/apb-pclk", "#clock-cells", 0);
	CELLS(f, "/apb-pclk", "clock-frequency", 24000000);

	TEXT(f, "/virtio@3000200", "compatible", "virtio,mmio");
	CELLS(f, "/virtio@3000200", "reg", 0, 0x3000200, 0, 0x200);
	CELLS(f, "/virtio@3000200", "interrupts", 0, 6, 1);
	EMPTY(f, "/virtio@3000200", "dma-coherent");

	TEXT(f, "/aliases", "serial0", "/serial@1000000");
	TEXT(f, "/aliases", "serial3", "/serial@1003000");
	TEXT(f, "/aliases", "rtc0", "/rtc@1010000");
	assert_false(has(f, "/__symbols__", NULL));
	assert_false(has(f, "/serial@1000000", "phandle"));
}

static void a_device_without_interrupt_or_primecell_asks_for_none(void **state)
{
	struct fixture *f = *state;

	f->tree.nr_devs = 1;
	f->devs[0].intid = 0;
	build(f);
	assert_false(has(f, "/serial@1000000", "interrupts"));
	assert_false(has(f, "/apb-pclk", NULL));
}

/* One row per CPU of interest: its place in KVM's numbering. */
static void cpus_have_the_mpidr_that_kvm_gives_them(void **state)
{
	static const struct {
		const char *path;
		u32 reg, index;
	} rows[] = {
		{ "/cpus/cpu@0", 0, 0 },           { "/cpus/cpu@7", 7, 7 },
		{ "/cpus/cpu@8", 8, 8 },           { "/cpus/cpu@f", 0xf, 15 },
		{ "/cpus/cpu@100", 0x100, 16 },    { "/cpus/cpu@10f", 0x10f, 31 },
		{ "/cpus/cpu@120b", 0x120b, 299 },
	};
	struct fixture *f = *state;
	int nr = 0, node;

	f->tree.nr_cpus = 300;
	build(f);
	CELLS(f, "/cpus", "#address-cells", 1);
	CELLS(f, "/cpus", "#size-cells", 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CELLS(f, rows[i].path, "reg", rows[i].reg);
		CELLS(f, rows[i].path, "phandle", FDT_PHANDLE_CPU0 + rows[i].index);
		TEXT(f, rows[i].path, "device_type", "cpu");
		TEXT(f, rows[i].path, "compatible", "arm,arm-v8");
		TEXT(f, rows[i].path, "enable-method", "psci");
	}
	fdt_for_each_subnode (node, f->blob, fdt_path_offset(f->blob, "/cpus"))
		nr++;
	assert_int_equal(nr, 300);

	f->tree.nr_cpus = 1;
	f->tree.cpu_compatible = "arm,cortex-a57";
	build(f);
	TEXT(f, "/cpus/cpu@0", "compatible", "arm,cortex-a57");
	TEXT(f, "/cpus/cpu@0", "enable-method", "psci");
	assert_false(has(f, "/cpus/cpu@1", NULL));
}

static void psci_is_called_by_hvc_in_the_version_that_answers(void **state)
{
	static const struct {
		u32 version;
		bool v1_0;
	} rows[] = {
		{ PSCI_0_2, false }, { PSCI_1_0, true }, { PSCI_1_1, true },
		{ PSCI_1_2, true },  { PSCI_1_3, true },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->tree.psci_version = rows[i].version;
		build(f);
		if (rows[i].v1_0)
			TEXT(f, "/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2");
		else
			TEXT(f, "/psci", "compatible", "arm,psci-0.2");
		TEXT(f, "/psci", "method", "hvc");
	}
}

static void no_idle_state_is_offered_unless_asked_for(void **state)
{
	struct fixture *f = *state;

	build(f);
	assert_false(has(f, "/cpus/idle-states", NULL));
	assert_false(has(f, "/cpus/cpu@0", "cpu-idle-states"));
}

#define IDLE "/cpus/idle-states"

static void expect_idle_state(struct fixture *f, const char *path, u32 phandle, bool there,
                              u32 param)
{
	if (has(f, path, NULL) != there)
		fail_msg("%s is %s", path, there ? "missing" : "there");
	if (!there)
		return;
	TEXT(f, path, "compatible", "arm,idle-state");
	CELLS(f, path, "arm,psci-suspend-param", param);
	CELLS(f, path, "phandle", phandle);
	/* The timers go on in every state. */
	assert_false(has(f, path, "local-timer-stop"));
}

static void idle_states_are_there_as_asked_for_and_every_cpu_refers_to_them(void **state)
{
	static const struct {
		bool standby, power_down, extended;
		u32 standby_param, power_down_param; /* DEN0022F.b 5.4.2 */
	} rows[] = {
		{ true, false, false, 0, 0 },         { false, true, false, 0, 0x10000 },
		{ true, true, false, 0, 0x10000 },    { true, false, true, 0, 0 },
		{ false, true, true, 0, 0x40000000 }, { true, true, true, 0, 0x40000000 },
	};
	const u32 both[] = { FDT_PHANDLE_IDLE0 + PSCI_STANDBY,
		             FDT_PHANDLE_IDLE0 + PSCI_POWER_DOWN };
	struct fixture *f = *state;

	f->tree.nr_cpus = 17;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->tree.idle_standby = rows[i].standby;
		f->tree.idle_power_down = rows[i].power_down;
		f->tree.psci_extended_state_id = rows[i].extended;
		build(f);
		TEXT(f, IDLE, "entry-method", "psci");
		expect_idle_state(f, IDLE "/cpu-standby", both[0], rows[i].standby,
		                  rows[i].standby_param);
		expect_idle_state(f, IDLE "/cpu-power-down", both[1], rows[i].power_down,
		                  rows[i].power_down_param);
		for (size_t cpu = 0; cpu < 2; cpu++)
			expect_cells(f, cpu ? "/cpus/cpu@100" : "/cpus/cpu@0", "cpu-idle-states",
			             rows[i].standby ? both : both + 1,
			             rows[i].standby + (size_t)rows[i].power_down);
	}
}

static u32 cell(struct fixture *f, const char *path, const char *prop)
{
	int len = 0;
	const fdt32_t *p = fdt_getprop(f->blob, fdt_path_offset(f->blob, path), prop, &len);

	assert_int_equal(len, sizeof(*p));
	return fdt32_ld(p);
}

/* Else a governor has no reason ever to choose it, or never chooses the lighter one. */
static void an_idle_state_pays_and_the_deeper_one_later(void **state)
{
	static const char *const paths[] = { IDLE "/cpu-standby", IDLE "/cpu-power-down" };
	struct fixture *f = *state;
	u32 exit_before = 0, residency_before = 0;

	f->tree.idle_standby = f->tree.idle_power_down = true;
	build(f);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		u32 out = cell(f, paths[i], "exit-latency-us");
		u32 stay = cell(f, paths[i], "min-residency-us");

		assert_true(out > exit_before && stay > residency_before);
		assert_true(stay >= out + cell(f, paths[i], "entry-latency-us"));
		exit_before = out;
		residency_before = stay;
	}
}

static void private_interrupts_name_the_cpus_on_gicv2_only(void **state)
{
	static const struct {
		enum tree_gic gic;
		u32 nr_cpus, mask;
	} rows[] = {
		{ TREE_GICV3, 1, 0 },       { TREE_GICV3, 9, 0 },      { TREE_GICV3_ITS, 2, 0 },
		{ TREE_GICV2, 1, 0x0100 },  { TREE_GICV2, 2, 0x0300 }, { TREE_GICV2, 8, 0xff00 },
		{ TREE_GICV2M, 4, 0x0f00 },
	};
	struct fixture *f = *state;

	f->tree.pmu = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 m = rows[i].mask;

		f->tree.gic = rows[i].gic;
		f->tree.nr_cpus = rows[i].nr_cpus;
		build(f);
		CELLS(f, "/timer", "interrupts", 1, 13, m | 8, 1, 14, m | 8, 1, 11, m | 8, 1, 10,
		      m | 8);
		CELLS(f, "/pmu", "interrupts", 1, 7, m | 4);
	}
	TEXT(f, "/timer", "compatible", "arm,armv8-timer");
	EMPTY(f, "/timer", "always-on");
	TEXT(f, "/pmu", "compatible", "arm,armv8-pmuv3");

	f->tree.pmu = false;
	build(f);
	assert_false(has(f, "/pmu", NULL));
}

#define GIC "/interrupt-controller@3fff0000"

static void each_gic_is_where_the_map_has_it(void **state)
{
	struct fixture *f = *state;

	f->tree.nr_cpus = 2;
	build(f);
	TEXT(f, GIC, "compatible", "arm,gic-v3");
	CELLS(f, GIC, "reg", 0, 0x3fff0000, 0, 0x10000, 0, 0x3ffb0000, 0, 0x40000);
	CELLS(f, GIC, "#interrupt-cells", 3);
	CELLS(f, GIC, "phandle", FDT_PHANDLE_GIC);
	EMPTY(f, GIC, "interrupt-controller");
	EMPTY(f, GIC, "ranges");
	assert_int_equal(fdt_first_subnode(f->blob, fdt_path_offset(f->blob, GIC)),
	                 -FDT_ERR_NOTFOUND);

	f->tree.gic = TREE_GICV3_ITS;
	build(f);
	TEXT(f, GIC "/msi-controller@3ff90000", "compatible", "arm,gic-v3-its");
	CELLS(f, GIC "/msi-controller@3ff90000", "reg", 0, 0x3ff90000, 0, 0x20000);
	CELLS(f, GIC "/msi-controller@3ff90000", "#msi-cells", 1);
	CELLS(f, GIC "/msi-controller@3ff90000", "phandle", FDT_PHANDLE_MSI);
	EMPTY(f, GIC "/msi-controller@3ff90000", "msi-controller");

	f->tree.gic = TREE_GICV2;
	build(f);
	TEXT(f, GIC, "compatible", "arm,cortex-a15-gic");
	CELLS(f, GIC, "reg", 0, 0x3fff0000, 0, 0x10000, 0, 0x3ffd0000, 0, 0x20000);

	f->tree.gic = TREE_GICV2M;
	build(f);
	TEXT(f, GIC "/v2m@3ffcf000", "compatible", "arm,gic-v2m-frame");
	CELLS(f, GIC "/v2m@3ffcf000", "reg", 0, 0x3ffcf000, 0, 0x1000);
	CELLS(f, GIC "/v2m@3ffcf000", "arm,msi-base-spi", 64);
	CELLS(f, GIC "/v2m@3ffcf000", "arm,msi-num-spis", 64);
	EMPTY(f, GIC "/v2m@3ffcf000", "msi-controller");
}

static void every_symbol_names_a_node_with_a_phandle(void **state)
{
	static const char *const names[] = { "gic",  "msi",     "apb_pclk", "cpu0",
		                             "cpu1", "serial0", "serial3",  "rtc0" };
	struct fixture *f = *state;
	int symbols, prop, nr = 0;

	f->tree.nr_cpus = 2;
	f->tree.gic = TREE_GICV3_ITS;
	f->tree.symbols = true;
	build(f);
	symbols = fdt_path_offset(f->blob, "/__symbols__");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!fdt_getprop(f->blob, symbols, names[i], NULL))
			fail_msg("no symbol %s", names[i]);
	fdt_for_each_property_offset(prop, f->blob, symbols)
	{
		const char *name, *path = fdt_getprop_by_offset(f->blob, prop, &name, NULL);
		int node = fdt_path_offset(f->blob, path);
		u32 phandle = node < 0 ? 0 : fdt_get_phandle(f->blob, node);

		if (!phandle || fdt_node_offset_by_phandle(f->blob, phandle) != node)
			fail_msg("%s = %s has no phandle of its own", name, path);
		nr++;
	}
	assert_int_equal(nr, 2 + 1 + 2 + 5);
}

static void more_cpus_than_the_gic_or_the_map_holds_are_refused(void **state)
{
	static const struct {
		enum tree_gic gic;
		u32 nr_cpus;
		bool good;
	} rows[] = {
		{ TREE_GICV2, 8, true },        { TREE_GICV2, 9, false },
		{ TREE_GICV2M, 8, true },       { TREE_GICV2M, 9, false },
		{ TREE_GICV3, 512, true },      { TREE_GICV3, 7807, true },
		{ TREE_GICV3, 7808, false },    { TREE_GICV3, 0xffffffff, false },
		{ TREE_GICV3_ITS, 7806, true }, { TREE_GICV3_ITS, 7807, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct caught said;
		size_t lines;
		int r;

		f->tree.gic = rows[i].gic;
		f->tree.nr_cpus = rows[i].nr_cpus;
		caught_begin(&said);
		r = tree_build(&f->tree, f->blob, sizeof(f->blob));
		lines = caught_end(&said);
		if (rows[i].good ? r <= 0 : r != -EINVAL || lines != 1)
			fail_msg("row %zu: %d %s", i, r, said.text);
	}
}

/* The room is the caller's: too little fails, whatever is being written then. */
static void a_tree_without_room_is_refused_at_every_length(void **state)
{
	struct fixture *f = *state;
	size_t need;

	f->tree.symbols = true;
	build(f);
	need = fdt_totalsize(f->blob);
	for (size_t size = 0; size < need; size += 13) {
		void *room = malloc(size + 1);
		struct caught said;
		int r;

		caught_begin(&said);
		r = tree_build(&f->tree, room, size);

		free(room);
		if (caught_end(&said) != 1 || r != -ENOSPC)
			fail_msg("%zu of %zu bytes: %d %s", size, need, r, said.text);
	}
}

static bool have_dtc(void)
{
	return system("dtc --version >/dev/null 2>&1") == 0;
}

/* dtc's complaints about a blob, in @said. */
static void run_dtc(const struct fixture *f, char *said, size_t size)
{
	int fd = memfd_create("dtb", 0);
	size_t len = fdt_totalsize(f->blob), n;
	char cmd[128];
	FILE *p;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, f->blob, len), len);
	(void)snprintf(cmd, sizeof(cmd), "dtc -I dtb -O dts -o /dev/null /proc/%d/fd/%d 2>&1",
	               getpid(), fd);
	p = popen(cmd, "r");
	assert_non_null(p);
	n = fread(said, 1, size - 1, p);
	said[n] = '\0';
	assert_int_equal(pclose(p), 0);
	(void)close(fd);
}

static void expect_no_warning(struct fixture *f)
{
	char said[2000];

	build(f);
	run_dtc(f, said, sizeof(said));
	if (said[0])
		fail_msg("gic %u, %u CPUs, pmu %d, symbols %d, idle %d %d, %zu devices: %s",
		         f->tree.gic, f->tree.nr_cpus, f->tree.pmu, f->tree.symbols,
		         f->tree.idle_standby, f->tree.idle_power_down, f->tree.nr_devs, said);
}

static void with_every_option(struct fixture *f)
{
	static const size_t nr_virtio[] = { 0, 1, VIRTIO_MAX };

	for (u32 bits = 0; bits < 16; bits++) {
		f->tree.pmu = bits & 1;
		f->tree.symbols = bits & 2;
		f->tree.idle_standby = f->tree.idle_power_down = bits & 8;
		f->tree.boot.initrd = 0x8f000000;
		f->tree.boot.initrd_end = bits & 4 ? 0x8f123456 : 0x8f000000;
		for (size_t i = 0; i < ARRAY_SIZE(nr_virtio); i++) {
			add_devices(f, nr_virtio[i]);
			expect_no_warning(f);
		}
	}
}

static void dtc_has_no_complaint_about_any_combination(void **state)
{
	static const enum tree_gic gics[] = { TREE_GICV2, TREE_GICV2M, TREE_GICV3, TREE_GICV3_ITS };
	static const u32 cpus[] = { 1, 2, 8, 9, 17, 300 };
	struct fixture *f = *state;

	if (!have_dtc())
		skip_because("dtc is not installed");
	for (size_t i = 0; i < ARRAY_SIZE(gics); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(cpus); j++) {
			f->tree.gic = gics[i];
			f->tree.nr_cpus = cpus[j];
			if (cpus[j] <= 8 || gics[i] >= TREE_GICV3)
				with_every_option(f);
		}
	}
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_root_says_what_it_is),
		T(chosen_and_memory_hold_what_boot_says),
		T(every_device_has_its_node),
		T(a_device_without_interrupt_or_primecell_asks_for_none),
		T(cpus_have_the_mpidr_that_kvm_gives_them),
		T(psci_is_called_by_hvc_in_the_version_that_answers),
		T(no_idle_state_is_offered_unless_asked_for),
		T(idle_states_are_there_as_asked_for_and_every_cpu_refers_to_them),
		T(an_idle_state_pays_and_the_deeper_one_later),
		T(private_interrupts_name_the_cpus_on_gicv2_only),
		T(each_gic_is_where_the_map_has_it),
		T(every_symbol_names_a_node_with_a_phandle),
		T(more_cpus_than_the_gic_or_the_map_holds_are_refused),
		T(a_tree_without_room_is_refused_at_every_length),
		T(dtc_has_no_complaint_about_any_combination),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
