#!/usr/bin/env bash
# Fuzzes one target for some time, starting with the committed seeds and earlier findings, and records the outcome:
#   fuzz/run.sh TARGET SECONDS [libFuzzer options]
# LACOS_FUZZ_BUILD names the build folder (default build/fuzz). In it, seeds/TARGET has the unpacked seeds, corpus/TARGET
# grows, and findings/TARGET gets the inputs that failed. runs.tsv gets a line for fuzz/report.sh with the processor
# seconds of the target, which do not include other work on the machine. The exit status is 1 if there was a finding.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[[ $# -ge 2 ]] || { sed -n '3p' "$0" >&2; exit 2; }
target=$1 seconds=$2
shift 2
build=${LACOS_FUZZ_BUILD:-../build/fuzz}
program=$build/bin/fuzz_$target
[[ -x $program ]] || { echo "run.sh: there is no $program; targets: $(basename -s .zip corpus/*.zip | xargs); build with cmake --build --preset fuzz" >&2; exit 2; }
mkdir -p "$build/corpus/$target" "$build/findings/$target"
# A new build folder goes on from the sums that the table of docs/reliability.md has.
[[ -f $build/runs.tsv ]] || awk -F' *[|] *' -v OFS='\t' '
  /^<!-- fuzz table: begin/ {inside = 1}
  /^<!-- fuzz table: end/ {inside = 0}
  inside && $3 ~ /^[0-9]+$/ {print $2, $3, $5, $6 + 0, 0, $4}' ../docs/reliability.md >"$build/runs.tsv"
seeds=("$build/seeds/$target")
[[ -d regressions/$target ]] && seeds+=(regressions/"$target")
scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" lacos-fuzz.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
log=$build/last_$target.log
before=$(ls "$build/findings/$target" | wc -l)

spent=$build/last_$target.seconds
TIMEFORMAT='%U %S'
# One thread is enough: files are small, and results do not depend on the number of threads. A single allocation has the
# same limit as the memory of the whole process.
{ time LACOS_FUZZ_SCRATCH=$scratch OMP_NUM_THREADS=1 ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=0:detect_leaks=1} \
  "$program" -dict=dictionaries/"$target".dict -max_total_time="$seconds" -max_len=16384 -timeout=25 -rss_limit_mb=2048 \
  -artifact_prefix="$build/findings/$target/" -print_final_stats=1 "$@" \
  "$build/corpus/$target" "${seeds[@]}" >"$log" 2>&1; } 2>"$spent"
status=$?

runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
found=$(($(ls "$build/findings/$target" | wc -l) - before))
took=$(awk '{printf "%.0f", $1 + $2}' "$spent")
printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$target" "${runs:-0}" "${edges:-0}" "$(ls "$build/corpus/$target" | wc -l)" "$found" "${took:-0}" >>"$build/runs.tsv"
echo "$target: ${runs:-0} executions in ${took:-?} s of processor time, ${edges:-0} edges, $found findings"
if [[ $status -ne 0 ]]; then
  tail -60 "$log"
  echo "run.sh: $target failed (status $status); see $log and $build/findings/$target" >&2
  exit 1
fi
