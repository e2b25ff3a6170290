# SPDX-License-Identifier: MIT
#
# Bare-metal arm64 guests, $(O)/guests/NAME.elf and NAME.bin, one for each C file
# in tests/guest. Included by the Makefile at the top, which sets O and Q.

ifeq ($(shell uname -m),aarch64)
GUEST_CC	?= gcc
GUEST_OBJCOPY	?= objcopy
else
GUEST_CC	?= aarch64-linux-gnu-gcc
GUEST_OBJCOPY	?= aarch64-linux-gnu-objcopy
endif

guest_dir	:= tests/guest
guest_names	:= $(patsubst $(guest_dir)/%.c,%,$(sort $(wildcard $(guest_dir)/*.c)))
guest_lib	:= $(patsubst $(guest_dir)/%,$(O)/guests/obj/%.o, \
		   $(sort $(wildcard $(guest_dir)/lib/*.c $(guest_dir)/lib/*.S)))
guest_elfs	:= $(guest_names:%=$(O)/guests/%.elf)
guest_bins	:= $(guest_names:%=$(O)/guests/%.bin)

# No floating point (nothing saves it), no unaligned access (devices and MMU off), no
# call of memset() that the compiler makes out of memset() itself.
GUEST_CFLAGS	?= -O2 -g
GUEST_FLAGS	:= -std=gnu17 -ffreestanding -mgeneral-regs-only -mstrict-align -mno-outline-atomics \
		   -fno-pic -fno-pie -fno-common -fno-strict-aliasing -fno-stack-protector \
		   -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables \
		   -Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wconversion -Wsign-conversion \
		   -Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wstrict-prototypes \
		   -Wmissing-prototypes -Wold-style-definition -Wnull-dereference \
		   -Wimplicit-fallthrough -Wswitch-enum -Wno-unused-parameter \
		   $(if $(filter 0,$(WERROR)),,-Werror) -I$(guest_dir)/lib
GUEST_LDFLAGS	:= -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
		   -Wl,--no-warn-rwx-segments

guest_tools	:= $(addprefix $(O)/guests/,deny kexec unmap_ram)

.PHONY: guests
guests: $(guest_elfs) $(guest_bins) $(guest_tools) $(O)/guests/vgic_proof
	@:

# For Linux: deny and unmap_ram do to roost what no guest can, on the host; kexec runs in a guest.
$(guest_tools): $(O)/guests/%: $(guest_dir)/tool/%.c
	@mkdir -p $(@D)
	@echo '  TOOL    $@'
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static $< -o $@

# Shows on a real KVM that vgic_reset() brings every register back.
$(O)/guests/vgic_proof: $(O)/tests/guest/tool/vgic_proof.o \
		$(addprefix $(O)/,irqchip/vgic.o irqchip/vgic_reset.o machine/base/kvm.o \
		machine/base/log.o)
	@mkdir -p $(@D)
	@echo '  TOOL    $@'
	$(Q)$(CC) $(CFLAGS) $(if $(LTO),-fno-lto) -static $^ -o $@

$(O)/guests/obj/%.c.o: $(guest_dir)/%.c
	@mkdir -p $(@D)
	@echo '  GUESTCC $<'
	$(Q)$(GUEST_CC) $(GUEST_FLAGS) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@

$(O)/guests/obj/%.S.o: $(guest_dir)/%.S
	@mkdir -p $(@D)
	@echo '  GUESTAS $<'
	$(Q)$(GUEST_CC) $(GUEST_FLAGS) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@

$(O)/guests/%.elf: $(O)/guests/obj/%.c.o $(guest_lib) $(guest_dir)/lib/guest.lds
	@echo '  GUESTLD $@'
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -T $(guest_dir)/lib/guest.lds \
		$(filter %.o,$^) -lgcc -o $@

$(O)/guests/%.bin: $(O)/guests/%.elf
	$(Q)$(GUEST_OBJCOPY) -O binary $< $@
