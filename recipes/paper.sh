#!/usr/bin/env bash
# The steps of LACoS-BLOOM in the order in which its abstract (arXiv 2305.06404) gives them: weights in 8 bits; LoRA and
# 8-bit Adam with a classification objective on labelled pairs; a contrastive objective, which also learns from texts
# without labels. The adapter of one step is trained further in the next.
#
#   BLOOM=bloom-560m NLI="AllNLI.tsv.gz" SUITE=suite recipes/paper.sh 560m english
#   BLOOM=bloom-560m NLI="AllNLI.tsv.gz" TEXTS="sentences.txt" SUITE=suite recipes/paper.sh 560m multilingual
#
# BLOOM  the folder of the original weights (config.json, model.safetensors or .bin, tokenizer.json)
# NLI    labelled training files of the classification, as they are published (recipes/README.md), separated by spaces
# TEXTS  files of the contrastive step: texts without labels, or pairs (default: the entailment pairs of NLI)
# SUITE  test sets that `lacos data prepare` made: sts-en for english, sts-multilingual too for multilingual
# OUT    where results go (default results/paper-SIZE-LANGUAGES); run the same command again to go on where it stopped
# LACOS  the program (default: lacos on the PATH, else build/release/bin/lacos)
# QUANTIZE_FLAGS, CLASSIFY_FLAGS, TRAIN_FLAGS, EVAL_FLAGS  further flags of the steps
set -euo pipefail
prefix=paper-
. "$(dirname "${BASH_SOURCE[0]}")/begin.sh"
read -ra texts <<<"${TEXTS:-$NLI}"
read -ra classify_flags <<<"${CLASSIFY_FLAGS:-}"
dev=$SUITE/sts/STSBenchmark/dev.tsv

# Without --dev, since the classification is a means: the last adapter goes on, whatever its similarities are.
"$lacos" train --config "$here/classification.toml" --model "$out/base-int8" --train "${nli[@]}" --output "$out/classified" --resume \
  "${classify_flags[@]}"
"$lacos" train --config "$here/$size.toml" --model "$out/classified" --train "${texts[@]}" --dev "$dev" --output "$out/trained" --resume \
  "${train_flags[@]}"
for step in base-int8 classified trained; do
  pooling=()
  [[ $step != base-int8 ]] || pooling=(--pooling weighted_mean --max-length 75)
  "$lacos" eval --model "$out/$step" "${pooling[@]}" --suite "$suites" --suite-folder "$SUITE" --cache "$out/cache" --output "$out/evaluation-$step" \
    --overwrite "${eval_flags[@]}"
done
"$lacos" report "$out"/evaluation-{base-int8,classified,trained} --output "$out/report" --overwrite
echo
python3 "$here/compare.py" "$out/evaluation-trained" | tee "$out/table.txt"
