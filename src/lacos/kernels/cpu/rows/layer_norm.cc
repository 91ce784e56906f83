#include "lacos/kernels/cpu/rows/layer_norm.h"

#include <cmath>

#include "lacos/kernels/cpu/hwy_targets.h"
#include "lacos/kernels/cpu/ranges.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/rows/layer_norm.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

// The sum of term(i, count) over n values in a fixed order: four interleaved chains of vectors,
// then the lanes of their sum.
template <class F>
HWY_INLINE float SumOver(size_t n, F&& term) {
  const DF d;
  VF s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  size_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    s0 = hn::Add(s0, term(i, Full()));
    s1 = hn::Add(s1, term(i + kLanes, Full()));
    s2 = hn::Add(s2, term(i + 2 * kLanes, Full()));
    s3 = hn::Add(s3, term(i + 3 * kLanes, Full()));
  }
  for (; i + kLanes <= n; i += kLanes) s0 = hn::Add(s0, term(i, Full()));
  if (i < n) s1 = hn::Add(s1, KeepLanes(term(i, n - i), n - i));
  return Sum(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

// Computes one row; xhat may be absent. With `round`, y is computed from xhat rounded to bf16,
// whether or not xhat is kept.
float LayerNormRowImpl(ConstFloats x, ConstFloats gamma, ConstFloats beta, float eps, bool round,
                       int64_t n, Floats xhat, Floats y) {
  const DF d;
  const auto size = static_cast<size_t>(n);
  const float inverse = 1.0f / static_cast<float>(n);
  const float mean =
      SumOver(size, [&](size_t i, auto count) HWY_ATTR { return Load(x, i, count); }) * inverse;
  const VF m = hn::Set(d, mean);
  const float variance = SumOver(size,
                                 [&](size_t i, auto count) HWY_ATTR {
                                   const VF centred = hn::Sub(Load(x, i, count), m);
                                   return hn::Mul(centred, centred);
                                 }) *
                         inverse;
  const float rstd = 1.0f / std::sqrt(variance + eps);
  const VF r = hn::Set(d, rstd);
  ForVectors(size, [&](size_t i, auto count) HWY_ATTR {
    const VF normal = RoundedLike(round, hn::Mul(hn::Sub(Load(x, i, count), m), r));
    if (xhat) Store(normal, xhat, i, count);
    Store(hn::MulAdd(normal, Load(gamma, i, count), Load(beta, i, count)), y, i, count);
  });
  return rstd;
}

// dx (+)= rstd (g - mean(g) - xhat mean(g xhat)) with g = gamma dy.
void LayerNormBackwardRowImpl(ConstFloats dy, ConstFloats xhat, float rstd, ConstFloats gamma,
                              bool accumulate, int64_t n, Floats dx) {
  const DF d;
  const auto size = static_cast<size_t>(n);
  const float inverse = 1.0f / static_cast<float>(n);
  const auto g = [&](size_t i, auto count)
                     HWY_ATTR { return hn::Mul(Load(dy, i, count), Load(gamma, i, count)); };
  const VF mean = hn::Set(d, SumOver(size, g) * inverse);
  const float dot = SumOver(size, [&](size_t i, auto count) HWY_ATTR {
    return hn::Mul(g(i, count), Load(xhat, i, count));
  });
  const VF projection = hn::Set(d, dot * inverse);
  const VF r = hn::Set(d, rstd);
  ForVectors(size, [&](size_t i, auto count) HWY_ATTR {
    const VF centred = hn::NegMulAdd(Load(xhat, i, count), projection, hn::Sub(g(i, count), mean));
    const VF value = hn::Mul(centred, r);
    Store(accumulate ? hn::Add(Load(ConstFloats(dx), i, count), value) : value, dx, i, count);
  });
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(LayerNormRowImpl);
HWY_EXPORT(LayerNormBackwardRowImpl);

void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd, View y) {
  const int64_t cols = x.cols();
  LACOS_CHECK(y.Elements() == x.Elements() && gamma.Elements() == cols && beta.Elements() == cols,
              "LayerNorm's shapes agree");
  const ConstFloats fx = FloatsOf(x), fg = FloatsOf(gamma), fb = FloatsOf(beta);
  const Floats fxhat = FloatsOf(xhat), fy = FloatsOf(y);
  float* r = F32Of(rstd);
  const bool round = xhat ? fxhat.bf16 : fy.bf16;
  RunRanges(x.rows(), RowGrain(cols), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const float value =
          HWY_DYNAMIC_DISPATCH(LayerNormRowImpl)(fx.At(t * cols), fg, fb, static_cast<float>(eps),
                                                 round, cols, fxhat.At(t * cols), fy.At(t * cols));
      if (r != nullptr) r[t] = value;
    }
  });
}

void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate, View dx) {
  const int64_t cols = dx.cols();
  LACOS_CHECK(dy.Elements() == dx.Elements() && xhat.Elements() == dx.Elements() &&
                  gamma.Elements() == cols,
              "LayerNorm's shapes agree");
  const ConstFloats fdy = FloatsOf(dy), fxhat = FloatsOf(xhat), fg = FloatsOf(gamma);
  const Floats fdx = FloatsOf(dx);
  const float* r = F32Of(rstd);
  RunRanges(dx.rows(), RowGrain(cols), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      HWY_DYNAMIC_DISPATCH(LayerNormBackwardRowImpl)
      (fdy.At(t * cols), fxhat.At(t * cols), r[t], fg, accumulate, cols, fdx.At(t * cols));
    }
  });
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
