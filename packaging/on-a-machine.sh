#!/usr/bin/env bash
# Runs a script on a throw-away machine: its own systemd, a copy of this machine's files (overlayfs), and no
# network. The package of build-deb.sh is there as /opt/package.deb, the documentation as /opt/docs, and the checkout at
# $REPO. Needs root, overlayfs and namespaces. nights.sh, walk.sh and share.sh are made for it.
#
#     packaging/on-a-machine.sh SCRIPT [FILE.deb]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'on-a-machine: %s\n' "$*" >&2
    exit 1
}

# --- inside: process 1 of the namespaces, which becomes systemd.
if [ "${1:-}" = --inside ]; then
    root=$2
    mount --make-rprivate /
    # A mount of its own comes first, because it would hide what was mounted below it: systemd clears /tmp when it
    # starts, and without the tmpfs that is this machine's, however much lies there.
    mount --bind "$root" "$root"
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
    # A child of systemd mounts credentials; they reach the service by propagation.
    mount --make-rshared "$root"
    export container=on-a-machine
    exec chroot "$root" /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=0
fi

# --- outside.
script=${1:?usage: packaging/on-a-machine.sh SCRIPT [FILE.deb]}
package=$(realpath "${2:-$(ls target/package/ibinder-sync_*.deb)}")
[ "$(id -u)" = 0 ] || fail 'only root can start a systemd'
work=$(mktemp -d)
group=on-a-machine.$$
groups=()
clean() {
    if [ -n "${unshared:-}" ]; then
        kill -KILL "$unshared" 2>/dev/null || true
        wait "$unshared" 2>/dev/null || true
    fi
    umount --recursive --lazy "$work" 2>/dev/null || true
    rm -rf "$work"
    # Killed processes take a moment to leave their group.
    local folder tries
    for folder in "${groups[@]}"; do
        for tries in $(seq 50); do
            find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ -e "$folder" ] || break
            sleep 0.1
        done
        [ ! -e "$folder" ] || echo "on-a-machine: $folder is left after $tries tries" >&2
    done
}
trap clean EXIT

start() {
    mount -t tmpfs tmpfs "$work" || return 1
    mkdir "$work/upper" "$work/changes" "$work/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/changes" "$work/root" || return 1
    # Units that concern the machine and not the mirror are masked.
    local unit
    for unit in systemd-sysctl systemd-udevd systemd-udev-trigger systemd-modules-load systemd-binfmt; do
        ln -sf /dev/null "$work/root/etc/systemd/system/$unit.service" || return 1
    done
    cp "$package" "$work/root/opt/package.deb"
    cp "$0" "$work/script"
    cp "$script" "$work/root/opt/script"
    cp packaging/steps.sh "$work/root/opt/steps.sh"
    cp -r docs "$work/root/opt/docs"
    local hierarchy
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
        if [ -e "$hierarchy/cgroup.procs" ]; then
            mkdir "$hierarchy/$group" || return 1
            groups+=("$hierarchy/$group")
        fi
    done
    # It enters its own groups before it unshares them.
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
    echo "on-a-machine: no systemd can be started here: $script is not run" >&2
    # In CI, a test that can't run fails.
    [ -z "${CI:-}" ]
    exit
fi

inside env "SCRIPT=$script" "REPO=$PWD" bash /opt/script </dev/null
