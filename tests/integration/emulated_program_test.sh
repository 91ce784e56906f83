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
"$program" bench train --model "$work/base" --device cuda --batch-size 2 --steps 1 --json --quiet >"$work/bench.json" 2>>"$work/err"
check "bench records the card and its kernels" 'all(o["machine"][key] for key in ("card", "sm", "driver", "cuda_runtime", "products"))' "$work/bench.json"
exit $failed
