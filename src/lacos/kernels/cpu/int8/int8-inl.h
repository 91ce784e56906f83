// The parts that the integer products share, compiled once for each instruction set: vectors of
// 16-bit factors and of 32-bit sums, and halved multiplications (int8_rows.h).
#if defined(LACOS_KERNELS_CPU_INT8_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LACOS_KERNELS_CPU_INT8_INL_H_
#undef LACOS_KERNELS_CPU_INT8_INL_H_
#else
#define LACOS_KERNELS_CPU_INT8_INL_H_
#endif

#include "lacos/kernels/cpu/int8/int8_rows.h"
#include "lacos/kernels/cpu/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

// Number of rows whose sums are computed together.
constexpr size_t kGroup = 4;
static_assert(kGroup == kInt8RowGroup);
// Halved multiplications combine a pair of packed codes with the next pair, and a vector of kHalf
// stored codes with the next vector. The rest at the end is multiplied one by one.
constexpr size_t kHalf = 2 * kLanes;
constexpr bool kCanHalve = HWY_TARGET != HWY_SCALAR;
HWY_INLINE bool Halves(Int8Multiply multiply) {
  return kCanHalve && multiply == Int8Multiply::kHalved;
}

#if HWY_TARGET != HWY_SCALAR

using DI16 = hn::Repartition<int16_t, DF>;
using DI8 = hn::Rebind<int8_t, DI16>;
using VI16 = hn::Vec<DI16>;

// Forces the compiler to compute `v` here and not later. Otherwise g++ mixes the rows until
// registers run out.
HWY_INLINE void Pin(VI& v) {
#if HWY_ARCH_X86 && HWY_COMPILER_GCC_ACTUAL
  asm volatile("" : "+x"(v.raw));
#else
  (void)v;
#endif
}

HWY_INLINE int32_t NegativeSum(VI sums, VI odd) {
  return -hn::GetLane(hn::SumOfLanes(DI(), hn::Add(sums, odd)));
}

#endif

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
