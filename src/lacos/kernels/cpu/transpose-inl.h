// Transposes of stored rows in units of 32 bits, with which weights are packed in panels. Compiled once
// for each instruction set.
#if defined(LACOS_KERNELS_CPU_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LACOS_KERNELS_CPU_TRANSPOSE_INL_H_
#undef LACOS_KERNELS_CPU_TRANSPOSE_INL_H_
#else
#define LACOS_KERNELS_CPU_TRANSPOSE_INL_H_
#endif

#include "lacos/kernels/cpu/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2

// A vector whose blocks of 16 bytes are those of stored rows 0, 4, 8, ...
HWY_INLINE VI LoadBlocks(const std::byte* at, int64_t row_bytes) {
  const hn::FixedTag<uint8_t, 16> d16;
  const hn::FixedTag<uint8_t, 32> d32;
  const auto block = [&](int64_t i) HWY_ATTR {
    return hn::LoadU(d16, reinterpret_cast<const uint8_t*>(at + i * 4 * row_bytes));
  };
  const auto lower = hn::Combine(d32, block(1), block(0));
#if HWY_TARGET == HWY_AVX3
  const hn::FixedTag<uint8_t, 64> d64;
  return hn::BitCast(DI(), hn::Combine(d64, hn::Combine(d32, block(3), block(2)), lower));
#else
  return hn::BitCast(DI(), lower);
#endif
}

// Calls store(i, v) for i = 0 to 3, where v has the i-th 32 bits of each of kLanes stored rows.
template <class F>
HWY_INLINE void Transpose(const std::byte* at, int64_t row_bytes, F&& store) {
  const DI d;
  const hn::Repartition<int64_t, DI> d64;
  const VI r0 = LoadBlocks(at, row_bytes), r1 = LoadBlocks(at + row_bytes, row_bytes),
           r2 = LoadBlocks(at + 2 * row_bytes, row_bytes),
           r3 = LoadBlocks(at + 3 * row_bytes, row_bytes);
  const auto wide = [&](VI v) HWY_ATTR { return hn::BitCast(d64, v); };
  const auto a = wide(hn::InterleaveLower(d, r0, r1)), b = wide(hn::InterleaveLower(d, r2, r3));
  store(0, hn::BitCast(d, hn::InterleaveLower(d64, a, b)));
  store(1, hn::BitCast(d, hn::InterleaveUpper(d64, a, b)));
  const auto e = wide(hn::InterleaveUpper(d, r0, r1)), f = wide(hn::InterleaveUpper(d, r2, r3));
  store(2, hn::BitCast(d, hn::InterleaveLower(d64, e, f)));
  store(3, hn::BitCast(d, hn::InterleaveUpper(d64, e, f)));
}

#endif

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
