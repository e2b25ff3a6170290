/* SPDX-License-Identifier: MIT */
/*
 * The least that a monitor can do: enter the guest, answer, enter again. What a device
 * access costs here is KVM's and the CPU's share of what it costs elsewhere.
 *
 * One CPU with what roost's has (KVM's interrupt controller, stolen time), RAM at
 * 0x80000000, a flat binary at 0x80000 in it. Every load from a device reads as a UART's
 * line status when nothing is wrong, so that the guest can print; what is stored at the
 * UART's first byte goes to standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM      0x80000000ull
#define RAM_SIZE (256ull << 20)
#define KERNEL   0x80000ull /* in RAM */
#define DTB      (128ull << 20)
#define UART_THR 0x01000000ull
#define GICD     0x3fff0000ull
#define GICR     0x3ffd0000ull
#define GICC     0x3ffd0000ull
#define PVTIME   0x01020000ull
#define LSR_IDLE 0x60

enum { PVTIME_SIZE = 0x10000 }; /* bytes, behind the RAM */

#define REG(offset)                                                                                \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |                                     \
	 (offsetof(struct kvm_regs, offset) / sizeof(uint32_t)))

static int fail(const char *what)
{
	(void)fprintf(stderr, "empty_loop: %s: %s\n", what, strerror(errno));
	return -1;
}

static int load(const char *path, char *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return fail(path);
	while (n > 0) {
		n = read(fd, to, room);
		to += n;
		room -= (size_t)n;
	}
	(void)close(fd);
	return n < 0 ? fail(path) : 0;
}

static int set_reg(int vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return ioctl(vcpu, KVM_SET_ONE_REG, &reg);
}

static int set_attr(int fd, uint32_t group, uint64_t attr, uint64_t *value)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &a);
}

/* A GICv3, or a GICv2 where the host has none: saving its state is part of every exit. */
static int create_gic(int vm)
{
	struct kvm_create_device v3 = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	struct kvm_create_device v2 = { .type = KVM_DEV_TYPE_ARM_VGIC_V2 };
	uint64_t gicd = GICD, gicr = GICR, gicc = GICC;
	int fd, err;

	if (ioctl(vm, KVM_CREATE_DEVICE, &v3) == 0) {
		fd = (int)v3.fd;
		err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &gicd);
		if (err == 0)
			err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
			               &gicr);
	} else if (ioctl(vm, KVM_CREATE_DEVICE, &v2) == 0) {
		fd = (int)v2.fd;
		err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST, &gicd);
		if (err == 0)
			err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU,
			               &gicc);
	} else {
		return fail("KVM_CREATE_DEVICE");
	}
	if (err == 0)
		err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	return err < 0 ? fail("interrupt controller") : 0;
}

/* Told at each entry where the host can, and roost has it too. Return: 0, also where it cannot. */
static int tell_stolen_time(int vm, int vcpu, char *ram)
{
	uint64_t at = PVTIME;
	struct kvm_device_attr a = {
		.group = KVM_ARM_VCPU_PVTIME_CTRL,
		.attr = KVM_ARM_VCPU_PVTIME_IPA,
		.addr = (uintptr_t)&at,
	};
	struct kvm_userspace_memory_region slot = {
		.slot = 1,
		.guest_phys_addr = PVTIME,
		.memory_size = PVTIME_SIZE,
		.userspace_addr = (uintptr_t)ram,
	};

	if (ioctl(vcpu, KVM_HAS_DEVICE_ATTR, &a) < 0)
		return 0;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0 ||
	    ioctl(vcpu, KVM_SET_DEVICE_ATTR, &a) < 0)
		return fail("stolen time");
	return 0;
}

/* Return: the vCPU's descriptor, ready to run, with its shared page in @run. */
static int create(char *ram, struct kvm_run **run)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
	int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = RAM,
		.memory_size = RAM_SIZE,
		.userspace_addr = (uintptr_t)ram,
	};
	struct kvm_vcpu_init init = { 0 };

	if (vcpu < 0 || size < 0)
		return fail("create a machine");
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return fail("KVM_SET_USER_MEMORY_REGION");
	if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init) < 0)
		return fail("KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) < 0)
		return fail("KVM_ARM_VCPU_INIT");
	if (create_gic(vm) < 0 || tell_stolen_time(vm, vcpu, ram + RAM_SIZE) < 0)
		return -1;
	if (set_reg(vcpu, REG(regs.pc), RAM + KERNEL) < 0 ||
	    set_reg(vcpu, REG(regs.regs[0]), RAM + DTB) < 0)
		return fail("KVM_SET_ONE_REG");

	*run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	return *run == MAP_FAILED ? fail("map the vCPU's page") : vcpu;
}

static int loop(int vcpu, struct kvm_run *run)
{
	for (;;) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0)
			return fail("KVM_RUN");
		if (run->exit_reason != KVM_EXIT_MMIO)
			break;
		if (!run->mmio.is_write)
			run->mmio.data[0] = LSR_IDLE;
		else if (run->mmio.phys_addr == UART_THR)
			(void)putchar(run->mmio.data[0]);
	}
	if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT)
		return 0;
	(void)fprintf(stderr, "empty_loop: exit %u\n", run->exit_reason);
	return -1;
}

int main(int argc, char **argv)
{
	struct kvm_run *run;
	char *ram;
	int vcpu;

	if (argc != 3) {
		(void)fputs("usage: empty_loop BINARY DTB\n", stderr);
		return 126;
	}
	ram = mmap(NULL, RAM_SIZE + PVTIME_SIZE, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		return fail("mmap") < 0;
	if (load(argv[1], ram + KERNEL, DTB - KERNEL) < 0 ||
	    load(argv[2], ram + DTB, RAM_SIZE - DTB) < 0)
		return 1;
	vcpu = create(ram, &run);
	return vcpu < 0 || loop(vcpu, run) < 0 || fflush(stdout) != 0;
}
