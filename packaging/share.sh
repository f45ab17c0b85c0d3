#!/usr/bin/env bash
# The steps of docs/sharing.md with a real Samba server and smbclient: its commands and its smb.conf are taken
# from the page as they stand. For a throw-away machine that has samba and smbclient:
#
#     packaging/on-a-machine.sh packaging/share.sh
set -euo pipefail
# shellcheck source=packaging/steps.sh
. /opt/steps.sh
# as USER COMMANDS: what somebody at another machine sees.
as() { timeout 60 smbclient '//127.0.0.1/ritningar' --user "$1%Husets-fasad-7" --command "$2" >/run/out 2>&1; }
mirror=/var/lib/ibinder-sync/eken

step 'a mirror as the service makes it'
run 0 dpkg -i /opt/package.deb
install -d -o ibinder-sync -g ibinder-sync -m 750 "$mirror"
(umask 027 && run 0 runuser -u ibinder-sync -- ibinder-sync demo --dest "$mirror")

step 'the groups, the users and the share'
# The password is typed at a prompt.
printf '#!/bin/sh\nprintf "Husets-fasad-7\\nHusets-fasad-7\\n" | /usr/bin/smbpasswd -s "$@"\n' |
    install -m 755 /dev/stdin /usr/local/bin/smbpasswd
block sharing.md 'The group that may read' sh 1 >/run/commands
run 0 bash -euxo pipefail /run/commands
block sharing.md 'The share' ini 1 >>/etc/samba/smb.conf
block sharing.md 'The share' sh 1 >/run/commands
run 0 bash -euxo pipefail /run/commands
useradd --no-create-home olle
printf 'Husets-fasad-7\nHusets-fasad-7\n' | /usr/bin/smbpasswd -s -a olle

step 'a reader sees every document, whole'
as anna 'recurse; prompt; ls' || fail 'anna may not look'
! grep -qF ' .ibinder-sync ' /run/out || fail 'the state is shown'
mkdir /run/taken
(cd /run/taken && as anna 'recurse; prompt; mget *') || fail 'anna may not read'
diff -r --exclude .ibinder-sync "$mirror" /run/taken || fail 'what anna gets differs from the mirror'
[ "$(find /run/taken -type f | wc -l)" = 300 ] || fail 'documents are missing'

step 'and can change nothing'
cd /run
# The share refuses by itself, whatever the modes allow.
chmod g+w "$mirror"
folder=$(find "$mirror" -mindepth 1 -maxdepth 1 -type d -not -name .ibinder-sync -printf '%f\n' | sort | sed -n 1p)
for command in "put out new.txt" "mkdir new" "rename \"$folder\" gone" "cd .ibinder-sync" "cd .ibinder-sync; get state.db"; do
    as anna "$command" || true
    grep -q 'NT_STATUS_' /run/out || fail "anna may: $command"
done
if [ -e "$mirror/new.txt" ] || [ -e "$mirror/new" ] || [ ! -e "$mirror/$folder" ]; then fail 'the mirror was changed'; fi

step 'nobody else is let in'
! as olle ls || fail 'olle may look'
! smbclient '//127.0.0.1/ritningar' --no-pass --command ls >/run/out 2>&1 || fail 'anybody may look'

step 'a new version is seen at once'
file=$(find "$mirror" -type f -not -path '*/.ibinder-sync/*' -printf '%P\n' | sort | sed -n 1p)
# shellcheck disable=SC2016
runuser -u ibinder-sync -- sh -c 'printf "the next version" >"$1.next" && mv "$1.next" "$1"' - "$mirror/$file"
as anna "get \"$file\" /run/next" || fail 'anna can read no new version'
[ "$(cat /run/next)" = 'the next version' ] || fail 'anna sees the version before'
echo 'The share of the page works.'
