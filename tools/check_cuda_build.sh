#!/usr/bin/env bash
# Compiles and links the program with the CUDA backend for one generation of GPUs (Hopper), with warnings as errors, and
# tries it on this machine, which needs no GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset cuda-on -DLACOS_CUDA_ARCHITECTURES=90 -DLACOS_TESTS=OFF >/dev/null
cmake --build --preset cuda-on --target lacos
# With a program without CUDA beside it, their memory is compared, too.
without=build/release/bin/lacos
grep -q '^LACOS_CUDA:STRING=\(OFF\|EMULATED\)' build/release/CMakeCache.txt 2>/dev/null && [[ -x $without ]] || without=
tests/integration/cuda_program_test.sh build/cuda-on/bin/lacos "$PWD" $without
