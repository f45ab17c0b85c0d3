#!/usr/bin/env bash
# Benchmarks, as ratios within one run: benches/run.sh [rounds]
#
#   cold       20,000 documents of 16 KiB from the sandbox, no rate limit, against `rclone copy` of the same
#              bytes from nginx over plain http. Neither server announces an MD5. Ours also lists, asks for every link, hashes, keeps state and is durable
#              when it ends, so the peer's time ends with `sync -f`.
#   unchanged  a run over 100,000 documents in which nothing changed: time and peak memory.
#   pace       a set rate: the share of it that is used.
#
# Needs rclone, nginx, GNU time and about 10 GB below BENCH_DIR (default: a new folder below /tmp).
# Everything stays on loopback. Fresh target folders each round; nothing is deleted in between.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-7}
dir=${BENCH_DIR:-$(mktemp -d /tmp/ibinder-bench.XXXXXX)}
mkdir -p "$dir"
chmod 755 "$dir" # nginx reads it as another user
cargo build --release --quiet
ours=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/ibinder-sync
for tool in rclone nginx /usr/bin/time; do
    command -v "$tool" >/dev/null || { echo "missing: $tool" >&2; exit 2; }
done

pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; }
trap finish EXIT

serve() { # serve NAME ARGS…: starts a sandbox and takes over its environment
    local name=$1; shift
    "$ours" -q sandbox "$@" >"$dir/$name.env" &
    pids+=($!)
    while [ "$(wc -l <"$dir/$name.env")" -lt 5 ]; do sleep 0.1; done
    set -a; . "$dir/$name.env"; set +a
}

timed() { # timed FILE COMMAND…: appends "wall cpu KiB"
    local file=$1; shift
    /usr/bin/time -f '%e %U %S %M' -o "$dir/time" "$@" >/dev/null
    awk '{print $1, $2 + $3, $4}' "$dir/time" >>"$dir/$file"
}

median() { # median FILE COLUMN
    awk -v c="$2" '{print $c}' "$dir/$1" | sort -n | awk '{v[NR]=$1} END {print v[int((NR + 1) / 2)]}'
}

echo "== cold: 20,000 × 16 KiB, $rounds rounds"
serve cold --binders 20 --documents 20000 --document-size 16KiB --no-md5
"$ours" -q run --dest "$dir/blobs" --rate 0 --concurrency 32
mv "$dir/blobs/.ibinder-sync" "$dir/blobs.state" # now a plain folder
cat >"$dir/nginx.conf" <<NGINX
worker_processes 1; daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000;
       server { listen 127.0.0.1:8099; root $dir/blobs; autoindex on; charset utf-8; } }
NGINX
nginx -c "$dir/nginx.conf" & pids+=($!)
sleep 1
for round in $(seq "$rounds"); do
    timed ours.cold "$ours" -q run --dest "$dir/ours.$round" --rate 0 --concurrency 32
    timed rclone.cold sh -c "rclone copy :http: '$dir/rclone.$round' --http-url http://127.0.0.1:8099/ --transfers 32 --checkers 16 -q; sync -f '$dir/rclone.$round'"
done
awk -v ow="$(median ours.cold 1)" -v rw="$(median rclone.cold 1)" -v oc="$(median ours.cold 2)" \
    -v rc="$(median rclone.cold 2)" -v om="$(median ours.cold 3)" -v rm="$(median rclone.cold 3)" 'BEGIN {
    printf "wall: ours %.2f s, rclone %.2f s, ratio %.2f\n", ow, rw, ow / rw
    printf "cpu:  ours %.2f s, rclone %.2f s, ratio %.2f\n", oc, rc, oc / rc
    printf "peak: ours %.0f MiB, rclone %.0f MiB\n", om / 1024, rm / 1024 }'

echo "== unchanged: 100,000 documents, $rounds rounds"
serve unchanged --binders 50 --documents 100000
"$ours" -q run --dest "$dir/large" --rate 0 --concurrency 32
for round in $(seq "$rounds"); do
    timed ours.unchanged "$ours" -q run --dest "$dir/large" --rate 0
done
awk -v w="$(median ours.unchanged 1)" -v c="$(median ours.unchanged 2)" -v m="$(median ours.unchanged 3)" \
    'BEGIN { printf "wall %.2f s, cpu %.2f s, peak %.1f MiB\n", w, c, m / 1024 }'

echo "== pace: 600 documents at a set rate"
serve pace --binders 1 --documents 600
for rate in 10 50; do
    "$ours" -q run --dest "$dir/pace.$rate" --rate $rate --json --max-duration 30s >"$dir/pace.json" || true
    awk -v rate=$rate '/"api"/ {gsub(/[^0-9]/, "", $2); api = $2} /duration_seconds/ {gsub(/,/, "", $2); s = $2}
        END { printf "rate %d: %.1f requests/s, %.1f %% of it\n", rate, api / s, 100 * api / s / rate }' "$dir/pace.json"
done
