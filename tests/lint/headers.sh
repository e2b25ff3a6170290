#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles on its own, twice. $CC, with the flags that the caller adds.
set -eu
status=0
for h in "$@"; do
	printf '#include "%s"\n#include "%s"\n' "$h" "$h" |
		${CC:-gcc} -std=gnu17 -I. -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Werror \
			-Wno-unused-parameter -Wno-unused-function -x c - || {
		echo "$h: does not compile on its own" >&2
		status=1
	}
done
exit $status
