/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <string.h>

#include "machine/base/compiler.h"
#include "machine/board.h"
#include "machine/layout.h"

/* Everything a configuration can ask for at once. */
static struct machine_config largest(void)
{
	struct machine_config cfg = {
		.console = CONFIG_CONSOLE_VIRTIO,
		.nr_disks = CONFIG_DISKS_MAX,
		.nr_nets = CONFIG_NETS_MAX,
		.rng = true,
	};

	for (u32 i = 0; i < CONFIG_NETS_MAX; i++)
		cfg.net[i].mode = CONFIG_NET_TAP;
	return cfg;
}

static void the_largest_board_fits_map_and_interrupts(void **state)
{
	const struct machine_config cfg = largest();
	struct board b;

	board_plan(&cfg, &b);
	assert_int_equal(b.nr, BOARD_DEVS_MAX);
	for (size_t i = 0; i < b.nr; i++) {
		const struct device_desc *d = &b.descs[i];

		assert_in_range(d->intid, LAYOUT_INTID_FIRST_SPI, LAYOUT_FIRST_MSI - 1);
		for (size_t j = 0; j < i; j++) {
			const struct device_desc *e = &b.descs[j];

			if (d->intid == e->intid ||
			    (d->base < e->base + e->size && e->base < d->base + d->size))
				fail_msg("devices %zu and %zu collide", i, j);
		}
	}
	assert_true(b.descs[b.nr - 1].base + b.descs[b.nr - 1].size <= layout_its(CONFIG_CPUS_MAX));
}

static void the_smallest_board_has_four_uarts_and_a_clock_where_kvmtool_has_them(void **state)
{
	static const struct {
		enum board_kind kind;
		gpa_t base;
	} rows[] = {
		{ BOARD_UART, 0x01000000 }, { BOARD_UART, 0x01001000 }, { BOARD_UART, 0x01002000 },
		{ BOARD_UART, 0x01003000 }, { BOARD_RTC, 0x01010000 },
	};
	const struct machine_config cfg = { .nr_cpus = 1 };
	struct board b;

	board_plan(&cfg, &b);
	assert_int_equal(b.nr, ARRAY_SIZE(rows));
	for (size_t i = 0; i < b.nr; i++)
		if (b.devs[i].kind != rows[i].kind || b.descs[i].base != rows[i].base ||
		    b.descs[i].edge)
			fail_msg("row %zu", i);
}

static void virtio_devices_are_edge_and_in_the_order_of_the_command_line(void **state)
{
	struct machine_config cfg = { .nr_disks = 2, .nr_nets = 2, .rng = true };
	struct board b;

	cfg.net[1].mode = CONFIG_NET_TAP;
	board_plan(&cfg, &b);
	assert_int_equal(b.nr, 5 + 2 + 1 + 1);
	assert_int_equal(b.devs[5].kind, BOARD_VIRTIO_BLK);
	assert_int_equal(b.devs[5].index, 0);
	assert_int_equal(b.descs[5].base, 0x03000000);
	assert_int_equal(b.devs[6].index, 1);
	assert_int_equal(b.descs[6].base, 0x03000200);
	assert_int_equal(b.devs[7].kind, BOARD_VIRTIO_NET);
	assert_int_equal(b.devs[7].index, 1);
	assert_int_equal(b.devs[8].kind, BOARD_VIRTIO_RNG);
	for (size_t i = 5; i < b.nr; i++)
		assert_true(b.descs[i].edge);
}

static void compatible_strings_end_where_their_length_says(void **state)
{
	const struct machine_config cfg = largest();
	struct board b;

	board_plan(&cfg, &b);
	for (size_t i = 0; i < b.nr; i++) {
		const struct device_desc *d = &b.descs[i];

		assert_int_equal(d->compatible[d->compatible_len - 1], '\0');
		assert_in_range(strlen(d->compatible), 1, d->compatible_len - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_board_fits_map_and_interrupts),
		cmocka_unit_test(
			the_smallest_board_has_four_uarts_and_a_clock_where_kvmtool_has_them),
		cmocka_unit_test(virtio_devices_are_edge_and_in_the_order_of_the_command_line),
		cmocka_unit_test(compatible_strings_end_where_their_length_says),
	};

	return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
