#!/usr/bin/env bash
# Compiles and links the program with the CUDA backend for one generation of GPUs (Hopper), with warnings as errors, and
# tries it on this machine, which needs no GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset cuda-on -DLACOS_CUDA_ARCHITECTURES=90 >/dev/null
cmake --build --preset cuda-on --target lacos
# What `make gpu-check` builds beside it is not compiled here, but must be known.
cmake --build --preset cuda-on --target cuda_gpu_test gpu_bench -- -n >/dev/null
# With a program without CUDA beside it, as `make test` leaves it, their memory is compared, too.
without=build/release/bin/lacos
[[ -x $without && $("$without" info --model examples/bloom-nano --device cuda 2>&1) == *"built without CUDA"* ]] || without=
tests/integration/cuda_program_test.sh build/cuda-on/bin/lacos "$PWD" $without
