# shellcheck shell=bash disable=SC2154 # what lib.sh and run.sh set
# Cold: downloads everything into an empty folder; the time ends when all is on the disk.
#
# All programs download the same files from the same nginx. The peers get the URLs, or read nginx's folder
# listings; ours requests binders, pages of documents and a link for each document from the sandbox, hashes, keeps
# a state and syncs. The floor writes files of the same number and sizes, staged and renamed in groups as ours
# does, without downloading; the lean client downloads as well, and does the least that a cold run can (benches/lean.rs).
#
# Each round uses new folders, and starts with another program than the one before. Nothing is deleted between
# rounds of small files, since ext4 is slow for minutes afterwards; large ones are deleted after their round,
# because seven rounds of them fill any disk, and deleting them costs little.
#
# Three lanes. `small-md5`: storage announces the MD5 of each document, as Azure does, and ours checks it. `small-tls`:
# over TLS too, with a CA made on the spot. There the peer that does the same work hashes twice, with MD5 and SHA-256.

cold_programs() { # cold_programs LANE: sets `programs`
    case $1 in
    plain) programs=(ours curl wget2 rclone same-work lean floor) ;;
    md5) programs=(ours rclone same-work) ;; # the others would do what they do without it
    tls) programs=(ours curl wget2 rclone same-work) ;;
    esac
    [ -z "${BENCH_BEFORE:-}" ] || programs+=(before)
}

# The program's timed command: downloads everything into the folder, which does not exist yet.
cold_command() { # cold_command PROGRAM SIZE LANE FOLDER: sets `command`
    local list=$dir/$2 out=$4 copy=("$rclone" copy --config "" --quiet --transfers 32 --checkers 16 --http-url "$blobs/" :http: .)
    local hashes="md5 sha256" hash_all ca=''
    [ "$3" != tls ] || ca=$dir/tls/ca.pem # curl and wget2 may have a bundle of their own
    [ "$3" != plain ] || hashes=sha256
    # shellcheck disable=SC2016 # the inner shell's
    hash_all='hashes=$1; shift; "$@" || exit
        for hash in $hashes; do "$1" hashsum "$hash" --config "" . >/dev/null || exit; done'
    case $1 in
    ours) command=("$ours" -q run --dest "$out" --rate 0 --concurrency 32) ;;
    before) command=("$BENCH_BEFORE" -q run --dest "$out" --rate 0 --concurrency 32) ;;
    curl) command=(curl --silent --show-error --fail --parallel --parallel-max 32 --create-dirs --config "$list.curl"
        ${ca:+--cacert "$ca"}) ;;
    wget2) command=(wget2 --no-config --quiet --max-threads 32 --no-host-directories --force-directories
        ${ca:+--ca-certificate="$ca"} --input-file "$list.urls") ;;
    rclone) command=("${copy[@]}") ;;
    # What ours does as well: it reads each byte once more for each hash.
    same-work) command=(sh -c "$hash_all" sh "$hashes" "${copy[@]}") ;;
    lean) command=("$examples/lean" "$out") ;;
    floor) command=("$examples/floor" "$list.floor" "$out") ;;
    esac
    case $1 in
    ours | before | lean | floor) ;;
    *) durable "$out" "${command[@]}" ;;
    esac
}

durable() { # durable FOLDER COMMAND…: sets `command` to one that also syncs, for programs that don't
    # The shell becomes the last command, so that it adds almost nothing.
    # shellcheck disable=SC2016 # the inner shell's
    command=(sh -c 'out=$1; shift; mkdir "$out"; cd "$out"; "$@" && exec sync -f .' sh "$@")
}

cold_source() { # cold_source NAME COUNT SIZE FOLDERS: random files below $dir/NAME.source, and their MD5s in NAME.md5
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
    [ -e "$dir/$1.md5" ] || python3 benches/md5map.py "$source" <"$dir/$1.files" >"$dir/$1.md5"
}

cold_lists() { # cold_lists NAME SIZE: tells each peer in its own way what there is to fetch
    awk -v blobs="$blobs" -v size="$2" -v to="$dir/$1" '{
        url = $0; gsub(/ /, "%20", url); url = blobs "/" url
        printf "url = \"%s\"\noutput = \"%s\"\n", url, $0 >(to ".curl")
        print url >(to ".urls")
        printf "%d\t%s\n", size, $0 >(to ".floor")
    }' "$dir/$1.files"
}

cold_check() { # cold_check NAME PROGRAM FOLDER: what was fetched is what is served
    case $2 in
    floor) [ "$(find "$3" -type f | wc -l)" = "$(wc -l <"$dir/$1.files")" ] ;;
    lean) [ "$(find "$3" -type f ! -name 'state.db*' | wc -l)" = "$(wc -l <"$dir/$1.files")" ] ;;
    *) diff -rq --exclude .ibinder-sync "$dir/$1.source" "$3" ;;
    esac >&2 || fail "$2 did not download everything: see $3"
}

cold() { # cold NAME[-LANE] COUNT SIZE FOLDERS KEEP: KEEP is 1 where rounds are not deleted
    local name=${1%-*} lane=plain round at program programs out gib=$(($2 * $3 / (1 << 30) + 1))
    [ "$name" = "$1" ] || lane=${1#*-}
    cold_programs "$lane"
    local needed=$((gib + $2 * $3 * ${#programs[@]} * ($5 ? rounds : 1) / (1 << 30) + 3))
    [ "$(free_gib)" -ge "$needed" ] || fail "$1 needs $needed GiB below $dir"
    forget "$1"
    cold_source "$name" "$2" "$3" "$4"
    blob_server "$lane" "$dir/$name.source" "$dir/$name.md5"
    if [ "$lane" = tls ]; then
        export SSL_CERT_FILE=$dir/tls/ca.pem
        unset SSL_CERT_DIR
    fi
    cold_lists "$name" "$3"
    sandbox --from "$dir/$name.source" --blobs-from "$blobs/"
    out=$dir/$1.$$
    for round in $(seq "$rounds"); do
        say "$1: round $round of $rounds"
        mkdir -p "$out.$round"
        for at in "${!programs[@]}"; do
            program=${programs[$(((round + at) % ${#programs[@]}))]}
            find "$dir/$name.source" -type f -exec cat {} + >/dev/null # the server reads from memory
            settle
            cold_command "$program" "$name" "$lane" "$out.$round/$program"
            timed "$1" "$round" "$program" "${command[@]}"
        done
        if [ "$round" = 1 ]; then
            for program in "${programs[@]}"; do cold_check "$name" "$program" "$out.1/$program"; done
        fi
        [ "$5" = 1 ] || rm -r "$out.$round"
    done
    unset SSL_CERT_FILE
    end_servers
}
