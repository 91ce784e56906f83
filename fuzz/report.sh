#!/usr/bin/env bash
# Writes the table of docs/reliability.md from the runs of fuzz/run.sh. Executions and processor seconds are sums over
# all runs, edges are the largest number in one run, and regressions are those committed. The corpus is that of this build
# folder, or the one in the table where the folder has none. A new build folder starts from the sums in the table (run.sh).
#   fuzz/report.sh             rewrites the table
#   fuzz/report.sh --missing   prints the commands that bring every target to 15 minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
build=${LACOS_FUZZ_BUILD:-../build/fuzz}
document=../docs/reliability.md
wanted=900  # seconds of processor time
[[ -f $build/runs.tsv ]] || { echo "report.sh: there is no $build/runs.tsv; run fuzz/run.sh first" >&2; exit 1; }

sum() { awk -F'\t' -v target="$1" -v field="$2" '$1 == target {s += $field} END {printf "%.0f", s}' "$build/runs.tsv"; }
most() { awk -F'\t' -v target="$1" -v field="$2" '$1 == target && $field + 0 > m {m = $field} END {printf "%.0f", m}' "$build/runs.tsv"; }

if [[ ${1:-} == --missing ]]; then
  for zip in corpus/*.zip; do
    target=$(basename "$zip" .zip)
    left=$((wanted - $(sum "$target" 6)))
    [[ $left -le 0 ]] || echo "make fuzz TARGET=$target SECONDS=$left"
  done
  exit 0
fi

table=$(mktemp)
trap 'rm -f "$table"' EXIT
{
  echo "| target | executions | CPU seconds | edges | corpus: files, kB | inputs that failed, kept as regressions |"
  echo "|---|--:|--:|--:|--:|--:|"
  for zip in corpus/*.zip; do
    target=$(basename "$zip" .zip)
    files=$( (find "$build/corpus/$target" -type f 2>/dev/null || true) | wc -l)
    bytes=$( (find "$build/corpus/$target" -type f -printf '%s\n' 2>/dev/null || true) | awk '{s += $1} END {printf "%.0f", s / 1000}')
    corpus="$files, $bytes"
    [[ $files -gt 0 ]] || corpus=$(awk -F' *[|] *' -v target="$target" '$2 == target {print $6}' "$document")
    kept=$( (find "regressions/$target" -type f 2>/dev/null || true) | wc -l)
    printf "| %s | %d | %d | %d | %s | %d |\n" "$target" "$(sum "$target" 2)" "$(sum "$target" 6)" "$(most "$target" 3)" "${corpus:-0, 0}" "$kept"
  done
} >"$table"
awk -v table="$table" '
  /^<!-- fuzz table: begin/ {print; while ((getline line < table) > 0) print line; skipping = 1; next}
  /^<!-- fuzz table: end/ {skipping = 0}
  !skipping {print}' "$document" >"$document.new"
mv "$document.new" "$document"
cat "$table"
