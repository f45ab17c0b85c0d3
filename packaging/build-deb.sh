#!/usr/bin/env bash
# Builds the Debian package, and prints where it is. Needs cargo-deb (cargo install --locked cargo-deb), and
# dpkg-dev to find out which libraries the program needs.
#
#     packaging/build-deb.sh [--program FILE]
#
# --program packages a program that is already built, to try the package out. DEBFULLNAME and DEBEMAIL name the
# builder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case $# in
0)
    cargo build --profile dist --locked
    program=${CARGO_TARGET_DIR:-target}/dist/ibinder-sync
    ;;
2)
    [ "$1" = --program ] || { echo 'usage: packaging/build-deb.sh [--program FILE]' >&2; exit 2; }
    program=$2
    ;;
*)
    echo 'usage: packaging/build-deb.sh [--program FILE]' >&2
    exit 2
    ;;
esac

# The files that Cargo.toml ([package.metadata.deb]) names and no build makes.
made=target/package
rm -rf "$made"
mkdir -p "$made/release"
"$program" man --to "$made/man"
for shell in bash zsh fish; do "$program" completions "$shell" >"$made/completions.$shell"; done
# Examples to copy and change: for cron, monitoring, Kubernetes.
mkdir "$made/examples"
for folder in packaging/*/; do
    case $folder in
    */debian/ | */systemd/) ;;
    *) cp -r "$folder" "$made/examples/" ;;
    esac
done
rm -f "$made"/examples/*/.[!.]*
cp packaging/systemd/on-unit-failure.example "$made/examples/on-unit-failure"
version=$("$program" --version)
# The same sources make the same package at any time.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-ibinder-sync maintainers} <${DEBEMAIL:-maintainers@ibinder-sync.invalid}>"
cat >"$made/changelog" <<END
ibinder-sync (${version##* }-1) unstable; urgency=medium

  * Packaged from the sources of this version; what changed is in CHANGELOG.md.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END

# cargo-deb expects the program in target/release: give it a target folder of our own, whatever profile built the program.
cp "$program" "$made/release/ibinder-sync"
strip "$made/release/ibinder-sync"
CARGO_TARGET_DIR=$PWD/$made cargo deb --no-build --no-strip --locked --maintainer "$maintainer" --output "$made/"
