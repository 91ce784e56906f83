// GELU in its tanh form and its derivative on vectors, computed through the logistic function:
//   0.5 (1 + tanh a) = 1 / (1 + e^-2a)
// takes one exponential and keeps full relative precision where the tanh form
// loses it to cancellation.
#if defined(LACOS_KERNELS_CPU_GELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LACOS_KERNELS_CPU_GELU_INL_H_
#undef LACOS_KERNELS_CPU_GELU_INL_H_
#else
#define LACOS_KERNELS_CPU_GELU_INL_H_
#endif

#include "hwy/contrib/math/math-inl.h"
#include "lacos/kernels/cpu/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

constexpr float kGeluSlope = 0.79788456f;  // the constant that BLOOM uses for sqrt(2 / pi)
constexpr float kGeluCubic = 0.044715f;

// 1 / (1 + e^(-2 a)) with a = kGeluSlope u (1 + kGeluCubic u^2).
HWY_INLINE VF GeluGate(VF u) {
  const DF d;
  const VF one = hn::Set(d, 1.0f);
  const VF inner = hn::MulAdd(hn::Set(d, kGeluCubic), hn::Mul(u, u), one);
  const VF exponent = hn::Mul(hn::Mul(hn::Set(d, -2.0f * kGeluSlope), u), inner);
  // Exp of Highway is undefined above ln(FLT_MAX), and at 88 the gate is already 6e-39. Exp(NaN) is
  // 0, but u itself is NaN then and carries it to the result.
  const VF e = hn::Exp(d, hn::Min(exponent, hn::Set(d, 88.0f)));
  return hn::Div(one, hn::Add(one, e));
}

HWY_INLINE VF GeluValue(VF u) { return hn::Mul(u, GeluGate(u)); }

// gate + u gate (1 - gate) 2 kGeluSlope (1 + 3 kGeluCubic u^2).
HWY_INLINE VF GeluDerivative(VF u) {
  const DF d;
  const VF one = hn::Set(d, 1.0f);
  const VF gate = GeluGate(u);
  const VF inner = hn::MulAdd(hn::Set(d, 3.0f * kGeluCubic), hn::Mul(u, u), one);
  const VF slope = hn::Mul(hn::Mul(hn::Set(d, 2.0f * kGeluSlope), u), inner);
  return hn::MulAdd(hn::Mul(gate, hn::Sub(one, gate)), slope, gate);
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
