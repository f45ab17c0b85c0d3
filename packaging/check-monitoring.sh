#!/usr/bin/env bash
# Checks what Prometheus and Grafana get: the alert rules with promtool and their own tests, each expression
# of the dashboard as a rule of its own, and the metrics that a demo writes. Needs promtool and jq, and
# no server. `check-monitoring.sh --program FILE` takes that program for the demo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=target/debug/ibinder-sync
if [ "${1-}" = --program ]; then program=$2; fi
promtool=${PROMTOOL:-promtool}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$promtool" check rules packaging/prometheus/alerts.yml
(cd packaging/prometheus && "$promtool" test rules alerts_test.yml)

# Each alert is tested: one that isn't may as well not be there.
sed -n 's/^ *- alert: //p' packaging/prometheus/alerts.yml >"$work/alerts"
while read -r alert; do
    if ! grep -q "alertname: $alert\b" packaging/prometheus/alerts_test.yml; then
        echo "$alert has no test" >&2
        exit 1
    fi
done <"$work/alerts"

# What Grafana fills in is filled in; then promtool says whether it is an expression.
jq '{groups: [{
        name: "dashboard",
        rules: [.panels[].targets[].expr | gsub("\\$(organisation|profile)"; ".*")]
            | to_entries | map({record: "panel:\(.key):value", expr: .value})
    }]}' packaging/grafana/dashboard.json >"$work/dashboard.yml"
"$promtool" check rules "$work/dashboard.yml"

# The metrics themselves, of a run and of a check.
"$program" demo --dest "$work/mirror" >"$work/demo"
"$program" verify --dest "$work/mirror" --metrics-file "$work/ibinder.prom" >"$work/verify"
"$promtool" check metrics <"$work/ibinder.prom"
echo 'The metrics, the alerts and the dashboard are understood.'
