/* SPDX-License-Identifier: MIT */
#ifndef VCPU_AARCH64_UAPI_H
#define VCPU_AARCH64_UAPI_H

/*
 * KVM constants that the headers of the build host may lack (Debian 12 has
 * those of Linux 6.1), each with the kernel that brought it. From
 * Documentation/virt/kvm/api.rst and include/uapi.
 */
#include <linux/kvm.h>

/* Linux 5.5 */
#ifndef KVM_CAP_ARM_NISV_TO_USER
#define KVM_CAP_ARM_NISV_TO_USER 177
#endif

/* Linux 5.10 */
#ifndef KVM_CAP_STEAL_TIME
#define KVM_CAP_STEAL_TIME 187
#endif

/* Linux 5.13 */
#ifndef KVM_CAP_ARM_MTE
#define KVM_CAP_ARM_MTE 205
#endif

/* Linux 6.0 */
#ifndef KVM_CAP_ARM_SYSTEM_SUSPEND
#define KVM_CAP_ARM_SYSTEM_SUSPEND 216
#endif

/*
 * Linux 6.4, Documentation/virt/kvm/devices/vm.rst, 6. Under names of our own:
 * newer headers have an enum and a struct, which a macro cannot be asked for.
 */
enum {
	UAPI_VM_SMCCC_CTRL = 0, /* KVM_ARM_VM_SMCCC_CTRL */
	UAPI_VM_SMCCC_FILTER = 0, /* KVM_ARM_VM_SMCCC_FILTER */
	UAPI_SMCCC_FILTER_FWD_TO_USER = 2,
};

struct uapi_smccc_filter { /* struct kvm_smccc_filter */
	__u32 base;
	__u32 nr_functions;
	__u8 action;
	__u8 pad[15];
};

#endif /* VCPU_AARCH64_UAPI_H */
