#!/usr/bin/env bash
# Installs the package of build-deb.sh on this machine, uses it, and removes and purges it. Needs root, and a Debian where
# ibinder-sync is not installed. Cleans up afterwards, including the user ibinder-sync.
#
#     packaging/check-package.sh [FILE.deb]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

package=${1:-$(ls target/package/ibinder-sync_*.deb)}
package=$(realpath "$package")
mirror=/var/lib/ibinder-sync/check
export DEBIAN_FRONTEND=noninteractive

step() { printf '== %s\n' "$*"; }
fail() {
    printf 'check-package: %s\n' "$*" >&2
    exit 1
}
# expect CODE COMMAND...: fails unless the command exits with CODE.
expect() {
    local wanted=$1 code=0
    shift
    "$@" >"$scratch/out" 2>&1 || code=$?
    [ "$code" = "$wanted" ] || {
        cat "$scratch/out" >&2
        fail "exit $code instead of $wanted: $*"
    }
}
says() { grep -q -- "$1" "$scratch/out" || { cat "$scratch/out" >&2; fail "it doesn't say: $1"; }; }

[ "$(id -u)" = 0 ] || fail 'only root can install a package'
for trace in /etc/ibinder-sync /var/lib/ibinder-sync; do
    [ ! -e "$trace" ] || fail "$trace is there: this check needs a machine without a mirror"
done
! dpkg -s ibinder-sync >/dev/null 2>&1 || fail 'ibinder-sync is installed already'
! id ibinder-sync >/dev/null 2>&1 || fail 'there is a user ibinder-sync already'

scratch=$(mktemp -d)
chmod 755 "$scratch"
# Cleans up however the check ends.
clean() {
    [ -z "${served:-}" ] || kill "$served" 2>/dev/null || true
    if dpkg -s ibinder-sync >/dev/null 2>&1; then dpkg --purge ibinder-sync >/dev/null 2>&1 || true; fi
    if [ -n "${checked:-}" ]; then
        rm -rf /var/lib/ibinder-sync /etc/ibinder-sync
        ! id ibinder-sync >/dev/null 2>&1 || deluser --quiet --system ibinder-sync >/dev/null 2>&1 || true
    fi
    rm -rf "$scratch"
}
trap clean EXIT
checked=yes

step "install $(basename "$package")"
apt-get install -y -qq "$package" >"$scratch/out" 2>&1 || { cat "$scratch/out" >&2; fail 'it cannot be installed'; }
dpkg -L ibinder-sync >"$scratch/files"
[ "$(stat -c '%a %U %G' /etc/ibinder-sync)" = '750 root ibinder-sync' ] || fail 'others can read /etc/ibinder-sync'
for folder in /var/lib/ibinder-sync /var/lib/ibinder-sync/status; do
    [ "$(stat -c '%a %U %G' "$folder")" = '755 ibinder-sync ibinder-sync' ] || fail "whose is $folder?"
done
getent passwd ibinder-sync | grep -q ':/usr/sbin/nologin$' || fail 'the user can log in'
expect 0 ibinder-sync --version
says "$(dpkg-query -W -f '${Version}' ibinder-sync | sed 's/-[^-]*$//')"

step 'the demo, as the user'
expect 0 runuser -u ibinder-sync -- ibinder-sync demo --dest "$mirror"
says '300 added'
expect 0 runuser -u ibinder-sync -- ibinder-sync verify --dest "$mirror"

step 'manual pages'
pages=$(grep '/man/.*\.gz$' "$scratch/files")
for name in ibinder-sync.1 ibinder-sync-run.1 ibinder-sync-restore.1 ibinder-sync-as.8; do
    grep -q "/$name.gz$" <<<"$pages" || fail "there is no $name"
done
for page in $pages; do
    name=$(basename "$page" .gz)
    # On minimal systems dpkg leaves manual pages out: then check those in the package.
    if [ ! -e "$page" ]; then
        mkdir -p "$scratch/deb"
        dpkg-deb -x "$package" "$scratch/deb"
        page=$scratch/deb$page
    fi
    man --warnings -l "$page" >"$scratch/page" 2>"$scratch/warnings" || fail "$name cannot be shown"
    [ ! -s "$scratch/warnings" ] || fail "$name: $(head -n 1 "$scratch/warnings")"
    for heading in NAME SYNOPSIS DESCRIPTION; do grep -q "^$heading" "$scratch/page" || fail "$name has no $heading"; done
done

step 'completions'
completions=/usr/share/bash-completion/completions/ibinder-sync
# Calls what the script registers, as the shell would, to complete the last word.
# shellcheck disable=SC2016
completed=$(bash -c '. "$1"; function=$(complete -p ibinder-sync | grep -o -- "-F [^ ]*" | cut -c 4-)
    COMP_WORDS=(ibinder-sync veri); COMP_CWORD=1
    "$function" ibinder-sync veri ibinder-sync; echo "${COMPREPLY[*]}"' - "$completions")
[ "$completed" = verify ] || fail "bash completes veri to: $completed"
for shell in zsh fish; do
    file=$(grep "/$shell/.*ibinder-sync" "$scratch/files" | tail -n 1)
    if command -v "$shell" >/dev/null; then
        expect 0 "$shell" -n "$file"
    else
        printf '%s is not installed: its completions are not parsed\n' "$shell"
    fi
done

step 'units'
[ "$(grep -c '/systemd/system/ibinder-sync.*@\.' "$scratch/files")" = 3 ] || fail 'there are not three units'
grep -q '^ExecStart=/usr/bin/ibinder-sync ' /usr/lib/systemd/system/ibinder-sync@.service || fail 'the unit starts another program'

step 'a profile: the first run by hand, then a nightly run as the unit starts it'
coproc ibinder-sync sandbox --documents 20
served=$COPROC_PID
for _ in 1 2 3 4 5; do
    IFS='=' read -r name value <&"${COPROC[0]}"
    declare "$name=$value"
done
cat >/etc/ibinder-sync/config.toml <<END
[profiles.check]
organisation = "$IBINDER_ORG_ID"
client_id = "$IBINDER_CLIENT_ID"
api_url = "$IBINDER_API_URL"
auth_url = "$IBINDER_AUTH_URL"
dest = "/var/lib/ibinder-sync/night"
status_file = "/var/lib/ibinder-sync/status/check.json"
rate = 0
END
install -m 600 /dev/null /etc/ibinder-sync/check.secret
printf '%s\n' "$IBINDER_CLIENT_SECRET" >/etc/ibinder-sync/check.secret
expect 2 runuser -u ibinder-sync -- ibinder-sync run --profile check
says 'client_secret'
expect 0 ibinder-sync-as check doctor
expect 2 ibinder-sync-as check run --existing
expect 0 ibinder-sync-as check run --first
says '20 added'
[ -z "$(find /run -maxdepth 1 -name 'ibinder-sync-as.*')" ] || fail 'a copy of the secret is left'
# As the unit does: its command, its user, a credential, and nothing else in the environment.
read -ra night < <(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/ibinder-sync@.service | sed 's/%i/check/g')
install -d -o ibinder-sync -m 500 "$scratch/credentials"
install -o ibinder-sync -m 400 /etc/ibinder-sync/check.secret "$scratch/credentials/client_secret"
as_unit=(setpriv --reuid ibinder-sync --regid ibinder-sync --init-groups env -i "CREDENTIALS_DIRECTORY=$scratch/credentials")
expect 0 "${as_unit[@]}" "${night[@]}"
says '20 unchanged'
expect 0 runuser -u nobody -- ibinder-sync status --from /var/lib/ibinder-sync/status/check.json --max-age 1h
# A disk that is not mounted.
mv /var/lib/ibinder-sync/night "$scratch/"
expect 2 "${as_unit[@]}" "${night[@]}"
says 'is the disk mounted'
[ ! -e /var/lib/ibinder-sync/night ] || fail 'it made a mirror on a disk that is not mounted'
kill "$served"

step 'documentation and examples'
for page in README.md decisions/README.md; do
    grep -qx "/usr/share/doc/ibinder-sync/docs/$page" "$scratch/files" || fail "there is no page $page"
done
for example in on-unit-failure cron/ibinder-sync kubernetes/cronjob.yaml; do
    grep -qx "/usr/share/doc/ibinder-sync/examples/$example" "$scratch/files" || fail "there is no example $example"
done

expect 2 ibinder-sync-as status doctor
says 'is no name of a profile'
# Somebody created a mirror with the name of that folder anyway.
expect 0 runuser -u ibinder-sync -- cp -a "$mirror/." /var/lib/ibinder-sync/status/

step 'remove'
dpkg --remove ibinder-sync >"$scratch/out" 2>&1 || { cat "$scratch/out" >&2; fail 'it cannot be removed'; }
[ ! -e /usr/bin/ibinder-sync ] || fail 'the program is still there'
[ -e /etc/ibinder-sync/check.secret ] || fail 'the configuration is gone before a purge'
[ -e "$mirror/.ibinder-sync/state.db" ] || fail 'the mirror is gone'

step 'purge'
dpkg --purge ibinder-sync >"$scratch/out" 2>&1 || { cat "$scratch/out" >&2; fail 'it cannot be purged'; }
says 'the mirrors in /var/lib/ibinder-sync are kept'
[ ! -e /etc/ibinder-sync ] || fail 'the configuration is left after a purge'
for kept in "$mirror" /var/lib/ibinder-sync/status; do
    [ -e "$kept/.ibinder-sync/state.db" ] || fail "the mirror $kept is gone after a purge"
done
[ "$(find /var/lib/ibinder-sync/status -type f -not -path '*/.ibinder-sync/*' | wc -l)" -ge 300 ] || fail 'documents are gone after a purge'
while read -r file; do
    if [ -e "$file" ] && [ ! -d "$file" ]; then fail "$file is left"; fi
done <"$scratch/files"
[ ! -e /usr/share/doc/ibinder-sync ] || fail 'a folder is left'

step "installed again beside its mirror, and gone"
expect 0 dpkg -i "$package"
expect 0 runuser -u ibinder-sync -- ibinder-sync demo --dest "$mirror"
says 'nothing changed'
rm -rf /var/lib/ibinder-sync/*
install -d -o ibinder-sync /var/lib/ibinder-sync/status
touch /var/lib/ibinder-sync/status/check.json /var/lib/ibinder-sync/status/.ibinder-sync-x.tmp
expect 0 dpkg --purge ibinder-sync
[ ! -e /var/lib/ibinder-sync ] || fail 'an empty folder is left'
echo 'The package installs, works, and removes cleanly.'
