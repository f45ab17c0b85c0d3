#!/usr/bin/env bash
# The first hour of an administrator and the questions after it, on an empty machine, against the sandbox. The commands are
# those of docs/guide.md as they stand there. For a throw-away machine that has tmux, python3 and target/aiosmtpd:
#
#     packaging/on-a-machine.sh packaging/walk.sh
set -euo pipefail
# shellcheck source=packaging/steps.sh
. /opt/steps.sh

# serve DAY: the organisation as of that day, always at the same address.
serve() {
    systemctl stop sandbox 2>/dev/null || true
    rm -f /run/sandbox
    systemd-run --quiet --unit sandbox --property StandardOutput=file:/run/sandbox \
        ibinder-sync sandbox --seed 5 --documents 60 --day "$1" --port 8443
    until [ -e /run/sandbox ] && [ "$(wc -l </run/sandbox)" = 5 ]; do sleep 0.1; done
    # shellcheck disable=SC1091
    . /run/sandbox
}
# guide HEADING N [KIND]: runs a block of the guide.
guide() {
    block guide.md "$1" "${3:-sh}" "$2" >/run/block
    run 0 bash -eux /run/block
}
# The terminal: answer QUESTION TEXT types when the question is on the screen.
screen() { tmux capture-pane -p -t walk -S -200; }
until_it_shows() {
    for _ in $(seq 300); do
        if screen | grep -qF -- "$1"; then return; fi
        sleep 0.1
    done
    screen >&2
    fail "the terminal never showed: $1"
}
answer() {
    until_it_shows "$1"
    tmux send-keys -t walk -l -- "$2"
    tmux send-keys -t walk Enter
}
as_service() { runuser -u ibinder-sync -- "$@"; }
# mails N: waits for that many.
mails() {
    for _ in $(seq 300); do
        [ "$(grep -c '^Subject: ' /run/mail || true)" -lt "$1" ] || return 0
        sleep 0.1
    done
    cat /run/mail >&2
    fail "there are not $1 mails"
}
config=/etc/ibinder-sync/config.toml
mirror=/var/lib/ibinder-sync/eken
cd /run

step '2. Install it and look at the demo'
cp /opt/package.deb /run/ibinder-sync_0.1.0-1_amd64.deb
guide '2. Install' 1
says 'Complete: 300 added'
serve 1
systemd-run --quiet --unit mail --property StandardOutput=file:/run/mail --setenv=PYTHONUNBUFFERED=1 \
    "$REPO/target/aiosmtpd/bin/python" -m aiosmtpd -n -l 127.0.0.1:2525

step '4. Configure it: config init asks at a terminal'
# What no real organisation needs: the sandbox's addresses.
cat >/run/typed <<END
status_file = "/var/lib/ibinder-sync/status/eken.json"
max_duration = "6h"
api_url = "$IBINDER_API_URL"
auth_url = "$IBINDER_AUTH_URL"
END
block guide.md '4. Configure it' sh 1 >/run/block
env -u IBINDER_CLIENT_SECRET -u IBINDER_CLIENT_ID -u IBINDER_ORG_ID \
    IBINDER_API_URL="$IBINDER_API_URL" IBINDER_AUTH_URL="$IBINDER_AUTH_URL" \
    tmux new-session -d -s walk -x 80 -y 50 'bash -eu /run/block; echo "ended with $?"; sleep 1000'
answer 'Name of the profile' eken
answer "Organisation's id" 'not a guid'
answer "Organisation's id (a GUID): " "$IBINDER_ORG_ID"
answer "API client's id" "$IBINDER_CLIENT_ID"
answer 'Which of these' 1
answer 'it is not shown' "$IBINDER_CLIENT_SECRET"
answer 'Folder of the mirror' ''
until_it_shows 'A run can work'
until_it_shows 'ended with 0'
screen >/run/out
! grep -qF "$IBINDER_CLIENT_SECRET" /run/out || fail 'the secret is shown'
tmux kill-session -t walk
[ "$(stat -c '%a %U %G' "$config")" = '640 root ibinder-sync' ] || fail 'whose is the configuration?'
[ "$(stat -c '%a %U' /etc/ibinder-sync/eken.secret)" = '600 root' ] || fail 'who can read the secret?'
# It never overwrites, and a misspelt key is reported with a suggestion.
run 2 ibinder-sync config init
sed 's/^max_duration/max_durration/' "$config" >/run/slip.toml
run 2 ibinder-sync config show --config /run/slip.toml --profile eken
says max_duration

step '5. Check that it can work'
mv /etc/ibinder-sync/eken.secret /run/secret
run 2 ibinder-sync-as eken doctor --first
says FAILURE
echo 'a typing error' | install -m 600 /dev/stdin /etc/ibinder-sync/eken.secret
run 3 ibinder-sync-as eken doctor --first
says 'check client_id in /etc/ibinder-sync/config.toml:'
rm /etc/ibinder-sync/eken.secret
cat /run/secret >/run/typed
guide '4. Configure it' 2
! grep -qF "$IBINDER_CLIENT_SECRET" /run/out || fail 'the secret is shown'
guide '5. Check' 1
says 'A run can work'
run 0 ibinder-sync-as eken doctor --first --report /var/tmp/doctor.txt
! grep -qF "$IBINDER_CLIENT_SECRET" /var/tmp/doctor.txt || fail 'the secret is in the report'

step '6. The first run'
guide '6. The first run' 1
says 'A run that finds no changes sends'
says 'Complete: 60 added'
guide '6. The first run' 2
[ -s /tmp/last-run.html ] || fail 'there is no page'
cp -a "$mirror" /var/tmp/first
rm -rf /var/tmp/first/.ibinder-sync

step '6. A slow first run tells how long it takes'
# slow FOLDER COLUMNS: a first run against a slow service on a terminal of so many columns. The time left that it shows
# from a third of the way on is at most 30 % off.
slow() {
    tmux new-session -d -s slow -x "$2" -y 24 \
        "env $(paste -sd ' ' /run/slow.env) ibinder-sync run --first --dest $1; echo \"ended with \$?\"; sleep 1000"
    python3 - "$1.$2" <<'END' || fail 'the time left was not right'
import re, subprocess, sys, time
began, seen, screens = time.monotonic(), [], []
while True:
    screen = subprocess.run(["tmux", "capture-pane", "-p", "-t", "slow"], capture_output=True, text=True).stdout
    now = time.monotonic() - began
    if "ended with" in screen or now > 300:
        break
    left = re.search(r"about (?:(\d+) min ?)?(?:(\d+) s )?left", screen)
    if left:
        seen.append((now, 60 * int(left[1] or 0) + int(left[2] or 0)))
    screens.append(screen)
    time.sleep(0.5)
open(sys.argv[1], "w").write("\f".join(screens))
if "ended with 0" not in screen:
    sys.exit(f"the run did not end well:\n{screen}")
# In the last seconds the time left is that of one document.
checked = [(at, left, now - at) for at, left in seen if now / 3 <= at <= now - 5]
off = [(at, left, real) for at, left, real in checked if abs(left - real) > 0.3 * real]
print(f"{now:.0f} s; the time left was shown {len(checked)} times from a third on, and {len(off)} times more than 30 % off")
if len(checked) < now / 3 or off:
    sys.exit(f"seconds, shown, real: {[(round(at), left, round(real)) for at, left, real in off]}\n{screen}")
END
    tmux kill-session -t slow
}
systemd-run --quiet --unit slow --property StandardOutput=file:/run/slow.env \
    ibinder-sync sandbox --seed 7 --binders 6 --documents 600 --fault slow=1
until [ -e /run/slow.env ] && [ "$(wc -l </run/slow.env)" = 5 ]; do sleep 0.1; done
slow /var/tmp/slow 80
rm -r /var/tmp/slow
slow /var/tmp/slow 120
grep -qE 'listed [0-9,]+ of 600' /var/tmp/slow.120 || fail 'the progress does not count what is known'

step '7. Every night'
guide '7. Every night' 1
says 'ibinder-sync@eken.timer'
serve 2
run 0 systemctl start --wait ibinder-sync@eken

step '8. A failing night arrives as a mail'
{
    block guide.md '8. Get an alarm' toml 1 | grep -v '^server\|^user\|^password'
    printf 'server = "127.0.0.1:2525"\nsecurity = "none"\n'
} >>"$config"
guide '8. Get an alarm' 1 text
mails 1
# The rehearsal ends well although its nights fail.
block guide.md '8. Get an alarm' sh 1 >/run/block
run 0 bash -ux /run/block
says CRITICAL
mails 2
grep -q '^Subject: iBinder backup eken: ' /run/mail || fail 'the mail does not name the profile'
run 0 ibinder-sync status --from /var/lib/ibinder-sync/status/eken.json --max-age 26h
says 'OK: last complete run'

step '9. Practise a restore'
# The first nights were a week ago.
python3 - "$mirror/.ibinder-sync/state.db" <<'END'
import datetime, sqlite3, sys
state = sqlite3.connect(sys.argv[1])
for number, *times in state.execute("SELECT number, started_at, finished_at FROM runs WHERE number = 1").fetchall():
    ago = [type(t)(datetime.datetime.fromisoformat(t.replace("Z", "+00:00")).__sub__(datetime.timedelta(days=8))
           .strftime("%Y-%m-%dT%H:%M:%S.%fZ")) if isinstance(t, str) else t - 8 * 86400 for t in times]
    state.execute("UPDATE runs SET started_at = ?, finished_at = ? WHERE number = ?", (*ago, number))
state.commit()
END
block guide.md '9. Practise' sh 1 | grep -v 'rm -r' >/run/block
run 0 bash -eux /run/block
diff -r '/var/tmp/first/Brf Eken' '/var/tmp/drill/Brf Eken' || fail 'the drill did not give back the first night'
! diff -rq /var/tmp/first "$mirror" --exclude .ibinder-sync >/dev/null || fail 'nothing had changed since the first night'
run 0 ibinder-sync-as eken verify
says 'Sound'

step '11. Look at it'
run 0 ibinder-sync-as eken changes --since monday
run 0 ibinder-sync-as eken binders
says 'Brf Eken'
document=$(cd "$mirror" && find 'Brf Eken' -type f | sort | sed -n 1p)
run 0 ibinder-sync-as eken history "$document"
# By words of its name, in capitals.
name=$(basename "$document")
mapfile -t words < <(printf '%s' "${name%.*}" | tr ' ' '\n')
run 0 ibinder-sync-as eken find "${words[@]^^}"
says "$name"
run 0 ibinder-sync-as eken export --format xlsx --to /var/tmp/catalogue.xlsx
run 0 ibinder-sync-as eken export --format csv --to /var/tmp/catalogue.csv
[ "$(wc -l </var/tmp/catalogue.csv)" -gt 50 ] || fail 'the catalogue is too short'
run 0 ibinder-sync-as eken status

step '12. Removals that wait'
mkdir -p /run/office/Alm/Ritningar
for number in $(seq 40); do echo "drawing $number" >"/run/office/Alm/Ritningar/A-$number.txt"; done
office() {
    systemctl stop office 2>/dev/null || true
    rm -f /run/office.env
    systemd-run --quiet --unit office --property StandardOutput=file:/run/office.env \
        ibinder-sync sandbox --from /run/office --port 8444
    until [ -e /run/office.env ] && [ "$(wc -l </run/office.env)" = 5 ]; do sleep 0.1; done
}
office
# Three profiles, of which one has a wrong secret.
install -d -o ibinder-sync -g ibinder-sync -m 750 /var/lib/ibinder-sync/all
profile() { # profile NAME ENVIRONMENT SECRET
    # shellcheck disable=SC1090
    (
        . "$2"
        printf '%s' "${3:-$IBINDER_CLIENT_SECRET}" | install -o ibinder-sync -m 600 /dev/stdin "/run/$1.secret"
        cat <<END
[profiles.$1]
organisation = "$IBINDER_ORG_ID"
client_id = "$IBINDER_CLIENT_ID"
client_secret_file = "/run/$1.secret"
dest = "/var/lib/ibinder-sync/all/$1"
api_url = "$IBINDER_API_URL"
auth_url = "$IBINDER_AUTH_URL"
END
    )
}
{ profile alm /run/office.env && profile bok /run/sandbox wrong && profile ceder /run/sandbox; } >/run/all.toml
every() { as_service ibinder-sync "$1" --all --config /run/all.toml "${@:2}"; }
alm() { as_service ibinder-sync --config /run/all.toml --profile alm "$@"; }
run 3 every run
says '2 of 3 profiles ended with exit code 0.'
run 3 every doctor --jobs 2
run 2 every status
says '2 of 3 mirrors OK'
run 2 alm run --profile eken
find /run/office -name 'A-[123]?.txt' -delete
office
run 7 alm run
run 0 alm withheld
says 'A-10.txt'
# The last line is the command that confirms exactly these.
confirm=$(tail -n 1 /run/out)
run 2 alm confirm-removals 0123456789abcdef
[ "$(find /var/lib/ibinder-sync/all/alm/Alm -type f | wc -l)" = 40 ] || fail 'something was removed unconfirmed'
run 0 as_service bash -c "$confirm"
run 0 alm run
[ "$(find /var/lib/ibinder-sync/all/alm/Alm -type f | wc -l)" = 10 ] || fail 'the confirmed removals were not carried out'
run 0 alm changes --run 4
says 'A-10.txt'

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
