#include "lacos/kernels/cpu/int8/int8_stored.h"

#include <algorithm>
#include <cstring>

#include <hwy/cache_control.h>

#include "lacos/kernels/cpu/hwy_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/int8/int8_stored.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/int8/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

// Depth that one pass of the product with stored codes covers: 12 rows (24 KB) stay in the
// first-level cache.
constexpr size_t kDotPass = 1024;
// With this many columns, the codes (256 KB at depth 4096) stay in the second-level cache.
constexpr size_t kDotColumns = 64;

#if HWY_TARGET != HWY_SCALAR

// The sums of four rows with one stored row of codes, lane by lane. There is only one stored row at
// a time: g++ folds each load of a left row into its multiply-add, so a second one would load every
// left row again, and loads are the bottleneck.
struct Int8DotGroup {
  VI s0, s1, s2, s3;
  VI t0, t1, t2, t3;  // second vector of each sum, like left_odd in Int8RowSums

  HWY_INLINE void Begin() { s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = hn::Zero(DI()); }
  HWY_INLINE void Add(const int16_t* a, size_t stride, VI16 w) {
    const DI di;
    const DI16 d16;
    s0 = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, a), w, s0, t0);
    s1 = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, a + stride), w, s1, t1);
    s2 = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, a + 2 * stride), w, s2, t2);
    s3 = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, a + 3 * stride), w, s3, t3);
  }
  // Two vectors of the depth with half the multiplications, as in Int8RowSums::AddHalved.
  HWY_INLINE void AddHalved(const int16_t* a, size_t stride, VI16 w, VI16 next) {
    s0 = AddHalvedRow(a, w, next, s0, t0);
    s1 = AddHalvedRow(a + stride, w, next, s1, t1);
    s2 = AddHalvedRow(a + 2 * stride, w, next, s2, t2);
    s3 = AddHalvedRow(a + 3 * stride, w, next, s3, t3);
  }
  static HWY_INLINE VI AddHalvedRow(const int16_t* a, VI16 w, VI16 next, VI sums, VI& odd) {
    const DI16 d16;
    sums = hn::ReorderWidenMulAccumulate(DI(), hn::Add(next, hn::LoadU(d16, a)),
                                         hn::Add(w, hn::LoadU(d16, a + kHalf)), sums, odd);
    Pin(sums);
    return sums;
  }
  HWY_INLINE void Store(int32_t* lanes) const {
    const DI di;
    hn::StoreU(hn::RearrangeToOddPlusEven(s0, t0), di, lanes);
    hn::StoreU(hn::RearrangeToOddPlusEven(s1, t1), di, lanes + kLanes);
    hn::StoreU(hn::RearrangeToOddPlusEven(s2, t2), di, lanes + 2 * kLanes);
    hn::StoreU(hn::RearrangeToOddPlusEven(s3, t3), di, lanes + 3 * kLanes);
  }
};

// lanes [kGroups * kGroup, kLanes] = partial sums of the rows of a times b over `depth`, which is a
// multiple of 2 * kLanes. If multiplications are halved, the sums contain the surpluses of the rows
// and of b. Returns the negative surplus of b.
template <bool kHalved, size_t kGroups>
HWY_NOINLINE int32_t Int8DotLanes(size_t depth, const int16_t* a, size_t a_stride, const int8_t* b,
                                  int32_t* lanes) {
  const DI di;
  const DI8 d8;
  const DI16 d16;
  Int8DotGroup g0, g1, g2;
  g0.Begin();
  g1.Begin();
  g2.Begin();
  VI surplus = hn::Zero(di), surplus_odd = hn::Zero(di);
  size_t k = 0;
  if constexpr (kHalved) {
    for (; k + 2 * kHalf <= depth; k += 2 * kHalf) {
      const VI16 w = hn::PromoteTo(d16, hn::LoadU(d8, b + k));
      const VI16 next = hn::PromoteTo(d16, hn::LoadU(d8, b + k + kHalf));
      surplus = hn::ReorderWidenMulAccumulate(di, w, next, surplus, surplus_odd);
      g0.AddHalved(a + k, a_stride, w, next);
      if constexpr (kGroups > 1) g1.AddHalved(a + kGroup * a_stride + k, a_stride, w, next);
      if constexpr (kGroups > 2) g2.AddHalved(a + 2 * kGroup * a_stride + k, a_stride, w, next);
    }
  }
  for (; k < depth; k += 2 * kLanes) {
    const VI16 w = hn::PromoteTo(d16, hn::LoadU(d8, b + k));
    g0.Add(a + k, a_stride, w);
    if constexpr (kGroups > 1) g1.Add(a + kGroup * a_stride + k, a_stride, w);
    if constexpr (kGroups > 2) g2.Add(a + 2 * kGroup * a_stride + k, a_stride, w);
  }
  g0.Store(lanes);
  if constexpr (kGroups > 1) g1.Store(lanes + kGroup * kLanes);
  if constexpr (kGroups > 2) g2.Store(lanes + 2 * kGroup * kLanes);
  if constexpr (!kHalved) return 0;
  return NegativeSum(surplus, surplus_odd);
}

using DI4 = hn::FixedTag<int32_t, 4>;

// The sum of the 128-bit blocks of a vector.
template <class V>
HWY_INLINE hn::Vec<DI4> SumOfBlocks(V v) {
  using D = hn::DFromV<V>;
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    return SumOfBlocks(hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    return v;
  }
}

// The sums of four rows, each over its kLanes values in lanes [4, kLanes].
HWY_INLINE hn::Vec<DI4> SumFourRows(const int32_t* lanes) {
  const DI di;
  const hn::Repartition<int64_t, DI> d64;
  const auto halves = [&](const int32_t* x) HWY_ATTR {
    const VI even = hn::Load(di, x), odd = hn::Load(di, x + kLanes);
    return hn::BitCast(
        d64, hn::Add(hn::InterleaveLower(di, even, odd), hn::InterleaveUpper(di, even, odd)));
  };
  const auto lower = halves(lanes), upper = halves(lanes + 2 * kLanes);
  return SumOfBlocks(hn::Add(hn::BitCast(di, hn::InterleaveLower(d64, lower, upper)),
                             hn::BitCast(di, hn::InterleaveUpper(d64, lower, upper))));
}

// out [4 rows, 4 columns] = the transpose of sums [4 columns, 4 rows], with each row
// multiplied by its scale.
HWY_INLINE void StoreScaledColumns(const int32_t* sums, size_t stride, const float* scale,
                                   float* out, size_t out_stride) {
  const DI4 d4;
  const hn::Repartition<int64_t, DI4> d64;
  const hn::Rebind<float, DI4> df;
  const auto c0 = hn::LoadU(d4, sums), c1 = hn::LoadU(d4, sums + stride);
  const auto c2 = hn::LoadU(d4, sums + 2 * stride), c3 = hn::LoadU(d4, sums + 3 * stride);
  const auto a01 = hn::BitCast(d64, hn::InterleaveLower(d4, c0, c1));
  const auto a23 = hn::BitCast(d64, hn::InterleaveLower(d4, c2, c3));
  const auto b01 = hn::BitCast(d64, hn::InterleaveUpper(d4, c0, c1));
  const auto b23 = hn::BitCast(d64, hn::InterleaveUpper(d4, c2, c3));
  const auto store = [&](size_t row, auto values) HWY_ATTR {
    const auto floats = hn::ConvertTo(df, hn::BitCast(d4, values));
    hn::StoreU(hn::Mul(floats, hn::Set(df, scale[row])), df, out + row * out_stride);
  };
  store(0, hn::InterleaveLower(d64, a01, a23));
  store(1, hn::InterleaveUpper(d64, a01, a23));
  store(2, hn::InterleaveLower(d64, b01, b23));
  store(3, hn::InterleaveUpper(d64, b01, b23));
}

#endif

// sums [columns, kGroups * kGroup] += the products of rows [0, kGroups * kGroup) with every column,
// over one pass of the depth.
template <bool kHalved, size_t kGroups>
void Int8DotRows(const int16_t* a, size_t a_stride, const int8_t* codes, int64_t stride,
                 size_t columns, size_t depth, int32_t* sums) {
  constexpr size_t kRows = kGroups * kGroup;
  for (size_t column = 0; column < columns; ++column, sums += kRows) {
    const int8_t* b = codes + static_cast<int64_t>(column) * stride;
#if HWY_TARGET == HWY_SCALAR
    const size_t whole = 0;
#else
    const size_t whole = depth - depth % kHalf;
    // Codes come from memory in pieces that are too short for the CPU's own prefetcher, so the row
    // after the next one is prefetched here.
    const int8_t* ahead = b + (column + 2 < columns ? 2 : 0) * stride;
    for (size_t k = 0; k < depth; k += 64) hwy::Prefetch(ahead + k);
    HWY_ALIGN int32_t lanes[kRows * kLanes];
    const DI4 d4;
    const auto surplus = hn::Set(d4, Int8DotLanes<kHalved, kGroups>(whole, a, a_stride, b, lanes));
    for (size_t row = 0; row < kRows; row += 4) {
      const auto earlier = hn::Add(hn::LoadU(d4, sums + row), surplus);
      hn::StoreU(hn::Add(SumFourRows(lanes + row * kLanes), earlier), d4, sums + row);
    }
#endif
    for (size_t k = whole; k < depth; ++k) {
      // A sum may have wrapped around before it was complete, so it is added as an unsigned number.
      for (size_t i = 0; i < kRows; ++i)
        sums[i] = static_cast<int32_t>(static_cast<uint32_t>(sums[i]) +
                                       static_cast<uint32_t>(a[i * a_stride + k] * b[k]));
    }
  }
}

// out [kGroups * kGroup, columns] = the first rows of `left` times the codes of the columns.
template <bool kHalved, size_t kGroups>
void Int8DotGroups(const Int8Rows& left, const int8_t* codes, int64_t stride, size_t columns,
                   int64_t depth, float* out, size_t out_stride) {
  constexpr size_t kRows = kGroups * kGroup;
  const auto left_stride = static_cast<size_t>(Int8LeftStride(depth)),
             all = static_cast<size_t>(depth);
  int32_t start[kRows] = {}, sums[kDotColumns * kRows];
  if (kHalved) std::copy_n(left.surplus, kRows, start);
  for (size_t column = 0; column < columns; ++column)
    std::copy_n(start, kRows, sums + column * kRows);
  for (size_t pass = 0; pass < all; pass += kDotPass) {
    Int8DotRows<kHalved, kGroups>(left.codes + pass, left_stride, codes + pass, stride, columns,
                                  std::min(kDotPass, all - pass), sums);
  }
  size_t column = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; column + 4 <= columns; column += 4) {
    for (size_t row = 0; row < kRows; row += 4)
      StoreScaledColumns(sums + column * kRows + row, kRows, left.scale + row,
                         out + row * out_stride + column, out_stride);
  }
#endif
  for (; column < columns; ++column) {
    for (size_t i = 0; i < kRows; ++i)
      out[i * out_stride + column] = static_cast<float>(sums[column * kRows + i]) * left.scale[i];
  }
}

template <bool kHalved>
void Int8DotProductOf(const Int8Rows& left, const int8_t* codes, int64_t stride, int64_t columns,
                      int64_t depth, float* sums) {
  const auto width = static_cast<size_t>(columns);
  // The codes of kDotColumns columns are still in the second-level cache when the next rows need
  // them. So are the codes that the CPU prefetched beyond a pass's piece of a row, when the next
  // pass needs them.
  for (size_t column = 0; column < width; column += kDotColumns) {
    const size_t some = std::min(kDotColumns, width - column);
    for (int64_t row = 0; row < left.rows;) {
      const int64_t groups = std::min<int64_t>(3, (left.rows - row) / static_cast<int64_t>(kGroup));
      const auto run = groups == 3   ? Int8DotGroups<kHalved, 3>
                       : groups == 2 ? Int8DotGroups<kHalved, 2>
                                     : Int8DotGroups<kHalved, 1>;
      const Int8Rows rows{left.codes + row * Int8LeftStride(depth), left.scale + row,
                          left.surplus + row, 0};
      run(rows, codes + static_cast<int64_t>(column) * stride, stride, some, depth,
          sums + static_cast<size_t>(row) * width + column, width);
      row += groups * static_cast<int64_t>(kGroup);
    }
  }
}

void Int8DotProductImpl(Int8Multiply multiply, const Int8Rows& left, const int8_t* codes,
                        int64_t stride, int64_t columns, int64_t depth, float* sums) {
  const auto run = Halves(multiply) ? Int8DotProductOf<kCanHalve> : Int8DotProductOf<false>;
  run(left, codes, stride, columns, depth, sums);
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(Int8DotProductImpl);

void Int8DotProduct(const Int8Rows& left, const int8_t* codes, int64_t stride, int64_t columns,
                    int64_t depth, float* sums, Int8Multiply multiply) {
  HWY_DYNAMIC_DISPATCH(Int8DotProductImpl)(multiply, left, codes, stride, columns, depth, sums);
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
