#!/usr/bin/env bash
# Checks and measures lacos on this machine's GPU, in at most eight minutes. It needs nothing from outside.
#   tools/gpu_check.sh [--build DIR] [--goldens FILE] [--output FILE] [--python PYTHON] [--bases DIR] [--quick] [--emulated]
#     --build DIR     a build folder with LACOS_CUDA=ON (default: build/cuda-on): bin/lacos, bin/cuda_gpu_test, bin/gpu_bench
#     --goldens FILE  hashes that the emulator wrote (LACOS_CUDA_GOLDENS=FILE bin/cuda_emulated_test --gtest_filter=CudaGoldens.*)
#     --output FILE   gets one JSON line for each step, as soon as the step has ended (default: gpu-check.jsonl)
#     --python PYTHON a Python with torch, transformers, peft and sentence-transformers, to measure the same on the same GPU
#     --bases DIR     with --python: small bases are pre-trained into this folder in the time that is left (tools/gpu_pretrain.py);
#                     those below 16 MB stay there
#     --quick         correctness only (steps 0 to 2)
#     --emulated      the emulated GPU of a build with LACOS_CUDA=EMULATED, and tiny shapes: shows that this script works, and
#                     measures nothing
# A step that fails or takes too long leaves a line that says so, and the next step begins. The exit status is 1 if a
# correctness step failed. tools/gpu_report.py makes tables of the lines.
set -uo pipefail
cd "$(dirname "$0")/.."

build= goldens= output=gpu-check.jsonl python= bases= quick= emulated=
while [[ $# -gt 0 ]]; do
  case $1 in
    --build | --goldens | --output | --python | --bases)
      [[ $# -gt 1 ]] || { echo "gpu_check.sh: $1 needs a value; see the first lines of this file" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    --quick) quick=1; shift ;;
    --emulated) emulated=1; shift ;;
    *) echo "gpu_check.sh: unknown argument '$1'; expected one of those in the first lines of this file" >&2; exit 2 ;;
  esac
done
if [[ -n $emulated ]]; then
  build=${build:-build/release}
  lacos=$build/bin/lacos-emulated tests=$build/bin/cuda_emulated_test
  texts=24 pairs=24 batch=4 steps=1 few_tests='*LayerNorm*:*Gelu5x33*:*OneHead*'
  # NAME LAYERS WIDTH HEADS VOCABULARY
  small=(560m 2 64 2 512) large=(7b1 6 64 2 512) stream_budget=3MB
  base_sizes=(tiny) base_device=cpu
else
  build=${build:-build/cuda-on}
  lacos=$build/bin/lacos tests=$build/bin/cuda_gpu_test
  texts=20000 pairs=640 batch=64 steps=20 few_tests='*'
  small=(560m 24 1024 16 250880) large=(7b1 30 4096 32 250880) stream_budget=5GB
  base_sizes=(2m 8m 40m) base_device=cuda
fi
bench=$build/bin/gpu_bench
[[ -x $lacos ]] || { echo "gpu_check.sh: $lacos is missing; expected a build with a GPU's kernels; run 'make gpu-check' or 'make gpu-check-emulated', or name one with --build" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$output"
failed=0
began=$SECONDS
all_seconds=470  # with what ends a step that is over its limit, less than eight minutes

left() { echo $((all_seconds - (SECONDS - began))); }

# json_text: stdin as a JSON string
json_text() { python3 -c 'import json, sys; print(json.dumps(sys.stdin.read()[-4000:]))'; }

# line STEP STATUS SECONDS KEY JSON: writes one line at once
line() { printf '{"step": "%s", "status": "%s", "seconds": %s, "%s": %s}\n' "$1" "$2" "$3" "$4" "$5" | tee -a "$output" | cut -c1-300; }
skip() { line "$1" skipped 0 text "$(printf %s "$2" | json_text)"; }

# step NAME LIMIT COMMAND...: the JSON object that the command prints, or its output, becomes the step's result
step() {
  local name=$1 limit=$2 start=$SECONDS status
  shift 2
  if (($(left) < 5)); then
    skip "$name" "no time was left"
    return 0
  fi
  ((limit < $(left))) || limit=$(left)
  timeout --kill-after=5 "$limit" "$@" >"$work/out" 2>"$work/err"
  status=$?
  case $status in
    0) status=ok ;;
    124 | 137) status=timeout ;;
    *) status=failed ;;
  esac
  if [[ $status == ok ]] && python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/out" 2>/dev/null; then
    line "$name" ok $((SECONDS - start)) result "$(python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))))' "$work/out")"
  else
    line "$name" "$status" $((SECONDS - start)) text "$(tail -n 30 "$work/out" "$work/err" | json_text)"
  fi
  [[ $status == ok ]]
}
must() { step "$@" || failed=1; }

# Step 0: the machine.
if [[ -z $emulated ]]; then
  step gpu 20 nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used,compute_cap,mig.mode.current,clocks.max.sm --format=csv
else
  skip gpu "the GPU is emulated: no figure of speed says anything"
fi
must info 60 "$lacos" info --model examples/bloom-nano --device cuda --json --quiet

# Step 1: every op against the reference, the invariance of the batch, and the CPU's bytes.
if [[ -x $tests ]]; then
  must ops 90 "$tests" --gtest_brief=1 --gtest_filter="$few_tests"
  if [[ -n $goldens ]]; then
    LACOS_CUDA_GOLDENS=$goldens must goldens 60 "$tests" --gtest_filter='CudaGoldens.*' --gtest_brief=1
  else
    skip goldens "no --goldens"
  fi
else
  skip ops "the build has no ${tests##*/}"
fi

# Step 2: NVIDIA's checks of memory, races, uninitialized reads and barriers, where the toolkit has them.
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
for tool in memcheck racecheck initcheck synccheck; do
  if [[ -n $sanitizer && -z $emulated && -x $tests ]]; then
    must "sanitizer-$tool" 40 "$sanitizer" --tool "$tool" --error-exitcode 9 --kernel-regex-exclude kns=cublas "$tests" --gtest_brief=1 \
      --gtest_filter='*LayerNorm5x33*:*Gelu5x33*:*DropoutAdd5x33*:*Linear5x48x33Rows*:*TokenSums131*:*PoolMax33*:*Losses6x5*:*Optimizer300*:*OneHead*'
  else
    skip "sanitizer-$tool" "no compute-sanitizer, or no GPU"
  fi
done
[[ -n $quick ]] && exit $failed

# Steps 3 and 4: cuBLASLt's algorithms; ceilings, and the shares of them that our kernels reach.
for what in cublaslt kernels; do
  if [[ -x $bench ]]; then step "$what" 60 "$bench" "$what"; else skip "$what" "the build has no gpu_bench"; fi
done

# Steps 5 and 6: random 8-bit codes in the shapes of two published models.
tools/gpu_inputs.py write "$work" --texts $texts --pairs $pairs
shape() { # NAME LAYERS WIDTH HEADS VOCABULARY
  printf '{"model_type": "bloom", "architectures": ["BloomModel"], "n_layer": %d, "hidden_size": %d, "n_head": %d, "vocab_size": %d, "layer_norm_epsilon": 1e-5}\n' \
    "$2" "$3" "$4" "$5" >"$work/$1.json"
  step "init-$1" 60 "$lacos" init --config "$work/$1.json" --output "$work/$1" --quantized --json --quiet
}
# The same run twice, direct, recomputed and in chunks, must give the same adapter.
adapter_hash() { sha256sum "$1/adapter_model.safetensors" | cut -d' ' -f1; }
same_bytes() { # MODEL
  local strategy first= hash
  for strategy in direct direct recompute gradcache; do
    "$lacos" train --model "$1" --train "$work/pairs.tsv" --output "$work/run" --overwrite --device cuda --max-steps $(((steps + 2) / 3)) \
      --batch-size $batch --gradient-strategy "$strategy" --chunk-tokens 2048 --quiet >/dev/null || return 1
    hash=$(adapter_hash "$work/run")
    [[ -z $first || $first == "$hash" ]] || { echo "$strategy gives $hash, and direct gives $first"; return 1; }
    first=$hash
  done
  echo "{\"adapter_sha256\": \"$first\"}"
}
# encode MODEL COMPUTE: the texts in batches, in another order, and the first ones alone must have the same vectors.
encode() {
  local name
  for name in texts permuted few; do
    "$lacos" embed --model "$1" --input "$work/$name.txt" --output "$work/$name.npy" --overwrite --device cuda --compute "$2" --quiet \
      $([[ $name == few ]] && echo --batch-tokens 1) >/dev/null || return 1
  done
  tools/gpu_inputs.py compare "$work"
}
# idle MODEL: how much of the time kernels run in a step, as nvidia-smi counts it.
idle() {
  "$lacos" bench train --model "$1" --device cuda --compute bf16 --batch-size 64 --steps 300 --json --quiet >"$work/idle.json" &
  local run=$!
  while kill -0 $run 2>/dev/null; do
    nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits -i "${CUDA_VISIBLE_DEVICES:-0}"
    sleep 0.2
  done >"$work/utilization"
  wait $run && tools/gpu_inputs.py utilization "$work/utilization"
}
# ready MODEL: the time from the start of the program to the first step.
ready() {
  local start=$EPOCHREALTIME
  "$lacos" bench train --model "$1" --device cuda --compute bf16 --batch-size $batch --steps 1 --json --quiet >"$work/ready.json" || return 1
  tools/gpu_inputs.py ready "$work/ready.json" "$(python3 -c 'import sys; print(float(sys.argv[2]) - float(sys.argv[1]))' "$start" "$EPOCHREALTIME")"
}
train() { # STEP LIMIT MODEL ARGUMENTS...
  step "$1" "$2" "$lacos" bench train --model "$work/$3" --device cuda --batch-size $batch --json --quiet "${@:4}"
}
export -f same_bytes adapter_hash encode idle ready
export lacos work batch steps

if shape "${small[@]}"; then
  must same-bytes 60 bash -c "same_bytes '$work/560m'"
  for compute in bf16 int8 f32; do
    train "train-560m-$compute" 40 560m --compute $compute --steps $steps
    step "embed-560m-$compute" 30 "$lacos" bench embed --model "$work/560m" --device cuda --compute $compute --texts $((texts < 2000 ? texts : 2000)) --json --quiet
    must "encode-560m-$compute" 40 bash -c "encode '$work/560m' $compute"
  done
  step latency-560m 30 "$lacos" bench embed --model "$work/560m" --device cuda --compute bf16 --input "$work/query.txt" --texts $((texts < 200 ? 5 : 200)) --batch-tokens 12 --json --quiet
  # Waiting after each op makes a step slower, so its parts are measured apart from its rate.
  train breakdown-560m-bf16 40 560m --compute bf16 --steps $(((steps + 1) / 2)) --breakdown
  if [[ -z $emulated ]]; then step idle-560m 40 bash -c "idle '$work/560m'"; else skip idle-560m "the GPU is emulated"; fi
  rm -rf "$work/560m"
fi
if shape "${large[@]}"; then
  for compute in bf16 int8; do
    train "train-7b1-$compute" 60 7b1 --compute $compute --steps $(((steps + 2) / 3))
    step "embed-7b1-$compute" 30 "$lacos" bench embed --model "$work/7b1" --device cuda --compute $compute --texts $((texts < 500 ? texts : 500)) --json --quiet
  done
  train recompute-7b1 40 7b1 --compute bf16 --steps 2 --gradient-strategy recompute
  train gradcache-7b1 40 7b1 --compute bf16 --steps 2 --train "$work/long.tsv" --max-length 75 --gradient-strategy gradcache
  step latency-7b1 30 "$lacos" bench embed --model "$work/7b1" --device cuda --compute bf16 --input "$work/query.txt" --texts $((texts < 200 ? 5 : 100)) --batch-tokens 12 --json --quiet
  step ready-7b1 40 bash -c "ready '$work/7b1'"
  # A limit leaves room for some blocks; the others are copied in every pass.
  step plan-7b1 30 "$lacos" plan --model "$work/7b1" --device cuda --batch-size $((batch < 16 ? batch : 16)) --train "$work/pairs.tsv" --stream-layers --memory-budget $stream_budget --json --quiet
  step stream-7b1 60 "$lacos" bench train --model "$work/7b1" --device cuda --compute bf16 --batch-size $((batch < 16 ? batch : 16)) --train "$work/pairs.tsv" --steps 2 --stream-layers --memory-budget $stream_budget --json --quiet
fi
if [[ -n $python && -n $emulated ]]; then
  skip peers "the GPU is emulated"
elif [[ -n $python ]]; then
  step peers-560m 60 "$python" tools/gpu_peers.py --layers "${small[1]}" --width "${small[2]}" --heads "${small[3]}"
  step peers-7b1 90 "$python" tools/gpu_peers.py --layers "${large[1]}" --width "${large[2]}" --heads "${large[3]}"
else
  skip peers "no --python"
fi
if [[ -n $python && -n $bases ]]; then
  for index in "${!base_sizes[@]}"; do
    size=${base_sizes[index]}
    # The time that is left is divided among the sizes that are left. Loading PyTorch and writing the base take some of it.
    share=$((($(left) - 5) / (${#base_sizes[@]} - index)))
    [[ -z $emulated || $share -lt 40 ]] || share=40
    if ((share >= 30)); then
      step "pretrain-$size" $share "$python" tools/gpu_pretrain.py --size $size --seconds $((share - 15)) --output "$bases/bloom-$size" \
        --ids "$work/token-ids.pt" --device $base_device
    else
      skip "pretrain-$size" "no time was left"
    fi
  done
else
  skip pretrain "no --python or no --bases"
fi
line all $([[ $failed == 0 ]] && echo ok || echo failed) $((SECONDS - began)) text '""'
exit $failed
