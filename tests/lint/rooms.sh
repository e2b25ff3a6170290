#!/bin/sh
# SPDX-License-Identifier: MIT
# Which room may include which, one line a room; which may call ioctl(); which may end the
# process. Anything else is an error.
set -eu

allowed() {
	case "$1" in
	main.c) echo "machine/base machine" ;;
	machine/base) echo "machine/base" ;;
	psci) echo "machine/base psci" ;;
	devices | devices/*) echo "machine/base devices devices/host devices/virtio" ;;
	irqchip) echo "machine/base devices irqchip" ;;
	vcpu | vcpu/*) echo "machine/base devices irqchip psci vcpu vcpu/aarch64 vcpu/x86_64" ;;
	machine | machine/*) echo "machine/base devices devices/host devices/virtio irqchip" \
		"psci vcpu machine machine/aarch64" ;;
	*) echo "" ;;
	esac
}

# A file, because a loop at the end of a pipe is a process of its own.
complain() {
	echo "$*" | tee -a "$bad" >&2
}

bad=$(mktemp)
trap 'rm -f "$bad"' EXIT
sources=$(find main.c machine devices psci irqchip vcpu -name '*.[ch]' 2>/dev/null | sort)
for f in $sources; do
	room=${f%/*}
	sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$f" | while read -r name; do
		dir=${name%/*}
		case " $(allowed "$room") " in
		*" $dir "*) ;;
		*) complain "$f: may not include from $dir/" ;;
		esac
	done

	case "$room" in
	vcpu | vcpu/* | machine | machine/*) ;;
	*) ! grep -n 'ioctl(' "$f" || complain "$f: ioctl( belongs in vcpu/ and machine/" ;;
	esac
	case "$f" in
	machine/fdt.c | machine/fdt_*.c) ;;
	*) ! grep -n '<libfdt.h>' "$f" || complain "$f: only machine/fdt*.c know libfdt" ;;
	esac
	case "$f" in
	*/aarch64/* | */x86_64/*) ;;
	*) ! grep -nE '__aarch64__|__x86_64__' "$f" ||
		complain "$f: architecture code belongs in an architecture's folder" ;;
	esac
	case "$f" in
	main.c | machine/base/compiler.h) ;;
	*) ! grep -nE '(^|[^_[:alnum:]])(_?exit|abort)\(' "$f" ||
		complain "$f: only main.c ends the process" ;;
	esac
	case "$f" in
	machine/base/log.*) ;;
	devices/* | psci/* | irqchip/* | machine/base/*)
		! grep -nE 'log_(errno|refuse)\(|log_at\(LOG_(ERROR|WARN|INFO)' "$f" ||
			complain "$f: this room hands errors up and logs none" ;;
	esac
done
[ ! -s "$bad" ]
