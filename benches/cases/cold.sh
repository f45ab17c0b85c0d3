# shellcheck shell=bash disable=SC2154 # what lib.sh and run.sh set
# Cold: downloads everything into an empty folder; the time ends when all is on the disk.
#
# All programs download the same files from the same nginx. The peers get the URLs, or read nginx's folder
# listings; ours requests binders, pages of documents and a link for each document from the sandbox, hashes, keeps
# a state and syncs. The floor writes files of the same number and sizes, staged and renamed in groups as ours
# does, without downloading.
#
# Each round uses new folders, and starts with another program than the one before. Nothing is deleted between
# rounds of small files, since ext4 is slow for minutes afterwards; large ones are deleted after their round,
# because seven rounds of them fill any disk, and deleting them costs little.

cold_programs=(ours curl wget2 lftp rclone same-work floor)
[ -z "${BENCH_BEFORE:-}" ] || cold_programs+=(before)

# The program's timed command: downloads everything into the folder, which does not exist yet.
cold_command() { # cold_command PROGRAM CASE FOLDER: sets `command`
    local list=$dir/$2 out=$3
    case $1 in
    ours) command=("$ours" -q run --dest "$out" --rate 0 --concurrency 32) ;;
    before) command=("$BENCH_BEFORE" -q run --dest "$out" --rate 0 --concurrency 32) ;;
    curl) command=(durably "$out" curl --silent --show-error --fail --parallel --parallel-max 32 --create-dirs
        --config "$list.curl") ;;
    wget2) command=(durably "$out" wget2 --no-config --quiet --max-threads 32 --no-host-directories --force-directories
        --input-file "$list.urls") ;;
    lftp) command=(durably "$out" lftp --norc -c "mirror --parallel=32 $blobs/ .") ;;
    rclone) command=(durably "$out" rclone copy --config "" --quiet --transfers 32 --checkers 16
        --http-url "$blobs/" :http: .) ;;
    # What ours does as well: it reads each byte once more to hash it.
    same-work) command=(durably "$out" sh -c "rclone copy --config '' --quiet --transfers 32 --checkers 16 \
        --http-url $blobs/ :http: . && rclone hashsum sha256 --config '' . >/dev/null") ;;
    floor) command=("$examples/floor" "$list.floor" "$out") ;;
    esac
    # The shell becomes the last command, so that it adds almost nothing.
    # shellcheck disable=SC2016
    [ "${command[0]}" != durably ] ||
        command=(sh -c 'out=$1; shift; mkdir "$out"; cd "$out"; "$@" && exec sync -f .' sh "${command[@]:1}")
}

cold_source() { # cold_source CASE COUNT SIZE FOLDERS: random files below $dir/CASE.source
    local source=$dir/$1.source folder per=$(($2 / $4))
    if [ ! -e "$source.done" ]; then
        say "making $2 files of $3 bytes"
        for folder in $(seq -w "$4"); do
            mkdir -p "$source/Binder $((10#$folder % 20))/Folder $folder"
            head -c $((per * $3)) /dev/urandom |
                split -b "$3" -a 4 -d --additional-suffix=.pdf - "$source/Binder $((10#$folder % 20))/Folder $folder/"
        done
        (cd "$source" && find . -type f -printf '%P\n' | sort) >"$dir/$1.files"
        settle
        : >"$source.done"
    fi
}

cold_lists() { # cold_lists CASE SIZE: tells each peer in its own way what there is to fetch
    awk -v blobs="$blobs" -v size="$2" -v to="$dir/$1" '{
        url = $0; gsub(/ /, "%20", url); url = blobs "/" url
        printf "url = \"%s\"\noutput = \"%s\"\n", url, $0 >(to ".curl")
        print url >(to ".urls")
        printf "%d\t%s\n", size, $0 >(to ".floor")
    }' "$dir/$1.files"
}

cold_check() { # cold_check CASE PROGRAM FOLDER: what was fetched is what is served
    case $2 in
    floor) [ "$(find "$3" -type f | wc -l)" = "$(wc -l <"$dir/$1.files")" ] ;;
    *) diff -rq --exclude .ibinder-sync "$dir/$1.source" "$3" ;;
    esac >&2 || fail "$2 did not download everything: see $3"
}

cold() { # cold CASE COUNT SIZE FOLDERS KEEP: KEEP is 1 where rounds are not deleted
    local round at program out gib=$(($2 * $3 / (1 << 30) + 1)) programs=${#cold_programs[@]}
    local needed=$((gib * (1 + programs * ($5 ? rounds : 1)) + 2))
    [ "$(free_gib)" -ge "$needed" ] || fail "$1 needs $needed GiB below $dir"
    forget "$1"
    cold_source "$1" "$2" "$3" "$4"
    blob_server "$dir/$1.source"
    cold_lists "$1" "$3"
    sandbox --from "$dir/$1.source" --blobs-from "$blobs/"
    out=$dir/$1.$$
    for round in $(seq "$rounds"); do
        say "$1: round $round of $rounds"
        mkdir -p "$out.$round"
        for at in $(seq 0 $((programs - 1))); do
            program=${cold_programs[$(((round + at) % programs))]}
            find "$dir/$1.source" -type f -exec cat {} + >/dev/null # the server reads from memory
            settle
            cold_command "$program" "$1" "$out.$round/$program"
            timed "$1" "$round" "$program" "${command[@]}"
        done
        if [ "$round" = 1 ]; then
            for program in "${cold_programs[@]}"; do cold_check "$1" "$program" "$out.1/$program"; done
        fi
        [ "$5" = 1 ] || rm -r "$out.$round"
    done
    end_servers
}
