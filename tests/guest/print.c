/* SPDX-License-Identifier: MIT */
/*
 * Prints a known pattern, lines of 64 bytes with their number, and nothing else.
 *
 * Arguments: size=BYTES (65536), by=uart|virtio, stay=1 (then sleep, not power off).
 */
#include "guest.h"
#include "hvc.h"

static char chunk[4096];

void guest_main(void)
{
	u64 lines = bootarg_u64("size", KIB(64)) / 64;
	size_t used = 0;

	if (bootarg_is("by", "virtio") && !hvc_open())
		return;
	for (u64 i = 0; i < lines; i++) {
		char *line = chunk + used;
		u64 v = i;

		memcpy(line, "00000000 ", 9);
		for (u32 d = 8; v; v /= 10)
			line[--d] = (char)('0' + v % 10);
		for (u32 d = 9; d < 63; d++)
			line[d] = (char)('a' + (i + d) % 26);
		line[63] = '\n';
		used += 64;
		if (used == sizeof(chunk) || i + 1 == lines) {
			console_write(chunk, used);
			used = 0;
		}
	}
	while (bootarg_u64("stay", 0))
		wfi();
}
