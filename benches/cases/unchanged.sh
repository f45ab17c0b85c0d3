# shellcheck shell=bash disable=SC2154 # what lib.sh and run.sh set
# A run without changes, and one with few changes that shift every page.
#
# The mirror of a generated organisation of tiny documents is made once and kept in BENCH_DIR: a restarted sandbox
# serves the same documents. A run over it is compared with benches/pages.rs, which fetches the same pages over the
# same kind of connections, parses them into JSON values, and does nothing else.
#
# In the changed case every hundredth document has new bytes and the first of each binder is removed. It is
# measured with `plan`, which lists and compares as `run` does, without the cost of the changes; the mirror stays
# unchanged.

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

# measure CASE DOCUMENTS RUN_OR_PLAN TITLE SANDBOX_ARGS…: rounds of ours and of the bare loop, which take turns to be first
measure() {
    local case=$1-$2 documents=$2 command=$3 title=$4 round program ours_asked='' loop_asked=''
    shift 4
    forget "$case"
    sandbox --binders "$binders" --documents "$documents" --no-md5 "$@"
    for round in $(seq "$rounds"); do
        say "$case: round $round of $rounds"
        for program in $([ $((round % 2)) = 0 ] && echo ours loop || echo loop ours); do
            case $program in
            ours)
                timed "$case" "$round" ours "$ours" -q "$command" --dest "$mirror" --rate 0 --json
                ours_asked=$(sed -n 's/.*"\(token\|api\)": *\([0-9]*\).*/\2/p' "$dir/out" | awk '{ sum += $1 } END { print sum }')
                ;;
            loop)
                timed "$case" "$round" loop "$examples/pages" 4 250
                loop_asked=$(<"$dir/out")
                ;;
            esac
        done
    done
    end_servers
    table "$case" "$title, $documents documents in $binders binders"
    printf '\nOurs sent %s requests, the loop %s.\n' "$ours_asked" "${loop_asked%% *}"
}

unchanged() { # unchanged DOCUMENTS
    tiny_mirror "$1"
    # Finishes what earlier runs left, so that no folder is due.
    sandbox --binders "$binders" --documents "$1" --no-md5
    "$ours" -q run --dest "$mirror" --rate 0
    end_servers
    measure unchanged "$1" run "Nothing changed"
}

shifted() { # shifted DOCUMENTS
    tiny_mirror "$1"
    measure shifted "$1" plan "1 % changed, every page shifted; \`plan\`" --churn 100
}
