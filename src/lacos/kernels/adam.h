// The optimizer's updates in float, shared by all backends whose tensors are in host memory:
// block-wise 8-bit Adam, equal to the CPU update of bitsandbytes 0.50.2, and Adam with float
// moments, equal to its 32-bit update (the formula of torch.optim.AdamW).
//
// How to use it: the ops Adam8 and Adam of a backend pass their float arrays to these functions.
// They run on the threads of ParallelFor over fixed ranges of whole blocks, so results do not
// depend on the number of threads. Sources: Kingma and Ba (2015); Loshchilov and Hutter (2019) for
// the decoupled decay; Dettmers et al. (2022) for 8-bit states.
#pragma once

#include <cstdint>

#include "lacos/kernels/backend.h"

namespace lacos {

constexpr int64_t kAdam8BlockSize = 256;

// The float scalars of one step. Each is computed in double and rounded once, as torch does when it
// passes Python numbers to kernels.
struct AdamScalars {
  explicit AdamScalars(const AdamStep& step);

  float gradient_scale, beta1, one_minus_beta1, beta2, one_minus_beta2, eps, decay;
  float correction2 = 0, step_size = 0;  // for 8-bit moments
  float step_size_32 = 0, eps_32 = 0;    // for float moments
};

// Computes one step over n values. The order of the operations is as follows; all are in float, and
// [] marks one rounding of a fused multiply-add:
//   g = gradient * gradient_scale; m = [b1 m + (1 - b1) g]; v = [b2 v + ((1 - b2) g) g]
//   d = sqrt(v) / sqrt(1 - b2^t) + eps; p = p (1 - lr wd); p = p + (-lr / (1 - b1^t) m) / d
// Scalars are computed in double and rounded once. m and v are decoded before the step and encoded
// after it (EncodeDynamicGrid). A new state has zeros for all codes and scales. The vectorized sqrt
// of torch is not correctly rounded on every CPU, so parameters can differ from a recording by an
// ulp of the update; codes and scales do not depend on it.
void Adam8UpdateF32(const AdamStep& step, int64_t n, const float* gradient, uint8_t* m_codes,
                    uint8_t* v_codes, float* m_absmax, float* v_absmax, float* parameter);

// Computes the same step with float moments. Here p = [p + (-lr c / (1 - b1^t)) u] with c = sqrt(1
// - b2^t) and u = m / [sqrt(v) + eps c].
void AdamUpdateF32(const AdamStep& step, int64_t n, const float* gradient, float* m, float* v,
                   float* parameter);

}  // namespace lacos
