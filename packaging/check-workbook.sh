#!/usr/bin/env bash
# Opens a workbook of `export` in LibreOffice, which converts each sheet to csv, and compares it with what jsonl says.
# Needs soffice and jq. `check-workbook.sh --program FILE` uses that program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=target/debug/ibinder-sync
if [ "${1-}" = --program ]; then program=$2; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "check-workbook.sh: $*" >&2
    exit 1
}

"$program" demo --dest "$work/mirror" >"$work/demo"
"$program" demo --dest "$work/mirror" --day 2 >>"$work/demo"
"$program" export --dest "$work/mirror" --format xlsx --to "$work/catalogue.xlsx" --report-language sv >"$work/export"
"$program" export --dest "$work/mirror" --format jsonl >"$work/catalogue.jsonl"

# -1: a file for each sheet.
options='csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1'
soffice "-env:UserInstallation=file://$work/profile" --headless --convert-to "$options" --outdir "$work/csv" "$work/catalogue.xlsx" \
    >"$work/soffice" 2>&1 || fail "LibreOffice can't open the workbook: $(cat "$work/soffice")"

head -1 "$work/csv/catalogue-Pärmar.csv" | grep -q '^Pärm,Dokument,Storlek (byte),' || fail 'the sheet of binders has another heading'
head -1 "$work/csv/catalogue-Ändringar.csv" | grep -q '^Ändring sedan 20' || fail 'the sheet of changes has another heading'
[ "$(wc -l <"$work/csv/catalogue-Ändringar.csv")" -gt 1 ] || fail 'the sheet of changes is empty'
jq -r .binder "$work/catalogue.jsonl" | sort | uniq -c | while read -r count binder; do
    sheet="$work/csv/catalogue-${binder//[:\/\\*?\[\]]/_}.csv"
    [ -f "$sheet" ] || fail "there is no sheet for $binder: $(ls "$work/csv")"
    [ "$(wc -l <"$sheet")" = $((count + 1)) ] || fail "the sheet of $binder has not $count documents"
    head -1 "$sheet" | grep -q ',Status,.*,Dokument-id,Versions-id,Pärm-id$' || fail "the sheet of $binder has another heading"
done

# Each document's link, as LibreOffice resolves it, is its file.
soffice "-env:UserInstallation=file://$work/profile" --headless --convert-to html --outdir "$work" "$work/catalogue.xlsx" >>"$work/soffice" 2>&1 ||
    fail "LibreOffice can't convert the workbook: $(cat "$work/soffice")"
grep -o 'href="[^"#][^"]*"' "$work/catalogue.html" | sed 's/^href="//; s/"$//; s/&amp;/\&/g' | sort -u >"$work/links"
[ -s "$work/links" ] || fail 'LibreOffice shows no links'
while read -r link; do
    file=$(printf '%b' "${link//%/\\x}")
    [ -f "$work/${file#"file://$work/"}" ] || fail "$link leads to no file"
done <"$work/links"
echo "LibreOffice shows the workbook as meant: $(wc -l <"$work/links") links to files."
