// Philox4x32-10 on as many counters at a time as a vector has lanes, word for
// word equal to base/rng.h.
#if defined(LACOS_KERNELS_CPU_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LACOS_KERNELS_CPU_PHILOX_INL_H_
#undef LACOS_KERNELS_CPU_PHILOX_INL_H_
#else
#define LACOS_KERNELS_CPU_PHILOX_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "lacos/kernels/cpu/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

using VU = hn::Vec<DU>;

// Computes the high and low halves of the 64-bit products a * b, lane by lane.
HWY_INLINE void WideMultiply(VU a, VU b, VU& high, VU& low) {
  const DU du;
#if HWY_TARGET == HWY_SCALAR
  const uint64_t product = uint64_t{hn::GetLane(a)} * hn::GetLane(b);
  high = hn::Set(du, static_cast<uint32_t>(product >> 32));
  low = hn::Set(du, static_cast<uint32_t>(product));
#else
  const hn::Repartition<uint64_t, DU> du64;
  const auto even = hn::MulEven(a, b);
  const auto odd = hn::MulEven(hn::BitCast(du, hn::ShiftRight<32>(hn::BitCast(du64, a))), b);
  low = hn::OddEven(hn::BitCast(du, hn::ShiftLeft<32>(odd)), hn::BitCast(du, even));
  high = hn::OddEven(hn::BitCast(du, odd), hn::BitCast(du, hn::ShiftRight<32>(even)));
#endif
}

// words[4 l + w] = word w of Philox({first_counter + l, site, low(key), high(key)}, {0, 0}) for
// each lane l.
HWY_INLINE void PhiloxWords(uint32_t first_counter, uint32_t site, uint64_t key,
                            uint32_t* HWY_RESTRICT words) {
  const DU du;
  VU c0 = hn::Iota(du, first_counter);
  VU c1 = hn::Set(du, site);
  VU c2 = hn::Set(du, static_cast<uint32_t>(key));
  VU c3 = hn::Set(du, static_cast<uint32_t>(key >> 32));
  VU k0 = hn::Zero(du);
  VU k1 = hn::Zero(du);
  const VU m0 = hn::Set(du, 0xD2511F53u);
  const VU m1 = hn::Set(du, 0xCD9E8D57u);
  for (int round = 0; round < 10; ++round) {
    VU high0, low0, high1, low1;
    WideMultiply(c0, m0, high0, low0);
    WideMultiply(c2, m1, high1, low1);
    c0 = hn::Xor(hn::Xor(high1, c1), k0);
    c2 = hn::Xor(hn::Xor(high0, c3), k1);
    c1 = low1;
    c3 = low0;
    k0 = hn::Add(k0, hn::Set(du, 0x9E3779B9u));
    k1 = hn::Add(k1, hn::Set(du, 0xBB67AE85u));
  }
  HWY_ALIGN uint32_t lanes[4][kLanes];
  hn::Store(c0, du, lanes[0]);
  hn::Store(c1, du, lanes[1]);
  hn::Store(c2, du, lanes[2]);
  hn::Store(c3, du, lanes[3]);
  for (size_t l = 0; l < kLanes; ++l) {
    for (size_t w = 0; w < 4; ++w) words[4 * l + w] = lanes[w][l];
  }
}

// factors[i] = 0 if channel `first + i` of this row is dropped, else `scale`, for n channels.
// DropoutSpec defines which channels are dropped.
HWY_INLINE void DropoutFactors(uint64_t key, uint32_t site, uint64_t first, size_t n,
                               uint32_t threshold, float scale, float* HWY_RESTRICT factors) {
  constexpr size_t kWords = 4 * kLanes;
  HWY_ALIGN uint32_t words[kWords];
  size_t skip = first % 4;
  auto counter = static_cast<uint32_t>(first / 4);
  for (size_t i = 0; i < n;) {
    PhiloxWords(counter, site, key, words);
    counter += kLanes;
    const size_t count = std::min(n - i, kWords - skip);
    for (size_t w = 0; w < count; ++w) factors[i + w] = words[skip + w] < threshold ? 0.0f : scale;
    i += count;
    skip = 0;
  }
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
