#include "lacos/kernels/cpu/convert.h"

#include "lacos/kernels/cpu/hwy_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/convert.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

void ConvertFloatsImpl(ConstFloats x, int64_t n, Floats y) {
  ForVectors(n, [&](size_t i, auto count) HWY_ATTR { Store(Load(x, i, count), y, i, count); });
}

void ConvertScaledImpl(ConstFloats x, const float* scale, bool round, int64_t n, Floats y) {
  const ConstFloats s = FloatsOf(scale);
  ForVectors(n, [&](size_t i, auto count) HWY_ATTR {
    VF v = Load(x, i, count);
    if (scale != nullptr) v = hn::Mul(v, Load(s, i, count));
    Store(RoundedLike(round, v), y, i, count);
  });
}

HWY_INLINE VF CodesAsFloats(const int8_t* codes) {
  const hn::Rebind<int8_t, DF> d8;
  return hn::ConvertTo(DF(), hn::PromoteTo(DI(), hn::LoadU(d8, codes)));
}

void DecodeLinearCodesImpl(const std::byte* bytes, float scale, bool round, int64_t n, Floats y) {
  const auto* codes = reinterpret_cast<const int8_t*>(bytes);
  const VF s = hn::Set(DF(), scale);
  size_t i = 0;
  for (; i + kLanes <= static_cast<size_t>(n); i += kLanes) {
    Store(RoundedLike(round, hn::Mul(CodesAsFloats(codes + i), s)), y, i, Full());
  }
  if (i == static_cast<size_t>(n)) return;
  HWY_ALIGN int8_t lanes[kLanes] = {};
  for (size_t l = i; l < static_cast<size_t>(n); ++l) lanes[l - i] = codes[l];
  Store(RoundedLike(round, hn::Mul(CodesAsFloats(lanes), s)), y, i, static_cast<size_t>(n) - i);
}

const char* TargetNameImpl() { return hwy::TargetName(HWY_TARGET); }

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(ConvertFloatsImpl);
HWY_EXPORT(ConvertScaledImpl);
HWY_EXPORT(DecodeLinearCodesImpl);
HWY_EXPORT(TargetNameImpl);

void ConvertFloats(ConstFloats x, int64_t n, Floats y) {
  HWY_DYNAMIC_DISPATCH(ConvertFloatsImpl)(x, n, y);
}
void ConvertScaled(ConstFloats x, const float* scale, bool round, int64_t n, Floats y) {
  HWY_DYNAMIC_DISPATCH(ConvertScaledImpl)(x, scale, round, n, y);
}
void DecodeLinearCodes(const std::byte* codes, float scale, bool round, int64_t n, Floats y) {
  HWY_DYNAMIC_DISPATCH(DecodeLinearCodesImpl)(codes, scale, round, n, y);
}
const char* HighwayTarget() { return HWY_DYNAMIC_DISPATCH(TargetNameImpl)(); }

}  // namespace lacos::cpu
#endif  // HWY_ONCE
