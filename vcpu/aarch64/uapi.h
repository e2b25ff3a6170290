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

#endif /* VCPU_AARCH64_UAPI_H */
