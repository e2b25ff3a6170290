/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_BASE_KVM_H
#define MACHINE_BASE_KVM_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * The one place that calls ioctl(2) on KVM's file descriptors. The functions
 * here retry EINTR (none of these calls does half a job) and do not log: the
 * caller knows what it was for. KVM_RUN is not among them, there EINTR is an
 * answer: see vcpu/vcpu.c. Documentation/virt/kvm/api.rst.
 */

/**
 * kvm_call - an ioctl whose argument is a pointer to a structure
 * @fd:  a /dev/kvm, VM, vCPU or device descriptor
 * @req: KVM_*
 * @arg: the structure, NULL where the call takes none
 *
 * Return: what the call returned, 0 or more, or a negative errno.
 */
must_check int kvm_call(int fd, unsigned long req, void *arg);

/* An ioctl whose argument is a number. */
must_check int kvm_call_nr(int fd, unsigned long req, unsigned long arg);

/* KVM_CHECK_EXTENSION on a system or VM descriptor. Return: the value, 0 when it is not known. */
int kvm_extension(int fd, unsigned int cap);

/* KVM_SET_DEVICE_ATTR; also for VM and vCPU descriptors. @val is what kvm_device_attr.addr names. */
must_check int kvm_set_attr(int fd, u32 group, u64 attr, const void *val);

#endif /* MACHINE_BASE_KVM_H */
