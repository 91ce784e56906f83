#!/bin/bash
# A program that was built with CUDA: it needs no CUDA library to start, and on a machine without a GPU it says so and
# works on the CPU.   cuda_program_test.sh PROGRAM SOURCE_FOLDER
set -uo pipefail
program=$1 source=$2 failed=0
check() { # NAME CONDITION...
  local name=$1
  shift
  "$@" && echo "ok: $name" || { echo "FAILED: $name"; failed=1; }
}
needed=$(readelf -d "$program" | grep NEEDED)
check "no CUDA library is needed to start" bash -c '! grep -qiE "cuda|cublas|nvrtc|nvidia" <<<"$1"' _ "$needed"
model=$source/examples/bloom-nano
check "info works without --device" bash -c '"$1" info --model "$2" --quiet >/dev/null' _ "$program" "$model"
if [[ -e /dev/nvidia0 ]]; then
  check "info shows the GPU" bash -c '"$1" info --model "$2" --device cuda --json | grep -q "\"backend\": *\"cuda\""' _ "$program" "$model"
else
  message=$("$program" info --model "$model" --device cuda 2>&1 >/dev/null)
  status=$?
  check "--device cuda has the exit status 1" test $status -eq 1
  check "and a message of one line that says what to do" bash -c '[[ $(wc -l <<<"$1") -eq 1 && $1 == *"[device]"*"; expected "*"device cpu"* ]]' _ "$message"
  message=$("$program" info --model "$model" --device auto 2>&1 >/dev/null)
  check "--device auto takes the CPU and says why once" bash -c '[[ $2 -eq 0 && $(grep -c "the CPU is used" <<<"$1") -eq 1 ]]' _ "$message" $?
fi
exit $failed
