#!/usr/bin/env bash
# The benchmarks, as ratios within one run: benches/run.sh [--rounds N] [--small] [--documents N,N] [CASE…]
#
#   small      cold, 20,000 documents of 16 KiB, against curl, wget2, rclone, the floor and the leanest client
#   medium     cold, 2,000 of 1 MiB
#   large      cold, 4 of 512 MiB
#   *-md5      each of these with an announced MD5: small-md5, medium-md5, large-md5
#   *-tls      over TLS, with an announced MD5
#   distance   cold, 2,000 of 100 KiB from 20 ms away through 100 Mbit/s, against rclone and what the line allows
#   unchanged  a run without changes, 100,000 and 1,000,000 documents, against a lean loop over the pages
#   shifted    a run, and a plan, after 1 % changed and every page shifted, against a run without changes
#   counts     instructions per document, without changes and cold
#   growth     what a document costs with 10,000, 100,000 and 1,000,000 of them; saved in docs/growth.csv and .svg
#   questions  how long `ls`, `history` and the like take on 1,000,000 documents
#   pace       the share of a set rate that is used, and of an adaptive one
#
# Without a CASE, all of them. `--documents` sets the numbers of documents for unchanged and shifted. `--small`
# tests the script with a twentieth of everything; its figures mean nothing. Everything stays on loopback, and
# nothing in BENCH_DIR is deleted at the end. The head of each file in benches/cases/ describes its method.
set -euo pipefail
cd "$(dirname "$0")/.."

sizes=(100000 1000000)
all=({small,medium,large}{,-md5,-tls} distance unchanged shifted counts growth pace questions)
rounds=7 scale=1 wanted=()
while [ $# -gt 0 ]; do
    case $1 in
    --rounds)
        rounds=${2:?how many rounds?}
        shift
        ;;
    --documents)
        IFS=, read -ra sizes <<<"${2:?how many documents?}"
        shift
        ;;
    --small) scale=20 rounds=2 ;;
    -h | --help)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
        exit
        ;;
    -*)
        echo "unknown option: $1" >&2
        exit 2
        ;;
    *) wanted+=("$1") ;;
    esac
    shift
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${all[@]}")

. benches/lib.sh
[ $scale = 1 ] || dir=$dir/try
mkdir -p "$dir"
results=$dir/results.tsv
. benches/cases/cold.sh
. benches/cases/distance.sh
. benches/cases/unchanged.sh
. benches/cases/counts.sh
. benches/cases/growth.sh
. benches/cases/pace.sh
. benches/cases/questions.sh
need /usr/bin/time=time nginx=nginx-light curl=curl wget2=wget2 python3=python3 openssl=openssl valgrind=valgrind
need_rclone
build floor lean pages distance

table() { # table CASE TITLE
    python3 benches/table.py "$results" "$1" ours "$2"
}

in_lane() { # in_lane CASE
    case $1 in
    *-md5) echo ", with announced MD5s" ;;
    *-tls) echo ", over TLS with announced MD5s" ;;
    esac
}

machine() { # what the figures depend on
    echo "$(date -u +%F), $(uname -sr), $(nproc) cores ($(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)),"
    echo "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), $(df --output=fstype "$dir" | tail -n 1)."
    echo "ibinder-sync $(git describe --always --dirty), $(curl --version | awk 'NR == 1 { print $1, $2 }'),"
    echo "wget2 $(wget2 --version | awk 'NR == 1 { print $3 }'), $("$rclone" version | head -n 1)," \
        "$(nginx -v 2>&1 | sed 's/.*version: //'), $(openssl version | cut -d ' ' -f 1-2), $(valgrind --version)."
    echo "Load when it began: $(cut -d ' ' -f 1-3 /proc/loadavg)."
}

machine
for case in "${wanted[@]}"; do
    case $case in
    small | small-md5 | small-tls)
        cold "$case" $((20000 / scale)) $((16 << 10)) $((200 / scale)) 1
        table "$case" "Cold, $((20000 / scale)) × 16 KiB$(in_lane "$case")"
        ;;
    medium | medium-md5 | medium-tls)
        cold "$case" $((2000 / scale)) $((1 << 20)) 20 0
        table "$case" "Cold, $((2000 / scale)) × 1 MiB$(in_lane "$case")"
        ;;
    large | large-md5 | large-tls)
        cold "$case" 4 $(((512 << 20) / scale)) 2 0
        table "$case" "Cold, 4 × $((512 / scale)) MiB$(in_lane "$case")"
        ;;
    unchanged | shifted)
        for documents in "${sizes[@]}"; do "$case" $((documents / scale)); done
        ;;
    distance | counts | growth | pace | questions) "$case" ;;
    *) fail "unknown case: $case (there are ${all[*]})" ;;
    esac
done
