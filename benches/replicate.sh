#!/usr/bin/env bash
# Copies in an object store, as ratios within one run: benches/replicate.sh [--rounds N] [--small] [CASE…]
#
#   small   20,000 documents of 16 KiB
#   medium  1,000 documents of 1 MiB
#
# For each case, of the same mirror and to the same s3s-fs on loopback: the first copy, a copy when nothing changed,
# and the way back into an empty folder, against rclone and restic. The peers copy the documents alone; ours also copies
# the state and a manifest, and the mirror that comes back has them.
#
# rclone compares times of modification, which it asks for object by object. `rclone-times` is rclone with
# `--update --use-server-modtime`, which needs the listing alone. rclone gets no prefix, because s3s-fs answers 500 where
# it asks whether the prefix is an object, and rclone repeats that for minutes. restic also encrypts and compresses.
#
# A round has three phases, each with all programs, and starts with another program than the one before. Each program
# has a new bucket in each round. The way back includes `sync -f` for the peers, because ours is durable when it ends.
# After the last round, the requests of a copy without changes are counted by nginx between the program and the store.
#
# `--small` tests the script with a twentieth of everything; its figures mean nothing. Everything stays on loopback.
# BENCH_S3S names the s3s-fs (default: target/tools/bin/s3s-fs).
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=5 scale=1 wanted=() parallel=16
while [ $# -gt 0 ]; do
    case $1 in
    --rounds)
        rounds=${2:?how many rounds?}
        shift
        ;;
    --small) scale=20 rounds=2 ;;
    -h | --help)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
        exit
        ;;
    small | medium) wanted+=("$1") ;;
    *)
        echo "unknown argument: $1" >&2
        exit 2
        ;;
    esac
    shift
done
[ ${#wanted[@]} -gt 0 ] || wanted=(small medium)

. benches/lib.sh
. benches/cases/cold.sh
need /usr/bin/time=time nginx=nginx-light curl=curl python3=python3 restic=restic
need_rclone
s3s=$(realpath "${BENCH_S3S:-target/tools/bin/s3s-fs}")
[ -x "$s3s" ] || fail "missing: s3s-fs; cargo install s3s-fs@0.14.1 --features binary --locked --root target/tools"
# shellcheck disable=SC2119 # no examples
build

export AWS_ACCESS_KEY_ID=benchmark AWS_SECRET_ACCESS_KEY=benchmark-secret AWS_REGION=us-east-1
export AWS_EC2_METADATA_DISABLED=true RESTIC_PASSWORD=benchmark RESTIC_PROGRESS_FPS=0.1
export RCLONE_CONFIG_STORE_TYPE=s3 RCLONE_CONFIG_STORE_PROVIDER=Other RCLONE_CONFIG_STORE_ENV_AUTH=true
export RCLONE_CONFIG_STORE_REGION=us-east-1 RCLONE_CONFIG_STORE_FORCE_PATH_STYLE=true RCLONE_CONFIG_STORE_NO_CHECK_BUCKET=true

objects=$dir/store.$$ # a new one, because deleting small files makes ext4 slow for minutes

at() { # at URL: what all programs ask from now on
    export AWS_ENDPOINT_URL=$1 RCLONE_CONFIG_STORE_ENDPOINT=$1
}

free_port() { shuf -i 20000-30000 -n 1; }

store() { # starts s3s-fs with its objects below $objects; sets `address`
    local try
    mkdir -p "$objects"
    for try in 1 2 3 4 5; do
        address=http://127.0.0.1:$(free_port)
        "$s3s" --host 127.0.0.1 --port "${address##*:}" --access-key "$AWS_ACCESS_KEY_ID" \
            --secret-key "$AWS_SECRET_ACCESS_KEY" "$objects" >"$dir/s3s.log" 2>&1 &
        servers+=($!)
        if answers "$address/" "${servers[-1]}"; then return; fi
    done
    fail "s3s-fs didn't start $try times; see $dir/s3s.log"
}

counter() { # starts nginx between the programs and the store; sets `counted`
    local temporary=$dir/counter.tmp try
    for try in 1 2 3 4 5; do
        counted=http://127.0.0.1:$(free_port)
        cat >"$dir/counter.conf" <<END
$([ "$(id -u)" != 0 ] || echo "user $(id -un);")
worker_processes 1; daemon off; pid $dir/counter.pid; error_log $dir/counter.log;
events { worker_connections 4096; }
http {
  client_body_temp_path $temporary; proxy_temp_path $temporary; fastcgi_temp_path $temporary;
  uwsgi_temp_path $temporary; scgi_temp_path $temporary;
  log_format requests '\$request_method \$request_uri';
  access_log $dir/requests requests;
  client_max_body_size 0; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off;
  server {
    listen 127.0.0.1:${counted##*:};
    location / { proxy_pass $address; proxy_set_header Host \$http_host; proxy_set_header Connection ""; }
  }
}
END
        nginx -e "$dir/counter.log" -c "$dir/counter.conf" &
        servers+=($!)
        if answers "$counted/" "${servers[-1]}"; then return; fi
    done
    fail "nginx didn't start $try times; see $dir/counter.log"
}

# What a program does, as `command`. Its bucket is named after the case and the round.
copy_command() { # copy_command PROGRAM CASE ROUND: the first copy, and each later one
    local bucket=$2-$3-$1
    local copy=("$rclone" copy --config "" --quiet --fast-list --transfers "$parallel" --checkers "$parallel"
        --exclude "/.ibinder-sync/**")
    case $1 in
    ours) command=("$ours" -q replicate --dest "$dir/$2.mirror" --to "s3://$bucket/copy") ;;
    rclone) command=("${copy[@]}" "$dir/$2.mirror" "store:$bucket") ;;
    rclone-times) command=("${copy[@]}" --update --use-server-modtime "$dir/$2.mirror" "store:$2-$3-rclone") ;;
    restic)
        repository "$bucket"
        command=("${restic[@]}" backup --exclude "$dir/$2.mirror/.ibinder-sync" "$dir/$2.mirror")
        ;;
    esac
}

back_command() { # back_command PROGRAM CASE ROUND FOLDER
    local bucket=$2-$3-$1
    case $1 in
    ours) command=("$ours" -q recover --from "s3://$bucket/copy" --dest "$4") ;;
    rclone) durable "$4" "$rclone" copy --config "" --quiet --fast-list --transfers "$parallel" --checkers "$parallel" \
        "store:$bucket" . ;;
    restic)
        repository "$bucket"
        durable "$4" "${restic[@]}" restore latest --target .
        ;;
    esac
}

repository() { # repository BUCKET: sets `restic`
    restic=(restic --quiet --cache-dir "$dir/restic-cache" -o "s3.connections=$parallel" --repo
        "s3:$AWS_ENDPOINT_URL/$1")
}

prepare() { # prepare PROGRAM CASE ROUND: an empty bucket
    mkdir -p "$objects/$2-$3-$1"
    case $1 in
    ours) rm -rf "$dir/$2.mirror/.ibinder-sync/replicas" ;; # so that the mirror knows of no copy
    restic)
        repository "$2-$3-$1"
        "${restic[@]}" init >"$dir/out" 2>&1 || fail "restic init: $(tail -n 5 "$dir/out")"
        ;;
    esac
}

back_check() { # back_check CASE PROGRAM FOLDER: what came back is what the mirror has
    local tree=$3
    [ "$2" != restic ] || tree=$3$dir/$1.mirror
    diff -rq --exclude .ibinder-sync "$dir/$1.source" "$tree" >&2 || fail "$2 didn't bring everything back: see $3"
}

in_turn() { # in_turn ROUND PROGRAM…: sets `turns`, which begin with another program in each round
    local round=$1 at
    shift
    local all=("$@")
    turns=()
    for at in "${!all[@]}"; do turns+=("${all[$(((round + at) % $#))]}"); done
}

case_of() { # case_of NAME COUNT SIZE FOLDERS KEEP: KEEP is 1 where rounds are not deleted
    local name=$1 round program out turns
    local rounds_kept=$(($5 ? rounds : 1))
    local needed=$(($2 * $3 * (3 + 6 * rounds_kept) / (1 << 30) + 4))
    [ "$(free_gib)" -ge "$needed" ] || fail "$name needs $needed GiB below $dir"
    cold_source "$name" "$2" "$3" "$4"
    if [ ! -e "$dir/$name.mirror.done" ]; then
        sandbox --from "$dir/$name.source"
        "$ours" -q run --dest "$dir/$name.mirror" --rate 0 --concurrency 32
        end_servers
        : >"$dir/$name.mirror.done"
    fi
    for phase in first night back; do forget "$name-$phase"; done
    store
    at "$address"
    for round in $(seq "$rounds"); do
        say "$name: round $round of $rounds"
        out=$dir/$name.back.$$.$round
        mkdir "$out"
        in_turn "$round" ours rclone restic
        for program in "${turns[@]}"; do
            prepare "$program" "$name" "$round"
            find "$dir/$name.mirror" -type f -exec cat {} + >/dev/null # read from memory
            settle
            copy_command "$program" "$name" "$round"
            timed "$name-first" "$round" "$program" "${command[@]}"
        done
        in_turn "$round" ours rclone rclone-times restic
        for program in "${turns[@]}"; do
            settle
            copy_command "$program" "$name" "$round"
            timed "$name-night" "$round" "$program" "${command[@]}"
        done
        in_turn "$round" ours rclone restic
        for program in "${turns[@]}"; do
            settle
            back_command "$program" "$name" "$round" "$out/$program"
            timed "$name-back" "$round" "$program" "${command[@]}"
            [ "$round" != 1 ] || back_check "$name" "$program" "$out/$program"
        done
        [ "$5" = 1 ] || rm -r "$out"
        [ "$5" = 1 ] || [ "$round" = "$rounds" ] || rm -r "$objects/$name-$round"-*
    done
    local what="$2 × $(($3 >> 10)) KiB"
    python3 benches/table.py "$results" "$name-first" ours "First copy, $what"
    python3 benches/table.py "$results" "$name-night" ours "Copy without changes, $what"
    python3 benches/table.py "$results" "$name-back" ours "Back into an empty folder, $what"
    requests "$name"
    end_servers
}

requests() { # requests CASE: those of a copy without changes
    local program
    counter
    at "$counted"
    printf '\nRequests of a copy without changes:\n\n'
    for program in ours rclone rclone-times restic; do
        copy_command "$program" "$1" "$rounds"
        : >"$dir/requests"
        "${command[@]}" >"$dir/out" 2>&1 || fail "failed: ${command[*]}
$(tail -n 5 "$dir/out")"
        printf -- '- %s: %s\n' "$program" "$(sed -n 's| /.\+||p' "$dir/requests" | sort | uniq -c | awk '{ n += $1; m = m ", " $1 " " $2 }
            END { print n + 0 " (" substr(m, 3) ")" }')"
    done
    at "$address"
}

echo "$(date -u +%F), $(uname -sr), $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)."
echo "ibinder-sync $(git describe --always --dirty), $("$rclone" version | head -n 1), $(restic version | cut -d ' ' -f 1-2)," \
    "$("$s3s" --version). Load when it began: $(cut -d ' ' -f 1-3 /proc/loadavg)."
for case in "${wanted[@]}"; do
    case $case in
    small) case_of small $((20000 / scale)) $((16 << 10)) $((200 / scale)) 1 ;;
    medium) case_of medium $((1000 / scale)) $((1 << 20)) 10 0 ;;
    esac
done
