#!/bin/sh
# SPDX-License-Identifier: MIT
# No object may hold writable data at file scope, but for what CONTRIBUTING.md lists. Const
# data with pointers sits in .data.rel.ro of a position-independent program: fine.
set -eu
ok='^(log_level|tty_saved) '
bad=$(for o in "$@"; do
	objdump -t "$o" | awk -v o="$o" '
		{ for (i = 3; i <= 4; i++)
			if ($i ~ /^(\.t?data|\.t?bss|\*COM\*)/ && $i !~ /rel\.ro/ && $NF != $i)
				print $NF, o }'
done | grep -Ev "$ok" || true)
[ -z "$bad" ] || { printf 'writable at file scope:\n%s\n' "$bad" >&2; exit 1; }
