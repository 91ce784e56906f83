#!/usr/bin/env bash
# Checks and measures lacos on this machine's GPU, in at most eight minutes. It needs nothing from outside.
#   tools/gpu_check.sh [--build DIR] [--goldens FILE] [--output FILE] [--python PYTHON] [--quick]
#     --build DIR     a build folder with LACOS_CUDA=ON (default: build/cuda-on): bin/lacos, bin/cuda_gpu_test
#     --goldens FILE  hashes that the emulator wrote (LACOS_CUDA_GOLDENS=FILE bin/cuda_emulated_test --gtest_filter=CudaGoldens.*)
#     --output FILE   gets one JSON line for each step, as soon as the step has ended (default: gpu-check.jsonl)
#     --python PYTHON a Python with torch, transformers, peft and sentence-transformers, to measure the same on the same GPU
#     --quick         correctness only (steps 0 to 2)
# A step that fails or takes too long leaves a line that says so, and the next step begins. The exit status is 1 if a
# correctness step failed. tools/gpu_report.py makes tables of the lines.
set -uo pipefail
cd "$(dirname "$0")/.."

build=build/cuda-on goldens= output=gpu-check.jsonl python= quick=
while [[ $# -gt 0 ]]; do
  case $1 in
    --build | --goldens | --output | --python)
      [[ $# -gt 1 ]] || { echo "gpu_check.sh: $1 needs a value; see the first lines of this file" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    --quick) quick=1; shift ;;
    *) echo "gpu_check.sh: unknown argument '$1'; expected --build, --goldens, --output, --python or --quick" >&2; exit 2 ;;
  esac
done
lacos=$build/bin/lacos
tests=$build/bin/cuda_gpu_test
[[ -x $lacos ]] || { echo "gpu_check.sh: $lacos is missing; expected a build with LACOS_CUDA=ON; run 'make gpu-check', or name one with --build" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$output"
failed=0
began=$SECONDS

# json_text: stdin as a JSON string
json_text() { python3 -c 'import json, sys; print(json.dumps(sys.stdin.read()[-4000:]))'; }

# line STEP STATUS SECONDS KEY JSON: writes one line at once
line() { printf '{"step": "%s", "status": "%s", "seconds": %s, "%s": %s}\n' "$1" "$2" "$3" "$4" "$5" | tee -a "$output" | cut -c1-300; }

# step NAME LIMIT COMMAND...: the command's last JSON line, or its output, becomes the step's result
step() {
  local name=$1 limit=$2 start=$SECONDS status
  shift 2
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
step gpu 20 nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used,compute_cap,mig.mode.current,clocks.max.sm --format=csv
must info 60 "$lacos" info --model examples/bloom-nano --device cuda --json

# Step 1: every op against the reference, the invariance of the batch, and the CPU's bytes.
if [[ -x $tests ]]; then
  must ops 90 "$tests" --gtest_brief=1
  if [[ -n $goldens ]]; then
    LACOS_CUDA_GOLDENS=$goldens must goldens 60 "$tests" --gtest_filter='CudaGoldens.*' --gtest_brief=1
  else
    line goldens skipped 0 text '"no --goldens"'
  fi
else
  line ops skipped 0 text '"the build has no cuda_gpu_test"'
fi

# Step 2: NVIDIA's checks of memory, races, uninitialized reads and barriers, where the toolkit has them.
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
for tool in memcheck racecheck initcheck synccheck; do
  if [[ -n $sanitizer && -x $tests ]]; then
    must "sanitizer-$tool" 40 "$sanitizer" --tool "$tool" --error-exitcode 9 --kernel-regex-exclude kns=cublas "$tests" --gtest_brief=1 \
      --gtest_filter='*LayerNorm5x33*:*Gelu5x33*:*DropoutAdd5x33*:*Linear5x48x33Rows*:*TokenSums131*:*PoolMax33*:*Losses6x5*:*Optimizer300*:*OneHead*'
  else
    line "sanitizer-$tool" skipped 0 text '"no compute-sanitizer"'
  fi
done
[[ -n $quick ]] && exit $failed

# Random 8-bit codes in the shapes of two published models.
shape() { # NAME LAYERS WIDTH HEADS
  printf '{"model_type": "bloom", "architectures": ["BloomModel"], "n_layer": %d, "hidden_size": %d, "n_head": %d, "vocab_size": 250880, "layer_norm_epsilon": 1e-5}\n' \
    "$2" "$3" "$4" >"$work/$1.json"
  step "init-$1" 60 "$lacos" init --config "$work/$1.json" --output "$work/$1" --quantized --json --quiet
}
# The same run twice, direct and recomputed, must give the same adapter.
adapter_hash() { sha256sum "$1/adapter_model.safetensors" | cut -d' ' -f1; }
same_bytes() {
  local strategy first= hash
  python3 - "$work/pairs.tsv" <<'PY'
import random, sys
random.seed(1)
words = ["a", "man", "woman", "dog", "plays", "runs", "eats", "the", "guitar", "outside", "house", "sleeps"]
text = lambda: " ".join(random.choice(words) for _ in range(random.randint(3, 30)))
with open(sys.argv[1], "w") as out:
    out.write("anchor\tpositive\n" + "".join(f"{text()} {i}\t{text()}\n" for i in range(640)))
PY
  for strategy in direct direct recompute gradcache; do
    "$lacos" train --model examples/bloom-nano --train "$work/pairs.tsv" --output "$work/run" --overwrite --device cuda --max-steps 8 \
      --gradient-strategy "$strategy" --chunk-tokens 2048 --quiet || return 1
    hash=$(adapter_hash "$work/run")
    [[ -z $first || $first == "$hash" ]] || { echo "$strategy gives $hash, and direct gives $first"; return 1; }
    first=$hash
  done
  echo "{\"adapter_sha256\": \"$first\"}"
}
export -f same_bytes adapter_hash
export lacos work

must same-bytes 60 bash -c same_bytes
shape 560m 24 1024 16 && for compute in bf16 int8 f32; do
  step "train-560m-$compute" 40 "$lacos" bench train --model "$work/560m" --device cuda --compute "$compute" --batch-size 64 --steps 20 --json --quiet
  step "embed-560m-$compute" 30 "$lacos" bench embed --model "$work/560m" --device cuda --compute "$compute" --json --quiet
done
# Waiting after each op makes a step slower, so its parts are measured apart from its rate.
step breakdown-560m-bf16 40 "$lacos" bench train --model "$work/560m" --device cuda --compute bf16 --batch-size 64 --steps 8 --breakdown --json --quiet
rm -rf "$work/560m"
if shape 7b1 30 4096 32; then
  for compute in bf16 int8; do
    step "train-7b1-$compute" 60 "$lacos" bench train --model "$work/7b1" --device cuda --compute "$compute" --batch-size 64 --steps 8 --json --quiet
    step "embed-7b1-$compute" 30 "$lacos" bench embed --model "$work/7b1" --device cuda --compute "$compute" --json --quiet
  done
  # A limit of 4 GB leaves room for some blocks; the others are copied in every pass.
  step stream-7b1-bf16 60 "$lacos" bench train --model "$work/7b1" --device cuda --compute bf16 --batch-size 16 --steps 2 --stream-layers --memory-budget 5GB --json --quiet
fi
if [[ -n $python ]]; then
  step peers-560m 60 "$python" tools/gpu_peers.py --layers 24 --width 1024 --heads 16
  step peers-7b1 90 "$python" tools/gpu_peers.py --layers 30 --width 4096 --heads 32
else
  line peers skipped 0 text '"no --python"'
fi
line all $([[ $failed == 0 ]] && echo ok || echo failed) $((SECONDS - began)) text '""'
exit $failed
