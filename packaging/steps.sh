# shellcheck shell=bash
# What the scripts for a throw-away machine share. The documentation is in /opt/docs.

name=$(basename "$SCRIPT" .sh)
step() { printf '== %s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$name" "$*" >&2
    tail -n 30 /run/out >&2 || true
    journalctl --no-pager --lines 20 --unit 'ibinder-sync*' >&2
    exit 1
}
# run CODE COMMAND...: its output is in /run/out.
run() {
    local wanted=$1 code=0
    shift
    "$@" >/run/out 2>&1 || code=$?
    [ "$code" = "$wanted" ] || fail "exit $code instead of $wanted: $*"
}
says() { grep -qF -- "$1" /run/out || fail "it does not say: $1"; }
# block PAGE HEADING KIND N: the Nth block of that kind below that heading of a page.
block() {
    local text
    text=$(awk -v heading="## $2" -v kind="\`\`\`$3" -v wanted="$4" '
        !inside && /^## / { here = index($0, heading) == 1; n = 0; next }
        here && $0 == kind { n++; inside = 1; next }
        $0 == "```" { inside = 0 }
        here && inside && n == wanted' "/opt/docs/$1")
    [ -n "$text" ] || fail "$1 has no $3 block number $4 below $2"
    printf '%s\n' "$text"
}

# On a machine where root is the administrator, and types nothing.
if ! command -v sudo >/dev/null; then
    printf '#!/bin/sh\nexec "$@"\n' | install -m 755 /dev/stdin /usr/local/bin/sudo
fi
# sudoedit adds what is in /run/typed to the file.
# shellcheck disable=SC2016
printf '#!/bin/sh\ncat /run/typed >>"$1"\n' | install -m 755 /dev/stdin /usr/local/bin/sudoedit
