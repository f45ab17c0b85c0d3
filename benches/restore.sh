#!/usr/bin/env bash
# Measures `restore` as a ratio within one run: benches/restore.sh [rounds]
#
# 10,000 documents of 16 KiB are mirrored, then all of them are replaced, so that the first run's bytes are only in
# objects/. Compares `restore --at` of that run with `cp -r` of the same files from a plain folder: ours also
# hashes every file, looks it up in the state, and is durable when it ends, so the peer's time includes `sync -f`.
# Rounds are interleaved, each into new folders.
#
# Needs about 4 GB below BENCH_DIR, which must be empty. Everything stays on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-7}
. benches/lib.sh
need /usr/bin/time=time
# shellcheck disable=SC2119 # no examples
build

# Serves a folder, so that every document can get other bytes under its old name: the ids stay, the versions
# change.
fill() { # 10,000 documents of 16 KiB in 100 folders
    local folder
    for folder in $(seq -w 100); do
        mkdir -p "$dir/source/Brf Eken/$folder"
        head -c 1638400 /dev/urandom | split -b 16384 -a 2 -d --additional-suffix=.pdf - "$dir/source/Brf Eken/$folder/"
    done
}

mirror() { "$ours" -q run --dest "$dir/mirror" --rate 0 --concurrency 32 --max-removals 100%; }

echo "== restore: 10,000 × 16 KiB out of objects/, $rounds rounds"
fill
sandbox --from "$dir/source"
mirror
cp -r "$dir/mirror/Brf Eken" "$dir/plain"
fill
mirror
forget restore
for round in $(seq "$rounds"); do
    timed restore "$round" ours "$ours" -q restore --dest "$dir/mirror" --at 1 --to "$dir/ours.$round"
    # shellcheck disable=SC2016 # the inner shell's
    timed restore "$round" cp sh -c 'cp -r "$0" "$1"; exec sync -f "$1"' "$dir/plain" "$dir/cp.$round"
done
diff -r "$dir/plain" "$dir/ours.1/Brf Eken"
of() { median "$results" restore "$1" "$2"; }
awk -v ow="$(of ours 4)" -v cw="$(of cp 4)" -v oc="$(of ours 5)" -v cc="$(of cp 5)" -v om="$(of ours 6)" 'BEGIN {
    printf "wall: ours %.2f s, cp %.2f s, ours reaches %.0f %% of its speed\n", ow, cw, 100 * cw / ow
    printf "cpu:  ours %.2f s, cp %.2f s; peak: ours %.0f MiB\n", oc, cc, om }'
