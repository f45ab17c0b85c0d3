# shellcheck shell=bash disable=SC2154 # what lib.sh and run.sh set
# A run without changes, and one with few changes that shift every page.
#
# The mirror of a generated organisation of tiny documents is made once and kept in BENCH_DIR: a restarted sandbox
# serves the same documents. A run over it is compared with benches/pages.rs, which fetches the same pages over the
# same kind of connections, parses the fields that a run needs, and does nothing else.
#
# Before each round of the changed case every hundredth document gets new bytes, and the first of each binder is
# removed. In this order: `plan`, which lists and compares as `run` does without the cost of the changes; `run`; and
# another `run`, which finds nothing more to do. The organisation changes further from round to round, because bytes
# that a mirror once had would come from its own disk. The number of changes so far is kept with the mirror.

binders=$((500 / scale))

tiny_mirror() { # tiny_mirror DOCUMENTS: makes it if it isn't there; sets `mirror`
    mirror=$dir/mirror.$1
    if [ -e "$mirror.cold" ]; then return; fi
    local needed=$(($1 / 150000 + 2)) inodes
    inodes=$(df --output=iavail "$dir" | tail -n 1)
    [ "$(free_gib)" -ge "$needed" ] || fail "a mirror of $1 documents needs $needed GiB below $dir"
    [ "$inodes" -gt $(($1 * 11 / 10)) ] || fail "a mirror of $1 documents needs as many inodes below $dir"
    say "mirroring $1 documents, once"
    forget "cold-$1"
    sandbox --binders "$binders" --documents "$1" --no-md5
    timed "cold-$1" 1 ours "$ours" -q run --dest "$mirror" --rate 0 --concurrency 32
    end_servers
    grep "^cold-$1	" "$results" >"$mirror.cold" # kept with the mirror, for cases/growth.sh
}

organisation() { # organisation DOCUMENTS TIMES: starts a sandbox whose organisation was changed so many times
    local churn=()
    while [ $((${#churn[@]} / 2)) -lt "$2" ]; do churn+=(--churn 100); done
    sandbox --binders "$binders" --documents "$1" --no-md5 "${churn[@]}"
}

# Brings the mirror to the organisation's state, so that no folder is due and nothing is left from earlier runs.
catch_up() { "$ours" -q run --dest "$mirror" --rate 0 --max-removals 100%; }

requests() { # requests of the program's run or plan that was timed last
    sed -n 's/.*"\(token\|api\)": *\([0-9]*\).*/\2/p' "$dir/out" | awk '{ sum += $1 } END { print sum }'
}

loop() { # loop CASE ROUND: sets `loop_requests`
    timed "$1" "$2" loop "$examples/pages" 4 250
    loop_requests=$(cut -d ' ' -f 1 "$dir/out")
}

unchanged() { # unchanged DOCUMENTS
    local case=unchanged-$1 round program sent
    tiny_mirror "$1"
    forget "$case"
    organisation "$1" 0
    catch_up
    for round in $(seq "$rounds"); do
        say "$case: round $round of $rounds"
        settle
        for program in $([ $((round % 2)) = 0 ] && echo ours loop || echo loop ours); do
            case $program in
            ours)
                timed "$case" "$round" ours "$ours" -q run --dest "$mirror" --rate 0 --json
                sent=$(requests)
                ;;
            loop) loop "$case" "$round" ;;
            esac
        done
    done
    end_servers
    table "$case" "Nothing changed, $1 documents in $binders binders"
    printf '\nOurs sent %s requests, the loop %s.\n' "$sent" "$loop_requests"
}

shifted() { # shifted DOCUMENTS
    local case=shifted-$1 round times sent
    tiny_mirror "$1"
    forget "$case"
    times=$(cat "$mirror.changes" 2>/dev/null || echo 0)
    organisation "$1" "$times"
    catch_up
    end_servers
    for round in $(seq "$rounds"); do
        say "$case: round $round of $rounds"
        times=$((times + 1))
        echo $times >"$mirror.changes"
        organisation "$1" $times
        loop "$case" "$round"
        timed "$case" "$round" plan "$ours" -q plan --dest "$mirror" --rate 0 --json
        settle
        timed "$case" "$round" ours "$ours" -q run --dest "$mirror" --rate 0 --json
        sent=$(requests)
        settle
        timed "$case" "$round" unchanged "$ours" -q run --dest "$mirror" --rate 0 --json
        end_servers
    done
    table "$case" "1 % changed, every page shifted, $1 documents in $binders binders"
    printf '\nThe run sent %s requests, the loop %s.\n' "$sent" "$loop_requests"
}
