#!/usr/bin/env bash
# How fast `verify` reads, as a ratio within one run: benches/verify.sh [rounds]
#
# A mirror of about 2 GB from the sandbox, of small, middling and large documents. Then rounds that alternate between
# `find … | xargs -0 -n 64 -P2 sha256sum` over the same files and `ibinder-sync verify`, both with a warm cache. It prints
# the ratio of the medians: 1 is as fast, 0.8 is the goal. The order within a round changes from round to round.
#
# Needs about 4.5 GB below BENCH_DIR. Everything is on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-7}
. benches/lib.sh
need /usr/bin/time=time
# shellcheck disable=SC2119 # no examples
build

documents() { # documents BINDER COUNT BYTES: random files of one size
    mkdir -p "$dir/source/$1/Tab"
    head -c $(($2 * $3)) /dev/urandom | split -a 5 -d -b "$3" --additional-suffix=.pdf - "$dir/source/$1/Tab/"
}

if [ ! -d "$dir/mirror" ]; then
    documents Small 12000 16384
    documents Middling 900 1048576
    documents Large 13 67108864
    sandbox --from "$dir/source"
    "$ours" -q run --dest "$dir/mirror" --rate 0 --concurrency 16
    end_servers
    rm -rf "$dir/source"
fi

# shellcheck disable=SC2016 # the inner shell's
hash_all='find "$0" -type f \( -path "*/.ibinder-sync/objects/*" -o -not -path "*/.ibinder-sync/*" \) -print0 |
    xargs -0 -n 64 -P2 sha256sum'
sh -c "$hash_all" "$dir/mirror" >/dev/null # warms the cache
forget verify
for round in $(seq "$rounds"); do
    for program in $([ $((round % 2)) = 0 ] && echo ours peer || echo peer ours); do
        case $program in
        ours) timed verify "$round" ours "$ours" -q verify --dest "$dir/mirror" ;;
        peer) timed verify "$round" peer sh -c "$hash_all" "$dir/mirror" ;;
        esac
    done
done
"$ours" verify --dest "$dir/mirror"
awk -v p="$(median "$results" verify peer 4)" -v o="$(median "$results" verify ours 4)" -v n="$rounds" \
    'BEGIN { printf "%d rounds: xargs -P2 sha256sum %.2f s, verify %.2f s: %.2f of its speed\n", n, p, o, p / o }'
