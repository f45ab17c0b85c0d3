#!/usr/bin/env bash
# Nights under a systemd of their own: the package of build-deb.sh is installed and set up as docs/install.md
# says, and then started, stopped, killed and left hanging, on this machine's files, of which it only sees a
# copy that is thrown away. As root, with overlayfs and namespaces (no network is used).
#
#     packaging/check-night.sh [FILE.deb]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'check-night: %s\n' "$*" >&2
    exit 1
}

# --- inside: process 1 of the namespaces, which becomes systemd.
if [ "${1:-}" = --inside ]; then
    root=$2
    mount --make-rprivate /
    ip link set lo up
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    else
        mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
        mkdir "$root/sys/fs/cgroup/systemd"
        mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
    fi
    # Credentials are mounted by a child of systemd's, and reach it by propagation.
    mount --bind "$root" "$root"
    mount --make-rshared "$root"
    export container=check-night
    exec chroot "$root" /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=0
fi

# --- outside.
package=$(realpath "${1:-$(ls target/package/ibinder-sync_*.deb)}")
[ "$(id -u)" = 0 ] || fail 'only root can start a systemd'
work=$(mktemp -d)
group=check-night.$$
groups=()
clean() {
    if [ -n "${unshared:-}" ]; then
        kill -KILL "$unshared" 2>/dev/null || true
        wait "$unshared" 2>/dev/null || true
    fi
    umount --recursive --lazy "$work" 2>/dev/null || true
    rm -rf "$work"
    # What was killed takes a moment to leave its group.
    local folder tries
    for folder in "${groups[@]}"; do
        for tries in $(seq 50); do
            find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ -e "$folder" ] || break
            sleep 0.1
        done
        [ ! -e "$folder" ] || echo "check-night: $folder is left after $tries tries" >&2
    done
}
trap clean EXIT

start() {
    mount -t tmpfs tmpfs "$work" || return 1
    mkdir "$work/upper" "$work/changes" "$work/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/changes" "$work/root" || return 1
    # What concerns the machine and not the mirror is left alone.
    local unit
    for unit in systemd-sysctl systemd-udevd systemd-udev-trigger systemd-modules-load systemd-binfmt; do
        ln -sf /dev/null "$work/root/etc/systemd/system/$unit.service" || return 1
    done
    cp "$package" "$work/root/opt/package.deb"
    cp "$0" "$work/script"
    local hierarchy
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
        if [ -e "$hierarchy/cgroup.procs" ]; then
            mkdir "$hierarchy/$group" || return 1
            groups+=("$hierarchy/$group")
        fi
    done
    # In groups of its own before it makes them its world.
    # shellcheck disable=SC2016
    bash -c 'root=$1; script=$2; shift 2
        for folder in "$@"; do echo $$ >"$folder/cgroup.procs" || exit 1; done
        exec unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup bash "$script" --inside "$root"' \
        - "$work/root" "$work/script" "${groups[@]}" >"$work/boot" 2>&1 &
    unshared=$!
    local tries
    for tries in $(seq 100); do
        init=$(pgrep -P "$unshared" || true)
        if [ -n "$init" ] && inside systemctl is-active --quiet basic.target 2>/dev/null; then return 0; fi
        kill -0 "$unshared" 2>/dev/null || return 1
        sleep 0.1
    done
    echo "no basic.target after $tries tries" >>"$work/boot"
    return 1
}
inside() { nsenter --target "$init" --mount --pid --uts --ipc --net --cgroup --root --wd "$@"; }

if ! start; then
    cat "$work/boot" >&2 || true
    echo 'check-night: no systemd can be started here: nights under it are not checked'
    exit 0
fi

inside bash -euo pipefail -s <<'NIGHTS'
step() { printf '== %s\n' "$*"; }
fail() {
    printf 'check-night: %s\n' "$*" >&2
    journalctl --no-pager --lines 20 --unit 'ibinder-sync*' >&2
    exit 1
}
night=ibinder-sync@eken
is() { # is PROPERTY VALUE
    local value
    value=$(systemctl show --property "$1" --value "$night")
    [ "$value" = "$2" ] || fail "$1 is $value instead of $2"
}
until_it_is() { # until_it_is STATE
    for _ in $(seq 300); do
        [ "$(systemctl show --property ActiveState --value "$night")" != "$1" ] || return 0
        sleep 0.1
    done
    fail "it never was $1"
}
said() { journalctl --no-pager --output cat --unit "$night" | grep -q -- "$1" || fail "it did not say: $1"; }
drop_in() { # drop_in NAME LINES
    mkdir -p /etc/systemd/system/ibinder-sync@.service.d
    printf '%s\n' "$2" >"/etc/systemd/system/ibinder-sync@.service.d/$1.conf"
    systemctl daemon-reload
}
no_drop_in() {
    rm "/etc/systemd/system/ibinder-sync@.service.d/$1.conf"
    systemctl daemon-reload
    systemctl reset-failed
}
profile() { # profile RATE DEST
    cat >/etc/ibinder-sync/config.toml <<END
[profiles.eken]
organisation = "$IBINDER_ORG_ID"
client_id = "$IBINDER_CLIENT_ID"
api_url = "$IBINDER_API_URL"
auth_url = "$IBINDER_AUTH_URL"
dest = "$2"
status_file = "/var/lib/ibinder-sync/status/eken.json"
rate = $1
END
}

step 'the package'
dpkg -i /opt/package.deb >/run/out 2>&1 || { cat /run/out >&2; fail 'it cannot be installed'; }
systemd-run --quiet --unit sandbox --property StandardOutput=file:/run/sandbox ibinder-sync sandbox --documents 40
until [ "$(wc -l </run/sandbox)" = 5 ]; do sleep 0.1; done
# shellcheck disable=SC1091
. /run/sandbox
mirror=/var/lib/ibinder-sync/eken

step 'without a secret, and without a mirror, a night does not begin'
profile 0 "$mirror"
! systemctl start "$night" 2>/dev/null || fail 'it started without a secret'
is ExecMainStatus 243
install -m 600 /dev/null /etc/ibinder-sync/eken.secret
printf '%s\n' "$IBINDER_CLIENT_SECRET" >/etc/ibinder-sync/eken.secret
! systemctl start "$night" 2>/dev/null || fail 'it started without a mirror'
is ExecMainStatus 2
said 'is the disk mounted'

step 'the first run, by hand, and a night after it'
ibinder-sync-as eken run --quiet
[ "$(stat -c '%U %a' "$mirror")" = 'ibinder-sync 750' ] || fail 'whose is the mirror?'
systemctl start --wait "$night" || fail 'a night failed'
is Result success
is ActiveState inactive
said 'nothing changed. 40 documents'
! journalctl --no-pager --output cat | grep -q -- "$IBINDER_CLIENT_SECRET" || fail 'the secret is in the journal'
runuser -u nobody -- ibinder-sync status --from /var/lib/ibinder-sync/status/eken.json --max-age 1h >/dev/null

step 'a night that is stopped'
profile 1 "$mirror"
systemctl start "$night"
is ActiveState active
[ -n "$(systemctl show --property StatusText --value "$night")" ] || fail 'it does not say how far it is'
systemctl stop "$night"
is Result success
said 'the next run goes on'

step 'a night that is killed, and somebody who is told'
cat >/etc/ibinder-sync/on-unit-failure <<'END'
#!/bin/sh
echo "$1 $MONITOR_SERVICE_RESULT" >>/var/lib/ibinder-sync/status/told
END
chmod 755 /etc/ibinder-sync/on-unit-failure
systemctl start "$night"
systemctl kill --signal KILL "$night"
until_it_is failed
is Result signal

step 'a night that hangs'
drop_in watchdog $'[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s'
systemctl start "$night"
systemctl kill --signal STOP "$night"
until_it_is failed
is Result watchdog
until [ "$(wc -l </var/lib/ibinder-sync/status/told)" = 2 ]; do sleep 0.1; done
[ "$(paste -sd, /var/lib/ibinder-sync/status/told)" = 'eken signal,eken watchdog' ] || fail 'somebody was told something else'
no_drop_in watchdog

step 'the night after that'
profile 0 "$mirror"
systemctl start --wait "$night" || fail 'a night after a kill failed'
said '40 unchanged'

step 'a disk of its own, mounted or not'
profile 0 /srv/disk/eken
cat >/etc/systemd/system/srv-disk.mount <<'END'
[Mount]
What=tmpfs
Where=/srv/disk
Type=tmpfs
END
drop_in disk $'[Unit]\nRequiresMountsFor=/srv/disk/eken\n[Service]\nReadWritePaths=/srv/disk/eken'
systemctl start srv-disk.mount
install -d -o ibinder-sync -m 750 /srv/disk/eken
cp -a "$mirror/." /srv/disk/eken/
systemctl start --wait "$night" || fail 'a night on a disk of its own failed'
systemctl stop srv-disk.mount
sed -i 's/^Type=.*/Type=none-such/' /etc/systemd/system/srv-disk.mount
systemctl daemon-reload
! systemctl start "$night" 2>/dev/null || fail 'it started without its disk'
[ -z "$(ls /srv/disk)" ] || fail 'it wrote to the folder below the disk'
no_drop_in disk

step 'the timer'
systemctl enable --now --quiet "$night.timer"
next=$(date -d "@$(($(date -d "$(systemctl show --property NextElapseUSecRealtime --value "$night.timer")" +%s)))" +%H%M)
{ [ "$next" -ge 0130 ] && [ "$next" -le 0231 ]; } || fail "the next night is at $next"

step 'purge'
dpkg --purge ibinder-sync >/run/out 2>&1 || { cat /run/out >&2; fail 'it cannot be purged'; }
! systemctl is-active --quiet "$night.timer" || fail 'the timer goes on'
[ ! -e "/etc/systemd/system/timers.target.wants/$night.timer" ] || fail 'the timer is still enabled'
[ -e "$mirror/.ibinder-sync/state.db" ] || fail 'the mirror is gone'
NIGHTS
echo 'Nights begin, end, fail and are told of as they should.'
