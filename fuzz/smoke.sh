#!/usr/bin/env bash
# Fuzzes every target from its seeds and regressions with a fixed random seed, as many at once as there are cores. Keeps
# only failed inputs.
#   fuzz/smoke.sh [SECONDS of processor time for all targets]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
build=${LACOS_FUZZ_BUILD:-../build/fuzz}
targets=(corpus/*.zip)
each=$((${1:-110} / ${#targets[@]}))
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/bin"
ln -s "$(realpath "$build")/seeds" "$scratch/seeds"
touch "$scratch/runs.tsv"  # the sums of earlier runs are not needed
for zip in "${targets[@]}"; do
  ln -s "$(realpath "$build")/bin/fuzz_$(basename "$zip" .zip)" "$scratch/bin/"
done
status=0
basename -s .zip "${targets[@]}" | LACOS_FUZZ_BUILD=$scratch xargs -P "$(nproc)" -I TARGET ./run.sh TARGET "$each" -seed=1 || status=1
if [[ $status -ne 0 ]]; then
  rm -rf "$build/smoke_findings"
  cp -r "$scratch/findings" "$build/smoke_findings"
  echo "smoke.sh: failed inputs are in $build/smoke_findings" >&2
fi
exit $status
