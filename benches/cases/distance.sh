# shellcheck shell=bash disable=SC2154 # what lib.sh, run.sh and cases/cold.sh set
# Cold, from a distance: everything comes through benches/distance.rs, which delays each way by 20 ms and carries
# 100 Mbit/s each way, over all connections together.
#
# Twice, with 32 downloads at once and with what each program does by default. The bound for ours is
#
#     7 × RTT + max(bytes / bandwidth, documents × 2 × RTT / downloads at once)
#
# because before the first byte of a document comes, seven round trips follow each other: connect, token, binders,
# page, link, connect to storage, blob; after that each document needs two, link and blob, or the line is full. Bytes
# are those of the documents alone. rclone requests no links, but the size of each file.

distance_command() { # distance_command PROGRAM AT_ONCE FOLDER: sets `command`; AT_ONCE is a number, or "default"
    local ours_at_once=() rclone_at_once=()
    [ "$2" = default ] || ours_at_once=(--concurrency "$2") rclone_at_once=(--transfers "$2" --checkers "$2")
    case $1 in
    ours) command=("$ours" -q run --dest "$3" --rate 0 "${ours_at_once[@]}") ;;
    rclone) durable "$3" "$rclone" copy --config "" --quiet "${rclone_at_once[@]}" --http-url "$blobs/" :http: . ;;
    esac
}

distance() {
    local documents=$((2000 / scale)) size=$((100 << 10)) turns=(32/ours 32/rclone default/ours default/rclone)
    local round at turn out=$dir/distance.$$ api_port ports first=$dir/distance.first
    [ "$(free_gib)" -ge 3 ] || fail "distance needs 3 GiB below $dir"
    forget distance-32
    forget distance-default
    cold_source distance $documents $size 20
    blob_server plain "$dir/distance.source"
    api_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    : >"$dir/ports" # the loop below may look before the proxy has begun
    "$examples/distance" 20 100 "${blobs#http://}" "127.0.0.1:$api_port" >"$dir/ports" &
    servers+=($!)
    while [ "$(wc -l <"$dir/ports")" -lt 2 ]; do
        kill -0 "${servers[-1]}" 2>/dev/null || fail "the proxy has ended"
        sleep 0.1
    done
    mapfile -t ports <"$dir/ports"
    blobs=http://127.0.0.1:${ports[0]}
    sandbox --port "$api_port" --from "$dir/distance.source" --blobs-from "$blobs/"
    IBINDER_API_URL=${IBINDER_API_URL/:$api_port/:${ports[1]}}
    IBINDER_AUTH_URL=${IBINDER_AUTH_URL/:$api_port/:${ports[1]}}
    cold_lists distance $size
    curl --silent --fail --output "$first" --write-out '%{time_total}' "$(head -n 1 "$dir/distance.urls")" >"$dir/first"
    for round in $(seq "$rounds"); do
        say "distance: round $round of $rounds"
        for at in "${!turns[@]}"; do
            turn=${turns[$(((round + at) % ${#turns[@]}))]}
            mkdir -p "$out.$round/${turn%/*}"
            settle
            distance_command "${turn#*/}" "${turn%/*}" "$out.$round/$turn"
            timed "distance-${turn%/*}" "$round" "${turn#*/}" "${command[@]}"
        done
        if [ "$round" = 1 ]; then
            for turn in "${turns[@]}"; do cold_check distance "${turn#*/}" "$out.1/$turn"; done
        fi
        rm -r "$out.$round" # so few files cost nothing that a distance would show
    done
    end_servers
    table distance-32 "$documents × 100 KiB, 20 ms each way, 100 Mbit/s; 32 downloads at once"
    distance_bound distance-32 32
    table distance-default "The same with as many downloads at once as by default"
    distance_bound distance-default 8
    printf '\nOne document by curl took %s s; two round trips and its bytes take 0.088 s.\n' "$(<"$dir/first")"
}

distance_bound() { # distance_bound CASE DOWNLOADS_AT_ONCE
    awk -v n="$documents" -v size="$size" -v at_once="$2" -v took="$(median "$results" "$1" ours 4)" 'BEGIN {
        line = n * size * 8 / 100e6; trips = n * 2 * 0.04 / at_once
        bound = 7 * 0.04 + (line > trips ? line : trips)
        printf "\nThe bound with %d downloads at once is %.2f s; ours takes %.2f times as long.\n", at_once, bound, took / bound }'
}
