// Adam with 8-bit or float moments. Fused multiply-adds are written out (std::fma), because they
// are part of the definition, and -ffp-contract=off keeps the compiler from adding others.
#include "lacos/kernels/adam.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "lacos/base/checked_math.h"
#include "lacos/base/parallel.h"
#include "lacos/quant/code.h"

namespace lacos {

AdamScalars::AdamScalars(const AdamStep& s)
    : gradient_scale(static_cast<float>(s.gradient_scale)),
      beta1(static_cast<float>(s.beta1)),
      one_minus_beta1(static_cast<float>(1.0 - s.beta1)),
      beta2(static_cast<float>(s.beta2)),
      one_minus_beta2(static_cast<float>(1.0 - s.beta2)),
      eps(static_cast<float>(s.eps)),
      decay(s.weight_decay > 0 ? static_cast<float>(1.0 - s.learning_rate * s.weight_decay)
                               : 1.0f) {
  const double correction1 = 1.0 - std::pow(s.beta1, static_cast<double>(s.step));
  const double root2 = std::sqrt(1.0 - std::pow(s.beta2, static_cast<double>(s.step)));
  correction2 = static_cast<float>(root2);
  step_size = static_cast<float>(-s.learning_rate / correction1);
  step_size_32 = static_cast<float>(-s.learning_rate * root2 / correction1);
  eps_32 = static_cast<float>(s.eps * root2);
}

namespace {

inline void UpdateMoments(const AdamScalars& s, float g, float& m, float& v) {
  m = std::fma(g, s.one_minus_beta1, m * s.beta1);
  v = std::fma(s.one_minus_beta2 * g, g, v * s.beta2);
}

// A task has 256 blocks: large enough to hide the cost of scheduling, small enough for the threads
// to finish together.
constexpr int64_t kTask = 256 * kAdam8BlockSize;

void Adam8Block(const AdamScalars& s, int64_t n, const float* gradient, uint8_t* m_codes,
                uint8_t* v_codes, float& m_absmax, float& v_absmax, const float* m_map,
                const float* v_map, float* parameter) {
  float m[kAdam8BlockSize];
  float v[kAdam8BlockSize];
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * s.gradient_scale;
    m[i] = m_map[m_codes[i]] * m_absmax;
    v[i] = v_map[v_codes[i]] * v_absmax;
    UpdateMoments(s, g, m[i], v[i]);
  }
  for (int64_t i = 0; i < n; ++i) {
    const float denominator = std::sqrt(v[i]) / s.correction2 + s.eps;
    const float p = parameter[i] * s.decay;
    parameter[i] = p + (s.step_size * m[i]) / denominator;
  }
  EncodeDynamicGrid({m, static_cast<size_t>(n)}, kAdam8BlockSize, true, m_codes, &m_absmax);
  EncodeDynamicGrid({v, static_cast<size_t>(n)}, kAdam8BlockSize, false, v_codes, &v_absmax);
}

}  // namespace

void Adam8UpdateF32(const AdamStep& step, int64_t n, const float* gradient, uint8_t* m_codes,
                    uint8_t* v_codes, float* m_absmax, float* v_absmax, float* parameter) {
  const AdamScalars scalars(step);
  const float* m_map = DynamicMap(true).data();
  const float* v_map = DynamicMap(false).data();
  ParallelFor(CeilDivide(n, kTask), [&](int64_t task) {
    const int64_t end = std::min(n, (task + 1) * kTask);
    for (int64_t i = task * kTask; i < end; i += kAdam8BlockSize) {
      const int64_t block = i / kAdam8BlockSize;
      Adam8Block(scalars, std::min(kAdam8BlockSize, end - i), gradient + i, m_codes + i,
                 v_codes + i, m_absmax[block], v_absmax[block], m_map, v_map, parameter + i);
    }
  });
}

void AdamUpdateF32(const AdamStep& step, int64_t n, const float* gradient, float* m, float* v,
                   float* parameter) {
  const AdamScalars s(step);
  ParallelFor(CeilDivide(n, kTask), [&](int64_t task) {
    const int64_t end = std::min(n, (task + 1) * kTask);
    for (int64_t i = task * kTask; i < end; ++i) {
      UpdateMoments(s, gradient[i] * s.gradient_scale, m[i], v[i]);
      const float update = m[i] / (std::sqrt(v[i]) + s.eps_32);
      parameter[i] = std::fma(update, s.step_size_32, parameter[i] * s.decay);
    }
  });
}

}  // namespace lacos
