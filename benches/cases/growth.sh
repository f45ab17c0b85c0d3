# shellcheck shell=bash disable=SC2154 # what lib.sh, run.sh and cases/unchanged.sh set
# The cost of a document as the organisation grows tenfold, twice: cold, and in a run without changes.
#
# The cold figures are those of the one run that made the mirror, from the sandbox; the documents are tiny, so that
# only their number counts. Without --small, the figures and their plot are saved in docs/.

growth_row() { # growth_row DOCUMENTS CASE FILE: medians of ours in a file of results
    echo "$1,$2,$(median "$3" "$2-$1" ours 5),$(median "$3" "$2-$1" ours 6)"
}

growth() {
    local documents to=docs rows='' most
    [ "$scale" = 1 ] || to=$dir
    for most in 10000 100000 1000000; do
        documents=$((most / scale))
        # Measured by the case "unchanged" of the same invocation, or now.
        grep -q "^unchanged-$documents	" "$results" 2>/dev/null || unchanged "$documents"
        tiny_mirror "$documents"
        rows+="$(growth_row "$documents" cold "$mirror.cold")"$'\n'
        rows+="$(growth_row "$documents" unchanged "$results")"$'\n'
    done
    printf 'documents,case,cpu_seconds,peak_mib\n%s' "$rows" >"$to/growth.csv"
    python3 benches/plot.py "$to/growth.csv" >"$to/growth.svg"
    printf '\nCost of a document as the organisation grows (%s/growth.svg)\n\n' "$to"
    awk -F , 'NR == 1 { print "| documents | | CPU a document | peak |\n| ---: | --- | ---: | ---: |" }
        NR > 1 { printf "| %d | %s | %.0f µs | %.0f MiB |\n", $1, $2, 1e6 * $3 / $1, $4 }' "$to/growth.csv"
}
