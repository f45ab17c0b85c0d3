#!/usr/bin/env bash
# How fast `verify` reads, as a ratio within one run: benches/verify.sh [rounds]
#
# A mirror of about 2 GB from the sandbox, of small, middling and large documents. Then rounds that alternate between `find … | xargs -0 -n 64 -P2 sha256sum` over the same files and
# `ibinder-sync verify`, both with a warm cache. It prints the ratio of the medians: 1 is as fast, 0.8 is the goal.
# The order within a round changes from round to round.
#
# Needs about 4.5 GB below BENCH_DIR (default: a new folder below /tmp), which stays there. Everything is on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-7}
dir=${BENCH_DIR:-$(mktemp -d /tmp/ibinder-verify.XXXXXX)}
mkdir -p "$dir/source"
cargo build --release --quiet
ours=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/ibinder-sync

pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; }
trap finish EXIT

documents() { # documents BINDER COUNT BYTES: random files of one size
    mkdir -p "$dir/source/$1/Tab"
    head -c $(($2 * $3)) /dev/urandom | split -a 5 -d -b "$3" --additional-suffix=.pdf - "$dir/source/$1/Tab/"
}

mirror() { # mirror: brings the mirror up to the source
    : >"$dir/env" # the loop below may look before the sandbox has begun
    "$ours" -q sandbox --from "$dir/source" >"$dir/env" &
    pids+=($!)
    while [ "$(wc -l <"$dir/env")" -lt 5 ]; do sleep 0.1; done
    set -a; . "$dir/env"; set +a
    "$ours" -q run --dest "$dir/mirror" --rate 0 --concurrency 16
    kill "${pids[-1]}"; wait "${pids[-1]}" 2>/dev/null || true
    unset 'pids[-1]'
}

median() { sort -n "$dir/$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

seconds() { # seconds FILE COMMAND…: appends the wall time
    local file=$1 from to; shift
    from=$(date +%s%N); "$@" >/dev/null; to=$(date +%s%N)
    awk -v ns=$((to - from)) 'BEGIN {print ns / 1e9}' >>"$dir/$file"
}

peer() { find "$dir/mirror" -type f \( -path '*/.ibinder-sync/objects/*' -o -not -path '*/.ibinder-sync/*' \) -print0 |
    xargs -0 -n 64 -P2 sha256sum; }
verify() { "$ours" -q verify --dest "$dir/mirror"; }

if [ ! -d "$dir/mirror" ]; then
    documents Small 12000 16384
    documents Middling 900 1048576
    documents Large 13 67108864
    mirror
    rm -rf "$dir/source"
fi
peer >/dev/null # warms the cache
: >"$dir/peer"; : >"$dir/ours"
for round in $(seq "$rounds"); do
    if [ $((round % 2)) = 0 ]; then seconds ours verify; seconds peer peer; else seconds peer peer; seconds ours verify; fi
done
"$ours" verify --dest "$dir/mirror"
awk -v p="$(median peer)" -v o="$(median ours)" -v n="$rounds" \
    'BEGIN { printf "%d rounds: xargs -P2 sha256sum %.2f s, verify %.2f s: %.2f of its speed\n", n, p, o, p / o }'
