/* SPDX-License-Identifier: MIT */
#include "fdt.h"
#include "str.h"

enum { TOKEN_BEGIN = 1, TOKEN_END = 2, TOKEN_PROP = 3, TOKEN_NOP = 4, TOKEN_LAST = 9 };

static const u32 *fdt;

static u32 be32(const u32 *p)
{
	return __builtin_bswap32(*p);
}

bool fdt_set(const void *dtb)
{
	fdt = NULL;
	if (!dtb || ((unsigned long)dtb & 7) || be32(dtb) != FDT_MAGIC)
		return false;
	fdt = dtb;
	return true;
}

u32 fdt_total_size(void)
{
	return fdt ? be32(&fdt[1]) : 0;
}

static const char *string_at(u32 off)
{
	return (const char *)fdt + be32(&fdt[3]) + off;
}

static const u32 *skip_bytes(const u32 *p, size_t bytes)
{
	return p + (bytes + 3) / 4;
}

/* Steps over one property; @p is at its length. */
static const u32 *skip_prop(const u32 *p)
{
	return skip_bytes(p + 2, be32(p));
}

static void enter(struct fdt_node *n, const u32 *name)
{
	n->name = (const char *)name;
	n->props = skip_bytes(name, strlen(n->name) + 1);
	n->next = n->props;
	n->depth++;
	if (n->depth >= FDT_MAX_DEPTH)
		return;
	n->address_cells[n->depth] = 2;
	n->size_cells[n->depth] = 1;
	if (fdt_prop(n, "#address-cells", NULL))
		n->address_cells[n->depth] = fdt_u32(n, "#address-cells", 0);
	if (fdt_prop(n, "#size-cells", NULL))
		n->size_cells[n->depth] = fdt_u32(n, "#size-cells", 0);
}

struct fdt_node fdt_first(void)
{
	struct fdt_node n = { .depth = 0 };
	const u32 *p = fdt + be32(&fdt[2]) / 4;

	while (be32(p) == TOKEN_NOP)
		p++;
	enter(&n, p + 1);
	return n;
}

bool fdt_next(struct fdt_node *n)
{
	const u32 *p = n->next;

	for (;;) {
		switch (be32(p++)) {
		case TOKEN_BEGIN:
			enter(n, p);
			return true;
		case TOKEN_END:
			n->depth--;
			break;
		case TOKEN_PROP:
			p = skip_prop(p);
			break;
		case TOKEN_NOP:
			break;
		default:
			return false;
		}
	}
}

const void *fdt_prop(const struct fdt_node *n, const char *name, u32 *len)
{
	const u32 *p = n->props;

	for (;;) {
		u32 token = be32(p++);

		if (token == TOKEN_NOP)
			continue;
		if (token != TOKEN_PROP)
			return NULL;
		if (strcmp(string_at(be32(&p[1])), name) == 0) {
			if (len)
				*len = be32(p);
			return p + 2;
		}
		p = skip_prop(p);
	}
}

bool fdt_is(const struct fdt_node *n, const char *compatible)
{
	u32 len = 0;
	const char *s = fdt_prop(n, "compatible", &len);
	const char *end = s + len;

	for (; s && s < end; s += strlen(s) + 1) {
		if (strcmp(s, compatible) == 0)
			return true;
	}
	return false;
}

bool fdt_find(const char *compatible, u32 nth, struct fdt_node *n)
{
	if (!fdt)
		return false;
	*n = fdt_first();
	do {
		if (fdt_is(n, compatible) && nth-- == 0)
			return true;
	} while (fdt_next(n));
	return false;
}

bool fdt_find_name(const char *name, struct fdt_node *n)
{
	if (!fdt)
		return false;
	*n = fdt_first();
	while (fdt_next(n)) {
		if (n->depth == 2 && strcmp(n->name, name) == 0)
			return true;
	}
	return false;
}

static u64 cells(const u32 *p, u32 count)
{
	u64 v = 0;

	while (count--)
		v = v << 32 | be32(p++);
	return v;
}

bool fdt_reg(const struct fdt_node *n, u32 i, u64 *base, u64 *size)
{
	u32 ac = n->address_cells[n->depth - 1];
	u32 sc = n->size_cells[n->depth - 1];
	u32 len = 0;
	const u32 *p = fdt_prop(n, "reg", &len);

	if (!p || len < (i + 1) * (ac + sc) * 4)
		return false;
	p += i * (ac + sc);
	*base = cells(p, ac);
	*size = cells(p + ac, sc);
	return true;
}

bool fdt_irq(const struct fdt_node *n, u32 i, struct fdt_irq *irq)
{
	u32 len = 0;
	const u32 *p = fdt_prop(n, "interrupts", &len);

	if (!p || len < (i + 1) * 12)
		return false;
	p += i * 3;
	irq->intid = be32(&p[1]) + (be32(&p[0]) ? 16 : 32);
	irq->flags = be32(&p[2]) & 0xf;
	irq->mask = be32(&p[2]) >> 8 & 0xff;
	return true;
}

u32 fdt_u32(const struct fdt_node *n, const char *name, u32 i)
{
	u32 len = 0;
	const u32 *p = fdt_prop(n, name, &len);

	return p && len >= (i + 1) * 4 ? be32(&p[i]) : 0;
}

const char *fdt_str(const struct fdt_node *n, const char *name)
{
	const char *s = fdt_prop(n, name, NULL);

	return s ? s : "";
}

u64 fdt_memory(u64 *base)
{
	struct fdt_node n;
	u64 size;

	if (!fdt)
		return 0;
	for (n = fdt_first(); fdt_next(&n);) {
		if (strcmp(fdt_str(&n, "device_type"), "memory") == 0 &&
		    fdt_reg(&n, 0, base, &size))
			return size;
	}
	return 0;
}

const char *bootarg(const char *key)
{
	struct fdt_node n;
	size_t len = strlen(key);
	const char *s;

	if (!fdt_find_name("chosen", &n))
		return NULL;
	for (s = fdt_str(&n, "bootargs"); *s;) {
		while (*s == ' ')
			s++;
		if (strncmp(s, key, len) == 0 && s[len] == '=')
			return s + len + 1;
		while (*s && *s != ' ')
			s++;
	}
	return NULL;
}

bool bootarg_is(const char *key, const char *value)
{
	const char *s = bootarg(key);
	size_t len = strlen(value);

	return s && strncmp(s, value, len) == 0 && (s[len] == '\0' || s[len] == ' ');
}

u64 bootarg_u64(const char *key, u64 otherwise)
{
	const char *s = bootarg(key);

	return s ? parse_u64(s) : otherwise;
}
