#!/usr/bin/env bash
# Checks the files for Prometheus and Grafana: the alert rules with promtool and their tests, each expression of the
# dashboard as a rule, and the metrics that a demo writes. Needs promtool and jq, but no server.
# `check-monitoring.sh --program FILE` uses that program for the demo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=target/debug/ibinder-sync
if [ "${1-}" = --program ]; then program=$2; fi
promtool=${PROMTOOL:-promtool}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$promtool" check rules packaging/prometheus/alerts.yml
(cd packaging/prometheus && "$promtool" test rules alerts_test.yml)

# Each alert has a test.
sed -n 's/^ *- alert: //p' packaging/prometheus/alerts.yml >"$work/alerts"
while read -r alert; do
    if ! grep -q "alertname: $alert\b" packaging/prometheus/alerts_test.yml; then
        echo "$alert has no test" >&2
        exit 1
    fi
done <"$work/alerts"

# Fills in Grafana's variables, so that promtool can check each expression.
jq '{groups: [{
        name: "dashboard",
        rules: [.panels[].targets[].expr | gsub("\\$(organisation|profile)"; ".*")]
            | to_entries | map({record: "panel:\(.key):value", expr: .value})
    }]}' packaging/grafana/dashboard.json >"$work/dashboard.yml"
"$promtool" check rules "$work/dashboard.yml"

# The metrics of a run and of a check.
"$program" demo --dest "$work/mirror" >"$work/demo"
"$program" verify --dest "$work/mirror" --metrics-file "$work/ibinder.prom" >"$work/verify"
"$promtool" check metrics <"$work/ibinder.prom"
echo 'The metrics, the alerts and the dashboard are valid.'
