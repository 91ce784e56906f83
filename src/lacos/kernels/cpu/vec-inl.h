// Vectors of floats that are loaded from and stored to f32 or bf16 memory, with masked tails.
// Compiled once for each instruction set.
//
// bf16 is rounded to nearest even here, because the conversion in Highway 1.0.3 truncates.
#if defined(LACOS_KERNELS_CPU_VEC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LACOS_KERNELS_CPU_VEC_INL_H_
#undef LACOS_KERNELS_CPU_VEC_INL_H_
#else
#define LACOS_KERNELS_CPU_VEC_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "lacos/kernels/cpu/floats.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;
using DU = hn::RebindToUnsigned<DF>;
using DI = hn::RebindToSigned<DF>;
using VI = hn::Vec<DI>;
using DHalf = hn::Rebind<uint16_t, DF>;  // as many bf16 numbers as a vector has floats

constexpr size_t kLanes = HWY_LANES(float);  // all enabled targets have fixed sizes

HWY_INLINE VF FromBF16(hn::Vec<DHalf> bits) {
  return hn::BitCast(DF(), hn::ShiftLeft<16>(hn::PromoteTo(DU(), bits)));
}

// The bits of the nearest bf16 number in the low half of each lane. NaN stays NaN.
HWY_INLINE hn::Vec<DU> BF16Bits(VF v) {
  const DU du;
  const auto bits = hn::BitCast(du, v);
  const auto upper = hn::ShiftRight<16>(bits);
  const auto odd = hn::And(upper, hn::Set(du, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF))));
  const auto quiet = hn::Or(upper, hn::Set(du, 0x40));
  return hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(v)), quiet, rounded);
}

HWY_INLINE hn::Vec<DHalf> ToBF16(VF v) {
  return hn::DemoteTo(DHalf(), hn::BitCast(DI(), BF16Bits(v)));
}

// The value that storing as bf16 and loading again gives.
HWY_INLINE VF RoundedToBF16(VF v) { return hn::BitCast(DF(), hn::ShiftLeft<16>(BF16Bits(v))); }
HWY_INLINE VF RoundedLike(bool bf16, VF v) { return bf16 ? RoundedToBF16(v) : v; }

// The type of the count for a whole vector. Otherwise the count is a number of leading lanes, and
// the other lanes are loaded as zero.
struct Full {};

HWY_INLINE VF Load(ConstFloats x, size_t i, Full) {
  if (x.bf16) return FromBF16(hn::LoadU(DHalf(), x.bits() + i));
  return hn::LoadU(DF(), x.f32() + i);
}

HWY_INLINE VF Load(ConstFloats x, size_t i, size_t count) {
  if (x.bf16) {
    HWY_ALIGN uint16_t lanes[kLanes] = {};
    for (size_t l = 0; l < count; ++l) lanes[l] = x.bits()[i + l];
    return FromBF16(hn::Load(DHalf(), lanes));
  }
  HWY_ALIGN float lanes[kLanes] = {};
  for (size_t l = 0; l < count; ++l) lanes[l] = x.f32()[i + l];
  return hn::Load(DF(), lanes);
}

HWY_INLINE void Store(VF v, Floats y, size_t i, Full) {
  if (y.bf16) {
    hn::StoreU(ToBF16(v), DHalf(), y.bits() + i);
  } else {
    hn::StoreU(v, DF(), y.f32() + i);
  }
}

HWY_INLINE void Store(VF v, Floats y, size_t i, size_t count) {
  if (y.bf16) {
    HWY_ALIGN uint16_t lanes[kLanes];
    hn::Store(ToBF16(v), DHalf(), lanes);
    for (size_t l = 0; l < count; ++l) y.bits()[i + l] = lanes[l];
  } else {
    HWY_ALIGN float lanes[kLanes];
    hn::Store(v, DF(), lanes);
    for (size_t l = 0; l < count; ++l) y.f32()[i + l] = lanes[l];
  }
}

HWY_INLINE VF KeepLanes(VF v, Full) { return v; }
HWY_INLINE VF KeepLanes(VF v, size_t count) {
  return hn::IfThenElseZero(hn::FirstN(DF(), count), v);
}

// Calls f(i, Full) for each whole vector of n values, and f(i, count) for the rest.
template <class F>
HWY_INLINE void ForVectors(size_t n, F&& f) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, Full());
  if (i < n) f(i, n - i);
}

HWY_INLINE float Sum(VF v) { return hn::GetLane(hn::SumOfLanes(DF(), v)); }

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
