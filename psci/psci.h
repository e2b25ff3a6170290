/* SPDX-License-Identifier: MIT */
#ifndef PSCI_PSCI_H
#define PSCI_PSCI_H

#include <stdatomic.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * The Power State Coordination Interface as policy: which functions there are in
 * which version, what their arguments must be, and which code answers what.
 * No KVM, no threads: what a call does to CPUs and machine goes through
 * struct psci_host_ops. Sections are those of Arm DEN0022F.b; SMCCC is Arm DEN0028.
 */

/* PSCI_VERSION's answers, 5.3.1: major << 16 | minor. */
enum {
	PSCI_0_2 = 0x00002,
	PSCI_1_0 = 0x10000,
	PSCI_1_1 = 0x10001,
	PSCI_1_2 = 0x10002,
	PSCI_1_3 = 0x10003,
};

/* Return codes, 5.2.2. */
enum {
	PSCI_SUCCESS = 0,
	PSCI_NOT_SUPPORTED = -1,
	PSCI_INVALID_PARAMETERS = -2,
	PSCI_DENIED = -3,
	PSCI_ALREADY_ON = -4,
	PSCI_ON_PENDING = -5,
	PSCI_INTERNAL_FAILURE = -6,
	PSCI_NOT_PRESENT = -7,
	PSCI_DISABLED = -8,
	PSCI_INVALID_ADDRESS = -9,
};

/* Function IDs, DEN0028: fast calls of the standard secure services, either convention. */
#define PSCI_FID_32 0x84000000u
#define PSCI_FID_64 0xc4000000u

/*
 * Functions, as the low byte of their IDs: 0x84000000 | n, and 0xc4000000 | n where
 * there is a 64-bit form.
 */
enum psci_fn {
	PSCI_FN_VERSION = 0x00,
	PSCI_FN_CPU_SUSPEND = 0x01,
	PSCI_FN_CPU_OFF = 0x02,
	PSCI_FN_CPU_ON = 0x03,
	PSCI_FN_AFFINITY_INFO = 0x04,
	PSCI_FN_MIGRATE = 0x05,
	PSCI_FN_MIGRATE_INFO_TYPE = 0x06,
	PSCI_FN_MIGRATE_INFO_UP_CPU = 0x07,
	PSCI_FN_SYSTEM_OFF = 0x08,
	PSCI_FN_SYSTEM_RESET = 0x09,
	PSCI_FN_FEATURES = 0x0a,
	PSCI_FN_CPU_FREEZE = 0x0b,
	PSCI_FN_CPU_DEFAULT_SUSPEND = 0x0c,
	PSCI_FN_NODE_HW_STATE = 0x0d,
	PSCI_FN_SYSTEM_SUSPEND = 0x0e,
	PSCI_FN_SET_SUSPEND_MODE = 0x0f,
	PSCI_FN_STAT_RESIDENCY = 0x10,
	PSCI_FN_STAT_COUNT = 0x11,
	PSCI_FN_SYSTEM_RESET2 = 0x12,
	PSCI_FN_MEM_PROTECT = 0x13,
	PSCI_FN_MEM_PROTECT_CHECK_RANGE = 0x14,
	PSCI_FN_SYSTEM_OFF2 = 0x15,
	PSCI_FN_MAX = 0x20, /* the IDs that are PSCI's, and come to us */
};

/* Where a CPU starts. */
struct psci_entry {
	gpa_t pc;
	u64 context_id; /* what it finds in X0 */
	bool big_endian; /* as its caller was, 6.4.3.2 */
};

/* The power states a CPU can ask for, and that are counted. One level: no clusters. */
enum psci_cpu_state {
	PSCI_STANDBY, /* keeps its registers: a WFI */
	PSCI_POWER_DOWN, /* comes back at an entry point */
	PSCI_NR_CPU_STATES,
};

/* CPU_SUSPEND's power_state arguments, 5.4.2, in either format. All others are refused. */
#define PSCI_POWER_STATE_STANDBY             0x00000000u
#define PSCI_POWER_STATE_POWER_DOWN          0x00010000u
#define PSCI_POWER_STATE_EXTENDED_STANDBY    0x00000000u
#define PSCI_POWER_STATE_EXTENDED_POWER_DOWN 0x40000000u

/* What the system calls of power ask for. */
enum psci_system_kind {
	PSCI_SYSTEM_OFF,
	PSCI_SYSTEM_RESET,
	PSCI_SYSTEM_RESET2,
	PSCI_SYSTEM_SUSPEND,
	PSCI_SYSTEM_HIBERNATE, /* SYSTEM_OFF2, type HIBERNATE_OFF */
};

struct psci_system {
	enum psci_system_kind kind;
	u32 reset_type; /* SYSTEM_RESET2 only, 5.13: 0 is SYSTEM_WARM_RESET, bit 31: a vendor's */
	u64 cookie; /* SYSTEM_RESET2 only; a warm reset ignores it */
	struct psci_entry entry; /* SYSTEM_SUSPEND only */
};

/*
 * What the policy asks of the machine. @cpu is the caller's index. All run on the
 * caller's thread, keep no pointer, and answer 0 (or what is said) or a negative
 * errno that changed nothing.
 */
struct psci_host_ops {
	/* Is all of [@gpa, @gpa + @len) RAM? Not what wraps; @len is not 0. */
	bool (*is_ram)(void *host, gpa_t gpa, u64 len);

	/*
	 * -ENOENT: no such CPU; -EALREADY: it is on; -EINPROGRESS: it is being turned
	 * on; -EBUSY: the machine sleeps.
	 */
	int (*cpu_on)(void *host, u32 cpu, u64 mpidr, const struct psci_entry *entry);

	/*
	 * Of the CPUs whose MPIDR is @mpidr in the bits of @mask, seen at one
	 * moment: 0 when one is on, else 2 when one is being turned on, else 1;
	 * -ENOENT when there is none.
	 */
	int (*affinity_info)(void *host, u64 mpidr, u64 mask);

	/* 5.19 NODE_HW_STATE of one CPU: 0 runs, 1 off or powered down, 2 in standby; -ENOENT */
	int (*hw_state)(void *host, u64 mpidr);

	/* From 0 on the CPU is the host's: the call does not return by itself (CPU_OFF: never). */
	int (*cpu_off)(void *host, u32 cpu);
	/* @entry is NULL for a standby state; the host lets the call return 0 at the wake-up. */
	int (*cpu_suspend)(void *host, u32 cpu, enum psci_cpu_state state,
	                   const struct psci_entry *entry);
	/* The host decides later, and lets the call return if it is refused. */
	int (*system)(void *host, u32 cpu, const struct psci_system *what);

	/* How many of the CPUs are not off (suspended ones are on), for PSCI_SET_SUSPEND_MODE. */
	u32 (*nr_on)(void *host);

	/* 5.22: time spent in, and entries into, a power state since the last reset; -ENOENT: no such CPU. */
	int (*stat)(void *host, u64 mpidr, enum psci_cpu_state state, u64 *residency_us,
	            u64 *count);
};

/* What is offered; the same for all calls of a machine. */
struct psci_config {
	u32 version; /* PSCI_0_2 ... PSCI_1_3 */
	bool extended_state_id; /* the power_state format that PSCI_FEATURES tells; not in 0.2 */
	u32 denied; /* --psci-deny: bit n takes away function n (enum psci_fn) */
};

struct psci {
	const struct psci_host_ops *ops;
	void *host;
	struct psci_config cfg;
	/* What the guest has set, from any of its CPUs; psci.c's own. */
	atomic_uint suspend_mode; /* bit 0: OS-initiated; bit 1: CPU_SUSPEND was called in it */
	atomic_uint mem_protect; /* 0 or 1 */
};

enum psci_then {
	PSCI_RETURN, /* X0 = value, and the CPU goes on behind the call */
	PSCI_TAKEN, /* the CPU is the host's now: off, asleep, or waiting for a decision */
};

struct psci_result {
	enum psci_then then;
	u64 value; /* PSCI_RETURN: sign-extended */
};

enum { PSCI_ARGS_MAX = 3 };

/**
 * psci_call - answer one call
 * @p:    the policy and the machine under it
 * @cpu:  the caller's index
 * @fid:  function ID, W0: any value. The low 32 bits of a 32-bit call's arguments count
 * @args: X1..X3; those beyond psci_nr_args() are not looked at
 * @big_endian: the caller's data endianness; looked at when psci_takes_entry()
 *
 * Also answers SMCCC's NOT_SUPPORTED for what is no PSCI function of this version.
 */
struct psci_result psci_call(struct psci *p, u32 cpu, u32 fid, const u64 args[PSCI_ARGS_MAX],
                             bool big_endian);

/* An entry point's code: PSCI_SUCCESS, or what a call that hands it over answers. */
s64 psci_check_entry(const struct psci *p, const struct psci_entry *entry);

/* The machine starts again: what the guest has set is forgotten. No call is under way. */
void psci_reset(struct psci *p);

/* The host's answer to a call it had taken: what goes to X0 for 0 or its negative errno. */
s64 psci_code_of(int err);

/* How many of X1..X3 a call reads: each costs a system call. 0 for what is never offered. */
u32 psci_nr_args(u32 fid);

/* It hands over an entry point, so its caller's endianness is needed. */
bool psci_takes_entry(u32 fid);

/* Is it offered: in this version, in this calling convention, not denied? */
bool psci_offers(const struct psci_config *cfg, u32 fid);

/* CPU_SUSPEND's argument for this state, in the format that is told: the device tree has it too. */
u32 psci_power_state(const struct psci_config *cfg, enum psci_cpu_state state);

/*
 * "CPU_ON" for either ID of it, offered or not. Names as DEN0022 has them, so the
 * first is "PSCI_VERSION". NULL: no function has this ID.
 */
const char *psci_fn_name(u32 fid);

/* The function of that name, for options. Return: enum psci_fn, or -ENOENT. */
int psci_fn_by_name(const char *name, size_t len);

/* "SUCCESS", "ALREADY_ON", ...; NULL for what is no code. */
const char *psci_code_name(s64 code);
/* Return: 0 with @code set, or -ENOENT. */
int psci_code_by_name(const char *name, size_t len, s64 *code);

#endif /* PSCI_PSCI_H */
