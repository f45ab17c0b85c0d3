#!/usr/bin/env bash
# The steps of docs/guide.md, as a new administrator takes them on an empty machine, up to a restore
# drill, against the sandbox. For a throw-away machine:
#
#     packaging/on-a-machine.sh packaging/walk.sh
set -euo pipefail

step() { printf '== %s\n' "$*"; }
fail() {
    printf 'walk: %s\n' "$*" >&2
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
# serve DAY: the organisation as of that day, always at the same address.
serve() {
    systemctl stop sandbox 2>/dev/null || true
    rm -f /run/sandbox
    systemd-run --quiet --unit sandbox --property StandardOutput=file:/run/sandbox \
        ibinder-sync sandbox --documents 60 --day "$1" --port 8443
    until [ -e /run/sandbox ] && [ "$(wc -l </run/sandbox)" = 5 ]; do sleep 0.1; done
    # shellcheck disable=SC1091
    . /run/sandbox
}
config=/etc/ibinder-sync/config.toml
mirror=/var/lib/ibinder-sync/eken
status() { ibinder-sync status --from /var/lib/ibinder-sync/status/eken.json --max-age 26h; }

step '2. Install it and look at the demo'
run 0 dpkg -i /opt/package.deb
run 0 ibinder-sync demo --dest /tmp/demo
says 'Complete: 300 added'
serve 1

step '4. Configure it'
run 0 ibinder-sync config init
[ "$(stat -c '%a %U %G' "$config")" = '640 root ibinder-sync' ] || fail 'whose is the configuration?'
run 2 ibinder-sync config init
cat >>"$config" <<END

[profiles.eken]
organisation = "$IBINDER_ORG_ID"
client_id = "$IBINDER_CLIENT_ID"
dest = "$mirror"
status_file = "/var/lib/ibinder-sync/status/eken.json"
max_duration = "6h"
api_url = "$IBINDER_API_URL"
auth_url = "$IBINDER_AUTH_URL"
END
# A misspelt key is reported with a suggestion.
sed 's/^max_duration/max_durration/' "$config" >/run/slip.toml
run 2 ibinder-sync config show --config /run/slip.toml --profile eken
says max_duration

step '5. Check that it can work'
run 2 ibinder-sync-as eken doctor
says FAILURE
install -m 600 /dev/null /etc/ibinder-sync/eken.secret
echo 'a typing error' >/etc/ibinder-sync/eken.secret
run 3 ibinder-sync-as eken doctor
says 'check client_id in /etc/ibinder-sync/config.toml:'
echo "$IBINDER_CLIENT_SECRET" >/etc/ibinder-sync/eken.secret
run 0 ibinder-sync-as eken config show
! grep -qF "$IBINDER_CLIENT_SECRET" /run/out || fail 'the secret is shown'
run 0 ibinder-sync-as eken doctor --report /var/tmp/doctor.txt
says 'A run can work'
! grep -qF "$IBINDER_CLIENT_SECRET" /var/tmp/doctor.txt || fail 'the secret is in the report'

step '6. The first run'
run 0 ibinder-sync-as eken plan
says 'A run that finds no changes sends'
run 0 ibinder-sync-as eken run --first
says 'Complete: 60 added'
[ -s "$mirror/.ibinder-sync/last-run.html" ] || fail 'there is no page'
cp -a "$mirror" /var/tmp/first
rm -rf /var/tmp/first/.ibinder-sync

step '7. Every night'
run 0 systemctl enable --now ibinder-sync@eken.timer
run 0 systemctl list-timers --all 'ibinder-sync@*'
says 'ibinder-sync@eken.timer'
serve 2
run 0 systemctl start --wait ibinder-sync@eken
run 0 status
says 'OK: last complete run'

step '8. Get an alarm when it fails'
# Like the on-unit-failure that sends mail, but writes to a file.
cat >/etc/ibinder-sync/on-unit-failure <<'END'
#!/bin/sh
echo "$1 $MONITOR_EXIT_STATUS" >>/var/lib/ibinder-sync/status/told
END
chmod 755 /etc/ibinder-sync/on-unit-failure
mv "$mirror" "$mirror.away"
run 1 systemctl start --wait ibinder-sync@eken
run 2 runuser -u nobody -- ibinder-sync status --from /var/lib/ibinder-sync/status/eken.json --max-age 26h
says CRITICAL
until [ -e /var/lib/ibinder-sync/status/told ]; do sleep 0.1; done
grep -qx 'eken 2' /var/lib/ibinder-sync/status/told || fail "the failure hook got: $(cat /var/lib/ibinder-sync/status/told)"
rmdir "$mirror" && mv "$mirror.away" "$mirror"
run 0 systemctl start --wait ibinder-sync@eken
run 0 status

step '9. Practise a restore'
run 0 ibinder-sync-as eken snapshots
first=$(basename "$mirror"/.ibinder-sync/runs/000001-*.json .json)
run 0 ibinder-sync-as eken restore --at "$first" --to /var/tmp/drill
diff -r /var/tmp/first /var/tmp/drill || fail 'the drill did not give back the first night'
! diff -rq /var/tmp/first "$mirror" --exclude .ibinder-sync >/dev/null || fail 'nothing had changed since the first night'
run 0 ibinder-sync-as eken verify
says 'Sound'

step '11. Look at it'
run 0 ibinder-sync-as eken binders
run 0 ibinder-sync-as eken export --format csv --to /var/tmp/catalogue.csv
[ "$(wc -l </var/tmp/catalogue.csv)" -gt 50 ] || fail 'the catalogue is too short'

step '13. Upgrade'
run 0 dpkg -i /opt/package.deb
run 0 ibinder-sync-as eken plan
says 'a run would change nothing'
run 0 systemctl is-active ibinder-sync@eken.timer

step '13. Uninstall'
run 0 systemctl disable --now ibinder-sync@eken.timer
run 0 dpkg --purge ibinder-sync
[ ! -e /etc/ibinder-sync ] || fail 'the secrets are left'
[ -e "$mirror/.ibinder-sync/state.db" ] || fail 'the mirror is gone'
echo 'Every step of the guide works.'
