#!/usr/bin/env bash
# What going back in time costs, as a ratio within one run: benches/restore.sh [rounds]
#
# 10,000 documents of 16 KiB are mirrored, then all of them are replaced, so that the first night's bytes come
# from objects/ alone. `restore --at` of that night against `cp -r` of the same files out of a plain folder:
# ours also hashes every file, finds it in the state, and is durable when it ends, so the peer's time ends with
# `sync -f`. Rounds are interleaved, each into fresh folders.
#
# Needs GNU time and about 4 GB below BENCH_DIR (default: a new folder below /tmp). Everything stays on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-7}
dir=${BENCH_DIR:-$(mktemp -d /tmp/ibinder-bench.XXXXXX)}
mkdir -p "$dir"
cargo build --release --quiet
ours=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/ibinder-sync
command -v /usr/bin/time >/dev/null || { echo "missing: /usr/bin/time" >&2; exit 2; }

pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; }
trap finish EXIT

timed() { # timed FILE COMMAND…: appends "wall cpu KiB"
    local file=$1; shift
    /usr/bin/time -f '%e %U %S %M' -o "$dir/time" "$@" >/dev/null
    awk '{print $1, $2 + $3, $4}' "$dir/time" >>"$dir/$file"
}

median() { # median FILE COLUMN
    awk -v c="$2" '{print $c}' "$dir/$1" | sort -n | awk '{v[NR]=$1} END {print v[int((NR + 1) / 2)]}'
}

# A folder is served, so that every document can be given other bytes under its old name: nothing moves, and the
# same ids come back with other versions.
serve() { # serves the folder and takes over the environment
    : >"$dir/env"
    "$ours" -q sandbox --from "$dir/source" >"$dir/env" &
    pids+=($!)
    while [ "$(wc -l <"$dir/env")" -lt 5 ]; do sleep 0.1; done
    set -a; . "$dir/env"; set +a
}

fill() { # fill DAY: 10,000 documents of 16 KiB in 100 folders
    for folder in $(seq -w 100); do
        mkdir -p "$dir/source/Brf Eken/$folder"
        head -c 1638400 /dev/urandom | split -b 16384 -a 2 -d --additional-suffix=.pdf - "$dir/source/Brf Eken/$folder/"
    done
}

mirror() { "$ours" -q run --dest "$dir/mirror" --rate 0 --concurrency 32 --max-removals 100%; }

echo "== restore: 10,000 × 16 KiB out of objects/, $rounds rounds"
fill; serve; mirror
cp -r "$dir/mirror/Brf Eken" "$dir/plain"
fill; mirror
for round in $(seq "$rounds"); do
    timed ours.restore "$ours" -q restore --dest "$dir/mirror" --at 1 --to "$dir/ours.$round"
    timed cp.restore sh -c "cp -r '$dir/plain' '$dir/cp.$round'; sync -f '$dir/cp.$round'"
done
diff -r "$dir/plain" "$dir/ours.1/Brf Eken"
awk -v ow="$(median ours.restore 1)" -v cw="$(median cp.restore 1)" -v oc="$(median ours.restore 2)" \
    -v cc="$(median cp.restore 2)" -v om="$(median ours.restore 3)" 'BEGIN {
    printf "wall: ours %.2f s, cp %.2f s, ours reaches %.0f %% of its speed\n", ow, cw, 100 * cw / ow
    printf "cpu:  ours %.2f s, cp %.2f s; peak: ours %.0f MiB\n", oc, cc, om / 1024 }'
