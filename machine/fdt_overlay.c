/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libfdt.h>
#include <limits.h>
#include <string.h>

#include "machine/base/log.h"
#include "machine/base/own.h"
#include "machine/fdt_private.h"

/* libfdt would only say that something was not found. The name is the file's: keep it harmless. */
static int check_labels(const struct fdt_source *s, const void *tree, const void *overlay)
{
	static const char usual[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	int symbols = fdt_subnode_offset(tree, 0, "__symbols__");
	int fixups = fdt_subnode_offset(overlay, 0, "__fixups__"), prop;

	if (fixups < 0)
		return 0;
	fdt_for_each_property_offset(prop, overlay, fixups)
	{
		const char *name;

		if (!fdt_getprop_by_offset(overlay, prop, &name, NULL) ||
		    (symbols >= 0 && fdt_getprop(tree, symbols, name, NULL)))
			continue;
		if (name[strspn(name, usual)] != '\0')
			name = "?";
		return log_refuse(-EINVAL,
		                  "%s '%s' needs the label '%.64s', which the tree does not have",
		                  s->what, s->path, name);
	}
	return 0;
}

/*
 * What follows is what fdt_overlay_apply() takes on trust (libfdt 1.6.1). It
 * follows relative aliases in a circle, runs off the end of paths without a NUL,
 * and reads and writes at the offsets in /__fixups__ and /__local_fixups__,
 * inside the property or not.
 */

static bool is_path(const char *s, int len)
{
	return s && len > 1 && s[0] == '/' && memchr(s, '\0', (size_t)len) == s + len - 1;
}

static bool symbols_ok(const void *tree)
{
	int node = fdt_subnode_offset(tree, 0, "__symbols__"), prop, len;

	if (node < 0)
		return true;
	fdt_for_each_property_offset(prop, tree, node)
	{
		const char *path = fdt_getprop_by_offset(tree, prop, NULL, &len);

		if (!is_path(path, len))
			return false;
	}
	return true;
}

static bool targets_ok(const void *overlay)
{
	int fragment, len;

	fdt_for_each_subnode (fragment, overlay, 0) {
		const char *path = fdt_getprop(overlay, fragment, "target-path", &len);

		if (path && !is_path(path, len))
			return false;
	}
	return true;
}

static bool inside(const void *overlay, int node, const char *name)
{
	int top = fdt_subnode_offset(overlay, 0, name);
	int next = top < 0 ? top : fdt_next_subnode(overlay, top);

	return top >= 0 && node >= top && (next < 0 || node < next);
}

/*
 * Is there a cell at @offset in that property? It will be written to, so it must
 * not be in what is being checked here.
 */
static bool has_cell(const void *overlay, int node, const char *name, size_t name_len, u32 offset)
{
	int len;

	return node >= 0 && !inside(overlay, node, "__fixups__") &&
	       !inside(overlay, node, "__local_fixups__") &&
	       fdt_getprop_namelen(overlay, node, name, (int)name_len, &len) &&
	       len >= (int)sizeof(u32) && offset <= (u32)len - sizeof(u32);
}

/* "/path:property:offset" */
static bool fixup_ok(const void *overlay, const char *text)
{
	const char *path_end = strchr(text, ':');
	const char *name_end = path_end ? strchr(path_end + 1, ':') : NULL;
	size_t digits;

	if (!name_end || text[0] != '/')
		return false;
	digits = strspn(name_end + 1, "0123456789");
	if (digits == 0 || digits > 9 || name_end[1 + digits] != '\0')
		return false;
	return has_cell(overlay, fdt_path_offset_namelen(overlay, text, (int)(path_end - text)),
	                path_end + 1, (size_t)(name_end - path_end - 1),
	                (u32)strtoul(name_end + 1, NULL, 10));
}

static bool fixups_ok(const void *overlay)
{
	int fixups = fdt_subnode_offset(overlay, 0, "__fixups__"), prop;

	if (fixups < 0)
		return true;
	fdt_for_each_property_offset(prop, overlay, fixups)
	{
		int len;
		const char *text = fdt_getprop_by_offset(overlay, prop, NULL, &len);
		const char *end = text ? text + len : NULL;

		for (; text < end; text += strlen(text) + 1)
			if (!memchr(text, '\0', (size_t)(end - text)) || !fixup_ok(overlay, text))
				return false;
	}
	return true;
}

/*
 * Every cell of @fixup's properties is an offset into the property of that name
 * in @node. One that is called phandle would itself be changed before it is used.
 */
static bool local_node_ok(const void *overlay, int fixup, int node)
{
	int prop, child;

	fdt_for_each_property_offset(prop, overlay, fixup)
	{
		const char *name;
		int len;
		const fdt32_t *cells = fdt_getprop_by_offset(overlay, prop, &name, &len);

		if (!cells || strcmp(name, "phandle") == 0 || strcmp(name, "linux,phandle") == 0)
			return false;
		for (int i = 0; i < len / (int)sizeof(*cells); i++)
			if (!has_cell(overlay, node, name, strlen(name), fdt32_ld(&cells[i])))
				return false;
	}
	fdt_for_each_subnode (child, overlay, fixup) {
		const char *name = fdt_get_name(overlay, child, NULL);
		int there = name ? fdt_subnode_offset(overlay, node, name) : -1;

		if (there < 0 || !local_node_ok(overlay, child, there))
			return false;
	}
	return true;
}

static bool local_fixups_ok(const void *overlay)
{
	int fixups = fdt_subnode_offset(overlay, 0, "__local_fixups__");

	return fixups < 0 || local_node_ok(overlay, fixups, 0);
}

int fdt_overlay(void *buf, size_t size, const char *path)
{
	const struct fdt_source s = { "overlay", path };
	auto_free void *file = NULL, *copy = NULL;
	int err = fdt_read(&s, &file);

	if (err == 0)
		err = check_labels(&s, buf, file);
	if (err < 0)
		return err;
	if (!symbols_ok(buf))
		return log_refuse(-EINVAL,
		                  "overlay '%s': the tree's /__symbols__ are not all paths", path);
	if (!targets_ok(file) || !fixups_ok(file) || !local_fixups_ok(file))
		return fdt_refuse(&s, -FDT_ERR_BADOVERLAY);

	/* A failure leaves both blobs in pieces. */
	copy = malloc(size);
	if (!copy)
		return log_errno(-ENOMEM, "apply overlay '%s'", path);
	err = fdt_open_into(buf, copy, size > INT_MAX ? INT_MAX : (int)size);
	if (!err)
		err = fdt_overlay_apply(copy, file);
	if (!err)
		err = fdt_pack(copy);
	if (err)
		return fdt_refuse(&s, err);
	memcpy(buf, copy, fdt_totalsize(copy));
	return 0;
}
