#!/bin/bash
# The commands for GPUs, in the program whose GPU is emulated.   emulated_program_test.sh PROGRAM SOURCE_FOLDER WORK_FOLDER
set -uo pipefail
program=$1 source=$2 work=$3 failed=0
rm -rf "$work"
mkdir -p "$work"
check() { # NAME PYTHON JSON: a condition over the object `o`
  python3 -c "import json, sys; o = json.load(open(sys.argv[1])); sys.exit(not ($2))" "$3" \
    && echo "ok: $1" || { echo "FAILED: $1"; cat "$3"; failed=1; }
}
model=$source/examples/bloom-nano
"$program" info --model "$model" --device cuda --json >"$work/info.json" 2>"$work/err" || { cat "$work/err"; exit 1; }
check "info names the card" 'o["backend"] == "cuda" and o["card"] == "emulated GPU" and o["driver"] == "13.0"' "$work/info.json"
check "info measures four rates" 'len(o["rates"]) == 4 and all(rate > 0 for rate in o["rates"].values())' "$work/info.json"
check "info says if int8 is the slower mode, and only then" \
  '(o["rates"]["int8_op_per_second"] < o["rates"]["bf16_flop_per_second"]) == any("int8 is slower" in note for note in o["notes"])' "$work/info.json"
"$program" info --model "$model" --json >"$work/cpu.json" 2>>"$work/err"
check "info of the CPU has no rates of a GPU" 'o["rates"] is None' "$work/cpu.json"
"$program" info --model "$model" --device cuda+check --json >"$work/check.json" 2>>"$work/err"
check "the checked device is named" 'o["device"] == "cuda+check"' "$work/check.json"

"$program" quantize --model "$model" --output "$work/base" --quiet >/dev/null || failed=1
plan() { "$program" plan --model "$work/base" --device cuda --batch-size 2 --max-length 8 --json "$@" 2>>"$work/err"; }
plan >"$work/plan.json"
check "a base that fits is not copied" 'o["copies"] is None and o["fits"]' "$work/plan.json"
budget=$(python3 -c 'import json, sys; o = json.load(open(sys.argv[1])); print(o["peak_bytes"] - o["components"]["base"] // 4)' "$work/plan.json")
plan --stream-layers --memory-budget "$budget" >"$work/stream.json"
check "a base that streams is copied in part, at the rate that was measured" \
  '0 < o["copies"]["bytes_per_pass"] <= '"$(stat -c %s "$work/base/model.safetensors")"' and abs(o["copies"]["seconds_per_pass"] * o["copies"]["rates"]["upload_bytes_per_second"] / o["copies"]["bytes_per_pass"] - 1) < 1e-9' "$work/stream.json"

# The memory of a card for 64 pairs of the texts of NLI (23 tokens for each of 128 texts), and of 75 tokens, as it is planned for the
# shapes of two published models. A real card's context takes some 0.6 GB beside it.
shape() { # NAME LAYERS WIDTH HEADS
  printf '{"model_type": "bloom", "n_layer": %d, "hidden_size": %d, "n_head": %d, "vocab_size": 250880}\n' "$2" "$3" "$4" >"$work/$1.json"
}
shape 560m 24 1024 16
shape 7b1 30 4096 32
within() { # NAME TOKENS STRATEGY GIGABYTES
  "$program" plan --model "$work/$1.json" --device cuda --batch-size 64 --max-length "$2" --json --quiet >"$work/size.json" 2>>"$work/err"
  check "$1 with texts of $2 tokens trains in $4 GB: $3" \
    '[one for one in o["strategies"] if one["strategy"].startswith("'"$3"'")][0]["peak_bytes"] + 0.6e9 <= '"$4"'e9' "$work/size.json"
}
within 560m 23 direct 2.5
within 7b1 23 recompute 10
within 7b1 75 "gradcache, recompute" 9

# Every command that computes does so on the device of --device.
printf 'anchor\tpositive\nA man sleeps\tHe is asleep\nA dog runs\tAn animal moves\n' >"$work/pairs.tsv"
printf 'sentence1\tsentence2\tscore\nA man sleeps\tHe is asleep\t5\nA dog runs\tIt rains\t1\nA boy plays\tA child plays\t4\n' >"$work/sts.tsv"
printf 'A man sleeps\nA dog runs\n' >"$work/texts.txt"
cat >"$work/sweep.toml" <<TOML
seeds = [1, 2, 3]
[bases]
nano = "base"
[data]
pairs = "pairs.tsv"
[evaluation]
resamples = 100
[[evaluation.file]]
name = "sts"
path = "sts.tsv"
[settings]
batch_size = 2
max_steps = 1
[[study]]
name = "depth"
title = "Depth"
vary = {layers = [1]}
TOML
on_gpu() { # NAME COMMAND ARGUMENTS...: asks for a GPU that does not exist, then for the one that does
  local name=$1
  shift
  "$program" "$@" --device cuda:7 --quiet >/dev/null 2>"$work/err"
  [[ $? -eq 1 ]] && grep -q "found GPU 7, which does not exist" "$work/err" && echo "ok: $name asks for the GPU that --device names" \
    || { echo "FAILED: $name with --device cuda:7"; cat "$work/err"; failed=1; }
  "$program" "$@" --device cuda --quiet >"$work/$name.out" 2>"$work/err" && echo "ok: $name works on the GPU" \
    || { echo "FAILED: $name"; cat "$work/err"; failed=1; }
}
on_gpu info info --model "$work/base"
on_gpu plan plan --model "$work/base" --batch-size 2 --max-length 8
on_gpu train train --model "$work/base" --train "$work/pairs.tsv" --output "$work/run" --batch-size 2 --max-steps 1
on_gpu eval eval --model "$work/run" --data "$work/sts.tsv" --output "$work/scores" --resamples 100
on_gpu embed embed --model "$work/run" --input "$work/texts.txt" --output "$work/vectors.npy"
on_gpu similarity similarity --model "$work/run" --input "$work/texts.txt" --query "A cat sleeps"
on_gpu bench-train bench train --model "$work/base" --batch-size 2 --steps 1 --json
check "bench records the card and its kernels" 'all(o["machine"][key] for key in ("card", "sm", "driver", "cuda_runtime", "products"))' "$work/bench-train.out"
on_gpu bench-embed bench embed --model "$work/base" --texts 4
on_gpu sweep sweep "$work/sweep.toml" --output "$work/sweep"
check "each run of the sweep names the card" 'o["cells"] and all(cell["kernels"]["card"] == "emulated GPU" for cell in o["cells"])' "$work/sweep/sweep.json"
for record in run/run.json scores/run.json vectors.npy.run.json; do
  check "$record names the card" 'o["kernels"]["backend"] == "cuda" and o["kernels"]["card"] == "emulated GPU"' "$work/$record"
done
exit $failed
