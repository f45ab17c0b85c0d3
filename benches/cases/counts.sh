# shellcheck shell=bash disable=SC2154 # what lib.sh, run.sh and cases/unchanged.sh set
# Instructions per document, which no noise changes, as Valgrind counts them in user space.
#
# Valgrind's processor has no SHA instructions, so the hashing of a cold run counts as it would on an old machine.
# Threads take turns under Valgrind: the figures say nothing about waiting.

counted() { # counted NAME DOCUMENTS COMMAND…: prints a row of the table; the profile is kept as $dir/NAME.callgrind
    local name=$1 documents=$2
    shift 2
    valgrind --tool=callgrind --callgrind-out-file="$dir/$name.callgrind" --log-file="$dir/valgrind" "$@" >"$dir/out" 2>&1 ||
        fail "failed: $*
$(tail -n 5 "$dir/out" "$dir/valgrind")"
    awk -v n="$documents" -v name="$name" '/ Collected : / { total = $4 }
        END { printf "| %s | %d | %.0f | %.0f million |\n", name, n, total / n, total / 1e6 }' "$dir/valgrind"
}

counts() {
    local documents=$((100000 / scale)) cold=$((2000 / scale))
    tiny_mirror $documents
    organisation $documents 0
    catch_up
    printf '\nInstructions, by Valgrind (cold: documents of 16 KiB with announced MD5s)\n\n'
    echo '| | documents | per document | in all |'
    echo '| --- | ---: | ---: | ---: |'
    counted unchanged $documents "$ours" -q run --dest "$mirror" --rate 0
    counted loop $documents "$examples/pages" 4 250
    end_servers
    sandbox --binders 20 --documents $cold --document-size 16KiB
    counted cold $cold "$ours" -q run --dest "$(mktemp -d "$dir/counts.XXXXXX")/mirror" --rate 0 --concurrency 32
    end_servers
}
