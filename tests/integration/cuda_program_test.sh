#!/bin/bash
# A program that was built with CUDA: it needs no CUDA library to start, and on a machine without a GPU it says so and
# works on the CPU.   cuda_program_test.sh PROGRAM SOURCE_FOLDER [PROGRAM_WITHOUT_CUDA]
# With the third argument it also compares memory and start of `info` with those of the other program.
set -uo pipefail
program=$1 source=$2 without=${3-} failed=0
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
if [[ -n $without ]]; then
  # The least of many runs in turn; other processes only add. Time is shown and not tested.
  check "CUDA costs info at most 2 MB of memory" python3 - "$program" "$without" "$model" <<'PY'
import os, subprocess, sys, time
rss, seconds = {}, {}
for _ in range(20):
    for program in sys.argv[1:3]:
        start = time.perf_counter()
        process = subprocess.Popen([program, "info", "--model", sys.argv[3], "--quiet"], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"{program} has the status {status}")
        seconds[program] = min(seconds.get(program, 9e9), time.perf_counter() - start)
        rss[program] = min(rss.get(program, 9e9), used.ru_maxrss / 1024)
with_cuda, without = sys.argv[1:3]
print(f"info with CUDA: {rss[with_cuda] - rss[without]:+.1f} MiB ({rss[with_cuda]:.1f} MiB in all), "
      f"{1000 * (seconds[with_cuda] - seconds[without]):+.1f} ms ({1000 * seconds[with_cuda]:.1f} ms in all)")
sys.exit(rss[with_cuda] - rss[without] > 2)
PY
fi
exit $failed
