#include "lacos/kernels/cpu/int8/int8_rows.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <hwy/base.h>

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

#include "lacos/kernels/cpu/hwy_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/int8/int8_rows.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/int8/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

template <class Code>
using DCodes = hn::Rebind<Code, DI>;

template <class Code>
HWY_INLINE void StoreInt8Codes(hn::Vec<DCodes<Code>> v, Code* codes, Full) {
  hn::StoreU(v, DCodes<Code>(), codes);
}
template <class Code>
HWY_INLINE void StoreInt8Codes(hn::Vec<DCodes<Code>> v, Code* codes, size_t count) {
  HWY_ALIGN Code lanes[kLanes];
  hn::Store(v, DCodes<Code>(), lanes);
  std::memcpy(codes, lanes, count * sizeof(Code));
}

template <class Code>
HWY_INLINE float QuantizeInt8Codes(ConstFloats x, const float* column_scale, int64_t n,
                                   Code* codes) {
  const DI di;
  const ConstFloats scales = FloatsOf(column_scale);
  const auto value = [&](size_t i, auto count) HWY_ATTR {
    const VF v = Load(x, i, count);
    return column_scale == nullptr ? v : hn::Mul(v, Load(scales, i, count));
  };
  // The bits of magnitudes are ordered like integers, with NaN above infinity.
  VI most = hn::Zero(di);
  ForVectors(static_cast<size_t>(n), [&](size_t i, auto count) HWY_ATTR {
    most = hn::Max(most, hn::BitCast(di, hn::Abs(value(i, count))));
  });
  const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, most));
  float absmax;
  std::memcpy(&absmax, &bits, sizeof(absmax));
  const float factor = 127.0f / absmax;
  if (!std::isfinite(absmax) || !std::isfinite(factor)) {
    std::memset(codes, 0, static_cast<size_t>(n) * sizeof(Code));
    return std::isfinite(absmax) ? 0.0f : std::numeric_limits<float>::quiet_NaN();
  }
  const VF f = hn::Set(DF(), factor);
  ForVectors(static_cast<size_t>(n), [&](size_t i, auto count) HWY_ATTR {
    const auto code = hn::DemoteTo(DCodes<Code>(), hn::NearestInt(hn::Mul(value(i, count), f)));
    StoreInt8Codes<Code>(code, codes + i, count);
  });
  return absmax / 127.0f;
}

float QuantizeTo16Impl(ConstFloats x, const float* column_scale, int64_t n, int16_t* codes) {
  codes[PairedDepth(n) - 1] = 0;
  return QuantizeInt8Codes(x, column_scale, n, codes);
}
float QuantizeTo8Impl(ConstFloats x, const float* column_scale, int64_t n, int8_t* codes) {
  return QuantizeInt8Codes(x, column_scale, n, codes);
}

int32_t Int8RowSurplusImpl(Int8Weight weight, const int16_t* codes, int64_t depth) {
#if HWY_TARGET == HWY_SCALAR
  (void)weight, (void)codes, (void)depth;
  return 0;
#else
  const DI di;
  const DI16 d16;
  const auto count =
      static_cast<size_t>(weight == Int8Weight::kPacked ? PairedDepth(depth) : depth);
  VI sums = hn::Zero(di), odd = hn::Zero(di);
  size_t k = 0;
  if (weight == Int8Weight::kStored) {
    for (; k + 2 * kHalf <= count; k += 2 * kHalf)
      sums = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, codes + k),
                                           hn::LoadU(d16, codes + k + kHalf), sums, odd);
    return NegativeSum(sums, odd);
  }
  for (; k + kHalf <= count; k += kHalf) {  // each product is counted twice
    const VI16 v = hn::LoadU(d16, codes + k);
    const VI16 next = hn::BitCast(d16, hn::Shuffle2301(hn::BitCast(di, v)));
    sums = hn::ReorderWidenMulAccumulate(di, v, next, sums, odd);
  }
  int32_t sum = NegativeSum(sums, odd) / 2;
  for (; k + 4 <= count; k += 4) sum -= codes[k] * codes[k + 2] + codes[k + 1] * codes[k + 3];
  return sum;
#endif
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(QuantizeTo16Impl);
HWY_EXPORT(QuantizeTo8Impl);
HWY_EXPORT(Int8RowSurplusImpl);

namespace {

// Whether the CPU is a Zen, Zen+ or Zen 2 of AMD, which have one unit that multiplies integers and
// three that add them.
bool HasOneInt8Multiplier() {
#if HWY_ARCH_X86
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(0, &eax, &ebx, &ecx, &edx) == 0) return false;
  // the first letters of "AuthenticAMD" and "HygonGenuine"
  const bool amd = ebx == 0x68747541, hygon = ebx == 0x6f677948;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return false;
  const unsigned family = (eax >> 8 & 15) + (eax >> 20 & 255);
  return (amd && family == 0x17) || (hygon && family == 0x18);
#else
  return false;
#endif
}

}  // namespace

Int8Multiply BestInt8Multiply() {
  static const Int8Multiply best =
      HasOneInt8Multiplier() ? Int8Multiply::kHalved : Int8Multiply::kEach;
  return best;
}
const char* BestInt8MultiplyName() {
  return BestInt8Multiply() == Int8Multiply::kHalved
             ? "16-bit multiply-add by Winograd's inner product"
             : "16-bit multiply-add";
}

float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int16_t* codes) {
  return HWY_DYNAMIC_DISPATCH(QuantizeTo16Impl)(x, column_scale, n, codes);
}
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int8_t* codes) {
  return HWY_DYNAMIC_DISPATCH(QuantizeTo8Impl)(x, column_scale, n, codes);
}
int32_t Int8RowSurplus(Int8Weight weight, const int16_t* codes, int64_t depth,
                       Int8Multiply multiply) {
  return multiply == Int8Multiply::kHalved
             ? HWY_DYNAMIC_DISPATCH(Int8RowSurplusImpl)(weight, codes, depth)
             : 0;
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
