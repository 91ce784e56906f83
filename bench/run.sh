#!/usr/bin/env bash
# Runs every micro-benchmark of build/release (or of the build folder given as BUILD); arguments go to Google Benchmark.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${BUILD:-build/release}

"$build/bin/lacos" bench ceiling
for name in linear_bench attention_bench tokenizer_bench; do
  printf '\n%s\n' "$name"
  "$build/bin/$name" --benchmark_min_time=0.3 "$@"
done
