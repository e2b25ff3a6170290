# SPDX-License-Identifier: MIT
#
# make demo		install what is missing, build, boot a real Linux guest
# make check		install what is missing, build, pass all tests
#
# make			the monitor, $(O)/roost
# make arm64		roost and the test guests for arm64, static, build/arm64
# make check-unit	unit tests on this machine; no KVM, no root, seconds
# make check-model	every interleaving of the vCPUs' events, holds and power states
# make check-guest	boot guests, in the emulated arm64 host or on a real one
# make fuzz		fuzzers under clang's sanitizers, FUZZ_RUNS= inputs each, from FUZZ_SEED=
# make check-long	hours of the same, and more
# make bench		figures, one line each: name value unit
# make lint		format, includes, clang-tidy, cppcheck, thread safety, man pages
# make install		DESTDIR and PREFIX as usual
#
# V=1 shows commands; SAN=address,undefined or SAN=thread builds with it, O= says
# where to; WERROR=0 lets a new compiler's warnings through.

CROSS_COMPILE	?=
ifeq ($(origin CC),default)
CC		:= $(CROSS_COMPILE)gcc
endif
O		?= build
PREFIX		?= /usr/local
MANDIR		?= $(PREFIX)/share/man
Q		:= $(if $(V),,@)

VERSION		:= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
ARCH		:= $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

WARN := -Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wconversion \
	-Wsign-conversion -Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum -Wno-unused-parameter
WARN += $(if $(filter 0,$(WERROR)),,-Werror)

override CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(if $(SAN),-DLOCK_CHECKS)
CFLAGS		?= -O2 -g
# An MMIO exit goes through four small files: worth a fifth of its instructions.
# The tests link the same objects the ordinary way.
LTO		:= $(if $(SAN)$(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects)
override CFLAGS	+= -std=gnu17 $(WARN) -fno-common -fno-strict-aliasing \
	-fstack-protector-strong -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
LIBFDT		?= -lfdt
LIBS		:= -luring $(LIBFDT) -lcap -lz -lzstd

# One list of rooms; the architecture of the build host picks vcpu/'s half. machine/aarch64
# describes a machine and touches no KVM, so it builds everywhere.
rooms	:= machine/base devices devices/host devices/virtio psci irqchip vcpu vcpu/$(ARCH) \
	   machine machine/aarch64
srcs	:= $(sort $(foreach r,$(rooms),$(wildcard $(r)/*.c)))
objs	:= $(srcs:%.c=$(O)/%.o)
tests	:= $(patsubst tests/unit/%.c,$(O)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))

.DEFAULT_GOAL := all
.PHONY: all arm64 check check-unit check-model check-guest check-long fuzz bench lint install clean demo
all: $(O)/roost
	@:

$(O)/roost: $(O)/main.o $(objs)
	@echo '  LINK    $@'
	$(Q)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) $^ $(LIBS) -o $@

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LTO) -MMD -MP -c $< -o $@

# The version changes with every commit: only one object knows it, and is made again.
$(O)/main.o: override CPPFLAGS += -DROOST_VERSION=\"$(VERSION)\"
$(O)/main.o: $(O)/version
$(O)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
.PHONY: FORCE

$(O)/tests/%: $(O)/tests/unit/%.o $(objs)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(CFLAGS) $(if $(LTO),-fno-lto) $(LDFLAGS) $^ -lcmocka $(LIBS) -o $@

check-unit: $(tests)
	$(Q)tests/unit/run $(tests)

# Every interleaving of vcpu/gate.c and vcpu/power.c: the same code, over locks of the model's.
model_objs := $(patsubst %.c,$(O)/model.d/%.o,vcpu/gate.c vcpu/power.c $(wildcard tests/model/*.c))

$(O)/model.d/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC      $< (model)'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -include tests/model/shadow.h -MMD -MP -c $< -o $@

$(O)/model: $(model_objs)
	@echo '  LINK    $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@

check-model: $(O)/model
	$(Q)$(O)/model $(MODEL)

# Each fuzzer is tests/fuzz/NAME.c and what it is for, built by clang; tests/fuzz/run is the rest.
fuzz_gic := tests/fuzz/gic.c irqchip/gic.c irqchip/gicd.c irqchip/gicc.c irqchip/gic_saved.c devices/mmio.c
FUZZ_CC	:= clang -g -O2 -std=gnu17 $(WARN) -fno-strict-aliasing -fno-sanitize-recover=all \
	-fsanitize=fuzzer,address,undefined

$(O)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC      $< (fuzz)'
	$(Q)$(FUZZ_CC) $(CPPFLAGS) -MMD -MP -c $< -o $@

$(O)/fuzz/gic: $(fuzz_gic:%.c=$(O)/fuzz/obj/%.o)
	@echo '  LINK    $@'
	$(Q)$(FUZZ_CC) $^ -o $@

fuzz:
	$(Q)tests/host/deps build lint
	$(Q)$(MAKE) --no-print-directory $(O)/fuzz/gic
	$(Q)tests/fuzz/run $(O)/fuzz/gic

arm64_O	?= build/arm64
fetched	:= $(or $(ROOST_CACHE),build/host)/debian/usr

# Static, so that it runs in an initramfs with nothing beside it. libfdt-dev is not
# multi-arch: the cross build takes the unpacked one (tests/host/fetch).
ifeq ($(shell uname -m),aarch64)
arm64_vars := O=$(arm64_O)
arm64_needs := build
else
arm64_vars := O=$(arm64_O) CROSS_COMPILE=aarch64-linux-gnu- LDFLAGS=-static \
	CPPFLAGS=-isystem\ $(fetched)/include LIBFDT=$(fetched)/lib/aarch64-linux-gnu/libfdt.a
arm64_needs := build cross
endif
arm64:
	$(Q)tests/host/deps $(arm64_needs) host
	$(Q)tests/host/fetch
	$(Q)$(MAKE) --no-print-directory $(arm64_vars) all guests

check:
	$(Q)tests/host/deps build
	$(Q)tests/check

check-long:
	$(Q)tests/host/deps build
	$(Q)tests/check-long

check-guest: arm64
	$(Q)tests/guest/check

bench: arm64
	$(Q)tests/bench/run

demo: arm64
	$(Q)tests/host/demo

lint:
	$(Q)tests/host/deps build lint
	$(Q)tests/lint/run

install: all
	install -D -m 755 $(O)/roost $(DESTDIR)$(PREFIX)/bin/roost
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man1 man/roost.1
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man7 man/roost-machine.7 man/roost-design.7

# What clang-tidy and editors read; from this file's own variables, no wrapper. The other
# architecture's half of vcpu/ is in it as well, for clang.
other	:= $(filter-out $(srcs),$(wildcard vcpu/*/*.c))
command	= $(subst ",\",$(subst \,\\,$(1) $(CPPFLAGS) $(CFLAGS)))
entry	= {"directory":"$(CURDIR)","file":"$(2)","command":"$(call command,$(1)) -c $(2)"}

compile_commands.json: override CPPFLAGS += -DROOST_VERSION=\"$(VERSION)\"
compile_commands.json: Makefile main.c $(srcs) $(other)
	$(Q){ $(foreach f,main.c $(srcs),printf '%s\n' '$(call entry,$(CC),$(f)),';) \
	  $(foreach f,$(other),printf '%s\n' '$(call entry,clang --target=$(word 2,$(subst /, ,$(f)))-linux-gnu,$(f)),';) \
	} | sed '1s/^/[\n/; $$s/,$$/\n]/' >$@

clean:
	$(Q)rm -rf $(O) compile_commands.json

# For tests/lint/run: the lists as this file has them.
print-%:
	@echo '$($*)'

.SECONDARY:
include tests/guest/guest.mk
-include $(wildcard $(objs:.o=.d) $(model_objs:.o=.d) $(O)/main.d $(tests:$(O)/tests/%=$(O)/tests/unit/%.d) \
	$(fuzz_gic:%.c=$(O)/fuzz/obj/%.d) \
	$(O)/guests/obj/*.d $(O)/guests/obj/lib/*.d)
