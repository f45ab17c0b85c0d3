# shellcheck shell=bash disable=SC2154 # what lib.sh, run.sh and cases/unchanged.sh set
# How long people wait for an answer about a mirror of 1,000,000 documents that nobody changes meanwhile.
#
# Each question is asked once before it is measured, so that what it reads is in memory. BENCH_BEFORE is asked, too. A kept
# mirror gets the indexes with its next run, such as that of the case "unchanged".

questions() {
    local documents=$((1000000 / scale)) folder file programs=("$ours")
    tiny_mirror "$documents"
    folder=$(find "$mirror" -mindepth 2 -maxdepth 2 -type d -not -path '*/.ibinder-sync/*' | sort | sed -n 1p)
    file=$(find "$folder" -type f | sort | sed -n 1p)
    folder=${folder#"$mirror/"} file=${file#"$mirror/"}
    printf '\nQuestions about %d documents, median seconds\n\n' "$documents"
    if [ -n "${BENCH_BEFORE:-}" ]; then
        programs+=("$BENCH_BEFORE")
        printf '| question | ours | before |\n| --- | ---: | ---: |\n'
    else
        printf '| question | ours |\n| --- | ---: |\n'
    fi
    ask snapshots
    ask binders
    ask status
    ask history "$file"
    ask history nothing/there.pdf
    ask ls "$folder"
    ask ls --json "$folder"
    ask ls --at 1 "$folder"
    ask ls
}

ask() { # ask COMMAND ARGUMENT…: a row of the table; that there is nothing is an answer, too
    local command=$1 program round began row="| \`$*\` |"
    shift
    for program in "${programs[@]}"; do
        : >"$dir/answers"
        for round in $(seq 0 "$rounds"); do
            began=$EPOCHREALTIME
            "$program" "$command" --dest "$mirror" "$@" >"$dir/out" 2>&1 || true
            [ "$round" = 0 ] || echo "$began $EPOCHREALTIME" >>"$dir/answers"
        done
        row+=$(awk '{ print $2 - $1 }' "$dir/answers" | sort -n | awk '{ v[NR] = $1 } END { printf " %.3f |", v[int((NR + 1) / 2)] }')
    done
    echo "$row"
}
