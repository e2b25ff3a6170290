/* SPDX-License-Identifier: MIT */
/*
 * Accesses to where nothing is, and of forms that a monitor cannot decode: the guest
 * reads zero or takes an abort that it can recover from, and the machine lives.
 */
#include "guest.h"

typedef u64 (*load_fn)(u64 addr);

static u64 load8(u64 a)
{
	return r8(a);
}

static u64 load16(u64 a)
{
	return r16(a);
}

static u64 load32(u64 a)
{
	return r32(a);
}

static u64 load64(u64 a)
{
	return r64(a);
}

static const load_fn loads[] = { load8, load16, load32, load64 };

static void store(u64 a, u32 width)
{
	switch (width) {
	case 1:
		w8(a, 0xff);
		break;
	case 2:
		w16(a, 0xffff);
		break;
	case 4:
		w32(a, ~0u);
		break;
	default:
		w64(a, ~0ull);
		break;
	}
}

/* A hole reads zero before and after it is written, and neither access faults. */
static void check_hole(u64 addr)
{
	bool zero = true;
	struct fault f;

	fault_guard();
	for (u32 i = 0; i < ARRAY_SIZE(loads); i++) {
		zero &= loads[i](addr) == 0;
		store(addr, 1u << i);
		zero &= loads[i](addr) == 0;
	}
	f = fault_end();
	check(zero && !f.taken, "0x%llx, where nothing is, reads zero and ignores writes", addr);
}

static void check_holes(void)
{
	static const u64 holes[] = {
		0x00000000, 0x0000fff8, 0x00ffff00, 0x01004000, 0x0100fff8, 0x01011000, 0x01ff0000,
		0x03010000, 0x03fffff8, 0x20000000, 0x3ffc0000, 0x60000000, 0x7ffffff8,
	};
	u64 base = 0;
	u64 size = fdt_memory(&base);

	for (u32 i = 0; i < ARRAY_SIZE(holes); i++)
		check_hole(holes[i]);
	check_hole(base + size);
	check_hole(base + size + 0x12345678);
}

static bool tolerable(struct fault f, u64 value)
{
	return f.taken ? f.ec == EC_DATA_ABORT_EL1 || f.ec == EC_SERROR : value == 0;
}

/* Past the physical address size of the machine the architecture has its own abort. */
static void check_beyond(u64 addr)
{
	struct fault f;
	u64 v;

	fault_guard();
	v = r32(addr);
	w32(addr, 1);
	f = fault_end();
	check(tolerable(f, v), "0x%llx, past all addresses, reads zero or aborts (%s, 0x%x)", addr,
	      f.taken ? "aborts" : "goes on", f.fsc);
}

static u64 ldp(u64 a)
{
	u64 x = 0;
	u64 y = 0;

	__asm__ volatile("ldp %0, %1, [%2]" : "+&r"(x), "+&r"(y) : "r"(a) : "memory");
	return x | y;
}

static u64 stp(u64 a)
{
	__asm__ volatile("stp %0, %0, [%1]" : : "r"(~0ull), "r"(a) : "memory");
	return 0;
}

static u64 ldr_post(u64 a)
{
	u64 x = 0;

	__asm__ volatile("ldr %w0, [%1], #4" : "+&r"(x), "+&r"(a) : : "memory");
	return x;
}

static u64 str_pre(u64 a)
{
	__asm__ volatile("str %w1, [%0, #4]!" : "+&r"(a) : "r"(~0u) : "memory");
	return 0;
}

static u64 ldxr(u64 a)
{
	u64 x = 0;

	__asm__ volatile("ldxr %w0, [%1]; clrex" : "+&r"(x) : "r"(a) : "memory");
	return x;
}

static u64 ldar(u64 a)
{
	u64 x = 0;

	__asm__ volatile("ldar %w0, [%1]" : "+&r"(x) : "r"(a) : "memory");
	return x;
}

/* Its result is not looked at: vector registers are not ours to keep. */
static u64 ldr_q(u64 a)
{
	msr(cpacr_el1, 3u << 20);
	isb();
	__asm__ volatile(".arch_extension fp\n\tldr q0, [%0]" : : "r"(a) : "memory");
	return 0;
}

static u64 dc_civac(u64 a)
{
	__asm__ volatile("dc civac, %0" : : "r"(a) : "memory");
	return 0;
}

static u64 dc_zva(u64 a)
{
	__asm__ volatile("dc zva, %0" : : "r"(MMU_ALIAS_NC(a)) : "memory");
	return 0;
}

static u64 prfm(u64 a)
{
	__asm__ volatile("prfm pldl1keep, [%0]" : : "r"(a) : "memory");
	return 0;
}

static const struct {
	const char *name;
	load_fn fn;
} forms[] = {
	{ "LDP", ldp },
	{ "STP", stp },
	{ "LDR with post-index", ldr_post },
	{ "STR with pre-index", str_pre },
	{ "LDXR", ldxr },
	{ "LDAR", ldar },
	{ "LDR of a vector register", ldr_q },
	{ "DC CIVAC", dc_civac },
	{ "DC ZVA", dc_zva },
	{ "PRFM", prfm },
};

static void check_forms(void)
{
	/* A hole, and a virtio-mmio register past the config space, which is a hole as well. */
	static const u64 where[] = { 0x20000000, 0x03fff000 };

	for (u32 w = 0; w < ARRAY_SIZE(where); w++) {
		for (u32 i = 0; i < ARRAY_SIZE(forms); i++) {
			struct fault f;
			u64 v;

			fault_guard();
			v = forms[i].fn(where[w]);
			f = fault_end();
			check(tolerable(f, v), "%s to the hole at 0x%llx reads zero or aborts (%s)",
			      forms[i].name, where[w], f.taken ? "aborts" : "goes on");
		}
	}
}

/* On a device only survival counts: LDP may be emulated and read registers. */
static void check_forms_on_devices(void)
{
	static const char *const devices[] = { "arm,pl031", "virtio,mmio", "ns16550a" };
	struct fdt_node n;
	u64 base;
	u64 size;

	for (u32 d = 0; d < ARRAY_SIZE(devices); d++) {
		/* The last UART, so that the console keeps its settings. */
		u32 nth = d == 2 ? 3 : 0;

		if (!fdt_find(devices[d], nth, &n) || !fdt_reg(&n, 0, &base, &size))
			continue;
		for (u32 i = 0; i < ARRAY_SIZE(forms); i++) {
			struct fault f;

			fault_guard();
			(void)forms[i].fn(base);
			f = fault_end();
			check(!f.taken || f.ec == EC_DATA_ABORT_EL1 || f.ec == EC_SERROR,
			      "%s to %s goes on or aborts (%s)", forms[i].name, devices[d],
			      f.taken ? "aborts" : "goes on");
		}
	}
}

/* Through the Normal alias, where stage 1 lets an unaligned access pass. */
static void check_unaligned(u64 pa, bool zero)
{
	bool fine = true;

	for (u32 off = 1; off < 8; off++) {
		for (u32 i = 1; i < ARRAY_SIZE(loads); i++) {
			struct fault f;
			u64 v;

			fault_guard();
			v = loads[i](MMU_ALIAS_NC(pa + off));
			f = fault_end();
			fine &= f.taken ? f.ec == EC_DATA_ABORT_EL1 : !zero || v == 0;
			fault_guard();
			store(MMU_ALIAS_NC(pa + off), 1u << i);
			f = fault_end();
			fine &= !f.taken || f.ec == EC_DATA_ABORT_EL1;
		}
	}
	check(fine, "unaligned accesses at 0x%llx %s", pa,
	      zero ? "read zero or abort" : "are survived");
}

static void check_fetch(u64 pa)
{
	void (*fn)(void) = (void (*)(void))(unsigned long)MMU_ALIAS_NC(pa);
	struct fault f;

	fault_guard();
	fn();
	f = fault_end();
	check(f.taken && f.ec == EC_INSN_ABORT_EL1,
	      "running code at 0x%llx, where no RAM is, gives an instruction abort", pa);
}

static void check_walk(void)
{
	struct fault f;

	mmu_point_ttbr1(0x20000000);
	fault_guard();
	(void)r64(0xffffff8000000000ull);
	f = fault_end();
	mmu_point_ttbr1(0);
	check(f.taken && f.ec == EC_DATA_ABORT_EL1, "a page table where no RAM is aborts (0x%x)",
	      f.fsc);
}

void guest_main(void)
{
	struct fdt_node n;
	u64 base = 0;
	u64 size;

	check_holes();
	check_beyond(BIT(37));
	check_beyond(BIT(38));
	check_forms();
	check_forms_on_devices();
	check_unaligned(0x20000000, true);
	check_unaligned(0x20000ff8, true);
	if (fdt_find("arm,pl031", 0, &n) && fdt_reg(&n, 0, &base, &size)) {
		check_unaligned(base, false);
		check_unaligned(base + 0xff8, false);
	}
	if (fdt_find("virtio,mmio", 0, &n) && fdt_reg(&n, 0, &base, &size))
		check_unaligned(base, false);
	check_unaligned(UART0_BASE + 0x3000, false);
	check_fetch(0x20000000);
	check_fetch(UART0_BASE + 0x3000);
	check_walk();
	tap_done();
}
