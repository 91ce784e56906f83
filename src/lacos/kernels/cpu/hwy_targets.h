// The instruction sets that the element-wise kernels are compiled for. Include this before any
// header of Highway.
#pragma once

// The kernels are compiled for AVX2, AVX3 (AVX-512) and the scalar fallback. The sets between them
// are for CPUs that are older than those lacos supports, and each additional set adds a third to
// the compile time. Scalable vectors are excluded because accumulators are kept in arrays.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
