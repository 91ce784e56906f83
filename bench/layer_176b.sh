#!/usr/bin/env bash
# One layer of BLOOM-176B's shape, with random 8-bit codes: its forward and backward streamed from the disk and
# resident give the same bytes; prints the peak memory. Needs 2.6 GB of disk in TMPDIR and some 5 GB of memory.
set -euo pipefail
bin=${1:?the folder with lacos and train_test}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo '{"model_type": "bloom", "hidden_size": 14336, "n_head": 112, "n_layer": 1, "vocab_size": 1000}' > "$folder/config.json"
"$bin/lacos" init --config "$folder/config.json" --output "$folder/model" --quantized --quiet
LACOS_LAYER_MODEL="$folder/model" "$bin/train_test" --gtest_filter='StreamedLayer.*'
