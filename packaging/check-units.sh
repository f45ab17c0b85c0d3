#!/usr/bin/env bash
# Checks the units with systemd's own tools: every line must be understood, and the exposure of the run must be
# at most 2.5 of 10 (systemd-analyze security). Needs systemd-analyze, but no running systemd.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A root folder with the programs that the units start.
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
units=$root/usr/lib/systemd/system
mkdir -p "$units" "$root/usr/bin" "$root/etc/ibinder-sync"
cp packaging/systemd/*@.* "$units"
for program in usr/bin/ibinder-sync etc/ibinder-sync/on-unit-failure; do
    printf '#!/bin/sh\n' >"$root/$program"
    chmod +x "$root/$program"
done
for system in /usr/lib/systemd/system /lib/systemd/system; do
    if [ -d "$system" ]; then
        cp "$system"/*.target "$units"
        break
    fi
done

# It ignores what it doesn't understand and exits with 0, so any output is an error.
said=$(systemd-analyze verify --root="$root" --man=no \
    ibinder-sync@eken.service ibinder-sync@eken.timer ibinder-sync-failed@eken.service 2>&1) || said="$said (exit $?)"
if [ -n "$said" ]; then
    printf '%s\n' "$said" >&2
    exit 1
fi
echo 'The units are understood.'
systemd-analyze security --root="$root" --offline=true --threshold=25 --no-pager ibinder-sync@eken.service |
    tail -n 1
