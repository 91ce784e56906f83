#!/usr/bin/env bash
# Runs `lacos demo` with the program of the build tree: cast to 8 bit, train, score before and after, embed, search.
#
# STSB   path of the STS benchmark archive Stsbenchmark.tar.gz, to score on all of STSb dev and test too (default: the
#        copy in the shared files if there is one; LACOS_SHARED names their folder, default ../shared)
# OUT    folder for the results (default build/quickstart), which is emptied first
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${OUT:-build/quickstart}
stsb=${STSB:-${LACOS_SHARED:-../shared}/data/sts/stsb/Stsbenchmark.tar.gz}

rm -rf "$out"
mkdir -p "$out"
score=()
if [[ -f $stsb ]]; then
  python3 examples/data/prepare_stsb.py "$stsb" --output "$out/stsb" --all >/dev/null
  score=(--score "$out/stsb/stsb-dev.tsv" "$out/stsb/stsb-test.tsv")
fi
build/release/bin/lacos demo --output "$out" "${score[@]}"
