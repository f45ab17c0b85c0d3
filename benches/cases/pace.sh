# shellcheck shell=bash disable=SC2154 # what lib.sh and run.sh set
# How much of a rate is used, as the sandbox counts it: each row is one run of its own duration, ended by
# --max-duration.
#
# Fixed: the share of the rate that was used between the first and the last second, and the busiest second, at any
# offset, against rate and burst. Adaptive: the sandbox limits the rate without telling the client; the share of it
# that was served after the first minute, and the share of all requests that was refused.

pace_run() { # pace_run SECONDS ARGS…: a run into a fresh folder; leaves the sandbox's count in $dir/meter
    local seconds=$1 code=0
    shift
    curl --silent --show-error --fail --request DELETE --output /dev/null "$meter"
    "$ours" -q run --dest "$(mktemp -d "$dir/pace.XXXXXX")/mirror" --max-duration "${seconds}s" "$@" >"$dir/out" 2>&1 || code=$?
    [ "$code" = 4 ] || fail "the run ended with $code, before its time: $(tail -n 5 "$dir/out")"
    curl --silent --show-error --fail --output "$dir/meter" "$meter"
}

pace() {
    local rate granted seconds=60 minutes=3 minute=60
    [ "$scale" = 1 ] || seconds=10 minutes=2 minute=10
    printf '\nPace, runs of %d s at a set rate, and of %d s at one that is found out\n\n' $seconds $((minutes * minute))
    echo '| | used | worst second | allowed | refused |'
    echo '| --- | ---: | ---: | ---: | ---: |'
    for rate in 10 50; do
        sandbox --binders 1 --documents 20000
        meter=${IBINDER_API_URL%/api}/sandbox/meter
        pace_run $seconds --rate $rate --concurrency 16
        python3 benches/pace.py "$dir/meter" set $rate
        end_servers
    done
    for granted in 20 40; do
        sandbox --binders 1 --documents 20000 --limit $granted
        meter=${IBINDER_API_URL%/api}/sandbox/meter
        pace_run $((minutes * minute)) --rate auto --concurrency 16
        python3 benches/pace.py "$dir/meter" found $granted $minute
        end_servers
    done
}
