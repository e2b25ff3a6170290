/* SPDX-License-Identifier: MIT */
/*
 * The console device (VIRTIO 1.2, 5.3): everything here is printed through it, so that
 * the suite sees nothing when it does not work.
 *
 * Argument: input=N, echo N bytes of input between "<" and ">".
 */
#include "guest.h"
#include "hvc.h"

static char big[10000];

void guest_main(void)
{
	u64 input = bootarg_u64("input", 0);
	u64 got = 0;

	if (!check(hvc_open(), "there is a virtio console"))
		tap_done();
	check(true, "this line went through the virtio console");
	for (u32 i = 0; i < sizeof(big); i++)
		big[i] = i % 100 == 99 ? '\n' : (char)('!' + i % 90);
	console_write(big, sizeof(big));
	check(true, "10000 bytes went out in three buffers");
	if (input) {
		char line[2] = { 0 };

		print("# <");
		for (; got < input; got++) {
			int c = hvc_read(10000);

			if (c < 0)
				break;
			line[0] = (char)c;
			print("%s", line);
		}
		print(">\n");
		check(got == input, "%llu bytes of input arrived (%llu)", input, got);
	}
	tap_done();
}
