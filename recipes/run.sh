#!/usr/bin/env bash
# LACoS-BLOOM on natural-language inference, from the original weights to the table beside published numbers.
#
#   BLOOM=bloom-560m NLI="AllNLI.tsv.gz" SUITE=suite recipes/run.sh 560m english
#   BLOOM=bloom-560m NLI="AllNLI.tsv.gz multinli.train.fr.tsv multinli.train.es.tsv" SUITE=suite recipes/run.sh 560m multilingual
#
# BLOOM  the folder of the original weights (config.json, model.safetensors or .bin, tokenizer.json)
# NLI    training files, as they are published (recipes/README.md), separated by spaces
# SUITE  test sets that `lacos data prepare` made: sts-en for english, sts-multilingual too for multilingual
# OUT    where results go (default results/SIZE-LANGUAGES); run the same command again to go on where it stopped
# LACOS  the program (default: lacos on the PATH, else build/release/bin/lacos)
# QUANTIZE_FLAGS, TRAIN_FLAGS, EVAL_FLAGS  further flags, such as TRAIN_FLAGS="--memory-budget 8GB --stream-layers"
set -euo pipefail
prefix=
. "$(dirname "${BASH_SOURCE[0]}")/begin.sh"

"$lacos" train --config "$here/$size.toml" --model "$out/base-int8" --train "${nli[@]}" --dev "$SUITE/sts/STSBenchmark/dev.tsv" \
  --output "$out/trained" --resume "${train_flags[@]}"
"$lacos" eval --model "$out/trained" --suite "$suites" --suite-folder "$SUITE" --cache "$out/cache" --output "$out/evaluation" \
  --overwrite "${eval_flags[@]}"
echo
python3 "$here/compare.py" "$out/evaluation" | tee "$out/table.txt"
