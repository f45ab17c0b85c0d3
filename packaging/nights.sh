#!/usr/bin/env bash
# Nightly runs under systemd: installs the package, sets it up as docs/guide.md says, then starts, stops, kills and
# hangs runs. For a throw-away machine:
#
#     packaging/on-a-machine.sh packaging/nights.sh
set -euo pipefail

step() { printf '== %s\n' "$*"; }
fail() {
    printf 'nights: %s\n' "$*" >&2
    journalctl --no-pager --lines 20 --unit 'ibinder-sync*' >&2
    exit 1
}
service=ibinder-sync@eken
is() { # is PROPERTY VALUE
    local value
    value=$(systemctl show --property "$1" --value "$service")
    [ "$value" = "$2" ] || fail "$1 is $value instead of $2"
}
until_it_is() { # until_it_is STATE
    for _ in $(seq 300); do
        [ "$(systemctl show --property ActiveState --value "$service")" != "$1" ] || return 0
        sleep 0.1
    done
    fail "it never became $1"
}
# Not grep -q, which ends before journalctl does: that counts as a failure here.
said() { journalctl --no-pager --output cat --unit "$service" | grep -- "$1" >/dev/null || fail "it did not say: $1"; }
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
until [ -e /run/sandbox ] && [ "$(wc -l </run/sandbox)" = 5 ]; do sleep 0.1; done
# shellcheck disable=SC1091
. /run/sandbox
mirror=/var/lib/ibinder-sync/eken

step 'without a secret or a mirror the service does not start'
profile 0 "$mirror"
! systemctl start "$service" 2>/dev/null || fail 'it started without a secret'
is ExecMainStatus 243
install -m 600 /dev/null /etc/ibinder-sync/eken.secret
printf '%s\n' "$IBINDER_CLIENT_SECRET" >/etc/ibinder-sync/eken.secret
! systemctl start "$service" 2>/dev/null || fail 'it started without a mirror'
is ExecMainStatus 2
said 'is the disk mounted'

step 'the first run by hand, then a nightly run'
ibinder-sync-as eken run --first --quiet
[ "$(stat -c '%U %a' "$mirror")" = 'ibinder-sync 750' ] || fail 'whose is the mirror?'
systemctl start --wait "$service" || fail 'a run failed'
is Result success
is ActiveState inactive
said 'nothing changed. 40 documents'
! journalctl --no-pager --output cat | grep -q -- "$IBINDER_CLIENT_SECRET" || fail 'the secret is in the journal'
runuser -u nobody -- ibinder-sync status --from /var/lib/ibinder-sync/status/eken.json --max-age 1h >/dev/null

step 'a profile that names its own secret'
install -o ibinder-sync -m 400 /etc/ibinder-sync/eken.secret /etc/ibinder-sync/elsewhere
mv /etc/ibinder-sync/eken.secret /run/eken.secret
echo 'client_secret_file = "/etc/ibinder-sync/elsewhere"' >>/etc/ibinder-sync/config.toml
ibinder-sync-as eken doctor >/run/out || { cat /run/out >&2; fail 'by hand it does not find its secret'; }
! systemctl start "$service" 2>/dev/null || fail 'it started without a credential'
is ExecMainStatus 243
drop_in secret $'[Service]\nLoadCredential='
systemctl start --wait "$service" || fail 'a run with a secret in another place failed'
no_drop_in secret
mv /run/eken.secret /etc/ibinder-sync/

step 'a run that is stopped'
profile 1 "$mirror"
systemctl start "$service"
is ActiveState active
[ -n "$(systemctl show --property StatusText --value "$service")" ] || fail 'it does not report its progress'
systemctl stop "$service"
is Result success
said 'the next run continues'

step 'a run that is killed, and the failure hook'
cat >/etc/ibinder-sync/on-unit-failure <<'END'
#!/bin/sh
echo "$1 $MONITOR_SERVICE_RESULT" >>/var/lib/ibinder-sync/status/told
END
chmod 755 /etc/ibinder-sync/on-unit-failure
systemctl start "$service"
systemctl kill --signal KILL "$service"
until_it_is failed
is Result signal

step 'a run that hangs'
drop_in watchdog $'[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s'
systemctl start "$service"
systemctl kill --signal STOP "$service"
until_it_is failed
is Result watchdog
until [ "$(wc -l </var/lib/ibinder-sync/status/told)" = 2 ]; do sleep 0.1; done
[ "$(paste -sd, /var/lib/ibinder-sync/status/told)" = 'eken signal,eken watchdog' ] || fail 'the failure hook got something else'
no_drop_in watchdog

step 'the run after that'
profile 0 "$mirror"
systemctl start --wait "$service" || fail 'a run after a kill failed'
said '40 unchanged'

step 'a mirror on its own disk, mounted and not'
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
systemctl start --wait "$service" || fail 'a run on a separate disk failed'
systemctl stop srv-disk.mount
sed -i 's/^Type=.*/Type=none-such/' /etc/systemd/system/srv-disk.mount
systemctl daemon-reload
! systemctl start "$service" 2>/dev/null || fail 'it started without its disk'
[ -z "$(ls /srv/disk)" ] || fail 'it wrote to the folder below the disk'
no_drop_in disk

step 'the timer'
systemctl enable --now --quiet "$service.timer"
next=$(date -d "@$(($(date -d "$(systemctl show --property NextElapseUSecRealtime --value "$service.timer")" +%s)))" +%H%M)
{ [ "$next" -ge 0130 ] && [ "$next" -le 0231 ]; } || fail "the next run is at $next"

step 'purge'
dpkg --purge ibinder-sync >/run/out 2>&1 || { cat /run/out >&2; fail 'it cannot be purged'; }
! systemctl is-active --quiet "$service.timer" || fail 'the timer is still active'
[ ! -e "/etc/systemd/system/timers.target.wants/$service.timer" ] || fail 'the timer is still enabled'
[ -e "$mirror/.ibinder-sync/state.db" ] || fail 'the mirror is gone'
echo 'Nightly runs start, end, fail and report as they should.'
