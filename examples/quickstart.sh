#!/usr/bin/env bash
# Runs every step on the bundled demo: cast to 8 bit, train, score before and after, embed, search.
#
# STSB   path of the STS benchmark archive Stsbenchmark.tar.gz, to score on all of STSb dev and test too (default: the
#        copy in the shared files if there is one; LACOS_SHARED names their folder, default ../shared)
# OUT    folder for the results (default build/quickstart), which is emptied first
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lacos=build/release/bin/lacos
base=examples/bloom-nano
data=examples/data
out=${OUT:-build/quickstart}
stsb=${STSB:-${LACOS_SHARED:-../shared}/data/sts/stsb/Stsbenchmark.tar.gz}
encoding=(--pooling weighted_mean --max-length 75)

started=$SECONDS
step() { printf '\n== %s  (%d s)\n' "$1" "$((SECONDS - started))"; }

rm -rf "$out"
mkdir -p "$out"
scored=("$data/stsb-captions-dev.tsv" "$data/stsb-captions-test.tsv")
if [[ -f $stsb ]]; then
  python3 "$data/prepare_stsb.py" "$stsb" --output "$out/stsb" --all >/dev/null
  scored+=("$out/stsb/stsb-dev.tsv" "$out/stsb/stsb-test.tsv")
fi

step "1. cast the base to 8 bit, block by block"
"$lacos" quantize --model "$base" --output "$out/base-int8" --base-name "$base"

step "2. score the untrained base on semantic similarity (Spearman x 100)"
"$lacos" eval --model "$out/base-int8" --task sts --data "${scored[@]}" "${encoding[@]}" --quiet

step "3. train low-rank adapters with 8-bit Adam on 2,760 entailment pairs"
"$lacos" train --model "$out/base-int8" --train "$data/snli-cad-train.tsv.gz" --output "$out/trained" \
  --epochs 3 --batch-size 64 --learning-rate 2e-3 --lora-rank 8 --lora-alpha 16 "${encoding[@]}"

step "4. score the trained model"
"$lacos" eval --model "$out/trained" --task sts --data "${scored[@]}" --quiet

step "5. embed 200 sentences of nine languages"
"$lacos" embed --model "$out/trained" --input "$data/sentences.txt" --output "$out/sentences.npy" --quiet

step "6. the sentences nearest to a query"
"$lacos" similarity --model "$out/trained" --query "Someone is playing music at the station." --input "$data/sentences.txt" --top-k 5 --quiet

step "done: $out/trained loads in sentence-transformers, $out/sentences.npy in NumPy"
