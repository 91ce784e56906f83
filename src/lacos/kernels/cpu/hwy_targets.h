// Which instruction sets the element-wise kernels are compiled for; include before any Highway
// header.
#pragma once

// AVX2, AVX3 (AVX-512) and the scalar fallback: the sets between them are older than the CPUs lacos
// is for, and each one more is a third more compile time. Scalable vectors are out because
// accumulators live in arrays.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
