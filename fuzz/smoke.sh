#!/usr/bin/env bash
# Fuzzes every target from its seeds and regressions with a fixed random seed, in two minutes. Keeps only failed inputs.
#   fuzz/smoke.sh [SECONDS for all targets]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
build=${LACOS_FUZZ_BUILD:-../build/fuzz}
targets=(corpus/*.zip)
each=$((${1:-110} / ${#targets[@]}))
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0
mkdir -p "$scratch/bin"
ln -s "$(realpath "$build")/seeds" "$scratch/seeds"
for zip in "${targets[@]}"; do
  target=$(basename "$zip" .zip)
  ln -sf "$(realpath "$build")/bin/fuzz_$target" "$scratch/bin/"
  LACOS_FUZZ_BUILD=$scratch ./run.sh "$target" "$each" -seed=1 || status=1
done
if [[ $status -ne 0 ]]; then
  rm -rf "$build/smoke_findings"
  cp -r "$scratch/findings" "$build/smoke_findings"
  echo "smoke.sh: failed inputs are in $build/smoke_findings" >&2
fi
exit $status
